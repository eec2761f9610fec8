/* chess_games.c -- positions of chess games, played from their moves. */
#include "networks/chess.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void chess_board_start(struct chess_board *board)
{
    static const char pieces[] = "RNBQKBNR", others[] = "rnbqkbnr";
    *board = (struct chess_board){0};
    for (size_t file = 0; file < 8; file++) {
        board->piece[file] = pieces[file];
        board->piece[8 + file] = 'P';
        board->piece[48 + file] = 'p';
        board->piece[56 + file] = others[file];
    }
}

/* The square named by two characters, 64 if they name none. */
static unsigned square_of(const char *text)
{
    if (text[0] < 'a' || text[0] > 'h' || text[1] < '1' || text[1] > '8')
        return 64;
    return (unsigned)(text[0] - 'a') + 8 * (unsigned)(text[1] - '1');
}

enum ndl_status chess_board_move(struct chess_board *board, enum chess_side side, const char *move,
                                 struct ndl_error *err)
{
    size_t length = strlen(move);
    unsigned from = length >= 4 ? square_of(move) : 64, to = length >= 4 ? square_of(move + 2) : 64;
    bool promotes = length == 5 && strchr("nbrq", move[4]);
    if (from == 64 || to == 64 || from == to || !(length == 4 || promotes))
        return ndl_fail(err, NDL_BADDATA, "'%.10s' is no move such as e2e4 or a7a8q", move);
    char *piece = board->piece, mover = piece[from];
    bool white = mover >= 'A' && mover <= 'Z';
    if (!mover || white != (side == CHESS_WHITE))
        return ndl_fail(err, NDL_BADDATA, "%s: %s has no piece there", move,
                        side == CHESS_WHITE ? "white" : "black");
    if (piece[to] == 'K' || piece[to] == 'k')
        return ndl_fail(err, NDL_BADDATA, "%s: takes a king", move);
    bool pawn = mover == 'P' || mover == 'p', king = mover == 'K' || mover == 'k';
    if (promotes && !(pawn && (to >= 56 || to < 8)))
        return ndl_fail(err, NDL_BADDATA, "%s: no pawn on the last rank", move);
    /* En passant: the pawn that is taken stands beside the one that takes it. */
    if (pawn && from % 8 != to % 8 && !piece[to])
        piece[from / 8 * 8 + to % 8] = 0;
    /* Castling: a king that moves two files brings its rook to the square it has crossed. */
    if (king && from % 8 == 4 && (to % 8 == 6 || to % 8 == 2) && from / 8 == to / 8) {
        unsigned corner = from / 8 * 8 + (to % 8 == 6 ? 7 : 0);
        piece[(from + to) / 2] = piece[corner];
        piece[corner] = 0;
    }
    piece[to] = promotes ? (char)(white ? move[4] & ~0x20 : move[4]) : mover;
    piece[from] = 0;
    return NDL_OK;
}

/* One line of moves. */
static enum ndl_status play(char *line, size_t game, void *context,
                            bool (*visit)(void *, const struct chess_board *, enum chess_side,
                                          size_t, size_t),
                            bool *more, struct ndl_error *err)
{
    struct chess_board board;
    chess_board_start(&board);
    char *rest = NULL;
    size_t moves = 0;
    for (char *move = strtok_r(line, " \t\r\n", &rest); move && *more;
         move = strtok_r(NULL, " \t\r\n", &rest)) {
        enum ndl_status status =
            chess_board_move(&board, moves % 2 ? CHESS_BLACK : CHESS_WHITE, move, err);
        if (status != NDL_OK)
            return status;
        moves++;
        *more = visit(context, &board, moves % 2 ? CHESS_BLACK : CHESS_WHITE, game, moves);
    }
    return NDL_OK;
}

enum ndl_status chess_games_play(const char *path, void *context,
                                 bool (*visit)(void *context, const struct chess_board *board,
                                               enum chess_side next, size_t game, size_t moves),
                                 struct ndl_error *err)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    enum ndl_status status = NDL_OK;
    bool more = true;
    for (size_t game = 0; status == NDL_OK && more && getline(&line, &room, file) > 0; game++) {
        struct ndl_error why;
        status = play(line, game, context, visit, &more, &why);
        if (status != NDL_OK)
            ndl_fail(err, status, "%s:%zu: %s", path, game + 1, why.text);
    }
    if (status == NDL_OK && ferror(file))
        status = ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return status;
}

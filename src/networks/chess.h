/* chess.h -- a network whose dictionary is known: the first layer of a chess evaluator.
 *
 * Debian's package stockfish contains an evaluation network, which was trained to judge positions.
 * Its first layer is a sum of rows of a table: for each side, the bias and one row for every piece
 * on the board,
 *
 *     x = b + sum over the pieces of W[own king's square, piece, square] ,
 *
 * 1,024 integers.  So x = b + sum_k z_k d_k with codes that are 0 or 1, atoms that nobody has to
 * guess and features with names.  The board is seen from the side's own end, and mirrored so that
 * its king stands on the files e to h (the feature set is known as HalfKAv2_hm).
 *
 * The engine is a program that is run, never linked: its file is only read, and found to hold the
 * network by the header and the hash that names it, nn-ad9b42354671, of version 15.1. */
#ifndef CHESS_H
#define CHESS_H

#include "ndl/ndl.h"

enum {
    CHESS_WIDTH = 1024,            /* d */
    CHESS_PIECE_SQUARES = 11 * 64, /* kinds of piece (both kings are one) times squares */
    CHESS_KING_PLACES = 32,        /* the king's square up to the mirror */
    CHESS_FEATURES = CHESS_KING_PLACES * CHESS_PIECE_SQUARES,
    CHESS_MOST_PIECES = 32
};

enum chess_side { CHESS_WHITE, CHESS_BLACK };

/* A letter of "PNBRQK" (white) or "pnbrqk" (black) on each square, 0 if empty; a1 is 0, b1 is 1,
 * a2 is 8. */
struct chess_board {
    char piece[64];
};

/* ------------------------------------------------------------------- network */

struct chess_network;

/* Opens the program of the engine, for instance /usr/games/stockfish.  NDL_IO if it cannot be
 * read, NDL_BADDATA if it does not hold this network; the caller may then skip what it wanted. */
enum ndl_status chess_network_open(struct chess_network **network, const char *path,
                                   struct ndl_error *err);
void chess_network_close(struct chess_network *network);
/* The bias, and the atom of a feature below CHESS_FEATURES: CHESS_WIDTH integers each. */
void chess_network_bias(const struct chess_network *network, double *b);
void chess_network_atom(const struct chess_network *network, size_t feature, double *d);

/* The features that are on for a side, in the order of the squares of the board; returns their
 * number, the number of pieces.  Both kings must be on the board (asserted). */
size_t chess_features(const struct chess_board *board, enum chess_side side,
                      uint32_t feature[CHESS_MOST_PIECES]);
/* The name of a feature, for instance "own P e4 | king g1": whose piece, its kind and its square,
 * seen from the side's own end and mirrored.  `name` holds at least 24 characters. */
void chess_feature_name(size_t feature, char *name);

/* --------------------------------------------------------------------- games */

void chess_board_start(struct chess_board *board);
/* Plays a move such as "e2e4", "e1g1" (castling) or "a7a8q".  NDL_BADDATA, with the board as it
 * was, if the text is no move or there is no piece of the side to be moved; whether the rules
 * allow the move is not checked. */
enum ndl_status chess_board_move(struct chess_board *board, enum chess_side side, const char *move,
                                 struct ndl_error *err);
/* Plays the games of a file, a game a line, its moves separated by blanks, and calls
 * visit(context, board, next, game, moves) after each move with the side that moves next; it
 * returns false to stop early, which is no failure.  NDL_BADDATA with "file:line: message". */
enum ndl_status chess_games_play(const char *path, void *context,
                                 bool (*visit)(void *context, const struct chess_board *board,
                                               enum chess_side next, size_t game, size_t moves),
                                 struct ndl_error *err);

#endif

/* unit_chess.c -- the boards and features of the chess network, and its layer against the engine's
 * own evaluation by tests/python_chess.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "networks/chess.h"

static const char *play(struct chess_board *board, const char *moves)
{
    static struct ndl_error err;
    err.text[0] = 0;
    chess_board_start(board);
    char line[400], *rest = NULL;
    snprintf(line, sizeof line, "%s", moves);
    int side = CHESS_WHITE;
    for (char *move = strtok_r(line, " ", &rest); move; move = strtok_r(NULL, " ", &rest)) {
        if (chess_board_move(board, (enum chess_side)side, move, &err) != NDL_OK)
            break;
        side = !side;
    }
    return err.text;
}

/* The board as a string from a1 to h8, '.' for an empty square. */
static const char *shown(const struct chess_board *board)
{
    static char text[65];
    for (int s = 0; s < 64; s++)
        text[s] = board->piece[s] ? board->piece[s] : '.';
    return text;
}

static void castling_and_en_passant(void **state)
{
    (void)state;
    struct chess_board board;
    assert_string_equal(play(&board, "e2e4 a7a6 e4e5 d7d5 e5d6 g8f6 g1f3 g7g6 f1c4 f8g7 e1g1 e8g8"),
                        "");
    assert_string_equal(shown(&board), "RNBQ.RK."
                                       "PPPP.PPP"
                                       ".....N.."
                                       "..B....."
                                       "........"
                                       "p..P.np."
                                       ".pp.ppbp"
                                       "rnbq.rk.");
    assert_string_equal(play(&board, "d2d4 d7d5 c1f4 c8f5 b1c3 b8c6 d1d3 d8d6 e1c1 e8c8"), "");
    assert_string_equal(shown(&board), "..KR.BNR"
                                       "PPP.PPPP"
                                       "..NQ...."
                                       "...P.B.."
                                       "...p.b.."
                                       "..nq...."
                                       "ppp.pppp"
                                       "..kr.bnr");
    assert_string_equal(play(&board, "a2a4 b7b5 a4b5 a7a6 b5a6 c8b7 a6b7 h7h6 b7a8n"), "");
    assert_int_equal(board.piece[56], 'N');
}

static void faulty_moves(void **state)
{
    (void)state;
    struct chess_board board, start;
    chess_board_start(&start);
    static const char *const moves[] = {"e2",   "e2e9",  "i2e4", "e2e2",   "e2e4x", "e3e4",
                                        "e7e5", "e2e4q", "e2e8", "e2e4qq", "--",    "a1h8k"};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        assert_true(strlen(play(&board, moves[i])) > 0);
        assert_memory_equal(&board, &start, sizeof board);
    }
}

static bool has(const struct chess_board *board, enum chess_side side, const char *name)
{
    uint32_t feature[CHESS_MOST_PIECES];
    size_t count = chess_features(board, side, feature);
    for (size_t i = 0; i < count; i++) {
        char other[24];
        chess_feature_name(feature[i], other);
        if (strcmp(name, other) == 0)
            return true;
    }
    return false;
}

static void features_have_names(void **state)
{
    (void)state;
    struct chess_board board;
    play(&board, "g1f3 d7d5 g2g3 c8f5 f1g2 b8c6 e1g1 d8d6 a2a3 e8c8");
    assert_true(has(&board, CHESS_WHITE, "own K g1 | king g1"));
    assert_true(has(&board, CHESS_WHITE, "own R f1 | king g1"));
    assert_true(has(&board, CHESS_WHITE, "other K c8 | king g1"));
    assert_true(has(&board, CHESS_WHITE, "other B f5 | king g1"));
    assert_false(has(&board, CHESS_WHITE, "own R h1 | king g1"));
    /* Black's king on c8 is seen on c1, and mirrored on f1. */
    assert_true(has(&board, CHESS_BLACK, "own K f1 | king f1"));
    assert_true(has(&board, CHESS_BLACK, "own R e1 | king f1"));
    assert_true(has(&board, CHESS_BLACK, "other K b8 | king f1"));
    assert_true(has(&board, CHESS_BLACK, "own B c4 | king f1"));
}

static void another_file(void **state)
{
    (void)state;
    struct chess_network *network;
    struct ndl_error err;
    assert_int_equal(chess_network_open(&network, "/proc/self/exe", &err), NDL_BADDATA);
    assert_null(network);
    assert_non_null(strstr(err.text, "stockfish 15.1"));
    assert_int_equal(chess_network_open(&network, "/nowhere", &err), NDL_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(castling_and_en_passant),
        cmocka_unit_test(faulty_moves),
        cmocka_unit_test(features_have_names),
        cmocka_unit_test(another_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

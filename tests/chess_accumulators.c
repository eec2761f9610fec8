/* chess_accumulators.c -- helper of cli_chess.sh: for every STEP-th position of the games, a line
 * with the game, the number of moves, and for white and black the 1,024 sums of the first layer.
 *
 *     chess_accumulators ENGINE GAMES STEP */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "networks/chess.h"

struct printer {
    const struct chess_network *network;
    size_t step, seen;
};

static bool print(void *context, const struct chess_board *board, enum chess_side next, size_t game,
                  size_t moves)
{
    (void)next;
    struct printer *p = context;
    if (p->seen++ % p->step)
        return true;
    printf("%zu %zu", game, moves);
    for (int side = 0; side < 2; side++) {
        double sum[CHESS_WIDTH], atom[CHESS_WIDTH];
        uint32_t feature[CHESS_MOST_PIECES];
        size_t count = chess_features(board, (enum chess_side)side, feature);
        chess_network_bias(p->network, sum);
        for (size_t i = 0; i < count; i++) {
            chess_network_atom(p->network, feature[i], atom);
            for (size_t x = 0; x < CHESS_WIDTH; x++)
                sum[x] += atom[x];
        }
        for (size_t x = 0; x < CHESS_WIDTH; x++)
            printf(" %.0f", sum[x]);
    }
    printf("\n");
    return true;
}

int main(int argc, char **argv)
{
    struct chess_network *network;
    struct ndl_error err;
    if (argc != 4 || atoi(argv[3]) < 1)
        return 64;
    if (chess_network_open(&network, argv[1], &err) != NDL_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 77;
    }
    struct printer printer = {.network = network, .step = (size_t)atoi(argv[3])};
    enum ndl_status status = chess_games_play(argv[2], &printer, print, &err);
    if (status != NDL_OK)
        fprintf(stderr, "%s\n", err.text);
    chess_network_close(network);
    return status == NDL_OK ? 0 : 2;
}

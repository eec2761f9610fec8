/* chess_network.c -- the first layer of the chess evaluator, read from the engine's program.
 *
 * The network in the program is a file of its own: version, hash of the architecture, length and
 * text of a description, then the first layer as its hash, 1,024 biases and 22,528 x 1,024 weights
 * of 16 bits, little-endian.  The name of a network is the beginning of its SHA-256. */
#include "networks/chess.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sha256.h>

#include "files/files.h"

static const char NAME[] = "ad9b42354671";
enum {
    VERSION = 0x7af32f20,
    ARCHITECTURE = 0x1c102ef2,
    LENGTH = 47001499, /* bytes of this network's file */
    MOST_DESCRIPTION = 1000
};

struct chess_network {
    const unsigned char *bytes; /* the program, mapped */
    size_t size;
    const unsigned char *bias, *weights; /* 16 bits each */
};

static uint32_t read_32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static double read_16(const unsigned char *p)
{
    return (int16_t)(uint16_t)(p[0] | p[1] << 8);
}

/* Where the network begins: its header, at any byte of the program; NULL if it is not there. */
static const unsigned char *find_header(const unsigned char *bytes, size_t size)
{
    static const unsigned char header[8] = {VERSION & 0xff,
                                            VERSION >> 8 & 0xff,
                                            VERSION >> 16 & 0xff,
                                            VERSION >> 24 & 0xff,
                                            ARCHITECTURE & 0xff,
                                            ARCHITECTURE >> 8 & 0xff,
                                            ARCHITECTURE >> 16 & 0xff,
                                            ARCHITECTURE >> 24 & 0xff};
    const unsigned char *at = memmem(bytes, size, header, sizeof header);
    return at && size - (size_t)(at - bytes) >= LENGTH ? at : NULL;
}

/* Whether the bytes have the SHA-256 that begins with NAME. */
static bool has_name(const unsigned char *network)
{
    char hash[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data(network, LENGTH, hash);
    return strncmp(hash, NAME, sizeof NAME - 1) == 0;
}

enum ndl_status chess_network_open(struct chess_network **network, const char *path,
                                   struct ndl_error *err)
{
    *network = NULL;
    struct chess_network *n = calloc(1, sizeof *n);
    if (!n)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory", path);
    enum ndl_status status = ndl_map_file(&n->bytes, &n->size, path, err);
    if (status != NDL_OK) {
        free(n);
        return status;
    }
    const unsigned char *header = find_header(n->bytes, n->size);
    if (!header || read_32(header + 8) > MOST_DESCRIPTION || !has_name(header)) {
        chess_network_close(n);
        return ndl_fail(err, NDL_BADDATA,
                        "%s: does not hold the network nn-%s, that of Debian's stockfish 15.1",
                        path, NAME);
    }
    n->bias = header + 12 + read_32(header + 8) + 4;
    n->weights = n->bias + 2 * CHESS_WIDTH;
    *network = n;
    return NDL_OK;
}

void chess_network_close(struct chess_network *network)
{
    if (network)
        munmap((void *)(uintptr_t)network->bytes, network->size);
    free(network);
}

static void read_row(const unsigned char *row, double *to)
{
    for (size_t i = 0; i < CHESS_WIDTH; i++)
        to[i] = read_16(row + 2 * i);
}

void chess_network_bias(const struct chess_network *network, double *b)
{
    read_row(network->bias, b);
}

void chess_network_atom(const struct chess_network *network, size_t feature, double *d)
{
    assert(feature < CHESS_FEATURES);
    read_row(network->weights + 2 * CHESS_WIDTH * feature, d);
}

/* ------------------------------------------------------------------ features */

static const char PIECES[] = "PNBRQK";

/* The letter of the piece in capitals. */
static char kind(char piece)
{
    return (char)(piece & ~0x20);
}

static bool is_own(char piece, enum chess_side side)
{
    return (piece == kind(piece)) == (side == CHESS_WHITE);
}

size_t chess_features(const struct chess_board *board, enum chess_side side,
                      uint32_t feature[CHESS_MOST_PIECES])
{
    /* Black sees the ranks from the other end; then the king's side decides about the mirror. */
    unsigned end = side == CHESS_WHITE ? 0 : 56, king = 64;
    for (unsigned s = 0; s < 64; s++)
        if (board->piece[s] && kind(board->piece[s]) == 'K' && is_own(board->piece[s], side))
            king = s ^ end;
    assert(king < 64);
    unsigned mirror = (king & 7) < 4 ? 7 : 0, file = (king ^ mirror) & 7;
    unsigned place = (7 - (king >> 3)) * 4 + (7 - file); /* 0 on h8, 31 on e1 */
    size_t count = 0;
    for (unsigned s = 0; s < 64; s++) {
        char piece = board->piece[s];
        if (!piece)
            continue;
        assert(count < CHESS_MOST_PIECES);
        unsigned type = (unsigned)(strchr(PIECES, kind(piece)) - PIECES);
        unsigned block = type == 5 ? 10 : 2 * type + !is_own(piece, side);
        feature[count++] = place * CHESS_PIECE_SQUARES + block * 64 + (s ^ end ^ mirror);
    }
    return count;
}

void chess_feature_name(size_t feature, char *name)
{
    assert(feature < CHESS_FEATURES);
    size_t place = feature / CHESS_PIECE_SQUARES, square = feature % 64;
    size_t block = feature % CHESS_PIECE_SQUARES / 64;
    char king[3] = {(char)('h' - place % 4), (char)('8' - place / 4), 0};
    char at[3] = {(char)('a' + square % 8), (char)('1' + square / 8), 0};
    const char *whose = block == 10 ? strcmp(king, at) == 0 ? "own" : "other"
                        : block % 2 ? "other"
                                    : "own";
    sprintf(name, "%s %c %s | king %s", whose, PIECES[block / 2], at, king);
}

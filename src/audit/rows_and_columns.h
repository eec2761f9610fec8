/* rows_and_columns.h -- append-only sparse codes, indexed by row and by column (private to the room
 * audit).
 *
 * The samples are divided into bands, in order: at most 65,536 samples and, unless a
 * single sample has more, BAND_ENTRIES nonzeros each.  A band holds its nonzeros twice,
 * the atoms by rows and the samples with their values by columns; in 16 bits where 16
 * do.  That is 8 bytes per nonzero for K <= 65,536 and values that are exactly float32,
 * and a band is transposed while it is in the cache. */
#ifndef NDL_ROWS_AND_COLUMNS_H
#define NDL_ROWS_AND_COLUMNS_H

#include "ndl/ndl.h"

enum { NDL_BAND_ROWS = 65536 };

struct ndl_band {
    size_t first;     /* its first sample */
    size_t rows;      /* samples, 1 to 65,536, counted from 0 within the band */
    bool short_atoms; /* K <= 65,536: atoms have 16 bits, else 32 */
    bool doubles;     /* the values are doubles, because float32 cannot hold all of them */
    uint32_t *start;  /* rows + 1 offsets into atom */
    void *atom;       /* by rows, rising in a row; see ndl_band_atom */
    uint32_t *column; /* K + 1 offsets into sample and z */
    uint16_t *sample; /* by columns, rising in a column */
    void *z;          /* by columns, > 0; see ndl_band_z */
    void *pages;      /* where all this is */
    size_t bytes;
};

struct ndl_indexed_codes {
    size_t K, N, nnz; /* features, samples, nonzeros; those not yet in a band included */
    size_t bands;
    struct ndl_band *band;
    size_t *fires; /* K: samples with k on, in the bands */
    size_t held;   /* bytes of memory in use, spilled bands excluded */
    size_t memory; /* the most of it */
    size_t most;   /* nonzeros of a band of more than one sample */
    char *spill;   /* directory for bands beyond half of `memory`; NULL: all stay in memory */
    int threads;
    size_t band_room;
    uint32_t *cursor; /* threads x K, for the transposition */
    struct {          /* the samples of the next band, by rows */
        size_t rows, nnz, row_room, atom_room, value_room;
        uint32_t *start, *atom;
        double *value;
    } next;
};

static inline uint32_t ndl_band_atom(const struct ndl_band *b, size_t e)
{
    return b->short_atoms ? ((const uint16_t *)b->atom)[e] : ((const uint32_t *)b->atom)[e];
}

static inline double ndl_band_z(const struct ndl_band *b, size_t e)
{
    return b->doubles ? ((const double *)b->z)[e] : (double)((const float *)b->z)[e];
}

/* For codes of K features.  most = 0: 2^21, or memory / 64 if that is less.  NDL_NOMEM; free it
 * even then. */
enum ndl_status ndl_indexed_init(struct ndl_indexed_codes *c, size_t K, size_t most, int threads,
                                 size_t memory, const char *spill, struct ndl_error *err);
void ndl_indexed_free(struct ndl_indexed_codes *c);

/* Appends samples; zeros are dropped.  NDL_BADDATA, with nothing appended, on a column
 * >= K, one that does not rise within its row, or a value negative or not finite.  After
 * NDL_NOMEM or NDL_IO the codes can only be freed. */
enum ndl_status ndl_indexed_add(struct ndl_indexed_codes *c, const struct ndl_codes *codes,
                                struct ndl_error *err);

/* Makes the last band.  NDL_NOMEM, NDL_IO. */
enum ndl_status ndl_indexed_finish(struct ndl_indexed_codes *c, struct ndl_error *err);

/* calloc within c->memory, counted in c->held; free with free() when all is over. */
void *ndl_indexed_hold(struct ndl_indexed_codes *c, size_t count, size_t size);

enum ndl_status ndl_indexed_no_memory(const struct ndl_indexed_codes *c, struct ndl_error *err);

#endif

/* rows_and_columns.c -- append-only sparse codes, indexed by row and by column. */
#include "rows_and_columns.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BAND_ENTRIES = 1 << 21 };

/* ------------------------------------------------------------------- memory */

enum ndl_status ndl_indexed_no_memory(const struct ndl_indexed_codes *c, struct ndl_error *err)
{
    return ndl_fail(
        err, NDL_NOMEM,
        "the audit needs more than its %zu MiB of memory after %zu samples, %zu nonzeros",
        c->memory >> 20, c->N, c->nnz);
}

void *ndl_indexed_hold(struct ndl_indexed_codes *c, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count ? count : 1, size, &bytes) || c->held > c->memory ||
        bytes > c->memory - c->held)
        return NULL;
    void *at = calloc(1, bytes);
    if (at)
        c->held += bytes;
    return at;
}

/* Makes room for `need` items where there are *room, at least doubling it. */
static bool grow(struct ndl_indexed_codes *c, void **at, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return true;
    size_t bytes, wanted = need > 2 * *room ? need : 2 * *room;
    if (__builtin_mul_overflow(wanted, size, &bytes) || bytes - *room * size > c->memory - c->held)
        return false;
    void *more = realloc(*at, bytes);
    if (!more)
        return false;
    c->held += bytes - *room * size;
    *at = more;
    *room = wanted;
    return true;
}

/* A file without a name, gone when it is closed and unmapped. */
static int nameless_file(const char *directory)
{
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    char path[4096]; /* a file system without O_TMPFILE */
    int length = snprintf(path, sizeof path, "%s/ndl-audit-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkstemp(path);
    if (file >= 0)
        unlink(path);
    return file;
}

/* Maps `bytes` of a file, reserved on the disk: a full disk is an error here and not a
 * signal at the first write. */
static enum ndl_status map_file(const struct ndl_indexed_codes *c, size_t bytes, void **pages,
                                struct ndl_error *err)
{
    int file = nameless_file(c->spill);
    if (file < 0)
        return ndl_fail(err, NDL_IO, "%s: cannot make a temporary file: %s", c->spill,
                        strerror(errno));
    int refused = posix_fallocate(file, 0, (off_t)bytes);
    *pages = refused ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (*pages == MAP_FAILED && !refused)
        refused = errno;
    close(file);
    if (refused)
        return ndl_fail(err, NDL_IO, "%s: no room for %zu KiB of codes: %s", c->spill,
                        (bytes >> 10) + 1, strerror(refused));
    return NDL_OK;
}

static enum ndl_status map_pages(struct ndl_indexed_codes *c, size_t bytes, void **pages,
                                 struct ndl_error *err)
{
    if (c->spill && c->held + bytes > c->memory / 2) /* the other half is for what comes after */
        return map_file(c, bytes, pages, err);
    if (bytes > c->memory - c->held)
        return ndl_indexed_no_memory(c, err);
    *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*pages == MAP_FAILED)
        return ndl_indexed_no_memory(c, err);
    madvise(*pages, bytes, MADV_HUGEPAGE); /* a wish: no harm if the system has none */
    c->held += bytes;
    return NDL_OK;
}

enum ndl_status ndl_indexed_init(struct ndl_indexed_codes *c, size_t K, size_t most, int threads,
                                 size_t memory, const char *spill, struct ndl_error *err)
{
    if (most == 0) /* 12 bytes for each while the band is filled, and room for twice as many */
        most = memory / 64 < BAND_ENTRIES ? memory / 64 : BAND_ENTRIES;
    *c = (struct ndl_indexed_codes){.K = K, .most = most, .threads = threads, .memory = memory};
    c->spill = spill ? strdup(spill) : NULL;
    c->fires = ndl_indexed_hold(c, K, sizeof *c->fires);
    c->cursor = ndl_indexed_hold(c, K * (size_t)threads, sizeof *c->cursor);
    return c->fires && c->cursor && (c->spill || !spill) ? NDL_OK : ndl_indexed_no_memory(c, err);
}

void ndl_indexed_free(struct ndl_indexed_codes *c)
{
    for (size_t b = 0; b < c->bands; b++)
        munmap(c->band[b].pages, c->band[b].bytes);
    free(c->band);
    free(c->next.start);
    free(c->next.atom);
    free(c->next.value);
    free(c->cursor);
    free(c->fires);
    free(c->spill);
    *c = (struct ndl_indexed_codes){0};
}

/* ------------------------------------------------------------ transposition */

struct transposition {
    struct ndl_indexed_codes *c;
    struct ndl_band *band;
    /* rows that a worker takes at a time; the cursors of the n-th share are its own */
    size_t share;
    _Atomic bool doubles; /* some value is no float32 */
};

static void count_rows(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct transposition *t = context;
    const struct ndl_indexed_codes *c = t->c;
    uint32_t *count = c->cursor + first / t->share * c->K;
    bool exact = true;
    memset(count, 0, c->K * sizeof *count);
    for (size_t e = c->next.start[first]; e < c->next.start[last]; e++) {
        double v = c->next.value[e];
        count[c->next.atom[e]]++;
        exact &= v <= (double)FLT_MAX && (double)(float)v == v;
    }
    if (!exact)
        t->doubles = true;
}

static void scatter_rows(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct transposition *t = context;
    const struct ndl_indexed_codes *c = t->c;
    struct ndl_band *band = t->band;
    uint32_t *cursor = c->cursor + first / t->share * c->K;
    for (size_t i = first; i < last; i++)
        for (size_t e = c->next.start[i]; e < c->next.start[i + 1]; e++) {
            uint32_t atom = c->next.atom[e], to = cursor[atom]++;
            if (band->short_atoms)
                ((uint16_t *)band->atom)[e] = (uint16_t)atom;
            else
                ((uint32_t *)band->atom)[e] = atom;
            band->sample[to] = (uint16_t)i;
            if (band->doubles)
                ((double *)band->z)[to] = c->next.value[e];
            else
                ((float *)band->z)[to] = (float)c->next.value[e];
        }
}

/* Turns c->next into a band: a counting sort, shares of its rows side by side. */
static enum ndl_status close_band(struct ndl_indexed_codes *c, struct ndl_error *err)
{
    const size_t rows = c->next.rows, nnz = c->next.nnz;
    void *array = c->band;
    if (rows == 0)
        return NDL_OK;
    if (!grow(c, &array, &c->band_room, c->bands + 1, sizeof *c->band))
        return ndl_indexed_no_memory(c, err);
    c->band = array;
    struct ndl_band band = {
        .first = c->N - rows, .rows = rows, .short_atoms = c->K <= UINT16_MAX + 1};
    struct transposition t = {
        .c = c, .band = &band, .share = (rows + (size_t)c->threads - 1) / (size_t)c->threads};
    ndl_parallel(rows, t.share, c->threads, count_rows, &t);
    band.doubles = t.doubles;
    const size_t z = nnz * (band.doubles ? sizeof(double) : sizeof(float)),
                 start = (rows + 1) * sizeof(uint32_t), column = (c->K + 1) * sizeof(uint32_t),
                 atom = nnz * (band.short_atoms ? sizeof(uint16_t) : sizeof(uint32_t));
    band.bytes = z + start + column + atom + nnz * sizeof(uint16_t);
    enum ndl_status status = map_pages(c, band.bytes, &band.pages, err);
    if (status != NDL_OK)
        return status;
    /* the arrays in the order of their items' sizes, so that all are aligned */
    band.z = band.pages;
    band.start = (void *)((char *)band.z + z);
    band.column = (void *)((char *)band.start + start);
    band.atom = (char *)band.column + column;
    band.sample = (void *)((char *)band.atom + atom);
    memcpy(band.start, c->next.start, start);
    uint32_t to = 0;
    for (size_t k = 0; k < c->K; k++) {
        band.column[k] = to;
        for (size_t first = 0; first < rows; first += t.share) {
            uint32_t *cursor = &c->cursor[first / t.share * c->K + k], count = *cursor;
            *cursor = to;
            to += count;
        }
        c->fires[k] += to - band.column[k];
    }
    band.column[c->K] = to;
    ndl_parallel(rows, t.share, c->threads, scatter_rows, &t);
    c->band[c->bands++] = band;
    c->next.rows = c->next.nnz = 0;
    return NDL_OK;
}

enum ndl_status ndl_indexed_finish(struct ndl_indexed_codes *c, struct ndl_error *err)
{
    enum ndl_status status = close_band(c, err);
    c->held -= (c->next.row_room + c->next.atom_room) * sizeof(uint32_t) +
               c->next.value_room * sizeof(double);
    free(c->next.start);
    free(c->next.atom);
    free(c->next.value);
    memset(&c->next, 0, sizeof c->next);
    return status;
}

/* ------------------------------------------------------------------- adding */

static enum ndl_status check(const struct ndl_indexed_codes *c, const struct ndl_codes *codes,
                             struct ndl_error *err)
{
    const uint32_t *atom = codes->atom;
    for (size_t i = 0; i < codes->rows; i++) {
        if (codes->start[i + 1] < codes->start[i])
            return ndl_fail(err, NDL_BADDATA, "codes: row %zu ends before it begins", c->N + i);
        for (size_t e = codes->start[i]; e < codes->start[i + 1]; e++) {
            double v = codes->value[e];
            if (atom[e] >= c->K)
                return ndl_fail(err, NDL_BADDATA,
                                "codes: row %zu has column %u, but there are %zu features",
                                c->N + i, (unsigned)atom[e], c->K);
            if (e > codes->start[i] && atom[e] <= atom[e - 1])
                return ndl_fail(err, NDL_BADDATA, "codes: row %zu: column %u after column %u",
                                c->N + i, (unsigned)atom[e], (unsigned)atom[e - 1]);
            if (!(v >= 0 && v <= DBL_MAX))
                return ndl_fail(err, NDL_BADDATA,
                                "codes: row %zu, column %u is %g (must be finite, not negative)",
                                c->N + i, (unsigned)atom[e], v);
        }
    }
    return NDL_OK;
}

/* Room in c->next for a row of n entries. */
static bool make_room(struct ndl_indexed_codes *c, size_t n)
{
    void *start = c->next.start, *atom = c->next.atom, *value = c->next.value;
    bool good = grow(c, &start, &c->next.row_room, c->next.rows + 2, sizeof *c->next.start);
    good = good && grow(c, &atom, &c->next.atom_room, c->next.nnz + n, sizeof *c->next.atom);
    good = good && grow(c, &value, &c->next.value_room, c->next.nnz + n, sizeof *c->next.value);
    c->next.start = start;
    c->next.atom = atom;
    c->next.value = value;
    return good;
}

enum ndl_status ndl_indexed_add(struct ndl_indexed_codes *c, const struct ndl_codes *codes,
                                struct ndl_error *err)
{
    enum ndl_status status = check(c, codes, err);
    for (size_t i = 0; status == NDL_OK && i < codes->rows; i++) {
        size_t e = codes->start[i], end = codes->start[i + 1];
        if (c->next.rows == NDL_BAND_ROWS || c->next.nnz + (end - e) > c->most)
            status = close_band(c, err);
        if (status == NDL_OK && !make_room(c, end - e))
            status = ndl_indexed_no_memory(c, err);
        if (status != NDL_OK)
            break;
        size_t n = c->next.nnz;
        for (; e < end; e++) {
            c->next.atom[n] = codes->atom[e];
            c->next.value[n] = codes->value[e];
            n += codes->value[e] > 0;
        }
        c->next.start[c->next.rows++] = (uint32_t)c->next.nnz;
        c->next.start[c->next.rows] = (uint32_t)n;
        c->nnz += n - c->next.nnz;
        c->next.nnz = n;
        c->N++;
    }
    return status;
}

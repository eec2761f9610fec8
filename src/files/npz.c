/* npz.c -- reads sparse codes in SciPy's .npz: a zip archive of the .npy arrays data, indices,
 * indptr, shape and format (scipy.sparse.save_npz).
 *
 * The three long arrays are open at once and read side by side, a block of rows at a time, so
 * nothing is in memory twice.  Their sizes must agree with each other before any memory is asked
 * for. */
#include "npz_array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 13 /* numbers converted at a time */ };

struct ndl_npz {
    char name[NPZ_LONGEST_NAME + 1];
    zip_t *archive;
    struct npz_array data, indices, indptr;
    size_t rows, cols;
    size_t row;  /* rows given out so far */
    size_t read; /* entries read so far: the last indptr */
    struct ndl_codes block;
    size_t row_room, room; /* what block.start (less one) and block.atom, block.value can hold */
    struct entry *sorting; /* scratch of sorting_room */
    size_t sorting_room;
    unsigned char *raw; /* CHUNK numbers of up to 8 bytes */
};

struct entry {
    uint32_t atom;
    size_t position; /* of duplicates, the first in the file is summed first */
    double value;
};

void ndl_npz_shape(const struct ndl_npz *npz, size_t *rows, size_t *cols, size_t *entries)
{
    *rows = npz->rows;
    *cols = npz->cols;
    *entries = npz->data.header.count;
}

void ndl_npz_close(struct ndl_npz *npz)
{
    if (!npz)
        return;
    ndl_npz_close_array(&npz->data);
    ndl_npz_close_array(&npz->indices);
    ndl_npz_close_array(&npz->indptr);
    if (npz->archive)
        zip_discard(npz->archive);
    ndl_codes_free(&npz->block);
    free(npz->sorting);
    free(npz->raw);
    free(npz);
}

/* The next n integers of a member, each to be in [0, limit]; int32 or int64. */
static enum ndl_status read_integers(struct ndl_npz *npz, struct npz_array *m, size_t n, size_t *to,
                                     uint32_t *to32, struct ndl_error *err)
{
    for (size_t done = 0; done < n;) {
        size_t some = n - done < CHUNK ? n - done : CHUNK;
        enum ndl_status status = ndl_npz_read_bytes(m, npz->raw, some * m->header.item, err);
        if (status != NDL_OK)
            return status;
        for (size_t i = 0; i < some; i++) {
            int64_t value;
            int32_t small;
            if (m->header.item == 8) {
                memcpy(&value, npz->raw + 8 * i, 8);
            } else {
                memcpy(&small, npz->raw + 4 * i, 4);
                value = small;
            }
            size_t limit = to ? npz->data.header.count : npz->cols - 1;
            if (value < 0 || (uint64_t)value > limit)
                return ndl_fail(err, NDL_BADDATA, "%s: entry %zu is %lld, not in [0, %zu]", m->name,
                                m->header.count - m->left + i, (long long)value, limit);
            if (to)
                to[done + i] = (size_t)value;
            else
                to32[done + i] = (uint32_t)value;
        }
        done += some;
        m->left -= some;
    }
    return NDL_OK;
}

static enum ndl_status read_values(struct ndl_npz *npz, size_t n, double *to, struct ndl_error *err)
{
    struct npz_array *m = &npz->data;
    for (size_t done = 0; done < n;) {
        size_t some = n - done < CHUNK ? n - done : CHUNK;
        enum ndl_status status = ndl_npz_read_bytes(m, npz->raw, some * m->header.item, err);
        if (status != NDL_OK)
            return status;
        ndl_convert(m->header.item == 8   ? NDL_F64
                    : m->header.item == 4 ? NDL_F32
                                          : NDL_F16,
                    npz->raw, some, to + done, 1);
        done += some;
        m->left -= some;
    }
    return NDL_OK;
}

/* A member that must be a 1-D array of int32 or int64. */
static enum ndl_status check_integers(const struct npz_array *m, struct ndl_error *err)
{
    const struct ndl_npy_header *h = &m->header;
    if (h->kind != 'i' || (h->item != 4 && h->item != 8) || h->dims != 1)
        return ndl_fail(err, NDL_BADDATA, "%s: not a 1-dimensional array of int32 or int64",
                        m->name);
    return NDL_OK;
}

/* 'csr' as numpy.array(b'csr') or, from other writers, numpy.array('csr'). */
static enum ndl_status check_format(struct ndl_npz *npz, struct ndl_error *err)
{
    struct npz_array m;
    unsigned char raw[64];
    char format[17] = "";
    enum ndl_status status = ndl_npz_open_array(npz->archive, "format", &m, npz->name, err);
    size_t width = m.header.kind == 'U' ? 4 : 1, size = m.header.count * m.header.item;
    if (status == NDL_OK && ((m.header.kind != 'S' && m.header.kind != 'U') || size > 16 * width))
        status = ndl_fail(err, NDL_BADDATA, "%s: not a short string", m.name);
    if (status == NDL_OK)
        status = ndl_npz_read_bytes(&m, raw, size, err);
    if (status == NDL_OK)
        status = ndl_npz_finish_array(&m, err);
    if (status == NDL_OK) {
        for (size_t i = 0; i < size / width; i++)
            format[i] = (char)raw[i * width];
        if (strcmp(format, "csr") != 0)
            status = ndl_fail(err, NDL_BADDATA,
                              "%s: a sparse matrix in format '%s', not 'csr'; save Z.tocsr()",
                              npz->name, format);
    }
    ndl_npz_close_array(&m);
    return status;
}

static enum ndl_status read_shape(struct ndl_npz *npz, struct ndl_error *err)
{
    struct npz_array m;
    int64_t shape[2] = {0};
    int32_t small[2];
    enum ndl_status status = ndl_npz_open_array(npz->archive, "shape", &m, npz->name, err);
    if (status == NDL_OK)
        status = check_integers(&m, err);
    if (status == NDL_OK && m.header.count != 2)
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu numbers, not 2", m.name, m.header.count);
    if (status == NDL_OK && m.header.item == 8)
        status = ndl_npz_read_bytes(&m, shape, sizeof shape, err);
    if (status == NDL_OK && m.header.item == 4) {
        status = ndl_npz_read_bytes(&m, small, sizeof small, err);
        shape[0] = small[0];
        shape[1] = small[1];
    }
    if (status == NDL_OK)
        status = ndl_npz_finish_array(&m, err);
    ndl_npz_close_array(&m);
    if (status == NDL_OK &&
        (shape[0] < 1 || shape[1] < 1 || shape[1] > UINT32_MAX || (uint64_t)shape[0] >= SIZE_MAX))
        status = ndl_fail(err, NDL_BADDATA, "%s: codes of shape (%lld, %lld)", npz->name,
                          (long long)shape[0], (long long)shape[1]);
    npz->rows = (size_t)shape[0];
    npz->cols = (size_t)shape[1];
    return status;
}

static enum ndl_status open_arrays(struct ndl_npz *npz, struct ndl_error *err)
{
    enum ndl_status status = check_format(npz, err);
    if (status == NDL_OK)
        status = read_shape(npz, err);
    if (status == NDL_OK)
        status = ndl_npz_open_array(npz->archive, "data", &npz->data, npz->name, err);
    if (status == NDL_OK)
        status = ndl_npz_open_array(npz->archive, "indices", &npz->indices, npz->name, err);
    if (status == NDL_OK)
        status = ndl_npz_open_array(npz->archive, "indptr", &npz->indptr, npz->name, err);
    if (status == NDL_OK)
        status = check_integers(&npz->indices, err);
    if (status == NDL_OK)
        status = check_integers(&npz->indptr, err);
    if (status != NDL_OK)
        return status;
    const struct ndl_npy_header *h = &npz->data.header;
    if (h->kind != 'f' || h->item > 8)
        return ndl_fail(err, NDL_BADDATA, "%s: dtype %c%zu is not float16, float32 or float64",
                        npz->data.name, h->kind, h->item);
    if (h->dims != 1)
        return ndl_fail(err, NDL_BADDATA, "%s: not a 1-dimensional array", npz->data.name);
    if (h->count != npz->indices.header.count)
        return ndl_fail(err, NDL_BADDATA, "%s: %zu values but %zu column indices", npz->name,
                        h->count, npz->indices.header.count);
    if (npz->indptr.header.count != npz->rows + 1)
        return ndl_fail(err, NDL_BADDATA, "%s: %zu offsets in indptr for %zu rows, not one more",
                        npz->name, npz->indptr.header.count, npz->rows);
    size_t start;
    status = read_integers(npz, &npz->indptr, 1, &start, NULL, err);
    if (status == NDL_OK && start != 0)
        status = ndl_fail(err, NDL_BADDATA, "%s: starts with %zu, not 0", npz->indptr.name, start);
    return status;
}

enum ndl_status ndl_npz_open(struct ndl_npz **npz, const unsigned char *bytes, size_t size,
                             const char *name, struct ndl_error *err)
{
    *npz = NULL;
    struct ndl_npz *new = calloc(1, sizeof *new);
    if (new)
        new->raw = malloc(CHUNK * sizeof(double));
    enum ndl_status status = NDL_OK;
    if (!new || !new->raw)
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for a buffer", name);
    if (status == NDL_OK) {
        snprintf(new->name, sizeof new->name, "%s", name);
        status = ndl_npz_open_archive(&new->archive, bytes, size, name, err);
    }
    if (status == NDL_OK)
        status = open_arrays(new, err);
    if (status != NDL_OK) {
        ndl_npz_close(new);
        return status;
    }
    *npz = new;
    return NDL_OK;
}

/* Doubles, so that many small blocks do not mean many calls; what fails is left as it was. */
static bool grow(void **memory, size_t *room, size_t need, size_t item)
{
    size_t bytes, wanted = need > 2 * *room ? need : 2 * *room;
    if (need <= *room && *memory)
        return true;
    void *more =
        __builtin_mul_overflow(wanted ? wanted : 1, item, &bytes) ? NULL : realloc(*memory, bytes);
    if (more) {
        *memory = more;
        *room = wanted;
    }
    return more != NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->atom != y->atom)
        return x->atom < y->atom ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Sorts n entries of a row by column and sums duplicates; returns how many are left. */
static enum ndl_status sort_row(struct ndl_npz *npz, uint32_t *atom, double *value, size_t *n,
                                struct ndl_error *err)
{
    void *memory = npz->sorting;
    if (!grow(&memory, &npz->sorting_room, *n, sizeof *npz->sorting))
        return ndl_fail(err, NDL_NOMEM, "%s: no memory to sort a row", npz->name);
    npz->sorting = memory;
    for (size_t e = 0; e < *n; e++)
        npz->sorting[e] = (struct entry){.atom = atom[e], .position = e, .value = value[e]};
    qsort(npz->sorting, *n, sizeof *npz->sorting, compare_entries);
    size_t kept = 0;
    for (size_t e = 0; e < *n; e++) {
        if (kept > 0 && atom[kept - 1] == npz->sorting[e].atom) {
            value[kept - 1] += npz->sorting[e].value;
        } else {
            atom[kept] = npz->sorting[e].atom;
            value[kept++] = npz->sorting[e].value;
        }
    }
    *n = kept;
    return NDL_OK;
}

/* Brings one row to the form of struct ndl_codes, in place at entry `from`, writing to
 * entry `to` <= from. */
static enum ndl_status tidy_row(struct ndl_npz *npz, size_t row, size_t from, size_t n, size_t *to,
                                struct ndl_error *err)
{
    uint32_t *atom = npz->block.atom + from;
    double *value = npz->block.value + from;
    bool sorted = true;
    for (size_t e = 0; e < n; e++) {
        if (!isfinite(value[e]) || value[e] < 0)
            return ndl_fail(err, NDL_BADDATA,
                            "%s: row %zu, column %u is %g (codes must be finite, not negative)",
                            npz->name, row, (unsigned)atom[e], value[e]);
        sorted = sorted && (e == 0 || atom[e - 1] < atom[e]);
    }
    enum ndl_status status = sorted ? NDL_OK : sort_row(npz, atom, value, &n, err);
    for (size_t e = 0; status == NDL_OK && e < n; e++) {
        if (!isfinite(value[e]))
            return ndl_fail(err, NDL_BADDATA, "%s: row %zu, column %u: duplicates sum to %g",
                            npz->name, row, (unsigned)atom[e], value[e]);
        npz->block.atom[*to] = atom[e];
        npz->block.value[*to] = value[e];
        *to += value[e] > 0;
    }
    return status;
}

/* Reads the offsets of the next `rows` rows into block.start, relative to the block. */
static enum ndl_status read_offsets(struct ndl_npz *npz, size_t rows, struct ndl_error *err)
{
    struct ndl_codes *block = &npz->block;
    void *start = block->start;
    if (!grow(&start, &npz->row_room, rows + 1, sizeof *block->start))
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for a block of %zu rows", npz->name, rows);
    block->start = start;
    block->start[0] = npz->read;
    enum ndl_status status = read_integers(npz, &npz->indptr, rows, block->start + 1, NULL, err);
    for (size_t i = 0; status == NDL_OK && i < rows; i++)
        if (block->start[i + 1] < block->start[i])
            status = ndl_fail(err, NDL_BADDATA, "%s: decreases at row %zu", npz->indptr.name,
                              npz->row + i);
    for (size_t i = rows + 1; status == NDL_OK && i-- > 0;)
        block->start[i] -= npz->read;
    return status;
}

static enum ndl_status finish(struct ndl_npz *npz, struct ndl_error *err)
{
    if (npz->read != npz->data.header.count)
        return ndl_fail(err, NDL_BADDATA, "%s: indptr ends with %zu, but there are %zu values",
                        npz->name, npz->read, npz->data.header.count);
    enum ndl_status status = ndl_npz_finish_array(&npz->data, err);
    if (status == NDL_OK)
        status = ndl_npz_finish_array(&npz->indices, err);
    if (status == NDL_OK)
        status = ndl_npz_finish_array(&npz->indptr, err);
    return status;
}

enum ndl_status ndl_npz_next(struct ndl_npz *npz, size_t rows, const struct ndl_codes **result,
                             struct ndl_error *err)
{
    *result = NULL;
    struct ndl_codes *block = &npz->block;
    if (rows > npz->rows - npz->row)
        rows = npz->rows - npz->row;
    if (rows == 0)
        return finish(npz, err);
    enum ndl_status status = read_offsets(npz, rows, err);
    if (status != NDL_OK)
        return status;
    size_t n = block->start[rows], room = npz->room;
    void *atom = block->atom, *value = block->value;
    bool grown = grow(&atom, &room, n, sizeof *block->atom);
    block->atom = atom;
    grown = grown && grow(&value, &npz->room, n, sizeof *block->value);
    block->value = value;
    if (!grown)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu codes", npz->name, n);
    status = read_integers(npz, &npz->indices, n, NULL, block->atom, err);
    if (status == NDL_OK)
        status = read_values(npz, n, block->value, err);
    size_t to = 0, from = 0;
    for (size_t i = 0; status == NDL_OK && i < rows; i++) {
        size_t end = block->start[i + 1];
        status = tidy_row(npz, npz->row + i, from, end - from, &to, err);
        block->start[i + 1] = to;
        from = end;
    }
    if (status != NDL_OK)
        return status;
    npz->row += rows;
    npz->read += n;
    block->rows = rows;
    block->cols = npz->cols;
    *result = block;
    return NDL_OK;
}

/* npz.c -- sparse codes in SciPy's .npz: a zip archive of the .npy arrays data, indices,
 * indptr, shape and format (scipy.sparse.save_npz).
 *
 * The three long members are open at once and read side by side, a block of rows at a
 * time, so nothing is in memory twice.  libzip unpacks; the .npy headers say how many
 * numbers there are, and that must agree with the sizes in the zip directory and with
 * each other before any memory is asked for. */
#include "files.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zip.h>

enum {
    BOMB_SIZE = 16 << 20, /* a member below 16 MiB cannot hurt, */
    /* above, what shrinks 100-fold holds no activations (2 to 4-fold is usual) */
    BOMB_RATIO = 100,
    CHUNK = 1 << 13,   /* numbers converted at a time */
    LONGEST_NAME = 200 /* bytes of a file's name repeated with a member's in messages */
};

/* ------------------------------------------------------- the archive and members */

static enum ndl_status open_archive(zip_t **archive, const unsigned char *bytes, size_t size,
                                    const char *name, struct ndl_error *err)
{
    *archive = NULL;
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = NULL;
    if (bytes) {
        source = zip_source_buffer_create(bytes, size, 0, &why);
    } else {
        struct stat info; /* libzip's own messages for these are vague */
        if (stat(name, &info) != 0)
            return ndl_fail(err, NDL_IO, "%s: %s", name, strerror(errno));
        if (!S_ISREG(info.st_mode))
            return ndl_fail(err, NDL_IO, "%s: %s", name,
                            S_ISDIR(info.st_mode) ? "is a directory" : "not a regular file");
        if (info.st_size == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: empty file", name);
        source = zip_source_file_create(name, 0, 0, &why);
    }
    if (source)
        *archive = zip_open_from_source(source, ZIP_RDONLY, &why);
    enum ndl_status status = NDL_OK;
    if (!*archive) {
        bool system = zip_error_system_type(&why) == ZIP_ET_SYS;
        status = ndl_fail(err, system ? NDL_IO : NDL_BADDATA,
                          "%s: not a readable .npz (zip) file: %s", name, zip_error_strerror(&why));
        if (source)
            zip_source_free(source);
    }
    zip_error_fini(&why);
    return status;
}

/* One array of the archive, opened and read up to its first entry. */
struct member {
    zip_file_t *file;
    struct ndl_npy_header header;
    size_t size;    /* of the .npy file */
    size_t left;    /* entries not yet read */
    char name[256]; /* "file.npz: member", for messages */
};

static void close_member(struct member *m)
{
    if (m->file)
        zip_fclose(m->file);
    m->file = NULL;
}

/* Reads exactly size bytes. */
static enum ndl_status read_bytes(struct member *m, void *to, size_t size, struct ndl_error *err)
{
    unsigned char *p = to;
    while (size > 0) {
        zip_int64_t got = zip_fread(m->file, p, size);
        if (got < 0)
            return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name,
                            zip_error_strerror(zip_file_get_error(m->file)));
        if (got == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: truncated, %zu bytes are missing", m->name,
                            size);
        p += got;
        size -= (size_t)got;
    }
    return NDL_OK;
}

/* The end of the member must be here; reaching it makes libzip compare the check sum. */
static enum ndl_status finish_member(struct member *m, struct ndl_error *err)
{
    char extra;
    zip_int64_t got = zip_fread(m->file, &extra, 1);
    if (got < 0)
        return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name,
                        zip_error_strerror(zip_file_get_error(m->file)));
    if (got > 0)
        return ndl_fail(err, NDL_BADDATA, "%s: longer than the archive's directory says", m->name);
    return NDL_OK;
}

static enum ndl_status find_member(zip_t *archive, const char *member, zip_uint64_t *index,
                                   const char *name, struct ndl_error *err)
{
    char wanted[300];
    snprintf(wanted, sizeof wanted, "%s.npy", member);
    zip_int64_t entries = zip_get_num_entries(archive, 0);
    bool found = false;
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *entry = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (!entry || strcmp(entry, wanted) != 0)
            continue;
        if (found)
            return ndl_fail(err, NDL_BADDATA, "%s: two members named '%s'", name, wanted);
        found = true;
        *index = (zip_uint64_t)i;
    }
    if (!found)
        return ndl_fail(err, NDL_BADDATA, "%s: no member '%s'", name, wanted);
    return NDL_OK;
}

static enum ndl_status check_sizes(zip_t *archive, zip_uint64_t index, struct member *m,
                                   struct ndl_error *err)
{
    zip_stat_t info;
    zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive, index, 0, &info) != 0 || (info.valid & need) != need ||
        info.size > SIZE_MAX)
        return ndl_fail(err, NDL_BADDATA, "%s: the archive's directory is incomplete", m->name);
    if ((info.valid & ZIP_STAT_ENCRYPTION_METHOD) && info.encryption_method != ZIP_EM_NONE)
        return ndl_fail(err, NDL_BADDATA, "%s: encrypted", m->name);
    if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: compression method %d; NumPy writes stored or deflated members",
                        m->name, info.comp_method);
    if (info.comp_method == ZIP_CM_STORE && info.comp_size != info.size)
        return ndl_fail(err, NDL_BADDATA, "%s: stored, yet its two sizes differ", m->name);
    if (info.size > BOMB_SIZE && info.size / BOMB_RATIO > info.comp_size)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: %llu bytes unpack to %llu, refused as a zip bomb (if it is none, save "
                        "it uncompressed)",
                        m->name, (unsigned long long)info.comp_size, (unsigned long long)info.size);
    m->size = (size_t)info.size;
    return NDL_OK;
}

static enum ndl_status read_header(struct member *m, struct ndl_error *err)
{
    unsigned char prefix[12], *text = NULL;
    size_t size;
    enum ndl_status status = read_bytes(m, prefix, sizeof prefix, err);
    if (status == NDL_OK)
        status = ndl_npy_header_size(prefix, sizeof prefix, &size, m->name, err);
    if (status != NDL_OK)
        return status;
    if (size < sizeof prefix)
        return ndl_fail(err, NDL_BADDATA, "%s: malformed .npy header", m->name);
    text = malloc(size);
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for a header", m->name);
    memcpy(text, prefix, sizeof prefix);
    status = read_bytes(m, text + sizeof prefix, size - sizeof prefix, err);
    if (status == NDL_OK)
        status = ndl_npy_parse(text, size, &m->header, m->name, err);
    free(text);
    if (status == NDL_OK && m->size != m->header.offset + m->header.count * m->header.item)
        status = ndl_fail(err, NDL_BADDATA,
                          "%s: the .npy header needs %zu bytes, the archive's directory says %zu",
                          m->name, m->header.offset + m->header.count * m->header.item, m->size);
    m->left = m->header.count;
    return status;
}

/* Opens the file of a member without reading from it. */
static enum ndl_status open_member_file(zip_t *archive, const char *member, struct member *m,
                                        const char *name, struct ndl_error *err)
{
    *m = (struct member){0};
    snprintf(m->name, sizeof m->name, "%.*s: %.40s.npy", LONGEST_NAME, name, member);
    zip_uint64_t index = 0;
    enum ndl_status status = find_member(archive, member, &index, name, err);
    if (status == NDL_OK)
        status = check_sizes(archive, index, m, err);
    if (status != NDL_OK)
        return status;
    m->file = zip_fopen_index(archive, index, 0);
    if (!m->file)
        return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name, zip_strerror(archive));
    return NDL_OK;
}

static enum ndl_status open_member(zip_t *archive, const char *member, struct member *m,
                                   const char *name, struct ndl_error *err)
{
    enum ndl_status status = open_member_file(archive, member, m, name, err);
    if (status == NDL_OK)
        status = read_header(m, err);
    return status;
}

/* ---------------------------------------------------------------- reading codes */

struct ndl_npz {
    char name[LONGEST_NAME + 1];
    zip_t *archive;
    struct member data, indices, indptr;
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
    close_member(&npz->data);
    close_member(&npz->indices);
    close_member(&npz->indptr);
    if (npz->archive)
        zip_discard(npz->archive);
    ndl_codes_free(&npz->block);
    free(npz->sorting);
    free(npz->raw);
    free(npz);
}

/* The next n integers of a member, each to be in [0, limit]; int32 or int64. */
static enum ndl_status read_integers(struct ndl_npz *npz, struct member *m, size_t n, size_t *to,
                                     uint32_t *to32, struct ndl_error *err)
{
    for (size_t done = 0; done < n;) {
        size_t some = n - done < CHUNK ? n - done : CHUNK;
        enum ndl_status status = read_bytes(m, npz->raw, some * m->header.item, err);
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
    struct member *m = &npz->data;
    for (size_t done = 0; done < n;) {
        size_t some = n - done < CHUNK ? n - done : CHUNK;
        enum ndl_status status = read_bytes(m, npz->raw, some * m->header.item, err);
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
static enum ndl_status check_integers(const struct member *m, struct ndl_error *err)
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
    struct member m;
    unsigned char raw[64];
    char format[17] = "";
    enum ndl_status status = open_member(npz->archive, "format", &m, npz->name, err);
    size_t width = m.header.kind == 'U' ? 4 : 1, size = m.header.count * m.header.item;
    if (status == NDL_OK && ((m.header.kind != 'S' && m.header.kind != 'U') || size > 16 * width))
        status = ndl_fail(err, NDL_BADDATA, "%s: not a short string", m.name);
    if (status == NDL_OK)
        status = read_bytes(&m, raw, size, err);
    if (status == NDL_OK)
        status = finish_member(&m, err);
    if (status == NDL_OK) {
        for (size_t i = 0; i < size / width; i++)
            format[i] = (char)raw[i * width];
        if (strcmp(format, "csr") != 0)
            status = ndl_fail(err, NDL_BADDATA,
                              "%s: a sparse matrix in format '%s', not 'csr'; save Z.tocsr()",
                              npz->name, format);
    }
    close_member(&m);
    return status;
}

static enum ndl_status read_shape(struct ndl_npz *npz, struct ndl_error *err)
{
    struct member m;
    int64_t shape[2] = {0};
    int32_t small[2];
    enum ndl_status status = open_member(npz->archive, "shape", &m, npz->name, err);
    if (status == NDL_OK)
        status = check_integers(&m, err);
    if (status == NDL_OK && m.header.count != 2)
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu numbers, not 2", m.name, m.header.count);
    if (status == NDL_OK && m.header.item == 8)
        status = read_bytes(&m, shape, sizeof shape, err);
    if (status == NDL_OK && m.header.item == 4) {
        status = read_bytes(&m, small, sizeof small, err);
        shape[0] = small[0];
        shape[1] = small[1];
    }
    if (status == NDL_OK)
        status = finish_member(&m, err);
    close_member(&m);
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
        status = open_member(npz->archive, "data", &npz->data, npz->name, err);
    if (status == NDL_OK)
        status = open_member(npz->archive, "indices", &npz->indices, npz->name, err);
    if (status == NDL_OK)
        status = open_member(npz->archive, "indptr", &npz->indptr, npz->name, err);
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
        status = open_archive(&new->archive, bytes, size, name, err);
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
    enum ndl_status status = finish_member(&npz->data, err);
    if (status == NDL_OK)
        status = finish_member(&npz->indices, err);
    if (status == NDL_OK)
        status = finish_member(&npz->indptr, err);
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

/* ------------------------------------------------------------- a dense member */

enum ndl_status ndl_npz_member(unsigned char **npy, size_t *size, const unsigned char *bytes,
                               size_t length, const char *member, const char *name,
                               struct ndl_error *err)
{
    *npy = NULL;
    *size = 0;
    zip_t *archive;
    struct member m = {0};
    unsigned char *copy = NULL;
    enum ndl_status status = open_archive(&archive, bytes, length, name, err);
    if (status != NDL_OK)
        return status;
    status = open_member_file(archive, member, &m, name, err);
    if (status == NDL_OK && !(copy = malloc(m.size ? m.size : 1)))
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu bytes", m.name, m.size);
    if (status == NDL_OK)
        status = read_bytes(&m, copy, m.size, err);
    if (status == NDL_OK)
        status = finish_member(&m, err);
    close_member(&m);
    zip_discard(archive);
    if (status != NDL_OK) {
        free(copy);
        return status;
    }
    *npy = copy;
    *size = m.size;
    return NDL_OK;
}

/* -------------------------------------------------------------- writing codes */

/* A member to be written: a .npy header, then the caller's numbers, converted on the fly
 * if they are kept wider than they are written. */
struct output_member {
    char header[128];
    size_t header_size, size; /* size of the whole member */
    const unsigned char *numbers;
    bool narrow; /* numbers are size_t, written as int32 */
    bool widen;  /* numbers are uint32_t, written as int64 */
    size_t at;
    zip_error_t error;
};

/* Byte b of the numbers as written; conversions keep the low bytes and add zeros. */
static void copy_numbers(const struct output_member *m, size_t first, size_t n, unsigned char *to)
{
    if (!m->narrow && !m->widen) {
        memcpy(to, m->numbers + first, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t b = first + i;
        if (m->narrow)
            to[i] = m->numbers[b / 4 * 8 + b % 4];
        else
            to[i] = b % 8 < 4 ? m->numbers[b / 8 * 4 + b % 8] : 0;
    }
}

static zip_int64_t read_member(void *state, void *data, zip_uint64_t length,
                               zip_source_cmd_t command)
{
    struct output_member *m = state;
    zip_stat_t *info = data;
    size_t done = 0;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        m->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        if (m->at < m->header_size) {
            done = m->header_size - m->at < length ? m->header_size - m->at : length;
            memcpy(data, m->header + m->at, done);
            m->at += done;
        }
        if (m->at >= m->header_size && done < length) {
            size_t n = m->size - m->at < length - done ? m->size - m->at : length - done;
            copy_numbers(m, m->at - m->header_size, n, (unsigned char *)data + done);
            m->at += n;
            done += n;
        }
        return (zip_int64_t)done;
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    case ZIP_SOURCE_STAT:
        zip_stat_init(info);
        info->size = info->comp_size = m->size;
        info->comp_method = ZIP_CM_STORE;
        info->valid = ZIP_STAT_SIZE;
        return sizeof *info;
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&m->error, data, length);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                              -1);
    default:
        zip_error_set(&m->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

static bool add_member(zip_t *archive, const char *name, struct output_member *m, const char *descr,
                       size_t item, size_t count, const char *shape, const void *numbers)
{
    zip_error_init(&m->error);
    m->header_size = ndl_npy_write_header(m->header, descr, shape);
    m->size = m->header_size + item * count;
    m->numbers = numbers;
    zip_source_t *source = zip_source_function(archive, read_member, m);
    if (!source)
        return false;
    zip_int64_t index = zip_file_add(archive, name, source, 0);
    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    /* No clock: the oldest time a zip can hold (1980-01-01). */
    return zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, (zip_uint64_t)index, 0, (1 << 5) | 1, 0) == 0;
}

enum ndl_status ndl_save_codes(const struct ndl_codes *z, const char *path, struct ndl_error *err)
{
    int reason;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    if (!archive) {
        zip_error_t why;
        zip_error_init_with_code(&why, reason);
        ndl_fail(err, NDL_IO, "%s: cannot write: %s", path, zip_error_strerror(&why));
        zip_error_fini(&why);
        return NDL_IO;
    }
    size_t nnz = z->start[z->rows];
    bool narrow =
        /* then indices and indptr are int32, as in SciPy */
        nnz <= INT32_MAX && z->cols <= INT32_MAX;
    const char *integer = narrow ? "<i4" : "<i8";
    size_t width = narrow ? 4 : 8;
    int64_t shape[2] = {(int64_t)z->rows, (int64_t)z->cols};
    char entries[32], offsets[32];
    snprintf(entries, sizeof entries, "(%zu,)", nnz);
    snprintf(offsets, sizeof offsets, "(%zu,)", z->rows + 1);
    struct output_member indices = {.widen = !narrow}, indptr = {.narrow = narrow}, format = {0},
                         dims = {0}, data = {0};
    bool good =
        add_member(archive, "indices.npy", &indices, integer, width, nnz, entries, z->atom) &&
        add_member(archive, "indptr.npy", &indptr, integer, width, z->rows + 1, offsets,
                   z->start) &&
        add_member(archive, "format.npy", &format, "|S3", 3, 1, "()", "csr") &&
        add_member(archive, "shape.npy", &dims, "<i8", 8, 2, "(2,)", shape) &&
        add_member(archive, "data.npy", &data, "<f8", 8, nnz, entries, z->value);
    if (good && zip_close(archive) == 0) /* writes to a temporary name and renames */
        return NDL_OK;
    ndl_fail(err, NDL_IO, "%s: cannot write: %s", path, zip_strerror(archive));
    zip_discard(archive);
    return NDL_IO;
}

/* npz_write.c -- writes sparse codes as SciPy's save_npz does. */
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

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

/* files.h -- what the tests of file formats share: a temporary directory, files made by hand in it,
 * and expectations.  All conversions (float16, bfloat16, float32 to double) are exact, so values
 * are compared bit for bit unless a comment gives a tolerance. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "files/files.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zip.h>

/* --------------------------------------------------------- making files */

static char directory[256]; /* temporary, removed at the end */

static inline const char *in_directory(const char *name)
{
    static char path[8][512];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", directory, name);
    return p;
}

static inline const char *write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = in_directory(name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    return path;
}

static inline size_t read_file(const char *path, unsigned char *bytes, size_t room)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t size = fread(bytes, 1, room, in);
    assert_true(size < room);
    fclose(in);
    return size;
}

/* Version `major`.0 with this header text, then the data; returns the size. */
static inline size_t make_npy(unsigned char *bytes, int major, const char *text, const void *data,
                              size_t size)
{
    size_t length = strlen(text), start = major == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)major;
    memset(bytes + 7, 0, 5);
    bytes[8] = (unsigned char)(length & 255);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + start, text, length);
    if (size)
        memcpy(bytes + start + length, data, size);
    return start + length + size;
}

static inline size_t make_safetensors(unsigned char *bytes, const char *json, const void *data,
                                      size_t size)
{
    uint64_t length = strlen(json);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, json, length);
    if (size)
        memcpy(bytes + 8 + length, data, size);
    return 8 + length + size;
}

/* One member of an .npz under construction. */
struct part {
    const char *name, *text; /* of the .npy header */
    const void *data;
    size_t size;
};

static inline const char *write_npz(const char *name, const struct part *part, size_t parts,
                                    int compression)
{
    const char *path = in_directory(name);
    unlink(path);
    int reason;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    assert_non_null(archive);
    for (size_t i = 0; i < parts; i++) {
        unsigned char *bytes = malloc(part[i].size + 300);
        size_t size = make_npy(bytes, 1, part[i].text, part[i].data, part[i].size);
        zip_source_t *source = zip_source_buffer(archive, bytes, size, 1);
        zip_int64_t index = zip_file_add(archive, part[i].name, source, ZIP_FL_OVERWRITE);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(archive, (zip_uint64_t)index, compression, 0), 0);
    }
    assert_int_equal(zip_close(archive), 0);
    return path;
}

#define HEADER(descr, shape)                                                                       \
    "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }\n"

/* [[0 1 2], [0 0 0], [0.5 0 0]], as SciPy would write it. */
static const int32_t indices[] = {1, 2, 0}, indptr[] = {0, 2, 2, 3};
static const int64_t shape[] = {3, 3};
static const double data[] = {1, 2, 0.5};
static const struct part sound[5] = {
    {"indices.npy", HEADER("<i4", "(3,)"), indices, sizeof indices},
    {"indptr.npy", HEADER("<i4", "(4,)"), indptr, sizeof indptr},
    {"format.npy", HEADER("|S3", "()"), "csr", 3},
    {"shape.npy", HEADER("<i8", "(2,)"), shape, sizeof shape},
    {"data.npy", HEADER("<f8", "(3,)"), data, sizeof data},
};
enum { INDICES, INDPTR, FORMAT, SHAPE, DATA };

/* ------------------------------------------------------------ what is expected */

static inline void assert_fails(enum ndl_status status, enum ndl_status expected,
                                const struct ndl_error *err, const char *why)
{
    if (status != expected || !strstr(err->text, why))
        fail_msg("status %d (expected %d), message '%s' (expected '%s')", status, expected,
                 err->text, why);
    assert_null(strchr(err->text, '\n'));
}

static inline void assert_npy_refused(int major, const char *text, size_t size, bool vector,
                                      const char *why)
{
    static const double zeros[64];
    unsigned char bytes[1000];
    struct ndl_array_view view;
    struct ndl_error err;
    size_t n = make_npy(bytes, major, text, zeros, size);
    assert_fails(ndl_npy_view(&view, bytes, n, vector, "f.npy", &err), NDL_BADDATA, &err, why);
    assert_null(view.data);
}

static inline void assert_matrix(const struct ndl_matrix *m, size_t rows, size_t cols,
                                 const double *v)
{
    assert_int_equal(m->rows, rows);
    assert_int_equal(m->cols, cols);
    assert_memory_equal(m->v, v, rows * cols * sizeof *v);
}

static inline void assert_codes(const struct ndl_codes *z, size_t rows, size_t cols,
                                const size_t *start, const uint32_t *atom, const double *value)
{
    assert_int_equal(z->rows, rows);
    assert_int_equal(z->cols, cols);
    assert_memory_equal(z->start, start, (rows + 1) * sizeof *start);
    assert_memory_equal(z->atom, atom, start[rows] * sizeof *atom);
    assert_memory_equal(z->value, value, start[rows] * sizeof *value);
}

/* ------------------------------------------------- the temporary directory */

static inline int make_directory(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/ndl-files-XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(directory) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
    (void)state;
    const char *names[] = {"good.npy", "nan.npy",    "inf.npy",        "b.npy",     "b.tsv",
                           "text.npz", "m.npy",      "m.tsv",          "v.npy",     "z.npz",
                           "z.tsv",    "bad.npz",    "bomb.npz",       "minus.tsv", "out.npz",
                           "none.npz", "params.npz", "sae.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_directory(names[i]));
    return rmdir(directory); /* fails if a test or a writer left something behind */
}

#endif

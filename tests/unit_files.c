/* unit_files.c -- .npy, CSR .npz, .safetensors and SAELens directories: values that are
 * known exactly, and every way a file can be wrong.
 *
 * All conversions (float16, bfloat16, float32 to double) are exact, so values are
 * compared bit for bit unless a comment gives a tolerance. */
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

static const char *in_directory(const char *name)
{
    static char path[8][512];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", directory, name);
    return p;
}

static const char *write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = in_directory(name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    return path;
}

static size_t read_file(const char *path, unsigned char *bytes, size_t room)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t size = fread(bytes, 1, room, in);
    assert_true(size < room);
    fclose(in);
    return size;
}

/* Version `major`.0 with this header text, then the data; returns the size. */
static size_t make_npy(unsigned char *bytes, int major, const char *text, const void *data,
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

static size_t make_safetensors(unsigned char *bytes, const char *json, const void *data,
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

static const char *write_npz(const char *name, const struct part *part, size_t parts,
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

static void assert_fails(enum ndl_status status, enum ndl_status expected,
                         const struct ndl_error *err, const char *why)
{
    if (status != expected || !strstr(err->text, why))
        fail_msg("status %d (expected %d), message '%s' (expected '%s')", status, expected,
                 err->text, why);
    assert_null(strchr(err->text, '\n'));
}

static void assert_npy_refused(int major, const char *text, size_t size, bool vector,
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

static void assert_matrix(const struct ndl_matrix *m, size_t rows, size_t cols, const double *v)
{
    assert_int_equal(m->rows, rows);
    assert_int_equal(m->cols, cols);
    assert_memory_equal(m->v, v, rows * cols * sizeof *v);
}

static void assert_codes(const struct ndl_codes *z, size_t rows, size_t cols, const size_t *start,
                         const uint32_t *atom, const double *value)
{
    assert_int_equal(z->rows, rows);
    assert_int_equal(z->cols, cols);
    assert_memory_equal(z->start, start, (rows + 1) * sizeof *start);
    assert_memory_equal(z->atom, atom, start[rows] * sizeof *atom);
    assert_memory_equal(z->value, value, start[rows] * sizeof *value);
}

/* ------------------------------------------------------------------- .npy */

static void npy_reads_every_version_order_and_width(void **state)
{
    (void)state;
    const double wide[6] = {1, 2, 3, 4, 5, 6}, fortran[6] = {1, 4, 2, 5, 3, 6};
    const float single[6] = {1, 2, 3, 4, 5, 6};
    /* 1 .. 6 in binary16 */
    const uint16_t half[6] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600};
    const struct {
        int major;
        const char *text;
        const void *data;
        size_t size;
    } files[] = {
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }  \n", wide, sizeof wide},
        {2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3)}\n", fortran, sizeof fortran},
        {3, "{ \"shape\" : (2,3,) , \"descr\":\"<f4\",\"fortran_order\":False }", single,
         sizeof single},
        {1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }", half, sizeof half},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned char bytes[500];
        struct ndl_matrix m;
        struct ndl_error err = {""};
        size_t size = make_npy(bytes, files[i].major, files[i].text, files[i].data, files[i].size);
        const char *path = write_file("good.npy", bytes, size);
        if (ndl_load_matrix(&m, path, &err) != NDL_OK)
            fail_msg("file %zu: %s", i, err.text);
        assert_matrix(&m, 2, 3, wide);
        ndl_matrix_free(&m);
        for (size_t cut = 0; cut < size; cut++) { /* no shorter file is a file */
            struct ndl_array_view view;
            assert_int_equal(ndl_npy_view(&view, bytes, cut, false, "f.npy", &err), NDL_BADDATA);
        }
    }
}

/* Rows 1 and 2 of a 70 x 3 array whose entry (i, j) is 100 i + j, both orders: more rows
 * than the reader converts at a time. */
static void npy_reads_rows_of_both_orders(void **state)
{
    (void)state;
    static double c[70 * 3], f[70 * 3], got[70 * 3];
    for (size_t i = 0; i < 70; i++)
        for (size_t j = 0; j < 3; j++)
            c[3 * i + j] = f[70 * j + i] = (double)(100 * i + j);
    for (int fortran = 0; fortran < 2; fortran++) {
        struct ndl_array_view v = {
            .rows = 70, .cols = 3, .column_major = fortran, .dtype = NDL_F64};
        v.data = (const unsigned char *)(fortran ? f : c);
        assert_int_equal(ndl_view_rows(&v, 1, 3, got, NULL), NDL_OK);
        assert_memory_equal(got, c + 3, 6 * sizeof *got);
        assert_int_equal(ndl_view_rows(&v, 0, 70, got, NULL), NDL_OK);
        assert_memory_equal(got, c, sizeof c);
        assert_int_equal(ndl_view_rows(&v, 70, 70, got, NULL), NDL_OK);
        ndl_view_transpose(&v);
        assert_int_equal(ndl_view_rows(&v, 2, 3, got, NULL), NDL_OK);
        for (size_t i = 0; i < 70; i++)
            assert_true(got[i] == c[3 * i + 2]);
    }
}

/* All 2^16 float16 values against their definition, and bfloat16 likewise. */
static void half_precisions_are_exact(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 1 << 16; bits++) {
        uint16_t half = (uint16_t)bits;
        unsigned char raw[2];
        memcpy(raw, &half, 2);
        int exponent = half >> 10 & 31, fraction = half & 1023;
        double expected =
                   exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25),
               got;
        if (exponent == 31)
            expected = fraction ? (double)NAN : (double)INFINITY;
        ndl_convert(NDL_F16, raw, 1, &got, 1);
        assert_true(signbit(got) == (half >> 15) * signbit(-1.0) || isnan(expected));
        assert_true(fabs(got) == expected || (isnan(got) && isnan(expected)));

        exponent = half >> 7 & 255, fraction = half & 127;
        expected = exponent == 0 ? ldexp(fraction, -133) : ldexp(128 + fraction, exponent - 134);
        if (exponent == 255)
            expected = fraction ? (double)NAN : (double)INFINITY;
        ndl_convert(NDL_BF16, raw, 1, &got, 1);
        assert_true(fabs(got) == expected || (isnan(got) && isnan(expected)));
    }
}

static void npy_refuses(void **state)
{
    (void)state;
    assert_npy_refused(1, HEADER(">f8", "(2, 2)"), 32, false, "f.npy: big-endian");
    assert_npy_refused(1, HEADER("<i4", "(2, 2)"), 16, false, "dtype i4 is not float16");
    assert_npy_refused(1, HEADER("<c16", "(2, 2)"), 64, false, "dtype c16");
    assert_npy_refused(1, HEADER("<f16", "(2, 2)"), 64, false, "dtype f16");
    assert_npy_refused(1, HEADER("|O", "(2, 2)"), 32, false, "Python objects");
    assert_npy_refused(1, HEADER("<M8[ns]", "(2, 2)"), 32, false,
                       "dtype '<M8[ns]' is not supported");
    assert_npy_refused(1, HEADER("f8", "(2, 2)"), 32, false, "is not supported");
    assert_npy_refused(1, HEADER("<", "(2, 2)"), 32, false, "is not supported");
    assert_npy_refused(1, "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", 16,
                       true, "structured array");
    assert_npy_refused(1, HEADER("<f8", "(2, 2)"), 24, false,
                       "truncated: the header promises 32 bytes of numbers, "
                       "there are 24");
    assert_npy_refused(1, HEADER("<f8", "(2, 2)"), 33, false, "too long");
    assert_npy_refused(1, HEADER("<f8", "(0, 2)"), 0, false, "empty array");
    assert_npy_refused(1, HEADER("<f8", "(2, 0)"), 0, false, "empty array");
    assert_npy_refused(1, HEADER("<f8", "()"), 8, true, "0-dimensional");
    assert_npy_refused(1, HEADER("<f8", "(4,)"), 32, false, "1-dimensional, a matrix is needed");
    assert_npy_refused(1, HEADER("<f8", "(2, 2)"), 32, true, "a 2 x 2 matrix, a vector is needed");
    assert_npy_refused(1, HEADER("<f8", "(1, 2, 2)"), 32, false, "3-dimensional");
    assert_npy_refused(1, HEADER("<f8", "(1,1,1,1,1,1,1,1,1)"), 8, false, "more than 8 dimensions");
    /* 2^32 * 2^32 entries; 2^61 entries of 8 bytes; one less, and the
     * header; a number beyond 2^64 */
    assert_npy_refused(1, HEADER("<f8", "(4294967296, 4294967296)"), 32, false,
                       "the shape overflows");
    assert_npy_refused(1, HEADER("<f8", "(2305843009213693952, 1)"), 32, false,
                       "the shape overflows");
    assert_npy_refused(1, HEADER("<f8", "(2305843009213693951, 1)"), 32, false,
                       "the shape overflows");
    assert_npy_refused(1, HEADER("<f8", "(99999999999999999999999, 1)"), 32, false,
                       "malformed 'shape'");
    assert_npy_refused(1, HEADER("<f8", "(-2, 2)"), 32, false, "malformed 'shape'");
    assert_npy_refused(1, HEADER("<f8", "(2 2)"), 32, false, "malformed 'shape'");
    assert_npy_refused(1, HEADER("<f8", "2"), 32, false, "malformed 'shape'");
    assert_npy_refused(1, "{'descr': 8, 'fortran_order': False, 'shape': (2, 2), }", 32, false,
                       "malformed 'descr'");
    const char *malformed[] = {
        "",
        "{",
        "{}",
        "{'descr': '<f8', 'shape': (2, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), } x",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 2)}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), 'more': 1}",
        "{'descr': '<f8' 'fortran_order': False, 'shape': (2, 2)}",
        "{'descr: '<f8', 'fortran_order': False, 'shape': (2, 2)}",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_npy_refused(1, malformed[i], 32, false, "malformed .npy header");
    assert_npy_refused(4, HEADER("<f8", "(2, 2)"), 32, false, "version 4.0");

    unsigned char bytes[500];
    struct ndl_array_view view;
    struct ndl_error err;
    size_t n = make_npy(bytes, 2, HEADER("<f8", "(2, 2)"), bytes, 32);
    bytes[11] = 0x7f; /* a header of 2 GiB */
    assert_fails(ndl_npy_view(&view, bytes, n, false, "f.npy", &err), NDL_BADDATA, &err,
                 ".npy header of");
    memcpy(bytes, "PK\3\4", 4);
    assert_fails(ndl_npy_view(&view, bytes, n, false, "f.npy", &err), NDL_BADDATA, &err,
                 "not a .npy file");
}

static void values_must_be_finite(void **state)
{
    (void)state;
    unsigned char bytes[500];
    struct ndl_matrix m;
    struct ndl_error err;
    double v[6] = {1, 2, 3, 4, (double)NAN, 6};
    size_t n = make_npy(bytes, 1, HEADER("<f8", "(2, 3)"), v, sizeof v);
    assert_fails(ndl_load_matrix(&m, write_file("nan.npy", bytes, n), &err), NDL_BADDATA, &err,
                 "nan.npy: row 1, column 1 is nan");
    assert_null(m.v);
    const uint16_t half[2] = {0x3c00, 0xfc00};
    n = make_npy(bytes, 1, HEADER("<f2", "(2, 1)"), half, sizeof half);
    assert_fails(ndl_load_matrix(&m, write_file("inf.npy", bytes, n), &err), NDL_BADDATA, &err,
                 "inf.npy: row 1, column 0 is -inf");
}

static void vectors_are_rows(void **state)
{
    (void)state;
    unsigned char bytes[500];
    struct ndl_matrix m;
    const double v[3] = {1, 2, 3};
    const char *texts[] = {HEADER("<f8", "(3,)"), HEADER("<f8", "(3, 1)"), HEADER("<f8", "(1, 3)")};
    for (size_t i = 0; i < 3; i++) {
        size_t n = make_npy(bytes, 1, texts[i], v, sizeof v);
        assert_int_equal(ndl_load_vector(&m, write_file("b.npy", bytes, n), NULL), NDL_OK);
        assert_matrix(&m, 1, 3, v);
        ndl_matrix_free(&m);
    }
    assert_int_equal(ndl_load_vector(&m, write_file("b.tsv", "1\n2\n3\n", 6), NULL), NDL_OK);
    assert_matrix(&m, 1, 3, v);
    ndl_matrix_free(&m);
}

static void files_that_are_none(void **state)
{
    (void)state;
    struct ndl_matrix m;
    struct ndl_codes z;
    struct ndl_error err;
    const char *names[] = {"dir.npy", "dir.safetensors", "dir.tsv", "dir.npz"};
    for (size_t i = 0; i < 4; i++) {
        const char *path = in_directory(names[i]);
        assert_int_equal(mkdir(path, 0777), 0);
        assert_fails(i < 3 ? ndl_load_matrix(&m, path, &err) : ndl_load_codes(&z, path, &err),
                     NDL_IO, &err, "is a directory");
        rmdir(path);
        assert_fails(i < 3 ? ndl_load_matrix(&m, path, &err) : ndl_load_codes(&z, path, &err),
                     NDL_IO, &err, "No such file");
        write_file(names[i], "", 0);
        assert_fails(i < 3 ? ndl_load_matrix(&m, path, &err) : ndl_load_codes(&z, path, &err),
                     NDL_BADDATA, &err, i == 2 ? "no rows of numbers" : "empty file");
        unlink(path);
        assert_int_equal(mkfifo(path, 0666), 0); /* must not hang */
        assert_fails(i < 3 ? ndl_load_matrix(&m, path, &err) : ndl_load_codes(&z, path, &err),
                     NDL_IO, &err, "not a regular file");
        unlink(path);
    }
    assert_fails(ndl_load_matrix(&m, "x.csv", &err), NDL_BADARG, &err, "x.csv: not a .npy");
    assert_fails(ndl_load_matrix(&m, "x.npy:W", &err), NDL_BADARG, &err, "x.npy:W: not a .npy");
    assert_fails(ndl_load_matrix(&m, "x.npz", &err), NDL_BADDATA, &err, "file.npz:NAME");
    assert_fails(ndl_load_codes(&z, write_file("text.npz", "hello", 5), &err), NDL_BADDATA, &err,
                 "not a readable .npz");
    assert_fails(ndl_save_matrix(&m, "x.npz", false, &err), NDL_BADARG, &err, "written as .npy");
}

static void matrices_survive_a_round_trip(void **state)
{
    (void)state;
    double v[6] = {1, -2.5, 1e-310, 0x1.fffffffffffffp1023, -0.0, 1.0 / 3};
    struct ndl_matrix m = {.rows = 2, .cols = 3, .v = v}, back;
    const char *names[] = {"m.npy", "m.tsv"};
    for (size_t i = 0; i < 2; i++) {
        const char *path = in_directory(names[i]);
        assert_int_equal(ndl_save_matrix(&m, path, false, NULL), NDL_OK);
        assert_int_equal(ndl_load_matrix(&back, path, NULL), NDL_OK);
        assert_matrix(&back, 2, 3, v);
        ndl_matrix_free(&back);
    }
    struct ndl_error err;
    assert_fails(ndl_save_matrix(&m, in_directory("v.npy"), true, &err), NDL_BADARG, &err,
                 "not a vector");
    m.rows = 1;
    assert_int_equal(ndl_save_matrix(&m, in_directory("v.npy"), true, NULL), NDL_OK);
    assert_fails(ndl_load_matrix(&back, in_directory("v.npy"), &err), NDL_BADDATA, &err,
                 "1-dimensional");
    assert_int_equal(ndl_load_vector(&back, in_directory("v.npy"), NULL), NDL_OK);
    assert_matrix(&back, 1, 3, v);
    ndl_matrix_free(&back);
}

/* ------------------------------------------------------------------- .npz */

static void codes_are_read(void **state)
{
    (void)state;
    const size_t start[] = {0, 2, 2, 3};
    const uint32_t atom[] = {1, 2, 0};
    const int64_t wide_indices[] = {1, 2, 0}, wide_indptr[] = {0, 2, 2, 3};
    const int32_t narrow_shape[] = {3, 3};
    const float single[] = {1, 2, 0.5F};
    const uint16_t half[] = {0x3c00, 0x4000, 0x3800};
    const uint32_t unicode[] = {'c', 's', 'r'};
    struct part part[5];
    memcpy(part, sound, sizeof part);
    for (int round = 0; round < 4; round++) {
        if (round == 2) {
            part[INDICES] = (struct part){"indices.npy", HEADER("<i8", "(3,)"), wide_indices,
                                          sizeof wide_indices};
            part[INDPTR] =
                (struct part){"indptr.npy", HEADER("<i8", "(4,)"), wide_indptr, sizeof wide_indptr};
            part[SHAPE] = (struct part){"shape.npy", HEADER("<i4", "(2,)"), narrow_shape,
                                        sizeof narrow_shape};
            part[FORMAT] =
                (struct part){"format.npy", HEADER("<U3", "()"), unicode, sizeof unicode};
            part[DATA] = (struct part){"data.npy", HEADER("<f4", "(3,)"), single, sizeof single};
        }
        if (round == 3)
            part[DATA] = (struct part){"data.npy", HEADER("<f2", "(3,)"), half, sizeof half};
        struct ndl_codes z;
        struct ndl_error err = {""};
        const char *path = write_npz("z.npz", part, 5, round % 2 ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
        if (ndl_load_codes(&z, path, &err) != NDL_OK)
            fail_msg("round %d: %s", round, err.text);
        assert_codes(&z, 3, 3, start, atom, data);
        ndl_codes_free(&z);
    }
}

static void codes_are_read_in_blocks(void **state)
{
    (void)state;
    const char *npz = write_npz("z.npz", sound, 5, ZIP_CM_DEFLATE);
    const char *tsv = write_file("z.tsv", "0\t1\t2\n0\t0\t0\n.5\t0\t0\n", 19);
    const char *paths[] = {npz, tsv};
    const size_t first[] = {0, 2, 2}, second[] = {0, 1};
    const uint32_t atom[] = {1, 2, 0};
    for (size_t i = 0; i < 2; i++) {
        struct ndl_codes_reader *reader;
        const struct ndl_codes *block;
        assert_int_equal(ndl_codes_open(&reader, paths[i], NULL), NDL_OK);
        assert_int_equal(ndl_codes_rows(reader), 3);
        assert_int_equal(ndl_codes_cols(reader), 3);
        assert_int_equal(ndl_codes_next(reader, 2, &block, NULL), NDL_OK);
        assert_codes(block, 2, 3, first, atom, data);
        assert_int_equal(ndl_codes_next(reader, 2, &block, NULL), NDL_OK);
        assert_codes(block, 1, 3, second, atom + 2, data + 2);
        assert_int_equal(ndl_codes_next(reader, 2, &block, NULL), NDL_OK);
        assert_null(block);
        ndl_codes_close(reader);
    }
    struct ndl_codes z;
    struct ndl_error err;
    assert_fails(ndl_load_codes(&z, write_file("minus.tsv", "0\t1\n0\t-1\n", 9), &err), NDL_BADDATA,
                 &err, "minus.tsv: row 1, column 1 is -1");
    ndl_codes_close(NULL);
}

/* Row 0 stores (2: 1), (0: 2), (2: 0.25), (1: 0), -0.0 again in 1; row 1 stores a lone zero. */
static void untidy_rows_are_tidied(void **state)
{
    (void)state;
    const int32_t columns[] = {2, 0, 2, 1, 1, 0}, offsets[] = {0, 5, 6, 6};
    const double values[] = {1, 2, 0.25, 0, -0.0, 0};
    struct part part[5];
    memcpy(part, sound, sizeof part);
    part[INDICES] = (struct part){"indices.npy", HEADER("<i4", "(6,)"), columns, sizeof columns};
    part[INDPTR].data = offsets;
    part[DATA] = (struct part){"data.npy", HEADER("<f8", "(6,)"), values, sizeof values};
    struct ndl_codes z;
    assert_int_equal(ndl_load_codes(&z, write_npz("z.npz", part, 5, ZIP_CM_STORE), NULL), NDL_OK);
    const size_t start[] = {0, 2, 2, 2};
    const uint32_t atom[] = {0, 2};
    const double value[] = {2, 1.25};
    assert_codes(&z, 3, 3, start, atom, value);
    ndl_codes_free(&z);
}

static void assert_npz_refused(size_t which, struct part wrong, const char *why)
{
    struct part part[5];
    memcpy(part, sound, sizeof part);
    part[which] = wrong;
    struct ndl_codes z;
    struct ndl_error err;
    for (int c = 0; c < 2; c++) {
        const char *path = write_npz("bad.npz", part, 5, c ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
        assert_fails(ndl_load_codes(&z, path, &err), NDL_BADDATA, &err, why);
        assert_non_null(strstr(err.text, "bad.npz"));
        assert_null(z.start);
    }
}

static void npz_refuses(void **state)
{
    (void)state;
    const int32_t beyond[] = {1, 3, 0}, below[] = {1, -1, 0}, falling[] = {0, 2, 1, 3},
                  late[] = {1, 2, 2, 3}, more[] = {0, 2, 2, 4}, fewer[] = {0, 2, 2, 2},
                  doubled[] = {1, 1, 0};
    const double negative[] = {1, -2, 0.5}, nan[] = {1, 2, (double)NAN},
                 inf[] = {1, (double)INFINITY, 0.5}, huge[] = {0x1.8p1023, 0x1.8p1023, 0.5};
    const int64_t flat[] = {3, 0}, minus[] = {-3, 3}, wide[] = {3, INT64_C(1) << 33},
                  tall[] = {INT64_C(1) << 60, 3}, three[] = {3, 3, 3};
    const struct part d = sound[DATA], i = sound[INDICES], p = sound[INDPTR], s = sound[SHAPE],
                      f = sound[FORMAT];
    assert_npz_refused(DATA, (struct part){d.name, d.text, negative, d.size},
                       "row 0, column 2 is -2");
    assert_npz_refused(DATA, (struct part){d.name, d.text, nan, d.size}, "row 2, column 0 is nan");
    assert_npz_refused(DATA, (struct part){d.name, d.text, inf, d.size}, "row 0, column 2 is inf");
    assert_npz_refused(DATA, (struct part){d.name, HEADER("<i8", "(3,)"), d.data, d.size},
                       "dtype i8 is not float16");
    assert_npz_refused(DATA, (struct part){d.name, HEADER(">f8", "(3,)"), d.data, d.size},
                       "big-endian");
    assert_npz_refused(DATA, (struct part){d.name, HEADER("<f8", "(3, 1)"), d.data, d.size},
                       "not a 1-dimensional array");
    assert_npz_refused(DATA, (struct part){d.name, HEADER("<f8", "(2,)"), d.data, 16},
                       "2 values but 3 column indices");
    assert_npz_refused(DATA, (struct part){d.name, d.text, d.data, 16}, "the .npy header needs");
    assert_npz_refused(DATA, (struct part){d.name, HEADER("<f8", "(99999999,)"), d.data, d.size},
                       "the .npy header needs");
    assert_npz_refused(DATA, (struct part){"date.npy", d.text, d.data, d.size},
                       "no member 'data.npy'");
    assert_npz_refused(INDICES, (struct part){i.name, i.text, beyond, i.size},
                       "indices.npy: entry 1 is 3, not in [0, 2]");
    assert_npz_refused(INDICES, (struct part){i.name, i.text, below, i.size},
                       "indices.npy: entry 1 is -1, not in [0, 2]");
    assert_npz_refused(INDICES, (struct part){i.name, HEADER("<f4", "(3,)"), i.data, i.size},
                       "int32 or int64");
    assert_npz_refused(INDPTR, (struct part){p.name, p.text, falling, p.size},
                       "indptr.npy: decreases at row 1");
    assert_npz_refused(INDPTR, (struct part){p.name, p.text, late, p.size},
                       "indptr.npy: starts with 1");
    assert_npz_refused(INDPTR, (struct part){p.name, p.text, more, p.size},
                       "entry 3 is 4, not in [0, 3]");
    assert_npz_refused(INDPTR, (struct part){p.name, p.text, fewer, p.size},
                       "indptr ends with 2, but there are 3 values");
    assert_npz_refused(INDPTR, (struct part){p.name, HEADER("<i4", "(3,)"), p.data, 12},
                       "3 offsets in indptr for 3 rows");
    assert_npz_refused(SHAPE, (struct part){s.name, s.text, flat, s.size}, "codes of shape (3, 0)");
    assert_npz_refused(SHAPE, (struct part){s.name, s.text, minus, s.size},
                       "codes of shape (-3, 3)");
    assert_npz_refused(SHAPE, (struct part){s.name, s.text, wide, s.size}, "codes of shape");
    assert_npz_refused(SHAPE, (struct part){s.name, s.text, tall, s.size}, "offsets in indptr for");
    assert_npz_refused(SHAPE, (struct part){s.name, HEADER("<i8", "(3,)"), three, sizeof three},
                       "3 numbers, not 2");
    assert_npz_refused(FORMAT, (struct part){f.name, f.text, "csc", 3}, "format 'csc', not 'csr'");
    assert_npz_refused(FORMAT, (struct part){f.name, HEADER("<f8", "()"), data, 8},
                       "not a short string");
    assert_npz_refused(FORMAT, (struct part){f.name, HEADER("|S99", "()"), directory, 99},
                       "not a short string");

    struct part part[5]; /* duplicates whose sum is beyond the largest double */
    memcpy(part, sound, sizeof part);
    part[INDICES].data = doubled;
    part[DATA].data = huge;
    struct ndl_codes z;
    struct ndl_error err;
    assert_fails(ndl_load_codes(&z, write_npz("bad.npz", part, 5, ZIP_CM_STORE), &err), NDL_BADDATA,
                 &err, "row 0, column 1: duplicates sum to inf");
}

/* 32 MiB of zeros in a file of 33 KB; the limit is 16 MiB and 100-fold. */
static void npz_refuses_a_bomb(void **state)
{
    (void)state;
    size_t size = (size_t)32 << 20;
    void *zeros = calloc(size, 1);
    struct part part[5];
    memcpy(part, sound, sizeof part);
    part[DATA] = (struct part){"data.npy", HEADER("<f8", "(4194304,)"), zeros, size};
    struct ndl_codes z;
    struct ndl_matrix m;
    struct ndl_error err;
    const char *path = write_npz("bomb.npz", part, 5, ZIP_CM_DEFLATE);
    assert_fails(ndl_load_codes(&z, path, &err), NDL_BADDATA, &err, "zip bomb");
    char member[600];
    snprintf(member, sizeof member, "%s:data", path);
    assert_fails(ndl_load_matrix(&m, member, &err), NDL_BADDATA, &err, "zip bomb");
    free(zeros);
}

/* Whatever single byte of an archive is inverted, either it is refused or the codes are the
 * same: all numbers are under a CRC-32, which no single byte escapes.  So for every cut. */
static void npz_damage_is_noticed(void **state)
{
    (void)state;
    static unsigned char bytes[1 << 14];
    const size_t start[] = {0, 2, 2, 3};
    const uint32_t atom[] = {1, 2, 0};
    for (int c = 0; c < 2; c++) {
        size_t size = read_file(write_npz("z.npz", sound, 5, c ? ZIP_CM_DEFLATE : ZIP_CM_STORE),
                                bytes, sizeof bytes);
        size_t survived = 0;
        struct ndl_error err;
        for (size_t b = 0; b < size; b++) {
            struct ndl_npz *npz;
            const struct ndl_codes *block, *end;
            bytes[b] ^= 0xff;
            enum ndl_status status = ndl_npz_open(&npz, bytes, size, "z.npz", &err);
            if (status == NDL_OK && (status = ndl_npz_next(npz, 9, &block, &err)) == NDL_OK) {
                struct ndl_codes copy = *block;
                status = ndl_npz_next(npz, 9, &end, &err);
                if (status == NDL_OK) {
                    assert_codes(&copy, 3, 3, start, atom, data);
                    survived++;
                }
            }
            ndl_npz_close(npz);
            bytes[b] ^= 0xff;
        }
        /* what survives are time stamps, versions, local headers */
        assert_true(survived < size / 2);
        for (size_t cut = 0; cut < size; cut++) {
            struct ndl_npz *npz;
            assert_int_equal(ndl_npz_open(&npz, bytes, cut, "z.npz", &err), NDL_BADDATA);
            assert_null(npz);
        }
    }
}

static void codes_survive_a_round_trip(void **state)
{
    (void)state;
    size_t start[] = {0, 2, 2, 3};
    uint32_t atom[] = {1, 2, 0};
    double value[] = {1, 0x1.fffffffffffffp1023, 5e-324};
    struct ndl_codes z = {.rows = 3, .cols = 3, .start = start, .atom = atom, .value = value}, back;
    static unsigned char one[1 << 14], two[1 << 14];
    size_t size = 0;
    for (size_t round = 0; round < 3; round++) {
        if (round == 2)
            z.cols = (size_t)UINT32_MAX; /* needs int64 columns */
        const char *path = in_directory("out.npz");
        assert_int_equal(ndl_save_codes(&z, path, NULL), NDL_OK); /* over an older file, too */
        assert_int_equal(ndl_load_codes(&back, path, NULL), NDL_OK);
        assert_codes(&back, 3, z.cols, start, atom, value);
        ndl_codes_free(&back);
        if (round == 0)
            size = read_file(path, one, sizeof one);
        if (round == 1) { /* the same codes, the same bytes */
            assert_int_equal(read_file(path, two, sizeof two), size);
            assert_memory_equal(one, two, size);
        }
    }
    size_t none[] = {0, 0};
    struct ndl_codes nothing = {.rows = 1, .cols = 2, .start = none, .atom = atom, .value = value};
    assert_int_equal(ndl_save_codes(&nothing, in_directory("none.npz"), NULL), NDL_OK);
    assert_int_equal(ndl_load_codes(&back, in_directory("none.npz"), NULL), NDL_OK);
    assert_codes(&back, 1, 2, none, atom, value);
    ndl_codes_free(&back);
}

static void dense_members_are_read(void **state)
{
    (void)state;
    const double v[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6};
    const struct part part[] = {{"W_dec.npy", HEADER("<f8", "(2, 3)"), v, sizeof v},
                                {"b.npy", HEADER("<f8", "(3,)"), v, 3 * sizeof *v}};
    char path[600];
    struct ndl_matrix m;
    struct ndl_error err;
    snprintf(path, sizeof path, "%s:W_dec", write_npz("params.npz", part, 2, ZIP_CM_DEFLATE));
    assert_int_equal(ndl_load_matrix(&m, path, NULL), NDL_OK);
    assert_matrix(&m, 2, 3, v);
    ndl_matrix_free(&m);
    assert_int_equal(ndl_load_matrix(&m, strcat(path, ".T"), NULL), NDL_OK);
    assert_matrix(&m, 3, 2, t);
    ndl_matrix_free(&m);
    snprintf(path, sizeof path, "%s:b", in_directory("params.npz"));
    assert_int_equal(ndl_load_vector(&m, path, NULL), NDL_OK);
    assert_matrix(&m, 1, 3, v);
    ndl_matrix_free(&m);
    assert_fails(ndl_load_matrix(&m, path, &err), NDL_BADDATA, &err,
                 "params.npz: b: 1-dimensional");
    snprintf(path, sizeof path, "%s:c", in_directory("params.npz"));
    assert_fails(ndl_load_matrix(&m, path, &err), NDL_BADDATA, &err, "no member 'c.npy'");
}

/* ------------------------------------------------------------ .safetensors */

static void safetensors_are_read(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    const double v[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6};
    unsigned char raw[24 + 12 + 12 + 24];
    const float single[6] = {1, 2, 3, 4, 5, 6};
    const uint16_t half[6] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600};
    const uint16_t brain[6] = {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0};
    memcpy(raw, single, 24);
    memcpy(raw + 24, half, 12);
    memcpy(raw + 36, brain, 12);
    memcpy(raw + 48, v, 24);
    size_t n =
        make_safetensors(bytes,
                         "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"W_dec\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                         "\"half\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[24,36]},"
                         "\"brain\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[36,48]},"
                         "\"b_dec\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[48,72]}}   ",
                         raw, sizeof raw);
    const char *path = write_file("sae.safetensors", bytes, n);
    const char *suffixes[] = {"", ":W_dec", ":half", ":brain"};
    char name[600];
    struct ndl_matrix m;
    struct ndl_error err;
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        assert_int_equal(ndl_load_matrix(&m, name, &err), NDL_OK);
        assert_matrix(&m, 2, 3, v);
        ndl_matrix_free(&m);
    }
    assert_int_equal(ndl_load_matrix(&m, strcat(name, ".T"), NULL), NDL_OK);
    assert_matrix(&m, 3, 2, t);
    ndl_matrix_free(&m);
    assert_int_equal(ndl_load_vector(&m, path, NULL), NDL_OK);
    assert_matrix(&m, 1, 3, v);
    ndl_matrix_free(&m);
    snprintf(name, sizeof name, "%s:W_enc", path);
    assert_fails(ndl_load_matrix(&m, name, &err), NDL_BADDATA, &err,
                 "no tensor W_enc; there are: W_dec, half, brain, b_dec");
    snprintf(name, sizeof name, "%s:b_dec", path);
    assert_fails(ndl_load_matrix(&m, name, &err), NDL_BADDATA, &err, "tensor b_dec: 1-dimensional");
    struct ndl_array_view view;
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *copy = malloc(cut + 1); /* exact size, for the sanitizer */
        memcpy(copy, bytes, cut);
        assert_int_equal(ndl_safetensors_view(&view, copy, cut, NULL, false, "f", &err),
                         NDL_BADDATA);
        free(copy);
    }
}

/* torch.nn.Linear stores the decoder as d x K; a lone tensor needs no name; W_dec comes first. */
static void usual_names_are_found(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    const double v[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6};
    struct ndl_array_view view;
    struct ndl_error err;
    double got[6];
    size_t n = make_safetensors(
        bytes,
        "{\"decoder.weight\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]},"
        "\"x\":{\"dtype\":\"F64\",\"shape\":[0,3],\"data_offsets\":[48,48]}}",
        v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(view.rows, 3);
    assert_int_equal(view.cols, 2);
    assert_int_equal(ndl_view_rows(&view, 0, 3, got, &err), NDL_OK);
    assert_memory_equal(got, t, sizeof t);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, "decoder.weight", false, "f", &err),
                     NDL_OK);
    assert_int_equal(view.rows, 2); /* a name given is read as stored */
    assert_fails(ndl_safetensors_view(&view, bytes, n, "x", false, "f", &err), NDL_BADDATA, &err,
                 "empty array");
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, true, "f", &err), NDL_BADDATA, &err,
                 "of a usual name");

    n = make_safetensors(
        bytes, "{\"acts\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}}", v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(view.rows, 2);

    n = make_safetensors(
        bytes,
        "{\"decoder.weight\":{\"dtype\":\"F64\",\"shape\":[1,3],\"data_offsets\":[0,24]},"
        "\"W_dec\":{\"dtype\":\"F64\",\"shape\":[3,1],\"data_offsets\":[24,48]}}",
        v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(ndl_view_rows(&view, 0, 1, got, &err), NDL_OK);
    assert_true(got[0] == 4);
    bool has;
    assert_int_equal(ndl_safetensors_has(bytes, n, "W_dec", &has, "f", &err), NDL_OK);
    assert_true(has);
    assert_int_equal(ndl_safetensors_has(bytes, n, "W_de", &has, "f", &err), NDL_OK);
    assert_false(has);
}

static void safetensors_refuses(void **state)
{
    (void)state;
    static const double v[4];
    const struct {
        const char *json, *why;
    } bad[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{\"a\":", "not a JSON object"},
        {"{} x", "not a JSON object"},
        {"{\"a\x01\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}",
         "not a JSON object"},
        {"{}", "32 bytes after the last tensor"},
        {"{\"a\":1}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4]}}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32],\"dtype\":\"F32\"}}",
         "'a' has not one each"},
        {"{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,32]}}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]},"
         "\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}",
         "two tensors named 'a'"},
        {"{\"__metadata__\":{},\"__metadata__\":{},\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_"
         "offsets\":["
         "0,32]}}",
         "two '__metadata__'"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,32]}}",
         "shape and data_offsets disagree"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,32]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4503599627370496,1024],\"data_offsets\":[0,0]}}",
         "disagree"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[-4],\"data_offsets\":[0,32]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4.5],\"data_offsets\":[0,32]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,32]}}",
         "more than 8 dim"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[5],\"data_offsets\":[0,40]}}",
         "outside of the file's 32 bytes"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[32,0]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,1e300]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]},"
         "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[16,32]}}",
         "'b' overlaps another"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[16,32]}}",
         "'b' comes after a hole"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]}}",
         "8 bytes after the last tensor"},
        {"{\"a\":{\"dtype\":\"I64\",\"shape\":[2,2],\"data_offsets\":[0,32]}}", "dtype I64 is not"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8,4],\"data_offsets\":[0,32]}}",
         "dtype F8_E4M3 is not"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2,2,1],\"data_offsets\":[0,32]}}", "3-dimensional"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}", "1-dimensional"},
    };
    unsigned char bytes[1000];
    struct ndl_array_view view;
    struct ndl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = make_safetensors(bytes, bad[i].json, v, sizeof v);
        assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA,
                     &err, bad[i].why);
        assert_null(view.data);
    }
    size_t n = make_safetensors(bytes, "{}", NULL, 0);
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA, &err,
                 "there are: none");
    memset(bytes, 0xff, 8); /* a header of 2^64 - 1 bytes */
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA, &err,
                 "a header of");
}

/* ---------------------------------------------------------------- full disk */

/* A file may not grow beyond 100 bytes: what a full disk looks like to fwrite and libzip. */
static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    static double v[4000];
    struct ndl_matrix m = {.rows = 40, .cols = 100, .v = v};
    struct ndl_codes z;
    struct ndl_error err;
    v[0] = 1;
    assert_int_equal(ndl_codes_from_dense(&z, &m, NULL), NDL_OK);
    char full[300];
    snprintf(full, sizeof full, "%s/full", directory);
    assert_int_equal(mkdir(full, 0777), 0);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){100, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    const char *names[] = {"full/m.npy", "full/m.tsv", "full/z.npz"};
    const char *reasons[] = {"File too large", "cannot write", "File too large"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const char *path = in_directory(names[i]);
        enum ndl_status status =
            i < 2 ? ndl_save_matrix(&m, path, false, &err) : ndl_save_codes(&z, path, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_fails(status, NDL_IO, &err, reasons[i]);
        assert_non_null(strstr(err.text, path));
    }
    assert_int_equal(rmdir(full), 0); /* fails if anything is in it */
    const char *nowhere = in_directory("nowhere/z.npz");
    assert_fails(ndl_save_codes(&z, nowhere, &err), NDL_IO, &err, "nowhere/z.npz");
    assert_fails(ndl_save_matrix(&m, in_directory("nowhere/m.npy"), false, &err), NDL_IO, &err,
                 "nowhere/m.npy");
    assert_int_equal(mkdir(full, 0777), 0); /* a directory in the place of the file */
    assert_fails(ndl_save_codes(&z, full, &err), NDL_IO, &err, "full");
    assert_int_equal(rmdir(full), 0);
    ndl_codes_free(&z);
}

/* ------------------------------------------------------------------- SAELens */

/* d = 2, K = 3: W_enc = [[1 0 1], [0 1 -1]], b_enc = (0, -1, 0.5), W_dec rows (1 0), (0 4), (1 1),
 * b_dec = (1, 1) and, for JumpReLU, threshold = (2, 0, 0) or log_threshold = log of 2, 1, 1 rounded
 * to float32. */
static void write_sae(const char *config, bool logarithmic)
{
    const float raw[] = {1, 0, 1, 0, 1, -1, 0, -1, 0.5F, 1, 0, 0, 4, 1, 1, 1, 1, 2, 0, 0};
    float values[20];
    memcpy(values, raw, sizeof values);
    if (logarithmic)
        values[17] = 0x1.62e43p-1F;
    bool jump = strstr(config, "jumprelu") != NULL;
    char json[600];
    snprintf(json, sizeof json,
             "{\"W_enc\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
             "\"b_enc\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]},"
             "\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[36,60]},"
             "\"b_dec\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[60,68]},"
             "\"%s\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[68,80]}}",
             logarithmic ? "log_threshold"
             : jump      ? "threshold"
                         : "steps");
    unsigned char bytes[1000];
    write_file("sae_weights.safetensors", bytes,
               make_safetensors(bytes, json, values, sizeof values));
    write_file("cfg.json", config, strlen(config));
}

/* Views a matrix of the caller, who keeps it. */
static void view_matrix(struct ndl_array_view *view, const struct ndl_matrix *m, const char *name)
{
    *view = (struct ndl_array_view){
        .rows = m->rows, .cols = m->cols, .dtype = NDL_F64, .data = (const unsigned char *)m->v};
    snprintf(view->name, sizeof view->name, "%s", name);
}

/* Encodes X = [[3 4], [1 1], [4 0.5]] and compares with the dense codes expected. */
static void assert_sae_codes(const char *config, bool logarithmic, const double expected[9])
{
    double x[6] = {3, 4, 1, 1, 4, 0.5};
    struct ndl_matrix X = {.rows = 3, .cols = 2, .v = x}, dense;
    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes z;
    struct ndl_error err = {""};
    write_sae(config, logarithmic);
    if (ndl_sae_load(&sae, directory, &err) != NDL_OK)
        fail_msg("%s: %s", config, err.text);
    view_matrix(&view, &X, "X");
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 3, 2, &z, &err), NDL_OK);
    assert_int_equal(ndl_codes_to_dense(&dense, &z, NULL), NDL_OK);
    assert_int_equal(dense.cols, 3);
    for (size_t e = 0; e < 9; e++)
        if (fabs(dense.v[e] - expected[e]) > 1e-14) /* sums of two products of numbers below 10 */
            fail_msg("%s: entry %zu is %.17g, not %.17g", config, e, dense.v[e], expected[e]);
    ndl_matrix_free(&dense);
    ndl_codes_free(&z);
    ndl_sae_free(&sae);
}

/* With b_dec taken off, x = (2 3), (0 0), (3 -0.5); pre-activations (2 2 -0.5), (0 -1 0.5), (3
 * -1.5 4). */
static void sae_codes_are_computed(void **state)
{
    (void)state;
    const double relu[] = {2, 2, 0, 0, 0, 0.5, 3, 0, 4};
    const double top1[] = {2, 0, 0, 0, 0, 0.5, 0, 0, 4};   /* of the tie in row 0 the lower index */
    const double ranked[] = {0, 2, 0, 0, 0, 0.5, 0, 0, 4}; /* 2 * 4 beats 2 * 1 */
    const double jump[] = {0, 2, 0, 0, 0, 0.5, 3, 0, 4};   /* 2 is not above its threshold 2 */
    assert_sae_codes(
        "{\"architecture\":\"standard\",\"d_in\":2,\"d_sae\":3,\"normalize_activations\":\"none\"}",
        false, relu);
    assert_sae_codes("{\"activation_fn_str\":\"relu\",\"apply_b_dec_to_input\":true}", false, relu);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":1}", false, top1);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":3}", false, relu);
    assert_sae_codes("{\"architecture\":\"standard\",\"activation_fn_str\":\"topk\",\"activation_"
                     "fn_kwargs\":{\"k\":1}}",
                     false, top1);
    assert_sae_codes(
        "{\"architecture\":\"topk\",\"activation_fn\":\"topk\",\"activation_fn_kwargs\":{\"k\":1}}",
        false, top1);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":1,\"rescale_acts_by_decoder_norm\":true}",
                     false, ranked);
    assert_sae_codes("{\"architecture\":\"jumprelu\",\"activation_fn\":\"relu\"}", false, jump);
    /* b_dec stays in: pre-activations (3 3 -0.5), (1 0 0.5), (4 -0.5 4); thresholds 2.0000000, 1,
     * 1 */
    const double kept[] = {3, 3, 0, 0, 0, 0, 4, 0, 4};
    assert_sae_codes("{\"architecture\":\"jumprelu\",\"apply_b_dec_to_input\":false}", true, kept);
    /* x sqrt(2) / |x|: (3 4) -> sqrt(2) (0.6 0.8), (1 1) -> (1 1), then minus b_dec */
    double s = sqrt(2), u = s / hypot(4, 0.5);
    const double unit[] = {0, 0, s * -0.2 + 0.5, 0, 0, 0.5, 4 * u - 1, 0, 3.5 * u + 0.5};
    assert_sae_codes("{\"normalize_activations\":\"constant_norm_rescale\"}", false, unit);
    /* layer norm of two numbers: -+ (1/2 |difference|) / (|difference| / sqrt 2 + 1e-5), then
     * minus b_dec */
    double a = 0.5 / (1 / s + 1e-5),
           c = 1.75 / (3.5 / s + 1e-5); /* row 0 is (-a a), row 1 (0 0), row 2 (c -c) */
    const double layer[] = {0, 0, 0, 0, 0, 0.5, 0, 0, 2 * c + 0.5};
    assert_true(a > 0.7 && c < 0.71);
    double x[2] = {1, 1};
    struct ndl_matrix X = {.rows = 1, .cols = 2, .v = x};
    assert_sae_codes("{\"normalize_activations\":\"layer_norm\"}", false, layer);

    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes z;
    struct ndl_error err;
    write_sae("{\"normalize_activations\":\"constant_norm_rescale\"}", false);
    assert_int_equal(ndl_sae_load(&sae, directory, &err), NDL_OK);
    x[0] = x[1] = 0;
    view_matrix(&view, &X, "X");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADDATA, &err,
                 "X: row 0 cannot be normalised");
    x[1] = (double)NAN;
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADDATA, &err,
                 "X: row 0, column 1 is nan");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 2, 1, &z, &err), NDL_BADARG, &err,
                 "rows [0, 2) of 1");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 0, &z, &err), NDL_BADARG, &err, "on 0 threads");
    view.cols = 1;
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADARG, &err,
                 "1 columns, but the SAE reads 2");
    ndl_sae_free(&sae);
}

/* 200 rows, so several blocks and both threads; the codes of a row depend on nothing else. */
static void sae_rows_are_independent(void **state)
{
    (void)state;
    static double x[400];
    for (size_t e = 0; e < 400; e++)
        x[e] = sin((double)e) * 5;
    struct ndl_matrix X = {.rows = 200, .cols = 2, .v = x};
    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes all, two, part;
    write_sae("{\"architecture\":\"topk\",\"k\":2}", false);
    assert_int_equal(ndl_sae_load(&sae, directory, NULL), NDL_OK);
    view_matrix(&view, &X, "X");
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 200, 1, &all, NULL), NDL_OK);
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 200, 2, &two, NULL), NDL_OK);
    assert_true(all.start[200] > 100);
    assert_codes(&two, 200, 3, all.start, all.atom, all.value);
    assert_int_equal(ndl_sae_encode(&sae, &view, 150, 151, 2, &part, NULL), NDL_OK);
    assert_int_equal(part.start[1], all.start[151] - all.start[150]);
    assert_memory_equal(part.value, all.value + all.start[150], part.start[1] * sizeof(double));
    ndl_codes_free(&all);
    ndl_codes_free(&two);
    ndl_codes_free(&part);
    ndl_sae_free(&sae);
}

static void sae_refuses(void **state)
{
    (void)state;
    const struct {
        const char *config, *why;
    } bad[] = {
        {"", "empty file"},
        {"[1]", "cfg.json: not a JSON object"},
        {"{\"architecture\":\"gated\"}", "cfg.json: architecture 'gated' is not"},
        {"{\"architecture\":3}", "architecture '(no string)'"},
        {"{\"activation_fn_str\":\"tanh-relu\"}", "activation function 'tanh-relu'"},
        {"{\"architecture\":\"jumprelu\",\"activation_fn\":\"topk\"}",
         "activation function 'topk' of a 'jumprelu' SAE"},
        {"{\"architecture\":\"topk\"}", "a TopK SAE of 3 features needs k"},
        {"{\"architecture\":\"topk\",\"k\":4}", "needs k"},
        {"{\"architecture\":\"topk\",\"k\":0.5}", "needs k"},
        {"{\"d_in\":3}", "d_in is not 2"},
        {"{\"d_sae\":2}", "d_sae is not 3"},
        {"{\"apply_b_dec_to_input\":1}", "neither true nor false"},
        {"{\"normalize_activations\":\"expected_average_only_in\"}",
         "needs a factor that is not saved"},
        {"{\"normalize_activations\":\"new\"}", "normalize_activations 'new' is not understood"},
        {"{\"normalize_activations\":true}", "'expected_average_only_in' needs a factor"},
        {"{\"normalize_activations\":3}", "normalize_activations '(no string)'"},
        {"{\"apply_b_dec_to_input\":false,\"apply_b_dec_to_input\":true}",
         "apply_b_dec_to_input stands twice"},
        {"{\"d_in\":2} }", "cfg.json: not a JSON object"},
        {"{\"d_in\x01\":2}", "cfg.json: not a JSON object"},
        {"{\"architectur\":\"jumprelu\"}", "threshold does not belong to the architecture"},
        {"{\"finetuning_scaling_factor\":true}", "finetuning_scaling_factor is not supported"},
    };
    struct ndl_sae sae;
    struct ndl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_sae(bad[i].config, false);
        assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err, bad[i].why);
        assert_null(sae.W_dec.v);
    }
    unsigned char bytes[500];
    static const float zeros[12];
    size_t n =
        make_safetensors(bytes,
                         "{\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
                         "\"W_enc\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[24,48]}}",
                         zeros, 48);
    write_file("sae_weights.safetensors", bytes, n);
    write_file("cfg.json", "{}", 2);
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err,
                 "tensor W_enc is 3 x 2, not 2 x 3");
    n = make_safetensors(bytes,
                         "{\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}",
                         zeros, 24);
    write_file("sae_weights.safetensors", bytes, n);
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err, "no tensor W_enc");
    unlink(in_directory("cfg.json"));
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_IO, &err, "cfg.json: No such file");
    unlink(in_directory("sae_weights.safetensors"));
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_IO, &err,
                 "sae_weights.safetensors: No such file");
}

/* -------------------------------------------------------------------- main */

static int make_directory(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/ndl-files-XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_reads_every_version_order_and_width),
        cmocka_unit_test(npy_reads_rows_of_both_orders),
        cmocka_unit_test(half_precisions_are_exact),
        cmocka_unit_test(npy_refuses),
        cmocka_unit_test(values_must_be_finite),
        cmocka_unit_test(vectors_are_rows),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(matrices_survive_a_round_trip),
        cmocka_unit_test(codes_are_read),
        cmocka_unit_test(codes_are_read_in_blocks),
        cmocka_unit_test(untidy_rows_are_tidied),
        cmocka_unit_test(npz_refuses),
        cmocka_unit_test(npz_refuses_a_bomb),
        cmocka_unit_test(npz_damage_is_noticed),
        cmocka_unit_test(codes_survive_a_round_trip),
        cmocka_unit_test(dense_members_are_read),
        cmocka_unit_test(safetensors_are_read),
        cmocka_unit_test(usual_names_are_found),
        cmocka_unit_test(safetensors_refuses),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(sae_codes_are_computed),
        cmocka_unit_test(sae_rows_are_independent),
        cmocka_unit_test(sae_refuses),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* unit_npy.c -- NumPy's .npy: every version, order and width; what is refused. */
#include "files.h"

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
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* unit_npz.c -- SciPy's .npz: codes in blocks, untidy rows, damage, bombs, a full disk. */
#include "files.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_read),
        cmocka_unit_test(codes_are_read_in_blocks),
        cmocka_unit_test(untidy_rows_are_tidied),
        cmocka_unit_test(npz_refuses),
        cmocka_unit_test(npz_refuses_a_bomb),
        cmocka_unit_test(npz_damage_is_noticed),
        cmocka_unit_test(codes_survive_a_round_trip),
        cmocka_unit_test(dense_members_are_read),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

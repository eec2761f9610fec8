/* Exact codes: cases solved by hand, and every error. */
#include "check.h"

#include "ndl/ndl.h"

#include <string.h>

static struct ndl_matrix matrix(size_t rows, size_t cols, const double *v)
{
    struct ndl_matrix m;
    assert_int_equal(ndl_matrix_alloc(&m, rows, cols, NULL), NDL_OK);
    if (rows * cols > 0)
        memcpy(m.v, v, rows * cols * sizeof *v);
    return m;
}
#define MATRIX(rows, cols, ...) matrix(rows, cols, (const double[]){__VA_ARGS__})

static const struct ndl_encode_options exact = {.threads = 1};

/* Codes of hand-size data as a dense matrix; the duality gap must vanish. */
static struct ndl_matrix encode(struct ndl_matrix X, struct ndl_matrix D,
                                const struct ndl_matrix *b, double lambda)
{
    struct ndl_codes Z;
    struct ndl_matrix dense;
    struct ndl_error err = {{0}};
    double gap;
    assert_int_equal(ndl_encode(&X, &D, b, lambda, &exact, &Z, &gap, &err), NDL_OK);
    check_close(gap, 0, 1e-13); /* rounding of a few dozen operations, relative to the objective */
    assert_int_equal(ndl_codes_to_dense(&dense, &Z, NULL), NDL_OK);
    ndl_codes_free(&Z);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    return dense;
}

/* Orthogonal atoms: z = max(0, x - lambda/2), the soft threshold. */
static void orthogonal_atoms_threshold(void **state)
{
    (void)state;
    struct ndl_matrix Z =
        encode(MATRIX(3, 2, 3, -1, 0.05, 0.1, 0, 2), MATRIX(2, 2, 1, 0, 0, 1), NULL, 0.2);
    const double z[6] = {2.9, 0, 0, 0, 0, 1.9};
    for (int e = 0; e < 6; e++)
        check_close(Z.v[e], z[e], 1e-15); /* one rounding at size 3 */
    ndl_matrix_free(&Z);
}

/* An atom of norm 2 has half the code, at the same penalty. */
static void norm_moves_into_the_code(void **state)
{
    (void)state;
    struct ndl_matrix Z = encode(MATRIX(1, 2, 0, 3), MATRIX(1, 2, 0, 2), NULL, 0.2);
    check_close(Z.v[0], 1.45, 1e-15);
    ndl_matrix_free(&Z);
    Z = encode(MATRIX(1, 1, 1), MATRIX(1, 1, 1e-200), NULL, 0.2);
    check_close(Z.v[0], 0.9e200, 1e186); /* the square of the norm is no double, the code is */
    ndl_matrix_free(&Z);
}

/* A code of 1e-8 next to one of 9.9 lowers the objective by 1e-16 only: less than its rounding. */
static void code_too_small_for_the_objective(void **state)
{
    (void)state;
    struct ndl_matrix Z = encode(MATRIX(1, 2, 10, 0.1 + 1e-8), MATRIX(2, 2, 1, 0, 0, 1), NULL, 0.2);
    check_close(Z.v[0], 9.9, 1e-14);  /* a few roundings at size 10 */
    check_close(Z.v[1], 1e-8, 1e-16); /* rounding of 0.1 */
    ndl_matrix_free(&Z);
}

/* More atoms than a Gram matrix is held for: a sample that is silent though its warm codes say
 * otherwise, and one with a code too small for the objective. */
static void wide_dictionary(void **state)
{
    (void)state;
    enum { ATOMS = 4100 };
    struct ndl_matrix X = MATRIX(2, 2, 0.01, 0.01, 10, 0.1 + 1e-8), D, guess;
    struct ndl_codes warm, Z;
    double gap;
    assert_int_equal(ndl_matrix_alloc(&D, ATOMS, 2, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&guess, 2, ATOMS, NULL), NDL_OK);
    for (size_t k = 0; k < ATOMS; k++)
        ndl_row(&D, k)[k == 1] = k < 2 ? 1 : -1;
    guess.v[0] = guess.v[2] = guess.v[ATOMS] = 1;
    assert_int_equal(ndl_codes_from_dense(&warm, &guess, NULL), NDL_OK);
    struct ndl_encode_options from = {.threads = 1, .warm = &warm};
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &from, &Z, &gap, NULL), NDL_OK);
    check_close(gap, 0, 1e-13);
    assert_int_equal(Z.start[1], 0);
    assert_int_equal(Z.start[2], 2);
    check_close(Z.value[0], 9.9, 1e-14);  /* a few roundings at size 10 */
    check_close(Z.value[1], 1e-8, 1e-16); /* rounding of 0.1 */
    ndl_codes_free(&Z);
    ndl_codes_free(&warm);
    ndl_matrix_free(&guess);
    ndl_matrix_free(&D);
    ndl_matrix_free(&X);
}

static void bias_is_subtracted(void **state)
{
    (void)state;
    struct ndl_matrix b = MATRIX(1, 2, 10, 20);
    struct ndl_matrix Z = encode(MATRIX(1, 2, 11, 20), MATRIX(1, 2, 1, 0), &b, 0.5);
    check_close(Z.v[0], 0.75, 1e-15);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&b);
}

/* Atoms e1 and (.6, .8), x = z D + r with z = (1, 2): r solves r.d = lambda/2 for both. */
static void two_correlated_atoms(void **state)
{
    (void)state;
    /* r = (.1, .05): r.e1 = .1, r.(.6,.8) = .06 + .04 = .1 = lambda/2 */
    struct ndl_matrix Z =
        encode(MATRIX(1, 2, 1 + 1.2 + .1, 1.6 + .05), MATRIX(2, 2, 1, 0, .6, .8), NULL, 0.2);
    check_close(Z.v[0], 1, 1e-14); /* condition number of the Gram matrix is 4 */
    check_close(Z.v[1], 2, 1e-14);
    ndl_matrix_free(&Z);
}

/* Twins share one code; three atoms in the plane are dependent; an opposite pair too. */
static void dependent_atoms(void **state)
{
    (void)state;
    struct ndl_matrix Z = encode(MATRIX(1, 2, 2, 0), MATRIX(3, 2, 1, 0, 1, 0, 1, 0), NULL, 0.2);
    check_close(Z.v[0] + Z.v[1] + Z.v[2], 1.9, 1e-15);
    ndl_matrix_free(&Z);
    /* x along (1, 1): the diagonal atom alone is cheaper than the two axes. */
    double h = sqrt(0.5);
    Z = encode(MATRIX(1, 2, 2 * h, 2 * h), MATRIX(3, 2, 1, 0, 0, 1, h, h), NULL, 0.2);
    check_close(Z.v[0], 0, 1e-14);
    check_close(Z.v[1], 0, 1e-14);
    check_close(Z.v[2], 1.9, 1e-14);
    ndl_matrix_free(&Z);
    Z = encode(MATRIX(2, 1, 2, -3), MATRIX(2, 1, 1, -1), NULL, 0.2);
    check_close(Z.v[0], 1.9, 1e-15);
    check_close(Z.v[1], 0, 0);
    check_close(Z.v[2], 0, 0);
    check_close(Z.v[3], 2.9, 1e-15);
    ndl_matrix_free(&Z);
}

static void nothing_to_code(void **state)
{
    (void)state;
    struct ndl_matrix Z = encode(MATRIX(1, 2, 0, 0), MATRIX(1, 2, 1, 0), NULL, 0.2);
    check_close(Z.v[0], 0, 0);
    ndl_matrix_free(&Z);
    Z = encode(MATRIX(0, 2, 0), MATRIX(1, 2, 1, 0), NULL, 0.2);
    assert_int_equal(Z.rows, 0);
    ndl_matrix_free(&Z);
}

static void warm_start_gives_the_same(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(2, 2, 2.3, 1.65, -1, 3), D = MATRIX(3, 2, 1, 0, .6, .8, -1, 0);
    /* a poor guess, dependent atoms included */
    struct ndl_matrix wrong = MATRIX(2, 3, 5, 0, 7, 1, 1, 1);
    struct ndl_codes cold, warm, guess;
    assert_int_equal(ndl_codes_from_dense(&guess, &wrong, NULL), NDL_OK);
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &exact, &cold, NULL, NULL), NDL_OK);
    struct ndl_encode_options from = {.threads = 1, .warm = &guess};
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &from, &warm, NULL, NULL), NDL_OK);
    assert_int_equal(warm.start[2], cold.start[2]);
    for (size_t e = 0; e < cold.start[2]; e++) {
        assert_int_equal(warm.atom[e], cold.atom[e]);
        check_close(warm.value[e], cold.value[e], 1e-14);
    }
    ndl_codes_free(&cold);
    ndl_codes_free(&warm);
    ndl_codes_free(&guess);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    ndl_matrix_free(&wrong);
}

static void fails(struct ndl_matrix X, struct ndl_matrix D, const struct ndl_matrix *b,
                  double lambda, struct ndl_encode_options options, enum ndl_status expected)
{
    struct ndl_codes Z;
    struct ndl_error err = {{0}};
    assert_int_equal(ndl_encode(&X, &D, b, lambda, &options, &Z, NULL, &err), expected);
    assert_true(strlen(err.text) > 0);
    assert_null(Z.start);
    ndl_codes_free(&Z);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
}

static void errors(void **state)
{
    (void)state;
    struct ndl_matrix b = MATRIX(1, 1, 0), infinite = MATRIX(1, 2, 0, HUGE_VAL);
    struct ndl_codes guess;
    assert_int_equal(ndl_codes_alloc(&guess, 3, 1, 0, NULL), NDL_OK);
    double bad = nan("");
    fails(MATRIX(1, 3, 1, 2, 3), MATRIX(1, 2, 1, 0), NULL, 1, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(0, 2, 0), NULL, 1, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 0, 0), NULL, 1, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), &b, 1, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, 0, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, bad, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, HUGE_VAL, exact, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, 1,
          (struct ndl_encode_options){.threads = 0}, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, 1,
          (struct ndl_encode_options){.threads = 1, .gap = -1}, NDL_BADARG);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), NULL, 1,
          (struct ndl_encode_options){.threads = 1, .warm = &guess}, NDL_BADARG);
    fails(MATRIX(1, 2, 1, bad), MATRIX(1, 2, 1, 0), NULL, 1, exact, NDL_BADDATA);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, bad), NULL, 1, exact, NDL_BADDATA);
    fails(MATRIX(1, 2, 1, 2), MATRIX(1, 2, 1, 0), &infinite, 1, exact, NDL_BADDATA);
    ndl_matrix_free(&b);
    ndl_matrix_free(&infinite);
    ndl_codes_free(&guess);
}

/* Wherever it stands, and it is named.  So many atoms that three threads are worth it. */
static void one_bad_entry_in_many_samples(void **state)
{
    (void)state;
    enum { SAMPLES = 300, DIMENSIONS = 7, ATOMS = 260 };
    const double bad[] = {nan(""), HUGE_VAL, -HUGE_VAL};
    struct ndl_matrix X, D;
    assert_int_equal(ndl_matrix_alloc(&X, SAMPLES, DIMENSIONS, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&D, ATOMS, DIMENSIONS, NULL), NDL_OK);
    for (size_t k = 0; k < ATOMS; k++)
        ndl_row(&D, k)[k % DIMENSIONS] = 1;
    for (size_t e = 0; e < SAMPLES * DIMENSIONS; e++)
        X.v[e] = e % 3 == 0 ? 1e300 : -1;
    for (size_t j = 0; j < DIMENSIONS; j++) {
        struct ndl_codes Z;
        struct ndl_error err = {{0}};
        size_t row = 299 - 40 * j;
        char place[40];
        double *entry = ndl_row(&X, row) + j, good = *entry;
        *entry = bad[j % 3];
        assert_int_equal(
            ndl_encode(&X, &D, NULL, 1, &(struct ndl_encode_options){.threads = 3}, &Z, NULL, &err),
            NDL_BADDATA);
        assert_null(Z.start);
        snprintf(place, sizeof place, "X: row %zu, column %zu is ", row, j);
        assert_memory_equal(err.text, place, strlen(place));
        *entry = good;
    }
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
}

/* An encoder gives the same bits, block by block, as ndl_encode does for all samples at once. */
static void encoder_in_blocks(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(3, 2, 2.3, 1.65, -1, 3, 0.7, 0.4),
                      D = MATRIX(2, 2, 1, 0.1, .6, .9);
    struct ndl_matrix b = MATRIX(1, 2, 0.1, 0.2), zero = MATRIX(1, 2, 0, 0),
                      other = MATRIX(1, 3, 1, 1, 1);
    struct ndl_encoder *encoder;
    struct ndl_codes all, Z;
    assert_int_equal(ndl_encode(&X, &D, &b, 0.2, &exact, &all, NULL, NULL), NDL_OK);
    assert_int_equal(ndl_encoder_new(&encoder, &D, &b, 0.2, NULL), NDL_OK);
    ndl_matrix_free(&D); /* it has its own */
    ndl_matrix_free(&b);
    for (size_t i = 0; i < 3; i++) {
        struct ndl_matrix row = {.rows = 1, .cols = 2, .v = ndl_row(&X, i)};
        size_t n = all.start[i + 1] - all.start[i];
        assert_int_equal(ndl_encoder_run(encoder, &row, &exact, &Z, NULL, NULL), NDL_OK);
        assert_int_equal(Z.start[1], n);
        assert_memory_equal(Z.atom, all.atom + all.start[i], n * sizeof *Z.atom);
        assert_memory_equal(Z.value, all.value + all.start[i], n * sizeof *Z.value);
        ndl_codes_free(&Z);
    }
    assert_int_equal(ndl_encoder_run(encoder, &other, &exact, &Z, NULL, NULL), NDL_BADARG);
    ndl_encoder_free(encoder);
    assert_int_equal(ndl_encoder_new(&encoder, &zero, NULL, 0.2, NULL), NDL_BADARG);
    assert_null(encoder);
    ndl_encoder_free(NULL);
    ndl_codes_free(&all);
    ndl_matrix_free(&X);
    ndl_matrix_free(&zero);
    ndl_matrix_free(&other);
}

/* A gap below rounding is not reached, said so, and the codes are there all the same. */
static void unreachable_gap(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(1, 2, 1, 0.3), D = MATRIX(2, 2, .6, .8, .28, .96);
    struct ndl_codes Z;
    struct ndl_encode_options options = {.threads = 1, .gap = 1e-300};
    double gap = -1;
    enum ndl_status status = ndl_encode(&X, &D, NULL, 1e-7, &options, &Z, &gap, NULL);
    assert_int_equal(status, gap > 1e-300 ? NDL_NOCONV : NDL_OK);
    assert_int_equal(status, NDL_NOCONV); /* at this lambda the rounding of x is far above 1e-300 */
    assert_true(Z.start[1] > 0);
    ndl_codes_free(&Z);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orthogonal_atoms_threshold),
        cmocka_unit_test(norm_moves_into_the_code),
        cmocka_unit_test(bias_is_subtracted),
        cmocka_unit_test(two_correlated_atoms),
        cmocka_unit_test(dependent_atoms),
        cmocka_unit_test(nothing_to_code),
        cmocka_unit_test(warm_start_gives_the_same),
        cmocka_unit_test(errors),
        cmocka_unit_test(unreachable_gap),
        cmocka_unit_test(code_too_small_for_the_objective),
        cmocka_unit_test(wide_dictionary),
        cmocka_unit_test(one_bad_entry_in_many_samples),
        cmocka_unit_test(encoder_in_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

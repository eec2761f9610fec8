/* Exact codes against brute force over all active sets, and against the optimality conditions
 * recomputed here where there are too many. */
#include "check.h"

#include "ndl/ndl.h"
#include "ndl/random.h"

#include <string.h>

#include <gsl/gsl_randist.h>

enum { MOST = 6 };

/* min over z >= 0 of |x - zD|^2 + lambda sum z (unit atoms) by trying every subset of atoms: the
 * stationary point of each, found by elimination with pivoting, counts if it is nonnegative.
 * Dependent subsets are skipped: an optimal code with independent atoms always exists. */
static double brute_force(const struct ndl_matrix *D, const double *x, double lambda)
{
    size_t K = D->rows, d = D->cols;
    double best = 0;
    for (size_t j = 0; j < d; j++)
        best += x[j] * x[j];
    for (unsigned subset = 1; subset < 1u << K; subset++) {
        size_t atom[MOST], n = 0;
        double A[MOST][MOST + 1], z[MOST];
        bool ok = true;
        for (size_t k = 0; k < K; k++)
            if (subset >> k & 1)
                atom[n++] = k;
        for (size_t a = 0; a < n; a++) {
            A[a][n] = -lambda / 2;
            for (size_t j = 0; j < d; j++)
                A[a][n] += ndl_row(D, atom[a])[j] * x[j];
            for (size_t c = 0; c < n; c++) {
                A[a][c] = 0;
                for (size_t j = 0; j < d; j++)
                    A[a][c] += ndl_row(D, atom[a])[j] * ndl_row(D, atom[c])[j];
            }
        }
        for (size_t c = 0; c < n && ok; c++) { /* Gauss-Jordan */
            size_t pivot = c;
            for (size_t a = c + 1; a < n; a++)
                if (fabs(A[a][c]) > fabs(A[pivot][c]))
                    pivot = a;
            ok = fabs(A[pivot][c]) > 1e-9;
            for (size_t e = 0; e <= n && ok; e++) {
                double swap = A[c][e];
                A[c][e] = A[pivot][e];
                A[pivot][e] = swap;
            }
            for (size_t a = 0; a < n && ok; a++) {
                double factor = a == c ? 0 : A[a][c] / A[c][c];
                for (size_t e = c; e <= n; e++)
                    A[a][e] -= factor * A[c][e];
            }
        }
        for (size_t a = 0; a < n && ok; a++) {
            z[a] = A[a][n] / A[a][a];
            ok = z[a] >= 0;
        }
        if (!ok)
            continue;
        double value = 0;
        for (size_t a = 0; a < n; a++)
            value += lambda * z[a];
        for (size_t j = 0; j < d; j++) {
            double r = x[j];
            for (size_t a = 0; a < n; a++)
                r -= z[a] * ndl_row(D, atom[a])[j];
            value += r * r;
        }
        best = fmin(best, value);
    }
    return best;
}

static struct ndl_matrix gaussian(gsl_rng *rng, size_t rows, size_t cols)
{
    struct ndl_matrix m;
    assert_int_equal(ndl_matrix_alloc(&m, rows, cols, NULL), NDL_OK);
    for (size_t e = 0; e < rows * cols; e++)
        m.v[e] = gsl_ran_gaussian(rng, 1);
    return m;
}

static struct ndl_matrix unit_rows(gsl_rng *rng, size_t rows, size_t cols)
{
    struct ndl_matrix m;
    assert_int_equal(ndl_matrix_alloc(&m, rows, cols, NULL), NDL_OK);
    for (size_t k = 0; k < rows; k++)
        ndl_random_unit(rng, ndl_row(&m, k), cols);
    return m;
}

static gsl_rng *stream(uint64_t trial)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 11, trial, NULL), NDL_OK);
    return rng;
}

/* The worst violation of the conditions mu >= 0, mu = 0 where z > 0, in units of lambda. */
static double violation(const struct ndl_matrix *X, const struct ndl_matrix *D, double lambda,
                        const struct ndl_codes *Z)
{
    double worst = 0, *r = calloc(D->cols, sizeof *r);
    assert_non_null(r);
    for (size_t i = 0; i < X->rows; i++) {
        memcpy(r, ndl_row(X, i), D->cols * sizeof *r);
        for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++) {
            assert_true(Z->value[e] > 0);
            assert_true(e == Z->start[i] || Z->atom[e] > Z->atom[e - 1]);
            for (size_t j = 0; j < D->cols; j++)
                r[j] -= Z->value[e] * ndl_row(D, Z->atom[e])[j];
        }
        for (size_t k = 0, e = Z->start[i]; k < D->rows; k++) {
            double mu = lambda;
            for (size_t j = 0; j < D->cols; j++)
                mu -= 2 * r[j] * ndl_row(D, k)[j];
            bool on = e < Z->start[i + 1] && Z->atom[e] == k;
            e += on;
            worst = fmax(worst, on ? fabs(mu) : -mu);
        }
    }
    free(r);
    return worst / lambda;
}

static void agrees_with_brute_force(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 300; trial++) {
        gsl_rng *rng = stream(trial);
        size_t K = 1 + gsl_rng_uniform_int(rng, MOST), d = 1 + gsl_rng_uniform_int(rng, 5);
        double lambda = exp(gsl_ran_flat(rng, -4, 1));
        struct ndl_matrix D = unit_rows(rng, K, d), X = gaussian(rng, 1, d), b;
        if (trial % 3 == 0 && K > 1) /* twins */
            memcpy(ndl_row(&D, K - 1), ndl_row(&D, 0), d * sizeof *D.v);
        assert_int_equal(ndl_matrix_alloc(&b, 1, d, NULL), NDL_OK);
        struct ndl_model m = {.D = D, .b = b, .lambda = lambda};
        const struct ndl_encode_options options = {.threads = 1};
        double gap, best = brute_force(&D, X.v, lambda);
        assert_int_equal(ndl_encode(&X, &D, NULL, lambda, &options, &m.Z, &gap, NULL), NDL_OK);
        /* Values of size |x|^2 ~ 10; the brute force admits pivots down to 1e-9, good for 1e-7 in a
         * code and, at a minimum, for the square of that in the value, plus rounding. */
        check_close(ndl_loss(&X, &m), best, 1e-12);
        /* A gap of rounding: ~ 100 eps |x|^2 / (lambda |z|). */
        check_close(gap, 0, 1e-11);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

/* K > d throughout, so the atoms are dependent; up to d of them are active. */
static void meets_the_conditions(void **state)
{
    (void)state;
    const size_t shape[][2] = {{3, 12}, {8, 40}, {16, 24}, {32, 200}, {64, 1000}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int small = 0; small < 2; small++) {
            gsl_rng *rng = stream(1000 + s);
            size_t d = shape[s][0], K = shape[s][1];
            double lambda = small ? 1e-3 : 0.3, gap;
            struct ndl_matrix D = unit_rows(rng, K, d), X = gaussian(rng, 300, d);
            struct ndl_codes Z;
            const struct ndl_encode_options options = {.threads = 2};
            assert_int_equal(ndl_encode(&X, &D, NULL, lambda, &options, &Z, &gap, NULL), NDL_OK);
            /* r.d is known to ~ 10 eps |x|, |x| <= 12, and sets are solved to rounding (one step of
             * refinement), whatever the condition number: 10 * 2e-16 * 12 * 2 / lambda. */
            check_close(violation(&X, &D, lambda, &Z), 0, 1e-13 + 5e-14 / lambda);
            check_close(gap, 0, 1e-13 + 5e-13 / lambda);
            ndl_codes_free(&Z);
            ndl_matrix_free(&D);
            ndl_matrix_free(&X);
            gsl_rng_free(rng);
        }
}

/* gap = 0: the multipliers of active codes vanish to rounding, which the learner counts on. */
static void active_multipliers_vanish(void **state)
{
    (void)state;
    gsl_rng *rng = stream(2000);
    struct ndl_matrix D = unit_rows(rng, 64, 32), X;
    assert_int_equal(ndl_matrix_alloc(&X, 500, 32, NULL), NDL_OK);
    for (size_t i = 0; i < 500; i++)
        for (int active = 0; active < 4; active++) {
            size_t k = gsl_rng_uniform_int(rng, 64);
            double z = gsl_ran_flat(rng, 0.5, 1.5);
            for (size_t j = 0; j < 32; j++)
                ndl_row(&X, i)[j] += z * ndl_row(&D, k)[j];
        }
    struct ndl_codes Z;
    const struct ndl_encode_options options = {.threads = 1};
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &options, &Z, NULL, NULL), NDL_OK);
    /* eps |x| 2 / lambda ~ 5e-15, and a few of them */
    check_close(violation(&X, &D, 0.2, &Z), 0, 3e-14);
    ndl_codes_free(&Z);
    ndl_matrix_free(&D);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

/* Too wide for the Gram matrix: the same conditions, by the other way through the coder. */
static void wide_dictionary(void **state)
{
    (void)state;
    gsl_rng *rng = stream(3000);
    struct ndl_matrix D = unit_rows(rng, 4200, 16), X = gaussian(rng, 40, 16);
    struct ndl_codes Z, again;
    struct ndl_encode_options options = {.threads = 2};
    double gap;
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.1, &options, &Z, &gap, NULL), NDL_OK);
    check_close(violation(&X, &D, 0.1, &Z), 0, 1e-12);
    check_close(gap, 0, 1e-11);
    options.warm = &Z;
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.1, &options, &again, &gap, NULL), NDL_OK);
    check_close(violation(&X, &D, 0.1, &again), 0, 1e-12);
    assert_int_equal(again.start[40], Z.start[40]);
    ndl_codes_free(&Z);
    ndl_codes_free(&again);
    ndl_matrix_free(&D);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    gsl_rng *rng = stream(4000);
    struct ndl_matrix D = unit_rows(rng, 48, 12), X = gaussian(rng, 1000, 12);
    struct ndl_codes one, three;
    struct ndl_encode_options options = {.threads = 1, .gap = 1e-9};
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &options, &one, NULL, NULL), NDL_OK);
    options.threads = 3;
    assert_int_equal(ndl_encode(&X, &D, NULL, 0.2, &options, &three, NULL, NULL), NDL_OK);
    assert_memory_equal(one.start, three.start, 1001 * sizeof *one.start);
    assert_memory_equal(one.atom, three.atom, one.start[1000] * sizeof *one.atom);
    assert_memory_equal(one.value, three.value, one.start[1000] * sizeof *one.value);
    ndl_codes_free(&one);
    ndl_codes_free(&three);
    ndl_matrix_free(&D);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_brute_force),   cmocka_unit_test(meets_the_conditions),
        cmocka_unit_test(active_multipliers_vanish), cmocka_unit_test(wide_dictionary),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit_bound.c -- the wide-limit bound: closed forms, symmetric configurations,
 * one dimension by bisection, and the optimality condition on random data. */
#include "check.h"

#include <stdlib.h>

#include <gsl/gsl_randist.h>

#include "ndl/ndl.h"
#include "ndl/random.h"

static double bound(const struct ndl_matrix *X, double lambda, bool bias, double *b)
{
    double value;
    struct ndl_error err = {""};
    if (ndl_wide_bound(X, lambda, bias, &value, b, &err) != NDL_OK)
        fail_msg("%s", err.text);
    return value;
}

static double huber(double t, double lambda)
{
    return t <= lambda / 2 ? t * t : lambda * t - lambda * lambda / 4;
}

static void without_a_bias(void **state)
{
    (void)state;
    /* |x| = 5, 0.1 and exactly the corner 0.25 */
    struct ndl_matrix X = {.rows = 3, .cols = 2, .v = (double[]){3, 4, 0.06, 0.08, 0, 0.25}};
    double b[2] = {7, 7};
    check_close(bound(&X, 0.5, false, b), 2.5 - 0.0625 + 0.01 + 0.0625, 1e-15);
    check_close(b[0], 0, 0);
    check_close(b[1], 0, 0);
    check_close(bound(&X, 0.5, false, NULL), 2.51, 1e-15);
}

static void the_mean_and_the_median(void **state)
{
    (void)state;
    struct ndl_matrix X = {.rows = 5, .cols = 1, .v = (double[]){0, 1, 2, 10, 100}};
    double b;
    double mean = 113. / 5, sum = 0;
    for (size_t i = 0; i < 5; i++)
        sum += (X.v[i] - mean) * (X.v[i] - mean);
    check_close(bound(&X, 1000, true, &b), sum, 1e-12 * sum);
    check_close(b, mean, 1e-12 * mean);
    /* small lambda: the median, 2; lambda sum |x - 2| - 4 lambda^2 / 4 */
    check_close(bound(&X, 1e-3, true, &b), 1e-3 * (2 + 1 + 0 + 8 + 98) - 1e-6, 1e-12 * 0.109);
    check_close(b, 2, 1e-12);
    /* an even number: any point between the middle two will do */
    X.rows = 4;
    check_close(bound(&X, 1e-3, true, &b), 1e-3 * (2 + 1 + 0 + 8) - 1e-6, 1e-12 * 0.011);
    assert_true(b >= 1 && b <= 2);
}

static void symmetric_configurations(void **state)
{
    (void)state;
    double h = sqrt(3) / 2, b[2];
    struct ndl_matrix triangle = {.rows = 3, .cols = 2, .v = (double[]){1, 0, -0.5, h, -0.5, -h}},
                      obtuse = {.rows = 3, .cols = 2, .v = (double[]){0, 0, 10, 1, -10, 1}},
                      one = {.rows = 1, .cols = 2, .v = (double[]){3, 4}},
                      line = {.rows = 3, .cols = 2, .v = (double[]){0, 0, 3, 4, 30, 40}};
    check_close(bound(&triangle, 0.1, true, b), 3 * huber(1, 0.1), 1e-12);
    check_close(b[0], 0, 1e-12);
    check_close(b[1], 0, 1e-12);
    bound(&obtuse, 1e-9, true, b); /* Fermat's point is the vertex with more than 120 degrees */
    check_close(b[0], 0, 1e-9);    /* to lambda / 2 */
    check_close(b[1], 0, 1e-9);
    check_close(bound(&one, 0.1, true, b), 0, 1e-30);
    check_close(b[1], 4, 1e-12);
    check_close(bound(&line, 0.01, true, b), 0.01 * 50 - 2 * 0.000025, 1e-12);
    check_close(b[0], 3, 1e-9);
    check_close(b[1], 4, 1e-9);
}

/* d = 1 by bisection of the slope. */
static void one_dimension(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 40, 1, NULL), NDL_OK);
    for (int trial = 0; trial < 200; trial++) {
        double x[60], lambda = pow(10, -6 + 7 * gsl_rng_uniform(rng));
        struct ndl_matrix X = {.rows = 1 + gsl_rng_uniform_int(rng, 60), .cols = 1, .v = x};
        for (size_t i = 0; i < X.rows; i++)
            x[i] = trial % 2 ? gsl_ran_exponential(rng, 1) : (double)gsl_rng_uniform_int(rng, 5);
        double low = -1, high = 100, value = 0, b;
        for (int step = 0; step < 200; step++) {
            double middle = 0.5 * (low + high), slope = 0;
            for (size_t i = 0; i < X.rows; i++)
                slope += fmin(fmax(2 * (middle - x[i]), -lambda), lambda);
            *(slope > 0 ? &high : &low) = middle;
        }
        for (size_t i = 0; i < X.rows; i++)
            value += huber(fabs(x[i] - low), lambda);
        check_close(bound(&X, lambda, true, &b), value, 1e-12 * value);
    }
    gsl_rng_free(rng);
}

/* At b the clipped pulls balance; moving all data moves b. */
static void optimality(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 40, 2, NULL), NDL_OK);
    for (int trial = 0; trial < 200; trial++) {
        size_t d = 2 + gsl_rng_uniform_int(rng, 8), N = 2 + gsl_rng_uniform_int(rng, 200);
        double lambda = pow(10, -6 + 8 * gsl_rng_uniform(rng)), b[10], moved[10], pull[10] = {0},
               all = 0, square = 0;
        struct ndl_matrix X;
        assert_int_equal(ndl_matrix_alloc(&X, N, d, NULL), NDL_OK);
        for (size_t i = 0; i < N * d; i++) /* a third of the problems: integers, with ties */
            X.v[i] = trial % 3 ? gsl_ran_gaussian(rng, 1) : (double)gsl_rng_uniform_int(rng, 3);
        double value = bound(&X, lambda, true, b);
        for (size_t i = 0; i < N; i++) {
            double t = 0;
            for (size_t j = 0; j < d; j++)
                t += (ndl_row(&X, i)[j] - b[j]) * (ndl_row(&X, i)[j] - b[j]);
            t = sqrt(t);
            all += fmin(2 * t, lambda);
            for (size_t j = 0; j < d; j++)
                pull[j] += (ndl_row(&X, i)[j] - b[j]) * (t <= lambda / 2 ? 2 : lambda / t);
        }
        for (size_t j = 0; j < d; j++)
            square += pull[j] * pull[j];
        /* the header's tolerance, but one bit of b near a sample is worth 2e-16 */
        check_close(sqrt(square), 0, 2e-12 * all + 1e-14 * (double)N);
        for (size_t i = 0; i < N * d; i++)
            X.v[i] += 3;
        /* x + 3 loses a bit or two */
        check_close(bound(&X, lambda, true, moved), value, 1e-11 * value);
        ndl_matrix_free(&X);
    }
    gsl_rng_free(rng);
}

/* No dictionary beats it: any b, any codes on any unit atoms. */
static void a_lower_bound(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 40, 3, NULL), NDL_OK);
    for (int trial = 0; trial < 300; trial++) {
        enum { N = 6, K = 6, D = 3 };
        struct ndl_model m = {.lambda = 0.1 + gsl_rng_uniform(rng), .bias = true};
        struct ndl_matrix X, Z;
        assert_int_equal(ndl_matrix_alloc(&X, N, D, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&Z, N, K, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&m.D, K, D, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&m.b, 1, D, NULL), NDL_OK);
        for (size_t i = 0; i < N * D; i++)
            X.v[i] = gsl_ran_gaussian(rng, 1);
        double lowest = bound(&X, m.lambda, true, m.b.v);
        for (size_t j = 0; j < D; j++)
            m.b.v[j] += gsl_ran_gaussian(rng, trial % 3 ? 0 : 0.01);
        for (size_t i = 0; i < N; i++) { /* one atom per sample, along it: the bound is attained */
            double t = 0;
            for (size_t j = 0; j < D; j++) {
                ndl_row(&m.D, i)[j] =
                    ndl_row(&X, i)[j] - m.b.v[j] + gsl_ran_gaussian(rng, trial % 2 ? 0 : 0.01);
                t += ndl_row(&m.D, i)[j] * ndl_row(&m.D, i)[j];
            }
            for (size_t j = 0; j < D; j++)
                ndl_row(&m.D, i)[j] /= sqrt(t);
            ndl_row(&Z, i)[i] = fmax(0, sqrt(t) - m.lambda / 2);
        }
        assert_int_equal(ndl_codes_from_dense(&m.Z, &Z, NULL), NDL_OK);
        double loss = ndl_loss(&X, &m);
        assert_true(loss >= lowest * (1 - 1e-12));
        if (trial % 2 && trial % 3)
            check_close(loss, lowest, 1e-12 * lowest);
        ndl_matrix_free(&X);
        ndl_matrix_free(&Z);
        ndl_model_free(&m);
    }
    gsl_rng_free(rng);
}

static void refusals(void **state)
{
    (void)state;
    double v[] = {1, 2, 3, 4}, value, b[2];
    struct ndl_matrix X = {.rows = 2, .cols = 2, .v = v}, none = {.rows = 0, .cols = 2, .v = v},
                      thin = {.rows = 2, .cols = 0, .v = v};
    assert_int_equal(ndl_wide_bound(&none, 1, true, &value, b, NULL), NDL_BADARG);
    assert_int_equal(ndl_wide_bound(&thin, 1, true, &value, b, NULL), NDL_BADARG);
    assert_int_equal(ndl_wide_bound(&X, 0, true, &value, b, NULL), NDL_BADARG);
    assert_int_equal(ndl_wide_bound(&X, nan(""), true, &value, b, NULL), NDL_BADARG);
    v[3] = 1e300;
    assert_int_equal(ndl_wide_bound(&X, 1, true, &value, b, NULL), NDL_BADDATA);
    assert_int_equal(ndl_wide_bound(&X, 1, false, &value, b, NULL), NDL_BADDATA);
    v[3] = HUGE_VAL;
    assert_int_equal(ndl_wide_bound(&X, 1, true, &value, b, NULL), NDL_BADDATA);
    v[3] = nan("");
    assert_int_equal(ndl_wide_bound(&X, 1, false, &value, b, NULL), NDL_BADDATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_bias),
        cmocka_unit_test(the_mean_and_the_median),
        cmocka_unit_test(symmetric_configurations),
        cmocka_unit_test(one_dimension),
        cmocka_unit_test(optimality),
        cmocka_unit_test(a_lower_bound),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("wide bound", tests, NULL, NULL);
}

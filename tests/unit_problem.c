/* unit_problem.c -- random problems, spoilt optima and broods: what their headers promise; a
 * covariance by hand. */
#include "check.h"

#include "claims/kit/missing_child.h"
#include "claims/kit/measure.h"
#include "claims/kit/random_problem.h"

enum { TRIALS = 40 };

static gsl_rng *stream(uint64_t trial)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 1, trial, NULL), NDL_OK);
    return rng;
}

static void test_ranges(void **state)
{
    (void)state;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct random_problem p;
        struct ndl_matrix X;
        struct ndl_model m;
        gsl_rng *rng = stream(trial);
        assert_int_equal(random_problem_run(rng, trial, &p, &X, &m, NULL), NDL_OK);
        assert_int_equal(p.kind, trial % 4);
        assert_int_equal(p.bias, trial / 4 % 2 == 0);
        assert_in_range(p.samples, 40, 160);
        assert_in_range(p.dimension, 2, 8);
        assert_in_range(p.atoms, 2, 8);
        assert_true(p.lambda >= 0.01 && p.lambda <= 1);
        assert_int_equal(X.rows, p.samples);
        assert_int_equal(X.cols, p.dimension);
        assert_int_equal(m.D.rows, p.atoms);
        assert_int_equal(m.bias, p.bias);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
    }
}

/* Every atom keeps its length, and turns by the angle asked for. */
static void test_turned(void **state)
{
    (void)state;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct random_problem p;
        struct ndl_matrix X;
        struct ndl_model m, turned;
        gsl_rng *rng = stream(trial);
        assert_int_equal(random_problem_run(rng, trial, &p, &X, &m, NULL), NDL_OK);
        assert_int_equal(turned_model(rng, &X, &m, 30, &turned, NULL), NDL_OK);
        /* rounding of a few operations on numbers of order 1 */
        for (size_t k = 0; k < p.atoms; k++) {
            check_close(ndl_norm(p.dimension, ndl_row(&turned.D, k)), 1, 1e-14);
            check_close(measure_angle(p.dimension, ndl_row(&m.D, k), ndl_row(&turned.D, k)),
                        acos(-1) / 6, 1e-14);
        }
        ndl_model_free(&turned);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
    }
}

/* No residual changes, the atoms have length 1, and one feature fires only with another. */
static void test_leaking(void **state)
{
    (void)state;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct random_problem p;
        struct ndl_matrix X;
        struct ndl_model m, leaking;
        size_t live[RANDOM_PROBLEM_MOST_FEATURES];
        gsl_rng *rng = stream(trial);
        assert_int_equal(random_problem_run(rng, trial, &p, &X, &m, NULL), NDL_OK);
        size_t count = measure_live(&m, live);
        if (count < 2) {
            assert_int_equal(leaking_model(rng, &m, 0.1, &leaking, NULL), NDL_BADARG);
        } else {
            struct ndl_matrix Z;
            size_t nested = 0;
            assert_int_equal(leaking_model(rng, &m, 0.1, &leaking, NULL), NDL_OK);
            for (size_t i = 0; i < X.rows; i++) {
                double r[RANDOM_PROBLEM_MOST_DIMENSION], s[RANDOM_PROBLEM_MOST_DIMENSION];
                measure_residual(&X, &m, i, r);
                measure_residual(&X, &leaking, i, s);
                for (size_t c = 0; c < X.cols; c++)
                    check_close(s[c], r[c], 1e-12); /* rounding of codes up to about 10 */
            }
            for (size_t k = 0; k < p.atoms; k++)
                check_close(ndl_norm(p.dimension, ndl_row(&leaking.D, k)), 1, 1e-14);
            assert_int_equal(ndl_codes_to_dense(&Z, &leaking.Z, NULL), NDL_OK);
            for (size_t j = 0; j < count; j++)
                for (size_t k = 0; k < count; k++)
                    nested += j != k && measure_cofiring(&Z, live[j], live[k]) >= 1;
            assert_true(nested > 0);
            ndl_matrix_free(&Z);
            ndl_model_free(&leaking);
        }
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct ndl_error err;
    struct ndl_model m = {0}, spoilt;
    struct ndl_matrix X;
    gsl_rng *rng = stream(0);
    assert_int_equal(ndl_matrix_alloc(&m.D, 9, 9, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&X, 1, 9, NULL), NDL_OK);
    assert_int_equal(turned_model(rng, &X, &m, 30, &spoilt, &err), NDL_BADARG);
    assert_string_equal(err.text, "turned: 9 dimensions, more than 8");
    assert_null(spoilt.D.v);
    assert_int_equal(leaking_model(rng, &m, 0.1, &spoilt, &err), NDL_BADARG);
    assert_string_equal(err.text, "leaking: expected 2 to 8 features");
    assert_null(spoilt.D.v);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

/* The child fires only where the parent does, and X is what D, u and s say. */
static void test_brood(void **state)
{
    (void)state;
    enum { N = 500 };
    const struct missing_child brood = {.rate = 0.5, .child = 0.4, .faint = true};
    double atoms[] = {1, 0, 0, 0, 1, 0}, s[N], x[3 * N];
    const double u[3] = {0, 0, 1};
    const struct ndl_matrix D = {2, 3, atoms};
    struct ndl_matrix X = {N, 3, x};
    size_t parents = 0, children = 0;
    gsl_rng *rng = stream(7);
    draw_missing_child(rng, &brood, &D, u, s, &X);
    for (size_t i = 0; i < N; i++) {
        double z = x[3 * i];
        check_close(x[3 * i + 2], s[i], 0);
        parents += z > 0;
        children += s[i] > 0;
        if (s[i] > 0)
            assert_true(z >= 0.2 && z <= 0.3 && s[i] >= 0.5 && s[i] <= 1.5);
        else
            assert_true(z <= 0 || (z >= 0.5 && z <= 1.5));
    }
    check_close((double)parents / N, 0.5, 0.1); /* four standard deviations */
    check_close((double)children / N, 0.2, 0.08);
    gsl_rng_free(rng);
}

/* z = (0, 1, 2), a.r = (2, 1, 6): <z a.r> = 13/3, <z> = 1, <a.r> = 3. */
static void test_covariance(void **state)
{
    (void)state;
    double z[] = {9, 0, 9, 1, 9, 2}, r[] = {1, 0, 0, 1, 3, 0};
    const struct ndl_matrix Z = {3, 2, z}, R = {3, 2, r};
    const double a[2] = {2, 1};
    check_close(measure_covariance(&Z, 1, &R, a, true), 4. / 3, 1e-15); /* rounding */
    check_close(measure_covariance(&Z, 1, &R, a, false), 13. / 3, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),  cmocka_unit_test(test_turned),
        cmocka_unit_test(test_leaking), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_brood),   cmocka_unit_test(test_covariance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Learning: cases with closed forms, degenerate data, and every error. */
#include "check.h"

#include "ndl/ndl.h"
#include "ndl/random.h"

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

/* Huber's function of the theory's wide limit. */
static double huber(double t, double lambda)
{
    return t <= lambda / 2 ? t * t : lambda * t - lambda * lambda / 4;
}

static void learn(const struct ndl_matrix *X, const struct ndl_fit_options *o, struct ndl_model *m,
                  struct ndl_fit_report *r)
{
    struct ndl_error err = {{0}};
    enum ndl_status status = ndl_fit(X, o, m, r, &err);
    if (status != NDL_OK)
        print_error("%s\n", err.text);
    assert_int_equal(status, NDL_OK);
    check_close(ndl_loss(X, m), r->loss, 1e-13 * (1 + r->loss)); /* the same sum in another order */
    assert_int_equal(m->D.rows, o->atoms);
    assert_int_equal(r->live + r->dead, o->atoms);
    for (size_t k = 0; k < m->D.rows; k++) {
        double norm = 0;
        for (size_t j = 0; j < m->D.cols; j++)
            norm += ndl_row(&m->D, k)[j] * ndl_row(&m->D, k)[j];
        check_close(norm, 1, 1e-14);
    }
}

/* d = 1, one atom +1, no bias: z = max(0, x - lambda/2), loss = sum of H over x > 0, x^2 below. */
static void one_atom_on_a_line(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(4, 1, 2, 0.05, 3, -0.5), D0 = MATRIX(1, 1, 7);
    struct ndl_fit_options o = ndl_fit_defaults(1, 0.2);
    struct ndl_model m;
    struct ndl_fit_report r;
    o.bias = false;
    o.D0 = &D0;
    learn(&X, &o, &m, &r);
    check_close(m.D.v[0], 1, 0);
    check_close(r.loss, huber(2, .2) + huber(.05, .2) + huber(3, .2) + .25, 1e-15);
    assert_int_equal(m.Z.start[4], 2);
    check_close(m.Z.value[0], 1.9, 1e-15);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D0);
}

/* d = 1 with a bias: two atoms reach the Huber location; a third finds nothing to do. */
static void dense_pair_on_a_line(void **state)
{
    (void)state;
    /* With lambda/2 = .1 the three middle samples of 0, 1, 1.02, 1.04, 9 are in the quadratic part
     * and the outer ones balance: b = 1.02. */
    struct ndl_matrix X = MATRIX(5, 1, 0, 1, 1.02, 1.04, 9);
    double bound = huber(1.02, .2) + 2 * huber(.02, .2) + huber(9 - 1.02, .2);
    for (size_t K = 2; K <= 3; K++) {
        struct ndl_fit_options o = ndl_fit_defaults(K, 0.2);
        struct ndl_model m;
        struct ndl_fit_report r;
        learn(&X, &o, &m, &r);
        check_close(r.loss, bound, 1e-14);
        check_close(m.b.v[0], 1.02, 1e-10); /* the tolerance of the solver */
        assert_int_equal(r.live, 2);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
    }
    ndl_matrix_free(&X);
}

/* Eight rays in R^4 and eight atoms, no bias: the bound of the wide limit is reached. */
static void one_atom_per_ray(void **state)
{
    (void)state;
    gsl_rng *rng;
    struct ndl_matrix X;
    double bound = 0;
    assert_int_equal(ndl_rng(&rng, 5, 0, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&X, 80, 4, NULL), NDL_OK);
    for (size_t ray = 0; ray < 8; ray++) {
        double u[4];
        ndl_random_unit(rng, u, 4);
        for (size_t i = 0; i < 10; i++) {
            double length = 0.5 + gsl_rng_uniform(rng);
            for (size_t j = 0; j < 4; j++)
                ndl_row(&X, 10 * ray + i)[j] = length * u[j];
            bound += huber(length, 0.1);
        }
    }
    struct ndl_fit_options o = ndl_fit_defaults(8, 0.1);
    struct ndl_model m;
    struct ndl_fit_report r;
    o.bias = false;
    o.starts = 4;
    o.threads = 2;
    learn(&X, &o, &m, &r);
    check_close(r.loss, bound, 1e-14 * bound * 8); /* 80 samples' rounding */
    assert_int_equal(r.live, 8);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

/* Samples e1 and e2, one atom: the bisector is stationary by symmetry, with curvature
 * f'' = -2 (lambda/2) (cos 45 + sin 45), over 2 N = 4; the minima are the axes, loss 1 + H(1). */
static void leaves_a_saddle(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(2, 2, 1, 0, 0, 1), D0 = MATRIX(1, 2, 1, 1);
    struct ndl_fit_options o = ndl_fit_defaults(1, 0.2);
    struct ndl_model m;
    struct ndl_fit_report r;
    o.bias = false;
    o.D0 = &D0;
    learn(&X, &o, &m, &r);
    check_close(r.loss, 1 + huber(1, .2), 1e-14);
    assert_true(r.curvature > 0);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D0);
}

/* A start that is a minimum is returned as it is. */
static void stays_at_a_minimum(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(4, 3, 2, 0, 0, 0, 3, 0, 1, 0, 0, 0, 1, 0),
                      D0 = MATRIX(2, 3, 1, 0, 0, 0, 1, 0);
    struct ndl_fit_options o = ndl_fit_defaults(2, 0.2);
    struct ndl_model m;
    struct ndl_fit_report r;
    o.bias = false;
    o.D0 = &D0;
    learn(&X, &o, &m, &r);
    assert_int_equal(r.iterations, 0);
    assert_memory_equal(m.D.v, D0.v, 6 * sizeof *D0.v);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D0);
}

/* A dead atom of the start is put to use; a twin too. */
static void revives(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(2, 2, 2, 0, 0, 3), dead = MATRIX(2, 2, 1, 0, -1, 0),
                      twin = MATRIX(2, 2, 1, 0, 1, 0);
    const struct ndl_matrix *starts[] = {&dead, &twin};
    for (int s = 0; s < 2; s++) {
        struct ndl_fit_options o = ndl_fit_defaults(2, 0.2);
        struct ndl_model m;
        struct ndl_fit_report r;
        o.bias = false;
        o.D0 = starts[s];
        learn(&X, &o, &m, &r);
        assert_int_equal(r.live, 2);
        check_close(r.loss, huber(2, .2) + huber(3, .2), 1e-14);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
    }
    ndl_matrix_free(&X);
    ndl_matrix_free(&dead);
    ndl_matrix_free(&twin);
}

static void degenerate_data(void **state)
{
    (void)state;
    struct ndl_matrix data[] = {
        MATRIX(1, 3, 1, 2, 3),                           /* one sample */
        MATRIX(3, 2, 1, 1, 1, 1, 1, 1),                  /* all alike */
        MATRIX(3, 2, 0, 0, 0, 0, 0, 0),                  /* all zero */
        MATRIX(4, 2, .01, 0, 0, .02, -.01, 0, .01, .01), /* all shorter than lambda/2 */
        MATRIX(3, 1, -1, 0, 5),                          /* a line */
    };
    /* Without a bias the bound sum H(|x|) is reached: there is an atom for every ray. */
    const double bound[] = {huber(sqrt(14), .2), 3 * huber(sqrt(2), .2), 0, 8e-4,
                            huber(1, .2) + huber(5, .2)};
    const size_t live[] = {1, 1, 0, 0, 2};
    for (size_t s = 0; s < sizeof data / sizeof *data; s++)
        for (int bias = 0; bias < 2; bias++) {
            struct ndl_fit_options o = ndl_fit_defaults(4, 0.2);
            struct ndl_model m;
            struct ndl_fit_report r;
            o.bias = bias;
            learn(&data[s], &o, &m, &r);
            if (!bias) {
                check_close(r.loss, bound[s], 1e-14);
                assert_int_equal(r.live, live[s]);
            } else {
                assert_true(r.loss <= bound[s] + 1e-14);
            }
            ndl_model_free(&m);
            ndl_fit_report_free(&r);
        }
    for (size_t s = 0; s < sizeof data / sizeof *data; s++)
        ndl_matrix_free(&data[s]);
}

static void fails(const struct ndl_matrix *X, struct ndl_fit_options o, enum ndl_status expected)
{
    struct ndl_model m;
    struct ndl_fit_report r;
    struct ndl_error err = {{0}};
    assert_int_equal(ndl_fit(X, &o, &m, &r, &err), expected);
    assert_true(strlen(err.text) > 0);
    assert_null(m.D.v);
    assert_null(r.start_loss);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
}

static void errors(void **state)
{
    (void)state;
    struct ndl_matrix X = MATRIX(3, 2, 1, 2, 3, 4, 5, 7), empty = MATRIX(0, 2, 0),
                      broken = MATRIX(1, 2, nan(""), 1);
    struct ndl_matrix zero = MATRIX(1, 2, 0, 0), wrong = MATRIX(2, 1, 1, 1),
                      one = MATRIX(1, 2, 1, 1);
    const struct ndl_fit_options good = ndl_fit_defaults(1, 0.2);
    struct ndl_fit_options o;
    fails(&empty, good, NDL_BADARG);
    fails(&broken, good, NDL_BADDATA);
    o = good, o.atoms = 0, fails(&X, o, NDL_BADARG);
    o = good, o.lambda = 0, fails(&X, o, NDL_BADARG);
    o = good, o.lambda = nan(""), fails(&X, o, NDL_BADARG);
    o = good, o.seed = 0, fails(&X, o, NDL_BADARG);
    o = good, o.starts = 0, fails(&X, o, NDL_BADARG);
    o = good, o.threads = 0, fails(&X, o, NDL_BADARG);
    o = good, o.max_iterations = 0, fails(&X, o, NDL_BADARG);
    o = good, o.tolerance = 0, fails(&X, o, NDL_BADARG);
    o = good, o.D0 = &wrong, fails(&X, o, NDL_BADARG);
    o = good, o.D0 = &zero, fails(&X, o, NDL_BADARG);
    o = good, o.D0 = &broken, fails(&X, o, NDL_BADDATA);
    o = good, o.D0 = &one, o.starts = 2, fails(&X, o, NDL_BADARG);
    o = good, o.b0 = &wrong, fails(&X, o, NDL_BADARG);
    o = good, o.b0 = &broken, fails(&X, o, NDL_BADDATA);
    o = good, o.b0 = &one, o.bias = false, fails(&X, o, NDL_BADARG);
    ndl_matrix_free(&X);
    ndl_matrix_free(&empty);
    ndl_matrix_free(&broken);
    ndl_matrix_free(&zero);
    ndl_matrix_free(&wrong);
    ndl_matrix_free(&one);
}

/* Stopped early: said so, and everything is filled. */
static void too_few_iterations(void **state)
{
    (void)state;
    gsl_rng *rng;
    struct ndl_matrix X;
    assert_int_equal(ndl_rng(&rng, 3, 0, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&X, 100, 5, NULL), NDL_OK);
    for (size_t i = 0; i < 100; i++)
        ndl_random_unit(rng, ndl_row(&X, i), 5);
    struct ndl_fit_options o = ndl_fit_defaults(6, 0.2);
    struct ndl_model m;
    struct ndl_fit_report r;
    struct ndl_error err = {{0}};
    o.max_iterations = 1;
    o.starts = 3;
    assert_int_equal(ndl_fit(&X, &o, &m, &r, &err), NDL_NOCONV);
    assert_true(strlen(err.text) > 0);
    assert_true(r.residual > o.tolerance);
    check_close(ndl_loss(&X, &m), r.loss, 1e-12 * r.loss);
    for (int s = 0; s < 3; s++)
        assert_true(r.start_loss[s] >= r.start_loss[r.best_start]);
    ndl_model_free(&m);
    ndl_fit_report_free(&r);
    assert_null(r.start_loss);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_atom_on_a_line), cmocka_unit_test(dense_pair_on_a_line),
        cmocka_unit_test(one_atom_per_ray),   cmocka_unit_test(leaves_a_saddle),
        cmocka_unit_test(stays_at_a_minimum), cmocka_unit_test(revives),
        cmocka_unit_test(degenerate_data),    cmocka_unit_test(errors),
        cmocka_unit_test(too_few_iterations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit_twofeature.c -- the two-feature problem and the two-child family against ndl_encode, finite
 * differences and hand-computed cases. */
#include <string.h>

#include "check.h"
#include "claims/kit/two_children.h"
#include "claims/kit/two_features.h"

static const double THETA = 1.1, ALPHA = 0.07;

/* F by the general coder: sample e has weight w[e]. */
static double coded_loss(const struct two_features *two, const double phi[2])
{
    struct ndl_error err;
    struct ndl_matrix X, D;
    double total = 0;
    assert_int_equal(ndl_matrix_alloc(&X, 1, 2, &err), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&D, 2, 2, &err), NDL_OK);
    for (size_t k = 0; k < 2; k++)
        memcpy(ndl_row(&D, k), (double[]){cos(phi[k]), sin(phi[k])}, 2 * sizeof(double));
    const double x[TWO_EVENTS][2] = {
        {1, 0}, {cos(two->theta), sin(two->theta)}, {1 + cos(two->theta), sin(two->theta)}};
    for (size_t e = 0; e < TWO_EVENTS; e++) {
        struct ndl_model m = {.D = D, .lambda = 2 * two->alpha};
        memcpy(X.v, x[e], sizeof x[e]);
        assert_int_equal(ndl_matrix_alloc(&m.b, 1, 2, &err), NDL_OK);
        assert_int_equal(ndl_encode(&X, &D, NULL, m.lambda,
                                    &(struct ndl_encode_options){.threads = 1}, &m.Z, NULL, &err),
                         NDL_OK);
        total += two->w[e] * ndl_loss(&X, &m) / 2;
        ndl_codes_free(&m.Z);
        ndl_matrix_free(&m.b);
    }
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    return total;
}

static void test_loss_is_coded_loss(void **state)
{
    (void)state;
    struct two_features two = two_features_problem(THETA, ALPHA, 2);
    for (int i = -5; i < 20; i++)
        for (int j = i + 1; j < 20; j++) {
            const double phi[2] = {0.1 * i, 0.1 * j};
            /* both are exact: rounding of a number of order 1 */
            check_close(two_features_evaluate(&two, phi, NULL).f, coded_loss(&two, phi), 1e-13);
        }
}

static void test_derivatives(void **state)
{
    (void)state;
    struct two_features two = two_features_problem(THETA, ALPHA, 2);
    const int use[TWO_EVENTS] = {TWO_FIRST, TWO_SECOND, TWO_PAIR};
    const double phi[2] = {0.05, 0.9}, h = 1e-4;
    struct two_features_value s = two_features_evaluate(&two, phi, use);
    for (size_t k = 0; k < 2; k++) {
        double up[2] = {phi[0], phi[1]}, down[2] = {phi[0], phi[1]};
        up[k] += h, down[k] -= h;
        struct two_features_value a = two_features_evaluate(&two, up, use),
                                  b = two_features_evaluate(&two, down, use);
        /* central differences with h = 1e-4: h^2 times a third derivative of order 1 */
        check_close(s.g[k], (a.f - b.f) / (2 * h), 1e-7);
        check_close(k ? s.h22 : s.h11, (a.g[k] - b.g[k]) / (2 * h), 1e-7);
        check_close(s.h12, (a.g[1 - k] - b.g[1 - k]) / (2 * h), 1e-7);
    }
}

static void test_minimum(void **state)
{
    (void)state;
    struct two_features two = two_features_problem(THETA, ALPHA, 0);
    double phi[2];
    struct two_features_value least = two_features_minimise(&two, phi);
    check_close(phi[0], 0, 1e-9); /* b = 0: v_1 and the bisector; a square root of rounding */
    check_close(phi[1], THETA / 2, 1e-9);
    check_close(least.f, ALPHA * (0.5 + cos(THETA / 2)) - ALPHA * ALPHA / 2, 1e-14);
    for (int i = -5; i < 40; i++) /* brute force finds nothing lower */
        for (int j = i + 1; j < 40; j++)
            assert_true(two_features_evaluate(&two, (double[]){0.05 * i, 0.05 * j}, NULL).f >=
                        least.f - 1e-15);
}

/* At the end of the merged piece its gradient vanishes and both pieces give the same F. */
static void test_merged_end(void **state)
{
    (void)state;
    double beta, eta = two_features_merged_end(THETA, ALPHA, &beta);
    const double phi[2] = {0, THETA / 2 + eta};
    struct two_features two = two_features_problem(THETA, ALPHA, beta);
    struct two_features_value merged =
        two_features_evaluate(&two, phi, (int[]){TWO_FIRST, TWO_SECOND, TWO_SECOND});
    struct two_features_value pair =
        two_features_evaluate(&two, phi, (int[]){TWO_FIRST, TWO_SECOND, TWO_PAIR});
    check_close(hypot(merged.g[0], merged.g[1]), 0, 1e-14);
    check_close(hypot(pair.g[0], pair.g[1]), 0, 1e-13);
    check_close(merged.f, pair.f, 1e-14);
    /* 60 and 120 degrees: on either side of 103.65 */
    assert_true(two_features_curvature(60 * M_PI / 180, 0.02) > 0);
    assert_true(two_features_curvature(120 * M_PI / 180, 0.02) < 0);
}

static void test_family_losses(void **state)
{
    (void)state;
    struct two_children f = {.alone = 0.8, .child = 0.1, .base = 1, .lambda = 0.2};
    /* by hand: 0.8 (0.2 - 0.01) + 0.2 (0.2 sqrt 2 - 0.01) */
    check_close(two_children_loss(&f, KIND_ABSORBED), 0.8 * 0.19 + 0.2 * (0.2 * sqrt(2) - 0.01),
                1e-15);
    /* the merged atom along (1, 1/2, 1/2), at product sqrt 1.5 with both children */
    check_close(two_children_loss(&f, KIND_MERGED),
                0.8 * 0.19 + 0.2 * (2 - pow(sqrt(1.5) - 0.1, 2)), 1e-15);
    assert_true(isinf(two_children_loss(&f, KIND_MIXED)));
    /* then the loss is the smaller eigenvalue of the second moment, minimised to rounding */
    f.lambda = 1e-9;
    check_close(two_children_loss(&f, KIND_MISSED), (1 - sqrt(1 - 4 * 0.8 * 0.1)) / 2, 1e-8);
    check_close(two_children_loss(&f, KIND_COMPOSED),
                (1.1 - sqrt(1.1 * 1.1 - 4 * (0.1 - 0.02))) / 2, 1e-8);
}

static void test_classify(void **state)
{
    (void)state;
    enum { A = 1, B = 2, C = 4 };
    assert_int_equal(two_children_classify(A, A | B, A | C, 0, A), KIND_RECOVERED);
    assert_int_equal(two_children_classify(A, B, C, 0, 0), KIND_ABSORBED);
    assert_int_equal(two_children_classify(A, B, C, B | C, 0), KIND_ABSORBED);
    assert_int_equal(two_children_classify(A, B, B, 0, 0), KIND_MERGED);
    assert_int_equal(two_children_classify(A, B, A, 0, 0), KIND_MISSED);
    assert_int_equal(two_children_classify(A | B, A, B, 0, 0), KIND_COMPOSED);
    assert_int_equal(two_children_classify(A, A | B, A | C, B | C, 0), KIND_MIXED);
    assert_int_equal(two_children_classify(A, B, C | A, B | C, 0), KIND_MIXED);
    assert_int_equal(two_children_classify(0, B, C, 0, 0), KIND_MIXED);
}

static void test_search(void **state)
{
    (void)state;
    struct ndl_error err;
    struct ndl_matrix X;
    struct two_children_found best;
    gsl_rng *rng;
    const size_t first[2] = {0, 2};
    assert_int_equal(ndl_rng(&rng, 1, 0, &err), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&X, 3, 2, &err), NDL_OK);
    memcpy(X.v, (double[]){1, 0, 1, 0, 0, 2}, 6 * sizeof(double));
    assert_int_equal(two_children_search(&X, first, 2, 2, 0.1, 3, rng, &best, &err), NDL_OK);
    /* two rays, two atoms */
    check_close(best.loss, 2 * two_children_exact(1, 0.1) + two_children_exact(2, 0.1), 1e-12);
    assert_int_equal(atoms_firing(&best.model, 0) & atoms_firing(&best.model, 2), 0);
    two_children_search_free(&best);
    assert_int_equal(two_children_search(&X, first, 9, 2, 0.1, 3, rng, &best, &err), NDL_BADARG);
    assert_int_equal(two_children_search(&X, first, 2, 0, 0.1, 3, rng, &best, &err), NDL_BADARG);
    assert_int_equal(two_children_search(&X, first, 2, 2, -1, 3, rng, &best, &err), NDL_BADARG);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loss_is_coded_loss),
                                       cmocka_unit_test(test_derivatives),
                                       cmocka_unit_test(test_minimum),
                                       cmocka_unit_test(test_merged_end),
                                       cmocka_unit_test(test_family_losses),
                                       cmocka_unit_test(test_classify),
                                       cmocka_unit_test(test_search)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

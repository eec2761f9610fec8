/* unit_condition.c -- the hull conditions of pairs against the closed forms of
 * the theory, the limiting cases, every refusal. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "ndl/ndl.h"

#define ROUND 1e-14 /* sums of a few terms of about 1 */
#define TOLERANCE 1e-9

/* Two unit atoms in R^2 with d_1.d_2 = h, codes (n x 2); free with ndl_model_free. */
static struct ndl_model pair(double h, bool bias, size_t n, double *codes)
{
    struct ndl_model m = {.lambda = 0.5, .bias = bias};
    struct ndl_matrix Z = {.rows = n, .cols = 2, .v = codes};
    assert_int_equal(ndl_matrix_alloc(&m.D, 2, 2, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&m.b, 1, 2, NULL), NDL_OK);
    assert_int_equal(ndl_codes_from_dense(&m.Z, &Z, NULL), NDL_OK);
    ndl_row(&m.D, 0)[0] = 1;
    ndl_row(&m.D, 1)[0] = h;
    ndl_row(&m.D, 1)[1] = sqrt(1 - h * h);
    return m;
}

static struct ndl_condition check(const struct ndl_model *m, size_t k, double off)
{
    struct ndl_condition c;
    struct ndl_error err = {""};
    if (ndl_condition_check(m, k, NULL, 0, NDL_AUTO, off, TOLERANCE, &c, &err) != NDL_OK)
        fail_msg("%s", err.text);
    return c;
}

/* The theory's finite-step formula, as it stands there. */
static double change(double eps, double a, double c, double mean, double h)
{
    return eps * (a * mean + c) + mean * (sqrt(1 - 2 * eps * a * h + eps * eps) - 1);
}

/* Feature 1 off where z_0 is 1 or 2; m_0 = 2, so ztilde_0 is 0.5 or 0 there. */
static double between[] = {1, 0, 2, 0, 5, 1, 0, 3};

static void inside_the_range(void **state)
{
    (void)state;
    struct ndl_model m = pair(0.25, true, 4, between);
    struct ndl_condition c = check(&m, 1, 0);
    assert_true(c.holds);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.J[0], 0);
    assert_int_equal(c.off_samples, 2);
    check_close(c.margin, 0.25, ROUND);
    check_close(c.margin_l1, 0.25, ROUND);
    check_close(c.slope, 0, 0);
    check_close(c.a[0], 0, 0);
    check_close(ndl_condition_change(&m, &c, 0.1), 0, 0);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

/* h above max ztilde = 0.5: a = +1, c = -min z = -1. */
static void above_the_range(void **state)
{
    (void)state;
    struct ndl_model m = pair(0.8, true, 4, between);
    struct ndl_condition c = check(&m, 1, 0);
    assert_false(c.holds);
    check_close(c.margin, -0.3, ROUND);
    check_close(c.a[0], 1, ROUND);
    check_close(c.c, -1, ROUND);
    check_close(c.slope, 2 * (1 - 0.8) - 1, ROUND); /* = m times the margin */
    check_close(ndl_condition_change(&m, &c, 0.3), change(0.3, 1, -1, 2, 0.8), ROUND);

    struct ndl_model moved;
    assert_int_equal(ndl_condition_step(&m, &c, 0.5, &moved, NULL), NDL_OK);
    struct ndl_matrix Z;
    assert_int_equal(ndl_codes_to_dense(&Z, &moved.Z, NULL), NDL_OK);
    const double want[] = {1, 0, 2, 0.5, 5, 3, 0, 2.5}; /* z_1 += 0.5 (z_0 - 1) */
    for (size_t x = 0; x < 8; x++)
        check_close(Z.v[x], want[x], ROUND);
    check_close(ndl_row(&moved.D, 0)[0], 1 - 0.5 * 0.8, ROUND);
    check_close(moved.b.v[0], 0.5 * 0.8, ROUND);
    assert_int_equal(moved.Z.start[4], 6); /* no zeros stored */
    ndl_matrix_free(&Z);
    ndl_model_free(&moved);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

/* h below min ztilde = 0: a = -1, c = max z = 2. */
static void below_the_range(void **state)
{
    (void)state;
    struct ndl_model m = pair(-0.4, true, 4, between);
    struct ndl_condition c = check(&m, 1, 0);
    assert_false(c.holds);
    check_close(c.margin, -0.4, ROUND);
    check_close(c.a[0], -1, ROUND);
    check_close(c.c, 2, ROUND);
    check_close(c.slope, -2 * 1.4 + 2, ROUND);
    check_close(ndl_condition_change(&m, &c, 0.3), change(0.3, -1, 2, 2, -0.4), ROUND);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

/* The child (0) fires only with the parent (1): a = -1, c = 0, slope -m (1-h). */
static void hierarchy(void **state)
{
    (void)state;
    double codes[] = {0, 0, 0, 1, 1, 1, 1, 2};
    for (int bias = 0; bias < 2; bias++) {
        struct ndl_model m = pair(0.3, bias, 4, codes), moved;
        struct ndl_condition c = check(&m, 1, 0);
        assert_false(c.holds);
        check_close(c.margin, -0.7, ROUND);
        check_close(c.a[0], -1, ROUND);
        check_close(c.c, 0, 0);
        check_close(c.slope, -0.5 * 0.7, ROUND);
        /* the parent leaves sample 2 */
        assert_int_equal(ndl_condition_step(&m, &c, 1, &moved, NULL), NDL_OK);
        assert_int_equal(moved.Z.start[4], 4);
        ndl_model_free(&moved);
        struct ndl_error err;
        assert_int_equal(ndl_condition_step(&m, &c, 1.5, &moved, &err), NDL_BADARG);
        assert_non_null(strstr(err.text, "negative"));
        assert_null(moved.D.v);
        ndl_condition_free(&c);
        /* the child against the parent: z_1 in [0, 1] while off, m_1 (1-h) = 0.7 */
        c = check(&m, 0, 0);
        assert_true(c.holds);
        check_close(c.margin, bias ? 0.3 : 0.7, ROUND);
        ndl_condition_free(&c);
        ndl_model_free(&m);
    }
}

/* Never together, sometimes both off: passes iff m_j (1-h) <= max z_j.  An
 * antipodal pair with one side on 90 % of the time fails. */
static void mutual_exclusion(void **state)
{
    (void)state;
    double often[20] = {0}, half[8] = {1, 0, 1, 0, 0, 1, 0, 0};
    for (size_t i = 0; i < 9; i++)
        often[2 * i] = 1;
    struct ndl_model m = pair(-1, true, 10, often), fine = pair(-1, true, 4, half);
    m.Z.value[0] = 1;
    m.Z.atom[8] = 1; /* sample 8 fires the other atom instead: 8 of 10 fire atom 0 */
    struct ndl_condition c = check(&m, 1, 0);
    assert_false(c.holds);
    check_close(c.margin, (1 - 0.8 * 2) / 0.8, ROUND);
    check_close(c.slope, -0.6, ROUND); /* a = -1, c = 1: -0.8 * 2 + 1 */
    ndl_condition_free(&c);
    for (size_t k = 0; k < 2; k++) {
        c = check(&fine, k, 0);
        assert_true(c.holds);
        /* 1/m - (1-h): 2 - 2 and 4 - 2, the near end is 0 at 2 */
        check_close(c.margin, k ? 0 : 2, ROUND);
        ndl_condition_free(&c);
    }
    ndl_model_free(&m);
    ndl_model_free(&fine);
}

static void never_off(void **state)
{
    (void)state;
    double codes[] = {0, 1, 2, 3};
    struct ndl_model m = pair(0.3, true, 2, codes), moved;
    struct ndl_condition c = check(&m, 1, 0);
    assert_false(c.holds);
    assert_int_equal(c.off_samples, 0);
    check_close(c.margin, -HUGE_VAL, 0);
    check_close(c.slope, -1, 0);
    check_close(ndl_condition_change(&m, &c, 0.25), -0.25, ROUND);
    assert_int_equal(ndl_condition_step(&m, &c, 1, &moved, NULL), NDL_OK);
    check_close(moved.b.v[0], 0.3, ROUND);
    assert_int_equal(moved.Z.start[2], 2);
    ndl_model_free(&moved);
    ndl_condition_free(&c);
    m.bias = false; /* the cone {0} */
    c = check(&m, 1, 0);
    assert_false(c.holds);
    check_close(c.margin, -0.7, ROUND);
    check_close(c.a[0], -1, 0);
    check_close(c.slope, -0.7, ROUND);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

static void the_off_threshold(void **state)
{
    (void)state;
    double codes[] = {1, 1e-9, 2, 0, 5, 1, 0, 3};
    struct ndl_model m = pair(0.25, true, 4, codes);
    struct ndl_condition c = check(&m, 1, 1e-9);
    assert_int_equal(c.off_samples, 2);
    assert_true(c.holds);
    ndl_condition_free(&c);
    c = check(&m, 1, 1e-10);
    assert_int_equal(c.off_samples, 1);
    assert_false(c.holds);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

static void dead_features(void **state)
{
    (void)state;
    double codes[] = {0, 2, 0, 4};
    struct ndl_model m = pair(0.25, true, 2, codes);
    struct ndl_condition c = check(&m, 1, 0);
    assert_int_equal(c.count, 0);
    check_close(c.margin, -HUGE_VAL, 0); /* always on */
    ndl_condition_free(&c);
    c = check(&m, 0, 0); /* dead itself: off everywhere, the mean is in the hull */
    assert_true(c.holds);
    check_close(c.margin, 0.75 - 2. / 3, ROUND); /* z_1 / m_1 in [2/3, 4/3], point 1 - h */
    ndl_condition_free(&c);
    m.bias = false;
    c = check(&m, 1, 0); /* no feature to stand against, no bias: nothing can be wrong */
    assert_true(c.holds);
    check_close(c.margin, HUGE_VAL, 0);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

/* z = lambda/2 short of the data: r = lambda/2 d where on, mu = 0; at x = 0 mu = lambda. */
static void weights_by_hand(void **state)
{
    (void)state;
    struct ndl_model m = {.lambda = 0.5};
    double d[] = {1, 0}, b[] = {0, 0}, x[] = {2, 0, 0, 0, 0, 3, -1, 0}, z[] = {1.75, 0, 0, 0};
    m.D = (struct ndl_matrix){.rows = 1, .cols = 2, .v = d};
    m.b = (struct ndl_matrix){.rows = 1, .cols = 2, .v = b};
    struct ndl_matrix X = {.rows = 4, .cols = 2, .v = x}, Z = {.rows = 4, .cols = 1, .v = z}, W;
    assert_int_equal(ndl_codes_from_dense(&m.Z, &Z, NULL), NDL_OK);
    assert_int_equal(ndl_multiplier_weights(&X, &m, &W, NULL), NDL_OK);
    const double want[] = {0, 0.25, 0.25, 0.25 * (1 + 2 * 1 / 0.5)};
    for (size_t i = 0; i < 4; i++)
        check_close(ndl_row(&W, i)[0], want[i], ROUND);
    ndl_matrix_free(&W);
    X.cols = 1;
    assert_int_equal(ndl_multiplier_weights(&X, &m, &W, NULL), NDL_BADARG);
    assert_null(W.v);
    ndl_codes_free(&m.Z);
}

static void refusals(void **state)
{
    (void)state;
    struct ndl_model m = pair(0.25, true, 4, between), moved;
    struct ndl_condition c;
    const size_t self[] = {1}, twice[] = {0, 0}, beyond[] = {2}, other[] = {0},
                 many[] = {0, 0, 0, 0, 0};
    const double nothing = nan("");
#define REFUSED(...)                                                                               \
    assert_int_equal(ndl_condition_check(&m, __VA_ARGS__, &c, NULL), NDL_BADARG), assert_null(c.J)
    REFUSED(2, NULL, 0, NDL_AUTO, 0, 0);
    REFUSED(1, self, 1, NDL_AUTO, 0, 0);
    REFUSED(1, twice, 2, NDL_AUTO, 0, 0);
    REFUSED(1, many, 5, NDL_AUTO, 0, 0);
    REFUSED(1, beyond, 1, NDL_AUTO, 0, 0);
    REFUSED(1, other, 1, NDL_AUTO, -1, 0);
    REFUSED(1, other, 1, NDL_AUTO, 0, nothing);
    REFUSED(1, other, 1, NDL_AUTO, HUGE_VAL, 0);
    ndl_row(&m.D, 0)[1] = 0.01; /* norm 1.00005 */
    REFUSED(1, other, 1, NDL_AUTO, 0, 0);
    ndl_row(&m.D, 0)[1] = 0;
    for (size_t e = 0; e < m.Z.start[4]; e++) /* feature 0 dies */
        m.Z.value[e] = m.Z.atom[e] == 0 ? 0 : m.Z.value[e];
    REFUSED(1, other, 1, NDL_AUTO, 0, 0);
    ndl_model_free(&m);

    m = pair(0.8, true, 4, between);
    c = check(&m, 1, 0);
    assert_int_equal(ndl_condition_step(&m, &c, -0.1, &moved, NULL), NDL_BADARG);
    assert_int_equal(ndl_condition_step(&m, &c, nothing, &moved, NULL), NDL_BADARG);
    c.J[0] = 7;
    assert_int_equal(ndl_condition_step(&m, &c, 0.1, &moved, NULL), NDL_BADARG);
    assert_null(moved.Z.start);
    ndl_condition_free(&c);
    ndl_model_free(&m);
}

/* Feature 0 does 3 of its 8 while feature 1 is off, and the largest multiplier there is that of the
 * residual -0.1 along atom 1: rho = 2 * 0.1 / 0.5. */
static void share_by_hand(void **state)
{
    (void)state;
    struct ndl_model m = pair(0.6, true, 4, between);
    double x[8] = {1 - 0.06, -0.08, 2 + 0.006, 0.008, 5.6, 0.8, 1.8, 2.4};
    struct ndl_matrix X = {4, 2, x};
    struct ndl_share s;
    assert_int_equal(ndl_share_check(&X, &m, 1, 0, &s, NULL), NDL_OK);
    assert_int_equal(s.count, 2);
    check_close(s.rho, 0.4, ROUND);
    check_close(s.share[0], 3.0 / 8, ROUND);
    check_close(s.bound[0], 0.4 / 1.4, ROUND);
    check_close(s.share[1], 0, 0);
    assert_true(isnan(s.bound[1]));
    ndl_share_free(&s);
    ndl_share_free(&s);
    /* Counted as off from 1 on, it is off in the third sample too, where the residual is 0. */
    assert_int_equal(ndl_share_check(&X, &m, 1, 1, &s, NULL), NDL_OK);
    check_close(s.share[0], 1, ROUND);
    ndl_share_free(&s);
    ndl_model_free(&m);
}

static void share_without_a_sample_off(void **state)
{
    (void)state;
    double codes[] = {1, 1, 0, 1}, x[4] = {1 + 0.6, 0.8, 0.6, 0.8};
    struct ndl_model m = pair(0.6, true, 2, codes);
    struct ndl_matrix X = {2, 2, x};
    struct ndl_share s;
    assert_int_equal(ndl_share_check(&X, &m, 1, 0, &s, NULL), NDL_OK);
    assert_true(isinf(s.rho) && s.rho < 0);
    check_close(s.share[0], 0, 0);
    assert_true(isinf(s.bound[0]) && s.bound[0] > 0);
    ndl_share_free(&s);
    ndl_model_free(&m);
}

static void share_refusals(void **state)
{
    (void)state;
    struct ndl_model m = pair(0.6, true, 4, between);
    double x[8] = {0};
    struct ndl_matrix X = {4, 2, x}, shorter = {3, 2, x};
    struct ndl_share s;
    assert_int_equal(ndl_share_check(&shorter, &m, 1, 0, &s, NULL), NDL_BADARG);
    assert_int_equal(ndl_share_check(&X, &m, 2, 0, &s, NULL), NDL_BADARG);
    assert_int_equal(ndl_share_check(&X, &m, 1, -1, &s, NULL), NDL_BADARG);
    assert_int_equal(ndl_share_check(&X, &m, 1, nan(""), &s, NULL), NDL_BADARG);
    m.D.v[0] = 1.1;
    assert_int_equal(ndl_share_check(&X, &m, 1, 0, &s, NULL), NDL_BADARG);
    assert_true(s.share == NULL && s.bound == NULL);
    ndl_model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_the_range),  cmocka_unit_test(above_the_range),
        cmocka_unit_test(below_the_range),   cmocka_unit_test(hierarchy),
        cmocka_unit_test(mutual_exclusion),  cmocka_unit_test(never_off),
        cmocka_unit_test(the_off_threshold), cmocka_unit_test(dead_features),
        cmocka_unit_test(weights_by_hand),   cmocka_unit_test(refusals),
        cmocka_unit_test(share_by_hand),     cmocka_unit_test(share_without_a_sample_off),
        cmocka_unit_test(share_refusals),
    };
    return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}

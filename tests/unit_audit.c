/* unit_audit.c -- the audit on cases computed by hand, its counts of features and groups,
 * and every way it can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"

/* A few operations on numbers of order 1. */
static void near_to(double x, double y)
{
    assert_true(fabs(x - y) <= 1e-14 * fmax(1, fabs(y)));
}

static struct ndl_matrix matrix(size_t rows, size_t cols, const double *v)
{
    struct ndl_matrix m;
    assert_int_equal(ndl_matrix_alloc(&m, rows, cols, NULL), NDL_OK);
    memcpy(m.v, v, rows * cols * sizeof *v);
    return m;
}

static enum ndl_status add(struct ndl_audit *a, size_t rows, size_t cols, const double *z,
                           struct ndl_error *err)
{
    struct ndl_matrix dense = matrix(rows, cols, z);
    struct ndl_codes codes;
    assert_int_equal(ndl_codes_from_dense(&codes, &dense, NULL), NDL_OK);
    enum ndl_status status = ndl_audit_add(a, &codes, err);
    ndl_codes_free(&codes);
    ndl_matrix_free(&dense);
    return status;
}

/* Two features, the arrays as they are: start need not begin with 0, nor the codes be good. */
static enum ndl_status add_raw(struct ndl_audit *a, size_t rows, const size_t *start,
                               const uint32_t *atom, const double *value, struct ndl_error *err)
{
    size_t s[3] = {0};
    uint32_t k[4] = {0};
    double v[4] = {0};
    if (rows > 0) {
        assert_true(rows <= 2 && start[1] <= 4 && start[2] <= 4);
        memcpy(s, start, (rows + 1) * sizeof *s);
        memcpy(k, atom, (s[1] > s[2] ? s[1] : s[2]) * sizeof *k);
        memcpy(v, value, (s[1] > s[2] ? s[1] : s[2]) * sizeof *v);
    }
    return ndl_audit_add(
        a, &(struct ndl_codes){.rows = rows, .cols = 2, .start = s, .atom = k, .value = v}, err);
}

static struct ndl_audit *new_audit(size_t K, size_t d, const double *D,
                                   const struct ndl_audit_options *options)
{
    struct ndl_audit *a;
    struct ndl_matrix decoder = matrix(K, d, D);
    assert_int_equal(ndl_audit_new(&a, &decoder, options, NULL), NDL_OK);
    ndl_matrix_free(&decoder);
    return a;
}

static struct ndl_audit *audit(size_t N, size_t K, size_t d, const double *D, const double *z,
                               const struct ndl_audit_options *options,
                               struct ndl_audit_report *report)
{
    struct ndl_audit *a = new_audit(K, d, D, options);
    assert_int_equal(add(a, N, K, z, NULL), NDL_OK);
    assert_int_equal(ndl_audit_finish(a, report, NULL), NDL_OK);
    return a;
}

/* ------------------------------------------------------------- single pairs */

/* A labrador (0) that fires only with the dog (1).  h = 0.6, decoder norms 2 and 1. */
static const double DOG_D[] = {2, 0, 0.6, 0.8};
static const double DOG_Z[] = {1, 2, 0, 1, 0, 0, 3, 1};

static void test_hierarchy(void **state)
{
    (void)state;
    for (int bias = 0; bias < 2; bias++) {
        struct ndl_audit_options options = ndl_audit_defaults(bias);
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(4, 2, 2, DOG_D, DOG_Z, &options, &r);
        assert_int_equal(r.violated, 1);
        assert_int_equal(r.near, 0);
        assert_int_equal(r.listed, 1);
        const struct ndl_audit_pair *p = &r.list[0];
        assert_true(p->j == 0 && p->k == 1 && p->violated && !p->near && !p->always_on && !p->dead);
        near_to(p->cosine, 0.6);
        near_to(p->mean, 2); /* (1 + 3) / 4 * norm 2 */
        near_to(p->z_min_off, 0);
        near_to(p->z_max_off, 0);
        near_to(p->margin, -0.4); /* p = 0.8; (0 - 0.8) / 2, and -(1 - h) */
        near_to(p->slope, -0.8);  /* -m (1 - h), theory section 4 */
        assert_int_equal(p->support, 0);
        assert_int_equal(p->together, 2);
        /* The dog fires once alone, z = 1 >= p = 1 * 0.4: not violated. */
        struct ndl_audit_pair q;
        ndl_audit_pair(a, 1, 0, &q);
        assert_true(!q.violated && !q.near && q.slope == 0);
        near_to(q.z_max_off, 1);
        near_to(q.margin, 0.4); /* min(1 - 0.4, 0.4 - 0) / 1, and 1 - h */
        assert_int_equal(q.support, 1);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

/* A dense j whose least value where k is off is above p: the other end of the hull.
 * z_0 = 3, 5, 1 with k off in the first two; m = 3, h = 0.8, p = 0.6. */
static void test_other_end(void **state)
{
    (void)state;
    const double D[] = {1, 0, 0.8, 0.6}, z[] = {3, 0, 5, 0, 1, 1};
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(3, 2, 2, D, z, &options, &r);
    struct ndl_audit_pair p;
    ndl_audit_pair(a, 0, 1, &p);
    assert_true(p.violated && p.support == 0);
    near_to(p.z_min_off, 3);
    near_to(p.z_max_off, 5);
    near_to(p.slope, 0.6 - 3);
    near_to(p.margin, (0.6 - 3) / 3);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
    options = ndl_audit_defaults(false); /* the cone does not mind */
    a = audit(3, 2, 2, D, z, &options, &r);
    ndl_audit_pair(a, 0, 1, &p);
    assert_true(!p.violated && p.support == 2);
    near_to(p.margin, 0.2);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

/* An antipodal pair, one side on 6 of 8 times with z = 1: p = 1.5 > 1 = max.  With each
 * side on half of the time p = 1 = max: on the boundary, and that is inside. */
static void test_antipodal(void **state)
{
    (void)state;
    const double D[] = {1, 0, -2, 0}, even[] = {1, 0, 1, 0, 0, 1, 0, 1};
    const double uneven[] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0};
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(8, 2, 2, D, uneven, &options, &r);
    assert_int_equal(r.dense, 2);
    assert_int_equal(r.antipodal, 1);
    near_to(r.antipodal_list[0].cosine, -1);
    assert_int_equal(r.violated, 1);
    near_to(r.list[0].margin, -2.0 / 3);
    near_to(r.list[0].slope, -0.5);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
    a = audit(4, 2, 2, D, even, &options, &r);
    assert_int_equal(r.violated, 0);
    struct ndl_audit_pair p;
    ndl_audit_pair(a, 0, 1, &p);
    near_to(p.margin, 0);
    assert_int_equal(p.support, 2); /* both samples with z = 1 = p */
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

static void test_dead_and_always_on(void **state)
{
    (void)state;
    /* 0 ordinary, 1 always on, 2 dead (with a zero decoder row). */
    const double D[] = {1, 0, 0, 1, 0, 0}, z[] = {1, 1, 0, 0, 2, 0, 0, 3, 0};
    for (int bias = 0; bias < 2; bias++) {
        struct ndl_audit_options options = ndl_audit_defaults(bias);
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(3, 3, 2, D, z, &options, &r);
        assert_int_equal(r.live, 2);
        assert_int_equal(r.dead, 1);
        assert_int_equal(r.always_on, 1);
        assert_true(r.fires[0] == 1 && r.fires[1] == 3 && r.fires[2] == 0);
        assert_int_equal(r.pairs, 1);
        assert_int_equal(r.pairs_always_on, 1);
        assert_int_equal(r.pairs_dead, 4);
        assert_int_equal(r.violated_always_on, 1);
        const struct ndl_audit_pair *p = &r.list[0];
        assert_true(p->j == 0 && p->k == 1 && p->violated && p->always_on);
        assert_true(isnan(p->z_min_off) && isnan(p->z_max_off) && p->support == 0);
        if (bias) {
            assert_true(isinf(p->margin) && p->margin < 0);
            near_to(p->slope, -1);
        } else {
            near_to(p->margin, -1);
            near_to(p->slope, -1.0 / 3);
        }
        /* (1, 0): z = 2, 3 with feature 0 off, p = 2: one at p or below, two at p or above. */
        struct ndl_audit_pair q;
        ndl_audit_pair(a, 1, 0, &q);
        assert_int_equal(q.support, bias ? 1 : 2);
        ndl_audit_pair(a, 2, 0, &q);
        assert_true(q.dead && !q.violated && !q.near && isnan(q.margin) && q.mean == 0);
        ndl_audit_pair(a, 0, 2, &q);
        assert_true(q.dead && !q.violated && !q.near);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

/* Coincident atoms: p = 0 is in every cone, and in the hull if j is ever off with k. */
static void test_coincident(void **state)
{
    (void)state;
    const double D[] = {1, 1, 2, 2}, z[] = {1, 1, 0, 1, 0, 0};
    for (int bias = 0; bias < 2; bias++) {
        struct ndl_audit_options options = ndl_audit_defaults(bias);
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(3, 2, 2, D, z, &options, &r);
        assert_int_equal(r.violated, 0);
        struct ndl_audit_pair p;
        ndl_audit_pair(a, 0, 1, &p);
        near_to(p.margin, 0);
        assert_int_equal(p.support, bias ? 1 : 0);
        assert_int_equal(p.near, !bias);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

/* 0 fires on 100 samples, on one of them without 1: support 1 = 1 % of 100; on two: not near. */
static void test_near(void **state)
{
    (void)state;
    enum { N = 300 };
    const double D[] = {1, 0, 0, 1};
    for (size_t leaks = 0; leaks < 3; leaks++) {
        double z[2 * N] = {0};
        for (size_t i = 0; i < 100; i++) {
            z[2 * i] = 1;
            z[2 * i + 1] = i >= leaks;
        }
        for (size_t i = 100; i < 150; i++)
            z[2 * i + 1] = 1;
        struct ndl_audit_options options = ndl_audit_defaults(true);
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(N, 2, 2, D, z, &options, &r);
        assert_int_equal(r.violated, leaks == 0);
        assert_int_equal(r.near, leaks == 1);
        struct ndl_audit_pair p;
        ndl_audit_pair(a, 0, 1, &p);
        assert_int_equal(p.support, leaks);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

/* Tolerance moves the verdict, and margin and support move together. */
static void test_tolerance(void **state)
{
    (void)state;
    /* m_0 = p = 1, max off 0.9 */
    const double D[] = {1, 0, 0, 1}, z[] = {2, 1, 0.9, 0, 0.1, 0, 1, 1};
    for (int loose = 0; loose < 2; loose++) {
        struct ndl_audit_options options = ndl_audit_defaults(true);
        options.tolerance = loose ? 0.11 : 0.09;
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(4, 2, 2, D, z, &options, &r);
        struct ndl_audit_pair p;
        ndl_audit_pair(a, 0, 1, &p);
        near_to(p.margin, -0.1);
        assert_int_equal(p.violated, !loose);
        assert_int_equal(p.support, loose);
        assert_true(loose ? p.slope == 0 : fabs(p.slope + 0.1) < 1e-14);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

static void test_groups(void **state)
{
    (void)state;
    /* 0 and 1 on half each and never together, 2 a third that overlaps 1 only; 3 always on;
     * expected meetings: 0-1 25, 0-2 10, so that 10 joins 2 to 0's group if it may. */
    enum { N = 100, K = 4 };
    const double D[] = {1, 0, 0, 1, 1, 1, 1, -1};
    double z[N * K] = {0};
    for (size_t i = 0; i < N; i++) {
        z[K * i] = i < 50;
        z[K * i + 1] = i >= 50;
        z[K * i + 2] = i >= 80;
        z[K * i + 3] = 1;
    }
    const double expected[] = {25, 10, 25.5};
    const size_t pairs[] = {1, 2, 0}, groups[] = {1, 1, 0};
    for (int q = 0; q < 3; q++) {
        struct ndl_audit_options options = ndl_audit_defaults(true);
        options.expected = expected[q];
        struct ndl_audit_report r;
        struct ndl_audit *a = audit(N, K, 2, D, z, &options, &r);
        assert_int_equal(r.exclusive_pairs, pairs[q]);
        assert_int_equal(r.groups, groups[q]); /* 2 meets 1, the second member: stays alone */
        if (r.groups)
            assert_true(r.group_start[1] == 2 && r.group_member[0] == 0 && r.group_member[1] == 1);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
}

/* The values probed to choose a level (every 200th) are not like the others: too few
 * samples reach the level to exclude anyone, and everyone must be looked at.  0 is near
 * 1: m_0 = 0.713, p = 1.07, reached by 1024 samples (z = 10), in 100 of which 1 is off. */
static void test_misleading_probe(void **state)
{
    (void)state;
    enum { N = 300000, ON = 204800 };
    const double D[] = {1, 0, -0.5, 0.75};
    double *z = calloc(2 * N, sizeof *z);
    assert_non_null(z);
    size_t leaks = 0;
    for (size_t i = 0; i < ON; i++) {
        bool hard = i % 200 == 0;
        z[2 * i] = hard ? 10 : 1;
        z[2 * i + 1] = hard && leaks++ >= 100;
    }
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(N, 2, 2, D, z, &options, &r);
    assert_int_equal(r.listed, 2); /* and 1 never fires without 0 */
    assert_true(r.list[0].j == 0 && r.list[0].near && r.list[0].support == 100 &&
                r.list[1].violated);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
    free(z);
}

/* -------------------------------------------------------------- small things */

static bool count_rows(void *context, const struct ndl_audit_pair *pairs, size_t count)
{
    (void)pairs;
    size_t *rows = context;
    assert_int_equal(count, 1);
    return ++*rows < 1;
}

static void test_each_stops(void **state)
{
    (void)state;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(4, 2, 2, DOG_D, DOG_Z, &options, &r);
    size_t rows = 0;
    assert_int_equal(ndl_audit_each(a, count_rows, &rows, NULL), NDL_OK);
    assert_int_equal(rows, 1);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

static void test_one_feature_and_all_dead(void **state)
{
    (void)state;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    size_t rows = 0;
    struct ndl_audit *a = audit(2, 1, 1, (double[]){-3}, (double[]){1, 0}, &options, &r);
    assert_true(r.live == 1 && r.pairs == 0 && r.pairs_dead == 0 && r.listed == 0);
    near_to(r.mean[0], 1.5);
    assert_int_equal(ndl_audit_each(a, count_rows, &rows, NULL), NDL_OK);
    assert_int_equal(rows, 0);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
    a = audit(1, 2, 1, (double[]){1, 1}, (double[]){0, 0}, &options, &r);
    assert_true(r.live == 0 && r.dead == 2 && r.pairs == 0 && r.pairs_dead == 2 && r.listed == 0 &&
                r.groups == 0);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

/* Rows from the middle of larger arrays, explicit zeros, floats and then doubles. */
static void test_add(void **state)
{
    (void)state;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = new_audit(2, 2, DOG_D, &options);
    const size_t start[] = {1, 3, 4};
    const uint32_t atom[] = {9, 0, 1, 0};
    const double value[] = {-1, 0.5, 0, 0.25};
    assert_int_equal(add_raw(a, 2, start, atom, value, NULL), NDL_OK);
    assert_int_equal(add_raw(a, 0, NULL, NULL, NULL, NULL), NDL_OK);
    assert_int_equal(add(a, 2, 2, (double[]){0.1, 0, 1e300, 0}, NULL), NDL_OK); /* no floats */
    assert_int_equal(add(a, 1, 2, (double[]){0, 1}, NULL), NDL_OK);
    assert_int_equal(ndl_audit_finish(a, &r, NULL), NDL_OK);
    assert_true(r.samples == 5 && r.nonzeros == 5 && r.fires[0] == 4 && r.fires[1] == 1);
    near_to(r.mean[0] / 4e299, 1);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

/* The sum is compensated: a plain sum of doubles loses the thousand ones beside 2^60. */
static void test_mean(void **state)
{
    (void)state;
    enum { N = 1001 };
    double z[N];
    for (size_t i = 0; i < N; i++)
        z[i] = i == 0 ? 0x1p60 : 1; /* the spacing of doubles at 2^60 is 256 */
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(N, 1, 1, (double[]){1}, z, &options, &r);
    assert_true(r.mean[0] == (0x1p60 + 1000) / N); /* rounds to 2^60 + 1024 */
    assert_true(r.mean[0] != 0x1p60 / N);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
}

/* ------------------------------------------------------------------- errors */

static void refuse_new(const struct ndl_matrix *D, struct ndl_audit_options options,
                       enum ndl_status expected)
{
    struct ndl_error err = {{0}};
    struct ndl_audit *a = (struct ndl_audit *)&err;
    assert_int_equal(ndl_audit_new(&a, D, &options, &err), expected);
    assert_null(a);
    assert_true(strlen(err.text) > 0);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct ndl_matrix D = matrix(2, 2, DOG_D);
    const struct ndl_audit_options good = ndl_audit_defaults(true);
    const double out[][2] = {
        {-1e-3, (double)INFINITY}, {-0.1, 1}, {0, 1.1}, {-1.1, 1.1}, {0, (double)INFINITY}};
    for (int q = 0; q < 3; q++) {
        double bad[5];
        for (int f = 0; f < 5; f++)
            bad[f] = q < 2 ? out[f][q] : (double)NAN;
        struct ndl_audit_options o = good;
        o.tolerance = bad[0];
        refuse_new(&D, o, NDL_BADARG);
        o = good;
        o.near = bad[1];
        refuse_new(&D, o, NDL_BADARG);
        o = good;
        o.dense = bad[2];
        refuse_new(&D, o, NDL_BADARG);
        o = good;
        o.antipodal = bad[3];
        refuse_new(&D, o, NDL_BADARG);
        o = good;
        o.expected = bad[4];
        refuse_new(&D, o, NDL_BADARG);
    }
    struct ndl_audit_options o = good;
    o.threads = 0;
    refuse_new(&D, o, NDL_BADARG);
    o.threads = 257;
    refuse_new(&D, o, NDL_BADARG);
    o = good;
    o.memory = 16; /* not even the decoder */
    refuse_new(&D, o, NDL_NOMEM);
    o = good;
    o.band = (size_t)UINT32_MAX + 1;
    refuse_new(&D, o, NDL_BADARG);
    D.v[3] = (double)NAN;
    refuse_new(&D, good, NDL_BADDATA);
    D.rows = 0;
    refuse_new(&D, good, NDL_BADARG);
    D.rows = 2;
    ndl_matrix_free(&D);
}

static void test_bad_codes(void **state)
{
    (void)state;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit *a = new_audit(2, 2, DOG_D, &options);
    const struct {
        size_t start[3];
        uint32_t atom[2];
        double value[2];
        const char *says;
    } bad[] = {
        {{0, 1, 2}, {0, 2}, {1, 1}, "column 2"},
        {{0, 2, 2}, {1, 0}, {1, 1}, "column 0 after column 1"},
        {{0, 2, 2}, {1, 1}, {1, 1}, "column 1 after column 1"},
        {{0, 1, 2}, {0, 1}, {1, -1}, "is -1"},
        {{0, 1, 2}, {0, 1}, {1, (double)NAN}, "nan"},
        {{0, 1, 2}, {0, 1}, {(double)INFINITY, 1}, "inf"},
        {{0, 2, 1}, {0, 1}, {1, 1}, "row 1 ends before"},
    };
    struct ndl_error err;
    struct ndl_audit_report r;
    for (size_t q = 0; q < sizeof bad / sizeof *bad; q++) {
        assert_int_equal(add_raw(a, 2, bad[q].start, bad[q].atom, bad[q].value, &err), NDL_BADDATA);
        assert_non_null(strstr(err.text, bad[q].says));
    }
    assert_int_equal(add(a, 1, 3, (double[]){1, 2, 3}, &err), NDL_BADARG);
    assert_int_equal(ndl_audit_finish(a, &r, &err), NDL_BADARG); /* nothing of it was added */
    assert_non_null(strstr(err.text, "no samples"));
    assert_int_equal(add(a, 4, 2, DOG_Z, &err), NDL_OK);
    assert_int_equal(ndl_audit_finish(a, &r, &err), NDL_OK);
    assert_int_equal(r.samples, 4);
    ndl_audit_report_free(&r);
    assert_int_equal(ndl_audit_finish(a, &r, &err), NDL_BADARG);
    assert_int_equal(add(a, 4, 2, DOG_Z, &err), NDL_BADARG);
    ndl_audit_free(a);
    ndl_audit_free(NULL);
}

static void refuse_finish(const double *D, const double *z, const char *says)
{
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_error err;
    struct ndl_audit_report r;
    struct ndl_audit *a = new_audit(2, 2, D, &options);
    assert_int_equal(add(a, 2, 2, z, NULL), NDL_OK);
    assert_int_equal(ndl_audit_finish(a, &r, &err), NDL_BADDATA);
    assert_non_null(strstr(err.text, says));
    assert_null(r.fires);
    ndl_audit_free(a);
}

static void test_bad_features(void **state)
{
    (void)state;
    refuse_finish((double[]){1, 0, 0, 0}, (double[]){1, 1, 0, 1}, "feature 1 fires on 2 samples");
    refuse_finish(DOG_D, (double[]){1e308, 1, 1.7e308, 1}, "mean activation");
    refuse_finish(DOG_D, (double[]){5e-324, 1, 0, 1}, "mean activation");
    refuse_finish((double[]){1e308, 1e308, 0, 1}, (double[]){1, 1, 2, 0},
                  "a mean activation of 1.5 and a decoder row of norm 1.41421e+308");
    refuse_finish((double[]){1e-320, 0, 0, 1}, (double[]){1, 1, 0, 1},
                  "a decoder row of norm 9.99989e-321");
    refuse_finish((double[]){1e-200, 0, 0, 1}, (double[]){1e-200, 1, 0, 1},
                  "a decoder row of norm 1e-200");
}

/* One that is met in the last sample only, while many others are never met. */
static void test_late_meeting(void **state)
{
    (void)state;
    enum { N = 1000, K = 32 };
    double *D = calloc(K, sizeof *D), *z = calloc(N * K, sizeof *z);
    assert_true(D && z);
    for (size_t k = 0; k < K; k++)
        D[k] = 1;
    for (size_t i = 0; i < 40; i++)
        z[i * K] = 1;
    for (size_t i = 700; i < N; i++)
        for (size_t k = 1; k < K; k++)
            z[i * K + k] = 1;
    z[39 * K + K - 1] = 1;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    options.expected = 1;
    struct ndl_audit_report r;
    struct ndl_audit *a = audit(N, K, 1, D, z, &options, &r);
    assert_int_equal(r.exclusive_pairs, K - 2);
    ndl_audit_report_free(&r);
    ndl_audit_free(a);
    free(D);
    free(z);
}

/* N samples, one of two features on in each: four bands, because a band has 65,536 samples at
 * most. */
static void test_memory(void **state)
{
    (void)state;
    enum { N = 200000 };
    double *z = calloc(2 * N, sizeof *z);
    assert_non_null(z);
    for (size_t i = 0; i < N; i++)
        z[2 * i + i % 2] = 1;
    struct ndl_audit_options options = ndl_audit_defaults(true);
    struct ndl_audit_report r;
    bool fits = false;
    for (options.memory = 1 << 16; !fits; options.memory += 1 << 16) {
        struct ndl_error err;
        struct ndl_audit *a = new_audit(2, 2, DOG_D, &options);
        enum ndl_status status = add(a, N, 2, z, &err);
        if (status == NDL_OK)
            status = ndl_audit_finish(a, &r, &err);
        fits = status == NDL_OK;
        if (!fits) {
            assert_int_equal(status, NDL_NOMEM);
            assert_non_null(strstr(err.text, "memory"));
        }
        ndl_audit_free(a);
    }
    assert_true(r.fires[0] == N / 2 && r.fires[1] == N / 2 && r.samples == N &&
                r.exclusive_pairs == 1);
    near_to(r.mean[0], 1); /* the decoder's row has norm 2 */
    ndl_audit_report_free(&r);
    /* 8 bytes per nonzero, 4 per sample, two bitmaps and what was there while samples were added */
    assert_in_range(options.memory, 12 * N + 2 * N / 8,
                    12 * N + 2 * N / 8 + 3 * 65536 * (4 + 4 + 8));
    options.memory = 20000;
    options.band = 100;
    options.spill = "/nonexistent/directory";
    struct ndl_error err;
    struct ndl_audit *a = new_audit(2, 2, DOG_D, &options);
    assert_int_equal(add(a, N, 2, z, &err), NDL_IO);
    assert_non_null(strstr(err.text, "/nonexistent/directory"));
    ndl_audit_free(a);
    free(z);
}

/* More features than 16 bits can number, most of them dead: the same as without the dead. */
static void test_many_features(void **state)
{
    (void)state;
    enum { K = 70000, LIVE = 4, N = 80 };
    const uint32_t place[LIVE] = {65536, 3, 69999, 65535};
    double *D = calloc(K, sizeof *D), *z = calloc(N * K, sizeof *z), few_D[LIVE], few_z[N * LIVE];
    assert_true(D && z);
    for (size_t k = 0; k < LIVE; k++) {
        D[place[k]] = few_D[k] = k < 2 ? 2 : -1;
        for (size_t i = 0; i < N; i++)
            z[i * K + place[k]] = few_z[i * LIVE + k] = (double)((i % (k + 2) == 0) * (1 + i));
    }
    struct ndl_audit_options options = ndl_audit_defaults(true);
    options.band = 9;
    options.expected = 1;
    struct ndl_audit_report r, few;
    struct ndl_audit *a = audit(N, K, 1, D, z, &options, &r);
    struct ndl_audit *b = audit(N, LIVE, 1, few_D, few_z, &options, &few);
    assert_true(r.live == LIVE && r.dead == K - LIVE && few.listed > 0 && r.listed == few.listed);
    for (size_t q = 0; q < few.listed; q++) {
        const struct ndl_audit_pair *x = &r.list[q], *y = &few.list[q];
        assert_true(x->j == place[y->j] && x->k == place[y->k] && x->support == y->support &&
                    x->together == y->together && x->margin == y->margin);
    }
    assert_int_equal(r.exclusive_pairs, few.exclusive_pairs);
    ndl_audit_report_free(&r);
    ndl_audit_report_free(&few);
    ndl_audit_free(a);
    ndl_audit_free(b);
    free(D);
    free(z);
}

/* The least memory, to 4 KiB, for an audit of K copies of one feature, always on; all K (K - 1)
 * pairs are listed with a bias and none without. */
static size_t least_memory(size_t K, const double *ones, bool bias, int threads)
{
    struct ndl_audit_options options = ndl_audit_defaults(bias);
    options.threads = threads;
    for (options.memory = 1 << 16;; options.memory += 1 << 12) {
        struct ndl_audit_report r;
        struct ndl_audit *a = new_audit(K, 1, ones, &options);
        bool fits = add(a, 1, K, ones, NULL) == NDL_OK && ndl_audit_finish(a, &r, NULL) == NDL_OK;
        if (fits) {
            assert_int_equal(r.listed, bias ? K * (K - 1) : 0);
            ndl_audit_report_free(&r);
        }
        ndl_audit_free(a);
        if (fits)
            return options.memory;
    }
}

/* Whether the list fits depends on its length alone, not on which thread found what.  (The few
 * kilobytes of everything else fit in the least memory that is tried.) */
static void test_list_limit(void **state)
{
    (void)state;
    enum { K = 130 };
    double ones[K];
    for (size_t k = 0; k < K; k++)
        ones[k] = 1;
    /* the list and the copy it becomes */
    size_t list = 2 * K * (K - 1) * sizeof(struct ndl_audit_pair);
    size_t with_one = 0;
    assert_int_equal(least_memory(K, ones, false, 1), 1 << 16);
    for (int threads = 1; threads <= 4; threads++) {
        size_t with = least_memory(K, ones, true, threads);
        assert_in_range(with, list, list + (1 << 15));
        with_one = threads == 1 ? with : with_one;
        assert_in_range(with, with_one, with_one + (size_t)threads * (1 << 12));
    }
}

/* 512 copies of one feature, always on: 261,632 listed pairs (25 MB) do not fit beside
 * the codes in 16 MiB. */
static void test_long_list(void **state)
{
    (void)state;
    enum { K = 512 };
    double *D = calloc(K, sizeof *D), *z = calloc(K, sizeof *z);
    assert_true(D && z);
    for (size_t k = 0; k < K; k++)
        D[k] = z[k] = 1;
    for (int fits = 0; fits < 2; fits++) {
        struct ndl_audit_options options = ndl_audit_defaults(true);
        options.memory = (size_t)(fits ? 256 : 16) << 20;
        options.threads = 2;
        struct ndl_error err;
        struct ndl_audit_report r;
        struct ndl_audit *a = new_audit(K, 1, D, &options);
        assert_int_equal(add(a, 1, K, z, NULL), NDL_OK);
        assert_int_equal(ndl_audit_finish(a, &r, &err), fits ? NDL_OK : NDL_NOMEM);
        assert_int_equal(r.listed, fits ? K * (K - 1) : 0);
        ndl_audit_report_free(&r);
        ndl_audit_free(a);
    }
    free(D);
    free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hierarchy),
        cmocka_unit_test(test_other_end),
        cmocka_unit_test(test_antipodal),
        cmocka_unit_test(test_dead_and_always_on),
        cmocka_unit_test(test_coincident),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_tolerance),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_misleading_probe),
        cmocka_unit_test(test_each_stops),
        cmocka_unit_test(test_one_feature_and_all_dead),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_bad_codes),
        cmocka_unit_test(test_bad_features),
        cmocka_unit_test(test_late_meeting),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_many_features),
        cmocka_unit_test(test_list_limit),
        cmocka_unit_test(test_long_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* property_hull.c -- random hulls and cones, degenerate ones included: Qhull and
 * the LP agree, the certificates hold, brute force over all facets agrees. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>

#include "ndl/ndl.h"
#include "ndl/random.h"

enum { MOST_POINTS = 60, MOST_DIMENSIONS = 12, MOST_ENTRIES = 3000 * 8 };
#define TOLERANCE 1e-9

/* ----------------------------------------------------------- random problems */

enum shape { GAUSSIAN, GRID, SPHERE, SPARSE, DUPLICATES, FLAT, FEW, SHAPES };

struct problem {
    struct ndl_matrix P;
    double v[MOST_ENTRIES], q[MOST_DIMENSIONS];
    double scale; /* max |p|, |q| */
};

static void draw_points(gsl_rng *rng, size_t shape, size_t n, size_t m, double *v)
{
    for (size_t i = 0; i < n * m; i++)
        v[i] = shape == GRID     ? (double)gsl_rng_uniform_int(rng, 3)
               : shape == SPARSE ? (gsl_rng_uniform(rng) < 0.4 ? gsl_ran_exponential(rng, 1) : 0)
                                 : gsl_ran_gaussian(rng, 1);
    if (shape == SPHERE) /* cospherical, and for even m often exactly so: antipodal pairs */
        for (size_t i = 0; i < n; i++) {
            if (i % 2)
                for (size_t j = 0; j < m; j++)
                    v[i * m + j] = -v[(i - 1) * m + j];
            else
                ndl_random_unit(rng, v + i * m, m);
        }
    if (shape == DUPLICATES)
        for (size_t i = n / 2; i < n; i++)
            memcpy(v + i * m, v + (i - n / 2) * m, m * sizeof *v);
    if (shape == FLAT) { /* the last coordinates are combinations of the first */
        double mix[MOST_DIMENSIONS];
        for (size_t j = 0; j < m; j++)
            mix[j] = gsl_ran_gaussian(rng, 1);
        for (size_t i = 0; i < n; i++) {
            v[i * m + m - 1] = 0.5;
            for (size_t j = 0; j + 1 < m; j++)
                v[i * m + m - 1] += mix[j] * v[i * m + j];
        }
    }
}

/* A combination of `count` random points: an inner, a boundary point or (count
 * = 1) a vertex, then perhaps pushed away. */
static void draw_query(gsl_rng *rng, struct problem *t)
{
    size_t n = t->P.rows, m = t->P.cols, count = 1 + gsl_rng_uniform_int(rng, n);
    double sum = 0;
    memset(t->q, 0, sizeof t->q);
    for (size_t k = 0; k < count; k++) {
        double w = gsl_ran_exponential(rng, 1);
        const double *p = ndl_row(&t->P, gsl_rng_uniform_int(rng, n));
        sum += w;
        for (size_t j = 0; j < m; j++)
            t->q[j] += w * p[j];
    }
    static const double pushes[] = {0, 0, 1e-4, 1, 100};
    double push = pushes[gsl_rng_uniform_int(rng, 5)];
    for (size_t j = 0; j < m; j++)
        t->q[j] = t->q[j] / sum + gsl_ran_gaussian(rng, push);
}

static void draw(gsl_rng *rng, struct problem *t, size_t shape, size_t n, size_t m)
{
    if (shape == FEW)
        n = 1 + n % 2;
    t->P = (struct ndl_matrix){.rows = n, .cols = m, .v = t->v};
    draw_points(rng, shape, n, m, t->v);
    draw_query(rng, t);
    t->scale = 0;
    for (size_t i = 0; i < n * m; i++)
        t->scale = fmax(t->scale, fabs(t->v[i]));
    for (size_t j = 0; j < m; j++)
        t->scale = fmax(t->scale, fabs(t->q[j]));
}

static struct ndl_hull_result locate(const struct problem *t, enum ndl_hull_kind kind,
                                     enum ndl_hull_method method)
{
    struct ndl_hull_result r;
    struct ndl_error err = {""};
    if (ndl_hull_locate(&t->P, t->q, kind, method, TOLERANCE, &r, &err) != NDL_OK) {
        for (size_t i = 0; i < t->P.rows; i++)
            for (size_t j = 0; j < t->P.cols; j++)
                print_error("%.17g%c", ndl_row(&t->P, i)[j], j + 1 < t->P.cols ? '\t' : '\n');
        fail_msg("%s", err.text);
    }
    return r;
}

/* -------------------------------------------------------------- the properties */

/* The weights prove distance <= |P^T w - q|, the affine function >= -f(q). */
static void check_certificates(const struct problem *t, enum ndl_hull_kind kind,
                               const struct ndl_hull_result *r)
{
    size_t m = t->P.cols;
    double round = 1e-11 * t->scale; /* the header: 1e-12 of the largest |p - q|, and some sums */
    double sum = 0, square = 0, at_q = r->c;
    for (size_t i = 0; i < t->P.rows; i++) {
        double f = r->c;
        for (size_t j = 0; j < m; j++)
            f += r->a[j] * ndl_row(&t->P, i)[j];
        assert_true(f >= -round);
        assert_true(r->weights[i] >= 0);
        sum += r->weights[i];
    }
    for (size_t j = 0; j < m; j++) {
        double y = -t->q[j];
        for (size_t i = 0; i < t->P.rows; i++)
            y += r->weights[i] * ndl_row(&t->P, i)[j];
        square += y * y;
        at_q += r->a[j] * t->q[j];
    }
    if (kind == NDL_HULL)
        check_close(sum, 1, 1e-12); /* at most 60 terms */
    check_close(sqrt(square), r->margin < 0 ? -r->margin : 0, round);
    if (isfinite(r->margin) && r->dimension == m)
        check_close(at_q, r->margin, round);
    if (r->margin < 0)
        check_close(at_q, r->margin, round);
}

/* The verdict alone is that of the other methods, with its certificates. */
static void check_verdict(const struct problem *t, enum ndl_hull_kind kind,
                          const struct ndl_hull_result *full)
{
    struct ndl_hull_result r = locate(t, kind, NDL_VERDICT);
    check_certificates(t, kind, &r);
    assert_int_equal(r.inside, full->inside);
    if (full->margin < 0)
        check_close(r.margin, full->margin, 0); /* the same computation */
    else
        assert_true(isnan(r.margin));
    assert_true(isnan(r.margin_l1));
    ndl_hull_result_free(&r);
}

static void methods_agree(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 20, 1, NULL), NDL_OK);
    int inside[2] = {0}, outside[2] = {0}, flat = 0;
    for (int trial = 0; trial < 2000; trial++) {
        static struct problem t;
        enum ndl_hull_kind kind = trial % 3 ? NDL_HULL : NDL_CONE;
        size_t m = 2 + gsl_rng_uniform_int(rng, 7), most = m < 7 ? MOST_POINTS : 30;
        draw(rng, &t, gsl_rng_uniform_int(rng, SHAPES), 1 + gsl_rng_uniform_int(rng, most), m);
        struct ndl_hull_result a = locate(&t, kind, NDL_QHULL), b = locate(&t, kind, NDL_LP);
        check_certificates(&t, kind, &a);
        check_certificates(&t, kind, &b);
        check_verdict(&t, kind, &a);
        assert_int_equal(a.inside, b.inside);
        assert_int_equal(a.dimension, b.dimension);
        assert_int_equal(a.margin_l1 > 0, b.margin_l1 > 0);
        assert_int_equal(a.margin_l1 < 0, b.margin_l1 < 0);
        check_close(a.margin_l1, b.margin_l1, 1e-8 * fabs(b.margin_l1) + 1e-12 * t.scale);
        if (!isnan(b.margin))
            check_close(a.margin, b.margin, 1e-12 * t.scale);
        else /* L1 and Euclidean balls: |x|_2 <= |x|_1 <= sqrt m |x|_2 */
            assert_true(a.margin <= a.margin_l1 * (1 + 1e-9) &&
                        a.margin_l1 <= sqrt((double)m) * a.margin * (1 + 1e-9));
        inside[kind] += a.margin > 0;
        outside[kind] += a.margin < -TOLERANCE;
        flat += a.dimension < m;
        ndl_hull_result_free(&a);
        ndl_hull_result_free(&b);
    }
    gsl_rng_free(rng);
    /* the generator reaches every case */
    assert_true(inside[0] > 100 && inside[1] > 50 && outside[0] > 100 && outside[1] > 100 &&
                flat > 300);
}

/* So many points that Qhull sees only those that matter.  Codes of sparse
 * features and, up to 5-D, round clouds; q near the mean, as in the theory. */
static void many_points(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 20, 4, NULL), NDL_OK);
    for (int trial = 0; trial < 40; trial++) {
        static struct problem t;
        enum ndl_hull_kind kind = trial % 3 ? NDL_HULL : NDL_CONE;
        size_t m = 5 + gsl_rng_uniform_int(rng, 4), n = 3000;
        size_t shape = m == 5 && kind == NDL_HULL ? GAUSSIAN : SPARSE;
        draw(rng, &t, shape, n, m);
        /* no sample is quite empty: slanted facets near 0 */
        for (size_t i = 0; i < n && shape == SPARSE; i++)
            t.v[i * m + gsl_rng_uniform_int(rng, m)] += 0.2;
        for (size_t j = 0; j < m; j++)
            t.q[j] =
                shape == SPARSE ? 0.1 + 0.3 * gsl_rng_uniform(rng) : gsl_ran_gaussian(rng, 0.3);
        struct ndl_hull_result a = locate(&t, kind, NDL_QHULL), b = locate(&t, kind, NDL_LP);
        check_certificates(&t, kind, &a);
        assert_true(a.margin > 0);
        check_close(a.margin_l1, b.margin_l1, 1e-8 * b.margin_l1);
        ndl_hull_result_free(&a);
        ndl_hull_result_free(&b);
    }
    gsl_rng_free(rng);
}

/* Above 8 dimensions the certificates are all there is, and that q + t u leaves
 * the hull exactly at the L1 depth along some axis. */
static void many_dimensions(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 20, 2, NULL), NDL_OK);
    int deep = 0;
    for (int trial = 0; trial < 60; trial++) {
        static struct problem t;
        size_t m = 9 + gsl_rng_uniform_int(rng, 4);
        enum ndl_hull_kind kind = trial % 3 ? NDL_HULL : NDL_CONE;
        draw(rng, &t, gsl_rng_uniform_int(rng, SHAPES), MOST_POINTS, m);
        struct ndl_hull_result r = locate(&t, kind, NDL_AUTO);
        check_certificates(&t, kind, &r);
        check_verdict(&t, kind, &r);
        double depth = r.margin_l1;
        ndl_hull_result_free(&r);
        if (!(depth > 1e-3) || isinf(depth))
            continue;
        deep++;
        int left = 0;
        for (size_t j = 0; j < m; j++)
            for (int sign = -1; sign <= 1; sign += 2) {
                double at = t.q[j];
                t.q[j] = at + sign * depth * (1 - 1e-6);
                r = locate(&t, kind, NDL_LP);
                assert_true(r.inside);
                ndl_hull_result_free(&r);
                t.q[j] = at + sign * depth * (1 + 1e-3);
                r = locate(&t, kind, NDL_LP);
                left += !r.inside;
                ndl_hull_result_free(&r);
                t.q[j] = at;
            }
        assert_true(left > 0);
    }
    assert_true(deep > 3);
    gsl_rng_free(rng);
}

/* ------------------------------------------------------------------ brute force */

/* A unit normal of the given m - 1 differences (m - 1 x m): false if they are
 * dependent. */
static bool normal_of(const double *differences, size_t m, double *normal)
{
    double square[16] = {0}; /* a zero row makes it m x m, as GSL wants */
    memcpy(square, differences, (m - 1) * m * sizeof *square);
    gsl_matrix_view A = gsl_matrix_view_array(square, m, m);
    double V[16], S[4], work[4];
    gsl_matrix_view v = gsl_matrix_view_array(V, m, m);
    gsl_vector_view s = gsl_vector_view_array(S, m), w = gsl_vector_view_array(work, m);
    gsl_linalg_SV_decomp(&A.matrix, &v.matrix, &s.vector, &w.vector);
    if (S[m - 2] < 1e-9)
        return false;
    for (size_t j = 0; j < m; j++)
        normal[j] = V[j * m + m - 1];
    return true;
}

/* The depth of q by all hyperplanes through m points (hull) or 0 and m - 1
 * points (cone) that have the others on one side; m <= 4.  Returns false if
 * there is none (flat, or a cone that is the whole space). */
static bool brute_depth(const struct problem *t, enum ndl_hull_kind kind, double *l2, double *l1)
{
    size_t n = t->P.rows, m = t->P.cols, chosen = kind == NDL_HULL ? m : m - 1,
           index[4] = {0, 1, 2, 3};
    bool found = false;
    *l2 = *l1 = HUGE_VAL;
    if (n < chosen)
        return false;
    for (;;) {
        double differences[12], normal[4];
        for (size_t k = 0; k + 1 < m; k++)
            for (size_t j = 0; j < m; j++)
                differences[k * m + j] = kind == NDL_CONE ? ndl_row(&t->P, index[k])[j]
                                                          : ndl_row(&t->P, index[k + 1])[j] -
                                                                ndl_row(&t->P, index[0])[j];
        if (normal_of(differences, m, normal)) {
            double low = HUGE_VAL, high = -HUGE_VAL, at_q = 0, largest = 0;
            for (size_t i = 0; i < n; i++) {
                double f = 0;
                for (size_t j = 0; j < m; j++)
                    f += normal[j] * (ndl_row(&t->P, i)[j] -
                                      (kind == NDL_HULL ? ndl_row(&t->P, index[0])[j] : 0));
                low = fmin(low, f);
                high = fmax(high, f);
            }
            for (size_t j = 0; j < m; j++) {
                at_q +=
                    normal[j] * (t->q[j] - (kind == NDL_HULL ? ndl_row(&t->P, index[0])[j] : 0));
                largest = fmax(largest, fabs(normal[j]));
            }
            for (int sign = -1; sign <= 1; sign += 2)
                /* a facet: the others on one side, to rounding */
                if (sign < 0 ? high <= 1e-9 : low >= -1e-9) {
                    found = true;
                    *l2 = fmin(*l2, sign * at_q);
                    *l1 = fmin(*l1, sign * at_q / largest);
                }
        }
        size_t k = chosen; /* the next combination */
        while (k > 0 && index[k - 1] == n - chosen + k - 1)
            k--;
        if (k == 0)
            return found;
        index[k - 1]++;
        for (; k < chosen; k++)
            index[k] = index[k - 1] + 1;
    }
}

static void brute_force(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 20, 3, NULL), NDL_OK);
    int compared = 0, all = 0;
    for (int trial = 0; trial < 3000; trial++) {
        static struct problem t;
        enum ndl_hull_kind kind = trial % 2 ? NDL_HULL : NDL_CONE;
        size_t m = 2 + gsl_rng_uniform_int(rng, 3);
        draw(rng, &t, gsl_rng_uniform_int(rng, SHAPES), 1 + gsl_rng_uniform_int(rng, 9), m);
        struct ndl_hull_result r = locate(&t, kind, NDL_QHULL);
        double l2, l1;
        bool found = brute_depth(&t, kind, &l2, &l1);
        if (r.dimension == m && found) {
            compared++;
            assert_int_equal(r.inside, l2 >= -TOLERANCE);
            if (r.margin >= 0) { /* brute force takes planes that miss points by 1e-9 for facets */
                check_close(r.margin, l2, 1e-9 * t.scale + 1e-9);
                check_close(r.margin_l1, l1, 2e-9 * t.scale + 2e-9);
            } else { /* the distance to the hull is at least that to its facets' planes */
                assert_true(r.margin <= l2 + 1e-9 * t.scale + 1e-9);
            }
        } else if (r.dimension == m) {
            all++;
            assert_int_equal(kind, NDL_CONE);
            check_close(r.margin, HUGE_VAL, 0);
        }
        ndl_hull_result_free(&r);
    }
    gsl_rng_free(rng);
    assert_true(compared > 500 && all > 50);
}

/* With 14 points of one facet's hyperplane among the others, Qhull's facets in 8-D include some
 * that cut off points.  The point asked about is the longest: a vertex. */
static void vertices_have_no_depth(void **state)
{
    (void)state;
    enum { M = 8, N = 60, AXES = 2 * (M - 1) };
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 5, 0, NULL), NDL_OK);
    for (int trial = 0; trial < 40; trial++) {
        double v[(N + AXES) * M] = {0};
        for (size_t e = 0; e < N * M; e++)
            v[e] = e % M == 0 ? fabs(gsl_ran_gaussian(rng, 1)) : gsl_ran_gaussian(rng, 1);
        for (size_t k = 0; k < AXES; k++)
            v[(N + k) * M + 1 + k / 2] = k % 2 ? 1 : -1;
        struct ndl_matrix P = {.rows = N + AXES, .cols = M, .v = v};
        struct ndl_hull_result r;
        const double *q = v;
        double longest = 0;
        for (size_t i = 0; i < N; i++) {
            double square = 0;
            for (size_t j = 0; j < M; j++)
                square += ndl_row(&P, i)[j] * ndl_row(&P, i)[j];
            if (square > longest) {
                longest = square;
                q = ndl_row(&P, i);
            }
        }
        assert_int_equal(ndl_hull_locate(&P, q, NDL_HULL, NDL_QHULL, 0, &r, NULL), NDL_OK);
        assert_true(r.inside);
        check_close(r.margin, 0, 1e-11); /* 1e-12 of the largest distance, below 10 */
        check_close(r.margin_l1, 0, 1e-11);
        ndl_hull_result_free(&r);
    }
    gsl_rng_free(rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_agree), cmocka_unit_test(many_points),
        cmocka_unit_test(many_dimensions), cmocka_unit_test(brute_force),
        cmocka_unit_test(vertices_have_no_depth)};
    return cmocka_run_group_tests_name("random hulls", tests, NULL, NULL);
}

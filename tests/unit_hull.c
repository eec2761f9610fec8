/* unit_hull.c -- hulls and cones on hand-computed cases, every refusal, and one
 * test for each known pitfall of Qhull and GLPK. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_randist.h>

#include "ndl/ndl.h"
#include "ndl/random.h"

/* The cases have coordinates of about 1, so 1e-13 is some hundred roundings. */
#define ROUND 1e-13
#define TOLERANCE 1e-9

static const enum ndl_hull_method methods[] = {NDL_AUTO, NDL_QHULL, NDL_LP};
#define EACH(method) for (size_t method = 0; method < 3; method++)

static struct ndl_matrix points(size_t n, size_t m, double *v)
{
    return (struct ndl_matrix){.rows = n, .cols = m, .v = v};
}

/* Locates q and checks both certificates against the definition. */
static struct ndl_hull_result locate(const struct ndl_matrix *P, const double *q,
                                     enum ndl_hull_kind kind, enum ndl_hull_method method)
{
    struct ndl_hull_result r;
    struct ndl_error err = {""};
    if (ndl_hull_locate(P, q, kind, method, TOLERANCE, &r, &err) != NDL_OK)
        fail_msg("%s", err.text);
    double sum = 0, square = 0, normal = 0, at_q = r.c, round = ROUND;
    for (size_t j = 0; j < P->cols; j++)
        round = fmax(round, ROUND * fabs(q[j])); /* adding up coordinates of the size of q */
    for (size_t i = 0; i < P->rows; i++) {
        double f = r.c;
        for (size_t j = 0; j < P->cols; j++)
            f += r.a[j] * ndl_row(P, i)[j];
        assert_true(f >= -round);
        assert_true(r.weights[i] >= 0);
        sum += r.weights[i];
    }
    for (size_t j = 0; j < P->cols; j++) {
        double y = -q[j];
        for (size_t i = 0; i < P->rows; i++)
            y += r.weights[i] * ndl_row(P, i)[j];
        square += y * y;
        normal += r.a[j] * r.a[j];
        at_q += r.a[j] * q[j];
    }
    if (kind == NDL_HULL)
        check_close(sum, 1, ROUND);
    check_close(sqrt(square), r.margin < 0 ? -r.margin : 0, round);
    if (!isinf(r.margin)) {
        check_close(normal, 1, ROUND);
        if (!isnan(r.margin))
            check_close(at_q, r.margin, round);
    }
    return r;
}

/* The usual end of a case: these margins, by whichever method. */
static void expect(const struct ndl_matrix *P, const double *q, enum ndl_hull_kind kind,
                   enum ndl_hull_method method, double margin, double margin_l1)
{
    struct ndl_hull_result r = locate(P, q, kind, method);
    if (method == NDL_LP && margin >= 0 && r.dimension == P->cols && P->cols > 1 && !isinf(margin))
        assert_true(isnan(r.margin));
    else
        check_close(r.margin, margin, ROUND);
    check_close(r.margin_l1, margin_l1, ROUND);
    assert_int_equal(r.inside, margin >= -TOLERANCE);
    ndl_hull_result_free(&r);
    assert_null(r.a);
}

static void an_interval(void **state)
{
    (void)state;
    struct ndl_matrix P = points(4, 1, (double[]){2, -1, 0.5, 2}),
                      one = points(2, 1, (double[]){3, 3});
    EACH(k)
    {
        expect(&P, (double[]){1.25}, NDL_HULL, methods[k], 0.75, 0.75);
        expect(&P, (double[]){-0.5}, NDL_HULL, methods[k], 0.5, 0.5);
        expect(&P, (double[]){2}, NDL_HULL, methods[k], 0, 0);
        expect(&P, (double[]){5}, NDL_HULL, methods[k], -3, -3);
        expect(&P, (double[]){-1.25}, NDL_HULL, methods[k], -0.25, -0.25);
        expect(&one, (double[]){3}, NDL_HULL, methods[k], 0, 0);
        expect(&one, (double[]){2}, NDL_HULL, methods[k], -1, -1);
    }
}

static void a_cone_on_the_line(void **state)
{
    (void)state;
    struct ndl_matrix up = points(2, 1, (double[]){0, 4}), down = points(1, 1, (double[]){-2}),
                      both = points(2, 1, (double[]){-1, 1}),
                      zero = points(2, 1, (double[]){0, 1e-14});
    EACH(k)
    {
        expect(&up, (double[]){3}, NDL_CONE, methods[k], 3, 3);
        expect(&up, (double[]){-3}, NDL_CONE, methods[k], -3, -3);
        expect(&down, (double[]){-3}, NDL_CONE, methods[k], 3, 3);
        expect(&down, (double[]){3}, NDL_CONE, methods[k], -3, -3);
        expect(&both, (double[]){-3}, NDL_CONE, methods[k], HUGE_VAL, HUGE_VAL);
        expect(&zero, (double[]){3}, NDL_CONE, methods[k], -3, -3);
        expect(&zero, (double[]){0}, NDL_CONE, methods[k], 0, 0);
    }
}

/* The distance from (2,2) is sqrt 2; that to the nearest facet's line is 1. */
static void a_square(void **state)
{
    (void)state;
    struct ndl_matrix P = points(5, 2, (double[]){0, 0, 1, 0, 0, 1, 1, 1, 0.3, 0.4});
    EACH(k)
    {
        expect(&P, (double[]){2, 2}, NDL_HULL, methods[k], -sqrt(2), -2);
        expect(&P, (double[]){2, 0.5}, NDL_HULL, methods[k], -1, -1);
        expect(&P, (double[]){0.5, 0.25}, NDL_HULL, methods[k], 0.25, 0.25);
        expect(&P, (double[]){0.5, 0.5}, NDL_HULL, methods[k], 0.5, 0.5);
        expect(&P, (double[]){0.5, 1}, NDL_HULL, methods[k], 0, 0);
        expect(&P, (double[]){1, 1}, NDL_HULL, methods[k], 0, 0);
        expect(&P, (double[]){1 + 1e-6, 0.5}, NDL_HULL, methods[k], -1e-6, -1e-6);
    }
}

/* 0 and e_1..e_5.  From the centroid, 1/6 to the coordinate facets but
 * 1 / (6 sqrt 5) to sum x = 1, which along an axis is 1/6 away as well. */
static void a_simplex_in_5d(void **state)
{
    (void)state;
    double v[30] = {0};
    for (size_t j = 0; j < 5; j++)
        v[(j + 1) * 5 + j] = 1;
    struct ndl_matrix P = points(6, 5, v);
    double centroid[5] = {1. / 6, 1. / 6, 1. / 6, 1. / 6, 1. / 6}, ones[5] = {1, 1, 1, 1, 1},
           beyond[5] = {-1, 0.1, 0.1, 0.1, 0.1};
    EACH(k)
    {
        expect(&P, centroid, NDL_HULL, methods[k], 1 / (6 * sqrt(5)), 1. / 6);
        expect(&P, ones, NDL_HULL, methods[k], -4 / sqrt(5), -4);
        expect(&P, beyond, NDL_HULL, methods[k], -1, -1);
    }
}

/* Flat hulls: 0 in the relative interior, minus the distance elsewhere. */
static void flat(void **state)
{
    (void)state;
    /* a square of side 2 in the plane x + y = 0 of R^3, spanned by u = (1,-1,0)/sqrt 2 and e_3 */
    double u = sqrt(0.5), v[] = {0, 0, 0, 2 * u, -2 * u, 0, 0, 0, 2, 2 * u, -2 * u, 2};
    struct ndl_matrix square = points(4, 3, v),
                      point = points(3, 3, (double[]){1, 2, 3, 1, 2, 3, 1, 2, 3}),
                      segment = points(2, 3, (double[]){0, 0, 0, 3, 0, 4});
    EACH(k)
    {
        expect(&square, (double[]){u, -u, 1}, NDL_HULL, methods[k], 0, 0);
        expect(&square, (double[]){u + 0.5 * u, -u + 0.5 * u, 1}, NDL_HULL, methods[k], -0.5, -u);
        expect(&square, (double[]){u, -u, 3}, NDL_HULL, methods[k], -1, -1);
        /* over a corner: 1 up, 1 off the plane */
        expect(&square, (double[]){u, u, 3}, NDL_HULL, methods[k], -sqrt(2), -1 - 2 * u);
        expect(&point, (double[]){1, 2, 3}, NDL_HULL, methods[k], 0, 0);
        expect(&point, (double[]){1, 4, 2}, NDL_HULL, methods[k], -sqrt(5), -3);
        expect(&segment, (double[]){1.5, 0, 2}, NDL_HULL, methods[k], 0, 0);
        /* (4,0,-3)/5 is normal to the segment; in L1 one moves along x, by 1.25 */
        expect(&segment, (double[]){1.5 + 0.8, 0, 2 - 0.6}, NDL_HULL, methods[k], -1, -1.25);
        struct ndl_hull_result r = locate(&square, (double[]){u, -u, 1}, NDL_HULL, methods[k]);
        assert_int_equal(r.dimension, 2);
        check_close(fabs(r.a[0] + r.a[1]), sqrt(2), ROUND);
        ndl_hull_result_free(&r);
        r = locate(&point, (double[]){1, 2, 3}, NDL_HULL, methods[k]);
        assert_int_equal(r.dimension, 0);
        ndl_hull_result_free(&r);
    }
}

static void a_cone(void **state)
{
    (void)state;
    struct ndl_matrix orthant =
                          points(5, 3, (double[]){3, 0, 0, 0, 0.01, 0, 0, 0, 7, 0, 0, 0, 1, 1, 1}),
                      half = points(3, 2, (double[]){2, 0, -5, 0, 0, 1}),
                      plane = points(3, 2, (double[]){2, 0, -1, 1, -1, -2}),
                      wedge = points(2, 2, (double[]){1, 0, 1, 1}),
                      ray = points(2, 2, (double[]){3, 4, 6, 8}),
                      zero = points(1, 2, (double[]){0, 0});
    EACH(k)
    {
        expect(&orthant, (double[]){1, 2, 3}, NDL_CONE, methods[k], 1, 1);
        expect(&orthant, (double[]){100, 200, 0.5}, NDL_CONE, methods[k], 0.5, 0.5);
        expect(&orthant, (double[]){-1, 2, -1}, NDL_CONE, methods[k], -sqrt(2), -2);
        expect(&orthant, (double[]){0, 0, 0}, NDL_CONE, methods[k], 0, 0);
        expect(&half, (double[]){5, 2}, NDL_CONE, methods[k], 2, 2); /* 0 is no vertex here */
        expect(&half, (double[]){5, -2}, NDL_CONE, methods[k], -2, -2);
        expect(&plane, (double[]){5, -2}, NDL_CONE, methods[k], HUGE_VAL, HUGE_VAL);
        expect(&wedge, (double[]){2, 1.5}, NDL_CONE, methods[k], 0.5 * sqrt(0.5), 0.5);
        expect(&wedge, (double[]){-1, 0}, NDL_CONE, methods[k], -1, -1);
        expect(&ray, (double[]){3, 4}, NDL_CONE, methods[k], 0, 0);
        expect(&ray, (double[]){3 + 4, 4 - 3}, NDL_CONE, methods[k], -5, -6.25);
        expect(&zero, (double[]){3, 4}, NDL_CONE, methods[k], -5, -7);
        expect(&zero, (double[]){0, 0}, NDL_CONE, methods[k], 0, 0);
    }
}

/* +-e_j in R^9: in L1 the unit ball. */
static void nine_dimensions(void **state)
{
    (void)state;
    double v[18 * 9] = {0}, q[9] = {0.25, -0.25};
    for (size_t j = 0; j < 9; j++) {
        v[2 * j * 9 + j] = 1;
        v[(2 * j + 1) * 9 + j] = -1;
    }
    struct ndl_matrix P = points(18, 9, v);
    struct ndl_hull_result r = locate(&P, q, NDL_HULL, NDL_AUTO);
    assert_true(isnan(r.margin) && r.inside);
    check_close(r.margin_l1, 0.5, ROUND);
    ndl_hull_result_free(&r);
    q[0] = 2;
    q[1] = 0;
    expect(&P, q, NDL_HULL, NDL_AUTO, -1, -1);
    for (size_t j = 0; j < 9; j++)
        q[j] = 1;
    expect(&P, q, NDL_HULL, NDL_AUTO, -8. / 3, -8); /* nearest: all 1/9 */
    assert_int_equal(ndl_hull_locate(&P, q, NDL_HULL, NDL_QHULL, TOLERANCE, &r, NULL), NDL_BADARG);
}

/* ---------------------------------------------------------------- pitfalls */

static void nan_is_refused(void **state)
{
    (void)state;
    const double bad[] = {nan(""), HUGE_VAL, -HUGE_VAL};
    struct ndl_hull_result r;
    struct ndl_error err;
    EACH(k)
    for (size_t b = 0; b < 3; b++) {
        double v[] = {0, 0, 1, 0, 0, 1, bad[b], 1}, q[] = {0.5, bad[b]};
        struct ndl_matrix P = points(4, 2, v), fine = points(3, 2, v);
        assert_int_equal(ndl_hull_locate(&P, (double[]){0, 0}, NDL_HULL, methods[k], 0, &r, &err),
                         NDL_BADDATA);
        assert_null(r.a);
        assert_non_null(strstr(err.text, "row 3, column 0"));
        assert_int_equal(ndl_hull_locate(&fine, q, NDL_CONE, methods[k], 0, &r, &err), NDL_BADDATA);
        assert_null(r.weights);
    }
}

/* QJ would make 17 vertices of the 27 points; the cube must come out exactly. */
static void a_grid(void **state)
{
    (void)state;
    double v[81], *p = v;
    for (int i = 0; i < 27; i++, p += 3) {
        p[0] = i % 3;
        p[1] = i / 3 % 3;
        p[2] = i / 9;
    }
    struct ndl_matrix P = points(27, 3, v);
    EACH(k)
    {
        expect(&P, (double[]){1, 1, 1}, NDL_HULL, methods[k], 1, 1);
        expect(&P, (double[]){1, 0.5, 1.75}, NDL_HULL, methods[k], 0.25, 0.25);
        expect(&P, (double[]){0, 1, 1}, NDL_HULL, methods[k], 0, 0);
        expect(&P, (double[]){3, 3, 3}, NDL_HULL, methods[k], -sqrt(3), -3);
    }
}

/* 3^6 points, rotated: 2-norms are kept, and Qhull over-reports vertices. */
static void a_rotated_grid(void **state)
{
    (void)state;
    enum { M = 6, N = 729 };
    static double v[N * M];
    double u[M], q[M], norm = 0;
    for (size_t j = 0; j < M; j++) {
        u[j] = (double)(j + 1) * (j % 2 ? 1 : -1);
        norm += u[j] * u[j];
    }
    for (size_t i = 0; i <= N; i++) { /* the last is the point: reflect all at u */
        double x[M], along = 0;
        for (size_t j = 0, rest = i; j < M; j++, rest /= 3) {
            x[j] = i < N ? (double)(rest % 3) : j == 2 ? 0.125 : 0.9;
            along += 2 * x[j] * u[j] / norm;
        }
        for (size_t j = 0; j < M; j++)
            (i < N ? v + i * M : q)[j] = x[j] - along * u[j];
    }
    struct ndl_matrix P = points(N, M, v);
    struct ndl_hull_result r = locate(&P, q, NDL_HULL, NDL_QHULL),
                           s = locate(&P, q, NDL_HULL, NDL_LP);
    check_close(r.margin, 0.125, ROUND);
    /* as the header promises of the LP */
    check_close(r.margin_l1, s.margin_l1, 1e-8 * s.margin_l1);
    ndl_hull_result_free(&r);
    ndl_hull_result_free(&s);
}

/* Thinner than a Qhull error, thicker than the tolerance: still a solid. */
static void a_thin_slab(void **state)
{
    (void)state;
    double h = 1e-6, v[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, h, 1, 0, h, 0, 1, h, 1, 1, h};
    struct ndl_matrix P = points(8, 3, v);
    EACH(k)
    {
        expect(&P, (double[]){0.5, 0.5, 0.25 * h}, NDL_HULL, methods[k], 0.25 * h, 0.25 * h);
        expect(&P, (double[]){0.5, 0.5, 2 * h}, NDL_HULL, methods[k], -h, -h);
        struct ndl_hull_result r;
        assert_int_equal(ndl_hull_locate(&P, (double[]){0.5, 0.5, 0.25 * h}, NDL_HULL, methods[k],
                                         1e-5, &r, NULL),
                         NDL_OK);
        assert_int_equal(r.dimension, 2);
        check_close(r.margin, 0, 0);
        assert_true(r.inside);
        ndl_hull_result_free(&r);
    }
}

/* Far from the origin, and q far from the hull. */
static void scales(void **state)
{
    (void)state;
    double far = 1048576, v[] = {far, far, far + 1, far, far, far + 1, far + 1, far + 1};
    struct ndl_matrix P = points(4, 2, v);
    EACH(k)
    {
        expect(&P, (double[]){far + 0.5, far + 0.25}, NDL_HULL, methods[k], 0.25, 0.25);
        struct ndl_hull_result r;
        assert_int_equal(ndl_hull_locate(&P, (double[]){0, 0}, NDL_HULL, methods[k], 0, &r, NULL),
                         NDL_OK);
        check_close(r.margin, -far * sqrt(2), 1e-12 * far); /* the header's accuracy */
        check_close(r.margin_l1, -2 * far, 1e-12 * far);
        ndl_hull_result_free(&r);
        double tiny[] = {0, 0, 1e-200, 0, 0, 1e-200}, huge[] = {0, 0, 1e200, 0, 0, 1e200};
        struct ndl_matrix small = points(3, 2, tiny), large = points(3, 2, huge);
        assert_int_equal(
            ndl_hull_locate(&small, (double[]){0, 0}, NDL_HULL, methods[k], 0, &r, NULL), NDL_OK);
        assert_true(r.inside);
        ndl_hull_result_free(&r);
        assert_int_equal(
            ndl_hull_locate(&large, (double[]){0, 0}, NDL_HULL, methods[k], 0, &r, NULL),
            NDL_BADDATA);
    }
}

/* A round hull in 8-D has too many facets: Qhull declines, AUTO goes by LP. */
static void too_many_facets(void **state)
{
    (void)state;
    enum { M = 8, N = 2000 };
    static double v[N * M];
    double q[M] = {0};
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 1, 1, NULL), NDL_OK);
    for (size_t i = 0; i < N; i++)
        ndl_random_unit(rng, v + i * M, M);
    gsl_rng_free(rng);
    struct ndl_matrix P = points(N, M, v);
    struct ndl_hull_result r;
    struct ndl_error err;
    assert_int_equal(ndl_hull_locate(&P, q, NDL_HULL, NDL_QHULL, TOLERANCE, &r, &err), NDL_LIBRARY);
    assert_non_null(strstr(err.text, "too many facets"));
    assert_null(r.a);
    r = locate(&P, q, NDL_HULL, NDL_AUTO);
    assert_true(isnan(r.margin) && r.inside && r.margin_l1 > 0 && r.margin_l1 < 1);
    ndl_hull_result_free(&r);
}

/* A cone so thin (1e-9) that GLPK's simplex method would cycle for ever: an answer or a failure,
 * but soon. */
static void a_thin_cone(void **state)
{
    (void)state;
    double v[] = {0.483,     1.56e-9,   -6.72e-10, -5.94e-10, 8.24e-10, 0.0361,
                  1.58e-9,   -1.04e-9,  -8.36e-10, 2.72e-11,  -0.492,   1.86e-9,
                  7.7e-11,   -1.13e-9,  5.83e-10,  -1.37,     7.17e-10, -4.07e-10,
                  -7.42e-10, -3.36e-10, -1.34,     -8.6e-10,  -1.1e-9,  7.54e-10,
                  8.83e-10,  -1.18,     -7.27e-10, -5.41e-11, 1.11e-9,  -2.76e-11};
    double q[] = {0.259, 1.57e-9, -8.54e-10, -7.15e-10, 4.25e-10};
    struct ndl_matrix P = points(6, 5, v);
    struct ndl_hull_result r;
    alarm(60); /* s; ends the program */
    enum ndl_status status = ndl_hull_locate(&P, q, NDL_CONE, NDL_LP, 1e-9, &r, NULL);
    alarm(0);
    assert_true(status == NDL_LIBRARY || (status == NDL_OK && r.inside));
    ndl_hull_result_free(&r);
}

static void silence(void **state)
{
    (void)state;
    char path[] = "/tmp/unit_hull.XXXXXX";
    int file = mkstemp(path), out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
    assert_true(file >= 0 && out >= 0 && errors >= 0);
    fflush(stdout);
    fflush(stderr);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    /* too flat for Qhull, with tolerance 0 */
    double v[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1e-13, 1, 1, 1e-13};
    struct ndl_matrix P = points(5, 3, v);
    enum ndl_status status = NDL_OK;
    struct ndl_hull_result r;
    for (size_t k = 0; k < 3 && status == NDL_OK; k++) {
        status =
            ndl_hull_locate(&P, (double[]){0.3, 0.3, 2e-14}, NDL_HULL, methods[k], 0, &r, NULL);
        if (status == NDL_LIBRARY && methods[k] == NDL_QHULL)
            status = NDL_OK;
        ndl_hull_result_free(&r);
    }
    fflush(stdout);
    fflush(stderr);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    off_t printed = lseek(file, 0, SEEK_END);
    close(out);
    close(errors);
    close(file);
    remove(path);
    assert_int_equal(status, NDL_OK);
    assert_int_equal(printed, 0);
}

static void refusals(void **state)
{
    (void)state;
    struct ndl_hull_result r;
    struct ndl_error err;
    double v[] = {0, 1};
    struct ndl_matrix none = points(0, 2, v), flatless = points(2, 0, v), fine = points(2, 1, v);
    assert_int_equal(ndl_hull_locate(&none, v, NDL_HULL, NDL_AUTO, 0, &r, &err), NDL_BADARG);
    assert_int_equal(ndl_hull_locate(&flatless, v, NDL_HULL, NDL_AUTO, 0, &r, &err), NDL_BADARG);
    assert_int_equal(ndl_hull_locate(&fine, v, NDL_HULL, NDL_AUTO, -1e-9, &r, &err), NDL_BADARG);
    assert_int_equal(ndl_hull_locate(&fine, v, NDL_HULL, NDL_AUTO, nan(""), &r, &err), NDL_BADARG);
    assert_int_equal(ndl_hull_locate(&fine, v, NDL_HULL, NDL_AUTO, HUGE_VAL, &r, NULL), NDL_BADARG);
    r = (struct ndl_hull_result){0};
    ndl_hull_result_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval),
        cmocka_unit_test(a_cone_on_the_line),
        cmocka_unit_test(a_square),
        cmocka_unit_test(a_simplex_in_5d),
        cmocka_unit_test(flat),
        cmocka_unit_test(a_cone),
        cmocka_unit_test(nine_dimensions),
        cmocka_unit_test(nan_is_refused),
        cmocka_unit_test(a_grid),
        cmocka_unit_test(a_rotated_grid),
        cmocka_unit_test(a_thin_slab),
        cmocka_unit_test(scales),
        cmocka_unit_test(too_many_facets),
        cmocka_unit_test(silence),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_thin_cone),
    };
    return cmocka_run_group_tests_name("hull", tests, NULL, NULL);
}

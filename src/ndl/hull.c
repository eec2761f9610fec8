/* hull.c -- where a point lies with respect to a convex hull or a cone.
 *
 * Every call first finds the point of the hull nearest to q (nearest_point.c), which settles on
 * which side q lies and how far outside.  What remains is the depth of an inner point (to the
 * nearest facet) and the distances in the L1 norm:
 *
 *     1-D           an interval, by hand
 *     2-8, inside   Qhull's facets of a growing subset of the points (hull_qhull.c)
 *     above, inside linear programs, L1 depth only (hull_lp.c)
 *     outside       one linear program for the L1 distance (hull_lp.c)
 *
 * unless only the verdict is asked for.
 *
 * The answers of Qhull and GLPK are bases to start from, not facts: every
 * normal is evaluated again on all the points before it is believed. */
#include "hull.h"

#include <float.h>
#include <limits.h>

/* ------------------------------------------------------------- the task */

static void task_free(struct ndl_hull_task *t)
{
    free(t->p);
    free(t->q);
    free(t->row);
    free(t->length);
    *t = (struct ndl_hull_task){0};
}

double ndl_hull_lowest(const struct ndl_hull_task *t, const double *a, size_t *where)
{
    double low = HUGE_VAL;
    for (size_t i = 0; i < t->n; i++) {
        double s = ndl_dot_in_order(t->m, a, ndl_hull_point(t, i));
        if (s < low) {
            low = s;
            if (where)
                *where = i;
        }
    }
    return low;
}

static int by_row(const void *x, const void *y, void *context)
{
    const struct ndl_matrix *P = context;
    size_t i = *(const size_t *)x, k = *(const size_t *)y;
    for (size_t j = 0; j < P->cols; j++) {
        double u = ndl_row(P, i)[j], v = ndl_row(P, k)[j];
        if (u != v)
            return u < v ? -1 : 1;
    }
    return 0;
}

static enum ndl_status task_build(struct ndl_hull_task *t, const struct ndl_matrix *P,
                                  const double *q, enum ndl_hull_kind kind, double tolerance,
                                  struct ndl_error *err)
{
    size_t m = P->cols;
    *t = (struct ndl_hull_task){.kind = kind, .m = m};
    t->p = ndl_hull_array(P->rows * m, sizeof *t->p);
    t->q = ndl_hull_array(m, sizeof *t->q);
    t->row = ndl_hull_array(P->rows, sizeof *t->row);
    t->length = ndl_hull_array(P->rows, sizeof *t->length);
    struct ndl_matrix *sorted = &(struct ndl_matrix){.rows = P->rows, .cols = m, .v = P->v};
    if (!t->p || !t->q || !t->row || !t->length)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points in %zu dimensions", P->rows,
                        m);

    for (size_t i = 0; i < P->rows; i++)
        t->row[i] = i;
    qsort_r(t->row, P->rows, sizeof *t->row, by_row, sorted);
    for (size_t i = 0; i < P->rows; i++) {
        size_t row = t->row[i];
        bool again = t->n > 0 && by_row(&row, &t->row[t->n - 1], sorted) == 0;
        if (again || (kind == NDL_CONE && ndl_norm_in_order(m, ndl_row(P, row)) <= tolerance))
            continue;
        double *p = t->p + t->n * m;
        for (size_t j = 0; j < m; j++)
            p[j] = ndl_row(P, row)[j] - (kind == NDL_HULL ? q[j] : 0);
        t->length[t->n] = ndl_norm_in_order(m, p);
        t->row[t->n++] = row;
    }
    double radius = 0;
    for (size_t i = 0; i < t->n; i++)
        radius = fmax(radius, t->length[i]);
    t->scale = kind == NDL_HULL ? radius : ndl_norm_in_order(m, q);
    if (!isfinite(radius) || !isfinite(t->scale))
        return ndl_fail(err, NDL_BADDATA, "hull: coordinates too large to square");
    if (t->scale < DBL_MIN) /* all points are q; or q is the apex */
        t->scale = 1;
    for (size_t i = 0; i < t->n; i++) {
        if (kind == NDL_HULL)
            t->length[i] = t->scale;
        for (size_t j = 0; j < m; j++)
            t->p[i * m + j] /= t->length[i];
    }
    for (size_t j = 0; j < m; j++)
        t->q[j] = kind == NDL_HULL ? 0 : q[j] / t->scale;
    return NDL_OK;
}

static size_t longest_row(const double *rows, size_t n, size_t m, double *length)
{
    size_t best = 0;
    *length = 0;
    for (size_t i = 0; i < n; i++) {
        double l = ndl_norm_in_order(m, rows + i * m);
        if (l > *length) {
            *length = l;
            best = i;
        }
    }
    return best;
}

static void span_free(struct ndl_hull_span *s)
{
    free(s->pivot);
    free(s->normal);
    *s = (struct ndl_hull_span){0};
}

/* Gram-Schmidt in the unit of P, always with the row farthest from the span so
 * far, until all are within `tolerance` of it. */
static enum ndl_status task_span(struct ndl_hull_span *s, const struct ndl_hull_task *t,
                                 double tolerance, struct ndl_error *err)
{
    size_t m = t->m, n = t->n;
    *s = (struct ndl_hull_span){.pivot = ndl_hull_array(m + 1, sizeof *s->pivot),
                                .normal = ndl_hull_array(m, sizeof *s->normal)};
    /* what the span leaves of the points and unit vectors */
    double *rest = ndl_hull_array((n + m) * m, sizeof *rest);
    double *basis = ndl_hull_array(m * m, sizeof *basis);
    if (!s->pivot || !s->normal || !rest || !basis) {
        free(rest);
        free(basis);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points in %zu dimensions", n, m);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            rest[i * m + j] =
                (ndl_hull_point(t, i)[j] - (t->kind == NDL_HULL ? ndl_hull_point(t, 0)[j] : 0)) *
                t->length[i];
    double *axes = rest + n * m;
    for (size_t j = 0; j < m; j++)
        axes[j * m + j] = 1;
    if (t->kind == NDL_HULL)
        s->pivot[s->pivots++] = 0;

    double length;
    longest_row(rest, n, m, &length);
    /* Below 1e-14 of the radius, distances are the rounding of the subtractions. */
    double least = fmax(tolerance, 1e-14 * sqrt((double)m) * length);
    for (;;) {
        size_t best = longest_row(rest, n, m, &length);
        if (length <= least || s->dimension == m)
            break;
        double *unit = basis + s->dimension * m;
        memcpy(unit, rest + best * m, m * sizeof *unit);
        for (int pass = 0; pass < 2; pass++) { /* the second makes it orthogonal to rounding */
            for (size_t k = 0; k < s->dimension; k++)
                ndl_remove_along_in_order(m, basis + k * m, unit);
            length = ndl_norm_in_order(m, unit);
            for (size_t j = 0; j < m; j++)
                unit[j] /= length;
        }
        for (size_t i = 0; i < n + m; i++)
            ndl_remove_along_in_order(m, unit, rest + i * m);
        s->pivot[s->pivots++] = best;
        s->dimension++;
    }
    if (s->dimension < m) {
        size_t axis = longest_row(axes, m, m, &length);
        for (size_t j = 0; j < m; j++)
            s->normal[j] = axes[axis * m + j] / length;
    }
    free(rest);
    free(basis);
    return NDL_OK;
}

/* ------------------------------------------------------------ one dimension */

/* m = 1, in the unit of P: the hull is [lo, hi], a cone is {0}, a half line or
 * all of R; then lo, hi are 0 or infinite. */
static void interval(const struct ndl_matrix *P, double q, enum ndl_hull_kind kind,
                     double tolerance, struct ndl_hull_result *r)
{
    size_t low = 0, high = 0;
    for (size_t i = 0; i < P->rows; i++) {
        low = P->v[i] < P->v[low] ? i : low;
        high = P->v[i] > P->v[high] ? i : high;
    }
    double lo = P->v[low], hi = P->v[high];
    if (kind == NDL_CONE) {
        lo = lo < -tolerance ? -HUGE_VAL : 0;
        hi = hi > tolerance ? HUGE_VAL : 0;
    }
    bool whole = isinf(lo) && isinf(hi),
         flat = kind == NDL_HULL ? hi - lo <= tolerance : !(hi > lo);
    r->dimension = !flat;
    r->a[0] = whole ? 0 : q - lo <= hi - q ? 1 : -1;
    r->c = kind == NDL_CONE ? 0 : r->a[0] > 0 ? -lo : hi;
    r->margin = whole ? HUGE_VAL : fmin(q - lo, hi - q);
    if (flat)
        r->margin = fmin(r->margin, 0);
    r->margin_l1 = r->margin;
    r->inside = r->margin >= -tolerance;
    if (kind == NDL_CONE) {
        if ((q > 0 && isinf(hi)) || (q < 0 && isinf(lo)))
            r->weights[q > 0 ? high : low] = q / P->v[q > 0 ? high : low];
    } else if (hi > lo) {
        double x = fmin(fmax(q, lo), hi);
        r->weights[low] = (hi - x) / (hi - lo);
        r->weights[high] = (x - lo) / (hi - lo);
    } else {
        r->weights[low] = 1;
    }
}

/* ------------------------------------------------------------------- locate */

void ndl_hull_result_free(struct ndl_hull_result *r)
{
    free(r->a);
    free(r->weights);
    *r = (struct ndl_hull_result){0};
}

/* NDL_VERDICT: the nearest point is all that is known, and outside its plane must separate q. */
static enum ndl_status verdict(const struct ndl_hull_task *t, const double *offset, double distance,
                               struct ndl_hull_result *r, struct ndl_error *err)
{
    r->margin = r->margin_l1 = nan("");
    if (distance <= HULL_ROUNDING)
        return NDL_OK;
    for (size_t j = 0; j < t->m; j++)
        r->a[j] = offset[j] / distance;
    double low = t->n > 0 ? ndl_hull_lowest(t, r->a, NULL) : 0;
    double proved = (t->kind == NDL_HULL ? low : 0) - ndl_dot_in_order(t->m, r->a, t->q);
    if (!(proved >= distance - HULL_AGREEMENT) || (t->kind == NDL_CONE && low < -HULL_AGREEMENT))
        return ndl_fail(err, NDL_LIBRARY, "hull: distance %.17g, but only %.17g is proved",
                        distance, proved);
    r->margin = -distance * t->scale;
    return NDL_OK;
}

/* Two or more dimensions. */
static enum ndl_status locate(const struct ndl_hull_task *t, const struct ndl_hull_span *span,
                              enum ndl_hull_method method, double tolerance, double *weight,
                              double *offset, struct ndl_hull_result *r, struct ndl_error *err)
{
    size_t m = t->m;
    enum ndl_status status = ndl_hull_nearest_point(t, weight, offset, err);
    if (status != NDL_OK)
        return status;
    double distance = ndl_norm_in_order(m, offset);
    bool outside = distance > HULL_ROUNDING, flat = span->dimension < m;
    struct ndl_hull_depth depth = {.l2 = 0, .l1 = 0, .a = r->a};
    r->dimension = span->dimension;
    r->inside = distance * t->scale <= tolerance || !outside;
    if (method == NDL_VERDICT)
        return verdict(t, offset, distance, r, err);
    if (flat)
        memcpy(r->a, span->normal, m * sizeof *r->a);

    bool by_facets = !outside && !flat && method != NDL_LP && m <= 8;
    if (by_facets) {
        status = ndl_hull_depth_by_facets(t, span, &depth, err);
        by_facets = status == NDL_OK || method == NDL_QHULL; /* AUTO: the programs can do it */
    }
    if (!by_facets && (outside || method == NDL_LP || !flat)) {
        double l1;
        bool ask_depth = !outside && !flat;
        status = ndl_hull_by_programs(t, distance, &l1, ask_depth ? &depth : NULL, err);
        if (outside)
            depth.l1 = -l1;
    }
    if (status != NDL_OK)
        return status;
    if (outside) {
        depth.l2 = -distance;
        for (size_t j = 0; j < m; j++)
            r->a[j] = offset[j] / distance;
    } else if (depth.l1 < -HULL_AGREEMENT) {
        return ndl_fail(err, NDL_LIBRARY, "hull: depth %g of a point that belongs to the hull",
                        depth.l1);
    } else {
        depth.l2 = depth.l2 <= HULL_ROUNDING ? 0 : depth.l2; /* keeps NaN */
        depth.l1 = depth.l1 <= HULL_ROUNDING ? 0 : depth.l1;
    }
    r->margin = depth.l2 * t->scale;
    r->margin_l1 = depth.l1 * t->scale;
    return NDL_OK;
}

/* Unit length, and the offset that makes f >= 0 on the rows of P as this very
 * loop evaluates it. */
static void finish_certificate(const struct ndl_matrix *P, enum ndl_hull_kind kind,
                               struct ndl_hull_result *r)
{
    double length = ndl_norm_in_order(r->vars, r->a), low = HUGE_VAL;
    for (size_t j = 0; j < r->vars && length > 0; j++)
        r->a[j] /= length;
    for (size_t i = 0; i < P->rows; i++)
        low = fmin(low, ndl_dot_in_order(r->vars, r->a, ndl_row(P, i)));
    r->c = kind == NDL_HULL ? -low : 0;
}

enum ndl_status ndl_hull_locate(const struct ndl_matrix *P, const double *q,
                                enum ndl_hull_kind kind, enum ndl_hull_method method,
                                double tolerance, struct ndl_hull_result *r, struct ndl_error *err)
{
    *r = (struct ndl_hull_result){0};
    size_t n = P->rows, m = P->cols;
    if (n == 0 || m == 0 || n > INT_MAX || m > INT_MAX)
        return ndl_fail(err, NDL_BADARG, "hull: %zu points in %zu dimensions", n, m);
    if (!(tolerance >= 0 && isfinite(tolerance)))
        return ndl_fail(err, NDL_BADARG, "hull: the tolerance must be finite and >= 0, not %g",
                        tolerance);
    if (method == NDL_QHULL && m > 8)
        return ndl_fail(err, NDL_BADARG, "hull: Qhull is used up to 8 dimensions, not for %zu", m);
    enum ndl_status status = ndl_matrix_check(P, "hull points", err);
    for (size_t j = 0; j < m && status == NDL_OK; j++)
        if (!isfinite(q[j]))
            status = ndl_fail(err, NDL_BADDATA, "hull: coordinate %zu of the point is %g", j, q[j]);
    if (status != NDL_OK)
        return status;

    r->vars = m;
    r->points = n;
    r->a = ndl_hull_array(m, sizeof *r->a);
    r->weights = ndl_hull_array(n, sizeof *r->weights);
    if (!r->a || !r->weights) {
        ndl_hull_result_free(r);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points in %zu dimensions", n, m);
    }
    if (m == 1) {
        interval(P, q[0], kind, tolerance, r);
        return NDL_OK;
    }

    struct ndl_hull_task t = {0};
    struct ndl_hull_span span = {0};
    double *weight = ndl_hull_array(n, sizeof *weight), *offset = ndl_hull_array(m, sizeof *offset);
    status =
        weight && offset ? NDL_OK : ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points", n);
    if (status == NDL_OK)
        status = task_build(&t, P, q, kind, tolerance, err);
    if (status == NDL_OK && method != NDL_VERDICT)
        status = task_span(&span, &t, tolerance, err);
    if (status == NDL_OK)
        status = locate(&t, &span, method, tolerance, weight, offset, r, err);
    if (status == NDL_OK) {
        finish_certificate(P, kind, r);
        for (size_t i = 0; i < t.n; i++)
            r->weights[t.row[i]] = weight[i] * (kind == NDL_CONE ? t.scale / t.length[i] : 1);
    } else {
        ndl_hull_result_free(r);
    }
    task_free(&t);
    span_free(&span);
    free(weight);
    free(offset);
    return status;
}

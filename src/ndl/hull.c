/* hull.c -- where a point lies with respect to a convex hull or a cone.
 *
 * Every call first finds the point of the hull nearest to q, a nonnegative
 * least-squares problem solved exactly by active sets; this settles on which
 * side q lies and how far outside.  What remains is the depth of an inner point
 * (to the nearest facet) and the distances in the L1 norm:
 *
 *     1-D           an interval, by hand
 *     2-8, inside   Qhull's facets of a growing subset of the points
 *     above, inside linear programs (GLPK), L1 depth only
 *     outside       one linear program for the L1 distance
 *
 * unless only the verdict is asked for.
 *
 * The answers of Qhull and GLPK are bases to start from, not facts: every
 * normal is evaluated again on all the points before it is believed. */
#include "ndl.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glpk.h>
#include <libqhull_r/libqhull_r.h>

/* All lengths below are in units of the task's scale. */
/* a distance that the least squares cannot tell from 0; it leaves about 1e-15 */
#define ROUNDING 1e-12
#define AGREEMENT 1e-8 /* between independent methods; GLPK stops at reduced costs of 1e-9 */
/* a point this far beyond a facet does not refute it: Qhull's own rounding */
#define SUPPORT 1e-13
#define APEX 1e-11 /* a facet of a cone passes this close to 0 */

/* ------------------------------------------------------------- the task */

/* The problem as every method sees it: the distinct rows of P only; for a hull
 * shifted by -q, so that q = 0; for a cone each row divided by its length;
 * lengths divided by scale. */
struct task {
    enum ndl_hull_kind kind;
    size_t n, m;
    double *p;      /* n x m */
    double *q;      /* m */
    size_t *row;    /* n: the row of P it came from */
    double *length; /* n: what that row was divided by */
    double scale;   /* what q was divided by */
};

static void task_free(struct task *t)
{
    free(t->p);
    free(t->q);
    free(t->row);
    free(t->length);
    *t = (struct task){0};
}

/* At least one element, so that NULL always means out of memory. */
static void *array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

static double dot(const double *x, const double *y, size_t m)
{
    double s = 0;
    for (size_t j = 0; j < m; j++)
        s += x[j] * y[j];
    return s;
}

static double norm(const double *x, size_t m)
{
    return sqrt(dot(x, x, m));
}

static double norm_l1(const double *x, size_t m)
{
    double s = 0;
    for (size_t j = 0; j < m; j++)
        s += fabs(x[j]);
    return s;
}

static double largest(const double *x, size_t m)
{
    double s = 0;
    for (size_t j = 0; j < m; j++)
        s = fmax(s, fabs(x[j]));
    return s;
}

static const double *point(const struct task *t, size_t i)
{
    return t->p + i * t->m;
}

/* The smallest a.p over the task's points and where it is attained. */
static double lowest(const struct task *t, const double *a, size_t *where)
{
    double low = HUGE_VAL;
    for (size_t i = 0; i < t->n; i++) {
        double s = dot(a, point(t, i), t->m);
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

static enum ndl_status task_build(struct task *t, const struct ndl_matrix *P, const double *q,
                                  enum ndl_hull_kind kind, double tolerance, struct ndl_error *err)
{
    size_t m = P->cols;
    *t = (struct task){.kind = kind, .m = m};
    t->p = array(P->rows * m, sizeof *t->p);
    t->q = array(m, sizeof *t->q);
    t->row = array(P->rows, sizeof *t->row);
    t->length = array(P->rows, sizeof *t->length);
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
        if (again || (kind == NDL_CONE && norm(ndl_row(P, row), m) <= tolerance))
            continue;
        double *p = t->p + t->n * m;
        for (size_t j = 0; j < m; j++)
            p[j] = ndl_row(P, row)[j] - (kind == NDL_HULL ? q[j] : 0);
        t->length[t->n] = norm(p, m);
        t->row[t->n++] = row;
    }
    double radius = 0;
    for (size_t i = 0; i < t->n; i++)
        radius = fmax(radius, t->length[i]);
    t->scale = kind == NDL_HULL ? radius : norm(q, m);
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

static void subtract_along(double *x, const double *unit, size_t m)
{
    double along = dot(x, unit, m);
    for (size_t j = 0; j < m; j++)
        x[j] -= along * unit[j];
}

static size_t longest_row(const double *rows, size_t n, size_t m, double *length)
{
    size_t best = 0;
    *length = 0;
    for (size_t i = 0; i < n; i++) {
        double l = norm(rows + i * m, m);
        if (l > *length) {
            *length = l;
            best = i;
        }
    }
    return best;
}

/* The affine hull (linear hull for a cone) of the points. */
struct span {
    size_t dimension;
    size_t pivots;  /* affinely (linearly) independent points, */
    size_t *pivot;  /* indices of the task, room for m + 1 */
    double *normal; /* m: a unit normal if dimension < m, else 0 */
};

static void span_free(struct span *s)
{
    free(s->pivot);
    free(s->normal);
    *s = (struct span){0};
}

/* Gram-Schmidt in the unit of P, always with the row farthest from the span so
 * far, until all are within `tolerance` of it. */
static enum ndl_status task_span(struct span *s, const struct task *t, double tolerance,
                                 struct ndl_error *err)
{
    size_t m = t->m, n = t->n;
    *s = (struct span){.pivot = array(m + 1, sizeof *s->pivot),
                       .normal = array(m, sizeof *s->normal)};
    /* what the span leaves of the points and unit vectors */
    double *rest = array((n + m) * m, sizeof *rest);
    double *basis = array(m * m, sizeof *basis);
    if (!s->pivot || !s->normal || !rest || !basis) {
        free(rest);
        free(basis);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points in %zu dimensions", n, m);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            rest[i * m + j] =
                (point(t, i)[j] - (t->kind == NDL_HULL ? point(t, 0)[j] : 0)) * t->length[i];
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
                subtract_along(unit, basis + k * m, m);
            length = norm(unit, m);
            for (size_t j = 0; j < m; j++)
                unit[j] /= length;
        }
        for (size_t i = 0; i < n + m; i++)
            subtract_along(rest + i * m, unit, m);
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

/* ------------------------------------------------------- the nearest point */

/* Lawson and Hanson's active sets for min |E u - f|, u >= 0.  A cone is this
 * problem itself: columns e_i = p_i, f = q.  For a hull (their "least distance
 * programming") e_i = (p_i - q, 1) and f = (0, 1): if w are convex weights and
 * y = P^T w - q, then over u = s w the smallest residual is
 * |y|^2 / (1 + |y|^2), so w = u / sum u minimises |y|.
 *
 * The columns of the active set are kept as Q R, Q with orthonormal rows here,
 * and R column by column. */
struct active {
    size_t size, rows; /* size <= rows = m, or m + 1 for a hull */
    size_t *member;    /* rows: indices of the task's points */
    bool *in;          /* n */
    double *Q;         /* rows x rows, row k the k-th basis vector */
    double *R;         /* rows x rows, column k at R + k * rows */
    double *u, *trial; /* rows: values of the members */
    double *column;    /* rows */
    double *residual;  /* rows: f - E u */
};

static void active_free(struct active *s)
{
    free(s->member);
    free(s->in);
    free(s->Q);
    free(s->R);
    free(s->u);
    free(s->trial);
    free(s->column);
    free(s->residual);
}

static enum ndl_status active_alloc(struct active *s, const struct task *t, struct ndl_error *err)
{
    size_t rows = t->m + (t->kind == NDL_HULL);
    *s = (struct active){.rows = rows};
    s->member = array(rows, sizeof *s->member);
    s->in = array(t->n, sizeof *s->in);
    s->Q = array(rows * rows, sizeof *s->Q);
    s->R = array(rows * rows, sizeof *s->R);
    s->u = array(rows, sizeof *s->u);
    s->trial = array(rows, sizeof *s->trial);
    s->column = array(rows, sizeof *s->column);
    s->residual = array(rows, sizeof *s->residual);
    if (!s->member || !s->in || !s->Q || !s->R || !s->u || !s->trial || !s->column || !s->residual)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu active points", rows);
    return NDL_OK;
}

/* Appends point i; false if it depends on the members already there. */
static bool active_append(struct active *s, const struct task *t, size_t i)
{
    size_t k = s->size, rows = s->rows;
    memcpy(s->column, point(t, i), t->m * sizeof *s->column);
    if (t->kind == NDL_HULL)
        s->column[t->m] = 1;
    double before = norm(s->column, rows), *r = s->R + k * rows;
    memset(r, 0, rows * sizeof *r);
    for (int pass = 0; pass < 2; pass++)
        for (size_t l = 0; l < k; l++) {
            double along = dot(s->column, s->Q + l * rows, rows);
            r[l] += along;
            for (size_t j = 0; j < rows; j++)
                s->column[j] -= along * s->Q[l * rows + j];
        }
    r[k] = norm(s->column, rows);
    if (r[k] <= 1e-14 * before)
        return false;
    for (size_t j = 0; j < rows; j++)
        s->Q[k * rows + j] = s->column[j] / r[k];
    s->member[k] = i;
    s->in[i] = true;
    s->u[k] = 0;
    s->size++;
    return true;
}

/* Removes the member at `place` and makes R triangular again by rotations. */
static void active_remove(struct active *s, size_t place)
{
    size_t rows = s->rows;
    s->in[s->member[place]] = false;
    for (size_t k = place; k + 1 < s->size; k++) {
        double *r = s->R + k * rows;
        memcpy(r, r + rows, rows * sizeof *r);
        s->member[k] = s->member[k + 1];
        s->u[k] = s->u[k + 1];
    }
    s->size--;
    for (size_t k = place; k < s->size; k++) {
        double *r = s->R + k * rows, h = hypot(r[k], r[k + 1]), c = r[k] / h, sn = r[k + 1] / h;
        for (size_t l = k; l < s->size; l++) {
            double *x = s->R + l * rows + k, x0 = x[0], x1 = x[1];
            x[0] = c * x0 + sn * x1;
            x[1] = c * x1 - sn * x0;
        }
        for (size_t j = 0; j < rows; j++) {
            double *x = s->Q + k * rows + j, x0 = x[0], x1 = x[rows];
            x[0] = c * x0 + sn * x1;
            x[rows] = c * x1 - sn * x0;
        }
    }
}

/* trial = the unconstrained least squares on the members. */
static void active_solve(struct active *s, const double *f)
{
    for (size_t k = s->size; k-- > 0;) {
        double sum = dot(f, s->Q + k * s->rows, s->rows);
        for (size_t l = k + 1; l < s->size; l++)
            sum -= s->R[l * s->rows + k] * s->trial[l];
        s->trial[k] = sum / s->R[k * s->rows + k];
    }
}

/* f minus its projection on the members, twice so that it is orthogonal to
 * them relative to its own, possibly tiny, length. */
static double active_residual(struct active *s, const double *f)
{
    memcpy(s->residual, f, s->rows * sizeof *f);
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < s->size; k++)
            subtract_along(s->residual, s->Q + k * s->rows, s->rows);
    return norm(s->residual, s->rows);
}

/* Moves from u to the solution on the members, dropping those that would turn
 * negative.  False if the newest member is dropped at once (rounding). */
static bool active_settle(struct active *s, const double *f)
{
    size_t newest = s->member[s->size - 1];
    for (bool first = true;; first = false) {
        active_solve(s, f);
        double step = 1;
        size_t drop = SIZE_MAX;
        for (size_t k = 0; k < s->size; k++)
            if (s->trial[k] <= 0) {
                double limit = s->u[k] / (s->u[k] - s->trial[k]);
                if (!(limit >= step)) { /* also 0 / 0 */
                    step = limit > 0 ? limit : 0;
                    drop = k;
                }
            }
        for (size_t k = 0; k < s->size; k++)
            s->u[k] += step * (s->trial[k] - s->u[k]);
        if (drop == SIZE_MAX)
            return true;
        bool rejected = first && s->member[drop] == newest;
        active_remove(s, drop);
        if (rejected)
            return false;
    }
}

/* The next point to take: the largest e_i . residual that is more than
 * rounding, or SIZE_MAX. */
static size_t active_next(const struct active *s, const struct task *t, const bool *barred,
                          double length)
{
    double best = 32 * DBL_EPSILON * length;
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < t->n; i++) {
        if (s->in[i] || barred[i])
            continue;
        double gain =
            dot(point(t, i), s->residual, t->m) + (t->kind == NDL_HULL ? s->residual[t->m] : 0);
        if (gain > best) {
            best = gain;
            next = i;
        }
    }
    return next;
}

/* weight (n of the task) and gap = (nearest point) - q (m). */
static enum ndl_status nearest_point(const struct task *t, double *weight, double *gap,
                                     struct ndl_error *err)
{
    struct active s;
    enum ndl_status status = active_alloc(&s, t, err);
    bool *barred = array(t->n, sizeof *barred);
    double *f = array(s.rows, sizeof *f);
    if (status == NDL_OK && (!barred || !f))
        status = ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points", t->n);
    if (status != NDL_OK)
        goto done;
    if (t->kind == NDL_HULL)
        f[t->m] = 1;
    else
        memcpy(f, t->q, t->m * sizeof *f);

    double length = active_residual(&s, f);
    while (s.size < s.rows && length > 4 * DBL_EPSILON) {
        size_t next = active_next(&s, t, barred, length);
        if (next == SIZE_MAX)
            break;
        if (!active_append(&s, t, next) || !active_settle(&s, f)) {
            barred[next] = true; /* until there is progress */
            continue;
        }
        double shorter = active_residual(&s, f);
        if (!(shorter < length)) /* rounding has the better of us */
            break;
        length = shorter;
        memset(barred, 0, t->n * sizeof *barred);
    }
    double sum = 0;
    for (size_t k = 0; k < s.size; k++)
        sum += s.u[k];
    if (t->kind == NDL_CONE)
        sum = 1;
    for (size_t k = 0; k < s.size; k++)
        weight[s.member[k]] = s.u[k] / sum;
    for (size_t j = 0; j < t->m; j++)
        gap[j] = -s.residual[j] / sum;
done:
    active_free(&s);
    free(barred);
    free(f);
    return status;
}

/* ----------------------------------------------------------------- Qhull */

/* How deep q lies, and the nearest facet: a.p >= lowest over the points. */
struct depth {
    double l2, l1; /* NaN: not known */
    double *a;     /* m, unit length; 0 if there is no facet */
};

struct facets {
    size_t count;
    double *normal; /* count x m, outward unit normals: normal.p + offset <= 0 */
    double *offset;
};

static void facets_free(struct facets *f)
{
    free(f->normal);
    free(f->offset);
    *f = (struct facets){0};
}

/* The only function that talks to Qhull: it copies the facets and frees the
 * rest, because a later Qhull error would exit the program.  Points are
 * n x m, finite, of full dimension, 2 <= m. */
static enum ndl_status facets_build(struct facets *f, double *points, size_t n, size_t m,
                                    struct ndl_error *err)
{
    *f = (struct facets){0};
    char *said = NULL, command[] = "qhull";
    size_t said_size = 0;
    FILE *messages = open_memstream(&said, &said_size);
    if (!messages)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for Qhull's messages");

    enum ndl_status status = NDL_OK;
    qhT qhull, *qh = &qhull;
    QHULL_LIB_CHECK
    qh_zero(qh, messages);
    int code = qh_new_qhull(qh, (int)m, (int)n, points, False, command, NULL, messages);
    fflush(messages);
    if (code) {
        char *line = said ? strchr(said, '\n') : NULL;
        status = ndl_fail(err, NDL_LIBRARY, "Qhull failed (%d): %.*s", code,
                          line ? (int)(line - said) : 0, line ? said : "");
    } else {
        size_t count = (size_t)qh->num_facets;
        f->normal = array(count * m, sizeof *f->normal);
        f->offset = array(count, sizeof *f->offset);
        if (!f->normal || !f->offset)
            status = ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu facets", count);
        facetT *facet;
        if (status == NDL_OK)
            FORALLfacets
            {
                if (f->count == count || !facet->normal)
                    continue;
                memcpy(f->normal + f->count * m, facet->normal, m * sizeof *f->normal);
                f->offset[f->count++] = facet->offset;
            }
    }
    qh_freeqhull(qh, !qh_ALL);
    int current, total;
    qh_memfreeshort(qh, &current, &total);
    fclose(messages);
    free(said);
    if (status != NDL_OK)
        facets_free(f);
    return status;
}

/* The facets of all points would be too many from 6 dimensions on (8-D: 10^5
 * for 200 points).  They are not needed: if F is the facet nearest to q of the
 * hull of some of the points, and no other point lies beyond F, then F is a
 * facet of the hull of all, which contains the smaller hull, so that no facet
 * of it is nearer.  If some point lies beyond, it joins. */
struct subset {
    size_t count;
    size_t *index; /* room for n */
    bool *in;      /* n */
    double *p;     /* room for (n + 1) x m: the points, then the apex of a cone */
};

static void subset_free(struct subset *s)
{
    free(s->index);
    free(s->in);
    free(s->p);
}

static void subset_add(struct subset *s, size_t i)
{
    if (!s->in[i])
        s->index[s->count++] = i;
    s->in[i] = true;
}

static void subset_add_all(struct subset *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        subset_add(s, i);
}

/* How many points Qhull is given at most: even a round hull of as many takes
 * about a second. */
static size_t subset_limit(size_t m)
{
    static const size_t limit[] = {
        [2] = 100000, [3] = 100000, [4] = 20000, [5] = 4000, [6] = 1000, [7] = 350, [8] = 200};
    return limit[m];
}

/* How many facets all rounds may look at together: a few seconds. */
#define FACETS 400000

static enum ndl_status subset_start(struct subset *s, const struct task *t, const struct span *span,
                                    struct ndl_error *err)
{
    *s = (struct subset){.index = array(t->n, sizeof *s->index),
                         .in = array(t->n, sizeof *s->in),
                         .p = array((t->n + 1) * t->m, sizeof *s->p)};
    if (!s->index || !s->in || !s->p)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points", t->n);
    if (t->n <= subset_limit(t->m) / 4) {
        subset_add_all(s, t->n);
        return NDL_OK;
    }
    for (size_t k = 0; k < span->pivots; k++)
        subset_add(s, span->pivot[k]);
    for (size_t j = 0; j < t->m; j++) {
        size_t low = 0, high = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (point(t, i)[j] < point(t, low)[j])
                low = i;
            if (point(t, i)[j] > point(t, high)[j])
                high = i;
        }
        subset_add(s, low);
        subset_add(s, high);
    }
    return NDL_OK;
}

struct ranked {
    double key;
    size_t facet;
};

static int by_key(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    return (a->key > b->key) - (a->key < b->key);
}

/* Asks all points about the facets nearest to q, in the L1 norm or else the
 * Euclidean; those beyond join the subset.  A facet that Qhull made of nearly
 * dependent points may cut off points of the subset itself: of a hull its plane is
 * moved out to support them all, of a cone it does not count, and facets are asked
 * until none left claims to be nearer.  Returns whether the nearest one stands;
 * *depth (NaN if no facet counts) and a (may be NULL) are then its distance and
 * inner normal. */
static bool nearest_facet(const struct task *t, const struct facets *f, struct ranked *ranked,
                          bool l1, struct subset *s, double *depth, double *a)
{
    size_t m = t->m, count = 0;
    for (size_t k = 0; k < f->count; k++) {
        const double *normal = f->normal + k * m;
        if (t->kind == NDL_CONE && fabs(f->offset[k]) > APEX)
            continue;
        double distance = -dot(normal, t->q, m) - (t->kind == NDL_HULL ? f->offset[k] : 0);
        ranked[count++] = (struct ranked){distance / (l1 ? largest(normal, m) : 1), k};
    }
    *depth = HUGE_VAL;
    if (count == 0) /* a cone that is the whole space */
        return true;
    qsort(ranked, count, sizeof *ranked, by_key);
    double doubt = HUGE_VAL; /* the nearest that a facet still refuted claims to be */
    for (size_t k = 0; k < count && (k < 2 * m || ranked[k].key < *depth); k++) {
        const double *normal = f->normal + ranked[k].facet * m;
        double inner[8], reach = t->kind == NDL_CONE ? 0 : -HUGE_VAL;
        for (size_t j = 0; j < m; j++)
            inner[j] = -normal[j];
        for (size_t i = 0; i < s->count; i++)
            reach = fmax(reach, dot(normal, point(t, s->index[i]), m));
        size_t where = 0;
        double low = lowest(t, inner, &where);
        bool refuted = !s->in[where] && -low > reach + SUPPORT;
        if (refuted) {
            subset_add(s, where);
            doubt = fmin(doubt, ranked[k].key);
        }
        if (t->kind == NDL_CONE && low < -AGREEMENT)
            continue;
        double distance =
            (dot(inner, t->q, m) - (t->kind == NDL_HULL ? low : 0)) / (l1 ? largest(inner, m) : 1);
        if (distance < *depth) {
            *depth = distance;
            if (a)
                memcpy(a, inner, m * sizeof *a);
        }
    }
    if (isinf(*depth) && isinf(doubt))
        *depth = nan("");
    return !(doubt < *depth - SUPPORT);
}

static enum ndl_status depth_by_facets(const struct task *t, const struct span *span,
                                       struct depth *depth, struct ndl_error *err)
{
    struct subset s;
    size_t m = t->m, seen = 0;
    enum ndl_status status = subset_start(&s, t, span, err);
    for (bool settled = false; status == NDL_OK && !settled;) {
        if (t->n <= subset_limit(m) && s.count > t->n / 2)
            subset_add_all(&s, t->n);
        if (s.count > subset_limit(m) || seen > FACETS) {
            status =
                ndl_fail(err, NDL_LIBRARY,
                         "hull: too many facets for Qhull (%zu points in %zu dimensions)", t->n, m);
            break;
        }
        for (size_t i = 0; i < s.count; i++)
            memcpy(s.p + i * m, point(t, s.index[i]), m * sizeof *s.p);
        memset(s.p + s.count * m, 0, m * sizeof *s.p);
        struct facets f;
        status = facets_build(&f, s.p, s.count + (t->kind == NDL_CONE), m, err);
        seen += f.count;
        struct ranked *ranked = array(f.count, sizeof *ranked);
        if (status == NDL_OK && !ranked)
            status = ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu facets", f.count);
        if (status == NDL_OK) {
            settled = nearest_facet(t, &f, ranked, false, &s, &depth->l2, depth->a);
            settled = nearest_facet(t, &f, ranked, true, &s, &depth->l1, NULL) && settled;
        }
        free(ranked);
        facets_free(&f);
    }
    if (status == NDL_OK && !(depth->l2 >= -AGREEMENT && depth->l1 >= -AGREEMENT))
        status = ndl_fail(err, NDL_LIBRARY, "hull: Qhull's facets do not support the points");
    subset_free(&s);
    return status;
}

/* -------------------------------------------------------- linear programs */

/* P^T w + u - v = q, sum w = 1 (hull), w, u, v >= 0: columns 1..n are w, then
 * u, then v.  Row j is coordinate j (from 1), row m + 1 the sum. */
struct program {
    glp_prob *lp;
    glp_smcp control;
    int n, m;
};

static void program_free(struct program *g)
{
    if (g->lp)
        glp_delete_prob(g->lp);
    *g = (struct program){0};
}

static enum ndl_status program_build(struct program *g, const struct task *t, struct ndl_error *err)
{
    *g = (struct program){0};
    size_t m = t->m;
    if (m > INT_MAX / 4 || t->n > INT_MAX / (m + 1) - 2 * m)
        return ndl_fail(err, NDL_BADARG, "hull: %zu points in %zu dimensions are too many for GLPK",
                        t->n, m);
    int *row = array(m + 2, sizeof *row);
    double *value = array(m + 2, sizeof *value);
    if (!row || !value) {
        free(row);
        free(value);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for a linear program");
    }
    g->n = (int)t->n;
    g->m = (int)m;
    g->lp = glp_create_prob();
    glp_add_rows(g->lp, g->m + (t->kind == NDL_HULL));
    glp_add_cols(g->lp, g->n + 2 * g->m);
    for (int j = 1; j <= g->m; j++)
        glp_set_row_bnds(g->lp, j, GLP_FX, t->q[j - 1], t->q[j - 1]);
    if (t->kind == NDL_HULL)
        glp_set_row_bnds(g->lp, g->m + 1, GLP_FX, 1, 1);
    for (int i = 1; i <= g->n; i++) {
        int entries = 0;
        for (int j = 1; j <= g->m; j++)
            if (fabs(point(t, (size_t)i - 1)[j - 1]) > 0) {
                row[++entries] = j;
                value[entries] = point(t, (size_t)i - 1)[j - 1];
            }
        if (t->kind == NDL_HULL) {
            row[++entries] = g->m + 1;
            value[entries] = 1;
        }
        glp_set_mat_col(g->lp, i, entries, row, value);
    }
    for (int j = 1; j <= 2 * g->m; j++) {
        row[1] = j <= g->m ? j : j - g->m;
        value[1] = j <= g->m ? 1 : -1;
        glp_set_mat_col(g->lp, g->n + j, 1, row, value);
        glp_set_obj_coef(g->lp, g->n + j, 1);
    }
    for (int j = 1; j <= g->n + 2 * g->m; j++)
        glp_set_col_bnds(g->lp, j, GLP_LO, 0, 0);
    glp_init_smcp(&g->control);
    g->control.msg_lev = GLP_MSG_OFF;
    g->control.tol_bnd = 1e-9;
    g->control.tol_dj = 1e-9;
    double steps = 2000 + 20.0 * (g->m + g->n); /* about two for each dimension are usual; */
    /* badly scaled points would cycle for ever */
    g->control.it_lim = steps < INT_MAX ? (int)steps : INT_MAX;
    glp_scale_prob(g->lp, GLP_SF_EQ | GLP_SF_2N);
    glp_adv_basis(g->lp, 0);
    free(row);
    free(value);
    return NDL_OK;
}

/* Optimal (true) or unbounded (false); anything else is a failure. */
static enum ndl_status program_solve(struct program *g, bool *bounded, struct ndl_error *err)
{
    int code = glp_simplex(g->lp, &g->control), state = glp_get_status(g->lp);
    if (code || (state != GLP_OPT && state != GLP_UNBND)) { /* once more, from scratch */
        glp_std_basis(g->lp);
        code = glp_simplex(g->lp, &g->control);
        state = glp_get_status(g->lp);
    }
    if (code || (state != GLP_OPT && state != GLP_UNBND))
        return ndl_fail(err, NDL_LIBRARY, "GLPK: the simplex method failed (code %d, status %d)",
                        code, state);
    *bounded = state == GLP_OPT;
    return NDL_OK;
}

/* a = the multipliers of the coordinates, times sign. */
static void program_normal(const struct program *g, double sign, double *a)
{
    for (int j = 1; j <= g->m; j++)
        a[j - 1] = sign * glp_get_row_dual(g->lp, j);
}

/* Solves min |P^T w - q|_1; *distance is that of the weights GLPK returns, made
 * nonnegative and (hull) to sum 1, which the multipliers must confirm. */
static enum ndl_status program_distance(struct program *g, const struct task *t, double *distance,
                                        struct ndl_error *err)
{
    bool bounded;
    enum ndl_status status = program_solve(g, &bounded, err);
    if (status != NDL_OK)
        return status;
    double *a = array(t->m, sizeof *a), *y = array(t->m, sizeof *y);
    if (!a || !y) {
        free(a);
        free(y);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory in %zu dimensions", t->m);
    }
    double sum = t->kind == NDL_HULL ? 0 : 1;
    for (int i = 1; i <= g->n && t->kind == NDL_HULL; i++)
        sum += fmax(0, glp_get_col_prim(g->lp, i));
    for (int i = 1; i <= g->n; i++) {
        double w = fmax(0, glp_get_col_prim(g->lp, i)) / sum;
        for (size_t j = 0; j < t->m && w > 0; j++)
            y[j] += w * point(t, (size_t)i - 1)[j];
    }
    for (size_t j = 0; j < t->m; j++)
        y[j] -= t->q[j];
    *distance = norm_l1(y, t->m);

    /* Lower bound: |P^T w - q|_1 >= a.(P^T w - q) >= min a.p - a.q if |a_j| <= 1. */
    program_normal(g, -1, a);
    double low = t->n > 0 ? lowest(t, a, NULL) : 0, bound = -dot(a, t->q, t->m);
    bound += t->kind == NDL_HULL ? low : 0;
    bound /= fmax(1, largest(a, t->m));
    if (!(*distance - bound <= AGREEMENT) || (t->kind == NDL_CONE && low < -AGREEMENT))
        status = ndl_fail(err, NDL_LIBRARY,
                          "GLPK: L1 distance %.17g, but the multipliers only prove %.17g",
                          *distance, bound);
    free(a);
    free(y);
    return status;
}

/* First bounds of the L1 depth: the bounding box (hull), the coordinate planes
 * that bound a cone. */
static void box(const struct task *t, struct depth *depth)
{
    for (size_t j = 0; j < t->m; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double low = HUGE_VAL;
            for (size_t i = 0; i < t->n; i++)
                low = fmin(low, sign * point(t, i)[j]);
            double room = sign * t->q[j];
            if (t->kind == NDL_HULL)
                room -= low;
            else if (low < 0)
                continue;
            if (room < depth->l1) {
                depth->l1 = room;
                memset(depth->a, 0, t->m * sizeof *depth->a);
                depth->a[j] = sign;
            }
        }
}

/* How far q can go along one axis (column `col` of the program) without leaving
 * the hull; if that is less than depth->l1, the smallest so far, it becomes the
 * new one, as proved by the multipliers a (scratch, m). */
static enum ndl_status program_reach(struct program *g, const struct task *t, int col, double *a,
                                     struct depth *depth, struct ndl_error *err)
{
    bool bounded;
    glp_set_obj_coef(g->lp, col, 1);
    glp_set_col_bnds(g->lp, col, isfinite(depth->l1) ? GLP_DB : GLP_LO, 0,
                     isfinite(depth->l1) ? depth->l1 : 0);
    enum ndl_status status = program_solve(g, &bounded, err);
    double reach = glp_get_col_prim(g->lp, col);
    program_normal(g, 1, a);
    glp_set_obj_coef(g->lp, col, 0);
    glp_set_col_bnds(g->lp, col, GLP_FX, 0, 0);
    if (status != NDL_OK || !bounded || reach >= depth->l1 * (1 - 1e-12))
        return status;

    int j = (col - g->n - 1) % g->m;
    double sign = col > g->n + g->m ? 1 : -1; /* v moves q up the axis, u down */
    double low = lowest(t, a, NULL), slope = -sign * a[j];
    double proved = (dot(a, t->q, t->m) - (t->kind == NDL_HULL ? low : 0)) / slope;
    bool valid = slope > 0.5 && (t->kind == NDL_HULL || low >= -AGREEMENT * norm(a, t->m));
    if (!valid || !(fabs(proved - reach) <= AGREEMENT * fmax(1, reach)))
        return ndl_fail(err, NDL_LIBRARY, "GLPK: depth %.17g, but the multipliers prove %.17g",
                        reach, proved);
    if (proved < depth->l1) {
        depth->l1 = proved;
        memcpy(depth->a, a, t->m * sizeof *a);
    }
    return NDL_OK;
}

/* The L1 depth of an inner q, after program_distance: the smallest of 2 m
 * reaches, each started from the basis found there and stopped as soon as it
 * cannot be the smallest. */
static enum ndl_status depth_by_programs(struct program *g, const struct task *t,
                                         struct depth *depth, struct ndl_error *err)
{
    int rows = glp_get_num_rows(g->lp), cols = glp_get_num_cols(g->lp);
    int *basis = array((size_t)(rows + cols) + 1, sizeof *basis);
    double *a = array(t->m, sizeof *a);
    enum ndl_status status = NDL_OK;
    if (!basis || !a)
        status = ndl_fail(err, NDL_NOMEM, "hull: no memory for a basis of %d", rows + cols);
    for (int i = 1; i <= rows + cols && status == NDL_OK; i++)
        basis[i] = i <= rows ? glp_get_row_stat(g->lp, i) : glp_get_col_stat(g->lp, i - rows);
    for (int j = 1; j <= 2 * g->m; j++) {
        glp_set_obj_coef(g->lp, g->n + j, 0);
        glp_set_col_bnds(g->lp, g->n + j, GLP_FX, 0, 0);
    }
    glp_set_obj_dir(g->lp, GLP_MAX);
    depth->l1 = HUGE_VAL;
    depth->l2 = nan("");
    box(t, depth);
    for (int j = 1; j <= 2 * g->m && status == NDL_OK && depth->l1 > ROUNDING; j++) {
        for (int i = 1; i <= rows + cols; i++)
            if (i <= rows)
                glp_set_row_stat(g->lp, i, basis[i]);
            else
                glp_set_col_stat(g->lp, i - rows, basis[i]);
        status = program_reach(g, t, g->n + j, a, depth, err);
    }
    if (isinf(depth->l1))
        depth->l2 = HUGE_VAL;
    free(basis);
    free(a);
    return status;
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
static enum ndl_status verdict(const struct task *t, const double *gap, double distance,
                               struct ndl_hull_result *r, struct ndl_error *err)
{
    r->margin = r->margin_l1 = nan("");
    if (distance <= ROUNDING)
        return NDL_OK;
    for (size_t j = 0; j < t->m; j++)
        r->a[j] = gap[j] / distance;
    double low = t->n > 0 ? lowest(t, r->a, NULL) : 0;
    double proved = (t->kind == NDL_HULL ? low : 0) - dot(r->a, t->q, t->m);
    if (!(proved >= distance - AGREEMENT) || (t->kind == NDL_CONE && low < -AGREEMENT))
        return ndl_fail(err, NDL_LIBRARY, "hull: distance %.17g, but only %.17g is proved",
                        distance, proved);
    r->margin = -distance * t->scale;
    return NDL_OK;
}

/* Two or more dimensions. */
static enum ndl_status locate(const struct task *t, const struct span *span,
                              enum ndl_hull_method method, double tolerance, double *weight,
                              double *gap, struct ndl_hull_result *r, struct ndl_error *err)
{
    size_t m = t->m;
    enum ndl_status status = nearest_point(t, weight, gap, err);
    if (status != NDL_OK)
        return status;
    double distance = norm(gap, m);
    bool outside = distance > ROUNDING, flat = span->dimension < m;
    struct depth depth = {.l2 = 0, .l1 = 0, .a = r->a};
    r->dimension = span->dimension;
    r->inside = distance * t->scale <= tolerance || !outside;
    if (method == NDL_VERDICT)
        return verdict(t, gap, distance, r, err);
    if (flat)
        memcpy(r->a, span->normal, m * sizeof *r->a);

    bool by_facets = !outside && !flat && method != NDL_LP && m <= 8;
    if (by_facets) {
        status = depth_by_facets(t, span, &depth, err);
        by_facets = status == NDL_OK || method == NDL_QHULL; /* AUTO: the programs can do it */
    }
    if (!by_facets && (outside || method == NDL_LP || !flat)) {
        struct program g;
        double l1 = 0;
        status = program_build(&g, t, err);
        if (status == NDL_OK)
            status = program_distance(&g, t, &l1, err);
        if (status == NDL_OK &&
            (l1 < distance - AGREEMENT || l1 > sqrt((double)m) * distance + AGREEMENT))
            status =
                ndl_fail(err, NDL_LIBRARY,
                         "GLPK: L1 distance %.17g contradicts the Euclidean %.17g", l1, distance);
        if (outside)
            depth.l1 = -l1;
        else if (status == NDL_OK && !flat)
            status = depth_by_programs(&g, t, &depth, err);
        program_free(&g);
    }
    if (status != NDL_OK)
        return status;
    if (outside) {
        depth.l2 = -distance;
        for (size_t j = 0; j < m; j++)
            r->a[j] = gap[j] / distance;
    } else if (depth.l1 < -AGREEMENT) {
        return ndl_fail(err, NDL_LIBRARY, "hull: depth %g of a point that belongs to the hull",
                        depth.l1);
    } else {
        depth.l2 = depth.l2 <= ROUNDING ? 0 : depth.l2; /* keeps NaN */
        depth.l1 = depth.l1 <= ROUNDING ? 0 : depth.l1;
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
    double length = norm(r->a, r->vars), low = HUGE_VAL;
    for (size_t j = 0; j < r->vars && length > 0; j++)
        r->a[j] /= length;
    for (size_t i = 0; i < P->rows; i++)
        low = fmin(low, dot(r->a, ndl_row(P, i), r->vars));
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
    r->a = array(m, sizeof *r->a);
    r->weights = array(n, sizeof *r->weights);
    if (!r->a || !r->weights) {
        ndl_hull_result_free(r);
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points in %zu dimensions", n, m);
    }
    if (m == 1) {
        interval(P, q[0], kind, tolerance, r);
        return NDL_OK;
    }

    struct task t = {0};
    struct span span = {0};
    double *weight = array(n, sizeof *weight), *gap = array(m, sizeof *gap);
    int terminal = glp_term_out(GLP_OFF);
    status = weight && gap ? NDL_OK : ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points", n);
    if (status == NDL_OK)
        status = task_build(&t, P, q, kind, tolerance, err);
    if (status == NDL_OK && method != NDL_VERDICT)
        status = task_span(&span, &t, tolerance, err);
    if (status == NDL_OK)
        status = locate(&t, &span, method, tolerance, weight, gap, r, err);
    if (status == NDL_OK) {
        finish_certificate(P, kind, r);
        for (size_t i = 0; i < t.n; i++)
            r->weights[t.row[i]] = weight[i] * (kind == NDL_CONE ? t.scale / t.length[i] : 1);
    } else {
        ndl_hull_result_free(r);
    }
    glp_term_out(terminal);
    task_free(&t);
    span_free(&span);
    free(weight);
    free(gap);
    return status;
}

/* nearest_point.c -- the point of a convex hull, or of a cone, nearest to q.
 *
 * Lawson and Hanson's active sets (1974, ch. 23) for min |E u - f|, u >= 0.  A cone is this
 * problem itself: columns e_i = p_i, f = q.  For a hull (their "least distance
 * programming") e_i = (p_i - q, 1) and f = (0, 1): if w are convex weights and
 * y = P^T w - q, then over u = s w the smallest residual is
 * |y|^2 / (1 + |y|^2), so w = u / sum u minimises |y|.
 *
 * The columns of the active set are kept as Q R, Q with orthonormal rows here, and R column by
 * column.  active.c solves the same problem for the code of a sample, but from the products of the
 * columns, which is faster and half as precise: here a distance of 1e-12 must differ from 0. */
#include "hull.h"

#include <float.h>

struct active_set {
    size_t size, rows; /* size <= rows = m, or m + 1 for a hull */
    size_t *member;    /* rows: indices of the task's points */
    bool *in;          /* n */
    double *Q;         /* rows x rows, row k the k-th basis vector */
    double *R;         /* rows x rows, column k at R + k * rows */
    double *u, *trial; /* rows: values of the members */
    double *column;    /* rows */
    double *residual;  /* rows: f - E u */
};

static void active_free(struct active_set *s)
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

static enum ndl_status active_alloc(struct active_set *s, const struct ndl_hull_task *t,
                                    struct ndl_error *err)
{
    size_t rows = t->m + (t->kind == NDL_HULL);
    *s = (struct active_set){.rows = rows};
    s->member = ndl_hull_array(rows, sizeof *s->member);
    s->in = ndl_hull_array(t->n, sizeof *s->in);
    s->Q = ndl_hull_array(rows * rows, sizeof *s->Q);
    s->R = ndl_hull_array(rows * rows, sizeof *s->R);
    s->u = ndl_hull_array(rows, sizeof *s->u);
    s->trial = ndl_hull_array(rows, sizeof *s->trial);
    s->column = ndl_hull_array(rows, sizeof *s->column);
    s->residual = ndl_hull_array(rows, sizeof *s->residual);
    if (!s->member || !s->in || !s->Q || !s->R || !s->u || !s->trial || !s->column || !s->residual)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu active points", rows);
    return NDL_OK;
}

/* Appends point i; false if it depends on the members already there. */
static bool active_append(struct active_set *s, const struct ndl_hull_task *t, size_t i)
{
    size_t k = s->size, rows = s->rows;
    memcpy(s->column, ndl_hull_point(t, i), t->m * sizeof *s->column);
    if (t->kind == NDL_HULL)
        s->column[t->m] = 1;
    double before = ndl_norm_in_order(rows, s->column), *r = s->R + k * rows;
    memset(r, 0, rows * sizeof *r);
    for (int pass = 0; pass < 2; pass++)
        for (size_t l = 0; l < k; l++) {
            double along = ndl_dot_in_order(rows, s->column, s->Q + l * rows);
            r[l] += along;
            for (size_t j = 0; j < rows; j++)
                s->column[j] -= along * s->Q[l * rows + j];
        }
    r[k] = ndl_norm_in_order(rows, s->column);
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
static void active_remove(struct active_set *s, size_t place)
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
static void active_solve(struct active_set *s, const double *f)
{
    for (size_t k = s->size; k-- > 0;) {
        double sum = ndl_dot_in_order(s->rows, f, s->Q + k * s->rows);
        for (size_t l = k + 1; l < s->size; l++)
            sum -= s->R[l * s->rows + k] * s->trial[l];
        s->trial[k] = sum / s->R[k * s->rows + k];
    }
}

/* f minus its projection on the members, twice so that it is orthogonal to
 * them relative to its own, possibly tiny, length. */
static double active_residual(struct active_set *s, const double *f)
{
    memcpy(s->residual, f, s->rows * sizeof *f);
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < s->size; k++)
            ndl_remove_along_in_order(s->rows, s->Q + k * s->rows, s->residual);
    return ndl_norm_in_order(s->rows, s->residual);
}

/* Moves from u to the solution on the members, dropping those that would turn
 * negative.  False if the newest member is dropped at once (rounding). */
static bool active_settle(struct active_set *s, const double *f)
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
static size_t active_next(const struct active_set *s, const struct ndl_hull_task *t,
                          const bool *barred, double length)
{
    double best = 32 * DBL_EPSILON * length;
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < t->n; i++) {
        if (s->in[i] || barred[i])
            continue;
        double gain = ndl_dot_in_order(t->m, ndl_hull_point(t, i), s->residual) +
                      (t->kind == NDL_HULL ? s->residual[t->m] : 0);
        if (gain > best) {
            best = gain;
            next = i;
        }
    }
    return next;
}

/* weight (n of the task) and offset = (nearest point) - q (m). */
enum ndl_status ndl_hull_nearest_point(const struct ndl_hull_task *t, double *weight,
                                       double *offset, struct ndl_error *err)
{
    struct active_set s;
    enum ndl_status status = active_alloc(&s, t, err);
    bool *barred = ndl_hull_array(t->n, sizeof *barred);
    double *f = ndl_hull_array(s.rows, sizeof *f);
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
        offset[j] = -s.residual[j] / sum;
done:
    active_free(&s);
    free(barred);
    free(f);
    return status;
}

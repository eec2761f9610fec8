/* condition.c -- the theory's hull conditions: which features can coexist.
 *
 * At a local minimum of (P) the point p = (m_j (1 - h_jk))_j lies in the convex
 * hull of the codes { (z_ij)_j : k off }, for every feature k (theory, "the
 * convex-hull condition"; a cone from 0 without a bias).  If it does not, a
 * separating affine function a.z + c, >= 0 on that hull and < 0 at p, is a
 * direction along which the loss decreases while the reconstruction stays:
 *
 *     z_k += eps (a.z + c),   d_j -= eps a_j d_k,   b -= eps c d_k,
 *     dL / (N lambda) = eps (a.m + c) + sum_j m_j (|d_j - eps a_j d_k| - 1),
 *
 * whose slope at eps = 0 is a.p + c.  The geometry is done in the coordinates
 * z_j / m_j, an isometry of the theory's ztilde_j = 1 - z_j / m_j. */
#include "ndl.h"

#include "vec.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double atoms_dot(const struct ndl_model *m, size_t j, size_t k)
{
    return ndl_dot_in_order(m->D.cols, ndl_row(&m->D, j), ndl_row(&m->D, k));
}

/* m_k for all k; NULL if there is no memory. */
static double *means(const struct ndl_codes *z)
{
    double *mean = calloc(z->cols ? z->cols : 1, sizeof *mean);
    for (size_t e = 0; mean && e < z->start[z->rows]; e++)
        mean[z->atom[e]] += z->value[e];
    for (size_t k = 0; mean && k < z->cols; k++)
        mean[k] /= (double)z->rows;
    return mean;
}

static double code(const struct ndl_codes *z, size_t i, size_t k)
{
    for (size_t e = z->start[i]; e < z->start[i + 1]; e++)
        if (z->atom[e] == k)
            return z->value[e];
    return 0;
}

void ndl_condition_free(struct ndl_condition *c)
{
    free(c->J);
    free(c->a);
    *c = (struct ndl_condition){0};
}

static enum ndl_status check_arguments(const struct ndl_model *m, size_t k, const size_t *J,
                                       size_t count, double off, double tolerance,
                                       struct ndl_error *err)
{
    size_t K = m->D.rows;
    if (m->Z.cols != K || m->Z.rows == 0)
        return ndl_fail(err, NDL_BADARG, "condition: codes %zu x %zu for %zu atoms", m->Z.rows,
                        m->Z.cols, K);
    if (k >= K)
        return ndl_fail(err, NDL_BADARG, "condition: no feature %zu among %zu", k, K);
    if (!(off >= 0 && isfinite(off) && tolerance >= 0 && isfinite(tolerance)))
        return ndl_fail(err, NDL_BADARG,
                        "condition: off %g and tolerance %g must be finite and >= 0", off,
                        tolerance);
    for (size_t j = 0; J && j < count; j++)
        if (J[j] >= K || J[j] == k)
            return ndl_fail(err, NDL_BADARG,
                            "condition: feature %zu cannot be set against feature %zu of %zu", J[j],
                            k, K);
    return NDL_OK;
}

/* Fills J (all live features but k if NULL) and the place of each feature in
 * it, K entries, SIZE_MAX for those outside. */
static enum ndl_status choose(struct ndl_condition *c, const size_t *J, size_t count,
                              const double *mean, const struct ndl_model *m, size_t *place,
                              struct ndl_error *err)
{
    size_t K = m->D.rows;
    for (size_t j = 0; j < K; j++)
        place[j] = SIZE_MAX;
    for (size_t j = 0; j < (J ? count : K); j++) {
        size_t feature = J ? J[j] : j;
        if (!J && (feature == c->k || !(mean[feature] > 0)))
            continue;
        if (!(mean[feature] > 0) || place[feature] != SIZE_MAX)
            return ndl_fail(err, NDL_BADARG, "condition: feature %zu is %s", feature,
                            mean[feature] > 0 ? "named twice" : "dead");
        place[feature] = c->count;
        c->J[c->count++] = feature;
    }
    for (size_t j = 0; j <= c->count; j++) {
        size_t feature = j < c->count ? c->J[j] : c->k;
        double norm = sqrt(atoms_dot(m, feature, feature));
        if (!(fabs(norm - 1) <= 1e-6))
            return ndl_fail(err, NDL_BADARG, "condition: atom %zu has norm %.9g, not 1", feature,
                            norm);
    }
    return NDL_OK;
}

/* The codes z_ij / m_j of the samples with k off, off_samples x count. */
static enum ndl_status off_codes(const struct ndl_model *m, double off, const size_t *place,
                                 const double *mean, struct ndl_condition *c, struct ndl_matrix *P,
                                 struct ndl_error *err)
{
    const struct ndl_codes *z = &m->Z;
    for (size_t i = 0; i < z->rows; i++)
        c->off_samples += code(z, i, c->k) <= off;
    enum ndl_status status = ndl_matrix_alloc(P, c->off_samples, c->count, err);
    double *row = P->v;
    for (size_t i = 0; i < z->rows && status == NDL_OK; i++) {
        if (code(z, i, c->k) > off)
            continue;
        for (size_t e = z->start[i]; e < z->start[i + 1]; e++)
            if (place[z->atom[e]] != SIZE_MAX)
                row[place[z->atom[e]]] = z->value[e] / mean[z->atom[e]];
        row += c->count;
    }
    return status;
}

/* The direction from a normal in the coordinates z / m: back to z, max |a_j| =
 * 1, and c as small as the samples with k off allow. */
static void direct(const struct ndl_model *m, const struct ndl_matrix *P, const double *normal,
                   const double *mean, struct ndl_condition *c)
{
    double largest = 0, low = HUGE_VAL;
    for (size_t j = 0; j < c->count; j++) {
        c->a[j] = normal[j] / mean[c->J[j]];
        largest = fmax(largest, fabs(c->a[j]));
    }
    for (size_t j = 0; j < c->count; j++)
        c->a[j] /= largest;
    for (size_t i = 0; i < P->rows; i++) {
        double s = 0;
        for (size_t j = 0; j < c->count; j++)
            s += c->a[j] * (ndl_row(P, i)[j] * mean[c->J[j]]);
        low = fmin(low, s);
    }
    c->c = m->bias ? -low : 0;
}

static double slope(const struct ndl_model *m, const double *mean, const struct ndl_condition *c)
{
    double s = c->c;
    for (size_t j = 0; j < c->count; j++)
        s += c->a[j] * mean[c->J[j]] * (1 - atoms_dot(m, c->J[j], c->k));
    return s;
}

/* The hull is that of no points, or lies in R^0. */
static void degenerate(const struct ndl_model *m, const double *q, double tolerance,
                       struct ndl_condition *c)
{
    if (c->off_samples == 0 && m->bias) {
        c->holds = false;
        c->margin = c->margin_l1 = -HUGE_VAL;
        c->c = -1;
    } else if (c->count == 0) {
        c->holds = true;
        c->margin = c->margin_l1 = HUGE_VAL;
    } else { /* the cone {0} */
        c->margin = -ndl_norm_in_order(c->count, q);
        for (size_t j = 0; j < c->count; j++)
            c->margin_l1 -= fabs(q[j]);
        c->holds = c->margin >= -tolerance;
        for (size_t j = 0; j < c->count && !c->holds; j++)
            c->a[j] = -1;
    }
}

enum ndl_status ndl_condition_check(const struct ndl_model *m, size_t k, const size_t *J,
                                    size_t count, enum ndl_hull_method method, double off,
                                    double tolerance, struct ndl_condition *c,
                                    struct ndl_error *err)
{
    *c = (struct ndl_condition){.k = k};
    enum ndl_status status = check_arguments(m, k, J, count, off, tolerance, err);
    if (status != NDL_OK)
        return status;
    size_t K = m->D.rows, room = J && count > K ? count : K;
    double *mean = means(&m->Z), *q = calloc(room, sizeof *q);
    size_t *place = calloc(room, sizeof *place);
    struct ndl_matrix P = {0};
    struct ndl_hull_result hull = {0};
    c->J = calloc(room, sizeof *c->J);
    c->a = calloc(room, sizeof *c->a);
    if (!mean || !q || !place || !c->J || !c->a)
        status = ndl_fail(err, NDL_NOMEM, "condition: no memory for %zu features", K);
    if (status == NDL_OK)
        status = choose(c, J, count, mean, m, place, err);
    if (status == NDL_OK)
        status = off_codes(m, off, place, mean, c, &P, err);
    for (size_t j = 0; j < c->count && status == NDL_OK; j++)
        q[j] = 1 - atoms_dot(m, c->J[j], k);
    if (status == NDL_OK && (c->off_samples == 0 || c->count == 0)) {
        degenerate(m, q, tolerance, c);
    } else if (status == NDL_OK) {
        status =
            ndl_hull_locate(&P, q, m->bias ? NDL_HULL : NDL_CONE, method, tolerance, &hull, err);
        c->holds = hull.inside;
        c->margin = hull.margin;
        c->margin_l1 = hull.margin_l1;
        if (status == NDL_OK && !c->holds)
            direct(m, &P, hull.a, mean, c);
    }
    if (status == NDL_OK && !c->holds)
        c->slope = slope(m, mean, c);
    ndl_hull_result_free(&hull);
    ndl_matrix_free(&P);
    free(mean);
    free(q);
    free(place);
    if (status != NDL_OK)
        ndl_condition_free(c);
    return status;
}

/* ------------------------------------------------------- along the direction */

/* Z with z_k += eps (sum_j a_j z_j + c), rows still sorted; `a` has K entries,
 * J's in place and zeros elsewhere. */
static enum ndl_status step_codes(const struct ndl_codes *z, const struct ndl_condition *c,
                                  const double *a, double eps, struct ndl_codes *to,
                                  struct ndl_error *err)
{
    enum ndl_status status =
        ndl_codes_alloc(to, z->rows, z->cols, z->start[z->rows] + z->rows, err);
    size_t used = 0;
    for (size_t i = 0; i < z->rows && status == NDL_OK; i++) {
        double sum = 0, size = fabs(c->c), before = code(z, i, c->k);
        for (size_t e = z->start[i]; e < z->start[i + 1]; e++) {
            sum += a[z->atom[e]] * z->value[e];
            size += z->value[e]; /* max |a_j| = 1 */
        }
        double after = before + eps * (sum + c->c);
        if (after < -1e-12 * eps * size)
            return ndl_fail(err, NDL_BADARG,
                            "condition: a step of %g turns code %zu of sample %zu negative (%g)",
                            eps, c->k, i, after);
        bool pending = after > 0; /* feature k is still to be written */
        for (size_t e = z->start[i]; e <= z->start[i + 1]; e++) {
            bool end = e == z->start[i + 1];
            if (pending && (end || z->atom[e] >= c->k)) {
                to->atom[used] = (uint32_t)c->k;
                to->value[used++] = after;
                pending = false;
            }
            if (end || z->atom[e] == c->k)
                continue;
            to->atom[used] = z->atom[e];
            to->value[used++] = z->value[e];
        }
        to->start[i + 1] = used;
    }
    return status;
}

enum ndl_status ndl_condition_step(const struct ndl_model *m, const struct ndl_condition *c,
                                   double eps, struct ndl_model *moved, struct ndl_error *err)
{
    *moved = (struct ndl_model){.lambda = m->lambda, .bias = m->bias};
    if (!(eps >= 0 && isfinite(eps)))
        return ndl_fail(err, NDL_BADARG, "condition: the step must be finite and >= 0, not %g",
                        eps);
    if (m->Z.cols != m->D.rows || c->k >= m->D.rows)
        return ndl_fail(err, NDL_BADARG, "condition: feature %zu of another model", c->k);
    double *a = calloc(m->D.rows, sizeof *a);
    enum ndl_status status =
        a ? NDL_OK : ndl_fail(err, NDL_NOMEM, "condition: no memory for %zu features", m->D.rows);
    for (size_t j = 0; j < c->count && status == NDL_OK; j++)
        if (c->J[j] < m->D.rows)
            a[c->J[j]] = c->a[j];
        else
            status = ndl_fail(err, NDL_BADARG, "condition: feature %zu of another model", c->J[j]);
    if (status == NDL_OK)
        status = step_codes(&m->Z, c, a, eps, &moved->Z, err);
    if (status == NDL_OK)
        status = ndl_matrix_copy(&moved->D, &m->D, err);
    if (status == NDL_OK)
        status = ndl_matrix_copy(&moved->b, &m->b, err);
    if (status == NDL_OK)
        for (size_t x = 0; x < m->D.cols; x++) {
            double along = eps * ndl_row(&m->D, c->k)[x];
            for (size_t j = 0; j < c->count; j++)
                ndl_row(&moved->D, c->J[j])[x] -= c->a[j] * along;
            moved->b.v[x] -= c->c * along;
        }
    else
        ndl_model_free(moved);
    free(a);
    return status;
}

double ndl_condition_change(const struct ndl_model *m, const struct ndl_condition *c, double eps)
{
    const struct ndl_codes *z = &m->Z;
    double *mean = means(z);
    if (!mean)
        return nan("");
    double change = eps * c->c;
    for (size_t j = 0; j < c->count; j++) {
        size_t feature = c->J[j];
        double t = eps * c->a[j], x = t * (t - 2 * atoms_dot(m, feature, c->k));
        /* sqrt(1 + x) - 1 without cancellation */
        change += mean[feature] * (t + x / (sqrt(1 + x) + 1));
    }
    free(mean);
    return change;
}

/* ---------------------------------------------------------------- multipliers */

static enum ndl_status check_shapes(const struct ndl_matrix *X, const struct ndl_model *m,
                                    const char *what, struct ndl_error *err)
{
    size_t N = X->rows, d = X->cols, K = m->D.rows;
    if (N == 0 || m->D.cols != d || m->b.cols != d || m->b.rows != 1 || m->Z.rows != N ||
        m->Z.cols != K || !(m->lambda > 0))
        return ndl_fail(err, NDL_BADARG,
                        "%s: data %zu x %zu, atoms %zu x %zu, codes %zu x %zu, lambda %g", what, N,
                        d, K, m->D.cols, m->Z.rows, m->Z.cols, m->lambda);
    return NDL_OK;
}

/* r = x_i - b - sum_k z_ik d_k */
static void residual(const struct ndl_matrix *X, const struct ndl_model *m, size_t i, double *r)
{
    size_t d = X->cols;
    for (size_t x = 0; x < d; x++)
        r[x] = ndl_row(X, i)[x] - m->b.v[x];
    for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
        for (size_t x = 0; x < d; x++)
            r[x] -= m->Z.value[e] * ndl_row(&m->D, m->Z.atom[e])[x];
}

enum ndl_status ndl_multiplier_weights(const struct ndl_matrix *X, const struct ndl_model *m,
                                       struct ndl_matrix *W, struct ndl_error *err)
{
    *W = (struct ndl_matrix){0};
    enum ndl_status status = check_shapes(X, m, "multipliers", err);
    if (status != NDL_OK)
        return status;
    size_t N = X->rows, d = X->cols, K = m->D.rows;
    double *r = calloc(d ? d : 1, sizeof *r);
    status = r ? ndl_matrix_alloc(W, N, K, err)
               : ndl_fail(err, NDL_NOMEM, "multipliers: no memory in %zu dimensions", d);
    for (size_t i = 0; i < N && status == NDL_OK; i++) {
        residual(X, m, i, r);
        for (size_t k = 0; k < K; k++)
            ndl_row(W, i)[k] =
                (1 - 2 * ndl_dot_in_order(d, r, ndl_row(&m->D, k)) / m->lambda) / (double)N;
    }
    free(r);
    return status;
}

/* --------------------------------------------------------------------- shares */

void ndl_share_free(struct ndl_share *s)
{
    free(s->share);
    free(s->bound);
    *s = (struct ndl_share){0};
}

/* rho, and in share[] the sums of the codes over the samples with k off. */
static void sum_off(const struct ndl_matrix *X, const struct ndl_model *m, double off, double *r,
                    struct ndl_share *s)
{
    const struct ndl_codes *z = &m->Z;
    s->rho = -HUGE_VAL;
    for (size_t i = 0; i < z->rows; i++) {
        if (code(z, i, s->k) > off)
            continue;
        residual(X, m, i, r);
        s->rho = fmax(s->rho, -2 * ndl_dot_in_order(X->cols, r, ndl_row(&m->D, s->k)) / m->lambda);
        for (size_t e = z->start[i]; e < z->start[i + 1]; e++)
            s->share[z->atom[e]] += z->value[e];
    }
}

/* From the sums to shares and bounds. */
static enum ndl_status bound_shares(const struct ndl_model *m, const double *mean,
                                    struct ndl_share *s, struct ndl_error *err)
{
    for (size_t j = 0; j < s->count; j++) {
        double norm = sqrt(atoms_dot(m, j, j)), rest = 1 - atoms_dot(m, j, s->k);
        if ((mean[j] > 0 || j == s->k) && !(fabs(norm - 1) <= 1e-6))
            return ndl_fail(err, NDL_BADARG, "share: atom %zu has norm %.9g, not 1", j, norm);
        s->share[j] = mean[j] > 0 ? s->share[j] / ((double)m->Z.rows * mean[j]) : nan("");
        s->bound[j] = s->rho > -1 ? rest / (1 + s->rho) : rest > 0 ? HUGE_VAL : 0;
        if (!(mean[j] > 0) || j == s->k)
            s->bound[j] = nan("");
    }
    return NDL_OK;
}

enum ndl_status ndl_share_check(const struct ndl_matrix *X, const struct ndl_model *m, size_t k,
                                double off, struct ndl_share *s, struct ndl_error *err)
{
    *s = (struct ndl_share){.k = k, .count = m->D.rows};
    enum ndl_status status = check_shapes(X, m, "share", err);
    if (status == NDL_OK && !(k < m->D.rows && off >= 0 && isfinite(off)))
        status =
            ndl_fail(err, NDL_BADARG, "share: feature %zu of %zu, off below %g", k, m->D.rows, off);
    if (status != NDL_OK)
        return status;
    double *mean = means(&m->Z), *r = calloc(X->cols ? X->cols : 1, sizeof *r);
    s->share = calloc(s->count, sizeof *s->share);
    s->bound = calloc(s->count, sizeof *s->bound);
    if (!mean || !r || !s->share || !s->bound)
        status = ndl_fail(err, NDL_NOMEM, "share: no memory for %zu features", s->count);
    if (status == NDL_OK) {
        sum_off(X, m, off, r, s);
        status = bound_shares(m, mean, s, err);
    }
    free(mean);
    free(r);
    if (status != NDL_OK)
        ndl_share_free(s);
    return status;
}

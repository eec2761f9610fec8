/* wide_bound.c -- the loss no dictionary can beat.
 *
 * A code z_i of xhat_i = x_i - b - r_i costs at least lambda |xhat_i|, whatever the
 * atoms, so that (theory, "the wide limit")
 *
 *     L(D, b, Z) >= min_b F(b),   F(b) = sum_i H(|x_i - b|),
 *     H(t) = t^2 for t <= lambda / 2,  lambda t - lambda^2 / 4 beyond.
 *
 * F is convex, its gradient continuous, its curvature bounded by 2 N but not
 * from below: it may vanish (d = 1, all samples far) and jumps at the corners.
 * Hence Newton's method in a trust region, the steps by truncated conjugate
 * gradients (Steihaug), which follow directions of no curvature to the
 * region's boundary. */
#include "ndl.h"

#include "vec.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-12 /* of the gradient, relative to the sum of the terms' */
#define STEPS 1000

struct huber {
    const struct ndl_matrix *X;
    double lambda;
    double *distance; /* N: |x_i - b| at the point evaluated last */
    double *b;        /* d: that point */
};

/* F(b), its gradient (d) and the length below which that counts as 0: relative
 * to the sum of its terms' lengths, but no less than what one bit of b changes
 * through the samples within the corner. */
static double evaluate(struct huber *h, const double *b, double *gradient, double *nothing)
{
    size_t d = h->X->cols;
    double value = 0, bit = 8 * DBL_EPSILON * ndl_norm_in_order(d, b);
    *nothing = 0;
    memcpy(h->b, b, d * sizeof *b);
    memset(gradient, 0, d * sizeof *gradient);
    for (size_t i = 0; i < h->X->rows; i++) {
        const double *x = ndl_row(h->X, i);
        double square = 0;
        for (size_t j = 0; j < d; j++)
            square += (x[j] - b[j]) * (x[j] - b[j]);
        double t = sqrt(square);
        bool inner = t <= 0.5 * h->lambda;
        value += inner ? square : h->lambda * (t - 0.25 * h->lambda);
        *nothing += TOLERANCE * (inner ? 2 * t : h->lambda) + (inner ? bit : 0);
        for (size_t j = 0; j < d; j++)
            gradient[j] += inner ? 2 * (b[j] - x[j]) : h->lambda * ((b[j] - x[j]) / t);
        h->distance[i] = t;
    }
    return value;
}

/* hp = the second derivative at the point evaluated last, times p. */
static void curve(const struct huber *h, const double *p, double *hp)
{
    size_t d = h->X->cols;
    memset(hp, 0, d * sizeof *hp);
    for (size_t i = 0; i < h->X->rows; i++) {
        const double *x = ndl_row(h->X, i);
        double t = h->distance[i], along = 0;
        bool inner = t <= 0.5 * h->lambda;
        for (size_t j = 0; j < d && !inner; j++)
            along += (x[j] - h->b[j]) / t * p[j];
        for (size_t j = 0; j < d; j++)
            hp[j] += inner ? 2 * p[j] : h->lambda / t * (p[j] - along * ((x[j] - h->b[j]) / t));
    }
}

/* The largest s with |p + s v| <= radius. */
static double to_boundary(const double *p, const double *v, size_t d, double radius)
{
    double pv = ndl_dot_in_order(d, p, v), vv = ndl_dot_in_order(d, v, v),
           rest = fmax(0, radius * radius - ndl_dot_in_order(d, p, p));
    return rest / (pv + sqrt(pv * pv + vv * rest));
}

/* Minimises g.p + p.Hp/2 in |p| <= radius; returns the reduction.  work: 3 d. */
static double step(const struct huber *h, const double *g, double radius, double *p, double *work)
{
    size_t d = h->X->cols;
    double *r = work, *v = work + d, *hv = work + 2 * d, reduction = 0;
    memset(p, 0, d * sizeof *p);
    memcpy(r, g, d * sizeof *r);
    for (size_t j = 0; j < d; j++)
        v[j] = -g[j];
    double rr = ndl_dot_in_order(d, r, r), stop = 1e-3 * sqrt(rr);
    for (size_t k = 0; k < 2 * d + 10 && sqrt(rr) > stop; k++) {
        curve(h, v, hv);
        double bend = ndl_dot_in_order(d, v, hv), most = to_boundary(p, v, d, radius),
               s = rr / bend;
        bool hit = !(bend > 0 && s < most);
        if (hit)
            s = most;
        reduction += s * (rr - 0.5 * s * bend);
        for (size_t j = 0; j < d; j++) {
            p[j] += s * v[j];
            r[j] += s * hv[j];
        }
        if (hit)
            break;
        double next = ndl_dot_in_order(d, r, r);
        for (size_t j = 0; j < d; j++)
            v[j] = next / rr * v[j] - r[j];
        rr = next;
    }
    return reduction;
}

/* From *b; scratch has 6 d entries. */
static enum ndl_status minimise(struct huber *h, double *b, double *bound, double *scratch,
                                struct ndl_error *err)
{
    size_t d = h->X->cols;
    double *g = scratch, *trial = scratch + d, *p = scratch + 2 * d, *work = scratch + 3 * d;
    double nothing, radius = 0, value = evaluate(h, b, g, &nothing);
    for (size_t i = 0; i < h->X->rows; i++)
        radius = fmax(radius, h->distance[i]);
    for (int k = 0; k < STEPS; k++) {
        double slope = ndl_norm_in_order(d, g);
        *bound = value;
        if (!isfinite(value))
            return ndl_fail(err, NDL_BADDATA, "bound: data too large to square");
        if (slope <= nothing)
            return NDL_OK;
        double hoped = step(h, g, radius, p, work), length = ndl_norm_in_order(d, p);
        for (size_t j = 0; j < d; j++)
            trial[j] = b[j] + p[j];
        double new_value = evaluate(h, trial, g, &nothing), gained = value - new_value;
        /* Where the value's rounding hides the gain, the gradient decides. */
        bool hidden = hoped < 1e-13 * value;
        bool better = hidden ? ndl_norm_in_order(d, g) < slope : gained > 1e-4 * hoped;
        if (!(hidden ? better : gained > 0.25 * hoped))
            radius = 0.25 * length;
        else if (gained > 0.75 * hoped && length > 0.9 * radius)
            radius *= 2;
        if (better) {
            memcpy(b, trial, d * sizeof *b);
            value = new_value;
        } else {
            evaluate(h, b, g, &nothing);
        }
    }
    return ndl_fail(err, NDL_NOCONV, "bound: gradient %g above %g after %d steps",
                    ndl_norm_in_order(d, g), nothing, STEPS);
}

enum ndl_status ndl_wide_bound(const struct ndl_matrix *X, double lambda, bool bias, double *bound,
                               double *b, struct ndl_error *err)
{
    size_t N = X->rows, d = X->cols, entries;
    *bound = nan("");
    if (N == 0 || d == 0 || !(lambda > 0 && isfinite(lambda)) ||
        __builtin_mul_overflow(d, (size_t)8, &entries))
        return ndl_fail(err, NDL_BADARG, "bound: data %zu x %zu, lambda %g", N, d, lambda);
    enum ndl_status status = ndl_matrix_check(X, "data", err);
    if (status != NDL_OK)
        return status;
    double *work = calloc(entries, sizeof *work), *distance = calloc(N, sizeof *distance), nothing;
    if (!work || !distance) {
        free(work);
        free(distance);
        return ndl_fail(err, NDL_NOMEM, "bound: no memory for %zu samples in %zu dimensions", N, d);
    }
    struct huber h = {.X = X, .lambda = lambda, .distance = distance, .b = work};
    double *at = work + d, *scratch = work + 2 * d;
    if (bias) {
        for (size_t i = 0; i < N; i++) /* the mean, the right answer for large lambda */
            for (size_t j = 0; j < d; j++)
                at[j] += ndl_row(X, i)[j] / (double)N;
        status = minimise(&h, at, bound, scratch, err);
    } else {
        *bound = evaluate(&h, at, scratch, &nothing);
        if (!isfinite(*bound))
            status = ndl_fail(err, NDL_BADDATA, "bound: data too large to square");
    }
    if (b)
        memcpy(b, at, d * sizeof *b);
    free(work);
    free(distance);
    return status;
}

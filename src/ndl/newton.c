/* newton.c -- truncated Newton descent of f(D, b); see newton.h.
 *
 * Each step solves H p = -g by conjugate gradients, preconditioned with the Hessian that f would
 * have if the codes did not follow: 2 sum_i (z_i, 1)^T (z_i, 1) + lambda diag(usage), the same
 * for every coordinate of the atoms.  At a direction of negative curvature CG stops, and the
 * line search, which otherwise only backtracks, goes as far as it pays.  f is piecewise smooth:
 * near a minimum away from the kinks the convergence is quadratic, and there f's own rounding
 * would hide the last steps, so a step may also be accepted for a smaller residual where the
 * predicted decrease is below that rounding. */
#include "newton.h"

#include "blas.h"
#include "gsl_errors.h"
#include "vec.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_randist.h>

struct newton {
    size_t entries;           /* (K + 1) d */
    size_t order;             /* of the preconditioner: K + 1, or K without a bias */
    struct ndl_matrix factor; /* its Cholesky factor */
    double *g, *p, *r, *s, *q, *Hq;
    struct ndl_point trial, further;
};

static enum ndl_status newton_alloc(struct newton *w, const struct ndl_reduced *f,
                                    struct ndl_error *err)
{
    *w = (struct newton){.entries = (f->K + 1) * f->d, .order = f->K + f->bias};
    enum ndl_status status = ndl_matrix_alloc(&w->factor, w->order, w->order, err);
    if (status == NDL_OK)
        status = ndl_point_alloc(&w->trial, f, err);
    if (status == NDL_OK)
        status = ndl_point_alloc(&w->further, f, err);
    double **vector[] = {&w->g, &w->p, &w->r, &w->s, &w->q, &w->Hq};
    for (size_t v = 0; v < sizeof vector / sizeof *vector && status == NDL_OK; v++) {
        *vector[v] = calloc(w->entries, sizeof **vector[v]);
        if (!*vector[v])
            status = ndl_fail(err, NDL_NOMEM, "no memory for %zu variables", w->entries);
    }
    return status;
}

static void newton_free(struct newton *w)
{
    ndl_matrix_free(&w->factor);
    ndl_point_free(&w->trial);
    ndl_point_free(&w->further);
    free(w->g);
    free(w->p);
    free(w->r);
    free(w->s);
    free(w->q);
    free(w->Hq);
}

/* Factors the preconditioner at p.  It is positive definite: the moments are those of real codes,
 * and a dead atom gets a one.  A ridge helps where rounding says otherwise. */
static enum ndl_status factor_preconditioner(struct newton *w, const struct ndl_reduced *f,
                                             const struct ndl_point *p, struct ndl_error *err)
{
    for (double ridge = 0; ridge<1; ridge = ridge> 0 ? 100 * ridge : 1e-14) {
        for (size_t a = 0; a < w->order; a++) {
            double *row = ndl_row(&w->factor, a);
            for (size_t c = 0; c <= a; c++)
                row[c] = 2 * ndl_row(&p->moment, a)[c];
            if (a < f->K)
                row[a] += ndl_usage(p, a) > 0 ? f->lambda * ndl_usage(p, a) : 1;
            row[a] *= 1 + ridge;
        }
        if (ndl_cholesky(w->order, w->factor.v, w->order) == NDL_OK)
            return NDL_OK;
    }
    return ndl_fail(err, NDL_LIBRARY, "fit: the preconditioner is not positive definite");
}

/* s = P M^-1 P r for tangent r */
static void precondition(const struct newton *w, const struct ndl_reduced *f,
                         const struct ndl_point *p, const double *r, double *s)
{
    memcpy(s, r, w->entries * sizeof *s);
    ndl_cholesky_solve(w->order, f->d, w->factor.v, w->order, s, f->d);
    ndl_tangent(f, p, s);
}

/* w->p ~ -H^-1 g to the relative accuracy `forcing`; w->g is the gradient.  False if that ended at
 * negative curvature. */
static bool direction(struct newton *w, struct ndl_reduced *f, const struct ndl_point *p,
                      double forcing, int most)
{
    size_t n = w->entries;
    memset(w->p, 0, n * sizeof *w->p);
    for (size_t e = 0; e < n; e++)
        w->r[e] = -w->g[e];
    precondition(w, f, p, w->r, w->s);
    memcpy(w->q, w->s, n * sizeof *w->q);
    double rs = ndl_dot(n, w->r, w->s), goal = forcing * forcing * rs;
    for (int i = 0; i < most && rs > goal && rs > 0; i++) {
        ndl_reduced_hessian(f, p, w->q, w->Hq);
        double curvature = ndl_dot(n, w->q, w->Hq);
        if (!(curvature > 0)) {
            /* the step that would be right without the codes' response */
            ndl_axpy(n, 1, w->q, w->p);
            return false;
        }
        double step = rs / curvature;
        ndl_axpy(n, step, w->q, w->p);
        ndl_axpy(n, -step, w->Hq, w->r);
        precondition(w, f, p, w->r, w->s);
        double next = ndl_dot(n, w->r, w->s);
        for (size_t e = 0; e < n; e++)
            w->q[e] = w->s[e] + next / rs * w->q[e];
        rs = next;
    }
    return true;
}

void ndl_retract(const struct ndl_reduced *f, const struct ndl_point *from, double t,
                 const double *step, struct ndl_point *to)
{
    memcpy(to->atoms_and_bias.v, from->atoms_and_bias.v,
           (f->K + 1) * f->d * sizeof *to->atoms_and_bias.v);
    ndl_axpy((f->K + 1) * f->d, t, step, to->atoms_and_bias.v);
    for (size_t k = 0; k < f->K; k++)
        ndl_normalise(f->d, ndl_row(&to->atoms_and_bias, k));
}

static void swap(struct ndl_point *a, struct ndl_point *b)
{
    struct ndl_point c = *a;
    *a = *b;
    *b = c;
}

static enum ndl_status try(struct newton *w, struct ndl_reduced *f, struct ndl_point *from,
                           double t, struct ndl_point *to, struct ndl_error *err)
{
    ndl_retract(f, from, t, w->p, to);
    return ndl_reduced_eval(f, to, &from->Z, err);
}

/* Moves p along w->p, by the whole step if that is good enough, else by a part of it, or by more
 * where the curvature is negative. */
static enum ndl_status line_search(struct newton *w, struct ndl_reduced *f, struct ndl_point *p,
                                   bool convex, bool *moved, struct ndl_error *err)
{
    double slope = ndl_dot(w->entries, w->g, w->p), rounding = 64 * DBL_EPSILON * p->loss, t = 1;
    enum ndl_status status = NDL_OK;
    *moved = false;
    while (t > 1e-8 && slope < 0 && !*moved) {
        status = try(w, f, p, t, &w->trial, err);
        if (status != NDL_OK)
            return status;
        double change = w->trial.loss - p->loss;
        *moved = change <= 1e-4 * t * slope || (-t * slope < 1e3 * rounding && change <= rounding &&
                                                w->trial.residual < p->residual);
        if (!*moved) {
            /* of the parabola through what we know */
            double best = -slope * t * t / (2 * (change - slope * t));
            t = fmin(fmax(best, 0.1 * t), 0.5 * t);
        }
    }
    for (bool more = *moved && !convex && t == 1; more;) {
        t *= 4;
        status = try(w, f, p, t, &w->further, err);
        if (status != NDL_OK)
            return status;
        more = w->further.loss < w->trial.loss - rounding;
        if (more)
            swap(&w->trial, &w->further);
    }
    if (*moved)
        swap(p, &w->trial);
    return NDL_OK;
}

enum ndl_status ndl_newton(struct ndl_reduced *f, struct ndl_point *p, struct ndl_descent *run,
                           struct ndl_error *err)
{
    struct newton w;
    enum ndl_status status = newton_alloc(&w, f, err);
    bool moved = true;
    while (status == NDL_OK && moved && p->residual > run->tolerance &&
           run->iterations < run->limit) {
        ndl_reduced_gradient(f, p, w.g);
        status = factor_preconditioner(&w, f, p, err);
        if (status != NDL_OK)
            break;
        bool convex = direction(&w, f, p, fmin(0.1, p->residual), 200);
        status = line_search(&w, f, p, convex, &moved, err);
        run->iterations++;
        if (run->progress)
            run->progress(run->progress_context, "newton", run->iterations, p->loss, p->residual);
    }
    newton_free(&w);
    return status;
}

/* ------------------------------------------------------------------- curvature */

/* The smallest eigenvalue of the symmetric tridiagonal matrix and its eigenvector y. */
static enum ndl_status smallest(size_t m, const double *diagonal, const double *off, double *value,
                                double *y, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    ndl_gsl_errors_returned();
    gsl_matrix *A = gsl_matrix_calloc(m, m), *vectors = gsl_matrix_alloc(m, m);
    gsl_vector *values = gsl_vector_alloc(m);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(m);
    if (!A || !vectors || !values || !work) {
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu Lanczos steps", m);
        goto done;
    }
    for (size_t i = 0; i < m; i++) {
        gsl_matrix_set(A, i, i, diagonal[i]);
        if (i + 1 < m)
            gsl_matrix_set(A, i + 1, i, off[i]); /* GSL reads the lower triangle */
    }
    if (gsl_eigen_symmv(A, values, vectors, work)) {
        status =
            ndl_fail(err, NDL_LIBRARY, "the eigenvalues of the Lanczos matrix did not converge");
        goto done;
    }
    size_t least = gsl_vector_min_index(values);
    *value = gsl_vector_get(values, least);
    for (size_t i = 0; i < m; i++)
        y[i] = gsl_matrix_get(vectors, i, least);
done:
    ndl_gsl_errors_as_before();
    gsl_eigen_symmv_free(work);
    gsl_vector_free(values);
    gsl_matrix_free(A);
    gsl_matrix_free(vectors);
    return status;
}

/* Orthogonalises v to the m rows of Q, twice, and normalises it; returns its norm. */
static double orthonormalise(size_t n, size_t m, const double *Q, double *v)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < m; i++)
            ndl_remove_along(n, Q + i * n, v);
    return ndl_normalise(n, v);
}

enum ndl_status ndl_curvature(struct ndl_reduced *f, const struct ndl_point *p, gsl_rng *rng,
                              size_t steps, double *curvature, double *direction_out,
                              struct ndl_error *err)
{
    size_t n = (f->K + 1) * f->d, m = 0;
    struct ndl_matrix Q;
    *curvature = nan("");
    memset(direction_out, 0, n * sizeof *direction_out);
    enum ndl_status status = ndl_matrix_alloc(&Q, steps + 1, n, err);
    double *diagonal = calloc(steps + 1, sizeof *diagonal), *off = calloc(steps + 1, sizeof *off),
           *y = calloc(steps + 1, sizeof *y);
    if (status == NDL_OK && (!diagonal || !off || !y))
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu Lanczos steps", steps);
    if (status == NDL_OK) {
        for (size_t e = 0; e < n; e++)
            Q.v[e] = gsl_ran_gaussian_ziggurat(rng, 1);
        ndl_tangent(f, p, Q.v);
        double norm = orthonormalise(n, 0, NULL, Q.v), largest = 0;
        while (m < steps && norm > 1e-10 * largest && norm > 0) {
            double *next = ndl_row(&Q, m + 1);
            ndl_reduced_hessian(f, p, ndl_row(&Q, m), next);
            diagonal[m] = ndl_dot(n, ndl_row(&Q, m), next);
            largest = fmax(largest, fabs(diagonal[m]));
            norm = orthonormalise(n, m + 1, Q.v, next);
            ndl_tangent(f, p, next);
            off[m++] = norm;
        }
        if (m > 0)
            status = smallest(m, diagonal, off, curvature, y, err);
        for (size_t i = 0; i < m; i++)
            ndl_axpy(n, y[i], ndl_row(&Q, i), direction_out);
        *curvature /= 2 * (double)f->X->rows;
    }
    free(diagonal);
    free(off);
    free(y);
    ndl_matrix_free(&Q);
    return status;
}

/* weighted.c -- see weighted.h.
 *
 * Exact codes by coordinate descent, which is quick for a few nearly orthogonal atoms, and BFGS in
 * the atoms for the loss that is left, f(D) = min_Z L, whose gradient is -2 <z_k r> across d_k. */
#include "weighted.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multimin.h>

struct reduced {
    const struct ndl_matrix *X;
    struct ndl_matrix D, Z; /* unit atoms; codes, which also warm-start the next ones */
    const double *lambda;   /* K */
};

static void unit_rows(const gsl_vector *v, struct ndl_matrix *D, double *norm)
{
    for (size_t k = 0; k < D->rows; k++) {
        for (size_t a = 0; a < D->cols; a++)
            ndl_row(D, k)[a] = gsl_vector_get(v, k * D->cols + a);
        norm[k] = ndl_normalise(D->cols, ndl_row(D, k));
    }
}

/* z >= 0 minimising |x - z D|^2 + sum_k lambda_k z_k; r = x - z D on return. */
static void code_sample(const struct reduced *f, const double *x, double *z, double *r)
{
    size_t K = f->D.rows, d = f->D.cols;
    for (size_t a = 0; a < d; a++) {
        r[a] = x[a];
        for (size_t k = 0; k < K; k++)
            r[a] -= z[k] * ndl_row(&f->D, k)[a];
    }
    double moved = 1;
    for (int sweep = 0; sweep < 1000 && moved > 1e-14; sweep++) {
        moved = 0;
        for (size_t k = 0; k < K; k++) {
            const double *atom = ndl_row(&f->D, k);
            double step = -f->lambda[k] / 2;
            for (size_t a = 0; a < d; a++)
                step += r[a] * atom[a];
            step = fmax(step, -z[k]);
            if (step == 0)
                continue;
            z[k] += step;
            for (size_t a = 0; a < d; a++)
                r[a] -= step * atom[a];
            keep_max(&moved, fabs(step));
        }
    }
}

static void value_and_gradient(const gsl_vector *v, void *context, double *value, gsl_vector *g)
{
    struct reduced *f = context;
    size_t K = f->D.rows, d = f->D.cols, N = f->X->rows;
    double norm[WEIGHTED_MAX], r[WEIGHTED_MAX];
    double G[WEIGHTED_MAX][WEIGHTED_MAX] = {{0}};
    unit_rows(v, &f->D, norm);
    *value = 0;
    for (size_t i = 0; i < N; i++) {
        double *z = ndl_row(&f->Z, i);
        code_sample(f, ndl_row(f->X, i), z, r);
        for (size_t a = 0; a < d; a++)
            *value += r[a] * r[a] / (double)N;
        for (size_t k = 0; k < K; k++) {
            *value += f->lambda[k] * z[k] / (double)N;
            for (size_t a = 0; a < d; a++)
                G[k][a] -= 2 * z[k] * r[a] / (double)N;
        }
    }
    for (size_t k = 0; k < K && g; k++) {
        const double *atom = ndl_row(&f->D, k);
        double along = 0;
        for (size_t a = 0; a < d; a++)
            along += G[k][a] * atom[a];
        for (size_t a = 0; a < d; a++)
            gsl_vector_set(g, k * d + a, (G[k][a] - along * atom[a]) / norm[k]);
    }
}

static double value_only(const gsl_vector *v, void *context)
{
    double value;
    value_and_gradient(v, context, &value, NULL);
    return value;
}

static void gradient_only(const gsl_vector *v, void *context, gsl_vector *g)
{
    double value;
    value_and_gradient(v, context, &value, g);
}

/* From the atoms in f->D to a local minimum; the gradient's norm there. */
static double minimise(struct reduced *f)
{
    size_t n = f->D.rows * f->D.cols;
    gsl_multimin_function_fdf function = {value_only, gradient_only, value_and_gradient, n, f};
    gsl_vector_view start = gsl_vector_view_array(f->D.v, n);
    gsl_vector *x = gsl_vector_alloc(n);
    gsl_vector_memcpy(x, &start.vector);
    gsl_multimin_fdfminimizer *m =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, n);
    gsl_multimin_fdfminimizer_set(m, &function, x, 0.01, 0.1);
    for (int step = 0; step < 1000; step++)
        if (gsl_multimin_fdfminimizer_iterate(m) != GSL_SUCCESS ||
            gsl_blas_dnrm2(m->gradient) < 1e-10)
            break;
    double gradient = gsl_blas_dnrm2(m->gradient), value;
    value_and_gradient(m->x, f, &value, NULL);
    gsl_multimin_fdfminimizer_free(m);
    gsl_vector_free(x);
    return gradient;
}

double weighted_fit(const struct claim *claim, const struct ndl_matrix *X, const double *lambda,
                    struct ndl_matrix *D, struct ndl_matrix *Z)
{
    struct reduced f = {X, *D, claim_matrix(claim, X->rows, D->rows), lambda};
    double gradient = minimise(&f);
    *D = f.D;
    *Z = f.Z;
    return gradient;
}

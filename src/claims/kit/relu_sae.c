/* relu_sae.c -- see relu_sae.h. */
#include "relu_sae.h"

#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multimin.h>

struct relu_sae relu_sae_new(const struct claim *claim, size_t K, size_t d, double lambda)
{
    return (struct relu_sae){.E = claim_matrix(claim, K, d),
                             .D = claim_matrix(claim, K, d),
                             .beta = claim_matrix(claim, 1, K),
                             .b = claim_matrix(claim, 1, d),
                             .lambda = lambda};
}

void relu_sae_free(struct relu_sae *sae)
{
    ndl_matrix_free(&sae->E);
    ndl_matrix_free(&sae->D);
    ndl_matrix_free(&sae->beta);
    ndl_matrix_free(&sae->b);
}

struct ndl_matrix relu_sae_encode(const struct claim *claim, const struct relu_sae *sae,
                                  const struct ndl_matrix *X)
{
    size_t K = sae->D.rows, d = sae->D.cols;
    struct ndl_matrix P = claim_matrix(claim, X->rows, K);
    for (size_t i = 0; i < X->rows; i++)
        for (size_t k = 0; k < K; k++)
            ndl_row(&P, i)[k] =
                sae->beta.v[k] +
                ndl_dot(d, ndl_row(sae->tied ? &sae->D : &sae->E, k), ndl_row(X, i));
    return P;
}

/* x - xhat for one sample from its pre-activations. */
static void residual(const struct relu_sae *sae, const double *x, const double *pi, double *r)
{
    for (size_t a = 0; a < sae->D.cols; a++)
        r[a] = x[a] - sae->b.v[a];
    for (size_t k = 0; k < sae->D.rows; k++)
        if (pi[k] > 0)
            for (size_t a = 0; a < sae->D.cols; a++)
                r[a] -= pi[k] * ndl_row(&sae->D, k)[a];
}

double relu_sae_loss(const struct claim *claim, const struct relu_sae *sae,
                     const struct ndl_matrix *X, struct relu_sae *g)
{
    size_t K = sae->D.rows, d = sae->D.cols;
    double loss = 0, n = (double)X->rows;
    struct ndl_matrix P = relu_sae_encode(claim, sae, X), r = claim_matrix(claim, 1, d),
                      norm = claim_matrix(claim, 1, K);
    for (size_t k = 0; k < K; k++)
        norm.v[k] = ndl_norm(d, ndl_row(&sae->D, k));
    if (g) {
        memset(g->E.v, 0, K * d * sizeof(double));
        memset(g->D.v, 0, K * d * sizeof(double));
        memset(g->beta.v, 0, K * sizeof(double));
        memset(g->b.v, 0, d * sizeof(double));
    }
    for (size_t i = 0; i < X->rows; i++) {
        const double *x = ndl_row(X, i), *pi = ndl_row(&P, i);
        residual(sae, x, pi, r.v);
        loss += ndl_dot(d, r.v, r.v) / n;
        for (size_t a = 0; a < d && g; a++)
            g->b.v[a] -= 2 * r.v[a] / n;
        for (size_t k = 0; k < K; k++) {
            if (pi[k] <= 0)
                continue;
            const double *atom = ndl_row(&sae->D, k);
            loss += sae->lambda * norm.v[k] * pi[k] / n;
            if (!g)
                continue;
            double slope = (sae->lambda * norm.v[k] - 2 * ndl_dot(d, r.v, atom)) / n;
            double *encoder = ndl_row(sae->tied ? &g->D : &g->E, k);
            g->beta.v[k] += slope;
            for (size_t a = 0; a < d; a++) {
                encoder[a] += slope * x[a];
                ndl_row(&g->D, k)[a] +=
                    pi[k] * (sae->lambda * atom[a] / norm.v[k] - 2 * r.v[a]) / n;
            }
        }
    }
    ndl_matrix_free(&P);
    ndl_matrix_free(&r);
    ndl_matrix_free(&norm);
    return loss;
}

/* ---------------------------------------------------------------- training */

struct training {
    const struct claim *claim;
    const struct ndl_matrix *X;
    struct relu_sae *sae, *gradient;
};

/* All parameters as one vector, or from one. */
static void pack(const struct relu_sae *sae, gsl_vector *v)
{
    const struct ndl_matrix *part[] = {&sae->E, &sae->D, &sae->beta, &sae->b};
    size_t at = 0;
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < part[p]->rows * part[p]->cols; i++)
            gsl_vector_set(v, at++, part[p]->v[i]);
}

static void unpack(const gsl_vector *v, struct relu_sae *sae)
{
    struct ndl_matrix *part[] = {&sae->E, &sae->D, &sae->beta, &sae->b};
    size_t at = 0;
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < part[p]->rows * part[p]->cols; i++)
            part[p]->v[i] = gsl_vector_get(v, at++);
}

static void value_and_gradient(const gsl_vector *v, void *context, double *value, gsl_vector *g)
{
    struct training *t = context;
    unpack(v, t->sae);
    *value = relu_sae_loss(t->claim, t->sae, t->X, g ? t->gradient : NULL);
    if (g)
        pack(t->gradient, g);
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

double relu_sae_train(const struct claim *claim, struct relu_sae *sae, const struct ndl_matrix *X,
                      int steps)
{
    size_t K = sae->D.rows, d = sae->D.cols, n = 2 * K * d + K + d;
    struct relu_sae gradient = relu_sae_new(claim, K, d, sae->lambda);
    struct training t = {claim, X, sae, &gradient};
    gsl_multimin_function_fdf function = {value_only, gradient_only, value_and_gradient, n, &t};
    gsl_vector *x = gsl_vector_alloc(n);
    pack(sae, x);
    gsl_multimin_fdfminimizer *m =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, n);
    /* A search that a kink has stopped begins afresh from the gradient. */
    bool afresh = true, moved = true;
    for (int step = 0; step < steps && (moved || !afresh); step++) {
        afresh = step == 0 || !moved;
        if (afresh)
            gsl_multimin_fdfminimizer_set(m, &function, x, 0.01, 0.1);
        moved = gsl_multimin_fdfminimizer_iterate(m) == GSL_SUCCESS;
        gsl_vector_memcpy(x, m->x);
    }
    unpack(m->x, sae);
    double norm = gsl_blas_dnrm2(m->gradient);
    gsl_multimin_fdfminimizer_free(m);
    gsl_vector_free(x);
    relu_sae_free(&gradient);
    return norm;
}

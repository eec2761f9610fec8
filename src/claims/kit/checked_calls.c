/* checked_calls.c -- calls of the library that end the program on an error. */
#include "claim.h"

#include <string.h>

struct ndl_matrix claim_matrix(const struct claim *claim, size_t rows, size_t cols)
{
    struct ndl_error err;
    struct ndl_matrix m;
    claim_check_status(claim, ndl_matrix_alloc(&m, rows, cols, &err), &err);
    return m;
}

struct ndl_matrix claim_copy(const struct claim *claim, const struct ndl_matrix *m)
{
    struct ndl_error err;
    struct ndl_matrix copy;
    claim_check_status(claim, ndl_matrix_copy(&copy, m, &err), &err);
    return copy;
}

struct ndl_matrix claim_dense(const struct claim *claim, const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    claim_check_status(claim, ndl_codes_to_dense(&Z, &m->Z, &err), &err);
    return Z;
}

struct ndl_matrix claim_residuals(const struct claim *claim, const struct ndl_matrix *X,
                                  const struct ndl_model *m)
{
    struct ndl_matrix R = claim_matrix(claim, X->rows, X->cols);
    for (size_t i = 0; i < X->rows; i++)
        measure_residual(X, m, i, ndl_row(&R, i));
    return R;
}

struct ndl_matrix claim_synthetic(const struct claim *claim, const struct ndl_matrix *Z,
                                  const struct ndl_matrix *D)
{
    struct ndl_matrix X = claim_matrix(claim, Z->rows, D->cols);
    for (size_t i = 0; i < Z->rows; i++)
        for (size_t k = 0; k < D->rows; k++)
            ndl_axpy(D->cols, ndl_row(Z, i)[k], ndl_row(D, k), ndl_row(&X, i));
    return X;
}

struct ndl_matrix claim_repeat(const struct claim *claim, const struct ndl_matrix *kinds,
                               const double *weight, size_t samples, size_t *first)
{
    struct ndl_matrix X = claim_matrix(claim, samples, kinds->cols);
    size_t row = 0, surplus = 0;
    for (size_t e = 0; e < kinds->rows; e++) {
        first[e] = row;
        for (long n = lround(weight[e] * (double)samples); n > 0; n--)
            if (row < samples)
                memcpy(ndl_row(&X, row++), ndl_row(kinds, e), kinds->cols * sizeof *X.v);
            else
                surplus++;
    }
    if (row + surplus != samples) {
        struct ndl_error err;
        claim_check_status(claim,
                           ndl_fail(&err, NDL_BADDATA, "the weights make %zu samples, not %zu",
                                    row + surplus, samples),
                           &err);
    }
    return X;
}

struct ndl_model claim_model(const struct claim *claim, const struct ndl_matrix *D,
                             const struct ndl_matrix *b, const struct ndl_matrix *Z, double lambda)
{
    struct ndl_error err;
    struct ndl_model m = {.D = claim_copy(claim, D), .lambda = lambda, .bias = true};
    m.b = b ? claim_copy(claim, b) : claim_matrix(claim, 1, D->cols);
    claim_check_status(claim, ndl_codes_from_dense(&m.Z, Z, &err), &err);
    return m;
}

struct ndl_model claim_planar(const struct claim *claim, double cosine, const struct ndl_matrix *Z,
                              double lambda, struct ndl_matrix *X)
{
    double atoms[4] = {1, 0, cosine, sqrt(1 - cosine * cosine)};
    const struct ndl_matrix D = {2, 2, atoms};
    *X = claim_synthetic(claim, Z, &D);
    return claim_model(claim, &D, NULL, Z, lambda);
}

void claim_encode(const struct claim *claim, const struct ndl_matrix *X, struct ndl_model *m)
{
    struct ndl_error err;
    const struct ndl_encode_options exact = {.threads = 1};
    claim_check_status(claim, ndl_encode(X, &m->D, &m->b, m->lambda, &exact, &m->Z, NULL, &err),
                       &err);
}

struct ndl_model claim_model_encoded(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_matrix *D, const struct ndl_matrix *b,
                                     double lambda, bool bias)
{
    struct ndl_model m = {
        .D = claim_copy(claim, D), .b = claim_copy(claim, b), .lambda = lambda, .bias = bias};
    claim_encode(claim, X, &m);
    return m;
}

double claim_fit(const struct claim *claim, const struct ndl_matrix *X,
                 const struct ndl_fit_options *options, struct ndl_model *m, bool *converged)
{
    struct ndl_error err;
    struct ndl_fit_report report;
    enum ndl_status status = ndl_fit(X, options, m, &report, &err);
    if (converged)
        *converged = status == NDL_OK;
    if (!converged || status != NDL_NOCONV)
        claim_check_status(claim, status, &err);
    double loss = report.loss;
    ndl_fit_report_free(&report);
    return loss;
}

struct ndl_model claim_fit_random(const struct claim *claim, gsl_rng *rng,
                                  const struct ndl_matrix *X, size_t atoms, double lambda,
                                  bool bias, int starts, double *loss)
{
    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, lambda);
    options.bias = bias;
    options.starts = starts;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1000000);
    *loss = claim_fit(claim, X, &options, &m, NULL);
    return m;
}

struct ndl_model claim_fit_from(const struct claim *claim, const struct ndl_matrix *X,
                                const struct ndl_matrix *D0, double lambda, bool bias, double *loss)
{
    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, lambda);
    options.bias = bias;
    options.D0 = D0;
    *loss = claim_fit(claim, X, &options, &m, NULL);
    return m;
}

struct ndl_certificate claim_certify(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_certificate c;
    claim_check_status(claim, ndl_certify(X, m, &c, &err), &err);
    return c;
}

double claim_wide_bound(const struct claim *claim, const struct ndl_matrix *X, double lambda,
                        bool bias, double *b)
{
    struct ndl_error err;
    double bound;
    claim_check_status(claim, ndl_wide_bound(X, lambda, bias, &bound, b, &err), &err);
    return bound;
}

struct ndl_model claim_fit_from_model(const struct claim *claim, const struct ndl_matrix *X,
                                      const struct ndl_model *start, double lambda, bool *converged)
{
    struct ndl_model end;
    struct ndl_fit_options options = ndl_fit_defaults(start->D.rows, lambda);
    options.D0 = &start->D;
    options.b0 = &start->b;
    options.tolerance = 1e-9;
    options.max_iterations = 20000;
    claim_fit(claim, X, &options, &end, converged);
    return end;
}

struct ndl_condition claim_condition(const struct claim *claim, const struct ndl_model *m, size_t j,
                                     size_t k, enum ndl_hull_method method, double slack)
{
    struct ndl_error err;
    struct ndl_condition c;
    claim_check_status(
        claim, ndl_condition_check(m, k, j == k ? NULL : &j, j != k, method, 0, slack, &c, &err),
        &err);
    return c;
}

double claim_margin(const struct ndl_condition *c)
{
    return isnan(c->margin) ? c->margin_l1 : c->margin;
}

double claim_change(const struct claim *claim, const struct ndl_matrix *X,
                    const struct ndl_model *m, const struct ndl_condition *c, double eps)
{
    struct ndl_error err;
    struct ndl_model moved;
    claim_check_status(claim, ndl_condition_step(m, c, eps, &moved, &err), &err);
    double change = (ndl_loss(X, &moved) - ndl_loss(X, m)) / ((double)X->rows * m->lambda);
    ndl_model_free(&moved);
    return change;
}

double claim_slope(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                   const struct ndl_condition *c)
{
    const double h = 1e-4;
    return (4 * claim_change(claim, X, m, c, h) - claim_change(claim, X, m, c, 2 * h)) / (2 * h);
}

/* eliminated_dictionary.c -- the loss with the dictionary (and the bias) eliminated, as a
 * function of Q = Z Z^T. */
#include "gsl_errors.h"
#include "ndl.h"

#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>

/* P <- P - P 1 1^T P / (1^T P 1). */
static void project_out_ones(gsl_matrix *P, double *sums)
{
    size_t N = P->size1;
    double total = 0;
    for (size_t i = 0; i < N; i++) {
        sums[i] = 0;
        for (size_t j = 0; j < N; j++)
            sums[i] += gsl_matrix_get(P, i, j);
        total += sums[i];
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            *gsl_matrix_ptr(P, i, j) -= sums[i] * sums[j] / total;
}

enum ndl_status ndl_eliminated(const struct ndl_matrix *X, const struct ndl_matrix *Q,
                               double lambda, bool bias, double *value, struct ndl_matrix *P,
                               struct ndl_matrix *PX, struct ndl_error *err)
{
    size_t N = X->rows;
    *P = *PX = (struct ndl_matrix){0};
    if (Q->rows != N || Q->cols != N || N == 0 || X->cols == 0 || !(lambda > 0))
        return ndl_fail(err, NDL_BADARG, "eliminated: X is %zu x %zu, Q %zu x %zu, lambda %g", N,
                        X->cols, Q->rows, Q->cols, lambda);
    enum ndl_status status = ndl_matrix_copy(P, Q, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(PX, N, X->cols, err); /* its first N entries serve as workspace */
    if (status != NDL_OK) {
        ndl_matrix_free(P);
        return status;
    }
    gsl_matrix_view p = gsl_matrix_view_array(P->v, N, N),
                    px = gsl_matrix_view_array(PX->v, N, X->cols);
    gsl_matrix_const_view x = gsl_matrix_const_view_array(X->v, N, X->cols);
    for (size_t i = 0; i < N; i++)
        ndl_row(P, i)[i] += lambda / 2;
    ndl_gsl_errors_returned();
    int failed = gsl_linalg_cholesky_decomp1(&p.matrix) || gsl_linalg_cholesky_invert(&p.matrix);
    ndl_gsl_errors_as_before();
    if (failed) {
        ndl_matrix_free(P);
        ndl_matrix_free(PX);
        return ndl_fail(err, NDL_BADDATA, "eliminated: Q + lambda/2 I is not positive definite");
    }
    if (bias)
        project_out_ones(&p.matrix, PX->v);
    gsl_blas_dgemm(CblasNoTrans, CblasNoTrans, 1, &p.matrix, &x.matrix, 0, &px.matrix);
    *value = 0;
    for (size_t e = 0; e < N * X->cols; e++)
        *value += X->v[e] * PX->v[e];
    for (size_t e = 0; e < N * N; e++)
        *value += Q->v[e];
    *value *= lambda / 2;
    return NDL_OK;
}

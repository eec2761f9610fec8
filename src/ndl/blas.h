/* blas.h -- the BLAS and LAPACK routines this library uses, each wrapped once
 * with its shapes checked (for every room of this repository; not installed).
 *
 * The reason: cblas answers a wrong leading dimension with one line on stderr,
 * leaves the result unchanged and goes on.  All matrices are row-major.  Results
 * must not depend on how many threads OpenBLAS would like: our own threads work
 * on blocks of samples and call it single-threaded. */
#ifndef NDL_BLAS_H
#define NDL_BLAS_H

#include "ndl.h"

enum ndl_op { NDL_PLAIN, NDL_TRANSPOSED };

/* Makes every later BLAS call single-threaded (a process-wide setting). */
void ndl_blas_single_threaded(void);

/* The threads, of those allowed, that a pass over N samples, K atoms and d dimensions is to use:
 * with N K d below half a million it is over before a second thread has begun. */
static inline int ndl_threads(size_t N, size_t K, size_t d, int allowed)
{
    return (double)N * (double)K * (double)d < (1 << 19) ? 1 : allowed;
}

/* C = alpha op(A) op(B) + beta C, with op(A) m x k, op(B) k x n, C m x n and
 * row strides lda, ldb, ldc.  NDL_BADARG (C untouched) if a stride is shorter than
 * its row or a size does not fit a BLAS int. */
enum ndl_status ndl_gemm(enum ndl_op opA, enum ndl_op opB, size_t m, size_t n, size_t k,
                         double alpha, const double *A, size_t lda, const double *B, size_t ldb,
                         double beta, double *C, size_t ldc);

/* Overwrites the lower triangle of the symmetric A (n x n, stride lda) by its
 * Cholesky factor.  NDL_BADARG on shapes, NDL_LIBRARY if A is not positive definite. */
enum ndl_status ndl_cholesky(size_t n, double *A, size_t lda);

/* B (n x m) = A^-1 B for the factor L (lower, n x n) that ndl_cholesky left. */
enum ndl_status ndl_cholesky_solve(size_t n, size_t m, const double *L, size_t ldl, double *B,
                                   size_t ldb);

#endif

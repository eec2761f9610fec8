/* blas.c -- checked wrappers; see blas.h. */
#include "blas.h"

#include <limits.h>

#include <cblas.h>

/* LAPACK as OpenBLAS exports it (Debian ships no header for it without LAPACKE). */
void dpotrf_(const char *uplo, const int *n, double *A, const int *lda, int *info);

/* OpenBLAS's threads wait for work busily for 2^26 cycles, and have done so since it was loaded:
 * that is longer than some of our runs.  This ends them; OpenBLAS would start them again if
 * asked for more than one thread.  It exports the function, as does GotoBLAS before it, but in
 * no header; its serial build has none. */
int blas_thread_shutdown_(void) __attribute__((weak));

void ndl_blas_single_threaded(void)
{
    openblas_set_num_threads(1);
    if (blas_thread_shutdown_)
        blas_thread_shutdown_();
}

/* A rows x cols matrix with this stride is acceptable to BLAS. */
static bool shape_ok(size_t rows, size_t cols, size_t stride)
{
    return rows <= INT_MAX && cols <= INT_MAX && stride <= INT_MAX && stride >= cols && stride >= 1;
}

enum ndl_status ndl_gemm(enum ndl_op opA, enum ndl_op opB, size_t m, size_t n, size_t k,
                         double alpha, const double *A, size_t lda, const double *B, size_t ldb,
                         double beta, double *C, size_t ldc)
{
    bool ok = shape_ok(m, n, ldc);
    ok = ok && (opA == NDL_PLAIN ? shape_ok(m, k, lda) : shape_ok(k, m, lda));
    ok = ok && (opB == NDL_PLAIN ? shape_ok(k, n, ldb) : shape_ok(n, k, ldb));
    if (!ok)
        return NDL_BADARG;
    if (m > 0 && n > 0)
        cblas_dgemm(CblasRowMajor, opA == NDL_PLAIN ? CblasNoTrans : CblasTrans,
                    opB == NDL_PLAIN ? CblasNoTrans : CblasTrans, (int)m, (int)n, (int)k, alpha, A,
                    (int)lda, B, (int)ldb, beta, C, (int)ldc);
    return NDL_OK;
}

enum ndl_status ndl_cholesky(size_t n, double *A, size_t lda)
{
    if (!shape_ok(n, n, lda))
        return NDL_BADARG;
    int order = (int)n, stride = (int)lda, info = 0;
    if (n > 0) /* LAPACK reads column-major: its upper triangle is our lower one */
        dpotrf_("U", &order, A, &stride, &info);
    return info == 0 ? NDL_OK : NDL_LIBRARY;
}

enum ndl_status ndl_cholesky_solve(size_t n, size_t m, const double *L, size_t ldl, double *B,
                                   size_t ldb)
{
    if (!shape_ok(n, n, ldl) || !shape_ok(n, m, ldb))
        return NDL_BADARG;
    if (n > 0 && m > 0) {
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)n,
                    (int)m, 1, L, (int)ldl, B, (int)ldb);
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (int)n, (int)m,
                    1, L, (int)ldl, B, (int)ldb);
    }
    return NDL_OK;
}

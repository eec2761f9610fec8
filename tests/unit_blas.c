/* The pitfalls of BLAS and GSL that this project steps around, kept from coming back. */
#include "check.h"

#include "ndl/blas.h"
#include "ndl/random.h"

#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_cblas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_math.h>

/* From OpenBLAS's <cblas.h>, which cannot be included together with GSL's matrices. */
int openblas_get_num_threads(void);
void openblas_set_num_threads(int threads);

/* Link order decides between OpenBLAS and gslcblas, which is ten times slower. */
static void blas_is_openblas(void **state)
{
    (void)state;
    __typeof__(&cblas_dgemm) gemm = cblas_dgemm;
    void *address;
    Dl_info info;
    memcpy(&address, &gemm, sizeof address); /* ISO C has no cast from function to object pointer */
    assert_int_not_equal(dladdr(address, &info), 0);
    assert_non_null(strstr(info.dli_fname, "libopenblas"));
}

static int other_threads(void)
{
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    int n = -1; /* this one */
    for (struct dirent *entry; (entry = readdir(threads));)
        n += entry->d_name[0] != '.';
    closedir(threads);
    return n;
}

static void blas_is_single_threaded(void **state)
{
    (void)state;
    openblas_set_num_threads(2);
    ndl_blas_single_threaded();
    assert_int_equal(openblas_get_num_threads(), 1);
    /* None of OpenBLAS's threads is left to wait busily, and products are still right. */
    int others = 1;
    /* the kernel takes a moment after the join */
    for (int wait = 0; others > 0 && wait < 1000; wait++, usleep(1000))
        others = other_threads();
    assert_int_equal(others, 0);
    const double A[4] = {1, 2, 3, 4};
    double C[4] = {0};
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, 2, 2, 2, 1, A, 2, A, 2, 0, C, 2), NDL_OK);
    assert_true(gsl_pow_2(C[0] - 7) + gsl_pow_2(C[3] - 22) <= 0);
}

static void gemm_multiplies(void **state)
{
    (void)state;
    const double A[6] = {1, 2, 3, 4, 5, 6}, B[6] = {1, 0, 2, 1, -1, 3}; /* 2 x 3 and 3 x 2 */
    double C[4] = {100, 100, 100, 100};
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, 2, 2, 3, 1, A, 3, B, 2, 0, C, 2), NDL_OK);
    const double AB[4] = {2, 11, 8, 23};
    for (int e = 0; e < 4; e++)
        check_close(C[e], AB[e], 0); /* small integers: exact */
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, 2, 2, 3, 1, A, 3, A, 3, 1, C, 2), NDL_OK);
    const double more[4] = {2 + 14, 11 + 32, 8 + 32, 23 + 77};
    for (int e = 0; e < 4; e++)
        check_close(C[e], more[e], 0);
    double T[9];
    assert_int_equal(ndl_gemm(NDL_TRANSPOSED, NDL_PLAIN, 3, 3, 2, 1, A, 3, A, 3, 0, T, 3), NDL_OK);
    check_close(T[1], 1 * 2 + 4 * 5, 0);
}

/* cblas would print a line, leave C as it was and go on. */
static void gemm_refuses_wrong_shapes(void **state)
{
    (void)state;
    const double A[6] = {1, 2, 3, 4, 5, 6}, B[6] = {1, 0, 2, 1, -1, 3};
    double C[4] = {7, 7, 7, 7};
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, 2, 2, 3, 1, A, 2, B, 2, 0, C, 2), NDL_BADARG);
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, 2, 2, 3, 1, A, 3, B, 1, 0, C, 2), NDL_BADARG);
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, 2, 2, 3, 1, A, 3, B, 2, 0, C, 1), NDL_BADARG);
    assert_int_equal(ndl_gemm(NDL_TRANSPOSED, NDL_PLAIN, 3, 2, 2, 1, A, 2, B, 2, 0, C, 2),
                     NDL_BADARG);
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, 2, 3, 2, 1, A, 3, B, 1, 0, C, 3),
                     NDL_BADARG);
    assert_int_equal(ndl_gemm(NDL_PLAIN, NDL_PLAIN, (size_t)1 << 32, 2, 3, 1, A, 3, B, 2, 0, C, 2),
                     NDL_BADARG);
    for (int e = 0; e < 4; e++)
        check_close(C[e], 7, 0);
}

static void cholesky_factors_and_solves(void **state)
{
    (void)state;
    double A[4] = {4, 99, 2, 5}; /* the upper triangle is not read */
    assert_int_equal(ndl_cholesky(2, A, 2), NDL_OK);
    check_close(A[0], 2, 0);
    check_close(A[2], 1, 0);
    check_close(A[3], 2, 0);
    double B[4] = {8, 4, 14, 10}; /* two right-hand sides; [4 2; 2 5]^-1 */
    assert_int_equal(ndl_cholesky_solve(2, 2, A, 2, B, 2), NDL_OK);
    const double solution[4] = {0.75, 0, 2.5, 2};
    for (int e = 0; e < 4; e++)
        check_close(B[e], solution[e], 4e-16); /* a rounding or two at size 2.5 */
    double indefinite[4] = {1, 0, 2, 1};
    assert_int_equal(ndl_cholesky(2, indefinite, 2), NDL_LIBRARY);
    assert_int_equal(ndl_cholesky(2, A, 1), NDL_BADARG);
    assert_int_equal(ndl_cholesky_solve(2, 2, A, 1, B, 2), NDL_BADARG);
    assert_int_equal(ndl_cholesky_solve(2, 2, A, 2, B, 1), NDL_BADARG);
}

/* Without <gsl/gsl_math.h> this returned 1 with only a warning. */
static void gsl_pow_is_declared(void **state)
{
    (void)state;
    check_close(gsl_pow_2(0), 0, 0);
    check_close(gsl_pow_2(3), 9, 0);
}

static void gsl_rows_are_tda_apart(void **state)
{
    (void)state;
    gsl_matrix *m = gsl_matrix_calloc(3, 4);
    gsl_matrix_set(m, 2, 1, 5);
    gsl_matrix_view part = gsl_matrix_submatrix(m, 1, 1, 2, 2);
    assert_int_equal(part.matrix.tda, 4);
    check_close(part.matrix.data[1 * part.matrix.tda + 0], 5, 0);
    gsl_matrix_free(m);
}

static void gsl_svd_rejects_wide_matrices(void **state)
{
    (void)state;
    gsl_matrix *A = gsl_matrix_calloc(2, 3), *V = gsl_matrix_calloc(3, 3);
    gsl_vector *S = gsl_vector_calloc(3), *work = gsl_vector_calloc(3);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    assert_int_not_equal(gsl_linalg_SV_decomp(A, V, S, work), GSL_SUCCESS);
    gsl_set_error_handler(handler);
    gsl_matrix_free(A);
    gsl_matrix_free(V);
    gsl_vector_free(S);
    gsl_vector_free(work);
}

/* mt19937 takes 0 for 4357; ndl_rng refuses what would not be a seed of its own. */
static void mt19937_seeds(void **state)
{
    (void)state;
    gsl_rng *zero = gsl_rng_alloc(gsl_rng_mt19937), *other = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(zero, 0);
    gsl_rng_set(other, 4357);
    assert_int_equal(gsl_rng_get(zero), gsl_rng_get(other));
    gsl_rng_free(zero);
    gsl_rng_free(other);
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 0, 0, NULL), NDL_BADARG);
    assert_int_equal(ndl_rng(&rng, (uint64_t)1 << 32, 0, NULL), NDL_BADARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blas_is_openblas),
        cmocka_unit_test(blas_is_single_threaded),
        cmocka_unit_test(gemm_multiplies),
        cmocka_unit_test(gemm_refuses_wrong_shapes),
        cmocka_unit_test(cholesky_factors_and_solves),
        cmocka_unit_test(gsl_pow_is_declared),
        cmocka_unit_test(gsl_rows_are_tda_apart),
        cmocka_unit_test(gsl_svd_rejects_wide_matrices),
        cmocka_unit_test(mt19937_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

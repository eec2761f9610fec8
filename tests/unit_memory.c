/* unit_memory.c -- "nothing here prints or exits": every allocation fails in turn, those of GSL,
 * GLPK and Qhull too, and GSL's own errors are provoked.  The library says NDL_NOMEM, or the error
 * it has found, until the allocations are enough; it leaves GSL's handler as it was. */
#include "check.h"

#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_errno.h>

/* The allocation that fails, counted down; below 0 none does.  One thread only. */
static long fail_at = -1;
static bool failed;

/* The sanitizers have an allocator of their own: there the test only sees the successes. */
#if !defined __SANITIZE_ADDRESS__ && defined __GLIBC__
static bool fails(void)
{
    if (fail_at < 0 || fail_at-- > 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}
void *realloc(void *at, size_t size)
{
    return fails() ? NULL : __libc_realloc(at, size);
}
#endif

static double number(unsigned i) /* in [0, 1), without structure */
{
    return (double)(i * 2654435761u % 1000u) / 1000;
}

static void fill(struct ndl_matrix *m, size_t rows, size_t cols)
{
    assert_int_equal(ndl_matrix_alloc(m, rows, cols, NULL), NDL_OK);
    for (size_t e = 0; e < rows * cols; e++)
        m->v[e] = number((unsigned)(17 * e + rows));
}

/* Runs the call with its n-th allocation failing, for n = 0, 1, ... until none fails any more.  An
 * allocation whose failure a library can do without may leave the result as it is. */
#define every_allocation_fails(call)                                                               \
    do {                                                                                           \
        enum ndl_status status_;                                                                   \
        long n_ = 0;                                                                               \
        do {                                                                                       \
            struct ndl_error err_ = {{0}};                                                         \
            failed = false;                                                                        \
            fail_at = n_++;                                                                        \
            status_ = (call)(&err_);                                                               \
            fail_at = -1;                                                                          \
            if (status_ != NDL_OK && status_ != NDL_NOMEM && status_ != NDL_IO &&                  \
                status_ != NDL_LIBRARY)                                                            \
                fail_msg("allocation %ld: status %d, %s", n_ - 1, (int)status_, err_.text);        \
            assert_true(status_ == NDL_OK || err_.text[0]);                                        \
        } while (failed && n_ < 100000);                                                           \
        assert_int_equal(status_, NDL_OK);                                                         \
    } while (0)

static struct ndl_matrix X;

static enum ndl_status fit(struct ndl_error *err)
{
    struct ndl_fit_options options = ndl_fit_defaults(3, 0.5);
    struct ndl_model model;
    struct ndl_fit_report report;
    enum ndl_status status = ndl_fit(&X, &options, &model, &report, err);
    ndl_model_free(&model);
    ndl_fit_report_free(&report);
    return status;
}

static enum ndl_status rng(struct ndl_error *err)
{
    gsl_rng *r;
    enum ndl_status status = ndl_rng(&r, 1, 2, err);
    if (r)
        gsl_rng_free(r);
    return status;
}

static enum ndl_hull_method method;

static enum ndl_status hull(struct ndl_error *err)
{
    double q[3] = {0.5, 0.5, 0.5};
    struct ndl_hull_result r;
    enum ndl_status status = ndl_hull_locate(&X, q, NDL_HULL, method, 1e-9, &r, err);
    ndl_hull_result_free(&r);
    return status;
}

static enum ndl_status outside(struct ndl_error *err)
{
    double q[3] = {5, 5, 5};
    struct ndl_hull_result r;
    enum ndl_status status = ndl_hull_locate(&X, q, NDL_HULL, NDL_AUTO, 1e-9, &r, err);
    ndl_hull_result_free(&r);
    return status;
}

static char tree_file[] = "/tmp/ndl-memory-XXXXXX";

static enum ndl_status tree(struct ndl_error *err)
{
    struct ndl_tree *t = NULL;
    gsl_rng *r = NULL;
    struct ndl_matrix D = {0}, Z = {0};
    enum ndl_status status = ndl_tree_read(&t, tree_file, err);
    if (status == NDL_OK)
        status = ndl_rng(&r, 1, 2, err);
    if (status == NDL_OK)
        status = ndl_tree_directions(t, 3, r, &D, err);
    if (status == NDL_OK)
        status = ndl_tree_sample(t, 5, r, &Z, err);
    ndl_tree_free(t);
    ndl_matrix_free(&D);
    ndl_matrix_free(&Z);
    if (r)
        gsl_rng_free(r);
    return status;
}

static void allocations(void **state)
{
    (void)state;
    fill(&X, 30, 3);
    every_allocation_fails(rng);
    every_allocation_fails(fit);
    for (method = NDL_AUTO; method <= NDL_VERDICT; method++)
        every_allocation_fails(hull);
    every_allocation_fails(outside);
    int file = mkstemp(tree_file);
    static const char text[] = "node parent probability magnitude direction\n"
                               "a - 0.5 constant(1) random\nb a 0.5 constant(1) orthogonal\n";
    assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    every_allocation_fails(tree);
    unlink(tree_file);
    ndl_matrix_free(&X);
}

static int handled;

static void handler(const char *reason, const char *file, int line, int error)
{
    (void)reason;
    (void)file;
    (void)line;
    (void)error;
    handled++;
}

/* Q + lambda/2 I is not positive definite: GSL's own error. */
static void indefinite(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct ndl_matrix *data = context;
    for (size_t i = first; i < last; i++) {
        double value;
        struct ndl_matrix Q, P, PX;
        assert_int_equal(ndl_matrix_alloc(&Q, data->rows, data->rows, NULL), NDL_OK);
        Q.v[0] = -1;
        assert_int_equal(ndl_eliminated(data, &Q, 1, true, &value, &P, &PX, NULL), NDL_BADDATA);
        ndl_matrix_free(&Q);
    }
}

static void gsl_handler(void **state)
{
    (void)state;
    struct ndl_matrix data;
    fill(&data, 4, 2);
    /* The default handler aborts; it must not be called, nor replaced for good. */
    gsl_set_error_handler(NULL);
    ndl_parallel(200, 1, 4, indefinite, &data);
    gsl_error_handler_t *left = gsl_set_error_handler(handler);
    assert_true(left == NULL);
    ndl_parallel(200, 1, 4, indefinite, &data);
    left = gsl_set_error_handler(NULL);
    assert_true(left == handler);
    assert_int_equal(handled, 0);
    ndl_matrix_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations),
        cmocka_unit_test(gsl_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gap.c -- loss and duality gap of given codes; see gap.h.
 *
 * The dual of one sample's problem min_{z >= 0} |c - zD|^2 + lambda sum z_k |d_k|, c = x - b, is to
 * maximise 2 u.c - |u|^2 over u with 2 u.d_k <= lambda |d_k|.  With u = t r, r = c - zD, the gap is
 *
 *     (1 - t)^2 |r|^2 + sum_k z_k (lambda |d_k| - 2 t r.d_k):
 *
 * nothing cancels, so that gaps far below the rounding of the loss can be told.  The best t is
 * r.c / |r|^2, or the largest feasible one if that is smaller. */
#include "gap.h"

#include "ndl/blas.h"
#include "ndl/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128 };

double *gap_norms(const struct ndl_matrix *D)
{
    double *norm = calloc(D->rows + 1, sizeof *norm);
    for (size_t k = 0; norm && k < D->rows; k++)
        for (size_t j = 0; j < D->cols; j++)
            norm[k] = hypot(norm[k], ndl_row(D, k)[j]); /* squares could overflow */
    return norm;
}

struct measuring {
    const struct gap_dictionary *g;
    const struct ndl_matrix *X;
    const struct ndl_codes *Z;
    struct ndl_matrix *R;
    struct ndl_matrix products; /* threads x (BLOCK K): r.d_k */
    struct gap_sums *block;     /* one per block, so that the order of the sums is fixed */
};

static void residual(const struct gap_dictionary *g, const double *x, const struct ndl_codes *Z,
                     size_t i, double *r)
{
    size_t d = g->D->cols;
    for (size_t j = 0; j < d; j++)
        r[j] = x[j] - (g->b ? g->b[j] : 0);
    for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++) {
        const double *atom = ndl_row(g->D, Z->atom[e]);
        for (size_t j = 0; j < d; j++)
            r[j] -= Z->value[e] * atom[j];
    }
}

/* The greater, or NaN if one is NaN: fmax would hide it. */
static double worse(double x, double y)
{
    return x >= y || isnan(x) ? x : y;
}

/* Adds sample i; products holds r.d_k for all k. */
static void add_sample(const struct measuring *m, size_t i, const double *products,
                       struct gap_sums *sums)
{
    const struct gap_dictionary *g = m->g;
    const struct ndl_codes *Z = m->Z;
    const double *r = ndl_row(m->R, i);
    double most = 0, square = ndl_dot(g->D->cols, r, r), l1 = 0, explained = 0,
           half = g->lambda / 2;
    for (size_t k = 0; k < g->D->rows; k++)
        most = fmax(most, products[k] / g->norm[k]);
    for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++) {
        l1 += Z->value[e] * g->norm[Z->atom[e]];
        explained += Z->value[e] * products[Z->atom[e]];
    }
    double t = square > 0 ? fmax(1 + explained / square, 0) : 1;
    if (t * most > half)
        t = half / most;
    double gap = (1 - t) * (1 - t) * square;
    for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++)
        gap += Z->value[e] * (g->lambda * g->norm[Z->atom[e]] - 2 * t * products[Z->atom[e]]);
    double loss = square + g->lambda * l1, relative = fabs(gap) / fmax(loss, half * half);
    sums->loss += loss;
    sums->square += square;
    sums->l1 += l1;
    sums->worst = worse(sums->worst, relative);
    sums->total += relative;
    sums->samples++;
    sums->nonzeros += Z->start[i + 1] - Z->start[i];
}

static void measure_block(void *context, size_t first, size_t last, int worker)
{
    struct measuring *m = context;
    size_t K = m->g->D->rows, d = m->g->D->cols;
    double *products = ndl_row(&m->products, (size_t)worker);
    for (size_t i = first; i < last; i++)
        residual(m->g, ndl_row(m->X, i), m->Z, i, ndl_row(m->R, i));
    ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, last - first, K, d, 1, ndl_row(m->R, first), d, m->g->D->v,
             d, 0, products, K); /* cannot fail: gap_measure has checked the sizes */
    for (size_t i = first; i < last; i++)
        add_sample(m, i, products + (i - first) * K, &m->block[first / BLOCK]);
}

enum ndl_status gap_check(const struct gap_sums *sums, const char *path, struct ndl_error *err)
{
    return isfinite(sums->loss) ? NDL_OK
                                : ndl_fail(err, NDL_BADDATA, "%s: too large to square", path);
}

enum ndl_status gap_measure(const struct gap_dictionary *g, const struct ndl_matrix *X,
                            const struct ndl_codes *Z, int threads, struct gap_sums *sums,
                            struct ndl_matrix *R, struct ndl_error *err)
{
    size_t blocks = X->rows / BLOCK + 1, K = g->D->rows;
    if (K > INT32_MAX / BLOCK || g->D->cols > INT32_MAX)
        return ndl_fail(err, NDL_BADARG, "a decoder of %zu x %zu is too large", K, g->D->cols);
    struct measuring m = {.g = g, .X = X, .Z = Z, .R = R, .block = calloc(blocks, sizeof *m.block)};
    enum ndl_status status = ndl_matrix_alloc(&m.products, (size_t)threads, BLOCK * K, err);
    if (status == NDL_OK && !m.block)
        status = ndl_fail(err, NDL_NOMEM, "no memory for the gaps of %zu samples", X->rows);
    if (status == NDL_OK) {
        ndl_blas_single_threaded();
        ndl_parallel(X->rows, BLOCK, threads, measure_block, &m);
        for (size_t p = 0; p < blocks; p++) {
            const struct gap_sums *s = &m.block[p];
            sums->loss += s->loss;
            sums->square += s->square;
            sums->l1 += s->l1;
            sums->worst = worse(sums->worst, s->worst);
            sums->total += s->total;
            sums->samples += s->samples;
            sums->nonzeros += s->nonzeros;
        }
    }
    ndl_matrix_free(&m.products);
    free(m.block);
    return status;
}

/* For codes z and z* of one sample with residuals r and r*, expanding the squares,
 *
 *     loss(z) - loss(z*) = sum_k (z_k - z*_k) (lambda |d_k| - (r + r*).d_k),
 *
 * exact for any two codes: the difference divided among features.  */
struct dividing {
    const struct gap_dictionary *g;
    const struct ndl_codes *Z;
    const struct ndl_matrix *R, *best;
    double *part;
};

static void divide_block(void *context, size_t first, size_t last, int worker)
{
    const struct dividing *v = context;
    size_t d = v->g->D->cols;
    (void)worker;
    for (size_t i = first; i < last; i++)
        for (size_t e = v->Z->start[i]; e < v->Z->start[i + 1]; e++) {
            const double *atom = ndl_row(v->g->D, v->Z->atom[e]);
            double along =
                ndl_dot(d, atom, ndl_row(v->R, i)) + ndl_dot(d, atom, ndl_row(v->best, i));
            v->part[e] = v->Z->value[e] * (v->g->lambda * v->g->norm[v->Z->atom[e]] - along);
        }
}

void gap_parts(const struct gap_dictionary *g, const struct ndl_codes *Z,
               const struct ndl_matrix *R, const struct ndl_matrix *best, int threads, double *part)
{
    struct dividing v = {.g = g, .Z = Z, .R = R, .best = best, .part = part};
    ndl_parallel(Z->rows, BLOCK, threads, divide_block, &v);
}

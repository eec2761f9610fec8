/* reduced_loss.c -- f(D, b) = min_{Z >= 0} L(D, b, Z), its gradient and Hessian.
 *
 * f is once continuously differentiable and, between changes of the active sets, smooth.
 * With the active atoms D_A of a sample, a change (dD, db) moves its code and residual by
 *     D_A D_A^T dz = dD_A r - D_A w,     dr = -w - dz D_A,     w = db + z dD,
 * and therefore the gradient rows -2 sum_i z_ik r_i by -2 sum_i (dz_ik r_i + z_ik dr_i). */
#include "reduced_loss.h"

#include "blas.h"
#include "vec.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SLICES = 16, SLICE_DOUBLES = 1 << 24, SLICE_SAMPLES = 64 };

struct ndl_scratch {
    double *r, *dr; /* d */
    double *dz;     /* most active atoms of a sample */
    double *factor; /* the square of that */
};

enum ndl_status ndl_reduced_alloc(struct ndl_reduced *f, const struct ndl_matrix *X, size_t K,
                                  double lambda, bool bias, int threads, struct ndl_error *err)
{
    size_t d = X->cols, N = X->rows, rows = K + 1, active = K < d ? K : d, entries, square;
    *f = (struct ndl_reduced){.X = X,
                              .K = K,
                              .d = d,
                              .lambda = lambda,
                              .bias = bias,
                              .threads = ndl_threads(N, K, d, threads)};
    if (__builtin_mul_overflow(rows, rows + d, &entries) ||
        __builtin_mul_overflow(active, active, &square))
        return ndl_fail(err, NDL_NOMEM, "no memory to learn %zu atoms in %zu dimensions", K, d);
    f->slices = SLICE_DOUBLES / entries;
    if (f->slices > MAX_SLICES)
        f->slices = MAX_SLICES;
    if (f->slices > N / SLICE_SAMPLES)
        f->slices = N / SLICE_SAMPLES;
    if (f->slices < 1)
        f->slices = 1;
    f->sum = calloc(entries, f->slices * sizeof *f->sum);
    f->slice_loss = calloc(f->slices, sizeof *f->slice_loss);
    f->slice_norm = calloc(f->slices, sizeof *f->slice_norm);
    f->scratch = calloc((size_t)f->threads, sizeof *f->scratch);
    bool ok = f->sum && f->slice_loss && f->slice_norm && f->scratch;
    for (int t = 0; ok && t < f->threads; t++) {
        struct ndl_scratch *s = &f->scratch[t];
        s->r = calloc(d, sizeof *s->r);
        s->dr = calloc(d, sizeof *s->dr);
        s->dz = calloc(active, sizeof *s->dz);
        s->factor = calloc(square, sizeof *s->factor);
        ok = s->r && s->dr && s->dz && s->factor;
    }
    if (!ok) {
        ndl_reduced_free(f);
        return ndl_fail(err, NDL_NOMEM, "no memory to learn %zu atoms in %zu dimensions", K, d);
    }
    return NDL_OK;
}

void ndl_reduced_free(struct ndl_reduced *f)
{
    for (int t = 0; f->scratch && t < f->threads; t++) {
        free(f->scratch[t].r);
        free(f->scratch[t].dr);
        free(f->scratch[t].dz);
        free(f->scratch[t].factor);
    }
    free(f->scratch);
    free(f->sum);
    free(f->slice_loss);
    free(f->slice_norm);
    *f = (struct ndl_reduced){0};
}

enum ndl_status ndl_point_alloc(struct ndl_point *p, const struct ndl_reduced *f,
                                struct ndl_error *err)
{
    *p = (struct ndl_point){0};
    enum ndl_status status = ndl_matrix_alloc(&p->atoms_and_bias, f->K + 1, f->d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&p->gradient, f->K + 1, f->d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&p->moment, f->K + 1, f->K + 1, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&p->gram, f->K, f->K, err);
    p->residual_norm = calloc(f->X->rows + 1, sizeof *p->residual_norm);
    if (status == NDL_OK && !p->residual_norm)
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu residuals", f->X->rows);
    if (status != NDL_OK)
        ndl_point_free(p);
    return status;
}

void ndl_point_free(struct ndl_point *p)
{
    ndl_matrix_free(&p->atoms_and_bias);
    ndl_codes_free(&p->Z);
    ndl_matrix_free(&p->gradient);
    ndl_matrix_free(&p->moment);
    ndl_matrix_free(&p->gram);
    free(p->residual_norm);
    *p = (struct ndl_point){0};
}

/* ------------------------------------------------------------- sums over samples */

struct pass {
    struct ndl_reduced *f;
    struct ndl_point *p;
    const struct ndl_point *at; /* p again, for the pass that does not change it */
    const double *V;
};

static void slice_range(const struct ndl_reduced *f, size_t slice, size_t *first, size_t *last)
{
    size_t N = f->X->rows, part = N / f->slices, rest = N % f->slices;
    *first = slice * part + (slice < rest ? slice : rest);
    *last = *first + part + (slice < rest);
}

NDL_WIDE_REGISTERS static double residual(const struct ndl_reduced *f, const struct ndl_point *p,
                                          size_t i, double *r)
{
    memcpy(r, ndl_row(f->X, i), f->d * sizeof *r);
    ndl_axpy(f->d, -1, ndl_row(&p->atoms_and_bias, f->K), r);
    for (size_t e = p->Z.start[i]; e < p->Z.start[i + 1]; e++)
        ndl_axpy(f->d, -p->Z.value[e], ndl_row(&p->atoms_and_bias, p->Z.atom[e]), r);
    return ndl_dot(f->d, r, r);
}

/* clang 14 exports no plain name for a function with clones, so the clones stay in this file. */
double ndl_reduced_residual(const struct ndl_reduced *f, const struct ndl_point *p, size_t i,
                            double *r)
{
    return residual(f, p, i, r);
}

/* One slice of: loss, sum (z_i, 1)^T r_i, sum (z_i, 1)^T (z_i, 1) (lower triangle). */
NDL_WIDE_REGISTERS static void eval_slice(void *context, size_t slice, size_t end, int worker)
{
    const struct pass *pass = context;
    struct ndl_reduced *f = pass->f;
    struct ndl_point *p = pass->p;
    size_t K = f->K, d = f->d, first, last;
    double *product = f->sum + slice * (K + 1) * (K + 1 + d), *moment = product + (K + 1) * d;
    double *r = f->scratch[worker].r, square = 0, l1 = 0, norms = 0;
    (void)end; /* one slice at a time */
    memset(product, 0, (K + 1) * (K + 1 + d) * sizeof *product);
    slice_range(f, slice, &first, &last);
    for (size_t i = first; i < last; i++) {
        double rr = residual(f, p, i, r);
        const uint32_t *atom = p->Z.atom + p->Z.start[i];
        const double *z = p->Z.value + p->Z.start[i];
        size_t n = p->Z.start[i + 1] - p->Z.start[i];
        for (size_t a = 0; a < n; a++) {
            ndl_axpy(d, z[a], r, product + atom[a] * d);
            for (size_t c = 0; c <= a; c++)
                moment[atom[a] * (K + 1) + atom[c]] += z[a] * z[c];
            moment[K * (K + 1) + atom[a]] += z[a];
            l1 += z[a];
        }
        ndl_axpy(d, 1, r, product + K * d);
        p->residual_norm[i] = sqrt(rr);
        norms += p->residual_norm[i];
        square += rr;
    }
    moment[K * (K + 1) + K] = (double)(last - first);
    f->slice_loss[slice] = square + f->lambda * l1;
    f->slice_norm[slice] = norms;
}

/* The relative residuals of the header ndl.h, struct ndl_certificate: with -gradient_k / 2 =
 * sum_i z_ik r_i the atom condition says that it is (lambda/2) usage_k d_k. */
static double relative_residual(const struct ndl_reduced *f, const struct ndl_point *p,
                                double norms)
{
    double worst = 0;
    for (size_t k = 0; k < f->K; k++) {
        double pull = f->lambda / 2 * ndl_usage(p, k), square = 0;
        if (!(pull > 0))
            continue;
        for (size_t j = 0; j < f->d; j++) {
            double e = ndl_row(&p->gradient, k)[j] / -2 - pull * ndl_row(&p->atoms_and_bias, k)[j];
            square += e * e;
        }
        worst = fmax(worst, sqrt(square) / pull);
    }
    const double *b = ndl_row(&p->gradient, f->K);
    if (f->bias && norms > 0)
        worst = fmax(worst, ndl_norm(f->d, b) / 2 / norms);
    return worst;
}

enum ndl_status ndl_reduced_eval(struct ndl_reduced *f, struct ndl_point *p,
                                 const struct ndl_codes *warm, struct ndl_error *err)
{
    size_t K = f->K, d = f->d, products = (K + 1) * d, entries = (K + 1) * (K + 1 + d);
    const struct ndl_matrix D = {.rows = K, .cols = d, .v = p->atoms_and_bias.v};
    const struct ndl_matrix b = {.rows = 1, .cols = d, .v = ndl_row(&p->atoms_and_bias, K)};
    const struct ndl_encode_options exact = {.threads = f->threads, .warm = warm};
    struct ndl_codes Z;
    enum ndl_status status = ndl_encode(f->X, &D, &b, f->lambda, &exact, &Z, NULL, err);
    if (status != NDL_OK)
        return status;
    ndl_codes_free(&p->Z);
    p->Z = Z;
    status = ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, K, K, d, 1, D.v, d, D.v, d, 0, p->gram.v, K);
    assert(status == NDL_OK);
    struct pass pass = {.f = f, .p = p};
    ndl_parallel(f->slices, 1, f->threads, eval_slice, &pass);
    double norms = 0;
    p->loss = 0;
    for (size_t s = 0; s < f->slices; s++) {
        p->loss += f->slice_loss[s];
        norms += f->slice_norm[s];
        if (s > 0)
            ndl_axpy(entries, 1, f->sum + s * entries, f->sum);
    }
    for (size_t e = 0; e < products; e++)
        p->gradient.v[e] = -2 * f->sum[e];
    for (size_t a = 0; a <= K; a++)
        for (size_t c = 0; c <= a; c++)
            ndl_row(&p->moment, a)[c] = ndl_row(&p->moment, c)[a] =
                f->sum[products + a * (K + 1) + c];
    p->residual = relative_residual(f, p, norms);
    return status;
}

/* ------------------------------------------------------------------- derivatives */

/* Solves G_AA x = x by a Cholesky factorisation in `factor` (n x n). */
static void solve_active(const struct ndl_matrix *gram, size_t n, const uint32_t *atom,
                         double *factor, double *x)
{
    for (size_t a = 0; a < n; a++) {
        double *row = factor + a * n;
        for (size_t c = 0; c < a; c++)
            row[c] = (ndl_row(gram, atom[a])[atom[c]] - ndl_dot(c, row, factor + c * n)) *
                     factor[c * n + c];
        /* The coder admits no set with a smaller pivot, up to rounding. */
        double pivot = fmax(ndl_row(gram, atom[a])[atom[a]] - ndl_dot(a, row, row), DBL_EPSILON);
        row[a] = 1 / sqrt(pivot); /* the diagonal is kept inverted */
        x[a] = (x[a] - ndl_dot(a, row, x)) * row[a];
    }
    for (size_t a = n; a-- > 0;) {
        x[a] *= factor[a * n + a];
        ndl_axpy(a, -x[a], factor + a * n, x);
    }
}

double ndl_reduced_unexplained(const struct ndl_reduced *f, const struct ndl_point *p, size_t i,
                               double *r)
{
    const uint32_t *atom = p->Z.atom + p->Z.start[i];
    const struct ndl_scratch *s = &f->scratch[0];
    size_t n = p->Z.start[i + 1] - p->Z.start[i];
    residual(f, p, i, r);
    for (size_t a = 0; a < n; a++)
        s->dz[a] = ndl_dot(f->d, ndl_row(&p->atoms_and_bias, atom[a]), r);
    solve_active(&p->gram, n, atom, s->factor, s->dz);
    for (size_t a = 0; a < n; a++)
        ndl_axpy(f->d, -s->dz[a], ndl_row(&p->atoms_and_bias, atom[a]), r);
    return ndl_norm(f->d, r);
}

void ndl_tangent(const struct ndl_reduced *f, const struct ndl_point *p, double *V)
{
    for (size_t k = 0; k < f->K; k++) {
        const double *atom = ndl_row(&p->atoms_and_bias, k);
        if (ndl_usage(p, k) > 0)
            ndl_remove_along(f->d, atom, V + k * f->d);
        else
            memset(V + k * f->d, 0, f->d * sizeof *V);
    }
    if (!f->bias)
        memset(V + f->K * f->d, 0, f->d * sizeof *V);
}

void ndl_reduced_gradient(const struct ndl_reduced *f, const struct ndl_point *p, double *g)
{
    memcpy(g, p->gradient.v, (f->K + 1) * f->d * sizeof *g);
    ndl_tangent(f, p, g);
}

NDL_WIDE_REGISTERS static void hessian_slice(void *context, size_t slice, size_t end, int worker)
{
    const struct pass *pass = context;
    struct ndl_reduced *f = pass->f;
    const struct ndl_point *p = pass->at;
    const double *V = pass->V;
    const struct ndl_scratch *s = &f->scratch[worker];
    size_t K = f->K, d = f->d, first, last;
    double *sum = f->sum + slice * (K + 1) * d;
    (void)end;
    memset(sum, 0, (K + 1) * d * sizeof *sum);
    slice_range(f, slice, &first, &last);
    for (size_t i = first; i < last; i++) {
        const uint32_t *atom = p->Z.atom + p->Z.start[i];
        const double *z = p->Z.value + p->Z.start[i];
        size_t n = p->Z.start[i + 1] - p->Z.start[i];
        if (n == 0 && !f->bias) /* nothing of this sample moves */
            continue;
        residual(f, p, i, s->r);
        memcpy(s->dr, V + K * d, d * sizeof *s->dr); /* first w */
        for (size_t a = 0; a < n; a++)
            ndl_axpy(d, z[a], V + atom[a] * d, s->dr);
        for (size_t a = 0; a < n; a++)
            s->dz[a] = ndl_dot(d, V + atom[a] * d, s->r) -
                       ndl_dot(d, ndl_row(&p->atoms_and_bias, atom[a]), s->dr);
        solve_active(&p->gram, n, atom, s->factor, s->dz);
        for (size_t a = 0; a < n; a++)
            ndl_axpy(d, s->dz[a], ndl_row(&p->atoms_and_bias, atom[a]), s->dr); /* now -dr */
        for (size_t a = 0; a < n; a++) {
            ndl_axpy(d, -2 * s->dz[a], s->r, sum + atom[a] * d);
            ndl_axpy(d, 2 * z[a], s->dr, sum + atom[a] * d);
        }
        ndl_axpy(d, 2, s->dr, sum + K * d);
    }
}

void ndl_reduced_hessian(struct ndl_reduced *f, const struct ndl_point *p, const double *V,
                         double *HV)
{
    size_t entries = (f->K + 1) * f->d;
    struct pass pass = {.f = f, .at = p, .V = V};
    ndl_parallel(f->slices, 1, f->threads, hessian_slice, &pass);
    memcpy(HV, f->sum, entries * sizeof *HV);
    for (size_t s = 1; s < f->slices; s++)
        ndl_axpy(entries, 1, f->sum + s * entries, HV);
    /* On the sphere |d| = 1 the Hessian is the tangent part of that, minus (gradient.d) V. */
    for (size_t k = 0; k < f->K; k++)
        ndl_axpy(f->d, -ndl_dot(f->d, ndl_row(&p->gradient, k), ndl_row(&p->atoms_and_bias, k)),
                 V + k * f->d, HV + k * f->d);
    ndl_tangent(f, p, HV);
}

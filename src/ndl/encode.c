/* encode.c -- exact nonnegative sparse codes for many samples.
 *
 * With unit atoms, c = x - b, h = D c - lambda/2 and G = D D^T, a sample's code
 * minimises 1/2 z.G z - h.z over z >= 0: active.c solves that.  This file does what is
 * shared by many samples, as matrix products over blocks of them: h before, and the
 * duality gap afterwards.  Threads take whole blocks, and blocks do not depend on the
 * number of threads, so neither does any bit of the result.
 *
 * While K x K fits (K <= GRAM_ATOMS) every sample sees all atoms at once.  Beyond
 * that a sample sees the Gram matrix of its active atoms and of those that violate
 * optimality most; the block's residuals times D^T show the next violators, until
 * there are none. */
#include "ndl.h"

#include "active.h"
#include "blas.h"
#include "vec.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 128,       /* samples per matrix product */
    GRAM_ATOMS = 4096, /* the most atoms whose Gram matrix is held (128 MiB) */
    ENTER = 64 /* violators that a sample of a dictionary with more atoms takes in per round */
};

/* The codes of one block. */
struct block_codes {
    size_t entries;
    uint32_t *atom;
    double *value;
    double worst_gap;
};

struct ndl_encoder {
    struct ndl_matrix unit; /* K x d: the atoms, normalised */
    double *norm;           /* K */
    struct ndl_matrix gram; /* K x K, or empty */
    struct ndl_matrix b;    /* 1 x d, or empty */
    double lambda;
};

struct coding {
    const struct ndl_encoder *e;
    const struct ndl_matrix *X;
    const struct ndl_codes *warm;
    bool certify, exact;
    size_t *start; /* receives the number of entries of sample i at i + 1 */
    struct block_codes *block;
    struct workspace *workspace; /* one per worker */
    _Atomic bool no_memory, not_finite;
};

/* One worker's workspace. */
struct workspace {
    struct ndl_active active;
    struct ndl_matrix centred;  /* BLOCK x d: x - b */
    struct ndl_matrix residual; /* BLOCK x d */
    struct ndl_matrix products; /* BLOCK x K: h, later the residuals' products with the atoms */
    size_t count[BLOCK];        /* active atoms of each sample */
    size_t stride;              /* room for one sample in the two arrays that follow */
    uint32_t *atom;             /* increasing */
    double *value;              /* codes of the unit atoms */
    double *error;              /* stride: gradients of the active atoms */
    /* of a dictionary with too many atoms for its Gram matrix */
    uint32_t *seen;         /* atoms this sample sees, increasing */
    uint32_t *warm;         /* which of them are active */
    struct ndl_matrix near; /* those atoms */
    struct ndl_matrix near_gram;
    double *near_h;
};

static enum ndl_status workspace_alloc(struct workspace *w, const struct coding *c,
                                       struct ndl_error *err)
{
    size_t K = c->e->unit.rows, d = c->e->unit.cols, room = 0;
    bool many = c->e->gram.v == NULL;
    *w = (struct workspace){.stride = K < d ? K : d};
    size_t seen = w->stride + ENTER;
    enum ndl_status status = ndl_active_alloc(&w->active, K, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&w->centred, BLOCK, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&w->residual, BLOCK, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&w->products, BLOCK, K, err);
    if (status == NDL_OK && many)
        status = ndl_matrix_alloc(&w->near, seen, d, err);
    if (status == NDL_OK && many)
        status = ndl_matrix_alloc(&w->near_gram, seen, seen, err);
    if (status != NDL_OK)
        return status;
    if (!__builtin_mul_overflow(BLOCK, w->stride + 1, &room)) {
        w->atom = calloc(room, sizeof *w->atom);
        w->value = calloc(room, sizeof *w->value);
    }
    w->error = calloc(w->stride, sizeof *w->error);
    w->seen = calloc(seen, sizeof *w->seen);
    w->warm = calloc(seen, sizeof *w->warm);
    w->near_h = calloc(seen, sizeof *w->near_h);
    if (!w->atom || !w->value || !w->error || !w->seen || !w->warm || !w->near_h)
        return ndl_fail(err, NDL_NOMEM, "no memory to code with %zu atoms in %zu dimensions", K, d);
    return NDL_OK;
}

static void workspace_free(struct workspace *w)
{
    ndl_active_free(&w->active);
    ndl_matrix_free(&w->centred);
    ndl_matrix_free(&w->residual);
    ndl_matrix_free(&w->products);
    ndl_matrix_free(&w->near);
    ndl_matrix_free(&w->near_gram);
    free(w->atom);
    free(w->value);
    free(w->error);
    free(w->seen);
    free(w->warm);
    free(w->near_h);
}

/* -------------------------------------------------------------- one block */

static void multiply(enum ndl_op opB, size_t m, size_t n, size_t k, const double *A, size_t lda,
                     const double *B, size_t ldb, double beta, double *C, size_t ldc)
{
    enum ndl_status status = ndl_gemm(NDL_PLAIN, opB, m, n, k, 1, A, lda, B, ldb, beta, C, ldc);
    assert(status == NDL_OK); /* ndl_encode has checked that every size fits */
    (void)status;
}

/* Below this an entry of h - G z of sample s counts as rounding. */
static double noise(const struct coding *c, const struct workspace *w, size_t s)
{
    const double *x = ndl_row(&w->centred, s);
    return 8 * DBL_EPSILON * (sqrt(ndl_dot(c->e->unit.cols, x, x)) + c->e->lambda);
}

/* The active-set solver works with h and G, whose rounding is that of |x|^2.  From the residual
 * itself the multipliers of the active codes come out as zero as they can be. */
NDL_WIDE_REGISTERS static void refine(const struct coding *c, struct workspace *w, size_t s,
                                      const uint32_t *names)
{
    struct ndl_active *a = &w->active;
    size_t d = c->e->unit.cols;
    double *r = ndl_row(&w->residual, s);
    memcpy(r, ndl_row(&w->centred, s), d * sizeof *r);
    for (size_t i = 0; i < a->n; i++)
        ndl_axpy(d, -a->z[i], ndl_row(&c->e->unit, names ? names[a->set[i]] : a->set[i]), r);
    for (size_t i = 0; i < a->n; i++)
        w->error[i] = ndl_dot(d, ndl_row(&c->e->unit, names ? names[a->set[i]] : a->set[i]), r) -
                      c->e->lambda / 2;
    ndl_active_correct(a, w->error);
}

/* Keeps what the active-set solver found for sample s; `names` maps its atoms to the
 * dictionary's (NULL: they are the same). */
static void keep(const struct coding *c, struct workspace *w, size_t s, const uint32_t *names)
{
    struct ndl_active *a = &w->active;
    if (c->exact)
        refine(c, w, s, names);
    uint32_t *atom = w->atom + s * w->stride;
    double *value = w->value + s * w->stride;
    /* sorted by insertion: they came in a few increasing runs */
    for (size_t i = 0, e; i < a->n; i++) {
        uint32_t name = names ? names[a->set[i]] : a->set[i];
        for (e = i; e > 0 && atom[e - 1] > name; e--) {
            atom[e] = atom[e - 1];
            value[e] = value[e - 1];
        }
        atom[e] = name;
        value[e] = a->z[i];
    }
    w->count[s] = a->n;
}

/* residual = centred - z D for sample s */
NDL_WIDE_REGISTERS static void reconstruct(const struct coding *c, struct workspace *w, size_t s)
{
    size_t d = c->e->unit.cols;
    double *r = ndl_row(&w->residual, s);
    memcpy(r, ndl_row(&w->centred, s), d * sizeof *r);
    for (size_t e = s * w->stride; e < s * w->stride + w->count[s]; e++)
        ndl_axpy(d, -w->value[e], ndl_row(&c->e->unit, w->atom[e]), r);
}

static void residual_products(const struct coding *c, struct workspace *w, size_t rows)
{
    size_t K = c->e->unit.rows, d = c->e->unit.cols;
    for (size_t s = 0; s < rows; s++)
        reconstruct(c, w, s);
    multiply(NDL_TRANSPOSED, rows, K, d, w->residual.v, d, c->e->unit.v, d, 0, w->products.v, K);
}

static void code_block(const struct coding *c, struct workspace *w, size_t first, size_t rows)
{
    size_t K = c->e->unit.rows, d = c->e->unit.cols;
    double *h = w->products.v;
    for (size_t j = 0; j < K; j++)
        h[j] = -c->e->lambda / 2;
    for (size_t s = 1; s < rows; s++)
        memcpy(h + s * K, h, K * sizeof *h);
    multiply(NDL_TRANSPOSED, rows, K, d, w->centred.v, d, c->e->unit.v, d, 1, h, K);
    for (size_t s = 0; s < rows; s++) {
        const uint32_t *warm = c->warm ? c->warm->atom + c->warm->start[first + s] : NULL;
        size_t count = c->warm ? c->warm->start[first + s + 1] - c->warm->start[first + s] : 0;
        ndl_active_solve(&w->active, c->e->gram.v, K, ndl_row(&w->products, s), noise(c, w, s),
                         warm, count);
        keep(c, w, s, NULL);
    }
}

/* Lists the atoms sample s is to see next: the active ones and the worst violators of
 * r.d <= lambda/2, at most ENTER of them; false if there are none of the latter. */
static bool look_around(const struct coding *c, struct workspace *w, size_t s, size_t *seen,
                        size_t *warm)
{
    const double *product = ndl_row(&w->products, s);
    const uint32_t *atom = w->atom + s * w->stride;
    size_t K = c->e->unit.rows, active = w->count[s];
    double most = 0, floor = noise(c, w, s);
    for (size_t j = 0, e = 0; j < K; j++) {
        bool member = e < active && atom[e] == j;
        e += member;
        if (!member && product[j] - c->e->lambda / 2 > most)
            most = product[j] - c->e->lambda / 2;
    }
    if (!(most > floor))
        return false;
    size_t entered = 0;
    *seen = *warm = 0;
    for (size_t j = 0, e = 0; j < K; j++) {
        if (e < active && atom[e] == j) {
            w->warm[(*warm)++] = (uint32_t)*seen;
            w->seen[(*seen)++] = (uint32_t)j;
            e++;
        } else if (entered < ENTER && product[j] - c->e->lambda / 2 >= most / 2) {
            w->seen[(*seen)++] = (uint32_t)j;
            entered++;
        }
    }
    return true;
}

/* The same for a dictionary with too many atoms for its Gram matrix. */
static void code_block_of_many(const struct coding *c, struct workspace *w, size_t first,
                               size_t rows)
{
    size_t d = c->e->unit.cols;
    double value[BLOCK]; /* twice the objective of each sample's set, negated: it must grow */
    int unseen[BLOCK] = {0};
    bool done[BLOCK] = {false};
    for (size_t s = 0; s < rows; s++) {
        value[s] = 0;
        w->count[s] = 0;
        for (size_t e = c->warm ? c->warm->start[first + s] : 0;
             c->warm && e < c->warm->start[first + s + 1]; e++)
            if (w->count[s] < w->stride) {
                w->atom[s * w->stride + w->count[s]] = c->warm->atom[e];
                w->value[s * w->stride + w->count[s]++] = 0; /* seen in the first round */
            }
    }
    for (size_t left = rows; left > 0;) {
        residual_products(c, w, rows);
        for (size_t s = 0; s < rows; s++) {
            size_t seen, warm;
            if (done[s])
                continue;
            done[s] = !look_around(c, w, s, &seen, &warm);
            if (!done[s]) {
                for (size_t i = 0; i < seen; i++) {
                    memcpy(ndl_row(&w->near, i), ndl_row(&c->e->unit, w->seen[i]),
                           d * sizeof *w->near.v);
                    w->near_h[i] = ndl_dot(d, ndl_row(&w->near, i), ndl_row(&w->centred, s)) -
                                   c->e->lambda / 2;
                }
                multiply(NDL_TRANSPOSED, seen, seen, d, w->near.v, d, w->near.v, d, 0,
                         w->near_gram.v, seen);
                w->active.K = seen;
                ndl_active_solve(&w->active, w->near_gram.v, seen, w->near_h, noise(c, w, s),
                                 w->warm, warm);
                double now = ndl_dot(w->active.n, w->active.y, w->active.y);
                done[s] = !ndl_active_progress(value[s], now, &unseen[s]);
                if (!done[s] || now >= value[s])
                    keep(c, w, s, w->seen);
                value[s] = fmax(value[s], now);
            }
            left -= done[s];
        }
    }
    for (size_t s = 0; s < rows; s++) { /* warm atoms of a sample that needed no round */
        size_t n = 0, all = w->count[s];
        w->count[s] = 0;
        for (size_t e = s * w->stride; n < all; n++, e++)
            if (w->value[e] > 0) {
                w->atom[s * w->stride + w->count[s]] = w->atom[e];
                w->value[s * w->stride + w->count[s]++] = w->value[e];
            }
    }
}

/* The largest relative duality gap of the block, from x, b, D and z alone.  With the
 * dual point 2 t r, t = min(1, (lambda/2) / max_k r.d_k), primal - dual is
 * (1 - t)^2 |r|^2 + 2 sum_k z_k (lambda/2 - t r.d_k): nothing cancels. */
static double block_gap(const struct coding *c, struct workspace *w, size_t rows)
{
    size_t K = c->e->unit.rows, d = c->e->unit.cols;
    double worst = 0, half = c->e->lambda / 2;
    residual_products(c, w, rows);
    for (size_t s = 0; s < rows; s++) {
        const double *product = ndl_row(&w->products, s), *r = ndl_row(&w->residual, s);
        double most = 0;
        for (size_t j = 0; j < K; j++)
            most = product[j] > most ? product[j] : most;
        double t = most > half ? half / most : 1, square = ndl_dot(d, r, r), l1 = 0, slack = 0;
        for (size_t e = s * w->stride; e < s * w->stride + w->count[s]; e++) {
            l1 += w->value[e];
            slack += w->value[e] * (half - t * product[w->atom[e]]);
        }
        double duality_gap = (1 - t) * (1 - t) * square + 2 * slack;
        worst = fmax(worst, fabs(duality_gap) / fmax(square + c->e->lambda * l1, half * half));
    }
    return worst;
}

static bool pack_block(const struct coding *c, const struct workspace *w, size_t first, size_t rows)
{
    struct block_codes *p = &c->block[first / BLOCK];
    for (size_t s = 0; s < rows; s++)
        p->entries += c->start[first + s + 1] = w->count[s];
    p->atom = malloc((p->entries + 1) * sizeof *p->atom);
    p->value = malloc((p->entries + 1) * sizeof *p->value);
    if (!p->atom || !p->value)
        return false;
    for (size_t s = 0, e = 0; s < rows; s++)
        for (size_t i = s * w->stride; i < s * w->stride + w->count[s]; i++, e++) {
            p->atom[e] = w->atom[i];
            p->value[e] = w->value[i] / c->e->norm[w->atom[i]];
        }
    return true;
}

/* centred = X - b for the rows of a block; false if an entry of X is not finite. */
NDL_WIDE_REGISTERS static bool centre(const struct coding *c, struct workspace *w, size_t first,
                                      size_t rows)
{
    size_t d = c->e->unit.cols;
    bool finite = true;
    for (size_t s = 0; s < rows; s++) {
        double *x = ndl_row(&w->centred, s);
        memcpy(x, ndl_row(c->X, first + s), d * sizeof *x);
        finite = finite && ndl_finite(d, x);
        if (c->e->b.v)
            ndl_axpy(d, -1, c->e->b.v, x);
    }
    return finite;
}

static void work(void *context, size_t first, size_t last, int worker)
{
    struct coding *c = context;
    struct workspace *w = &c->workspace[worker];
    size_t rows = last - first;
    if (!centre(c, w, first, rows)) {
        atomic_store(&c->not_finite, true);
        return;
    }
    if (c->e->gram.v)
        code_block(c, w, first, rows);
    else
        code_block_of_many(c, w, first, rows);
    if (c->certify)
        c->block[first / BLOCK].worst_gap = block_gap(c, w, rows);
    if (!pack_block(c, w, first, rows))
        atomic_store(&c->no_memory, true);
}

/* ----------------------------------------------------------- the dictionary */

/* The unit atoms, their norms and, unless there are too many, their Gram matrix. */
static enum ndl_status prepare(struct ndl_encoder *e, const struct ndl_matrix *D,
                               struct ndl_error *err)
{
    size_t K = D->rows, d = D->cols;
    enum ndl_status status = ndl_matrix_copy(&e->unit, D, err);
    if (status != NDL_OK)
        return status;
    e->norm = calloc(K, sizeof *e->norm);
    if (!e->norm)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu norms", K);
    for (size_t k = 0; k < K; k++) {
        e->norm[k] = ndl_unit(d, ndl_row(&e->unit, k), ndl_row(&e->unit, k));
        if (e->norm[k] == 0)
            return ndl_fail(err, NDL_BADARG, "encode: atom %zu is zero", k);
    }
    if (K <= GRAM_ATOMS) {
        status = ndl_matrix_alloc(&e->gram, K, K, err);
        if (status == NDL_OK)
            multiply(NDL_TRANSPOSED, K, K, d, e->unit.v, d, e->unit.v, d, 0, e->gram.v, K);
    }
    return status;
}

enum ndl_status ndl_encoder_new(struct ndl_encoder **encoder, const struct ndl_matrix *D,
                                const struct ndl_matrix *b, double lambda, struct ndl_error *err)
{
    *encoder = NULL;
    if (D->rows < 1 || D->cols < 1)
        return ndl_fail(err, NDL_BADARG, "encode: D is %zu x %zu", D->rows, D->cols);
    if (b && (b->rows != 1 || b->cols != D->cols))
        return ndl_fail(err, NDL_BADARG, "encode: the bias is %zu x %zu, not 1 x %zu", b->rows,
                        b->cols, D->cols);
    if (D->rows > INT32_MAX || D->cols > INT32_MAX)
        return ndl_fail(err, NDL_BADARG, "encode: D is too large, %zu x %zu", D->rows, D->cols);
    if (!(lambda > 0) || !isfinite(lambda))
        return ndl_fail(err, NDL_BADARG, "encode: lambda = %g is not positive", lambda);
    enum ndl_status status = ndl_matrix_check(D, "D", err);
    if (status == NDL_OK && b)
        status = ndl_matrix_check(b, "b", err);
    if (status != NDL_OK)
        return status;
    ndl_blas_single_threaded();
    struct ndl_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return ndl_fail(err, NDL_NOMEM, "no memory for an encoder");
    e->lambda = lambda;
    status = prepare(e, D, err);
    if (status == NDL_OK && b)
        status = ndl_matrix_copy(&e->b, b, err);
    if (status == NDL_OK)
        *encoder = e;
    else
        ndl_encoder_free(e);
    return status;
}

void ndl_encoder_free(struct ndl_encoder *e)
{
    if (!e)
        return;
    ndl_matrix_free(&e->unit);
    ndl_matrix_free(&e->gram);
    ndl_matrix_free(&e->b);
    free(e->norm);
    free(e);
}

/* ------------------------------------------------------------ the whole set */

/* Joins the blocks' codes in order. */
static enum ndl_status assemble(const struct coding *c, size_t blocks, struct ndl_codes *Z,
                                double *worst_gap, struct ndl_error *err)
{
    size_t entries = 0;
    double worst = 0;
    for (size_t p = 0; p < blocks; p++) {
        entries += c->block[p].entries;
        worst = fmax(worst, c->block[p].worst_gap);
    }
    enum ndl_status status = ndl_codes_alloc(Z, c->X->rows, c->e->unit.rows, entries, err);
    if (status != NDL_OK)
        return status;
    for (size_t i = 0; i < Z->rows; i++)
        Z->start[i + 1] = Z->start[i] + c->start[i + 1];
    for (size_t p = 0, e = 0; p < blocks; e += c->block[p++].entries) {
        memcpy(Z->atom + e, c->block[p].atom, c->block[p].entries * sizeof *Z->atom);
        memcpy(Z->value + e, c->block[p].value, c->block[p].entries * sizeof *Z->value);
    }
    if (worst_gap)
        *worst_gap = worst;
    return NDL_OK;
}

enum ndl_status ndl_encoder_run(const struct ndl_encoder *e, const struct ndl_matrix *X,
                                const struct ndl_encode_options *options, struct ndl_codes *Z,
                                double *worst_gap, struct ndl_error *err)
{
    *Z = (struct ndl_codes){0};
    const struct ndl_codes *warm = options->warm;
    size_t K = e->unit.rows, d = e->unit.cols;
    if (X->cols != d)
        return ndl_fail(err, NDL_BADARG, "encode: X is %zu x %zu but D is %zu x %zu", X->rows,
                        X->cols, K, d);
    if (!(options->gap >= 0) || options->threads < 1)
        return ndl_fail(err, NDL_BADARG, "encode: gap %g, %d threads", options->gap,
                        options->threads);
    if (warm && (warm->rows != X->rows || warm->cols != K))
        return ndl_fail(err, NDL_BADARG, "encode: the warm codes are %zu x %zu, not %zu x %zu",
                        warm->rows, warm->cols, X->rows, K);
    size_t blocks = X->rows / BLOCK + (X->rows % BLOCK > 0);
    int threads = ndl_threads(X->rows, K, d, options->threads);
    if ((size_t)threads > blocks)
        threads = blocks > 0 ? (int)blocks : 1;
    struct coding c = {.e = e,
                       .X = X,
                       .warm = warm,
                       .certify = worst_gap || options->gap > 0,
                       .exact = options->gap == 0};
    double worst = 0;
    enum ndl_status status = NDL_OK;
    c.start = calloc(X->rows + 1, sizeof *c.start);
    c.block = calloc(blocks + 1, sizeof *c.block);
    c.workspace = calloc((size_t)threads, sizeof *c.workspace);
    if (!c.start || !c.block || !c.workspace)
        status = ndl_fail(err, NDL_NOMEM, "no memory to code %zu samples", X->rows);
    for (int t = 0; status == NDL_OK && t < threads; t++)
        status = workspace_alloc(&c.workspace[t], &c, err);
    if (status == NDL_OK) {
        ndl_parallel(X->rows, BLOCK, threads, work, &c);
        if (atomic_load(&c.not_finite))
            status = ndl_matrix_check(X, "X", err);
        else if (atomic_load(&c.no_memory))
            status = ndl_fail(err, NDL_NOMEM, "no memory for the codes of %zu samples", X->rows);
    }
    if (status == NDL_OK)
        status = assemble(&c, blocks, Z, &worst, err);
    if (status == NDL_OK && worst_gap)
        *worst_gap = worst;
    if (status == NDL_OK && options->gap > 0 && worst > options->gap)
        status = ndl_fail(err, NDL_NOCONV, "encode: relative duality gap %.3g, not %.3g", worst,
                          options->gap);
    for (int t = 0; c.workspace && t < threads; t++)
        workspace_free(&c.workspace[t]);
    for (size_t p = 0; c.block && p < blocks; p++) {
        free(c.block[p].atom);
        free(c.block[p].value);
    }
    free(c.start);
    free(c.block);
    free(c.workspace);
    return status;
}

enum ndl_status ndl_encode(const struct ndl_matrix *X, const struct ndl_matrix *D,
                           const struct ndl_matrix *b, double lambda,
                           const struct ndl_encode_options *options, struct ndl_codes *Z,
                           double *worst_gap, struct ndl_error *err)
{
    struct ndl_encoder *encoder;
    *Z = (struct ndl_codes){0};
    enum ndl_status status = ndl_encoder_new(&encoder, D, b, lambda, err);
    if (status == NDL_OK)
        status = ndl_encoder_run(encoder, X, options, Z, worst_gap, err);
    ndl_encoder_free(encoder);
    return status;
}

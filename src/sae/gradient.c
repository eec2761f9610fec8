/* gradient.c -- from the codes of a batch to the gradient of all parameters.
 *
 * A worker owns latents, not samples: it walks through the samples of each of its latents in order,
 * so that sums are formed in one order whatever the number of threads, and nothing is added up
 * twice. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "ndl/blas.h"
#include "ndl/vec.h"

static double *gradient_of(const struct sae *sae, enum sae_parameter p)
{
    return sae->state->gradient + sae->state->offset[p];
}

/* ------------------------------------------------------------- by latent */

struct sorting {
    const struct sae *sae;
    struct sae_entries *e;
};

/* Counts a chunk's entries by latent. */
static void count_chunk(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct sorting *s = context;
    const struct sae_entries *e = s->e;
    size_t *count = e->place + first / s->sae->state->chunk * s->sae->o.K;
    memset(count, 0, s->sae->o.K * sizeof *count);
    for (size_t i = first; i < last; i++)
        for (size_t j = e->start[i]; j < e->start[i] + e->n[i]; j++)
            count[e->atom[j]]++;
}

static void place_chunk(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct sorting *s = context;
    struct sae_entries *e = s->e;
    size_t *place = e->place + first / s->sae->state->chunk * s->sae->o.K;
    for (size_t i = first; i < last; i++)
        for (size_t j = e->start[i]; j < e->start[i] + e->n[i]; j++) {
            size_t to = place[e->atom[j]]++;
            e->row[to] = (uint32_t)i;
            e->latent_z[to] = e->z[j];
            e->latent_g[to] = e->g[j];
            if (e->has_extra)
                e->latent_extra[to] = e->extra[j];
        }
}

/* Lists each latent's entries (a counting sort, in which every chunk of rows has its places). */
static void transpose(const struct sae *sae, struct sae_entries *e)
{
    struct sorting s = {sae, e};
    size_t K = sae->o.K, batch = sae->o.batch, chunk = sae->state->chunk, next = 0;
    sae_parallel(sae, batch, chunk, count_chunk, &s);
    for (size_t k = 0; k < K; k++) {
        e->first[k] = next;
        for (size_t c = 0; c * chunk < batch; c++) {
            size_t count = e->place[c * K + k];
            e->place[c * K + k] = next;
            next += count;
        }
    }
    e->first[K] = next;
    sae_parallel(sae, batch, chunk, place_chunk, &s);
}

/* y += factor sum of v_t x_i over the entries [t, end), x_i row i of X (batch x d). */
NDL_WIDE_REGISTERS static void add_rows(const struct sae_entries *e, size_t t, size_t end,
                                        const double *v, double factor, const double *X, size_t d,
                                        double *y)
{
    for (; t + 4 <= end; t += 4) {
        const uint32_t *row = e->row + t;
        const double a[] = {factor * v[t], factor * v[t + 1], factor * v[t + 2], factor * v[t + 3]};
        const double *x[] = {X + row[0] * d, X + row[1] * d, X + row[2] * d, X + row[3] * d};
        ndl_add4(d, a, x, y, y);
    }
    for (; t < end; t++)
        ndl_axpy(d, factor * v[t], X + e->row[t] * d, y);
}

static double sum(const struct sae_entries *e, size_t k, const double *v)
{
    double total = 0;
    for (size_t t = e->first[k]; t < e->first[k + 1]; t++)
        total += v[t];
    return total;
}

/* latents a worker takes at a time; samples whose rows stay in cache meanwhile */
enum { LATENTS = 16, SAMPLES = 128 };

/* Adds what a path's entries say about E and D of the latents [first, last). */
static void add_path(const struct sae *sae, const struct sae_entries *e, size_t first, size_t last)
{
    const struct sae_state *s = sae->state;
    size_t d = sae->o.d, batch = sae->o.batch, at[LATENTS];
    bool grouped = e->residual == s->residual;
    memcpy(at, e->first + first, (last - first) * sizeof *at);
    for (size_t end = SAMPLES; end < batch + SAMPLES; end += SAMPLES)
        for (size_t k = first; k < last; k++) {
            size_t from = at[k - first], to = from;
            while (to < e->first[k + 1] && e->row[to] < end)
                to++;
            at[k - first] = to;
            add_rows(e, from, to, e->latent_g, 1, s->x, d, gradient_of(sae, SAE_E) + k * d);
            if (e->residual)
                add_rows(e, from, to, e->latent_z, -2,
                         e->residual + (grouped ? s->group_of[k] * batch * d : 0), d,
                         gradient_of(sae, SAE_D) + k * d);
        }
}

/* The rest of latent k, whose sums over samples stand in the gradient. */
static void finish_latent(const struct sae *sae, size_t k)
{
    const struct sae_state *s = sae->state;
    const struct sae_entries *e = &s->main;
    size_t d = sae->o.d;
    double *E = gradient_of(sae, SAE_E) + k * d, *D = gradient_of(sae, SAE_D) + k * d;
    double mean = 1 / (double)sae->o.batch, main = sum(e, k, e->latent_g);
    double side = s->side_left ? sum(&s->side, k, s->side.latent_g) : 0;
    enum sae_activation activation = sae->objective->activation;
    if (sae->o.norms == SAE_FREE && s->norm[k] > 0) /* of the penalty, through |d_k| */
        ndl_axpy(d, sum(e, k, e->latent_extra) / s->norm[k], sae->value[SAE_D] + k * d, D);
    for (size_t c = 0; c < d; c++) {
        E[c] *= mean;
        D[c] *= mean;
    }
    s->pull[k] = mean * (main + side);
    gradient_of(sae, SAE_B_ENC)[k] = activation == SAE_GATED ? mean * side : s->pull[k];
    if (activation == SAE_JUMPRELU)
        gradient_of(sae, SAE_LOG_THETA)[k] = mean * sum(e, k, e->latent_extra);
    if (activation == SAE_GATED) {
        gradient_of(sae, SAE_R_MAG)[k] = mean * sum(e, k, e->latent_extra);
        gradient_of(sae, SAE_B_MAG)[k] = mean * main * exp(-sae->value[SAE_R_MAG][k]);
    }
}

static void collect_latents(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct sae *sae = context;
    size_t d = sae->o.d;
    memset(gradient_of(sae, SAE_E) + first * d, 0, (last - first) * d * sizeof(double));
    memset(gradient_of(sae, SAE_D) + first * d, 0, (last - first) * d * sizeof(double));
    add_path(sae, &sae->state->main, first, last);
    if (sae->state->side_left)
        add_path(sae, &sae->state->side, first, last);
    for (size_t k = first; k < last; k++)
        finish_latent(sae, k);
}

/* b_dec is added to every reconstruction and subtracted from what is encoded. */
static void collect_bias(const struct sae *sae)
{
    const struct sae_state *s = sae->state;
    size_t d = sae->o.d;
    double *b = gradient_of(sae, SAE_B_DEC);
    memset(b, 0, d * sizeof *b);
    for (size_t i = 0; i < sae->o.batch; i++)
        ndl_axpy(d, -2 / (double)sae->o.batch, s->residual + i * d, b);
    for (size_t k = 0; k < sae->o.K; k++)
        ndl_axpy(d, -s->pull[k], sae->value[SAE_E] + k * d, b);
}

/* ---------------------------------------------------------- orthogonality */

/* A block of cosines, own ones zero; then either their sum of squares and its gradient, or the
 * largest of each row. */
static void cosines(void *context, size_t first, size_t last, int worker)
{
    const struct sae *sae = context;
    const struct sae_state *s = sae->state;
    size_t K = sae->o.K, d = sae->o.d, rows = last - first;
    double *C = s->cosine + (size_t)worker * SAE_COSINES * K;
    ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, rows, K, d, 1, s->unit + first * d, d, s->unit, d, 0, C, K);
    for (size_t k = first; k < last; k++) {
        double *c = C + (k - first) * K;
        c[k] = 0;
        size_t best = k ? 0 : K > 1;
        for (size_t j = 0; !sae->o.all_pairs && j < K; j++)
            if (j != k && c[j] * c[j] > c[best] * c[best])
                best = j;
        s->best[k] = sae->o.all_pairs ? ndl_dot(K, c, c) : c[best];
        s->best_with[k] = (uint32_t)best;
    }
    if (sae->o.all_pairs) /* sum over j of c_kj u_j, to be added to the gradient of d_k */
        ndl_gemm(NDL_PLAIN, NDL_PLAIN, rows, d, K, 1, C, K, s->unit, d, 0, s->turn + first * d, d);
}

/* Adds the derivative of weight c^2 with respect to d_k, c = u_k . u_j. */
static void push_apart(const struct sae *sae, size_t k, size_t j, double weight, double c)
{
    const struct sae_state *s = sae->state;
    size_t d = sae->o.d;
    double *D = gradient_of(sae, SAE_D) + k * d;
    if (s->norm[k] > 0) {
        ndl_axpy(d, 2 * weight * c / s->norm[k], s->unit + j * d, D);
        ndl_axpy(d, -2 * weight * c * c / s->norm[k], s->unit + k * d, D);
    }
}

/* weight mean_k max_{j != k} cos(d_k, d_j)^2 (Korznikov et al. 2025, 2509.22033, in one chunk), or
 * weight sum_{j < k} cos^2. */
static double orthogonality(const struct sae *sae)
{
    struct sae_state *s = sae->state;
    size_t K = sae->o.K, d = sae->o.d;
    double weight = sae->o.orthogonality, loss = 0;
    for (size_t k = 0; k < K; k++)
        ndl_unit(d, sae->value[SAE_D] + k * d, s->unit + k * d);
    sae_parallel(sae, K, SAE_COSINES, cosines, (void *)(uintptr_t)sae);
    for (size_t k = 0; k < K; k++) {
        if (sae->o.all_pairs) {
            double *D = gradient_of(sae, SAE_D) + k * d, along = 2 * weight / s->norm[k];
            ndl_axpy(d, along, s->turn + k * d, D);
            ndl_axpy(d, -along * s->best[k], s->unit + k * d, D);
            loss += weight * s->best[k] / 2;
        } else {
            double c = s->best[k], share = weight / (double)K;
            push_apart(sae, k, s->best_with[k], share, c);
            push_apart(sae, s->best_with[k], k, share, c);
            loss += share * c * c;
        }
    }
    return loss;
}

double sae_collect(struct sae *sae)
{
    struct sae_state *s = sae->state;
    transpose(sae, &s->main);
    if (s->side_left)
        transpose(sae, &s->side);
    sae_parallel(sae, sae->o.K, LATENTS, collect_latents, sae);
    collect_bias(sae);
    return sae_has(sae, SAE_ORTHOGONAL) && sae->o.K > 1 ? orthogonality(sae) : 0;
}

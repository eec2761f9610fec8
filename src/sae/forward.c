/* forward.c -- from a batch to its codes: pre-activations by dgemm, then the activation.
 *
 * Lists are filled without branches: an entry is written always and counted if it belongs, since
 * about half of the pre-activations of an untrained SAE are positive, at random. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "ndl/blas.h"
#include "ndl/vec.h"

/* -------------------------------------------------------------- the largest */

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's FIND (1961) with the median of three as pivot. */
double sae_kth_largest(double *v, size_t n, size_t k)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, want = (ptrdiff_t)k - 1;
    while (low < high) {
        double a = v[low], b = v[low + (high - low) / 2], c = v[high];
        double pivot = fmax(fmin(a, b), fmin(fmax(a, b), c));
        ptrdiff_t i = low, j = high;
        while (i <= j) { /* larger ones to the left */
            while (v[i] > pivot)
                i++;
            while (v[j] < pivot)
                j--;
            if (i <= j)
                swap(v + i++, v + j--);
        }
        if (want <= j)
            high = j;
        else if (want >= i)
            low = i;
        else
            break; /* between them all equal the pivot */
    }
    return v[want];
}

/* Keeps, of a sample's entries, those above the cut and the first *equal ones at it. */
static void keep_above(struct sae_entries *e, size_t i, double cut, size_t *equal)
{
    uint32_t *atom = e->atom + e->start[i];
    double *z = e->z + e->start[i];
    size_t n = 0;
    for (size_t j = 0; j < e->n[i]; j++) {
        bool tie = !(z[j] > cut) && !(z[j] < cut) && *equal > 0;
        *equal -= tie;
        atom[n] = atom[j];
        z[n] = z[j];
        n += z[j] > cut || tie;
    }
    e->n[i] = n;
}

static size_t count_above(const double *z, size_t n, double cut)
{
    size_t above = 0;
    for (size_t j = 0; j < n; j++)
        above += z[j] > cut;
    return above;
}

/* Copies what is above a bound. */
static size_t copy_above(const double *z, size_t n, double bound, double *to)
{
    size_t above = 0;
    for (size_t j = 0; j < n; j++) {
        to[above] = z[j];
        above += z[j] > bound;
    }
    return above;
}

/* Of equal codes the one with the lower index is kept. */
void sae_keep_largest(struct sae_entries *e, size_t i, size_t k, double *guess, double *candidate)
{
    if (e->n[i] <= k)
        return;
    const double *z = e->z + e->start[i];
    size_t n = copy_above(z, e->n[i], 0.7 * *guess, candidate);
    if (n < k)
        n = copy_above(z, e->n[i], 0, candidate);
    double cut = sae_kth_largest(candidate, n, k);
    size_t equal = k - count_above(candidate, n, cut);
    keep_above(e, i, cut, &equal);
    *guess = cut;
}

/* --------------------------------------------------------------- activations */

static size_t list_positive(const double *pi, size_t K, uint32_t *atom, double *z)
{
    size_t n = 0;
    for (size_t k = 0; k < K; k++) {
        atom[n] = (uint32_t)k;
        z[n] = pi[k];
        n += pi[k] > 0;
    }
    return n;
}

/* Codes, and the latents within half a bandwidth below the threshold, whose threshold learns. */
static size_t list_above(const double *pi, size_t K, const double *theta, double half,
                         uint32_t *atom, double *z)
{
    size_t n = 0;
    for (size_t k = 0; k < K; k++) {
        bool on = pi[k] > theta[k];
        atom[n] = (uint32_t)k;
        z[n] = on ? pi[k] : 0;
        n += on || pi[k] - theta[k] > -half;
    }
    return n;
}

static size_t list_gated(const struct sae *sae, const double *a, const double *scale,
                         uint32_t *atom, double *z)
{
    const double *gate = sae->value[SAE_B_ENC], *b = sae->value[SAE_B_MAG];
    size_t n = 0;
    for (size_t k = 0; k < sae->o.K; k++) {
        double magnitude = scale[k] * a[k] + b[k];
        atom[n] = (uint32_t)k;
        z[n] = magnitude;
        n += a[k] + gate[k] > 0 && magnitude > 0;
    }
    return n;
}

static size_t list_gates(const struct sae *sae, const double *a, uint32_t *atom, double *z)
{
    const double *gate = sae->value[SAE_B_ENC];
    size_t n = 0;
    for (size_t k = 0; k < sae->o.K; k++) {
        atom[n] = (uint32_t)k;
        z[n] = a[k] + gate[k];
        n += a[k] + gate[k] > 0;
    }
    return n;
}

/* exp of a parameter of K numbers. */
static const double *exponentials(const struct sae *sae, enum sae_parameter p, double *scratch)
{
    for (size_t k = 0; k < sae->o.K; k++)
        scratch[k] = exp(sae->value[p][k]);
    return scratch;
}

static void list_codes(const struct sae *sae, size_t first, size_t last, double *scratch)
{
    struct sae_entries *e = &sae->state->main, *side = &sae->state->side;
    size_t K = sae->o.K, at = first * K, side_at = at;
    enum sae_activation activation = sae->objective->activation;
    const double *scale = NULL;
    double guess = 0;
    if (activation == SAE_JUMPRELU)
        scale = exponentials(sae, SAE_LOG_THETA, scratch);
    if (activation == SAE_GATED)
        scale = exponentials(sae, SAE_R_MAG, scratch);
    for (size_t i = first; i < last; i++) {
        const double *pi = sae->state->pre + i * K;
        e->start[i] = at;
        if (activation == SAE_JUMPRELU)
            e->n[i] = list_above(pi, K, scale, sae->o.bandwidth / 2, e->atom + at, e->z + at);
        else if (activation == SAE_GATED)
            e->n[i] = list_gated(sae, pi, scale, e->atom + at, e->z + at);
        else
            e->n[i] = list_positive(pi, K, e->atom + at, e->z + at);
        if (activation == SAE_TOPK)
            sae_keep_largest(e, i, (size_t)sae->o.k, &guess, scratch);
        at += e->n[i];
        if (activation == SAE_GATED) {
            side->start[i] = side_at;
            side->n[i] = list_gates(sae, pi, side->atom + side_at, side->z + side_at);
            side_at += side->n[i];
        }
    }
}

/* ----------------------------------------------------------------- BatchTopK */

/* The codes above a bound, copied together. */
static size_t gather(const struct sae *sae, double bound, double *to)
{
    const struct sae_entries *e = &sae->state->main;
    size_t n = 0;
    for (size_t i = 0; i < sae->o.batch; i++)
        n += copy_above(e->z + e->start[i], e->n[i], bound, to + n);
    return n;
}

/* The batch's k batch largest codes; of equal ones those of the first samples.  Where the last
 * batch was cut says where to look first, and nothing about what is found. */
static void keep_largest_of_batch(const struct sae *sae)
{
    struct sae_state *s = sae->state;
    struct sae_entries *e = &s->main;
    size_t budget = (size_t)llround(sae->o.k * (double)sae->o.batch);
    size_t n = gather(sae, 0.7 * s->cut, s->candidate);
    if (n < budget)
        n = gather(sae, 0, s->candidate);
    if (n <= budget)
        return;
    s->cut = sae_kth_largest(s->candidate, n, budget);
    size_t equal = budget - count_above(s->candidate, n, s->cut);
    for (size_t i = 0; i < sae->o.batch; i++)
        keep_above(e, i, s->cut, &equal);
}

/* ------------------------------------------------------------------- the pass */

struct forward {
    const struct sae *sae;
    const double *X;
};

static void forward_rows(void *context, size_t first, size_t last, int worker)
{
    const struct forward *f = context;
    const struct sae *sae = f->sae;
    struct sae_state *s = sae->state;
    size_t K = sae->o.K, d = sae->o.d;
    bool gated = sae->objective->activation == SAE_GATED;
    for (size_t i = first; i < last; i++) {
        for (size_t j = 0; j < d; j++)
            s->x[i * d + j] = f->X[i * d + j] - sae->value[SAE_B_DEC][j];
        if (!gated)
            memcpy(s->pre + i * K, sae->value[SAE_B_ENC], K * sizeof(double));
    }
    ndl_gemm(NDL_PLAIN, NDL_TRANSPOSED, last - first, K, d, 1, s->x + first * d, d,
             sae->value[SAE_E], d, gated ? 0 : 1, s->pre + first * K, K);
    list_codes(sae, first, last, sae_scratch(sae, worker));
}

/* Keeps what is above the threshold: BatchTopK's, or that at zero between codes and latents near
 * their own threshold. */
static void keep_codes(const struct sae *sae, size_t rows)
{
    bool whole_batch = sae->objective->activation == SAE_BATCHTOPK;
    size_t none = 0;
    for (size_t i = 0; i < rows; i++)
        keep_above(&sae->state->main, i, whole_batch ? sae->batch_threshold : 0, &none);
}

void sae_forward(const struct sae *sae, const double *X, size_t rows, bool later)
{
    struct forward f = {sae, X};
    sae_parallel(sae, rows, sae->state->chunk, forward_rows, &f);
    if (later)
        keep_codes(sae, rows);
    else if (sae->objective->activation == SAE_BATCHTOPK)
        keep_largest_of_batch(sae);
}

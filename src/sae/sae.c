/* sae.c -- options, allocation and the two ways to start; see sae.h. */
#include "state.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ndl/blas.h"
#include "ndl/random.h"
#include "ndl/vec.h"

const char *const sae_parameter_name[SAE_PARAMETERS] = {"W_enc",         "b_enc", "W_dec", "b_dec",
                                                        "log_threshold", "r_mag", "b_mag"};

struct sae_options sae_defaults(const char *objective)
{
    const struct sae_objective *row = sae_objective_find(objective);
    return (struct sae_options){.objective = row ? row->name : "l1",
                                .batch = 256,
                                .lambda = 0.1,
                                .shape = row ? row->shape : 1,
                                .orthogonality = 0.25,
                                .bandwidth = 0.001,
                                .threshold = 0.001,
                                .aux_weight = 0.03125,
                                .dead_after = 10000000,
                                .rate = 1e-3,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .steps = 2000,
                                .decay = 0.2,
                                .anneal_from = 0.2,
                                .anneal_to = 0.8,
                                .seed = 1,
                                .threads = 1};
}

/* ------------------------------------------------------------------ checks */

static bool fraction(double x)
{
    return x >= 0 && x <= 1;
}

static enum ndl_status check_sizes(const struct sae_options *o, struct ndl_error *err)
{
    size_t numbers, bytes;
    if (o->d < 1 || o->K < 1 || o->batch < 1 || o->d > INT_MAX || o->K > INT_MAX ||
        o->batch > INT_MAX)
        return ndl_fail(err, NDL_BADARG, "an SAE of %zu latents in %zu dimensions, batches of %zu",
                        o->K, o->d, o->batch);
    if (__builtin_mul_overflow(o->K, o->d > o->batch ? o->d : o->batch, &numbers) ||
        __builtin_mul_overflow(numbers, 64, &bytes) || numbers > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG,
                        "%zu latents are too many for %zu dimensions and batches of %zu", o->K,
                        o->d, o->batch);
    return NDL_OK;
}

static enum ndl_status check_levels(const struct sae_options *o, const struct sae_objective *row,
                                    struct ndl_error *err)
{
    bool weights = (row->terms & SAE_LEVELS) && !o->weight && !o->parent;
    if (o->levels == 0 && ((row->terms & SAE_PREFIXES) || weights))
        return ndl_fail(err, NDL_BADARG, "%s needs levels", row->name);
    if ((row->terms & SAE_TREE) && !o->parent)
        return ndl_fail(err, NDL_BADARG, "%s needs the parent of every latent", row->name);
    for (size_t l = 0; l < o->levels; l++)
        if (o->level[l] <= (l ? o->level[l - 1] : 0))
            return ndl_fail(err, NDL_BADARG, "level %zu ends at %zu, not after the one before", l,
                            o->level[l]);
    if (o->levels > 0 && o->level[o->levels - 1] != o->K)
        return ndl_fail(err, NDL_BADARG,
                        "the last level ends at %zu, not at %zu, the number of latents",
                        o->level[o->levels - 1], o->K);
    for (size_t l = 0; o->prefix_weight && l < o->levels; l++)
        if (!(o->prefix_weight[l] >= 0 && isfinite(o->prefix_weight[l])) ||
            (l + 1 == o->levels && o->prefix_weight[l] == 0))
            return ndl_fail(err, NDL_BADARG, "the weight of prefix %zu is %g", l,
                            o->prefix_weight[l]);
    for (size_t k = 0; o->parent && k < o->K; k++)
        if (o->parent[k] < -1 || (o->parent[k] >= 0 && (size_t)o->parent[k] >= k))
            return ndl_fail(err, NDL_BADARG,
                            "latent %zu has the parent %d, which does not come before it", k,
                            (int)o->parent[k]);
    for (size_t k = 0; o->weight && k < o->K; k++)
        if (!(o->weight[k] >= 0 && isfinite(o->weight[k])))
            return ndl_fail(err, NDL_BADARG, "the weight of latent %zu is %g", k, o->weight[k]);
    return NDL_OK;
}

static enum ndl_status check_activation(const struct sae_options *o,
                                        const struct sae_objective *row, struct ndl_error *err)
{
    double K = (double)o->K;
    if (row->activation == SAE_TOPK && !(o->k >= 1 && o->k <= K && o->k == floor(o->k)))
        return ndl_fail(err, NDL_BADARG, "k of %s is %g, not an integer from 1 to %zu", row->name,
                        o->k, o->K);
    if (row->activation == SAE_BATCHTOPK &&
        !(o->k > 0 && o->k <= K && o->k * (double)o->batch >= 0.5))
        return ndl_fail(err, NDL_BADARG, "k of %s is %g, not above 0 and at most %zu", row->name,
                        o->k, o->K);
    if (row->activation == SAE_JUMPRELU &&
        !(o->bandwidth > 0 && o->threshold > 0 && isfinite(o->bandwidth) && isfinite(o->threshold)))
        return ndl_fail(err, NDL_BADARG, "bandwidth %g and threshold %g of %s are not both > 0",
                        o->bandwidth, o->threshold, row->name);
    if (row->activation == SAE_JUMPRELU && row->penalty)
        return ndl_fail(err, NDL_BADARG, "%s: JumpReLU's penalty is the number of codes",
                        row->name);
    if (row->activation == SAE_GATED && (!row->penalty || (row->terms & SAE_REVIVAL)))
        return ndl_fail(err, NDL_BADARG, "%s: a gated SAE has a penalty and no revival", row->name);
    if (o->norms == SAE_FREE && (row->activation != SAE_RELU || !row->penalty))
        return ndl_fail(err, NDL_BADARG, "%s has unit norms", row->name);
    return NDL_OK;
}

static enum ndl_status check_numbers(const struct sae_options *o, struct ndl_error *err)
{
    const struct {
        const char *name;
        double value;
        bool good;
    } numbers[] = {
        {"lambda", o->lambda, o->lambda >= 0},
        {"shape", o->shape, isfinite(o->shape)},
        {"orthogonality", o->orthogonality, o->orthogonality >= 0},
        {"aux_weight", o->aux_weight, o->aux_weight >= 0},
        {"rate", o->rate, o->rate > 0},
        {"beta1", o->beta1, o->beta1 >= 0 && o->beta1 < 1},
        {"beta2", o->beta2, o->beta2 >= 0 && o->beta2 < 1},
        {"warmup", o->warmup, fraction(o->warmup)},
        {"decay", o->decay, fraction(o->decay)},
        {"anneal_from", o->anneal_from, fraction(o->anneal_from)},
        {"anneal_to", o->anneal_to, o->anneal_to >= o->anneal_from && o->anneal_to <= 1}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!numbers[i].good || !isfinite(numbers[i].value))
            return ndl_fail(err, NDL_BADARG, "%s is %g", numbers[i].name, numbers[i].value);
    if (o->steps < 1)
        return ndl_fail(err, NDL_BADARG, "no steps");
    if (o->seed < 1 || o->seed > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG, "seed %llu is not between 1 and 4294967295",
                        (unsigned long long)o->seed);
    if (o->threads < 1)
        return ndl_fail(err, NDL_BADARG, "%d threads", o->threads);
    return NDL_OK;
}

static enum ndl_status check(const struct sae_options *o, const struct sae_objective **row,
                             struct ndl_error *err)
{
    *row = o->custom ? o->custom : sae_objective_find(o->objective);
    if (!*row)
        return ndl_fail(err, NDL_BADARG, "there is no objective '%.60s'",
                        o->objective ? o->objective : "");
    enum ndl_status status = check_sizes(o, err);
    if (status == NDL_OK)
        status = check_levels(o, *row, err);
    if (status == NDL_OK)
        status = check_activation(o, *row, err);
    return status == NDL_OK ? check_numbers(o, err) : status;
}

/* -------------------------------------------------------------- allocation */

/* calloc that remembers a failure. */
static void *room(size_t n, size_t size, bool *good)
{
    void *p = calloc(n ? n : 1, size);
    *good = *good && p;
    return p;
}

static void *copy(const void *from, size_t n, size_t size, bool *good)
{
    void *p = from ? room(n, size, good) : NULL;
    return p ? memcpy(p, from, n * size) : NULL;
}

static void copy_options(struct sae *sae, const struct sae_options *o, bool *good)
{
    sae->o = *o;
    sae->o.objective = sae->objective->name;
    sae->o.levels = o->levels ? o->levels : 1;
    sae->o.level = o->levels ? copy(o->level, o->levels, sizeof *o->level, good)
                             : copy(&o->K, 1, sizeof o->K, good);
    sae->o.prefix_weight =
        o->levels ? copy(o->prefix_weight, o->levels, sizeof *o->prefix_weight, good) : NULL;
    sae->o.parent = copy(o->parent, o->K, sizeof *o->parent, good);
    sae->o.weight = copy(o->weight, o->K, sizeof *o->weight, good);
    if (o->aux_k == 0)
        sae->o.aux_k = o->d > 1 ? o->d / 2 : 1;
}

static void count_parameters(struct sae *sae)
{
    size_t K = sae->o.K, d = sae->o.d;
    size_t *count = sae->count, at = 0;
    count[SAE_E] = count[SAE_D] = K * d;
    count[SAE_B_ENC] = K;
    count[SAE_B_DEC] = d;
    count[SAE_LOG_THETA] = sae->objective->activation == SAE_JUMPRELU ? K : 0;
    count[SAE_R_MAG] = count[SAE_B_MAG] = sae->objective->activation == SAE_GATED ? K : 0;
    for (int p = 0; p < SAE_PARAMETERS; p++) {
        sae->state->offset[p] = at;
        at += count[p];
    }
    sae->state->numbers = at;
}

static void allocate_entries(const struct sae *sae, struct sae_entries *e, bool *good)
{
    size_t batch = sae->o.batch, K = sae->o.K, most = batch * K + 1;
    e->start = room(batch, sizeof *e->start, good);
    e->n = room(batch, sizeof *e->n, good);
    e->atom = room(most, sizeof *e->atom, good);
    e->z = room(most, sizeof *e->z, good);
    e->g = room(most, sizeof *e->g, good);
    e->extra = room(most, sizeof *e->extra, good);
    e->first = room(K + 1, sizeof *e->first, good);
    e->place = room((batch / sae->state->chunk + 1) * K, sizeof *e->place, good);
    e->row = room(most, sizeof *e->row, good);
    e->latent_z = room(most, sizeof(double), good);
    e->latent_g = room(most, sizeof(double), good);
    e->latent_extra = room(most, sizeof(double), good);
}

static void free_entries(struct sae_entries *e)
{
    void *all[] = {e->start, e->n,     e->atom, e->z,        e->g,        e->extra,
                   e->first, e->place, e->row,  e->latent_z, e->latent_g, e->latent_extra};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void allocate_workspace(const struct sae *sae, bool *good)
{
    struct sae_state *s = sae->state;
    size_t batch = sae->o.batch, K = sae->o.K, d = sae->o.d;
    bool orthogonal = sae_has(sae, SAE_ORTHOGONAL);
    bool side = sae_has(sae, SAE_REVIVAL) || sae->objective->activation == SAE_GATED;
    s->chunk = batch >= 512 ? 128 : 32;
    s->x = room(batch * d, sizeof(double), good);
    s->pre = room(batch * K, sizeof(double), good);
    s->residual = room(s->groups * batch * d, sizeof(double), good);
    s->side_left = side ? room(batch * d, sizeof(double), good) : NULL;
    allocate_entries(sae, &s->main, good);
    if (side)
        allocate_entries(sae, &s->side, good);
    s->main.residual = s->residual;
    s->main.has_extra =
        sae->o.norms == SAE_FREE || sae->count[SAE_LOG_THETA] || sae->count[SAE_R_MAG];
    s->side.residual = sae_has(sae, SAE_REVIVAL) ? s->side_left : NULL;
    s->error = room(batch, sizeof(double), good);
    s->terms = room(batch, sizeof(double), good);
    s->omega = room(batch, sizeof(double), good);
    s->omega_next = room(batch, sizeof(double), good);
    s->norm = room(K, sizeof(double), good);
    s->pull = room(K, sizeof(double), good);
    s->turn = orthogonal ? room(K * d, sizeof(double), good) : NULL;
    s->cosine =
        orthogonal ? room((size_t)sae->o.threads * SAE_COSINES * K, sizeof(double), good) : NULL;
    s->unit = orthogonal ? room(K * d, sizeof(double), good) : NULL;
    s->best = orthogonal ? room(K, sizeof(double), good) : NULL;
    s->best_with = orthogonal ? room(K, sizeof *s->best_with, good) : NULL;
    s->dead = room(K, sizeof *s->dead, good);
    s->candidate = room(batch * K, sizeof(double), good);
    s->scratch_size = 5 * K + 2 * d;
    s->scratch = room((size_t)sae->o.threads * s->scratch_size, sizeof(double), good);
}

/* Leaves and the last level have height 0. */
static void fill_heights(const struct sae_options *o, double *height)
{
    for (size_t k = o->K; o->parent && k-- > 0;) /* children come after their parents */
        if (o->parent[k] >= 0)
            height[o->parent[k]] = fmax(height[o->parent[k]], height[k] + 1);
    for (size_t k = 0, l = 0; !o->parent && k < o->K; k++) {
        l += k == o->level[l];
        height[k] = (double)(o->levels - 1 - l);
    }
}

static void fill_weights(const struct sae *sae)
{
    struct sae_state *s = sae->state;
    const struct sae_options *o = &sae->o;
    for (size_t k = 0, l = 0; s->groups > 1 && k < o->K; k++) {
        l += k == o->level[l];
        s->group_of[k] = (uint32_t)l;
    }
    if (sae_has(sae, SAE_LEVELS))
        fill_heights(o, s->weight);
    for (size_t k = 0; k < o->K; k++)
        s->weight[k] = o->weight ? o->weight[k] : pow(o->shape, s->weight[k]);
    for (size_t k = 0; !o->weight && !sae_has(sae, SAE_LEVELS) && k < o->K; k++)
        s->weight[k] = 1;
}

enum ndl_status sae_new(struct sae *sae, const struct sae_options *o, struct ndl_error *err)
{
    *sae = (struct sae){0};
    const struct sae_objective *row;
    enum ndl_status status = check(o, &row, err);
    if (status != NDL_OK)
        return status;
    bool good = true;
    sae->objective = row;
    copy_options(sae, o, &good);
    sae->state = room(1, sizeof *sae->state, &good);
    if (good) {
        struct sae_state *s = sae->state;
        count_parameters(sae);
        s->value = room(s->numbers, sizeof(double), &good);
        s->moment1 = room(s->numbers, sizeof(double), &good);
        s->moment2 = room(s->numbers, sizeof(double), &good);
        s->gradient = room(s->numbers, sizeof(double), &good);
        s->silent = room(o->K, sizeof *s->silent, &good);
        s->weight = room(o->K, sizeof(double), &good);
        s->groups = sae_has(sae, SAE_PREFIXES) ? sae->o.levels : 1;
        s->group_of = room(o->K, sizeof *s->group_of, &good);
        s->prefix = room(s->groups, sizeof(double), &good);
        s->coefficient = 1;
        allocate_workspace(sae, &good);
    }
    if (!good) {
        sae_free(sae);
        return ndl_fail(err, NDL_NOMEM, "no memory for an SAE of %zu latents, batches of %zu", o->K,
                        o->batch);
    }
    for (int p = 0; p < SAE_PARAMETERS; p++)
        sae->value[p] = sae->count[p] ? sae->state->value + sae->state->offset[p] : NULL;
    fill_weights(sae);
    ndl_blas_single_threaded();
    return NDL_OK;
}

void sae_free(struct sae *sae)
{
    struct sae_state *s = sae->state;
    if (s) {
        void *all[] = {s->value,      s->moment1,   s->moment2,   s->gradient, s->silent,
                       s->weight,     s->group_of,  s->prefix,    s->x,        s->pre,
                       s->residual,   s->side_left, s->error,     s->terms,    s->omega,
                       s->omega_next, s->norm,      s->unit,      s->turn,     s->cosine,
                       s->pull,       s->best,      s->best_with, s->dead,     s->candidate,
                       s->scratch};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
        free_entries(&s->main);
        free_entries(&s->side);
        free(s);
    }
    const void *arrays[] = {sae->o.level, sae->o.prefix_weight, sae->o.parent, sae->o.weight};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free((void *)(uintptr_t)arrays[i]);
    *sae = (struct sae){0};
}

/* ------------------------------------------------------------------- starts */

enum ndl_status sae_init_random(struct sae *sae, const double *b, struct ndl_error *err)
{
    struct sae_state *s = sae->state;
    size_t K = sae->o.K, d = sae->o.d;
    gsl_rng *rng;
    enum ndl_status status = ndl_rng(&rng, sae->o.seed, 0, err);
    if (status != NDL_OK)
        return status;
    memset(s->value, 0, s->numbers * sizeof(double));
    memset(s->moment1, 0, s->numbers * sizeof(double));
    memset(s->moment2, 0, s->numbers * sizeof(double));
    memset(s->silent, 0, K * sizeof *s->silent);
    s->coefficient = 1;
    s->cut = 0;
    sae->step = 0;
    sae->batch_threshold = 0;
    for (size_t k = 0; k < K; k++)
        ndl_random_unit(rng, sae->value[SAE_D] + k * d, d);
    gsl_rng_free(rng);
    memcpy(sae->value[SAE_E], sae->value[SAE_D], K * d * sizeof(double));
    if (b)
        memcpy(sae->value[SAE_B_DEC], b, d * sizeof(double));
    for (size_t k = 0; k < sae->count[SAE_LOG_THETA]; k++)
        sae->value[SAE_LOG_THETA][k] = log(sae->o.threshold);
    return NDL_OK;
}

enum ndl_status sae_init_truth(struct sae *sae, const struct ndl_matrix *D,
                               const struct ndl_matrix *E, const double *b, struct ndl_error *err)
{
    size_t K = sae->o.K, d = sae->o.d;
    if (D->rows > K || D->cols != d)
        return ndl_fail(err, NDL_BADARG, "%zu atoms in %zu dimensions for an SAE of %zu in %zu",
                        D->rows, D->cols, K, d);
    if (E && (E->rows != D->rows || E->cols != d))
        return ndl_fail(err, NDL_BADARG, "an encoder of %zu x %zu for %zu atoms in %zu dimensions",
                        E->rows, E->cols, D->rows, d);
    for (size_t k = 0; k < D->rows && sae->o.norms == SAE_UNIT; k++)
        if (!(fabs(ndl_dot(d, ndl_row(D, k), ndl_row(D, k)) - 1) < 1e-9))
            return ndl_fail(err, NDL_BADARG, "atom %zu is no unit vector", k);
    enum ndl_status status = sae_init_random(sae, b, err);
    if (status != NDL_OK)
        return status;
    memcpy(sae->value[SAE_D], D->v, D->rows * d * sizeof(double));
    memcpy(sae->value[SAE_E], E ? E->v : D->v, D->rows * d * sizeof(double));
    return NDL_OK;
}

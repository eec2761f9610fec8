/* Every objective of the table: loss and gradient against a second implementation of the loss, one
 * sample and one latent at a time, and its central differences, on random shapes.
 *
 * The loss has two sets of parameters, those that are varied and those that the papers hold fixed:
 * which codes TopK chooses, whether a gate is open, the decoder in the gate's own reconstruction,
 * the residual that dead latents reconstruct.  For JumpReLU's thresholds, where the loss has no
 * derivative, it has the linear term that defines the pseudo-derivative. */
#include "check.h"

#include "ndl/random.h"
#include "sae/sae.h"

#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

enum { MOST = 16, SHAPES = 12 };

struct problem {
    struct sae sae;
    gsl_rng *rng;
    size_t d, K, batch, levels, level[3];
    double prefix_weight[3], weight[MOST];
    int32_t parent[MOST];
    double *X;
    double *fixed[SAE_PARAMETERS];
    bool dead[MOST];
};

/* ------------------------------------------------------- the second implementation */

static double pre(const struct problem *p, double *const *v, const double *x, size_t k)
{
    double sum = p->sae.objective->activation == SAE_GATED ? 0 : v[SAE_B_ENC][k];
    for (size_t c = 0; c < p->d; c++)
        sum += v[SAE_E][k * p->d + c] * (x[c] - v[SAE_B_DEC][c]);
    return sum;
}

/* Whether code k of sample i is on, with the fixed parameters. */
static bool chosen(const struct problem *p, size_t i, size_t k)
{
    enum sae_activation activation = p->sae.objective->activation;
    double *const *f = p->fixed, own = pre(p, f, p->X + i * p->d, k);
    if (activation == SAE_GATED)
        return own + f[SAE_B_ENC][k] > 0 && exp(f[SAE_R_MAG][k]) * own + f[SAE_B_MAG][k] > 0;
    if (activation == SAE_JUMPRELU)
        return own > exp(f[SAE_LOG_THETA][k]);
    size_t before = 0; /* larger ones among those it competes with */
    bool whole = activation == SAE_BATCHTOPK;
    for (size_t n = whole ? 0 : i; n < (whole ? p->batch : i + 1); n++)
        for (size_t l = 0; l < p->K; l++)
            before += pre(p, f, p->X + n * p->d, l) > own;
    if (activation == SAE_TOPK && (double)before >= p->sae.o.k)
        return false;
    if (activation == SAE_BATCHTOPK && (double)before >= round(p->sae.o.k * (double)p->batch))
        return false;
    return own > 0;
}

static double code(const struct problem *p, double *const *v, size_t i, size_t k)
{
    double own = pre(p, v, p->X + i * p->d, k);
    if (!chosen(p, i, k))
        return 0;
    return p->sae.objective->activation == SAE_GATED ? exp(v[SAE_R_MAG][k]) * own + v[SAE_B_MAG][k]
                                                     : own;
}

/* r = x - b - sum over latents below `end` of z_k d_k; returns |r|^2. */
static double residual(const struct problem *p, const double *x, const double *b, const double *z,
                       const double *D, size_t end, double *r)
{
    double square = 0;
    for (size_t c = 0; c < p->d; c++) {
        r[c] = x[c] - b[c];
        for (size_t k = 0; k < end; k++)
            r[c] -= z[k] * D[k * p->d + c];
        square += r[c] * r[c];
    }
    return square;
}

static double norm(const double *v, size_t n)
{
    double square = 0;
    for (size_t c = 0; c < n; c++)
        square += v[c] * v[c];
    return sqrt(square);
}

/* How far the annealing is, as sae.h states it. */
static double annealed(const struct problem *p)
{
    const struct sae_options *o = &p->sae.o;
    double f = ((double)p->sae.step / (double)o->steps - o->anneal_from);
    return fmax(0, fmin(1, f / (o->anneal_to - o->anneal_from)));
}

static double omega(const struct problem *p, double *const *v, const double *z)
{
    const struct sae_objective *row = p->sae.objective;
    double from = row->shape_from, to = p->sae.o.shape, on[MOST], slope[MOST], weight[MOST];
    double scratch[3 * MOST];
    uint32_t atom[MOST];
    struct sae_sample s = {.atom = atom, .z = on, .K = p->K, .weight = weight, .scratch = scratch};
    s.parent = p->sae.o.parent;
    s.shape = from == 0 ? to : from + (to - from) * annealed(p);
    for (size_t k = 0; k < p->K; k++) {
        weight[k] = p->sae.o.weight ? p->sae.o.weight[k] : 1;
        double scale = p->sae.o.norms == SAE_FREE ? norm(v[SAE_D] + k * p->d, p->d) : 1;
        if (z[k] > 0) {
            atom[s.n] = (uint32_t)k;
            on[s.n++] = z[k] * scale;
        }
    }
    return row->penalty(&s, slope);
}

static double lambda(const struct problem *p)
{
    const struct sae_options *o = &p->sae.o;
    double done = (double)(p->sae.step + 1) / (double)o->steps;
    return o->lambda * (o->warmup > 0 ? fmin(1, done / o->warmup) : 1);
}

/* The reconstruction terms; to[k] receives their derivative with respect to z_k. */
static double reconstruction(const struct problem *p, double *const *v, const double *x,
                             const double *z, double *to)
{
    bool prefixes = (p->sae.objective->terms & SAE_PREFIXES) != 0;
    double r[MOST], total = 0;
    memset(to, 0, p->K * sizeof *to);
    for (size_t m = 0; m < p->levels; m++) {
        bool last = m + 1 == p->levels;
        double w = prefixes ? p->prefix_weight[m] : last;
        if (!last && (p->sae.objective->terms & SAE_FADING))
            w *= 1 - annealed(p);
        total += w * residual(p, x, v[SAE_B_DEC], z, v[SAE_D], p->level[m], r);
        for (size_t k = 0; k < p->level[m]; k++)
            for (size_t c = 0; c < p->d; c++)
                to[k] -= 2 * w * r[c] * v[SAE_D][k * p->d + c];
    }
    return total;
}

static double thresholds(const struct problem *p, double *const *v, size_t i, const double *slope)
{
    double eps = p->sae.o.bandwidth, total = 0;
    for (size_t k = 0; k < p->K; k++) {
        double theta = exp(p->fixed[SAE_LOG_THETA][k]), moved = exp(v[SAE_LOG_THETA][k]) - theta;
        if (fabs(pre(p, p->fixed, p->X + i * p->d, k) - theta) < eps / 2)
            total -= moved * (theta * slope[k] + lambda(p)) / eps;
        total += lambda(p) * chosen(p, i, k);
    }
    return total;
}

static double gate(const struct problem *p, double *const *v, size_t i)
{
    const double *x = p->X + i * p->d;
    double g[MOST], r[MOST];
    for (size_t k = 0; k < p->K; k++)
        g[k] = fmax(0, pre(p, v, x, k) + v[SAE_B_ENC][k]);
    return residual(p, x, p->fixed[SAE_B_DEC], g, p->fixed[SAE_D], p->K, r) +
           lambda(p) * omega(p, v, g);
}

static double revival(const struct problem *p, double *const *v, size_t i)
{
    const double *x = p->X + i * p->d, nothing[MOST] = {0};
    double z[MOST], aux[MOST] = {0}, left[MOST], r[MOST];
    bool any = false;
    for (size_t k = 0; k < p->K; k++) {
        z[k] = code(p, p->fixed, i, k);
        double own = pre(p, p->fixed, x, k);
        size_t before = 0;
        for (size_t l = 0; l < p->K; l++)
            before += p->dead[l] && pre(p, p->fixed, x, l) > own;
        if (p->dead[k] && own > 0 && before < p->sae.o.aux_k) {
            aux[k] = pre(p, v, x, k);
            any = true;
        }
    }
    residual(p, x, p->fixed[SAE_B_DEC], z, p->fixed[SAE_D], p->K, left);
    return any ? p->sae.o.aux_weight * residual(p, left, nothing, aux, v[SAE_D], p->K, r) : 0;
}

static double orthogonality(const struct problem *p, const double *D)
{
    double total = 0;
    for (size_t k = 0; k < p->K; k++) {
        double most = 0, sum = 0;
        for (size_t j = 0; j < p->K; j++) {
            double dot = 0, scale = norm(D + k * p->d, p->d) * norm(D + j * p->d, p->d);
            for (size_t c = 0; c < p->d; c++)
                dot += D[k * p->d + c] * D[j * p->d + c] / scale;
            if (j != k) {
                most = fmax(most, dot * dot);
                sum += dot * dot / 2;
            }
        }
        total += p->sae.o.all_pairs ? sum : most / (double)p->K;
    }
    return p->sae.o.orthogonality * total;
}

/* The loss with parameters v. */
static double loss(const struct problem *p, double *const *v)
{
    const struct sae_objective *row = p->sae.objective;
    double total = 0, z[MOST], slope[MOST];
    for (size_t i = 0; i < p->batch; i++) {
        for (size_t k = 0; k < p->K; k++)
            z[k] = code(p, v, i, k);
        total += reconstruction(p, v, p->X + i * p->d, z, slope);
        if (row->activation == SAE_JUMPRELU) {
            double at_fixed[MOST];
            for (size_t k = 0; k < p->K; k++)
                z[k] = code(p, p->fixed, i, k);
            reconstruction(p, p->fixed, p->X + i * p->d, z, at_fixed);
            total += thresholds(p, v, i, at_fixed);
        } else if (row->activation == SAE_GATED) {
            total += gate(p, v, i);
        } else if (row->penalty) {
            total += lambda(p) * omega(p, v, z);
        }
        if (row->terms & SAE_REVIVAL)
            total += revival(p, v, i);
    }
    total /= (double)p->batch;
    return row->terms & SAE_ORTHOGONAL ? total + orthogonality(p, v[SAE_D]) : total;
}

/* --------------------------------------------------------------- random problems */

static size_t between(gsl_rng *rng, size_t least, size_t most)
{
    return least + gsl_rng_uniform_int(rng, most - least + 1);
}

static void random_levels(struct problem *p)
{
    p->levels = between(p->rng, 1, 3);
    if (p->levels > p->K)
        p->levels = p->K;
    for (size_t m = 0; m < p->levels; m++)
        p->level[m] = m + 1 == p->levels ? p->K : (m + 1) * p->K / p->levels;
    for (size_t m = 0; m < p->levels; m++)
        p->prefix_weight[m] = gsl_ran_flat(p->rng, 0.2, 2);
    for (size_t k = 0; k < p->K; k++) {
        p->parent[k] = (int32_t)between(p->rng, 0, k) - 1;
        p->weight[k] = gsl_ran_flat(p->rng, 0.3, 2);
    }
}

static struct sae_options random_options(const struct problem *p, const char *objective)
{
    struct sae_options o = sae_defaults(objective);
    o.d = p->d;
    o.K = p->K;
    o.batch = p->batch;
    o.lambda = gsl_ran_flat(p->rng, 0.1, 1);
    o.k = (double)between(p->rng, 1, (p->K + 1) / 2);
    o.levels = p->levels;
    o.level = p->level;
    o.prefix_weight = p->prefix_weight;
    o.parent = p->parent;
    o.weight = p->weight;
    o.all_pairs = gsl_rng_uniform_int(p->rng, 2);
    o.bandwidth = 0.5;
    o.threshold = 0.3;
    o.aux_weight = 0.5;
    o.aux_k = between(p->rng, 1, 3);
    o.dead_after = 1;
    o.steps = 10;
    o.warmup = 0.7;
    o.keep_lambda = true;
    o.anneal_from = 0.1;
    o.threads = 2;
    return o;
}

static double *normal(gsl_rng *rng, size_t n, double scale)
{
    double *v = calloc(n, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = scale * gsl_ran_ugaussian(rng);
    return v;
}

/* Some steps, so that schedules move and latents die; then parameters anywhere. */
static void make(struct problem *p, const char *objective, enum sae_norms norms, uint64_t trial)
{
    struct ndl_error err = {{0}};
    *p = (struct problem){0};
    assert_int_equal(ndl_rng(&p->rng, 7, trial, &err), NDL_OK);
    p->d = between(p->rng, 1, 9);
    p->K = between(p->rng, 1, MOST);
    p->batch = between(p->rng, 1, 9);
    random_levels(p);
    p->X = normal(p->rng, p->batch * p->d, 1);
    struct sae_options o = random_options(p, objective);
    o.norms = norms;
    enum ndl_status status = sae_new(&p->sae, &o, &err);
    if (status != NDL_OK)
        fail_msg("%s: %s", objective, err.text);
    assert_int_equal(sae_init_random(&p->sae, NULL, &err), NDL_OK);
    for (size_t step = 0; step < 4; step++)
        assert_int_equal(sae_step(&p->sae, p->X, NULL, &err), NDL_OK);
    for (int q = 0; q < SAE_PARAMETERS; q++)
        p->fixed[q] = normal(p->rng, p->sae.count[q] ? p->sae.count[q] : 1, 0.6);
    for (size_t k = 0; k < p->sae.count[SAE_LOG_THETA]; k++)
        p->fixed[SAE_LOG_THETA][k] = log(gsl_ran_flat(p->rng, 0.1, 0.6));
}

static void take(struct problem *p)
{
    for (int q = 0; q < SAE_PARAMETERS; q++)
        if (p->sae.count[q])
            memcpy(p->sae.value[q], p->fixed[q], p->sae.count[q] * sizeof(double));
}

/* The latents that do not fire at X with these parameters are dead after a step. */
static void let_die(struct problem *p)
{
    struct ndl_error err = {{0}};
    take(p);
    assert_int_equal(sae_step(&p->sae, p->X, NULL, &err), NDL_OK);
    for (size_t k = 0; k < p->K; k++) {
        p->dead[k] = true;
        for (size_t i = 0; i < p->batch; i++)
            p->dead[k] = p->dead[k] && !(code(p, p->fixed, i, k) > 0);
    }
    /* New data, at which some of the dead fire. */
    for (size_t i = 0; i < p->batch * p->d; i++)
        p->X[i] = gsl_ran_ugaussian(p->rng);
    take(p);
}

static void clear(struct problem *p)
{
    for (int q = 0; q < SAE_PARAMETERS; q++)
        free(p->fixed[q]);
    free(p->X);
    sae_free(&p->sae);
    gsl_rng_free(p->rng);
}

/* -------------------------------------------------------------------- the checks */

/* Central differences of step 1e-6 are good to about 1e-9 of the loss; a kink nearby shows as
 * one-sided differences that disagree, and such entries are counted, not compared. */
static void compare(struct problem *p, double *const *gradient, size_t *compared, size_t *kinks)
{
    double *v[SAE_PARAMETERS], base = loss(p, p->fixed);
    for (int q = 0; q < SAE_PARAMETERS; q++) {
        v[q] = calloc(p->sae.count[q] ? p->sae.count[q] : 1, sizeof(double));
        assert_non_null(v[q]);
        memcpy(v[q], p->fixed[q], p->sae.count[q] * sizeof(double));
    }
    const double h = 1e-6;
    for (int q = 0; q < SAE_PARAMETERS; q++)
        for (size_t e = 0; e < p->sae.count[q]; e++) {
            v[q][e] = p->fixed[q][e] + h;
            double above = loss(p, v);
            v[q][e] = p->fixed[q][e] - h;
            double below = loss(p, v), scale = 1 + fabs(base) + fabs(gradient[q][e]);
            v[q][e] = p->fixed[q][e];
            if (fabs(above - 2 * base + below) > 1e-3 * h * scale) {
                ++*kinks;
                continue;
            }
            ++*compared;
            double difference = (above - below) / (2 * h);
            if (!(fabs(difference - gradient[q][e]) < 1e-7 * scale))
                fail_msg("%s, d %zu, K %zu, batch %zu: %s entry %zu is %.12g, differences %.12g",
                         p->sae.objective->name, p->d, p->K, p->batch, sae_parameter_name[q], e,
                         gradient[q][e], difference);
        }
    for (int q = 0; q < SAE_PARAMETERS; q++)
        free(v[q]);
}

static void check_one(const char *objective, enum sae_norms norms, uint64_t trial, size_t *compared,
                      size_t *kinks)
{
    struct problem p;
    struct ndl_error err = {{0}};
    struct sae_report report;
    double *gradient[SAE_PARAMETERS];
    make(&p, objective, norms, trial);
    let_die(&p);
    for (int q = 0; q < SAE_PARAMETERS; q++)
        gradient[q] = normal(p.rng, p.sae.count[q] ? p.sae.count[q] : 1, 1);
    enum ndl_status status = sae_gradient(&p.sae, p.X, gradient, &report, &err);
    if (status != NDL_OK)
        fail_msg("%s: %s", objective, err.text);
    double expected = loss(&p, p.fixed);
    check_close(report.loss, expected,
                1e-12 * (1 + fabs(expected))); /* rounding of some 1000 terms */
    compare(&p, gradient, compared, kinks);
    for (int q = 0; q < SAE_PARAMETERS; q++)
        free(gradient[q]);
    clear(&p);
}

static void check_all(const struct sae_objective *row, enum sae_norms norms)
{
    size_t compared = 0, kinks = 0;
    for (uint64_t trial = 0; trial < SHAPES; trial++)
        check_one(row->name, norms, trial, &compared, &kinks);
    print_message("%-14s %zu derivatives, %zu at a kink\n", row->name, compared, kinks);
    assert_true(kinks * 200 < compared);
}

static void unit_norms(void **state)
{
    (void)state;
    for (const struct sae_objective *row = sae_objectives; row->name; row++)
        check_all(row, SAE_UNIT);
}

static void free_norms(void **state)
{
    (void)state;
    for (const struct sae_objective *row = sae_objectives; row->name; row++)
        if (row->activation == SAE_RELU)
            check_all(row, SAE_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unit_norms), cmocka_unit_test(free_norms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* step.c -- loss and gradient of a batch, and a step of Adam. */
#include "state.h"

#include <math.h>
#include <string.h>

#include "ndl/blas.h"
#include "ndl/vec.h"

void sae_parallel(const struct sae *sae, size_t n, size_t chunk,
                  void (*work)(void *context, size_t first, size_t last, int worker), void *context)
{
    int threads = ndl_threads(sae->o.batch, sae->o.K, sae->o.d, sae->o.threads);
    ndl_parallel(n, chunk, threads, work, context);
}

/* ---------------------------------------------------------------- one pass */

static void prepare(struct sae *sae)
{
    struct sae_state *s = sae->state;
    size_t d = sae->o.d;
    sae_schedule(sae);
    s->dead_count = 0;
    for (size_t k = 0; k < sae->o.K; k++) {
        const double *atom = sae->value[SAE_D] + k * d;
        s->norm[k] = sqrt(ndl_dot(d, atom, atom));
        if (s->silent[k] >= sae->o.dead_after)
            s->dead[s->dead_count++] = (uint32_t)k;
    }
}

static double mean(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum / (double)n;
}

static double codes_per_sample(const struct sae *sae)
{
    const struct sae_entries *e = &sae->state->main;
    size_t on = 0;
    for (size_t i = 0; i < sae->o.batch; i++)
        on += e->n[i];
    bool counted = sae->objective->activation == SAE_JUMPRELU; /* its lists hold more than codes */
    return counted ? mean(sae->state->omega, sae->o.batch) : (double)on / (double)sae->o.batch;
}

/* Loss and gradient of the batch, into state; everything of the report but `dead`. */
static void pass(struct sae *sae, const double *X, struct sae_report *report)
{
    struct sae_state *s = sae->state;
    size_t batch = sae->o.batch;
    prepare(sae);
    sae_forward(sae, X, batch, false);
    sae_parallel(sae, batch, s->chunk, sae_rows, sae);
    double orthogonal = sae_collect(sae);
    bool penalised = sae->objective->penalty || sae->objective->activation == SAE_JUMPRELU;
    *report = (struct sae_report){.step = sae->step, .error = mean(s->error, batch)};
    report->penalty = penalised ? mean(s->omega, batch) : 0;
    report->l0 = codes_per_sample(sae);
    report->loss = mean(s->terms, batch) + s->lambda * report->penalty + orthogonal;
}

/* ------------------------------------------------------------------ failures */

static size_t first_not_finite(const double *v, size_t n)
{
    size_t i = 0;
    while (i < n && isfinite(v[i]))
        i++;
    return i;
}

/* Says which number is to blame: of the data, else of the parameters, else of the gradient. */
static enum ndl_status blame(const struct sae *sae, const double *X, double loss,
                             struct ndl_error *err)
{
    const struct sae_state *s = sae->state;
    size_t d = sae->o.d, at = first_not_finite(X, sae->o.batch * d);
    unsigned long long step = sae->step + 1;
    if (at < sae->o.batch * d)
        return ndl_fail(err, NDL_BADDATA, "step %llu: sample %zu of the batch, column %zu is %g",
                        step, at / d, at % d, X[at]);
    for (int gradient = 0; gradient < 2; gradient++)
        for (int p = 0; p < SAE_PARAMETERS; p++) {
            const double *v = gradient ? s->gradient + s->offset[p] : sae->value[p];
            size_t n = sae->count[p], i = n ? first_not_finite(v, n) : 0;
            size_t width = p == SAE_E || p == SAE_D ? d : 1;
            if (i < n)
                return ndl_fail(err, NDL_BADDATA,
                                "step %llu: the loss is %g; first not finite: %s%s of %s %zu", step,
                                loss, gradient ? "the gradient of " : "", sae_parameter_name[p],
                                p == SAE_B_DEC ? "column" : "latent", i / width);
        }
    return ndl_fail(err, NDL_BADDATA, "step %llu: the loss is %g", step, loss);
}

static enum ndl_status checked_pass(struct sae *sae, const double *X, struct sae_report *report,
                                    struct ndl_error *err)
{
    const struct sae_state *s = sae->state;
    bool good = ndl_finite(s->numbers, s->value);
    *report = (struct sae_report){.step = sae->step, .loss = (double)NAN};
    if (good)
        pass(sae, X, report);
    if (!good || !isfinite(report->loss) || !ndl_finite(s->numbers, s->gradient))
        return blame(sae, X, report->loss, err);
    return NDL_OK;
}

enum ndl_status sae_gradient(struct sae *sae, const double *X, double *gradient[SAE_PARAMETERS],
                             struct sae_report *report, struct ndl_error *err)
{
    struct sae_report own;
    enum ndl_status status = checked_pass(sae, X, &own, err);
    for (int p = 0; status == NDL_OK && p < SAE_PARAMETERS; p++)
        if (gradient[p] && sae->count[p])
            memcpy(gradient[p], sae->state->gradient + sae->state->offset[p],
                   sae->count[p] * sizeof(double));
    if (report)
        *report = own;
    return status;
}

/* ---------------------------------------------------------------------- Adam */

struct adam {
    struct sae *sae;
    double correct1, correct2; /* 1 - beta^t */
};

static inline void adam(const struct adam *a, size_t from, size_t n)
{
    const struct sae_options *o = &a->sae->o;
    struct sae_state *s = a->sae->state;
    double *value = s->value + from, *m = s->moment1 + from, *v = s->moment2 + from;
    const double *g = s->gradient + from;
    double rate = s->rate / a->correct1, scale = 1 / a->correct2;
    for (size_t i = 0; i < n; i++) {
        m[i] = o->beta1 * m[i] + (1 - o->beta1) * g[i];
        v[i] = o->beta2 * v[i] + (1 - o->beta2) * g[i] * g[i];
        value[i] -= rate * m[i] / (sqrt(v[i] * scale) + 1e-8);
    }
}

NDL_WIDE_REGISTERS static void update_latents(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct adam *a = context;
    struct sae *sae = a->sae;
    struct sae_state *s = sae->state;
    size_t d = sae->o.d;
    for (size_t k = first; k < last; k++) {
        double *D = sae->value[SAE_D] + k * d, *gradient = s->gradient + s->offset[SAE_D] + k * d;
        if (sae->o.norms == SAE_UNIT)
            ndl_axpy(d, -ndl_dot(d, gradient, D), D, gradient);
        adam(a, s->offset[SAE_E] + k * d, d);
        adam(a, s->offset[SAE_D] + k * d, d);
        if (sae->o.norms == SAE_UNIT)
            ndl_unit(d, D, D);
    }
}

static void update(struct sae *sae)
{
    struct sae_state *s = sae->state;
    double t = (double)sae->step + 1;
    struct adam a = {sae, 1 - pow(sae->o.beta1, t), 1 - pow(sae->o.beta2, t)};
    sae_parallel(sae, sae->o.K, 32, update_latents, &a);
    for (int p = 0; p < SAE_PARAMETERS; p++)
        if (p != SAE_E && p != SAE_D)
            adam(&a, s->offset[p], sae->count[p]);
}

/* -------------------------------------------------------------------- a step */

static void count_silence(struct sae *sae)
{
    const struct sae_entries *e = &sae->state->main;
    for (size_t k = 0; k < sae->o.K; k++) {
        bool on = false;
        for (size_t t = e->first[k]; t < e->first[k + 1] && !on; t++)
            on = e->latent_z[t] > 0;
        sae->state->silent[k] = on ? 0 : sae->state->silent[k] + sae->o.batch;
    }
}

static size_t count_dead(const struct sae *sae)
{
    uint64_t seen = sae->step * sae->o.batch;
    size_t dead = 0;
    for (size_t k = 0; k < sae->o.K; k++)
        dead += sae->state->silent[k] >= (seen < sae->o.dead_after ? seen : sae->o.dead_after);
    return dead;
}

/* The threshold that replaces BatchTopK when single samples are encoded is the mean of the least
 * code kept (Bussmann et al. 2024, section 3); here of the last hundred batches or so. */
static void follow_threshold(struct sae *sae)
{
    const struct sae_entries *e = &sae->state->main;
    double least = HUGE_VAL, t = (double)sae->step + 1;
    for (size_t i = 0; i < sae->o.batch; i++)
        for (size_t j = e->start[i]; j < e->start[i] + e->n[i]; j++)
            least = fmin(least, e->z[j]);
    if (least < HUGE_VAL)
        sae->batch_threshold += fmax(1 / t, 0.01) * (least - sae->batch_threshold);
}

enum ndl_status sae_step(struct sae *sae, const double *X, struct sae_report *report,
                         struct ndl_error *err)
{
    struct sae_state *s = sae->state;
    struct sae_report own;
    enum ndl_status status = checked_pass(sae, X, &own, err);
    if (status != NDL_OK)
        return status;
    update(sae);
    if (sae->objective->activation == SAE_BATCHTOPK)
        follow_threshold(sae);
    if (sae->objective->shape_from != 0 && !sae->o.keep_lambda) {
        double now = mean(s->omega, sae->o.batch), next = mean(s->omega_next, sae->o.batch);
        bool moves = s->shape_next < s->shape || s->shape_next > s->shape;
        if (moves && now > 0 && next > 0)
            s->coefficient *= now / next;
    }
    count_silence(sae);
    own.step = ++sae->step;
    own.dead = count_dead(sae);
    if (report)
        *report = own;
    return NDL_OK;
}

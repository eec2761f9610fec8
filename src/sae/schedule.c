/* schedule.c -- what changes with the step: lambda, rate, shape, the weights of prefixes. */
#include "state.h"

#include <math.h>

/* How far step t is from anneal_from to anneal_to: 0 to 1. */
static double annealed(const struct sae_options *o, uint64_t t)
{
    double steps = (double)o->steps, from = o->anneal_from * steps, to = o->anneal_to * steps;
    double f = (double)t < from ? 0 : (double)t >= to ? 1 : ((double)t - from) / (to - from);
    return f;
}

static double shape_at(const struct sae *sae, uint64_t t)
{
    double from = sae->objective->shape_from, to = sae->o.shape;
    return from == 0 ? to : from + (to - from) * annealed(&sae->o, t);
}

void sae_schedule(struct sae *sae)
{
    struct sae_state *s = sae->state;
    const struct sae_options *o = &sae->o;
    double t = (double)sae->step, steps = (double)o->steps;
    s->lambda = o->lambda * s->coefficient;
    if (o->warmup > 0)
        s->lambda *= fmin(1, (t + 1) / (o->warmup * steps));
    s->rate = o->rate;
    if (o->decay > 0)
        s->rate *= fmax(0, fmin(1, (steps - t) / (o->decay * steps)));
    s->shape = shape_at(sae, sae->step);
    s->shape_next = shape_at(sae, sae->step + 1);
    double keep = sae_has(sae, SAE_FADING) ? 1 - annealed(o, sae->step) : 1;
    for (size_t m = 0; m < s->groups; m++) {
        bool whole = m + 1 == s->groups;
        double weight = sae_has(sae, SAE_PREFIXES) && o->prefix_weight ? o->prefix_weight[m] : 1;
        s->prefix[m] = whole ? weight : keep * weight;
    }
}

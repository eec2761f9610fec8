/* objectives.c -- the table of objectives, and their penalties.
 *
 * A penalty sees one sample's codes and returns Omega and its derivatives; see struct sae_sample.
 * Units: the weight lambda carries whatever Omega lacks to the squared unit of x. */
#include "sae/sae.h"

#include <math.h>
#include <string.h>

/* Omega = sum_k z_k (Bricken et al. 2023, Towards monosemanticity). */
static double penalty_l1(const struct sae_sample *s, double *slope)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += s->z[i];
        slope[i] = 1;
    }
    return sum;
}

/* Omega = sum_k w_k z_k; with w = kappa^height a parent is cheaper than its children.  Geometric
 * weights by group: EWG-SAE, OpenReview i31cKXiyim. */
static double penalty_weighted(const struct sae_sample *s, double *slope)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        slope[i] = s->weight[s->atom[i]];
        sum += slope[i] * s->z[i];
    }
    return sum;
}

/* Omega = sum_k log(1 + z_k / delta), delta = shape (Candes, Wakin and Boyd 2008). */
static double penalty_log(const struct sae_sample *s, double *slope)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += log1p(s->z[i] / s->shape);
        slope[i] = 1 / (s->shape + s->z[i]);
    }
    return sum;
}

/* Omega = sum_k tanh(c z_k), c = shape (Jermyn et al. 2024, Tanh penalty for SAEs). */
static double penalty_tanh(const struct sae_sample *s, double *slope)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double t = tanh(s->shape * s->z[i]);
        sum += t;
        slope[i] = s->shape * (1 - t * t);
    }
    return sum;
}

/* Omega = sum_k (z_k + delta)^p - delta^p, p = shape.  delta keeps the slope of a code that has
 * just come on finite: without it one such code fills Adam's second moment for a thousand steps. */
static double penalty_power(const struct sae_sample *s, double *slope)
{
    const double delta = 1e-4, at_zero = pow(delta, s->shape);
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double power = pow(s->z[i] + delta, s->shape);
        sum += power - at_zero;
        slope[i] = s->shape * power / (s->z[i] + delta);
    }
    return sum;
}

/* Omega = sum_n w_n G_n over the nodes of a tree, G_n = max(z_n, alpha max_{children c} G_c),
 * alpha = shape: the tree-structured l-infinity norm (Jenatton et al. 2011, JMLR 12; alpha = 1),
 * scaled so that a parent below alpha times its child costs nothing at the margin. */
static double penalty_tree_max(const struct sae_sample *s, double *slope)
{
    double *G = s->scratch, *share = s->scratch + s->K, *from = s->scratch + 2 * s->K;
    for (size_t k = 0; k < s->K; k++) {
        G[k] = 0;
        from[k] = (double)k; /* whose code G_k is: the node's own */
    }
    for (size_t i = 0; i < s->n; i++)
        G[s->atom[i]] = s->z[i];
    for (size_t k = s->K; k-- > 0;) { /* children before parents */
        int32_t up = s->parent[k];
        if (up >= 0 && s->shape * G[k] > G[up]) {
            G[up] = s->shape * G[k];
            from[up] = (double)k;
        }
    }
    double sum = 0;
    for (size_t k = 0; k < s->K; k++) { /* parents first: dOmega/dG_k */
        int32_t up = s->parent[k];
        bool chosen = up >= 0 && from[up] == (double)k;
        share[k] = s->weight[k] + (chosen ? s->shape * share[up] : 0);
        sum += s->weight[k] * G[k];
    }
    for (size_t i = 0; i < s->n; i++) {
        uint32_t k = s->atom[i];
        slope[i] = from[k] == (double)k ? share[k] : 0;
    }
    return sum;
}

const struct sae_objective sae_objectives[] = {
    {"l1", SAE_RELU, penalty_l1, 0, 1, 0, "ReLU and L1 (Bricken et al. 2023)"},
    {"topk", SAE_TOPK, NULL, SAE_REVIVAL, 1, 0,
     "k largest per sample (Gao et al. 2024, 2406.04093)"},
    {"batchtopk", SAE_BATCHTOPK, NULL, SAE_REVIVAL, 1, 0,
     "k largest per sample on average (Bussmann et al. 2024, 2412.06410)"},
    {"jumprelu", SAE_JUMPRELU, NULL, 0, 1, 0,
     "learned thresholds and L0 (Rajamanoharan et al. 2024, 2407.14435)"},
    {"gated", SAE_GATED, penalty_l1, 0, 1, 0,
     "a gate with L1, magnitudes without (Rajamanoharan et al. 2024, 2404.16014)"},
    {"matryoshka", SAE_BATCHTOPK, NULL, SAE_PREFIXES | SAE_REVIVAL, 1, 0,
     "BatchTopK, every prefix reconstructs (Bussmann et al. 2025, 2503.17547)"},
    {"matryoshka-l1", SAE_RELU, penalty_l1, SAE_PREFIXES, 1, 0,
     "L1, counted once, every prefix reconstructs"},
    {"ortsae", SAE_BATCHTOPK, NULL, SAE_ORTHOGONAL | SAE_REVIVAL, 1, 0,
     "BatchTopK, cosines of atoms penalised (Korznikov et al. 2025, 2509.22033)"},
    {"ortsae-l1", SAE_RELU, penalty_l1, SAE_ORTHOGONAL, 1, 0, "L1, cosines of atoms penalised"},
    {"levels", SAE_RELU, penalty_weighted, SAE_LEVELS, 0.3, 0,
     "L1, cheaper by the factor shape per level up (like EWG-SAE)"},
    {"levels-fading", SAE_RELU, penalty_weighted, SAE_LEVELS | SAE_PREFIXES | SAE_FADING, 0.3, 0,
     "levels, with prefix losses that fade out"},
    {"l1-fading", SAE_RELU, penalty_l1, SAE_PREFIXES | SAE_FADING, 1, 0,
     "L1 with prefix losses that fade out (control of levels-fading)"},
    {"treemax", SAE_RELU, penalty_tree_max, SAE_TREE, 2, 0,
     "max of a node and shape times its children (Jenatton et al. 2011, scaled)"},
    {"log", SAE_RELU, penalty_log, 0, 0.1, 0, "sum of log(1 + z / shape)"},
    {"tanh", SAE_RELU, penalty_tanh, 0, 2, 0, "sum of tanh(shape z) (Jermyn et al. 2024)"},
    {"power", SAE_RELU, penalty_power, 0, 0.5, 0, "sum of z^shape"},
    {"p-annealing", SAE_RELU, penalty_power, 0, 0.2, 1,
     "sum of z^p, p from 1 to shape (Karvonen et al. 2024, 2408.00113)"},
    {.name = NULL}};

const struct sae_objective *sae_objective_find(const char *name)
{
    for (const struct sae_objective *o = sae_objectives; name && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

/** # A strict hierarchy, at any weight of the penalty

Claim `strict`.  At a stationary point of $|r|^2 + \Omega(z)$, with unit atoms of cosine $h$,
$w_{ik} = \partial_k^+\Omega(z_i) - 2 r_i \cdot d_k \ge 0$ vanishes where $k$ is on, and

$$ \langle w_k z_j \rangle = \langle z_j \partial_k\Omega \rangle
   - h \langle z_j \partial_j\Omega \rangle , \qquad
   \langle w_k \rangle = \langle \partial_k^+\Omega \rangle , $$

the second with a free bias: the hull condition for any penalty.  If $j$ is on only where $k$ is,
the left side of the first vanishes, and $h = \langle z_j \partial_k\Omega \rangle / \langle z_j
\partial_j\Omega \rangle$; a price $g h^2$ on coherence makes that $h (1 + h) = \lambda m_j / (2 g)$
with L1.  So a strict hierarchy is orthogonal if and only if $\partial_k\Omega = 0$ wherever the
child fires: if the parent is free at the margin there.

- Reads nothing: the data are drawn.
- Writes: `strict.tsv`; `strict-alone` (the cosine if the child fires alone sometimes).
- Falsified by: a stationary point with another cosine, or other multipliers. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/penalty.h"
#include "kit/stationary.h"

enum { PARENT, CHILD, FEATURES, DRAWS = 20 };
static const size_t TREE[FEATURES] = {PENALTY_ROOT, PARENT};

/** ## Stationary points

A few kinds of samples, and the whole problem: atoms, codes and bias.  Newton's method finds where
the gradient vanishes.  The child may also fire alone in a share of the samples: then the hypothesis
is broken, the law fails, and the multipliers say by how much. */
enum { KINDS = 16, ALONE = 3, BOTH = 6, OFF = KINDS - 1 };

struct point {
    double cosine, law, gradient, least_code;
    double largest_free; /* slope of the penalty in the parent where the child fires */
    double barycentre, mass, barycentre_l1; /* errors of the two identities; with L1's in place */
    double least_multiplier;
};

static struct point find_point(const struct claim *claim, gsl_rng *rng,
                               const struct penalty *penalty, double coherence, double alone,
                               double tilt)
{
    struct ndl_matrix X = claim_matrix(claim, KINDS, 2), Z = claim_matrix(claim, KINDS, FEATURES),
                      D = claim_matrix(claim, FEATURES, 2);
    double share[KINDS], b[2] = {0};
    bool on[KINDS * FEATURES] = {false};
    const double length = sqrt(1 + tilt * tilt);
    for (size_t i = 0; i < KINDS; i++) {
        double s = gsl_ran_flat(rng, 2, 3), t = gsl_ran_flat(rng, 0.5, 1);
        bool parent = i < 2 * BOTH, child = i >= BOTH && (parent || (i < OFF && alone > 0));
        X.v[2 * i] = parent ? s : 0;
        X.v[2 * i + 1] = child ? t : 0;
        share[i] = i == OFF ? 0.4 - alone : parent ? 0.6 / (2 * BOTH) : alone / ALONE;
        on[i * FEATURES + PARENT] = parent;
        on[i * FEATURES + CHILD] = child;
        Z.v[2 * i + PARENT] = parent ? s - tilt * X.v[2 * i + 1] : 0;
        Z.v[2 * i + CHILD] = X.v[2 * i + 1] * length;
    }
    memcpy(D.v, (const double[]){1, 0, tilt / length, 1 / length}, 4 * sizeof *D.v);
    const struct stationary s = {.X = &X,
                                 .share = share,
                                 .on = on,
                                 .bias = true,
                                 .full = 1,
                                 .coherence = coherence,
                                 .penalty = penalty};
    struct point point = {.least_code = DBL_MAX, .least_multiplier = DBL_MAX};
    point.gradient = stationary_solve(claim, &s, &D, &Z, b);

    double slope[FEATURES][KINDS], w[KINDS], ones[KINDS], mass = 0, pull = 0;
    for (size_t i = 0; i < KINDS; i++) {
        ones[i] = 1;
        for (size_t k = 0; k < FEATURES; k++) {
            slope[k][i] = penalty->slope(penalty, ndl_row(&Z, i), k, PENALTY_RIGHT);
            if (on[i * FEATURES + k])
                keep_min(&point.least_code, Z.v[i * FEATURES + k]);
        }
        w[i] = slope[PARENT][i] - stationary_pull(&s, &D, &Z, b, i, PARENT);
        mass += share[i] * w[i];
        pull += share[i] * slope[PARENT][i];
        if (!on[i * FEATURES + PARENT] && share[i] > 0)
            keep_min(&point.least_multiplier, w[i]);
        if (on[i * FEATURES + PARENT] && on[i * FEATURES + CHILD])
            keep_max(&point.largest_free, slope[PARENT][i]);
    }
    double parent = stationary_mean(&s, &Z, CHILD, slope[PARENT]),
           child = stationary_mean(&s, &Z, CHILD, slope[CHILD]),
           mean = stationary_mean(&s, &Z, CHILD, ones), moment = stationary_mean(&s, &Z, CHILD, w);
    point.cosine = ndl_row(&D, 0)[0] * ndl_row(&D, 1)[0] + ndl_row(&D, 0)[1] * ndl_row(&D, 1)[1];
    /* Of h(1 + h) = lambda m / (2 g) the positive root. */
    point.law = coherence > 0 ? (sqrt(1 + 2 * child / coherence) - 1) / 2 : parent / child;
    point.barycentre = fabs(moment - (parent - point.cosine * child));
    point.barycentre_l1 = fabs(moment - pull * mean * (1 - point.cosine));
    point.mass = fabs(mass - pull);
    ndl_matrix_free(&X);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&D);
    return point;
}

/** Weighted L1, the logarithm, a root, tanh, tree L2, a tree maximum whose parent is free and one
whose parent is not, and L1 with a price on coherence: each at three weights.  They are weak enough
for the weakest child, 0.5, not to fall silent: a concave penalty that curves more than $|r|^2$ has
no stationary point with a small code. */
enum { FORMS = 8, ROOT = 2, MAX_FREE = 5, MAX_BOUND = 6, COHERENT = 7 };

struct extremes {
    double error, alone, gradient, code, cosine_free, cosine_bound, slope_free;
    double barycentre, barycentre_l1, mass, multiplier; /* over the weight */
};

static void keep_strict(struct extremes *e, size_t form, const struct point *p)
{
    keep_max(&e->gradient, p->gradient);
    keep_min(&e->code, p->least_code);
    keep_max(&e->error, fabs(p->cosine - p->law));
    if (form == MAX_FREE) {
        keep_max(&e->cosine_free, fabs(p->cosine));
        keep_max(&e->slope_free, p->largest_free);
    }
    if (form == MAX_BOUND)
        keep_min(&e->cosine_bound, fabs(p->cosine));
}

static void keep_alone(struct extremes *e, size_t form, double weight, const struct point *p)
{
    keep_max(&e->gradient, p->gradient);
    keep_min(&e->code, p->least_code);
    if (form == 0)
        keep_max(&e->alone, fabs(p->cosine - p->law));
    keep_max(&e->barycentre, p->barycentre / weight);
    keep_max(&e->barycentre_l1, p->barycentre_l1 / weight);
    keep_max(&e->mass, p->mass / weight);
    keep_min(&e->multiplier, p->least_multiplier / weight);
}

static struct point point_of_draw(const struct claim *claim, size_t draw,
                                  const struct penalty *penalty, double coherence, double alone)
{
    gsl_rng *rng = claim_rng(claim, 1000 + draw);
    struct point p = find_point(claim, rng, penalty, coherence, alone, 0.1);
    gsl_rng_free(rng);
    return p;
}

static void try_weight(const struct claim *claim, double weight, struct extremes *e)
{
    const double even[FEATURES] = {weight, weight}, cheap[FEATURES] = {0.4 * weight, weight},
                 low[FEATURES] = {0.05 * weight, weight};
    const struct penalty forms[FORMS] = {
        penalty_l1(FEATURES, cheap),
        penalty_log(FEATURES, cheap, 0.3),
        penalty_power(FEATURES, cheap, 0.5),
        penalty_tanh(FEATURES, cheap, 0.5),
        penalty_tree_l2(FEATURES, cheap, TREE),
        penalty_tree_max(FEATURES, low, TREE, 20),
        penalty_tree_max(FEATURES, cheap, TREE, 0.5),
        penalty_l1(FEATURES, even),
    };
    for (size_t form = 0; form < FORMS; form++)
        for (size_t draw = 0; draw < DRAWS; draw++) {
            double coherence = form == COHERENT ? 2 * weight : 0;
            struct point p = point_of_draw(claim, draw, &forms[form], coherence, 0);
            keep_strict(e, form, &p);
            /* Another identity; no slope where the parent is off; a free parent would fire. */
            if (form == COHERENT || form == ROOT || form == MAX_FREE)
                continue;
            p = point_of_draw(claim, draw, &forms[form], 0, 0.1);
            keep_alone(e, form, weight, &p);
        }
}

static void try_points(struct claim *claim)
{
    static const double WEIGHTS[] = {0.01, 0.03, 0.1};
    struct extremes e = {.code = DBL_MAX, .cosine_bound = DBL_MAX, .multiplier = DBL_MAX};
    for (size_t w = 0; w < 3; w++)
        try_weight(claim, WEIGHTS[w], &e);
    claim_values(
        claim, NULL, {"gradient", e.gradient, CLAIM_NOT_COMPARED, "largest entry of the gradient"},
        {"least_code", e.code, CLAIM_CONVERGED, "least code that is on"},
        {"error", e.error, CLAIM_NOT_COMPARED, "largest |cosine - law|, strict hierarchies"},
        {"error_alone", e.alone, CLAIM_NOT_COMPARED, "the same if the child fires alone, too"},
        {"cosine_free", e.cosine_free, CLAIM_NOT_COMPARED, "largest |cosine|, parent free"},
        {"slope_free", e.slope_free, CLAIM_EXACT, "its largest price where the child fires"},
        {"cosine_bound", e.cosine_bound, CLAIM_CONVERGED, "least |cosine|, the parent priced"},
        {"barycentre", e.barycentre, CLAIM_NOT_COMPARED,
         "error of the first moment of the multipliers, over the weight"},
        {"barycentre_l1", e.barycentre_l1, CLAIM_NOT_COMPARED, "with that of L1 in its place"},
        {"mass", e.mass, CLAIM_NOT_COMPARED,
         "error of the sum of the multipliers, over the weight"},
        {"multiplier", e.multiplier, CLAIM_CONVERGED, "least multiplier, over the weight"});
}

static void try_alone(struct claim *claim)
{
    const double weight[FEATURES] = {0.04, 0.1};
    const struct penalty penalty = penalty_l1(FEATURES, weight);
    claim_table(claim, "alone",
                "alone - 0 share of the samples where the child fires alone\n"
                "cosine - 1e-6 of the stationary atoms, mean of the draws\n"
                "low - 1e-6 least\n"
                "high - 1e-6 largest\n"
                "law - 1e-6 if it never did");
    for (int step = 0; step <= 10; step++) {
        double sum = 0, low = DBL_MAX, high = -DBL_MAX, law = 0;
        for (size_t draw = 0; draw < DRAWS; draw++) {
            gsl_rng *rng = claim_rng(claim, 1000 + draw);
            struct point p = find_point(claim, rng, &penalty, 0, 0.02 * step, 0.3);
            gsl_rng_free(rng);
            sum += p.cosine / DRAWS;
            law += p.law / DRAWS;
            keep_min(&low, p.cosine);
            keep_max(&high, p.cosine);
        }
        claim_row(claim, 0.02 * step, sum, low, high, law);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Finds stationary points with a strict hierarchy for several penalties and weights, and "
        "compares cosine and multipliers with the law.\v"
        "Example: strict --seed 7 --out build/results");
    try_points(claim);
    try_alone(claim);
    claim_scalar(claim, "draws", DRAWS, CLAIM_EXACT, "draws of every experiment");
    return claim_end(claim);
}

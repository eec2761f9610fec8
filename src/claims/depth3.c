/** # Splitting and absorption in a tree of depth 3

The binary tree of `depth3.tree`, a root, two children and four grandchildren, siblings
exclusive, with magnitude 1, orthonormal directions and every child firing with
probability $r$ when its parent does: seven kinds of sample, the sums of the vectors from
a node up to the root, with weights $1-2r$, $r(1-2r)$ (twice) and $r^2$ (four times). No bias.

**Claim.** The rules of [phases](phases.html) apply family by family, as far as absorption goes.

- $K=7$: every inner node is absorbed, at the wide bound.
- $K=6$ and $K=5$: one and two of the lower families are short of an atom; the family of the
  root, whose members fire more often, is not. A short family is that of a parent
  of base $B=\sqrt2$ with two children. It is *missed* iff it would be so on its own, and
  then the excess over the bound is that of one family, or twice that.
- Else no family is missed and not all are absorbed, and the excess is *below* that of the
  symmetric split: the grandparent's atom, which a two-level tree does not have, fires
  too, which makes most of these points mixed.

- Inputs: `depth3.tree` (its shape; frequencies and penalty vary).
- Tables: `depth3-grid`, the kinds over $K$, $r$ and $\lambda$; `depth3-curve`, the boundary.
- Falsified by: another kind, a loss other than predicted, or a recovered node. */
#include <gsl/gsl_math.h>

#include "claim.h"
#include "family.h"
#include "twofeature.h"

enum { NODES = 7, INNER = 3, SAMPLES = 400, STARTS = 1, FREQUENCIES = 6, PENALTIES = 7 };

/* Nodes 0, 1, 2 are the inner ones, child[v] the two children; the leaves follow. */
struct shape {
    size_t parent[NODES], child[INNER][2];
};

/** ## The data

The file orders nodes depth first; here inner nodes come first. */
static struct shape read_shape(struct claim *claim)
{
    struct ndl_error err;
    struct ndl_tree *tree;
    struct shape s = {{0}, {{0}}};
    size_t order[NODES], children[NODES] = {0}, count = 0;
    claim_must(claim, ndl_tree_read(&tree, claim_data(claim, "depth3.tree"), &err), &err);
    if (ndl_tree_size(tree) != NODES)
        claim_must(claim, ndl_fail(&err, NDL_BADDATA, "depth3.tree: %d nodes wanted", NODES), &err);
    for (size_t depth = 0; depth < 3; depth++)
        for (size_t i = 0; i < NODES; i++)
            if (ndl_tree_node(tree, i)->depth == depth)
                order[i] = count++;
    for (size_t i = 0; i < NODES; i++) {
        size_t parent = ndl_tree_node(tree, i)->parent, v = order[i];
        s.parent[v] = parent == SIZE_MAX ? SIZE_MAX : order[parent];
        if (v == 0)
            continue;
        if (s.parent[v] >= INNER || children[s.parent[v]] == 2)
            claim_must(claim, ndl_fail(&err, NDL_BADDATA, "depth3.tree: a binary tree wanted"), &err);
        s.child[s.parent[v]][children[s.parent[v]]++] = v;
    }
    ndl_tree_free(tree);
    return s;
}

static double weight(double r, size_t node)
{
    return node == 0 ? 1 - 2 * r : node < INNER ? r * (1 - 2 * r) : r * r;
}

/* r is a multiple of 1/20, so that weights are multiples of 1 / SAMPLES. */
static struct ndl_matrix build(const struct claim *claim, const struct shape *s, double r, size_t first[NODES])
{
    double x[NODES][NODES] = {{0}}, weights[NODES];
    const struct ndl_matrix kinds = {NODES, NODES, x[0]};
    for (size_t node = 0; node < NODES; node++) {
        weights[node] = weight(r, node);
        for (size_t up = node; up != SIZE_MAX; up = s->parent[up])
            x[node][up] = 1;
    }
    return claim_repeat(claim, &kinds, weights, SAMPLES, first);
}

/** ## The kinds

A family is judged by the samples of its three nodes; "recovered" wants an atom within 8
degrees of the node's own vector that fires on every sample below. */
static void kinds_of(const struct shape *s, const struct ndl_search *best, const size_t first[NODES],
                     enum ndl_family_kind kind[INNER])
{
    unsigned on[NODES];
    for (size_t v = 0; v < NODES; v++)
        on[v] = ndl_search_firing(&best->model, first[v]);
    for (size_t v = 0; v < INNER; v++) {
        unsigned always = 0, everywhere = ~0u;
        for (size_t node = v; node < NODES; node++) {
            bool below = false;
            for (size_t up = node; up != SIZE_MAX; up = s->parent[up])
                below = below || up == v;
            if (below)
                everywhere &= on[node];
        }
        for (size_t k = 0; k < best->model.D.rows; k++)
            if (ndl_row(&best->model.D, k)[v] >= 0.99)
                always |= everywhere & 1u << k;
        kind[v] = ndl_family_classify(on[v], on[s->child[v][0]], on[s->child[v][1]], 0, always);
    }
}

/** ## Prediction: a lower family left short */
static struct ndl_family lower_family(double r, double lambda, double base)
{
    return (struct ndl_family){.alone = weight(r, 1), .child = weight(r, 3), .base = base, .lambda = lambda};
}

struct prediction {
    bool missed;   /* else split */
    double excess; /* over the absorbed family; for a split an upper bound */
};

static struct prediction short_family(double r, double lambda, double base)
{
    struct ndl_family f = lower_family(r, lambda, base);
    double split = ndl_family_loss(&f, NDL_SPLIT), missed = ndl_family_loss(&f, NDL_MISSED);
    return (struct prediction){missed < split && ndl_family_entry(&f, NDL_MISSED) <= 0,
                               fmin(split, missed) - ndl_family_loss(&f, NDL_ABSORBED)};
}

static double wide_bound(double r, double lambda)
{
    double bound = 0;
    for (size_t v = 0; v < NODES; v++)
        bound += weight(r, v) * ndl_family_exact(sqrt(v == 0 ? 1 : v < INNER ? 2 : 3), lambda);
    return bound;
}

/* Positive where a short lower family is split. */
static double excess_of_missed(double lambda, void *params)
{
    struct ndl_family f = lower_family(*(double *)params, lambda, M_SQRT2);
    return ndl_family_loss(&f, NDL_MISSED) - ndl_family_loss(&f, NDL_SPLIT);
}

static double missed_entry(double lambda, void *params)
{
    struct ndl_family f = lower_family(*(double *)params, lambda, M_SQRT2);
    return ndl_family_entry(&f, NDL_MISSED);
}

static void write_curve(struct claim *claim)
{
    claim_table(claim, "curve",
                "r 1 0 frequency of a child given its parent\n"
                "lambda 1 1e-5 above which a short lower family is missed");
    for (int i = 0; i <= 30; i++) {
        double r = 0.04 + 0.005 * i, low = r * r, high = 20 * r * r;
        claim_row(claim, (double[]){r, fmax(ndl_two_root(missed_entry, &r, low, high),
                                            ndl_two_root(excess_of_missed, &r, low, high))});
    }
}

/** ## The grid */
struct tally {
    size_t points, wrong, wrong_base, recovered, missed, split;
    double bound_error, short_error, split_above_bound, missed_error, missed_error_base, split_above, split_gain;
    double residual;
};

/* The predicted state: families not short absorbed, the others missed; or, if split, none of them missed. */
static bool as_predicted(const enum ndl_family_kind kind[INNER], size_t atoms, bool missed)
{
    size_t absorbed = 0, count = 0;
    for (size_t v = 0; v < INNER; v++) {
        absorbed += kind[v] == NDL_ABSORBED;
        count += kind[v] == NDL_MISSED;
    }
    size_t lacking = NODES - atoms;
    return missed || !lacking ? kind[0] == NDL_ABSORBED && count == lacking && absorbed == INNER - lacking
                              : count == 0 && absorbed < INNER;
}

static void point(struct claim *claim, const struct shape *s, double r, double lambda, size_t atoms, struct tally *t)
{
    struct ndl_error err;
    struct ndl_search best;
    size_t first[NODES];
    enum ndl_family_kind kind[INNER];
    struct ndl_matrix X = build(claim, s, r, first);
    gsl_rng *rng = claim_rng(claim, 0);
    claim_must(claim, ndl_search_run(&X, first, NODES, atoms, lambda, STARTS, rng, &best, &err), &err);
    kinds_of(s, &best, first, kind);
    double lacking = (double)(NODES - atoms), bound = wide_bound(r, lambda), loss = best.loss / SAMPLES;
    struct prediction p = short_family(r, lambda, M_SQRT2), rootlike = short_family(r, lambda, 1);
    t->points++;
    t->wrong += !as_predicted(kind, atoms, p.missed);
    t->wrong_base += !as_predicted(kind, atoms, rootlike.missed);
    t->residual = fmax(t->residual, best.residual);
    for (size_t v = 0; v < INNER; v++)
        t->recovered += kind[v] == NDL_RECOVERED;
    if (lacking == 0) {
        t->bound_error = fmax(t->bound_error, fabs(loss / bound - 1));
    } else if (p.missed) {
        t->missed++;
        t->short_error = fmax(t->short_error, fabs(loss / bound - 1));
        t->missed_error = fmax(t->missed_error, fabs(loss / (bound + lacking * p.excess) - 1));
        t->missed_error_base = fmax(t->missed_error_base, fabs(loss / (bound + lacking * rootlike.excess) - 1));
    } else {
        t->split++;
        t->split_above = fmax(t->split_above, loss - bound - lacking * p.excess);
        t->split_above_bound = fmax(t->split_above_bound, loss - bound);
        t->split_gain = fmax(t->split_gain, 1 - (loss - bound) / (lacking * p.excess));
    }
    claim_row(claim, (double[]){(double)atoms, r, lambda, lacking == 0 ? 0 : p.missed ? 1 : 2,
                                as_predicted(kind, atoms, p.missed), loss - bound, lacking * p.excess,
                                isinf(best.gap) ? 0 : best.gap});
    ndl_search_free(&best);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Splitting and absorption in a binary tree of depth 3, from the rules for a parent with two children.\v"
        "Example: depth3 --data datasets --out build/results");
    struct shape s = read_shape(claim);
    struct tally t = {.split_above = -(double)INFINITY};
    claim_table(claim, "grid",
                "atoms 1 0 K\n"
                "r 1 0 frequency of a child given its parent\n"
                "lambda 1 1e-12 penalty\n"
                "predicted - 0 0 absorbed, 1 lower families missed, 2 split\n"
                "found - 0 1 if the solution is of that kind\n"
                "excess 1 1e-6 loss per sample above the wide bound\n"
                "family 1 1e-6 excess of the short families on their own\n"
                "gap 1 inf relative distance to the next local minimum met, 0 if none");
    for (size_t atoms = 5; atoms <= NODES; atoms++)
        for (int i = 1; i <= FREQUENCIES; i++)
            for (int j = 0; j < PENALTIES; j++) {
                point(claim, &s, 0.05 * i, 0.003 * pow(10, 0.35 * j), atoms, &t); /* 0.003 to 0.38 */
                claim_progress(claim, t.points, 3 * FREQUENCIES * PENALTIES, "grid");
            }
    write_curve(claim);
    claim_scalar(claim, "points", (double)t.points, CLAIM_EXACT, "grid points");
    claim_scalar(claim, "wrong", (double)t.wrong, CLAIM_EXACT, "points of another kind than predicted");
    claim_scalar(claim, "wrong_base", (double)t.wrong_base, CLAIM_EXACT, "the same if the lower families had base 1");
    claim_scalar(claim, "missed_error_base", t.missed_error_base, CLAIM_CONVERGED, "missed_error if they had base 1");
    claim_scalar(claim, "missed", (double)t.missed, CLAIM_EXACT, "points with K < 7 where short families are missed");
    claim_scalar(claim, "split", (double)t.split, CLAIM_EXACT, "points with K < 7 where they are split");
    claim_scalar(claim, "recovered", (double)t.recovered, CLAIM_EXACT, "recovered inner nodes");
    claim_scalar(claim, "bound_error", t.bound_error, CLAIM_ROUNDING, "K = 7: relative distance to the wide bound");
    claim_scalar(claim, "short_error", t.short_error, CLAIM_CONVERGED, "missed: the largest such distance");
    claim_scalar(claim, "split_above_bound", t.split_above_bound, CLAIM_CONVERGED,
                 "split: largest loss above the bound");
    claim_scalar(claim, "missed_error", t.missed_error, CLAIM_ROUNDING,
                 "missed: largest relative difference of the loss and the families' closed forms");
    claim_scalar(claim, "split_above", t.split_above, CLAIM_ROUNDING,
                 "split: largest loss above the families' closed forms, negative if always below");
    claim_scalar(claim, "split_gain", t.split_gain, CLAIM_CONVERGED,
                 "split: largest share of the families' excess that the grandparent's atom saves");
    claim_scalar(claim, "residual", t.residual, CLAIM_ROUNDING, "largest stationarity residual of all optima");
    return claim_end(claim);
}

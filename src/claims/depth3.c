/** # Composing and absorption in a tree of depth 3

The binary tree of `depth3.tree`, a root, two children and four grandchildren, siblings
exclusive, with magnitude 1, orthonormal directions and every child firing with
probability $r$ when its parent does: seven kinds of sample, the sums of the vectors from
a node up to the root, with weights $1-2r$, $r(1-2r)$ (twice) and $r^2$ (four times). No bias.
Of a second set of data the grandchildren that are siblings have the cosine $\rho$.

**Claim.** The rules of [phases](phases.html) apply family by family, as far as absorption goes.

- $K=7$: every inner node is absorbed, at the wide bound.
- $K=6$ and $K=5$: one and two of the lower families are short of an atom; the family of the
  root, whose members fire more often, is not. A short family is that of a parent
  of base $B=\sqrt2$ with two children. It is *missed* iff it would be so on its own, and
  then the excess over the bound is that of one family, or twice that.
- With an angle it is *merged* instead, its children on one atom, where that is better on its own.
- Else no family is missed or merged and not all are absorbed, and the excess is *below* that of
  symmetric composing: the grandparent's atom, which a two-level tree does not have, fires
  too, which makes most of these points mixed. So merging begins a little *later* than in a
  family on its own: between, the solution is of this kind, and better than merged.

- Reads: `depth3.tree` (its shape; frequencies and penalty vary).
- Writes: `depth3.tsv`; `depth3-grid`, the kinds over $K$, $r$ and $\lambda$, `depth3-angle` over
  $K$, $r$ and $\rho$; `depth3-curve`, `depth3-merging`, the boundaries.
- Falsified by: another kind, a loss other than predicted, or a recovered node. */
#include <gsl/gsl_math.h>

#include "kit/claim.h"
#include "kit/two_children.h"
#include "kit/two_features.h"

enum {
    NODES = 7,
    INNER = 3,
    SAMPLES = 400,
    STARTS = 1,
    FREQUENCIES = 6,
    PENALTIES = 7,
    ANGLES = 9
};
static const double SMALL_LAMBDA = 0.01; /* of the second set: no family is missed */

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
    claim_check_status(claim, ndl_tree_read(&tree, claim_data(claim, "depth3.tree"), &err), &err);
    if (ndl_tree_size(tree) != NODES)
        claim_check_status(
            claim, ndl_fail(&err, NDL_BADDATA, "depth3.tree: expected %d nodes", NODES), &err);
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
            claim_check_status(
                claim, ndl_fail(&err, NDL_BADDATA, "depth3.tree: expected a binary tree"), &err);
        s.child[s.parent[v]][children[s.parent[v]]++] = v;
    }
    ndl_tree_free(tree);
    return s;
}

static double weight(double r, size_t node)
{
    return node == 0 ? 1 - 2 * r : node < INNER ? r * (1 - 2 * r) : r * r;
}

/* A point of the grids.  r is a multiple of 1/20, so that weights are multiples of 1 / SAMPLES. */
struct place {
    size_t atoms;
    double r, rho, lambda;
};

static struct ndl_matrix build(const struct claim *claim, const struct shape *s,
                               const struct place *at, size_t first[NODES])
{
    double x[NODES][NODES] = {{0}}, weights[NODES];
    const struct ndl_matrix kinds = {NODES, NODES, x[0]};
    for (size_t node = 0; node < NODES; node++) {
        weights[node] = weight(at->r, node);
        for (size_t up = node; up != SIZE_MAX; up = s->parent[up])
            x[node][up] = 1;
        /* the leaf, in the plane of the two */
        for (int which = 1; which <= 2 && node >= INNER; which++) {
            const size_t *pair = s->child[s->parent[node]];
            double c[3];
            two_children_child(at->rho, which, c);
            if (node == pair[which - 1])
                x[node][pair[0]] = c[1], x[node][pair[1]] = c[2];
        }
    }
    return claim_repeat(claim, &kinds, weights, SAMPLES, first);
}

/** ## The kinds

A family is judged by the samples of its three nodes; "recovered" wants an atom within 8
degrees of the node's own vector that fires on every sample below. */
static void kinds_of(const struct shape *s, const struct two_children_found *best,
                     const size_t first[NODES], enum two_children_kind kind[INNER])
{
    unsigned on[NODES];
    for (size_t v = 0; v < NODES; v++)
        on[v] = atoms_firing(&best->model, first[v]);
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
        kind[v] = two_children_classify(on[v], on[s->child[v][0]], on[s->child[v][1]], 0, always);
    }
}

/** ## Prediction: a lower family left short

It is missed or merged, with a loss in closed form; or composed, for which the closed form is an
upper bound. */
static struct two_children lower_family(const struct place *at, double base)
{
    return (struct two_children){.alone = weight(at->r, 1),
                                 .child = weight(at->r, 3),
                                 .base = base,
                                 .rho = at->rho,
                                 .lambda = at->lambda};
}

struct prediction {
    enum two_children_kind kind;
    double excess, composed; /* over the absorbed family: of the best, of composing */
};

static struct prediction short_family(const struct place *at, double base)
{
    struct two_children f = lower_family(at, base);
    const double absorbed = two_children_loss(&f, KIND_ABSORBED),
                 composed = two_children_loss(&f, KIND_COMPOSED) - absorbed,
                 missed = two_children_loss(&f, KIND_MISSED) - absorbed,
                 merged = two_children_loss(&f, KIND_MERGED) - absorbed;
    struct prediction p = {
        .kind = KIND_COMPOSED, .excess = fmin(composed, missed), .composed = composed};
    if (missed < composed && two_children_entry(&f, KIND_MISSED) <= 0)
        p.kind = KIND_MISSED;
    if (merged < p.excess)
        p = (struct prediction){.kind = KIND_MERGED, .excess = merged, .composed = composed};
    return p;
}

static double wide_bound(double r, double lambda)
{
    double bound = 0;
    for (size_t v = 0; v < NODES; v++)
        bound += weight(r, v) * two_children_exact(sqrt(v == 0 ? 1 : v < INNER ? 2 : 3), lambda);
    return bound;
}

/* Positive where a short lower family is composed. */
static double excess_of_missed(double lambda, void *params)
{
    struct two_children f =
        lower_family(&(struct place){.r = *(double *)params, .lambda = lambda}, M_SQRT2);
    return two_children_loss(&f, KIND_MISSED) - two_children_loss(&f, KIND_COMPOSED);
}

static double missed_entry(double lambda, void *params)
{
    struct two_children f =
        lower_family(&(struct place){.r = *(double *)params, .lambda = lambda}, M_SQRT2);
    return two_children_entry(&f, KIND_MISSED);
}

static double excess_of_merged(double rho, void *params)
{
    struct two_children f = lower_family(
        &(struct place){.r = *(double *)params, .rho = rho, .lambda = SMALL_LAMBDA}, M_SQRT2);
    return two_children_loss(&f, KIND_MERGED) - two_children_loss(&f, KIND_COMPOSED);
}

static void write_curves(struct claim *claim)
{
    claim_table(claim, "merging",
                "r 1 0 frequency of a child given its parent\n"
                "rho 1 1e-5 cosine of siblings above which a short lower family is merged");
    for (int i = 0; i <= 30; i++) {
        double r = 0.04 + 0.01 * i;
        claim_row(claim, r, find_root(excess_of_merged, &r, -0.5, 0.99));
    }
    claim_table(claim, "curve",
                "r 1 0 frequency of a child given its parent\n"
                "lambda 1 1e-5 above which a short lower family is missed");
    for (int i = 0; i <= 30; i++) {
        double r = 0.04 + 0.005 * i, low = r * r, high = 20 * r * r;
        claim_row(claim, r,
                  fmax(find_root(missed_entry, &r, low, high),
                       find_root(excess_of_missed, &r, low, high)));
    }
}

/** ## The grids */
struct tally {
    size_t points, wrong, wrong_base, wrong_flat, recovered, closed, composed, early;
    double bound_error, short_error, composed_above_bound, closed_error, closed_error_base,
        composed_above, composed_gain;
    double early_lead, residual;
};

/* The predicted state: families not short absorbed, the others missed or merged; or, if composed,
 * none of them. */
static bool as_predicted(const enum two_children_kind kind[INNER], size_t atoms,
                         enum two_children_kind predicted)
{
    size_t absorbed = 0, count = 0, exact = 0, lacking = NODES - atoms;
    for (size_t v = 0; v < INNER; v++) {
        absorbed += kind[v] == KIND_ABSORBED;
        count += kind[v] == predicted;
        exact += kind[v] == KIND_MISSED || kind[v] == KIND_MERGED;
    }
    if (lacking == 0)
        return absorbed == INNER;
    if (predicted == KIND_COMPOSED)
        return exact == 0 && absorbed < INNER;
    return kind[0] == KIND_ABSORBED && count == lacking && absorbed == INNER - lacking;
}

static void point(struct claim *claim, const struct shape *s, const struct place *at,
                  struct tally *t)
{
    struct ndl_error err;
    struct two_children_found best;
    size_t first[NODES];
    enum two_children_kind kind[INNER];
    struct ndl_matrix X = build(claim, s, at, first);
    gsl_rng *rng = claim_rng(claim, 0);
    claim_check_status(
        claim,
        two_children_search(&X, first, NODES, at->atoms, at->lambda, STARTS, rng, &best, &err),
        &err);
    kinds_of(s, &best, first, kind);
    double lacking = (double)(NODES - at->atoms), bound = wide_bound(at->r, at->lambda),
           loss = best.loss / SAMPLES;
    const struct place flat = {at->atoms, at->r, 0, at->lambda};
    const struct prediction p = short_family(at, M_SQRT2), rootlike = short_family(at, 1);
    bool found = as_predicted(kind, at->atoms, p.kind);
    /* The only other thing that may be: composed where merged was predicted, and better. */
    bool early = p.kind == KIND_MERGED && !found && as_predicted(kind, at->atoms, KIND_COMPOSED) &&
                 loss < bound + lacking * p.excess;
    t->points++;
    t->wrong += !found && !early;
    t->wrong_base += !as_predicted(kind, at->atoms, rootlike.kind);
    t->wrong_flat += !as_predicted(kind, at->atoms, short_family(&flat, M_SQRT2).kind);
    keep_max(&t->residual, best.residual);
    for (size_t v = 0; v < INNER; v++)
        t->recovered += kind[v] == KIND_RECOVERED;
    if (lacking == 0) {
        keep_max(&t->bound_error, fabs(loss / bound - 1));
    } else if (early) {
        t->early++;
        keep_max(&t->early_lead, 1 - p.excess / p.composed);
    } else if (p.kind != KIND_COMPOSED) {
        t->closed++;
        keep_max(&t->short_error, fabs(loss / bound - 1));
        keep_max(&t->closed_error, fabs(loss / (bound + lacking * p.excess) - 1));
        keep_max(&t->closed_error_base, fabs(loss / (bound + lacking * rootlike.excess) - 1));
    } else {
        t->composed++;
        keep_max(&t->composed_above, loss - bound - lacking * p.excess);
        keep_max(&t->composed_above_bound, loss - bound);
        keep_max(&t->composed_gain, 1 - (loss - bound) / (lacking * p.excess));
    }
    double predicted = lacking == 0              ? 0
                       : p.kind == KIND_MISSED   ? 1
                       : p.kind == KIND_COMPOSED ? 2
                                                 : 3;
    claim_row(claim, (double)at->atoms, at->r, at->rho, at->lambda, predicted, found, early,
              loss - bound, lacking * p.excess, isinf(best.next_minimum) ? 0 : best.next_minimum);
    two_children_search_free(&best);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

static void open_table(struct claim *claim, const char *name)
{
    claim_table(claim, name,
                "atoms 1 0 K\n"
                "r 1 0 frequency of a child given its parent\n"
                "rho 1 1e-12 cosine of siblings among the grandchildren\n"
                "lambda 1 1e-12 penalty\n"
                "predicted - 0 0 absorbed, lower families 1 missed, 2 composed, 3 merged\n"
                "found - 0 1 if the solution is of that kind\n"
                "early - 0 1 if composed and better than merged, which is predicted\n"
                "excess 1 1e-6 loss per sample above the wide bound\n"
                "family 1 1e-6 excess of the short families on their own\n"
                "gap 1 inf relative distance to the next local minimum met, 0 if none");
}

/** ## Results */
static void record(struct claim *claim, const char *set, const struct tally *t)
{
    claim_values(
        claim, set, {"points", (double)t->points, CLAIM_EXACT, "grid points"},
        {"wrong", (double)t->wrong, CLAIM_EXACT,
         "points of another kind than predicted, and not early"},
        {"wrong_base", (double)t->wrong_base, CLAIM_EXACT,
         "of another kind if the lower families had base 1"},
        {"wrong_flat", (double)t->wrong_flat, CLAIM_EXACT,
         "of another kind if siblings were orthogonal"},
        {"closed", (double)t->closed, CLAIM_EXACT,
         "points with K < 7 where short families are missed or merged"},
        {"composed", (double)t->composed, CLAIM_EXACT,
         "points with K < 7 where they are composed, as predicted"},
        {"early", (double)t->early, CLAIM_EXACT,
         "points with K < 7 composed though merged on their own"},
        {"early_lead", t->early_lead, CLAIM_CONVERGED,
         "early: largest share by which merged is below composed"},
        {"recovered", (double)t->recovered, CLAIM_EXACT, "recovered inner nodes"},
        {"bound_error", t->bound_error, CLAIM_NOT_COMPARED,
         "K = 7: relative distance to the wide bound"},
        {"short_error", t->short_error, CLAIM_CONVERGED,
         "missed or merged: the largest such distance"},
        {"closed_error", t->closed_error, CLAIM_NOT_COMPARED,
         "missed or merged: largest relative difference of the loss and the families' "
         "closed forms"},
        {"closed_error_base", t->closed_error_base, CLAIM_CONVERGED,
         "closed_error if they had base 1"},
        {"composed_above", t->composed_above, CLAIM_NOT_COMPARED,
         "composed: largest loss above the families' closed forms, negative if always below"},
        {"composed_above_bound", t->composed_above_bound, CLAIM_CONVERGED,
         "composed: largest loss above the bound"},
        {"composed_gain", t->composed_gain, CLAIM_CONVERGED,
         "composed: largest share of the families' excess that the grandparent's atom saves"},
        {"residual", t->residual, CLAIM_NOT_COMPARED,
         "largest stationarity residual of all optima"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Composing and absorption in a binary tree of depth 3, from "
                                      "the rules for a parent with two children.\v"
                                      "Example: depth3 --data datasets --out build/results");
    struct shape s = read_shape(claim);
    struct tally t = {.composed_above = -(double)INFINITY}, u = t;
    const size_t total = 3 * FREQUENCIES * (PENALTIES + ANGLES);
    open_table(claim, "grid");
    for (size_t atoms = 5; atoms <= NODES; atoms++)
        for (int i = 1; i <= FREQUENCIES; i++)
            for (int j = 0; j < PENALTIES; j++) { /* lambda from 0.003 to 0.38 */
                point(claim, &s, &(struct place){atoms, 0.05 * i, 0, 0.003 * pow(10, 0.35 * j)},
                      &t);
                claim_progress(claim, t.points, total, "grid points");
            }
    open_table(claim, "angle");
    for (size_t atoms = 5; atoms <= NODES; atoms++)
        for (int i = 1; i <= FREQUENCIES; i++)
            for (int j = 0; j < ANGLES; j++) { /* rho from -0.25 to 0.75 */
                point(claim, &s, &(struct place){atoms, 0.05 * i, -0.25 + 0.125 * j, SMALL_LAMBDA},
                      &u);
                claim_progress(claim, t.points + u.points, total, "grid points");
            }
    write_curves(claim);
    record(claim, NULL, &t);
    record(claim, "angle", &u);
    claim_scalar(claim, "angle.lambda", SMALL_LAMBDA, CLAIM_EXACT, "its penalty");
    return claim_end(claim);
}

/** # A parent atom divides

Claim `divide`. Eight kinds of data, the leaves of a tree of depth three, one kind at a time: leaf
$l$ gives the unit vector

$$ x_l \propto e_0 + g_1 e_{\text{half}(l)} + g_2 e_{\text{quarter}(l)} + g_3 e_l $$

with orthonormal $e$ and $g_1 > g_2 > g_3$. One atom for a node with $s$ leaves below it sits at
their mean direction, at the same cosine $c_s$ to all of them,

$$ c_s^2 = \frac{1 + g_1^2 / \max(1, s/4) + g_2^2 / \max(1, s/2) + g_3^2 / s}{1 + g_1^2 +
g_2^2 + g_3^2} , $$

and a leaf coded by it alone costs $1 - (c_s - \lambda/2)^2$. So the dictionary of $K$ atoms that
partitions the leaves has a loss in closed form; splitting a node of $s$ leaves gains
$s [(c_{s/2} - \lambda/2)^2 - (c_s - \lambda/2)^2] > 0$, and the best partition splits wherever that
is largest: dog, then breeds, then litters. The wide limit is reached with one atom per leaf,
$c_1 = 1$. There is no threshold: two kinds of data that differ at all are worth two atoms.

The order of the strengths does not matter for the best dictionary, as long as they are of one size:
how alike two leaves are depends on their lowest common node, whichever level is the strongest. If
the lowest level dominates all leaves are alike, and for a large $\lambda$ uneven parts are better:
leaves *peeled* off one by one, the rest sharing an atom. A dictionary that is grown needs
decreasing strengths, lest the worst residual leads to the wrong division.

- Reads nothing: strengths and $\lambda$ are drawn.
- Writes: `divide.tsv`; `divide-tree` (the atoms of $K$ joined to their parents among those of
  $K - 1$), `divide-loss` (loss over bound against K).
- Falsified by: a dictionary of K atoms that does worse or better than the partition, also for
  strengths in any order; an atom that fires for leaves outside its parent's or for others than
  those of one node; even parts where the lowest level dominates. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_math.h>

#include "kit/claim.h"

enum { LEAVES = 8, LEVELS = 4, DIMENSION = 15, TRIALS = 20, STARTS = 40 };

struct tree {
    double g[LEVELS]; /* strengths of the levels; g[0] = 1 */
    double lambda;
};

/* Leaf l, level 1 has 2 directions, level 2 has 4, level 3 has 8: e_1.., e_3.., e_7.. */
static struct ndl_matrix leaves(const struct claim *claim, const struct tree *t)
{
    double norm = sqrt(1 + gsl_pow_2(t->g[1]) + gsl_pow_2(t->g[2]) + gsl_pow_2(t->g[3]));
    struct ndl_matrix X = claim_matrix(claim, LEAVES, DIMENSION);
    for (size_t l = 0; l < LEAVES; l++)
        for (size_t level = 0, first = 0, count = 1; level < LEVELS;
             level++, first += count, count *= 2)
            ndl_row(&X, l)[first + l * count / LEAVES] = t->g[level] / norm;
    return X;
}

/** ## The prediction

`saved` is what an atom over $s$ leaves takes off the loss of 0 atoms; `size` holds the parts, and
every further atom halves the one whose division gains most. */
static double saved(const struct tree *t, double s)
{
    double norm = 0, kept = 0;
    for (size_t level = 0, count = 1; level < LEVELS; level++, count *= 2) {
        norm += gsl_pow_2(t->g[level]);
        kept += gsl_pow_2(t->g[level]) / fmax(1, s * (double)count / LEAVES);
    }
    return s * gsl_pow_2(sqrt(kept / norm) - t->lambda / 2);
}

static double partition_loss(const struct tree *t, size_t atoms)
{
    double size[LEAVES] = {LEAVES}, loss = LEAVES;
    for (size_t K = 1; K < atoms; K++) {
        size_t best = 0;
        double most = -1;
        for (size_t k = 0; k < K; k++) {
            double gain = size[k] > 1 ? 2 * saved(t, size[k] / 2) - saved(t, size[k]) : -1;
            if (gain > most)
                best = k;
            most = fmax(most, gain);
        }
        size[K] = size[best] /= 2;
    }
    for (size_t k = 0; k < atoms; k++)
        loss -= saved(t, size[k]);
    return loss;
}

/* The control, leaves peeled off one by one: K - 1 leaves have an atom of their own, the others
 * share one along their mean. */
static double peeled_loss(const struct claim *claim, const struct tree *t, size_t atoms)
{
    struct ndl_matrix X = leaves(claim, t);
    double mean[DIMENSION] = {0}, norm = 0, loss = 0;
    for (size_t l = atoms - 1; l < LEAVES; l++)
        for (size_t j = 0; j < DIMENSION; j++)
            mean[j] += ndl_row(&X, l)[j];
    for (size_t j = 0; j < DIMENSION; j++)
        norm += mean[j] * mean[j];
    for (size_t l = 0; l < LEAVES; l++) {
        double cosine = 0;
        for (size_t j = 0; j < DIMENSION; j++)
            cosine += mean[j] / sqrt(norm) * ndl_row(&X, l)[j];
        loss += 1 - gsl_pow_2((l < atoms - 1 ? 1 : cosine) - t->lambda / 2);
    }
    ndl_matrix_free(&X);
    return loss;
}

/** ## The family tree

A dictionary is learned from random starts, or grown: started from the smaller one and an atom along
its worst residual. The parent of an atom is the atom of the smaller dictionary with which it shares
most code. */
struct family {
    size_t atoms;
    double use[LEAVES][LEAVES]; /* atom x leaf: the code */
    /* the atoms, and the direction of the longest residual */
    double start[LEAVES + 1][DIMENSION];
};

/* Unit vector along the longest residual of the model on X. */
static void worst_residual(const struct ndl_matrix *X, const struct ndl_model *m, double *u)
{
    double longest = 0;
    for (size_t l = 0; l < LEAVES; l++) {
        double r[DIMENSION], square = 0;
        memcpy(r, ndl_row(X, l), sizeof r);
        for (size_t e = m->Z.start[l]; e < m->Z.start[l + 1]; e++)
            for (size_t j = 0; j < DIMENSION; j++)
                r[j] -= m->Z.value[e] * ndl_row(&m->D, m->Z.atom[e])[j];
        for (size_t j = 0; j < DIMENSION; j++)
            square += r[j] * r[j];
        if (square > longest * (1 + 1e-9)) { /* of equals the first */
            longest = square;
            for (size_t j = 0; j < DIMENSION; j++)
                u[j] = r[j] / sqrt(square);
        }
    }
}

/* smaller == NULL: from random starts. */
static struct family learn(const struct claim *claim, const struct tree *t, size_t atoms,
                           struct family *smaller, uint64_t seed, double *loss)
{
    struct ndl_matrix X = leaves(claim, t);
    struct ndl_fit_options options = ndl_fit_defaults(atoms, t->lambda);
    options.bias = false;
    options.starts = smaller ? 1 : STARTS;
    options.D0 = smaller ? &(struct ndl_matrix){atoms, DIMENSION, &smaller->start[0][0]} : NULL;
    options.seed = seed;
    struct ndl_model m;
    *loss = claim_fit(claim, &X, &options, &m, NULL);
    struct ndl_matrix Z = claim_dense(claim, &m);
    struct family f = {.atoms = atoms};
    for (size_t k = 0; k < atoms; k++)
        for (size_t l = 0; l < LEAVES; l++)
            f.use[k][l] = ndl_row(&Z, l)[k];
    memcpy(f.start, m.D.v, atoms * sizeof *f.start);
    worst_residual(&X, &m, f.start[atoms]);
    ndl_matrix_free(&X);
    ndl_matrix_free(&Z);
    ndl_model_free(&m);
    return f;
}

static double position(const double *use)
{
    double sum = 0, moment = 0;
    for (size_t l = 0; l < LEAVES; l++) {
        sum += use[l];
        moment += use[l] * (double)(l + 1);
    }
    return moment / sum;
}

static size_t parent_of(const double *use, const struct family *older)
{
    size_t parent = 0;
    double most = -1;
    for (size_t k = 0; k < older->atoms; k++) {
        double shared = 0;
        for (size_t l = 0; l < LEAVES; l++)
            shared += use[l] * older->use[k][l];
        if (shared > most)
            parent = k;
        most = fmax(most, shared);
    }
    return parent;
}

/* Code of the younger atoms on leaves that their parents do not serve, over all code; `other` >
 * 0 takes another atom for the parent, the control. */
static double strays(const struct family *younger, const struct family *older, size_t other)
{
    double stray = 0, sum = 0;
    for (size_t k = 0; k < younger->atoms; k++) {
        size_t parent = (parent_of(younger->use[k], older) + other) % older->atoms;
        for (size_t l = 0; l < LEAVES; l++) {
            sum += younger->use[k][l];
            stray += older->use[parent][l] > 0 ? 0 : younger->use[k][l];
        }
    }
    return stray / sum;
}

/* How many atoms fire for leaves that are not those of a node: all, a half, a quarter or one;
 * with the leaves moved on by `moved` places, the control. */
static size_t misplaced(const struct family *f, size_t moved)
{
    size_t count = 0;
    for (size_t k = 0; k < f->atoms; k++) {
        size_t first = LEAVES, last = 0, on = 0;
        for (size_t l = 0; l < LEAVES; l++)
            if (f->use[k][(l + moved) % LEAVES] > 0) {
                first = on++ == 0 ? l : first;
                last = l;
            }
        bool node = on > 0 && last - first + 1 == on && LEAVES % on == 0 && first % on == 0;
        count += !node;
    }
    return count;
}

/* Lines from parents to children; the leaves, bottom to top, are numbered 1 to 8. */
static void draw_family(struct claim *claim, const struct tree *t)
{
    claim_table(claim, "tree",
                "K 1 inf atoms\n"
                "position 1 inf mean leaf for which the atom fires\n"
                "leaves 1 inf leaves for which it fires");
    struct family older = {0};
    for (size_t K = 1; K <= LEAVES; K++) {
        double loss;
        struct family f = learn(claim, t, K, K > 1 ? &older : NULL, 1, &loss);
        for (size_t k = 0; k < K; k++) {
            double count = 0;
            for (size_t l = 0; l < LEAVES; l++)
                count += f.use[k][l] > 0;
            if (K > 1)
                claim_row(claim, (double)K - 1, position(older.use[parent_of(f.use[k], &older)]),
                          count);
            claim_row(claim, (double)K, position(f.use[k]), count);
            claim_table_break(claim);
        }
        older = f;
    }
}

/** ## Strengths in any order

Where peeling leaves off would be no better than nodes, the best dictionary is that of nodes; and
with a dominant lowest level it peels. */
static void try_any_order(struct claim *claim)
{
    const struct tree dominant = {{1, 0.1, 0.1, 1.2}, 0.4};
    double error = 0, peeled = DBL_MAX, loss, by_peeling = 0, by_node = DBL_MAX;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 1000 + trial);
        struct tree t = {{1}, 0};
        for (size_t level = 1; level < LEVELS; level++)
            t.g[level] = 0.3 + 0.7 * gsl_rng_uniform(rng);
        t.lambda = 0.02 + 0.3 * gsl_rng_uniform(rng);
        for (size_t K = 2; K < LEAVES - 1; K++) { /* at 7 the two are the same */
            double nodes = partition_loss(&t, K), peeling = peeled_loss(claim, &t, K);
            learn(claim, &t, K, NULL, 1 + gsl_rng_uniform_int(rng, 1000000), &loss);
            if (nodes <= peeling) {
                error = fmax(error, fabs(loss / nodes - 1));
                peeled = fmin(peeled, fabs(loss / peeling - 1));
            }
        }
        gsl_rng_free(rng);
    }
    for (size_t K = 2; K <= 4; K++) {
        learn(claim, &dominant, K, NULL, 1, &loss);
        by_peeling = fmax(by_peeling, fabs(loss / peeled_loss(claim, &dominant, K) - 1));
        by_node = fmin(by_node, 1 - loss / partition_loss(&dominant, K));
    }
    claim_scalar(claim, "any.error", error, CLAIM_NOT_COMPARED,
                 "strengths in any order: largest |loss / loss of the best partition - 1|");
    claim_scalar(claim, "any.peeled", peeled, CLAIM_CONVERGED,
                 "smallest, if leaves were peeled off one by one");
    claim_scalar(
        claim, "dominant.peeled", by_peeling, CLAIM_CONVERGED,
        "dominant lowest level: largest |loss / loss if leaves are peeled off - 1|, K = 2 to 4");
    claim_scalar(claim, "dominant.node", by_node, CLAIM_CONVERGED,
                 "smallest gain over the best partition into nodes");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Fits 1 to 8 atoms to the eight leaves of a tree and "
                                      "compares the loss with that of the best partition.\v"
                                      "Example: divide --seed 2 --out build/results");
    double error = 0, peeled = DBL_MAX, stray = 0, stray_other = DBL_MAX, grown = 0,
           ratio[2][LEAVES + 1] = {{0}}, loss;
    size_t outside = 0, least_moved = SIZE_MAX;
    const struct tree shown = {{1, 1, 0.7, 0.5}, 0.1};
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        struct tree t = {{1, 0.9 + 0.3 * gsl_rng_uniform(rng), 0.6 + 0.2 * gsl_rng_uniform(rng),
                          0.3 + 0.2 * gsl_rng_uniform(rng)},
                         0.02 + 0.3 * gsl_rng_uniform(rng)};
        struct family older = {0};
        for (size_t K = 1; K <= LEAVES; K++) {
            double predicted = partition_loss(&t, K), bound = partition_loss(&t, LEAVES), after;
            learn(claim, &t, K, NULL, 1 + gsl_rng_uniform_int(rng, 1000000), &loss);
            struct family next = learn(claim, &t, K, K > 1 ? &older : NULL, 1, &after);
            error = fmax(error, fabs(loss / predicted - 1));
            if (K > 1 && K < LEAVES - 1) /* at 7 the two are the same */
                peeled = fmin(peeled, fabs(loss / peeled_loss(claim, &t, K) - 1));
            ratio[0][K] += loss / bound / TRIALS;
            ratio[1][K] += predicted / bound / TRIALS;
            grown = fmax(grown, fabs(after / predicted - 1));
            outside += misplaced(&next, 0);
            if (K > 1 && K < LEAVES) { /* one leaf or all are a node however they are numbered */
                size_t moved = misplaced(&next, 1);
                least_moved = moved < least_moved ? moved : least_moved;
            }
            if (K > 1)
                stray = fmax(stray, strays(&next, &older, 0));
            if (K > 2)
                stray_other = fmin(stray_other, strays(&next, &older, 1));
            older = next;
        }
        gsl_rng_free(rng);
        claim_progress(claim, trial + 1, TRIALS, "trees");
    }
    claim_table(claim, "loss",
                "K - 0 atoms\n"
                "measured 1 1e-6 loss over bound, mean over the trials\n"
                "partition 1 1e-9 predicted");
    for (size_t K = 1; K <= LEAVES; K++)
        claim_row(claim, (double)K, ratio[0][K], ratio[1][K]);
    claim_scalar(claim, "leaves", LEAVES, CLAIM_EXACT, "leaves of the tree");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "trees of random strengths and lambda");
    claim_scalar(claim, "error", error, CLAIM_NOT_COMPARED,
                 "largest |loss / loss of the best partition - 1|, K = 1 to 8");
    claim_scalar(claim, "grown", grown, CLAIM_NOT_COMPARED,
                 "the same for dictionaries grown along the worst residual");
    claim_scalar(claim, "peeled", peeled, CLAIM_CONVERGED,
                 "smallest, if leaves were peeled off one by one, K = 2 to 6");
    claim_scalar(claim, "stray", stray, CLAIM_NOT_COMPARED,
                 "grown dictionaries: largest share of code outside the parent's leaves");
    claim_scalar(claim, "stray_other", stray_other, CLAIM_CONVERGED,
                 "smallest, if another atom were the parent");
    claim_scalar(claim, "misplaced", (double)outside, CLAIM_EXACT,
                 "their atoms whose leaves are not those of a node");
    claim_scalar(claim, "misplaced_moved", (double)least_moved, CLAIM_EXACT,
                 "least number for a K, if the leaves were numbered one further");
    claim_scalar(claim, "half", ratio[0][2], CLAIM_CONVERGED,
                 "loss over bound with two atoms, mean");
    claim_scalar(claim, "seven", ratio[0][7], CLAIM_CONVERGED, "with seven");
    try_any_order(claim);
    draw_family(claim, &shown);
    return claim_end(claim);
}

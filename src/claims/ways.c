/** # Two ways to mutual exclusion

Claim `ways`.  A parent with $m$ children, one of which fires at a time: the samples are $p$,
with a share $w_0$, $p + c_l$ for each child, and nothing.  A hierarchy cannot be represented as
it is, but as mutually exclusive features, in two ways.  If the parent also fires alone, it
takes $m + 1$ atoms, one of them the parent's and silent whenever a child fires: *absorption*.
If it never fires alone, $m$ do: *splitting*.  That many atoms attain the wide bound and fewer
do not; at the bound each atom fires on one kind of sample, and the children's atoms point to $p
+ c_l$.

Measured for two to five children with random strengths and shares, with and without a bias.
The solver starts from samples of different kinds, turned at random, several times: from random
samples, most of them nothing, it misses the optimum.  The controls: an atom fewer; children
that fire independently, whose samples have more directions than $m + 1$.

- Reads nothing: all data are drawn.
- Writes: `ways.tsv`; `ways-gap` (gap to the bound against the atoms, for four children).
- Falsified by: another least number of atoms, an atom that fires on two kinds of samples, a
  child's atom that does not point to $p + c_l$ where there is no bias. */
#include <gsl/gsl_randist.h>
#include <stdio.h>

#include "kit/claim.h"

enum {
    LEAST = 2,
    MOST = 5,
    TRIALS = 4,
    STARTS = 8,
    SHOWN = 4,
    KINDS = MOST + 2,
    ROWS = 100,
    ACTIVE = 40
};
enum way { ABSORPTION, SPLITTING, INDEPENDENT, WAYS };
static const char *const name[WAYS] = {"absorption", "splitting", "independent"};
static const double LAMBDA = 0.1, TURN = 0.3;

/** ## The data

Orthonormal $p$ and $c_l$; the strengths of parent and children are drawn once for each data set.
More than half of the samples are nothing, so that the bias stays there.  kind[i] says which
sample it is: 0 nothing, 1 the parent alone, 1 + l a child; several children have the kind of
none. */
struct family {
    struct ndl_matrix X;
    size_t children, kind[ROWS];
    double strength[MOST + 1];
};

static struct family draw_family(const struct claim *claim, gsl_rng *rng, size_t children,
                                 enum way way)
{
    struct family f = {.X = claim_matrix(claim, ROWS, children + 1), .children = children};
    for (size_t k = 0; k <= children; k++)
        f.strength[k] = gsl_ran_flat(rng, 0.7, 1.3);
    for (size_t i = 0; i < ACTIVE; i++) {
        double *x = ndl_row(&f.X, i);
        /* every kind several times, and how often by chance */
        size_t least = way == SPLITTING, kinds = children + 1 - least;
        size_t child = i < 4 * kinds ? least + i % kinds : least + gsl_rng_uniform_int(rng, kinds);
        x[0] = f.strength[0];
        if (child > 0)
            x[child] = f.strength[child];
        f.kind[i] = 1 + child;
        for (size_t l = 1; l <= children && way == INDEPENDENT; l++)
            x[l] = gsl_rng_uniform(rng) < 0.5 ? f.strength[l] : 0;
    }
    return f;
}

/** ## The fits */
struct fit {
    double gap;       /* loss / bound - 1 */
    double shared;    /* atoms that fire on two kinds of samples */
    double direction; /* largest distance of p + c_l from the nearest atom, no bias */
};

static double count_shared(const struct family *f, const struct ndl_model *m)
{
    double shared = 0;
    for (size_t k = 0; k < m->D.rows; k++) {
        size_t first = 0; /* 0: none yet */
        bool several = false;
        for (size_t i = 0; i < f->X.rows; i++)
            for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++) {
                if (m->Z.atom[e] != k)
                    continue;
                several = several || (first > 0 && f->kind[i] != first);
                first = f->kind[i];
            }
        shared += several;
    }
    return shared;
}

static double worst_direction(const struct family *f, const struct ndl_model *m)
{
    double worst = 0;
    for (size_t l = 1; l <= f->children; l++) {
        double target[MOST + 1] = {f->strength[0]}, best = HUGE_VAL;
        target[l] = f->strength[l];
        ndl_normalise(f->X.cols, target);
        for (size_t k = 0; k < m->D.rows; k++)
            keep_min(&best, measure_angle(f->X.cols, target, ndl_row(&m->D, k)));
        keep_max(&worst, best);
    }
    return worst;
}

/* Samples of different kinds as far as there are any, not nothing, turned at random. */
static struct ndl_matrix draw_start(const struct claim *claim, gsl_rng *rng, const struct family *f,
                                    size_t atoms)
{
    struct ndl_matrix D = claim_matrix(claim, atoms, f->X.cols);
    bool used[KINDS] = {false};
    for (size_t k = 0; k < atoms; k++) {
        size_t i = 0;
        for (int try = 0; try < 200 && (try == 0 || used[f->kind[i]]); try++)
            i = gsl_rng_uniform_int(rng, ACTIVE);
        used[f->kind[i]] = true;
        for (size_t c = 0; c < D.cols; c++)
            ndl_row(&D, k)[c] = ndl_row(&f->X, i)[c] + gsl_ran_gaussian(rng, TURN);
        ndl_normalise(D.cols, ndl_row(&D, k));
    }
    return D;
}

static struct fit learn(const struct claim *claim, gsl_rng *rng, const struct family *f,
                        size_t atoms, bool bias)
{
    double loss = HUGE_VAL, bound = claim_wide_bound(claim, &f->X, LAMBDA, bias, NULL);
    struct ndl_model m = {0};
    for (int start = 0; start < STARTS; start++) {
        struct ndl_matrix D0 = draw_start(claim, rng, f, atoms);
        double found;
        struct ndl_model other = claim_fit_from(claim, &f->X, &D0, LAMBDA, bias, &found);
        if (start == 0 || found < loss) {
            ndl_model_free(&m);
            m = other;
            loss = found;
        } else {
            ndl_model_free(&other);
        }
        ndl_matrix_free(&D0);
    }
    struct fit fit = {.gap = loss / bound - 1, .shared = count_shared(f, &m)};
    fit.direction = bias ? 0 : worst_direction(f, &m);
    ndl_model_free(&m);
    return fit;
}

/** ## Results */
struct found {
    double gap, gap_fewer; /* largest with the predicted number of atoms, least with one fewer */
    double shared, shared_fewer, direction;
};

static size_t predicted_atoms(enum way way, size_t children)
{
    return children + (way != SPLITTING);
}

static struct found run_way(struct claim *claim, enum way way)
{
    struct found found = {.gap_fewer = HUGE_VAL, .shared_fewer = HUGE_VAL};
    for (size_t children = LEAST; children <= MOST; children++)
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            gsl_rng *rng = claim_rng(claim, 1000 * (uint64_t)way + 100 * children + trial);
            struct family f = draw_family(claim, rng, children, way);
            size_t K = predicted_atoms(way, children);
            bool bias = trial % 2 == 1;
            struct fit enough = learn(claim, rng, &f, K, bias);
            struct fit fewer = learn(claim, rng, &f, K - 1, bias);
            keep_max(&found.gap, enough.gap);
            keep_max(&found.shared, enough.shared);
            keep_max(&found.direction, enough.direction);
            keep_min(&found.gap_fewer, fewer.gap);
            keep_min(&found.shared_fewer, fewer.shared);
            ndl_matrix_free(&f.X);
            gsl_rng_free(rng);
        }
    return found;
}

static void draw_gaps(struct claim *claim)
{
    claim_table(claim, "gap",
                "way - 0 0 absorption, 1 splitting, 2 independent children\n"
                "K - 0 atoms\n"
                "gap 1 inf loss over bound, minus 1; no less than 1e-16");
    for (enum way way = 0; way < WAYS; way++) {
        gsl_rng *rng = claim_rng(claim, 9000 + (uint64_t)way);
        struct family f = draw_family(claim, rng, SHOWN, way);
        for (size_t K = 1; K <= SHOWN + 3; K++)
            claim_row(claim, (double)way, (double)K,
                      fmax(learn(claim, rng, &f, K, false).gap, 1e-16));
        claim_table_break(claim);
        ndl_matrix_free(&f.X);
        gsl_rng_free(rng);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Counts the atoms that a parent and its exclusive children need, with and without the "
        "parent alone.\vExample: ways --seed 2 --out build/results");
    for (enum way way = 0; way < WAYS; way++) {
        struct found f = run_way(claim, way);
        claim_values(
            claim, name[way],
            {"gap", f.gap, CLAIM_NOT_COMPARED,
             "largest gap to the bound with the predicted number of atoms"},
            {"gap_fewer", f.gap_fewer, CLAIM_CONVERGED, "least gap with one atom fewer"},
            {"shared", f.shared, CLAIM_NOT_COMPARED,
             "atoms that fire on two kinds of samples, the most"},
            {"shared_fewer", f.shared_fewer, CLAIM_NOT_COMPARED, "the fewest with one atom fewer"},
            {"direction", f.direction, CLAIM_NOT_COMPARED,
             "largest angle of p + c_l and the nearest atom, no bias"});
        claim_progress(claim, (size_t)way + 1, WAYS, "ways");
    }
    draw_gaps(claim);
    claim_values(
        claim, NULL, {"least", LEAST, CLAIM_EXACT, "fewest children"},
        {"most", MOST, CLAIM_EXACT, "most children"}, {"lambda", LAMBDA, CLAIM_EXACT, "lambda"},
        {"sets", (double)(MOST - LEAST + 1) * TRIALS, CLAIM_EXACT, "data sets of each way"});
    return claim_end(claim);
}

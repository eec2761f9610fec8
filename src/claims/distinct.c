/** # To fire together costs residual

Claim `distinct`.  Where atom $k$ fires, $r_i \cdot d_k = \lambda/2$.  So atoms of the set $S$
that fire together leave, with $G_S$ their Gram matrix,

$$ |r_i|^2 \ge \frac{\lambda^2}{4}\, \mathbf 1^\top G_S^{-1} \mathbf 1 \ge
   \frac{\lambda^2}{2 (1 + h_{jk})} \quad \text{for } j, k \in S . $$

At the wide optimum no residual is longer than $\lambda/2$, and so all atoms that fire at one
sample are the same: every sample uses one distinct atom, and features are mutually exclusive.

The bound for pairs is measured at the optima of the random problems of claim `necessity`.  The
wide optimum: eight rays in $R^4$ without a bias and eight atoms; and ten samples with a bias
and ten atoms, both from random starts.  The controls: the same with half of the atoms (with one
fewer a sample may go without); a $\lambda$ overstated by a tenth in the bound; half a code too
much.

- Reads nothing: the problems are drawn from the seed.
- Writes: `distinct.tsv`; `distinct-pairs` (cosine of two atoms that fire together and
  residual).
- Falsified by: a shorter residual; a sample of a wide optimum with two distinct atoms. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <string.h>

#include "kit/claim.h"
#include "kit/random_problem.h"

enum { PROBLEMS = 120, SHOWN = 6, TRIALS = 20, RAYS = 8, PER_RAY = 5, SINGLES = 10, STARTS = 20 };
static const double CONVERGED = 1e-9; /* the KKT residual of an optimum */
static const double LAMBDA = 0.1, SAME = 1e-8;

/** ## Pairs that fire together */
struct found {
    double least, overstated,
        too_much; /* |r|^2 / bound: least, lambda overstated, half a code too much */
    size_t pairs;
};

/* The pairs of sample i, which fires the entries first to last of the codes. */
static void check_sample(struct claim *claim, size_t trial, const struct ndl_matrix *X,
                         const struct ndl_model *m, size_t i, struct found *f)
{
    double r[RANDOM_PROBLEM_MOST_DIMENSION], length = measure_residual(X, m, i, r);
    size_t d = X->cols, last = m->Z.start[i + 1];
    for (size_t a = m->Z.start[i]; a < last; a++)
        for (size_t c = a + 1; c < last; c++) {
            const double *j = ndl_row(&m->D, m->Z.atom[a]), *k = ndl_row(&m->D, m->Z.atom[c]);
            double bound = m->lambda * m->lambda / 2 / (1 + ndl_dot(d, j, k));
            double less[RANDOM_PROBLEM_MOST_DIMENSION];
            memcpy(less, r, d * sizeof *r);
            ndl_axpy(d, -m->Z.value[a] / 2, j, less);
            keep_min(&f->least, length * length / bound);
            keep_min(&f->overstated, length * length / (1.21 * bound));
            keep_min(&f->too_much, ndl_dot(d, less, less) / bound);
            f->pairs++;
            if (trial < SHOWN)
                claim_row(claim, ndl_dot(d, j, k), 2 * length / m->lambda);
        }
}

static void run_problem(struct claim *claim, size_t trial, struct found *f)
{
    struct ndl_error err;
    struct random_problem p;
    struct ndl_matrix X;
    struct ndl_model m;
    gsl_rng *rng = claim_rng(claim, trial);
    claim_check_status(claim, random_problem_run(rng, trial, &p, &X, &m, &err), &err);
    for (size_t i = 0; i < X.rows && claim_certify(claim, &X, &m).worst <= CONVERGED; i++)
        check_sample(claim, trial, &X, &m, i, f);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

/** ## The wide optimum */
struct wide {
    double gap;     /* loss / bound - 1 */
    double several; /* share of the samples that use two distinct atoms or more */
};

static struct wide learn(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X,
                         size_t atoms, bool bias)
{
    double loss, bound = claim_wide_bound(claim, X, LAMBDA, bias, NULL);
    struct ndl_model m = claim_fit_random(claim, rng, X, atoms, LAMBDA, bias, STARTS, &loss);
    struct wide w = {.gap = loss / bound - 1};
    for (size_t i = 0; i < X->rows; i++) {
        bool two = false;
        for (size_t e = m.Z.start[i] + 1; e < m.Z.start[i + 1]; e++) {
            const double *first = ndl_row(&m.D, m.Z.atom[m.Z.start[i]]);
            two = two || ndl_dot(X->cols, first, ndl_row(&m.D, m.Z.atom[e])) < 1 - SAME;
        }
        w.several += two / (double)X->rows;
    }
    ndl_model_free(&m);
    return w;
}

static struct ndl_matrix draw_rays(const struct claim *claim, gsl_rng *rng, size_t rays,
                                   size_t each)
{
    struct ndl_matrix X = claim_matrix(claim, rays * each, 4);
    for (size_t ray = 0; ray < rays; ray++) {
        double u[4];
        ndl_random_unit(rng, u, 4);
        for (size_t i = 0; i < each; i++)
            ndl_axpy(4, gsl_ran_flat(rng, 0.5, 1.5), u, ndl_row(&X, ray * each + i));
    }
    return X;
}

struct widest {
    double gap, several, gap_fewer,
        several_half; /* the two of a wide optimum largest, else least */
    size_t reached;   /* runs that found the wide optimum */
};

static void try_wide(struct claim *claim, const char *name, size_t rays, size_t each, bool bias)
{
    struct widest w = {.gap_fewer = HUGE_VAL, .several_half = HUGE_VAL};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, (bias ? 2000 : 1000) + trial);
        struct ndl_matrix X = draw_rays(claim, rng, rays, each);
        struct wide full = learn(claim, rng, &X, rays, bias);
        struct wide fewer = learn(claim, rng, &X, rays - 1, bias);
        struct wide half = learn(claim, rng, &X, rays / 2, bias);
        if (full.gap < 1e-9) {
            w.reached++;
            keep_max(&w.several, full.several);
        }
        keep_max(&w.gap, full.gap);
        keep_min(&w.gap_fewer, fewer.gap);
        keep_min(&w.several_half, half.several);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, trial + 1, TRIALS, name);
    }
    claim_values(
        claim, name,
        {"reached", (double)w.reached, CLAIM_NOT_COMPARED,
         "data sets in which the wide bound was reached"},
        {"several", w.several, CLAIM_NOT_COMPARED,
         "there: largest share of the samples with two distinct atoms"},
        {"gap_fewer", w.gap_fewer, CLAIM_NOT_COMPARED, "one atom fewer: least gap to the bound"},
        {"several_half", w.several_half, CLAIM_NOT_COMPARED,
         "half of the atoms: least share with two"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Measures what residual two atoms leave that fire together, and how many atoms a sample "
        "uses at the wide optimum.\vExample: distinct --seed 2 --out build/results");
    struct found f = {HUGE_VAL, HUGE_VAL, HUGE_VAL, 0};
    claim_table(claim, "pairs",
                "cosine 1 inf of two atoms that fire together\n"
                "residual 1 inf over lambda/2");
    for (size_t trial = 0; trial < PROBLEMS; trial++)
        run_problem(claim, trial, &f);
    claim_values(claim, NULL,
                 {"pairs", (double)f.pairs, CLAIM_NOT_COMPARED,
                  "pairs of atoms that fire together, all samples"},
                 {"least", f.least, CLAIM_NOT_COMPARED, "least |r|^2 over its bound"},
                 {"overstated", f.overstated, CLAIM_NOT_COMPARED,
                  "the same with lambda overstated by a tenth"},
                 {"too_much", f.too_much, CLAIM_NOT_COMPARED, "the same with half a code too much"},
                 {"lambda", LAMBDA, CLAIM_EXACT, "lambda at the wide optimum"},
                 {"trials", TRIALS, CLAIM_EXACT, "data sets for each wide optimum"});
    try_wide(claim, "rays", RAYS, PER_RAY, false);
    try_wide(claim, "singles", SINGLES, 1, true);
    return claim_end(claim);
}

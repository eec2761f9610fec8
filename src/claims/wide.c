/** # The wide limit: splitting until one atom per data ray

Claim `wide`. Whatever the dictionary, a reconstruction $\hat x_i = \sum_k z_{ik} d_k$ costs at
least $\lambda |\hat x_i|$ (the triangle inequality, with equality if and only if all atoms active
at $i$ are parallel to $\hat x_i$). The best $\hat x_i$ at that price is $x_i - b$ shortened by
$\lambda/2$, so that for every $K$

$$ L(D, b, Z) \ge \min_b \sum_i H(|x_i - b|), \qquad H(t) = t^2 \ (t \le \lambda/2), \quad
   \lambda t - \lambda^2/4 \ \text{beyond}. $$

One atom per ray, that is per distinct direction of $x_i - b$ with $|x_i - b| > \lambda/2$, attains
it.  The whole problem with an atom for every direction is convex, and its conditions beyond those
of the finite one are $r_i \cdot d \le \lambda/2$ for all unit $d$. Hence a stationary dictionary
attains the bound if and only if

$$ |r_i| \le \lambda/2 \quad\text{for all } i; $$

otherwise one more atom along $r_i$, active at $i$ with code $\epsilon$, changes the loss by exactly
$-(2|r_i| - \lambda)\epsilon + \epsilon^2$. Without a bias the residuals also bound what is missing.
At a stationary code $\lambda \sum_k z_{ik} = 2 r_i \cdot \hat x_i$, and $s r_i$ with
$s = \min(1, \lambda / 2|r_i|)$ is feasible in the dual
$\max_{|y| \le \lambda/2} 2 y \cdot x_i - |y|^2 = H(|x_i|)$:

$$ L - \sum_i H(|x_i|) \le \sum_i 2 (1 - s)\, r_i \cdot x_i - (1 - s^2) |r_i|^2 . $$

- Reads nothing: eight random rays in $R^4$, samples on them at random distances.
- Writes: `wide.tsv`; `wide-atoms` (gap, live atoms, longest residual against K, with and without
  bias).
- Falsified by: a dictionary below the bound, a gap at one atom per ray, a stationary dictionary for
  which gap and residual test disagree, another slope for the new atom, a gap above the dual's. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { RAYS = 8, DIMENSION = 4, EACH = 25, WIDEST = 16, TRIALS = 20, STARTS = 4 };
static const double LAMBDA = 0.1;

/* A gap below this is rounding: losses are sums of 200 terms, and the solver's tolerance 1e-10
 * enters squared. */
static const double ATTAINED = 1e-9;

static struct ndl_matrix draw_rays(const struct claim *claim, gsl_rng *rng, size_t each,
                                   struct ndl_matrix *rays)
{
    struct ndl_matrix X = claim_matrix(claim, RAYS * each, DIMENSION);
    *rays = claim_matrix(claim, RAYS, DIMENSION);
    for (size_t i = 0; i < X.rows; i++) {
        double *ray = ndl_row(rays, i / each);
        if (i % each == 0)
            ndl_random_unit(rng, ray, DIMENSION);
        double distance = 0.5 + gsl_ran_exponential(rng, 1);
        ndl_axpy(DIMENSION, distance, ray, ndl_row(&X, i));
    }
    return X;
}

/** ## Residuals */

/* The longest, in units of lambda/2, and where. */
static double longest(const struct ndl_matrix *X, const struct ndl_model *m, size_t *where)
{
    double r[DIMENSION], length = -1;
    *where = 0;
    for (size_t i = 0; i < X->rows; i++) {
        double norm = measure_residual(X, m, i, r);
        if (norm > length)
            *where = i;
        length = fmax(length, norm);
    }
    return length / (LAMBDA / 2);
}

/* What the residuals of a stationary dictionary without bias allow to be missing. */
static double dual_gap(const struct ndl_matrix *X, const struct ndl_model *m)
{
    // [anchor:wide-dual]
    double r[DIMENSION], sum = 0;
    for (size_t i = 0; i < X->rows; i++) {
        double norm = measure_residual(X, m, i, r), s = norm > LAMBDA / 2 ? LAMBDA / 2 / norm : 1;
        sum += 2 * (1 - s) * ndl_dot(DIMENSION, r, ndl_row(X, i)) - (1 - s * s) * norm * norm;
    }
    return sum;
    // [end:wide-dual]
}

/* What the trials found: extremes over all of them. */
static struct {
    /* smallest loss / bound - 1, and with the bound a reader might guess */
    double lowest, unshrunk;
    /* largest gap of the rays themselves; of 8 atoms learned */
    double attained, learned;
    double short_one, biased_rays; /* smallest gap with 7 atoms; with 8 and a bias */
    /* dictionaries, in all and those on which test and gap disagree */
    double disagree, tested, split;
    /* largest gap over the dual's bound; the same with codes too large */
    double dual, dual_stretched;
    /* largest |dual's bound / gap - 1| without codes; least for the other bound */
    double empty, empty_biased;
    double slope, slope_sample; /* relative errors of the slope */
    /* least gain over the parabola's depth; most without the new atom */
    double rise, rise_none;
    /* with a bias: gap with all directions, how many; with one fewer */
    double stop, stop_atoms, before_stop[2];
} found = {.lowest = DBL_MAX,
           .unshrunk = DBL_MAX,
           .short_one = DBL_MAX,
           .biased_rays = DBL_MAX,
           .empty_biased = DBL_MAX,
           .rise = DBL_MAX,
           .before_stop[0] = DBL_MAX};

/** ## One more atom along the worst residual

The slope at $\epsilon = 0$ is measured on the full loss, by a second-order one-sided difference,
which is exact for the parabola. The control puts the new atom along the sample instead of its
residual. The solver, started from the enlarged dictionary, must gain at least the parabola's depth
$(|r_i| - \lambda/2)^2$. */
static double added_slope(const struct claim *claim, const struct ndl_matrix *X,
                          const struct ndl_model *m, size_t i, const struct ndl_matrix *D)
{
    const double h = 1e-3;
    double loss[3];
    size_t K = m->D.rows; /* D has one more */
    struct ndl_matrix Z = claim_dense(claim, m), wide = claim_matrix(claim, X->rows, K + 1);
    for (size_t n = 0; n < X->rows; n++)
        memcpy(ndl_row(&wide, n), ndl_row(&Z, n), K * sizeof *Z.v);
    for (int s = 0; s < 3; s++) {
        ndl_row(&wide, i)[K] = s * h;
        struct ndl_model added = claim_model(claim, D, &m->b, &wide, LAMBDA);
        loss[s] = ndl_loss(X, &added);
        ndl_model_free(&added);
    }
    ndl_matrix_free(&Z);
    ndl_matrix_free(&wide);
    return (4 * (loss[1] - loss[0]) - (loss[2] - loss[0])) / (2 * h);
}

/* The control of the dual's bound: codes one per cent too large are not stationary. */
static double stretched_gap(const struct ndl_matrix *X, struct ndl_model *m, double bound)
{
    const size_t nonzeros = m->Z.start[X->rows];
    for (size_t e = 0; e < nonzeros; e++)
        m->Z.value[e] *= 1.01;
    double gap = ndl_loss(X, m) - bound, dual = dual_gap(X, m);
    for (size_t e = 0; e < nonzeros; e++)
        m->Z.value[e] /= 1.01;
    return dual > 0 ? gap / dual : 1e6;
}

static void add_atom(const struct claim *claim, const struct ndl_matrix *X,
                     const struct ndl_model *m, double loss)
{
    struct ndl_matrix D = claim_matrix(claim, m->D.rows + 1, DIMENSION);
    double after, *atom = ndl_row(&D, m->D.rows);
    size_t where;
    longest(X, m, &where);
    memcpy(D.v, m->D.v, m->D.rows * DIMENSION * sizeof *D.v);
    double length = measure_residual(X, m, where, atom), predicted = LAMBDA - 2 * length;
    ndl_normalise(DIMENSION, atom);
    keep_max(&found.slope, fabs(added_slope(claim, X, m, where, &D) / predicted - 1));
    struct ndl_model refitted = claim_fit_from(claim, X, &D, LAMBDA, m->bias, &after);
    keep_min(&found.rise, (loss - after) / gsl_pow_2(length - LAMBDA / 2));
    ndl_model_free(&refitted);
    /* the controls: along the sample; no new atom */
    memcpy(atom, ndl_row(X, where), DIMENSION * sizeof *atom);
    ndl_normalise(DIMENSION, atom);
    keep_max(&found.slope_sample, fabs(added_slope(claim, X, m, where, &D) / predicted - 1));
    D.rows--;
    refitted = claim_fit_from(claim, X, &D, LAMBDA, m->bias, &after);
    keep_max(&found.rise_none, (loss - after) / gsl_pow_2(length - LAMBDA / 2));
    ndl_model_free(&refitted);
    ndl_matrix_free(&D);
}

/** ## The gap against K

`row` of the table: gap, live atoms, longest residual. The test counts as a disagreement if a
dictionary has a gap and no residual beyond $\lambda/2$, or the other way round. */
static void try_width(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X, size_t K,
                      bool bias, double *row)
{
    double loss, bound = claim_wide_bound(claim, X, LAMBDA, bias, NULL);
    size_t where, live = 0;
    struct ndl_model m = claim_fit_random(claim, rng, X, K, LAMBDA, bias, STARTS, &loss);
    for (size_t k = 0; k < K; k++)
        live += measure_activity(&m, k) > 0;
    double gap = loss / bound - 1, length = longest(X, &m, &where);
    keep_min(&found.lowest, gap);
    found.tested++;
    found.split += gap > ATTAINED;
    found.disagree += (gap > ATTAINED) != (length > 1 + 1e-6);
    if (!bias) {
        if (gap > ATTAINED) {
            keep_max(&found.dual, gap * bound / dual_gap(X, &m));
            keep_max(&found.dual_stretched, stretched_gap(X, &m, bound));
        }
        if (K == RAYS - 1)
            keep_min(&found.short_one, gap);
        if (K == RAYS) {
            keep_max(&found.learned, gap);
            /* with the corner forgotten: lambda sum |x| is no bound */
            for (size_t i = 0; i < X->rows; i++)
                bound += LAMBDA * LAMBDA / 4;
            keep_min(&found.unshrunk, loss / bound - 1);
        }
    } else if (K == RAYS)
        keep_min(&found.biased_rays, gap);
    if (K == RAYS - 3)
        add_atom(claim, X, &m, loss);
    memcpy(row, (double[]){gap, (double)live, length}, 3 * sizeof *row);
    ndl_model_free(&m);
}

/** ## Where it stops

Without a bias at the rays themselves. With no code at all every $|x_i|^2$ is left, and the dual is
exact. */
static void try_rays(const struct claim *claim, const struct ndl_matrix *X,
                     const struct ndl_matrix *rays)
{
    const double bound = claim_wide_bound(claim, X, LAMBDA, false, NULL);
    const double biased = claim_wide_bound(claim, X, LAMBDA, true, NULL);
    struct ndl_matrix b = claim_matrix(claim, 1, DIMENSION);
    struct ndl_model m = claim_model_encoded(claim, X, rays, &b, LAMBDA, false);
    keep_max(&found.attained, fabs(ndl_loss(X, &m) / bound - 1));
    size_t none[RAYS * EACH + 1] = {0};
    const struct ndl_model empty = {
        .D = m.D, .b = b, .Z = {X->rows, RAYS, none, NULL, NULL}, .lambda = LAMBDA};
    double left = ndl_loss(X, &empty), dual = dual_gap(X, &empty);
    keep_max(&found.empty, fabs(dual / (left - bound) - 1));
    keep_min(&found.empty_biased, fabs(dual / (left - biased) - 1));
    ndl_model_free(&m);
    ndl_matrix_free(&b);
}

/** With a bias, the rays are seen from $b^*$, from which no two samples of a ray share a direction:
splitting ends only at one atom per sample. Three samples per ray make that affordable. */
static void try_directions(const struct claim *claim, gsl_rng *rng)
{
    double loss;
    struct ndl_matrix rays, X = draw_rays(claim, rng, 3, &rays);
    struct ndl_matrix D = claim_matrix(claim, X.rows, DIMENSION),
                      b = claim_matrix(claim, 1, DIMENSION);
    const double bound = claim_wide_bound(claim, &X, LAMBDA, true, b.v);
    size_t atoms = 0;
    for (size_t i = 0; i < X.rows; i++) {
        double *u = ndl_row(&D, atoms);
        memcpy(u, ndl_row(&X, i), DIMENSION * sizeof *u);
        ndl_axpy(DIMENSION, -1, b.v, u);
        atoms += ndl_normalise(DIMENSION, u) > LAMBDA / 2;
    }
    D.rows = atoms;
    struct ndl_model m = claim_model_encoded(claim, &X, &D, &b, LAMBDA, true);
    keep_max(&found.stop, fabs(ndl_loss(&X, &m) / bound - 1));
    keep_max(&found.stop_atoms, (double)atoms);
    ndl_model_free(&m);
    D.rows--; /* one fewer */
    m = claim_fit_from(claim, &X, &D, LAMBDA, true, &loss);
    keep_min(&found.before_stop[0], loss / bound - 1);
    keep_max(&found.before_stop[1], loss / bound - 1);
    ndl_model_free(&m);
    ndl_matrix_free(&D);
    ndl_matrix_free(&b);
    ndl_matrix_free(&rays);
    ndl_matrix_free(&X);
}

/** ## Results */
static void write_widths(struct claim *claim, double rows[2][WIDEST + 1][TRIALS][3])
{
    claim_table(
        claim, "atoms",
        "bias - 0 1 if the bias is free\n"
        "K - 0 atoms\n"
        "gap 1 1e-2 loss over bound, minus 1: geometric mean over the trials, at least 1e-16\n"
        "low 1 inf smallest\n"
        "high 1 inf largest\n"
        "live 1 inf atoms that fire, mean\n"
        "residual 1 inf longest residual over lambda/2, mean");
    for (size_t bias = 0; bias < 2; bias++) {
        for (size_t K = 1; K <= WIDEST; K++) {
            double sum[3] = {0}, low = DBL_MAX, high = 0;
            for (size_t t = 0; t < TRIALS; t++) {
                double gap = fmax(rows[bias][K][t][0], 1e-16);
                sum[0] += log(gap) / TRIALS;
                sum[1] += rows[bias][K][t][1] / TRIALS;
                sum[2] += rows[bias][K][t][2] / TRIALS;
                keep_min(&low, gap);
                keep_max(&high, gap);
            }
            claim_row(claim, (double)bias, (double)K, exp(sum[0]), low, high, sum[1], sum[2]);
        }
        claim_table_break(claim);
    }
}

static void record(struct claim *claim)
{
    claim_values(
        claim, NULL, {"lambda", LAMBDA, CLAIM_EXACT, "lambda"}, {"rays", RAYS, CLAIM_EXACT, "rays"},
        {"dimension", DIMENSION, CLAIM_EXACT, "dimension of the data"},
        {"trials", TRIALS, CLAIM_EXACT, "data sets"}, {"widest", WIDEST, CLAIM_EXACT, "largest K"},
        {"tested", found.tested, CLAIM_EXACT, "stationary dictionaries tested"},
        {"above", found.split, CLAIM_EXACT, "of these, above the bound"},
        {"disagree", found.disagree, CLAIM_EXACT, "of these, gap and residual test disagree"},
        {"lowest", found.lowest, CLAIM_NOT_COMPARED, "smallest loss / bound - 1"},
        {"lowest.unshrunk", found.unshrunk, CLAIM_CONVERGED,
         "smallest loss / (lambda sum |x|) - 1 at K = 8, no bias"},
        {"attained", found.attained, CLAIM_NOT_COMPARED,
         "largest |loss / bound - 1| of the rays as atoms"},
        {"learned", found.learned, CLAIM_NOT_COMPARED,
         "the same for 8 atoms learned from random starts"},
        /* the best of a few starts */
        {"short", found.short_one, 0.1, "smallest gap with 7 atoms, no bias"},
        {"biased", found.biased_rays, 0.1, "smallest gap with 8 atoms and a bias"},
        {"dual", found.dual, CLAIM_CONVERGED, "largest gap over what the residuals allow, no bias"},
        {"dual.stretched", found.dual_stretched, 0.1, "the same with codes one per cent too large"},
        {"dual.empty", found.empty, CLAIM_NOT_COMPARED,
         "no codes: largest |what the residuals allow / gap - 1|"},
        {"dual.empty_biased", found.empty_biased, CLAIM_CONVERGED,
         "the least if the bound had a free bias"},
        {"gain.none", found.rise_none, CLAIM_NOT_COMPARED,
         "the largest gain of a second run without a new atom, so measured"},
        {"slope", found.slope, CLAIM_NOT_COMPARED,
         "new atom along the residual: largest relative error of the slope"},
        {"slope.sample", found.slope_sample, 0.1, "the same for an atom along the sample"},
        {"gain", found.rise, 0.1,
         "smallest gain of the refitted dictionary over (|r| - lambda/2)^2"},
        {"stop.atoms", found.stop_atoms, CLAIM_EXACT,
         "with a bias, 24 samples: directions seen from b*"},
        {"stop.gap", found.stop, CLAIM_NOT_COMPARED, "largest gap with all of them as atoms"},
        {"stop.before", found.before_stop[0], 1e-4, "smallest gap with one atom fewer"},
        {"stop.before_most", found.before_stop[1], 1e-4, "largest"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Compares dictionaries of 1 to 16 atoms with the bound of the wide limit, on "
                    "eight rays in four dimensions, "
                    "with and without a bias.\vExample: wide --seed 2 --out build/results");
    double rows[2][WIDEST + 1][TRIALS][3];
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        struct ndl_matrix rays, X = draw_rays(claim, rng, EACH, &rays);
        for (size_t bias = 0; bias < 2; bias++)
            for (size_t K = 1; K <= WIDEST; K++)
                try_width(claim, rng, &X, K, bias, rows[bias][K][trial]);
        try_rays(claim, &X, &rays);
        try_directions(claim, rng);
        ndl_matrix_free(&rays);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, trial + 1, TRIALS, "data sets");
    }
    write_widths(claim, rows);
    record(claim);
    return claim_end(claim);
}

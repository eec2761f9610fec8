/** # Dense features among sparse ones

Claim `pairs`. Add a dense direction $u$ to sparse ones,

$$ x = s u + \sum_{j=1}^{3} z_j v_j, $$

with orthonormal $u, v_1, v_2, v_3$, a Gaussian $s$, and $z_j$ that fire on a fifth of the samples.
The dictionary $\pm u, v_1, v_2, v_3$ splits the loss into four lines. Along $u$ it is the problem
of claim `dense`: the pair is centred at the Huber location $b^*$ of $s$, each atom fires on about
half of the samples, and the loss is $\min_b \sum_i H(|s_i - b|)$. Along $v_j$ one atom is enough:
the root of the clipped $\psi$ is

$$ b_j = \frac{\lambda}{2}\frac{p}{1-p} , \qquad p = \text{share of samples on which } z_j
\text{ fires}, $$

as long as the zeros stay within $\lambda/2$ of it and every activation beyond: $p < 1/2$. At
$p = 1/2$ the zeros themselves come to deserve an atom. So a feature gets an antipodal partner if it
fires more than half of the time, and none if it is sparser. No partner either without a bias if $s$
has one sign, or with an atom too few.

- Reads nothing: all data are drawn.
- Writes: `pairs.tsv`; `pairs-density` (the partner's activity against p), `pairs-budget` (one atom
  too few).
- Falsified by: a dense Gaussian direction whose atoms are not antipodal, or fire on other shares
  than the line's; a partner for a feature that fires on 40 % of the samples, none for one that
  fires on 60 %. */
#include <float.h>
#include <stdio.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { SPARSE = 3, D = 1 + SPARSE, SAMPLES = 600, TRIALS = 20, REPEATS = 10 };
static const double LAMBDA = 0.1, RATE = 0.2;
/* Another machine may find another of several optima of nearly the same loss. */
static const double SEARCH = 0.3;

/* Total activity of the atoms within about 18 degrees of `sign` times the first axis. */
static double activity_along(const struct ndl_model *m, double sign)
{
    double sum = 0;
    for (size_t k = 0; k < m->D.rows; k++)
        if (sign * ndl_row(&m->D, k)[0] > 0.95)
            sum += measure_activity(m, k);
    return sum;
}

/* centre: mean of the Gaussian s.  density < 1: s is 0 with probability 1 - density and at least
 * 1/2 else.  last: amplitude of the third sparse feature. */
static struct ndl_matrix draw_mixture(const struct claim *claim, gsl_rng *rng, double centre,
                                      double density, double last)
{
    struct ndl_matrix X = claim_matrix(claim, SAMPLES, D);
    for (size_t i = 0; i < SAMPLES; i++) {
        double *x = ndl_row(&X, i);
        if (density < 1)
            x[0] = gsl_rng_uniform(rng) < density ? 0.5 + gsl_ran_exponential(rng, 1) : 0;
        else
            x[0] = centre + gsl_ran_gaussian(rng, 1);
        for (size_t j = 1; j < D; j++)
            x[j] = gsl_rng_uniform(rng) < RATE ? 0.5 + gsl_ran_exponential(rng, 1) : 0;
        x[D - 1] *= last;
    }
    return X;
}

/** ## The sum of the lines

The direction $u$: the library's one-dimensional bound, reached by a pair. The directions $v_j$: the
formula above. Such a dictionary exists, so the optimum is no higher. It is not quite stationary:
the sample covariance of $z_j$ with the clipped $s$, of order $N^{-1/2}$, tilts $v_j$ a little
towards $u$ and shifts the bias. */
struct line {
    double b, loss;
    double up, down; /* shares of the samples on which the atoms u and -u fire */
};

/* Coordinate j alone. */
static struct ndl_matrix coordinate(const struct claim *claim, const struct ndl_matrix *X, size_t j)
{
    struct ndl_matrix s = claim_matrix(claim, SAMPLES, 1);
    for (size_t i = 0; i < SAMPLES; i++)
        s.v[i] = ndl_row(X, i)[j];
    return s;
}

static struct line pair_line(const struct claim *claim, const struct ndl_matrix *X)
{
    struct ndl_matrix s = coordinate(claim, X, 0);
    struct line line = {0};
    line.loss = claim_wide_bound(claim, &s, LAMBDA, true, &line.b);
    for (size_t i = 0; i < SAMPLES; i++) {
        line.up += (s.v[i] - line.b > LAMBDA / 2) / (double)SAMPLES;
        line.down += (s.v[i] - line.b < -LAMBDA / 2) / (double)SAMPLES;
    }
    ndl_matrix_free(&s);
    return line;
}

/* The same measured: one atom on coordinate j alone. */
static double single_loss(const struct claim *claim, const struct ndl_matrix *X, size_t j)
{
    struct ndl_matrix s = coordinate(claim, X, j);
    const struct ndl_matrix one = {1, 1, &(double){1}};
    double loss;
    struct ndl_model m = claim_fit_from(claim, &s, &one, LAMBDA, true, &loss);
    ndl_model_free(&m);
    ndl_matrix_free(&s);
    return loss;
}

/* By the formula; its bias b_j times `share`. */
static double sparse_loss(const struct ndl_matrix *X, size_t j, double share)
{
    double p = 0, sum = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        p += (ndl_row(X, i)[j] > 0) / (double)SAMPLES;
    double b = share * LAMBDA / 2 * p / (1 - p);
    for (size_t i = 0; i < SAMPLES; i++) {
        double z = ndl_row(X, i)[j];
        sum += z > 0 ? LAMBDA * (z - b) - LAMBDA * LAMBDA / 4 : b * b;
    }
    return sum;
}

enum measure { COSINE, OFFSET, EXCESS, ACTIVITY, MEASURES };

/* What a fit has to show for itself; `separable` is the loss of the lines together. */
static void measure(const struct ndl_model *m, const struct line *dense, double loss,
                    double separable, size_t trial, double (*value)[TRIALS])
{
    value[COSINE][trial] = measure_least_cosine(m);
    value[OFFSET][trial] = fabs(m->b.v[0] - dense->b);
    value[EXCESS][trial] = loss / separable - 1;
    value[ACTIVITY][trial] =
        fmax(fabs(activity_along(m, 1) - dense->up), fabs(activity_along(m, -1) - dense->down));
}

/* The controls: an atom fewer, no bias and data on one side, and a sum of lines in which u has
 * one atom. */
static void try_pair(struct claim *claim)
{
    double full[MEASURES][TRIALS], few[MEASURES][TRIALS], one_sided[TRIALS], alone[TRIALS], loss;
    double line = 0, line_unbiased = DBL_MAX;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        struct ndl_matrix X = draw_mixture(claim, rng, 0, 1, 1);
        struct line dense = pair_line(claim, &X);
        double sparse = 0;
        for (size_t j = 1; j < D; j++) {
            double measured = single_loss(claim, &X, j);
            sparse += sparse_loss(&X, j, 1);
            keep_max(&line, fabs(sparse_loss(&X, j, 1) / measured - 1));
            keep_min(&line_unbiased, fabs(sparse_loss(&X, j, 0) / measured - 1));
        }
        struct ndl_model m = claim_fit_random(claim, rng, &X, SPARSE + 2, LAMBDA, true, 5, &loss);
        measure(&m, &dense, loss, dense.loss + sparse, trial, full);
        alone[trial] = loss / (single_loss(claim, &X, 0) + sparse) - 1;
        ndl_model_free(&m);
        m = claim_fit_random(claim, rng, &X, SPARSE + 1, LAMBDA, true, 8, &loss);
        measure(&m, &dense, loss, dense.loss + sparse, trial, few);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        X = draw_mixture(claim, rng, 6, 1, 1); /* 6 standard deviations: s > 0 in every sample */
        m = claim_fit_random(claim, rng, &X, SPARSE + 2, LAMBDA, false, 5, &loss);
        one_sided[trial] = measure_least_cosine(&m);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, trial, TRIALS, "pairs");
    }
    static const char *const name[MEASURES] = {"cosine", "offset", "excess", "activity"};
    static const char *const meaning[MEASURES] = {
        "smallest cosine between two atoms, dense direction among sparse",
        "distance of the bias along u from the Huber location of s",
        "loss over the sum of the lines' losses, minus 1",
        "largest deviation of the pair's activities from the line's"};
    for (size_t q = 0; q < MEASURES; q++) {
        char key[32], text[128];
        claim_spread(claim, name[q], full[q], TRIALS, CLAIM_CONVERGED, meaning[q]);
        snprintf(key, sizeof key, "few.%s", name[q]);
        snprintf(text, sizeof text, "one atom fewer: %s", meaning[q]);
        claim_spread(claim, key, few[q], TRIALS, SEARCH, text);
    }
    claim_scalar(claim, "line.loss", line, CLAIM_NOT_COMPARED,
                 "a sparse feature alone: largest |loss / formula - 1|");
    claim_scalar(claim, "line.loss_unbiased", line_unbiased, CLAIM_CONVERGED,
                 "the least with b_j = 0 in the formula");
    claim_spread(claim, "alone.excess", alone, TRIALS, CLAIM_CONVERGED,
                 "loss over the lines' if u had one atom, minus 1");
    claim_spread(claim, "cold.cosine", one_sided, TRIALS, SEARCH,
                 "smallest cosine without a bias, s > 0");
}

/** ## How dense is dense?

The partner's activity against the rate $p$ at which the feature fires, and what the line predicts
for the very sample: the share of it below $b^* - \lambda/2$.

Just above $p = 1/2$ the fifth atom may do more good elsewhere. For $\lambda \to 0$ the partner
saves $\lambda (p \mathrm{E} s - \mathrm{E}|s - \mathrm{median}|)$ per sample, which for activations
$1/2$ plus a unit exponential is $\lambda (3p - 3/2 - \log 2p)$; an atom along $u + v_j$ saves
$(2 - \sqrt 2) \min(s, z_j)$ where both fire, $\lambda (2 - \sqrt 2)\, p q$ with $q$ the rate of
$z_j$. They are equal at the `density_threshold`. */
static double density_threshold(void)
{
    double low = 0.5, high = 0.9;
    for (int i = 0; i < 60; i++) {
        double p = (low + high) / 2;
        *(3 * p - 1.5 - log(2 * p) < (2 - sqrt(2)) * p * RATE ? &low : &high) = p;
    }
    return low;
}

static void try_density(struct claim *claim)
{
    enum { RATES = 11, HALF = 5, MORE = 7 };
    static const double DENSITY[RATES] = {0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9};
    double below = 0, above = DBL_MAX, deviation = 0, zeros = 0, loss;
    claim_table(claim, "density",
                "p 1 0 rate at which the feature fires\n"
                "partner 1 1e-6 activity of atoms along -u, mean over the trials\n"
                "theory 1 1e-6 share of samples below b* - lambda/2, mean\n"
                "parent 1 1e-6 activity of atoms along u, mean\n"
                "parent_theory 1 1e-6 share of samples above b* + lambda/2, mean\n"
                "share 1 0.3 share of trials with a partner");
    for (size_t r = 0; r < RATES; r++) {
        double mean[4] = {0}, share = 0;
        for (size_t repeat = 0; repeat < REPEATS; repeat++) {
            gsl_rng *rng = claim_rng(claim, 200 + r * REPEATS + repeat);
            struct ndl_matrix X = draw_mixture(claim, rng, 0, DENSITY[r], 1);
            struct line dense = pair_line(claim, &X);
            struct ndl_model m =
                claim_fit_random(claim, rng, &X, SPARSE + 2, LAMBDA, true, 5, &loss);
            double partner = activity_along(&m, -1);
            mean[0] += partner / REPEATS;
            share += (partner > 0) / (double)REPEATS;
            mean[1] += dense.down / REPEATS;
            mean[2] += activity_along(&m, 1) / REPEATS;
            mean[3] += dense.up / REPEATS;
            if (DENSITY[r] < 0.425)
                keep_max(&below, partner);
            if (DENSITY[r] > 0.65) {
                keep_min(&above, partner);
                keep_max(&zeros, fabs(partner - (1 - DENSITY[r])));
                keep_max(&deviation, fabs(partner - dense.down));
            }
            ndl_model_free(&m);
            ndl_matrix_free(&X);
            gsl_rng_free(rng);
        }
        claim_row(claim, DENSITY[r], mean[0], mean[1], mean[2], mean[3], share);
        if (r == HALF || r == MORE) {
            /* of ten */
            claim_scalar(claim, r == HALF ? "density.half" : "density.more", share, 0.3,
                         "share of trials with a partner");
            claim_scalar(claim, r == HALF ? "density.half.rate" : "density.more.rate", DENSITY[r],
                         CLAIM_EXACT, "at this rate");
        }
    }
    claim_values(
        claim, "density",
        {"threshold", density_threshold(), CLAIM_CONVERGED,
         "rate at which the partner begins to pay"},
        {"below", below, CLAIM_CONVERGED, "largest activity along -u at p <= 0.4"},
        {"above", above, CLAIM_CONVERGED, "smallest activity along -u at p >= 0.7"},
        {"deviation", deviation, CLAIM_CONVERGED,
         "largest |partner's activity - the line's| at p >= 0.7"},
        {"zeros", zeros, CLAIM_CONVERGED, "the same if it fired where the feature does not"});
}

/** ## One atom too few

With $K = 4$ something has to give way, and it is not decided direction by direction: while the
third sparse feature is faint it goes without an atom and the pair stays; as its amplitude grows the
two dense atoms open into a wedge that serves $u$ and $v_3$ together, until one of them is a sparse
atom and the other fires almost always, over a low bias. */
static void try_budget(struct claim *claim)
{
    enum { AMPLITUDES = 6 };
    static const double AMPLITUDE[AMPLITUDES] = {0.1, 0.2, 0.3, 0.5, 0.75, 1};
    double loss;
    claim_table(claim, "budget",
                "amplitude 1 0 of the third sparse feature\n"
                "pairs 1 inf share of trials with two atoms at a cosine below -0.99\n"
                "cosine 1 inf smallest cosine between two atoms, mean over the trials\n"
                "least 1 inf the smallest over the trials\n"
                "largest 1 inf the largest");
    for (size_t a = 0; a < AMPLITUDES; a++) {
        double amplitude = AMPLITUDE[a], pairs = 0, cosine = 0, range[2] = {1, -1};
        for (size_t repeat = 0; repeat < REPEATS; repeat++) {
            gsl_rng *rng = claim_rng(claim, 400 + a * REPEATS + repeat);
            struct ndl_matrix X = draw_mixture(claim, rng, 0, 1, amplitude);
            struct ndl_model m =
                claim_fit_random(claim, rng, &X, SPARSE + 1, LAMBDA, true, 8, &loss);
            double smallest = measure_least_cosine(&m);
            pairs += (smallest < -0.99) / (double)REPEATS;
            cosine += smallest / REPEATS;
            keep_min(&range[0], smallest);
            keep_max(&range[1], smallest);
            ndl_model_free(&m);
            ndl_matrix_free(&X);
            gsl_rng_free(rng);
        }
        if (a == 0)
            /* the tilts of a faint feature's atom */
            claim_scalar(claim, "budget.faint", range[1], 1e-3,
                         "one atom too few: largest smallest cosine at the faintest third feature");
        claim_row(claim, amplitude, pairs, cosine, range[0], range[1]);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Fits a dense direction among sparse features, and finds out "
                                      "when it gets an antipodal pair of atoms and "
                                      "when not.\vExample: pairs --seed 2 --out build/results");
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda");
    claim_scalar(claim, "rate", RATE, CLAIM_EXACT, "rate at which a sparse feature fires");
    claim_scalar(claim, "samples", SAMPLES, CLAIM_EXACT, "samples");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "trials");
    try_pair(claim);
    try_density(claim);
    try_budget(claim);
    return claim_end(claim);
}

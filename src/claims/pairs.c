/** # Dense features among sparse ones

Claim `pairs`. Add a dense direction $u$ to sparse ones,

$$ x = s u + \sum_{j=1}^{3} z_j v_j, $$

with orthonormal $u, v_1, v_2, v_3$, a Gaussian $s$, and $z_j$ that fire on a fifth of the samples. The
dictionary $\pm u, v_1, v_2, v_3$ splits the loss into four lines. Along $u$ it is the problem of claim
`dense`: the pair is centred at the Huber location $b^*$ of $s$, each atom fires on about half of the
samples, and the loss is $\min_b \sum_i H(|s_i - b|)$. Along $v_j$ one atom is enough: the root of the
clipped $\psi$ is

$$ b_j = \frac{\lambda}{2}\frac{p}{1-p} , \qquad p = \text{share of samples on which } z_j \text{ fires}, $$

as long as the zeros stay within $\lambda/2$ of it and every activation beyond: $p < 1/2$. At $p = 1/2$
the zeros themselves come to deserve an atom. So a feature gets an antipodal partner if it fires more than
half of the time, and none if it is sparser. No partner either without a bias if $s$ has one sign, or with
an atom too few.

- Reads nothing: all data are drawn.
- Writes: `pairs.tsv`; `pairs-density` (the partner's activity against p), `pairs-budget` (one atom too
  few).
- Falsified by: a dense Gaussian direction whose atoms are not antipodal, or fire on other shares than the
  line's; a partner for a feature that fires on 40 % of the samples, none for one that fires on 60 %. */
#include <math.h>
#include <stdio.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>

#include "claim.h"

enum { SPARSE = 3, D = 1 + SPARSE, SAMPLES = 600, TRIALS = 20, REPEATS = 10 };
static const double LAMBDA = 0.1, RATE = 0.2;
/* Another machine may find another of several optima of nearly the same loss. */
static const double SEARCH = 0.3;

/* The best of `starts` fits. */
static struct ndl_model fit(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X, size_t atoms,
                            double lambda, bool bias, int starts, double *loss)
{
    struct ndl_error err;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, lambda);
    options.bias = bias;
    options.starts = starts;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1000000);
    struct ndl_model m;
    struct ndl_fit_report report;
    claim_must(claim, ndl_fit(X, &options, &m, &report, &err), &err);
    *loss = report.loss;
    ndl_fit_report_free(&report);
    return m;
}

/* The share of samples on which atom k fires. */
static double activity(const struct ndl_model *m, size_t k)
{
    size_t on = 0;
    for (size_t e = 0; e < m->Z.start[m->Z.rows]; e++)
        on += m->Z.atom[e] == k;
    return (double)on / (double)m->Z.rows;
}

/* Total activity of the atoms within about 18 degrees of `sign` times the first axis. */
static double activity_along(const struct ndl_model *m, double sign)
{
    double sum = 0;
    for (size_t k = 0; k < m->D.rows; k++)
        if (sign * ndl_row(&m->D, k)[0] > 0.95)
            sum += activity(m, k);
    return sum;
}

/* centre: mean of the Gaussian s.  density < 1: s is 0 with probability 1 - density and at least 1/2 else.
 * last: amplitude of the third sparse feature. */
static struct ndl_matrix draw_mixture(const struct claim *claim, gsl_rng *rng, double centre, double density,
                                      double last)
{
    struct ndl_error err;
    struct ndl_matrix X;
    claim_must(claim, ndl_matrix_alloc(&X, SAMPLES, D, &err), &err);
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
formula above. Such a dictionary exists, so the optimum is no higher. It is not quite stationary: the
sample covariance of $z_j$ with the clipped $s$, of order $N^{-1/2}$, tilts $v_j$ a little towards $u$ and
shifts the bias. */
// [anchor:pairs-lines]
struct line {
    double b, loss;
    double up, down; /* shares of the samples on which the atoms u and -u fire */
};

static struct line pair_line(const struct claim *claim, const struct ndl_matrix *X)
{
    struct ndl_error err;
    struct ndl_matrix s;
    struct line line = {0};
    claim_must(claim, ndl_matrix_alloc(&s, SAMPLES, 1, &err), &err);
    for (size_t i = 0; i < SAMPLES; i++)
        s.v[i] = ndl_row(X, i)[0];
    claim_must(claim, ndl_wide_bound(&s, LAMBDA, true, &line.loss, &line.b, &err), &err);
    for (size_t i = 0; i < SAMPLES; i++) {
        line.up += (s.v[i] - line.b > LAMBDA / 2) / (double)SAMPLES;
        line.down += (s.v[i] - line.b < -LAMBDA / 2) / (double)SAMPLES;
    }
    ndl_matrix_free(&s);
    return line;
}

static double sparse_loss(const struct ndl_matrix *X, size_t j)
{
    double p = 0, sum = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        p += (ndl_row(X, i)[j] > 0) / (double)SAMPLES;
    double b = LAMBDA / 2 * p / (1 - p);
    for (size_t i = 0; i < SAMPLES; i++) {
        double z = ndl_row(X, i)[j];
        sum += z > 0 ? LAMBDA * (z - b) - LAMBDA * LAMBDA / 4 : b * b;
    }
    return sum;
}
// [end:pairs-lines]

/* The most negative cosine between two live atoms. */
static double smallest_cosine(const struct ndl_model *m)
{
    double smallest = 1;
    for (size_t j = 0; j < m->D.rows; j++)
        for (size_t k = 0; k < j; k++) {
            double cosine = 0;
            for (size_t i = 0; i < D; i++)
                cosine += ndl_row(&m->D, j)[i] * ndl_row(&m->D, k)[i];
            if (activity(m, j) > 0 && activity(m, k) > 0)
                smallest = fmin(smallest, cosine);
        }
    return smallest;
}

/* Mean, standard error, minimum and maximum of one number per trial. */
static void spread(struct claim *claim, const char *key, const double *values, size_t n, double tolerance,
                   const char *meaning)
{
    char name[64], text[200];
    const double four[] = {gsl_stats_mean(values, 1, n), gsl_stats_sd(values, 1, n) / sqrt((double)n),
                           gsl_stats_min(values, 1, n), gsl_stats_max(values, 1, n)};
    const char *const what[] = {"mean", "error", "min", "max"};
    for (size_t s = 0; s < 4; s++) {
        snprintf(name, sizeof name, "%s.%s", key, what[s]);
        snprintf(text, sizeof text, "%s: %s over the trials", meaning, s == 1 ? "standard error" : what[s]);
        claim_scalar(claim, name, four[s], tolerance, text);
    }
}

static void try_pair(struct claim *claim)
{
    double cosine[TRIALS], offset[TRIALS], excess[TRIALS], difference[TRIALS], one_sided[TRIALS], few[TRIALS], loss;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        struct ndl_matrix X = draw_mixture(claim, rng, 0, 1, 1);
        struct line dense = pair_line(claim, &X);
        double separable = dense.loss;
        for (size_t j = 1; j < D; j++)
            separable += sparse_loss(&X, j);
        struct ndl_model m = fit(claim, rng, &X, SPARSE + 2, LAMBDA, true, 5, &loss);
        cosine[trial] = smallest_cosine(&m);
        offset[trial] = fabs(m.b.v[0] - dense.b);
        excess[trial] = loss / separable - 1;
        difference[trial] = fmax(fabs(activity_along(&m, 1) - dense.up), fabs(activity_along(&m, -1) - dense.down));
        ndl_model_free(&m);
        m = fit(claim, rng, &X, SPARSE + 1, LAMBDA, true, 8, &loss);
        few[trial] = smallest_cosine(&m);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        X = draw_mixture(claim, rng, 6, 1, 1); /* 6 standard deviations: s > 0 in every sample */
        m = fit(claim, rng, &X, SPARSE + 2, LAMBDA, false, 5, &loss);
        one_sided[trial] = smallest_cosine(&m);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, trial, TRIALS, "pairs");
    }
    spread(claim, "cosine", cosine, TRIALS, CLAIM_CONVERGED, "smallest cosine between two atoms, dense direction among sparse");
    spread(claim, "offset", offset, TRIALS, CLAIM_CONVERGED, "distance of the bias along u from the Huber location of s");
    spread(claim, "excess", excess, TRIALS, CLAIM_CONVERGED, "loss over the sum of the lines' losses, minus 1");
    spread(claim, "activity", difference, TRIALS, CLAIM_CONVERGED, "largest deviation of the pair's activities from the line's");
    spread(claim, "few.cosine", few, TRIALS, SEARCH, "smallest cosine with one atom fewer");
    spread(claim, "cold.cosine", one_sided, TRIALS, SEARCH, "smallest cosine without a bias, s > 0");
}

/** ## How dense is dense?

The partner's activity against the rate $p$ at which the feature fires, and what the line predicts for the
very sample: the share of it below $b^* - \lambda/2$.

Just above $p = 1/2$ the fifth atom may do more good elsewhere. For $\lambda \to 0$ the partner saves
$\lambda (p \mathrm{E} s - \mathrm{E}|s - \mathrm{median}|)$ per sample, which for activations $1/2$ plus a unit
exponential is $\lambda (3p - 3/2 - \log 2p)$; an atom along $u + v_j$ saves $(2 - \sqrt 2) \min(s, z_j)$ where both fire,
$\lambda (2 - \sqrt 2)\, p q$ with $q$ the rate of $z_j$. They are equal at the `density_threshold`. */
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
    double below = 0, deviation = 0, assumed = 0, loss;
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
            struct ndl_model m = fit(claim, rng, &X, SPARSE + 2, LAMBDA, true, 5, &loss);
            double partner = activity_along(&m, -1);
            mean[0] += partner / REPEATS;
            share += (partner > 0) / (double)REPEATS;
            mean[1] += dense.down / REPEATS;
            mean[2] += activity_along(&m, 1) / REPEATS;
            mean[3] += dense.up / REPEATS;
            if (DENSITY[r] < 0.425) {
                below = fmax(below, partner);
                assumed = fmax(assumed, fabs(partner - 0.5));
            }
            if (DENSITY[r] > 0.65)
                deviation = fmax(deviation, fabs(partner - dense.down));
            ndl_model_free(&m);
            ndl_matrix_free(&X);
            gsl_rng_free(rng);
        }
        claim_row(claim, (double[]){DENSITY[r], mean[0], mean[1], mean[2], mean[3], share});
        if (r == HALF || r == MORE) {
            const char *name = r == HALF ? "half" : "more";
            char key[32];
            snprintf(key, sizeof key, "density.%s", name);
            claim_scalar(claim, key, share, 0.3, "share of trials with a partner"); /* of ten */
            snprintf(key, sizeof key, "density.%s.rate", name);
            claim_scalar(claim, key, DENSITY[r], CLAIM_EXACT, "at this rate");
        }
    }
    claim_scalar(claim, "density.threshold", density_threshold(), CLAIM_CONVERGED, "rate at which the partner begins to pay");
    claim_scalar(claim, "density.below", below, CLAIM_CONVERGED, "largest activity along -u at p <= 0.4");
    claim_scalar(claim, "density.deviation", deviation, CLAIM_CONVERGED,
                 "largest |partner's activity - the line's| at p >= 0.7");
    claim_scalar(claim, "density.assumed", assumed, CLAIM_CONVERGED, "largest |partner's activity - 1/2| at p <= 0.4");
}

/** ## One atom too few

With $K = 4$ something has to give way, and it is not decided direction by direction: while the third
sparse feature is faint it goes without an atom and the pair stays; as its amplitude grows the two dense
atoms open into a wedge that serves $u$ and $v_3$ together, until one of them is a sparse atom and the
other fires almost always, over a low bias. */
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
            struct ndl_model m = fit(claim, rng, &X, SPARSE + 1, LAMBDA, true, 8, &loss);
            double smallest = smallest_cosine(&m);
            pairs += (smallest < -0.99) / (double)REPEATS;
            cosine += smallest / REPEATS;
            range[0] = fmin(range[0], smallest);
            range[1] = fmax(range[1], smallest);
            ndl_model_free(&m);
            ndl_matrix_free(&X);
            gsl_rng_free(rng);
        }
        if (a == 0)
            claim_scalar(claim, "budget.faint", range[1], 1e-3, /* the tilts of a faint feature's atom */
                         "one atom too few: largest smallest cosine at the faintest third feature");
        claim_row(claim, (double[]){amplitude, pairs, cosine, range[0], range[1]});
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Fits a dense direction among sparse features, and finds out when it gets an antipodal pair of atoms and "
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

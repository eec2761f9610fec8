/** # On a line, dense features come in antipodal pairs

Claim `dense`. On a line two rays leave the bias, so the atoms $+1$ and $-1$ are all that a
dictionary can use. They reach the bound that no dictionary of any size can beat,

$$ L = \min_b \sum_i H(|x_i - b|), \qquad H(t) = t^2 \ (t \le \lambda/2), \quad
   \lambda t - \lambda^2/4 \ \text{beyond}, $$

at the Huber location $b^*$, where $\sum_i \psi(x_i - b^*) = 0$ with $\psi(t) = t$ clipped at
$\pm\lambda/2$: the median, within $\lambda/2$. They fire on the complementary sides of $b^*$, and
since $\frac{\lambda}{2}(n_+ - n_-) = -\sum_{\text{silent}} (x_i - b^*)$, their activities differ by
no more than the share of the silent samples, so that neither exceeds one half. A third atom gains
nothing. One atom alone pays $t^2$ for everything below the bias: $\psi$ is clipped above only, its
root lies low in the data, and the atom fires almost always.

Without a bias the rays leave 0, and as many atoms live as there are signs in the data.

- Reads nothing: all data are drawn.
- Writes: `dense.tsv`; `dense-lambda` (bias, activity and loss against lambda, three data sets).
- Falsified by: two atoms that miss the bound or the Huber location, a third atom that helps, one
  atom that reaches the bound, a single atom whose bias is elsewhere than predicted. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "kit/claim.h"

/* N is odd: with every sample further than lambda/2 from b*, n+ = n- is impossible, so some
 * sample is within lambda/2 of b*, which makes b* unique at every lambda. */
enum { N = 401, TRIALS = 20, KINDS = 3, LAMBDAS = 3, CURVE = 19 };
static const double LAMBDA[LAMBDAS] = {0.05, 0.2, 0.8};

/* ------------------------------------------------------------------ the line */

/** ## The theory of the line

Both losses are $\sum_i h(x_i - b)$ with $h' = 2\psi$; for two atoms $\psi$ is clipped at both ends,
for the single atom $+1$ only above. $\sum_i \psi(x_i - b)$ falls with $b$; bisection finds its root
to the last bit. The atom $-1$ is the atom $+1$ on $-x$. */
struct line {
    double b, loss;
    double up, down; /* shares of the samples on which the atoms +1 and -1 fire */
};

static struct line solve_line(const double *x, size_t n, double lambda, bool both)
{
    const double corner = lambda / 2, floor = both ? -corner : -DBL_MAX;
    double low = gsl_stats_min(x, 1, n) - corner, high = gsl_stats_max(x, 1, n);
    for (double b = (low + high) / 2; b > low && b < high; b = (low + high) / 2) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += fmin(fmax(x[i] - b, floor), corner);
        *(sum > 0 ? &low : &high) = b;
    }
    struct line line = {.b = high};
    for (size_t i = 0; i < n; i++) {
        double t = x[i] - line.b;
        bool up = t > corner, down = both && t < -corner;
        line.loss += up || down ? lambda * fabs(t) - corner * corner : t * t;
        line.up += (double)up / (double)n;
        line.down += (double)down / (double)n;
    }
    return line;
}

/* The better of the two single atoms. */
static struct line solve_single(const double *x, double lambda)
{
    double mirrored[N];
    for (size_t i = 0; i < N; i++)
        mirrored[i] = -x[i];
    struct line plus = solve_line(x, N, lambda, false),
                minus = solve_line(mirrored, N, lambda, false);
    return plus.loss < minus.loss ? plus : (struct line){-minus.b, minus.loss, 0, minus.up};
}

/* ----------------------------------------------------------------- measuring */

/* One atom on a line: it cannot turn round, so both signs are tried. */
static struct ndl_model fit_single(const struct claim *claim, const struct ndl_matrix *X,
                                   double lambda, double *loss)
{
    struct ndl_model m[2];
    double of[2];
    for (size_t s = 0; s < 2; s++) {
        const struct ndl_matrix sign = {1, 1, &(double){s == 0 ? 1 : -1}};
        m[s] = claim_fit_from(claim, X, &sign, lambda, true, &of[s]);
    }
    size_t best = of[1] < of[0];
    *loss = of[best];
    ndl_model_free(&m[1 - best]);
    return m[best];
}

static struct ndl_matrix draw_line(const struct claim *claim, gsl_rng *rng, size_t kind)
{
    struct ndl_matrix X = claim_matrix(claim, N, 1);
    for (size_t i = 0; i < N; i++)
        X.v[i] = kind == 0                       ? gsl_ran_gaussian(rng, 1)
                 : kind == 1                     ? gsl_ran_exponential(rng, 1)
                 : gsl_rng_uniform(rng) < 1. / 3 ? gsl_ran_gaussian(rng, 0.5) - 2
                                                 : gsl_ran_gaussian(rng, 0.5) + 2;
    return X;
}

static double median(const double *x)
{
    double sorted[N];
    memcpy(sorted, x, sizeof sorted);
    gsl_sort(sorted, 1, N);
    return gsl_stats_median_from_sorted_data(sorted, 1, N);
}

/* The largest deviations over all trials, data sets and lambdas; of the second atom's gain the
 * least. */
static struct {
    double pair_bound, pair_location, pair_activity, pair_imbalance, pair_median, pair_sum,
        third_gain, second_gain;
    /* controls: skewed data, the mean */
    double mean_location, mean_median, mean_imbalance, mean_activity;
    double single_loss, single_location, single_activity, single_huber, single_half;
    double cold_loss, cold_atoms, cold_warm, cold_two;
    /* at the smallest lambda, symmetric data */
    double activity[2][TRIALS], excess[TRIALS], lowness[TRIALS];
} worst = {.pair_imbalance = -DBL_MAX, .mean_imbalance = -DBL_MAX, .second_gain = DBL_MAX};

/* The controls: what would be predicted if the pair sat at the mean. */
static void about_the_mean(const double *x, double lambda, double bias, double up, double down)
{
    const double mean = gsl_stats_mean(x, 1, N);
    double above = 0, below = 0;
    for (size_t i = 0; i < N; i++) {
        above += (x[i] - mean > lambda / 2) / (double)N;
        below += (mean - x[i] > lambda / 2) / (double)N;
    }
    keep_max(&worst.mean_location, fabs(bias - mean));
    keep_max(&worst.mean_median, fabs(mean - median(x)) / (lambda / 2));
    keep_max(&worst.mean_imbalance, fabs(above - below) - (1 - above - below));
    keep_max(&worst.mean_activity, fmax(fabs(up - above), fabs(down - below)));
}

/** ## One, two, three atoms

The bound itself is computed by the library (Newton's method), the location by bisection. */
static void try_line(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X,
                     size_t kind, double lambda, size_t trial, double *row)
{
    double loss[4], bound = claim_wide_bound(claim, X, lambda, true, NULL);
    struct line pair = solve_line(X->v, N, lambda, true), single = solve_single(X->v, lambda);
    struct ndl_model one = fit_single(claim, X, lambda, &loss[1]);
    struct ndl_model two = claim_fit_random(claim, rng, X, 2, lambda, true, 2, &loss[2]);
    struct ndl_model three = claim_fit_random(claim, rng, X, 3, lambda, true, 2, &loss[3]);
    const double up = measure_activity(&two, two.D.v[0] < 0),
                 down = measure_activity(&two, two.D.v[0] > 0);
    const double active = measure_activity(&one, 0), bias = two.b.v[0];
    if (trial < TRIALS) {
        keep_max(&worst.pair_bound, fabs(loss[2] / bound - 1));
        keep_max(&worst.pair_location, fabs(bias - pair.b));
        keep_max(&worst.pair_activity, fmax(fabs(up - pair.up), fabs(down - pair.down)));
        keep_max(&worst.pair_imbalance, fabs(up - down) - (1 - up - down));
        keep_max(&worst.pair_median, fabs(bias - median(X->v)) / (lambda / 2));
        keep_max(&worst.pair_sum, fabs(two.D.v[0] + two.D.v[1]));
        keep_max(&worst.third_gain, (loss[2] - loss[3]) / bound);
        keep_min(&worst.second_gain, (loss[1] - loss[2]) / bound);
        keep_max(&worst.single_loss, fabs(loss[1] / single.loss - 1));
        keep_max(&worst.single_location, fabs(one.b.v[0] - single.b));
        keep_max(&worst.single_huber, fabs(one.b.v[0] - pair.b));
        keep_max(&worst.single_activity, fabs(active - single.up - single.down));
        keep_max(&worst.single_half, fabs(active - fmax(pair.up, pair.down)));
        if (kind == 1)
            about_the_mean(X->v, lambda, bias, up, down);
        if (kind == 0 && lambda <= LAMBDA[0]) {
            worst.activity[0][trial] = active;
            worst.activity[1][trial] = fmax(up, down);
            worst.excess[trial] = loss[1] / bound - 1;
            /* the bias of the mirrored atom is high: count on its side */
            for (size_t i = 0; i < N; i++)
                worst.lowness[trial] += ((X->v[i] - one.b.v[0]) * one.D.v[0] < 0) / (double)N;
        }
    }
    memcpy(row,
           (double[]){(double)kind, lambda, one.b.v[0], single.b, bias, pair.b, active,
                      single.up + single.down, up, pair.up, down, pair.down, loss[1] / bound,
                      loss[2] / bound},
           14 * sizeof *row);
    ndl_model_free(&one);
    ndl_model_free(&two);
    ndl_model_free(&three);
}

/* Without a bias the rays leave 0: as many atoms live as there are signs further than lambda/2 out,
 * so data on one side, however dense, have no partner. */
static void try_cold(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X)
{
    double loss, bound = claim_wide_bound(claim, X, LAMBDA[1], true, NULL);
    double predicted = 0, plus = 0, minus = 0, corner = LAMBDA[1] / 2;
    struct ndl_model m = claim_fit_random(claim, rng, X, 2, LAMBDA[1], false, 2, &loss);
    for (size_t i = 0; i < N; i++) {
        double t = fabs(X->v[i]);
        predicted += t > corner ? 2 * corner * t - corner * corner : t * t;
        *(X->v[i] > 0 ? &plus : &minus) += t > corner;
    }
    size_t live = (measure_activity(&m, 0) > 0) + (size_t)(measure_activity(&m, 1) > 0);
    keep_max(&worst.cold_loss, fabs(loss / predicted - 1));
    keep_max(&worst.cold_warm, fabs(loss / bound - 1));
    keep_max(&worst.cold_two, fabs((double)live - 2));
    keep_max(&worst.cold_atoms, fabs((double)live - (plus > 0) - (minus > 0)));
    ndl_model_free(&m);
}

static void run_trials(struct claim *claim)
{
    double row[14];
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        for (size_t kind = 0; kind < KINDS; kind++) {
            struct ndl_matrix X = draw_line(claim, rng, kind);
            for (size_t l = 0; l < LAMBDAS; l++)
                try_line(claim, rng, &X, kind, LAMBDA[l], trial, row);
            if (kind < 2)
                try_cold(claim, rng, &X);
            ndl_matrix_free(&X);
        }
        gsl_rng_free(rng);
        claim_progress(claim, trial, TRIALS, "line");
    }
}

static void record_worst(struct claim *claim)
{
    claim_values(
        claim, NULL,
        {"pair.bound", worst.pair_bound, CLAIM_NOT_COMPARED,
         "two atoms: largest |loss / bound - 1|"},
        {"pair.location", worst.pair_location, CLAIM_NOT_COMPARED,
         "two atoms: largest |bias - Huber location|"},
        {"pair.activity", worst.pair_activity, CLAIM_NOT_COMPARED,
         "two atoms: largest |activity - predicted|"},
        {"pair.imbalance", worst.pair_imbalance, CLAIM_CONVERGED,
         "largest of |p+ - p-| - p0, p0 the silent share"},
        {"pair.median", worst.pair_median, CLAIM_CONVERGED,
         "largest |bias - median| over lambda/2"},
        {"pair.sum", worst.pair_sum, CLAIM_NOT_COMPARED, "largest |d_1 + d_2|"},
        {"mean.location", worst.mean_location, CLAIM_CONVERGED,
         "skewed data: largest |bias - mean|"},
        {"mean.median", worst.mean_median, CLAIM_CONVERGED,
         "skewed data: largest |mean - median| over lambda/2"},
        {"mean.imbalance", worst.mean_imbalance, CLAIM_CONVERGED,
         "skewed data: |p+ - p-| - p0 about the mean, the largest"},
        {"mean.activity", worst.mean_activity, CLAIM_CONVERGED,
         "skewed data: largest |activity - predicted about the mean|"},
        {"third.gain", worst.third_gain, CLAIM_NOT_COMPARED,
         "largest gain from a third atom, over the bound"},
        {"second.gain", worst.second_gain, CLAIM_CONVERGED,
         "smallest gain from a second atom, over the bound"},
        {"single.loss", worst.single_loss, CLAIM_NOT_COMPARED,
         "one atom: largest |loss / predicted - 1|"},
        {"single.location", worst.single_location, CLAIM_NOT_COMPARED,
         "one atom: largest |bias - predicted|"},
        {"single.huber", worst.single_huber, CLAIM_CONVERGED,
         "one atom: largest |bias - Huber location|"},
        {"single.activity", worst.single_activity, CLAIM_NOT_COMPARED,
         "one atom: largest |activity - predicted|"},
        {"single.half", worst.single_half, CLAIM_CONVERGED,
         "one atom: largest |activity - that of the busier of a pair|"},
        {"cold.loss", worst.cold_loss, CLAIM_NOT_COMPARED,
         "no bias, two atoms: largest |loss / sum H(|x|) - 1|"},
        {"cold.warm", worst.cold_warm, CLAIM_CONVERGED,
         "no bias: largest |loss / bound with a bias - 1|"},
        {"cold.atoms", worst.cold_atoms, CLAIM_NOT_COMPARED,
         "no bias: largest |live atoms - signs in the data|"},
        {"cold.two", worst.cold_two, CLAIM_NOT_COMPARED, "no bias: largest |live atoms - 2|"},
        {"lambda.small", LAMBDA[0], CLAIM_EXACT, "the smallest lambda of the trials"},
        {"lambda.large", LAMBDA[LAMBDAS - 1], CLAIM_EXACT, "the largest"});
    claim_spread(claim, "single.active", worst.activity[0], TRIALS, CLAIM_CONVERGED,
                 "symmetric data, smallest lambda: the single atom's activity");
    claim_spread(claim, "single.excess", worst.excess, TRIALS, CLAIM_CONVERGED,
                 "symmetric data, smallest lambda: one atom's loss / bound - 1");
    claim_spread(claim, "single.below", worst.lowness, TRIALS, CLAIM_CONVERGED,
                 "symmetric data, smallest lambda: share beyond the single bias");
    claim_spread(claim, "pair.active", worst.activity[1], TRIALS, CLAIM_CONVERGED,
                 "symmetric data, smallest lambda: the busier atom's activity");
}

/* One data set of each kind over a range of lambda. */
static void draw_curves(struct claim *claim)
{
    double row[14];
    claim_table(claim, "lambda",
                "kind - 0 0 symmetric, 1 skewed, 2 bimodal\n"
                "lambda 1 1e-12 penalty\n"
                "bias1 1 1e-6 bias with one atom\n"
                "bias1_theory 1 1e-6 root of the psi clipped above\n"
                "bias2 1 1e-6 bias with two atoms\n"
                "bias2_theory 1 1e-6 Huber location\n"
                "activity1 1 1e-6 activity of the single atom\n"
                "activity1_theory 1 1e-6 predicted\n"
                "up 1 1e-6 activity of +1, two atoms\n"
                "up_theory 1 1e-6 predicted\n"
                "down 1 1e-6 activity of -1, two atoms\n"
                "down_theory 1 1e-6 predicted\n"
                "ratio1 1 1e-6 loss over bound, one atom\n"
                "ratio2 1 1e-6 loss over bound, two atoms");
    for (size_t kind = 0; kind < KINDS; kind++) {
        gsl_rng *rng = claim_rng(claim, TRIALS + kind);
        struct ndl_matrix X = draw_line(claim, rng, kind);
        for (size_t l = 0; l < CURVE; l++) {
            try_line(claim, rng, &X, kind, 0.02 * pow(10, (double)l / 8), TRIALS, row);
            claim_row_array(claim, row, sizeof row / sizeof *row);
        }
        claim_table_break(claim);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Fits dictionaries of one, two and three atoms to data on a line and compares "
                    "them with the theory of the "
                    "Huber location.\vExample: dense --seed 2 --out build/results");
    claim_scalar(claim, "samples", N, CLAIM_EXACT, "samples on the line");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "trials");
    run_trials(claim);
    record_worst(claim);
    draw_curves(claim);
    return claim_end(claim);
}

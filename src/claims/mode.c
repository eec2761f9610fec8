/** # A dense direction: at a mode under L0, at the median under L1

Claim `mode`.  On a line a dense feature has two atoms, $1$ and $-1$, and a bias $b$ between them
([dense](dense.html)).  If a code costs $\lambda_0$ whatever its size, as with L0, JumpReLU and,
their threshold squared being the price, TopK and BatchTopK, a sample is coded without error or left
alone, and the loss per sample is
$E \min(\lambda_0, (x - b)^2) = \lambda_0 - E (\lambda_0 - (x - b)^2)_+$.  So

$$ E[\, x - b \,;\, |x - b| < \sqrt{\lambda_0} \,] = 0 , $$

and the bias is where Epanechnikov's kernel estimate of the density, of half-width
$\sqrt{\lambda_0}$, is greatest: a *mode*.  Under L1 it is the Huber location, which clips $x - b$
at $\lambda/2$ where this drops it: the median for small penalties.  The pair costs
$\lambda_0 - \frac43 f(b) \lambda_0^{3/2}$.  One atom alone can do with the bias below the data
and pays $\lambda_0$, less $O(\lambda_0^2)$ for a density that begins linearly.  The pair gains
$O(\lambda_0^{3/2})$ under L0 and $O(\lambda)$ under L1: an L0 model has little reason for it.

- Reads nothing: data are drawn, Gamma(2) less its mean (mode $-1$, median $-0.32$), and a mixture
  of two normal distributions.
- Writes: `mode.tsv`; `mode-bias` (bias against the half-width), `mode-gain` (what the pair gains).
- Falsified by: a bias elsewhere; other exponents. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort_double.h>

#include "kit/claim.h"

enum { TRIALS = 20, SAMPLES = 100000 };
static const double MODE = -1;

/** ## Exact minima for sorted samples

As $b$ grows, samples enter the window $|x - b| < \sqrt{\lambda_0}$ at one end and leave it at the
other; in between the loss is a parabola.  Its least value is that of all the parabolas whose
vertex lies in their own piece.  One atom alone, $1$, has no code for $x < b$: nothing leaves. */
struct least {
    double loss, bias;
};

static struct least least_l0(const double *x, size_t n, double price, bool pair)
{
    double width = sqrt(price), sum = 0, squares = 0, count = 0;
    struct least best = {price, x[0] - width}; /* every sample coded */
    for (size_t in = 0, out = 0; in < n;) {
        bool leaves = pair && out < in && x[out] + width < x[in] - width;
        double sign = leaves ? -1 : 1, s = leaves ? x[out++] : x[in++];
        sum += sign * s;
        squares += sign * s * s;
        count += sign;
        double from = s + (leaves ? width : -width);
        double to = in < n ? x[in] - width : HUGE_VAL;
        to = pair && out < in ? fmin(to, x[out] + width) : to;
        double bias = count > 0 ? sum / count : from;
        if (bias < from || bias > to)
            continue;
        double loss = price - (price * count - squares + count * bias * bias) / (double)n;
        if (loss < best.loss)
            best = (struct least){loss, bias};
    }
    return best;
}

/* The same under L1: a code of x - b - lambda/2 where that is positive, and on the other side if
 * there is a pair.  psi is monotone, so bisection finds its root. */
static struct least least_l1(const double *x, size_t n, double lambda, bool pair)
{
    double low = x[0] - lambda, high = x[n - 1], corner = lambda / 2;
    for (int step = 0; step < 40; step++) {
        double b = (low + high) / 2, floor = pair ? -corner : -HUGE_VAL, psi = 0;
        for (size_t i = 0; i < n; i++) {
            double t = x[i] - b;
            psi += t > corner ? corner : t < floor ? floor : t;
        }
        *(psi > 0 ? &low : &high) = b;
    }
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        double t = pair ? fabs(x[i] - low) : x[i] - low;
        loss += (t > corner ? lambda * t - corner * corner : t * t) / (double)n;
    }
    return (struct least){loss, low};
}

/* <(x - b) ; |x - b| < width>: 0 where the L0 loss is stationary. */
static double window_moment(const double *x, size_t n, double b, double width)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs(x[i] - b) < width ? x[i] - b : 0;
    return sum / (double)n;
}

/** ## Where the bias sits

For Gamma(2) the two equations are incomplete gamma functions: with $u = x + 2$ and the density
$u e^{-u}$, the mean of $u^a$ over an interval is a difference of $P(2, u)$ or $2 P(3, u)$. */
static double moment(double low, double high, int power)
{
    low = fmax(low, 0);
    return power ? 2 * (gsl_cdf_gamma_P(high, 3, 1) - gsl_cdf_gamma_P(low, 3, 1))
                 : gsl_cdf_gamma_P(high, 2, 1) - gsl_cdf_gamma_P(low, 2, 1);
}

/* The root of the population's equation at half-width `width`; the window drops or clips. */
static double predicted_bias(double width, bool clips)
{
    double low = clips ? 0 : 0.5, high = clips ? 6 : 2; /* of u = b + 2 */
    for (int step = 0; step < 60; step++) {
        double u = (low + high) / 2, from = u - width, to = u + width;
        double psi = moment(from, to, 1) - u * moment(from, to, 0);
        if (clips)
            psi += width * (gsl_cdf_gamma_Q(to, 2, 1) - gsl_cdf_gamma_P(fmax(from, 0), 2, 1));
        *(psi > 0 ? &low : &high) = u;
    }
    return low - 2;
}

static void draw_gamma(gsl_rng *rng, double *x)
{
    for (size_t i = 0; i < SAMPLES; i++)
        x[i] = gsl_ran_gamma(rng, 2, 1) - 2;
    gsl_sort(x, 1, SAMPLES);
}

/* Two bumps: the wide left one holds the median, the narrow right one the mode. */
static void draw_bumps(gsl_rng *rng, double *x)
{
    for (size_t i = 0; i < SAMPLES; i++)
        x[i] = gsl_rng_uniform(rng) < 0.6 ? gsl_ran_gaussian(rng, 0.8) - 1.5
                                          : gsl_ran_gaussian(rng, 0.3) + 1.5;
    gsl_sort(x, 1, SAMPLES);
}

static double mean_and_error(const double *value, double *error)
{
    double sum = 0, squares = 0;
    for (size_t t = 0; t < TRIALS; t++)
        sum += value[t] / TRIALS;
    for (size_t t = 0; t < TRIALS; t++)
        squares += (value[t] - sum) * (value[t] - sum);
    *error = sqrt(squares / (TRIALS - 1) / TRIALS);
    return sum;
}

enum { WIDTHS = 4 };
static const double WIDTH[WIDTHS] = {0.2, 0.3, 0.5, 0.8};

/* The biases of all draws, and the moments of the window at them. */
struct biases {
    double l0[WIDTHS][TRIALS], l1[WIDTHS][TRIALS], moment_l0, moment_l1;
};

static void draw_biases(const struct claim *claim, double *x, struct biases *b)
{
    b->moment_l0 = 0;
    b->moment_l1 = HUGE_VAL;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        draw_gamma(rng, x);
        for (int w = 0; w < WIDTHS; w++) {
            b->l0[w][trial] = least_l0(x, SAMPLES, WIDTH[w] * WIDTH[w], true).bias;
            b->l1[w][trial] = least_l1(x, SAMPLES, 2 * WIDTH[w], true).bias;
            keep_max(&b->moment_l0, fabs(window_moment(x, SAMPLES, b->l0[w][trial], WIDTH[w])));
            keep_min(&b->moment_l1, fabs(window_moment(x, SAMPLES, b->l1[w][trial], WIDTH[w])));
        }
        gsl_rng_free(rng);
        claim_progress(claim, trial + 1, TRIALS, "draws");
    }
}

static void try_locations(struct claim *claim, double *x)
{
    double deviation = 0, deviation_huber = HUGE_VAL, l1_deviation = 0;
    struct biases b;
    draw_biases(claim, x, &b);
    claim_table(claim, "bias",
                "width 1 0 half-width: root of lambda_0, or lambda/2\n"
                "l0 unit 0.3 bias under L0, mean of the trials\n"
                "l0_error unit 0.1 standard error\n"
                "l0_predicted unit 1e-9 root of the population's equation\n"
                "l1 unit 0.05 bias under L1, mean of the trials\n"
                "l1_error unit 0.02 standard error\n"
                "l1_predicted unit 1e-9 Huber location of the population");
    for (int w = 0; w < WIDTHS; w++) {
        double error, l1_error;
        double l0 = mean_and_error(b.l0[w], &error), l1 = mean_and_error(b.l1[w], &l1_error);
        double predicted = predicted_bias(WIDTH[w], false), huber = predicted_bias(WIDTH[w], true);
        keep_max(&deviation, fabs(l0 - predicted) / error);
        keep_min(&deviation_huber, fabs(l0 - huber) / error);
        keep_max(&l1_deviation, fabs(l1 - huber) / l1_error);
        claim_row(claim, WIDTH[w], l0, error, predicted, l1, l1_error, huber);
        if (w == 1)
            claim_values(claim, "bias", {"width", WIDTH[w], CLAIM_EXACT, "the half-width of:"},
                         {"l0", l0, 0.1, "bias under L0 at the half-width 0.3"},
                         {"l0_error", error, 0.1, "standard error"},
                         {"l0_predicted", predicted, 1e-9, "root of the population's equation"},
                         {"l1", l1, 0.05, "bias under L1 at the half-width 0.3"},
                         {"l1_predicted", huber, 1e-9, "Huber location of the population"});
    }
    claim_values(claim, "bias",
                 {"deviation", deviation, CLAIM_NOT_COMPARED,
                  "largest |mean bias under L0 - predicted|, standard errors"},
                 {"deviation_huber", deviation_huber, CLAIM_NOT_COMPARED,
                  "smallest |mean bias under L0 - Huber location|, standard errors"},
                 {"l1_deviation", l1_deviation, CLAIM_NOT_COMPARED,
                  "largest |mean bias under L1 - Huber location|, standard errors"},
                 {"moment", b.moment_l0, CLAIM_NOT_COMPARED, "largest |<x - b; window>| under L0"},
                 {"moment_huber", b.moment_l1, 0.01, "smallest |<x - b; window>| at the L1 bias"});
}

static void try_bumps(struct claim *claim, double *x)
{
    double l0_error = 0, l1_error = HUGE_VAL;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        draw_bumps(rng, x);
        keep_max(&l0_error, fabs(least_l0(x, SAMPLES, 0.04, true).bias - 1.5));
        keep_min(&l1_error, fabs(least_l1(x, SAMPLES, 0.4, true).bias - 1.5));
        gsl_rng_free(rng);
    }
    claim_values(claim, "bumps",
                 {"l0", l0_error, CLAIM_NOT_COMPARED,
                  "largest distance of the L0 bias from the narrow bump"},
                 {"l1", l1_error, 0.1, "smallest distance of the L1 bias from it"});
}

/** ## What the pair gains over one atom

On the quantiles of Gamma(2), so that nothing is left to chance.  The tail is at the right: the
better sign of a single atom is $1$ under L1, and under L0 that is tried as well as its mirror
image. */
static void try_gains(struct claim *claim, double *x)
{
    enum { STEPS = 7 };
    double price[STEPS], l0[STEPS], l1[STEPS], density = 0, density_median = 0;
    struct ndl_matrix reflected = claim_matrix(claim, 1, SAMPLES);
    double *mirror = reflected.v;
    for (size_t i = 0; i < SAMPLES; i++) {
        x[i] = gsl_cdf_gamma_Pinv(((double)i + 0.5) / SAMPLES, 2, 1) - 2;
        mirror[SAMPLES - 1 - i] = -x[i];
    }
    double median = x[SAMPLES / 2];
    claim_table(claim, "gain",
                "price unit 0 lambda_0, or lambda\n"
                "l0 unit^2 1e-6 loss of one atom less that of the pair, L0\n"
                "l0_predicted unit^2 1e-9 (4/3) f(mode) lambda_0^1.5\n"
                "l1 unit^2 1e-6 the same under L1");
    for (int step = 0; step < STEPS; step++) {
        price[step] = pow(10, -4 + step / 2.0);
        struct least pair = least_l0(x, SAMPLES, price[step], true);
        double single = fmin(least_l0(x, SAMPLES, price[step], false).loss,
                             least_l0(mirror, SAMPLES, price[step], false).loss);
        l0[step] = single - pair.loss;
        l1[step] = least_l1(x, SAMPLES, price[step], false).loss -
                   least_l1(x, SAMPLES, price[step], true).loss;
        double scale = 4.0 / 3 * pow(price[step], 1.5), f = gsl_ran_gamma_pdf(MODE + 2, 2, 1);
        if (step == 0) {
            double measured = (price[step] - pair.loss) / scale;
            density = fabs(measured / f - 1);
            density_median = fabs(measured / gsl_ran_gamma_pdf(median + 2, 2, 1) - 1);
        }
        claim_row(claim, price[step], l0[step], scale * f, l1[step]);
    }
    ndl_matrix_free(&reflected);
    claim_values(
        claim, "gain",
        {"l0_exponent", log10(l0[2] / l0[0]), 1e-4, "exponent of the gain in the price, L0"},
        {"l1_exponent", log10(l1[2] / l1[0]), 1e-4, "the same under L1"},
        {"density", density, CLAIM_NOT_COMPARED,
         "relative error of the pair's loss with the density at the mode"},
        {"density_median", density_median, 1e-4, "the same with the density at the median"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Shows where the bias of a dense pair sits under L0 and L1, and what the pair gains.\v"
        "Example: mode --seed 7 --out build/results");
    struct ndl_matrix x = claim_matrix(claim, 1, SAMPLES);
    try_locations(claim, x.v);
    try_bumps(claim, x.v);
    try_gains(claim, x.v);
    ndl_matrix_free(&x);
    claim_values(claim, NULL, {"trials", TRIALS, CLAIM_EXACT, "draws"},
                 {"samples", SAMPLES, CLAIM_EXACT, "N of each"});
    return claim_end(claim);
}

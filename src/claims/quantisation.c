/** # Splitting is quantisation

Claim `quantisation`.  Let all samples have unit length, and let there be no bias.  With $t$ the
squared distance of a sample to its nearest atom, its excess $\Delta$ over the bound $\lambda -
\lambda^2/4$ of the wide limit satisfies

$$ \frac\lambda2 \Bigl(1 - \frac\lambda2\Bigr) t \le \Delta \le \Bigl(1 - \frac\lambda2\Bigr) t $$

(below for $\lambda \le 2/5$, or $\lambda \le 1$ if some atom is at a cosine of at least
$\lambda/2$).  So the best dictionary of $K$ atoms has an excess between these multiples of $V_K$,
the least mean of $t$ over $K$ points of the sphere, which is of the order of $K^{-2/(d-1)}$: for
uniform directions $V_K \ge V_{\mathrm{cap}}(K)$, the mean squared distance to the centre of a cap
that holds the share $1/K$ of the sphere.  The exponent is a theorem, and nothing is fitted.

Dictionaries are learned on 20 random directions per atom and measured on fresh ones.  The
controls: *nearest*, as if one atom were active, without the factor $\lambda/2$; *long*, samples
of length two; *plane*, directions that fill only a plane of $R^4$.

- Reads nothing: all directions are drawn.
- Writes: `quantisation.tsv`; `quantisation-gap` (excess and bounds, mean over the trials).
- Falsified by: a sample outside its bounds; points that quantise better than caps. */
#include <gsl/gsl_math.h>
#include <string.h>

#include "kit/claim.h"

enum { WIDTHS = 4, TRIALS = 4, PER_ATOM = 20, FRESH = 2000, DIMENSIONS = 3, MOST = 4 };
static const size_t WIDTH[WIDTHS] = {8, 16, 32, 64};
enum { PENALTIES = 3 };
static const double LAMBDA[PENALTIES] = {0.1, 0.2, 0.4};

/** ## The cap

The share of the sphere within an angle of a point, and the mean of $2 - 2 \cos\theta$ there, by
Simpson's rule on $\sin^{d-2}\theta$. */
static double integral(size_t d, double end, bool squared_distance)
{
    enum { STEPS = 400 };
    double sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        double theta = end * i / STEPS, weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        double value = squared_distance ? 2 - 2 * cos(theta) : 1;
        sum += weight * value * pow(sin(theta), (double)d - 2);
    }
    return sum * end / (3 * STEPS);
}

static double cap_error(size_t d, size_t K)
{
    double low = 0, high = M_PI, whole = integral(d, M_PI, false);
    for (int step = 0; step < 50; step++) {
        double theta = (low + high) / 2;
        *(integral(d, theta, false) < whole / (double)K ? &low : &high) = theta;
    }
    return integral(d, low, true) / integral(d, low, false);
}

/** ## Fresh directions */
static struct ndl_matrix draw(const struct claim *claim, gsl_rng *rng, size_t samples, size_t d,
                              size_t fill)
{
    struct ndl_matrix X = claim_matrix(claim, samples, d);
    for (size_t i = 0; i < samples; i++)
        ndl_random_unit(rng, ndl_row(&X, i), fill);
    return X;
}

struct fresh {
    double excess, distance; /* means: of the excess, of the squared distance t to the next atom */
    double least, most;      /* of excess / ((1 - lambda/2) t) over the samples */
};

/* `length`: of the samples; the excess is over lambda length - lambda^2/4. */
static struct fresh measure(const struct claim *claim, const struct ndl_matrix *directions,
                            const struct ndl_matrix *D, double lambda, double length)
{
    struct fresh f = {.least = HUGE_VAL};
    double zeros[MOST] = {0}, r[MOST];
    const struct ndl_matrix b = {1, D->cols, zeros};
    struct ndl_matrix X = claim_copy(claim, directions);
    for (size_t e = 0; e < X.rows * X.cols; e++)
        X.v[e] *= length;
    struct ndl_model m = claim_model_encoded(claim, &X, D, &b, lambda, false);
    for (size_t i = 0; i < X.rows; i++) {
        double loss = gsl_pow_2(measure_residual(&X, &m, i, r)), t = HUGE_VAL;
        for (size_t e = m.Z.start[i]; e < m.Z.start[i + 1]; e++)
            loss += lambda * m.Z.value[e];
        for (size_t k = 0; k < D->rows; k++)
            keep_min(&t, 2 - 2 * ndl_dot(D->cols, ndl_row(D, k), ndl_row(directions, i)));
        double excess = loss - (lambda * length - lambda * lambda / 4);
        f.excess += excess / (double)X.rows;
        f.distance += t / (double)X.rows;
        if (t > 1e-6) { /* the excess is rounded to 1e-16 */
            keep_min(&f.least, excess / ((1 - lambda / 2) * t));
            keep_max(&f.most, excess / ((1 - lambda / 2) * t));
        }
    }
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    return f;
}

/* The extremes over all fits. */
static struct {
    double below, above;             /* ratio - lambda/2, least; 1 - ratio, least */
    double nearest, long_samples;    /* controls: ratio - 1; 1 - ratio for long samples */
    double cap, cap_most, cap_plane; /* mean t over V_cap: least, largest, for the plane */
} extreme = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, 0, HUGE_VAL};

static struct fresh run_trial(const struct claim *claim, size_t d, size_t fill, size_t K,
                              double lambda, uint64_t stream)
{
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix X = draw(claim, rng, K * PER_ATOM, d, fill);
    struct ndl_matrix test = draw(claim, rng, FRESH, d, fill);
    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(K, lambda);
    options.bias = false;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1000000);
    options.tolerance =
        1e-4; /* the theorem is about any dictionary, and moves the loss by its square */
    claim_fit(claim, &X, &options, &m, NULL);
    struct fresh f = measure(claim, &test, &m.D, lambda, 1);
    if (fill < d) {
        keep_min(&extreme.cap_plane, f.distance / cap_error(d, K));
    } else {
        struct fresh twice = measure(claim, &test, &m.D, lambda, 2);
        keep_min(&extreme.below, f.least - lambda / 2);
        keep_min(&extreme.above, 1 - f.most);
        keep_min(&extreme.nearest, f.least - 1);
        keep_min(&extreme.long_samples, 1 - twice.most);
        keep_min(&extreme.cap, f.distance / cap_error(d, K));
        keep_max(&extreme.cap_most, f.distance / cap_error(d, K));
    }
    ndl_model_free(&m);
    ndl_matrix_free(&X);
    ndl_matrix_free(&test);
    gsl_rng_free(rng);
    return f;
}

/** ## Results */
static void try_dimension(struct claim *claim, size_t d, size_t fill, double lambda)
{
    for (size_t w = 0; w < WIDTHS; w++) {
        double excess = 0, distance = 0, low = HUGE_VAL, high = 0;
        for (size_t t = 0; t < TRIALS; t++) {
            struct fresh f = run_trial(claim, d, fill, WIDTH[w], lambda, 1000 * d + 100 * w + t);
            excess += f.excess / TRIALS;
            distance += f.distance / TRIALS;
            keep_min(&low, f.excess);
            keep_max(&high, f.excess);
        }
        double cap = cap_error(fill, WIDTH[w]);
        if (fill == d)
            claim_row(claim, (double)d, lambda, (double)WIDTH[w], excess, low, high, distance,
                      lambda / 2 * (1 - lambda / 2) * cap, (1 - lambda / 2) * cap);
        claim_progress(claim, w + 1, WIDTHS, "widths");
    }
    if (fill == d)
        claim_table_break(claim);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Compares the excess of dictionaries over the wide limit with the error with which their "
        "atoms quantise the sphere.\vExample: quantisation --out build/results");
    claim_table(claim, "gap",
                "d - 0 dimension\n"
                "lambda 1 0 penalty\n"
                "K - 0 atoms\n"
                "excess 1 0.05 over the bound, fresh directions, mean over the trials\n"
                "low 1 inf smallest\n"
                "high 1 inf largest\n"
                "distance 1 0.05 mean squared distance to the nearest atom\n"
                "below 1 1e-9 lower bound of every dictionary, with V_cap\n"
                "above 1 1e-9 upper bound if caps were attained");
    for (size_t d = 2; d < 2 + DIMENSIONS; d++)
        try_dimension(claim, d, d, LAMBDA[1]);
    try_dimension(claim, 3, 3, LAMBDA[0]);
    try_dimension(claim, 3, 3, LAMBDA[2]);
    try_dimension(claim, 4, 2, LAMBDA[1]);
    claim_values(
        claim, NULL,
        {"below", extreme.below, CLAIM_NOT_COMPARED,
         "least of excess / (1 - lambda/2) t minus lambda/2, all samples"},
        {"above", extreme.above, CLAIM_NOT_COMPARED,
         "one minus the largest of excess / (1 - lambda/2) t"},
        {"nearest", extreme.nearest, CLAIM_NOT_COMPARED,
         "the first if only the nearest atom were active"},
        {"long", extreme.long_samples, CLAIM_NOT_COMPARED, "the second for samples of length two"},
        {"cap", extreme.cap, CLAIM_NOT_COMPARED, "mean of t over that of caps, the least"},
        {"cap_most", extreme.cap_most, CLAIM_NOT_COMPARED, "the largest"},
        {"cap_plane", extreme.cap_plane, CLAIM_NOT_COMPARED,
         "the least for directions in a plane of R^4"},
        {"lambda", LAMBDA[1], CLAIM_EXACT, "lambda where it is not stated"},
        {"fresh", FRESH, CLAIM_EXACT, "fresh directions"},
        {"trials", TRIALS, CLAIM_EXACT, "dictionaries for each width"});
    return claim_end(claim);
}

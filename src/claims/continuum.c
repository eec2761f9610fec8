/** # Will it ever stop?

Claim `continuum`. If the directions of the data fill the sphere $S^{d-1}$, no finite dictionary
attains the bound of the wide limit. Take unit vectors $x$, no bias, and let the atoms be close: in
the tangent space at $x$, let $y$ be the sample, $a_k$ the atoms near it and $w_k = z_k / \sum z$
the shares of the code. To second order the loss exceeds the bound $\lambda - \lambda^2/4$ per
sample by

$$ \left(1 - \frac{\lambda}{2}\right) \min_{w \ge 0, \sum w = 1}
   \left[ \left(1 - \frac{\lambda}{2}\right) \left|y - \sum_k w_k a_k\right|^2
   + \frac{\lambda}{2} \sum_k w_k |a_k - y|^2 \right] . $$

For large $\lambda$ the nearest atom takes all, for small $\lambda$ the sample is interpolated
between up to $d$ neighbours (the corners of its Delaunay simplex). In either case the excess is of
second order in the distance between neighbours, $K^{-1/(d-1)}$ for $K$ atoms: the gap closes like
$K^{-2/(d-1)}$.

In the plane everything is known. Neighbours at an angle $\delta = 2\pi/K$ are both active except
for samples within $\phi_0$ of an atom, $\sin\phi_0 = \frac\lambda2 \tan\frac\delta2$; a sample at
$\psi$ from the bisector then costs $\lambda \cos\psi / \cos\frac\delta2 - (\lambda /
2\cos\frac\delta2)^2$, and one at $\phi$ from its only atom $1 - (\cos\phi - \frac\lambda2)^2$. To
leading order in $\delta$ the mean over the circle is above the bound by the fraction

$$ \frac{L}{\text{bound}} - 1 \approx \frac{2 - \lambda}{24} \delta^2 = \frac{(2 - \lambda)
\pi^2}{6 K^2}. $$

On the sphere in $R^3$ a triangular lattice and $\lambda \to 0$ give $\pi / (\sqrt3 K)$.

The gap is measured as $1 - \text{bound}/L$, which has the same limit as $L/\text{bound} - 1$ and a
next term that is smaller: for $\lambda \to 0$ in the plane,
$\frac{\delta^2}{12}(1 + \frac{\delta^2}{60})$ against
$\frac{\delta^2}{12}(1 + \frac{\delta^2}{10})$.

- Reads nothing: uniformly random directions, 30 per atom (an equal share of overfitting at every
  K), and a regular grid.
- Writes: `continuum.tsv`; `continuum-gap` (gap against K), `continuum-lambda` (the plane's constant
  against lambda).
- Falsified by: an exponent other than $-2/(d-1)$, a gap in the plane other than the integral, a gap
  that stays. */
#include <float.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_statistics_double.h>

#include "kit/claim.h"

enum {
    WIDTHS = 6,
    TRIALS = 20,
    PER_ATOM = 30,
    DIMENSIONS = 3,
    GRID_ATOMS = 16,
    PER_GRID = 100,
    LAMBDAS = 7
};
static const size_t WIDTH[WIDTHS] = {8, 12, 16, 24, 32, 48};
static const double LAMBDA = 0.2;

/** ## The plane, exactly

Mean loss per sample over the circle for K equally spaced atoms, and how many atoms are active on
average. */
static double circle_loss(double lambda, size_t K, double *active)
{
    double half = M_PI / (double)K, c = cos(half);
    /* one active atom up to f, two beyond */
    double f = asin(lambda / 2 * tan(half)), rest = half - f;
    double one = f / 2 - sin(2 * f) / 4 + lambda * sin(f) - lambda * lambda / 4 * f;
    double two = lambda * sin(rest) / c - gsl_pow_2(lambda / (2 * c)) * rest;
    *active = 2 - f / half;
    return (one + two) / half;
}

static double wide_loss(double lambda)
{
    return lambda - lambda * lambda / 4; /* per unit vector */
}

static double learn(const struct claim *claim, const struct ndl_matrix *X, size_t K, double lambda,
                    uint64_t seed, double *active)
{
    struct ndl_fit_options options = ndl_fit_defaults(K, lambda);
    options.bias = false;
    options.seed = seed;
    options.tolerance = 1e-6; /* moves the loss by its square */
    struct ndl_model m;
    double loss = claim_fit(claim, X, &options, &m, NULL) / (double)X->rows;
    *active = (double)m.Z.start[X->rows] / (double)X->rows;
    ndl_model_free(&m);
    return loss;
}

/* N evenly spaced directions in the plane. */
static struct ndl_matrix grid(const struct claim *claim, size_t samples)
{
    struct ndl_matrix X = claim_matrix(claim, samples, 2);
    for (size_t i = 0; i < samples; i++) {
        double angle = 2 * M_PI * (double)i / (double)samples;
        ndl_row(&X, i)[0] = cos(angle);
        ndl_row(&X, i)[1] = sin(angle);
    }
    return X;
}

static void try_circle(struct claim *claim)
{
    static const double PENALTY[LAMBDAS] = {0.05, 0.1, 0.2, 0.5, 1, 1.5, 1.9};
    double error = 0, error_nearest = DBL_MAX, error_active = 0, error_alone = 0, error_leading = 0;
    double measured_active, active;
    claim_table(claim, "lambda",
                "lambda 1 0 penalty\n"
                "measured 1 1e-5 K^2 (L / bound - 1), grid in the plane, K = 16\n"
                "integral 1 1e-9 the same from the integral\n"
                "leading 1 1e-9 its limit for many atoms, (2 - lambda) pi^2 / 6\n"
                "nearest 1 1e-9 if only the nearest atom were active\n"
                "active 1 1e-5 active atoms per sample\n"
                "active_theory 1 1e-9 predicted");
    struct ndl_matrix X = grid(claim, GRID_ATOMS * PER_GRID);
    for (size_t l = 0; l < LAMBDAS; l++) {
        double lambda = PENALTY[l], scale = GRID_ATOMS * GRID_ATOMS, delta = 2 * M_PI / GRID_ATOMS;
        double loss = learn(claim, &X, GRID_ATOMS, lambda, claim_seed(claim), &measured_active);
        double measured = loss / wide_loss(lambda) - 1;
        double integral = circle_loss(lambda, GRID_ATOMS, &active) / wide_loss(lambda) - 1;
        double nearest = (1 - lambda / 2) * delta * delta / 12 / wide_loss(lambda);
        error = fmax(error, fabs(measured / integral - 1));
        error_nearest = fmin(error_nearest, fabs(measured / nearest - 1));
        error_leading =
            fmax(error_leading, fabs(measured / ((2 - lambda) * delta * delta / 24) - 1));
        error_active = fmax(error_active, fabs(measured_active - active));
        error_alone = fmax(error_alone, fabs(measured_active - 1));
        claim_row(claim, lambda, scale * measured, scale * integral, (2 - lambda) * M_PI * M_PI / 6,
                  scale * nearest, measured_active, active);
    }
    ndl_matrix_free(&X);
    claim_scalar(claim, "grid.atoms", GRID_ATOMS, CLAIM_EXACT, "atoms in the plane");
    claim_scalar(claim, "circle.error", error, CLAIM_NOT_COMPARED,
                 "largest relative error of the integral, over lambda");
    claim_scalar(claim, "circle.leading", error_leading, CLAIM_NOT_COMPARED,
                 "the same of its leading term");
    claim_scalar(claim, "circle.nearest", error_nearest, 1e-3,
                 "smallest error if only the nearest atom were active");
    claim_scalar(claim, "circle.active", error_active, CLAIM_NOT_COMPARED,
                 "largest error of the active atoms per sample");
    claim_scalar(claim, "circle.active_nearest", error_alone, 1e-3,
                 "the same if only the nearest atom were active");
}

/* ------------------------------------------------------------------ exponents */

/* N directions, uniform on the sphere in the first `fill` of d dimensions. */
static struct ndl_matrix draw(const struct claim *claim, gsl_rng *rng, size_t samples, size_t d,
                              size_t fill)
{
    struct ndl_matrix X = claim_matrix(claim, samples, d);
    for (size_t i = 0; i < samples; i++)
        ndl_random_unit(rng, ndl_row(&X, i), fill);
    return X;
}

static double exponent(const double *gap)
{
    double x[WIDTHS], y[WIDTHS], intercept, slope, cov00, cov01, cov11, sumsq;
    for (size_t w = 0; w < WIDTHS; w++) {
        x[w] = log((double)WIDTH[w]);
        y[w] = log(gap[w]);
    }
    gsl_fit_linear(x, 1, y, 1, WIDTHS, &intercept, &slope, &cov00, &cov01, &cov11, &sumsq);
    return slope;
}

/** ## The exponents

One fit per dimension, trial and K; the exponent is the slope of $\log(1 - \text{bound}/L)$ against
$\log K$ in each trial. The control fills only a plane of $R^4$: the exponent is that of the data's
directions, not of the space. */
static void try_dimension(struct claim *claim, const char *name, size_t d, size_t fill,
                          size_t stream)
{
    double gap[WIDTHS][TRIALS], one[WIDTHS], other[WIDTHS], slope[TRIALS], plain[TRIALS], active;
    for (size_t t = 0; t < TRIALS; t++) {
        gsl_rng *rng = claim_rng(claim, stream + t);
        for (size_t w = 0; w < WIDTHS; w++) {
            struct ndl_matrix X = draw(claim, rng, WIDTH[w] * PER_ATOM, d, fill);
            double loss =
                learn(claim, &X, WIDTH[w], LAMBDA, 1 + gsl_rng_uniform_int(rng, 1000000), &active);
            gap[w][t] = one[w] = 1 - wide_loss(LAMBDA) / loss;
            other[w] = loss / wide_loss(LAMBDA) - 1;
            ndl_matrix_free(&X);
        }
        slope[t] = exponent(one);
        plain[t] = exponent(other);
        gsl_rng_free(rng);
        claim_progress(claim, t + 1, TRIALS, name);
    }
    for (size_t w = 0; w < WIDTHS; w++) {
        double low, high;
        gsl_stats_minmax(&low, &high, gap[w], 1, TRIALS);
        claim_row(claim, (double)d, (double)fill, (double)WIDTH[w],
                  gsl_stats_mean(gap[w], 1, TRIALS), low, high,
                  1 - wide_loss(LAMBDA) / circle_loss(LAMBDA, WIDTH[w], &active));
    }
    claim_table_break(claim);
    /* another machine may end in another of many optima of nearly the same loss */
    const double search = 0.02;
    const double scale = pow((double)WIDTH[WIDTHS - 1], 2 / ((double)fill - 1));
    claim_values(
        claim, name,
        {"exponent", gsl_stats_mean(slope, 1, TRIALS), search,
         "exponent of 1 - bound/L against K, mean over the trials"},
        {"error", gsl_stats_sd(slope, 1, TRIALS) / sqrt(TRIALS), search, "its standard error"},
        {"min", gsl_stats_min(slope, 1, TRIALS), search, "its smallest value"},
        {"max", gsl_stats_max(slope, 1, TRIALS), search, "its largest value"},
        {"plain", gsl_stats_mean(plain, 1, TRIALS), search, "exponent of L/bound - 1, mean"},
        {"last", gsl_stats_mean(gap[WIDTHS - 1], 1, TRIALS) * scale, search,
         "mean gap at the largest K, times K^(2/(d-1))"},
        {"theory", -2 / ((double)d - 1), search, "-2/(d-1)"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures how the gap to the wide limit closes with the number of atoms if the "
                    "data's directions fill a "
                    "circle or a sphere.\vExample: continuum --seed 2 --out build/results");
    double finite[WIDTHS], active;
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of the exponents");
    claim_scalar(claim, "narrowest", (double)WIDTH[0], CLAIM_EXACT, "smallest K");
    claim_scalar(claim, "widest", (double)WIDTH[WIDTHS - 1], CLAIM_EXACT, "largest K");
    claim_scalar(claim, "per_atom", PER_ATOM, CLAIM_EXACT, "samples per atom");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "trials");
    try_circle(claim);
    for (size_t w = 0; w < WIDTHS; w++)
        finite[w] = 1 - wide_loss(LAMBDA) / circle_loss(LAMBDA, WIDTH[w], &active);
    claim_scalar(claim, "circle.exponent", exponent(finite), CLAIM_CONVERGED,
                 "exponent of the integral at the same K");
    claim_scalar(claim, "triangular", M_PI / sqrt(3), CLAIM_EXACT,
                 "K times the gap, triangular lattice, lambda -> 0");
    claim_table(claim, "gap",
                "d - 0 dimension\n"
                "fill - 0 dimension of the subspace that the directions fill\n"
                "K - 0 atoms\n"
                "gap 1 0.05 1 - bound/L, mean over the trials\n"
                "low 1 inf smallest\n"
                "high 1 inf largest\n"
                "circle 1 1e-9 the integral for the plane");
    try_dimension(claim, "d2", 2, 2, 0);
    try_dimension(claim, "d3", 3, 3, 100);
    try_dimension(claim, "d4", 4, 4, 200);
    try_dimension(claim, "plane", 4, 2, 300);
    return claim_end(claim);
}

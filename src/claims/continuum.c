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
between up to $d$ neighbours (the corners of its Delaunay simplex). That the gap closes like
$K^{-2/(d-1)}$ is the subject of [quantisation](quantisation.html); here it is the constant.

In the plane everything is known. Neighbours at an angle $\delta = 2\pi/K$ are both active except
for samples within $\phi_0$ of an atom, $\sin\phi_0 = \frac\lambda2 \tan\frac\delta2$; a sample at
$\psi$ from the bisector then costs $\lambda \cos\psi / \cos\frac\delta2 - (\lambda /
2\cos\frac\delta2)^2$, and one at $\phi$ from its only atom $1 - (\cos\phi - \frac\lambda2)^2$. To
leading order in $\delta$ the mean over the circle is above the bound by the fraction

$$ \frac{L}{\text{bound}} - 1 \approx \frac{2 - \lambda}{24} \delta^2 = \frac{(2 - \lambda)
\pi^2}{6 K^2}. $$

- Reads nothing: the directions are a regular grid.
- Writes: `continuum.tsv`; `continuum-lambda` (the plane's constant against lambda).
- Falsified by: a gap in the plane other than the integral, other active atoms than predicted. */
#include <float.h>

#include <gsl/gsl_math.h>

#include "kit/claim.h"

enum { GRID_ATOMS = 16, PER_GRID = 100, LAMBDAS = 7 };

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

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures the gap to the wide limit of atoms in the plane against its closed "
                    "form.\vExample: continuum --out build/results");
    try_circle(claim);
    return claim_end(claim);
}

/** # Two features: the limit of a small penalty

The problem of [diagram](diagram.html): features at an angle $\theta$, samples $v_1$, $v_2$,
$v_1+v_2$ with probabilities $a$, $b$, $c$, two atoms. As the penalty $\alpha\to0$ the transition
from merging to recovery happens at $b$ of order $\alpha$, so set $b=\beta\alpha c$.

**Claim.** The second atom stops sitting on the bisector at
$$\beta^*(\theta)=\min_{0\le\eta\le\theta/2}\frac{\sin\theta}
  {\cos\frac\theta4\,\cos(\frac\theta4+\frac\eta2)\,\cos\frac\eta2\,\sin(\theta-\eta)}.$$
Up to $\theta_t=2\arccos\frac{\sqrt5-1}2=103.65^\circ$ the minimum is at $\eta=0$:
$\beta^*=1/\cos^2(\theta/4)$, and the atom leaves the bisector continuously. Beyond, it jumps by
the minimising $\eta$. The atoms come within an angle $\epsilon$ of the features only at
$\beta=\sin\theta/(\cos^2\frac{\theta-\epsilon}2\,\sin2\epsilon)$.

- Reads nothing: the problem is in closed form, and nothing is random.
- Writes: `tricritical.tsv`; `tricritical-curve` (the limit against $\theta$), `tricritical-line`
  (the tricritical angle against $\alpha$), `tricritical-path` and `tricritical-limit` (second atom
  against $\beta$, global minimiser and limit).
- Falsified by: an exponent other than 1, a measured boundary that does not
  extrapolate to $\beta^*$, a Hessian that turns indefinite at another angle. */
#include <gsl/gsl_math.h>

#include "kit/claim.h"
#include "kit/two_features.h"

static const double DEGREE = M_PI / 180;
static const double RECOVERED = 0.99; /* the cosine from which an atom counts as on its feature */

/** ## The limit

The first atom stays within $O(\alpha)$ of $v_1$; the second is at $\varphi=\frac\theta2+\eta$. The
residual of $v_2$ costs $\frac b2\sin^2(\theta-\varphi)$, of order $\alpha$ like the codes. The
joint sample is reconstructed, with a code of length
$2\cos\frac\theta2\cos\frac{\theta-\varphi}2/\cos\frac\varphi2
=2\cos\frac\theta2\,(\cos\frac\theta2+\sin\frac\theta2\tan\frac\varphi2)$. The loss above its value
for the merged atoms is therefore $\alpha c$ times
$$\sin\theta\,\bigl(\tan\tfrac\varphi2-\tan\tfrac\theta4\bigr)
  -\tfrac\beta2\bigl(\sin^2\tfrac\theta2-\sin^2(\theta-\varphi)\bigr).$$
The first bracket is $\sin\frac\eta2/(\cos\frac\varphi2\cos\frac\theta4)$, the second
$\sin(\theta-\eta)\sin\eta$: the loss is zero again at the $\beta$ below, and the smallest of
these is the boundary. */
static double beta_at(double theta, double eta)
{
    return sin(theta) /
           (cos(theta / 4) * cos(theta / 4 + eta / 2) * cos(eta / 2) * sin(theta - eta));
}

/** The denominator is half of $(\cos(\frac\theta4+\eta)+\cos\frac\theta4)\sin(\theta-\eta)$ times a
constant; its derivative is minus the sum below. At $\eta=0$ the sum vanishes when
$u=\cos\frac\theta2$ solves $u^2+u=1$: the golden ratio, $u=\frac{\sqrt5-1}2$. */
static double denominator_slope(double eta, void *params)
{
    const double theta = *(const double *)params;
    return -(cos(3 * theta / 4 - 2 * eta) + cos(theta / 4) * cos(theta - eta));
}

static double limit_boundary(double theta, double *jump)
{
    *jump =
        denominator_slope(0, &theta) <= 0 ? 0 : find_root(denominator_slope, &theta, 0, theta / 2);
    return beta_at(theta, *jump);
}

/** Inside the recovered phase the derivative in $\varphi$ vanishes. */
static double limit_path(double theta, double phi)
{
    return sin(theta) / (gsl_pow_2(cos(phi / 2)) * sin(2 * (theta - phi)));
}

static double limit_recovery(double theta)
{
    double jump, boundary = limit_boundary(theta, &jump);
    return fmax(boundary, limit_path(theta, theta - acos(RECOVERED)));
}

/** ## Measured

The boundary and the recovery of the *global* minimiser are found by bisection at two
small $\alpha$ and extrapolated linearly. */
static bool stopped_merging(double theta, const double phi[2],
                            const struct two_features_value *least)
{
    (void)theta, (void)phi;
    return least->use[TWO_BOTH] == TWO_PAIR;
}

static bool recovered(double theta, const double phi[2], const struct two_features_value *least)
{
    (void)least;
    return fmin(cos(phi[0]), cos(theta - phi[1])) >= RECOVERED;
}

static void check_limit(struct claim *claim)
{
    const double h = 1e-3, degrees[] = {45, 60, 90, 120, 135};
    double boundary = 0, naive = 0, recovery = 0, exponent = 0, exponent_large = 0, jump_error = 0,
           jump_largest = 0, recovery_boundary = 0;
    for (size_t i = 0; i < 5; i++) {
        double theta = degrees[i] * DEGREE, jump, limit = limit_boundary(theta, &jump), below[2],
               above[2];
        double one = two_features_threshold(theta, h, 0.2, 6, stopped_merging, below, above),
               moved = above[1] - below[1];
        double two = two_features_threshold(theta, h / 2, 0.2, 6, stopped_merging, below, above);
        boundary = fmax(boundary, fabs((2 * two - one) / limit - 1));
        naive = fmax(naive, fabs((2 * two - one) / beta_at(theta, theta / 2) - 1));
        jump_error = fmax(jump_error, fabs(2 * (above[1] - below[1]) - moved - jump));
        jump_largest = fmax(jump_largest, jump);
        double large = two_features_threshold(theta, 0.2, 0.2, 6, stopped_merging, NULL, NULL);
        exponent_large = fmax(exponent_large, fabs(log2(large / one)) / log2(0.2 / h));
        /* b / c = alpha beta: 1 + log2(one / two) */
        exponent = fmax(exponent, fabs(log2(one / two)));
        one = two_features_threshold(theta, h, 0.2, 40, recovered, NULL, NULL);
        two = two_features_threshold(theta, h / 2, 0.2, 40, recovered, NULL, NULL);
        recovery = fmax(recovery, fabs((2 * two - one) / limit_recovery(theta) - 1));
        recovery_boundary = fmax(recovery_boundary, fabs((2 * two - one) / limit - 1));
        claim_progress(claim, i + 1, 5, "limit");
    }
    claim_scalar(claim, "alpha", h, CLAIM_EXACT,
                 "the larger of the two penalties that are extrapolated");
    claim_scalar(claim, "boundary", boundary, CLAIM_NOT_COMPARED,
                 "largest relative error of the limit boundary");
    claim_scalar(claim, "boundary_naive", naive, CLAIM_CONVERGED,
                 "the same if the second atom is either on the bisector or on its feature");
    claim_scalar(claim, "jump", jump_error, CLAIM_NOT_COMPARED,
                 "largest error of the limit of the jump, radians");
    claim_scalar(claim, "recovery", recovery, CLAIM_NOT_COMPARED,
                 "largest relative error of the limit of recovery");
    claim_scalar(claim, "jump_none", jump_largest, CLAIM_CONVERGED,
                 "the same if no jump is predicted");
    claim_scalar(claim, "recovery_boundary", recovery_boundary, CLAIM_CONVERGED,
                 "the same if recovery is said to begin where merging ends");
    claim_scalar(claim, "exponent_large", 1 + exponent_large, CLAIM_CONVERGED,
                 "the exponent between alpha = 0.2 and the small one, the one furthest from 1");
    claim_scalar(claim, "recovered", RECOVERED, CLAIM_EXACT,
                 "cosine from which an atom counts as recovered");
    claim_scalar(claim, "exponent", 1 + exponent, CLAIM_CONVERGED,
                 "the exponent of b* in alpha, the one furthest from 1");
}

/** The same angle where the exact Hessian beyond the end of the merged piece turns
indefinite, at finite $\alpha$. */
static double curvature(double theta, void *params)
{
    return two_features_curvature(theta, *(const double *)params);
}

static double tricritical(double alpha)
{
    return find_root(curvature, &alpha, 60 * DEGREE, 130 * DEGREE);
}

static void check_angle(struct claim *claim)
{
    const double h = 1e-3, large = 0.1;
    claim_scalar(claim, "angle", (2 * tricritical(h / 2) - tricritical(h)) / DEGREE,
                 CLAIM_CONVERGED,
                 "where the Hessian turns indefinite, extrapolated to alpha = 0, degrees");
    claim_scalar(claim, "angle_golden", 2 * acos((sqrt(5) - 1) / 2) / DEGREE, CLAIM_CONVERGED,
                 "the closed form");
    claim_scalar(claim, "angle_large", tricritical(large) / DEGREE, CLAIM_CONVERGED,
                 "the angle at a large alpha");
    claim_scalar(claim, "angle_large_alpha", large, CLAIM_EXACT, "that alpha");
    claim_table(claim, "line",
                "alpha 1 0 penalty\n"
                "theta degree 1e-6 angle from which the second atom jumps\n"
                "beta 1 1e-6 b / (alpha c) there");
    for (int i = 0; i <= 20; i++) {
        double alpha = fmax(0.01 * i, 1e-6), theta = tricritical(alpha), beta;
        two_features_merged_end(theta, alpha, &beta);
        claim_row(claim, alpha, theta / DEGREE, beta);
    }
}

/** ## Tables for the figures */
static const double THETAS[] = {60, 90, 120, 140};
enum { PATHS = 4 };

static void write_curve(struct claim *claim)
{
    claim_table(claim, "curve",
                "theta degree 0 angle of the features\n"
                "boundary 1 1e-6 b* / (alpha c) as alpha -> 0\n"
                "jump degree 1e-6 of the second atom\n"
                "recovered 1 1e-6 b / (alpha c) from which both atoms have cosine 0.99");
    for (int degrees = 40; degrees <= 140; degrees++) {
        double jump, boundary = limit_boundary(degrees * DEGREE, &jump);
        claim_row(claim, degrees, boundary, jump / DEGREE, limit_recovery(degrees * DEGREE));
    }
}

static void write_paths(struct claim *claim)
{
    const double alpha = 0.01;
    claim_scalar(claim, "path_alpha", alpha, CLAIM_EXACT, "alpha of the table path");
    claim_table(claim, "path",
                "theta degree 0 angle of the features\n"
                "beta 1 0 b / (alpha c)\n"
                "phi1 degree 1e-6 first atom of the global minimiser\n"
                "phi2 degree 1e-6 second atom");
    for (size_t t = 0; t < PATHS; t++) {
        for (int i = 0; i <= 37; i++) {
            /* no point is at a jump, where two minima are equal */
            double beta = 0.53 + 0.12 * i, phi[2];
            struct two_features two = two_features_problem(THETAS[t] * DEGREE, alpha, beta);
            two_features_minimise(&two, phi);
            claim_row(claim, THETAS[t], beta, phi[0] / DEGREE, phi[1] / DEGREE);
        }
        claim_table_break(claim);
    }
    claim_table(claim, "limit",
                "theta degree 0 angle of the features\n"
                "beta 1 1e-6 b / (alpha c) as alpha -> 0\n"
                "phi2 degree 1e-6 second atom");
    for (size_t t = 0; t < PATHS; t++) {
        double theta = THETAS[t] * DEGREE, jump, boundary = limit_boundary(theta, &jump);
        claim_row(claim, THETAS[t], 0, THETAS[t] / 2);
        claim_row(claim, THETAS[t], boundary, THETAS[t] / 2);
        for (int i = 0; i < 200; i++) {
            double phi = theta / 2 + jump + (theta / 2 - jump) * i / 200;
            claim_row(claim, THETAS[t], limit_path(theta, phi), phi / DEGREE);
        }
        claim_table_break(claim);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "The boundary between merging and recovery of two features in the limit of a "
                    "small penalty, and the angle "
                    "from which it is a jump.\vExample: tricritical --out build/results");
    check_limit(claim);
    check_angle(claim);
    write_curve(claim);
    write_paths(claim);
    return claim_end(claim);
}

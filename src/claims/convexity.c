/** # Convex in Q, not convex in (D, Z)

Claim `convexity`.  With the dictionary eliminated the loss depends on the codes through
$Q = Z Z^T$ alone (`ndl_eliminated`):

$$ G(Q) = \mu\,\mathrm{tr}[X^T P X] + \mu\, 1^T Q 1, \quad P = (\mu I + Q)^{-1}
   \text{ (or } P - P 1 1^T P / (1^T P 1) \text{ with a free bias)}. $$

Along a segment $\varphi(t) = G(Q_0 + t V)$,

$$ \varphi' = \mu\,\mathrm{tr}[(1 1^T - P X X^T P) V], \qquad
   \varphi'' = 2 \mu\,\mathrm{tr}[(V P X)^T P\, (V P X)] \ge 0 . $$

Completely positive matrices form a convex cone, so what is left of the difficulty of
dictionary learning is only that $Q$ has rank at most $K$.  In $(D, Z)$ the same
problem has $K!$ copies of every optimum, with a ridge between any two.

- Reads nothing: random problems are drawn.
- Writes: `convexity.tsv`; `convexity-segments` (both functions along segments, less their chord).
- Falsified by: a segment between completely positive matrices on which $G$ bends
  down, or derivatives that differ from finite differences. */
#include <float.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { N = 24, DIM = 5, ATOMS = 4, SEGMENTS = 100, DRAWN = 4, STEPS = 40 };
static const double LAMBDA = 0.3;

/* Data from ATOMS sparse features: X, the features' directions D and activations Z. */
static void draw(const struct claim *claim, size_t trial, struct ndl_matrix *X,
                 struct ndl_matrix *D, struct ndl_matrix *Z)
{
    gsl_rng *rng = claim_rng(claim, trial);
    *X = claim_matrix(claim, N, DIM);
    *D = claim_matrix(claim, ATOMS, DIM);
    *Z = claim_matrix(claim, N, ATOMS);
    for (size_t k = 0; k < ATOMS; k++)
        ndl_random_unit(rng, ndl_row(D, k), DIM);
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < DIM; c++)
            ndl_row(X, i)[c] = gsl_ran_gaussian(rng, 0.05);
        for (size_t k = 0; k < ATOMS; k++) {
            double z = gsl_rng_uniform(rng) < 0.4 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            ndl_row(Z, i)[k] = z;
            for (size_t c = 0; c < DIM; c++)
                ndl_row(X, i)[c] += z * ndl_row(D, k)[c];
        }
    }
    gsl_rng_free(rng);
}

/* ------------------------------------------------------------ segments in Q */

struct segment {
    const struct claim *claim;
    bool bias;
    const struct ndl_matrix *X;
    struct ndl_matrix Q0, V; /* N x N */
};

/* Adds B B^T of a random nonnegative B, times `sign`, to Q. */
static void add_completely_positive(const struct claim *claim, gsl_rng *rng, double sign,
                                    struct ndl_matrix *Q)
{
    size_t rank = 1 + gsl_rng_uniform_int(rng, 2 * N);
    struct ndl_matrix B = claim_matrix(claim, N, rank);
    for (size_t e = 0; e < N * rank; e++)
        B.v[e] = gsl_rng_uniform(rng) < 0.5 ? gsl_ran_exponential(rng, 0.5) : 0;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t k = 0; k < rank; k++)
                ndl_row(Q, i)[j] += sign * ndl_row(&B, i)[k] * ndl_row(&B, j)[k];
    ndl_matrix_free(&B);
}

/* phi(t); its derivatives in closed form where wanted.  `penalty` is the part mu 1^T V 1 of the
 * slope. */
struct closed_form {
    /* the last with the identity in place of P */
    double slope, penalty, curvature, curvature_plain;
};

static double phi(const struct segment *s, double t, struct closed_form *f)
{
    struct ndl_error err;
    struct ndl_matrix Q, P, PX;
    double value;
    claim_check_status(s->claim, ndl_matrix_copy(&Q, &s->Q0, &err), &err);
    for (size_t e = 0; e < N * N; e++)
        Q.v[e] += t * s->V.v[e];
    claim_check_status(s->claim, ndl_eliminated(s->X, &Q, LAMBDA, s->bias, &value, &P, &PX, &err),
                       &err);
    if (f) {
        double VPX[N][DIM] = {{0}}, trace = 0;
        *f = (struct closed_form){0};
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double v = ndl_row(&s->V, i)[j];
                f->penalty += LAMBDA / 2 * v;
                for (size_t c = 0; c < DIM; c++) {
                    VPX[i][c] += v * ndl_row(&PX, j)[c];
                    trace += ndl_row(&PX, i)[c] * v * ndl_row(&PX, j)[c];
                }
            }
        f->slope = f->penalty - LAMBDA / 2 * trace;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                for (size_t c = 0; c < DIM; c++)
                    f->curvature += LAMBDA * VPX[i][c] * ndl_row(&P, i)[j] * VPX[j][c];
        for (size_t i = 0; i < N; i++)
            f->curvature_plain += LAMBDA * ndl_dot(DIM, VPX[i], VPX[i]);
    }
    ndl_matrix_free(&Q);
    ndl_matrix_free(&P);
    ndl_matrix_free(&PX);
    return value;
}

struct extremes {
    double curvature, curvature_error, curvature_error_plain, slope_error, slope_error_no_penalty;
};

static void probe_segment(struct claim *claim, bool bias, size_t trial, struct extremes *worst)
{
    struct ndl_matrix X, D, Z;
    struct segment s = {.claim = claim, .bias = bias, .X = &X};
    gsl_rng *rng = claim_rng(claim, 1000 + trial);
    draw(claim, trial, &X, &D, &Z);
    s.Q0 = claim_matrix(claim, N, N);
    add_completely_positive(claim, rng, 1, &s.Q0);
    s.V = claim_matrix(claim, N, N);
    add_completely_positive(claim, rng, 1, &s.V);
    for (size_t e = 0; e < N * N; e++)
        s.V.v[e] -= s.Q0.v[e];

    double scale = phi(&s, 0, NULL), end = phi(&s, 1, NULL);
    for (double t = 0.1; t < 0.95; t += 0.2) {
        const double h = 1e-3;
        struct closed_form f;
        double here = phi(&s, t, &f), before = phi(&s, t - h, NULL), after = phi(&s, t + h, NULL);
        double slope =
            (8 * (after - before) - phi(&s, t + 2 * h, NULL) + phi(&s, t - 2 * h, NULL)) / (12 * h);
        double curvature = (before - 2 * here + after) / (h * h);
        double size = fabs(f.slope) + fabs(f.penalty);
        worst->curvature = fmin(worst->curvature, curvature / scale);
        worst->curvature_error =
            fmax(worst->curvature_error, fabs(curvature - f.curvature) / f.curvature);
        worst->curvature_error_plain =
            fmax(worst->curvature_error_plain, fabs(curvature - f.curvature_plain) / f.curvature);
        worst->slope_error = fmax(worst->slope_error, fabs(slope - f.slope) / size);
        worst->slope_error_no_penalty =
            fmax(worst->slope_error_no_penalty, fabs(slope - (f.slope - f.penalty)) / size);
    }
    for (int step = 0; trial < DRAWN && step <= STEPS; step++) {
        double t = step / (double)STEPS, chord = (1 - t) * scale + t * end;
        claim_row(claim, bias, (double)trial, t, (phi(&s, t, NULL) - chord) / scale, 0);
    }
    if (trial < DRAWN)
        claim_table_break(claim);
    ndl_matrix_free(&s.Q0);
    ndl_matrix_free(&s.V);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
}

/** ## The control: segments in (D, Z)

From a dictionary with its codes to the same with two atoms exchanged, an equally good point.  The
squared form $|R|^2 + \mu(|D|_F^2 + \sum_k S_k^2)$ needs no constraint along the way. */
static double squared_form(const struct ndl_matrix *X, const struct ndl_matrix *D,
                           const struct ndl_matrix *Z, double t)
{
    static const size_t exchanged[ATOMS] = {1, 0, 2, 3};
    double At[ATOMS][DIM], Zt[N][ATOMS], mass[ATOMS] = {0}, value = 0;
    for (size_t k = 0; k < ATOMS; k++) {
        for (size_t c = 0; c < DIM; c++) {
            At[k][c] = (1 - t) * ndl_row(D, k)[c] + t * ndl_row(D, exchanged[k])[c];
            value += LAMBDA / 2 * At[k][c] * At[k][c];
        }
        for (size_t i = 0; i < N; i++) {
            Zt[i][k] = (1 - t) * ndl_row(Z, i)[k] + t * ndl_row(Z, i)[exchanged[k]];
            mass[k] += Zt[i][k];
        }
        value += LAMBDA / 2 * mass[k] * mass[k];
    }
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < DIM; c++) {
            double r = ndl_row(X, i)[c];
            for (size_t k = 0; k < ATOMS; k++)
                r -= Zt[i][k] * At[k][c];
            value += r * r;
        }
    return value;
}

/* The least second difference over the end value. */
static double least_bend(struct claim *claim, size_t trial)
{
    struct ndl_matrix X, D, Z;
    double value[STEPS + 1], least = DBL_MAX;
    draw(claim, trial, &X, &D, &Z);
    for (int step = 0; step <= STEPS; step++)
        value[step] = squared_form(&X, &D, &Z, step / (double)STEPS);
    for (int step = 1; step < STEPS; step++)
        least = fmin(least, (value[step - 1] - 2 * value[step] + value[step + 1]) * STEPS * STEPS /
                                value[0]);
    /* both ends have one value: the chord is level */
    for (int step = 0; trial < DRAWN && step <= STEPS; step++)
        claim_row(claim, 0, (double)trial, step / (double)STEPS, value[step] / value[0] - 1, 1);
    if (trial < DRAWN)
        claim_table_break(claim);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    ndl_matrix_free(&Z);
    return least;
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Tests that the loss with the dictionary eliminated is a "
                                      "convex function of the codes' Gram matrix.\v"
                                      "Example: convexity --seed 7 --out build/results");
    struct extremes worst = {.curvature = DBL_MAX};
    double bend = DBL_MAX;
    size_t bent = 0;
    claim_table(claim, "segments",
                "bias - 0 whether the bias is free\ntrial - 0 random problem\nt 1 1e-12 position "
                "on the segment\n"
                "above 1 1e-9 function minus its chord, over its value at t = 0\n"
                "kind - 0 0: G between two Q; 1: squared form between two (D, Z)");
    for (int bias = 0; bias < 2; bias++)
        for (size_t trial = 0; trial < SEGMENTS; trial++)
            probe_segment(claim, bias, trial, &worst);
    for (size_t trial = 0; trial < SEGMENTS; trial++) {
        double least = least_bend(claim, trial);
        bend = fmin(bend, least);
        bent += least < 0;
    }
    claim_scalar(claim, "segments", SEGMENTS, CLAIM_EXACT,
                 "random segments per setting of the bias");
    /* second differences are good to 1e-4 */
    claim_scalar(claim, "curvature", worst.curvature, 1e-4,
                 "least measured second derivative of G over its value, all segments");
    claim_scalar(claim, "curvature_dz", bend, CLAIM_CONVERGED,
                 "the same in (D, Z), between a dictionary and its permutation");
    claim_scalar(claim, "bent", (double)bent, CLAIM_EXACT,
                 "segments in (D, Z) that bend down somewhere");
    claim_scalar(
        claim, "curvature_error", worst.curvature_error, CLAIM_NOT_COMPARED,
        "largest relative difference of the closed second derivative from second differences");
    claim_scalar(claim, "curvature_error_plain", worst.curvature_error_plain, CLAIM_CONVERGED,
                 "the same with the identity in place of P");
    claim_scalar(claim, "slope_error", worst.slope_error, CLAIM_NOT_COMPARED,
                 "largest relative error of the closed gradient of G");
    claim_scalar(claim, "slope_error_no_penalty", worst.slope_error_no_penalty, CLAIM_CONVERGED,
                 "the same with the derivative of 1'Q1 left out");
    return claim_end(claim);
}

/** # How far a parent's atom tilts towards its child

Claim `tilt`.  A parent has one atom $d$ and a child that fires only where it does, orthogonal to
it, which has none: the atom mops up what it can ([mopping](mopping.html)), and

$$ \mathrm{Cov}(z, r) = \tfrac\lambda2 \langle z \rangle\, d . $$

If the atom fires wherever the parent does, $d = (\cos\phi, \sin\phi)$ and
$n = (-\sin\phi, \cos\phi)$ in the plane of parent and child, this is along $n$ one equation for the
tilt,

$$ d^\top C\, n = \tfrac\lambda2 \langle x \rangle \cdot n , $$

with $C$ the covariance of $x$ (without a bias $\langle x x^\top \rangle$): for $\lambda \to 0$ the
principal axis.  Of the covariance nothing is left along $n$, and
$\frac\lambda2 \langle z \rangle \sin\phi$ along the child.

- Reads nothing: the parent and its child are drawn.
- Writes: `tilt.tsv`; `tilt-child` (tilt against the child's probability), `tilt-lambda` (covariance
  against lambda), `tilt-cloud` (one draw with the bias and the atom at the end).
- Falsified by: a tilt or a covariance other than predicted. */
#include <float.h>

#include <gsl/gsl_math.h>

#include "kit/missing_child.h"
#include "kit/claim.h"

enum { TRIALS = 20, SAMPLES = 400 };
static const double LAMBDA = 0.1;

/** ## The prediction

The parent fires in a share $p$ of the samples, all of which the atom keeps; elsewhere $x = 0$.
Then $z = x \cdot d - c$ where it fires, and the component of the mean residual along $d$ gives
$c = \lambda / (2 (1 - p))$ with a free bias; $c = \lambda / 2$ without. */
struct plane {
    double mean[2], moment[2][2], rate; /* moment: second moments, centred if the bias is free */
};

static struct plane plane_of(const struct ndl_matrix *X, bool bias)
{
    struct plane f = {0};
    double n = (double)X->rows;
    for (size_t i = 0; i < X->rows; i++) {
        const double *x = ndl_row(X, i);
        f.rate += (x[0] != 0) / n; /* x is exactly 0 where the parent is off */
        for (size_t a = 0; a < 2; a++) {
            f.mean[a] += x[a] / n;
            for (size_t b = 0; b < 2; b++)
                f.moment[a][b] += x[a] * x[b] / n;
        }
    }
    for (size_t a = 0; a < 2 && bias; a++)
        for (size_t b = 0; b < 2; b++)
            f.moment[a][b] -= f.mean[a] * f.mean[b];
    return f;
}

/* d.C n - (lambda/2) <x>.n at tilt phi: positive at 0, negative at pi/2. */
static double torque(const struct plane *f, double lambda, double phi)
{
    const double d[2] = {cos(phi), sin(phi)}, n[2] = {-sin(phi), cos(phi)};
    double sum = -lambda / 2 * (f->mean[0] * n[0] + f->mean[1] * n[1]);
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 0; b < 2; b++)
            sum += d[a] * f->moment[a][b] * n[b];
    return sum;
}

static double predicted_tilt(const struct plane *f, double lambda)
{
    double low = 0, high = M_PI / 2;
    for (int step = 0; step < 60; step++) {
        double middle = (low + high) / 2;
        *(torque(f, lambda, middle) > 0 ? &low : &high) = middle;
    }
    return low;
}

/** ## The measurement

The solver starts from the parent; if it did not converge, tilt and covariances would show. */
struct trial {
    /* radians: measured, by the equation, with lambda left out of it */
    double tilt, predicted, principal;
    /* covariance of the code: with s; with u.r, n.r at the end */
    double before, along, along_predicted, across;
};

static struct trial run_trial(const struct claim *claim, double child, double lambda, bool bias,
                              uint64_t stream)
{
    const struct missing_child brood = {.rate = 0.5, .child = child};
    const double u[2] = {0, 1};
    double s[SAMPLES];
    struct ndl_matrix X = claim_matrix(claim, SAMPLES, 2), parent = {1, 2, (double[]){1, 0}};
    gsl_rng *rng = claim_rng(claim, stream);
    draw_missing_child(rng, &brood, &parent, u, s, &X);

    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(1, lambda);
    bool converged;
    options.bias = bias;
    options.D0 = &parent;
    claim_fit(claim, &X, &options, &m, &converged);
    struct ndl_matrix Z = claim_dense(claim, &m), R = claim_residuals(claim, &X, &m);
    const double normal[2] = {-m.D.v[1], m.D.v[0]};

    struct plane f = plane_of(&X, bias);
    struct trial t = {.tilt = atan2(m.D.v[1], m.D.v[0]),
                      .predicted = predicted_tilt(&f, lambda),
                      .principal = predicted_tilt(&f, 0),
                      .before = torque(&f, lambda, 0)};
    double shift = bias ? lambda / 2 / (1 - f.rate) : lambda / 2;
    double mass = f.mean[0] * cos(t.predicted) + f.mean[1] * sin(t.predicted) - f.rate * shift;
    t.along_predicted = lambda / 2 * mass * sin(t.predicted);
    t.along = measure_covariance(&Z, 0, &R, u, bias);
    t.across = measure_covariance(&Z, 0, &R, normal, bias);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&R);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
    return t;
}

/** ## Tilt against the child's probability */
static void try_children(struct claim *claim)
{
    double error = 0, error_principal = 0, across = 0, along_error = 0;
    double along_least = DBL_MAX, before_least = DBL_MAX;
    claim_table(claim, "child",
                "bias - 0 whether it is free\n"
                "child 1 0 probability of the child given the parent\n"
                "measured rad 1e-6 tilt, mean of the trials\n"
                "error rad 1e-6 standard error\n"
                "low rad 1e-6 least\n"
                "high rad 1e-6 largest\n"
                "predicted rad 1e-6 mean of the trials");
    for (int bias = 0; bias < 2; bias++) {
        for (int c = 1; c <= 9; c++) {
            double sum = 0, squares = 0, low = DBL_MAX, high = -DBL_MAX, predicted = 0;
            for (size_t trial = 0; trial < TRIALS; trial++) {
                struct trial t =
                    run_trial(claim, c / 10.0, LAMBDA, bias, 10000 + 100 * (uint64_t)c + trial);
                sum += t.tilt / TRIALS;
                squares += t.tilt * t.tilt / TRIALS;
                predicted += t.predicted / TRIALS;
                keep_min(&low, t.tilt);
                keep_max(&high, t.tilt);
                keep_max(&error, fabs(t.tilt - t.predicted));
                keep_max(&error_principal, fabs(t.tilt - t.principal));
                keep_max(&across, fabs(t.across));
                keep_max(&along_error, fabs(t.along - t.along_predicted));
                keep_min(&along_least, fabs(t.along));
                keep_min(&before_least, fabs(t.before));
            }
            double spread = sqrt(fmax(0, squares - sum * sum) / (TRIALS - 1));
            claim_row(claim, bias, c / 10.0, sum, spread, low, high, predicted);
        }
        claim_table_break(claim);
    }
    claim_values(
        claim, NULL,
        {"error", error, CLAIM_NOT_COMPARED, "largest |measured - predicted| tilt, radians"},
        {"error_principal", error_principal, CLAIM_NOT_COMPARED,
         "the same with lambda left out of the prediction: the principal axis"},
        {"across", across, CLAIM_NOT_COMPARED, "largest |Cov(z, n.r)| at the end"},
        {"along_error", along_error, CLAIM_NOT_COMPARED,
         "largest |measured - predicted| Cov(z, u.r) at the end"},
        {"along", along_least, CLAIM_CONVERGED, "least |Cov(z, u.r)| at the end"},
        {"before", before_least, CLAIM_CONVERGED, "least |torque| before the atom tilts"});
}

/** ## Covariance against lambda */
static void try_lambdas(struct claim *claim)
{
    static const double LAMBDAS[] = {0.01, 0.02, 0.04, 0.08, 0.16, 0.3};
    claim_table(claim, "lambda",
                "lambda unit 0 penalty\n"
                "before unit^2 1e-6 Cov(z, s) at the start, mean of the trials\n"
                "along unit^2 1e-6 Cov(z, u.r) at the end\n"
                "predicted unit^2 1e-6 (lambda/2) m u.d\n"
                "across unit^2 inf |Cov(z, n.r)| at the end");
    for (size_t l = 0; l < sizeof LAMBDAS / sizeof *LAMBDAS; l++) {
        double mean[4] = {0};
        for (size_t trial = 0; trial < TRIALS; trial++) {
            struct trial t = run_trial(claim, 0.4, LAMBDAS[l], true, 20000 + trial);
            mean[0] += t.before / TRIALS;
            mean[1] += t.along / TRIALS;
            mean[2] += t.along_predicted / TRIALS;
            mean[3] += fabs(t.across) / TRIALS;
        }
        claim_row(claim, LAMBDAS[l], mean[0], mean[1], mean[2], mean[3]);
    }
}

/** ## One draw, to look at */
static void show_cloud(struct claim *claim)
{
    const struct missing_child brood = {.rate = 0.5, .child = 0.4};
    const double u[2] = {0, 1};
    double s[SAMPLES];
    struct ndl_matrix X = claim_matrix(claim, SAMPLES, 2), parent = {1, 2, (double[]){1, 0}};
    gsl_rng *rng = claim_rng(claim, 30000);
    draw_missing_child(rng, &brood, &parent, u, s, &X);
    double loss;
    struct ndl_model m = claim_fit_from(claim, &X, &parent, LAMBDA, true, &loss);
    claim_table(claim, "cloud",
                "what - 0 0: nothing fires, 1: the parent, 2: parent and child, 3: bias, 4: atom\n"
                "x1 unit 1e-6 along the parent\n"
                "x2 unit 1e-6 along the child");
    for (size_t i = 0; i < SAMPLES; i++) {
        const double *x = ndl_row(&X, i);
        claim_row(claim, s[i] > 0 ? 2 : x[0] > 0, x[0], x[1]);
    }
    claim_row(claim, 3, m.b.v[0], m.b.v[1]);
    claim_row(claim, 4, m.D.v[0], m.D.v[1]);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Compares the tilt of a parent's atom towards a child without an atom with its equation.\v"
        "Example: tilt --seed 7 --out build/results");
    try_children(claim);
    try_lambdas(claim);
    show_cloud(claim);
    claim_values(claim, NULL, {"lambda", LAMBDA, CLAIM_EXACT, "lambda where it is not stated"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws of every experiment"});
    return claim_end(claim);
}

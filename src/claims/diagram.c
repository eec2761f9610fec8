/** # Two features: merged or recovered

Two features $v_1, v_2$ (unit vectors at an angle $\theta$) fire alone with
probabilities $a$ and $b$ and together with probability $c$: the data are $v_1$, $v_2$ and
$v_1+v_2$. Two unit atoms, no bias, and the loss
$$F = \mathbb{E}\min_{z\ge0}\Bigl[\tfrac12|y-\textstyle\sum_k z_kd_k|^2+\alpha\sum_kz_k\Bigr],$$
which is half of (P) per sample with $\lambda=2\alpha$. At $b=0$ feature 2 is a child of
feature 1, and the optimum is $v_1$ and the bisector: *merging*. With $b$ large the
atoms are near $v_1$ and $v_2$: *recovery*.

**Claim.** The minimisers that brute force found are the global ones, and the boundary
$b^*(\theta,\alpha)$ where the joint sample stops being coded by one atom alone is known
exactly: below a critical angle it is a closed form and the second atom leaves the
bisector continuously; above, two smooth pieces have equal minima and the atom jumps.
The limit $\alpha\to0$ is the subject of [tricritical](tricritical.html).

- Reads nothing: the problem is in closed form (the cross-check by the general solver uses
  `--seed`).
- Writes: `diagram.tsv`; `diagram-boundary`, measured and predicted boundary for $a=c$.
- Falsified by: a global minimiser elsewhere, a boundary measured by bisection that differs
  from the prediction, or a jump where none is predicted. */
#include <gsl/gsl_math.h>

#include "kit/claim.h"
#include "kit/two_features.h"

static const double DEGREE = M_PI / 180;

/** ## The minimisers

All is planar and every sample's code has at most four active sets, so that $F$ is
smooth in pieces with closed forms (`two_features.c`). Its global minimum is compared with
six minimisers that a brute-force grid had found, and with the general solver on
data that repeat each sample in proportion to its probability. */
/* the brute-force minimisers, degrees */
static const struct {
    double theta, alpha, b, phi[2];
} KNOWN[] = {{60, .02, .01, {0, 30.165}},     {60, .02, .02, {.303, 45.086}},
             {60, .02, .10, {.588, 57.146}},  {90, .10, .05, {0, 46.397}},
             {90, .10, .10, {2.426, 69.818}}, {90, .10, .20, {3.924, 81.000}}};
enum { KNOWNS = sizeof KNOWN / sizeof KNOWN[0], ROWS = 200 };

static struct two_features known_world(int i, double alpha)
{
    double b = KNOWN[i].b;
    return (struct two_features){KNOWN[i].theta * DEGREE, alpha, {(1 - b) / 2, b, (1 - b) / 2}};
}

/* The largest deviation, in degrees, from the six known minimisers. */
static double known_error(double alpha_factor)
{
    double worst = 0;
    for (int i = 0; i < KNOWNS; i++) {
        struct two_features two = known_world(i, alpha_factor * KNOWN[i].alpha);
        double phi[2];
        two_features_minimise(&two, phi);
        for (int k = 0; k < 2; k++)
            worst = fmax(worst, fabs(phi[k] / DEGREE - KNOWN[i].phi[k]));
    }
    return worst;
}

/* The general solver on 200 samples with the same frequencies and lambda = factor * alpha. */
static void compare_solver(const struct claim *claim, int i, double factor, double *loss_error,
                           double *angle_error)
{
    struct two_features two = known_world(i, KNOWN[i].alpha);
    const double angle[TWO_EVENTS] = {0, two.theta, two.theta / 2};
    const double rho[TWO_EVENTS] = {1, 1, 2 * cos(two.theta / 2)};
    double x[TWO_EVENTS][2];
    size_t first[TWO_EVENTS];
    for (size_t e = 0; e < TWO_EVENTS; e++) {
        x[e][0] = rho[e] * cos(angle[e]);
        x[e][1] = rho[e] * sin(angle[e]);
    }
    const struct ndl_matrix kinds = {TWO_EVENTS, 2, x[0]};
    struct ndl_matrix X = claim_repeat(claim, &kinds, two.w, ROWS, first);
    struct ndl_fit_options options = ndl_fit_defaults(2, factor * two.alpha);
    options.bias = false;
    options.seed = claim_seed(claim);
    options.starts = 20;
    struct ndl_model model;
    double loss = claim_fit(claim, &X, &options, &model, NULL);
    double phi[2], found[2], least = two_features_minimise(&two, phi).f;
    for (size_t k = 0; k < 2; k++)
        found[k] = atan2(ndl_row(&model.D, k)[1], ndl_row(&model.D, k)[0]);
    size_t swap = found[0] > found[1];
    for (size_t k = 0; k < 2; k++)
        *angle_error = fmax(*angle_error, fabs(found[k ^ swap] - phi[k]));
    *loss_error = fmax(*loss_error, fabs(loss / (2 * ROWS) / least - 1));
    ndl_model_free(&model);
    ndl_matrix_free(&X);
}

static void check_minimisers(struct claim *claim)
{
    double loss = 0, angle = 0, loss_half = 0, angle_half = 0;
    for (int i = 0; i < KNOWNS; i++) {
        compare_solver(claim, i, 2, &loss, &angle);
        compare_solver(claim, i, 1, &loss_half, &angle_half);
    }
    claim_scalar(claim, "known.count", KNOWNS, CLAIM_EXACT, "minimisers found by brute force");
    claim_scalar(claim, "known.error", known_error(1), CLAIM_CONVERGED,
                 "largest deviation from them, degrees");
    claim_scalar(claim, "known.error_half", known_error(0.5), CLAIM_CONVERGED,
                 "the same with alpha halved");
    claim_scalar(claim, "solver.loss", loss, CLAIM_NOT_COMPARED,
                 "largest relative difference of the general solver's loss");
    claim_scalar(claim, "solver.angle", angle, CLAIM_NOT_COMPARED,
                 "largest difference of its atoms, radians");
    claim_scalar(claim, "solver.loss_half", loss_half, CLAIM_CONVERGED,
                 "the same with lambda = alpha instead of 2 alpha");
    claim_scalar(claim, "solver.angle_half", angle_half, CLAIM_CONVERGED,
                 "the same with lambda = alpha");
}

/* Without lone firing of feature 2, and with plenty of it. */
static void check_ends(struct claim *claim)
{
    const double theta = 60 * DEGREE, alpha = 0.02;
    double phi[2];
    struct two_features none = two_features_problem(theta, alpha, 0),
                        plenty = {theta, alpha, {1 / 3., 1 / 3., 1 / 3.}};
    double f = two_features_minimise(&none, phi).f,
           merged = alpha * (0.5 + cos(theta / 2)) - alpha * alpha / 2;
    claim_scalar(claim, "ends.theta", theta / DEGREE, CLAIM_EXACT,
                 "angle at which b = 0 and a = b = c are tried, degrees");
    claim_scalar(claim, "ends.alpha", alpha, CLAIM_EXACT, "penalty there");
    claim_scalar(claim, "none.cosine", cos(theta - phi[1]), CLAIM_CONVERGED, "d_2 . v_2 at b = 0");
    claim_scalar(claim, "none.loss_error", fabs(f - merged), CLAIM_NOT_COMPARED,
                 "|F - closed form| at b = 0");
    claim_scalar(claim, "none.loss_error_recovered", fabs(f - 1.5 * alpha), CLAIM_CONVERGED,
                 "|F - its leading order with the features as atoms| at b = 0");
    two_features_minimise(&plenty, phi);
    claim_scalar(claim, "plenty.cosine", fmin(cos(phi[0]), cos(theta - phi[1])), CLAIM_CONVERGED,
                 "the smaller of d_1 . v_1 and d_2 . v_2 at a = b = c");
}

/** ## The boundary, exactly

In the merged piece the first atom serves $v_1$ alone and sits on it; the second, at
$\frac\theta2+\eta$, balances its two samples,
$$c\rho\sin\eta\,(\rho\cos\eta-\alpha)
=b\sin(\tfrac\theta2-\eta)\,(\cos(\tfrac\theta2-\eta)-\alpha),\qquad
\rho=2\cos\tfrac\theta2.$$
The piece ends where the first atom enters the code of the joint sample,
$\rho\sin\eta=\alpha\tan(\frac\theta4+\frac\eta2)$. The two equations give $b/c$ at the end of the
piece exactly. $F$ is continuously differentiable, so if its Hessian beyond the end is
positive definite the minimum crosses continuously and the boundary is there. If
not, some direction descends beyond the end, and the minimum has jumped before.

The boundary is then where the minima of the two pieces are equal. The pair piece is
followed from the end of the merged one, where its minimum is reached from recovery,
with the secant method for $\beta=b/(\alpha c)$. */
static double pieces_differ(double theta, double alpha, double beta, double merged[2],
                            double pair[2])
{
    const int single[TWO_EVENTS] = {TWO_FIRST, TWO_SECOND, TWO_SECOND};
    const int both[TWO_EVENTS] = {TWO_FIRST, TWO_SECOND, TWO_PAIR};
    struct two_features two = two_features_problem(theta, alpha, beta);
    return (two_features_polish(&two, merged, single).f - two_features_polish(&two, pair, both).f) /
           alpha;
}

static double predicted_boundary(double theta, double alpha, double *jump)
{
    double beta, merged[2] = {0, theta / 2}, pair[2] = {0, theta};
    two_features_merged_end(theta, alpha, &beta);
    *jump = 0;
    if (two_features_curvature(theta, alpha) > 0)
        return beta;
    double f = pieces_differ(theta, alpha, beta, merged, pair), step = -beta * 1e-5;
    for (int iteration = 0; iteration < 50 && fabs(step) > 1e-13; iteration++) {
        double f_before = f;
        beta += step;
        f = pieces_differ(theta, alpha, beta, merged, pair);
        step = f == f_before ? 0 : -f * step / (f - f_before);
    }
    *jump = pair[1] - merged[1];
    return beta;
}

static bool stopped_merging(double theta, const double phi[2],
                            const struct two_features_value *least)
{
    (void)theta, (void)phi;
    return least->use[TWO_BOTH] == TWO_PAIR;
}

static void check_boundary(struct claim *claim)
{
    const double alphas[] = {0.02, 0.1};
    double continuous = 0, first_order = 0, jump_error = 0, end_error = 0, largest = 0;
    size_t disagree = 0, jumps = 0, points = 0;
    claim_table(claim, "boundary",
                "alpha 1 0 penalty\n"
                "theta degree 0 angle of the features\n"
                "measured 1 1e-5 b / (alpha c) where the global minimiser stops merging\n"
                "predicted 1 1e-6 closed form, or equal pieces\n"
                "jump degree 1e-2 measured jump of the second atom\n"
                "jump_predicted degree 1e-4 of the two pieces");
    for (size_t i = 0; i < 2; i++) {
        for (int degrees = 40; degrees <= 140; degrees += 5) {
            double theta = degrees * DEGREE, below[2] = {0, 0}, above[2] = {0, 0}, jump, end;
            double measured =
                two_features_threshold(theta, alphas[i], 0.2, 6, stopped_merging, below, above);
            double predicted = predicted_boundary(theta, alphas[i], &jump),
                   moved = above[1] - below[1];
            double *error = jump > 0 ? &first_order : &continuous;
            *error = fmax(*error, fabs(measured / predicted - 1));
            jump_error = fmax(jump_error, fabs(moved - jump));
            largest = fmax(largest, jump);
            two_features_merged_end(theta, alphas[i], &end);
            end_error = fmax(end_error, fabs(measured / end - 1));
            disagree += (moved > 0.01) != (jump > 0);
            jumps += moved > 0.01;
            claim_row(claim, alphas[i], degrees, measured, predicted, moved / DEGREE,
                      jump / DEGREE);
            claim_progress(claim, ++points, 42, "boundary");
        }
        claim_table_break(claim);
    }
    claim_scalar(claim, "boundary.points", (double)points, CLAIM_EXACT,
                 "pairs (alpha, theta) of the table");
    claim_scalar(claim, "boundary.continuous", continuous, CLAIM_NOT_COMPARED,
                 "largest relative error of the closed form where no jump is predicted");
    claim_scalar(claim, "boundary.first_order", first_order, CLAIM_NOT_COMPARED,
                 "largest relative error of equal pieces where one is");
    claim_scalar(claim, "boundary.end_error", end_error, CLAIM_CONVERGED,
                 "largest relative error if the closed form is used everywhere");
    claim_scalar(claim, "boundary.jump_error", jump_error, CLAIM_NOT_COMPARED,
                 "largest error of the predicted jump, radians");
    claim_scalar(claim, "boundary.jump_error_none", largest, CLAIM_CONVERGED,
                 "the same if none is predicted");
    claim_scalar(claim, "boundary.disagree_none", (double)jumps, CLAIM_EXACT,
                 "points with a jump above 0.01 radians");
    claim_scalar(claim, "boundary.jump_largest", largest / DEGREE, CLAIM_CONVERGED,
                 "largest predicted jump, degrees");
    claim_scalar(
        claim, "boundary.disagree", (double)disagree, CLAIM_EXACT,
        "points with a jump above 0.01 radians where none is predicted, or none where one is");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Finds the global minimisers of the two-feature problem and "
                                      "the boundary between merging and recovery.\v"
                                      "Example: diagram --out build/results");
    check_minimisers(claim);
    check_ends(claim);
    check_boundary(claim);
    return claim_end(claim);
}

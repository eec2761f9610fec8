/** # A tree norm that leaves parents free keeps the true tree

Claim `treemax`.  An orthogonal hierarchy is stationary iff the parent's code costs nothing at the
margin wherever its child fires.  The tree-structured $\ell_\infty$ norm (Jenatton et al. 2010)
does this if it is given a scale: with

$$ \Omega(z) = \sum_n G_n, \qquad G_n = \max(z_n, \alpha \max_{\text{children } m} G_m) $$

and $\alpha z_c > z_p$ on the child's samples, the truth itself is stationary, without a tilt.  The
price is the same law read backwards: the child's atom must be *orthogonal* to its parent's.  If two
features are declared child and parent and have a cosine $h$, the move
$z_p \mathrel{+}= \epsilon z_c$, $d_c \mathrel{-}= \epsilon d_p$ is free where the child fires and
shortens its atom, so that the norm falls at the rate $(1 + \alpha)\, h\, m_c$.  If the tree is
right, the opposite move is feasible as well, and $h < 0$ falls at $(1 + \alpha) |h| m_c$.

- Reads nothing: forests of orthonormal features are drawn.
- Writes: `treemax.tsv`; `treemax-tilt` (the norm against a tilt), `treemax-cosine` (the steepest
  descent against the cosine).
- Falsified by: a direction of descent at an orthogonal truth; another slope for a wrong tree. */
#include "kit/claim.h"
#include "kit/forest.h"

static const double ALPHA = 2, ONES[FOREST_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
/* So many samples that no feature fires only where its sibling does, which in 300 happened once in
 * 800 draws, and is one more hierarchy. */
enum { TRIALS = 10, SAMPLES = 1000 };

/* Magnitudes in [0.8, 1.2], so that alpha = 2 suffices and alpha = 1/2 does not. */
static const struct forest FORESTS[] = {{2, 2, 2, true, 0.4, 0.3, 0.8, 1.2},
                                        {2, 2, 2, false, 0.4, 0.3, 0.8, 1.2},
                                        {1, 2, 3, true, 0.5, 0.4, 0.8, 1.2},
                                        {1, 2, 3, false, 0.5, 0.4, 0.8, 1.2}};
enum { KINDS = sizeof FORESTS / sizeof *FORESTS };

/** ## No direction descends at the truth

All directions that keep the reconstruction are tried at once, by linear programming, for a
vanishing penalty. */
static double descent_at(const struct claim *claim, const struct forest *f,
                         const struct forest_shape *tree, uint64_t stream, double tilt,
                         double alpha)
{
    struct forest_shape shape = forest_shape(f);
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix Y = forest_draw(claim, rng, f, SAMPLES), D, U;
    forest_tilt(claim, &shape, &Y, tilt, &D, &U);
    double slope = forest_descent(claim, &D, &U, &(struct tree_penalty){tree, ONES, alpha});
    ndl_matrix_free(&Y);
    ndl_matrix_free(&D);
    ndl_matrix_free(&U);
    gsl_rng_free(rng);
    return slope;
}

static void certify(struct claim *claim)
{
    double truth = 0, small = -HUGE_VAL, tilted = -HUGE_VAL, plain = -HUGE_VAL, wrong = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        const struct forest *f = &FORESTS[kind];
        struct forest_shape shape = forest_shape(f);
        struct forest independent = {shape.K, 0, 1, false, 0.25, 0, 0.8, 1.2};
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            uint64_t stream = 100 * kind + trial;
            keep_min(&truth, descent_at(claim, f, &shape, stream, 0, ALPHA));
            keep_max(&small, descent_at(claim, f, &shape, stream, 0, 0.5));
            keep_max(&tilted, descent_at(claim, f, &shape, stream, 0.1, ALPHA));
            keep_max(&plain, descent_at(claim, f, &shape, stream, 0, 0));
            keep_min(&wrong, descent_at(claim, &independent, &shape, stream, 0, ALPHA));
        }
    }
    claim_values(claim, "descent",
                 {"truth", truth, CLAIM_NOT_COMPARED, "steepest descent at the true trees"},
                 {"small", small, 1e-6, "the same with alpha = 0.5, the least steep"},
                 {"tilted", tilted, 1e-6, "the same with atoms tilted by 0.1 to their parents"},
                 {"plain", plain, 1e-6, "the same with the L1 norm"},
                 {"independent", wrong, CLAIM_NOT_COMPARED,
                  "independent orthonormal features, for which the tree is wrong"});
}

/** ## Where along the tilt the norm is least

The family of `forest_tilt`: the parent's code falls by $e$ times the child's. */
static double norm_at(const struct claim *claim, const struct forest *f, const struct ndl_matrix *Y,
                      double e, double alpha)
{
    struct forest_shape shape = forest_shape(f);
    struct ndl_matrix D, U;
    double sum = 0, G[FOREST_MAX];
    forest_tilt(claim, &shape, Y, e, &D, &U);
    for (size_t i = 0; i < U.rows; i++)
        for (size_t n = shape.K; n-- > 0;) { /* children before parents */
            G[n] = fmax(0, ndl_row(&U, i)[n]);
            for (size_t m = n + 1; m < shape.K; m++)
                if (shape.parent[m] == n)
                    G[n] = fmax(G[n], alpha * G[m]);
            sum += G[n] / (double)U.rows;
        }
    ndl_matrix_free(&D);
    ndl_matrix_free(&U);
    return sum;
}

static void try_tilts(struct claim *claim)
{
    static const double ALPHAS[] = {0.5, 1, 2};
    const struct forest *f = &FORESTS[0];
    gsl_rng *rng = claim_rng(claim, 1000);
    struct ndl_matrix Y = forest_draw(claim, rng, f, 2000);
    double best[3], least[3] = {HUGE_VAL, HUGE_VAL, HUGE_VAL}, at_truth[3];
    claim_table(claim, "tilt",
                "tilt 1 0 e\n"
                "half 1 1e-9 mean norm over that at the truth, alpha 1/2\n"
                "one 1 1e-9 alpha 1\n"
                "two 1 1e-9 alpha 2");
    for (int a = 0; a < 3; a++)
        at_truth[a] = norm_at(claim, f, &Y, 0, ALPHAS[a]);
    for (int step = -20; step <= 60; step++) {
        double e = step / 100.0,
               value[3]; /* below min s/t = 2/3: the parent's codes stay positive */
        for (int a = 0; a < 3; a++) {
            value[a] = norm_at(claim, f, &Y, e, ALPHAS[a]) / at_truth[a];
            if (value[a] < least[a]) {
                least[a] = value[a];
                best[a] = e;
            }
        }
        claim_row(claim, e, value[0], value[1], value[2]);
    }
    claim_values(claim, "tilt",
                 {"two", fabs(best[2]), CLAIM_EXACT, "|tilt| of the least norm, alpha 2"},
                 {"one", fabs(best[1]), 0.011, "alpha 1, the norm without a scale"},
                 {"half", fabs(best[0]), 0.011, "alpha 1/2"});
    ndl_matrix_free(&Y);
    gsl_rng_free(rng);
}

/** ## What the tree forbids

Two features at the cosine $h$, declared parent and child: rightly, or wrongly. */
static double descent_of_pair(const struct claim *claim, const struct ndl_matrix *Z, double h,
                              double alpha)
{
    struct forest pair = {.roots = 1, .branches = 1, .depth = 2};
    struct forest_shape shape = forest_shape(&pair);
    struct ndl_matrix D = forest_truth(claim, 2);
    ndl_row(&D, 1)[0] = h;
    ndl_row(&D, 1)[1] = sqrt(1 - h * h);
    double slope = forest_descent(claim, &D, Z, &(struct tree_penalty){&shape, ONES, alpha});
    ndl_matrix_free(&D);
    return slope;
}

static void try_cosines(struct claim *claim)
{
    struct forest family = {1, 1, 2, false, 0.5, 0.5, 0.8, 1.2},
                  strangers = {2, 0, 1, false, 0.3, 0, 0.8, 1.2};
    gsl_rng *rng = claim_rng(claim, 2000);
    struct ndl_matrix right = forest_draw(claim, rng, &family, SAMPLES),
                      wrong = forest_draw(claim, rng, &strangers, SAMPLES);
    double m_right = measure_column_mean(&right, 1), m_wrong = measure_column_mean(&wrong, 1);
    double right_error = 0, wrong_error = 0, unscaled = 0, plain = 0;
    claim_table(
        claim, "cosine",
        "cosine 1 0 h\n"
        "right unit 1e-6 steepest descent, child and parent\n"
        "right_predicted unit 1e-9 -(1 + alpha) |h| m_c\n"
        "wrong unit 1e-6 steepest descent, two independent features declared child and parent\n"
        "wrong_predicted unit 1e-9 -(1 + alpha) max(h, 0) m_c\n"
        "plain unit 1e-6 independent features, L1");
    for (int step = -5; step <= 5; step++) {
        double h = step / 10.0, at_right = descent_of_pair(claim, &right, h, ALPHA),
               at_wrong = descent_of_pair(claim, &wrong, h, ALPHA),
               at_plain = descent_of_pair(claim, &wrong, h, 0),
               to_right = -(1 + ALPHA) * fabs(h) * m_right,
               to_wrong = -(1 + ALPHA) * fmax(h, 0) * m_wrong;
        keep_max(&right_error, fabs(at_right - to_right));
        keep_max(&wrong_error, fabs(at_wrong - to_wrong));
        keep_max(&unscaled, fabs(at_wrong - to_wrong / (1 + ALPHA)));
        keep_min(&plain, at_plain);
        claim_row(claim, h, at_right, to_right, at_wrong, to_wrong, at_plain);
    }
    claim_values(claim, "cosine",
                 {"right_error", right_error, CLAIM_NOT_COMPARED,
                  "largest error of the predicted slope, the tree being right"},
                 {"wrong_error", wrong_error, CLAIM_NOT_COMPARED,
                  "largest error of the predicted slope, the tree being wrong"},
                 {"unscaled_error", unscaled, 1e-6, "the same with alpha left out of the formula"},
                 {"half_slope", descent_of_pair(claim, &wrong, 0.5, ALPHA), 1e-6,
                  "the slope at the cosine 1/2, the tree being wrong"},
                 {"plain", plain, CLAIM_NOT_COMPARED,
                  "steepest descent with the L1 norm at any of these cosines"});
    ndl_matrix_free(&right);
    ndl_matrix_free(&wrong);
    gsl_rng_free(rng);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Shows that a scaled tree norm is stationary at the true tree, and what it costs if the "
        "tree is wrong.\vExample: treemax --seed 7 --out build/results");
    certify(claim);
    try_tilts(claim);
    try_cosines(claim);
    claim_values(claim, NULL, {"alpha", ALPHA, CLAIM_EXACT, "alpha"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws"},
                 {"samples", SAMPLES, CLAIM_EXACT, "N of each"});
    return claim_end(claim);
}

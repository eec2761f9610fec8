/** # Penalties that are cheaper towards the root keep a tree

Claim `levels`.  Let the codes of feature $k$ cost $\lambda_k$ per unit, unit atoms.  A child $j$
that fires only where its parent $k$ does has $2 r_i \cdot d_k = \lambda_k$ on its samples, and its
atom's condition contracted with $d_k$ says

$$ d_j \cdot d_k = \lambda_k / \lambda_j : $$

equal penalties allow no hierarchy, a parent cheaper by $\kappa$ keeps it at the cosine $\kappa$.
With $\lambda = \kappa^{\mathrm{height}}$ along a tree the atom of a node is $d_j \propto v_j + e\,
d_{\mathrm{parent}}$, $e = \kappa / \sqrt{1 - \kappa^2}$, and every descendant is at the cosine
$\kappa^{\mathrm{distance}}$ from its ancestor.

- Reads nothing: forests of orthonormal features are drawn.
- Writes: `levels.tsv`; `levels-law` (cosines against kappa), `levels-descent` (the steepest descent
  against the tilt), `levels-cheap` (where a composite takes the cheap atom).
- Falsified by: a direction of descent at the tilted tree; a strict pair of an optimum at another
  cosine; another price than predicted. */
#include <gsl/gsl_math.h>

#include "kit/claim.h"
#include "kit/forest.h"
#include "kit/weighted.h"

static const double KAPPA = 0.3, LAMBDA = 0.1;
enum { TRIALS = 5, SAMPLES = 400 };

static double tilt_of(double kappa)
{
    return kappa / sqrt(1 - kappa * kappa);
}

/* kappa^height, leaves having height 0. */
static void level_weights(const struct forest *f, const struct forest_shape *shape, double kappa,
                          double *w)
{
    for (size_t k = 0; k < shape->K; k++)
        w[k] = pow(kappa, (double)(f->depth - 1 - shape->level[k]));
}

/** ## No direction descends

For a vanishing penalty all directions that keep the reconstruction are tried at once, by linear
programming: at the tilted tree, at the truth, with a tilt that is ten per cent too large, and at
the truth with equal penalties. */
static const struct forest FORESTS[] = {
    {.roots = 3, .branches = 2, .depth = 2, .exclusive = true, .root = 0.3, .branch = 0.25},
    {.roots = 3, .branches = 2, .depth = 2, .exclusive = false, .root = 0.3, .branch = 0.25},
    {.roots = 2, .branches = 2, .depth = 3, .exclusive = true, .root = 0.4, .branch = 0.35},
    {.roots = 2, .branches = 2, .depth = 3, .exclusive = false, .root = 0.4, .branch = 0.35}};
enum { KINDS = sizeof FORESTS / sizeof *FORESTS };

static struct forest forest_of(size_t kind)
{
    struct forest f = FORESTS[kind];
    f.low = 0.8;
    f.high = 1.2;
    return f;
}

static double descent_at(const struct claim *claim, const struct forest *f, uint64_t stream,
                         double tilt, double kappa)
{
    struct forest_shape shape = forest_shape(f);
    double w[FOREST_MAX];
    level_weights(f, &shape, kappa, w);
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix Y = forest_draw(claim, rng, f, SAMPLES), D, U;
    forest_tilt(claim, &shape, &Y, tilt, &D, &U);
    double slope = forest_descent(claim, &D, &U, &(struct tree_penalty){&shape, w, 0});
    ndl_matrix_free(&Y);
    ndl_matrix_free(&D);
    ndl_matrix_free(&U);
    gsl_rng_free(rng);
    return slope;
}

static void certify(struct claim *claim)
{
    double tilted = 0, truth = -HUGE_VAL, further = -HUGE_VAL, plain = -HUGE_VAL;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct forest f = forest_of(kind);
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            uint64_t stream = 100 * kind + trial;
            double e = tilt_of(KAPPA);
            keep_min(&tilted, descent_at(claim, &f, stream, e, KAPPA));
            keep_max(&truth, descent_at(claim, &f, stream, 0, KAPPA));
            keep_max(&further, descent_at(claim, &f, stream, 1.1 * e, KAPPA));
            keep_max(&plain, descent_at(claim, &f, stream, 0, 1));
        }
    }
    claim_values(claim, "descent",
                 {"tilted", tilted, CLAIM_NOT_COMPARED, "steepest descent at the tilted trees"},
                 {"truth", truth, 1e-6, "the same at the true atoms, the least steep"},
                 {"further", further, 1e-6, "the same at 1.1 times the tilt"},
                 {"plain", plain, 1e-6, "the same at the true atoms with equal penalties"});
    claim_table(claim, "descent",
                "tilt 1 0 e over that of the law\n"
                "depth2 unit 1e-6 steepest descent per sample, exclusive children\n"
                "depth3 unit 1e-6 the same in a tree of depth 3");
    for (int step = 0; step <= 12; step++) {
        double e = tilt_of(KAPPA) * step / 6;
        struct forest two = forest_of(0), three = forest_of(2);
        claim_row(claim, step / 6.0, descent_at(claim, &two, 0, e, KAPPA),
                  descent_at(claim, &three, 200, e, KAPPA));
    }
}

/** ## The law at a penalty that does not vanish

The solver of the library has one $\lambda$; `weighted_fit` has one per atom. */
/* How far cosines are from kappa^distance, and the mean cosine at distances 1 and 2. */
struct law {
    double error, cosine[3], residual, silent;
};

/* Trees of depth 3 from the truth; the codes' penalties are those of `kappa`, the law is that of
 * `expected`.  `silent`: the share of a child's samples on which its parent is off, the most. */
static struct law run(const struct claim *claim, uint64_t stream, double kappa, double expected)
{
    struct forest f = {.roots = 1,
                       .branches = 2,
                       .depth = 3,
                       .exclusive = true,
                       .root = 0.5,
                       .branch = 0.4,
                       .low = 0.8,
                       .high = 1.2};
    struct forest_shape shape = forest_shape(&f);
    double lambda[FOREST_MAX];
    level_weights(&f, &shape, kappa, lambda);
    for (size_t k = 0; k < shape.K; k++)
        lambda[k] *= LAMBDA;
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix X = forest_draw(claim, rng, &f, SAMPLES);
    struct ndl_matrix D = forest_truth(claim, shape.K), Z;
    struct law law = {.residual = weighted_fit(claim, &X, lambda, &D, &Z)};
    double pairs[3] = {0};
    for (size_t j = 0; j < shape.K; j++)
        for (size_t k = 0; k < shape.K; k++) {
            size_t distance = forest_distance(&shape, j, k);
            if (distance == 0)
                continue;
            double h = 0;
            for (size_t a = 0; a < shape.K; a++)
                h += ndl_row(&D, j)[a] * ndl_row(&D, k)[a];
            keep_max(&law.error, fabs(h - pow(expected, (double)distance)));
            keep_max(&law.silent, 1 - measure_cofiring(&Z, j, k));
            law.cosine[distance] += h;
            pairs[distance]++;
        }
    law.cosine[1] /= pairs[1];
    law.cosine[2] /= pairs[2];
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
    return law;
}

static void try_law(struct claim *claim)
{
    double error = 0, residual = 0, silent = 0, plain = HUGE_VAL;
    claim_table(claim, "law",
                "kappa 1 0 ratio of the penalties of a parent and its child\n"
                "parent 1 1e-5 mean cosine of a child and its parent\n"
                "grandparent 1 1e-5 mean cosine of a leaf and the root\n"
                "error 1 inf largest difference from kappa^distance");
    for (int step = 1; step <= 5; step++) {
        double kappa = 0.1 * step;
        struct law mean = {0};
        for (uint64_t trial = 0; trial < TRIALS; trial++) {
            struct law l = run(claim, 1000 + trial, kappa, kappa);
            keep_max(&error, l.error);
            keep_max(&residual, l.residual);
            keep_max(&silent, l.silent);
            keep_max(&mean.error, l.error);
            mean.cosine[1] += l.cosine[1] / TRIALS;
            mean.cosine[2] += l.cosine[2] / TRIALS;
        }
        claim_row(claim, kappa, mean.cosine[1], mean.cosine[2], mean.error);
    }
    for (uint64_t trial = 0; trial < TRIALS; trial++)
        keep_min(&plain, run(claim, 1000 + trial, 1, KAPPA).error);
    claim_values(claim, "law",
                 {"error", error, CLAIM_NOT_COMPARED, "largest |cosine - kappa^distance|"},
                 {"plain", plain, 1e-3, "the same with equal penalties, kappa 0.3 expected"},
                 {"silent", silent, CLAIM_EXACT,
                  "share of a node's samples on which an ancestor is off, the most"},
                 {"residual", residual, CLAIM_NOT_COMPARED, "largest gradient at an end"});
}

/** ## The price: a dear atom must stay within kappa of a cheap one

Multipliers are nonnegative where a feature is off, so for any two features that are sometimes off
together $m_j (1 - h \lambda_j / \lambda_k) \ge 0$.  Two independent features at the cosine $h$, the
first cheap: the largest $h$ at which no direction descends, by bisection. */
static double largest_cosine(const struct claim *claim, uint64_t stream, double kappa)
{
    struct forest f = {.roots = 2, .branches = 0, .depth = 1, .root = 0.3, .low = 0.8, .high = 1.2};
    struct forest_shape shape = forest_shape(&f);
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix Z = forest_draw(claim, rng, &f, SAMPLES), D = forest_truth(claim, 2);
    double low = 0, high = 1;
    for (int step = 0; step < 24; step++) {
        double h = (low + high) / 2;
        ndl_row(&D, 1)[0] = h;
        ndl_row(&D, 1)[1] = sqrt(1 - h * h);
        double slope =
            forest_descent(claim, &D, &Z, &(struct tree_penalty){&shape, (double[]){kappa, 1}, 0});
        *(slope > -1e-9 ? &low : &high) = h;
    }
    ndl_matrix_free(&Z);
    ndl_matrix_free(&D);
    gsl_rng_free(rng);
    return low;
}

/** ## The price: which feature takes the cheap atom?

Parent $s$, child $t$ with probability $q$ given the parent, both magnitudes fixed,
$L = \sqrt{s^2 + t^2}$; for a vanishing penalty. Either the parent is cheap, at the cost
$\kappa s + q t \sqrt{1 - \kappa^2}$, or the composite $s v_p + t v_c$ is, and the dear atom codes
what a parent without its child lacks, at
$q \kappa L + (1 - q)(\kappa s^2 + s t \sqrt{1 - \kappa^2}) / L$.  They are equal at

$$ q_c = \frac{s}{s + L} \quad \text{for every } \kappa . $$

Here is the least cost over all pairs of atoms in the plane, by a grid that closes in, with the
cheap atom nearer to the parent or nearer to the composite. */
struct cheap {
    double kappa, q, s, t;
};

/* The cost per parent sample of exact codes with the cheap atom at angle a, the dear one at b. */
static double cost(const struct cheap *c, double a, double b)
{
    const double x[2][2] = {{c->s, 0}, {c->s, c->t}}, share[2] = {1 - c->q, c->q};
    double sum = 0, det = sin(b - a);
    for (int e = 0; e < 2; e++) {
        double cheap = (x[e][0] * sin(b) - x[e][1] * cos(b)) / det,
               dear = (x[e][1] * cos(a) - x[e][0] * sin(a)) / det;
        if (!(cheap > -1e-12 && dear > -1e-12))
            return HUGE_VAL;
        sum += share[e] * (c->kappa * cheap + dear);
    }
    return sum;
}

static double least_cost(const struct cheap *c, double low, double high)
{
    enum { GRID = 30 };
    double a = (low + high) / 2, b = M_PI / 4, wide_a = (high - low) / 2, wide_b = M_PI * 3 / 4,
           best = HUGE_VAL;
    for (int zoom = 0; zoom < 12; zoom++) {
        double centre_a = a, centre_b = b;
        for (int m = -GRID; m <= GRID; m++)
            for (int n = -GRID; n <= GRID; n++) {
                double try_a = fmin(high, fmax(low, centre_a + wide_a * m / GRID)),
                       try_b = centre_b + wide_b * n / GRID, value = cost(c, try_a, try_b);
                if (value < best) {
                    best = value;
                    a = try_a;
                    b = try_b;
                }
            }
        wide_a /= 10;
        wide_b /= 10;
    }
    return best;
}

static double measured_exchange(struct cheap c)
{
    double low = 0.02, high = 0.98, angle = atan2(c.t, c.s);
    for (int step = 0; step < 20; step++) {
        c.q = (low + high) / 2;
        double parent = least_cost(&c, -0.4, angle / 2),
               composite = least_cost(&c, angle / 2, angle + 0.4);
        *(parent < composite ? &low : &high) = c.q;
    }
    return low;
}

static void try_prices(struct claim *claim)
{
    double bound = 0, equal = 0, exchange = 0, exchanged = 0;
    for (int step = 1; step <= 3; step++) {
        double kappa = 0.2 * step, h = largest_cosine(claim, 2000 + (uint64_t)step, kappa);
        keep_max(&bound, fabs(h - kappa));
        keep_max(&equal, fabs(largest_cosine(claim, 2000 + (uint64_t)step, 1) - kappa));
    }
    claim_table(claim, "cheap",
                "ratio 1 0 t / s\n"
                "kappa 1 0 ratio of the penalties\n"
                "measured 1 1e-5 q at which the composite takes the cheap atom\n"
                "predicted 1 1e-9 s / (s + sqrt(s^2 + t^2))");
    for (int k = 0; k < 2; k++) {
        for (int step = 0; step < 3; step++) {
            double kappa = k ? 0.5 : 0.2, t = 0.6 + 0.4 * step, long_side = sqrt(1 + t * t);
            double q = measured_exchange((struct cheap){.kappa = kappa, .s = 1, .t = t}),
                   predicted = 1 / (1 + long_side);
            keep_max(&exchange, fabs(q - predicted));
            keep_max(&exchanged, fabs(q - t / (t + long_side)));
            claim_row(claim, t, kappa, q, predicted);
        }
        claim_table_break(claim);
    }
    claim_values(
        claim, "price",
        {"bound", bound, CLAIM_NOT_COMPARED, "largest |largest cosine without descent - kappa|"},
        {"equal", equal, 1e-6, "the same with equal penalties"},
        {"exchange", exchange, CLAIM_NOT_COMPARED, "largest |measured - predicted| q_c"},
        {"exchanged", exchanged, 1e-5, "the same with s and t exchanged in the formula"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Shows that penalties cheaper towards the root keep a tree, at which cosines, and at what "
        "price.\vExample: levels --seed 7 --out build/results");
    certify(claim);
    try_law(claim);
    try_prices(claim);
    claim_values(claim, NULL, {"kappa", KAPPA, CLAIM_EXACT, "kappa where it is not stated"},
                 {"lambda", LAMBDA, CLAIM_EXACT, "penalty of a leaf in the solver"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws"}, {"samples", SAMPLES, CLAIM_EXACT, "N"});
    return claim_end(claim);
}

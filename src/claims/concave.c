/** # Concave penalties forbid nothing but hierarchies

Claim `concave`.  Let $\Omega = \sum_k \phi(z_k)$ with $\phi$ concave: $z^p$ with $p < 1$,
$\log(1 + z/\delta)$, $\tanh(cz)$.  By the law for every penalty ([law](law.html)) the point

$$ \frac{\langle z_j \phi'(z_k) \rangle - h_{jk} \langle z_j \phi'(z_j) \rangle}
        {\langle \phi'(z_k) \rangle} $$

must lie in the range of $z_j$ while $k$ is off.  The steeper $\phi$ is at 0, the nearer the point
comes to $\langle z_j \mid k \text{ off} \rangle$, which lies inside of any range: conditions that
L1 violates come to hold.  But if $j$ is on only where $k$ is, the range is a point, 0, and with
orthogonal atoms the slope $-\langle z_j \phi'(z_k) \rangle$ stays negative.

A parent may then be metastable.  With activations in a constant ratio $\rho = s/t$ and the child's
atom $v_c + e v_p$ the penalty $\phi(s - et) + \phi(t\sqrt{1 + e^2})$ has a minimum at $e < \rho$ if
and only if, for $z^p$,

$$ \rho > \rho_c(p) = \min_e \Bigl[ e + \bigl( e (1 + e^2)^{p/2 - 1} \bigr)^{1/(p - 1)} \Bigr] , $$

which is $2\sqrt2$ for the logarithm, $p \to 0$, where it stands at
$e = (\rho - \sqrt{\rho^2 - 8})/4$, and grows without bound as $p \to 1$.  The least penalty is
always that of full absorption, $e = \rho$.

- Reads nothing: the data are drawn.
- Writes: `concave.tsv`; `concave-slopes` (two conditions against $\delta$), `concave-ratio` and
  `concave-curve` ($\rho_c$ against $p$), `concave-path` (the penalty against $e$).
- Falsified by: a slope, or a least ratio, other than predicted. */
#include <float.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/penalty.h"

enum { PARENT, CHILD, FEATURES, SAMPLES = 2000, TRIALS = 20 };

/** ## Two conditions

In the first pair, at a cosine of 0.3, the second feature is faint, at most 0.3, where the first is
off: a chunk of data is missing.  The other is a hierarchy, at a right angle. */
static struct ndl_matrix draw(const struct claim *claim, uint64_t stream, bool hierarchy)
{
    struct ndl_matrix Z = claim_matrix(claim, SAMPLES, FEATURES);
    gsl_rng *rng = claim_rng(claim, stream);
    for (size_t i = 0; i < SAMPLES; i++) {
        double *z = ndl_row(&Z, i);
        bool first = gsl_rng_uniform(rng) < 0.5, second = gsl_rng_uniform(rng) < 0.4;
        z[PARENT] = first ? gsl_ran_flat(rng, 0.8, 1.6) : 0;
        if (hierarchy)
            z[CHILD] = first && second ? gsl_ran_flat(rng, 0.5, 1.2) : 0;
        else
            z[CHILD] = gsl_ran_flat(rng, 0, first ? 2 : 0.3);
    }
    gsl_rng_free(rng);
    return Z;
}

/* The parent's code moves as z_p += eps (c - z_c), with c the upper end of the range of the child's
 * while the parent is off: this is c. */
static double range_end(const struct ndl_matrix *Z)
{
    double end = 0;
    for (size_t i = 0; i < Z->rows; i++)
        if (ndl_row(Z, i)[PARENT] == 0)
            keep_max(&end, ndl_row(Z, i)[CHILD]);
    return end;
}

static double predicted_slope(const struct penalty *p, const struct ndl_matrix *Z, double cosine)
{
    double pull = penalty_pull(p, Z, PARENT);
    double point =
        (penalty_moment(p, Z, CHILD, PARENT) - cosine * penalty_moment(p, Z, CHILD, CHILD)) / pull;
    return pull * (range_end(Z) - point);
}

static double mean_penalty(const struct penalty *p, const struct ndl_matrix *Z, double cosine,
                           double eps)
{
    double end = range_end(Z), length = sqrt(1 + 2 * eps * cosine + eps * eps), sum = 0;
    for (size_t i = 0; i < Z->rows; i++) {
        const double *z = ndl_row(Z, i);
        sum += p->value(
            p, (const double[]){fmax(0, z[PARENT] + eps * (end - z[CHILD])), length * z[CHILD]});
    }
    return sum / (double)Z->rows;
}

/* One-sided, of second order; eps is small beside delta, where phi bends. */
static double measured_slope(const struct penalty *p, const struct ndl_matrix *Z, double cosine,
                             double delta)
{
    double eps = 1e-4 * fmin(1, delta);
    return (4 * mean_penalty(p, Z, cosine, eps) - 3 * mean_penalty(p, Z, cosine, 0) -
            mean_penalty(p, Z, cosine, 2 * eps)) /
           (2 * eps);
}

static void try_conditions(struct claim *claim)
{
    static const double DELTAS[] = {0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 3, 10, 30, 100};
    enum { COUNT = sizeof DELTAS / sizeof *DELTAS };
    double error = 0, plain = 0, chunk[2] = {DBL_MAX, -DBL_MAX}, hierarchy = -DBL_MAX, limit = 0;
    claim_table(claim, "slopes",
                "delta unit 0 of log(1 + z/delta), whose weight makes its slope 1 at z = 1\n"
                "chunk - 1e-6 slope for the pair with the missing chunk, mean of the trials\n"
                "chunk_predicted - 1e-6 predicted\n"
                "hierarchy - 1e-6 slope for the hierarchy\n"
                "hierarchy_predicted - 1e-6 predicted");
    for (size_t d = 0; d < COUNT; d++) {
        double mean[4] = {0}, weight[FEATURES] = {1 + DELTAS[d], 1 + DELTAS[d]};
        struct penalty log_penalty = penalty_log(FEATURES, weight, DELTAS[d]),
                       l1 = penalty_l1(FEATURES, NULL), steep = penalty_log(FEATURES, NULL, 1e-6);
        for (size_t trial = 0; trial < TRIALS; trial++)
            for (int tree = 0; tree < 2; tree++) {
                struct ndl_matrix Z = draw(claim, 2 * trial + (uint64_t)tree, tree);
                double cosine = tree ? 0 : 0.3,
                       measured = measured_slope(&log_penalty, &Z, cosine, DELTAS[d]),
                       predicted = predicted_slope(&log_penalty, &Z, cosine),
                       of_l1 = predicted_slope(&l1, &Z, cosine),
                       pull = penalty_pull(&log_penalty, &Z, PARENT);
                mean[2 * tree] += measured / TRIALS;
                mean[2 * tree + 1] += predicted / TRIALS;
                keep_max(&error, fabs(measured - predicted) / pull);
                keep_max(&plain, fabs(measured / pull - of_l1));
                if (tree)
                    keep_max(&hierarchy, measured);
                if (!tree && d == 0)
                    keep_min(&chunk[0], measured);
                if (!tree && d == COUNT - 1)
                    keep_max(&chunk[1], measured);
                if (!tree && d == 0) { /* the range's end minus the point of a steep penalty */
                    double off = 0, sum = 0;
                    for (size_t i = 0; i < SAMPLES; i++)
                        if (ndl_row(&Z, i)[PARENT] == 0) {
                            off++;
                            sum += ndl_row(&Z, i)[CHILD];
                        }
                    double point = range_end(&Z) - predicted_slope(&steep, &Z, cosine) /
                                                       penalty_pull(&steep, &Z, PARENT);
                    keep_max(&limit, fabs(point - sum / off));
                }
                ndl_matrix_free(&Z);
            }
        claim_row(claim, DELTAS[d], mean[0], mean[1], mean[2], mean[3]);
    }
    claim_values(
        claim, "slope",
        {"error", error, CLAIM_NOT_COMPARED, "largest error of a predicted slope, over <phi'>"},
        {"error_l1", plain, CLAIM_NOT_COMPARED, "the same, if it is that of L1"},
        {"chunk", chunk[0], CLAIM_CONVERGED, "least slope, missing chunk, steep logarithm"},
        {"chunk_flat", chunk[1], CLAIM_CONVERGED, "largest slope, missing chunk, nearly L1"},
        {"hierarchy", hierarchy, CLAIM_CONVERGED, "largest slope, hierarchy, any delta"},
        {"limit", limit, CLAIM_NOT_COMPARED, "largest distance to the mean while off, delta 1e-6"});
}

/** ## Metastable parents

The penalty of the child's samples alone, with $t = 1$.  It falls all the way to full absorption
unless there is a barrier. */
struct path {
    struct penalty penalty;
    double ratio;
};

static double path_penalty(double e, void *context)
{
    const struct path *p = context;
    return p->penalty.value(&p->penalty, (const double[]){fmax(0, p->ratio - e), sqrt(1 + e * e)});
}

static bool has_barrier(struct path *p)
{
    enum { STEPS = 4000 };
    double before = path_penalty(0, p);
    for (int step = 1; step <= STEPS; step++) {
        double now = path_penalty(p->ratio * step / STEPS, p);
        if (now > before)
            return true;
        before = now;
    }
    return false;
}

enum { MOST = 100 };

static double measured_ratio(struct path p)
{
    double low = 1, high = MOST;
    for (int step = 0; step < 45; step++) {
        p.ratio = (low + high) / 2;
        *(has_barrier(&p) ? &high : &low) = p.ratio;
    }
    return high;
}

static double ratio_at(double e, void *context)
{
    double p = *(double *)context;
    return e + pow(e * pow(1 + e * e, p / 2 - 1), 1 / (p - 1));
}

/* The minimum of f over e in (low, high), by Brent's method from a scan. */
static double minimum(gsl_function f, double low, double high, double *at)
{
    double best = low, least = DBL_MAX, width = (high - low) / 2000;
    for (double e = low + width; e < high - width / 2; e += width)
        if (GSL_FN_EVAL(&f, e) < least) {
            least = GSL_FN_EVAL(&f, e);
            best = e;
        }
    gsl_min_fminimizer *m = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    gsl_min_fminimizer_set(m, &f, best, best - width, best + width);
    for (int step = 0; step < 40; step++)
        gsl_min_fminimizer_iterate(m);
    *at = gsl_min_fminimizer_x_minimum(m);
    least = gsl_min_fminimizer_f_minimum(m);
    gsl_min_fminimizer_free(m);
    return least;
}

/* p = 0 stands for the logarithm. */
static struct penalty penalty_of(double p)
{
    return p > 0 ? penalty_power(FEATURES, NULL, p) : penalty_log(FEATURES, NULL, 1e-9);
}

static void try_ratios(struct claim *claim)
{
    static const double POWERS[] = {0, 0.1, 0.25, 0.5, 0.75, 0.9};
    static const char *const KEYS[] = {"log", "p10", "p25", "p50", "p75", "p90"};
    double error = 0, at, gain = DBL_MAX;
    claim_table(claim, "ratio",
                "p - 0 power; 0 is the logarithm\n"
                "measured - 1e-5 least ratio of parent to child at which the parent is metastable");
    for (size_t i = 0; i < sizeof POWERS / sizeof *POWERS; i++) {
        double p = POWERS[i];
        double predicted = minimum((gsl_function){ratio_at, &p}, 0.01, 3, &at);
        double measured = measured_ratio((struct path){penalty_of(p), 0});
        keep_max(&error, fabs(measured / predicted - 1));
        claim_row(claim, p, measured);
        claim_scalar(claim, KEYS[i], measured, 1e-5, "least ratio with a metastable parent");
        struct path twice = {penalty_of(p), 2 * predicted};
        keep_min(&gain, path_penalty(0, &twice) - path_penalty(twice.ratio, &twice));
    }
    struct path four = {penalty_of(0), 4};
    minimum((gsl_function){path_penalty, &four}, 0, 1.5, &at);
    claim_values(
        claim, NULL,
        {"ratio_error", error, CLAIM_NOT_COMPARED, "largest relative error of the ratio"},
        {"l1", measured_ratio((struct path){penalty_l1(FEATURES, NULL), 0}), CLAIM_EXACT,
         "the ratio for L1: the largest that was tried"},
        {"log_predicted", 2 * M_SQRT2, CLAIM_EXACT, "2 sqrt 2"},
        {"tilt", at, CLAIM_CONVERGED, "tilt of the metastable child, logarithm, ratio 4"},
        {"tilt_predicted", (4 - M_SQRT2 * 2) / 4, CLAIM_EXACT, "predicted"},
        {"gain", gain, CLAIM_CONVERGED, "least gain of full absorption at twice that ratio"});
}

static void write_curves(struct claim *claim)
{
    claim_table(
        claim, "curve",
        "p - 0 power; 0 is the logarithm\n"
        "predicted - 1e-6 least ratio of parent to child at which the parent is metastable");
    for (int step = 0; step <= 45; step++) {
        double p = step / 50.0, at;
        claim_row(claim, p, minimum((gsl_function){ratio_at, &p}, 0.01, 3, &at));
    }
    static const double RATIOS[] = {2.4, 2 * M_SQRT2, 3.2};
    claim_table(claim, "path",
                "ratio - 0 of parent to child\n"
                "e - 1e-9 tilt\n"
                "penalty - 1e-9 change of the logarithm's penalty");
    for (size_t r = 0; r < 3; r++) {
        struct path p = {penalty_of(0), RATIOS[r]};
        for (int step = 0; step < 100; step++) {
            double e = p.ratio * step / 100;
            claim_row(claim, p.ratio, e, path_penalty(e, &p) - path_penalty(0, &p));
        }
        claim_table_break(claim);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures which conditions concave penalties relax, and when they leave a "
                    "parent metastable.\v"
                    "Example: concave --seed 7 --out build/results");
    try_conditions(claim);
    try_ratios(claim);
    write_curves(claim);
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws");
    return claim_end(claim);
}

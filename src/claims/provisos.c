/** # Mutual exclusion: what breaks "always stable"

Claim `provisos`.  Mutually exclusive features are often said to be stable always.  They are if
$m_j (1 - h) < \max z_j$ for both ([exclusion](exclusion.html)); each of the provisos in that is
shown by a pair that breaks it, next to a healthy variant that does not:

- *antipodal*: $h = -1$, one side fires in nine of ten samples.
- *never off*: one of the two always fires.  Zero is not in the range, and
  $\min z_j \le m_j (1 - h)$ is wanted too.
- *dependent*: at $h = -1$ the atoms are linearly dependent, and to be interior of all hulls does
  not suffice.  The exact condition is that of the median: either side fires on at most half of the
  samples.

Where the condition fails the loss falls with the slope $\max z_j - m_j (1-h)$ if too much is wanted
and $m_j (1-h) - \min z_j$ if too little.  On a line the atoms cannot turn usefully, and it is the
bias that leaves, for the Huber location of the data, where the wide limit has it.

- Reads nothing: activations are drawn.
- Writes: `provisos.tsv`.
- Falsified by: another slope; a solver that stays where a proviso is broken, or goes elsewhere. */
#include <float.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"

static const double LAMBDA = 1e-4;
enum { TRIALS = 20 };

/* Feature 1 fires in the first on[0] samples, feature 2 in the next on[1], neither in the rest. */
struct setting {
    double h;
    size_t on[2], neither;
};

static const struct proviso {
    const char *name;
    double low, high; /* activations */
    struct setting broken, healthy;
} PROVISO[] = {/* odd numbers of samples, so that medians are unique */
               {"antipodal", 0.8, 1.2, {-1, {181, 10}, 10}, {-1, {91, 90}, 20}},
               {"never", 0.8, 1.2, {0.2, {101, 100}, 0}, {0.2, {81, 80}, 40}},
               {"dependent", 0.2, 1.8, {-1, {141, 40}, 20}, {-0.8, {141, 40}, 20}}};

struct pair {
    const struct setting *s;
    struct ndl_matrix X, Z;
    struct ndl_model m;
    struct ndl_condition condition[2];
};

static struct pair draw(const struct claim *claim, gsl_rng *rng, const struct proviso *v,
                        const struct setting *s)
{
    struct pair p = {.s = s, .Z = claim_matrix(claim, s->on[0] + s->on[1] + s->neither, 2)};
    for (size_t i = 0; i < s->on[0] + s->on[1]; i++)
        ndl_row(&p.Z, i)[i >= s->on[0]] = gsl_ran_flat(rng, v->low, v->high);
    p.m = claim_planar(claim, s->h, &p.Z, LAMBDA, &p.X);
    for (size_t k = 0; k < 2; k++)
        p.condition[k] = claim_condition(claim, &p.m, 1 - k, k, NDL_AUTO, 0);
    return p;
}

static void free_pair(struct pair *p)
{
    ndl_matrix_free(&p->X);
    ndl_matrix_free(&p->Z);
    ndl_model_free(&p->m);
    ndl_condition_free(&p->condition[0]);
    ndl_condition_free(&p->condition[1]);
}

static double margin(const struct pair *p)
{
    return fmin(p->condition[0].margin, p->condition[1].margin);
}

/** ## The slope */

/* Along the certificate's steepest direction; 0 if both conditions hold. */
static double measured_slope(const struct claim *claim, const struct pair *p)
{
    const struct ndl_condition *worst =
        &p->condition[p->condition[1].slope < p->condition[0].slope];
    return worst->holds ? 0 : claim_slope(claim, &p->X, &p->m, worst);
}

/* The steepest of the four slopes, 0 if none is negative; h as the formula is told. */
static double predicted_slope(const struct pair *p, double h)
{
    double slope = 0;
    for (size_t j = 0; j < 2; j++) {
        double wanted = measure_column_mean(&p->Z, j) * (1 - h),
               low = p->s->neither > 0 ? 0 : DBL_MAX, high = 0;
        for (size_t i = 0; i < p->Z.rows; i++)
            if (ndl_row(&p->Z, i)[1 - j] <= 0) {
                low = fmin(low, ndl_row(&p->Z, i)[j]);
                high = fmax(high, ndl_row(&p->Z, i)[j]);
            }
        slope = fmin(slope, fmin(high - wanted, wanted - low));
    }
    return slope;
}

/** ## Where the solver goes */
struct move {
    double distance; /* the larger turn of the atoms, radians; on a line the shift of the bias */
    double shift;
};

static struct move solve(const struct claim *claim, const struct pair *p)
{
    struct move move;
    bool converged; /* a run that ends in a narrow valley has left */
    struct ndl_model end = claim_fit_from_model(claim, &p->X, &p->m, LAMBDA, &converged);
    move.shift = ndl_norm(2, end.b.v);
    move.distance = p->s->h <= -1 ? move.shift
                                  : fmax(measure_angle(2, ndl_row(&p->m.D, 0), ndl_row(&end.D, 0)),
                                         measure_angle(2, ndl_row(&p->m.D, 1), ndl_row(&end.D, 1)));
    ndl_model_free(&end);
    return move;
}

static void examine(struct claim *claim, const struct proviso *v, size_t stream)
{
    double error = 0, error_orthogonal = DBL_MAX, margin_low = DBL_MAX, margin_high = -DBL_MAX,
           healthy = DBL_MAX;
    double leaves = DBL_MAX, stays = 0, shift_error = 0, shift_mean = DBL_MAX, slope = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct ndl_error err;
        gsl_rng *rng = claim_rng(claim, stream + trial);
        struct pair p = draw(claim, rng, v, &v->broken), q = draw(claim, rng, v, &v->healthy);
        struct move move = solve(claim, &p);
        double measured = measured_slope(claim, &p), predicted = predicted_slope(&p, v->broken.h),
               bound, b[2];
        error = fmax(error, fabs(measured - predicted));
        error_orthogonal = fmin(error_orthogonal, fabs(measured - predicted_slope(&p, 0)));
        slope += predicted / TRIALS;
        margin_low = fmin(margin_low, margin(&p));
        margin_high = fmax(margin_high, margin(&p));
        healthy = fmin(healthy, margin(&q));
        leaves = fmin(leaves, move.distance);
        stays = fmax(stays, solve(claim, &q).distance);
        if (v->broken.h <= -1) {
            double mean[2] = {measure_column_mean(&p.X, 0), measure_column_mean(&p.X, 1)};
            claim_check_status(claim, ndl_wide_bound(&p.X, LAMBDA, true, &bound, b, &err), &err);
            shift_error = fmax(shift_error, fabs(move.shift - ndl_norm(2, b)));
            shift_mean = fmin(shift_mean, fabs(move.shift - ndl_norm(2, mean)));
        }
        free_pair(&p);
        free_pair(&q);
        gsl_rng_free(rng);
    }
    claim_values(
        claim, v->name, {"cosine", v->broken.h, CLAIM_EXACT, "d_1 . d_2"},
        {"margin_least", margin_low, CLAIM_CONVERGED, "least margin of the pair"},
        {"margin", margin_high, CLAIM_CONVERGED, "largest margin of the pair"},
        {"margin_healthy", healthy, CLAIM_CONVERGED, "least margin of the healthy variant"},
        {"slope", slope, CLAIM_CONVERGED, "predicted slope, mean of the trials"},
        {"slope_error", error, CLAIM_NOT_COMPARED, "largest |measured - predicted| slope"},
        {"slope_error_orthogonal", error_orthogonal, CLAIM_NOT_COMPARED,
         "least with the cosine left out of the formula"},
        {"leaves", leaves, CLAIM_NOT_COMPARED,
         "least turn of an atom, radians, or, on a line, shift of the bias"},
        {"stays", stays, 1e-3, "largest such turn or shift of the healthy variant"},
        {"shift_error", shift_error, CLAIM_NOT_COMPARED,
         "on a line: |shift of the bias - Huber location|, at most"},
        {"shift_error_mean", shift_mean < DBL_MAX ? shift_mean : 0, CLAIM_NOT_COMPARED,
         "least with the mean for the Huber location"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Breaks each of the provisos in the stability of mutually exclusive features.\v"
                    "Example: provisos --seed 7 --out build/results");
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of the solver runs");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws of each proviso");
    for (size_t v = 0; v < sizeof PROVISO / sizeof *PROVISO; v++)
        examine(claim, &PROVISO[v], 10000 * (v + 1));
    return claim_end(claim);
}

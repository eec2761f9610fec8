/** # A budget below the need tilts even independent features

Claim `budget`.  TopK and BatchTopK keep every exact dictionary ([valley](valley.html)) as long as
the budget covers the codes that are needed.  If it does not, with the best codes within the budget
and a free bias, turning atom $d_j$ towards $d_m$ changes the loss per sample at the slope

$$ -2 \langle z_j\, r \cdot d_m \rangle = -2\,\mathrm{Cov}(z_j, r \cdot d_m) , $$

where $r \cdot d_m$ is what is left of feature $m$ where it was dropped.  Where $j$ takes a place,
$m$ is dropped more often: the slope is negative for independent features, too.

- Reads nothing: the data are drawn.
- Writes: `budget.tsv`; `budget-slope` (slope against the budget).
- Falsified by: another slope, or one that is not negative. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { TRIALS = 20 };

/** ## The best codes

Eight independent orthonormal features, each on at a rate of 0.3, codes the best with at most
`budget` active, and a free bias.  Only $d_0$ turns, towards $d_1$: the choice among the
others is by size. */
enum { WIDTH = 8, COUNT = 2000 };

/* The best codes of y with d_0 = (cos, sin) in the plane of features 0 and 1, and the others
 * orthonormal; returns what is left, |r|^2.  `z` (WIDTH) receives the codes. */
static double budget_code(const double *y, double turn, size_t budget, double *z)
{
    double along = cos(turn) * y[0] + sin(turn) * y[1], total = y[0] * y[0] + y[1] * y[1],
           plane[4] = {0, 0, 0, -1}, others[WIDTH] = {0}; /* gain: none, d_0, d_1, both */
    double both[2] = {y[0] / cos(turn), y[1] - tan(turn) * y[0]};
    plane[1] = gsl_pow_2(fmax(0, along));
    plane[2] = gsl_pow_2(fmax(0, y[1]));
    if (both[0] >= 0 && both[1] >= 0)
        plane[3] = total;
    size_t order[WIDTH], n = 0;
    for (size_t k = 2; k < WIDTH; k++) {
        total += y[k] * y[k];
        if (y[k] <= 0)
            continue;
        size_t place = n++;
        for (; place > 0 && y[order[place - 1]] < y[k]; place--)
            order[place] = order[place - 1];
        order[place] = k;
    }
    for (size_t k = 0; k < n; k++)
        others[k + 1] = others[k] + gsl_pow_2(y[order[k]]);
    double best = -1;
    for (size_t p = 0; p < 4; p++) {
        static const size_t CODES[4] = {0, 1, 1, 2};
        if (CODES[p] > budget || plane[p] < 0)
            continue;
        size_t rest = budget - CODES[p] < n ? budget - CODES[p] : n;
        if (plane[p] + others[rest] <= best)
            continue;
        best = plane[p] + others[rest];
        memset(z, 0, WIDTH * sizeof *z);
        z[0] = p == 1 ? fmax(0, along) : p == 3 ? both[0] : 0;
        z[1] = p == 2 ? fmax(0, y[1]) : p == 3 ? both[1] : 0;
        for (size_t k = 0; k < rest; k++)
            z[order[k]] = y[order[k]];
    }
    return total - best;
}

/* The loss per sample after codes and bias have settled.  Z and R, N x WIDTH, receive codes and
 * residuals. */
static double settle(const struct ndl_matrix *X, double turn, size_t budget, double *b,
                     struct ndl_matrix *Z, struct ndl_matrix *R)
{
    double loss = 0, moved = 1;
    for (int round = 0; round < 1000 && moved > 1e-14; round++) {
        double mean[WIDTH] = {0};
        loss = moved = 0;
        for (size_t i = 0; i < X->rows; i++) {
            double y[WIDTH], *z = ndl_row(Z, i), *r = ndl_row(R, i);
            for (size_t k = 0; k < WIDTH; k++)
                y[k] = ndl_row(X, i)[k] - b[k];
            loss += budget_code(y, turn, budget, z) / (double)X->rows;
            for (size_t k = 0; k < WIDTH; k++) {
                r[k] = y[k] - (k == 0 ? cos(turn) * z[0] : k == 1 ? z[1] + sin(turn) * z[0] : z[k]);
                mean[k] += r[k] / (double)X->rows;
            }
        }
        for (size_t k = 0; k < WIDTH; k++) {
            keep_max(&moved, fabs(mean[k]));
            b[k] += mean[k];
        }
    }
    return loss;
}

/* Whether the same features are coded: where they fire they are larger than 0.1, and what a turn
 * adds to the others is smaller. */
static bool same_support(const struct ndl_matrix *A, const struct ndl_matrix *B)
{
    for (size_t e = 0; e < A->rows * A->cols; e++)
        if ((A->v[e] > 0.1) != (B->v[e] > 0.1))
            return false;
    return true;
}

/** The slope is measured in the first trial in which no code is dropped for another one between
the two turns: there the loss has a kink. */
static void try_budgets(struct claim *claim)
{
    double error = 0, whole = 0, least_sure = -DBL_MAX, enough = 0;
    const double turn = 1e-4;
    claim_table(claim, "slope",
                "budget - 0 codes that may be on\n"
                "slope unit^2 1e-6 of turning a feature to another, mean of all pairs and trials\n"
                "error unit^2 1e-6 standard error over the trials");
    for (size_t budget = 1; budget <= WIDTH; budget++) {
        double sum = 0, squares = 0;
        bool compared = false;
        for (size_t trial = 0; trial < TRIALS; trial++) {
            struct ndl_matrix X = claim_matrix(claim, COUNT, WIDTH), Z = claim_copy(claim, &X),
                              R = claim_copy(claim, &X);
            gsl_rng *rng = claim_rng(claim, 200 + trial);
            for (size_t e = 0; e < COUNT * WIDTH; e++)
                X.v[e] = gsl_rng_uniform(rng) < 0.3 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            gsl_rng_free(rng);
            double b[WIDTH] = {0}, slope = 0, unit[WIDTH] = {0};
            settle(&X, 0, budget, b, &Z, &R);
            for (size_t m = 0; m < WIDTH; m++)
                for (size_t j = 0; j < WIDTH; j++) {
                    unit[m] = 1;
                    if (j != m)
                        slope -=
                            2 * measure_covariance(&Z, j, &R, unit, true) / (WIDTH * (WIDTH - 1));
                    unit[m] = 0;
                }
            sum += slope / TRIALS;
            squares += slope * slope / TRIALS;
            if (!compared) {
                unit[1] = 1;
                double predicted = -2 * measure_covariance(&Z, 0, &R, unit, true),
                       all = -2 * measure_covariance(&Z, 0, &X, unit, true), ahead[WIDTH],
                       back[WIDTH];
                memcpy(ahead, b, sizeof b);
                memcpy(back, b, sizeof b);
                struct ndl_matrix other = claim_copy(claim, &Z);
                double measured = (settle(&X, turn, budget, ahead, &Z, &R) -
                                   settle(&X, -turn, budget, back, &other, &R)) /
                                  (2 * turn);
                compared = same_support(&Z, &other);
                if (compared) {
                    keep_max(&error, fabs(measured - predicted));
                    keep_max(&whole, fabs(measured - all));
                }
                ndl_matrix_free(&other);
            }
            ndl_matrix_free(&X);
            ndl_matrix_free(&Z);
            ndl_matrix_free(&R);
        }
        if (!compared)
            error = (double)INFINITY;
        double spread = sqrt(fmax(0, squares - sum * sum) / (TRIALS - 1));
        if (budget <= 4)
            keep_max(&least_sure, sum + 4 * spread);
        if (budget == WIDTH)
            enough = sum + 4 * spread;
        claim_row(claim, (double)budget, sum, spread);
    }
    claim_values(
        claim, NULL, {"error", error, CLAIM_NOT_COMPARED, "largest |measured - predicted|"},
        {"error_whole", whole, CLAIM_NOT_COMPARED, "with all of the feature, dropped or not"},
        {"slope", least_sure, CLAIM_CONVERGED, "largest slope plus 4 errors, budgets 1 to 4"},
        {"enough", enough, CLAIM_CONVERGED, "the same if all eight may be on"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Compares the slope at which independent features tilt under a small budget of "
                    "active codes with its formula.\v"
                    "Example: budget --seed 7 --out build/results");
    try_budgets(claim);
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws");
    return claim_end(claim);
}

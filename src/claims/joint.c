/** # Many features at once: a hull stronger than all its pairs

Claim `joint`.  At an optimum the cosines of feature $k$ with all others lie in *one* hull,

$$ (h_{jk})_{j \ne k} \in \mathrm{Conv}\{ (\tilde z_{ij})_{j \ne k} : z_{ik} = 0 \}, $$

and that asks for more than every coordinate by itself.  Three orthogonal atoms: while feature 3 is
off, features 1 and 2 exclude each other, so the hull is a triangle.  Each of $h_{13}$ and $h_{23}$
lies between the ends of its side, the pair does not lie in the triangle.  Let the same two features
fire together instead, with the same ranges, and the hull is a square with the point inside.

From the violated representation the certificate's hyperplane $(a, c)$ gives the direction
$z_3 \leftarrow z_3 + \epsilon(a_1 z_1 + a_2 z_2 + c)$, $d_j \leftarrow d_j - \epsilon a_j d_3$,
with the slope $\sum_j a_j m_j (1 - h_{j3}) + c$.

Hulls are computed by Qhull and, independently, by linear programming; the claim includes
that the two agree in 2 to 8 dimensions.

- Reads nothing: activations are drawn.
- Writes: `joint.tsv`; `joint-cloud`, `joint-hull` (the figure).
- Falsified by: a pair violated, the joint condition satisfied, a slope that the loss does not
  show, a solver that stays, or Qhull and LP in disagreement. */
#include <float.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { N = 400, FEATURES = 3, TRIALS = 20, HULLS_PER_DIMENSION = 20, MOST = 8 };
static const double LAMBDA = 1e-4;

/* How features 1 and 2 behave while feature 3 is off. */
enum variant {
    EXCLUSIVE, /* never together: a triangle */
    FILLED,    /* together: a square */
    CUT        /* never together and faint: not even the pairs hold */
};

/* Feature 3 is off in the first half of the samples.  In the other half the rest are strong, which
 * puts the means of features 1 and 2 near 0.6 of the range they have while 3 is off. */
static void draw(const struct claim *claim, size_t trial, enum variant variant,
                 struct ndl_matrix *X, struct ndl_model *m)
{
    gsl_rng *rng = claim_rng(claim, trial);
    struct ndl_matrix Z = claim_matrix(claim, N, FEATURES),
                      D = claim_matrix(claim, FEATURES, FEATURES);
    for (size_t k = 0; k < FEATURES; k++)
        ndl_row(&D, k)[k] = 1;
    for (size_t i = 0; i < N; i++) {
        double *z = ndl_row(&Z, i), u = gsl_rng_uniform(rng), v = gsl_rng_uniform(rng);
        size_t kind = i % 20;
        if (i < N / 2) {
            double range = variant == CUT ? 0.3 : 1;
            if (kind < 8 || (variant == FILLED && kind < 16))
                z[0] = range * u;
            if ((kind >= 8 && kind < 16) || (variant == FILLED && kind < 8))
                z[1] = range * v;
        } else {
            z[2] = gsl_ran_flat(rng, 0.5, 1.5);
            z[0] = kind < 15 ? 1 + 0.6 * u : 0; /* 12 of 20 together, 3 each alone */
            z[1] = kind < 12 || (kind >= 15 && kind < 18) ? 1 + 0.6 * v : 0;
        }
    }
    *X = claim_synthetic(claim, &Z, &D);
    *m = claim_model(claim, &D, NULL, &Z, LAMBDA);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&D);
    gsl_rng_free(rng);
}

/* The smallest margin over all ordered pairs. */
static double pair_margin(const struct claim *claim, const struct ndl_model *m)
{
    double least = DBL_MAX;
    for (size_t k = 0; k < FEATURES; k++)
        for (size_t j = 0; j < FEATURES; j++)
            if (j != k) {
                struct ndl_condition pair = claim_condition(claim, m, j, k, NDL_AUTO, 0);
                least = fmin(least, pair.margin);
                ndl_condition_free(&pair);
            }
    return least;
}

/* How far the solver turns an atom when started at the representation, radians. */
static double turned(const struct claim *claim, const struct ndl_matrix *X,
                     const struct ndl_model *start, double lambda)
{
    struct ndl_model end = claim_fit_from_model(claim, X, start, lambda, NULL);
    double largest = 0;
    for (size_t k = 0; k < FEATURES; k++)
        largest = fmax(largest, measure_angle(FEATURES, ndl_row(&start->D, k), ndl_row(&end.D, k)));
    ndl_model_free(&end);
    return largest;
}

/* ---------------------------------------------------------------- the figure */

/* ztilde_1 and ztilde_2 where feature 3 is off, and their hull. */
static void write_cloud(struct claim *claim, const struct ndl_model *m, enum variant variant,
                        double (*corner)[2], size_t *count)
{
    struct ndl_matrix Z = claim_dense(claim, m);
    const double mean[2] = {measure_column_mean(&Z, 0), measure_column_mean(&Z, 1)};
    double off[N][2];
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        if (ndl_row(&Z, i)[2] <= 0) {
            for (size_t j = 0; j < 2; j++)
                off[n][j] = 1 - ndl_row(&Z, i)[j] / mean[j];
            claim_row(claim, (double)variant, off[n][0], off[n][1]);
            n++;
        }
    claim_table_break(claim);
    *count = measure_corners(off, n, corner);
    ndl_matrix_free(&Z);
}

static void draw_figure(struct claim *claim)
{
    struct ndl_matrix X;
    struct ndl_model m;
    double corner[2][N + 1][2];
    size_t count[2];
    claim_table(claim, "cloud",
                "variant - 0 0: exclusive, 1: filled\nztilde1 1 1e-9 while feature 3 is off\n"
                "ztilde2 1 1e-9 while feature 3 is off");
    for (enum variant variant = EXCLUSIVE; variant <= FILLED; variant++) {
        draw(claim, 0, variant, &X, &m);
        write_cloud(claim, &m, variant, corner[variant], &count[variant]);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
    }
    claim_table(claim, "hull",
                "variant - 0 0: exclusive, 1: filled\nztilde1 1 1e-9 corner of the hull\nztilde2 1 "
                "1e-9 corner");
    for (enum variant variant = EXCLUSIVE; variant <= FILLED; variant++) {
        for (size_t c = 0; c <= count[variant]; c++) {
            const double *p = corner[variant][c % count[variant]];
            claim_row(claim, (double)variant, p[0], p[1]);
        }
        claim_table_break(claim);
    }
}

/** ## Qhull against linear programming

Random hulls in 2 to 8 dimensions and points near their boundary: both methods must agree whether
the point is inside, and on its signed L1 distance to the boundary. */
struct agreement {
    size_t queries, inside, disagreements, disagreements_thinned;
    double error, error_thinned; /* largest relative difference of the L1 margins */
};

static void compare_methods(struct claim *claim, size_t m, size_t trial, struct agreement *a)
{
    struct ndl_error err;
    struct ndl_hull_result qhull, lp, thinned;
    gsl_rng *rng = claim_rng(claim, 1000 * m + trial);
    size_t n = 4 * m + 4;
    struct ndl_matrix P = claim_matrix(claim, n, m);
    double q[MOST];
    for (size_t e = 0; e < n * m; e++)
        P.v[e] = gsl_ran_gaussian(rng, 1);
    /* a data point, drawn in or not, and a step: often near the boundary */
    for (size_t c = 0; c < m; c++) {
        q[c] = 0.2 * gsl_ran_gaussian(rng, 1);
        q[c] += (trial % 2 ? 0.7 : 1.0) * P.v[c];
    }
    claim_check_status(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_QHULL, 0, &qhull, &err), &err);
    claim_check_status(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_LP, 0, &lp, &err), &err);
    P.rows -= n / 2; /* the control: LP sees half of the points */
    P.v += (n / 2) * m;
    claim_check_status(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_LP, 0, &thinned, &err), &err);
    P.v -= (n / 2) * m;
    a->queries++;
    a->inside += qhull.inside;
    a->disagreements += qhull.inside != lp.inside;
    a->disagreements_thinned += qhull.inside != thinned.inside;
    a->error =
        fmax(a->error, fabs(qhull.margin_l1 - lp.margin_l1) / fmax(fabs(qhull.margin_l1), 1e-3));
    a->error_thinned = fmax(a->error_thinned, fabs(qhull.margin_l1 - thinned.margin_l1) /
                                                  fmax(fabs(qhull.margin_l1), 1e-3));
    ndl_hull_result_free(&qhull);
    ndl_hull_result_free(&lp);
    ndl_hull_result_free(&thinned);
    ndl_matrix_free(&P);
    gsl_rng_free(rng);
}

/* Extremes over the trials. */
struct extremes {
    double pairs, pairs_cut, margin, margin_filled, slope_error, slope_error_bias, leaves, stays;
    double ratio_stays, ratio_leaves;
};

static void examine(const struct claim *claim, size_t trial, enum variant variant,
                    struct extremes *e)
{
    struct ndl_matrix X;
    struct ndl_model m;
    draw(claim, trial, variant, &X, &m);
    struct ndl_condition c = claim_condition(claim, &m, 2, 2, NDL_AUTO, 0);
    double pairs = pair_margin(claim, &m), far = 0, ratio = 0;
    if (variant != CUT) {
        far = turned(claim, &X, &m, LAMBDA);
        ratio = turned(claim, &X, &m, LAMBDA / 10) / far;
    }
    if (variant == CUT)
        e->pairs_cut = fmin(e->pairs_cut, pairs);
    if (variant == FILLED) {
        e->margin_filled = fmin(e->margin_filled, c.margin);
        e->stays = fmax(e->stays, far);
        e->ratio_stays = fmax(e->ratio_stays, ratio);
    }
    if (variant == EXCLUSIVE) {
        e->pairs = fmin(e->pairs, pairs);
        e->margin = fmax(e->margin, c.margin);
        e->leaves = fmin(e->leaves, far);
        e->ratio_leaves = fmin(e->ratio_leaves, ratio);
        if (!c.holds) { /* the atoms are orthogonal: h = 0 */
            struct ndl_matrix Z = claim_dense(claim, &m);
            double measured = claim_slope(claim, &X, &m, &c), bias = c.c;
            double along =
                c.a[0] * measure_column_mean(&Z, 0) + c.a[1] * measure_column_mean(&Z, 1);
            e->slope_error = fmax(e->slope_error, fabs(measured / (along + bias) - 1));
            e->slope_error_bias = fmin(e->slope_error_bias, fabs(measured / along - 1));
            ndl_matrix_free(&Z);
        }
    }
    ndl_condition_free(&c);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Exhibits representations that satisfy the hull condition "
                                      "for every pair of features and violate it for "
                                      "three, and compares Qhull with linear "
                                      "programming.\vExample: joint --seed 7 --out build/results");
    struct extremes e = {.pairs = DBL_MAX,
                         .pairs_cut = DBL_MAX,
                         .margin = -DBL_MAX,
                         .margin_filled = DBL_MAX,
                         .slope_error_bias = DBL_MAX,
                         .leaves = DBL_MAX,
                         .ratio_leaves = DBL_MAX};
    for (size_t trial = 0; trial < TRIALS; trial++) {
        for (enum variant variant = EXCLUSIVE; variant <= CUT; variant++)
            examine(claim, trial, variant, &e);
        claim_progress(claim, trial + 1, TRIALS, "representations");
    }
    draw_figure(claim);
    struct agreement a = {0};
    for (size_t m = 2; m <= MOST; m++)
        for (size_t trial = 0; trial < HULLS_PER_DIMENSION; trial++)
            compare_methods(claim, m, trial, &a);

    claim_values(
        claim, NULL, {"trials", TRIALS, CLAIM_EXACT, "random representations"},
        {"lambda", LAMBDA, CLAIM_EXACT, "lambda of the solver runs"},
        {"pairs", e.pairs, CLAIM_CONVERGED, "smallest margin over all pairs and representations"},
        {"pairs_cut", e.pairs_cut, CLAIM_CONVERGED,
         "the same with features 1 and 2 faint while 3 is off"},
        {"margin", e.margin, CLAIM_CONVERGED,
         "largest margin of feature 3 against 1 and 2 jointly"},
        {"margin_filled", e.margin_filled, CLAIM_CONVERGED,
         "smallest such margin with 1 and 2 firing together"},
        {"slope_error", e.slope_error, CLAIM_NOT_COMPARED,
         "largest relative error of the predicted slope"},
        {"slope_error_bias", e.slope_error_bias, CLAIM_CONVERGED,
         "smallest such error with the offset c left out of the slope"},
        /* ends at KKT 1e-9 */
        {"leaves", e.leaves, 1e-3, "smallest turn of an atom by the solver, radians"},
        {"stays", e.stays, 1e-3, "largest turn of an atom with 1 and 2 firing together, radians"},
        {"stays_ratio", e.ratio_stays, 1e-2,
         "that turn at a tenth of lambda over the turn, at most"},
        {"leaves_ratio", e.ratio_leaves, CLAIM_NOT_COMPARED,
         "the same where the solver leaves, at least"},
        {"queries", (double)a.queries, CLAIM_EXACT, "hulls on which Qhull and LP are compared"},
        {"inside", (double)a.inside, CLAIM_EXACT, "query points inside"},
        {"disagreements", (double)a.disagreements, CLAIM_EXACT, "times Qhull and LP disagree"},
        {"disagreements_thinned", (double)a.disagreements_thinned, CLAIM_EXACT,
         "times they disagree if LP sees only half of the points"},
        {"l1_error", a.error, CLAIM_NOT_COMPARED, "largest relative difference of the L1 margins"},
        {"l1_error_thinned", a.error_thinned, CLAIM_NOT_COMPARED,
         "the same if LP sees only half of the points"});
    return claim_end(claim);
}

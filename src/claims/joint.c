/** # Many features at once: a hull stronger than all its pairs

Claim `joint`.  At an optimum the cosines of feature $k$ with all others lie in *one* hull,

$$ (h_{jk})_{j \ne k} \in \mathrm{Conv}\{ (\tilde z_{ij})_{j \ne k} : z_{ik} = 0 \}, $$

and that asks for more than every coordinate by itself.  Three orthogonal atoms: while feature 3
is off, features 1 and 2 exclude each other, so the hull is a triangle.
Each of $h_{13}$ and $h_{23}$ lies between the ends of its side, the pair does not lie in the triangle.
Let the same two features fire together instead, with the same ranges, and the hull is a square
with the point inside.

From the violated representation the certificate's hyperplane $(a, c)$ gives the
direction $z_3 \leftarrow z_3 + \epsilon(a_1 z_1 + a_2 z_2 + c)$, $d_j \leftarrow d_j - \epsilon a_j d_3$,
with the slope $\sum_j a_j m_j (1 - h_{j3}) + c$.

Hulls are computed by Qhull and, independently, by linear programming; the claim includes
that the two agree in 2 to 8 dimensions.

- Writes: `joint.tsv`; `joint-cloud`, `joint-hull` (the figure).
- Falsified by: a pair violated, the joint condition satisfied, a slope that the loss does not
  show, a solver that stays, or Qhull and LP in disagreement. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "claim.h"

enum { N = 400, FEATURES = 3, TRIALS = 20, HULLS_PER_DIMENSION = 20 };
static const double LAMBDA = 1e-4;

/* How features 1 and 2 behave while feature 3 is off. */
enum variant {
    EXCLUSIVE, /* never together: a triangle */
    FILLED,    /* together: a square */
    CUT        /* never together and faint: not even the pairs hold */
};

/* Feature 3 is off in the first half of the samples.  In the other half the rest are strong, which
 * puts the means of features 1 and 2 near 0.6 of the range they have while 3 is off. */
static void draw(struct claim *claim, size_t trial, enum variant variant, struct ndl_matrix *X, struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    gsl_rng *rng = claim_rng(claim, trial);
    *m = (struct ndl_model){.lambda = LAMBDA, .bias = true};
    claim_must(claim, ndl_matrix_alloc(&Z, N, FEATURES, &err), &err);
    claim_must(claim, ndl_matrix_alloc(&m->D, FEATURES, FEATURES, &err), &err);
    claim_must(claim, ndl_matrix_alloc(&m->b, 1, FEATURES, &err), &err);
    for (size_t k = 0; k < FEATURES; k++)
        ndl_row(&m->D, k)[k] = 1;
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
            z[0] = kind < 15 ? 1 + 0.6 * u : 0;               /* 12 of 20 together, 3 each alone */
            z[1] = kind < 12 || (kind >= 15 && kind < 18) ? 1 + 0.6 * v : 0;
        }
    }
    claim_must(claim, ndl_matrix_copy(X, &Z, &err), &err); /* D is the identity, b is 0 */
    claim_must(claim, ndl_codes_from_dense(&m->Z, &Z, &err), &err);
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
}

/* The smallest margin over all ordered pairs. */
static double pair_margin(const struct claim *claim, const struct ndl_model *m)
{
    struct ndl_error err;
    double least = DBL_MAX;
    for (size_t k = 0; k < FEATURES; k++)
        for (size_t j = 0; j < FEATURES; j++)
            if (j != k) {
                struct ndl_condition pair;
                claim_must(claim, ndl_condition_check(m, k, &j, 1, NDL_AUTO, 0, 0, &pair, &err), &err);
                least = fmin(least, pair.margin);
                ndl_condition_free(&pair);
            }
    return least;
}

/* -------------------------------------------------------- slope, and solver */

static double change(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                     const struct ndl_condition *c, double eps)
{
    struct ndl_error err;
    struct ndl_model moved;
    claim_must(claim, ndl_condition_step(m, c, eps, &moved, &err), &err);
    double difference = (ndl_loss(X, &moved) - ndl_loss(X, m)) / (m->lambda * (double)X->rows);
    ndl_model_free(&moved);
    return difference;
}

/* How far the solver turns an atom when started at the representation, radians. */
static double turned(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *start,
                     double lambda)
{
    struct ndl_error err;
    struct ndl_model end;
    struct ndl_fit_report report;
    struct ndl_fit_options options = ndl_fit_defaults(FEATURES, lambda);
    options.D0 = &start->D;
    options.b0 = &start->b;
    options.tolerance = 1e-9; /* residuals are relative to lambda, which is small */
    claim_must(claim, ndl_fit(X, &options, &end, &report, &err), &err);
    double largest = 0;
    for (size_t k = 0; k < FEATURES; k++) { /* the start atoms are axes */
        double *atom = ndl_row(&end.D, k), across = 0;
        for (size_t c = 0; c < FEATURES; c++)
            across = c == k ? across : hypot(across, atom[c]);
        largest = fmax(largest, atan2(across, atom[k]));
    }
    ndl_fit_report_free(&report);
    ndl_model_free(&end);
    return largest;
}

/* ---------------------------------------------------------------- the figure */

static int by_coordinates(const void *left, const void *right)
{
    const double *p = left, *q = right;
    int first = (p[0] > q[0]) - (p[0] < q[0]);
    return first ? first : (p[1] > q[1]) - (p[1] < q[1]);
}

/* The corners of the hull of n planar points in order (Andrew's monotone chain). */
static size_t corners(double (*p)[2], size_t n, double (*corner)[2])
{
    size_t count = 0, base;
    qsort(p, n, sizeof *p, by_coordinates);
    for (int half = 0; half < 2; half++) {
        base = count + 1;
        for (size_t s = 0; s < n; s++) {
            double *q = p[half ? n - 1 - s : s];
            while (count > base && (corner[count - 1][0] - corner[count - 2][0]) * (q[1] - corner[count - 2][1]) <=
                                       (corner[count - 1][1] - corner[count - 2][1]) * (q[0] - corner[count - 2][0]))
                count--;
            memcpy(corner[count++], q, sizeof *corner);
        }
        count--;
    }
    return count;
}

/* ztilde_1 and ztilde_2 where feature 3 is off, and their hull. */
static void write_cloud(struct claim *claim, const struct ndl_model *m, enum variant variant, double (*corner)[2],
                        size_t *count)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    double mean[2] = {0, 0}, off[N][2];
    size_t n = 0;
    claim_must(claim, ndl_codes_to_dense(&Z, &m->Z, &err), &err);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < 2; j++)
            mean[j] += ndl_row(&Z, i)[j] / N;
    for (size_t i = 0; i < N; i++)
        if (ndl_row(&Z, i)[2] <= 0) {
            for (size_t j = 0; j < 2; j++)
                off[n][j] = 1 - ndl_row(&Z, i)[j] / mean[j];
            claim_row(claim, (const double[]){(double)variant, off[n][0], off[n][1]});
            n++;
        }
    claim_gap(claim);
    *count = corners(off, n, corner);
    ndl_matrix_free(&Z);
}

static void draw_figure(struct claim *claim)
{
    struct ndl_matrix X;
    struct ndl_model m;
    double corner[2][2 * N][2];
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
                "variant - 0 0: exclusive, 1: filled\nztilde1 1 1e-9 corner of the hull\nztilde2 1 1e-9 corner");
    for (enum variant variant = EXCLUSIVE; variant <= FILLED; variant++) {
        for (size_t c = 0; c <= count[variant]; c++) {
            const double *p = corner[variant][c % count[variant]];
            claim_row(claim, (const double[]){(double)variant, p[0], p[1]});
        }
        claim_gap(claim);
    }
}

/** ## Qhull against linear programming

Random hulls in 2 to 8 dimensions and points near their boundary: both methods must agree whether
the point is inside, and on its signed L1 distance to the boundary. */
struct agreement {
    size_t queries, inside, disagreements, disagreements_thinned;
    double error;
};

static void compare_methods(struct claim *claim, size_t m, size_t trial, struct agreement *a)
{
    struct ndl_error err;
    struct ndl_matrix P;
    struct ndl_hull_result qhull, lp, thinned;
    gsl_rng *rng = claim_rng(claim, 1000 * m + trial);
    size_t n = 4 * m + 4;
    double *q = calloc(m, sizeof *q);
    claim_must(claim, ndl_matrix_alloc(&P, n, m, &err), &err);
    for (size_t e = 0; e < n * m; e++)
        P.v[e] = gsl_ran_gaussian(rng, 1);
    for (size_t c = 0; c < m; c++) { /* a data point, drawn in or not, and a step: often near the boundary */
        q[c] = 0.2 * gsl_ran_gaussian(rng, 1);
        q[c] += (trial % 2 ? 0.7 : 1.0) * P.v[c];
    }
    claim_must(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_QHULL, 0, &qhull, &err), &err);
    claim_must(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_LP, 0, &lp, &err), &err);
    P.rows -= n / 2; /* the control: LP sees half of the points */
    P.v += (n / 2) * m;
    claim_must(claim, ndl_hull_locate(&P, q, NDL_HULL, NDL_LP, 0, &thinned, &err), &err);
    P.v -= (n / 2) * m;
    a->queries++;
    a->inside += qhull.inside;
    a->disagreements += qhull.inside != lp.inside;
    a->disagreements_thinned += qhull.inside != thinned.inside;
    a->error = fmax(a->error, fabs(qhull.margin_l1 - lp.margin_l1) / fmax(fabs(qhull.margin_l1), 1e-3));
    ndl_hull_result_free(&qhull);
    ndl_hull_result_free(&lp);
    ndl_hull_result_free(&thinned);
    ndl_matrix_free(&P);
    gsl_rng_free(rng);
    free(q);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Exhibits representations that satisfy the hull condition for every pair of features and violate it for "
        "three, and compares Qhull with linear programming.\vExample: joint --seed 7 --out build/results");
    struct ndl_error err;
    double pairs = DBL_MAX, pairs_cut = DBL_MAX, margin = -DBL_MAX, margin_filled = DBL_MAX, slope_error = 0;
    double slope_error_pairs = DBL_MAX, leaves = DBL_MAX, ratio_stays = 0, stays = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct ndl_matrix X;
        struct ndl_model m;
        struct ndl_condition c;
        draw(claim, trial, CUT, &X, &m);
        pairs_cut = fmin(pairs_cut, pair_margin(claim, &m));
        ndl_matrix_free(&X);
        ndl_model_free(&m);

        draw(claim, trial, FILLED, &X, &m);
        claim_must(claim, ndl_condition_check(&m, 2, NULL, 0, NDL_AUTO, 0, 0, &c, &err), &err);
        margin_filled = fmin(margin_filled, c.margin);
        double far = turned(claim, &X, &m, LAMBDA);
        stays = fmax(stays, far);
        ratio_stays = fmax(ratio_stays, turned(claim, &X, &m, LAMBDA / 10) / far);
        ndl_condition_free(&c);
        ndl_matrix_free(&X);
        ndl_model_free(&m);

        draw(claim, trial, EXCLUSIVE, &X, &m);
        pairs = fmin(pairs, pair_margin(claim, &m));
        claim_must(claim, ndl_condition_check(&m, 2, NULL, 0, NDL_AUTO, 0, 0, &c, &err), &err);
        margin = fmax(margin, c.margin);
        if (!c.holds) {
            const double h = 1e-4;
            double measured = (4 * change(claim, &X, &m, &c, h) - change(claim, &X, &m, &c, 2 * h)) / (2 * h);
            slope_error = fmax(slope_error, fabs(measured / c.slope - 1));
            slope_error_pairs = fmin(slope_error_pairs, fabs(measured / (c.slope - c.c) - 1));
        }
        leaves = fmin(leaves, turned(claim, &X, &m, LAMBDA));
        ndl_condition_free(&c);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        claim_progress(claim, trial + 1, TRIALS, "representations");
    }
    draw_figure(claim);
    struct agreement a = {0};
    for (size_t m = 2; m <= 8; m++)
        for (size_t trial = 0; trial < HULLS_PER_DIMENSION; trial++)
            compare_methods(claim, m, trial, &a);

    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "random representations");
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of the solver runs");
    claim_scalar(claim, "pairs", pairs, CLAIM_CONVERGED, "smallest margin over all pairs and representations");
    claim_scalar(claim, "pairs_cut", pairs_cut, CLAIM_CONVERGED, "the same with features 1 and 2 faint while 3 is off");
    claim_scalar(claim, "margin", margin, CLAIM_CONVERGED, "largest margin of feature 3 against 1 and 2 jointly");
    claim_scalar(claim, "margin_filled", margin_filled, CLAIM_CONVERGED,
                 "smallest such margin with 1 and 2 firing together");
    claim_scalar(claim, "slope_error", slope_error, CLAIM_ROUNDING, "largest relative error of the predicted slope");
    claim_scalar(claim, "slope_error_bias", slope_error_pairs, CLAIM_CONVERGED,
                 "smallest such error with the offset c left out of the slope");
    claim_scalar(claim, "leaves", leaves, 1e-3, "smallest turn of an atom by the solver, radians"); /* ends at KKT 1e-9 */
    claim_scalar(claim, "stays", stays, 1e-3, "largest turn of an atom with 1 and 2 firing together, radians");
    claim_scalar(claim, "stays_ratio", ratio_stays, 1e-2, "that turn at a tenth of lambda over the turn, at most");
    claim_scalar(claim, "queries", (double)a.queries, CLAIM_EXACT, "hulls on which Qhull and LP are compared");
    claim_scalar(claim, "inside", (double)a.inside, CLAIM_EXACT, "query points inside");
    claim_scalar(claim, "disagreements", (double)a.disagreements, CLAIM_EXACT, "times Qhull and LP disagree");
    claim_scalar(claim, "disagreements_thinned", (double)a.disagreements_thinned, CLAIM_EXACT,
                 "times they disagree if LP sees only half of the points");
    claim_scalar(claim, "l1_error", a.error, CLAIM_ROUNDING, "largest relative difference of the L1 margins");
    return claim_end(claim);
}

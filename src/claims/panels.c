/** # Four panels: when can two features live side by side?

Claim `panels`.  A representation $x_i = b + z_{i1} d_1 + z_{i2} d_2$ with unit
atoms can be a local optimum of nonnegative L1 dictionary learning only if
$h = d_1 \cdot d_2$ lies in the convex hull of each feature's normalised
activations $\tilde z = 1 - z / \langle z \rangle$ over the samples where the
*other* feature is off:

$$ h \in \mathrm{Conv}\{\tilde z_{i1} : z_{i2} = 0\}
   \quad\text{and}\quad h \in \mathrm{Conv}\{\tilde z_{i2} : z_{i1} = 0\}. $$

Four data sets show what this means.  In A and C the features vary widely while
the other is off, and both hulls contain $h$.  In B a chunk is missing, and one
hull does not.  D is a hierarchy, a dog and a labrador: of A, the samples are left out
in which feature 2 fires without feature 1.  While the dog is off the labrador is
constantly 0, its hull is the single point 1, and the margin is $h - 1$.
A violated condition comes with a direction

$$ z_k \leftarrow z_k + \epsilon (a z_j + c), \quad
   d_j \leftarrow d_j - \epsilon a d_k, \quad b \leftarrow b - \epsilon c d_k $$

that keeps every reconstruction and lowers the loss, at first by the slope
$a m_j (1-h) + c < 0$ per sample and unit of $\lambda$.

- Reads: `panels/A.tsv`, `panels/B.tsv`, `panels/C.tsv` (activations, N x 2) and
  `panels/cosines.tsv` ($d_1 \cdot d_2$ of each).
- Writes: `panels.tsv`; `panels-scatter` and `panels-hulls` (the four panels), `panels-removed`
  (the samples of A that B and D lack), `panels-descent` (loss along the direction, panel B).
- Falsified by: A or C outside its hull, B or D inside, a margin of D other than $h - 1$, a
  measured slope that differs from the predicted one, or a solver that leaves A or C, or stays at
  B or D. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "kit/claim.h"

/* lambda is small: the theorem about *interior* points (A and C stay) is a
 * statement about the limit lambda -> 0, where the optimum moves by O(lambda). */
static const double LAMBDA = 1e-4;
enum { PANELS = 4, FILES = 3 };
static const char NAMES[PANELS] = {'a', 'b', 'c', 'd'}; /* of the keys; the files are A, B, C */

/** ## The representation

The atoms sit in the plane at the stated cosine, the bias is zero and the data
are exactly reconstructed. */
static void build_panel(struct claim *claim, size_t panel, double cosine, struct ndl_matrix *X,
                        struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    char file[32];
    snprintf(file, sizeof file, "panels/%c.tsv", "ABCA"[panel]);
    claim_check_status(claim, ndl_tsv_read(&Z, claim_data(claim, file), &err), &err);
    if (NAMES[panel] == 'd') { /* keep the samples that fit a dog and a labrador */
        size_t kept = 0;
        for (size_t i = 0; i < Z.rows; i++) {
            const double *z = ndl_row(&Z, i);
            if (z[0] > 0 || z[1] <= 0)
                memmove(ndl_row(&Z, kept++), z, 2 * sizeof(double));
        }
        Z.rows = kept;
    }
    *m = claim_planar(claim, cosine, &Z, LAMBDA, X);
    ndl_matrix_free(&Z);
}

/* The smallest signed margin of the two features (ztilde units), and through `worst` the
 * condition that attains it. */
static double smallest_margin(const struct claim *claim, const struct ndl_model *m,
                              struct ndl_condition *worst)
{
    struct ndl_condition condition[2];
    for (size_t k = 0; k < 2; k++)
        condition[k] = claim_condition(claim, m, k, k, NDL_AUTO, 0);
    size_t k = condition[1].margin < condition[0].margin;
    *worst = condition[k];
    ndl_condition_free(&condition[1 - k]);
    return worst->margin;
}

/* ztilde of both features (the scatter) and, for every feature, the interval its
 * ztilde spans while the other is off (the hull). */
static void write_panel(struct claim *claim, const struct ndl_model *m, double cosine, size_t panel,
                        double *hull)
{
    struct ndl_matrix Z = claim_dense(claim, m);
    const double mean[2] = {measure_column_mean(&Z, 0), measure_column_mean(&Z, 1)};
    double low[2] = {DBL_MAX, DBL_MAX}, high[2] = {-DBL_MAX, -DBL_MAX};
    for (size_t i = 0; i < Z.rows; i++) {
        const double *z = ndl_row(&Z, i);
        const double tilde[2] = {1 - z[0] / mean[0], 1 - z[1] / mean[1]};
        claim_row(claim, (double)panel, tilde[0], tilde[1]);
        for (size_t j = 0; j < 2; j++)
            if (z[1 - j] <= 0) {
                low[j] = fmin(low[j], tilde[j]);
                high[j] = fmax(high[j], tilde[j]);
            }
    }
    claim_table_break(claim);
    memcpy(hull, (double[]){(double)panel, cosine, low[0], high[0], low[1], high[1]},
           6 * sizeof(double));
    ndl_matrix_free(&Z);
}

/* The samples of A that the panel lacks, in the order of A, in the units of the panel. */
static void write_removed(struct claim *claim, const struct ndl_model *a, const struct ndl_model *m,
                          size_t panel)
{
    struct ndl_matrix all = claim_dense(claim, a), left = claim_dense(claim, m);
    const double mean[2] = {measure_column_mean(&left, 0), measure_column_mean(&left, 1)};
    for (size_t i = 0, k = 0; i < all.rows; i++) {
        const double *z = ndl_row(&all, i);
        if (k < left.rows && memcmp(z, ndl_row(&left, k), 2 * sizeof(double)) == 0)
            k++;
        else
            claim_row(claim, (double)panel, 1 - z[0] / mean[0], 1 - z[1] / mean[1]);
    }
    claim_table_break(claim);
    ndl_matrix_free(&all);
    ndl_matrix_free(&left);
}

/** ## The descent direction of panel B

The loss along the direction has the closed form
$\Delta L/(N\lambda) = \epsilon (a m_j + c) + m_j(\sqrt{1 - 2\epsilon a h + \epsilon^2} - 1)$,
valid while the codes stay nonnegative. */
static void follow_descent(struct claim *claim, const struct ndl_matrix *X,
                           const struct ndl_model *m, const struct ndl_condition *condition,
                           double cosine)
{
    const double last = 0.15;
    double worst = 0, worst_orthogonal = 0;
    claim_table(claim, "descent",
                "eps 1 0 step along the direction\n"
                "measured 1 1e-9 loss change per sample and lambda, full loss\n"
                "predicted 1 1e-9 the closed form\n"
                "line 1 1e-9 predicted slope times eps");
    for (int s = 0; s <= 30; s++) {
        double eps = last * s / 30;
        double measured = claim_change(claim, X, m, condition, eps);
        double predicted = ndl_condition_change(m, condition, eps);
        claim_row(claim, eps, measured, predicted, condition->slope * eps);
        worst = fmax(worst, fabs(measured - predicted));
        /* The control: the formula a reader would write who takes the atoms for orthogonal. */
        struct ndl_model orthogonal = *m;
        double atoms[4] = {1, 0, 0, 1};
        orthogonal.D.v = atoms;
        worst_orthogonal = fmax(worst_orthogonal,
                                fabs(measured - ndl_condition_change(&orthogonal, condition, eps)));
    }
    claim_scalar(claim, "b.slope_predicted", condition->slope, CLAIM_CONVERGED,
                 "a m (1-h) + c, the slope of the loss that the certificate predicts");
    claim_scalar(claim, "b.slope_measured", claim_slope(claim, X, m, condition), CLAIM_CONVERGED,
                 "finite difference of the full loss along the direction");
    claim_scalar(claim, "b.slope_orthogonal",
                 (condition->slope - condition->c) / (1 - cosine) + condition->c, CLAIM_CONVERGED,
                 "the predicted slope with the cosine left out of the formula");
    claim_scalar(claim, "b.formula_error", worst, CLAIM_NOT_COMPARED,
                 "largest |measured - closed form| over the steps");
    claim_scalar(claim, "b.formula_error_orthogonal", worst_orthogonal, CLAIM_CONVERGED,
                 "the same with the cosine left out of the formula");
}

/** ## Stays or leaves

The solver starts at exactly this dictionary.  At an optimum of the limit
$\lambda \to 0$ the atoms move by $O(\lambda)$, so a tenth of $\lambda$ moves them a
tenth as far; a start that is no optimum is left for good, at any $\lambda$. */
static double angle_moved(const struct claim *claim, const struct ndl_matrix *X,
                          const struct ndl_model *start, double lambda, double *margin,
                          double *loss)
{
    struct ndl_fit_options options = ndl_fit_defaults(2, lambda);
    options.D0 = &start->D;
    options.b0 = &start->b;
    struct ndl_model end;
    *loss = claim_fit(claim, X, &options, &end, NULL);
    double moved = 0;
    for (size_t k = 0; k < 2; k++)
        moved = fmax(moved, measure_angle(2, ndl_row(&start->D, k), ndl_row(&end.D, k)));
    struct ndl_condition worst;
    *margin = smallest_margin(claim, &end, &worst);
    ndl_condition_free(&worst);
    ndl_model_free(&end);
    return moved;
}

static void run_solver(struct claim *claim, char name, const struct ndl_matrix *X,
                       const struct ndl_model *start)
{
    double margin, margin_again, loss, loss_again;
    double moved = angle_moved(claim, X, start, LAMBDA, &margin, &loss);
    double moved_tenth = angle_moved(claim, X, start, LAMBDA / 10, &margin_again, &loss_again);
    struct ndl_model coded = *start;
    claim_encode(claim, X, &coded);
    const char prefix[] = {name, '\0'};
    claim_values(
        claim, prefix,
        {"moved", moved, CLAIM_CONVERGED,
         "largest angle between a start atom and where it ends, radians"},
        {"moved_ratio", moved_tenth / moved, 1e-3, /* a ratio of angles of 1e-4 known to 1e-9 */
         "that angle at a tenth of lambda, over the angle"},
        {"loss_fall", 1 - loss / ndl_loss(X, &coded), CLAIM_CONVERGED,
         "relative fall of the loss from the start, exactly coded, to the end"},
        {"margin_end", margin, CLAIM_CONVERGED, "smallest hull margin where the solver ends"});
    ndl_codes_free(&coded.Z);
}

/* The table of the samples that B and D lack. */
static void write_all_removed(struct claim *claim, const struct ndl_matrix *cosines)
{
    struct ndl_matrix X[2];
    struct ndl_model a, m;
    claim_table(claim, "removed",
                "panel - 0 1 is B, 3 is D\n"
                "ztilde1 1 1e-9 activation of feature 1, normalised as in the panel\n"
                "ztilde2 1 1e-9 of feature 2");
    build_panel(claim, 0, cosines->v[0], &X[0], &a);
    for (size_t p = 1; p < PANELS; p += 2) {
        build_panel(claim, p, cosines->v[p % FILES], &X[1], &m);
        write_removed(claim, &a, &m, p);
        ndl_matrix_free(&X[1]);
        ndl_model_free(&m);
    }
    ndl_matrix_free(&X[0]);
    ndl_model_free(&a);
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Checks the convex-hull condition on four small data sets and follows the "
                    "descent direction where it "
                    "fails.\vExample: panels --data datasets --out build/results");
    struct ndl_error err;
    struct ndl_matrix cosines, X, hulls = claim_matrix(claim, PANELS, 6);
    struct ndl_model m;
    claim_check_status(claim, ndl_tsv_read(&cosines, claim_data(claim, "panels/cosines.tsv"), &err),
                       &err);
    if (cosines.rows != FILES || cosines.cols != 1)
        claim_check_status(claim,
                           ndl_fail(&err, NDL_BADDATA,
                                    "panels/cosines.tsv: expected %d rows of one cosine", FILES),
                           &err);
    claim_scalar(claim, "cosine", cosines.v[1], CLAIM_EXACT, "d_1 . d_2 of panel B");
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of the solver runs");
    claim_scalar(claim, "d.margin_predicted", cosines.v[0] - 1, CLAIM_EXACT,
                 "d_1 . d_2 - 1, the distance to the point 1");
    claim_table(claim, "scatter",
                "panel - 0 0 is A, 1 is B, 2 is C, 3 is D\n"
                "ztilde1 1 1e-9 normalised activation of feature 1\n"
                "ztilde2 1 1e-9 normalised activation of feature 2");
    for (size_t p = 0; p < PANELS; p++) {
        struct ndl_condition worst;
        char key[32];
        double cosine = cosines.v[p % FILES]; /* D is made of A */
        build_panel(claim, p, cosine, &X, &m);
        write_panel(claim, &m, cosine, p, ndl_row(&hulls, p));
        snprintf(key, sizeof key, "%c.margin", NAMES[p]);
        claim_scalar(
            claim, key, smallest_margin(claim, &m, &worst), CLAIM_CONVERGED,
            "signed distance of d_1.d_2 to the nearer end of the worse hull, positive inside");
        run_solver(claim, NAMES[p], &X, &m);
        ndl_condition_free(&worst);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
    }
    claim_table(claim, "hulls",
                "panel - 0 0 is A, 1 is B, 2 is C, 3 is D\n"
                "cosine 1 0 d_1 . d_2\n"
                "low1 1 1e-9 hull of ztilde1 while feature 2 is off, lower end\n"
                "high1 1 1e-9 upper end\n"
                "low2 1 1e-9 hull of ztilde2 while feature 1 is off, lower end\n"
                "high2 1 1e-9 upper end");
    for (size_t p = 0; p < PANELS; p++)
        claim_row_array(claim, ndl_row(&hulls, p), hulls.cols);
    ndl_matrix_free(&hulls);
    write_all_removed(claim, &cosines);

    struct ndl_condition worst;
    build_panel(claim, 1, cosines.v[1], &X, &m);
    smallest_margin(claim, &m, &worst);
    if (!worst.holds) /* else the margin of B, already recorded, fails the claim */
        follow_descent(claim, &X, &m, &worst, cosines.v[1]);
    ndl_condition_free(&worst);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    ndl_matrix_free(&cosines);
    return claim_end(claim);
}

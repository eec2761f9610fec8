/** # Mopping up: a dog atom must take up what it can of a labrador

Claim `mopping`.  A feature $s_i \ge 0$ along a unit vector $u$ orthogonal to all atoms fires only
where $k$ does, and is left in the residual.  The codes do not see it, and the slope of the loss as
$d_k$ tilts towards $u$ is

$$ -2 \sum_i z_{ik}\, u \cdot r_i = \begin{cases} -2 N \,\mathrm{Cov}(z_k, s) & \text{bias
free: it has absorbed }
\langle s \rangle, \\
   -2 N \langle z_k s \rangle & \text{no bias.} \end{cases} $$

The second is negative.  So is the first, unless parents are faint where the child fires: then the
atom tilts away.  At the optimum, with a free bias,

$$ \mathrm{Cov}(z_k, r) = \tfrac\lambda2 m_k d_k $$

(without one, the same for $\langle z_k r \rangle$).  So the covariance vanishes exactly in every
direction orthogonal to the *new* atom; along the old $u$ it is $\frac\lambda2 m_k\, u \cdot d_k$,
of order $\lambda$.  How far a single atom tilts is the subject of [tilt](tilt.html).

- Reads nothing: a parent, two unrelated features and a child along $u$ are drawn.
- Writes: `mopping.tsv`.
- Falsified by: a slope or a covariance other than predicted. */
#include <float.h>

#include <gsl/gsl_math.h>

#include "kit/missing_child.h"
#include "kit/claim.h"

enum { TRIALS = 20, ATOMS = 3, DIM = 5, SAMPLES = 400 };
static const double LAMBDA = 0.1;

struct setting {
    struct missing_child brood;
    double lambda;
    bool bias;
};

/* What the trials find: means, and extremes where it is said. */
struct found {
    double slope, slope_largest; /* predicted, per sample */
    /* relative, at most; of the formula for the other bias, at least */
    double slope_error, slope_error_other;
    double before, before_least; /* covariance with s at the start */
    /* with n.r at the end, at most; with u.r, and its error, at most */
    double after, along, along_error;
    double tilt, tilt_squared, tilt_least, tilt_largest; /* radians */
};

/** ## The slope

It is measured as a central difference of $\min_Z L$. */
static double tilted_loss(const struct claim *claim, const struct ndl_matrix *X,
                          struct ndl_model *m, const double *u, double t)
{
    ndl_axpy(DIM, t, u, m->D.v);
    claim_encode(claim, X, m);
    double loss = ndl_loss(X, m) / (double)X->rows;
    ndl_codes_free(&m->Z);
    ndl_axpy(DIM, -t, u, m->D.v);
    return loss;
}

static void measure_slope(const struct claim *claim, const struct ndl_matrix *X,
                          struct ndl_model *start, const double *u, double *s, struct found *all)
{
    /* few codes switch within it, even if two random atoms are nearly parallel */
    const double h = 1e-6;
    double measured =
        (tilted_loss(claim, X, start, u, h) - tilted_loss(claim, X, start, u, -h)) / (2 * h);
    claim_encode(claim, X, start);
    struct ndl_matrix Z = claim_dense(claim, start);
    const struct ndl_matrix S = {SAMPLES, 1, s};
    const double one = 1;
    double covariance = measure_covariance(&Z, 0, &S, &one, start->bias),
           predicted = -2 * covariance;
    double other = -2 * measure_covariance(&Z, 0, &S, &one, !start->bias);
    all->slope += predicted / TRIALS;
    keep_max(&all->slope_largest, predicted);
    keep_max(&all->slope_error, fabs(measured / predicted - 1));
    keep_min(&all->slope_error_other, fabs(measured / other - 1));
    all->before += covariance / TRIALS;
    keep_min(&all->before_least, fabs(covariance));
    ndl_matrix_free(&Z);
}

/** ## Where it ends

The solver starts from the true atoms; if it did not converge, the covariances would show. */
static void measure_end(const struct claim *claim, const struct ndl_matrix *X,
                        const struct ndl_model *start, const double *u, struct found *all)
{
    struct ndl_model end;
    struct ndl_fit_options options = ndl_fit_defaults(ATOMS, start->lambda);
    bool converged;
    options.bias = start->bias;
    options.D0 = &start->D;
    claim_fit(claim, X, &options, &end, &converged);
    double cosine = ndl_dot(DIM, u, end.D.v), tilt = asin(cosine), normal[DIM];
    for (size_t c = 0; c < DIM; c++)
        normal[c] = (u[c] - cosine * end.D.v[c]) / sqrt(1 - cosine * cosine);
    struct ndl_matrix Z = claim_dense(claim, &end), R = claim_residuals(claim, X, &end);
    double along = measure_covariance(&Z, 0, &R, u, end.bias),
           predicted = end.lambda / 2 * measure_column_mean(&Z, 0) * cosine;
    all->along += along / TRIALS;
    keep_max(&all->along_error, fabs(along - predicted));
    keep_max(&all->after, fabs(measure_covariance(&Z, 0, &R, normal, end.bias)));
    all->tilt += tilt / TRIALS;
    all->tilt_squared += gsl_pow_2(tilt) / TRIALS;
    keep_min(&all->tilt_least, tilt);
    keep_max(&all->tilt_largest, tilt);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&R);
    ndl_model_free(&end);
}

static void run_trial(const struct claim *claim, const struct setting *v, size_t trial,
                      struct found *all)
{
    struct ndl_matrix X = claim_matrix(claim, SAMPLES, DIM);
    struct ndl_model start = {claim_matrix(claim, ATOMS, DIM), claim_matrix(claim, 1, DIM),
                              .lambda = v->lambda, .bias = v->bias};
    const double u[DIM] = {[DIM - 1] = 1};
    double s[SAMPLES], mean = 0;
    gsl_rng *rng = claim_rng(claim, 1000 + trial);
    for (size_t k = 0; k < ATOMS; k++) /* in the first DIM - 1 dimensions; atom 0 is the parent */
        ndl_random_unit(rng, ndl_row(&start.D, k), DIM - 1);
    draw_missing_child(rng, &v->brood, &start.D, u, s, &X);
    for (size_t i = 0; i < SAMPLES; i++)
        mean += s[i] / SAMPLES;
    start.b.v[DIM - 1] = v->bias ? mean : 0;
    measure_slope(claim, &X, &start, u, s, all);
    measure_end(claim, &X, &start, u, all);
    ndl_matrix_free(&X);
    ndl_model_free(&start);
    gsl_rng_free(rng);
}

static void run(struct claim *claim, const char *name, const struct setting *v)
{
    struct found f = {.slope_largest = -DBL_MAX,
                      .slope_error_other = DBL_MAX,
                      .before_least = DBL_MAX,
                      .tilt_least = DBL_MAX,
                      .tilt_largest = -DBL_MAX};
    for (size_t trial = 0; trial < TRIALS; trial++)
        run_trial(claim, v, trial, &f);
    /* Three atoms may end in one of several optima, and the last bits may decide: no tolerance
     * on ends. */
    claim_values(
        claim, name,
        {"slope", f.slope, CLAIM_CONVERGED,
         "predicted slope of the loss per sample, mean of the trials"},
        {"slope_largest", f.slope_largest, CLAIM_CONVERGED, "largest predicted slope"},
        {"slope_error", f.slope_error, CLAIM_NOT_COMPARED,
         "largest relative error of the predicted slope"},
        {"slope_error_other", f.slope_error_other, CLAIM_CONVERGED,
         "least such error of the formula for the other setting of the bias"},
        {"tilt", f.tilt, CLAIM_NOT_COMPARED,
         "tilt of the parent's atom towards u at the end, radians, mean"},
        {"tilt_error", sqrt(fmax(0, f.tilt_squared - f.tilt * f.tilt) / (TRIALS - 1)),
         CLAIM_NOT_COMPARED, "its standard error"},
        {"tilt_least", f.tilt_least, CLAIM_NOT_COMPARED, "least tilt"},
        {"tilt_largest", f.tilt_largest, CLAIM_NOT_COMPARED, "largest tilt"},
        {"before", f.before, CLAIM_CONVERGED,
         "Cov(z, s), without a bias <z s>, at the start, mean"},
        {"before_least", f.before_least, CLAIM_CONVERGED, "least absolute value of it"},
        {"after", f.after, CLAIM_NOT_COMPARED,
         "|Cov(z, n.r)| at the end, without a bias |<z n.r>|, n the atom's normal towards u, at "
         "most"},
        {"along", f.along, CLAIM_NOT_COMPARED, "Cov(z, u.r) at the end, mean"},
        {"along_error", f.along_error, CLAIM_NOT_COMPARED,
         "largest |Cov(z, u.r) - (lambda/2) m u.d| at the end"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Lets a parent's atom mop up a child that was left in the residual: slope and "
                    "covariances against "
                    "their formulas.\vExample: mopping --seed 7 --out build/results");
    const struct missing_child usual = {.rate = 0.5, .child = 0.4},
                               faint = {.rate = 0.8, .child = 0.5, .faint = true};
    run(claim, "free", &(struct setting){usual, LAMBDA, true});
    run(claim, "fixed", &(struct setting){usual, LAMBDA, false});
    run(claim, "faint", &(struct setting){faint, LAMBDA / 5, true});
    claim_values(claim, NULL,
                 {"lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits but where it is stated"},
                 {"lambda_faint", LAMBDA / 5, CLAIM_EXACT, "lambda where parents are faint"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws of every experiment"});
    return claim_end(claim);
}

/** # Mopping up: a dog atom must take up what it can of a labrador

Claim `mopping`.  A feature $s_i \ge 0$ along a unit vector $u$ orthogonal to all atoms fires only where $k$ does, and
is left in the residual.  The codes do not see it, and the slope of the loss as $d_k$ tilts towards $u$ is

$$ -2 \sum_i z_{ik}\, u \cdot r_i = \begin{cases} -2 N \,\mathrm{Cov}(z_k, s) & \text{bias free: it has absorbed }
\langle s \rangle, \\
   -2 N \langle z_k s \rangle & \text{no bias.} \end{cases} $$

The second is negative.  So is the first, unless parents are faint where the child fires: then the atom tilts away.
At the optimum, with a free bias,

$$ \mathrm{Cov}(z_k, r) = \tfrac\lambda2 m_k d_k $$

(without one, the same for $\langle z_k r \rangle$).  So the covariance vanishes exactly in every direction orthogonal
to the *new* atom; along the old $u$ it is $\frac\lambda2 m_k\, u \cdot d_k$, of order $\lambda$.  With one atom
that fires wherever the parent does, $d = (\cos\phi, \sin\phi)$ and $n = (-\sin\phi, \cos\phi)$ in the plane of parent and
child, this is one equation for the tilt,

$$ d^\top C\, n = \tfrac\lambda2 \langle x \rangle \cdot n , $$

with $C$ the covariance of $x$ (without a bias $\langle x x^\top \rangle$): for $\lambda \to 0$ the principal axis.

- Writes: `mopping.tsv`; `mopping-tilt` (tilt against child probability), `mopping-covariance` (covariance
  against lambda).
- Falsified by: a slope, tilt or covariance other than predicted. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "claim.h"

enum { TRIALS = 20 };
static const double LAMBDA = 0.1;

/* Residuals (N x d) and dense codes (N x K). */
struct solution {
    struct ndl_matrix R, Z;
};

static struct solution solution_build(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct solution s = {claim_matrix(claim, X->rows, X->cols), claim_dense(claim, m)};
    for (size_t i = 0; i < X->rows; i++)
        ndl_residual(X, m, i, ndl_row(&s.R, i));
    return s;
}

static void solution_free(struct solution *s)
{
    ndl_matrix_free(&s->R);
    ndl_matrix_free(&s->Z);
}

struct brood {
    double rate, child; /* probability of the parent; of the child given the parent */
    bool faint;         /* the parent is faint where the child fires */
    double lambda;
    bool bias;
};

/* The solver from given atoms; NDL_NOCONV shows in the covariances at the end. */
static struct ndl_model learn(const struct claim *claim, const struct ndl_matrix *X, const struct brood *v,
                              const struct ndl_matrix *D0)
{
    struct ndl_model m;
    bool converged;
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, v->lambda);
    options.bias = v->bias;
    options.D0 = D0;
    claim_fit(claim, X, &options, &m, &converged);
    return m;
}

/** ## The slope

A parent (atom 0), two unrelated atoms, and a child along $u$. */
enum { PARENTS = 3, SPACE = 5, DRAWN = 400 };
/* X is DRAWN x d; D (K x d, atom 0 the parent) and u are orthogonal.  s: the child's activations. */
static void draw_brood(gsl_rng *rng, const struct brood *v, const struct ndl_matrix *D, const double *u, double *s,
                       struct ndl_matrix *X)
{
    memset(X->v, 0, X->rows * X->cols * sizeof *X->v);
    for (size_t i = 0; i < DRAWN; i++) {
        bool parent = gsl_rng_uniform(rng) < v->rate, child = parent && gsl_rng_uniform(rng) < v->child;
        s[i] = child ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
        for (size_t k = 0; k < D->rows; k++) {
            double z = gsl_rng_uniform(rng) < 0.3 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            if (k == 0)
                z = !parent ? 0 : v->faint && child ? gsl_ran_flat(rng, 0.2, 0.3) : gsl_ran_flat(rng, 0.5, 1.5);
            ndl_axpy(X->cols, z, ndl_row(D, k), ndl_row(X, i));
        }
        ndl_axpy(X->cols, s[i], u, ndl_row(X, i));
    }
}

/* min_Z of the loss, with atom 0 tilted by t towards u, per sample. */
static double tilted_loss(struct claim *claim, const struct ndl_matrix *X, struct ndl_model *m, const double *u,
                          double t)
{
    ndl_axpy(X->cols, t, u, m->D.v);
    claim_encode(claim, X, m);
    double loss = ndl_loss(X, m) / (double)X->rows;
    ndl_codes_free(&m->Z);
    ndl_axpy(X->cols, -t, u, m->D.v);
    return loss;
}

/* <z_k along.r> - <z_k><along.r>, or without the second term. */
static double covariance(const struct solution *s, size_t k, const double *along, bool centred)
{
    double product = 0, z_mean = 0, r_mean = 0, n = (double)s->R.rows;
    for (size_t i = 0; i < s->R.rows; i++) {
        double z = ndl_row(&s->Z, i)[k], r = ndl_dot(s->R.cols, along, ndl_row(&s->R, i));
        product += z * r / n;
        z_mean += z / n;
        r_mean += r / n;
    }
    return centred ? product - z_mean * r_mean : product;
}

struct mopping {
    double slope, slope_largest, error, error_other; /* per sample; relative errors, of the other formula the least */
    double before, along, along_error, after; /* covariances: at the start, at the end; means, largest errors */
    double before_least, tilt, tilt_squared, tilt_least, tilt_largest;
};

static void mop_up(struct claim *claim, const struct brood *v, size_t trial, struct mopping *all)
{
    struct ndl_matrix X = claim_matrix(claim, DRAWN, SPACE);
    struct ndl_model start = {claim_matrix(claim, PARENTS, SPACE), claim_matrix(claim, 1, SPACE), .lambda = v->lambda,
                              .bias = v->bias};
    double u[SPACE] = {0}, s[DRAWN], s_mean = 0, normal[SPACE], cosine;
    gsl_rng *rng = claim_rng(claim, 1000 + trial);
    u[SPACE - 1] = 1;
    for (size_t k = 0; k < PARENTS; k++)
        ndl_random_unit(rng, ndl_row(&start.D, k), SPACE - 1);
    draw_brood(rng, v, &start.D, u, s, &X);
    for (size_t i = 0; i < DRAWN; i++)
        s_mean += s[i] / DRAWN;
    start.b.v[SPACE - 1] = v->bias ? s_mean : 0;

    const double h = 1e-6; /* few codes switch within it, even if two random atoms are nearly parallel */
    double measured = (tilted_loss(claim, &X, &start, u, h) - tilted_loss(claim, &X, &start, u, -h)) / (2 * h);
    claim_encode(claim, &X, &start);
    struct solution before = solution_build(claim, &X, &start);
    for (size_t i = 0; i < DRAWN; i++) /* r.u is s up to the bias; predict from s itself */
        ndl_row(&before.R, i)[SPACE - 1] = s[i];
    double predicted = -2 * covariance(&before, 0, u, v->bias), other = -2 * covariance(&before, 0, u, !v->bias);
    all->slope += predicted / TRIALS;
    all->slope_largest = fmax(all->slope_largest, predicted);
    all->error = fmax(all->error, fabs(measured / predicted - 1));
    all->error_other = fmin(all->error_other, fabs(measured / other - 1));

    struct ndl_model end = learn(claim, &X, v, &start.D);
    struct solution after = solution_build(claim, &X, &end);
    cosine = ndl_dot(SPACE, u, end.D.v);
    for (size_t c = 0; c < SPACE; c++)
        normal[c] = (u[c] - cosine * end.D.v[c]) / sqrt(1 - cosine * cosine);
    double mass = ndl_column_mean(&after.Z, 0);
    double along = covariance(&after, 0, u, v->bias), across = covariance(&after, 0, normal, v->bias);
    all->before += -predicted / 2 / TRIALS;
    all->before_least = fmin(all->before_least, fabs(predicted) / 2);
    all->after = fmax(all->after, fabs(across));
    all->along += along / TRIALS;
    all->along_error = fmax(all->along_error, fabs(along - v->lambda / 2 * mass * cosine));
    all->tilt += asin(cosine) / TRIALS;
    all->tilt_squared += gsl_pow_2(asin(cosine)) / TRIALS;
    all->tilt_least = fmin(all->tilt_least, asin(cosine));
    all->tilt_largest = fmax(all->tilt_largest, asin(cosine));
    solution_free(&before);
    solution_free(&after);
    ndl_matrix_free(&X);
    ndl_model_free(&start);
    ndl_model_free(&end);
    gsl_rng_free(rng);
}

/** ## Where it ends

One atom; the plane of parent and child.  The parent fires in a share $p$ of the samples, all of which the atom keeps;
elsewhere $x = 0$.  Then $z = x \cdot d - c$ where it fires, and the component of the mean residual along $d$ gives $c =
\lambda / (2 (1 - p))$ with a free bias; $c = \lambda / 2$ without. */
struct plane {
    double mean[2], moment[2][2], rate; /* moment: second moments, centred if the bias is free */
};

static struct plane plane_of(const struct ndl_matrix *X, bool bias)
{
    struct plane f = {0};
    double n = (double)X->rows;
    for (size_t i = 0; i < X->rows; i++) {
        const double *x = ndl_row(X, i);
        f.rate += (x[0] != 0) / n; /* x is exactly 0 where the parent is off */
        for (size_t a = 0; a < 2; a++) {
            f.mean[a] += x[a] / n;
            for (size_t b = 0; b < 2; b++)
                f.moment[a][b] += x[a] * x[b] / n;
        }
    }
    for (size_t a = 0; a < 2 && bias; a++)
        for (size_t b = 0; b < 2; b++)
            f.moment[a][b] -= f.mean[a] * f.mean[b];
    return f;
}

/* d.C n - (lambda/2) <x>.n at tilt phi: positive at 0, negative at pi/2. */
static double torque(const struct plane *f, double lambda, double phi)
{
    const double d[2] = {cos(phi), sin(phi)}, n[2] = {-sin(phi), cos(phi)};
    double sum = -lambda / 2 * (f->mean[0] * n[0] + f->mean[1] * n[1]);
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 0; b < 2; b++)
            sum += d[a] * f->moment[a][b] * n[b];
    return sum;
}

static double predicted_tilt(const struct plane *f, double lambda)
{
    double low = 0, high = M_PI / 2;
    for (int step = 0; step < 60; step++) {
        double middle = (low + high) / 2;
        *(torque(f, lambda, middle) > 0 ? &low : &high) = middle;
    }
    return low;
}

struct ending {
    double tilt, predicted, principal;  /* radians: measured, by the equation, and with lambda left out of it */
    double before, along, along_predicted, across; /* covariance of the code: with s; with u.r, n.r at the end */
};

static struct ending one_parent(struct claim *claim, const struct brood *v, uint64_t stream)
{
    struct ndl_matrix X = claim_matrix(claim, DRAWN, 2), D = claim_matrix(claim, 1, 2);
    double s[DRAWN];
    const double u[2] = {0, 1};
    gsl_rng *rng = claim_rng(claim, stream);
    D.v[0] = 1;
    draw_brood(rng, v, &D, u, s, &X);
    struct ndl_model end = learn(claim, &X, v, &D);
    struct solution after = solution_build(claim, &X, &end);
    struct plane f = plane_of(&X, v->bias);
    struct ending e = {.tilt = atan2(end.D.v[1], end.D.v[0]), .predicted = predicted_tilt(&f, v->lambda),
                       .principal = predicted_tilt(&f, 0), .before = torque(&f, v->lambda, 0)};
    double shift = v->bias ? v->lambda / 2 / (1 - f.rate) : v->lambda / 2;
    double mass = f.mean[0] * cos(e.predicted) + f.mean[1] * sin(e.predicted) - f.rate * shift;
    e.along_predicted = v->lambda / 2 * mass * sin(e.predicted);
    e.along = covariance(&after, 0, u, v->bias);
    e.across = covariance(&after, 0, (double[]){-end.D.v[1], end.D.v[0]}, v->bias);
    solution_free(&after);
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    ndl_model_free(&end);
    gsl_rng_free(rng);
    return e;
}

static void tilts(struct claim *claim)
{
    double error = 0, error_principal = 0, across = 0, along_error = 0;
    double along_least = DBL_MAX, before_least = DBL_MAX;
    claim_table(claim, "tilt",
                "bias - 0 whether it is free\nchild 1 0 probability of the child given the parent\n"
                "measured rad 1e-6 tilt, mean of the trials\nerror rad 1e-6 standard error\n"
                "low rad 1e-6 least\nhigh rad 1e-6 largest\npredicted rad 1e-6 mean of the trials");
    for (int bias = 0; bias < 2; bias++) {
        for (int c = 1; c <= 9; c++) {
            struct brood v = {0.5, c / 10.0, false, LAMBDA, bias};
            double sum = 0, squares = 0, low = DBL_MAX, high = -DBL_MAX, predicted = 0;
            for (size_t trial = 0; trial < TRIALS; trial++) {
                struct ending e = one_parent(claim, &v, 10000 + 100 * (uint64_t)c + trial);
                sum += e.tilt / TRIALS;
                squares += e.tilt * e.tilt / TRIALS;
                low = fmin(low, e.tilt);
                high = fmax(high, e.tilt);
                predicted += e.predicted / TRIALS;
                error = fmax(error, fabs(e.tilt - e.predicted));
                error_principal = fmax(error_principal, fabs(e.tilt - e.principal));
                across = fmax(across, fabs(e.across));
                along_error = fmax(along_error, fabs(e.along - e.along_predicted));
                along_least = fmin(along_least, fabs(e.along));
                before_least = fmin(before_least, fabs(e.before));
            }
            double spread = sqrt(fmax(0, squares - sum * sum) / (TRIALS - 1));
            claim_row(claim, (const double[]){bias, c / 10.0, sum, spread, low, high, predicted});
        }
        claim_gap(claim);
    }
    claim_scalar(claim, "tilt.error", error, CLAIM_ROUNDING, "largest |measured - predicted| tilt, radians");
    claim_scalar(claim, "tilt.error_principal", error_principal, CLAIM_ROUNDING,
                 "the same with lambda left out of the prediction: the principal axis");
    claim_scalar(claim, "tilt.across", across, CLAIM_ROUNDING, "largest |Cov(z, n.r)| at the end");
    claim_scalar(claim, "tilt.along_error", along_error, CLAIM_ROUNDING,
                 "largest |measured - predicted| Cov(z, u.r) at the end");
    claim_scalar(claim, "tilt.along", along_least, CLAIM_CONVERGED, "least |Cov(z, u.r)| at the end");
    claim_scalar(claim, "tilt.before", before_least, CLAIM_CONVERGED, "least |torque| before the atom tilts");

    claim_table(claim, "covariance",
                "lambda unit 0 penalty\nbefore unit^2 1e-6 Cov(z, s) at the start, mean of the trials\n"
                "along unit^2 1e-6 Cov(z, u.r) at the end\npredicted unit^2 1e-6 (lambda/2) m u.d\n"
                "across unit^2 inf |Cov(z, n.r)| at the end");
    static const double LAMBDAS[] = {0.01, 0.02, 0.04, 0.08, 0.16, 0.3};
    for (size_t l = 0; l < sizeof LAMBDAS / sizeof *LAMBDAS; l++) {
        double mean[4] = {0};
        for (size_t trial = 0; trial < TRIALS; trial++) {
            struct ending e = one_parent(claim, &(struct brood){0.5, 0.4, false, LAMBDAS[l], true}, 20000 + trial);
            const double of_trial[4] = {e.before, e.along, e.along_predicted, fabs(e.across)};
            for (size_t q = 0; q < 4; q++)
                mean[q] += of_trial[q] / TRIALS;
        }
        claim_row(claim, (const double[]){LAMBDAS[l], mean[0], mean[1], mean[2], mean[3]});
    }
}

static void record_mopping(struct claim *claim, const char *name, const struct brood *v)
{
    struct mopping m = {.slope_largest = -DBL_MAX, .error_other = DBL_MAX, .before_least = DBL_MAX,
                        .tilt_least = DBL_MAX, .tilt_largest = -DBL_MAX};
    for (size_t trial = 0; trial < TRIALS; trial++)
        mop_up(claim, v, trial, &m);
    /* Three atoms may end in one of several optima, and the last bits may decide: no tolerance on ends. */
    claim_values(claim, name,
        {"slope", m.slope, CLAIM_CONVERGED, "predicted slope of the loss per sample, mean of the trials"},
        {"slope_largest", m.slope_largest, CLAIM_CONVERGED, "largest predicted slope"},
        {"slope_error", m.error, CLAIM_ROUNDING, "largest relative error of the predicted slope"},
        {"slope_error_other", m.error_other, CLAIM_CONVERGED,
         "least such error of the formula for the other setting of the bias"},
        {"tilt", m.tilt, CLAIM_ROUNDING, "tilt of the parent's atom towards u at the end, radians, mean"},
        {"tilt_error", sqrt(fmax(0, m.tilt_squared - m.tilt * m.tilt) / (TRIALS - 1)), CLAIM_ROUNDING,
         "its standard error"},
        {"tilt_least", m.tilt_least, CLAIM_ROUNDING, "least tilt"},
        {"tilt_largest", m.tilt_largest, CLAIM_ROUNDING, "largest tilt"},
        {"before", m.before, CLAIM_CONVERGED, "Cov(z, s), without a bias <z s>, at the start, mean"},
        {"before_least", m.before_least, CLAIM_CONVERGED, "least absolute value of it"},
        {"after", m.after, CLAIM_ROUNDING,
         "|Cov(z, n.r)| at the end, without a bias |<z n.r>|, n the atom's normal towards u, at most"},
        {"along", m.along, CLAIM_ROUNDING, "Cov(z, u.r) at the end, mean"},
        {"along_error", m.along_error, CLAIM_ROUNDING, "largest |Cov(z, u.r) - (lambda/2) m u.d| at the end"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Lets a parent's atom mop up a child that was left in the residual: slope, tilt and covariances against "
        "their formulas.\vExample: mopping --seed 7 --out build/results");
    tilts(claim);
    record_mopping(claim, "free", &(struct brood){0.5, 0.4, false, LAMBDA, true});
    record_mopping(claim, "fixed", &(struct brood){0.5, 0.4, false, LAMBDA, false});
    record_mopping(claim, "faint", &(struct brood){0.8, 0.5, true, LAMBDA / 5, true});
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits but where it is stated");
    claim_scalar(claim, "lambda_faint", LAMBDA / 5, CLAIM_EXACT, "lambda where parents are faint");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws of every experiment");
    return claim_end(claim);
}

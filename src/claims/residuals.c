/** # Residuals: what is left over

Claim `residuals`.  At every optimum, with $r_i = x_i - b - \sum_k z_{ik} d_k$,

$$ \sum_i z_{ik} \bigl(r_i - \tfrac\lambda2 d_k\bigr) = 0, \qquad
   r_i \cdot d_k \le \tfrac\lambda2, \text{ with equality where } k \text{ fires}, $$

and with the weights $w_{ik} = \mu_{ik} / (\lambda N)$ and $C_r = \langle r r^\top \rangle$

$$ \langle r \rangle - \tfrac2\lambda C_r d_k = \sum_i w_{ik} r_i . $$

With a free bias $\langle r \rangle = 0$ and the weights sum to one: $-\frac2\lambda C_r d_k$ lies
in $\mathrm{Conv}\{r_i : z_{ik} = 0\}$.

- Reads: every `*.tree`, and `panels/[A-Z].tsv`, the three panels.
- Writes: `residuals.tsv`; `residuals-data` (identities), `residuals-cloud` and `residuals-hull`
  (the figure).
- Falsified by: an identity violated, or a point outside its hull. */
#include <float.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { DIM = CLAIM_TREE_DIM, TRIALS = 20 };
static const double LAMBDA = 0.1;

/* What the identities need: residuals (N x d), dense codes and weights (N x K). */
struct solution {
    struct ndl_matrix R, Z, W;
    const struct ndl_model *m;
};

static struct solution solution_build(const struct claim *claim, const struct ndl_matrix *X,
                                      const struct ndl_model *m)
{
    struct ndl_error err;
    struct solution s = {.R = claim_residuals(claim, X, m), .Z = claim_dense(claim, m), .m = m};
    claim_check_status(claim, ndl_multiplier_weights(X, m, &s.W, &err), &err);
    return s;
}

static void solution_free(struct solution *s)
{
    ndl_matrix_free(&s->R);
    ndl_matrix_free(&s->Z);
    ndl_matrix_free(&s->W);
}

/* From the atoms D0, or random ones if NULL.  NDL_NOCONV shows in the identities. */
static struct ndl_model learn(const struct claim *claim, const struct ndl_matrix *X, size_t atoms,
                              double lambda, bool bias, const struct ndl_matrix *D0)
{
    struct ndl_model m;
    bool converged;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, lambda);
    options.bias = bias;
    options.D0 = D0;
    options.seed = claim_seed(claim);
    claim_fit(claim, X, &options, &m, &converged);
    return m;
}

/** ## The identities

All are relative: to $\frac\lambda2 m_k$, to $\frac\lambda2$, and to $\langle |r| \rangle$.  The one
of the weights is algebra once the weights are written out; what an optimum adds is that they are
convex, which is the bound and the equality.  The controls leave out the penalty, an atom's own code
and the $\langle r \rangle$ of fits without a bias, take another atom's weights, and misstate
$\lambda$ by one per cent. */
enum measure {
    ATOMS,
    BOUND,
    EQUALITY,
    WEIGHTS,
    OUTSIDE,
    UNPAID,
    SILENT,
    MISSTATED,
    CENTRED,
    OTHER,
    MEASURES
};

struct tally {
    struct claim *claim;
    double most[MEASURES], least[MEASURES]; /* over the fits, of the largest over a fit's atoms */
    size_t problems, live;
};

/* -(2/lambda) C_r d_k, and <r>. */
static void hull_point(const struct solution *s, size_t k, double *point, double *mean)
{
    size_t n = s->R.rows, d = s->R.cols;
    memset(point, 0, d * sizeof *point);
    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++) {
        const double *r = ndl_row(&s->R, i);
        ndl_axpy(d, -2 / s->m->lambda * ndl_dot(d, r, ndl_row(&s->m->D, k)) / (double)n, r, point);
        ndl_axpy(d, 1 / (double)n, r, mean);
    }
}

/* |point + mean - sum_i w_ij r_i|; mean may be NULL. */
static double weights_error(const struct solution *s, size_t j, const double *point,
                            const double *mean)
{
    size_t d = s->R.cols;
    double rest[DIM];
    memcpy(rest, point, d * sizeof *rest);
    if (mean)
        ndl_axpy(d, 1, mean, rest);
    for (size_t i = 0; i < s->R.rows; i++)
        ndl_axpy(d, -ndl_row(&s->W, i)[j], ndl_row(&s->R, i), rest);
    return ndl_norm(d, rest);
}

/* By how much the point sticks out of the hull of the residuals with k off, as Qhull sees it: d
 * = 2. */
static double outside_by(const struct claim *claim, const struct solution *s, size_t k,
                         const double *point)
{
    struct ndl_error err;
    struct ndl_matrix off = claim_copy(claim, &s->R);
    struct ndl_hull_result hull;
    size_t d = s->R.cols, rows = 0;
    for (size_t i = 0; i < s->R.rows; i++)
        if (ndl_row(&s->Z, i)[k] <= 0)
            memcpy(ndl_row(&off, rows++), ndl_row(&s->R, i), d * sizeof(double));
    off.rows = rows;
    claim_check_status(claim, ndl_hull_locate(&off, point, NDL_HULL, NDL_AUTO, 1e-12, &hull, &err),
                       &err);
    double outside = -hull.margin;
    ndl_hull_result_free(&hull);
    ndl_matrix_free(&off);
    return outside;
}

/* The measures of live atom k, each kept if larger than `worst` says. */
static void check_atom(const struct claim *claim, const struct solution *s, size_t k, double length,
                       double *worst)
{
    size_t d = s->R.cols, K = s->Z.cols;
    const double half = s->m->lambda / 2, *atom = ndl_row(&s->m->D, k);
    double sum[DIM] = {0}, point[DIM], mean[DIM],
           mass = (double)s->R.rows * measure_column_mean(&s->Z, k);
    for (size_t i = 0; i < s->R.rows; i++) {
        const double *r = ndl_row(&s->R, i), z = ndl_row(&s->Z, i)[k], along = ndl_dot(d, r, atom);
        ndl_axpy(d, z, r, sum);
        keep_max(&worst[BOUND], along / half - 1);
        keep_max(&worst[SILENT], (along + z) / half - 1);
        keep_max(&worst[EQUALITY], z > 0 ? fabs(along / half - 1) : 0);
        keep_max(&worst[MISSTATED], z > 0 ? fabs(along / (1.01 * half) - 1) : 0);
    }
    keep_max(&worst[UNPAID], ndl_norm(d, sum) / (half * mass));
    ndl_axpy(d, -half * mass, atom, sum);
    keep_max(&worst[ATOMS], ndl_norm(d, sum) / (half * mass));
    hull_point(s, k, point, mean);
    keep_max(&worst[WEIGHTS], weights_error(s, k, point, mean) / length);
    keep_max(&worst[CENTRED], weights_error(s, k, point, NULL) / length);
    keep_max(&worst[OTHER], weights_error(s, (k + 1) % K, point, mean) / length);
    if (d == 2 && s->m->bias)
        keep_max(&worst[OUTSIDE], outside_by(claim, s, k, point));
}

/* Adds a fit to the tally; worst[] receives its own measures. */
static void check_fit(struct tally *t, const struct ndl_matrix *X, const struct ndl_model *m,
                      double *worst)
{
    struct solution s = solution_build(t->claim, X, m);
    double length = 0;
    for (size_t i = 0; i < X->rows; i++)
        length += ndl_norm(X->cols, ndl_row(&s.R, i)) / (double)X->rows;
    for (size_t q = 0; q < MEASURES; q++)
        worst[q] = -DBL_MAX;
    for (size_t k = 0; k < m->D.rows; k++)
        if (measure_activity(m, k) > 0) {
            check_atom(t->claim, &s, k, length, worst);
            t->live++;
        }
    for (size_t q = 0; q < MEASURES; q++) {
        keep_max(&t->most[q], worst[q]);
        if (q != CENTRED || !m->bias) /* with a bias <r> is 0 */
            t->least[q] = fmin(t->least[q], worst[q]);
    }
    t->problems++;
    solution_free(&s);
}

static void check_data_set(void *context, size_t number, const struct ndl_matrix *X, size_t atoms)
{
    struct tally *t = context;
    for (int bias = 0; bias < 2; bias++) {
        double worst[MEASURES];
        struct ndl_model m = learn(t->claim, X, atoms, LAMBDA, bias, NULL);
        check_fit(t, X, &m, worst);
        claim_row(t->claim, (double)number, bias, worst[ATOMS], worst[BOUND], worst[EQUALITY],
                  worst[WEIGHTS]);
        ndl_model_free(&m);
    }
}

/** ## A hull to look at

Two features and noise in the plane; the solver starts from their directions.  The control moves the
bias by one unit along atom 1 and codes again: $\langle r \rangle$ is then missing, and the point is
far out. */
static struct ndl_matrix noisy_plane(const struct claim *claim, gsl_rng *rng,
                                     const struct ndl_matrix *D)
{
    struct ndl_matrix X = claim_matrix(claim, 300, 2);
    for (size_t i = 0; i < X.rows; i++) {
        double *x = ndl_row(&X, i);
        for (size_t k = 0; k < 2; k++) {
            double z = gsl_rng_uniform(rng) < 0.4 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            ndl_axpy(2, z, ndl_row(D, k), x);
        }
        for (size_t c = 0; c < 2; c++)
            x[c] += 0.15 * gsl_ran_gaussian(rng, 1);
    }
    return X;
}

static double outside_displaced(const struct claim *claim, const struct ndl_matrix *X,
                                const struct ndl_model *m)
{
    struct ndl_model moved = *m;
    double b[2] = {m->b.v[0] + m->D.v[0], m->b.v[1] + m->D.v[1]}, point[2], mean[2];
    moved.b.v = b;
    claim_encode(claim, X, &moved);
    struct solution s = solution_build(claim, X, &moved);
    hull_point(&s, 0, point, mean);
    double outside = outside_by(claim, &s, 0, point);
    solution_free(&s);
    ndl_codes_free(&moved.Z);
    return outside;
}

static void draw_figure(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct solution s = solution_build(claim, X, m);
    double point[2], mean[2], off[300][2], corner[301][2];
    size_t count = 0;
    hull_point(&s, 0, point, mean);
    claim_table(claim, "cloud",
                "what - 0 0: atom 1 off, 1: on, 2: the point, 3: lambda/2 times atom 1\n"
                "r1 unit 1e-6 residual\nr2 unit 1e-6 residual");
    for (size_t i = 0; i < X->rows; i++) {
        const double on = ndl_row(&s.Z, i)[0] > 0, *r = ndl_row(&s.R, i);
        claim_row(claim, on, r[0], r[1]);
        if (on <= 0)
            memcpy(off[count++], r, sizeof *off);
    }
    claim_row(claim, 2, point[0], point[1]);
    claim_row(claim, 3, m->lambda / 2 * m->D.v[0], m->lambda / 2 * m->D.v[1]);
    claim_table(claim, "hull", "r1 unit 1e-6 corner of the hull\nr2 unit 1e-6 corner");
    count = measure_corners(off, count, corner);
    for (size_t c = 0; c <= count; c++)
        claim_row_array(claim, corner[c % count], 2);
    solution_free(&s);
}

static void hulls(struct claim *claim, struct tally *t)
{
    const double lambda = 0.4;
    double outside = -DBL_MAX, displaced = DBL_MAX, sum = 0,
           directions[4] = {1, 0, cos(1.2), sin(1.2)};
    const struct ndl_matrix D = {2, 2, directions};
    for (size_t trial = 0; trial < TRIALS; trial++) {
        double worst[MEASURES];
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        struct ndl_matrix X = noisy_plane(claim, rng, &D);
        struct ndl_model m = learn(claim, &X, 2, lambda, true, &D);
        check_fit(t, &X, &m, worst);
        sum += worst[OUTSIDE];
        keep_max(&outside, worst[OUTSIDE]);
        displaced = fmin(displaced, outside_displaced(claim, &X, &m));
        if (trial == 0)
            draw_figure(claim, &X, &m);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
    }
    claim_scalar(claim, "hull.lambda", lambda, CLAIM_EXACT, "lambda of the fits in the plane");
    claim_scalar(claim, "hull.inside", -outside, CLAIM_CONVERGED,
                 "how deep the points lie in their hulls, at least");
    claim_scalar(claim, "hull.inside_mean", -sum / TRIALS, CLAIM_CONVERGED,
                 "the same, mean over the trials");
    claim_scalar(claim, "hull.inside_displaced", -displaced, CLAIM_CONVERGED,
                 "the same with the bias moved by one unit, at most");
    claim_scalar(claim, "hull.outside_displaced", displaced, CLAIM_CONVERGED,
                 "by how much the points then stick out, at least");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Checks what holds for the residuals of an optimum on every "
                                      "data set, and locates their hull.\v"
                                      "Example: residuals --seed 7 --out build/results");
    struct tally t = {.claim = claim};
    for (size_t q = 0; q < MEASURES; q++) {
        t.most[q] = -DBL_MAX;
        t.least[q] = DBL_MAX;
    }
    claim_table(claim, "data",
                "number - 0 data set, in the order of the file names: trees, then panels\nbias - 0 "
                "whether it is free\n"
                "atoms 1 inf relative residual of the first identity\nbound 1 inf largest r.d / "
                "(lambda/2) - 1\n"
                "equality 1 inf largest |r.d / (lambda/2) - 1| where the atom fires\n"
                "weights 1 inf relative residual of the weights' identity");
    claim_data_sets(claim, &t, check_data_set);
    hulls(claim, &t);
    claim_values(
        claim, NULL, {"lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits but where it is stated"},
        {"trials", TRIALS, CLAIM_EXACT, "draws of every experiment"},
        {"problems", (double)t.problems, CLAIM_EXACT, "fits on which the identities are checked"},
        {"live", (double)t.live, CLAIM_NOT_COMPARED, "live atoms of these fits"},
        {"atoms", t.most[ATOMS], CLAIM_NOT_COMPARED,
         "largest relative residual of the first identity"},
        {"atoms_unpaid", t.least[UNPAID], CLAIM_NOT_COMPARED,
         "least with the penalty's term left out"},
        {"bound", t.most[BOUND], CLAIM_NOT_COMPARED, "largest r.d / (lambda/2) - 1"},
        {"bound_silent", t.least[SILENT], CLAIM_NOT_COMPARED,
         "the same with the atom's own code left out, at least"},
        {"equality", t.most[EQUALITY], CLAIM_NOT_COMPARED,
         "largest |r.d / (lambda/2) - 1| where the atom fires"},
        {"equality_misstated", t.least[MISSTATED], CLAIM_NOT_COMPARED,
         "least with lambda stated 1 % too large"},
        {"weights", t.most[WEIGHTS], CLAIM_NOT_COMPARED,
         "largest relative residual of the weights' identity"},
        {"weights_centred", t.least[CENTRED], CLAIM_NOT_COMPARED,
         "least without a bias if <r> is left out"},
        {"weights_other", t.least[OTHER], CLAIM_NOT_COMPARED, "least with another atom's weights"},
        {"outside", t.most[OUTSIDE], CLAIM_NOT_COMPARED,
         "planar data, free bias: by how much a point sticks out of its hull, at most"});
    return claim_end(claim);
}

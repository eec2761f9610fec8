/** # Residuals: what is left over

Claim `residuals`.  At every optimum, with $r_i = x_i - b - \sum_k z_{ik} d_k$,

$$ \sum_i z_{ik} \bigl(r_i - \tfrac\lambda2 d_k\bigr) = 0, \qquad
   r_i \cdot d_k \le \tfrac\lambda2, \text{ with equality where } k \text{ fires}, $$

and with the weights $w_{ik} = \mu_{ik} / (\lambda N)$ and $C_r = \langle r r^\top \rangle$

$$ \langle r \rangle - \tfrac2\lambda C_r d_k = \sum_i w_{ik} r_i . $$

With a free bias $\langle r \rangle = 0$ and the weights sum to one: $-\frac2\lambda C_r d_k$ lies in
$\mathrm{Conv}\{r_i : z_{ik} = 0\}$.

- Reads: every `*.tree` of the data directory, and the three panels.
- Writes: `residuals.tsv`; `residuals-data` (identities), `residuals-cloud` and `residuals-hull` (the figure).
- Falsified by: an identity violated, or a point outside its hull. */
#include <float.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "claim.h"

enum { SAMPLES = 1000, DIM = 24, TRIALS = 20 };
static const double LAMBDA = 0.1;

static double dot(const double *u, const double *v, size_t d)
{
    double sum = 0;
    for (size_t c = 0; c < d; c++)
        sum += u[c] * v[c];
    return sum;
}

/* What the identities need: residuals (N x d), dense codes and weights (N x K). */
struct solution {
    struct ndl_matrix R, Z, W;
    const struct ndl_model *m;
};

static void solution_build(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                           struct solution *s)
{
    struct ndl_error err;
    s->m = m;
    claim_must(claim, ndl_codes_to_dense(&s->Z, &m->Z, &err), &err);
    claim_must(claim, ndl_multiplier_weights(X, m, &s->W, &err), &err);
    claim_must(claim, ndl_matrix_copy(&s->R, X, &err), &err);
    for (size_t i = 0; i < X->rows; i++)
        for (size_t c = 0; c < X->cols; c++) {
            ndl_row(&s->R, i)[c] -= m->b.v[c];
            for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
                ndl_row(&s->R, i)[c] -= m->Z.value[e] * ndl_row(&m->D, m->Z.atom[e])[c];
        }
}

static void solution_free(struct solution *s)
{
    ndl_matrix_free(&s->R);
    ndl_matrix_free(&s->Z);
    ndl_matrix_free(&s->W);
}

/* From the atoms D0, or random ones if NULL.  NDL_NOCONV shows in the identities. */
static void learn(struct claim *claim, const struct ndl_matrix *X, size_t atoms, double lambda, bool bias,
                  const struct ndl_matrix *D0, struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_fit_report report;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, lambda);
    options.bias = bias;
    options.D0 = D0;
    options.seed = claim_seed(claim);
    enum ndl_status status = ndl_fit(X, &options, m, &report, &err);
    if (status != NDL_NOCONV)
        claim_must(claim, status, &err);
    ndl_fit_report_free(&report);
}

/** ## The identities

All are relative: to $\frac\lambda2 m_k$, to $\frac\lambda2$, and to $\langle |r| \rangle$.  The controls leave out the
$\langle r \rangle$ of fits without a bias, take another atom's weights, and misstate $\lambda$ by one per cent. */
struct identities {
    double atoms, bound, equality, weights, outside;
    double atoms_unpaid, weights_centred, weights_other, equality_misstated; /* controls: least over problems */
    size_t problems, atoms_checked;
};

static double row_norm(const double *v, size_t d)
{
    return sqrt(dot(v, v, d));
}

/* -(2/lambda) C_r d_k, and <r>. */
static void hull_point(const struct solution *s, size_t k, double *point, double *mean)
{
    size_t n = s->R.rows, d = s->R.cols;
    memset(point, 0, d * sizeof *point);
    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++) {
        const double *r = ndl_row(&s->R, i);
        double along = dot(r, ndl_row(&s->m->D, k), d);
        for (size_t c = 0; c < d; c++) {
            point[c] -= 2 / s->m->lambda * along * r[c] / (double)n;
            mean[c] += r[c] / (double)n;
        }
    }
}

/* |point + mean - sum_i w_ij r_i|. */
static double weights_error(const struct solution *s, size_t j, const double *point, const double *mean)
{
    size_t d = s->R.cols;
    double rest[DIM];
    for (size_t c = 0; c < d; c++) {
        rest[c] = point[c] + (mean ? mean[c] : 0);
        for (size_t i = 0; i < s->R.rows; i++)
            rest[c] -= ndl_row(&s->W, i)[j] * ndl_row(&s->R, i)[c];
    }
    return row_norm(rest, d);
}

/* By how much the point sticks out of the hull of the residuals with k off, as Qhull sees it: d = 2. */
static double outside_by(struct claim *claim, const struct solution *s, size_t k, const double *point)
{
    struct ndl_error err;
    struct ndl_matrix off;
    struct ndl_hull_result hull;
    size_t d = s->R.cols, rows = 0;
    claim_must(claim, ndl_matrix_copy(&off, &s->R, &err), &err);
    for (size_t i = 0; i < s->R.rows; i++)
        if (ndl_row(&s->Z, i)[k] <= 0)
            memcpy(ndl_row(&off, rows++), ndl_row(&s->R, i), d * sizeof(double));
    off.rows = rows;
    claim_must(claim, ndl_hull_locate(&off, point, NDL_HULL, NDL_AUTO, 1e-12, &hull, &err), &err);
    double outside = -hull.margin;
    ndl_hull_result_free(&hull);
    ndl_matrix_free(&off);
    return outside;
}

static void check_identities(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                             struct identities *all, struct identities *one)
{
    struct solution s;
    solution_build(claim, X, m, &s);
    size_t n = X->rows, d = X->cols, K = m->D.rows, live = 0;
    double half = m->lambda / 2, length = 0;
    *one = (struct identities){.outside = -DBL_MAX};
    for (size_t i = 0; i < n; i++)
        length += row_norm(ndl_row(&s.R, i), d) / (double)n;
    for (size_t k = 0; k < K; k++) {
        const double *atom = ndl_row(&m->D, k);
        double sum[DIM] = {0}, unpaid[DIM] = {0}, point[DIM], mean[DIM], mass = 0;
        for (size_t i = 0; i < n; i++) {
            const double *r = ndl_row(&s.R, i), z = ndl_row(&s.Z, i)[k], along = dot(r, atom, d);
            mass += z;
            for (size_t c = 0; c < d; c++) {
                sum[c] += z * (r[c] - half * atom[c]);
                unpaid[c] += z * r[c];
            }
            one->bound = fmax(one->bound, along / half - 1);
            if (z > 0) {
                one->equality = fmax(one->equality, fabs(along / half - 1));
                one->equality_misstated = fmax(one->equality_misstated, fabs(along / (1.01 * half) - 1));
            }
        }
        if (!(mass > 0))
            continue;
        live++;
        one->atoms = fmax(one->atoms, row_norm(sum, d) / (half * mass));
        one->atoms_unpaid = fmax(one->atoms_unpaid, row_norm(unpaid, d) / (half * mass));
        hull_point(&s, k, point, mean);
        one->weights = fmax(one->weights, weights_error(&s, k, point, mean) / length);
        one->weights_centred = fmax(one->weights_centred, weights_error(&s, k, point, NULL) / length);
        if (K > 1)
            one->weights_other = fmax(one->weights_other, weights_error(&s, (k + 1) % K, point, mean) / length);
        if (d == 2 && m->bias)
            one->outside = fmax(one->outside, outside_by(claim, &s, k, point));
    }
    all->atoms = fmax(all->atoms, one->atoms);
    all->bound = fmax(all->bound, one->bound);
    all->equality = fmax(all->equality, one->equality);
    all->weights = fmax(all->weights, one->weights);
    all->outside = fmax(all->outside, one->outside);
    all->atoms_unpaid = fmin(all->atoms_unpaid, one->atoms_unpaid);
    if (!m->bias)
        all->weights_centred = fmin(all->weights_centred, one->weights_centred);
    all->weights_other = fmin(all->weights_other, one->weights_other);
    all->equality_misstated = fmin(all->equality_misstated, one->equality_misstated);
    all->problems++;
    all->atoms_checked += live;
    solution_free(&s);
}

/* ------------------------------------------------------------------ the data */

static void draw_tree(struct claim *claim, const char *path, struct ndl_matrix *X, size_t *atoms)
{
    struct ndl_error err;
    struct ndl_tree *tree;
    struct ndl_matrix D, Z;
    gsl_rng *rng = claim_rng(claim, 0);
    claim_must(claim, ndl_tree_read(&tree, path, &err), &err);
    *atoms = ndl_tree_size(tree);
    claim_must(claim, ndl_tree_directions(tree, DIM, rng, &D, &err), &err);
    claim_must(claim, ndl_tree_sample(tree, SAMPLES, rng, &Z, &err), &err);
    claim_must(claim, ndl_matrix_alloc(X, SAMPLES, DIM, &err), &err);
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t k = 0; k < *atoms; k++)
            for (size_t c = 0; c < DIM; c++)
                ndl_row(X, i)[c] += ndl_row(&Z, i)[k] * ndl_row(&D, k)[c];
    ndl_matrix_free(&D);
    ndl_matrix_free(&Z);
    ndl_tree_free(tree);
    gsl_rng_free(rng);
}

static void every_data_set(struct claim *claim, struct identities *all)
{
    glob_t files;
    if (glob(claim_data(claim, "*.tree"), 0, NULL, &files) != 0 ||
        glob(claim_data(claim, "panels/[A-Z].tsv"), GLOB_APPEND, NULL, &files) != 0)
        claim_must(claim, NDL_IO, &(struct ndl_error){"no *.tree or no panels/*.tsv in the data directory"});
    claim_table(claim, "data",
                "number - 0 data set, in the order of the file names: trees, then panels\nbias - 0 whether it is free\n"
                "atoms 1 inf relative residual of the first identity\nbound 1 inf largest r.d / (lambda/2) - 1\n"
                "equality 1 inf largest |r.d / (lambda/2) - 1| where the atom fires\n"
                "weights 1 inf relative residual of the weights' identity");
    for (size_t f = 0; f < files.gl_pathc; f++) {
        struct ndl_error err;
        struct ndl_matrix X;
        size_t atoms = 2;
        if (strstr(files.gl_pathv[f], ".tree"))
            draw_tree(claim, files.gl_pathv[f], &X, &atoms);
        else
            claim_must(claim, ndl_tsv_read(&X, files.gl_pathv[f], &err), &err);
        for (int bias = 0; bias < 2; bias++) {
            struct ndl_model m;
            struct identities one;
            learn(claim, &X, atoms, LAMBDA, bias, NULL, &m);
            check_identities(claim, &X, &m, all, &one);
            claim_row(claim, (const double[]){(double)f, bias, one.atoms, one.bound, one.equality, one.weights});
            ndl_model_free(&m);
        }
        claim_progress(claim, f + 1, files.gl_pathc, "data sets");
        ndl_matrix_free(&X);
    }
    globfree(&files);
}

/** ## A hull to look at

Two features and noise in the plane; the solver starts from their directions.  The control moves the bias by one unit
along atom 1 and codes again: $\langle r \rangle$ is then missing, and the point is far out. */
static void noisy_plane(struct claim *claim, size_t trial, double lambda, struct ndl_matrix *X, struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix D;
    gsl_rng *rng = claim_rng(claim, 100 + trial);
    claim_must(claim, ndl_matrix_alloc(&D, 2, 2, &err), &err);
    memcpy(D.v, (double[]){1, 0, cos(1.2), sin(1.2)}, 4 * sizeof(double));
    claim_must(claim, ndl_matrix_alloc(X, 300, 2, &err), &err);
    for (size_t i = 0; i < X->rows; i++) {
        double *x = ndl_row(X, i);
        for (size_t k = 0; k < 2; k++) {
            double z = gsl_rng_uniform(rng) < 0.4 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            for (size_t c = 0; c < 2; c++)
                x[c] += z * ndl_row(&D, k)[c];
        }
        for (size_t c = 0; c < 2; c++)
            x[c] += 0.15 * gsl_ran_gaussian(rng, 1);
    }
    learn(claim, X, 2, lambda, true, &D, m);
    ndl_matrix_free(&D);
    gsl_rng_free(rng);
}

static double outside_displaced(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_model moved = *m;
    struct solution s;
    double b[2] = {m->b.v[0] + m->D.v[0], m->b.v[1] + m->D.v[1]}, point[2], mean[2];
    moved.b.v = b;
    claim_must(claim, ndl_encode(X, &m->D, &moved.b, m->lambda, &(struct ndl_encode_options){.threads = 1}, &moved.Z,
                                 NULL, &err), &err);
    solution_build(claim, X, &moved, &s);
    hull_point(&s, 0, point, mean);
    double outside = outside_by(claim, &s, 0, point);
    solution_free(&s);
    ndl_codes_free(&moved.Z);
    return outside;
}

/* The corners of the hull of the residuals with atom k off: the farthest in each of many directions. */
static void write_hull(struct claim *claim, const struct solution *s, size_t k)
{
    size_t first = SIZE_MAX, last = SIZE_MAX;
    claim_table(claim, "hull", "r1 unit 1e-6 corner of the hull\nr2 unit 1e-6 corner");
    for (int step = 0; step < 3600; step++) {
        double direction[2] = {cos(step * M_PI / 1800), sin(step * M_PI / 1800)}, farthest = -DBL_MAX;
        size_t corner = 0;
        for (size_t i = 0; i < s->R.rows; i++) {
            double reach = dot(direction, ndl_row(&s->R, i), 2);
            if (ndl_row(&s->Z, i)[k] <= 0 && reach > farthest) {
                farthest = reach;
                corner = i;
            }
        }
        if (corner != last)
            claim_row(claim, ndl_row(&s->R, corner));
        last = corner;
        if (first == SIZE_MAX)
            first = corner;
    }
    if (last != first)
        claim_row(claim, ndl_row(&s->R, first));
}

static void draw_figure(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct solution s;
    double point[2], mean[2];
    solution_build(claim, X, m, &s);
    hull_point(&s, 0, point, mean);
    claim_table(claim, "cloud", "what - 0 0: atom 1 off, 1: on, 2: the point, 3: lambda/2 times atom 1\n"
                                "r1 unit 1e-6 residual\nr2 unit 1e-6 residual");
    for (size_t i = 0; i < X->rows; i++)
        claim_row(claim, (const double[]){ndl_row(&s.Z, i)[0] > 0, ndl_row(&s.R, i)[0], ndl_row(&s.R, i)[1]});
    claim_row(claim, (const double[]){2, point[0], point[1]});
    claim_row(claim, (const double[]){3, m->lambda / 2 * m->D.v[0], m->lambda / 2 * m->D.v[1]});
    write_hull(claim, &s, 0);
    solution_free(&s);
}

static void hulls(struct claim *claim, struct identities *all)
{
    const double lambda = 0.4;
    double outside = -DBL_MAX, displaced = DBL_MAX, sum = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        struct ndl_matrix X;
        struct ndl_model m;
        struct identities one;
        noisy_plane(claim, trial, lambda, &X, &m);
        check_identities(claim, &X, &m, all, &one);
        sum += one.outside;
        outside = fmax(outside, one.outside);
        displaced = fmin(displaced, outside_displaced(claim, &X, &m));
        if (trial == 0)
            draw_figure(claim, &X, &m);
        ndl_matrix_free(&X);
        ndl_model_free(&m);
    }
    claim_scalar(claim, "hull.lambda", lambda, CLAIM_EXACT, "lambda of the fits in the plane");
    claim_scalar(claim, "hull.inside", -outside, CLAIM_CONVERGED, "how deep the points lie in their hulls, at least");
    claim_scalar(claim, "hull.inside_mean", -sum / TRIALS, CLAIM_CONVERGED, "the same, mean over the trials");
    claim_scalar(claim, "hull.inside_displaced", -displaced, CLAIM_CONVERGED,
                 "the same with the bias moved by one unit, at most");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Checks what holds for the residuals of an optimum on every data set, and locates their hull.\v"
        "Example: residuals --seed 7 --out build/results");
    struct identities all = {.outside = -DBL_MAX, .atoms_unpaid = DBL_MAX, .weights_centred = DBL_MAX,
                             .weights_other = DBL_MAX, .equality_misstated = DBL_MAX};
    every_data_set(claim, &all);
    hulls(claim, &all);
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits but where it is stated");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws of every experiment");
    claim_scalar(claim, "problems", (double)all.problems, CLAIM_EXACT, "fits on which the identities are checked");
    claim_scalar(claim, "live", (double)all.atoms_checked, CLAIM_ROUNDING, "live atoms of these fits");
    claim_scalar(claim, "atoms", all.atoms, CLAIM_ROUNDING, "largest relative residual of the first identity");
    claim_scalar(claim, "atoms_unpaid", all.atoms_unpaid, CLAIM_ROUNDING, "least with the penalty's term left out");
    claim_scalar(claim, "bound", all.bound, CLAIM_ROUNDING, "largest r.d / (lambda/2) - 1");
    claim_scalar(claim, "equality", all.equality, CLAIM_ROUNDING, "largest |r.d / (lambda/2) - 1| where the atom fires");
    claim_scalar(claim, "equality_misstated", all.equality_misstated, CLAIM_ROUNDING,
                 "least with lambda stated 1 % too large");
    claim_scalar(claim, "weights", all.weights, CLAIM_ROUNDING, "largest relative residual of the weights' identity");
    claim_scalar(claim, "weights_centred", all.weights_centred, CLAIM_ROUNDING,
                 "least without a bias if <r> is left out");
    claim_scalar(claim, "weights_other", all.weights_other, CLAIM_ROUNDING, "least with another atom's weights");
    claim_scalar(claim, "outside", all.outside, CLAIM_ROUNDING,
                 "planar data, free bias: by how much a point sticks out of its hull, at most");
    return claim_end(claim);
}

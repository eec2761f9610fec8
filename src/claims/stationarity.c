/** # Stationarity: what holds at every optimum

Claim `stationarity`.  With unit atoms, residuals $r_i = x_i - b - \sum_k z_{ik} d_k$ and
$\mu_{ik} = \lambda - 2 r_i \cdot d_k$, every local minimum satisfies

$$ \sum_i z_{ik} r_i = \tfrac\lambda2 \Bigl(\sum_i z_{ik}\Bigr) d_k, \qquad \sum_i r_i = 0, \qquad
   \mu_{ik} \ge 0, \quad \mu_{ik} z_{ik} = 0, $$

the second with a free bias only, and with a free bias every live feature is off somewhere.
The solver is run on every data set of the repository, and every condition is
recomputed by `ndl_certify`, which shares no code with it.

- Reads: every `*.tree` of the data directory, and the three panels.
- Writes: `stationarity.tsv`; `stationarity-data` (a row per data set and setting of the bias).
- Falsified by: a converged solution with a condition violated. */
#include <float.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "claim.h"

enum { SAMPLES = 1000, DIM = 24 };
static const double LAMBDA = 0.1;

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

/* ------------------------------------------------------------ the certificate */

struct worst {
    double atoms, bias, codes, always_on, norm;
    double turned, relabelled; /* the controls: least residuals over the data sets */
    size_t problems, live, dead;
};

/** ## The controls

The same certificate must notice an atom that is turned by a thousandth of a radian, and a
$\lambda$ that is stated one per cent too large. */
static double residual_when_turned(struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_certificate c;
    struct ndl_model turned = *m;
    claim_must(claim, ndl_matrix_copy(&turned.D, &m->D, &err), &err);
    size_t k = m->Z.atom[0], largest = 0, d = m->D.cols; /* an atom that fires */
    double *atom = ndl_row(&turned.D, k);
    for (size_t j = 1; j < d; j++)
        if (fabs(atom[j]) > fabs(atom[largest]))
            largest = j;
    size_t other = (largest + 1) % d;
    double u = atom[largest], v = atom[other];
    atom[largest] = cos(1e-3) * u - sin(1e-3) * v;
    atom[other] = sin(1e-3) * u + cos(1e-3) * v;
    claim_must(claim, ndl_certify(X, &turned, &c, &err), &err);
    ndl_matrix_free(&turned.D);
    return fmax(c.atoms, fmax(c.codes_on, c.codes_off));
}

static void examine(struct claim *claim, const struct ndl_matrix *X, size_t atoms, bool bias, size_t number,
                    struct worst *w)
{
    struct ndl_error err;
    struct ndl_model m;
    struct ndl_fit_report report;
    struct ndl_certificate c, relabelled;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, LAMBDA);
    options.bias = bias;
    options.seed = claim_seed(claim);
    enum ndl_status status = ndl_fit(X, &options, &m, &report, &err);
    if (status != NDL_NOCONV) /* then the certificate below fails the claim, with numbers */
        claim_must(claim, status, &err);
    claim_must(claim, ndl_certify(X, &m, &c, &err), &err);
    struct ndl_model other = m;
    other.lambda *= 1.01;
    claim_must(claim, ndl_certify(X, &other, &relabelled, &err), &err);

    double codes = fmax(c.codes_on, c.codes_off);
    w->atoms = fmax(w->atoms, c.atoms);
    w->bias = fmax(w->bias, c.bias);
    w->codes = fmax(w->codes, codes);
    w->always_on = fmax(w->always_on, c.always_on);
    w->norm = fmax(w->norm, c.norm);
    w->turned = fmin(w->turned, residual_when_turned(claim, X, &m));
    w->relabelled = fmin(w->relabelled, fmax(relabelled.atoms, relabelled.codes_on));
    w->problems++;
    w->live += c.live;
    w->dead += c.dead;
    claim_row(claim, (const double[]){(double)number, bias, (double)X->rows, (double)X->cols, (double)atoms,
                                      (double)c.live, c.loss / (double)X->rows, c.atoms, c.bias, codes});
    ndl_fit_report_free(&report);
    ndl_model_free(&m);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Fits every data set of the repository and recomputes every first-order condition at the result.\v"
        "Example: stationarity --seed 7 --out build/results");
    struct worst w = {.turned = DBL_MAX, .relabelled = DBL_MAX};
    glob_t files;
    if (glob(claim_data(claim, "*.tree"), 0, NULL, &files) != 0 ||
        glob(claim_data(claim, "panels/[A-Z].tsv"), GLOB_APPEND, NULL, &files) != 0)
        claim_must(claim, NDL_IO, &(struct ndl_error){"no *.tree or no panels/*.tsv in the data directory"});
    claim_table(claim, "data",
                "number - 0 data set, in the order of the file names: trees, then panels\nbias - 0 whether the bias is free\n"
                "samples - 0 N\ndimension - 0 d\natoms - 0 K\n"
                "live - inf atoms that fire; which optimum is found, the last bits may decide\n"
                "loss unit^2 inf loss per sample\natoms_residual 1 inf relative\nbias_residual 1 inf relative\n"
                "codes_residual 1 inf relative");
    for (size_t f = 0; f < files.gl_pathc; f++) {
        struct ndl_error err;
        struct ndl_matrix X;
        size_t atoms = 2;
        if (strstr(files.gl_pathv[f], ".tree"))
            draw_tree(claim, files.gl_pathv[f], &X, &atoms);
        else
            claim_must(claim, ndl_tsv_read(&X, files.gl_pathv[f], &err), &err);
        for (int bias = 0; bias < 2; bias++)
            examine(claim, &X, atoms, bias, f, &w);
        claim_progress(claim, f + 1, files.gl_pathc, "data sets");
        ndl_matrix_free(&X);
    }
    globfree(&files);
    claim_scalar(claim, "problems", (double)w.problems, CLAIM_EXACT, "data sets times two settings of the bias");
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits");
    claim_scalar(claim, "live", (double)w.live, CLAIM_ROUNDING, "atoms that fire, over all problems");
    claim_scalar(claim, "dead", (double)w.dead, CLAIM_ROUNDING, "atoms that never fire");
    claim_scalar(claim, "atoms", w.atoms, CLAIM_ROUNDING, "largest relative residual of the atom conditions");
    claim_scalar(claim, "bias", w.bias, CLAIM_ROUNDING, "largest relative residual of the bias conditions");
    claim_scalar(claim, "codes", w.codes, CLAIM_ROUNDING, "largest violation of the code conditions over lambda");
    claim_scalar(claim, "always_on", w.always_on, CLAIM_ROUNDING,
                 "with a free bias: largest min_i z_ik / m_k over the live features");
    claim_scalar(claim, "norm", w.norm, CLAIM_ROUNDING, "largest | |d_k| - 1 |");
    claim_scalar(claim, "turned", w.turned, CLAIM_ROUNDING, "least residual with one atom turned by 1e-3");
    claim_scalar(claim, "relabelled", w.relabelled, CLAIM_ROUNDING, "least residual with lambda stated 1 % too large");
    return claim_end(claim);
}

/** # Four ways to write one problem

Claim `reformulations`.  With $\mu = \lambda/2$, $S_k = \sum_i z_{ik}$ and $Q = Z Z^T$ the following
have the same optimum values:

- (a) free atoms: $\sum_i |r_i|^2 + \lambda \sum_k |d_k| S_k$,
- (b) unit atoms: $\sum_i |r_i|^2 + \lambda \sum_k S_k$,
- (c) no constraint: $\sum_i |r_i|^2 + \mu (|D|_F^2 + \sum_k S_k^2)$,
- (d) atoms eliminated: $G(Q) = \mu\,\mathrm{tr}[X^T P X] + \mu\, 1^T Q 1$ with
  $P = (\mu I + Q)^{-1}$, and with a free bias $P - P 1 1^T P / (1^T P 1)$ in its place.

(a) and (c) agree because $\lambda |d| S \le \mu (|d|^2 + S^2)$, with equality for one scale of $d$;
(d) is ridge regression for $D$, then for $b$.

- Writes: `reformulations.tsv`; `reformulations-values` (optimum values per trial).
- Falsified by: an optimum of (a), (c) or (d) at which (b) has another value. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>

#include "claim.h"

enum { N = 24, DIM = 5, ATOMS = 4, TRIALS = 20 };
static const double LAMBDA = 0.3;

enum form { FORM_A, FORM_C, FORM_D };

/* Variables: codes as squares, z = u^2, so that an unconstrained minimiser serves; then,
 * where they are not eliminated, D and b. */
struct problem {
    struct claim *claim;
    enum form form;
    bool bias;
    double lambda;
    struct ndl_matrix X;  /* N x DIM */
    struct ndl_model m;   /* the common start: D, b, codes */
};

/** ## The forms as functions

Form (d) sees the codes through $Q$ alone; by the envelope theorem
$\partial G / \partial Q = \mu(1 1^T - P X X^T P)$. */
static double eliminated(const struct problem *p, const double *u, double *gradient, struct ndl_matrix *PX)
{
    struct ndl_error err;
    struct ndl_matrix Q, P;
    double value;
    claim_must(p->claim, ndl_matrix_alloc(&Q, N, N, &err), &err);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t k = 0; k < ATOMS; k++)
                ndl_row(&Q, i)[j] += pow(u[i * ATOMS + k] * u[j * ATOMS + k], 2);
    claim_must(p->claim, ndl_eliminated(&p->X, &Q, p->lambda, p->bias, &value, &P, PX, &err), &err);
    for (size_t k = 0; gradient && k < ATOMS; k++) { /* dG/dZ = 2 (dG/dQ) Z, dz/du = 2 u */
        double sum = 0, along[DIM] = {0};
        for (size_t i = 0; i < N; i++) {
            double z = u[i * ATOMS + k] * u[i * ATOMS + k];
            sum += z;
            for (size_t c = 0; c < DIM; c++)
                along[c] += ndl_row(PX, i)[c] * z;
        }
        for (size_t i = 0; i < N; i++) {
            double dot = 0;
            for (size_t c = 0; c < DIM; c++)
                dot += ndl_row(PX, i)[c] * along[c];
            gradient[i * ATOMS + k] = 2 * u[i * ATOMS + k] * p->lambda * (sum - dot);
        }
    }
    ndl_matrix_free(&Q);
    ndl_matrix_free(&P);
    return value;
}

static double explicit_dictionary(const struct problem *p, const double *u, double *gradient)
{
    const double *D = u + N * ATOMS, *b = D + ATOMS * DIM;
    double value = 0, mass[ATOMS] = {0}, norm[ATOMS] = {0}, R[N][DIM];
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < DIM; c++) {
            R[i][c] = ndl_row(&p->X, i)[c] - (p->bias ? b[c] : 0);
            for (size_t k = 0; k < ATOMS; k++)
                R[i][c] -= u[i * ATOMS + k] * u[i * ATOMS + k] * D[k * DIM + c];
            value += R[i][c] * R[i][c];
        }
    for (size_t k = 0; k < ATOMS; k++) {
        for (size_t i = 0; i < N; i++)
            mass[k] += u[i * ATOMS + k] * u[i * ATOMS + k];
        for (size_t c = 0; c < DIM; c++)
            norm[k] += D[k * DIM + c] * D[k * DIM + c];
        value += p->form == FORM_A ? p->lambda * sqrt(norm[k]) * mass[k]
                                   : p->lambda / 2 * (norm[k] + mass[k] * mass[k]);
    }
    if (!gradient)
        return value;
    double *gD = gradient + N * ATOMS, *gb = gD + ATOMS * DIM;
    for (size_t k = 0; k < ATOMS; k++) {
        double root = sqrt(norm[k]);
        double atom_weight = p->form == FORM_A ? p->lambda * mass[k] / root : p->lambda;
        double code_weight = p->form == FORM_A ? p->lambda * root : p->lambda * mass[k];
        for (size_t c = 0; c < DIM; c++)
            gD[k * DIM + c] = atom_weight * D[k * DIM + c];
        for (size_t i = 0; i < N; i++) {
            double dot = 0, uik = u[i * ATOMS + k];
            for (size_t c = 0; c < DIM; c++) {
                dot += R[i][c] * D[k * DIM + c];
                gD[k * DIM + c] -= 2 * uik * uik * R[i][c];
            }
            gradient[i * ATOMS + k] = 2 * uik * (code_weight - 2 * dot);
        }
    }
    for (size_t c = 0; p->bias && c < DIM; c++) {
        gb[c] = 0;
        for (size_t i = 0; i < N; i++)
            gb[c] -= 2 * R[i][c];
    }
    return value;
}

static void value_and_gradient(const gsl_vector *v, void *context, double *value, gsl_vector *gradient)
{
    const struct problem *p = context;
    double *g = gradient ? gradient->data : NULL; /* GSL's vectors here have stride 1 */
    struct ndl_matrix PX = {0};
    *value = p->form == FORM_D ? eliminated(p, v->data, g, &PX) : explicit_dictionary(p, v->data, g);
    ndl_matrix_free(&PX);
}

static double only_value(const gsl_vector *v, void *context)
{
    double value;
    value_and_gradient(v, context, &value, NULL);
    return value;
}

static void only_gradient(const gsl_vector *v, void *context, gsl_vector *gradient)
{
    double value;
    value_and_gradient(v, context, &value, gradient);
}

/** ## The four forms from one start

(b) is what `ndl_fit` solves.  The other three are minimised by GSL's BFGS,
code that knows nothing of sparse coding. */

/* The unit atoms and the bias that belong to minimiser v: as they stand, or by ridge regression
 * on the codes, D = Z^T P X and b the mean of x - z D (form d). */
static void unpack(const struct problem *p, const gsl_vector *v, struct ndl_model *end)
{
    const double *u = v->data;
    memset(end->b.v, 0, DIM * sizeof(double));
    if (p->form != FORM_D) {
        memcpy(end->D.v, u + N * ATOMS, ATOMS * DIM * sizeof(double));
        if (p->bias)
            memcpy(end->b.v, u + N * ATOMS + ATOMS * DIM, DIM * sizeof(double));
    } else {
        struct ndl_matrix PX;
        eliminated(p, u, NULL, &PX);
        memset(end->D.v, 0, ATOMS * DIM * sizeof(double));
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < ATOMS; k++)
                for (size_t c = 0; c < DIM; c++)
                    ndl_row(&end->D, k)[c] += u[i * ATOMS + k] * u[i * ATOMS + k] * ndl_row(&PX, i)[c];
        for (size_t i = 0; p->bias && i < N; i++)
            for (size_t c = 0; c < DIM; c++) {
                end->b.v[c] += ndl_row(&p->X, i)[c] / N;
                for (size_t k = 0; k < ATOMS; k++)
                    end->b.v[c] -= u[i * ATOMS + k] * u[i * ATOMS + k] * ndl_row(&end->D, k)[c] / N;
            }
        ndl_matrix_free(&PX);
    }
    for (size_t k = 0; k < ATOMS; k++) {
        double norm = 0;
        for (size_t c = 0; c < DIM; c++)
            norm = hypot(norm, ndl_row(&end->D, k)[c]);
        for (size_t c = 0; norm > 0 && c < DIM; c++)
            ndl_row(&end->D, k)[c] /= norm;
    }
}

/* The optimum that form (b) reaches from a dictionary and a bias. */
static double solve_b(const struct problem *p, const struct ndl_model *start)
{
    struct ndl_error err;
    struct ndl_model end;
    struct ndl_fit_report report;
    struct ndl_fit_options options = ndl_fit_defaults(ATOMS, LAMBDA);
    options.bias = p->bias;
    options.D0 = &start->D;
    options.b0 = p->bias ? &start->b : NULL;
    claim_must(p->claim, ndl_fit(&p->X, &options, &end, &report, &err), &err);
    double loss = report.loss;
    ndl_fit_report_free(&report);
    ndl_model_free(&end);
    return loss;
}

/* Minimises one form from the common start.  Returns its optimum, and the optimum that (b)
 * reaches from there.  The codes start a little above zero: a square root that is exactly zero
 * would stay there. */
static double minimise(struct problem *p, double *b_from_there)
{
    struct ndl_error err;
    size_t size = N * ATOMS + (p->form == FORM_D ? 0 : ATOMS * DIM + (p->bias ? DIM : 0));
    gsl_vector *v = gsl_vector_alloc(size);
    const struct ndl_model *m = &p->m;
    for (size_t e = 0; e < N * ATOMS; e++)
        v->data[e] = 0.1;
    for (size_t i = 0; i < N; i++)
        for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
            v->data[i * ATOMS + m->Z.atom[e]] = sqrt(m->Z.value[e] + 0.01);
    if (p->form != FORM_D)
        memcpy(v->data + N * ATOMS, m->D.v, ATOMS * DIM * sizeof(double));
    if (p->form != FORM_D && p->bias)
        memcpy(v->data + N * ATOMS + ATOMS * DIM, m->b.v, DIM * sizeof(double));

    gsl_multimin_function_fdf f = {only_value, only_gradient, value_and_gradient, size, p};
    gsl_multimin_fdfminimizer *s = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, size);
    gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* "no progress" is how it ends */
    gsl_multimin_fdfminimizer_set(s, &f, v, 0.01, 0.1);
    for (int restart = 0; restart < 12; restart++) { /* with a fresh metric, and away from u = 0 */
        for (int iteration = 0; iteration < 4000; iteration++)
            if (gsl_multimin_fdfminimizer_iterate(s) != GSL_SUCCESS ||
                gsl_multimin_test_gradient(s->gradient, 1e-9) == GSL_SUCCESS)
                break;
        gsl_vector_memcpy(v, s->x);
        for (size_t k = 0; p->form == FORM_A && k < ATOMS; k++) { /* (a) leaves the scale open: unit atoms again */
            double *atom = v->data + N * ATOMS + k * DIM, norm = 0;
            for (size_t c = 0; c < DIM; c++)
                norm = hypot(norm, atom[c]);
            for (size_t c = 0; norm > 0 && c < DIM; c++)
                atom[c] /= norm;
            for (size_t i = 0; i < N; i++)
                v->data[i * ATOMS + k] *= sqrt(norm);
        }
        for (size_t e = 0; restart < 6 && e < N * ATOMS; e++)
            v->data[e] = fmax(fabs(v->data[e]), 1e-3);
        gsl_multimin_fdfminimizer_set(s, &f, v, 0.001, 0.1);
    }
    gsl_set_error_handler(handler);
    double value = gsl_multimin_fdfminimizer_minimum(s);

    struct ndl_model end = {0};
    claim_must(p->claim, ndl_matrix_alloc(&end.D, ATOMS, DIM, &err), &err);
    claim_must(p->claim, ndl_matrix_alloc(&end.b, 1, DIM, &err), &err);
    unpack(p, s->x, &end);
    *b_from_there = solve_b(p, &end);
    ndl_model_free(&end);
    gsl_multimin_fdfminimizer_free(s);
    gsl_vector_free(v);
    return value;
}

/* Data from ATOMS sparse features, and their dictionary, coded exactly, as the start. */
static void draw(struct problem *p, size_t trial)
{
    struct ndl_error err;
    gsl_rng *rng = claim_rng(p->claim, trial);
    p->m = (struct ndl_model){.lambda = LAMBDA, .bias = p->bias};
    claim_must(p->claim, ndl_matrix_alloc(&p->X, N, DIM, &err), &err);
    claim_must(p->claim, ndl_matrix_alloc(&p->m.D, ATOMS, DIM, &err), &err);
    claim_must(p->claim, ndl_matrix_alloc(&p->m.b, 1, DIM, &err), &err);
    for (size_t k = 0; k < ATOMS; k++)
        ndl_random_unit(rng, ndl_row(&p->m.D, k), DIM);
    for (size_t c = 0; p->bias && c < DIM; c++)
        p->m.b.v[c] = gsl_ran_gaussian(rng, 0.5);
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < DIM; c++)
            ndl_row(&p->X, i)[c] = p->m.b.v[c] + gsl_ran_gaussian(rng, 0.05);
        for (size_t k = 0; k < ATOMS; k++) {
            double z = gsl_rng_uniform(rng) < 0.4 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            for (size_t c = 0; c < DIM; c++)
                ndl_row(&p->X, i)[c] += z * ndl_row(&p->m.D, k)[c];
        }
    }
    claim_must(p->claim, ndl_encode(&p->X, &p->m.D, &p->m.b, LAMBDA, &(struct ndl_encode_options){.threads = 1},
                                    &p->m.Z, NULL, &err), &err);
    gsl_rng_free(rng);
}

/** The problem has many local optima, and from one start two minimisers may end in two of
them.  So the test is this: where form (a), (c) or (d) ends, form (b) is started again; it
must stay there, at the same value.  How often all four agree from the common start is
reported too. */
static void compare_values(struct problem *p, const char *which)
{
    struct claim *claim = p->claim;
    double spread = 0, wrong = DBL_MAX, again;
    size_t together = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        draw(p, trial);
        double row[6] = {p->bias, (double)trial, solve_b(p, &p->m)};
        bool same = true;
        for (enum form form = FORM_A; form <= FORM_D; form++) {
            p->form = form;
            row[3 + form] = minimise(p, &again);
            spread = fmax(spread, fabs(row[3 + form] / again - 1));
            same = same && fabs(row[3 + form] / row[2] - 1) < 1e-9;
        }
        together += same;
        p->form = FORM_C; /* the control: (c) with lambda where lambda/2 belongs */
        p->lambda = 2 * LAMBDA;
        double value = minimise(p, &again);
        wrong = fmin(wrong, fabs(value / again - 1));
        p->lambda = LAMBDA;
        claim_row(claim, row);
        claim_progress(claim, trial + 1, TRIALS, which);
        ndl_model_free(&p->m);
        ndl_matrix_free(&p->X);
    }
    char key[64];
    snprintf(key, sizeof key, "%s.spread", which);
    claim_scalar(claim, key, spread, CLAIM_ROUNDING,
                 "largest relative difference of the optima of (a), (c), (d) from (b)");
    snprintf(key, sizeof key, "%s.wrong_weight", which);
    claim_scalar(claim, key, wrong, CLAIM_ROUNDING, "smallest such difference of (c) with lambda in place of lambda/2");
    snprintf(key, sizeof key, "%s.together", which);
    claim_scalar(claim, key, (double)together, CLAIM_ROUNDING, "trials in which all four forms end in one optimum");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Compares the optimum values of four forms of nonnegative dictionary learning.\v"
        "Example: reformulations --seed 7 --out build/results");
    struct problem p = {.claim = claim, .lambda = LAMBDA};
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "random problems per setting");
    claim_table(claim, "values",
                "bias - 0 whether the bias is free\ntrial - 0 random problem\nb unit^2 1e-6 optimum, form (b)\n"
                "a unit^2 inf optimum, form (a); which of several, the last bits decide\nc unit^2 inf form (c)\n"
                "d unit^2 inf form (d)");
    compare_values(&p, "fixed");
    p.bias = true;
    compare_values(&p, "free");
    return claim_end(claim);
}

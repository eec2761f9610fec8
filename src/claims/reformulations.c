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

- Reads nothing: the problems are drawn.
- Writes: `reformulations.tsv`; `reformulations-values` (optimum values per trial).
- Falsified by: an optimum of (a), (c) or (d) at which (b) has another value. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

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
    struct ndl_matrix X; /* N x DIM */
    struct ndl_model m;  /* the common start: D, b, codes */
};

static double squared(double u)
{
    return u * u;
}

/** ## The forms as functions

Form (d) sees the codes through $Q$ alone; by the envelope theorem
$\partial G / \partial Q = \mu(1 1^T - P X X^T P)$. */
static double eliminated(const struct problem *p, const double *u, double *gradient,
                         struct ndl_matrix *PX)
{
    struct ndl_error err;
    struct ndl_matrix Q = claim_matrix(p->claim, N, N), P;
    double value;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t k = 0; k < ATOMS; k++)
                ndl_row(&Q, i)[j] += pow(u[i * ATOMS + k] * u[j * ATOMS + k], 2);
    claim_check_status(p->claim,
                       ndl_eliminated(&p->X, &Q, p->lambda, p->bias, &value, &P, PX, &err), &err);
    for (size_t k = 0; gradient && k < ATOMS; k++) { /* dG/dZ = 2 (dG/dQ) Z, dz/du = 2 u */
        double mass = 0, along[DIM] = {0};
        for (size_t i = 0; i < N; i++) {
            mass += squared(u[i * ATOMS + k]);
            ndl_axpy(DIM, squared(u[i * ATOMS + k]), ndl_row(PX, i), along);
        }
        for (size_t i = 0; i < N; i++)
            gradient[i * ATOMS + k] =
                2 * u[i * ATOMS + k] * p->lambda * (mass - ndl_dot(DIM, ndl_row(PX, i), along));
    }
    ndl_matrix_free(&Q);
    ndl_matrix_free(&P);
    return value;
}

/* Forms (a) and (c). */
static double explicit_dictionary(const struct problem *p, const double *u, double *gradient)
{
    const double *D = u + N * ATOMS, *b = D + ATOMS * DIM;
    double value = 0, mass[ATOMS] = {0}, square[ATOMS], R[N][DIM];
    for (size_t i = 0; i < N; i++) {
        memcpy(R[i], ndl_row(&p->X, i), sizeof R[i]);
        if (p->bias)
            ndl_axpy(DIM, -1, b, R[i]);
        for (size_t k = 0; k < ATOMS; k++) {
            ndl_axpy(DIM, -squared(u[i * ATOMS + k]), D + k * DIM, R[i]);
            mass[k] += squared(u[i * ATOMS + k]);
        }
        for (size_t c = 0; c < DIM; c++)
            value += R[i][c] * R[i][c];
    }
    for (size_t k = 0; k < ATOMS; k++) {
        square[k] = ndl_dot(DIM, D + k * DIM, D + k * DIM);
        value += p->form == FORM_A ? p->lambda * sqrt(square[k]) * mass[k]
                                   : p->lambda / 2 * (square[k] + mass[k] * mass[k]);
    }
    if (!gradient)
        return value;
    double *gD = gradient + N * ATOMS, *gb = gD + ATOMS * DIM;
    memset(gD, 0, ATOMS * DIM * sizeof *gD);
    for (size_t k = 0; k < ATOMS; k++) {
        const double *atom = D + k * DIM, length = sqrt(square[k]);
        double atom_weight = p->form == FORM_A ? p->lambda * mass[k] / length : p->lambda;
        double code_weight = p->form == FORM_A ? p->lambda * length : p->lambda * mass[k];
        ndl_axpy(DIM, atom_weight, atom, gD + k * DIM);
        for (size_t i = 0; i < N; i++) {
            ndl_axpy(DIM, -2 * squared(u[i * ATOMS + k]), R[i], gD + k * DIM);
            gradient[i * ATOMS + k] =
                2 * u[i * ATOMS + k] * (code_weight - 2 * ndl_dot(DIM, R[i], atom));
        }
    }
    if (p->bias)
        memset(gb, 0, DIM * sizeof *gb);
    for (size_t i = 0; p->bias && i < N; i++)
        ndl_axpy(DIM, -2, R[i], gb);
    return value;
}

static void value_and_gradient(const gsl_vector *v, void *context, double *value,
                               gsl_vector *gradient)
{
    const struct problem *p = context;
    double *g = gradient ? gradient->data : NULL; /* GSL's vectors here have stride 1 */
    struct ndl_matrix PX = {0};
    *value =
        p->form == FORM_D ? eliminated(p, v->data, g, &PX) : explicit_dictionary(p, v->data, g);
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

/* Also of atoms that are nearly zero: returns the length. */
static double normalise(double *atom)
{
    double norm = 0;
    for (size_t c = 0; c < DIM; c++)
        norm = hypot(norm, atom[c]);
    for (size_t c = 0; norm > 0 && c < DIM; c++)
        atom[c] /= norm;
    return norm;
}

/* The variables of the common start.  The codes start a little above zero: a square root that is
 * exactly zero would stay there. */
static gsl_vector *pack(const struct problem *p)
{
    const struct ndl_model *m = &p->m;
    gsl_vector *v =
        gsl_vector_alloc(N * ATOMS + (p->form == FORM_D ? 0 : ATOMS * DIM + (p->bias ? DIM : 0)));
    for (size_t e = 0; e < N * ATOMS; e++)
        v->data[e] = 0.1;
    for (size_t i = 0; i < N; i++)
        for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
            v->data[i * ATOMS + m->Z.atom[e]] = sqrt(m->Z.value[e] + 0.01);
    if (p->form != FORM_D)
        memcpy(v->data + N * ATOMS, m->D.v, ATOMS * DIM * sizeof(double));
    if (p->form != FORM_D && p->bias)
        memcpy(v->data + N * ATOMS + ATOMS * DIM, m->b.v, DIM * sizeof(double));
    return v;
}

/* The unit atoms and the bias that belong to minimiser v: as they stand, or by ridge regression
 * on the codes, D = Z^T P X and b the mean of x - z D (form d). */
static struct ndl_model unpack(const struct problem *p, const gsl_vector *v)
{
    const double *u = v->data;
    struct ndl_model end = {.D = claim_matrix(p->claim, ATOMS, DIM),
                            .b = claim_matrix(p->claim, 1, DIM)};
    if (p->form != FORM_D) {
        memcpy(end.D.v, u + N * ATOMS, ATOMS * DIM * sizeof(double));
        if (p->bias)
            memcpy(end.b.v, u + N * ATOMS + ATOMS * DIM, DIM * sizeof(double));
    } else {
        struct ndl_matrix PX;
        eliminated(p, u, NULL, &PX);
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < ATOMS; k++)
                ndl_axpy(DIM, squared(u[i * ATOMS + k]), ndl_row(&PX, i), ndl_row(&end.D, k));
        for (size_t i = 0; p->bias && i < N; i++)
            for (size_t c = 0; c < DIM; c++) {
                end.b.v[c] += ndl_row(&p->X, i)[c] / N;
                for (size_t k = 0; k < ATOMS; k++)
                    end.b.v[c] -= squared(u[i * ATOMS + k]) * ndl_row(&end.D, k)[c] / N;
            }
        ndl_matrix_free(&PX);
    }
    for (size_t k = 0; k < ATOMS; k++)
        normalise(ndl_row(&end.D, k));
    return end;
}

/* The optimum that form (b) reaches from a dictionary and a bias. */
static double solve_b(const struct problem *p, const struct ndl_model *start)
{
    struct ndl_model end;
    struct ndl_fit_options options = ndl_fit_defaults(ATOMS, LAMBDA);
    options.bias = p->bias;
    options.D0 = &start->D;
    options.b0 = p->bias ? &start->b : NULL;
    double loss = claim_fit(p->claim, &p->X, &options, &end, NULL);
    ndl_model_free(&end);
    return loss;
}

/* Minimises one form from the common start.  Returns its optimum, and the optimum that (b)
 * reaches from there. */
static double minimise(struct problem *p, double *b_from_there)
{
    gsl_vector *v = pack(p);
    gsl_multimin_function_fdf f = {only_value, only_gradient, value_and_gradient, v->size, p};
    gsl_multimin_fdfminimizer *s =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, v->size);
    gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* "no progress" is how it ends */
    gsl_multimin_fdfminimizer_set(s, &f, v, 0.01, 0.1);
    for (int restart = 0; restart < 12; restart++) { /* with a fresh metric, and away from u = 0 */
        for (int iteration = 0; iteration < 4000; iteration++)
            if (gsl_multimin_fdfminimizer_iterate(s) != GSL_SUCCESS ||
                gsl_multimin_test_gradient(s->gradient, 1e-9) == GSL_SUCCESS)
                break;
        gsl_vector_memcpy(v, s->x);
        /* (a) leaves the scale open: unit atoms again */
        for (size_t k = 0; p->form == FORM_A && k < ATOMS; k++) {
            double norm = normalise(v->data + N * ATOMS + k * DIM);
            for (size_t i = 0; i < N; i++)
                v->data[i * ATOMS + k] *= sqrt(norm);
        }
        for (size_t e = 0; restart < 6 && e < N * ATOMS; e++)
            v->data[e] = fmax(fabs(v->data[e]), 1e-3);
        gsl_multimin_fdfminimizer_set(s, &f, v, 0.001, 0.1);
    }
    gsl_set_error_handler(handler);
    double value = gsl_multimin_fdfminimizer_minimum(s);
    struct ndl_model end = unpack(p, s->x);
    *b_from_there = solve_b(p, &end);
    ndl_model_free(&end);
    gsl_multimin_fdfminimizer_free(s);
    gsl_vector_free(v);
    return value;
}

/* Data from ATOMS sparse features, and their dictionary, coded exactly, as the start. */
static void draw(struct problem *p, size_t trial)
{
    gsl_rng *rng = claim_rng(p->claim, trial);
    struct ndl_matrix D = claim_matrix(p->claim, ATOMS, DIM), b = claim_matrix(p->claim, 1, DIM);
    for (size_t k = 0; k < ATOMS; k++)
        ndl_random_unit(rng, ndl_row(&D, k), DIM);
    for (size_t c = 0; p->bias && c < DIM; c++)
        b.v[c] = gsl_ran_gaussian(rng, 0.5);
    p->X = claim_matrix(p->claim, N, DIM);
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < DIM; c++)
            ndl_row(&p->X, i)[c] = b.v[c] + gsl_ran_gaussian(rng, 0.05);
        for (size_t k = 0; k < ATOMS; k++) {
            double z = gsl_rng_uniform(rng) < 0.4 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            ndl_axpy(DIM, z, ndl_row(&D, k), ndl_row(&p->X, i));
        }
    }
    p->m = claim_model_encoded(p->claim, &p->X, &D, &b, LAMBDA, p->bias);
    ndl_matrix_free(&D);
    ndl_matrix_free(&b);
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
            keep_max(&spread, fabs(row[3 + form] / again - 1));
            same = same && fabs(row[3 + form] / row[2] - 1) < 1e-9;
        }
        together += same;
        p->form = FORM_C; /* the control: (c) with lambda where lambda/2 belongs */
        p->lambda = 2 * LAMBDA;
        double value = minimise(p, &again);
        keep_min(&wrong, fabs(value / again - 1));
        p->lambda = LAMBDA;
        claim_row_array(claim, row, sizeof row / sizeof *row);
        claim_progress(claim, trial + 1, TRIALS, which);
        ndl_model_free(&p->m);
        ndl_matrix_free(&p->X);
    }
    claim_values(claim, which,
                 {"spread", spread, CLAIM_NOT_COMPARED,
                  "largest relative difference of the optima of (a), (c), (d) from (b)"},
                 {"wrong_weight", wrong, CLAIM_NOT_COMPARED,
                  "smallest such difference of (c) with lambda in place of lambda/2"},
                 {"together", (double)together, CLAIM_NOT_COMPARED,
                  "trials in which all four forms end in one optimum"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Compares the optimum values of four forms of nonnegative dictionary learning.\v"
        "Example: reformulations --seed 7 --out build/results");
    struct problem p = {.claim = claim, .lambda = LAMBDA};
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "random problems per setting");
    claim_table(claim, "values",
                "bias - 0 whether the bias is free\ntrial - 0 random problem\nb unit^2 1e-6 "
                "optimum, form (b)\n"
                "a unit^2 inf optimum, form (a); which of several, the last bits decide\nc unit^2 "
                "inf form (c)\n"
                "d unit^2 inf form (d)");
    compare_values(&p, "fixed");
    p.bias = true;
    compare_values(&p, "free");
    return claim_end(claim);
}

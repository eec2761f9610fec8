/* random_problem.c -- random dictionary learning problems, and two ways to spoil their optima. */
#include "random_problem.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "measure.h"
#include "ndl/vec.h"

enum { DIMENSION = RANDOM_PROBLEM_MOST_DIMENSION, FEATURES = RANDOM_PROBLEM_MOST_FEATURES };

/* ------------------------------------------------------------- problems */

static size_t draw_size(gsl_rng *rng, size_t low, size_t high)
{
    return low + gsl_rng_uniform_int(rng, high - low + 1);
}

static struct random_problem draw_problem(gsl_rng *rng, size_t trial)
{
    struct random_problem p = {.kind = (enum random_problem_kind)(trial % RANDOM_PROBLEM_KINDS),
                               .bias = trial / RANDOM_PROBLEM_KINDS % 2 == 0};
    p.samples = draw_size(rng, RANDOM_PROBLEM_LEAST_SAMPLES, RANDOM_PROBLEM_MOST_SAMPLES);
    p.dimension = draw_size(rng, 2, DIMENSION);
    p.atoms = draw_size(rng, 2, FEATURES);
    p.features = draw_size(rng, 2, FEATURES);
    p.lambda =
        exp(gsl_ran_flat(rng, log(RANDOM_PROBLEM_LEAST_LAMBDA), log(RANDOM_PROBLEM_MOST_LAMBDA)));
    p.noise = gsl_rng_uniform(rng) < 0.5 ? 0 : gsl_ran_flat(rng, 0.01, 0.2);
    return p;
}

/* Which features fire in one sample. */
static void draw_firing(gsl_rng *rng, const struct random_problem *p, const double *rate,
                        const size_t *parent, bool *fires)
{
    double common = gsl_ran_gaussian(rng, 0.8);
    for (size_t j = 0; j < p->features; j++)
        /* unit variance, correlation 0.64; above 0.5 in 31 % of the samples */
        if (p->kind == PROBLEM_CORRELATED)
            fires[j] = common + gsl_ran_gaussian(rng, 0.6) > 0.5;
        else
            fires[j] = gsl_rng_uniform(rng) < rate[j] &&
                       (p->kind != PROBLEM_HIERARCHICAL || j == 0 || fires[parent[j]]);
}

static enum ndl_status draw_data(gsl_rng *rng, const struct random_problem *p, struct ndl_matrix *X,
                                 struct ndl_error *err)
{
    double direction[FEATURES][DIMENSION], rate[FEATURES];
    size_t parent[FEATURES];
    bool fires[FEATURES];
    enum ndl_status status = ndl_matrix_alloc(X, p->samples, p->dimension, err);
    if (status != NDL_OK)
        return status;
    for (size_t j = 0; j < p->features; j++) {
        ndl_random_unit(rng, direction[j], p->dimension);
        rate[j] = p->kind == PROBLEM_HIERARCHICAL ? gsl_ran_flat(rng, 0.4, 0.9)
                                                  : gsl_ran_flat(rng, 0.1, 0.6);
        parent[j] = j > 0 ? gsl_rng_uniform_int(rng, j) : 0;
    }
    for (size_t i = 0; i < p->samples; i++) {
        double *x = ndl_row(X, i);
        for (size_t c = 0; c < p->dimension; c++)
            x[c] = gsl_ran_gaussian(rng, p->kind == PROBLEM_GAUSSIAN ? 1 : p->noise);
        draw_firing(rng, p, rate, parent, fires);
        for (size_t j = 0; j < p->features && p->kind != PROBLEM_GAUSSIAN; j++) {
            double z = fires[j] ? gsl_ran_flat(rng, 0.2, 1.8) : 0;
            ndl_axpy(p->dimension, z, direction[j], x);
        }
    }
    return NDL_OK;
}

enum ndl_status random_problem_run(gsl_rng *rng, size_t trial, struct random_problem *p,
                                   struct ndl_matrix *X, struct ndl_model *m, struct ndl_error *err)
{
    struct ndl_fit_report report;
    *p = draw_problem(rng, trial);
    *m = (struct ndl_model){0};
    enum ndl_status status = draw_data(rng, p, X, err);
    if (status != NDL_OK)
        return status;
    struct ndl_fit_options options = ndl_fit_defaults(p->atoms, p->lambda);
    options.bias = p->bias;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1u << 30);
    status = ndl_fit(X, &options, m, &report, err);
    ndl_fit_report_free(&report);
    if (status == NDL_OK || status == NDL_NOCONV)
        return NDL_OK;
    ndl_matrix_free(X);
    return status;
}

/* -------------------------------------------------------------- spoiling */

static enum ndl_status copy_dictionary(struct ndl_model *to, const struct ndl_model *from,
                                       struct ndl_error *err)
{
    *to = (struct ndl_model){.lambda = from->lambda, .bias = from->bias};
    enum ndl_status status = ndl_matrix_copy(&to->D, &from->D, err);
    if (status == NDL_OK)
        status = ndl_matrix_copy(&to->b, &from->b, err);
    return status;
}

enum ndl_status turned_model(gsl_rng *rng, const struct ndl_matrix *X, const struct ndl_model *m,
                             double degrees, struct ndl_model *turned, struct ndl_error *err)
{
    const double angle = degrees * M_PI / 180;
    const struct ndl_encode_options exact = {.threads = 1};
    const size_t d = m->D.cols;
    *turned = (struct ndl_model){0};
    if (d > DIMENSION)
        return ndl_fail(err, NDL_BADARG, "turned: %zu dimensions, more than %d", d, DIMENSION);
    enum ndl_status status = copy_dictionary(turned, m, err);
    for (size_t k = 0; status == NDL_OK && k < m->D.rows; k++) {
        double u[DIMENSION], *atom = ndl_row(&turned->D, k);
        ndl_random_unit(rng, u, d);
        ndl_axpy(d, -ndl_dot(d, u, atom), atom, u);
        ndl_normalise(d, u);
        for (size_t c = 0; c < d; c++)
            atom[c] = cos(angle) * atom[c] + sin(angle) * u[c];
    }
    if (status == NDL_OK)
        status =
            ndl_encode(X, &turned->D, &turned->b, turned->lambda, &exact, &turned->Z, NULL, err);
    if (status != NDL_OK)
        ndl_model_free(turned);
    return status;
}

enum ndl_status leaking_model(gsl_rng *rng, const struct ndl_model *m, double share,
                              struct ndl_model *leaking, struct ndl_error *err)
{
    size_t live[FEATURES], count = m->D.rows > FEATURES ? 0 : measure_live(m, live);
    struct ndl_matrix Z;
    *leaking = (struct ndl_model){0};
    if (count < 2)
        return ndl_fail(err, NDL_BADARG, "leaking: expected 2 to %d features", FEATURES);
    size_t first = gsl_rng_uniform_int(rng, count), other = 1 + gsl_rng_uniform_int(rng, count - 1);
    size_t j = live[first], k = live[(first + other) % count];
    enum ndl_status status = copy_dictionary(leaking, m, err);
    if (status == NDL_OK)
        status = ndl_codes_to_dense(&Z, &m->Z, err);
    if (status != NDL_OK) {
        ndl_model_free(leaking);
        return status;
    }
    ndl_axpy(m->D.cols, -share, ndl_row(&m->D, k), ndl_row(&leaking->D, j));
    double norm = ndl_normalise(m->D.cols, ndl_row(&leaking->D, j));
    for (size_t i = 0; i < Z.rows; i++) {
        ndl_row(&Z, i)[k] += share * ndl_row(&Z, i)[j];
        ndl_row(&Z, i)[j] *= norm;
    }
    status = ndl_codes_from_dense(&leaking->Z, &Z, err);
    if (status != NDL_OK)
        ndl_model_free(leaking);
    ndl_matrix_free(&Z);
    return status;
}

/* fit.c -- learning a nonnegative sparse dictionary: local minima of (P).
 *
 * multistart.c descends from every start, fit_start.c says where each begins, descent.c how it goes
 * down, newton.c how it ends.  Here the best is taken off saddles and delivered.
 *
 * What is guaranteed: on the full data no step raises the loss, and ndl_fit returns NDL_OK only
 * if the first-order conditions hold to the tolerance.  The result is a local minimum as far as
 * a Lanczos estimate of the smallest curvature can tell; whether it is global is not known, unless
 * the wide-limit bound says so.  The result depends on the seed, not on the number of threads. */
#include "fit.h"

#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ESCAPES = 10,           /* saddles left behind, at most */
    LANCZOS_STEPS = 60,     /* to find the smallest curvature, */
    LANCZOS_STEPS_MANY = 15 /* and with many samples */
};

struct ndl_fit_options ndl_fit_defaults(size_t atoms, double lambda)
{
    return (struct ndl_fit_options){.atoms = atoms,
                                    .lambda = lambda,
                                    .bias = true,
                                    .seed = 1,
                                    .starts = 1,
                                    .tolerance = 1e-10,
                                    .max_iterations = 1000,
                                    .threads = 1};
}

void ndl_fit_report_free(struct ndl_fit_report *report)
{
    free(report->start_loss);
    *report = (struct ndl_fit_report){0};
}

/* Finishes at the best start's atoms: measures the curvature and leaves saddles. */
static enum ndl_status finish(struct ndl_multistart *m, struct ndl_reduced *f, struct ndl_point *p,
                              double *curvature, struct ndl_error *err)
{
    struct ndl_descent run = ndl_multistart_descent(m);
    run.iterations = m->iterations;
    gsl_rng *rng = NULL;
    struct ndl_point trial = {0};
    size_t variables = (f->K + 1) * f->d,
           steps = f->X->rows < NDL_MANY_SAMPLES ? LANCZOS_STEPS : LANCZOS_STEPS_MANY;
    double *direction = calloc(variables, sizeof *direction);
    enum ndl_status status =
        direction ? ndl_rng(&rng, m->options->seed, SIZE_MAX, err)
                  : ndl_fail(err, NDL_NOMEM, "no memory for %zu variables", variables);
    if (status == NDL_OK)
        status = ndl_point_alloc(&trial, f, err);
    memcpy(p->atoms_and_bias.v, m->atoms_and_bias.v, variables * sizeof *p->atoms_and_bias.v);
    if (status == NDL_OK)
        status = ndl_reduced_eval(f, p, NULL, err);
    for (int escape = 0; status == NDL_OK; escape++) {
        status = ndl_curvature(f, p, rng, variables < steps ? variables : steps, curvature,
                               direction, err);
        if (status != NDL_OK || !(*curvature < -1e-8) || escape == ESCAPES ||
            run.iterations >= run.limit)
            break;
        bool lower = false;
        for (double t = 0.1; t > 1e-5 && !lower && status == NDL_OK; t = t > 0 ? -t : -t / 4) {
            ndl_retract(f, p, t, direction, &trial);
            status = ndl_reduced_eval(f, &trial, NULL, err);
            lower = status == NDL_OK && trial.loss < p->loss * (1 - 1e-14);
        }
        if (!lower)
            break;
        memcpy(p->atoms_and_bias.v, trial.atoms_and_bias.v,
               variables * sizeof *p->atoms_and_bias.v);
        status = ndl_descend(f, p, &run, err);
    }
    m->iterations = run.iterations;
    free(direction);
    ndl_point_free(&trial);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

static enum ndl_status check(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                             struct ndl_error *err)
{
    if (X->rows < 1 || X->cols < 1)
        return ndl_fail(err, NDL_BADARG, "fit: X is %zu x %zu", X->rows, X->cols);
    if (o->atoms < 1 || o->atoms > INT32_MAX || X->cols > INT32_MAX)
        return ndl_fail(err, NDL_BADARG, "fit: %zu atoms in %zu dimensions", o->atoms, X->cols);
    if (!(o->lambda > 0) || !isfinite(o->lambda))
        return ndl_fail(err, NDL_BADARG, "fit: lambda = %g is not positive", o->lambda);
    if (o->starts < 1 || o->threads < 1 || o->max_iterations < 1 || !(o->tolerance > 0))
        return ndl_fail(err, NDL_BADARG, "fit: %d starts, %d threads, %d iterations, tolerance %g",
                        o->starts, o->threads, o->max_iterations, o->tolerance);
    if (o->b0 && (!o->bias || o->b0->rows != 1 || o->b0->cols != X->cols))
        return ndl_fail(err, NDL_BADARG,
                        "fit: a start of the bias needs a free bias and 1 x %zu entries", X->cols);
    if (o->D0 && (o->D0->rows != o->atoms || o->D0->cols != X->cols))
        return ndl_fail(err, NDL_BADARG, "fit: the start is %zu x %zu, not %zu x %zu", o->D0->rows,
                        o->D0->cols, o->atoms, X->cols);
    if (o->D0 && o->starts != 1)
        return ndl_fail(err, NDL_BADARG, "fit: %d starts, but the start is given", o->starts);
    enum ndl_status status = ndl_matrix_check(X, "X", err);
    if (status == NDL_OK && o->b0)
        status = ndl_matrix_check(o->b0, "b0", err);
    if (status == NDL_OK && o->D0)
        status = ndl_matrix_check(o->D0, "D0", err);
    for (size_t k = 0; status == NDL_OK && o->D0 && k < o->atoms; k++)
        if (!(ndl_dot(X->cols, ndl_row(o->D0, k), ndl_row(o->D0, k)) > 0))
            status = ndl_fail(err, NDL_BADARG, "fit: atom %zu of the start is zero", k);
    return status;
}

/* Moves the point into the caller's model and the numbers into the report. */
static enum ndl_status deliver(const struct ndl_multistart *m, struct ndl_point *p,
                               double curvature, struct ndl_model *model,
                               struct ndl_fit_report *report, struct ndl_error *err)
{
    size_t K = m->options->atoms, d = m->X->cols;
    enum ndl_status status = ndl_matrix_alloc(&model->D, K, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&model->b, 1, d, err);
    if (status != NDL_OK)
        return status;
    memcpy(model->D.v, p->atoms_and_bias.v, K * d * sizeof *p->atoms_and_bias.v);
    memcpy(model->b.v, ndl_row(&p->atoms_and_bias, K), d * sizeof *p->atoms_and_bias.v);
    model->Z = p->Z;
    p->Z = (struct ndl_codes){0};
    model->lambda = m->options->lambda;
    model->bias = m->options->bias;
    report->loss = p->loss;
    report->residual = p->residual;
    report->curvature = curvature;
    for (size_t k = 0; k < K; k++)
        report->live += ndl_usage(p, k) > 0;
    report->dead = K - report->live;
    report->iterations = m->iterations;
    report->best_start = m->best;
    report->used_continuation = m->used_continuation;
    return NDL_OK;
}

enum ndl_status ndl_fit(const struct ndl_matrix *X, const struct ndl_fit_options *options,
                        struct ndl_model *model, struct ndl_fit_report *report,
                        struct ndl_error *err)
{
    *model = (struct ndl_model){0};
    *report = (struct ndl_fit_report){0};
    enum ndl_status status = check(X, options, err);
    if (status != NDL_OK)
        return status;
    struct ndl_multistart m;
    struct ndl_reduced f = {0};
    struct ndl_point p = {0};
    double curvature = nan("");
    status = ndl_multistart_run(&m, X, options, err);
    if (status == NDL_OK)
        status = ndl_reduced_alloc(&f, X, options->atoms, options->lambda, options->bias,
                                   options->threads, err);
    if (status == NDL_OK)
        status = ndl_point_alloc(&p, &f, err);
    if (status == NDL_OK)
        status = finish(&m, &f, &p, &curvature, err);
    if (status == NDL_OK)
        status = deliver(&m, &p, curvature, model, report, err);
    if (status == NDL_OK) {
        report->start_loss = m.loss;
        m.loss = NULL;
        if (!(report->residual <= options->tolerance))
            status = ndl_fail(err, NDL_NOCONV,
                              "fit: relative residual %.3g after %d iterations, not %.3g",
                              report->residual, report->iterations, options->tolerance);
    } else {
        ndl_model_free(model);
    }
    ndl_multistart_free(&m);
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    return status;
}

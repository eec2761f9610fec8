/* multistart.c -- a descent from each of several starts, side by side; the best is kept. */
#include "fit.h"

#include <stdlib.h>

enum { SMALL_SAMPLES = 20000 }; /* up to here a thread takes a whole start, not some samples */

static void locked_progress(void *context, const char *phase, int iteration, double loss,
                            double residual)
{
    struct ndl_multistart *m = context;
    pthread_mutex_lock(&m->lock);
    m->options->progress(m->options->progress_context, phase, iteration, loss, residual);
    pthread_mutex_unlock(&m->lock);
}

struct ndl_descent ndl_multistart_descent(struct ndl_multistart *m)
{
    return (struct ndl_descent){.tolerance = m->options->tolerance,
                                .limit = m->options->max_iterations,
                                .progress = m->options->progress ? locked_progress : NULL,
                                .progress_context = m};
}

static void one_start(struct ndl_multistart *m, size_t s)
{
    const struct ndl_fit_options *o = m->options;
    struct ndl_reduced f = {0};
    struct ndl_point p = {0};
    struct ndl_descent run = ndl_multistart_descent(m);
    gsl_rng *rng = NULL;
    struct ndl_error failure = {{0}};
    enum ndl_status status = ndl_rng(&rng, o->seed, s, &failure);
    if (status == NDL_OK)
        status = ndl_reduced_alloc(&f, m->X, o->atoms, o->lambda, o->bias, m->threads, &failure);
    if (status == NDL_OK)
        status = ndl_point_alloc(&p, &f, &failure);
    if (status == NDL_OK)
        status = ndl_fit_start(m->X, o, rng, &p.atoms_and_bias, &failure);
    if (status == NDL_OK)
        status = ndl_fit_warm_up(m->X, o, m->threads, &p.atoms_and_bias, &run, &failure);
    if (status == NDL_OK)
        status = o->D0 ? ndl_descend_from_given(&f, &p, &run, &m->used_continuation, &failure)
                       : ndl_descend_by_continuation(&f, &p, ndl_continuation_start(&f, &p), &run,
                                                     &failure);
    pthread_mutex_lock(&m->lock);
    if (status == NDL_OK) {
        m->loss[s] = p.loss;
        /* Ties go to the lower index, so that the order of the threads does not matter. */
        if (m->best < 0 || p.loss < m->loss[m->best] ||
            (p.loss <= m->loss[m->best] && (int)s < m->best)) {
            struct ndl_matrix worse = m->atoms_and_bias;
            m->atoms_and_bias = p.atoms_and_bias;
            p.atoms_and_bias = worse;
            m->best = (int)s;
            m->iterations = run.iterations;
        }
    } else if (m->status == NDL_OK) {
        m->status = status;
        m->failure = failure;
    }
    pthread_mutex_unlock(&m->lock);
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    if (rng)
        gsl_rng_free(rng);
}

static void start_work(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    for (size_t s = first; s < last; s++)
        one_start(context, s);
}

enum ndl_status ndl_multistart_run(struct ndl_multistart *m, const struct ndl_matrix *X,
                                   const struct ndl_fit_options *options, struct ndl_error *err)
{
    size_t starts = (size_t)options->starts;
    bool by_start = starts > 1 && X->rows <= SMALL_SAMPLES;
    *m = (struct ndl_multistart){
        .X = X, .options = options, .threads = by_start ? 1 : options->threads, .best = -1};
    pthread_mutex_init(&m->lock, NULL);
    m->loss = calloc(starts, sizeof *m->loss);
    if (!m->loss)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu starts", starts);
    ndl_parallel(starts, 1, by_start ? options->threads : 1, start_work, m);
    return m->status == NDL_OK ? NDL_OK : ndl_fail(err, m->status, "%s", m->failure.text);
}

void ndl_multistart_free(struct ndl_multistart *m)
{
    free(m->loss);
    ndl_matrix_free(&m->atoms_and_bias);
    pthread_mutex_destroy(&m->lock);
}

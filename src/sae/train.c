/* train.c -- many steps, and batches from a matrix. */
#include "state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ndl/random.h"

/* -------------------------------------------------------------------- batches */

/* Fisher and Yates, from a stream of its own for every epoch. */
static enum ndl_status permute(struct sae_shuffle *s, uint64_t epoch, struct ndl_error *err)
{
    gsl_rng *rng;
    enum ndl_status status = ndl_rng(&rng, s->seed, UINT64_C(1) << 32 | epoch, err);
    if (status != NDL_OK)
        return status;
    for (size_t i = 0; i < s->rows; i++)
        s->order[i] = i;
    for (size_t i = s->rows; i > 1; i--) {
        size_t j = (size_t)(gsl_rng_uniform(rng) * (double)i), t = s->order[i - 1];
        s->order[i - 1] = s->order[j];
        s->order[j] = t;
    }
    gsl_rng_free(rng);
    s->epoch = epoch;
    return NDL_OK;
}

enum ndl_status sae_shuffle_row(struct sae_shuffle *shuffle, uint64_t sample, size_t *row,
                                struct ndl_error *err)
{
    assert(shuffle->rows >= 1);
    uint64_t epoch = sample / shuffle->rows;
    bool first = !shuffle->order;
    if (first && !(shuffle->order = calloc(shuffle->rows, sizeof *shuffle->order)))
        return ndl_fail(err, NDL_NOMEM, "no memory to shuffle %zu rows", shuffle->rows);
    enum ndl_status status = NDL_OK;
    if (first || shuffle->epoch != epoch)
        status = permute(shuffle, epoch, err);
    if (status == NDL_OK)
        *row = shuffle->order[sample % shuffle->rows];
    return status;
}

void sae_shuffle_free(struct sae_shuffle *shuffle)
{
    free(shuffle->order);
    shuffle->order = NULL;
}

enum ndl_status sae_draw_matrix(void *context, uint64_t step, size_t rows, double *X,
                                struct ndl_error *err)
{
    struct sae_matrix *source = context;
    size_t d = source->X->cols, row = 0;
    enum ndl_status status = NDL_OK;
    for (size_t i = 0; status == NDL_OK && i < rows; i++) {
        status = sae_shuffle_row(&source->shuffle, step * rows + i, &row, err);
        if (status == NDL_OK)
            memcpy(X + i * d, ndl_row(source->X, row), d * sizeof *X);
    }
    return status;
}

/* ---------------------------------------------------------------------- steps */

static enum ndl_status take_steps(struct sae *sae, const struct sae_run *run, double *X,
                                  struct sae_report *report, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    bool go_on = true;
    while (status == NDL_OK && go_on && sae->step < sae->o.steps) {
        status = run->draw(run->draw_context, sae->step, sae->o.batch, X, err);
        if (status == NDL_OK)
            status = sae_step(sae, X, report, err);
        if (status == NDL_OK && run->progress)
            go_on = run->progress(run->progress_context, report);
        bool last = !go_on || sae->step == sae->o.steps;
        bool due = run->checkpoint_every > 0 && sae->step % run->checkpoint_every == 0;
        if (status == NDL_OK && run->checkpoint && (last || due))
            status = sae_save(sae, run->checkpoint, err);
    }
    return status;
}

enum ndl_status sae_train(struct sae *sae, const struct sae_run *run, struct sae_report *report,
                          struct ndl_error *err)
{
    struct sae_report own = {.step = sae->step};
    struct ndl_matrix X;
    enum ndl_status status = ndl_matrix_alloc(&X, sae->o.batch, sae->o.d, err);
    if (status == NDL_OK)
        status = take_steps(sae, run, X.v, &own, err);
    ndl_matrix_free(&X);
    if (report)
        *report = own;
    return status;
}

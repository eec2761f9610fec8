/* ndl-train.c -- trains a sparse autoencoder under one of many objectives.
 *
 * The directory --out receives cfg.json and sae_weights.safetensors, which SAELens 6 and ndl-check
 * read, and report.json.  While it trains, and after a kill, there is a checkpoint in it, from
 * which --resume continues to the result that the whole run would have had, bit for bit. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ndl/ndl.h"
#include "sae/sae.h"
#include "files/files.h"
#include "tool.h"
#include "train.h"

/* ----------------------------------------------------------------- progress */

struct train_job {
    const struct train_options *o;
    struct ndl_array_view X;
    struct sae_shuffle shuffle;
    struct sae sae;
    struct sae_report report; /* of the last step */
    double begun, trained;    /* when the steps began, how long they took */
    uint64_t first_step;
    /* over all data, with the codes of the trained SAE: */
    double error, variance, l0;
    size_t never; /* latents that are never on */
};

static bool show(void *context, const struct sae_report *r)
{
    struct train_job *j = context;
    double done = (double)(r->step - j->first_step), left = (double)(j->o->sae.steps - r->step);
    j->report = *r;
    tool_progress(
        &j->o->common, "step %llu of %llu: loss %.5g, error %.5g, L0 %.4g, %zu dead, %s left",
        (unsigned long long)r->step, (unsigned long long)j->o->sae.steps, r->loss, r->error, r->l0,
        r->dead, tool_duration((tool_seconds() - j->begun) * left / done));
    return true;
}

/* --------------------------------------------------------------------- data */

static enum ndl_status draw(void *context, uint64_t step, size_t rows, double *X,
                            struct ndl_error *err)
{
    struct train_job *j = context;
    enum ndl_status status = NDL_OK;
    for (size_t i = 0, row; status == NDL_OK && i < rows; i++) {
        status = sae_shuffle_row(&j->shuffle, step * rows + i, &row, err);
        if (status == NDL_OK)
            status = ndl_view_rows(&j->X, row, row + 1, X + i * j->X.cols, err);
    }
    return status;
}

/* Calls block with every block of rows, in order. */
static enum ndl_status each_block(struct train_job *j,
                                  enum ndl_status (*block)(struct train_job *j,
                                                           const struct ndl_matrix *X,
                                                           void *context, struct ndl_error *err),
                                  void *context, struct ndl_error *err)
{
    struct ndl_matrix X;
    size_t room = 1024;
    enum ndl_status status = ndl_matrix_alloc(&X, room, j->X.cols, err);
    for (size_t first = 0; status == NDL_OK && first < j->X.rows; first += X.rows) {
        X.rows = j->X.rows - first < room ? j->X.rows - first : room;
        status = ndl_view_rows(&j->X, first, first + X.rows, X.v, err);
        if (status == NDL_OK)
            status = block(j, &X, context, err);
    }
    ndl_matrix_free(&X);
    return status;
}

static enum ndl_status add_to_mean(struct train_job *j, const struct ndl_matrix *X, void *context,
                                   struct ndl_error *err)
{
    (void)err;
    double *mean = context;
    for (size_t i = 0; i < X->rows; i++)
        for (size_t c = 0; c < X->cols; c++)
            mean[c] += ndl_row(X, i)[c] / (double)j->X.rows;
    return NDL_OK;
}

struct totals {
    const double *mean;
    bool *on;
};

static enum ndl_status add_to_report(struct train_job *j, const struct ndl_matrix *X, void *context,
                                     struct ndl_error *err)
{
    const struct totals *t = context;
    const double *b = j->sae.value[SAE_B_DEC];
    struct ndl_codes Z;
    enum ndl_status status = sae_encode(&j->sae, X, &Z, err);
    for (size_t i = 0; status == NDL_OK && i < X->rows; i++) {
        double *r = ndl_row(X, i);
        for (size_t c = 0; c < X->cols; c++) {
            j->variance += (r[c] - t->mean[c]) * (r[c] - t->mean[c]) / (double)j->X.rows;
            r[c] -= b[c];
        }
        for (size_t e = Z.start[i]; e < Z.start[i + 1]; e++) {
            const double *atom = j->sae.value[SAE_D] + (size_t)Z.atom[e] * X->cols;
            for (size_t c = 0; c < X->cols; c++)
                r[c] -= Z.value[e] * atom[c];
            t->on[Z.atom[e]] = true;
        }
        for (size_t c = 0; c < X->cols; c++)
            j->error += r[c] * r[c] / (double)j->X.rows;
    }
    if (status == NDL_OK)
        j->l0 += (double)Z.start[X->rows] / (double)j->X.rows;
    ndl_codes_free(&Z);
    return status;
}

/* What the trained SAE does on all data. */
static enum ndl_status measure(struct train_job *j, const double *mean, struct ndl_error *err)
{
    struct totals t = {mean, calloc(j->sae.o.K, sizeof(bool))};
    if (!t.on)
        return ndl_fail(err, NDL_NOMEM, "no memory to count latents");
    tool_progress(&j->o->common, "coding all samples");
    enum ndl_status status = each_block(j, add_to_report, &t, err);
    for (size_t k = 0; k < j->sae.o.K; k++)
        j->never += !t.on[k];
    free(t.on);
    return status;
}

/* ------------------------------------------------------------------- outputs */

static enum ndl_status write_report(const struct train_job *j, const char *path,
                                    struct ndl_error *err)
{
    cJSON *json = tool_json_new();
    cJSON_AddItemToObject(json, "parameters", train_parameters(&j->sae, j->o));
    cJSON_AddNumberToObject(json, "samples", (double)j->X.rows);
    cJSON_AddNumberToObject(json, "last_batch_loss", j->report.loss);
    cJSON_AddNumberToObject(json, "error_per_sample", j->error);
    cJSON_AddNumberToObject(json, "variance_per_sample", j->variance);
    cJSON_AddNumberToObject(json, "variance_explained", 1 - j->error / j->variance);
    cJSON_AddNumberToObject(json, "nonzeros_per_sample", j->l0);
    cJSON_AddNumberToObject(json, "never_on", (double)j->never);
    cJSON_AddNumberToObject(json, "threads", j->o->common.threads);
    cJSON_AddNumberToObject(json, "first_step", (double)j->first_step);
    cJSON_AddNumberToObject(json, "train_seconds", j->trained);
    cJSON_AddNumberToObject(json, "seconds", tool_seconds() - j->begun);
    enum ndl_status status = tool_json_write(json, path, err);
    cJSON_Delete(json);
    return status;
}

static enum ndl_status write_sae(const struct train_job *j, const char *config, const char *weights,
                                 struct ndl_error *err)
{
    struct ndl_sae folder;
    enum ndl_status status = train_folder(&j->sae, &folder, err);
    cJSON *metadata = train_parameters(&j->sae, j->o);
    if (status == NDL_OK)
        status = ndl_sae_write(&folder, metadata, config, weights, err);
    cJSON_Delete(metadata);
    ndl_sae_free(&folder);
    return status;
}

static void print_summary(const struct train_job *j)
{
    printf("error       %.8g per sample, %.4g %% of the variance\n", j->error,
           100 * j->error / j->variance);
    printf("codes       %.4g per sample; %zu of %zu latents never on\n", j->l0, j->never,
           j->sae.o.K);
    printf("time        %.3g s for %llu steps, %d threads\n", j->trained,
           (unsigned long long)(j->sae.step - j->first_step), j->o->common.threads);
}

/* ----------------------------------------------------------------------- run */

struct names { /* the final names, and the hidden ones they are written under */
    char config[4096], weights[4096], report[4096], checkpoint[4096];
    const char *hidden_config, *hidden_weights, *hidden_report;
};

static enum ndl_status name_outputs(const struct train_options *o, struct tool_stage *stage,
                                    struct names *n, struct ndl_error *err)
{
    if (strlen(o->out) > sizeof n->config - 30)
        return ndl_fail(err, NDL_IO, "%.60s...: name too long", o->out);
    snprintf(n->config, sizeof n->config, "%s/cfg.json", o->out);
    snprintf(n->weights, sizeof n->weights, "%s/sae_weights.safetensors", o->out);
    snprintf(n->report, sizeof n->report, "%s/report.json", o->out);
    snprintf(n->checkpoint, sizeof n->checkpoint, "%s/checkpoint", o->out);
    enum ndl_status status = tool_stage_directory(stage, o->out, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, n->config, &n->hidden_config, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, n->weights, &n->hidden_weights, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, n->report, &n->hidden_report, err);
    return status;
}

/* From the checkpoint if there is one and it is wanted, else from the start of the options. */
static enum ndl_status start(struct train_job *j, const char *checkpoint, const double *mean,
                             struct ndl_error *err)
{
    bool there = access(checkpoint, F_OK) == 0;
    if (there && !j->o->resume)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: of a run that was broken off; --resume continues it, or remove it",
                        checkpoint);
    if (there)
        return sae_load(&j->sae, checkpoint, err);
    return train_start(&j->sae, j->o, j->X.cols, mean, err);
}

static enum ndl_status train(struct train_job *j, struct names *n, struct ndl_error *err)
{
    struct ndl_matrix mean;
    struct sae_run run = {draw, j, show, j, n->checkpoint, j->o->checkpoint_every};
    enum ndl_status status = ndl_matrix_alloc(&mean, 1, j->X.cols, err);
    if (status == NDL_OK)
        status = each_block(j, add_to_mean, mean.v, err);
    if (status == NDL_OK)
        status = start(j, n->checkpoint, mean.v, err);
    j->first_step = j->sae.step;
    j->begun = tool_seconds();
    if (status == NDL_OK)
        status = sae_train(&j->sae, &run, &j->report, err);
    j->trained = tool_seconds() - j->begun;
    if (status == NDL_OK)
        status = measure(j, mean.v, err);
    tool_progress_end(&j->o->common);
    ndl_matrix_free(&mean);
    return status;
}

static enum ndl_status run(struct train_options *o, struct ndl_error *err)
{
    struct train_job j = {.o = o};
    struct tool_stage stage = {0};
    struct names n = {0};
    enum ndl_status status = ndl_view_open(&j.X, o->data, false, err);
    if (status == NDL_OK)
        status = train_read(o, j.X.cols, err);
    if (status == NDL_OK)
        status = sae_new(&j.sae, &o->sae, err);
    j.shuffle = (struct sae_shuffle){.rows = j.X.rows, .seed = o->sae.seed};
    if (status == NDL_OK)
        status = name_outputs(o, &stage, &n, err);
    if (status == NDL_OK)
        status = train(&j, &n, err);
    if (status == NDL_OK)
        status = write_sae(&j, n.hidden_config, n.hidden_weights, err);
    if (status == NDL_OK)
        status = write_report(&j, n.hidden_report, err);
    if (status == NDL_OK)
        print_summary(&j);
    if (status == NDL_OK)
        status = tool_stage_commit(&stage, err);
    if (status == NDL_OK)
        unlink(n.checkpoint);
    tool_stage_end(&stage, err);
    sae_shuffle_free(&j.shuffle);
    sae_free(&j.sae);
    ndl_view_close(&j.X);
    train_free(o);
    return status;
}

int main(int argc, char **argv)
{
    struct train_options o = {0};
    struct ndl_error err = {{0}};
    tool_begin(argc, argv, &train_argp, &o);
    return tool_end(run(&o, &err), &err);
}

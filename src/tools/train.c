/* train.c -- what the options of ndl-train mean, and the folder it writes; see train.h. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ndl/vec.h"

/* ---------------------------------------------------------------------- input */

static enum ndl_status read_parents(struct train_options *o, struct ndl_error *err)
{
    struct ndl_matrix v;
    size_t K = o->sae.K;
    enum ndl_status status = ndl_load_vector(&v, o->parents, err);
    if (status == NDL_OK && v.cols != K)
        status =
            ndl_fail(err, NDL_BADDATA, "%s: %zu numbers for %zu latents", o->parents, v.cols, K);
    o->sae.parent = o->parent = calloc(K, sizeof *o->parent);
    if (status == NDL_OK && !o->parent)
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for it", o->parents);
    for (size_t k = 0; status == NDL_OK && k < K; k++) {
        double up = v.v[k];
        if (!(up >= -1 && up < (double)k && up == floor(up)))
            status = ndl_fail(err, NDL_BADDATA,
                              "%s: the parent of latent %zu is %g, not -1 or one before it",
                              o->parents, k, up);
        else
            o->parent[k] = (int32_t)up;
    }
    ndl_matrix_free(&v);
    return status;
}

enum ndl_status train_read(struct train_options *o, size_t d, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    o->sae.d = d;
    o->sae.threads = o->common.threads;
    if (o->parents)
        status = read_parents(o, err);
    if (status == NDL_OK && o->weights) {
        status = ndl_load_vector(&o->weight, o->weights, err);
        if (status == NDL_OK && o->weight.cols != o->sae.K)
            status = ndl_fail(err, NDL_BADDATA, "%s: %zu numbers for %zu latents", o->weights,
                              o->weight.cols, o->sae.K);
        o->sae.weight = o->weight.v;
    }
    return status;
}

void train_free(struct train_options *o)
{
    free(o->level);
    free(o->prefix_weight);
    free(o->parent);
    ndl_matrix_free(&o->weight);
}

/* ----------------------------------------------------------------------- start */

static enum ndl_status check_columns(const struct ndl_matrix *m, size_t d, const char *path,
                                     const char *data, struct ndl_error *err)
{
    if (m->cols == d)
        return NDL_OK;
    return ndl_fail(err, NDL_BADDATA, "%s: %zu columns, but %s has %zu", path, m->cols, data, d);
}

enum ndl_status train_start(struct sae *sae, const struct train_options *o, size_t d,
                            const double *mean, struct ndl_error *err)
{
    struct ndl_matrix D = {0}, E = {0}, b = {0};
    enum ndl_status status = NDL_OK;
    if (o->bias) {
        status = ndl_load_vector(&b, o->bias, err);
        if (status == NDL_OK)
            status = check_columns(&b, d, o->bias, o->data, err);
    }
    if (status == NDL_OK && o->init) {
        status = ndl_load_matrix(&D, o->init, err);
        if (status == NDL_OK)
            status = check_columns(&D, d, o->init, o->data, err);
        for (size_t k = 0; status == NDL_OK && k < D.rows; k++)
            if (!(ndl_unit(d, ndl_row(&D, k), ndl_row(&D, k)) > 0))
                status = ndl_fail(err, NDL_BADDATA, "%s: row %zu is zero", o->init, k);
    }
    if (status == NDL_OK && o->encoder) {
        status = ndl_load_matrix(&E, o->encoder, err);
        if (status == NDL_OK)
            status = check_columns(&E, d, o->encoder, o->data, err);
    }
    const double *bias = o->bias ? b.v : mean;
    if (status == NDL_OK)
        status = o->init ? sae_init_truth(sae, &D, o->encoder ? &E : NULL, bias, err)
                         : sae_init_random(sae, bias, err);
    ndl_matrix_free(&D);
    ndl_matrix_free(&E);
    ndl_matrix_free(&b);
    return status;
}

/* ---------------------------------------------------------------------- output */

cJSON *train_parameters(const struct sae *sae, const struct train_options *o)
{
    const struct sae_options *s = &sae->o;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"lambda", s->lambda},
                   {"k", s->k},
                   {"shape", s->shape},
                   {"orthogonality", s->orthogonality},
                   {"bandwidth", s->bandwidth},
                   {"threshold", s->threshold},
                   {"aux_weight", s->aux_weight},
                   {"aux_k", (double)s->aux_k},
                   {"dead_after", (double)s->dead_after},
                   {"batch", (double)s->batch},
                   {"steps", (double)s->steps},
                   {"rate", s->rate},
                   {"beta1", s->beta1},
                   {"beta2", s->beta2},
                   {"warmup", s->warmup},
                   {"decay", s->decay},
                   {"anneal_from", s->anneal_from},
                   {"anneal_to", s->anneal_to},
                   {"seed", (double)s->seed}};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "objective", sae->objective->name);
    cJSON_AddStringToObject(json, "data", o->data);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cJSON_AddNumberToObject(json, numbers[i].name, numbers[i].value);
    cJSON_AddBoolToObject(json, "free_norms", s->norms == SAE_FREE);
    cJSON_AddBoolToObject(json, "all_pairs", s->all_pairs);
    cJSON_AddBoolToObject(json, "keep_lambda", s->keep_lambda);
    cJSON *levels = cJSON_AddArrayToObject(json, "levels");
    for (size_t l = 0; l < s->levels; l++)
        cJSON_AddItemToArray(levels, cJSON_CreateNumber((double)s->level[l]));
    return json;
}

static void fill_threshold(const struct sae *sae, double *threshold)
{
    for (size_t k = 0; k < sae->o.K; k++)
        switch (sae->objective->activation) {
        case SAE_JUMPRELU:
            threshold[k] = exp(sae->value[SAE_LOG_THETA][k]);
            break;
        case SAE_GATED:
            threshold[k] = fmax(0, sae->value[SAE_B_MAG][k] -
                                       exp(sae->value[SAE_R_MAG][k]) * sae->value[SAE_B_ENC][k]);
            break;
        default:
            threshold[k] = sae->batch_threshold;
        }
}

enum ndl_status train_folder(const struct sae *sae, struct ndl_sae *folder, struct ndl_error *err)
{
    size_t K = sae->o.K, d = sae->o.d;
    enum sae_activation activation = sae->objective->activation;
    bool gated = activation == SAE_GATED;
    *folder = (struct ndl_sae){.d = d, .K = K, .kind = NDL_SAE_JUMPRELU, .subtract_bias = true};
    if (activation == SAE_RELU)
        folder->kind = NDL_SAE_RELU;
    if (activation == SAE_TOPK) {
        folder->kind = NDL_SAE_TOPK;
        folder->k = (size_t)sae->o.k;
    }
    enum ndl_status status = ndl_matrix_alloc(&folder->W_enc, d, K, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&folder->b_enc, 1, K, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&folder->W_dec, K, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&folder->b_dec, 1, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&folder->threshold, 1, K, err);
    if (status != NDL_OK)
        return status;
    for (size_t k = 0; k < K; k++) {
        double scale = gated ? exp(sae->value[SAE_R_MAG][k]) : 1;
        for (size_t c = 0; c < d; c++)
            ndl_row(&folder->W_enc, c)[k] = scale * sae->value[SAE_E][k * d + c];
    }
    memcpy(folder->b_enc.v, sae->value[gated ? SAE_B_MAG : SAE_B_ENC], K * sizeof(double));
    memcpy(folder->W_dec.v, sae->value[SAE_D], K * d * sizeof(double));
    memcpy(folder->b_dec.v, sae->value[SAE_B_DEC], d * sizeof(double));
    if (folder->kind == NDL_SAE_JUMPRELU)
        fill_threshold(sae, folder->threshold.v);
    return NDL_OK;
}

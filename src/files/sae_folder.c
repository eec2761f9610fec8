/* sae_folder.c -- an SAE saved by SAELens, and its own codes.
 *
 * A directory holds cfg.json and sae_weights.safetensors.  SAELens has changed the
 * keys of cfg.json several times; the ones read here are those of versions 3 to 6
 * (github.com/jbloomAus/SAELens, sae_lens/saes). */
#include "ndl/blas.h"
#include "files.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cjson/cJSON.h>

/* -------------------------------------------------------------- cfg.json */

/* bytes; a few thousand are usual, and each may cost 64 when parsed */
enum { CONFIG_MAX = 16 << 20 };

struct config {
    const cJSON *json;
    const char *path;
};

static const cJSON *get(const struct config *c, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->json, key);
    return cJSON_IsNull(item) ? NULL : item;
}

/* A string, or `otherwise` if the key is absent; NULL if it is there but no string. */
static const char *get_string(const struct config *c, const char *key, const char *otherwise)
{
    const cJSON *item = get(c, key);
    return item ? cJSON_GetStringValue(item) : otherwise;
}

static enum ndl_status get_bool(const struct config *c, const char *key, bool otherwise,
                                bool *value, struct ndl_error *err)
{
    const cJSON *item = get(c, key);
    if (item && !cJSON_IsBool(item))
        return ndl_fail(err, NDL_BADDATA, "%s: %s is neither true nor false", c->path, key);
    *value = item ? cJSON_IsTrue(item) : otherwise;
    return NDL_OK;
}

/* "relu" or "topk": activation_fn_str (versions 3 to 5), earlier activation_fn; absent in
 * version 6. */
static enum ndl_status read_activation(const struct config *c, struct ndl_sae *sae,
                                       struct ndl_error *err)
{
    const char *architecture = get_string(c, "architecture", "standard");
    const char *function = get_string(c, "activation_fn_str", get_string(c, "activation_fn", NULL));
    bool said = get(c, "activation_fn_str") || get(c, "activation_fn");
    if (architecture && strcmp(architecture, "standard") == 0)
        sae->kind = NDL_SAE_RELU;
    else if (architecture && strcmp(architecture, "topk") == 0)
        sae->kind = NDL_SAE_TOPK;
    else if (architecture && strcmp(architecture, "jumprelu") == 0)
        sae->kind = NDL_SAE_JUMPRELU;
    else
        return ndl_fail(err, NDL_BADDATA,
                        "%s: architecture '%.60s' is not standard, topk or jumprelu", c->path,
                        architecture ? architecture : "(no string)");
    if (!said || (function && strcmp(function, "relu") == 0))
        return NDL_OK; /* of topk, ReLU is what follows the choice */
    if (function && strcmp(function, "topk") == 0 && sae->kind != NDL_SAE_JUMPRELU) {
        sae->kind = NDL_SAE_TOPK;
        return NDL_OK;
    }
    return ndl_fail(err, NDL_BADDATA,
                    "%s: activation function '%.60s' of a '%s' SAE is not understood", c->path,
                    function ? function : "(no string)", architecture);
}

/* k of TopK: a key of its own (version 6) or in activation_fn_kwargs. */
static enum ndl_status read_k(const struct config *c, struct ndl_sae *sae, struct ndl_error *err)
{
    const cJSON *k = get(c, "k");
    if (!k)
        k = cJSON_GetObjectItemCaseSensitive(get(c, "activation_fn_kwargs"), "k");
    if (!cJSON_IsNumber(k) || !(k->valuedouble >= 1 && k->valuedouble <= (double)sae->K) ||
        k->valuedouble != floor(k->valuedouble))
        return ndl_fail(err, NDL_BADDATA, "%s: a TopK SAE of %zu features needs k from 1 to that",
                        c->path, sae->K);
    sae->k = (size_t)k->valuedouble;
    return NDL_OK;
}

static enum ndl_status read_normalize(const struct config *c, struct ndl_sae *sae,
                                      struct ndl_error *err)
{
    const cJSON *item = get(c, "normalize_activations");
    const char *how = get_string(c, "normalize_activations", "none");
    if (cJSON_IsBool(item)) /* before version 3 */
        how = cJSON_IsTrue(item) ? "expected_average_only_in" : "none";
    if (how && strcmp(how, "none") == 0)
        sae->normalize = NDL_SAE_AS_IS;
    else if (how && strcmp(how, "constant_norm_rescale") == 0)
        sae->normalize = NDL_SAE_CONSTANT_NORM;
    else if (how && strcmp(how, "layer_norm") == 0)
        sae->normalize = NDL_SAE_LAYER_NORM;
    else if (how && strcmp(how, "expected_average_only_in") == 0)
        return ndl_fail(
            err, NDL_BADDATA,
            "%s: normalize_activations '%s' needs a factor that is not saved; fold it in "
            "first (fold_activation_norm_scaling_factor)",
            c->path, how);
    else
        return ndl_fail(err, NDL_BADDATA, "%s: normalize_activations '%.60s' is not understood",
                        c->path, how ? how : "(no string)");
    return NDL_OK;
}

static enum ndl_status check_dimension(const struct config *c, const char *key, size_t size,
                                       struct ndl_error *err)
{
    const cJSON *item = get(c, key);
    if (item && !(cJSON_IsNumber(item) && item->valuedouble == (double)size))
        return ndl_fail(err, NDL_BADDATA, "%s: %s is not %zu, the size of the weights", c->path,
                        key, size);
    return NDL_OK;
}

/* No key that is read stands twice: Python would take the last, cJSON the first. */
static enum ndl_status check_keys(const struct config *c, struct ndl_error *err)
{
    static const char *const keys[] = {"architecture",
                                       "activation_fn_str",
                                       "activation_fn",
                                       "activation_fn_kwargs",
                                       "k",
                                       "normalize_activations",
                                       "d_in",
                                       "d_sae",
                                       "apply_b_dec_to_input",
                                       "rescale_acts_by_decoder_norm",
                                       "finetuning_scaling_factor"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t times = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, c->json) times += strcmp(item->string, keys[i]) == 0;
        if (times > 1)
            return ndl_fail(err, NDL_BADDATA, "%s: %s stands twice", c->path, keys[i]);
    }
    return NDL_OK;
}

static enum ndl_status read_config(const struct config *c, struct ndl_sae *sae,
                                   struct ndl_error *err)
{
    bool scaled = false;
    enum ndl_status status = check_keys(c, err);
    if (status == NDL_OK)
        status = check_dimension(c, "d_in", sae->d, err);
    if (status == NDL_OK)
        status = check_dimension(c, "d_sae", sae->K, err);
    if (status == NDL_OK)
        status = read_activation(c, sae, err);
    if (status == NDL_OK && sae->kind == NDL_SAE_TOPK)
        status = read_k(c, sae, err);
    if (status == NDL_OK)
        status = read_normalize(c, sae, err);
    if (status == NDL_OK)
        status = get_bool(c, "apply_b_dec_to_input", true, &sae->subtract_bias, err);
    if (status == NDL_OK)
        status =
            get_bool(c, "rescale_acts_by_decoder_norm", false, &sae->rank_by_contribution, err);
    if (status == NDL_OK)
        status = get_bool(c, "finetuning_scaling_factor", false, &scaled, err);
    if (status == NDL_OK && scaled)
        status =
            ndl_fail(err, NDL_BADDATA,
                     "%s: finetuning_scaling_factor is not supported; fold it into W_dec", c->path);
    return status;
}

static enum ndl_status load_config(struct ndl_sae *sae, const char *path, struct ndl_error *err)
{
    const unsigned char *bytes;
    size_t size;
    enum ndl_status status = ndl_map_file(&bytes, &size, path, err);
    if (status != NDL_OK)
        return status;
    cJSON *json = size <= CONFIG_MAX ? ndl_json_object(bytes, size) : NULL;
    munmap((void *)(uintptr_t)bytes, size);
    if (json) {
        struct config c = {json, path};
        status = read_config(&c, sae, err);
    } else {
        status = ndl_fail(err, NDL_BADDATA, "%s: not a JSON object", path);
    }
    cJSON_Delete(json);
    return status;
}

/* --------------------------------------------------------------- weights */

/* A tensor of the mapped file; rows x cols must agree where they are not 0. */
static enum ndl_status load_tensor(struct ndl_matrix *m, const unsigned char *bytes, size_t size,
                                   const char *tensor, bool vector, size_t rows, size_t cols,
                                   const char *path, struct ndl_error *err)
{
    struct ndl_array_view view;
    enum ndl_status status = ndl_safetensors_view(&view, bytes, size, tensor, vector, path, err);
    if (status != NDL_OK)
        return status;
    if ((rows && view.rows != rows) || (cols && view.cols != cols))
        return ndl_fail(err, NDL_BADDATA, "%s: tensor %s is %zu x %zu, not %zu x %zu", path, tensor,
                        view.rows, view.cols, rows, cols);
    status = ndl_matrix_alloc(m, view.rows, view.cols, err);
    if (status == NDL_OK)
        status = ndl_view_rows(&view, 0, view.rows, m->v, err);
    return status;
}

/* The tensors fit the architecture: SAELens, too, loads no others.  A misspelt `architecture` would
 * otherwise pass for a ReLU. */
static enum ndl_status check_tensors(const struct ndl_sae *sae, const unsigned char *bytes,
                                     size_t size, const char *config, const char *path,
                                     struct ndl_error *err)
{
    static const char *const others[] = {"threshold", "log_threshold", /* JumpReLU */
                                         "r_mag", "b_mag", "b_gate"};  /* gated */
    for (size_t i = sae->kind == NDL_SAE_JUMPRELU ? 2 : 0; i < sizeof others / sizeof *others;
         i++) {
        bool has;
        enum ndl_status status = ndl_safetensors_has(bytes, size, others[i], &has, path, err);
        if (status != NDL_OK)
            return status;
        if (has)
            return ndl_fail(err, NDL_BADDATA,
                            "%s: tensor %s does not belong to the architecture that %s states",
                            path, others[i], config);
    }
    return NDL_OK;
}

static enum ndl_status load_threshold(struct ndl_sae *sae, const unsigned char *bytes, size_t size,
                                      const char *path, struct ndl_error *err)
{
    bool logarithmic; /* as while training */
    enum ndl_status status =
        ndl_safetensors_has(bytes, size, "log_threshold", &logarithmic, path, err);
    if (status == NDL_OK)
        status =
            load_tensor(&sae->threshold, bytes, size, logarithmic ? "log_threshold" : "threshold",
                        true, 1, sae->K, path, err);
    for (size_t k = 0; status == NDL_OK && logarithmic && k < sae->K; k++)
        sae->threshold.v[k] = exp(sae->threshold.v[k]);
    return status;
}

static enum ndl_status load_weights(struct ndl_sae *sae, const unsigned char *bytes, size_t size,
                                    const char *config, const char *path, struct ndl_error *err)
{
    enum ndl_status status = load_tensor(&sae->W_dec, bytes, size, "W_dec", false, 0, 0, path, err);
    sae->K = sae->W_dec.rows;
    sae->d = sae->W_dec.cols;
    if (status == NDL_OK && (sae->K > INT_MAX || sae->d > INT_MAX)) /* BLAS counts in int */
        status =
            ndl_fail(err, NDL_BADDATA, "%s: W_dec of %zu x %zu is too large", path, sae->K, sae->d);
    if (status == NDL_OK)
        status = load_config(sae, config, err);
    if (status == NDL_OK)
        status = check_tensors(sae, bytes, size, config, path, err);
    if (status == NDL_OK)
        status = load_tensor(&sae->W_enc, bytes, size, "W_enc", false, sae->d, sae->K, path, err);
    if (status == NDL_OK)
        status = load_tensor(&sae->b_enc, bytes, size, "b_enc", true, 1, sae->K, path, err);
    if (status == NDL_OK)
        status = load_tensor(&sae->b_dec, bytes, size, "b_dec", true, 1, sae->d, path, err);
    if (status == NDL_OK && sae->kind == NDL_SAE_JUMPRELU)
        status = load_threshold(sae, bytes, size, path, err);
    return status;
}

enum ndl_status ndl_sae_load(struct ndl_sae *sae, const char *directory, struct ndl_error *err)
{
    *sae = (struct ndl_sae){0};
    char weights[4096], config[4096];
    if (snprintf(weights, sizeof weights, "%s/sae_weights.safetensors", directory) >=
            (int)sizeof weights ||
        snprintf(config, sizeof config, "%s/cfg.json", directory) >= (int)sizeof config)
        return ndl_fail(err, NDL_BADARG, "%.100s...: the name is too long", directory);
    const unsigned char *bytes;
    size_t size;
    enum ndl_status status = ndl_map_file(&bytes, &size, weights, err);
    if (status != NDL_OK)
        return status;
    struct ndl_sae new = {0};
    status = load_weights(&new, bytes, size, config, weights, err);
    munmap((void *)(uintptr_t)bytes, size);
    if (status != NDL_OK)
        ndl_sae_free(&new);
    *sae = new;
    return status;
}

void ndl_sae_free(struct ndl_sae *sae)
{
    ndl_matrix_free(&sae->W_enc);
    ndl_matrix_free(&sae->b_enc);
    ndl_matrix_free(&sae->W_dec);
    ndl_matrix_free(&sae->b_dec);
    ndl_matrix_free(&sae->threshold);
    *sae = (struct ndl_sae){0};
}

/* -------------------------------------------------------------- encoding */

enum { BLOCK = 64 }; /* rows per product: enough for BLAS-3, little memory for large K */

/* A feature that TopK may keep; the heap has the one to lose first on top. */
struct candidate {
    double score;
    uint32_t feature;
};

static bool loses(struct candidate a, struct candidate b)
{
    return a.score < b.score || (!(a.score > b.score) && a.feature > b.feature);
}

static void sift_down(struct candidate *heap, size_t n)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && loses(heap[child + 1], heap[child]))
            child++;
        if (loses(heap[i], heap[child]))
            return;
        struct candidate swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
}

static void sift_up(struct candidate *heap, size_t i)
{
    while (i > 0 && loses(heap[i], heap[(i - 1) / 2])) {
        struct candidate swap = heap[i];
        heap[i] = heap[(i - 1) / 2];
        heap[(i - 1) / 2] = swap;
        i = (i - 1) / 2;
    }
}

/* Sets to 0 all of pre[K] but the k positive entries of highest score. */
static void keep_top(const struct ndl_sae *sae, double *pre, const double *norm,
                     struct candidate *heap)
{
    size_t n = 0;
    for (size_t j = 0; j < sae->K; j++) {
        struct candidate new = {norm ? pre[j] * norm[j] : pre[j], (uint32_t)j};
        if (!(new.score > 0)) {
            pre[j] = 0;
        } else if (n < sae->k) {
            heap[n] = new;
            sift_up(heap, n++);
        } else if (loses(heap[0], new)) {
            pre[heap[0].feature] = 0;
            heap[0] = new;
            sift_down(heap, n);
        } else {
            pre[j] = 0;
        }
    }
}

static enum ndl_status normalize_row(const struct ndl_sae *sae, double *x, size_t row,
                                     const char *name, struct ndl_error *err)
{
    size_t d = sae->d;
    double mean = 0, square = 0, scale;
    if (sae->normalize == NDL_SAE_AS_IS)
        return NDL_OK;
    for (size_t j = 0; sae->normalize == NDL_SAE_LAYER_NORM && j < d; j++)
        mean += x[j] / (double)d;
    for (size_t j = 0; j < d; j++) {
        x[j] -= mean;
        square += x[j] * x[j];
    }
    if (sae->normalize == NDL_SAE_CONSTANT_NORM)
        scale = sqrt((double)d / square);
    else
        scale = 1 / (sqrt(square / ((double)d - 1)) + 1e-5);
    if (!isfinite(scale))
        return ndl_fail(err, NDL_BADDATA, "%s: row %zu cannot be normalised", name, row);
    for (size_t j = 0; j < d; j++)
        x[j] *= scale;
    return NDL_OK;
}

struct block {
    struct ndl_codes Z;
    enum ndl_status status;
    struct ndl_error err;
};

struct job {
    const struct ndl_sae *sae;
    const struct ndl_array_view *X;
    size_t first;
    const double *norm; /* K norms of the rows of W_dec, or NULL */
    struct block *block;
};

/* Rows [first, last) of X into pre (rows x K), using x (rows x d) and heap (k). */
static enum ndl_status encode_rows(const struct job *job, size_t first, size_t last, double *x,
                                   struct ndl_matrix *pre, struct candidate *heap,
                                   struct ndl_error *err)
{
    const struct ndl_sae *sae = job->sae;
    size_t d = sae->d, K = sae->K, rows = last - first;
    enum ndl_status status = ndl_view_rows(job->X, first, last, x, err);
    for (size_t i = 0; status == NDL_OK && i < rows; i++) {
        status = normalize_row(sae, x + i * d, first + i, job->X->name, err);
        for (size_t j = 0; sae->subtract_bias && j < d; j++)
            x[i * d + j] -= sae->b_dec.v[j];
        memcpy(ndl_row(pre, i), sae->b_enc.v, K * sizeof(double));
    }
    if (status == NDL_OK)
        status = ndl_gemm(NDL_PLAIN, NDL_PLAIN, rows, K, d, 1, x, d, sae->W_enc.v, K, 1, pre->v, K);
    for (size_t i = 0; status == NDL_OK && i < rows; i++) {
        double *z = ndl_row(pre, i);
        for (size_t k = 0; k < K; k++)
            if (!isfinite(z[k]))
                return ndl_fail(err, NDL_BADDATA, "%s: the SAE's feature %zu overflows on row %zu",
                                job->X->name, k, first + i);
        if (sae->kind == NDL_SAE_TOPK)
            keep_top(sae, z, job->norm, heap);
        for (size_t k = 0; k < K; k++)
            if (!(z[k] > 0) || (sae->kind == NDL_SAE_JUMPRELU && !(z[k] > sae->threshold.v[k])))
                z[k] = 0;
    }
    return status;
}

static void encode_block(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    const struct job *job = context;
    struct block *b = &job->block[first / BLOCK];
    struct ndl_matrix x = {0}, pre = {0};
    struct candidate *heap = malloc((job->sae->k ? job->sae->k : 1) * sizeof *heap);
    b->status =
        heap ? NDL_OK : ndl_fail(&b->err, NDL_NOMEM, "no memory to choose the largest codes");
    if (b->status == NDL_OK)
        b->status = ndl_matrix_alloc(&x, last - first, job->sae->d, &b->err);
    if (b->status == NDL_OK)
        b->status = ndl_matrix_alloc(&pre, last - first, job->sae->K, &b->err);
    if (b->status == NDL_OK)
        b->status =
            encode_rows(job, job->first + first, job->first + last, x.v, &pre, heap, &b->err);
    if (b->status == NDL_OK)
        b->status = ndl_codes_from_dense(&b->Z, &pre, &b->err);
    ndl_matrix_free(&x);
    ndl_matrix_free(&pre);
    free(heap);
}

/* Stacks the blocks, each freed when copied. */
static enum ndl_status join(struct ndl_codes *Z, struct block *block, size_t blocks, size_t rows,
                            size_t K, struct ndl_error *err)
{
    size_t nnz = 0, row = 0, at = 0;
    for (size_t b = 0; b < blocks; b++)
        nnz += block[b].Z.start[block[b].Z.rows];
    enum ndl_status status = ndl_codes_alloc(Z, rows, K, nnz, err);
    for (size_t b = 0; status == NDL_OK && b < blocks; b++) {
        struct ndl_codes *part = &block[b].Z;
        size_t n = part->start[part->rows];
        memcpy(Z->atom + at, part->atom, n * sizeof *Z->atom);
        memcpy(Z->value + at, part->value, n * sizeof *Z->value);
        for (size_t i = 0; i < part->rows; i++)
            Z->start[++row] = at + part->start[i + 1];
        at += n;
        ndl_codes_free(part);
    }
    return status;
}

static double *decoder_norms(const struct ndl_sae *sae)
{
    double *norm = calloc(sae->K, sizeof *norm);
    for (size_t k = 0; norm && k < sae->K; k++) {
        for (size_t j = 0; j < sae->d; j++)
            norm[k] += ndl_row(&sae->W_dec, k)[j] * ndl_row(&sae->W_dec, k)[j];
        norm[k] = sqrt(norm[k]);
    }
    return norm;
}

enum ndl_status ndl_sae_encode(const struct ndl_sae *sae, const struct ndl_array_view *X,
                               size_t first, size_t last, int threads, struct ndl_codes *Z,
                               struct ndl_error *err)
{
    *Z = (struct ndl_codes){0};
    if (X->cols != sae->d)
        return ndl_fail(err, NDL_BADARG, "%s: %zu columns, but the SAE reads %zu", X->name, X->cols,
                        sae->d);
    if (first > last || last > X->rows || threads < 1)
        return ndl_fail(err, NDL_BADARG, "%s: rows [%zu, %zu) of %zu on %d threads", X->name, first,
                        last, X->rows, threads);
    size_t rows = last - first, blocks = rows / BLOCK + (rows % BLOCK > 0);
    bool rank = sae->kind == NDL_SAE_TOPK && sae->rank_by_contribution;
    double *norm = rank ? decoder_norms(sae) : NULL;
    struct job job = {.sae = sae, .X = X, .first = first, .norm = norm};
    job.block = calloc(blocks ? blocks : 1, sizeof *job.block);
    enum ndl_status status = NDL_OK;
    if (!job.block || (rank && !norm))
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu blocks of codes", blocks);
    if (status == NDL_OK) {
        ndl_blas_single_threaded();
        ndl_parallel(rows, BLOCK, threads, encode_block, &job);
    }
    /* the first failure, whoever met it first */
    for (size_t b = 0; status == NDL_OK && b < blocks; b++)
        if (job.block[b].status != NDL_OK)
            status = ndl_fail(err, job.block[b].status, "%s", job.block[b].err.text);
    if (status == NDL_OK)
        status = join(Z, job.block, blocks, rows, sae->K, err);
    for (size_t b = 0; job.block && b < blocks; b++)
        ndl_codes_free(&job.block[b].Z);
    free(job.block);
    free(norm);
    return status;
}

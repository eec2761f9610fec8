/* ndl-sample.c -- activations with a known hierarchy: data to try the other tools on.
 *
 * Reads a tree of features (datasets/README.md), draws a direction for every node and then
 * samples: X = Z D (+ noise).  The true codes Z and directions D can be written too, to be
 * audited: they are not what an optimal dictionary looks like. */
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_randist.h>

#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/tree.h"
#include "files/files.h"
#include "tool.h"

struct sample {
    struct tool_common common;
    const char *tree, *out, *codes, *decoder;
    size_t d, N;
    uint64_t seed;
    double noise;
};

static const struct argp_option options[] = {
    {"dim", 'd', "D", 0, "dimension of the activations (required)", 0},
    {"samples", 'n', "N", 0, "number of samples (required)", 0},
    {"seed", 's', "S", 0, "seed, 1 to 4294967295 (1)", 0},
    {"noise", 'e', "SIGMA", 0, "standard deviation of normal noise on every entry (0)", 0},
    {"out", 'o', "FILE", 0, "the activations, .npy or .tsv (required)", 0},
    {"codes", 'z', "FILE", 0, "write the true codes, .npz", 0},
    {"decoder", 'D', "FILE", 0, "write the true directions, .npy or .tsv", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct sample *s = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &s->common;
        return 0;
    case 'd':
        s->d = tool_count(state, "--dim", arg, 1, 1000000);
        return 0;
    case 'n':
        s->N = tool_count(state, "--samples", arg, 1, SIZE_MAX);
        return 0;
    case 's':
        s->seed = tool_count(state, "--seed", arg, 1, UINT32_MAX);
        return 0;
    case 'e':
        s->noise = tool_nonnegative(state, "--noise", arg);
        return 0;
    case 'o':
        s->out = arg;
        return 0;
    case 'z':
        s->codes = arg;
        return 0;
    case 'D':
        s->decoder = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (s->tree)
            argp_error(state, "one TREE, not '%s' too", arg);
        s->tree = arg;
        return 0;
    case ARGP_KEY_END:
        if (!s->tree || !s->d || !s->N || !s->out)
            argp_error(state, "TREE, --dim, --samples and --out are required");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "TREE",
    .children = tool_children,
    .doc = "Draws activations from a tree of features.\v"
           "Example: ndl-sample datasets/dog.tree --dim 16 --samples 5000 --out X.npy"};

/* X = Z D + noise, N x d. */
static enum ndl_status compose(const struct sample *s, const struct ndl_codes *Z,
                               const struct ndl_matrix *D, gsl_rng *rng, struct ndl_matrix *X,
                               struct ndl_error *err)
{
    enum ndl_status status = ndl_matrix_alloc(X, Z->rows, D->cols, err);
    for (size_t i = 0; status == NDL_OK && i < X->rows; i++) {
        double *x = ndl_row(X, i);
        for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++)
            for (size_t c = 0; c < X->cols; c++)
                x[c] += Z->value[e] * ndl_row(D, Z->atom[e])[c];
        for (size_t c = 0; s->noise > 0 && c < X->cols; c++)
            x[c] += gsl_ran_gaussian(rng, s->noise);
    }
    return status;
}

/* The files appear together or not at all. */
static enum ndl_status save(const struct sample *s, const struct ndl_matrix *X,
                            const struct ndl_codes *Z, const struct ndl_matrix *D,
                            struct ndl_error *err)
{
    struct tool_stage stage = {0};
    const char *hidden;
    enum ndl_status status = tool_stage_add(&stage, s->out, &hidden, err);
    if (status == NDL_OK)
        status = ndl_save_matrix(X, hidden, false, err);
    if (status == NDL_OK && s->codes)
        status = tool_stage_add(&stage, s->codes, &hidden, err);
    if (status == NDL_OK && s->codes)
        status = ndl_save_codes(Z, hidden, err);
    if (status == NDL_OK && s->decoder)
        status = tool_stage_add(&stage, s->decoder, &hidden, err);
    if (status == NDL_OK && s->decoder)
        status = ndl_save_matrix(D, hidden, false, err);
    if (status == NDL_OK)
        status = tool_stage_commit(&stage, err);
    tool_stage_end(&stage, err);
    return status;
}

/* Streams of the seed: 0 the directions, 1 the samples, 2 the noise. */
static enum ndl_status run(const struct sample *s, struct ndl_error *err)
{
    struct ndl_tree *tree = NULL;
    struct ndl_matrix D = {0}, dense = {0}, X = {0};
    struct ndl_codes Z = {0};
    gsl_rng *rng[3] = {NULL, NULL, NULL};
    enum ndl_status status = ndl_tree_read(&tree, s->tree, err);
    for (size_t q = 0; q < 3 && status == NDL_OK; q++)
        status = ndl_rng(&rng[q], s->seed, q, err);
    if (status == NDL_OK)
        status = ndl_tree_directions(tree, s->d, rng[0], &D, err);
    if (status == NDL_OK)
        status = ndl_tree_sample(tree, s->N, rng[1], &dense, err);
    if (status == NDL_OK)
        status = ndl_codes_from_dense(&Z, &dense, err);
    if (status == NDL_OK)
        status = compose(s, &Z, &D, rng[2], &X, err);
    if (status == NDL_OK)
        status = save(s, &X, &Z, &D, err);
    for (size_t q = 0; q < 3; q++)
        if (rng[q])
            gsl_rng_free(rng[q]);
    ndl_matrix_free(&X);
    ndl_codes_free(&Z);
    ndl_matrix_free(&dense);
    ndl_matrix_free(&D);
    ndl_tree_free(tree);
    return status;
}

int main(int argc, char **argv)
{
    struct sample s = {.seed = 1};
    struct ndl_error err = {0};
    tool_begin(argc, argv, &argp, &s);
    return tool_end(run(&s, &err), &err);
}

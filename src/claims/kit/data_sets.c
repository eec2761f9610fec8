/* data_sets.c -- the data of trees and panels that several claims use. */
#include "claim_state.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

struct claim_tree claim_draw_tree(struct claim *claim, const char *path, size_t samples, size_t dim,
                                  uint64_t stream)
{
    struct ndl_error err;
    struct claim_tree t;
    gsl_rng *rng = claim_rng(claim, stream);
    claim_check_status(claim, ndl_tree_read(&t.tree, path, &err), &err);
    claim_check_status(claim, ndl_tree_directions(t.tree, dim, rng, &t.D, &err), &err);
    claim_check_status(claim, ndl_tree_sample(t.tree, samples, rng, &t.Z, &err), &err);
    t.X = claim_synthetic(claim, &t.Z, &t.D);
    gsl_rng_free(rng);
    return t;
}

void claim_tree_free(struct claim_tree *t)
{
    ndl_tree_free(t->tree);
    ndl_matrix_free(&t->D);
    ndl_matrix_free(&t->Z);
    ndl_matrix_free(&t->X);
}

const struct claim_hierarchy claim_hierarchies[CLAIM_HIERARCHIES] = {
    {"toy", "dog.tree", 20, 400, 8}, {"wordnet", "wordnet-dog-small.tree", 3, 1500, 64}};

const char *const claim_variant_names[CLAIM_VARIANTS] = {"free", "locked"};

struct claim_tree claim_draw_hierarchy(struct claim *claim, const struct claim_hierarchy *h,
                                       size_t trial, size_t variant)
{
    struct claim_tree t =
        claim_draw_tree(claim, claim_data(claim, h->file), h->samples, h->dimension, trial);
    if (variant == CLAIM_FREE)
        return t;
    for (size_t e = 0; e < t.Z.rows * t.Z.cols; e++)
        t.Z.v[e] = t.Z.v[e] > 0;
    ndl_matrix_free(&t.X);
    t.X = claim_synthetic(claim, &t.Z, &t.D);
    return t;
}

size_t claim_tree_descendants(const struct claim *claim, const struct claim_tree *t,
                              struct claim_descendant **pairs)
{
    size_t K = t->D.rows, count = 0;
    *pairs = calloc(K * K + 1, sizeof **pairs);
    if (!*pairs)
        claim_die(claim, "no memory");
    for (size_t j = 0; j < K; j++)
        for (size_t k = ndl_tree_node(t->tree, j)->parent;
             k != SIZE_MAX && measure_column_mean(&t->Z, j) > 0;
             k = ndl_tree_node(t->tree, k)->parent)
            (*pairs)[count++] = (struct claim_descendant){j, k};
    return count;
}

struct ndl_model claim_tree_fit(const struct claim *claim, const struct claim_tree *t,
                                double lambda, const struct ndl_matrix *D0,
                                const struct ndl_matrix *b0)
{
    struct ndl_model m;
    struct ndl_matrix zeros = claim_matrix(claim, 1, t->X.cols);
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, lambda);
    bool converged;
    options.D0 = D0;
    options.b0 = b0 ? b0 : &zeros;
    claim_fit(claim, &t->X, &options, &m, &converged);
    ndl_matrix_free(&zeros);
    return m;
}

void claim_data_sets(struct claim *claim, void *context,
                     void (*visit)(void *context, size_t number, const struct ndl_matrix *X,
                                   size_t atoms))
{
    glob_t files;
    if (glob(claim_data(claim, "*.tree"), 0, NULL, &files) != 0 ||
        glob(claim_data(claim, "panels/[A-Z].tsv"), GLOB_APPEND, NULL, &files) != 0)
        claim_die(claim, "no *.tree or no panels/*.tsv in the data directory");
    for (size_t f = 0; f < files.gl_pathc; f++) {
        struct ndl_error err;
        if (strstr(files.gl_pathv[f], ".tree")) {
            struct claim_tree t =
                claim_draw_tree(claim, files.gl_pathv[f], 1000, CLAIM_TREE_DIM, 0);
            visit(context, f, &t.X, t.D.rows);
            claim_tree_free(&t);
        } else {
            struct ndl_matrix X;
            claim_check_status(claim, ndl_tsv_read(&X, files.gl_pathv[f], &err), &err);
            visit(context, f, &X, 2);
            ndl_matrix_free(&X);
        }
        claim_progress(claim, f + 1, files.gl_pathc, "data sets");
    }
    globfree(&files);
}

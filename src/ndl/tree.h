/* tree.h -- hierarchical data: features on a tree, read from a text file, and samples drawn from it
 * (public). */
#ifndef NDL_TREE_H
#define NDL_TREE_H

#include "random.h"

/* A tree of features read from a text file; datasets/README.md is the
 * specification.  Nodes are numbered in file order, which need not put parents
 * before children. */
struct ndl_tree;
struct ndl_tree_node {
    const char *name;   /* owned by the tree */
    size_t parent;      /* index, or SIZE_MAX for a root */
    double probability; /* of firing given that the parent fires (of firing, for a root) */
    size_t depth;       /* 0 for a root */
};
/* NDL_BADDATA with "file:line: message" on a malformed tree, NDL_IO if the file
 * cannot be read.  O(K log K) time for K nodes, no recursion. */
enum ndl_status ndl_tree_read(struct ndl_tree **tree, const char *path, struct ndl_error *err);
void ndl_tree_free(struct ndl_tree *tree);
size_t ndl_tree_size(const struct ndl_tree *tree);
const struct ndl_tree_node *ndl_tree_node(const struct ndl_tree *tree, size_t index);
/* Draws the nodes' directions in file order: D is K x d, unit rows, row k for
 * node k.  Angles and right angles hold to 1e-14.  NDL_BADDATA with
 * "file:line: message" if d is too small for an orthogonal node or an angle,
 * NDL_BADARG if d = 0. */
enum ndl_status ndl_tree_directions(const struct ndl_tree *tree, size_t d, gsl_rng *rng,
                                    struct ndl_matrix *D, struct ndl_error *err);
/* Draws N independent samples of the nodes' activations: Z is N x K, z_ik > 0
 * where node k fires and 0 elsewhere; a node fires only if its parent does, and
 * at most one node of an exclusive group does. */
enum ndl_status ndl_tree_sample(const struct ndl_tree *tree, size_t samples, gsl_rng *rng,
                                struct ndl_matrix *Z, struct ndl_error *err);

#endif

/* forest.h -- trees of orthonormal features, the activations drawn from them, and the tree penalty
 * with its first-order conditions by linear programming.
 *
 * Every root fires with probability `root` and every other node, where its parent does, with
 * probability `branch`; among exclusive siblings at most one fires.  Magnitudes are uniform in
 * [low, high].  Feature k is the k-th unit vector of R^K. */
#ifndef FOREST_H
#define FOREST_H

#include "claim.h"

enum { FOREST_MAX = 16 }; /* nodes, at most */

struct forest {
    size_t roots, branches, depth; /* trees, children of a node, levels (1: roots only) */
    bool exclusive;
    double root, branch, low, high;
};

/* The shape of a forest: nodes are numbered tree by tree, parents before children. */
struct forest_shape {
    size_t K;
    size_t parent[FOREST_MAX]; /* SIZE_MAX for a root */
    size_t level[FOREST_MAX];  /* 0 for a root */
};
struct forest_shape forest_shape(const struct forest *f);
/* How many steps lie between node k and its ancestor a; 0 if a is none (or k itself). */
size_t forest_distance(const struct forest_shape *shape, size_t k, size_t a);

/* N x K activations. */
struct ndl_matrix forest_draw(const struct claim *claim, gsl_rng *rng, const struct forest *f,
                              size_t samples);
/* The K x K unit vectors. */
struct ndl_matrix forest_truth(const struct claim *claim, size_t K);
/* Unit atoms, each tilted towards the atom of its parent, d_k ~ v_k + e d_parent, and the codes
 * U (N x K) with which they reconstruct the data of the activations Y (N x K).  A code may come
 * out negative if e is large. */
void forest_tilt(const struct claim *claim, const struct forest_shape *shape,
                 const struct ndl_matrix *Y, double e, struct ndl_matrix *D, struct ndl_matrix *U);

/* Omega(z) = sum_n w_n G_n with G_n = max(z_n, alpha max over the children m of n of G_m).  With
 * alpha = 0 this is the L1 norm with weights; the tree need not be that of the data. */
struct tree_penalty {
    const struct forest_shape *shape;
    const double *w; /* K, > 0 */
    double alpha;    /* >= 0 */
};

/* The steepest descent among all directions that keep the reconstruction,
 *
 *     z_k += eps (sum_{j != k} a_kj z_j + c_k),
 *     d_j -= eps sum_k a_kj d_k,  b -= eps sum_k c_k d_k,
 *
 * with |a_kj| <= 1 and no code that turns negative: the least one-sided derivative of the mean of
 * Omega(|d_1| z_1, ..., |d_K| z_K) over the N samples, by linear programming.  0 says that no such
 * direction descends; D (K x K, unit rows) and Z (N x K).  Accurate to about 1e-8. */
double forest_descent(const struct claim *claim, const struct ndl_matrix *D,
                      const struct ndl_matrix *Z, const struct tree_penalty *penalty);

#endif

/* penalty.h -- penalties of the codes of one sample, and what the first-order conditions ask of
 * them.
 *
 * A penalty Omega is a function of the codes z (K entries, all >= 0) of one sample; the loss per
 * sample is |r|^2 + Omega(z) with unit atoms.  A new penalty is two functions, its value and its
 * one-sided derivative in one code, and a constructor.
 *
 * The codes of many samples are the rows of Z (N x K), and <.> is the mean over them. */
#ifndef PENALTY_H
#define PENALTY_H

#include "ndl/ndl.h"

enum { PENALTY_LEFT = -1, PENALTY_RIGHT = 1 };
/* The parent of a root. */
#define PENALTY_ROOT SIZE_MAX

struct penalty {
    const char *name;
    double (*value)(const struct penalty *p, const double *z);
    /* dOmega / dz_k at z as z_k grows (PENALTY_RIGHT) or, where z_k > 0, shrinks (PENALTY_LEFT);
     * HUGE_VAL where Omega jumps. */
    double (*slope)(const struct penalty *p, const double *z, size_t k, int side);
    size_t features;      /* K */
    const double *weight; /* K weights lambda_k > 0, or NULL: all 1 */
    double shape;         /* the one parameter of the penalty's form */
    const size_t *parent; /* trees: the parent of every feature (K), PENALTY_ROOT if it has none */
};

/* ------------------------------------------------------------------------------- separable
 * sum_k lambda_k phi(z_k), with phi(z) = z, z^p with 0 < p < 1, log(1 + z/delta), tanh(c z),
 * z + c z^2 and [z > 0].  The arrays that are handed in are kept, not copied. */

struct penalty penalty_l1(size_t features, const double *weight);
struct penalty penalty_power(size_t features, const double *weight, double p);
struct penalty penalty_log(size_t features, const double *weight, double delta);
struct penalty penalty_tanh(size_t features, const double *weight, double c);
struct penalty penalty_elastic(size_t features, const double *weight, double c);
struct penalty penalty_l0(size_t features, const double *weight);

/* ----------------------------------------------------------------------------- not separable */

/* (sum_k lambda_k z_k)^2 */
struct penalty penalty_squared(size_t features, const double *weight);
/* sum_n lambda_n |z of n and its descendants|_2: the tree norm of Jenatton et al. (2011) */
struct penalty penalty_tree_l2(size_t features, const double *weight, const size_t *parent);
/* sum_n lambda_n G_n with G_n = max(z_n, alpha max of G over the children of n); with alpha = 1
 * the tree norm with l-infinity */
struct penalty penalty_tree_max(size_t features, const double *weight, const size_t *parent,
                                double alpha);
/* sum_n lambda_n [n or one of its descendants fires] */
struct penalty penalty_tree_l0(size_t features, const double *weight, const size_t *parent);

/* --------------------------------------------------------------------- means over samples */

/* <Omega> */
double penalty_mean(const struct penalty *p, const struct ndl_matrix *Z);
/* <dOmega/dz_k>, from the right */
double penalty_pull(const struct penalty *p, const struct ndl_matrix *Z, size_t k);
/* <z_j dOmega/dz_k>, from the right, over the samples where z_j > 0 */
double penalty_moment(const struct penalty *p, const struct ndl_matrix *Z, size_t j, size_t k);
/* The one cosine at which j may fire only where k does:
 * <z_j dOmega/dz_k> / <z_j dOmega/dz_j>; NaN (0/0) if it may at any. */
double penalty_law(const struct penalty *p, const struct ndl_matrix *Z, size_t j, size_t k);

#endif

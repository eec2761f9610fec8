/* reduced_loss.h -- the reduced loss f(D, b) = min_{Z >= 0} L(D, b, Z) and its first two
 * derivatives on the product of unit spheres (private to the room ndl).
 *
 * Atoms and bias are stacked in one (K + 1) x d matrix, T in the formulas: the bias is row K, an
 * atom whose code is always 1 and whose norm is free. */
#ifndef NDL_REDUCED_LOSS_H
#define NDL_REDUCED_LOSS_H

#include "ndl.h"

struct ndl_reduced {
    const struct ndl_matrix *X; /* N x d */
    size_t K, d;
    double lambda;
    bool bias; /* whether row K of T is free */
    int threads;
    /* workspace */
    size_t slices; /* sums over samples are formed in this many parts, whatever
                                   the number of threads, then added in order */
    double *sum;   /* slices x ((K + 1) d + (K + 1)^2) */
    double *slice_loss, *slice_norm;
    struct ndl_scratch *scratch; /* one per thread */
};

/* f and its derivatives at one T. */
struct ndl_point {
    struct ndl_matrix atoms_and_bias; /* (K + 1) x d */
    struct ndl_codes Z;               /* the minimising codes, exact to rounding */
    double loss;
    /* (K + 1) x d: Euclidean gradient; rows -2 sum_i z_ik r_i and -2 sum_i r_i */
    struct ndl_matrix gradient;
    struct ndl_matrix moment; /* (K + 1) x (K + 1): sum_i of (z_i, 1) (z_i, 1)^T */
    struct ndl_matrix gram;   /* K x K: D D^T */
    double *residual_norm;    /* N: |r_i| */
    double residual;          /* the largest relative residual of the atom and bias conditions */
};

enum ndl_status ndl_reduced_alloc(struct ndl_reduced *f, const struct ndl_matrix *X, size_t K,
                                  double lambda, bool bias, int threads, struct ndl_error *err);
void ndl_reduced_free(struct ndl_reduced *f);
enum ndl_status ndl_point_alloc(struct ndl_point *p, const struct ndl_reduced *f,
                                struct ndl_error *err);
void ndl_point_free(struct ndl_point *p);

/* Given p->atoms_and_bias with unit atoms, fills the rest.  `warm` (may be NULL, may be &p->Z) are
 * codes of a nearby point.  By the envelope theorem the gradient is that of L with Z held. */
enum ndl_status ndl_reduced_eval(struct ndl_reduced *f, struct ndl_point *p,
                                 const struct ndl_codes *warm, struct ndl_error *err);

/* r = x_i - b - z_i D (d entries); returns |r|^2. */
double ndl_reduced_residual(const struct ndl_reduced *f, const struct ndl_point *p, size_t i,
                            double *r);

/* The part of r_i orthogonal to the active atoms, what no code of theirs can explain; returns
 * its norm. */
double ndl_reduced_unexplained(const struct ndl_reduced *f, const struct ndl_point *p, size_t i,
                               double *r);

/* sum_i z_ik */
static inline double ndl_usage(const struct ndl_point *p, size_t k)
{
    return ndl_row(&p->moment, p->moment.rows - 1)[k];
}

/* Makes the rows of V tangent: d_k . V_k = 0; zero for a dead atom and a fixed bias. */
void ndl_tangent(const struct ndl_reduced *f, const struct ndl_point *p, double *V);
/* The Riemannian gradient, (K + 1) x d. */
void ndl_reduced_gradient(const struct ndl_reduced *f, const struct ndl_point *p, double *g);
/* HV = Riemannian Hessian times the tangent V, active sets held fixed: exact wherever no
 * multiplier of an inactive code is zero. */
void ndl_reduced_hessian(struct ndl_reduced *f, const struct ndl_point *p, const double *V,
                         double *HV);

#endif

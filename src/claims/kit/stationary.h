/* stationary.h -- a stationary point of any objective of the family
 *
 *     sum_i share_i ( full |x_i - b - sum_k z_ik d_k|^2
 *                     + prefix |x_i - b - sum_(k < first) z_ik d_k|^2 + Omega(z_i) )
 *         + coherence sum_(j < k) (d_j.d_k)^2
 *
 * over unit atoms d_k, codes z_ik and the bias b, with the supports given: the second term is
 * Matryoshka's, the last OrtSAE's.  For a few kinds of samples: the work is cubic in the
 * unknowns. */
#ifndef STATIONARY_H
#define STATIONARY_H

#include "claim.h"
#include "penalty.h"

struct stationary {
    const struct ndl_matrix *X; /* M x d, d <= 32: the kinds of samples */
    const double *share;        /* M: how frequent each is; they sum to 1 */
    const bool *on;             /* M x K: the codes that are free; the others stay 0 */
    bool bias;                  /* whether b is free; else it stays as it is */
    double full, prefix;
    size_t first; /* atoms of the prefix */
    double coherence;
    const struct penalty *penalty;
};

/* D (K x d), Z (M x K) and b (d entries) are the start and become the stationary point nearest by
 * damped Newton steps: a minimum or a saddle.  Returns the largest entry of the gradient; who
 * calls looks at it, and at the signs of the codes. */
double stationary_solve(const struct claim *claim, const struct stationary *s, struct ndl_matrix *D,
                        struct ndl_matrix *Z, double *b);
/* How fast the loss of kind i falls with code k without the penalty: 2 r_i.d_k if there is one
 * level.  At a stationary point dOmega/dz_k where k is on; where it is off, the penalty's slope
 * must be at least that. */
double stationary_pull(const struct stationary *s, const struct ndl_matrix *D,
                       const struct ndl_matrix *Z, const double *b, size_t i, size_t k);
/* <z_j a_k> over the kinds, with a_k (M entries) any quantity of the kinds. */
double stationary_mean(const struct stationary *s, const struct ndl_matrix *Z, size_t j,
                       const double *a);

#endif

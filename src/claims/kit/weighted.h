/* weighted.h -- nonnegative dictionary learning with a penalty per atom, for a few atoms.
 *
 * The loss is sum_i |x_i - sum_k z_ik d_k|^2 + sum_k lambda_k sum_i z_ik with unit atoms, no bias.
 * (The library's solver has one lambda.) */
#ifndef WEIGHTED_H
#define WEIGHTED_H

#include "claim.h"

enum { WEIGHTED_MAX = 16 }; /* atoms and dimensions, at most */

/* From the unit atoms D (K x d), which are replaced, to a local minimum for the data X (N x d);
 * Z (N x K) is allocated here.  Returns the norm of the gradient there, of the loss per sample. */
double weighted_fit(const struct claim *claim, const struct ndl_matrix *X, const double *lambda,
                    struct ndl_matrix *D, struct ndl_matrix *Z);

#endif

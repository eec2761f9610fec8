/* relu_sae.h -- a small ReLU autoencoder with an L1 penalty, its gradient, and its training by BFGS
 * on the whole data: for claims about stationary points, which stochastic training does not reach.
 *
 * z_k = relu(E_k . x + beta_k), xhat = b + sum_k z_k D_k, and the loss per sample is the mean of
 * |x - xhat|^2 + lambda sum_k |D_k| z_k, atoms of any norm. */
#ifndef RELU_SAE_H
#define RELU_SAE_H

#include "claim.h"

struct relu_sae {
    struct ndl_matrix E, D;    /* K x d */
    struct ndl_matrix beta, b; /* 1 x K, 1 x d */
    double lambda;
    bool tied; /* E = D: the gradient of both is then in D, that in E is zero */
};

/* Zeros. */
struct relu_sae relu_sae_new(const struct claim *claim, size_t K, size_t d, double lambda);
void relu_sae_free(struct relu_sae *sae);
/* The pre-activations of X, N x K. */
struct ndl_matrix relu_sae_encode(const struct claim *claim, const struct relu_sae *sae,
                                  const struct ndl_matrix *X);
/* The loss per sample; its gradient in the parameters of g (of the same shape, or NULL). */
double relu_sae_loss(const struct claim *claim, const struct relu_sae *sae,
                     const struct ndl_matrix *X, struct relu_sae *g);
/* At most `steps` steps of BFGS.  The loss has kinks where a pre-activation is zero, on which the
 * search may end; returns the norm of the gradient there. */
double relu_sae_train(const struct claim *claim, struct relu_sae *sae, const struct ndl_matrix *X,
                      int steps);

#endif

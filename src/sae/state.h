/* state.h -- what the files of this room share (private): the state behind a struct sae, the codes
 * of a batch, and the passes a step is made of. */
#ifndef SAE_STATE_H
#define SAE_STATE_H

#include "ndl/random.h"
#include "sae/sae.h"

/* The codes of a batch, or those of an auxiliary path, one list per sample.  A chunk of rows has
 * one stretch of memory, so that its lists lie next to each other; sample i's entries are
 * [start[i], start[i] + n[i]). */
struct sae_entries {
    size_t *start, *n; /* batch */
    uint32_t *atom;    /* batch K: increasing within a sample */
    double *z;         /* what multiplies the atom; 0 where only a threshold learns */
    double *g;         /* derivative of the sample's loss with respect to E_k (x - b_dec) */
    double *extra;     /* JumpReLU: of log threshold; Gated: of r_mag; free norms: along d_k */
    /* The same by latent: entries [first[k], first[k + 1]), samples increasing. */
    size_t *first; /* K + 1 */
    size_t *place; /* chunks of rows x K: where a chunk's entries go */
    uint32_t *row; /* sample */
    double *latent_z, *latent_g, *latent_extra;
    bool has_extra;
    /* What z_k d_k should reconstruct, times its weight: groups x batch x d or batch x d; NULL if
     * the decoder does not learn from this path. */
    const double *residual;
};

struct sae_state {
    /* Each of `numbers` doubles, value[p] at offset[p]: */
    double *value, *moment1, *moment2, *gradient;
    size_t numbers, offset[SAE_PARAMETERS];
    uint64_t *silent;   /* K: samples since the latent was on last */
    double coefficient; /* of lambda, while a shape is annealed */

    double *weight;      /* K, for the penalty */
    size_t groups;       /* prefixes: o.levels with SAE_PREFIXES, else 1 */
    uint32_t *group_of;  /* K: the first prefix a latent is in */
    double *prefix;      /* groups: the weights in this step */
    double lambda, rate; /* in this step */
    double shape, shape_next;

    /* Workspace.  A chunk of rows is worked on by one thread; which one does not matter. */
    size_t chunk;
    double *x;   /* batch x d: x - b_dec */
    double *pre; /* batch x K: pi; of Gated E (x - b_dec) */
    double
        *residual; /* groups x batch x d: sum over the prefixes that contain a group of w_m r_m */
    double *side_left;             /* batch x d: residual of the auxiliary path, times its weight */
    struct sae_entries main, side; /* side: dead latents that are revived, or Gated's gate */
    double *error, *terms, *omega,
        *omega_next; /* batch each: |r|^2, the loss but the penalty, ... */
    double *norm;    /* K: |d_k| */
    double *pull;    /* K: mean of the derivative with respect to E_k (x - b_dec) */
    /* SAE_ORTHOGONAL: */
    double *unit, *turn; /* K x d: u_k = d_k / |d_k|; K x d: sum_j c_kj u_j of all cosines */
    double *cosine;      /* threads x SAE_COSINES x K: a block of the Gram matrix */
    double *best;        /* K: the cosine largest in square; or the sum of the squares */
    uint32_t *best_with; /* K */
    uint32_t *dead;      /* latents that are dead, increasing */
    size_t dead_count;
    double cut;        /* least code that BatchTopK kept in the last batch: a guess for the next */
    double *candidate; /* batch K: for choosing the largest */
    double *scratch;   /* threads x scratch_size = 5 K + 2 d */
    size_t scratch_size;
};

/* This worker's part of the scratch. */
static inline double *sae_scratch(const struct sae *sae, int worker)
{
    return sae->state->scratch + (size_t)worker * sae->state->scratch_size;
}

static inline bool sae_has(const struct sae *sae, enum sae_terms term)
{
    return (sae->objective->terms & (unsigned)term) != 0;
}

/* Runs work on chunks of [0, n). */
void sae_parallel(const struct sae *sae, size_t n, size_t chunk,
                  void (*work)(void *context, size_t first, size_t last, int worker),
                  void *context);

/* The k-th largest (k from 1 to n) of n numbers, which are left in another order. */
double sae_kth_largest(double *v, size_t n, size_t k);
/* Keeps the k largest codes of sample i; `candidate` has room for all of them.  *guess is where
 * another sample was cut, or 0: it says where to look first and nothing about what is found; then
 * where this one was cut. */
void sae_keep_largest(struct sae_entries *e, size_t i, size_t k, double *guess, double *candidate);

/* schedule.c: lambda, rate, shape and the weights of the prefixes for step sae->step. */
void sae_schedule(struct sae *sae);

/* forward.c: x - b_dec, pre-activations and codes of the first `rows` <= batch rows of X; main (and
 * side, of Gated) hold atom and z afterwards.  later: as the trained SAE is used. */
void sae_forward(const struct sae *sae, const double *X, size_t rows, bool later);

/* codes.c: residuals, losses, and g and extra of all entries, of rows [first, last). */
void sae_rows(void *sae, size_t first, size_t last, int worker);

/* gradient.c: the gradient of all parameters; returns the loss of SAE_ORTHOGONAL. */
enum { SAE_COSINES = 32 }; /* rows of the Gram matrix at a time */
double sae_collect(struct sae *sae);

#endif

/* sae.h -- sparse autoencoders (SAEs) trained under many objectives: the whole public interface.
 *
 * The model.  Data x in R^d, one sample per row; K latents.  An encoder E (K x d, one row per
 * latent) and b_enc give the pre-activations, an activation the codes z >= 0, a decoder D
 * (K x d, one atom per row, the layout of W_dec in the SAE libraries) and b_dec the reconstruction:
 *
 *     pi = E (x - b_dec) + b_enc,    z = f(pi),    xhat = b_dec + sum_k z_k d_k .
 *
 * The loss is a mean over the samples of a batch, in the squared unit of x:
 *
 *     sum_m w_m |x - xhat_m|^2  +  lambda Omega(z)  +  terms of the objective,
 *
 * where xhat_m uses the first K_m latents only.  An objective without prefixes has one m, with
 * K_m = K and w_m = 1.  Tools that minimise 1/2 |r|^2 + alpha Omega mean lambda = 2 alpha.
 *
 * An objective is a row of a table (struct sae_objective): an activation, a penalty Omega, and
 * which of the terms below it has.  A new one is a function that computes a penalty with its
 * derivatives, and a row.  Put the row into the table of objectives.c and ndl-train knows it by
 * name; or give its address in sae_options.custom, and this header is all you need:
 *
 *     static double penalty_root(const struct sae_sample *s, double *slope)
 *     {
 *         double sum = 0;
 *         for (size_t i = 0; i < s->n; i++) {
 *             sum += sqrt(s->z[i] + s->shape);
 *             slope[i] = 0.5 / sqrt(s->z[i] + s->shape);
 *         }
 *         return sum;
 *     }
 *     static const struct sae_objective root = {
 *         .name = "root", .activation = SAE_RELU, .penalty = penalty_root, .shape = 0.01};
 *
 * Conventions of ndl.h apply.  Everything is computed in double.  The same options and data give
 * the same bits, whatever the number of threads, on one kind of processor. */
#ifndef SAE_H
#define SAE_H

#include "ndl/ndl.h"

/* -------------------------------------------------------------- objectives */

enum sae_activation {
    SAE_RELU,      /* max(pi, 0) */
    SAE_TOPK,      /* ... of a sample's k largest */
    SAE_BATCHTOPK, /* ... of a batch's k times batch largest; a threshold when used later */
    SAE_JUMPRELU,  /* pi where pi > threshold_k, learned; the penalty is the number of codes */
    SAE_GATED      /* a gate decides which, a rescaled pre-activation how much */
};

/* Terms an objective may have besides |r|^2 + lambda Omega. */
enum sae_terms {
    SAE_PREFIXES = 1, /* reconstruction from prefixes: sae_options.level, prefix_weight */
    SAE_FADING = 2,   /* the weights of the prefixes fall to 0, from anneal_from to anneal_to */
    SAE_ORTHOGONAL = 4,
    SAE_REVIVAL = 8, /* dead latents reconstruct the residual: aux_weight, aux_k, dead_after */
    SAE_TREE = 16,   /* the penalty needs sae_options.parent */
    SAE_LEVELS = 32  /* the penalty needs weights, from sae_options.weight, parent or level */
};

/* One sample as a penalty sees it. */
struct sae_sample {
    size_t n;              /* codes that are on */
    const uint32_t *atom;  /* n: whose they are, increasing */
    const double *z;       /* n: the codes, > 0; times |d_k| if norms are free */
    double shape;          /* the objective's parameter; while it is annealed, its present value */
    size_t K;              /* latents */
    const double *weight;  /* K: sae_options.weight, or what follows from the levels, or ones */
    const int32_t *parent; /* K: sae_options.parent; NULL without SAE_TREE */
    double *scratch;       /* 3 K numbers for the function's own use, of any content */
};
/* Returns Omega, and in slope[n] its derivatives with respect to z[n] (one-sided where there are
 * two).  Codes that are off need none: no activation passes it on.  Called from several threads;
 * what it returns depends on *s alone. */
typedef double sae_penalty(const struct sae_sample *s, double *slope);

struct sae_objective {
    const char *name;
    enum sae_activation activation;
    sae_penalty *penalty; /* NULL: none (its weight lambda is then not used, but for JumpReLU) */
    unsigned terms;       /* of enum sae_terms */
    double shape;      /* default of sae_options.shape; what it means is the penalty's business */
    double shape_from; /* not 0: the shape moves from here, from anneal_from to anneal_to */
    const char *what;  /* one line, with source */
};

/* The table, ended by a row without name. */
extern const struct sae_objective sae_objectives[];
/* The row of that name, or NULL. */
const struct sae_objective *sae_objective_find(const char *name);

/* ----------------------------------------------------------------- options */

enum sae_norms {
    SAE_UNIT, /* |d_k| = 1: the gradient loses its part along d_k, and d_k is rescaled after each
                 step (Bricken et al. 2023; so do the papers of all objectives in the table) */
    SAE_FREE  /* any norm; the penalty is of z_k |d_k| (Conerly et al. 2024).  ReLU only. */
};

/* sae_defaults fills in everything but d and K; arrays are copied by sae_new. */
struct sae_options {
    const char *objective;              /* a name in the table */
    const struct sae_objective *custom; /* not NULL: this row instead; must outlive the SAE */
    size_t d, K;
    size_t batch;  /* samples per step, default 256 */
    double lambda; /* weight of the penalty >= 0, default 0.1 */
    double k;      /* TopK: codes per sample, an integer; BatchTopK: per sample on average, > 0 */
    double shape;  /* default: that of the objective */
    enum sae_norms norms;

    /* Levels: latents [0, level[0]) are the first, ... ; level[levels - 1] = K, increasing.
     * They are the prefixes of SAE_PREFIXES and, without weight and parent, the levels of
     * SAE_LEVELS. */
    size_t levels;
    const size_t *level;
    const double *prefix_weight; /* levels of them, >= 0, the last > 0; NULL: all 1 */
    const int32_t
        *parent; /* K: the latent above in the tree, which has a lower index, or -1; or NULL */
    const double *weight; /* K numbers >= 0 for the penalty, or NULL: shape^height for SAE_LEVELS
                              (leaves, or the last level, have height 0), ones for others */

    double orthogonality; /* weight of the term of SAE_ORTHOGONAL, default 0.25 as published */
    bool all_pairs; /* the term is sum_{j<k} cos^2; else the published mean_k max_{j!=k} cos^2 */

    double bandwidth; /* of JumpReLU's pseudo-derivatives, > 0, default 0.001 as published */
    double threshold; /* JumpReLU's first threshold, > 0, default 0.001 as published */

    double aux_weight;   /* of SAE_REVIVAL, default 1/32 as published; 0: none */
    size_t aux_k;        /* dead latents used per sample; 0 (default): d / 2, at least 1 */
    uint64_t dead_after; /* a latent that was off for so many samples is dead, default 10000000 as
                            published; also what reports count */

    /* Adam (Kingma and Ba 2015) */
    double rate;         /* default 1e-3 */
    double beta1, beta2; /* default 0.9, 0.999 */
    uint64_t steps;      /* planned; the schedules are fractions of it, default 2000 */
    double warmup;       /* lambda rises linearly over this fraction, default 0 */
    double decay;        /* the rate falls linearly to 0 over this last fraction, default 0.2 */
    double anneal_from, anneal_to; /* fractions, default 0.2 and 0.8 */
    bool keep_lambda; /* while a shape is annealed; else, as published, lambda is rescaled at each
                         step so that lambda Omega(the batch's codes) stays what it was */

    uint64_t seed; /* 1 to 2^32 - 1, default 1 */
    int threads;   /* default 1; the result does not depend on it */
};

/* The defaults of an objective; NULL or an unknown name gives those of "l1" under that name. */
struct sae_options sae_defaults(const char *objective);

/* --------------------------------------------------------------- the model */

/* The learned numbers, as pointers into one array. */
enum sae_parameter {
    SAE_E,         /* K x d */
    SAE_B_ENC,     /* K; of Gated the gate's */
    SAE_D,         /* K x d */
    SAE_B_DEC,     /* d */
    SAE_LOG_THETA, /* K: log of JumpReLU's thresholds; else absent */
    SAE_R_MAG,     /* K: Gated: z = relu(exp(r_mag_k) E_k (x - b_dec) + b_mag_k), gate open */
    SAE_B_MAG,     /* K: Gated */
    SAE_PARAMETERS
};
/* "W_enc", "b_enc", "W_dec", "b_dec", "log_threshold", "r_mag", "b_mag" */
extern const char *const sae_parameter_name[SAE_PARAMETERS];

struct sae_report {
    uint64_t step;  /* steps done */
    double loss;    /* everything, mean per sample */
    double error;   /* |x - xhat|^2, mean per sample */
    double penalty; /* Omega (JumpReLU: number of codes), mean per sample, without lambda */
    double l0;      /* codes per sample */
    size_t dead;    /* latents that were off in the last dead_after samples or, if fewer were
                          seen, in all of them */
};

struct sae_state; /* private: Adam's moments, counts, workspace */
struct sae {
    struct sae_options o;                  /* with arrays of its own */
    const struct sae_objective *objective; /* never NULL */
    double *value[SAE_PARAMETERS];         /* NULL if absent; may be written between steps */
    size_t count[SAE_PARAMETERS];          /* numbers in it */
    double batch_threshold;                /* BatchTopK when used: mean over batches of the least
                                               code kept, exponentially weighted */
    uint64_t step;                         /* steps done */
    struct sae_state *state;
};

/* Checks the options (NDL_BADARG names the one that is wrong) and allocates; all parameters are
 * zero until one of sae_init_... or sae_load is called.  Memory: about 9 batch K + (2 + levels)
 * batch d + 6 K d doubles. */
enum ndl_status sae_new(struct sae *sae, const struct sae_options *o, struct ndl_error *err);
void sae_free(struct sae *sae);

/* D = random unit atoms, E = D (tied start, Gao et al. 2024), b_dec = b (d numbers, e.g. the mean
 * of the data) or zeros, other biases zero.  Depends on the seed alone. */
enum ndl_status sae_init_random(struct sae *sae, const double *b, struct ndl_error *err);
/* D = the given unit atoms (n x d, n <= K; the last K - n stay random), E = the given encoder
 * (n x d) or, if NULL, D; b as above.  For orthonormal atoms E = D computes the codes of noise-free
 * data exactly; for others give the rows of the pseudo-inverse. */
enum ndl_status sae_init_truth(struct sae *sae, const struct ndl_matrix *D,
                               const struct ndl_matrix *E, const double *b, struct ndl_error *err);

/* ---------------------------------------------------------------- training */

/* One step on a batch X (o.batch x d).  *report (may be NULL) is of the batch before the step.
 * NDL_BADDATA if the loss is not finite: the message names the step and the first number that is
 * not (data, parameter or gradient); parameters are as before the step. */
enum ndl_status sae_step(struct sae *sae, const double *X, struct sae_report *report,
                         struct ndl_error *err);

/* Loss and gradient at X (o.batch x d) as the next step would use them, nothing changed.
 * gradient[p] (count[p] numbers, or NULL) receives the derivative with respect to value[p], before
 * unit norms are imposed.  Exact derivatives of the loss, but for what the papers define otherwise:
 * which codes TopK and BatchTopK choose is held fixed; thresholds of JumpReLU get
 * pseudo-derivatives and nothing else gets one from the number of codes; Gated's gate gets the
 * derivatives of lambda Omega(relu(gate)) and of the error of reconstructing from it, with the
 * decoder held fixed; in the revival term the residual is held fixed. */
enum ndl_status sae_gradient(struct sae *sae, const double *X, double *gradient[SAE_PARAMETERS],
                             struct sae_report *report, struct ndl_error *err);

/* Writes batch number `step` (rows x d) to X.  What it writes depends on the context's constants
 * and `step` alone: so a resumed run sees the data it would have seen.  (For a generator: seed a
 * stream by ndl_rng(&rng, seed, step, err) of ndl/random.h.) */
typedef enum ndl_status sae_draw(void *context, uint64_t step, size_t rows, double *X,
                                 struct ndl_error *err);

struct sae_run {
    sae_draw *draw;
    void *draw_context;
    /* Called after each step if not NULL; returning false ends the run early. */
    bool (*progress)(void *context, const struct sae_report *report);
    void *progress_context;
    const char *checkpoint;    /* file for the whole state, or NULL; written at the end, too */
    uint64_t checkpoint_every; /* steps; 0: at the end only */
};
/* Steps until o.steps are done, from sae->step.  *report (may be NULL) is of the last step. */
enum ndl_status sae_train(struct sae *sae, const struct sae_run *run, struct sae_report *report,
                          struct ndl_error *err);

/* Rows of a data set in an order that depends on (seed, step) alone: every epoch a new permutation.
 * One needs the row of the i-th sample of batch `step`; memory 8 bytes per row. */
struct sae_shuffle {
    size_t rows;
    uint64_t seed, epoch;
    size_t *order; /* NULL until the first use */
};
/* rows >= 1.  *row = the row of sample number `sample` = step * batch + i, counted over epochs. */
enum ndl_status sae_shuffle_row(struct sae_shuffle *shuffle, uint64_t sample, size_t *row,
                                struct ndl_error *err);
void sae_shuffle_free(struct sae_shuffle *shuffle);

/* A sae_draw over the rows of a matrix; the context is a struct sae_matrix. */
struct sae_matrix {
    const struct ndl_matrix *X;
    struct sae_shuffle shuffle; /* .rows = X->rows, .seed */
};
sae_draw sae_draw_matrix;

/* ------------------------------------------------------------------ result */

/* The codes of X (N x d) as the trained SAE computes them: TopK per sample, BatchTopK by
 * batch_threshold, JumpReLU by its thresholds.  Z (N x K) is allocated here. */
enum ndl_status sae_encode(const struct sae *sae, const struct ndl_matrix *X, struct ndl_codes *Z,
                           struct ndl_error *err);

/* Writes the whole state to a temporary name, then renames. */
enum ndl_status sae_save(const struct sae *sae, const char *path, struct ndl_error *err);
/* Continues from such a file: sae comes from sae_new with the same options (other threads are fine,
 * NDL_BADDATA names another option that differs).  Training then gives the bits it would
 * have given without the break. */
enum ndl_status sae_load(struct sae *sae, const char *path, struct ndl_error *err);

#endif

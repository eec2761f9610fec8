/* fit.h -- what fit.c, multistart.c, fit_start.c and descent.c share (private to the room ndl). */
#ifndef NDL_FIT_H
#define NDL_FIT_H

#include "newton.h"
#include "random.h"
#include "reduced_loss.h"

#include <pthread.h>

/* From here a descent begins with a warm-up on some of the samples. */
enum { NDL_MANY_SAMPLES = 10000 };

/* An alternation on all samples ends when a pass lowers the loss by less than this, relatively. */
#define NDL_SLOW 1e-4

/* ------------------------------------------------------------------- descent.c */

/* Alternates from p (evaluated) until a pass lowers the loss by less than `slow`, relatively. */
enum ndl_status ndl_alternate(struct ndl_reduced *f, struct ndl_point *p, double slow,
                              struct ndl_descent *run, struct ndl_error *err);

/* From p->atoms_and_bias to a stationary point, reviving dead atoms where that pays. */
enum ndl_status ndl_descend(struct ndl_reduced *f, struct ndl_point *p, struct ndl_descent *run,
                            struct ndl_error *err);

/* The penalty to begin a continuation with: f->lambda times a power of 4, or f->lambda itself if it
 * is not small. */
double ndl_continuation_start(const struct ndl_reduced *f, const struct ndl_point *p);

/* Descends at penalties that fall from `top` to f->lambda, and then there. */
enum ndl_status ndl_descend_by_continuation(struct ndl_reduced *f, struct ndl_point *p, double top,
                                            struct ndl_descent *run, struct ndl_error *err);

/* A given start goes straight to f->lambda.  Only if that is small, and all iterations were not
 * enough, a continuation starts from where it is, with as many iterations again; *used_continuation
 * tells whether its lower loss was kept. */
enum ndl_status ndl_descend_from_given(struct ndl_reduced *f, struct ndl_point *p,
                                       struct ndl_descent *run, bool *used_continuation,
                                       struct ndl_error *err);

/* ----------------------------------------------------------------- fit_start.c */

/* T ((K + 1) x d, zeroed) receives the atoms and the bias to start from.  Atoms that are not given
 * are the directions of distinct samples, seen from the bias, and random directions once these have
 * run out. */
enum ndl_status ndl_fit_start(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                              gsl_rng *rng, struct ndl_matrix *T, struct ndl_error *err);

/* Many samples: before the descent, some alternations on a part of them, beginning with a penalty
 * so large that the codes are sparse.  Atoms far from any minimum need many codes per sample, which
 * are slow to compute and say little about the atoms; with few the atoms find their features
 * sooner.  A start that is nearly stationary already is left as it is. */
enum ndl_status ndl_fit_warm_up(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                                int threads, struct ndl_matrix *T, struct ndl_descent *run,
                                struct ndl_error *err);

/* ---------------------------------------------------------------- multistart.c */

struct ndl_multistart {
    const struct ndl_matrix *X;
    const struct ndl_fit_options *options;
    int threads;          /* of each start */
    pthread_mutex_t lock; /* of everything below, and of the caller's progress function */
    double *loss;         /* starts; owned */
    struct ndl_matrix atoms_and_bias; /* atoms and bias of the best; owned */
    int best;                         /* the index of that start, -1 before the first */
    int iterations;                   /* its own */
    bool used_continuation;           /* by the given start */
    enum ndl_status status;           /* the first failure */
    struct ndl_error failure;
};

/* Descends from every start.  Free it also after a failure. */
enum ndl_status ndl_multistart_run(struct ndl_multistart *m, const struct ndl_matrix *X,
                                   const struct ndl_fit_options *options, struct ndl_error *err);
void ndl_multistart_free(struct ndl_multistart *m);

/* A fresh descent with the options' limits, which reports to the caller's progress function. */
struct ndl_descent ndl_multistart_descent(struct ndl_multistart *m);

#endif

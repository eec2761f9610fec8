/* random_problem.h -- random dictionary learning problems, and two ways to spoil their optima:
 * the data of the claims necessity and weights. */
#ifndef RANDOM_PROBLEM_H
#define RANDOM_PROBLEM_H

#include "ndl/random.h"

/* How features fire: independently; from a common cause; each only where an earlier one does; or
 * there are none, and the data are plain Gaussian. */
enum random_problem_kind {
    PROBLEM_INDEPENDENT,
    PROBLEM_CORRELATED,
    PROBLEM_HIERARCHICAL,
    PROBLEM_GAUSSIAN,
    RANDOM_PROBLEM_KINDS
};

enum {
    RANDOM_PROBLEM_LEAST_SAMPLES = 40,
    RANDOM_PROBLEM_MOST_SAMPLES = 160,
    RANDOM_PROBLEM_MOST_FEATURES = 8, /* and atoms; at least two */
    RANDOM_PROBLEM_MOST_DIMENSION = 8 /* at least two */
};
#define RANDOM_PROBLEM_LEAST_LAMBDA 0.01
#define RANDOM_PROBLEM_MOST_LAMBDA 1.0

struct random_problem {
    /* the number of atoms need not be that of the features */
    size_t samples, dimension, atoms, features;
    enum random_problem_kind kind;
    double lambda, noise; /* log-uniform; standard deviation, half of the time 0 */
    bool bias;
};

/* Problem number `trial` of the stream rng; its data X (samples x dimension): features of
 * magnitude 0.2 to 1.8 along random directions, and the noise; and where one run of the solver
 * from a random dictionary ends, m, converged or not.  Kind and bias go round with the number,
 * everything else is drawn over wide ranges.  X and m are allocated here. */
enum ndl_status random_problem_run(gsl_rng *rng, size_t trial, struct random_problem *p,
                                   struct ndl_matrix *X, struct ndl_model *m,
                                   struct ndl_error *err);

/* Turned: every atom of m turns by the same angle, in degrees, in a random direction, and the
 * data are coded again, exactly.  The conditions of the codes hold, those of the atoms and of
 * the bias do not.  The dimension is at most RANDOM_PROBLEM_MOST_DIMENSION. */
enum ndl_status turned_model(gsl_rng *rng, const struct ndl_matrix *X, const struct ndl_model *m,
                             double degrees, struct ndl_model *turned, struct ndl_error *err);

/* Leaking: z_k <- z_k + a z_j and d_j <- d_j - a d_k, the latter normalised again, for random
 * live features j != k and a = `share`.  No reconstruction changes, but j now fires only where k
 * does.  NDL_BADARG if fewer than two features are live, or there are more than
 * RANDOM_PROBLEM_MOST_FEATURES. */
enum ndl_status leaking_model(gsl_rng *rng, const struct ndl_model *m, double share,
                              struct ndl_model *leaking, struct ndl_error *err);

#endif

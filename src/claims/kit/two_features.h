/* two_features.h -- the smallest problem in which features merge: two features at an angle, three
 * kinds of sample, two unit atoms, no bias; its loss, its exact pieces and its global minimiser.
 *
 * Unit vectors v_1, v_2 at angle theta; samples v_1, v_2, v_1 + v_2 with probabilities w;
 *
 *     F = E min_{z >= 0} [ 1/2 |y - z_1 d_1 - z_2 d_2|^2 + alpha (z_1 + z_2) ] ,
 *
 * half of (P) per sample with lambda = 2 alpha.  All is planar: an atom is its angle phi from
 * v_1. */
#ifndef TWO_FEATURES_H
#define TWO_FEATURES_H

#include <stdbool.h>

enum { TWO_V1, TWO_V2, TWO_BOTH, TWO_EVENTS };      /* the kinds of sample */
enum { TWO_NONE, TWO_FIRST, TWO_SECOND, TWO_PAIR }; /* the atoms a sample uses */

struct two_features {
    double theta, alpha;  /* radians in (0, pi); > 0 */
    double w[TWO_EVENTS]; /* a, b, c */
};

/* F, gradient and Hessian in the angles, within the piece `use`. */
struct two_features_value {
    double f, g[2], h11, h12, h22;
    int use[TWO_EVENTS];
};

/* The problem with a = c = (1 - b) / 2 and b = beta alpha c. */
struct two_features two_features_problem(double theta, double alpha, double beta);

/* F at the angles phi, every sample coded by the atoms `use` says, or as is best (NULL). */
struct two_features_value two_features_evaluate(const struct two_features *two, const double phi[2],
                                                const int *use);

/* Newton's method from phi to a local minimum of F, or of one piece continued analytically.  The
 * gradient there is at rounding level. */
struct two_features_value two_features_polish(const struct two_features *two, double phi[2],
                                              const int *use);

/* The global minimum; phi receives the angles, the smaller first. */
struct two_features_value two_features_minimise(const struct two_features *two, double phi[2]);

/* The beta in [low, high] where `past` turns true of the global minimiser, by bisection to 1e-11
 * relative.  below and above receive the angles on either side (NULL if not wanted). */
double two_features_threshold(double theta, double alpha, double low, double high,
                              bool (*past)(double theta, const double phi[2],
                                           const struct two_features_value *least),
                              double *below, double *above);

/* Where the merged piece (v_1 on its own atom, the others on one atom at theta/2 + eta) ends
 * because the first atom enters the code of v_1 + v_2: returns eta, and b / (alpha c) in beta. */
double two_features_merged_end(double theta, double alpha, double *beta);

/* The Schur complement h22 - h12^2 / h11, over alpha, of the Hessian just beyond that end, a = c:
 * if it is positive the second atom leaves the bisector continuously, if negative it has jumped
 * before. */
double two_features_curvature(double theta, double alpha);

/* A root of f in [low, high], Brent's method to rounding; f has opposite signs at
 * the ends, or GSL's handler ends the program. */
double find_root(double (*f)(double x, void *params), void *params, double low, double high);

#endif

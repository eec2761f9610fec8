/* twofeature.h -- the smallest problem in which features merge: two features at an angle, three
 * kinds of sample, two unit atoms, no bias; its loss, its exact pieces and its global minimiser.
 *
 * Unit vectors v_1, v_2 at angle theta; samples v_1, v_2, v_1 + v_2 with probabilities w;
 *
 *     F = E min_{z >= 0} [ 1/2 |y - z_1 d_1 - z_2 d_2|^2 + alpha (z_1 + z_2) ] ,
 *
 * half of (P) per sample with lambda = 2 alpha.  All is planar: an atom is its angle phi from v_1. */
#ifndef NDL_TWOFEATURE_H
#define NDL_TWOFEATURE_H

#include <stdbool.h>

enum { NDL_TWO_V1, NDL_TWO_V2, NDL_TWO_BOTH, NDL_TWO_EVENTS };    /* the kinds of sample */
enum { NDL_TWO_NONE, NDL_TWO_FIRST, NDL_TWO_SECOND, NDL_TWO_PAIR }; /* the atoms a sample uses */

struct ndl_twofeature {
    double theta, alpha;      /* radians in (0, pi); > 0 */
    double w[NDL_TWO_EVENTS]; /* a, b, c */
};

/* F, gradient and Hessian in the angles, within the piece `use`. */
struct ndl_twopiece {
    double f, g[2], h11, h12, h22;
    int use[NDL_TWO_EVENTS];
};

/* The problem with a = c = (1 - b) / 2 and b = beta alpha c. */
struct ndl_twofeature ndl_two_at(double theta, double alpha, double beta);

/* F at the angles phi, every sample coded by the atoms `use` says, or as is best (NULL). */
struct ndl_twopiece ndl_two_evaluate(const struct ndl_twofeature *two, const double phi[2], const int *use);

/* Newton's method from phi to a local minimum of F, or of one piece continued analytically.  The
 * gradient there is at rounding level. */
struct ndl_twopiece ndl_two_polish(const struct ndl_twofeature *two, double phi[2], const int *use);

/* The global minimum; phi receives the angles, the smaller first. */
struct ndl_twopiece ndl_two_minimise(const struct ndl_twofeature *two, double phi[2]);

/* The beta in [low, high] where `past` turns true of the global minimiser, by bisection to 1e-11
 * relative.  below and above receive the angles on either side (NULL if not wanted). */
double ndl_two_threshold(double theta, double alpha, double low, double high,
                         bool (*past)(double theta, const double phi[2], const struct ndl_twopiece *least),
                         double *below, double *above);

/* Where the merged piece (v_1 on its own atom, the others on one atom at theta/2 + eta) ends
 * because the first atom enters the code of v_1 + v_2: returns eta, and b / (alpha c) in beta. */
double ndl_two_merged_end(double theta, double alpha, double *beta);

/* The Schur complement h22 - h12^2 / h11, over alpha, of the Hessian just beyond that end, a = c:
 * if positive the second atom leaves the bisector continuously, if negative it has jumped before. */
double ndl_two_curvature(double theta, double alpha);

/* A root of f in [low, high], Brent's method to rounding; f has opposite signs at the ends. */
double ndl_two_root(double (*f)(double x, void *params), void *params, double low, double high);

#endif

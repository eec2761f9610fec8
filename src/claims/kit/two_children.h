/* two_children.h -- a parent and two children of equal frequency: the closed-form losses of the
 * ways in which a dictionary can represent them, and the kind of a representation read off its
 * codes.
 *
 * The parent's sample is B p with |p| = 1 (weight w_alone); with a child on, B p + c_1 or B p +
 * c_2 (weight w_child each), with both, B p + c_1 + c_2 (weight w_both); |c_i| = 1, c_i . p = 0,
 * c_1 . c_2 = rho.  No bias.  Losses are (P), a weighted sum over samples.  Coordinates of
 * atoms: p, sum and difference of the children. */
#ifndef TWO_CHILDREN_H
#define TWO_CHILDREN_H

#include <stdbool.h>

#include "ndl/random.h"

struct two_children {
    double alone, child, both; /* weights */
    double base;               /* B > 0 */
    double rho, lambda;
};

/* c_1 or c_2 (which = 1 or 2) in the coordinates above. */
void two_children_child(double rho, int which, double c[3]);

/* The loss of one atom that serves one ray of that length alone. */
double two_children_exact(double length, double lambda);

enum two_children_kind {
    KIND_RECOVERED, /* the parent's atom fires whenever the parent does */
    KIND_ABSORBED,  /* it fires only when no child does, every child has an atom of its own */
    KIND_MISSED,    /* absorbed by one child; the other one and the parent share an atom */
    KIND_MERGED,    /* absorbed; the children share an atom */
    /* no atom of the parent: each atom is a child's, together they code the parent */
    KIND_COMPOSED,
    KIND_MIXED, /* anything else */
    TWO_CHILDREN_KINDS
};

/* The minimal loss of that kind: exclusive children (both = 0) with two atoms for MISSED,
 * MERGED, COMPOSED (symmetric) and three for ABSORBED; with both > 0 three atoms and
 * ABSORBED, symmetric in the children.  INFINITY for other combinations.  Closed form, but for
 * at most two angles that are minimised numerically. */
double two_children_loss(const struct two_children *family, enum two_children_kind kind);

/* How far the multiplier of an atom that is silent in that kind is on the wrong side: MISSED,
 * the atom of the absorbing child on the parent's sample; ABSORBED with both > 0, the parent's
 * atom on a single child's.  The kind is stationary iff this is <= 0. */
double two_children_entry(const struct two_children *family, enum two_children_kind kind);

/* The kind of a representation from the sets of atoms (bit k: atom k) that fire on the samples
 * of the parent alone, of each child with all below it, and on the samples where both are on (0
 * if there are none).  `always`: the atoms along p that fire whenever the parent does. */
enum two_children_kind two_children_classify(unsigned alone, unsigned child1, unsigned child2,
                                             unsigned both, unsigned always);

/* The best of several descents of (P) without bias: from every choice of `atoms` of the `kinds`
 * distinct samples at rows first[] of X as atoms, and from `starts` random dictionaries. */
struct two_children_found {
    struct ndl_model model; /* the best, owned */
    double loss;            /* its loss, a sum over samples */
    double residual;        /* its stationarity residual */
    /* relative distance to the next higher local minimum met; INFINITY if none */
    double next_minimum;
};
enum ndl_status two_children_search(const struct ndl_matrix *X, const size_t *first, size_t kinds,
                                    size_t atoms, double lambda, int starts, gsl_rng *rng,
                                    struct two_children_found *search, struct ndl_error *err);
void two_children_search_free(struct two_children_found *search);

/* The set of atoms (bit k: atom k < 32) that fire on sample i, above a relative 1e-6. */
unsigned atoms_firing(const struct ndl_model *m, size_t i);

#endif

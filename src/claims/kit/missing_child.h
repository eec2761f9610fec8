/* missing_child.h -- a parent whose child has no atom and is left in the residual: the data of
 * the claims mopping and tilt. */
#ifndef MISSING_CHILD_H
#define MISSING_CHILD_H

#include "ndl/random.h"

struct missing_child {
    double rate, child; /* probability of the parent; of the child given the parent */
    /* the parent is faint, 0.2 to 0.3 instead of 0.5 to 1.5, where the child fires */
    bool faint;
};

/* X = Z D + s u, N samples: the parent, atom 0 of D (K x d), fires at `rate`, the others
 * independently at 0.3, and the child's activations s (N entries), 0.5 to 1.5 where it fires, go
 * along u (d entries), orthogonal to D.  X (N x d) is overwritten. */
void draw_missing_child(gsl_rng *rng, const struct missing_child *brood, const struct ndl_matrix *D,
                        const double *u, double *s, struct ndl_matrix *X);

#endif

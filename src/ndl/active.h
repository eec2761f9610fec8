/* active.h -- the active-set solver for one sample's code (private to the room ndl). */
#ifndef NDL_ACTIVE_H
#define NDL_ACTIVE_H

#include "ndl.h"

/* Solves  min_{z >= 0} 1/2 z.G z - h.z  for G = D D^T with unit diagonal.
 *
 * The active set is an ordered list; U is the upper Cholesky factor of G on it,
 * G_AA = U^T U, and y solves U^T y = h_A, so that z = U^-1 y and the minimum
 * over the set is -|y|^2 / 2. */
struct ndl_active {
    size_t K, capacity; /* atoms; the most that can be active at once */
    size_t n;           /* active now */
    uint32_t *set;      /* the active atoms, in the order of the factor */
    double *z;          /* their codes, > 0 when ndl_active_solve returns */
    /* workspace */
    double *g, *top;       /* K: the gradient h - G z, and the largest entry of each strip of it */
    unsigned char *member; /* K flags */
    double *U, *inverse;   /* the factor, stride ld, and 1 / its diagonal */
    size_t ld;
    double *y, *column, *trial;
    uint32_t *saved; /* the set before an exchange */
    size_t saved_n;
};

enum ndl_status ndl_active_alloc(struct ndl_active *w, size_t K, size_t d, struct ndl_error *err);
void ndl_active_free(struct ndl_active *w);

/* G is K x K with stride ldg, h has K entries, `noise` is the size below which an
 * entry of the gradient counts as rounding.  Starts from the set warm[0 .. count)
 * (in any order; may be NULL).  The objective decreases strictly from one set to
 * the next, so the method ends; the optimality of what it ends with is for the
 * caller to certify.  Linearly dependent atoms are never active together. */
void ndl_active_solve(struct ndl_active *w, const double *G, size_t ldg, const double *h,
                      double noise, const uint32_t *warm, size_t count);

/* True if the change of |y|^2 from `before` to `now`, after a careful exchange, is real progress,
 * not rounding.  A violation g gains about g^2, which |y|^2 cannot show if g is below 1e-8 of it:
 * such exchanges are allowed too, but *unseen counts them and after 100 they end. */
bool ndl_active_progress(double before, double now, int *unseen);

/* One step of iterative refinement: adds G_AA^-1 error to the codes.  error[i], overwritten, is the
 * gradient of atom set[i], computed better than from G and h. */
void ndl_active_correct(struct ndl_active *w, double *error);

#endif

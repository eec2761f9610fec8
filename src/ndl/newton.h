/* newton.h -- truncated Newton descent of the reduced loss (private to the room ndl). */
#ifndef NDL_NEWTON_H
#define NDL_NEWTON_H

#include "random.h"
#include "reduced_loss.h"

/* What one descent may use and has used. */
struct ndl_descent {
    double tolerance;      /* of ndl_point.residual */
    int iterations, limit; /* used, allowed */
    void (*progress)(void *context, const char *phase, int iteration, double loss, double residual);
    void *progress_context;
};

/* Lowers f from p (evaluated) until p->residual <= tolerance, the limit, or no step lowers it.
 * The loss never rises, except within its rounding where the residual falls instead. */
enum ndl_status ndl_newton(struct ndl_reduced *f, struct ndl_point *p, struct ndl_descent *run,
                           struct ndl_error *err);

/* The smallest eigenvalue, over 2 N, that at most `steps` Lanczos steps from a random start find of
 * the Riemannian Hessian at p: an upper bound of the true one, NaN if nothing is live.
 * `direction` ((K + 1) d entries) receives its unit eigenvector. */
enum ndl_status ndl_curvature(struct ndl_reduced *f, const struct ndl_point *p, gsl_rng *rng,
                              size_t steps, double *curvature, double *direction,
                              struct ndl_error *err);

/* The atoms and bias of `to` are those of `from` moved by t along the tangent `step`, the atoms
 * normalised. */
void ndl_retract(const struct ndl_reduced *f, const struct ndl_point *from, double t,
                 const double *step, struct ndl_point *to);

#endif

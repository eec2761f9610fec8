/* missing_child.c -- a parent whose child has no atom. */
#include "missing_child.h"

#include <gsl/gsl_randist.h>
#include <string.h>

#include "ndl/vec.h"

void draw_missing_child(gsl_rng *rng, const struct missing_child *brood, const struct ndl_matrix *D,
                        const double *u, double *s, struct ndl_matrix *X)
{
    memset(X->v, 0, X->rows * X->cols * sizeof *X->v);
    for (size_t i = 0; i < X->rows; i++) {
        bool parent = gsl_rng_uniform(rng) < brood->rate,
             child = parent && gsl_rng_uniform(rng) < brood->child;
        s[i] = child ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
        for (size_t k = 0; k < D->rows; k++) {
            double z = gsl_rng_uniform(rng) < 0.3 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            if (k == 0)
                z = !parent                 ? 0
                    : brood->faint && child ? gsl_ran_flat(rng, 0.2, 0.3)
                                            : gsl_ran_flat(rng, 0.5, 1.5);
            ndl_axpy(X->cols, z, ndl_row(D, k), ndl_row(X, i));
        }
        ndl_axpy(X->cols, s[i], u, ndl_row(X, i));
    }
}

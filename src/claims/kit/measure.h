/* measure.h -- norms, angles, co-firing and covariances of codes and atoms, which several claim
 * programs measure. */
#ifndef MEASURE_H
#define MEASURE_H

#include "ndl/ndl.h"
#include "ndl/vec.h"

/* The angle between two unit vectors, radians, accurate for small angles too. */
double measure_angle(size_t n, const double *u, const double *v);

/* The mean of column k of Z (N x K) over all rows. */
double measure_column_mean(const struct ndl_matrix *Z, size_t k);
/* P(k fires | j fires) over the rows of Z; NaN if j never does. */
double measure_cofiring(const struct ndl_matrix *Z, size_t j, size_t k);
/* The smallest z_ik / z_ij over the rows where j fires; HUGE_VAL if there are none. */
double measure_least_ratio(const struct ndl_matrix *Z, size_t j, size_t k);
/* The share of the N samples on which atom k fires. */
double measure_activity(const struct ndl_model *m, size_t k);
/* The atoms that fire somewhere, in their order; `live` has room for K.  Returns their number. */
size_t measure_live(const struct ndl_model *m, size_t *live);
/* The most negative cosine between two atoms that fire; 1 if fewer than two do. */
double measure_least_cosine(const struct ndl_model *m);

/* <z_k (a . r)> - <z_k><a . r> over the rows of Z (N x K) and R (N x d), or without the second
 * term. */
double measure_covariance(const struct ndl_matrix *Z, size_t k, const struct ndl_matrix *R,
                          const double *a, bool centred);

/* r = x_i - b - sum_k z_ik d_k (d entries); returns |r|. */
double measure_residual(const struct ndl_matrix *X, const struct ndl_model *m, size_t i, double *r);

/* The corners of the convex hull of n >= 1 points in the plane, counterclockwise from the
 * leftmost; sorts the points.  `corner` has room for n + 1.  Returns their number.  O(n log n). */
size_t measure_corners(double (*point)[2], size_t n, double (*corner)[2]);

#endif

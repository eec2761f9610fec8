/* random.h -- streams of random numbers and random directions (public).
 *
 * They are GSL's, so this header is apart from ndl.h: who uses the solver and the conditions alone
 * needs no header of GSL. */
#ifndef NDL_RANDOM_H
#define NDL_RANDOM_H

#include "ndl.h"

#include <gsl/gsl_rng.h>

/* A mt19937 stream for (seed, trial): streams of different pairs are
 * independent for all practical purposes.  seed in [1, 2^32-1] (mt19937 maps
 * 0 to 4357 and wraps above), else NDL_BADARG.  Free with gsl_rng_free. */
enum ndl_status ndl_rng(gsl_rng **rng, uint64_t seed, uint64_t trial, struct ndl_error *err);
/* A uniformly random unit vector in R^d. */
void ndl_random_unit(gsl_rng *rng, double *u, size_t d);

#endif

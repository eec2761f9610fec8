/* random.c -- streams of random numbers, and random directions. */
#include "random.h"

#include "gsl_errors.h"

#include <gsl/gsl_randist.h>

/* SplitMix64 (Steele, Lea and Flood 2014): scatters (seed, trial) over the seeds
 * of mt19937, so that trial streams of neighbouring seeds do not meet. */
static uint64_t splitmix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

enum ndl_status ndl_rng(gsl_rng **rng, uint64_t seed, uint64_t trial, struct ndl_error *err)
{
    *rng = NULL;
    if (seed < 1 || seed > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG, "seed %llu is not between 1 and 4294967295",
                        (unsigned long long)seed);
    uint64_t mixed = splitmix64(splitmix64(seed) ^ trial) & UINT32_MAX;
    ndl_gsl_errors_returned();
    *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ndl_gsl_errors_as_before();
    if (!*rng)
        return ndl_fail(err, NDL_NOMEM, "no memory for a random number generator");
    gsl_rng_set(*rng, mixed ? (unsigned long)mixed : 1);
    return NDL_OK;
}

void ndl_random_unit(gsl_rng *rng, double *u, size_t d)
{
    gsl_ran_dir_nd(rng, d, u);
}

/* audit_parts.h -- what the files of the audit share (private to the room audit). */
#ifndef NDL_AUDIT_PARTS_H
#define NDL_AUDIT_PARTS_H

#include "audit.h"
#include "ndl/vec.h"
#include "rows_and_columns.h"

struct ndl_audit {
    struct ndl_audit_options options;
    size_t K, d;
    double *D, *norm; /* K x d normalised rows, and the K norms they had */
    struct ndl_indexed_codes codes;
    bool finished;
    double *mean;    /* K, of the values as given (not rescaled) */
    uint64_t **bits; /* K: the samples with k on, if they are many; else NULL */
    uint32_t *order; /* the live features by falling n_k, then rising k */
};

/* n_k: the samples with k on */
static inline size_t ndl_audit_fires(const struct ndl_audit *a, size_t k)
{
    return a->codes.fires[k];
}

/* The end of the bands.  A column is read band by band,
 * for (b = a->codes.band; b < ndl_audit_bands_end(a); b++), and in each
 * for (e = b->column[k]; e < b->column[k + 1]; e++). */
static inline const struct ndl_band *ndl_audit_bands_end(const struct ndl_audit *a)
{
    return a->codes.band + a->codes.bands;
}

/* h_jk, clipped to [-1, 1]. */
static inline double ndl_audit_cosine(const struct ndl_audit *a, size_t j, size_t k)
{
    double h = ndl_dot(a->d, a->D + j * a->d, a->D + k * a->d);
    return h > 1 ? 1 : h < -1 ? -1 : h;
}

/* T: the largest support that makes (j, .) nearly hierarchical. */
static inline size_t ndl_audit_near_support(const struct ndl_audit *a, size_t j)
{
    return (size_t)(a->options.near * (double)ndl_audit_fires(a, j));
}

/* The bounds p - t and p + t, in the unit of the values as given; without a bias every
 * positive value is above. */
static inline double ndl_audit_lower_bound(const struct ndl_audit *a, size_t j, double h)
{
    return a->options.bias ? a->mean[j] * (1 - h) - a->options.tolerance * a->mean[j] : 0;
}

/* ---------------------------------------------------------------- audit_pair.c */

/* Over the samples with j on: how many have k on, and what z_j is where k is off. */
struct ndl_audit_tally {
    size_t together, above, below;
    double least, greatest; /* INFINITY, 0 if k is never off */
};

/* Counts exactly, unless above > give_up and below > give_up are certain before the end
 * (without a bias: above > give_up): returns false then. */
bool ndl_audit_count(const struct ndl_audit *a, size_t j, size_t k, double h, size_t give_up,
                     struct ndl_audit_tally *t);

/* All columns of the pair, from its tally. */
void ndl_audit_describe(const struct ndl_audit *a, size_t j, size_t k, double h,
                        const struct ndl_audit_tally *t, struct ndl_audit_pair *pair);

/* -------------------------------------------------------------- audit_search.c */

/* Lists every pair that is violated or nearly hierarchical, and counts them. */
enum ndl_status ndl_audit_search(struct ndl_audit *a, struct ndl_audit_report *report,
                                 struct ndl_error *err);

/* ----------------------------------------------------------- audit_antipodal.c */

enum ndl_status ndl_audit_find_antipodal(const struct ndl_audit *a, struct ndl_audit_report *report,
                                         struct ndl_error *err);

/* ----------------------------------------------------------- audit_exclusive.c */

enum ndl_status ndl_audit_find_exclusive(struct ndl_audit *a, struct ndl_audit_report *report,
                                         struct ndl_error *err);

/* -------------------------------------------------------------- reading ahead */

enum { AHEAD = 8 }; /* rows fetched before they are read */

/* Fetches the atoms of the row that begins and ends at start[0] and [1]. */
static inline void ndl_prefetch_atoms(const struct ndl_band *b, const uint32_t *start)
{
    const size_t size = b->short_atoms ? sizeof(uint16_t) : sizeof(uint32_t);
    const char *atom = b->atom;
    for (size_t byte = start[0] * size; byte < start[1] * size; byte += 64)
        __builtin_prefetch(atom + byte);
}

#endif

/* gap.h -- what given codes are worth: loss, residuals and duality gap of every sample, recomputed
 * from X, D, b and Z alone. */
#ifndef NDL_TOOLS_GAP_H
#define NDL_TOOLS_GAP_H

#include "ndl/ndl.h"

/* A dictionary with atoms of any norm. */
struct gap_dictionary {
    const struct ndl_matrix *D; /* K x d */
    const double *norm;         /* K: |d_k| > 0 */
    const double *b;            /* d, or NULL */
    double lambda;
};

/* Sums over samples; begin with zeros. */
struct gap_sums {
    double loss, square, l1; /* loss = square + lambda l1 with l1 = sum z_ik |d_k| */
    double worst, total;     /* relative duality gaps: the largest, and their sum */
    size_t samples, nonzeros;
};

/* K norms (malloc), NULL without memory. */
double *gap_norms(const struct ndl_matrix *D);

/* Adds the samples X (n x d) with codes Z (n x K) to *sums; R (n x d) receives x - b - z D.  For
 * each sample the gap is that to the best dual point along its residual, over max(loss,
 * lambda^2/4).  Cost 2 n K d.  NDL_NOMEM; threads do not change the result. */
enum ndl_status gap_measure(const struct gap_dictionary *g, const struct ndl_matrix *X,
                            const struct ndl_codes *Z, int threads, struct gap_sums *sums,
                            struct ndl_matrix *R, struct ndl_error *err);
/* NDL_BADDATA, naming the file, if the loss overflowed. */
enum ndl_status gap_check(const struct gap_sums *sums, const char *path, struct ndl_error *err);

/* Part of the loss difference between codes Z and optimal ones, with residuals R and best: sum_e
 * part[e] over the entries e of Z, minus the same for the optimal codes' own entries, is
 * loss(Z) - loss(optimal); see gap.c. */
void gap_parts(const struct gap_dictionary *g, const struct ndl_codes *Z,
               const struct ndl_matrix *R, const struct ndl_matrix *best, int threads,
               double *part);

#endif

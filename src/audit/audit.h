/* audit.h -- the two-feature condition for every ordered pair of features (for every room of this
 * repository; not installed).
 *
 * Codes Z (N x K, sparse) and a decoder D (K x d) from anywhere: rows of D of
 * any norm are normalised and the codes rescaled to match, z_j |d_j|.  Indices
 * count from 0.  With m_j = <z_j>, h = d_j . d_k and p = m_j (1 - h), an
 * optimum of (P) needs for every pair of live features
 *
 *   free bias:  min_{k off} z_j <= p <= max_{k off} z_j   (hull)
 *   no bias:    p = 0, or some z_j > 0 with k off          (cone)
 *
 * ("k is off" means z_k = 0: threshold codes beforehand if small values should
 * count as off.)  What is reported for a pair, in units of the rescaled codes:
 *
 *   support   how many samples hold the condition up: with a bias the lesser of
 *             #{k off, z_j >= p - t} and #{k off, z_j <= p + t}, without one
 *             #{k off, z_j > 0}; t = tolerance m_j.  The pair is violated iff
 *             the support is 0 (and, without a bias, p > t: coincident atoms
 *             satisfy the cone with no support at all).
 *   margin    in ztilde = 1 - z/m_j units, positive inside: the signed distance
 *             from h to the boundary.  Hull: min(z_max_off - p, p - z_min_off) / m_j.
 *             Cone: 1 - h if some z_j > 0 with k off, else -(1 - h), the distance
 *             from the cone {0}.  Up to rounding, violated iff margin < -tolerance.
 *   slope     dL / (N lambda d eps) of the descent direction of theory section 3,
 *             margin m_j < 0 if violated, else 0.
 *
 * k always on.  The off set is empty and so are its hull and cone (but for 0):
 * no pair (j, k) with h < 1 can hold.  With a bias this is one fact about k, not
 * K-1 facts about pairs: margin is -infinity and slope -1, that of shifting k
 * into the bias (z_k -= eps, b += eps d_k).  Without a bias margin and slope are
 * those of the cone {0}.  Such pairs are listed and counted apart.
 *
 * Dead features (never on) have no ztilde and enter no condition: they and
 * their pairs are counted apart and never listed.
 *
 * Nearly hierarchical: not violated, but support <= near * #{j on}: j fires
 * almost only where k does.
 *
 * Every count is exact, over all K(K-1) pairs; audit_search.c gives the argument.  The
 * result does not depend on how the rows were divided among calls of
 * ndl_audit_add, nor on the number of threads, to the last bit.
 */
#ifndef NDL_AUDIT_H
#define NDL_AUDIT_H

#include "ndl/ndl.h"

struct ndl_audit; /* accumulates the codes */

struct ndl_audit_options {
    bool bias;         /* hull (true) or cone */
    double tolerance;  /* ztilde units, >= 0; 1e-9 */
    double near;       /* in [0, 1): nearly hierarchical; 0.01 */
    double dense;      /* in (0, 1]: on in at least this share of samples is "dense"; 0.1 */
    double antipodal;  /* in [-1, 1]: dense pairs with a cosine below are antipodal; -0.9 */
    double expected;   /* > 0: never together although independent features of these rates
                           would meet n_j n_k / N >= expected times: mutually exclusive.
                           Chance e^-expected per pair; 25 */
    int threads;       /* 1 to 256; 1 */
    size_t memory;     /* bytes the audit may hold; 4 GiB.  Needed: about 8 per nonzero (12
                           for values that float32 cannot hold; 2 more for K > 65,536), 4 per
                           sample, 8 K d, and 30 MB while samples are added */
    const char *spill; /* directory (copied).  Codes beyond half of `memory` live in nameless
                           files there, mapped, so that the system can evict them: slower,
                           the same result.  NULL: NDL_NOMEM instead */
    size_t band;       /* nonzeros that are stored at a time, below 2^32; 0: 2^21, or
                           memory / 64 if that is less.  No result depends on it */
};
struct ndl_audit_options ndl_audit_defaults(bool bias);

/* Starts an audit of the K = D->rows features of decoder D (K x d, any norms; not
 * needed afterwards).  NDL_BADARG on an option out of range or an empty D, NDL_BADDATA
 * on NaN or Inf, NDL_NOMEM.  *audit is NULL on failure. */
enum ndl_status ndl_audit_new(struct ndl_audit **audit, const struct ndl_matrix *D,
                              const struct ndl_audit_options *options, struct ndl_error *err);
/* NULL is fine. */
void ndl_audit_free(struct ndl_audit *audit);

/* Appends samples (rows x K codes; zeros among the values are dropped).  start[0] need
 * not be 0.  Columns must increase strictly within a row; NDL_BADDATA on that, a column
 * >= K, or a value that is negative or not finite; NDL_BADARG on another K or after
 * ndl_audit_finish: the audit then holds what it held before.  NDL_NOMEM, NDL_IO: it can
 * only be freed.  Values take 4 bytes where float32 holds them exactly. */
enum ndl_status ndl_audit_add(struct ndl_audit *audit, const struct ndl_codes *codes,
                              struct ndl_error *err);

struct ndl_audit_pair {
    uint32_t j, k;
    bool violated;
    bool near;        /* nearly hierarchical */
    bool always_on;   /* k is never off */
    bool dead;        /* j or k never fires */
    double cosine;    /* h_jk; 0 if a decoder row is 0 (possible for dead features only) */
    double mean;      /* m_j */
    double z_min_off; /* least and greatest z_j over the samples with k off; */
    double z_max_off; /* NaN if there are none */
    double margin;    /* ztilde units; NaN if j is dead */
    double slope;     /* per unit lambda and sample, <= 0 */
    size_t support;
    size_t together; /* samples with both on */
};

struct ndl_audit_report {
    size_t samples, features, nonzeros; /* N, K, entries > 0 */
    size_t live, dead;                  /* live + dead = K; live includes always_on */
    size_t always_on;
    size_t dense;
    size_t *fires; /* K: samples with k on; 0 is dead, N always on */
    double *mean;  /* K: m_k */

    size_t pairs;              /* ordered pairs of live features with k sometimes off */
    size_t pairs_always_on;    /* ordered pairs of live features with k always on */
    size_t pairs_dead;         /* the rest of the K(K-1) */
    size_t violated, near;     /* among `pairs` */
    size_t violated_always_on; /* among `pairs_always_on`: all but coincident atoms */
    size_t listed;             /* violated + near + violated_always_on, in order of (j, k) */
    struct ndl_audit_pair *list;

    size_t antipodal; /* unordered pairs of dense features, in order of (j, k), j < k */
    struct ndl_audit_antipodal {
        uint32_t j, k;
        double cosine;
    } * antipodal_list;

    /* Mutual exclusion.  Two features are exclusive if they never fire together though
     * `expected` says they should have.  Groups, every two members of which are exclusive:
     * greedily, most frequent feature first, each joins the first group it is exclusive
     * with entirely; groups of one are not reported.  Members in that order. */
    size_t exclusive_pairs; /* unordered */
    size_t groups;
    size_t *group_start; /* groups + 1 offsets into group_member */
    uint32_t *group_member;
};
void ndl_audit_report_free(struct ndl_audit_report *report);

/* Audits all pairs.  No more samples can be added afterwards.  NDL_BADARG without samples
 * or if called twice; NDL_BADDATA if a feature fires whose decoder row is zero, or whose
 * mean, norm of the row or product of the two is near the ends of the doubles; NDL_NOMEM
 * (also when the listed pairs exceed `memory`), NDL_IO.  Cost: near-linear in the
 * nonzeros, see audit_search.c. */
enum ndl_status ndl_audit_finish(struct ndl_audit *audit, struct ndl_audit_report *report,
                                 struct ndl_error *err);

/* After ndl_audit_finish: the pair (j, k), j != k (asserted), whatever its verdict.
 * Cost: n_j + d, times a logarithm at most. */
void ndl_audit_pair(const struct ndl_audit *audit, size_t j, size_t k, struct ndl_audit_pair *pair);

/* After ndl_audit_finish: all pairs (j, k), dead ones included, in order, K - 1 at a time:
 * visit(context, pairs, count) returns false to stop early (which is no failure).  Cost:
 * K^2 calls of ndl_audit_pair over the threads.  NDL_NOMEM. */
enum ndl_status ndl_audit_each(const struct ndl_audit *audit,
                               bool (*visit)(void *context, const struct ndl_audit_pair *pairs,
                                             size_t count),
                               void *context, struct ndl_error *err);

#endif

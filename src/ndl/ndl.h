/* ndl.h -- nonnegative dictionary learning: the interface (public), but for what draws random
 * numbers, which random.h and tree.h declare.
 *
 * The problem.  Data X is N x d, one sample per row.  A dictionary D is K x d,
 * one atom per row (the layout of W_dec in the SAE libraries), codes Z are
 * N x K and nonnegative, b in R^d is an optional bias.  With the residual
 * r_i = x_i - b - sum_k z_ik d_k,
 *
 *     L(D, b, Z) = sum_i |r_i|^2 + lambda sum_k |d_k| sum_i z_ik .        (P)
 *
 * Tools that minimise 1/2 |r|^2 + alpha |z|_1 solve the same problem with
 * lambda = 2 alpha.  Unless a comment says otherwise, atoms have unit norm,
 * losses are sums over samples, m_k is the mean of z_k over all N samples,
 * h_jk = d_j . d_k, and mu_ik = lambda - 2 r_i . d_k is the multiplier of
 * z_ik >= 0.
 *
 * Conventions.  Matrices are row-major and contiguous.  Every function that
 * can fail returns an `enum ndl_status` and, on failure, fills the caller's
 * `struct ndl_error` (which may be NULL) with one line; outputs are then left
 * as zero-initialised structs that are safe to free, unless the comment says
 * otherwise.  Nothing here prints or exits, even where GSL, GLPK or Qhull run out
 * of memory; only OpenBLAS cannot be kept from it.  Every `_free` accepts a
 * zero-initialised struct and leaves one behind.
 */
#ifndef NDL_H
#define NDL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---------------------------------------------------------------- errors */

enum ndl_status {
    NDL_OK = 0,
    NDL_BADARG,  /* an argument is out of range or shapes disagree */
    NDL_BADDATA, /* a file or a value in it is not acceptable */
    NDL_IO,      /* the system refused to read or write */
    NDL_NOMEM,
    NDL_NOCONV, /* stopped before the tolerance; outputs ARE filled */
    NDL_LIBRARY /* Qhull, GLPK, ... failed; the message says why */
};

struct ndl_error {
    char text[512]; /* one line, no newline, no program name */
};

/* Formats the message into err (may be NULL) and returns status. */
enum ndl_status ndl_fail(struct ndl_error *err, enum ndl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --------------------------------------------------------------- storage */

struct ndl_matrix {
    size_t rows, cols;
    double *v; /* rows x cols, row-major, owned */
};

/* Allocates a zeroed rows x cols matrix.  Zero sizes are allowed.  Fails with
 * NDL_NOMEM, also when rows * cols overflows. */
enum ndl_status ndl_matrix_alloc(struct ndl_matrix *m, size_t rows, size_t cols,
                                 struct ndl_error *err);
enum ndl_status ndl_matrix_copy(struct ndl_matrix *to, const struct ndl_matrix *from,
                                struct ndl_error *err);
void ndl_matrix_free(struct ndl_matrix *m);
/* NDL_BADDATA with the first offending row and column if any entry is NaN or
 * infinite; `what` names the matrix in the message. */
enum ndl_status ndl_matrix_check(const struct ndl_matrix *m, const char *what,
                                 struct ndl_error *err);

static inline double *ndl_row(const struct ndl_matrix *m, size_t i)
{
    return m->v + i * m->cols;
}

/* Sparse codes in CSR form: row i holds entries start[i] .. start[i+1]-1,
 * atoms strictly increasing within a row, values > 0. */
struct ndl_codes {
    size_t rows, cols; /* N, K */
    size_t *start;     /* rows + 1 offsets, start[0] = 0 */
    uint32_t *atom;    /* start[rows] column indices, 0-based */
    double *value;     /* start[rows] activations */
};

/* Allocates room for nnz entries, all offsets zero. */
enum ndl_status ndl_codes_alloc(struct ndl_codes *z, size_t rows, size_t cols, size_t nnz,
                                struct ndl_error *err);
/* Keeps entries > 0.  Negative or non-finite entries are NDL_BADDATA. */
enum ndl_status ndl_codes_from_dense(struct ndl_codes *z, const struct ndl_matrix *dense,
                                     struct ndl_error *err);
enum ndl_status ndl_codes_to_dense(struct ndl_matrix *dense, const struct ndl_codes *z,
                                   struct ndl_error *err);
void ndl_codes_free(struct ndl_codes *z);

/* A representation of a data set: what the solver returns and what the
 * conditions are checked on. */
struct ndl_model {
    struct ndl_matrix D; /* K x d, unit rows; a dead atom keeps its unit row */
    struct ndl_matrix b; /* 1 x d, zeros if !bias */
    struct ndl_codes Z;  /* N x K */
    double lambda;       /* > 0 */
    bool bias;           /* whether b is free (its condition applies) */
};

void ndl_model_free(struct ndl_model *m);

/* Loss (P) of a model on X (N x d), atoms of any norm; a sum over samples,
 * in the squared unit of X.  Shapes must agree (asserted). */
double ndl_loss(const struct ndl_matrix *X, const struct ndl_model *m);

/* ---------------------------------------------------------------- threads */

/* Runs work(context, first, last, worker) over [0, n) in chunks of at most
 * `chunk`, on `threads` threads (>= 1, worker in [0, threads)).  Returns when
 * all is done.  Which worker gets which chunk is not determined; results must
 * not depend on it. */
void ndl_parallel(size_t n, size_t chunk, int threads,
                  void (*work)(void *context, size_t first, size_t last, int worker),
                  void *context);

/* ------------------------------------------------------------------ coding */

struct ndl_encode_options {
    double gap;                   /* relative duality gap per sample to reach; 0 = as exact as
                       doubles allow (active set solved to rounding) */
    int threads;                  /* >= 1; the result does not depend on it */
    const struct ndl_codes *warm; /* starting active sets (N x K) or NULL */
};

/* Exact nonnegative sparse coding: for every sample
 *     min_{z >= 0} |x_i - b - z D|^2 + lambda sum_k z_k |d_k|
 * for atoms D (K x d, any nonzero norm) and bias b (1 x d or NULL).
 * Z (N x K) is allocated here.  *worst_gap (may be NULL) receives the largest
 * relative duality gap, recomputed from X, D, b, Z for every sample:
 * (primal - dual) / max(primal, lambda^2 / 4).
 * Linearly dependent atoms are allowed; one of the optimal codes is returned.
 * NDL_BADDATA on NaN or Inf, NDL_BADARG on shapes, a zero atom, lambda <= 0. */
enum ndl_status ndl_encode(const struct ndl_matrix *X, const struct ndl_matrix *D,
                           const struct ndl_matrix *b, double lambda,
                           const struct ndl_encode_options *options, struct ndl_codes *Z,
                           double *worst_gap, struct ndl_error *err);

/* The same for data that come in blocks: a dictionary made ready once, which takes K^2 d
 * multiplications and 8 K^2 bytes up to 4,096 atoms.  Copies D and b.  ndl_encoder_new fails as
 * ndl_encode does, *encoder is then NULL; several threads may use one encoder. */
struct ndl_encoder;
enum ndl_status ndl_encoder_new(struct ndl_encoder **encoder, const struct ndl_matrix *D,
                                const struct ndl_matrix *b, double lambda, struct ndl_error *err);
enum ndl_status ndl_encoder_run(const struct ndl_encoder *encoder, const struct ndl_matrix *X,
                                const struct ndl_encode_options *options, struct ndl_codes *Z,
                                double *worst_gap, struct ndl_error *err);
void ndl_encoder_free(struct ndl_encoder *encoder);

/* ---------------------------------------------------------------- learning */

struct ndl_fit_options {
    size_t atoms;  /* K >= 1 */
    double lambda; /* > 0 */
    bool bias;
    uint64_t seed; /* see ndl_rng; start s uses stream (seed, s) */
    int starts;    /* random starts (distinct samples, normalised); the best is kept */
    const struct ndl_matrix *D0; /* K x d start instead of random ones, or NULL */
    const struct ndl_matrix *b0; /* 1 x d start of the bias, or NULL: the mean of X */
    double tolerance;            /* largest relative KKT residual to reach, e.g. 1e-10 */
    int max_iterations;          /* of all phases together, > 0; see used_continuation */
    int threads;                 /* >= 1 */
    void (*progress)(void *context, const char *phase, int iteration, double loss, double residual);
    void *progress_context;
};

/* The defaults: bias, seed 1, one start, tolerance 1e-10, 1 thread. */
struct ndl_fit_options ndl_fit_defaults(size_t atoms, double lambda);

struct ndl_fit_report {
    double loss;       /* (P), a sum over samples */
    double residual;   /* largest relative KKT residual, as the solver sees it */
    double curvature;  /* smallest eigenvalue found of the Riemannian Hessian of the
                           reduced loss min_Z L(D, b, Z), over 2 N; NaN if not computed */
    size_t live, dead; /* atoms that fire, atoms that never do */
    int iterations;
    int best_start;         /* index of the start that was kept */
    bool used_continuation; /* the given start D0 missed the tolerance in max_iterations at a small
                           penalty; a descent from there by way of larger penalties, with as many
                           iterations again, found this lower loss */
    double *start_loss;     /* `starts` losses, owned; NULL after ndl_fit_report_free */
};
void ndl_fit_report_free(struct ndl_fit_report *report);

/* Learns D, b, Z: a local minimum of (P) for each start, the best kept.
 * NDL_NOCONV if the kept start missed the tolerance (model and report are
 * filled all the same). */
enum ndl_status ndl_fit(const struct ndl_matrix *X, const struct ndl_fit_options *options,
                        struct ndl_model *model, struct ndl_fit_report *report,
                        struct ndl_error *err);

/* ------------------------------------------------- the dictionary eliminated */

/* The least loss over all dictionaries (and biases) for codes with Z Z^T = Q,
 * as a convex function of Q (N x N, positive semidefinite):
 *     G(Q) = mu tr[X^T P X] + mu 1^T Q 1,  mu = lambda/2,  P = (mu I + Q)^-1,
 * with P - P 1 1^T P / (1^T P 1) for P if the bias is free.  P (N x N) and
 * PX (N x d) are allocated here: dG/dQ = mu (1 1^T - PX PX^T), and the residuals
 * are mu PX.  O(N^3). */
enum ndl_status ndl_eliminated(const struct ndl_matrix *X, const struct ndl_matrix *Q,
                               double lambda, bool bias, double *value, struct ndl_matrix *P,
                               struct ndl_matrix *PX, struct ndl_error *err);

/* ------------------------------------------------------------- certificate */

/* Every first-order condition at (X, D, b, Z, lambda), recomputed from these
 * alone.  Relative residuals; live atoms only where an atom is meant. */
struct ndl_certificate {
    /* max_k |sum_i z_ik r_i - (lambda/2)(sum_i z_ik) d_k| / ((lambda/2) sum_i z_ik) */
    double atoms;
    double bias;      /* |sum_i r_i| / sum_i |r_i|; 0 if the bias is fixed */
    double codes_off; /* max over z_ik = 0 of max(0, -mu_ik) / lambda */
    double codes_on;  /* max over z_ik > 0 of |mu_ik| / lambda */
    double norm;      /* max_k | |d_k| - 1 | */
    double negative;  /* max(0, -min z_ik) */
    double always_on; /* with a free bias: max over live k of min_i z_ik / m_k; else 0 */
    double worst;     /* the largest of the above */
    double loss;      /* (P) */
    size_t live, dead;
};
enum ndl_status ndl_certify(const struct ndl_matrix *X, const struct ndl_model *m,
                            struct ndl_certificate *c, struct ndl_error *err);

/* ------------------------------------------------------- hulls and cones */

enum ndl_hull_kind { NDL_HULL, NDL_CONE };
enum ndl_hull_method {
    NDL_AUTO, /* interval in 1-D, Qhull in 2-8, LP above */
    NDL_QHULL,
    NDL_LP,
    /* inside or outside only, without the depth: affordable in hundreds of dimensions */
    NDL_VERDICT
};

/* Where a point q lies with respect to the hull (or the cone from 0) of the
 * rows of P.  Two certificates come with it, each checked by one loop over P:
 * the weights of the nearest point of the hull (q itself if q belongs to it),
 * and an affine function f(p) = a.p + c with f >= 0 on all rows of P.
 * Outside, f(q) = margin < 0 separates q, so that the two bracket the
 * distance; inside, f belongs to the nearest facet (LP: nearest in L1), or is
 * the normal of a flat hull. */
struct ndl_hull_result {
    bool inside; /* distance from q to the hull <= the caller's tolerance */
    /* signed Euclidean distance from q to the boundary of the hull (cone), positive inside; on a
     * flat hull minus the distance, so 0 within rounding in the relative interior; INFINITY if a
     * cone is the whole space; NaN inside if the method cannot tell: LP, VERDICT, or AUTO where
     * Qhull gave up */
    double margin;
    double margin_l1; /* the same in the L1 norm; every method but VERDICT (NaN) gives it */
    size_t dimension; /* of the affine hull (linear hull for a cone) of P; 0 by VERDICT */
    size_t vars;      /* length of a */
    /* normal, |a|_2 = 1 (0 if a cone is the whole space, and inside by VERDICT), owned */
    double *a;
    double c;      /* offset; 0 for a cone */
    size_t points; /* length of weights, the rows of P */
    /* >= 0, sum 1 for a hull: P^T w is the point of the hull nearest to q, owned */
    double *weights;
};
void ndl_hull_result_free(struct ndl_hull_result *r);

/* P is n x m, q has m entries; n >= 1, m >= 1.  `tolerance` (absolute, in the
 * unit of P, >= 0) decides `inside` and the rank: P is flat if all rows lie
 * within it of an affine subspace; a row of a cone no longer than it counts as
 * 0 (in f >= 0 as well).  NDL_BADARG on shapes, a negative tolerance, or NDL_QHULL above 8
 * dimensions; NDL_BADDATA on NaN or Inf; NDL_LIBRARY if Qhull or GLPK fails or
 * its answer does not survive the check.  Distances are accurate to about
 * 1e-12 of the largest |p - q| (a cone: of |q|), smaller ones count as 0; those
 * by LP (margin_l1, outside or LP) are checked to 1e-8 of it.  Cost inside by LP:
 * 2 m programs; by VERDICT about n m^2.  (An interval, m = 1, is always told whole.) */
enum ndl_status ndl_hull_locate(const struct ndl_matrix *P, const double *q,
                                enum ndl_hull_kind kind, enum ndl_hull_method method,
                                double tolerance, struct ndl_hull_result *r, struct ndl_error *err);

/* ---------------------------------------------------- the theory's conditions */

/* The hull condition of feature k against a set J of other features: is
 * p = (m_j (1 - h_jk))_{j in J} in the hull (cone without bias) of
 * { (z_ij)_{j in J} : z_ik <= off } ?  In the ztilde = 1 - z/m coordinates of the
 * theory the point is (h_jk)_j; margins below are in those coordinates.  The
 * condition is necessary for dead k too. */
struct ndl_condition {
    size_t k;
    size_t count; /* |J| */
    size_t *J;    /* owned */
    /* samples with k off; if none, the hull is empty and the condition fails with margin
     * -INFINITY (the cone is {0}) */
    size_t off_samples;
    bool holds;
    /* as in ndl_hull_result, NaN included; INFINITY if it holds with J empty */
    double margin;
    double margin_l1;
    double slope; /* predicted dL/d eps / (N lambda) along the descent direction, < 0
                               if violated; 0 if the condition holds */
    /* count entries, and c: the direction z_k += eps (sum_j a_j z_j + c), d_j -= eps a_j d_k, b
     * -= eps c d_k; max |a_j| = 1; zeros if it holds.  The sum is >= 0 on all samples with k off
     * (c = 0 without a bias: to rounding).  If k is never off, a = 0 and c = -1 (without a bias
     * a = -1) */
    double *a;
    double c;
};
void ndl_condition_free(struct ndl_condition *c);

/* Checks feature k against J (count distinct live features, k not among them;
 * J = NULL means all live features but k).  `off` >= 0 is the threshold for "k is
 * off", `tolerance` >= 0 (ztilde units) the slack granted before a violation is
 * called.  NDL_BADARG on anything else, and on atoms that are not of unit norm
 * (to 1e-6); otherwise as ndl_hull_locate.  Takes off_samples * count doubles. */
enum ndl_status ndl_condition_check(const struct ndl_model *m, size_t k, const size_t *J,
                                    size_t count, enum ndl_hull_method method, double off,
                                    double tolerance, struct ndl_condition *c,
                                    struct ndl_error *err);

/* Follows the direction of a violated condition: writes the representation at
 * step eps >= 0 (atoms not renormalised) into `moved`; the reconstruction does
 * not change.  NDL_BADARG if a code would turn negative by more than rounding
 * (1e-12 eps times the sample's codes), as those with k on do if eps is large. */
enum ndl_status ndl_condition_step(const struct ndl_model *m, const struct ndl_condition *c,
                                   double eps, struct ndl_model *moved, struct ndl_error *err);
/* The exact loss change of that step over (N lambda), from the closed formula
 * eps (a.m + c) + sum_j m_j (sqrt(1 - 2 eps a_j h_jk + eps^2 a_j^2) - 1). */
double ndl_condition_change(const struct ndl_model *m, const struct ndl_condition *c, double eps);

/* The multipliers as convex weights: w_ik = mu_ik / (lambda N), N x K.  At a
 * stationary point they are >= 0, 0 where z_ik > 0, sum_i w_ik z_ij =
 * m_j (1 - h_jk), and with a free bias sum_i w_ik = 1. */
enum ndl_status ndl_multiplier_weights(const struct ndl_matrix *X, const struct ndl_model *m,
                                       struct ndl_matrix *W, struct ndl_error *err);

/* The share of each feature's activity that happens while feature k is off, and how small an
 * optimum can make it.  At a stationary point, with or without a bias,
 *     sum_{i: k off} z_ij / (N m_j)  >=  (1 - h_jk) / (1 + rho),
 * rho = max over {k off} of -2 r_i.d_k / lambda, because the multipliers mu_ik, at most
 * lambda (1 + rho) and 0 where k is on, sum to lambda N m_j (1 - h_jk) against z_ij.  Where no
 * sample wants an atom -d_k, rho <= 1. */
struct ndl_share {
    size_t k, count; /* count = K */
    double rho;      /* -INFINITY if k is never off */
    double *share;   /* K entries, owned: of feature j; NaN for dead j, 0 for k itself */
    double *bound;   /* K entries, owned: its lower bound; NaN for dead j and k itself; INFINITY if
                        no share is large enough: k is never off, or rho <= -1, and h_jk < 1 */
};
void ndl_share_free(struct ndl_share *s);
/* `off` >= 0 is the threshold for "k is off": 0 for exact codes, for which alone the bound is a
 * theorem.  NDL_BADARG on shapes, lambda <= 0, or a live atom that is not of unit norm (to 1e-6).
 * O(N d) time for each atom that fires in a sample. */
enum ndl_status ndl_share_check(const struct ndl_matrix *X, const struct ndl_model *m, size_t k,
                                double off, struct ndl_share *s, struct ndl_error *err);

/* ------------------------------------------------------------- wide limit */

/* The lower bound min_b sum_i H(|x_i - b|) of the loss of every dictionary
 * (H the Huber function with corner lambda/2); b (d entries, may be NULL)
 * receives a minimiser, zeros without a bias.  Relative accuracy 1e-12: the
 * gradient is that small against the sum of the |gradients| of the terms, else
 * NDL_NOCONV (with *bound and b filled).  NDL_BADDATA on NaN or Inf, NDL_BADARG
 * on empty X or lambda <= 0. */
enum ndl_status ndl_wide_bound(const struct ndl_matrix *X, double lambda, bool bias, double *bound,
                               double *b, struct ndl_error *err);

/* ------------------------------------------------------------------ tables */

/* A matrix as text: '#' lines are comments, columns separated by tabs (or
 * blanks), every row of the same length, every field a finite number.
 * NDL_BADDATA with "file:line: message". */
enum ndl_status ndl_tsv_read(struct ndl_matrix *m, const char *path, struct ndl_error *err);
/* Writes with 17 significant digits to a temporary name, then renames.
 * `header` (may be NULL) is written as is, before the rows. */
enum ndl_status ndl_tsv_write(const struct ndl_matrix *m, const char *path, const char *header,
                              struct ndl_error *err);

/* A file written to a temporary name beside it and renamed when complete, so that
 * nobody ever reads half of it.  Write to .file; errors show at close. */
struct ndl_output {
    FILE *file;
    char path[4096], temporary[4096];
};
/* NDL_IO if the directory cannot be written to. */
enum ndl_status ndl_output_open(struct ndl_output *out, const char *path, struct ndl_error *err);
/* Flushes, closes and renames; on NDL_IO (also for an earlier failed write) nothing is left. */
enum ndl_status ndl_output_close(struct ndl_output *out, struct ndl_error *err);
/* Closes and deletes without a result; nothing happens if it is not open. */
void ndl_output_abandon(struct ndl_output *out);

#endif

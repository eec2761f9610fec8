/* claim.h -- what every claim program shares: command line, results, errors.
 *
 * A claim program measures; the registry (src/claims/registry.txt) judges.  The
 * program writes its scalars to OUT/NAME.tsv, one per line,
 *
 *     key <tab> value <tab> tolerance <tab> meaning <tab> function
 *
 * and its tables to OUT/NAME-TABLE.tsv.  `function` is the C function of NAME.c that wrote the
 * line, which `make why` shows.  `tolerance` says how well another
 * machine reproduces the value: |new - reference| <= tolerance * max(1, |reference|).
 * Use CLAIM_EXACT for counts and input, CLAIM_CONVERGED for what a converged
 * solver determines, CLAIM_NOT_COMPARED for rounding errors and anything else that is
 * only ever compared with a bound, or a number of your own with a comment.
 *
 * NAME.tsv is written last, so that an interrupted run leaves no result that a later run trusts;
 * the seconds of processor time it took go to NAME.time.  These functions end the program on an
 * error: 64 for usage, 2 for data or run time, with one line on stderr. */
#ifndef CLAIM_H
#define CLAIM_H

#include <math.h>

#include "measure.h"
#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/tree.h"

#define CLAIM_EXACT 0.0
/* KKT residuals of 1e-9 with condition numbers up to 1e3 move a value by 1e-6. */
#define CLAIM_CONVERGED 1e-6
#define CLAIM_NOT_COMPARED ((double)INFINITY)

/* Keep the extreme of many values. */
static inline void keep_max(double *largest, double value)
{
    *largest = fmax(*largest, value);
}

static inline void keep_min(double *smallest, double value)
{
    *smallest = fmin(*smallest, value);
}

struct claim; /* one per program */

/* Parses --seed, --data, --out, --help, --version.  `about` is the text of
 * --help: one paragraph and an example. */
struct claim *claim_begin(int argc, char **argv, const char *about);
uint64_t claim_seed(const struct claim *claim);
/* The path of a file in the data directory; valid until the next call. */
const char *claim_data(struct claim *claim, const char *file);
/* The random stream of a trial (see ndl_rng). */
gsl_rng *claim_rng(const struct claim *claim, uint64_t trial);

struct claim_value {
    const char *key; /* [a-z0-9_.]+, used once in a program */
    double value, tolerance;
    const char *meaning;
};

/* Records a scalar. */
#define claim_scalar(claim, key, value, tolerance, meaning)                                        \
    claim_values(claim, NULL, {key, value, tolerance, meaning})

/* Records several, under PREFIX.KEY, or KEY if the prefix is NULL:
 * claim_values(claim, prefix, {"key", value, tolerance, "meaning"}, ...) */
#define claim_values(claim, prefix, ...)                                                           \
    claim_write_values(claim, __func__, prefix, (const struct claim_value[]){__VA_ARGS__},         \
                       sizeof((const struct claim_value[]){__VA_ARGS__}) /                         \
                           sizeof(struct claim_value))
void claim_write_values(struct claim *claim, const char *function, const char *prefix,
                        const struct claim_value *values, size_t count);

/* Records how n >= 2 values, one per trial, are spread: the mean under KEY.mean, its standard
 * error, the smallest and the largest under KEY.error, KEY.min and KEY.max. */
#define claim_spread(claim, key, values, n, tolerance, meaning)                                    \
    claim_write_spread(claim, __func__, key, values, n, tolerance, meaning)
void claim_write_spread(struct claim *claim, const char *function, const char *key,
                        const double *values, size_t n, double tolerance, const char *meaning);

/* Opens the table OUT/NAME-table.tsv.  `columns` documents them, one per line:
 * "name unit tolerance meaning"; the tolerance is as for a scalar, a number or
 * inf. */
void claim_table(struct claim *claim, const char *table, const char *columns);
/* Writes the next row of the open table.  Another number of values than the table has columns
 * ends the program. */
void claim_row_array(struct claim *claim, const double *values, size_t count);
/* The same for values that are listed: claim_row(claim, x, y, z). */
#define claim_row(claim, ...)                                                                      \
    claim_row_array(claim, (const double[]){__VA_ARGS__},                                          \
                    sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
/* A blank line (gnuplot: a new curve). */
void claim_table_break(struct claim *claim);

/* Ends the program with the library's message unless status is NDL_OK. */
void claim_check_status(const struct claim *claim, enum ndl_status status,
                        const struct ndl_error *err);
/* A progress line on stderr if that is a terminal. */
void claim_progress(const struct claim *claim, size_t done, size_t total, const char *what);

/* Writes the scalars and frees everything; the exit status of main. */
int claim_end(struct claim *claim);

/* ------------------------------------------- the library, ending the program on an error */

/* Zeros; free with ndl_matrix_free. */
struct ndl_matrix claim_matrix(const struct claim *claim, size_t rows, size_t cols);
struct ndl_matrix claim_copy(const struct claim *claim, const struct ndl_matrix *m);
/* The codes as an N x K matrix. */
struct ndl_matrix claim_dense(const struct claim *claim, const struct ndl_model *m);
/* The residuals as an N x d matrix. */
struct ndl_matrix claim_residuals(const struct claim *claim, const struct ndl_matrix *X,
                                  const struct ndl_model *m);
/* X = Z D: data that the atoms D (K x d) with codes Z (N x K) reconstruct exactly. */
struct ndl_matrix claim_synthetic(const struct claim *claim, const struct ndl_matrix *Z,
                                  const struct ndl_matrix *D);
/* N samples of a few kinds: row e of `kinds` (kinds x d) stands for round(weight[e] N) of them,
 * from row first[e] on.  Ends the program unless these are N in all. */
struct ndl_matrix claim_repeat(const struct claim *claim, const struct ndl_matrix *kinds,
                               const double *weight, size_t samples, size_t *first);
/* A model with a copy of D, of b (NULL: zeros) and the codes Z (N x K), bias free. */
struct ndl_model claim_model(const struct claim *claim, const struct ndl_matrix *D,
                             const struct ndl_matrix *b, const struct ndl_matrix *Z, double lambda);
/* Two features in the plane at d_1.d_2 = `cosine`, d_1 = (1, 0), with codes Z (N x 2); X
 * receives their data. */
struct ndl_model claim_planar(const struct claim *claim, double cosine, const struct ndl_matrix *Z,
                              double lambda, struct ndl_matrix *X);
/* Sets m->Z, which is not freed before, to the exact codes of X for m->D, m->b and m->lambda. */
void claim_encode(const struct claim *claim, const struct ndl_matrix *X, struct ndl_model *m);
/* The model of the dictionary D, b with the exact codes of X. */
struct ndl_model claim_model_encoded(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_matrix *D, const struct ndl_matrix *b,
                                     double lambda, bool bias);
/* Runs ndl_fit and returns the loss, a sum over samples.  A run that misses its tolerance is
 * kept if `converged` is there to tell, and ends the program if not. */
double claim_fit(const struct claim *claim, const struct ndl_matrix *X,
                 const struct ndl_fit_options *options, struct ndl_model *m, bool *converged);
/* The best of `starts` runs from random dictionaries; the seed is drawn from rng. */
struct ndl_model claim_fit_random(const struct claim *claim, gsl_rng *rng,
                                  const struct ndl_matrix *X, size_t atoms, double lambda,
                                  bool bias, int starts, double *loss);
/* One run from the atoms D0 (K x d), the bias from the mean of X. */
struct ndl_model claim_fit_from(const struct claim *claim, const struct ndl_matrix *X,
                                const struct ndl_matrix *D0, double lambda, bool bias,
                                double *loss);
/* Every first-order condition at m, recomputed by the library's certificate. */
struct ndl_certificate claim_certify(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_model *m);
/* The bound of the wide limit; b (1 x d, or NULL) receives the bias that attains it. */
double claim_wide_bound(const struct claim *claim, const struct ndl_matrix *X, double lambda,
                        bool bias, double *b);

/* Where the solver goes from a representation, with the tolerance 1e-9: residuals are relative
 * to lambda, which is small where this is asked.  `converged` as above. */
struct ndl_model claim_fit_from_model(const struct claim *claim, const struct ndl_matrix *X,
                                      const struct ndl_model *start, double lambda,
                                      bool *converged);

/* The condition of k against j alone (against all other live features if j == k), and its margin
 * in units of ztilde: where linear programming cannot tell how deep inside, the depth in the L1
 * norm. */
struct ndl_condition claim_condition(const struct claim *claim, const struct ndl_model *m, size_t j,
                                     size_t k, enum ndl_hull_method method, double slack);
double claim_margin(const struct ndl_condition *c);
/* The change of the full loss over (N lambda) after a step eps >= 0 along the direction of a
 * violated condition. */
double claim_change(const struct claim *claim, const struct ndl_matrix *X,
                    const struct ndl_model *m, const struct ndl_condition *c, double eps);
/* Its slope at 0 by a second-order one-sided difference with step 1e-4, since only eps >= 0 is
 * feasible: off by about 1e-8, and 1e-16 / lambda for rounding. */
double claim_slope(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                   const struct ndl_condition *c);

/* ------------------------------------------------------------------- data sets */

/* Data drawn from a tree file with `dim` dimensions: directions D (K x dim), activations Z (N x
 * K), X = Z D.  The stream draws the directions first. */
struct claim_tree {
    struct ndl_tree *tree;
    struct ndl_matrix D, Z, X;
};
struct claim_tree claim_draw_tree(struct claim *claim, const char *path, size_t samples, size_t dim,
                                  uint64_t stream);
void claim_tree_free(struct claim_tree *t);
/* All pairs of a node that fires somewhere and one of its ancestors; returns their number.  Free
 * *pairs. */
struct claim_descendant {
    size_t child, parent;
};
size_t claim_tree_descendants(const struct claim *claim, const struct claim_tree *t,
                              struct claim_descendant **pairs);
/* The solver on t from the atoms D0 and the bias b0 (NULL: zeros), one atom per node and a free
 * bias, whatever residual it ends with. */
struct ndl_model claim_tree_fit(const struct claim *claim, const struct claim_tree *t,
                                double lambda, const struct ndl_matrix *D0,
                                const struct ndl_matrix *b0);

/* The hierarchies of the claims `hierarchy` and `absorption`: a toy, and a part of WordNet.
 * Each is drawn with the magnitudes of the tree, independent of each other (free), or with every
 * magnitude 1 (locked). */
enum { CLAIM_TOY, CLAIM_WORDNET, CLAIM_HIERARCHIES, CLAIM_MAX_TRIALS = 20 };
struct claim_hierarchy {
    const char *name, *file;
    size_t trials, samples, dimension; /* trials <= CLAIM_MAX_TRIALS */
};
extern const struct claim_hierarchy claim_hierarchies[CLAIM_HIERARCHIES];
enum { CLAIM_FREE, CLAIM_LOCKED, CLAIM_VARIANTS };
extern const char *const claim_variant_names[CLAIM_VARIANTS];
struct claim_tree claim_draw_hierarchy(struct claim *claim, const struct claim_hierarchy *h,
                                       size_t trial, size_t variant);

/* Calls visit(context, number, X, atoms) for every data set of the data directory: the trees in
 * the order of their names (1000 samples in 24 dimensions, an atom per node), then the panels
 * (two atoms). */
enum { CLAIM_TREE_DIM = 24 };
void claim_data_sets(struct claim *claim, void *context,
                     void (*visit)(void *context, size_t number, const struct ndl_matrix *X,
                                   size_t atoms));

#endif

/* claim.h -- what every claim program shares: command line, results, errors.
 *
 * A claim program measures; the registry (src/claims/registry.txt) judges.  The
 * program writes its scalars to OUT/NAME.tsv, one per line,
 *
 *     key <tab> value <tab> tolerance <tab> meaning
 *
 * and its tables to OUT/NAME-TABLE.tsv.  `tolerance` says how well another
 * machine reproduces the value: |new - reference| <= tolerance * max(1, |reference|).
 * Use CLAIM_EXACT for counts and input, CLAIM_CONVERGED for what a converged
 * solver determines, CLAIM_ROUNDING for rounding errors and anything else that is
 * only ever compared with a bound, or a number of your own with a comment.
 *
 * NAME.tsv is written last, so that an interrupted run leaves no result that a
 * later run trusts; the seconds it took go to NAME.time.  These functions end the program on an error: 64 for usage,
 * 2 for data or run time, with one line on stderr. */
#ifndef CLAIM_H
#define CLAIM_H

#include <math.h>

#include "ndl.h"

#define CLAIM_EXACT 0.0
/* KKT residuals of 1e-9 with condition numbers up to 1e3 move a value by 1e-6. */
#define CLAIM_CONVERGED 1e-6
#define CLAIM_ROUNDING ((double)INFINITY)

struct claim; /* one per program */

/* Parses --seed, --data, --out, --help, --version.  `about` is the text of
 * --help: one paragraph and an example. */
struct claim *claim_begin(int argc, char **argv, const char *about);
uint64_t claim_seed(const struct claim *claim);
/* The path of a file in the data directory; valid until the next call. */
const char *claim_data(struct claim *claim, const char *file);
/* The random stream of a trial (see ndl_rng). */
gsl_rng *claim_rng(const struct claim *claim, uint64_t trial);

/* Records a scalar.  Keys are [a-z0-9_.]+ and used once. */
void claim_scalar(struct claim *claim, const char *key, double value, double tolerance, const char *meaning);

/* Opens the table OUT/NAME-table.tsv.  `columns` documents them, one per line:
 * "name unit tolerance meaning"; the tolerance is as for a scalar, a number or
 * inf.  Rows are then written with claim_row: as many doubles as columns. */
void claim_table(struct claim *claim, const char *table, const char *columns);
void claim_row(struct claim *claim, const double *values);
/* A blank line (gnuplot: a new curve). */
void claim_gap(struct claim *claim);

/* Ends the program with the library's message unless status is NDL_OK. */
void claim_must(const struct claim *claim, enum ndl_status status, const struct ndl_error *err);
/* A progress line on stderr if that is a terminal. */
void claim_progress(const struct claim *claim, size_t done, size_t total, const char *what);

/* Writes the scalars and frees everything; the exit status of main. */
int claim_end(struct claim *claim);

#endif

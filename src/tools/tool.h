/* tool.h -- what the command line tools share: options, numbers, errors, progress, outputs.
 *
 * Exit status: 0 done; 1 done, but short of the accuracy asked for; 2 bad input or a failure of
 * the system, nothing written; 64 usage.  Errors are one line "program: file: message" on
 * stderr.  If nobody reads standard output any more (| head), nothing is written and SIGPIPE
 * ends the program.
 *
 * A tool is a main that calls tool_begin, then a function that returns an ndl_status and frees
 * what it allocated, then returns tool_end. */
#ifndef TOOL_H
#define TOOL_H

#include <argp.h>
#include <cjson/cJSON.h>

#include "ndl/ndl.h"
#include "files/files.h"

enum { TOOL_SHORT = 1, TOOL_ERROR = 2, TOOL_USAGE = 64 };

/* ---------------------------------------------------------- command line */

/* Options every tool has; a tool lists tool_children in its argp and passes the
 * address of its struct tool_common down at ARGP_KEY_INIT:
 *     state->child_inputs[0] = &options->common; */
struct tool_common {
    int threads; /* --threads, default the processors we may run on */
    bool quiet;  /* --quiet: no progress */
};
extern const struct argp_child tool_children[];

/* Parses the command line (usage errors end the program with 64) and prepares the process. */
void tool_begin(int argc, char **argv, const struct argp *argp, void *options);

/* Numbers of the command line: the whole of `text`, finite and in range, or a usage error naming
 * the option. */
/* > 0 */
double tool_positive(const struct argp_state *state, const char *option, const char *text);
/* >= 0 */
double tool_nonnegative(const struct argp_state *state, const char *option, const char *text);
size_t tool_count(const struct argp_state *state, const char *option, const char *text,
                  size_t least, size_t most);

/* The one file of data a tool takes as its argument; a second one is a usage error. */
void tool_data(const struct argp_state *state, const char **data, const char *arg);

/* Reports a failure, checks that standard output arrived, and returns the exit status:
 * 0, 1 for NDL_NOCONV, 2 for all other failures. */
int tool_end(enum ndl_status status, struct ndl_error *err);

/* -------------------------------------------------------------- progress */

double tool_seconds(void); /* monotonic */

/* A line on stderr that the next one overwrites, if stderr is a terminal and the user did not
 * ask for quiet; at most ten a second are shown. */
void tool_progress(const struct tool_common *common, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Clears the line; the next one is shown at once. */
void tool_progress_end(const struct tool_common *common);
/* "3 s", "2 min", "1.5 h" or, if negative or NaN, "?"; valid until the next call. */
const char *tool_duration(double seconds);

/* --------------------------------------------------------------- outputs */

/* Several files that appear together or not at all.  Each is written under a hidden name beside
 * its own; tool_stage_commit renames them all.  A signal that ends the program (Ctrl-C) removes the
 * hidden ones first.  A program has one stage at a time. */
enum { TOOL_STAGE_FILES = 8 };
struct tool_stage {
    size_t count;
    char *path[TOOL_STAGE_FILES], *hidden[TOOL_STAGE_FILES];
    char *made; /* a directory that was not there before, or NULL */
};
/* Makes the directory and those above it; an existing one is fine, a new one goes if nothing
 * gets into it. */
enum ndl_status tool_stage_directory(struct tool_stage *stage, const char *path,
                                     struct ndl_error *err);
/* The hidden name under which to write `path` (same ending); valid until the stage ends.  Fails
 * with NDL_IO now, before the work, if `path` could not be written later. */
enum ndl_status tool_stage_add(struct tool_stage *stage, const char *path, const char **hidden,
                               struct ndl_error *err);
/* Flushes standard output, so print the report before: if that fails (NDL_IO), nothing appears.
 * Then renames; on failure what was not renamed yet is removed. */
enum ndl_status tool_stage_commit(struct tool_stage *stage, struct ndl_error *err);
/* Removes what was written and frees; after a commit only frees.  Call always.  A message in err
 * (empty if there is none) that names a hidden file names the real one afterwards. */
void tool_stage_end(struct tool_stage *stage, struct ndl_error *err);

/* ------------------------------------------------------------------ JSON */

/* Writes indented JSON to `path`, or to standard output if that is NULL.  NaN and Inf become null.
 * json may be NULL: no memory. */
enum ndl_status tool_json_write(const cJSON *json, const char *path, struct ndl_error *err);
/* {"program": ..., "version": ...}, to be deleted by the caller; NULL without memory. */
cJSON *tool_json_new(void);

/* ----------------------------------------------------------------- input */

/* Reads the dictionary D (K x d) and, unless bias_path is NULL, b (1 x d) for the data of
 * data_path, which have so many columns.  NDL_BADDATA if they do not fit or a row of D is zero,
 * naming the files. */
enum ndl_status tool_load_dictionary(struct ndl_matrix *D, const char *decoder_path,
                                     struct ndl_matrix *b, const char *bias_path,
                                     size_t data_columns, const char *data_path,
                                     struct ndl_error *err);
/* NDL_BADDATA unless codes of rows x cols belong to N samples and D. */
enum ndl_status tool_check_codes(size_t rows, size_t cols, const char *codes_path, size_t N,
                                 const char *data_path, const struct ndl_matrix *D,
                                 const char *decoder_path, struct ndl_error *err);

#endif

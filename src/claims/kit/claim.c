/* claim.c -- command line, result files, errors and data sets of the claim programs. */
#include "claim.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <glob.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern const char ndl_commit[];

enum { EXIT_DATA = 2, MAX_SCALARS = 1024, MAX_COLUMNS = 64 };

struct claim {
    const char *name;
    uint64_t seed;
    const char *data, *out;
    char path[4096]; /* what claim_data returned last */
    char *scalars;   /* the lines of NAME.tsv so far */
    FILE *scalar_stream;
    char *keys[MAX_SCALARS];
    size_t key_count;
    struct ndl_output table; /* the open table, if table.file */
    char table_name[128];
    size_t columns;
};

/* A table that is still open was not finished: nothing of it stays on the disk. */
static _Noreturn void die(const struct claim *claim, const char *message)
{
    struct ndl_output unfinished = claim->table;
    ndl_output_abandon(&unfinished);
    fprintf(stderr, "%s: %s\n", claim->name, message);
    exit(EXIT_DATA);
}

/* ---------------------------------------------------------- command line */

static const struct argp_option argp_options[] = {
    {"seed", 's', "N", 0, "seed of every random stream, 1 to 4294967295 (default 1)", 0},
    {"data", 'd', "DIR", 0, "where the data sets are (default datasets)", 0},
    {"out", 'o', "DIR", 0, "where the result files go (default build/results)", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct claim *claim = state->input;
    char *end;
    switch (key) {
    case 's':
        errno = 0;
        claim->seed = strtoull(arg, &end, 10);
        if (errno || *end || end == arg || arg[0] == '-' || claim->seed < 1 ||
            claim->seed > UINT32_MAX)
            argp_error(state, "--seed: '%s' is not a number from 1 to 4294967295", arg);
        return 0;
    case 'd':
        claim->data = arg;
        return 0;
    case 'o':
        claim->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_version(FILE *stream, struct argp_state *state)
{
    fprintf(stream, "%s (Sparse Optima) commit %s\n", state->name, ndl_commit);
}

/* Of all threads, user and system: what a busy machine changes least. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct claim *claim_begin(int argc, char **argv, const char *about)
{
    struct claim *claim = calloc(1, sizeof *claim);
    if (!claim)
        abort();
    *claim = (struct claim){.seed = 1, .data = "datasets", .out = "build/results"};
    const char *slash = strrchr(argv[0], '/');
    claim->name = slash ? slash + 1 : argv[0];
    argp_program_version_hook = print_version;
    argp_err_exit_status = 64;
    const struct argp argp = {.options = argp_options, .parser = parse_option, .doc = about};
    argp_parse(&argp, argc, argv, 0, NULL, claim);

    for (const char *slash_in = claim->out; slash_in;) { /* mkdir -p */
        slash_in = strchr(slash_in + 1, '/');
        size_t length = slash_in ? (size_t)(slash_in - claim->out) : strlen(claim->out);
        char *prefix = strndup(claim->out, length);
        if (prefix)
            mkdir(prefix, 0777); /* a failure shows when the first file is opened */
        free(prefix);
    }
    size_t size;
    claim->scalar_stream = open_memstream(&claim->scalars, &size);
    if (!claim->scalar_stream)
        die(claim, "no memory");
    return claim;
}

uint64_t claim_seed(const struct claim *claim)
{
    return claim->seed;
}

const char *claim_data(struct claim *claim, const char *file)
{
    snprintf(claim->path, sizeof claim->path, "%s/%s", claim->data, file);
    return claim->path;
}

gsl_rng *claim_rng(const struct claim *claim, uint64_t trial)
{
    gsl_rng *rng;
    struct ndl_error err;
    claim_check_status(claim, ndl_rng(&rng, claim->seed, trial, &err), &err);
    return rng;
}

/* --------------------------------------------------------------- results */

static struct ndl_output open_file(const struct claim *claim, const char *suffix)
{
    char path[4096];
    struct ndl_output out;
    struct ndl_error err;
    snprintf(path, sizeof path, "%s/%s%s", claim->out, claim->name, suffix);
    claim_check_status(claim, ndl_output_open(&out, path, &err), &err);
    return out;
}

static struct ndl_output open_result(const struct claim *claim, const char *suffix)
{
    struct ndl_output out = open_file(claim, suffix);
    fprintf(out.file, "# Sparse Optima result, format 1\n# program: %s\n# seed: %llu\n",
            claim->name, (unsigned long long)claim->seed);
    return out;
}

static void close_result(const struct claim *claim, struct ndl_output *out)
{
    struct ndl_error err;
    claim_check_status(claim, ndl_output_close(out, &err), &err);
}

static void write_scalar(struct claim *claim, const char *function, const char *key,
                         const struct claim_value *v)
{
    assert(key[0] && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(key));
    assert(claim->key_count < MAX_SCALARS && !strpbrk(v->meaning, "\t\n"));
    for (size_t i = 0; i < claim->key_count; i++)
        assert(strcmp(claim->keys[i], key) != 0);
    claim->keys[claim->key_count++] = strdup(key);
    fprintf(claim->scalar_stream, "%s\t%.17g\t%g\t%s\t%s\n", key, v->value, v->tolerance,
            v->meaning, function);
}

void claim_write_values(struct claim *claim, const char *function, const char *prefix,
                        const struct claim_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s%s%s", prefix ? prefix : "", prefix ? "." : "", values[i].key);
        write_scalar(claim, function, key, &values[i]);
    }
}

void claim_write_spread(struct claim *claim, const char *function, const char *key,
                        const double *values, size_t n, double tolerance, const char *meaning)
{
    static const char *const what[] = {"mean", "error", "min", "max"};
    const double value[] = {gsl_stats_mean(values, 1, n),
                            gsl_stats_sd(values, 1, n) / sqrt((double)n),
                            gsl_stats_min(values, 1, n), gsl_stats_max(values, 1, n)};
    for (size_t s = 0; s < 4; s++) {
        char text[256];
        snprintf(text, sizeof text, "%s: %s over the trials", meaning,
                 s == 1 ? "standard error" : what[s]);
        claim_write_values(claim, function, key,
                           &(struct claim_value){what[s], value[s], tolerance, text}, 1);
    }
}

void claim_table(struct claim *claim, const char *table, const char *columns)
{
    char suffix[256];
    if (claim->table.file)
        close_result(claim, &claim->table);
    snprintf(claim->table_name, sizeof claim->table_name, "%s", table);
    snprintf(suffix, sizeof suffix, "-%s.tsv", table);
    claim->table = open_result(claim, suffix);
    claim->columns = 0;
    for (const char *line = columns; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(claim->table.file, "# column %zu: %.*s\n", ++claim->columns, (int)length, line);
        line += length + (line[length] == '\n');
    }
    assert(claim->columns <= MAX_COLUMNS);
}

void claim_row_array(struct claim *claim, const double *values, size_t count)
{
    assert(claim->table.file);
    if (count != claim->columns) {
        char message[256];
        snprintf(message, sizeof message, "table '%s': expected %zu values in a row, given %zu",
                 claim->table_name, claim->columns, count);
        die(claim, message);
    }
    for (size_t j = 0; j < count; j++)
        fprintf(claim->table.file, "%.17g%c", values[j], j + 1 < count ? '\t' : '\n');
}

void claim_table_break(struct claim *claim)
{
    assert(claim->table.file);
    fputc('\n', claim->table.file);
}

void claim_check_status(const struct claim *claim, enum ndl_status status,
                        const struct ndl_error *err)
{
    if (status != NDL_OK)
        die(claim, err->text);
}

void claim_progress(const struct claim *claim, size_t done, size_t total, const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %zu of %zu %s%s", claim->name, done, total, what,
                done == total ? "\n" : "");
}

int claim_end(struct claim *claim)
{
    if (claim->table.file)
        close_result(claim, &claim->table);
    if (fclose(claim->scalar_stream) != 0)
        die(claim, "no memory");
    /* The time is no result: it goes to a file of its own, which nothing is compared with. */
    struct ndl_output out = open_file(claim, ".time");
    fprintf(out.file, "%.2f\n", processor_seconds());
    close_result(claim, &out);
    out = open_result(claim, ".tsv");
    fputs("# columns: key value tolerance meaning function\n", out.file);
    fputs(claim->scalars, out.file);
    close_result(claim, &out);
    for (size_t i = 0; i < claim->key_count; i++)
        free(claim->keys[i]);
    free(claim->scalars);
    free(claim);
    return 0;
}

/* ----------------------------------------------------------- the library */

struct ndl_matrix claim_matrix(const struct claim *claim, size_t rows, size_t cols)
{
    struct ndl_error err;
    struct ndl_matrix m;
    claim_check_status(claim, ndl_matrix_alloc(&m, rows, cols, &err), &err);
    return m;
}

struct ndl_matrix claim_copy(const struct claim *claim, const struct ndl_matrix *m)
{
    struct ndl_error err;
    struct ndl_matrix copy;
    claim_check_status(claim, ndl_matrix_copy(&copy, m, &err), &err);
    return copy;
}

struct ndl_matrix claim_dense(const struct claim *claim, const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    claim_check_status(claim, ndl_codes_to_dense(&Z, &m->Z, &err), &err);
    return Z;
}

struct ndl_matrix claim_residuals(const struct claim *claim, const struct ndl_matrix *X,
                                  const struct ndl_model *m)
{
    struct ndl_matrix R = claim_matrix(claim, X->rows, X->cols);
    for (size_t i = 0; i < X->rows; i++)
        ndl_residual(X, m, i, ndl_row(&R, i));
    return R;
}

struct ndl_matrix claim_synthetic(const struct claim *claim, const struct ndl_matrix *Z,
                                  const struct ndl_matrix *D)
{
    struct ndl_matrix X = claim_matrix(claim, Z->rows, D->cols);
    for (size_t i = 0; i < Z->rows; i++)
        for (size_t k = 0; k < D->rows; k++)
            ndl_axpy(D->cols, ndl_row(Z, i)[k], ndl_row(D, k), ndl_row(&X, i));
    return X;
}

struct ndl_matrix claim_repeat(const struct claim *claim, const struct ndl_matrix *kinds,
                               const double *weight, size_t samples, size_t *first)
{
    struct ndl_matrix X = claim_matrix(claim, samples, kinds->cols);
    size_t row = 0, surplus = 0;
    for (size_t e = 0; e < kinds->rows; e++) {
        first[e] = row;
        for (long n = lround(weight[e] * (double)samples); n > 0; n--)
            if (row < samples)
                memcpy(ndl_row(&X, row++), ndl_row(kinds, e), kinds->cols * sizeof *X.v);
            else
                surplus++;
    }
    if (row + surplus != samples) {
        struct ndl_error err;
        claim_check_status(claim,
                           ndl_fail(&err, NDL_BADDATA, "the weights make %zu samples, not %zu",
                                    row + surplus, samples),
                           &err);
    }
    return X;
}

struct ndl_model claim_model(const struct claim *claim, const struct ndl_matrix *D,
                             const struct ndl_matrix *b, const struct ndl_matrix *Z, double lambda)
{
    struct ndl_error err;
    struct ndl_model m = {.D = claim_copy(claim, D), .lambda = lambda, .bias = true};
    m.b = b ? claim_copy(claim, b) : claim_matrix(claim, 1, D->cols);
    claim_check_status(claim, ndl_codes_from_dense(&m.Z, Z, &err), &err);
    return m;
}

struct ndl_model claim_planar(const struct claim *claim, double cosine, const struct ndl_matrix *Z,
                              double lambda, struct ndl_matrix *X)
{
    double atoms[4] = {1, 0, cosine, sqrt(1 - cosine * cosine)};
    const struct ndl_matrix D = {2, 2, atoms};
    *X = claim_synthetic(claim, Z, &D);
    return claim_model(claim, &D, NULL, Z, lambda);
}

void claim_encode(const struct claim *claim, const struct ndl_matrix *X, struct ndl_model *m)
{
    struct ndl_error err;
    const struct ndl_encode_options exact = {.threads = 1};
    claim_check_status(claim, ndl_encode(X, &m->D, &m->b, m->lambda, &exact, &m->Z, NULL, &err),
                       &err);
}

struct ndl_model claim_model_encoded(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_matrix *D, const struct ndl_matrix *b,
                                     double lambda, bool bias)
{
    struct ndl_model m = {
        .D = claim_copy(claim, D), .b = claim_copy(claim, b), .lambda = lambda, .bias = bias};
    claim_encode(claim, X, &m);
    return m;
}

double claim_fit(const struct claim *claim, const struct ndl_matrix *X,
                 const struct ndl_fit_options *options, struct ndl_model *m, bool *converged)
{
    struct ndl_error err;
    struct ndl_fit_report report;
    enum ndl_status status = ndl_fit(X, options, m, &report, &err);
    if (converged)
        *converged = status == NDL_OK;
    if (!converged || status != NDL_NOCONV)
        claim_check_status(claim, status, &err);
    double loss = report.loss;
    ndl_fit_report_free(&report);
    return loss;
}

struct ndl_model claim_fit_random(const struct claim *claim, gsl_rng *rng,
                                  const struct ndl_matrix *X, size_t atoms, double lambda,
                                  bool bias, int starts, double *loss)
{
    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(atoms, lambda);
    options.bias = bias;
    options.starts = starts;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1000000);
    *loss = claim_fit(claim, X, &options, &m, NULL);
    return m;
}

struct ndl_model claim_fit_from(const struct claim *claim, const struct ndl_matrix *X,
                                const struct ndl_matrix *D0, double lambda, bool bias, double *loss)
{
    struct ndl_model m;
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, lambda);
    options.bias = bias;
    options.D0 = D0;
    *loss = claim_fit(claim, X, &options, &m, NULL);
    return m;
}

struct ndl_certificate claim_certify(const struct claim *claim, const struct ndl_matrix *X,
                                     const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_certificate c;
    claim_check_status(claim, ndl_certify(X, m, &c, &err), &err);
    return c;
}

double claim_wide_bound(const struct claim *claim, const struct ndl_matrix *X, double lambda,
                        bool bias, double *b)
{
    struct ndl_error err;
    double bound;
    claim_check_status(claim, ndl_wide_bound(X, lambda, bias, &bound, b, &err), &err);
    return bound;
}

struct ndl_model claim_fit_from_model(const struct claim *claim, const struct ndl_matrix *X,
                                      const struct ndl_model *start, double lambda, bool *converged)
{
    struct ndl_model end;
    struct ndl_fit_options options = ndl_fit_defaults(start->D.rows, lambda);
    options.D0 = &start->D;
    options.b0 = &start->b;
    options.tolerance = 1e-9;
    options.max_iterations = 20000;
    claim_fit(claim, X, &options, &end, converged);
    return end;
}

struct ndl_condition claim_condition(const struct claim *claim, const struct ndl_model *m, size_t j,
                                     size_t k, enum ndl_hull_method method, double slack)
{
    struct ndl_error err;
    struct ndl_condition c;
    claim_check_status(
        claim, ndl_condition_check(m, k, j == k ? NULL : &j, j != k, method, 0, slack, &c, &err),
        &err);
    return c;
}

double claim_margin(const struct ndl_condition *c)
{
    return isnan(c->margin) ? c->margin_l1 : c->margin;
}

double claim_change(const struct claim *claim, const struct ndl_matrix *X,
                    const struct ndl_model *m, const struct ndl_condition *c, double eps)
{
    struct ndl_error err;
    struct ndl_model moved;
    claim_check_status(claim, ndl_condition_step(m, c, eps, &moved, &err), &err);
    double change = (ndl_loss(X, &moved) - ndl_loss(X, m)) / ((double)X->rows * m->lambda);
    ndl_model_free(&moved);
    return change;
}

double claim_slope(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m,
                   const struct ndl_condition *c)
{
    const double h = 1e-4;
    return (4 * claim_change(claim, X, m, c, h) - claim_change(claim, X, m, c, 2 * h)) / (2 * h);
}

/* --------------------------------------------------------------- data sets */

struct claim_tree claim_draw_tree(struct claim *claim, const char *path, size_t samples, size_t dim,
                                  uint64_t stream)
{
    struct ndl_error err;
    struct claim_tree t;
    gsl_rng *rng = claim_rng(claim, stream);
    claim_check_status(claim, ndl_tree_read(&t.tree, path, &err), &err);
    claim_check_status(claim, ndl_tree_directions(t.tree, dim, rng, &t.D, &err), &err);
    claim_check_status(claim, ndl_tree_sample(t.tree, samples, rng, &t.Z, &err), &err);
    t.X = claim_synthetic(claim, &t.Z, &t.D);
    gsl_rng_free(rng);
    return t;
}

void claim_tree_free(struct claim_tree *t)
{
    ndl_tree_free(t->tree);
    ndl_matrix_free(&t->D);
    ndl_matrix_free(&t->Z);
    ndl_matrix_free(&t->X);
}

const struct claim_hierarchy claim_hierarchies[CLAIM_HIERARCHIES] = {
    {"toy", "dog.tree", 20, 400, 8}, {"wordnet", "wordnet-dog-small.tree", 3, 1500, 64}};

const char *const claim_variant_names[CLAIM_VARIANTS] = {"free", "locked"};

struct claim_tree claim_draw_hierarchy(struct claim *claim, const struct claim_hierarchy *h,
                                       size_t trial, size_t variant)
{
    struct claim_tree t =
        claim_draw_tree(claim, claim_data(claim, h->file), h->samples, h->dimension, trial);
    if (variant == CLAIM_FREE)
        return t;
    for (size_t e = 0; e < t.Z.rows * t.Z.cols; e++)
        t.Z.v[e] = t.Z.v[e] > 0;
    ndl_matrix_free(&t.X);
    t.X = claim_synthetic(claim, &t.Z, &t.D);
    return t;
}

size_t claim_tree_pairs(const struct claim *claim, const struct claim_tree *t,
                        struct claim_pair **pairs)
{
    size_t K = t->D.rows, count = 0;
    *pairs = calloc(K * K + 1, sizeof **pairs);
    if (!*pairs)
        die(claim, "no memory");
    for (size_t j = 0; j < K; j++)
        for (size_t k = ndl_tree_node(t->tree, j)->parent;
             k != SIZE_MAX && ndl_column_mean(&t->Z, j) > 0; k = ndl_tree_node(t->tree, k)->parent)
            (*pairs)[count++] = (struct claim_pair){j, k};
    return count;
}

struct ndl_model claim_tree_fit(const struct claim *claim, const struct claim_tree *t,
                                double lambda, const struct ndl_matrix *D0,
                                const struct ndl_matrix *b0)
{
    struct ndl_model m;
    struct ndl_matrix zeros = claim_matrix(claim, 1, t->X.cols);
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, lambda);
    bool converged;
    options.D0 = D0;
    options.b0 = b0 ? b0 : &zeros;
    claim_fit(claim, &t->X, &options, &m, &converged);
    ndl_matrix_free(&zeros);
    return m;
}

void claim_data_sets(struct claim *claim, void *context,
                     void (*visit)(void *context, size_t number, const struct ndl_matrix *X,
                                   size_t atoms))
{
    glob_t files;
    if (glob(claim_data(claim, "*.tree"), 0, NULL, &files) != 0 ||
        glob(claim_data(claim, "panels/[A-Z].tsv"), GLOB_APPEND, NULL, &files) != 0)
        die(claim, "no *.tree or no panels/*.tsv in the data directory");
    for (size_t f = 0; f < files.gl_pathc; f++) {
        struct ndl_error err;
        if (strstr(files.gl_pathv[f], ".tree")) {
            struct claim_tree t =
                claim_draw_tree(claim, files.gl_pathv[f], 1000, CLAIM_TREE_DIM, 0);
            visit(context, f, &t.X, t.D.rows);
            claim_tree_free(&t);
        } else {
            struct ndl_matrix X;
            claim_check_status(claim, ndl_tsv_read(&X, files.gl_pathv[f], &err), &err);
            visit(context, f, &X, 2);
            ndl_matrix_free(&X);
        }
        claim_progress(claim, f + 1, files.gl_pathc, "data sets");
    }
    globfree(&files);
}

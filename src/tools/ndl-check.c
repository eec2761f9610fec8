/* ndl-check.c -- which pairs of features of a dictionary break the optimality conditions?
 *
 * Codes Z (N x K) and a decoder D (K x d) from anywhere.  For all K(K-1) ordered pairs of
 * features (j, k), exactly: is m_j (1 - d_j.d_k) between the least and the greatest z_j
 * over the samples where k is off (theory: ndl_audit.h)?  An optimum of nonnegative L1
 * dictionary learning needs it; a pair that breaks it comes with a direction that lowers
 * the loss, and says what is wrong: a hierarchy about to be absorbed, a feature in two
 * pieces.  Codes are streamed, shard by shard.
 *
 * Prints a summary and the worst pairs (--json: for machines); --out writes the pairs,
 * --plot draws them.  Exit status: 0 audit done, whatever it found; 1 something is violated
 * and --fail-on-violation was given; 2 bad input, and then no output; 64 usage. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pairs.h"

/* ------------------------------------------------------------ command line */

enum { EXIT_VIOLATED = 1 };

enum {
    KEY_CODES = 256,
    KEY_DECODER,
    KEY_SAE,
    KEY_ACTIVATIONS,
    KEY_BIAS,
    KEY_NO_BIAS,
    KEY_TOLERANCE,
    KEY_NEAR,
    KEY_HULL,
    KEY_TOP,
    KEY_OUT,
    KEY_ALL,
    KEY_JSON,
    KEY_PLOT,
    KEY_FAIL,
    KEY_MEMORY,
    KEY_SPILL
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "Input", 1},
    {"codes", KEY_CODES, "FILE", 0, "codes, CSR .npz or dense; further FILEs are more samples", 1},
    {"decoder", KEY_DECODER, "FILE", 0, "decoder, one row per feature", 1},
    {"sae", KEY_SAE, "DIR", 0, "an SAE saved by SAELens instead, with --activations", 1},
    {"activations", KEY_ACTIVATIONS, "FILE", 0,
     "activations to encode; further FILEs are more samples", 1},
    {0, 0, 0, 0, "Conditions", 2},
    {"bias", KEY_BIAS, 0, 0, "the model has a free bias (default)", 2},
    {"no-bias", KEY_NO_BIAS, 0, 0, "the model has no bias", 2},
    {"tolerance", KEY_TOLERANCE, "T", 0, "slack of the condition, in ztilde units (1e-9)", 2},
    {"near", KEY_NEAR, "SHARE", 0,
     "nearly hierarchical: support of at most this share of j's samples (0.01)", 2},
    {"hull", KEY_HULL, "K[:J,J...]", 0,
     "also test K against all others (at most 500), or these, together", 2},
    {0, 0, 0, 0, "Output", 3},
    {"top", KEY_TOP, "N", 0, "print the worst N pairs (20)", 3},
    {"out", KEY_OUT, "FILE", 0, "write the violated and nearly hierarchical pairs as TSV", 3},
    {"all", KEY_ALL, 0, 0, "with --out: write all K(K-1) pairs", 3},
    {"plot", KEY_PLOT, "FILE", 0, "draw margin against co-occurrence as SVG", 3},
    {"json", KEY_JSON, 0, 0, "print JSON", 3},
    {"fail-on-violation", KEY_FAIL, 0, 0, "exit with 1 if something is violated", 3},
    {0, 0, 0, 0, "Resources", 4},
    {"memory", KEY_MEMORY, "GIB", 0, "memory the audit may hold (4); beyond it, temporary files",
     4},
    {"spill", KEY_SPILL, "DIR", 0, "where those are ($TMPDIR or /var/tmp)", 4},
    {0}};

static void add_input(struct check *c, const char *path, struct argp_state *state)
{
    const char **more = reallocarray(c->input, c->inputs + 1, sizeof *more);
    if (!more)
        argp_failure(state, TOOL_ERROR, 0, "no memory");
    c->input = more;
    c->input[c->inputs++] = path;
}

/* GiB to bytes. */
static size_t memory_size(struct argp_state *state, const char *arg)
{
    double bytes = 0x1p30 * tool_positive(state, "--memory", arg);
    if (bytes < 0x1p20 || bytes > 0x1p60)
        argp_error(state, "--memory: '%s' is not from 0.001 to 2^30 GiB", arg);
    return (size_t)bytes;
}

static double share(struct argp_state *state, const char *arg)
{
    double value = tool_nonnegative(state, "--near", arg);
    if (value >= 1)
        argp_error(state, "--near: '%s' is not a share below 1", arg);
    return value;
}

static void check_arguments(const struct check *c, struct argp_state *state)
{
    if (!(c->codes && c->decoder && !c->sae && !c->activations) &&
        !(c->sae && c->activations && !c->codes && !c->decoder))
        argp_error(state, "give either --codes and --decoder or --sae and --activations");
    if (c->all && !c->out)
        argp_error(state, "--all needs --out");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct check *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &c->common;
        return 0;
    case KEY_CODES:
        c->codes = true;
        add_input(c, arg, state);
        return 0;
    case KEY_ACTIVATIONS:
        c->activations = true;
        add_input(c, arg, state);
        return 0;
    case ARGP_KEY_ARG:
        add_input(c, arg, state);
        return 0;
    case KEY_DECODER:
        c->decoder = arg;
        return 0;
    case KEY_SAE:
        c->sae = arg;
        return 0;
    case KEY_BIAS:
        c->audit.bias = true;
        return 0;
    case KEY_NO_BIAS:
        c->audit.bias = false;
        return 0;
    case KEY_TOLERANCE:
        c->audit.tolerance = tool_nonnegative(state, "--tolerance", arg);
        return 0;
    case KEY_NEAR:
        c->audit.near = share(state, arg);
        return 0;
    case KEY_HULL:
        hulls_add(&c->hulls, state, arg);
        return 0;
    case KEY_TOP:
        c->top = tool_count(state, "--top", arg, 0, SIZE_MAX);
        return 0;
    case KEY_OUT:
        c->out = arg;
        return 0;
    case KEY_ALL:
        c->all = true;
        return 0;
    case KEY_PLOT:
        c->plot = arg;
        return 0;
    case KEY_JSON:
        c->json = true;
        return 0;
    case KEY_FAIL:
        c->fail_on_violation = true;
        return 0;
    case KEY_MEMORY:
        c->audit.memory = memory_size(state, arg);
        return 0;
    case KEY_SPILL:
        c->audit.spill = c->spill = arg;
        return 0;
    case ARGP_KEY_END:
        check_arguments(c, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[FILE...]",
    .children = tool_children,
    .doc = "Audits all pairs of features of a sparse dictionary or SAE, exactly, for the "
           "conditions that an optimum "
           "satisfies: which pairs break them, which look like a hierarchy about to be absorbed?\v"
           "Example: ndl-check --codes Z.npz --decoder sae.safetensors:W_dec --out pairs.tsv"};

/* ----------------------------------------------------------------- reading */

static enum ndl_status add(struct check *c, const struct ndl_codes *block, struct ndl_error *err)
{
    enum ndl_status status = ndl_audit_add(c->auditor, block, err);
    return status == NDL_OK && c->hulls.count > 0 ? hulls_keep(&c->hulls, block, err) : status;
}

enum { BLOCK_ROWS = 8192 };
static const char transposed[] = " (transposed? NAME.T of .npz and .safetensors)";

static enum ndl_status add_codes(struct check *c, const char *path, struct ndl_error *err)
{
    struct ndl_codes_reader *reader;
    const struct ndl_codes *block;
    enum ndl_status status = ndl_codes_open(&reader, path, err);
    if (status != NDL_OK)
        return status;
    size_t rows = ndl_codes_rows(reader), K = ndl_codes_cols(reader), done = 0;
    if (K != c->D.rows)
        status = ndl_fail(err, NDL_BADDATA, "%s: codes of %zu features, but %s has %zu rows%s",
                          path, K, c->decoder, c->D.rows, K == c->D.cols ? transposed : "");
    while (status == NDL_OK) {
        status = ndl_codes_next(reader, BLOCK_ROWS, &block, err);
        if (status != NDL_OK || !block)
            break;
        status = add(c, block, err);
        done += block->rows;
        tool_progress(&c->common, "%s: %zu of %zu samples", path, done, rows);
    }
    ndl_codes_close(reader);
    return status;
}

static enum ndl_status add_activations(struct check *c, const char *path, struct ndl_error *err)
{
    struct ndl_array_view X;
    enum ndl_status status = ndl_view_open(&X, path, false, err);
    if (status == NDL_OK && X.cols != c->weights.d)
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu columns, but %s encodes %zu%s", path, X.cols,
                          c->sae, c->weights.d, X.rows == c->weights.d ? transposed : "");
    for (size_t first = 0, last; status == NDL_OK && first < X.rows; first = last) {
        struct ndl_codes block;
        last = X.rows - first > BLOCK_ROWS ? first + BLOCK_ROWS : X.rows;
        status = ndl_sae_encode(&c->weights, &X, first, last, c->common.threads, &block, err);
        if (status == NDL_OK)
            status = add(c, &block, err);
        ndl_codes_free(&block);
        tool_progress(&c->common, "%s: %zu of %zu samples", path, last, X.rows);
    }
    ndl_view_close(&X);
    return status;
}

static enum ndl_status load_decoder(struct check *c, struct ndl_error *err)
{
    if (!c->sae)
        return ndl_load_matrix(&c->D, c->decoder, err);
    enum ndl_status status = ndl_sae_load(&c->weights, c->sae, err);
    return status == NDL_OK ? ndl_matrix_copy(&c->D, &c->weights.W_dec, err) : status;
}

/* Features are rows of the decoder: it is the file to name if one of them cannot be audited. */
static enum ndl_status finish_audit(struct check *c, struct ndl_error *err)
{
    struct ndl_error inner = {0};
    enum ndl_status status = ndl_audit_finish(c->auditor, &c->report, &inner);
    if (status == NDL_BADDATA)
        return ndl_fail(err, status, "%s: %s", decoder_name(c), inner.text);
    *err = inner;
    return status;
}

/* Reads everything and audits it. */
static enum ndl_status audit(struct check *c, struct ndl_error *err)
{
    c->audit.threads = c->common.threads;
    enum ndl_status status = load_decoder(c, err);
    if (status == NDL_OK && c->hulls.count > 0)
        status = hulls_place(c, err);
    if (status == NDL_OK)
        status = ndl_audit_new(&c->auditor, &c->D, &c->audit, err);
    for (size_t q = 0; status == NDL_OK && q < c->inputs; q++)
        status = (c->sae ? add_activations : add_codes)(c, c->input[q], err);
    tool_progress(&c->common, "auditing the pairs");
    if (status == NDL_OK)
        status = finish_audit(c, err);
    tool_progress_end(&c->common);
    if (status == NDL_OK) {
        c->worst = pairs_worst_first(&c->report, &c->worst_count);
        status = c->worst ? NDL_OK : ndl_fail(err, NDL_NOMEM, "no memory");
    }
    return status;
}

/* -------------------------------------------------------------------- main */

static enum ndl_status print_report(const struct check *c, struct ndl_error *err)
{
    if (c->json)
        return print_json(c, err);
    print_text(c);
    return NDL_OK;
}

/* A directory that was named must be there, needed or not; the default only if needed. */
static enum ndl_status check_spill(const struct check *c, struct ndl_error *err)
{
    struct stat info;
    if (!c->spill)
        return NDL_OK;
    errno = 0;
    if (stat(c->spill, &info) == 0)
        errno = !S_ISDIR(info.st_mode) ? ENOTDIR : access(c->spill, W_OK | X_OK) == 0 ? 0 : errno;
    return errno == 0 ? NDL_OK : ndl_fail(err, NDL_IO, "%s: %s", c->spill, strerror(errno));
}

/* Outputs appear last, when nothing can fail any more. */
static enum ndl_status run(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = check_spill(c, err);
    if (status == NDL_OK)
        status = files_open(c, err);
    if (status == NDL_OK)
        status = audit(c, err);
    if (status == NDL_OK)
        status = files_write(c, err);
    ndl_audit_free(c->auditor);
    if (status == NDL_OK)
        status = hulls_check(c, err);
    if (status == NDL_OK)
        status = print_report(c, err);
    if (status == NDL_OK)
        status = tool_stage_commit(&c->stage, err);
    ndl_output_abandon(&c->tsv);
    ndl_output_abandon(&c->svg);
    tool_stage_end(&c->stage, err);
    return status;
}

static bool anything_violated(const struct check *c)
{
    bool violated = c->report.violated > 0 || c->report.violated_always_on > 0;
    for (size_t h = 0; h < c->hulls.count; h++)
        violated = violated || !(c->hulls.list[h].dead || c->hulls.list[h].condition.holds);
    return violated;
}

static void free_check(struct check *c)
{
    hulls_free(&c->hulls);
    free(c->input);
    free(c->worst);
    ndl_sae_free(&c->weights);
    ndl_matrix_free(&c->D);
    ndl_audit_report_free(&c->report);
    plot_free(c->drawing);
}

int main(int argc, char **argv)
{
    struct check c = {.top = 20, .audit = ndl_audit_defaults(true)};
    struct ndl_error err = {0};
    c.audit.spill = getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp";
    tool_begin(argc, argv, &argp, &c);
    int exit_status = tool_end(run(&c, &err), &err);
    if (exit_status == EXIT_SUCCESS && c.fail_on_violation && anything_violated(&c))
        exit_status = EXIT_VIOLATED;
    free_check(&c);
    return exit_status;
}

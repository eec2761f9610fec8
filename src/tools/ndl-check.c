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
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ndl_audit.h"
#include "pairs.h"
#include "plot.h"
#include "tool.h"

/* ------------------------------------------------------------ command line */

/* --hull k[:j,j,...]: the K-feature condition of k, against all others or those j. */
struct hull {
    size_t k, *J, count; /* J = NULL: all live features but k */
    struct ndl_condition condition; /* zero if k is dead */
};

/* Others that --hull K takes unless told which.  A satisfied condition costs two linear programs per feature, each
 * over the samples with k off: with 20,000 of them 50, 100 and 200 others took one processor 1-3, 10-14 and 80 s. */
enum { HULL_OTHERS = 100 };

struct check {
    struct tool_common common;
    const char **input; /* shards of codes, or of activations with --sae */
    size_t inputs;
    bool codes, activations; /* which of the two was given */
    const char *decoder, *sae, *out, *plot;
    size_t top;
    bool all, json, fail_on_violation;
    const char *spill; /* as given */
    struct ndl_audit_options audit;
    struct hull *hull;
    size_t hulls;

    struct ndl_sae weights; /* with --sae */
    struct ndl_matrix D;    /* as given */
    struct ndl_codes kept;  /* for --hull: the codes of the features of `place` */
    size_t kept_room;       /* entries allocated in it */
    size_t *place;          /* K: column in `kept`, or SIZE_MAX */
    struct ndl_audit *auditor;
    struct ndl_audit_report report;
    const struct ndl_audit_pair **worst; /* the listed pairs with k sometimes off */
    size_t worst_count;
    struct tool_stage stage;
    struct ndl_output tsv, svg;
    struct plot *drawing; /* NULL without --plot */
};

enum { EXIT_VIOLATED = 1 };

enum {
    KEY_CODES = 256, KEY_DECODER, KEY_SAE, KEY_ACTIVATIONS, KEY_BIAS, KEY_NO_BIAS, KEY_TOLERANCE, KEY_NEAR,
    KEY_HULL, KEY_TOP, KEY_OUT, KEY_ALL, KEY_JSON, KEY_PLOT, KEY_FAIL, KEY_MEMORY, KEY_SPILL
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "Input", 1},
    {"codes", KEY_CODES, "FILE", 0, "codes, CSR .npz or dense; further FILEs are more samples", 1},
    {"decoder", KEY_DECODER, "FILE", 0, "decoder, one row per feature", 1},
    {"sae", KEY_SAE, "DIR", 0, "an SAE saved by SAELens instead, with --activations", 1},
    {"activations", KEY_ACTIVATIONS, "FILE", 0, "activations to encode; further FILEs are more samples", 1},
    {0, 0, 0, 0, "Conditions", 2},
    {"bias", KEY_BIAS, 0, 0, "the model has a free bias (default)", 2},
    {"no-bias", KEY_NO_BIAS, 0, 0, "the model has no bias", 2},
    {"tolerance", KEY_TOLERANCE, "T", 0, "slack of the condition, in ztilde units (1e-9)", 2},
    {"near", KEY_NEAR, "SHARE", 0, "nearly hierarchical: support of at most this share of j's samples (0.01)", 2},
    {"hull", KEY_HULL, "K[:J,J...]", 0, "also test K against all others (at most 100), or these, together", 2},
    {0, 0, 0, 0, "Output", 3},
    {"top", KEY_TOP, "N", 0, "print the worst N pairs (20)", 3},
    {"out", KEY_OUT, "FILE", 0, "write the violated and nearly hierarchical pairs as TSV", 3},
    {"all", KEY_ALL, 0, 0, "with --out: write all K(K-1) pairs", 3},
    {"plot", KEY_PLOT, "FILE", 0, "draw margin against co-occurrence as SVG", 3},
    {"json", KEY_JSON, 0, 0, "print JSON", 3},
    {"fail-on-violation", KEY_FAIL, 0, 0, "exit with 1 if something is violated", 3},
    {0, 0, 0, 0, "Resources", 4},
    {"memory", KEY_MEMORY, "GIB", 0, "memory the audit may hold (4); beyond it, temporary files", 4},
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

static void add_hull(struct check *c, char *arg, struct argp_state *state)
{
    struct hull hull = {0};
    char *list = strchr(arg, ':');
    if (list)
        *list++ = '\0';
    hull.k = tool_count(state, "--hull", arg, 0, UINT32_MAX);
    for (char *number; (number = strsep(&list, ",")); ) {
        size_t *more = reallocarray(hull.J, hull.count + 1, sizeof *more);
        if (!more)
            argp_failure(state, TOOL_ERROR, 0, "no memory");
        hull.J = more;
        hull.J[hull.count++] = tool_count(state, "--hull", number, 0, UINT32_MAX);
    }
    for (size_t q = 0; q < hull.count; q++)
        for (size_t p = 0; p <= q; p++)
            if (hull.J[q] == (p < q ? hull.J[p] : hull.k))
                argp_error(state, "--hull: feature %zu stands twice", hull.J[q]);
    struct hull *more = reallocarray(c->hull, c->hulls + 1, sizeof *more);
    if (!more)
        argp_failure(state, TOOL_ERROR, 0, "no memory");
    c->hull = more;
    c->hull[c->hulls++] = hull;
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
    case ARGP_KEY_INIT: state->child_inputs[0] = &c->common; return 0;
    case KEY_CODES: c->codes = true; add_input(c, arg, state); return 0;
    case KEY_ACTIVATIONS: c->activations = true; add_input(c, arg, state); return 0;
    case ARGP_KEY_ARG: add_input(c, arg, state); return 0;
    case KEY_DECODER: c->decoder = arg; return 0;
    case KEY_SAE: c->sae = arg; return 0;
    case KEY_BIAS: c->audit.bias = true; return 0;
    case KEY_NO_BIAS: c->audit.bias = false; return 0;
    case KEY_TOLERANCE: c->audit.tolerance = tool_nonnegative(state, "--tolerance", arg); return 0;
    case KEY_NEAR: c->audit.near = share(state, arg); return 0;
    case KEY_HULL: add_hull(c, arg, state); return 0;
    case KEY_TOP: c->top = tool_count(state, "--top", arg, 0, SIZE_MAX); return 0;
    case KEY_OUT: c->out = arg; return 0;
    case KEY_ALL: c->all = true; return 0;
    case KEY_PLOT: c->plot = arg; return 0;
    case KEY_JSON: c->json = true; return 0;
    case KEY_FAIL: c->fail_on_violation = true; return 0;
    case KEY_MEMORY: c->audit.memory = memory_size(state, arg); return 0;
    case KEY_SPILL: c->audit.spill = c->spill = arg; return 0;
    case ARGP_KEY_END: check_arguments(c, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options, .parser = parse_option, .args_doc = "[FILE...]", .children = tool_children,
    .doc = "Audits all pairs of features of a sparse dictionary or SAE, exactly, for the conditions that an optimum "
           "satisfies: which pairs break them, which look like a hierarchy about to be absorbed?\v"
           "Example: ndl-check --codes Z.npz --decoder sae.safetensors:W_dec --out pairs.tsv"};

/* ----------------------------------------------------------------- reading */

static enum ndl_status no_memory(struct ndl_error *err)
{
    return ndl_fail(err, NDL_NOMEM, "no memory");
}

static const char *decoder_name(const struct check *c)
{
    return c->sae ? c->sae : c->decoder;
}

static enum ndl_status place_one(struct check *c, size_t k, struct ndl_error *err)
{
    if (k >= c->D.rows)
        return ndl_fail(err, NDL_BADDATA, "--hull: there is no feature %zu, %s has %zu (from 0)", k, decoder_name(c),
                        c->D.rows);
    c->place[k] = 1;
    return NDL_OK;
}

/* The feature numbers of --hull exist and are not too many, and `place` says where `kept` holds them. */
static enum ndl_status place_features(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    size_t K = c->D.rows, places = 0;
    c->place = calloc(K, sizeof *c->place);
    if (!c->place)
        return no_memory(err);
    for (size_t h = 0; h < c->hulls; h++) {
        const struct hull *hull = &c->hull[h];
        status = place_one(c, hull->k, err);
        if (status == NDL_OK && !hull->J && K - 1 > HULL_OTHERS)
            status = ndl_fail(err, NDL_BADDATA,
                              "--hull %zu: %zu other features are more than %d; name some: --hull %zu:J,J,...", hull->k,
                              K - 1, HULL_OTHERS, hull->k);
        for (size_t q = 0; status == NDL_OK && q < (hull->J ? hull->count : K); q++)
            status = place_one(c, hull->J ? hull->J[q] : q, err);
        if (status != NDL_OK)
            return status;
    }
    for (size_t k = 0; k < K; k++)
        c->place[k] = c->place[k] ? places++ : SIZE_MAX;
    return ndl_codes_alloc(&c->kept, 0, places, 0, err);
}

/* Makes room in `kept` for more rows and entries. */
static enum ndl_status reserve(struct check *c, size_t rows, size_t entries, struct ndl_error *err)
{
    struct ndl_codes *kept = &c->kept;
    size_t need = kept->start[kept->rows] + entries;
    size_t *start = reallocarray(kept->start, kept->rows + rows + 1, sizeof *start);
    if (!start)
        return no_memory(err);
    kept->start = start;
    if (need <= c->kept_room)
        return NDL_OK;
    uint32_t *atom = reallocarray(kept->atom, need + need / 2, sizeof *atom);
    if (atom)
        kept->atom = atom;
    double *value = reallocarray(kept->value, need + need / 2, sizeof *value);
    if (value)
        kept->value = value;
    if (!atom || !value)
        return no_memory(err);
    c->kept_room = need + need / 2;
    return NDL_OK;
}

/* Appends the placed features of a block to `kept`. */
static enum ndl_status keep(struct check *c, const struct ndl_codes *block, struct ndl_error *err)
{
    struct ndl_codes *kept = &c->kept;
    enum ndl_status status = reserve(c, block->rows, block->start[block->rows] - block->start[0], err);
    if (status != NDL_OK)
        return status;
    size_t n = kept->start[kept->rows];
    for (size_t i = 0; i < block->rows; i++) {
        for (size_t e = block->start[i]; e < block->start[i + 1]; e++) {
            size_t place = c->place[block->atom[e]];
            if (place == SIZE_MAX)
                continue;
            kept->atom[n] = (uint32_t)place;
            kept->value[n++] = block->value[e];
        }
        kept->start[++kept->rows] = n;
    }
    return NDL_OK;
}

static enum ndl_status add(struct check *c, const struct ndl_codes *block, struct ndl_error *err)
{
    enum ndl_status status = ndl_audit_add(c->auditor, block, err);
    return status == NDL_OK && c->hulls > 0 ? keep(c, block, err) : status;
}

enum { BLOCK_ROWS = 8192 };

static enum ndl_status add_codes(struct check *c, const char *path, struct ndl_error *err)
{
    struct ndl_codes_reader *reader;
    const struct ndl_codes *block;
    enum ndl_status status = ndl_codes_open(&reader, path, err);
    if (status != NDL_OK)
        return status;
    size_t rows = ndl_codes_rows(reader), K = ndl_codes_cols(reader), done = 0;
    if (K != c->D.rows)
        status = ndl_fail(err, NDL_BADDATA, "%s: codes of %zu features, but %s has %zu rows%s", path, K, c->decoder,
                          c->D.rows, K == c->D.cols ? " (transposed? NAME.T of .npz and .safetensors)" : "");
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
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu columns, but %s encodes %zu", path, X.cols, c->sae, c->weights.d);
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

/* Reads everything and audits it. */
static enum ndl_status audit(struct check *c, struct ndl_error *err)
{
    c->audit.threads = c->common.threads;
    enum ndl_status status = load_decoder(c, err);
    if (status == NDL_OK && c->hulls > 0)
        status = place_features(c, err);
    if (status == NDL_OK)
        status = ndl_audit_new(&c->auditor, &c->D, &c->audit, err);
    for (size_t q = 0; status == NDL_OK && q < c->inputs; q++)
        status = (c->sae ? add_activations : add_codes)(c, c->input[q], err);
    tool_progress(&c->common, "auditing the pairs");
    if (status == NDL_OK)
        status = ndl_audit_finish(c->auditor, &c->report, err);
    tool_progress_end(&c->common);
    if (status == NDL_OK) {
        c->worst = pairs_worst_first(&c->report, &c->worst_count);
        status = c->worst ? NDL_OK : no_memory(err);
    }
    return status;
}

/* ------------------------------------------------- the K-feature condition */

static bool is_dead(const struct check *c, size_t k)
{
    return c->report.fires[k] == 0;
}

static double norm_of(const double *x, size_t n)
{
    double norm = 0;
    for (size_t i = 0; i < n; i++)
        norm = hypot(norm, x[i]);
    return norm;
}

/* The kept features as a model with unit atoms, codes rescaled (it borrows `kept`).  A row of
 * zeros can only belong to a dead feature: any unit vector will do. */
static enum ndl_status hull_model(struct check *c, struct ndl_model *model, struct ndl_error *err)
{
    *model = (struct ndl_model){.Z = c->kept, .lambda = 1, .bias = c->audit.bias};
    double *norm = calloc(c->kept.cols, sizeof *norm);
    enum ndl_status status = ndl_matrix_alloc(&model->D, c->kept.cols, c->D.cols, err);
    if (status != NDL_OK || !norm) {
        free(norm);
        return status == NDL_OK ? no_memory(err) : status;
    }
    for (size_t k = 0; k < c->D.rows; k++) {
        if (c->place[k] == SIZE_MAX)
            continue;
        const double *from = ndl_row(&c->D, k);
        double *to = ndl_row(&model->D, c->place[k]);
        norm[c->place[k]] = norm_of(from, c->D.cols);
        for (size_t i = 0; i < c->D.cols; i++)
            to[i] = norm[c->place[k]] > 0 ? from[i] / norm[c->place[k]] : i == 0;
    }
    for (size_t e = 0; e < c->kept.start[c->kept.rows]; e++)
        c->kept.value[e] *= norm[c->kept.atom[e]];
    free(norm);
    return NDL_OK;
}

/* Checks one request; feature numbers in its condition are then those of the decoder. */
static enum ndl_status check_hull(const struct check *c, const struct ndl_model *model, const size_t *feature,
                                  struct hull *hull, struct ndl_error *err)
{
    size_t count = hull->J ? hull->count : c->report.live, bytes;
    size_t off = c->report.samples - c->report.fires[hull->k];
    if (__builtin_mul_overflow(off, count * sizeof(double), &bytes) || bytes > c->audit.memory)
        return ndl_fail(err, NDL_NOMEM,
                        "--hull %zu: %zu samples by %zu features exceed --memory; choose features, %zu:J,J,...",
                        hull->k, off, count, hull->k);
    for (size_t q = 0; q < hull->count; q++)
        if (c->report.fires[hull->J[q]] == 0)
            return ndl_fail(err, NDL_BADDATA, "--hull %zu: feature %zu never fires", hull->k, hull->J[q]);
    size_t *J = calloc(hull->count + 1, sizeof *J);
    if (!J)
        return no_memory(err);
    for (size_t q = 0; q < hull->count; q++)
        J[q] = c->place[hull->J[q]];
    enum ndl_status status = ndl_condition_check(model, c->place[hull->k], hull->J ? J : NULL, hull->count, NDL_AUTO, 0,
                                                 c->audit.tolerance, &hull->condition, err);
    for (size_t q = 0; status == NDL_OK && q < hull->condition.count; q++)
        hull->condition.J[q] = feature[hull->condition.J[q]];
    hull->condition.k = hull->k;
    free(J);
    return status;
}

static enum ndl_status check_hulls(struct check *c, struct ndl_error *err)
{
    if (c->hulls == 0)
        return NDL_OK;
    struct ndl_model model = {0};
    size_t *feature = calloc(c->kept.cols, sizeof *feature);
    enum ndl_status status = feature ? hull_model(c, &model, err) : no_memory(err);
    for (size_t k = 0; feature && k < c->D.rows; k++)
        if (c->place[k] != SIZE_MAX)
            feature[c->place[k]] = k;
    for (size_t h = 0; status == NDL_OK && h < c->hulls; h++) {
        struct hull *hull = &c->hull[h];
        if (is_dead(c, hull->k))
            continue;
        tool_progress(&c->common, "hull %zu of %zu: feature %zu against %zu others", h + 1, c->hulls, hull->k,
                      hull->J ? hull->count : c->report.live - 1);
        status = check_hull(c, &model, feature, hull, err);
        tool_progress_end(&c->common);
    }
    ndl_matrix_free(&model.D);
    free(feature);
    return status;
}

/* ------------------------------------------------------------------- files */

static enum ndl_status open_output(struct check *c, struct ndl_output *out, const char *path, struct ndl_error *err)
{
    const char *hidden;
    if (!path)
        return NDL_OK;
    enum ndl_status status = tool_stage_add(&c->stage, path, &hidden, err);
    return status == NDL_OK ? ndl_output_open(out, hidden, err) : status;
}

static bool visit(void *context, const struct ndl_audit_pair *pairs, size_t count)
{
    struct check *c = context;
    for (size_t q = 0; q < count; q++) {
        if (c->all)
            pair_write(&pairs[q], c->tsv.file);
        if (c->drawing)
            plot_add(c->drawing, &c->report, &pairs[q]);
    }
    return !(c->all && ferror(c->tsv.file)); /* a full disk: no need to go on */
}

static void write_header(const struct check *c)
{
    FILE *out = c->tsv.file;
    fprintf(out, "# ndl-check pairs, format 1: %s\n",
            c->all ? "all pairs of features, in order of j and k"
                   : "the violated and the nearly hierarchical pairs of features, worst first");
    if (!c->all && c->report.violated_always_on > 0)
        fprintf(out, "# the last %zu: pairs whose k is always on, which is one fact about k\n",
                c->report.violated_always_on);
    fprintf(out, "# %s %s\n", c->sae ? "sae" : "decoder", decoder_name(c));
    for (size_t q = 0; q < c->inputs; q++)
        fprintf(out, "# %s %s\n", c->sae ? "activations" : "codes", c->input[q]);
    fprintf(out, "# %zu samples, %zu features, %s, tolerance %g, near %g\n", c->report.samples, c->report.features,
            c->audit.bias ? "free bias" : "no bias", c->audit.tolerance, c->audit.near);
    pairs_write_names(out);
}

/* Worst first; the pairs with k always on, however many, do not bury the others. */
static void write_listed(const struct check *c)
{
    for (size_t q = 0; q < c->worst_count; q++)
        pair_write(c->worst[q], c->tsv.file);
    for (size_t q = 0; q < c->report.listed; q++)
        if (c->report.list[q].always_on)
            pair_write(&c->report.list[q], c->tsv.file);
}

/* Drawing every pair should not take longer than the audit: about this many steps of counting. */
static const double cheap = 1e9;

static enum ndl_status write_files(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    bool draw_all = c->all || (double)c->report.nonzeros * (double)c->report.features < cheap;
    if (c->out)
        write_header(c);
    if (c->plot && !(c->drawing = plot_new()))
        return no_memory(err);
    if (c->all || (c->plot && draw_all))
        status = ndl_audit_each(c->auditor, visit, c, err);
    if (c->out && !c->all)
        write_listed(c);
    if (c->plot && !draw_all)
        for (size_t q = 0; q < c->report.listed; q++)
            plot_add(c->drawing, &c->report, &c->report.list[q]);
    if (c->plot)
        plot_write(c->drawing, &c->report, draw_all, &(struct plot_worst){c->worst, c->worst_count}, c->svg.file);
    if (status == NDL_OK && c->out)
        status = ndl_output_close(&c->tsv, err);
    if (status == NDL_OK && c->plot)
        status = ndl_output_close(&c->svg, err);
    return status;
}

/* -------------------------------------------------------------- for people */

/* The plural's ending. */
static const char *s(size_t count)
{
    return count == 1 ? "" : "s";
}

/* What "%.3f" would print as -0.000 is 0. */
static double no_minus_zero(double x)
{
    return fabs(x) < 0.0005 ? 0 : x;
}

/* "dead: 3 7 11 ...". */
static void print_features(FILE *out, const struct check *c, const char *what, bool (*is)(const struct check *, size_t))
{
    enum { MOST = 20 };
    size_t printed = 0;
    for (size_t k = 0; k < c->report.features; k++) {
        if (!is(c, k))
            continue;
        if (printed == 0)
            fprintf(out, "%s", what);
        if (printed++ < MOST)
            fprintf(out, " %zu", k);
    }
    if (printed > MOST)
        fputs(" ...", out);
    if (printed > 0)
        fputs("\n", out);
}

static bool is_always_on(const struct check *c, size_t k)
{
    return c->report.fires[k] == c->report.samples;
}

static const char *const sae_kind[] = {
    [NDL_SAE_RELU] = "standard", [NDL_SAE_TOPK] = "topk", [NDL_SAE_JUMPRELU] = "jumprelu"};
static const char *const sae_normalize[] = {
    [NDL_SAE_AS_IS] = "none", [NDL_SAE_CONSTANT_NORM] = "constant_norm_rescale", [NDL_SAE_LAYER_NORM] = "layer_norm"};

static void sae_thresholds(const struct ndl_sae *sae, double *least, double *greatest)
{
    *least = HUGE_VAL;
    *greatest = -HUGE_VAL;
    for (size_t k = 0; k < sae->K; k++) {
        *least = fmin(*least, sae->threshold.v[k]);
        *greatest = fmax(*greatest, sae->threshold.v[k]);
    }
}

/* What was understood of cfg.json, in its words. */
static void print_sae(FILE *out, const struct ndl_sae *sae)
{
    fprintf(out, "sae                   %s", sae_kind[sae->kind]);
    if (sae->kind == NDL_SAE_TOPK)
        fprintf(out, ", k %zu%s", sae->k, sae->rank_by_contribution ? " by code times norm of decoder row" : "");
    if (sae->kind == NDL_SAE_JUMPRELU) {
        double least, greatest;
        sae_thresholds(sae, &least, &greatest);
        fprintf(out, ", thresholds %.4g to %.4g", least, greatest);
    }
    fprintf(out, "; %zu dimensions, normalize_activations %s, b_dec %s before encoding\n", sae->d,
            sae_normalize[sae->normalize], sae->subtract_bias ? "subtracted" : "not subtracted");
}

/* The exclusive pairs within groups: of the others, both features have a group, or none, or different ones. */
static void print_exclusive(FILE *out, const struct ndl_audit_report *r)
{
    size_t inside = 0;
    for (size_t g = 0; g < r->groups; g++) {
        size_t size = r->group_start[g + 1] - r->group_start[g];
        inside += size * (size - 1) / 2;
    }
    fprintf(out, "mutually exclusive    %zu pair%s that never fire%s together", r->exclusive_pairs,
            s(r->exclusive_pairs), r->exclusive_pairs == 1 ? "s" : "");
    if (r->groups > 0)
        fprintf(out, "; %zu of them in %zu disjoint group%s", inside, r->groups, s(r->groups));
    fputs("\n", out);
}

static void print_summary(FILE *out, const struct check *c)
{
    const struct ndl_audit_report *r = &c->report;
    if (c->sae)
        print_sae(out, &c->weights);
    fprintf(out, "samples               %zu\n", r->samples);
    fprintf(out, "features              %zu: %zu live, %zu dead; %zu always on; %zu dense (on in %g %% of the samples or more)\n",
            r->features, r->live, r->dead, r->always_on, r->dense, 100 * c->audit.dense);
    fprintf(out, "nonzeros              %zu, %.1f per sample\n", r->nonzeros, (double)r->nonzeros / (double)r->samples);
    fprintf(out, "conditions            %s, tolerance %g\n",
            c->audit.bias ? "with a free bias (hull)" : "without a bias (cone)", c->audit.tolerance);
    fprintf(out, "pairs                 %zu ordered pair%s of live features with k sometimes off\n", r->pairs, s(r->pairs));
    fprintf(out, "violated              %zu\n", r->violated);
    fprintf(out, "nearly hierarchical   %zu (support at most %g %% of the samples with j on)\n", r->near, 100 * c->audit.near);
    if (r->always_on)
        fprintf(out, "k always on           %zu pair%s, %zu violated; apart from those above, and last in --out\n",
                r->pairs_always_on, s(r->pairs_always_on), r->violated_always_on);
    if (r->dead)
        fprintf(out, "dead j or k           %zu pair%s, not tested\n", r->pairs_dead, s(r->pairs_dead));
    fprintf(out, "antipodal             %zu pair%s of dense features with a cosine below %g\n", r->antipodal,
            s(r->antipodal), c->audit.antipodal);
    print_exclusive(out, r);
    print_features(out, c, "dead:", is_dead);
    print_features(out, c, c->audit.bias ? "always on, the least value belongs in the bias:" : "always on:", is_always_on);
}

static void print_worst(FILE *out, const struct check *c)
{
    size_t count = c->worst_count < c->top ? c->worst_count : c->top;
    if (count == 0)
        return;
    fprintf(out, "\nThe worst %zu of %zu violated or nearly hierarchical pair%s.\n"
            "j on: samples with j on; alone: of these, with k off.\n", count, c->worst_count, s(c->worst_count));
    fprintf(out, "%6s %6s %7s %8s %10s %8s %7s %7s\n", "j", "k", "cosine", "margin", "slope", "j on", "alone", "support");
    for (size_t q = 0; q < count; q++) {
        const struct ndl_audit_pair *p = c->worst[q];
        char words[PAIR_WORDS];
        pair_words(&c->report, p, c->audit.bias, words);
        fprintf(out, "%6u %6u %7.3f %8.3f %10.2e %8zu %7zu %7zu  %s\n", (unsigned)p->j, (unsigned)p->k,
                no_minus_zero(p->cosine), no_minus_zero(p->margin), p->slope, c->report.fires[p->j],
                c->report.fires[p->j] - p->together, p->support, words);
    }
}

static void print_antipodal(FILE *out, const struct check *c)
{
    size_t count = c->report.antipodal < c->top ? c->report.antipodal : c->top;
    if (count > 0)
        fputs("\nAntipodal pairs of dense features: two halves of one direction.\n", out);
    for (size_t q = 0; q < count; q++) {
        const struct ndl_audit_antipodal *p = &c->report.antipodal_list[q];
        fprintf(out, "%6u %6u %7.3f\n", (unsigned)p->j, (unsigned)p->k, p->cosine);
    }
}

static void print_groups(FILE *out, const struct check *c)
{
    enum { MOST = 16 };
    const struct ndl_audit_report *r = &c->report;
    size_t groups = r->groups < c->top ? r->groups : c->top;
    if (groups > 0)
        fputs("\nMutually exclusive groups: no two members ever fire together, though by chance they would.\n", out);
    for (size_t g = 0; g < groups; g++) {
        size_t first = r->group_start[g], size = r->group_start[g + 1] - first;
        fprintf(out, "%6zu features:", size);
        for (size_t q = 0; q < size && q < MOST; q++)
            fprintf(out, " %u", (unsigned)r->group_member[first + q]);
        fputs(size > MOST ? " ...\n" : "\n", out);
    }
}

/* The direction of a violated condition: its largest coefficients (--json has all). */
static void print_descent(FILE *out, const struct ndl_condition *q)
{
    const double small = 0.3; /* the largest is 1 */
    enum { MOST = 12 };
    size_t printed = 0;
    fprintf(out, "  descent: z_%zu += eps (", q->k);
    for (size_t p = 0; p < q->count && printed < MOST; p++)
        if (fabs(q->a[p]) >= small)
            printed += fprintf(out, "%+.2f z_%zu ", q->a[p], q->J[p]) > 0;
    fprintf(out, "%+.3g%s)\n", q->c + 0.0, printed < q->count ? " and smaller terms" : "");
}

static void print_hulls(FILE *out, const struct check *c)
{
    for (size_t h = 0; h < c->hulls; h++) {
        const struct ndl_condition *q = &c->hull[h].condition;
        if (is_dead(c, c->hull[h].k)) {
            fprintf(out, "\nfeature %zu never fires: not tested\n", c->hull[h].k);
            continue;
        }
        fprintf(out, "\nfeature %zu against %zu other%s together: %s", c->hull[h].k, q->count,
                s(q->count), q->holds ? "satisfied" : "violated");
        if (isfinite(q->margin_l1))
            fprintf(out, ", margin %.3g (L1)", q->margin_l1);
        if (q->holds) {
            fputs("\n", out);
            continue;
        }
        fprintf(out, ", slope %.2e\n", q->slope);
        print_descent(out, q);
    }
}

static void print_text(FILE *out, const struct check *c)
{
    print_summary(out, c);
    print_worst(out, c);
    print_antipodal(out, c);
    print_groups(out, c);
    print_hulls(out, c);
}

/* ------------------------------------------------------------ for machines */

static void put(cJSON *object, const char *key, double number)
{
    cJSON_AddNumberToObject(object, key, number);
}

static void put_features(cJSON *object, const char *key, const struct check *c, bool (*is)(const struct check *, size_t))
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t k = 0; k < c->report.features; k++)
        if (is(c, k))
            cJSON_AddItemToArray(list, cJSON_CreateNumber((double)k));
}

static void put_sae(cJSON *json, const struct ndl_sae *sae)
{
    cJSON *object = cJSON_AddObjectToObject(json, "sae");
    cJSON_AddStringToObject(object, "architecture", sae_kind[sae->kind]);
    put(object, "d_in", (double)sae->d);
    cJSON_AddStringToObject(object, "normalize_activations", sae_normalize[sae->normalize]);
    cJSON_AddBoolToObject(object, "b_dec_subtracted", sae->subtract_bias);
    if (sae->kind == NDL_SAE_TOPK) {
        put(object, "k", (double)sae->k);
        cJSON_AddBoolToObject(object, "ranked_by_decoder_norm", sae->rank_by_contribution);
    }
    if (sae->kind == NDL_SAE_JUMPRELU) {
        double least, greatest;
        sae_thresholds(sae, &least, &greatest);
        put(object, "threshold_least", least);
        put(object, "threshold_greatest", greatest);
    }
}

static void put_counts(cJSON *json, const struct check *c)
{
    const struct ndl_audit_report *r = &c->report;
    put(json, "samples", (double)r->samples);
    put(json, "features", (double)r->features);
    put(json, "nonzeros", (double)r->nonzeros);
    cJSON_AddBoolToObject(json, "bias", c->audit.bias);
    put(json, "tolerance", c->audit.tolerance);
    put(json, "near", c->audit.near);
    put(json, "live", (double)r->live);
    put(json, "dead", (double)r->dead);
    put(json, "always_on", (double)r->always_on);
    put(json, "dense", (double)r->dense);
    put(json, "pairs", (double)r->pairs);
    put(json, "pairs_always_on", (double)r->pairs_always_on);
    put(json, "pairs_dead", (double)r->pairs_dead);
    put(json, "violated", (double)r->violated);
    put(json, "violated_always_on", (double)r->violated_always_on);
    put(json, "nearly_hierarchical", (double)r->near);
    put(json, "antipodal", (double)r->antipodal);
    put(json, "exclusive_pairs", (double)r->exclusive_pairs);
    put(json, "exclusive_groups", (double)r->groups);
    put_features(json, "dead_features", c, is_dead);
    put_features(json, "always_on_features", c, is_always_on);
}

static void put_worst(cJSON *json, const struct check *c)
{
    cJSON *list = cJSON_AddArrayToObject(json, "worst");
    for (size_t q = 0; q < c->worst_count && q < c->top; q++) {
        const struct ndl_audit_pair *p = c->worst[q];
        char words[PAIR_WORDS];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        pair_words(&c->report, p, c->audit.bias, words);
        put(object, "j", p->j);
        put(object, "k", p->k);
        cJSON_AddStringToObject(object, "verdict", p->violated ? "violated" : "nearly hierarchical");
        put(object, "cosine", p->cosine);
        put(object, "mean", p->mean);
        put(object, "z_min_off", p->z_min_off);
        put(object, "z_max_off", p->z_max_off);
        put(object, "margin", p->margin);
        put(object, "slope", p->slope);
        put(object, "support", (double)p->support);
        put(object, "j_on", (double)c->report.fires[p->j]);
        put(object, "together", (double)p->together);
        cJSON_AddStringToObject(object, "says", words);
    }
}

static void put_lists(cJSON *json, const struct check *c)
{
    const struct ndl_audit_report *r = &c->report;
    cJSON *list = cJSON_AddArrayToObject(json, "antipodal_pairs");
    for (size_t q = 0; q < r->antipodal; q++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(list, object);
        put(object, "j", r->antipodal_list[q].j);
        put(object, "k", r->antipodal_list[q].k);
        put(object, "cosine", r->antipodal_list[q].cosine);
    }
    list = cJSON_AddArrayToObject(json, "groups");
    for (size_t g = 0; g < r->groups; g++) {
        cJSON *group = cJSON_CreateArray();
        cJSON_AddItemToArray(list, group);
        for (size_t q = r->group_start[g]; q < r->group_start[g + 1]; q++)
            cJSON_AddItemToArray(group, cJSON_CreateNumber(r->group_member[q]));
    }
    list = cJSON_AddArrayToObject(json, "hull");
    for (size_t h = 0; h < c->hulls; h++) {
        const struct ndl_condition *q = &c->hull[h].condition;
        cJSON *object = cJSON_CreateObject(), *others = cJSON_CreateArray();
        cJSON_AddItemToArray(list, object);
        put(object, "k", (double)c->hull[h].k);
        cJSON_AddBoolToObject(object, "dead", is_dead(c, c->hull[h].k));
        cJSON_AddItemToObject(object, "holds",
                              is_dead(c, c->hull[h].k) ? cJSON_CreateNull() : cJSON_CreateBool(q->holds));
        put(object, "margin", q->margin);
        put(object, "margin_l1", q->margin_l1);
        put(object, "slope", q->slope);
        for (size_t p = 0; p < q->count; p++)
            cJSON_AddItemToArray(others, cJSON_CreateNumber((double)q->J[p]));
        cJSON_AddItemToObject(object, "features", others);
        cJSON_AddItemToObject(object, "a", cJSON_CreateDoubleArray(q->a, (int)q->count));
        put(object, "c", q->c);
    }
}

static enum ndl_status print_json(const struct check *c, struct ndl_error *err)
{
    cJSON *json = tool_json_new();
    if (c->sae)
        put_sae(json, &c->weights);
    put_counts(json, c);
    put_worst(json, c);
    put_lists(json, c);
    enum ndl_status status = tool_json_write(json, NULL, err);
    cJSON_Delete(json);
    return status;
}

/* -------------------------------------------------------------------- main */

static enum ndl_status print_report(const struct check *c, struct ndl_error *err)
{
    if (c->json)
        return print_json(c, err);
    print_text(stdout, c);
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

/* Files are opened first: that a directory cannot be written to should not show after an hour of
 * reading.  They appear last, when nothing can fail any more. */
static enum ndl_status run(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = check_spill(c, err);
    if (status == NDL_OK)
        status = open_output(c, &c->tsv, c->out, err);
    if (status == NDL_OK)
        status = open_output(c, &c->svg, c->plot, err);
    if (status == NDL_OK)
        status = audit(c, err);
    if (status == NDL_OK)
        status = write_files(c, err);
    ndl_audit_free(c->auditor);
    if (status == NDL_OK)
        status = check_hulls(c, err);
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
    for (size_t h = 0; h < c->hulls; h++)
        violated = violated || !(is_dead(c, c->hull[h].k) || c->hull[h].condition.holds);
    return violated;
}

static void free_check(struct check *c)
{
    for (size_t h = 0; h < c->hulls; h++) {
        ndl_condition_free(&c->hull[h].condition);
        free(c->hull[h].J);
    }
    free(c->hull);
    free(c->input);
    free(c->place);
    free(c->worst);
    ndl_codes_free(&c->kept);
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

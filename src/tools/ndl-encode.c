/* ndl-encode.c -- exact nonnegative codes for a given dictionary, certified.
 *
 *     min_{z >= 0} |x_i - b - z D|^2 + lambda sum_k z_k |d_k|        for every sample i
 *
 * The data are read in blocks of rows and may be larger than memory; the codes, 12 bytes per
 * nonzero, may not.  Every block is coded to rounding, and its duality gaps are then recomputed
 * from X, D, b and Z.  With --compare the same is computed for another encoder's codes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gap.h"
#include "tool.h"

enum { KEY_GAP = 0x100, KEY_COMPARE, KEY_FEATURES, KEY_JSON, BLOCK_BYTES = 1 << 26 };

struct options {
    struct tool_common common;
    const char *data, *decoder, *bias, *out, *compare, *features;
    double lambda, gap;
    bool json;
};

static const struct argp_option options[] = {
    {"decoder", 'd', "D", 0, "the dictionary, K x d, atoms of any norm (required)", 0},
    {"lambda", 'l', "L", 0,
     "the penalty, > 0 (required); twice the alpha of 1/2 |r|^2 + alpha |z|_1", 0},
    {"bias", 'b', "B", 0, "the bias, d entries (default: none)", 0},
    {"out", 'o', "FILE.npz", 0,
     "where the codes go, as scipy.sparse.load_npz reads them (required)", 0},
    {"gap", KEY_GAP, "G", 0, "largest relative duality gap that is fine (default 1e-9)", 0},
    {"compare", KEY_COMPARE, "Z", 0,
     "codes of an SAE's own encoder, N x K: what do they lose against these?", 0},
    {"features", KEY_FEATURES, "FILE.tsv", 0, "with --compare: a table of the features", 0},
    {"json", KEY_JSON, NULL, 0, "print the report as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        o->gap = 1e-9;
        return 0;
    case 'd':
        o->decoder = arg;
        return 0;
    case 'b':
        o->bias = arg;
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case 'l':
        o->lambda = tool_positive(state, "--lambda", arg);
        return 0;
    case KEY_GAP:
        o->gap = tool_positive(state, "--gap", arg);
        return 0;
    case KEY_COMPARE:
        o->compare = arg;
        return 0;
    case KEY_FEATURES:
        o->features = arg;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        tool_data(state, &o->data, arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->data || !o->decoder || o->lambda == 0 || !o->out)
            argp_error(state, "X, --decoder, --lambda and --out are required");
        if (o->features && !o->compare)
            argp_error(state, "--features needs --compare");
        if (strlen(o->out) < 5 || strcmp(o->out + strlen(o->out) - 4, ".npz") != 0)
            argp_error(state, "--out: '%s' does not end in .npz", o->out);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Exact nonnegative sparse codes of the data X (N x d) for a given dictionary, with a "
    "certificate: the relative "
    "duality gap of every sample, recomputed.  Codes multiply the rows of D as they are, and the "
    "penalty of row k is "
    "lambda |d_k|: rescaling an atom rescales its codes and changes nothing else.\v"
    "Example:\n"
    "  ndl-encode X.npy --decoder sae.safetensors:W_dec --bias sae.safetensors:b_dec --lambda 0.2 "
    "--out Z.npz "
    "--compare Zsae.npz --features features.tsv\n\n"
    "Files are .npy, .npz:NAME, .safetensors[:NAME] or .tsv; codes to compare also CSR .npz.\n"
    "Exit status: 0 done, 1 done but some gap exceeds --gap, 2 bad input, 64 usage.";
static const struct argp argp = {options, parse, "X", about, tool_children, NULL, NULL};

/* ------------------------------------------------------------ one feature */

struct feature {
    size_t fires_exact, fires_sae, both;
    double exact, sae; /* sums of the codes */
    double loss;       /* its part of the loss difference */
};

/* Everything between input and report. */
struct job {
    const struct options *o;
    struct ndl_array_view X;
    struct ndl_matrix D, b;
    struct ndl_encoder *encoder;
    struct gap_dictionary g;
    double *norm;
    struct ndl_codes_reader *reader; /* of the SAE's codes */
    struct ndl_codes Z;              /* so far */
    size_t room;                     /* of Z */
    struct gap_sums exact, sae;
    struct feature *feature; /* K */
    double seconds, coding;  /* in all, and of that for the codes */
};

static void add_features(struct job *j, const struct ndl_codes *Z, const double *part, bool sae)
{
    for (size_t e = 0; e < Z->start[Z->rows]; e++) {
        struct feature *f = &j->feature[Z->atom[e]];
        *(sae ? &f->fires_sae : &f->fires_exact) += 1;
        *(sae ? &f->sae : &f->exact) += Z->value[e];
        f->loss += sae ? part[e] : -part[e];
    }
}

static void add_both(struct job *j, const struct ndl_codes *Z, const struct ndl_codes *own)
{
    for (size_t i = 0; i < Z->rows; i++)
        for (size_t e = Z->start[i], f = own->start[i];
             e < Z->start[i + 1] && f < own->start[i + 1];) {
            j->feature[Z->atom[e]].both += Z->atom[e] == own->atom[f];
            if (Z->atom[e] < own->atom[f])
                e++;
            else
                f++;
        }
}

/* The SAE's own codes of the block just coded: R receives their residuals, best holds the exact
 * ones'. */
static enum ndl_status compare_block(struct job *j, const struct ndl_matrix *X,
                                     const struct ndl_codes *Z, const struct ndl_matrix *best,
                                     struct ndl_matrix *R, struct ndl_error *err)
{
    const struct ndl_codes *own;
    int threads = j->o->common.threads;
    enum ndl_status status = ndl_codes_next(j->reader, X->rows, &own, err);
    if (status == NDL_OK)
        status = gap_measure(&j->g, X, own, threads, &j->sae, R, err);
    if (status == NDL_OK)
        status = gap_check(&j->sae, j->o->compare, err);
    if (status != NDL_OK)
        return status;
    size_t most =
        Z->start[Z->rows] > own->start[own->rows] ? Z->start[Z->rows] : own->start[own->rows];
    double *part = calloc(most + 1, sizeof *part);
    if (!part)
        return ndl_fail(err, NDL_NOMEM, "no memory to compare %zu codes", most);
    gap_parts(&j->g, Z, R, best, threads, part);
    add_features(j, Z, part, false);
    gap_parts(&j->g, own, R, best, threads, part);
    add_features(j, own, part, true);
    add_both(j, Z, own);
    free(part);
    return NDL_OK;
}

/* ---------------------------------------------------------------- coding */

static enum ndl_status append(struct job *j, const struct ndl_codes *block, struct ndl_error *err)
{
    struct ndl_codes *Z = &j->Z;
    size_t have = Z->start[Z->rows], n = block->start[block->rows];
    if (n > j->room - have) {
        size_t wanted = have + n > j->room + j->room / 2 ? have + n : j->room + j->room / 2;
        uint32_t *atom = realloc(Z->atom, wanted * sizeof *atom);
        Z->atom = atom ? atom : Z->atom;
        double *value = realloc(Z->value, wanted * sizeof *value);
        Z->value = value ? value : Z->value;
        if (!atom || !value)
            return ndl_fail(err, NDL_NOMEM, "no memory for %zu codes", wanted);
        j->room = wanted;
    }
    memcpy(Z->atom + have, block->atom, n * sizeof *Z->atom);
    memcpy(Z->value + have, block->value, n * sizeof *Z->value);
    for (size_t i = 0; i < block->rows; i++)
        Z->start[Z->rows + i + 1] = have + block->start[i + 1];
    Z->rows += block->rows;
    return NDL_OK;
}

/* Rows [first, first + X->rows), into X, coded, measured and appended. */
static enum ndl_status code_block(struct job *j, size_t first, struct ndl_matrix *X,
                                  struct ndl_matrix *R, struct ndl_matrix *own_R,
                                  struct ndl_error *err)
{
    const struct ndl_encode_options how = {.threads = j->o->common.threads};
    struct ndl_codes Z = {0};
    enum ndl_status status = ndl_view_rows(&j->X, first, first + X->rows, X->v, err);
    double begun = tool_seconds();
    if (status == NDL_OK)
        status = ndl_encoder_run(j->encoder, X, &how, &Z, NULL, err);
    j->coding += tool_seconds() - begun;
    if (status == NDL_OK)
        status = gap_measure(&j->g, X, &Z, how.threads, &j->exact, R, err);
    if (status == NDL_OK)
        status = gap_check(&j->exact, j->o->data, err);
    if (status == NDL_OK && j->reader)
        status = compare_block(j, X, &Z, R, own_R, err);
    if (status == NDL_OK)
        status = append(j, &Z, err);
    ndl_codes_free(&Z);
    return status;
}

static enum ndl_status code_all(struct job *j, struct ndl_error *err)
{
    size_t N = j->X.rows, d = j->X.cols, rows = BLOCK_BYTES / sizeof(double) / d;
    if (rows < 1)
        rows = 1;
    if (rows > N)
        rows = N;
    struct ndl_matrix X = {0}, R = {0}, own_R = {0};
    double begun = tool_seconds();
    enum ndl_status status =
        ndl_encoder_new(&j->encoder, &j->D, j->b.v ? &j->b : NULL, j->o->lambda, err);
    j->coding = tool_seconds() - begun;
    if (status == NDL_OK)
        status = ndl_codes_alloc(&j->Z, N, j->D.rows, j->room = rows, err);
    j->Z.rows = 0;
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&X, rows, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&R, rows, d, err);
    if (status == NDL_OK && j->reader)
        status = ndl_matrix_alloc(&own_R, rows, d, err);
    tool_progress(&j->o->common, "0 of %zu samples, %zu at a time", N, rows);
    for (size_t i = 0; status == NDL_OK && i < N; i += X.rows) {
        X.rows = R.rows = own_R.rows = N - i < rows ? N - i : rows;
        status = code_block(j, i, &X, &R, &own_R, err);
        double elapsed = tool_seconds() - begun, done = (double)(i + X.rows);
        tool_progress(&j->o->common, "%zu of %zu samples, worst gap %.1e, %s left", i + X.rows, N,
                      j->exact.worst, tool_duration(elapsed * ((double)N - done) / done));
    }
    const struct ndl_codes *end; /* only then is the file known to be sound */
    if (status == NDL_OK && j->reader)
        status = ndl_codes_next(j->reader, 1, &end, err);
    tool_progress_end(&j->o->common);
    j->seconds = tool_seconds() - begun;
    ndl_matrix_free(&X);
    ndl_matrix_free(&R);
    ndl_matrix_free(&own_R);
    return status;
}

static enum ndl_status load(struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    enum ndl_status status = ndl_view_open(&j->X, o->data, false, err);
    if (status == NDL_OK)
        status = tool_load_dictionary(&j->D, o->decoder, &j->b, o->bias, j->X.cols, o->data, err);
    if (status == NDL_OK && o->compare)
        status = ndl_codes_open(&j->reader, o->compare, err);
    if (status == NDL_OK && o->compare)
        status = tool_check_codes(ndl_codes_rows(j->reader), ndl_codes_cols(j->reader), o->compare,
                                  j->X.rows, o->data, &j->D, o->decoder, err);
    if (status != NDL_OK)
        return status;
    j->norm = gap_norms(&j->D);
    j->feature = calloc(j->D.rows, sizeof *j->feature);
    if (!j->norm || !j->feature)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu atoms", j->D.rows);
    j->g = (struct gap_dictionary){.D = &j->D, .norm = j->norm, .b = j->b.v, .lambda = o->lambda};
    return NDL_OK;
}

/* --------------------------------------------------------------- outputs */

static enum ndl_status write_features(const struct job *j, const char *path, struct ndl_error *err)
{
    struct ndl_output out;
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status != NDL_OK)
        return status;
    double N = (double)j->X.rows;
    fprintf(out.file,
            "# Sparse Optima: codes of %s against the exact ones, %zu samples\n"
            "# feature: row of the decoder, from 0\n# norm: of that row\n"
            "# fires_exact, fires_sae, fires_both: samples with a code > 0\n"
            "# mean_exact, mean_sae: code times norm, mean over all samples\n"
            "# loss: this feature's part of loss(sae) - loss(exact); the column sums to it\n"
            "feature\tnorm\tfires_exact\tfires_sae\tfires_both\tmean_exact\tmean_sae\tloss\n",
            j->o->compare, j->X.rows);
    for (size_t k = 0; k < j->D.rows; k++) {
        const struct feature *f = &j->feature[k];
        fprintf(out.file, "%zu\t%.9g\t%zu\t%zu\t%zu\t%.9g\t%.9g\t%.9g\n", k, j->norm[k],
                f->fires_exact, f->fires_sae, f->both, f->exact * j->norm[k] / N,
                f->sae * j->norm[k] / N, f->loss);
    }
    return ndl_output_close(&out, err);
}

static cJSON *sums_json(const struct gap_sums *s)
{
    double N = (double)s->samples;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "loss", s->loss);
    cJSON_AddNumberToObject(json, "loss_per_sample", s->loss / N);
    cJSON_AddNumberToObject(json, "square", s->square);
    cJSON_AddNumberToObject(json, "l1", s->l1);
    cJSON_AddNumberToObject(json, "nonzeros", (double)s->nonzeros);
    cJSON_AddNumberToObject(json, "nonzeros_per_sample", (double)s->nonzeros / N);
    cJSON_AddNumberToObject(json, "worst_gap", s->worst);
    cJSON_AddNumberToObject(json, "mean_gap", s->total / N);
    return json;
}

static enum ndl_status print_json(const struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    cJSON *json = tool_json_new();
    cJSON_AddStringToObject(json, "data", o->data);
    cJSON_AddStringToObject(json, "decoder", o->decoder);
    cJSON_AddNumberToObject(json, "samples", (double)j->X.rows);
    cJSON_AddNumberToObject(json, "dimensions", (double)j->X.cols);
    cJSON_AddNumberToObject(json, "atoms", (double)j->D.rows);
    cJSON_AddNumberToObject(json, "lambda", o->lambda);
    cJSON_AddBoolToObject(json, "bias", o->bias != NULL);
    cJSON_AddNumberToObject(json, "threads", o->common.threads);
    cJSON_AddNumberToObject(json, "seconds", j->seconds);
    cJSON_AddNumberToObject(json, "coding_seconds", j->coding);
    cJSON_AddItemToObject(json, "exact", sums_json(&j->exact));
    if (o->compare) {
        cJSON_AddItemToObject(json, "sae", sums_json(&j->sae));
        cJSON_AddNumberToObject(json, "amortisation_gap", j->sae.loss - j->exact.loss);
        cJSON_AddNumberToObject(json, "amortisation_gap_relative",
                                (j->sae.loss - j->exact.loss) / j->exact.loss);
    }
    enum ndl_status status = tool_json_write(json, NULL, err);
    cJSON_Delete(json);
    return status;
}

static void print_sums(const char *name, const struct gap_sums *s)
{
    double N = (double)s->samples;
    printf("%-10s  loss %.10g (%.6g per sample)  square %.6g  l1 %.6g  nonzeros %.4g per sample\n",
           name, s->loss, s->loss / N, s->square, s->l1, (double)s->nonzeros / N);
}

static void print_report(const struct job *j)
{
    double N = (double)j->X.rows;
    printf("%zu samples, %zu dimensions, %zu atoms, lambda %g\n", j->X.rows, j->X.cols, j->D.rows,
           j->o->lambda);
    print_sums("exact", &j->exact);
    printf("%-10s  relative duality gap: worst %.2e, mean %.2e\n", "", j->exact.worst,
           j->exact.total / N);
    if (j->o->compare) {
        double lost = j->sae.loss - j->exact.loss;
        print_sums("compared", &j->sae);
        printf("%-10s  amortisation gap: %.6g in all, %.6g per sample, %.4g %% of the exact loss\n",
               "", lost, lost / N, 100 * lost / j->exact.loss);
    }
    printf("time        %.3g s, of which codes %.3g s (%.4g us per sample), %d threads\n",
           j->seconds, j->coding, 1e6 * j->coding / N, j->o->common.threads);
}

static enum ndl_status run(const struct options *o, struct ndl_error *err)
{
    struct job j = {.o = o};
    struct tool_stage stage = {0};
    const char *codes = NULL, *features = NULL;
    enum ndl_status status = load(&j, err);
    if (status == NDL_OK)
        status = tool_stage_add(&stage, o->out, &codes, err);
    if (status == NDL_OK && o->features)
        status = tool_stage_add(&stage, o->features, &features, err);
    if (status == NDL_OK)
        status = code_all(&j, err);
    if (status == NDL_OK)
        status = ndl_save_codes(&j.Z, codes, err);
    if (status == NDL_OK && features)
        status = write_features(&j, features, err);
    if (status == NDL_OK && o->json)
        status = print_json(&j, err);
    else if (status == NDL_OK)
        print_report(&j);
    if (status == NDL_OK)
        status = tool_stage_commit(&stage, err);
    if (status == NDL_OK && !(j.exact.worst <= o->gap))
        status = ndl_fail(err, NDL_NOCONV,
                          "%s: written, but the worst relative duality gap is %.3g, not %.3g",
                          o->out, j.exact.worst, o->gap);
    tool_stage_end(&stage, err);
    ndl_codes_close(j.reader);
    ndl_encoder_free(j.encoder);
    ndl_view_close(&j.X);
    ndl_matrix_free(&j.D);
    ndl_matrix_free(&j.b);
    ndl_codes_free(&j.Z);
    free(j.norm);
    free(j.feature);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct ndl_error err = {{0}};
    tool_begin(argc, argv, &argp, &o);
    return tool_end(run(&o, &err), &err);
}

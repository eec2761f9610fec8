/* ndl-bound.c -- how far a dictionary is from the best of any size.
 *
 * Theory of the wide limit: every dictionary, of however many atoms, has
 *
 *     L(D, b, Z) >= min_b sum_i H(|x_i - b|),  H(t) = t^2 if t <= lambda/2, lambda t - lambda^2/4
 * above,
 *
 * and a stationary one reaches that iff every residual r_i is at most lambda/2 long.  Where one
 * is longer, an atom along it lowers the loss at the rate 2 |r_i| - lambda per unit of code; a
 * whole unit atom u, the other codes held, by sum_i max(0, r_i.u - lambda/2)^2 at least. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gap.h"
#include "tool.h"
#include "ndl/vec.h"

enum { KEY_NO_BIAS = 0x100, KEY_CODES, KEY_NEXT, KEY_TOP, KEY_JSON, ASCENT = 100 };

struct options {
    struct tool_common common;
    const char *data, *decoder, *codes, *bias, *next;
    double lambda;
    size_t top;
    bool no_bias, json;
};

static const struct argp_option options[] = {
    {"lambda", 'l', "L", 0,
     "the penalty, > 0 (required); twice the alpha of 1/2 |r|^2 + alpha |z|_1", 0},
    {"no-bias", KEY_NO_BIAS, NULL, 0, "without a bias: b = 0 (default: the best b)", 0},
    {"decoder", 'd', "D", 0,
     "a dictionary to judge, K x d, atoms of any norm; needs --codes and --bias or --no-bias", 0},
    {"codes", KEY_CODES, "Z", 0, "its codes, N x K, multiples of the rows of D", 0},
    {"bias", 'b', "B", 0, "its bias, d entries", 0},
    {"top", KEY_TOP, "N", 0, "show the N samples with the longest residuals (default 5)", 0},
    {"next", KEY_NEXT, "FILE", 0, "write the next atom found, 1 x d, .npy or .tsv", 0},
    {"json", KEY_JSON, NULL, 0, "print the report as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        o->top = 5;
        return 0;
    case 'l':
        o->lambda = tool_positive(state, "--lambda", arg);
        return 0;
    case 'd':
        o->decoder = arg;
        return 0;
    case 'b':
        o->bias = arg;
        return 0;
    case KEY_CODES:
        o->codes = arg;
        return 0;
    case KEY_NO_BIAS:
        o->no_bias = true;
        return 0;
    case KEY_TOP:
        o->top = tool_count(state, "--top", arg, 0, 1000000);
        return 0;
    case KEY_NEXT:
        o->next = arg;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        tool_data(state, &o->data, arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->data || o->lambda == 0)
            argp_error(state, "X and --lambda are required");
        if (!o->decoder != !o->codes)
            argp_error(state, "--decoder and --codes go together");
        if (o->decoder ? !o->bias == !o->no_bias : o->bias != NULL)
            argp_error(state, o->decoder ? "with --decoder: either --bias or --no-bias"
                                         : "--bias needs --decoder");
        if (o->next && !o->decoder)
            argp_error(state, "--next needs --decoder");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "A lower bound of the loss of every dictionary, of any size, on the data X (N x d).  With a "
    "dictionary and its "
    "codes: how far it is from the bound, which samples one more atom would help, and how much.\v"
    "Example:\n"
    "  ndl-bound X.npy --lambda 0.2 --decoder learned/D.npy --codes learned/Z.npz --bias "
    "learned/b.npy\n\n"
    "Files are .npy, .npz:NAME, .safetensors[:NAME] or .tsv; codes also CSR .npz.  X is read into "
    "memory.\n"
    "Exit status: 0 done, 2 bad input, 64 usage.";
static const struct argp argp = {options, parse, "X", about, tool_children, NULL, NULL};

struct sample {
    size_t index;
    double length; /* of its residual */
    double gain;   /* of an atom along it, the other codes held */
};

struct job {
    const struct options *o;
    struct ndl_matrix X, D, b, R;
    struct ndl_codes Z;
    double *norm;
    double bound;
    struct gap_sums sums;
    size_t long_residuals; /* longer than lambda/2 */
    struct sample *worst;  /* at most `top`, longest first */
    size_t worsts;
    struct ndl_matrix next; /* 1 x d: the next atom, zero if there is none */
    double next_gain;
    double seconds;
};

/* -------------------------------------------------------------- the next atom */

/* sum_i max(0, r_i.u - lambda/2)^2; `pull` (may be NULL) receives half its gradient. */
static double gain(const struct job *j, const double *u, double *pull)
{
    size_t d = j->R.cols;
    double sum = 0;
    if (pull)
        memset(pull, 0, d * sizeof *pull);
    for (size_t i = 0; i < j->R.rows; i++) {
        const double *r = ndl_row(&j->R, i);
        double excess = ndl_dot(d, r, u) - j->o->lambda / 2;
        if (!(excess > 0))
            continue;
        sum += excess * excess;
        for (size_t c = 0; pull && c < d; c++)
            pull[c] += excess * r[c];
    }
    return sum;
}

/* Turns u to where the gain is greatest: the gain is convex in u, so each step along its
 * gradient, on the sphere, raises it. */
static double climb(const struct job *j, double *u, double *pull)
{
    double best = gain(j, u, pull);
    for (int step = 0; step < ASCENT; step++) {
        double length = sqrt(ndl_dot(j->R.cols, pull, pull)), before = best;
        if (!(length > 0))
            break;
        for (size_t c = 0; c < j->R.cols; c++)
            u[c] = pull[c] / length;
        best = gain(j, u, pull);
        if (!(best > before * (1 + 1e-6)))
            break;
    }
    return best;
}

/* The gain along each of the worst residuals, and the best atom found from there. */
static enum ndl_status find_next(struct job *j, struct ndl_error *err)
{
    size_t d = j->X.cols;
    struct ndl_matrix try, pull = {0};
    enum ndl_status status = ndl_matrix_alloc(&j->next, 1, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&try, 1, d, err);
    else
        try = (struct ndl_matrix){0};
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&pull, 1, d, err);
    for (size_t s = 0; status == NDL_OK && s < j->worsts; s++) {
        struct sample *w = &j->worst[s];
        for (size_t c = 0; c < d; c++)
            try.v[c] = ndl_row(&j->R, w->index)[c] / w->length;
        w->gain = gain(j, try.v, NULL);
        double best = w->gain > 0 ? climb(j, try.v, pull.v) : 0;
        if (best > j->next_gain) {
            j->next_gain = best;
            memcpy(j->next.v, try.v, d * sizeof *try.v);
        }
        tool_progress(&j->o->common, "an atom along sample %zu gains %.4g, %zu of %zu", w->index,
                      best, s + 1, j->worsts);
    }
    tool_progress_end(&j->o->common);
    ndl_matrix_free(&try);
    ndl_matrix_free(&pull);
    return status;
}

/* Keeps the longest residuals, longest first, of equal ones the earlier. */
static void note_residual(struct job *j, size_t i, double length)
{
    size_t at = j->worsts;
    if (j->worsts < j->o->top)
        j->worsts++;
    else if (at == 0 || !(length > j->worst[--at].length))
        return;
    for (; at > 0 && j->worst[at - 1].length < length; at--)
        j->worst[at] = j->worst[at - 1];
    j->worst[at] = (struct sample){.index = i, .length = length};
}

/* ------------------------------------------------------------------- run */

static enum ndl_status judge(struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    struct gap_dictionary g = {.D = &j->D, .norm = j->norm, .b = j->b.v, .lambda = o->lambda};
    enum ndl_status status = ndl_matrix_alloc(&j->R, j->X.rows, j->X.cols, err);
    if (status == NDL_OK)
        status = gap_measure(&g, &j->X, &j->Z, o->common.threads, &j->sums, &j->R, err);
    if (status == NDL_OK)
        status = gap_check(&j->sums, o->codes, err);
    if (status != NDL_OK)
        return status;
    j->worst = calloc(o->top + 1, sizeof *j->worst);
    if (!j->worst)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu samples", o->top);
    for (size_t i = 0; i < j->X.rows; i++) {
        double length = sqrt(ndl_dot(j->X.cols, ndl_row(&j->R, i), ndl_row(&j->R, i)));
        j->long_residuals += length > o->lambda / 2;
        if (length > 0)
            note_residual(j, i, length);
    }
    return find_next(j, err);
}

static enum ndl_status load(struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    enum ndl_status status = ndl_load_matrix(&j->X, o->data, err);
    if (status != NDL_OK || !o->decoder)
        return status;
    status = tool_load_dictionary(&j->D, o->decoder, &j->b, o->bias, j->X.cols, o->data, err);
    if (status == NDL_OK)
        status = ndl_load_codes(&j->Z, o->codes, err);
    if (status == NDL_OK)
        status = tool_check_codes(j->Z.rows, j->Z.cols, o->codes, j->X.rows, o->data, &j->D,
                                  o->decoder, err);
    if (status == NDL_OK && !(j->norm = gap_norms(&j->D)))
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu atoms", j->D.rows);
    return status;
}

static enum ndl_status print_json(const struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    double N = (double)j->X.rows;
    cJSON *json = tool_json_new();
    cJSON_AddStringToObject(json, "data", o->data);
    cJSON_AddNumberToObject(json, "samples", N);
    cJSON_AddNumberToObject(json, "dimensions", (double)j->X.cols);
    cJSON_AddNumberToObject(json, "lambda", o->lambda);
    cJSON_AddBoolToObject(json, "bias", !o->no_bias);
    cJSON_AddNumberToObject(json, "bound", j->bound);
    cJSON_AddNumberToObject(json, "bound_per_sample", j->bound / N);
    cJSON_AddNumberToObject(json, "seconds", j->seconds);
    if (o->decoder) {
        cJSON_AddNumberToObject(json, "atoms", (double)j->D.rows);
        cJSON_AddNumberToObject(json, "loss", j->sums.loss);
        cJSON_AddNumberToObject(json, "loss_per_sample", j->sums.loss / N);
        double gap = j->sums.loss - j->bound;
        cJSON_AddNumberToObject(json, "gap", gap);
        cJSON_AddNumberToObject(json, "gap_relative", gap / j->bound); /* null if the bound is 0 */
        cJSON_AddNumberToObject(json, "codes_worst_gap", j->sums.worst);
        cJSON_AddNumberToObject(json, "codes_mean_gap", j->sums.total / N);
        cJSON_AddNumberToObject(json, "long_residuals", (double)j->long_residuals);
        cJSON_AddNumberToObject(json, "next_atom_gain", j->next_gain);
        cJSON *list = cJSON_AddArrayToObject(json, "longest_residuals");
        for (size_t s = 0; s < j->worsts; s++) {
            cJSON *entry = cJSON_CreateObject();
            cJSON_AddNumberToObject(entry, "sample", (double)j->worst[s].index);
            cJSON_AddNumberToObject(entry, "length", j->worst[s].length);
            cJSON_AddNumberToObject(entry, "rate", 2 * j->worst[s].length - o->lambda);
            cJSON_AddNumberToObject(entry, "gain", j->worst[s].gain);
            cJSON_AddItemToArray(list, entry);
        }
    }
    enum ndl_status status = tool_json_write(json, NULL, err);
    cJSON_Delete(json);
    return status;
}

static void print_dictionary(const struct job *j)
{
    double N = (double)j->X.rows, half = j->o->lambda / 2;
    printf("loss        %.12g (%.8g per sample), %zu atoms\n", j->sums.loss, j->sums.loss / N,
           j->D.rows);
    printf("gap         %.6g", j->sums.loss - j->bound);
    if (j->bound > 0) /* 0 if all samples are equal */
        printf(" (%.4g %% of the bound)", 100 * (j->sums.loss / j->bound - 1));
    printf("\n");
    printf("codes       relative duality gap for this dictionary: worst %.2e, mean %.2e\n",
           j->sums.worst, j->sums.total / N);
    printf("residuals   %zu of %zu samples are longer than lambda/2 = %g\n", j->long_residuals,
           j->X.rows, half);
    if (j->next_gain > 0)
        printf("next atom   lowers the loss by at least %.6g (%.4g %%), the other codes held\n",
               j->next_gain, 100 * j->next_gain / j->sums.loss);
    else if (j->long_residuals == 0)
        printf("next atom   brings nothing\n");
    for (size_t s = 0; s < j->worsts; s++) {
        if (s == 0)
            printf("\n%10s %14s %18s %18s\n", "sample", "|r|", "rate 2|r|-lambda", "gain along r");
        printf("%10zu %14.6g %18.6g %18.6g\n", j->worst[s].index, j->worst[s].length,
               2 * j->worst[s].length - j->o->lambda, j->worst[s].gain);
    }
}

static enum ndl_status run(const struct options *o, struct ndl_error *err)
{
    struct job j = {.o = o};
    struct tool_stage stage = {0};
    const char *next = NULL;
    double begun = tool_seconds();
    enum ndl_status status = load(&j, err);
    if (status == NDL_OK && o->next)
        status = tool_stage_add(&stage, o->next, &next, err);
    if (status == NDL_OK)
        status = ndl_wide_bound(&j.X, o->lambda, !o->no_bias, &j.bound, NULL, err);
    if (status == NDL_NOCONV)
        status = NDL_LIBRARY; /* short of its minimum it bounds nothing */
    if (status == NDL_OK && o->decoder)
        status = judge(&j, err);
    if (status == NDL_OK && o->next && !(j.next_gain > 0))
        status = ndl_fail(err, NDL_BADDATA,
                          "%s: not written: no atom found that would lower the loss", o->next);
    if (status == NDL_OK && o->next)
        status = ndl_save_matrix(&j.next, next, false, err);
    j.seconds = tool_seconds() - begun;
    if (status == NDL_OK && o->json) {
        status = print_json(&j, err);
    } else if (status == NDL_OK) {
        printf("bound       %.12g (%.8g per sample) for any dictionary, %s, lambda %g\n", j.bound,
               j.bound / (double)j.X.rows, o->no_bias ? "no bias" : "any bias", o->lambda);
        if (o->decoder)
            print_dictionary(&j);
    }
    if (status == NDL_OK)
        status = tool_stage_commit(&stage, err);
    tool_stage_end(&stage, err);
    ndl_matrix_free(&j.X);
    ndl_matrix_free(&j.D);
    ndl_matrix_free(&j.b);
    ndl_matrix_free(&j.R);
    ndl_matrix_free(&j.next);
    ndl_codes_free(&j.Z);
    free(j.norm);
    free(j.worst);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct ndl_error err = {{0}};
    tool_begin(argc, argv, &argp, &o);
    return tool_end(run(&o, &err), &err);
}

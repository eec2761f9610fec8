/* ndl-fit.c -- learns a nonnegative sparse dictionary and certifies it.
 *
 *     min over unit atoms d_k, bias b, codes z >= 0 of  sum_i |x_i - b - z_i D|^2 + lambda sum z_ik
 *
 * The directory --out receives D.npy (K x d), b.npy (d), Z.npz (N x K, CSR), Z.npy too if that
 * is small, and report.json.  The KKT residuals of the report are recomputed by ndl_certify,
 * which shares no code with the solver, and the loss is compared with the lower bound of every
 * dictionary. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

enum {
    KEY_NO_BIAS = 0x100,
    KEY_STARTS,
    KEY_INIT,
    KEY_INIT_BIAS,
    KEY_TOLERANCE,
    KEY_ITERATIONS,
    KEY_TRACE
};
enum { DENSE_ENTRIES = 1 << 20, STEPS_SEEN = 8 };

struct options {
    struct tool_common common;
    const char *data, *init, *init_bias, *out, *trace;
    size_t atoms, starts, iterations, seed;
    double lambda, tolerance;
    bool no_bias;
};

static const struct argp_option options[] = {
    {"atoms", 'k', "K", 0, "atoms to learn (required, unless --init says)", 0},
    {"lambda", 'l', "L", 0,
     "the penalty, > 0 (required); twice the alpha of 1/2 |r|^2 + alpha |z|_1", 0},
    {"out", 'o', "DIR", 0, "where the results go (required); made if missing", 0},
    {"no-bias", KEY_NO_BIAS, NULL, 0, "keep the bias at zero", 0},
    {"seed", 's', "S", 0, "seed of the random starts, 1 to 4294967295 (default 1)", 0},
    {"starts", KEY_STARTS, "R", 0, "random starts, of which the best is kept (default 1)", 0},
    {"init", KEY_INIT, "D0", 0, "start from these atoms, K x d, instead of random samples", 0},
    {"init-bias", KEY_INIT_BIAS, "B0", 0, "start from this bias instead of the mean", 0},
    {"tolerance", KEY_TOLERANCE, "T", 0,
     "largest relative KKT residual that is fine (default 1e-8)", 0},
    {"max-iterations", KEY_ITERATIONS, "M", 0,
     "stop after so many (default 1000); at a small penalty --init may take as many again by way "
     "of larger ones",
     0},
    {"trace", KEY_TRACE, "FILE.tsv", 0,
     "write seconds, phase, iteration, loss, residual as it goes", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        *o = (struct options){.starts = 1, .iterations = 1000, .seed = 1, .tolerance = 1e-8};
        return 0;
    case 'k':
        o->atoms = tool_count(state, "--atoms", arg, 1, INT32_MAX);
        return 0;
    case 'l':
        o->lambda = tool_positive(state, "--lambda", arg);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case 's':
        o->seed = tool_count(state, "--seed", arg, 1, UINT32_MAX);
        return 0;
    case KEY_NO_BIAS:
        o->no_bias = true;
        return 0;
    case KEY_STARTS:
        o->starts = tool_count(state, "--starts", arg, 1, 1000000);
        return 0;
    case KEY_INIT:
        o->init = arg;
        return 0;
    case KEY_INIT_BIAS:
        o->init_bias = arg;
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = tool_positive(state, "--tolerance", arg);
        return 0;
    case KEY_ITERATIONS:
        o->iterations = tool_count(state, "--max-iterations", arg, 1, 100000000);
        return 0;
    case KEY_TRACE:
        o->trace = arg;
        return 0;
    case ARGP_KEY_ARG:
        tool_data(state, &o->data, arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->data || (o->atoms == 0 && !o->init) || o->lambda == 0 || !o->out)
            argp_error(state, "X, --atoms (or --init), --lambda and --out are required");
        if (o->init && o->starts != 1)
            argp_error(state, "--starts and --init exclude each other");
        if (o->init_bias && o->no_bias)
            argp_error(state, "--init-bias and --no-bias exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Learns K unit atoms D, a bias b and nonnegative codes Z of the data X (N x d): a local "
    "minimum of the loss, the "
    "best of R starts, with certificates.\v"
    "Example:\n"
    "  ndl-fit X.npy --atoms 128 --lambda 0.2 --starts 10 --out learned\n\n"
    "writes learned/D.npy, b.npy, Z.npz (and Z.npy, if that has at most 1048576 entries) and "
    "report.json.  X is .npy, "
    ".npz:NAME, .safetensors[:NAME] or .tsv.\n"
    "Exit status: 0 done, 1 done but some KKT residual exceeds --tolerance, 2 bad input, 64 usage.";
static const struct argp argp = {options, parse, "X", about, tool_children, NULL, NULL};

struct job {
    const struct options *o;
    struct ndl_matrix X, D0, b0;
    double bound;
    struct ndl_model model;
    struct ndl_fit_report report;
    struct ndl_certificate kkt;
    FILE *trace;
    double begun, fitted, certified; /* the latter two in seconds of their own */
    /* for the time left */
    size_t begun_starts;
    struct {
        double time, residual;
    } step[STEPS_SEEN]; /* the last few, oldest first */
    size_t steps;
};

/* (loss - bound) / bound; 0 where rounding alone puts the loss at or below the bound. */
static double relative_gap(const struct job *j, double loss)
{
    return loss > j->bound ? loss / j->bound - 1 : 0;
}

/* -------------------------------------------------------------- progress */

/* With several starts: as many as are left at the pace so far.  With one: the residual is
 * assumed to fall as it did in the last few steps, which is all anyone knows; NaN if it did not
 * fall. */
static double time_left(struct job *j, double now, double residual)
{
    if (j->o->starts > 1) {
        double done =
            (double)j->begun_starts - 0.5 * fmin(j->o->common.threads, (double)j->begun_starts);
        return (now - j->begun) * fmax((double)j->o->starts - done, 0) / done;
    }
    if (j->steps == STEPS_SEEN)
        memmove(j->step, j->step + 1, --j->steps * sizeof *j->step);
    j->step[j->steps].time = now;
    j->step[j->steps++].residual = residual;
    double fallen = log(j->step[0].residual / residual), elapsed = now - j->step[0].time;
    return fallen > 0 && j->steps > 2 ? elapsed * fmax(log(residual / j->o->tolerance), 0) / fallen
                                      : nan("");
}

static void progress(void *context, const char *phase, int iteration, double loss, double residual)
{
    struct job *j = context;
    double now = tool_seconds();
    j->begun_starts += iteration == 1;
    if (j->trace)
        fprintf(j->trace, "%.6f\t%s\t%d\t%.17g\t%.6g\n", now - j->begun, phase, iteration, loss,
                residual);
    double left = time_left(j, now, residual);
    /* The solver may begin with some of the samples; their loss is no loss of the whole. */
    if (loss < j->bound)
        tool_progress(&j->o->common, "%s %d: on some of the samples, residual %.1e, %s left", phase,
                      iteration, residual, tool_duration(left));
    else
        tool_progress(&j->o->common, "%s %d: loss %.10g, gap %.4f %%, residual %.1e, %s left",
                      phase, iteration, loss, 100 * relative_gap(j, loss), residual,
                      tool_duration(left));
}

/* --------------------------------------------------------------- outputs */

static void add_input(cJSON *json, const struct job *j)
{
    const struct options *o = j->o;
    cJSON *input = cJSON_AddObjectToObject(json, "parameters");
    cJSON_AddStringToObject(input, "data", o->data);
    cJSON_AddNumberToObject(input, "samples", (double)j->X.rows);
    cJSON_AddNumberToObject(input, "dimensions", (double)j->X.cols);
    cJSON_AddNumberToObject(input, "atoms", (double)j->model.D.rows);
    cJSON_AddNumberToObject(input, "lambda", o->lambda);
    cJSON_AddBoolToObject(input, "bias", !o->no_bias);
    cJSON_AddNumberToObject(input, "seed", (double)o->seed);
    cJSON_AddNumberToObject(input, "starts", (double)o->starts);
    if (o->init)
        cJSON_AddStringToObject(input, "init", o->init);
    if (o->init_bias)
        cJSON_AddStringToObject(input, "init_bias", o->init_bias);
    cJSON_AddNumberToObject(input, "tolerance", o->tolerance);
    cJSON_AddNumberToObject(input, "max_iterations", (double)o->iterations);
    cJSON_AddNumberToObject(input, "threads", o->common.threads);
}

static void add_certificate(cJSON *json, const struct ndl_certificate *c)
{
    cJSON *kkt = cJSON_AddObjectToObject(json, "kkt");
    cJSON_AddNumberToObject(kkt, "worst", c->worst);
    cJSON_AddNumberToObject(kkt, "atoms", c->atoms);
    cJSON_AddNumberToObject(kkt, "bias", c->bias);
    cJSON_AddNumberToObject(kkt, "codes_off", c->codes_off);
    cJSON_AddNumberToObject(kkt, "codes_on", c->codes_on);
    cJSON_AddNumberToObject(kkt, "norm", c->norm);
    cJSON_AddNumberToObject(kkt, "negative", c->negative);
    cJSON_AddNumberToObject(kkt, "always_on", c->always_on);
}

static enum ndl_status write_report(const struct job *j, const char *path, struct ndl_error *err)
{
    double N = (double)j->X.rows, loss = j->kkt.loss;
    cJSON *json = tool_json_new();
    add_input(json, j);
    cJSON_AddBoolToObject(json, "converged", j->kkt.worst <= j->o->tolerance);
    cJSON_AddNumberToObject(json, "loss", loss);
    cJSON_AddNumberToObject(json, "loss_per_sample", loss / N);
    cJSON_AddNumberToObject(json, "bound", j->bound);
    cJSON_AddNumberToObject(json, "bound_per_sample", j->bound / N);
    cJSON_AddNumberToObject(json, "gap", loss - j->bound);
    cJSON_AddNumberToObject(json, "gap_relative", relative_gap(j, loss));
    add_certificate(json, &j->kkt);
    cJSON_AddNumberToObject(json, "live", (double)j->kkt.live);
    cJSON_AddNumberToObject(json, "dead", (double)j->kkt.dead);
    cJSON_AddNumberToObject(json, "nonzeros", (double)j->model.Z.start[j->X.rows]);
    cJSON_AddNumberToObject(json, "nonzeros_per_sample", (double)j->model.Z.start[j->X.rows] / N);
    cJSON_AddNumberToObject(json, "curvature", j->report.curvature);
    cJSON_AddNumberToObject(json, "iterations", j->report.iterations);
    cJSON_AddNumberToObject(json, "best_start", j->report.best_start);
    cJSON_AddBoolToObject(json, "used_continuation", j->report.used_continuation);
    cJSON *losses = cJSON_AddArrayToObject(json, "start_losses");
    for (size_t s = 0; s < j->o->starts; s++)
        cJSON_AddItemToArray(losses, cJSON_CreateNumber(j->report.start_loss[s]));
    cJSON_AddNumberToObject(json, "seconds", tool_seconds() - j->begun);
    cJSON_AddNumberToObject(json, "fit_seconds", j->fitted);
    cJSON_AddNumberToObject(json, "certify_seconds", j->certified);
    enum ndl_status status = tool_json_write(json, path, err);
    cJSON_Delete(json);
    return status;
}

static enum ndl_status write_dense(const struct ndl_codes *Z, const char *path,
                                   struct ndl_error *err)
{
    struct ndl_matrix dense;
    enum ndl_status status = ndl_codes_to_dense(&dense, Z, err);
    if (status == NDL_OK)
        status = ndl_save_matrix(&dense, path, false, err);
    ndl_matrix_free(&dense);
    return status;
}

static void print_summary(const struct job *j)
{
    double N = (double)j->X.rows, loss = j->kkt.loss;
    printf("loss        %.12g (%.8g per sample), start %d of %zu\n", loss, loss / N,
           j->report.best_start + 1, j->o->starts);
    printf("bound       %.12g, gap %.6g (%.4g %%)\n", j->bound, loss - j->bound,
           100 * relative_gap(j, loss));
    printf("KKT         worst relative residual %.2e (atoms %.1e, bias %.1e, codes %.1e)",
           j->kkt.worst, j->kkt.atoms, j->kkt.bias, fmax(j->kkt.codes_on, j->kkt.codes_off));
    if (isfinite(j->report.curvature)) /* NaN: not computed, or nothing to turn */
        printf(", curvature %.2e", j->report.curvature);
    putchar('\n');
    printf("atoms       %zu live, %zu dead; %.4g nonzeros per sample\n", j->kkt.live, j->kkt.dead,
           (double)j->model.Z.start[j->X.rows] / N);
    printf("time        %.3g s to learn (%d iterations), %.3g s to certify, %d threads\n",
           j->fitted, j->report.iterations, j->certified, j->o->common.threads);
    if (j->report.used_continuation)
        printf("start       too slow at this penalty: left after %zu iterations by way of larger "
               "ones\n",
               j->o->iterations);
}

/* ------------------------------------------------------------------- run */

static enum ndl_status load(struct job *j, struct ndl_error *err)
{
    const struct options *o = j->o;
    enum ndl_status status = ndl_load_matrix(&j->X, o->data, err);
    if (status == NDL_OK && o->init)
        status = tool_load_dictionary(&j->D0, o->init, NULL, NULL, j->X.cols, o->data, err);
    if (status == NDL_OK && o->init && o->atoms && o->atoms != j->D0.rows)
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu atoms, but --atoms says %zu", o->init,
                          j->D0.rows, o->atoms);
    if (status == NDL_OK && o->init_bias)
        status = ndl_load_vector(&j->b0, o->init_bias, err);
    if (status == NDL_OK && o->init_bias && j->b0.cols != j->X.cols)
        status = ndl_fail(err, NDL_BADDATA, "%s: %zu entries, but %s has %zu columns", o->init_bias,
                          j->b0.cols, o->data, j->X.cols);
    return status;
}

/* Learns and certifies; `missed` says whether the solver fell short of the tolerance. */
static enum ndl_status learn(struct job *j, bool *missed, struct ndl_error *err)
{
    const struct options *o = j->o;
    struct ndl_fit_options how = ndl_fit_defaults(o->init ? j->D0.rows : o->atoms, o->lambda);
    how.bias = !o->no_bias;
    how.seed = o->seed;
    how.starts = (int)o->starts;
    how.D0 = o->init ? &j->D0 : NULL;
    how.b0 = o->init_bias ? &j->b0 : NULL;
    how.tolerance = o->tolerance;
    how.max_iterations = (int)o->iterations;
    how.threads = o->common.threads;
    how.progress = progress;
    how.progress_context = j;
    enum ndl_status status = ndl_wide_bound(&j->X, o->lambda, !o->no_bias, &j->bound, NULL, err);
    if (status != NDL_OK)
        /* short of its minimum it bounds nothing */
        return status == NDL_NOCONV ? NDL_LIBRARY : status;
    j->begun = tool_seconds();
    status = ndl_fit(&j->X, &how, &j->model, &j->report, err);
    double done = tool_seconds();
    j->fitted = done - j->begun;
    *missed = status == NDL_NOCONV;
    if (status == NDL_OK || *missed) {
        tool_progress(&o->common, "certifying");
        status = ndl_certify(&j->X, &j->model, &j->kkt, err);
        j->certified = tool_seconds() - done;
    }
    tool_progress_end(&o->common);
    return status;
}

struct names { /* the final names, and the hidden ones they are written under */
    char D[4096], b[4096], Z[4096], dense[4096], report[4096];
    const char *hidden_D, *hidden_b, *hidden_Z, *hidden_dense, *hidden_report, *hidden_trace;
};

static enum ndl_status stage_outputs(const struct options *o, bool dense, struct tool_stage *stage,
                                     struct names *names, struct ndl_error *err)
{
    if (strlen(o->out) > sizeof names->D - 20)
        return ndl_fail(err, NDL_IO, "%s: name too long", o->out);
    snprintf(names->D, sizeof names->D, "%s/D.npy", o->out);
    snprintf(names->b, sizeof names->b, "%s/b.npy", o->out);
    snprintf(names->Z, sizeof names->Z, "%s/Z.npz", o->out);
    snprintf(names->dense, sizeof names->dense, "%s/Z.npy", o->out);
    snprintf(names->report, sizeof names->report, "%s/report.json", o->out);
    enum ndl_status status = tool_stage_directory(stage, o->out, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, names->D, &names->hidden_D, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, names->b, &names->hidden_b, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, names->Z, &names->hidden_Z, err);
    if (status == NDL_OK && dense)
        status = tool_stage_add(stage, names->dense, &names->hidden_dense, err);
    if (status == NDL_OK && o->trace)
        status = tool_stage_add(stage, o->trace, &names->hidden_trace, err);
    if (status == NDL_OK)
        status = tool_stage_add(stage, names->report, &names->hidden_report, err);
    return status;
}

static enum ndl_status write_outputs(const struct job *j, const struct names *names,
                                     struct ndl_error *err)
{
    enum ndl_status status = ndl_save_matrix(&j->model.D, names->hidden_D, false, err);
    if (status == NDL_OK)
        status = ndl_save_matrix(&j->model.b, names->hidden_b, true, err);
    if (status == NDL_OK)
        status = ndl_save_codes(&j->model.Z, names->hidden_Z, err);
    if (status == NDL_OK && names->hidden_dense)
        status = write_dense(&j->model.Z, names->hidden_dense, err);
    if (status == NDL_OK)
        status = write_report(j, names->hidden_report, err);
    return status;
}

static enum ndl_status run(const struct options *o, struct ndl_error *err)
{
    struct job j = {.o = o};
    struct tool_stage stage = {0};
    struct names names = {0};
    struct ndl_output trace = {0};
    bool missed = false;
    enum ndl_status status = load(&j, err);
    size_t K = o->init ? j.D0.rows : o->atoms, entries;
    bool dense = !__builtin_mul_overflow(j.X.rows, K, &entries) && entries <= DENSE_ENTRIES;
    if (status == NDL_OK)
        status = stage_outputs(o, dense, &stage, &names, err);
    if (status == NDL_OK && o->trace)
        status = ndl_output_open(&trace, names.hidden_trace, err);
    if (trace.file)
        fprintf(j.trace = trace.file, "# seconds\tphase\titeration\tloss\tresidual\n");
    if (status == NDL_OK)
        status = learn(&j, &missed, err);
    if (status == NDL_OK && trace.file)
        status = ndl_output_close(&trace, err);
    ndl_output_abandon(&trace);
    if (status == NDL_OK)
        status = write_outputs(&j, &names, err);
    if (status == NDL_OK)
        print_summary(&j);
    if (status == NDL_OK)
        status = tool_stage_commit(&stage, err);
    if (status == NDL_OK && !dense)
        unlink(names.dense); /* of an earlier, smaller run: it would contradict Z.npz */
    if (status == NDL_OK && (missed || !(j.kkt.worst <= o->tolerance)))
        status = ndl_fail(err, NDL_NOCONV,
                          "%s: written, but the worst relative KKT residual is %.3g, not %.3g",
                          o->out, j.kkt.worst, o->tolerance);
    tool_stage_end(&stage, err);
    ndl_model_free(&j.model);
    ndl_fit_report_free(&j.report);
    ndl_matrix_free(&j.X);
    ndl_matrix_free(&j.D0);
    ndl_matrix_free(&j.b0);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct ndl_error err = {{0}};
    tool_begin(argc, argv, &argp, &o);
    return tool_end(run(&o, &err), &err);
}

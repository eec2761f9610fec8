/* command_line.c -- how a claim program begins: its command line and random streams; and how it
 * ends on an error. */
#include "claim_state.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const char ndl_commit[];

enum { EXIT_DATA = 2 };

/* A table that is still open was not finished: nothing of it stays on the disk. */
_Noreturn void claim_die(const struct claim *claim, const char *message)
{
    struct ndl_output unfinished = claim->table;
    ndl_output_abandon(&unfinished);
    fprintf(stderr, "%s: %s\n", claim->name, message);
    exit(EXIT_DATA);
}

void claim_check_status(const struct claim *claim, enum ndl_status status,
                        const struct ndl_error *err)
{
    if (status != NDL_OK)
        claim_die(claim, err->text);
}

void claim_progress(const struct claim *claim, size_t done, size_t total, const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %zu of %zu %s%s", claim->name, done, total, what,
                done == total ? "\n" : "");
}

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
        claim_die(claim, "no memory");
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

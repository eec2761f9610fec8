/* train-options.c -- the command line of ndl-train. */
#include "train.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_LIST = 0x100,
    KEY_RESUME,
    KEY_EVERY,
    KEY_PARENTS,
    KEY_WEIGHTS,
    KEY_INIT,
    KEY_ENCODER,
    KEY_BIAS,
    KEY_LEVELS,
    KEY_PREFIX,
    KEY_PAIRS,
    KEY_FREE,
    KEY_KEEP,
    KEY_NUMBERS
};

/* Options that are a number of struct sae_options, the keys from KEY_NUMBERS on. */
enum kind { POSITIVE, NONNEGATIVE, COUNT, COUNT64 };
static const struct {
    const char *name;
    enum kind kind;
    size_t offset;
} numbers[] = {{"--lambda", NONNEGATIVE, offsetof(struct sae_options, lambda)},
               {"--k", POSITIVE, offsetof(struct sae_options, k)},
               {"--shape", POSITIVE, offsetof(struct sae_options, shape)},
               {"--orthogonality", NONNEGATIVE, offsetof(struct sae_options, orthogonality)},
               {"--bandwidth", POSITIVE, offsetof(struct sae_options, bandwidth)},
               {"--threshold", POSITIVE, offsetof(struct sae_options, threshold)},
               {"--aux-weight", NONNEGATIVE, offsetof(struct sae_options, aux_weight)},
               {"--aux-k", COUNT, offsetof(struct sae_options, aux_k)},
               {"--dead-after", COUNT64, offsetof(struct sae_options, dead_after)},
               {"--batch", COUNT, offsetof(struct sae_options, batch)},
               {"--steps", COUNT64, offsetof(struct sae_options, steps)},
               {"--rate", POSITIVE, offsetof(struct sae_options, rate)},
               {"--beta1", NONNEGATIVE, offsetof(struct sae_options, beta1)},
               {"--beta2", NONNEGATIVE, offsetof(struct sae_options, beta2)},
               {"--warmup", NONNEGATIVE, offsetof(struct sae_options, warmup)},
               {"--decay", NONNEGATIVE, offsetof(struct sae_options, decay)},
               {"--anneal-from", NONNEGATIVE, offsetof(struct sae_options, anneal_from)},
               {"--anneal-to", NONNEGATIVE, offsetof(struct sae_options, anneal_to)}};
enum { SHAPE = 2 };

static const struct argp_option options[] = {
    {"objective", 'j', "NAME", 0, "what to minimise (required); --objectives lists them", 0},
    {"objectives", KEY_LIST, NULL, 0, "list the objectives, and exit", 0},
    {"latents", 'K', "K", 0, "latents (required)", 0},
    {"out", 'o', "DIR", 0, "where the results go (required); made if missing", 0},
    {"resume", KEY_RESUME, NULL, 0, "continue from the checkpoint in DIR, if there is one", 0},
    {"checkpoint-every", KEY_EVERY, "N", 0, "steps between checkpoints (default 1000)", 0},
    {"seed", 's', "S", 0, "seed of start and order of samples, 1 to 4294967295 (default 1)", 0},

    {NULL, 0, NULL, 0, "The objective", 1},
    {"lambda", KEY_NUMBERS, "L", 0, "weight of the penalty (default 0.1)", 1},
    {"k", KEY_NUMBERS + 1, "N", 0, "codes per sample of TopK, on average of BatchTopK", 1},
    {"shape", KEY_NUMBERS + 2, "A", 0, "the objective's own parameter", 1},
    {"levels", KEY_LEVELS, "N,N,...", 0, "where prefixes (Matryoshka) or levels end; the last is K",
     1},
    {"prefix-weights", KEY_PREFIX, "W,W,...", 0, "weights of the prefixes (default 1)", 1},
    {"parents", KEY_PARENTS, "FILE", 0, "K numbers: the latent above each in the tree, or -1", 1},
    {"weights", KEY_WEIGHTS, "FILE", 0, "K numbers: weights of the latents in the penalty", 1},
    {"orthogonality", KEY_NUMBERS + 3, "G", 0, "weight of OrtSAE's term (default 0.25)", 1},
    {"all-pairs", KEY_PAIRS, NULL, 0, "OrtSAE's term is of all pairs, not of the largest cosines",
     1},
    {"bandwidth", KEY_NUMBERS + 4, "E", 0, "of JumpReLU's pseudo-derivatives (default 0.001)", 1},
    {"threshold", KEY_NUMBERS + 5, "T", 0, "JumpReLU's first threshold (default 0.001)", 1},
    {"aux-weight", KEY_NUMBERS + 6, "W", 0, "weight of reviving dead latents (default 1/32)", 1},
    {"aux-k", KEY_NUMBERS + 7, "N", 0, "dead latents revived per sample (default d / 2)", 1},
    {"dead-after", KEY_NUMBERS + 8, "N", 0, "samples without a code (default 10000000)", 1},
    {"free-norms", KEY_FREE, NULL, 0, "atoms of any norm, codes times norms are penalised", 1},

    {NULL, 0, NULL, 0, "Training", 2},
    {"batch", KEY_NUMBERS + 9, "N", 0, "samples per step (default 256)", 2},
    {"steps", KEY_NUMBERS + 10, "N", 0, "steps (default 2000)", 2},
    {"rate", KEY_NUMBERS + 11, "R", 0, "of Adam (default 0.001)", 2},
    {"beta1", KEY_NUMBERS + 12, "B", 0, "of Adam (default 0.9)", 2},
    {"beta2", KEY_NUMBERS + 13, "B", 0, "of Adam (default 0.999)", 2},
    {"warmup", KEY_NUMBERS + 14, "F", 0, "fraction in which lambda rises (default 0)", 2},
    {"decay", KEY_NUMBERS + 15, "F", 0, "last fraction, in which the rate falls (default 0.2)", 2},
    {"anneal-from", KEY_NUMBERS + 16, "F", 0, "where annealing begins (default 0.2)", 2},
    {"anneal-to", KEY_NUMBERS + 17, "F", 0, "where annealing ends (default 0.8)", 2},
    {"keep-lambda", KEY_KEEP, NULL, 0, "do not rescale lambda while a shape is annealed", 2},

    {NULL, 0, NULL, 0, "The start", 3},
    {"init", KEY_INIT, "D0", 0, "these atoms, at most K x d; the others are random", 3},
    {"init-encoder", KEY_ENCODER, "E0", 0, "their encoder, as many x d (default: the atoms)", 3},
    {"init-bias", KEY_BIAS, "B0", 0, "this bias instead of the mean of the data", 3},
    {0}};

static void list_objectives(void)
{
    for (const struct sae_objective *o = sae_objectives; o->name; o++) {
        printf("%-14s %s", o->name, o->what);
        if (strstr(o->what, "shape"))
            printf("; shape %g by default", o->shape);
        putchar('\n');
    }
    exit(0);
}

/* "8,32" as numbers; the array is NULL before the first call. */
static size_t parse_list(const struct argp_state *state, const char *option, char *text,
                         size_t **counts, double **values)
{
    size_t n = 0, room = strlen(text) / 2 + 1;
    size_t *count = counts ? calloc(room, sizeof *count) : NULL;
    double *value = values ? calloc(room, sizeof *value) : NULL;
    if (counts ? !count : !value)
        argp_failure(state, TOOL_ERROR, 0, "no memory for %s", option);
    for (char *rest = text, *word; (word = strsep(&rest, ",")) && n < room; n++) {
        if (count)
            count[n] = tool_count(state, option, word, 1, INT32_MAX);
        else
            value[n] = tool_nonnegative(state, option, word);
    }
    if (counts) {
        free(*counts);
        *counts = count;
    } else {
        free(*values);
        *values = value;
    }
    return n;
}

static void parse_number(const struct argp_state *state, struct train_options *o, size_t which,
                         const char *arg)
{
    const char *name = numbers[which].name;
    char *at = (char *)&o->sae + numbers[which].offset;
    double value = 0;
    if (numbers[which].kind == POSITIVE)
        value = tool_positive(state, name, arg);
    else if (numbers[which].kind == NONNEGATIVE)
        value = tool_nonnegative(state, name, arg);
    size_t count = 0;
    if (numbers[which].kind >= COUNT)
        count =
            tool_count(state, name, arg, 1, numbers[which].kind == COUNT ? INT32_MAX : SIZE_MAX);
    uint64_t count64 = count;
    if (numbers[which].kind == COUNT)
        memcpy(at, &count, sizeof count);
    else if (numbers[which].kind == COUNT64)
        memcpy(at, &count64, sizeof count64);
    else
        memcpy(at, &value, sizeof value);
    o->shape_given = o->shape_given || which == SHAPE;
}

/* Options complete: the objective exists, and its own default holds where none was given. */
static void finish(const struct argp_state *state, struct train_options *o)
{
    if (!o->data || !o->sae.objective || o->sae.K == 0 || !o->out)
        argp_error(state, "X, --objective, --latents and --out are required");
    const struct sae_objective *row = sae_objective_find(o->sae.objective);
    if (!row)
        argp_error(state, "there is no objective '%.60s'; --objectives lists them",
                   o->sae.objective);
    if (!o->shape_given && row)
        o->sae.shape = row->shape;
    if (o->prefix_weights > 0 && o->prefix_weights != o->sae.levels)
        argp_error(state, "--prefix-weights has %zu numbers, --levels %zu", o->prefix_weights,
                   o->sae.levels);
    if (o->encoder && !o->init)
        argp_error(state, "--init-encoder needs --init");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct train_options *o = state->input;
    size_t count = sizeof numbers / sizeof *numbers;
    if (key >= KEY_NUMBERS && (size_t)(key - KEY_NUMBERS) < count) {
        parse_number(state, o, (size_t)(key - KEY_NUMBERS), arg);
        return 0;
    }
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        *o = (struct train_options){.checkpoint_every = 1000, .sae = sae_defaults(NULL)};
        o->sae.objective = NULL;
        return 0;
    case 'j':
        o->sae.objective = arg;
        return 0;
    case KEY_LIST:
        list_objectives();
        return 0;
    case 'K':
        o->sae.K = tool_count(state, "--latents", arg, 1, INT32_MAX);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case KEY_RESUME:
        o->resume = true;
        return 0;
    case KEY_EVERY:
        o->checkpoint_every = tool_count(state, "--checkpoint-every", arg, 1, SIZE_MAX);
        return 0;
    case 's':
        o->sae.seed = tool_count(state, "--seed", arg, 1, UINT32_MAX);
        return 0;
    case KEY_LEVELS:
        o->sae.levels = parse_list(state, "--levels", arg, &o->level, NULL);
        o->sae.level = o->level;
        return 0;
    case KEY_PREFIX:
        o->prefix_weights = parse_list(state, "--prefix-weights", arg, NULL, &o->prefix_weight);
        o->sae.prefix_weight = o->prefix_weight;
        return 0;
    case KEY_PARENTS:
        o->parents = arg;
        return 0;
    case KEY_WEIGHTS:
        o->weights = arg;
        return 0;
    case KEY_PAIRS:
        o->sae.all_pairs = true;
        return 0;
    case KEY_FREE:
        o->sae.norms = SAE_FREE;
        return 0;
    case KEY_KEEP:
        o->sae.keep_lambda = true;
        return 0;
    case KEY_INIT:
        o->init = arg;
        return 0;
    case KEY_ENCODER:
        o->encoder = arg;
        return 0;
    case KEY_BIAS:
        o->bias = arg;
        return 0;
    case ARGP_KEY_ARG:
        tool_data(state, &o->data, arg);
        return 0;
    case ARGP_KEY_END:
        finish(state, o);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Trains a sparse autoencoder with K latents on the data X (N x d) by Adam.\v"
    "Example:\n"
    "  ndl-train X.npy --objective batchtopk --latents 1024 --k 32 --steps 20000 --out trained\n\n"
    "writes trained/cfg.json and sae_weights.safetensors, which SAELens reads too, and "
    "report.json.  "
    "X is .npy, .npz:NAME, .safetensors[:NAME] or .tsv.\n"
    "Exit status: 0 done, 2 bad input or a loss that is not finite, 64 usage.";
const struct argp train_argp = {options, parse, "X", about, tool_children, NULL, NULL};

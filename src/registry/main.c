/* main.c -- command line of the registry program. */
#include "registry.h"

#include <argp.h>
#include <string.h>

#include "ndl/ndl.h"

extern const char ndl_commit[];

struct options {
    const char *registry, *results, *reference, *out, *rewrite, *check;
    bool no_reference, quiet;
    char **words; /* the subcommand and its arguments */
    int word_count;
};

enum { NO_REFERENCE = 1, REWRITE, CHECK };

static const struct argp_option option_table[] = {
    {"registry", 'r', "FILE", 0, "the claims (default src/claims/registry.txt)", 0},
    {"results", 'd', "DIR", 0, "what the programs wrote (default build/results)", 0},
    {"reference", 'R', "DIR", 0, "the committed results (default results)", 0},
    {"no-reference", NO_REFERENCE, NULL, 0, "verify: judge the claims only, as for another seed",
     0},
    {"quiet", 'q', NULL, 0, "verify: print only what fails", 0},
    {"out", 'o', "FILE", 0, "macros: where to write; seeds: the directory", 0},
    {"rewrite", REWRITE, "FILE", 0, "table: put it between the markers of FILE", 0},
    {"check", CHECK, "FILE", 0, "table: only see whether FILE is up to date", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'r':
        options->registry = arg;
        return 0;
    case 'd':
        options->results = arg;
        return 0;
    case 'R':
        options->reference = arg;
        return 0;
    case 'o':
        options->out = arg;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case NO_REFERENCE:
        options->no_reference = true;
        return 0;
    case REWRITE:
        options->rewrite = arg;
        return 0;
    case CHECK:
        options->check = arg;
        return 0;
    case ARGP_KEY_ARGS:
        options->words = state->argv + state->next;
        options->word_count = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a subcommand is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_version(FILE *stream, struct argp_state *state)
{
    fprintf(stream, "%s (Sparse Optima) commit %s\n", state->name, ndl_commit);
}

/* ------------------------------------------------------------ subcommands */

/* Judges the named claims (all, if none is named), then compares with the reference. */
static int verify(const struct registry *registry, struct results *results,
                  struct results *reference, const struct options *options)
{
    size_t failed = 0, judged = 0, differences = 0;
    for (int i = 1; i < options->word_count; i++)
        if (!registry_find(registry, options->words[i]))
            die("registry: %s: no claim '%s'", registry->path, options->words[i]);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        bool wanted = options->word_count == 1;
        for (int j = 1; j < options->word_count; j++)
            wanted |= strcmp(entry->id, options->words[j]) == 0;
        if (!wanted)
            continue;
        judged++;
        if (!options->quiet || !entry_holds(results, entry))
            failed += !print_entry(results, entry, options->word_count > 1);
        if (!options->no_reference && options->word_count > 1)
            differences += results_compare(results, reference, entry->program);
    }
    if (!options->no_reference && options->word_count == 1)
        differences = results_compare(results, reference, NULL);
    if (!options->quiet || failed || differences)
        printf("%zu of %zu claims hold; %s\n", judged - failed, judged,
               options->no_reference ? "not compared with the reference results"
               : differences         ? "the results DIFFER from the reference"
                                     : "the results agree with the reference");
    return failed || differences ? EXIT_FAILS : EXIT_HOLDS;
}

static int macros(const struct registry *registry, struct results *results,
                  struct results *reference, struct options *options)
{
    registry_check(registry);
    options->quiet = true;
    int status = verify(registry, results, reference, options);
    if (status != EXIT_HOLDS)
        return status;
    struct ndl_output out;
    struct ndl_error err;
    if (!options->out)
        die("registry: macros needs --out");
    if (ndl_output_open(&out, options->out, &err) != NDL_OK)
        die("registry: %s", err.text);
    write_macros(out.file, registry, results);
    if (ndl_output_close(&out, &err) != NDL_OK)
        die("registry: %s", err.text);
    return EXIT_HOLDS;
}

static int table(const struct registry *registry, const struct options *options)
{
    if (options->check && !rewrite_table(registry, options->check, true)) {
        fprintf(stderr, "registry: %s is out of sync with %s (make sync)\n", options->check,
                registry->path);
        return EXIT_FAILS;
    }
    if (options->rewrite)
        rewrite_table(registry, options->rewrite, false);
    if (!options->check && !options->rewrite)
        write_table(stdout, registry);
    return EXIT_HOLDS;
}

static int seeds(const struct registry *registry, struct results *results,
                 const struct options *options)
{
    if (options->word_count > 1) {
        if (!options->out)
            die("registry: seeds needs --out");
        write_seeds(registry, options->words + 1, (size_t)options->word_count - 1, options->out);
        return EXIT_HOLDS;
    }
    size_t stale = seeds_stale(registry, results);
    if (stale)
        printf("seeds: results/seeds.tsv is out of date in %zu numbers (make seeds COUNT=20, make "
               "reference-seeds)\n",
               stale);
    return stale ? EXIT_FAILS : EXIT_HOLDS;
}

static int list(const struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++)
        printf("%s\t%g\t%s\n", registry->entries[i].id, registry->entries[i].minutes,
               registry->entries[i].title);
    return EXIT_HOLDS;
}

static int run(const struct registry *registry, struct results *results, struct results *reference,
               struct options *options)
{
    const char *command = options->words[0];
    int words = options->word_count;
    if (strcmp(command, "verify") == 0)
        return verify(registry, results, reference, options);
    if (strcmp(command, "why") == 0 && words == 2)
        return explain(registry, results, reference, options->words[1]);
    if (strcmp(command, "macros") == 0 && words == 1)
        return macros(registry, results, reference, options);
    if (strcmp(command, "table") == 0 && words == 1)
        return table(registry, options);
    if (strcmp(command, "seeds") == 0)
        return seeds(registry, results, options);
    if (strcmp(command, "list") == 0 && words == 1)
        return list(registry);
    if (strcmp(command, "page") == 0 && words == 2) {
        write_page(stdout, registry, results, options->words[1]);
        return EXIT_HOLDS;
    }
    if (strcmp(command, "index") == 0 && words == 1) {
        write_index(stdout, registry, results);
        return EXIT_HOLDS;
    }
    if (strcmp(command, "check") == 0 && words == 1) {
        registry_check(registry);
        return EXIT_HOLDS;
    }
    fprintf(stderr, "registry: '%s' with %d arguments is no subcommand; see --help\n", command,
            words - 1);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options = {
        .registry = "src/claims/registry.txt", .results = "build/results", .reference = "results"};
    argp_program_version_hook = print_version;
    argp_err_exit_status = EXIT_USAGE;
    const struct argp argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "verify [ID...]\nwhy PROGRAM.KEY\ncheck\nlist\nseeds [DIR...]\nmacros --out "
                    "FILE\ntable\npage PROGRAM\nindex",
        .doc = "Judges the claims of the registry by the results of their programs, and writes "
               "what the paper "
               "and REPRODUCE.md take from it.\v"
               "verify  predicted, measured, tolerance and verdict of the claims (of named ones "
               "with statement, "
               "command and reasons), then every result file against the reference\n"
               "why     file, source line, reference and uses of one number\n"
               "check   programs, figures and paper labels exist; no program or figure without a "
               "claim\n"
               "list    id, minutes and title of every claim\n"
               "seeds   the spread over the results in DIR..., one per seed, to --out; without "
               "DIR, whether the\n"
               "        spread in the results is about these claims and numbers\n"
               "macros  the numbers as TeX; refuses unless every claim holds\n"
               "table   the Markdown table of the claims\n"
               "page    verdicts and figures of a program's claims, in Markdown for the site\n"
               "index   all claims, likewise\n\n"
               "Exit status: 0 all hold, 1 one does not, 2 data or runtime error, 64 usage.\n"
               "Example: registry verify panels --results build/results"};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    struct registry registry;
    struct results results = {.dir = options.results}, reference = {.dir = options.reference};
    registry_read(&registry, options.registry);
    int status = run(&registry, &results, &reference, &options);
    results_free(&results);
    results_free(&reference);
    registry_free(&registry);
    return status;
}

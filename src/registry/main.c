/* main.c -- command line of the registry program. */
#include "registry.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ndl/ndl.h"

extern const char ndl_commit[];

struct options {
    const char *registry, *results, *reference, *out, *rewrite, *check, *captions;
    bool no_reference, quiet;
    char **words; /* the subcommand and its arguments */
    int word_count;
};

enum { NO_REFERENCE = 1, REWRITE, CHECK, CAPTIONS };

static const struct argp_option option_table[] = {
    {"registry", 'r', "FILE", 0, "the claims (default src/claims/registry.txt)", 0},
    {"results", 'd', "DIR", 0, "what the programs wrote (default build/results)", 0},
    {"reference", 'R', "DIR", 0, "the committed results (default results)", 0},
    {"no-reference", NO_REFERENCE, NULL, 0,
     "verify: judge the claims only, as for another seed; seeds: compute all anew", 0},
    {"quiet", 'q', NULL, 0, "verify: print only what fails", 0},
    {"out", 'o', "FILE", 0, "macros: where to write; seeds: the directory", 0},
    {"rewrite", REWRITE, "FILE", 0, "table: put it between the markers of FILE", 0},
    {"captions", CAPTIONS, "DIR", 0, "page: where FIGURE.caption is for each figure", 0},
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
    case CAPTIONS:
        options->captions = arg;
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

static _Noreturn void die_of_claim(const struct registry *registry, const char *id)
{
    fprintf(stderr, "registry: %s: no claim '%s'; the claims are", registry->path, id);
    for (size_t i = 0; i < registry->count; i++)
        fprintf(stderr, " %s", registry->entries[i].id);
    die("%s", "");
}

/* Judges the named claims (all, if none is named), then compares with the reference. */
static int verify(const struct registry *registry, struct results *results,
                  struct results *reference, const struct options *options)
{
    size_t failed = 0, judged = 0, differences = 0;
    for (int i = 1; i < options->word_count; i++)
        if (!registry_find(registry, options->words[i]))
            die_of_claim(registry, options->words[i]);
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
                 struct results *reference, const struct options *options)
{
    struct results *spread = options->no_reference ? NULL : reference;
    if (options->word_count > 1) {
        if (!options->out)
            die("registry: seeds needs --out");
        return write_seeds(registry, spread, options->words + 1, (size_t)options->word_count - 1,
                           options->out)
                   ? EXIT_HOLDS
                   : EXIT_FAILS;
    }
    size_t stale = seeds_stale(registry, results);
    if (stale)
        printf("seeds: results/seeds.tsv is out of date in %zu numbers (make reference-seeds)\n",
               stale);
    return stale ? EXIT_FAILS : EXIT_HOLDS;
}

static int stale(const struct registry *registry, struct results *results,
                 struct results *reference, const struct options *options)
{
    double count;
    if (!parse_number(options->words[1], &count) || !(count >= 1 && count <= UINT32_MAX))
        die("registry: '%s' is not a number of seeds", options->words[1]);
    write_stale(stdout, registry, options->no_reference ? NULL : reference, results, (size_t)count);
    return EXIT_HOLDS;
}

static void list(const struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++)
        printf("%s\t%g\t%s\n", registry->entries[i].id, registry->entries[i].seconds,
               registry->entries[i].title);
}

/* Nothing becomes a reference unless every claim holds. */
static int accept(const struct registry *registry, struct results *results,
                  struct results *reference, struct options *options)
{
    options->quiet = options->no_reference = true;
    int status = verify(registry, results, reference, options);
    if (status != EXIT_HOLDS)
        return status;
    size_t changed = results_accept(results, reference);
    printf("%s: %zu files changed\n", reference->dir, changed);
    return EXIT_HOLDS;
}

/* What a subcommand prints about one program or figure. */
static int print_for_page(const struct registry *registry, struct results *results,
                          const struct options *options)
{
    const char *command = options->words[0], *name = options->words[1];
    if (strcmp(command, "status") == 0)
        write_status(stdout, registry, results, name);
    else if (strcmp(command, "page") == 0)
        write_page(stdout, registry, results, name, options->captions);
    else if (strcmp(command, "neighbours") == 0)
        write_neighbours(stdout, registry, name);
    else if (strcmp(command, "caption") == 0)
        write_caption(stdout, results, name);
    else
        return EXIT_USAGE;
    return EXIT_HOLDS;
}

/* What a subcommand prints about all claims. */
static int print_all(const struct registry *registry, struct results *results, const char *command)
{
    if (strcmp(command, "list") == 0)
        list(registry);
    else if (strcmp(command, "deps") == 0)
        write_deps(stdout, registry);
    else if (strcmp(command, "summary") == 0)
        write_summary(stdout, registry, results);
    else if (strcmp(command, "index") == 0)
        write_index(stdout, registry, results);
    else if (strcmp(command, "check") == 0)
        registry_check(registry);
    else
        return EXIT_USAGE;
    return EXIT_HOLDS;
}

static int run(const struct registry *registry, struct results *results, struct results *reference,
               struct options *options)
{
    const char *command = options->words[0];
    int words = options->word_count, status = EXIT_USAGE;
    if (strcmp(command, "verify") == 0)
        return verify(registry, results, reference, options);
    if (strcmp(command, "why") == 0 && words == 2)
        return explain(registry, results, reference, options->words[1]);
    if (strcmp(command, "macros") == 0 && words == 1)
        return macros(registry, results, reference, options);
    if (strcmp(command, "accept") == 0 && words == 1)
        return accept(registry, results, reference, options);
    if (strcmp(command, "table") == 0 && words == 1)
        return table(registry, options);
    if (strcmp(command, "seeds") == 0)
        return seeds(registry, results, reference, options);
    if (strcmp(command, "stale") == 0 && words == 2)
        return stale(registry, results, reference, options);
    if (words == 1)
        status = print_all(registry, results, command);
    if (words == 2)
        status = print_for_page(registry, results, options);
    if (status == EXIT_USAGE)
        fprintf(stderr, "registry: '%s' with %d arguments is no subcommand; see --help\n", command,
                words - 1);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.registry = "src/claims/registry.txt",
                              .results = "build/results",
                              .reference = "results",
                              .captions = "."};
    argp_program_version_hook = print_version;
    argp_err_exit_status = EXIT_USAGE;
    const struct argp argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "verify [ID...]\nwhy PROGRAM.KEY\naccept\ncheck\nlist\ndeps\nseeds "
                    "[DIR...]\nstale COUNT\n"
                    "macros --out FILE\ntable\nstatus PROGRAM\npage PROGRAM --captions DIR\n"
                    "neighbours PROGRAM\ncaption FIGURE\nsummary\nindex",
        .doc = "Judges the claims of the registry by the results of their programs, and writes "
               "what the paper, the pages, REPRODUCE.md and make take from it.\v"
               "verify  predicted, measured and verdict of the claims (of those named,\n"
               "        statement, command and reasons too), and whether the result files\n"
               "        agree with the reference\n"
               "why     file, function, reference and uses of one number\n"
               "accept  replaces the reference files that the results do not agree with\n"
               "check   that the registry, programs, figures and paper name each other\n"
               "list    id, seconds and title of every claim\n"
               "deps    claims, their programs and figures, as variables of a makefile\n"
               "seeds   the spread over the results in DIR..., one per seed, to --out;\n"
               "        without DIR, whether the spread is about these claims and numbers\n"
               "stale   the programs that seeds needs for COUNT seeds; what the reference\n"
               "        says of the others is taken over, unless --no-reference\n"
               "macros  the numbers as TeX; refuses unless every claim holds\n"
               "table   the Markdown table of the claims\n"
               "status, page, neighbours, caption, summary, index\n"
               "        what make site needs, in Markdown (a caption in TeX)\n\n"
               "Exit status: 0 all hold, 1 one does not, 2 data or runtime error, 64 usage.\n"
               "Example: registry verify panels --results build/results"};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    struct registry registry;
    struct results results = {.dir = options.results}, reference = {.dir = options.reference};
    registry_read(&registry, options.registry);
    int status = run(&registry, &results, &reference, &options);
    if (fflush(stdout) != 0 || ferror(stdout))
        die("registry: the output cannot be written: %s", strerror(errno));
    results_free(&results);
    results_free(&reference);
    registry_free(&registry);
    return status;
}

/* why.c -- where does a number of the paper come from? */
#include "registry.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

extern const char ndl_commit[];

/* Turns the conversions of a printf format into '*' (%c and the like: what a key is built
 * with); returns how many characters are left to match literally. */
static size_t format_to_pattern(char *format)
{
    size_t literal = 0;
    char *to = format;
    for (const char *from = format; *from; from++) {
        if (*from == '%') {
            from += strcspn(from, "csdiug");
            *to++ = '*';
            if (!*from)
                break;
        } else {
            *to++ = *from;
            literal++;
        }
    }
    *to = '\0';
    return literal;
}

/* The line of the program in which the string literal (or format) that fits the key best stands;
 * among equals one in a claim_scalar or snprintf call. */
static size_t find_source(const char *path, const char *key)
{
    char *text = slurp(path);
    size_t best = 0, best_score = 0, number = 0;
    for (char *line = text, *next; line; line = next) {
        next = cut_line(line);
        number++;
        size_t call = strstr(line, "claim_scalar(") || strstr(line, "printf(");
        for (char *open = strchr(line, '"'), *close; open && (close = strchr(open + 1, '"')); open = strchr(close + 1, '"')) {
            char *literal = join("%.*s", (int)(close - open - 1), open + 1);
            size_t score = 2 * format_to_pattern(literal) + call;
            if (score > best_score && strpbrk(literal, "abcdefghijklmnopqrstuvwxyz") && fnmatch(literal, key, 0) == 0) {
                best = number;
                best_score = score;
            }
            free(literal);
        }
    }
    free(text);
    return best;
}

static void print_source(const char *path, const char *key)
{
    size_t number = find_source(path, key);
    char *text = slurp(path), *line = text;
    printf(number > 0 ? "source     %s:%zu\n" : "source     %s\n", path, number);
    for (size_t i = 1; line && i <= number; i++) {
        char *next = cut_line(line);
        if (i == number)
            printf("           %s\n", line + strspn(line, " "));
        line = next;
    }
    free(text);
}

static void print_uses(const struct registry *registry, struct results *results, const struct scalar *scalar)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        for (size_t j = 0; j < claim->check_count; j++) {
            const struct check *check = &claim->checks[j];
            if (claim_scalar(results, claim, check->key) == scalar ||
                claim_scalar(results, claim, check->expected) == scalar)
                printf("checked    %s:%zu: claim %s: %s %s %s\n", registry->path, check->line, claim->id, check->key,
                       operator_text[check->operator], check->expected);
        }
        for (size_t j = 0; j < claim->control_count; j++)
            if (claim_scalar(results, claim, claim->controls[j].key) == scalar)
                printf("control    %s:%zu: claim %s: breaks %s\n", registry->path, claim->controls[j].line, claim->id,
                       claim->controls[j].breaks);
    }
}

/* The lines of the paper that print the number. */
static void print_places(const char *name)
{
    glob_t files = {0};
    char *wanted = join("{%s}", name);
    glob("paper/*.tex", 0, NULL, &files);
    glob("paper/sections/*.tex", GLOB_APPEND, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *text = slurp(files.gl_pathv[i]);
        size_t number = 0;
        for (char *line = text, *next; line; line = next) {
            next = cut_line(line);
            number++;
            if (strstr(line, wanted))
                printf("printed    %s:%zu\n", files.gl_pathv[i], number);
        }
        free(text);
    }
    globfree(&files);
    free(wanted);
}

int explain(const struct registry *registry, struct results *results, struct results *reference, const char *name)
{
    size_t length = strcspn(name, ".");
    if (!name[length] || strchr(name, '/')) {
        fprintf(stderr, "registry: '%s' is not PROGRAM.KEY, for example %s.%s\n", name, registry->claims[0].program,
                registry->claims[0].checks[0].key);
        return EXIT_USAGE;
    }
    char *program = join("%.*s", (int)length, name);
    char *source = join("src/claims/%s.c", program);
    const char *key = name + length + 1;
    const struct result *result = results_of(results, program);
    const struct scalar *scalar = result_scalar(result, key);
    if (result && !scalar) {
        fprintf(stderr, "registry: %s has no '%s'; it has", result->path, key);
        for (size_t i = 0; i < result->count; i++)
            fprintf(stderr, " %s", result->scalars[i].key);
        fputc('\n', stderr);
    }
    if (scalar) {
        printf("value      %.17g\nmeaning    %s\nfile       %s, key %s\n", scalar->value, scalar->meaning,
               result->path, key);
        for (size_t i = 0; i < result->header.count; i++)
            if (strncmp(result->header.at[i], "# seed:", 7) == 0)
                printf("command    build/bin/%s --seed %s --data datasets\n", program, result->header.at[i] + 8);
        printf("commit     %s\n", ndl_commit);
        print_source(source, key);
        const struct scalar *committed = result_scalar(results_of(reference, program), key);
        if (committed)
            printf("reference  %.17g, reproducible to %g\n", committed->value, committed->tolerance);
        print_uses(registry, results, scalar);
        print_places(name);
    }
    free(program);
    free(source);
    return scalar ? EXIT_HOLDS : EXIT_DATA;
}

/* why.c -- where does a number of the paper come from? */
#include "registry.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char ndl_commit[];

/* ----------------------------------------------------------------- source */

static struct names lines_of(char *text)
{
    struct names lines = {0};
    for (char *line = text, *next; line; line = next) {
        next = cut_line(line);
        add_name(&lines, line);
    }
    return lines;
}

/* Whether a line begins the definition of a function: its type is in the first column, and no
 * semicolon ends it, as it would a declaration. */
static bool defines(const struct names *lines, size_t i, const char *function)
{
    const char *line = lines->at[i];
    if (!isalpha((unsigned char)line[0]))
        return false;
    char *call = join("%s(", function);
    const char *name = strstr(line, call);
    free(call);
    if (!name || name == line || isalnum((unsigned char)name[-1]) || name[-1] == '_')
        return false;
    while (i < lines->count && !strpbrk(lines->at[i], ";{"))
        i++;
    return i < lines->count && lines->at[i][0] == '{';
}

static void print_line(const char *word, const char *path, const struct names *lines, size_t i)
{
    printf("%-10s %s:%zu\n           %s\n", word, path, i + 1,
           lines->at[i] + strspn(lines->at[i], " "));
}

/* The lines from `first` to the end of the function that name the key, or what stands behind one
 * of its dots, where a prefix has been put before it. */
static void print_key_lines(const char *path, const struct names *lines, size_t first,
                            const char *key)
{
    bool found = false;
    for (const char *tail = key; tail && !found;
         tail = strchr(tail, '.') ? strchr(tail, '.') + 1 : NULL) {
        char *literal = join("\"%s\"", tail);
        for (size_t i = first; i < lines->count && lines->at[i][0] != '}'; i++)
            if (strstr(lines->at[i], literal)) {
                print_line("written", path, lines, i);
                found = true;
            }
        free(literal);
    }
}

static bool print_function(const char *path, const char *function, const char *key)
{
    char *text = slurp(path);
    struct names lines = lines_of(text);
    size_t i = 0;
    while (i < lines.count && !defines(&lines, i, function))
        i++;
    bool found = i < lines.count;
    if (found) {
        print_line("source", path, &lines, i);
        print_key_lines(path, &lines, i, key);
    }
    free(lines.at);
    free(text);
    return found;
}

/* The function that wrote the number: of the program, or of what the programs share. */
static void print_source(const char *program, const struct scalar *scalar)
{
    char *source = join("src/claims/%s.c", program);
    const char *path = access(source, R_OK) == 0 ? source : "src/registry/seeds.c";
    bool found = scalar->function && print_function(path, scalar->function, scalar->key);
    glob_t files = {0};
    glob("src/claims/kit/*.c", 0, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc && scalar->function && !found; i++)
        found = print_function(files.gl_pathv[i], scalar->function, scalar->key);
    if (!found)
        printf("source     %s\n", path);
    globfree(&files);
    free(source);
}

/* ------------------------------------------------------------------- uses */

/* Whether a claim is about the program's numbers; results of the others need not be there. */
static bool concerns(const struct entry *entry, const char *program)
{
    bool found = strcmp(entry->program, program) == 0;
    for (size_t i = 0; i < entry->reads.count; i++)
        found |= strcmp(entry->reads.at[i], program) == 0;
    return found;
}

static void print_uses(const struct registry *registry, struct results *results,
                       const char *program, const struct scalar *scalar)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (!concerns(entry, program))
            continue;
        for (size_t j = 0; j < entry->check_count; j++) {
            const struct expectation *check = &entry->checks[j];
            if (entry_scalar(results, entry, check->key) == scalar ||
                entry_scalar(results, entry, check->expected) == scalar)
                printf("checked    %s:%zu: claim %s: %s %s %s\n", registry->path, check->line,
                       entry->id, check->key, relation_name(check->relation, PLAIN),
                       check->expected);
        }
        for (size_t j = 0; j < entry->control_count; j++)
            if (entry_scalar(results, entry, entry->controls[j].key) == scalar)
                printf("control    %s:%zu: claim %s: breaks %s\n", registry->path,
                       entry->controls[j].line, entry->id, entry->controls[j].breaks);
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

int explain(const struct registry *registry, struct results *results, struct results *reference,
            const char *name)
{
    size_t length = strcspn(name, ".");
    if (!name[length] || strchr(name, '/')) {
        fprintf(stderr, "registry: '%s' is not PROGRAM.KEY, for example %s.%s\n", name,
                registry->entries[0].program, registry->entries[0].checks[0].key);
        return EXIT_USAGE;
    }
    char *program = join("%.*s", (int)length, name);
    const char *key = name + length + 1;
    bool known = strcmp(program, "seeds") == 0;
    for (size_t i = 0; i < registry->count; i++)
        known |= concerns(&registry->entries[i], program);
    if (!known) {
        fprintf(stderr,
                "registry: '%s': no claim has the program %s; a number is PROGRAM.KEY, for example "
                "%s.%s\n",
                name, program, registry->entries[0].program, registry->entries[0].checks[0].key);
        free(program);
        return EXIT_USAGE;
    }
    const struct result *result = results_of(results, program);
    const struct scalar *scalar = result_scalar(result, key);
    if (result && !scalar) {
        fprintf(stderr, "registry: %s has no '%s'; it has", result->path, key);
        for (size_t i = 0; i < result->count; i++)
            fprintf(stderr, " %s", result->scalars[i].key);
        fputc('\n', stderr);
    }
    if (scalar) {
        printf("value      %.17g\nmeaning    %s\nfile       %s, key %s\n", scalar->value,
               scalar->meaning, result->path, key);
        for (size_t i = 0; i < result->header.count; i++)
            if (strncmp(result->header.at[i], "# seed:", 7) == 0)
                printf("command    build/bin/%s --seed %s --data datasets\n", program,
                       result->header.at[i] + 8);
            else if (strncmp(result->header.at[i], "# command:", 10) == 0)
                printf("command    %s\n", result->header.at[i] + 11);
        printf("commit     %s\n", ndl_commit);
        print_source(program, scalar);
        const struct scalar *committed = result_scalar(results_of(reference, program), key);
        if (committed)
            printf("reference  %.17g, reproducible to %g\n", committed->value,
                   committed->tolerance);
        print_uses(registry, results, program, scalar);
        print_places(name);
    }
    free(program);
    return scalar ? EXIT_HOLDS : EXIT_DATA;
}

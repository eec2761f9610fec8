/* why.c -- where does a number of the paper come from? */
#include "registry.h"

#include <fnmatch.h>
#include <glob.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* How many characters of a string literal (or format) fit the key: all of it, its tail behind a
 * '.', to which a helper has put a prefix, or either with a suffix such as ".mean" or "_error". */
static size_t fitting(const char *literal, const char *key)
{
    char *pattern = join("%s", literal);
    size_t length = format_to_pattern(pattern);
    char *longer = join("%s[._]*", pattern);
    bool fits = false;
    for (const char *tail = key; tail && !fits;
         tail = strchr(tail, '.') ? strchr(tail, '.') + 1 : NULL)
        fits = fnmatch(pattern, tail, 0) == 0 || fnmatch(longer, tail, 0) == 0;
    free(pattern);
    free(longer);
    return fits && strpbrk(literal, "abcdefghijklmnopqrstuvwxyz") ? length : 0;
}

/* How well line i fits the key, by its best literal; more where the number's meaning stands
 * there or in the next line, and in a claim_scalar or snprintf call.  *behind: the text behind
 * that literal. */
static size_t line_score(const struct names *lines, size_t i, const char *key, const char *meaning,
                         const char **behind)
{
    const char *line = lines->at[i], *next = i + 1 < lines->count ? lines->at[i + 1] : "";
    size_t best = 0;
    for (const char *open = strchr(line, '"'), *close; open && (close = strchr(open + 1, '"'));
         open = strchr(close + 1, '"')) {
        char *literal = join("%.*s", (int)(close - open - 1), open + 1);
        size_t length = fitting(literal, key);
        if (length > best) {
            best = length;
            *behind = close + 1;
        }
        free(literal);
    }
    if (best == 0)
        return 0;
    char *begin = join("\"%.20s", meaning);
    bool told = strstr(line, begin) || strstr(next, begin);
    bool call = strstr(line, "claim_scalar(") || strstr(line, "printf(");
    free(begin);
    return 4 * best + (told ? 2 : 0) + (call ? 1 : 0);
}

/* The variable or member whose value follows a key, as in `"key", (double)trial.count, ...`;
 * NULL if an expression follows.  *member: whether it is a member. */
static char *variable_behind(const char *behind, bool *member)
{
    regex_t value;
    regmatch_t group[7];
    char *name = NULL;
    if (regcomp(&value,
                "^, *(\\([a-z_ "
                "]+\\))?([A-Za-z0-9_]+(\\[[^]]*\\])*(\\.|->))*([A-Za-z0-9_]+)(\\[[^]]*\\])*[,)]",
                REG_EXTENDED) != 0)
        return NULL;
    if (regexec(&value, behind, 7, group, 0) == 0) {
        name = join("%.*s", (int)(group[5].rm_eo - group[5].rm_so), behind + group[5].rm_so);
        *member = group[2].rm_so >= 0;
    }
    regfree(&value);
    return name;
}

static void print_line(const char *word, const char *path, const struct names *lines, size_t i)
{
    printf("%-10s %s:%zu\n           %s\n", word, path, i + 1,
           lines->at[i] + strspn(lines->at[i], " "));
}

/* The lines that assign to the variable: in the function of line `last`, or anywhere if it is a
 * member. */
static void print_assignments(const char *path, const struct names *lines, size_t last,
                              const char *name, bool member)
{
    size_t first = member ? 0 : last, end = member ? lines->count : last;
    while (first > 0 && lines->at[first][0] != '{')
        first--;
    char *pattern =
        member ? join("(\\.|->)%s(\\[[^]]*\\])* *[-+*/|&]?=[^=]|&[A-Za-z0-9_]+(\\.|->)%s[,)]", name,
                      name)
               : join("(^|[^A-Za-z0-9_.>])%s(\\[[^]]*\\])* *[-+*/|&]?=[^=]|&%s[,)]", name, name);
    regex_t assignment;
    if (regcomp(&assignment, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
        for (size_t i = first; i < end; i++)
            if (i != last && regexec(&assignment, lines->at[i], 0, NULL, 0) == 0)
                print_line("computed", path, lines, i);
        regfree(&assignment);
    }
    free(pattern);
}

static void print_source(const char *path, const char *key, const char *meaning)
{
    char *text = slurp(path);
    struct names lines = {0};
    for (char *line = text, *next; line; line = next) {
        next = cut_line(line);
        add_name(&lines, line);
    }
    const char *behind = "";
    size_t best = 0;
    for (size_t i = 0; i < lines.count; i++) {
        size_t score = line_score(&lines, i, key, meaning, &behind);
        best = score > best ? score : best;
    }
    if (best == 0)
        printf("source     %s\n", path);
    /* two helpers may write keys of one name */
    for (size_t i = 0; i < lines.count && best > 0; i++) {
        if (line_score(&lines, i, key, meaning, &behind) != best)
            continue;
        print_line("source", path, &lines, i);
        bool member = false;
        char *name = variable_behind(behind, &member);
        if (name)
            print_assignments(path, &lines, i, name, member);
        free(name);
    }
    free(lines.at);
    free(text);
}

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
    char *source = join("src/claims/%s.c", program);
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
        free(source);
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
        print_source(access(source, R_OK) == 0 ? source : "src/registry/seeds.c", key,
                     scalar->meaning);
        const struct scalar *committed = result_scalar(results_of(reference, program), key);
        if (committed)
            printf("reference  %.17g, reproducible to %g\n", committed->value,
                   committed->tolerance);
        print_uses(registry, results, program, scalar);
        print_places(name);
    }
    free(program);
    free(source);
    return scalar ? EXIT_HOLDS : EXIT_DATA;
}

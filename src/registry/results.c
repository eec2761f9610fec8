/* results.c -- reads and writes result files (format: claims/kit/claim.h).
 *
 * A line is KEY, value, tolerance, meaning and, where it has a fifth column, the C function that
 * wrote it. */
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ write */

void write_header(FILE *out, const char *program, const char *command)
{
    fprintf(out, "# Sparse Optima result, format 1\n# program: %s\n# command: %s\n", program,
            command);
}

void write_scalar(FILE *out, const char *key, double value, double tolerance, const char *meaning)
{
    fprintf(out, "%s\t%.17g\t%.17g\t%s\n", key, value, tolerance, meaning);
}

/* ------------------------------------------------------------------ read */

enum { LEAST_FIELDS = 4, MOST_FIELDS = 5 };

static bool parse_scalar(char *line, struct scalar *scalar)
{
    char *field[MOST_FIELDS] = {line};
    size_t count = 1;
    for (char *tab; count < MOST_FIELDS && (tab = strchr(field[count - 1], '\t')); count++) {
        *tab = '\0';
        field[count] = tab + 1;
    }
    if (count < LEAST_FIELDS || strchr(field[count - 1], '\t'))
        return false;
    *scalar = (struct scalar){.key = field[0], .meaning = field[3], .function = field[4]};
    return parse_number(field[1], &scalar->value) && parse_number(field[2], &scalar->tolerance) &&
           scalar->tolerance >= 0;
}

static bool read_result(struct result *result)
{
    result->text = slurp(result->path);
    if (!result->text) {
        fprintf(stderr, "registry: %s: %s\n", result->path, strerror(errno));
        return false;
    }
    size_t number = 0;
    for (char *line = result->text, *next; line; line = next) {
        next = cut_line(line);
        number++;
        struct scalar scalar;
        if (line[0] == '#')
            add_name(&result->header, line);
        else if (*line && !parse_scalar(line, &scalar)) {
            fprintf(stderr, "registry: %s:%zu: not 'key value tolerance meaning [function]'\n",
                    result->path, number);
            return false;
        } else if (*line) {
            result->scalars = grow(result->scalars, result->count + 1, sizeof *result->scalars);
            result->scalars[result->count++] = scalar;
        }
    }
    return true;
}

const struct result *results_of(struct results *results, const char *program)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->at[i].program, program) == 0)
            return results->at[i].readable ? &results->at[i] : NULL;
    struct result result = {.program = join("%s", program),
                            .path = join("%s/%s.tsv", results->dir, program)};
    result.readable = read_result(&result);
    results->at = grow(results->at, results->count + 1, sizeof *results->at);
    results->at[results->count++] = result;
    return results_of(results, program);
}

const struct scalar *result_scalar(const struct result *result, const char *key)
{
    for (size_t i = 0; result && i < result->count; i++)
        if (strcmp(result->scalars[i].key, key) == 0)
            return &result->scalars[i];
    return NULL;
}

const struct scalar *entry_scalar(struct results *results, const struct entry *entry,
                                  const char *key)
{
    for (size_t i = 0; i < entry->reads.count; i++) {
        size_t length = strlen(entry->reads.at[i]);
        if (strncmp(key, entry->reads.at[i], length) == 0 && key[length] == '.')
            return result_scalar(results_of(results, entry->reads.at[i]), key + length + 1);
    }
    return result_scalar(results_of(results, entry->program), key);
}

const struct scalar *named_scalar(struct results *results, const char *name)
{
    size_t length = strcspn(name, ".");
    if (!name[length])
        return NULL;
    char *program = join("%.*s", (int)length, name);
    const struct scalar *scalar = result_scalar(results_of(results, program), name + length + 1);
    free(program);
    return scalar;
}

void results_free(struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        free(results->at[i].program);
        free(results->at[i].path);
        free(results->at[i].text);
        free(results->at[i].header.at);
        free(results->at[i].scalars);
    }
    free(results->at);
}

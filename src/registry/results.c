/* results.c -- the files of the claim programs (format: claims/kit/claim.h), read and compared. */
#include "registry.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ read */

static bool parse_scalar(char *line, struct scalar *scalar)
{
    char *field[4] = {line};
    for (size_t i = 1; i < 4; i++) {
        field[i] = strchr(field[i - 1], '\t');
        if (!field[i])
            return false;
        *field[i]++ = '\0';
    }
    *scalar = (struct scalar){.key = field[0], .meaning = field[3]};
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
            fprintf(stderr, "registry: %s:%zu: not 'key value tolerance meaning'\n", result->path,
                    number);
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

/* --------------------------------------------------------------- compare */

/* NaN agrees with nothing; equal infinities agree. */
static bool agree(double value, double reference, double tolerance)
{
    return isinf(tolerance) || value == reference ||
           fabs(value - reference) <= tolerance * fmax(1, fabs(reference));
}

static size_t compare_headers(const char *path, const struct names *new, const struct names *old)
{
    size_t differences = new->count != old->count;
    if (differences)
        printf("%s: %zu header lines, the reference has %zu\n", path, new->count, old->count);
    for (size_t i = 0; i < new->count &&i < old->count; i++)
        if (strcmp(new->at[i], old->at[i]) != 0) {
            printf("%s: header '%s', in the reference '%s'\n", path, new->at[i], old->at[i]);
            differences++;
        }
    return differences;
}

static size_t compare_scalars(const struct result *new, const struct result *old)
{
    size_t differences = compare_headers(new->path, &new->header, &old->header);
    for (size_t i = 0; i < old->count; i++) {
        const struct scalar *is = result_scalar(new, old->scalars[i].key), *was = &old->scalars[i];
        if (!is)
            printf("%s: no '%s', which the reference has\n", new->path, was->key);
        else if (strcmp(is->meaning, was->meaning) != 0)
            printf("%s: %s: meaning '%s', in the reference '%s'\n", new->path, was->key,
                   is->meaning, was->meaning);
        else if (!agree(is->value, was->value, was->tolerance))
            printf("%s: %s: %.17g, in the reference %.17g (tolerance %g)\n", new->path, was->key,
                   is->value, was->value, was->tolerance);
        else
            continue;
        differences++;
    }
    for (size_t i = 0; i < new->count; i++)
        if (!result_scalar(old, new->scalars[i].key)) {
            printf("%s: '%s' is not in the reference\n", new->path, new->scalars[i].key);
            differences++;
        }
    return differences;
}

struct table {
    char *text;
    struct names header, rows; /* rows: also the empty lines, which separate curves */
};

static bool read_table(struct table *table, const char *path)
{
    *table = (struct table){.text = slurp(path)};
    if (!table->text)
        printf("%s: %s\n", path, strerror(errno));
    for (char *line = table->text, *next; line; line = next) {
        next = cut_line(line);
        add_name(line[0] == '#' ? &table->header : &table->rows, line);
    }
    return table->text;
}

static void free_table(struct table *table)
{
    free(table->text);
    free(table->header.at);
    free(table->rows.at);
}

/* The tolerances of "# column N: name unit tolerance meaning". */
static size_t column_tolerances(const struct names *header, double **tolerances)
{
    size_t count = 0;
    *tolerances = NULL;
    for (size_t i = 0; i < header->count; i++) {
        char text[64];
        if (sscanf(header->at[i], "# column %*u: %*s %*s %63s", text) != 1)
            continue;
        *tolerances = grow(*tolerances, count + 1, sizeof **tolerances);
        if (!parse_number(text, &(*tolerances)[count]))
            (*tolerances)[count] = 0;
        count++;
    }
    return count;
}

/* The next tab-separated number of a row; false at its end or if it is none. */
static bool next_number(const char **row, double *value)
{
    char *end;
    *value = strtod(*row, &end);
    bool found = end != *row;
    *row = end + (*end == '\t');
    return found;
}

/* Compares two rows; returns the first column that differs (from 1), or 0. */
static size_t compare_rows(const char *new, const char *old, const double *tolerances,
                           size_t columns, double *value, double *reference)
{
    if (!*new || !*old)
        return *new || *old; /* a gap between curves must be where it was */
    for (size_t j = 0; j < columns; j++) {
        bool both = next_number(&new, value);
        both &= next_number(&old, reference);
        /* A table may have missing points; they must be missing in the reference, too. */
        if (!both ||
            (!agree(*value, *reference, tolerances[j]) && !(isnan(*value) && isnan(*reference))))
            return j + 1;
    }
    return *new || *old ? columns + 1 : 0;
}

static size_t compare_tables(const char *path, const char *reference_path)
{
    struct table new, old;
    size_t differences = !read_table(&new, path) + !read_table(&old, reference_path);
    if (!differences)
        differences = compare_headers(path, &new.header, &old.header);
    if (!differences && new.rows.count != old.rows.count) {
        printf("%s: %zu rows, the reference has %zu\n", path, new.rows.count, old.rows.count);
        differences++;
    }
    if (!differences) {
        double *tolerances, value = (double)NAN, reference = (double)NAN;
        size_t columns = column_tolerances(&old.header, &tolerances);
        for (size_t i = 0; i < new.rows.count; i++) {
            size_t j = compare_rows(new.rows.at[i], old.rows.at[i], tolerances, columns, &value,
                                    &reference);
            if (j > 0 && differences++ == 0) /* the first stands for the rest */
                printf("%s: row %zu, column %zu: %.17g, in the reference %.17g (tolerance %g)\n",
                       path, i + 1, j, value, reference, j <= columns ? tolerances[j - 1] : 0);
        }
        free(tolerances);
        if (differences > 1)
            printf("%s: %zu rows differ\n", path, differences);
    }
    free_table(&new);
    free_table(&old);
    return differences;
}

/* The result files of a program (all programs: NULL) in a directory, without the directory. */
static void list_files(const char *dir, const char *program, glob_t *files)
{
    char *scalars = join("%s/%s.tsv", dir, program ? program : "*");
    char *tables = join("%s/%s-*.tsv", dir, program ? program : "*");
    *files = (glob_t){0};
    glob(scalars, 0, NULL, files);
    if (program) /* else the first pattern has found them all */
        glob(tables, GLOB_APPEND, NULL, files);
    free(scalars);
    free(tables);
}

static size_t compare_file(struct results *results, struct results *reference, const char *file)
{
    if (strchr(file, '-')) {
        char *path = join("%s/%s", results->dir, file),
             *reference_path = join("%s/%s", reference->dir, file);
        size_t differences = compare_tables(path, reference_path);
        free(path);
        free(reference_path);
        return differences;
    }
    char *program = join("%.*s", (int)(strlen(file) - strlen(".tsv")), file);
    const struct result *new = results_of(results, program), *old = results_of(reference, program);
    size_t differences = new &&old ? compare_scalars(new, old) : 1;
    free(program);
    return differences;
}

size_t results_compare(struct results *results, struct results *reference, const char *program)
{
    size_t differences = 0;
    glob_t is, was;
    list_files(results->dir, program, &is);
    list_files(reference->dir, program, &was);
    if (is.gl_pathc + was.gl_pathc == 0) {
        printf("%s: no results\n", results->dir);
        differences++;
    }
    for (size_t i = 0; i < was.gl_pathc; i++) {
        const char *file = strrchr(was.gl_pathv[i], '/') + 1;
        char *path = join("%s/%s", results->dir, file);
        if (access(path, F_OK) != 0) {
            printf("%s: no %s was computed (make reference removes what is left over)\n",
                   was.gl_pathv[i], path);
            differences++;
        } else {
            differences += compare_file(results, reference, file);
        }
        free(path);
    }
    for (size_t i = 0; i < is.gl_pathc; i++) {
        const char *file = strrchr(is.gl_pathv[i], '/');
        char *path = join("%s%s", reference->dir, file);
        char *text = slurp(path);
        if (!text) {
            printf("%s: no reference %s (make reference accepts the results of this run)\n",
                   is.gl_pathv[i], path);
            differences++;
        }
        free(text);
        free(path);
    }
    globfree(&is);
    globfree(&was);
    return differences;
}

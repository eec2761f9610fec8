/* compare.c -- do two sets of result files agree, each number to the tolerance beside it? */
#include "registry.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ndl/ndl.h"

bool agree(double value, double reference, double tolerance)
{
    return isinf(tolerance) || value == reference ||
           fabs(value - reference) <= tolerance * fmax(1, fabs(reference));
}

/* The line "# columns:" of a scalar file says what the reader has already understood. */
static bool same_header(const char *now, const char *old)
{
    static const char columns[] = "# columns: ";
    return strcmp(now, old) == 0 || (strncmp(now, columns, sizeof columns - 1) == 0 &&
                                     strncmp(old, columns, sizeof columns - 1) == 0);
}

static size_t compare_headers(const char *path, const struct names *now, const struct names *old)
{
    size_t differences = now->count != old->count;
    if (differences)
        printf("%s: %zu header lines, the reference has %zu\n", path, now->count, old->count);
    for (size_t i = 0; i < now->count && i < old->count; i++)
        if (!same_header(now->at[i], old->at[i])) {
            printf("%s: header '%s', in the reference '%s'\n", path, now->at[i], old->at[i]);
            differences++;
        }
    return differences;
}

static size_t compare_scalars(const struct result *now, const struct result *old)
{
    size_t differences = compare_headers(now->path, &now->header, &old->header);
    for (size_t i = 0; i < old->count; i++) {
        const struct scalar *is = result_scalar(now, old->scalars[i].key), *was = &old->scalars[i];
        if (!is)
            printf("%s: no '%s', which the reference has\n", now->path, was->key);
        else if (strcmp(is->meaning, was->meaning) != 0)
            printf("%s: %s: meaning '%s', in the reference '%s'\n", now->path, was->key,
                   is->meaning, was->meaning);
        else if (!agree(is->value, was->value, was->tolerance))
            printf("%s: %s: %.17g, in the reference %.17g (tolerance %g)\n", now->path, was->key,
                   is->value, was->value, was->tolerance);
        else
            continue;
        differences++;
    }
    for (size_t i = 0; i < now->count; i++)
        if (!result_scalar(old, now->scalars[i].key)) {
            printf("%s: '%s' is not in the reference\n", now->path, now->scalars[i].key);
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
static size_t compare_rows(const char *now, const char *old, const double *tolerances,
                           size_t columns, double *value, double *reference)
{
    if (!*now || !*old)
        return *now || *old; /* a gap between curves must be where it was */
    for (size_t j = 0; j < columns; j++) {
        bool both = next_number(&now, value);
        both &= next_number(&old, reference);
        /* A table may have missing points; they must be missing in the reference, too. */
        if (!both ||
            (!agree(*value, *reference, tolerances[j]) && !(isnan(*value) && isnan(*reference))))
            return j + 1;
    }
    return *now || *old ? columns + 1 : 0;
}

static size_t compare_tables(const char *path, const char *reference_path)
{
    struct table now, old;
    size_t differences = !read_table(&now, path) + !read_table(&old, reference_path);
    if (!differences)
        differences = compare_headers(path, &now.header, &old.header);
    if (!differences && now.rows.count != old.rows.count) {
        printf("%s: %zu rows, the reference has %zu\n", path, now.rows.count, old.rows.count);
        differences++;
    }
    if (!differences) {
        double *tolerances, value = (double)NAN, reference = (double)NAN;
        size_t columns = column_tolerances(&old.header, &tolerances);
        for (size_t i = 0; i < now.rows.count; i++) {
            size_t j = compare_rows(now.rows.at[i], old.rows.at[i], tolerances, columns, &value,
                                    &reference);
            if (j > 0 && differences++ == 0) /* the first stands for the rest */
                printf("%s: row %zu, column %zu: %.17g, in the reference %.17g (tolerance %g)\n",
                       path, i + 1, j, value, reference, j <= columns ? tolerances[j - 1] : 0);
        }
        free(tolerances);
        if (differences > 1)
            printf("%s: %zu rows differ\n", path, differences);
    }
    free_table(&now);
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
    const struct result *now = results_of(results, program), *old = results_of(reference, program);
    size_t differences = now && old ? compare_scalars(now, old) : 1;
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

/* ---------------------------------------------------------------- accept */

static void copy_file(const char *from, const char *to)
{
    struct ndl_output out;
    struct ndl_error err;
    char *text = slurp(from);
    if (!text)
        die("registry: %s: %s", from, strerror(errno));
    if (ndl_output_open(&out, to, &err) != NDL_OK)
        die("registry: %s", err.text);
    fputs(text, out.file);
    if (ndl_output_close(&out, &err) != NDL_OK)
        die("registry: %s", err.text);
    free(text);
}

/* Whether the numbers of the new file name their functions and those of the old one do not. */
static bool tells_more(struct results *results, struct results *reference, const char *file)
{
    if (strchr(file, '-'))
        return false;
    char *program = join("%.*s", (int)(strlen(file) - strlen(".tsv")), file);
    const struct result *now = results_of(results, program), *old = results_of(reference, program);
    free(program);
    return now && now->count > 0 && now->scalars[0].function &&
           !(old && old->count > 0 && old->scalars[0].function);
}

/* The spread over seeds is not computed with the rest. */
static bool of_seeds(const char *file)
{
    return strcmp(file, "seeds.tsv") == 0 || strcmp(file, "seeds-checks.tsv") == 0;
}

static size_t remove_left_over(struct results *results, const char *path)
{
    const char *file = strrchr(path, '/') + 1;
    char *computed = join("%s/%s", results->dir, file);
    bool left_over = access(computed, F_OK) != 0 && !of_seeds(file);
    free(computed);
    if (!left_over)
        return 0;
    if (unlink(path) != 0)
        die("registry: %s: %s", path, strerror(errno));
    printf("%s: removed, nothing computes it any more\n", path);
    return 1;
}

static size_t accept_file(struct results *results, struct results *reference, const char *path)
{
    const char *file = strrchr(path, '/') + 1;
    char *to = join("%s/%s", reference->dir, file);
    bool known = access(to, F_OK) == 0;
    bool wanted = !of_seeds(file) && (!known || compare_file(results, reference, file) > 0 ||
                                      tells_more(results, reference, file));
    if (wanted) {
        copy_file(path, to);
        printf("%s: %s\n", to, known ? "replaced" : "new");
    }
    free(to);
    return wanted;
}

size_t results_accept(struct results *results, struct results *reference)
{
    size_t changed = 0;
    glob_t is, was;
    list_files(results->dir, NULL, &is);
    list_files(reference->dir, NULL, &was);
    for (size_t i = 0; i < was.gl_pathc; i++)
        changed += remove_left_over(results, was.gl_pathv[i]);
    for (size_t i = 0; i < is.gl_pathc; i++)
        changed += accept_file(results, reference, is.gl_pathv[i]);
    globfree(&is);
    globfree(&was);
    return changed;
}

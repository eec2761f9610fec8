/* result_files.c -- the files of numbers that a claim program writes. */
#include "claim_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gsl/gsl_statistics_double.h>

enum { MAX_COLUMNS = 64 };

static struct ndl_output open_file(const struct claim *claim, const char *suffix)
{
    char path[4096];
    struct ndl_output out;
    struct ndl_error err;
    snprintf(path, sizeof path, "%s/%s%s", claim->out, claim->name, suffix);
    claim_check_status(claim, ndl_output_open(&out, path, &err), &err);
    return out;
}

static struct ndl_output open_result(const struct claim *claim, const char *suffix)
{
    struct ndl_output out = open_file(claim, suffix);
    fprintf(out.file, "# Sparse Optima result, format 1\n# program: %s\n# seed: %llu\n",
            claim->name, (unsigned long long)claim->seed);
    return out;
}

static void close_result(const struct claim *claim, struct ndl_output *out)
{
    struct ndl_error err;
    claim_check_status(claim, ndl_output_close(out, &err), &err);
}

static void write_scalar(struct claim *claim, const char *function, const char *key,
                         const struct claim_value *v)
{
    assert(key[0] && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(key));
    assert(claim->key_count < MAX_SCALARS && !strpbrk(v->meaning, "\t\n"));
    for (size_t i = 0; i < claim->key_count; i++)
        assert(strcmp(claim->keys[i], key) != 0);
    claim->keys[claim->key_count++] = strdup(key);
    fprintf(claim->scalar_stream, "%s\t%.17g\t%g\t%s\t%s\n", key, v->value, v->tolerance,
            v->meaning, function);
}

void claim_write_values(struct claim *claim, const char *function, const char *prefix,
                        const struct claim_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[128];
        snprintf(key, sizeof key, "%s%s%s", prefix ? prefix : "", prefix ? "." : "", values[i].key);
        write_scalar(claim, function, key, &values[i]);
    }
}

void claim_write_spread(struct claim *claim, const char *function, const char *key,
                        const double *values, size_t n, double tolerance, const char *meaning)
{
    static const char *const what[] = {"mean", "error", "min", "max"};
    const double value[] = {gsl_stats_mean(values, 1, n),
                            gsl_stats_sd(values, 1, n) / sqrt((double)n),
                            gsl_stats_min(values, 1, n), gsl_stats_max(values, 1, n)};
    for (size_t s = 0; s < 4; s++) {
        char text[256];
        snprintf(text, sizeof text, "%s: %s over the trials", meaning,
                 s == 1 ? "standard error" : what[s]);
        claim_write_values(claim, function, key,
                           &(struct claim_value){what[s], value[s], tolerance, text}, 1);
    }
}

void claim_table(struct claim *claim, const char *table, const char *columns)
{
    char suffix[256];
    if (claim->table.file)
        close_result(claim, &claim->table);
    snprintf(claim->table_name, sizeof claim->table_name, "%s", table);
    snprintf(suffix, sizeof suffix, "-%s.tsv", table);
    claim->table = open_result(claim, suffix);
    claim->columns = 0;
    for (const char *line = columns; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(claim->table.file, "# column %zu: %.*s\n", ++claim->columns, (int)length, line);
        line += length + (line[length] == '\n');
    }
    assert(claim->columns <= MAX_COLUMNS);
}

void claim_row_array(struct claim *claim, const double *values, size_t count)
{
    assert(claim->table.file);
    if (count != claim->columns) {
        char message[256];
        snprintf(message, sizeof message, "table '%s': expected %zu values in a row, given %zu",
                 claim->table_name, claim->columns, count);
        claim_die(claim, message);
    }
    for (size_t j = 0; j < count; j++)
        fprintf(claim->table.file, "%.17g%c", values[j], j + 1 < count ? '\t' : '\n');
}

void claim_table_break(struct claim *claim)
{
    assert(claim->table.file);
    fputc('\n', claim->table.file);
}

/* Of all threads, user and system: what a busy machine changes least. */
static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int claim_end(struct claim *claim)
{
    if (claim->table.file)
        close_result(claim, &claim->table);
    if (fclose(claim->scalar_stream) != 0)
        claim_die(claim, "no memory");
    /* The time is no result: it goes to a file of its own, which nothing is compared with. */
    struct ndl_output out = open_file(claim, ".time");
    fprintf(out.file, "%.2f\n", processor_seconds());
    close_result(claim, &out);
    out = open_result(claim, ".tsv");
    fputs("# columns: key value tolerance meaning function\n", out.file);
    fputs(claim->scalars, out.file);
    close_result(claim, &out);
    for (size_t i = 0; i < claim->key_count; i++)
        free(claim->keys[i]);
    free(claim->scalars);
    free(claim);
    return 0;
}

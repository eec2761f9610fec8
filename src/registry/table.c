/* table.c -- the tables of REPRODUCE.md: all claims in one, and what each of them expects. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "ndl/ndl.h"

static const char BEGIN[] = "<!-- claims: begin (written by `make sync`) -->\n";
static const char END[] = "<!-- claims: end -->\n";

/* One line per claim. */
static void write_claims(FILE *out, const struct registry *registry)
{
    double seconds = 0;
    fputs("| claim | what holds | command | core-seconds | figures |\n"
          "|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        seconds += entry->seconds;
        fprintf(out, "| [%s](#%s) | ", entry->id, entry->id);
        write_text(out, TABLE, entry->title);
        fprintf(out, " | `make claim-%s` | %g | ", entry->id, entry->seconds);
        for (size_t j = 0; j < entry->figures.count; j++)
            fprintf(out, "%s`%s`", j > 0 ? ", " : "", entry->figures.at[j]);
        fputs(" |\n", out);
    }
    fprintf(out, "| all | %zu claims | `make verify` | %g |  |\n", registry->count, seconds);
}

static void write_expected(FILE *out, const struct entry *entry, const struct expectation *check)
{
    fprintf(out, "| `%s` | `%s %s` | ", check->key, relation_name(check->relation, TABLE),
            check->expected);
    if (check->relation == EQUAL)
        fprintf(out, "%g%s: ", check->tolerance, check->relative ? " relative" : "");
    write_text(out, TABLE, check->reason);
    fputs(" | ", out);
    bool first = true;
    for (size_t i = 0; i < entry->control_count; i++) {
        if (strcmp(entry->controls[i].breaks, check->key) != 0)
            continue;
        fprintf(out, "%s`%s`: ", first ? "" : "<br>", entry->controls[i].key);
        write_text(out, TABLE, entry->controls[i].reason);
        first = false;
    }
    fputs(" |\n", out);
}

void write_table(FILE *out, const struct registry *registry)
{
    write_claims(out, registry);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        fprintf(out, "\n### %s\n\n%s. %s\n\n", entry->id, entry->title, entry->statement);
        fprintf(out,
                "| key in `%s.tsv` | expected | tolerance, and why | control, which must fail |\n"
                "|---|---|---|---|\n",
                entry->program);
        for (size_t j = 0; j < entry->check_count; j++)
            write_expected(out, entry, &entry->checks[j]);
    }
    fputs("\n", out);
}

bool rewrite_table(const struct registry *registry, const char *path, bool check)
{
    char *old = slurp(path), *new = NULL;
    char *begin = old ? strstr(old, BEGIN) : NULL;
    char *end = begin ? strstr(begin, END) : NULL;
    if (!end)
        die("registry: %s: no lines\n%s%s", path, BEGIN, END);
    size_t size;
    FILE *stream = open_memstream(&new, &size);
    if (!stream)
        die("registry: no memory");
    fwrite(old, 1, (size_t)(begin - old), stream);
    fputs(BEGIN, stream);
    write_table(stream, registry);
    fputs(end, stream);
    if (fclose(stream) != 0)
        die("registry: no memory");
    bool same = strcmp(old, new) == 0;
    if (!same && !check) {
        struct ndl_output out;
        struct ndl_error err;
        if (ndl_output_open(&out, path, &err) != NDL_OK)
            die("registry: %s", err.text);
        fputs(new, out.file);
        if (ndl_output_close(&out, &err) != NDL_OK)
            die("registry: %s", err.text);
    }
    free(old);
    free(new);
    return same;
}

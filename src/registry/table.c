/* table.c -- the tables of REPRODUCE.md: all claims in one, and what each of them expects. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "ndl/ndl.h"

static const char BEGIN[] = "<!-- claims: begin (written by `make sync`) -->\n";
static const char END[] = "<!-- claims: end -->\n";

/* Text in a cell: a bar would end it. */
static void write_cell(FILE *out, const char *text)
{
    bool maths = false;
    for (; *text; text++) {
        maths ^= *text == '$';
        if (*text == '|')
            fputs(maths ? "\\vert{}" : "\\|", out);
        else
            fputc(*text, out);
    }
}

/* One line per claim.  To run a command and to compare two columns takes a person a minute. */
static void write_summary(FILE *out, const struct registry *registry)
{
    double minutes = 0;
    fputs("| claim | what holds | command | minutes: you | machine | figures "
          "|\n|---|---|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        minutes += claim->minutes;
        fprintf(out, "| [%s](#%s) | ", claim->id, claim->id);
        write_cell(out, claim->title);
        fprintf(out, " | `make claim-%s` | 1 | %g | ", claim->id, claim->minutes);
        for (size_t j = 0; j < claim->figures.count; j++)
            fprintf(out, "%s`%s`", j > 0 ? ", " : "", claim->figures.at[j]);
        fputs(" |\n", out);
    }
    fprintf(out, "| all | %zu claims | `make verify` | %zu | %g |  |\n", registry->count,
            registry->count, minutes);
}

static void write_expected(FILE *out, const struct claim *claim, const struct check *check)
{
    fprintf(out, "| `%s` | `%s %s` | ", check->key, operator_text[check->operator],
            check->expected);
    if (check->operator== EQUAL)
        fprintf(out, "%g%s: ", check->tolerance, check->relative ? " relative" : "");
    write_cell(out, check->reason);
    fputs(" | ", out);
    bool first = true;
    for (size_t i = 0; i < claim->control_count; i++) {
        if (strcmp(claim->controls[i].breaks, check->key) != 0)
            continue;
        fprintf(out, "%s`%s`: ", first ? "" : "<br>", claim->controls[i].key);
        write_cell(out, claim->controls[i].reason);
        first = false;
    }
    fputs(" |\n", out);
}

void write_table(FILE *out, const struct registry *registry)
{
    write_summary(out, registry);
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        fprintf(out, "\n### %s\n\n%s. %s\n\n", claim->id, claim->title, claim->statement);
        fprintf(out,
                "| key in `%s.tsv` | expected | tolerance, and why | control, which must fail |\n"
                "|---|---|---|---|\n",
                claim->program);
        for (size_t j = 0; j < claim->check_count; j++)
            write_expected(out, claim, &claim->checks[j]);
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

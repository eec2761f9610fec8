/* paper.c -- what the paper takes from the registry: numbers, verdicts, the table of the appendix.
 *
 * The file defines control sequences with names that no author types
 * ("result/PROGRAM.KEY/DIGITS"); paper/results.sty reads them. */
#include "registry.h"

#include <math.h>
#include <string.h>

enum { MAX_DIGITS = 9 };

/* ---------------------------------------------------------------- numbers */

static void write_program(FILE *out, const struct result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct scalar *scalar = &result->scalars[i];
        for (int digits = 1; digits <= MAX_DIGITS; digits++) {
            fprintf(out, "\\defineresult{%s.%s}{%d}{", result->program, scalar->key, digits);
            write_number(out, TEX, scalar->value, digits);
            fputs("}\n", out);
        }
        const char *word = word_of(scalar->value);
        if (word)
            fprintf(out, "\\defineresult{%s.%s}{word}{%s}\n", result->program, scalar->key, word);
    }
}

/* --------------------------------------------------------------- appendix */

/* Numbers of order one are compared with others, in four digits; of small ones the size matters. */
static int digits_for(double value)
{
    return fabs(value) >= 0.1 && fabs(value) < 1000 ? 4 : 2;
}

/* "$least$ to $largest$" over the seeds; nothing if seeds.tsv does not know the key. */
static void write_spread(FILE *out, struct results *results, const struct entry *entry,
                         const char *key)
{
    const struct scalar *least = seeds_scalar(results, entry, key, "least");
    const struct scalar *largest = seeds_scalar(results, entry, key, "largest");
    if (!least || !largest)
        return;
    fputs("$", out);
    write_number(out, TEX, least->value, digits_for(least->value));
    if (largest->value != least->value) {
        fputs("$ to $", out);
        write_number(out, TEX, largest->value, digits_for(largest->value));
    }
    fputs("$", out);
}

/* A row: the check, then the controls that break it. */
static void write_check(FILE *out, struct results *results, const struct entry *entry,
                        const struct expectation *check)
{
    struct outcome outcome = judge_check(results, entry, check);
    write_key(out, TEX, check->key);
    fprintf(out, " & $%s ", relation_name(check->relation, TEX));
    double literal;
    write_number(out, TEX, outcome.expected,
                 parse_number(check->expected, &literal) ? MAX_DIGITS : 4);
    if (check->relation == EQUAL && check->tolerance > 0) {
        fputs(check->relative ? "\\,(1\\pm" : "\\pm", out);
        write_number(out, TEX, check->tolerance, 1);
        fputs(check->relative ? ")" : "", out);
    }
    fputs("$ & $", out);
    write_number(out, TEX, outcome.measured, digits_for(outcome.measured));
    fputs("$ & ", out);
    write_spread(out, results, entry, check->key);
    const char *separator = " & ";
    for (size_t i = 0; i < entry->control_count; i++) {
        const struct control *control = &entry->controls[i];
        if (strcmp(control->breaks, check->key) != 0)
            continue;
        fputs(separator, out);
        write_key(out, TEX, control->key);
        fputs(" $", out);
        write_number(out, TEX, judge_control(results, entry, control).measured, 3);
        fputs("$", out);
        separator = "; ";
    }
    fputs(*separator == ' ' ? " &  \\\\\n" : " \\\\\n", out);
}

static void write_appendix(FILE *out, const struct registry *registry, struct results *results)
{
    fputs("\\newcommand\\claimappendix{%\n\\begin{claimtable}\n", out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        fprintf(out, "\\claimhead{%s}{%s}{", entry->id, entry->label);
        write_text(out, TEX, entry->title);
        fputs("}\n", out);
        for (size_t j = 0; j < entry->check_count; j++)
            write_check(out, results, entry, &entry->checks[j]);
    }
    fputs("\\end{claimtable}}\n", out);
}

void write_macros(FILE *out, const struct registry *registry, struct results *results)
{
    fputs("% Written by build/bin/registry after every claim was verified.\n", out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        fprintf(out, "\\defineclaim{%s}{", entry->id);
        write_text(out, TEX, entry->title);
        fputs("}\n", out);
        results_of(results, entry->program);
        for (size_t j = 0; j < entry->reads.count; j++)
            results_of(results, entry->reads.at[j]);
    }
    results_of(results, "seeds");
    for (size_t i = 0; i < results->count; i++) /* all that were read, each once */
        write_program(out, &results->at[i]);
    write_appendix(out, registry, results);
}

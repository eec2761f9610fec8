/* paper.c -- what the paper takes from the registry: numbers, verdicts, the table of the appendix.
 *
 * The file defines control sequences with names that no author types
 * ("result/PROGRAM.KEY/DIGITS"); paper/results.sty reads them. */
#include "registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 9 };

/* ---------------------------------------------------------------- numbers */

/* 12345 -> 12\,345 */
static void write_integer(FILE *out, double value)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%.0f", fabs(value));
    if (value < 0)
        fputc('-', out);
    for (int i = 0; i < length; i++) {
        if (length > 4 && i > 0 && (length - i) % 3 == 0)
            fputs("\\,", out);
        fputc(text[i], out);
    }
}

/* `digits` significant digits (fewer, if fewer are exact: 0.3, not 0.300), for math
 * mode: integers as they are, 0.001 to 99999 in full, the rest as a power of ten. */
static void write_number(FILE *out, double value, int digits)
{
    char text[64];
    int wanted = digits;
    digits = 0;
    do /* rounds before the exponent is read */
        snprintf(text, sizeof text, "%.*e", digits++, value);
    while (digits < wanted && strtod(text, NULL) != value);
    char *mark = strchr(text, 'e');
    int exponent = mark ? atoi(mark + 1) : 0;
    if (isnan(value))
        fputs("\\mathrm{NaN}", out);
    else if (isinf(value))
        fputs(value < 0 ? "-\\infty" : "\\infty", out);
    else if (value == round(value) && fabs(value) < 1e9)
        write_integer(out, value);
    else if (exponent >= -3 && exponent < 5)
        fprintf(out, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, value);
    else if (strtod(text, NULL) == value && strncmp(text, "1e", 2) == 0)
        fprintf(out, "10^{%d}", exponent);
    else
        fprintf(out, "%.*s \\cdot 10^{%d}", (int)(mark - text), text, exponent);
}

/* Small counts also as words: "none of them". */
static const char *const words[] = {"none",  "one",   "two",  "three", "four",   "five",  "six",
                                    "seven", "eight", "nine", "ten",   "eleven", "twelve"};

static void write_program(FILE *out, const struct result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct scalar *scalar = &result->scalars[i];
        for (int digits = 1; digits <= MAX_DIGITS; digits++) {
            fprintf(out, "\\defineresult{%s.%s}{%d}{", result->program, scalar->key, digits);
            write_number(out, scalar->value, digits);
            fputs("}\n", out);
        }
        for (size_t n = 0; n < sizeof words / sizeof *words; n++)
            if (scalar->value == (double)n)
                fprintf(out, "\\defineresult{%s.%s}{word}{%s}\n", result->program, scalar->key,
                        words[n]);
    }
}

/* --------------------------------------------------------------- appendix */

/* Text with $...$ maths: only the text needs escapes. */
static void write_text(FILE *out, const char *text)
{
    bool maths = false;
    for (; *text; text++) {
        maths ^= *text == '$';
        if (!maths && strchr("_%&#", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* A key in typewriter, breakable after '_' and '.'. */
static void write_key(FILE *out, const char *key)
{
    fputs("\\texttt{", out);
    for (; *key; key++)
        fprintf(out,
                *key == '_'   ? "\\_\\allowbreak{}"
                : *key == '.' ? ".\\allowbreak{}"
                              : "%c",
                *key);
    fputs("}", out);
}

static const char *const operator_tex[] = {"=", "\\le", "\\ge", "<", ">"};

/* Numbers of order one are compared with others, in four digits; of small ones the size matters. */
static int digits_for(double value)
{
    return fabs(value) >= 0.1 && fabs(value) < 1000 ? 4 : 2;
}

/* "$least$ to $largest$" over the seeds; nothing if seeds.tsv does not know the key. */
static void write_spread(FILE *out, struct results *results, const struct claim *claim,
                         const char *key)
{
    const struct scalar *least = seeds_scalar(results, claim, key, "least");
    const struct scalar *largest = seeds_scalar(results, claim, key, "largest");
    if (!least || !largest)
        return;
    fputs("$", out);
    write_number(out, least->value, digits_for(least->value));
    if (largest->value != least->value) {
        fputs("$ to $", out);
        write_number(out, largest->value, digits_for(largest->value));
    }
    fputs("$", out);
}

/* A row: the check, then the controls that break it. */
static void write_check(FILE *out, struct results *results, const struct claim *claim,
                        const struct check *check)
{
    struct outcome outcome = judge_check(results, claim, check);
    write_key(out, check->key);
    fprintf(out, " & $%s ", operator_tex[check->operator]);
    double literal;
    write_number(out, outcome.expected, parse_number(check->expected, &literal) ? MAX_DIGITS : 4);
    if (check->operator== EQUAL && check->tolerance> 0) {
        fputs(check->relative ? "\\,(1\\pm" : "\\pm", out);
        write_number(out, check->tolerance, 1);
        fputs(check->relative ? ")" : "", out);
    }
    fputs("$ & $", out);
    write_number(out, outcome.measured, digits_for(outcome.measured));
    fputs("$ & ", out);
    write_spread(out, results, claim, check->key);
    const char *separator = " & ";
    for (size_t i = 0; i < claim->control_count; i++) {
        const struct control *control = &claim->controls[i];
        if (strcmp(control->breaks, check->key) != 0)
            continue;
        fputs(separator, out);
        write_key(out, control->key);
        fputs(" $", out);
        write_number(out, judge_control(results, claim, control).measured, 3);
        fputs("$", out);
        separator = "; ";
    }
    fputs(*separator == ' ' ? " &  \\\\\n" : " \\\\\n", out);
}

static void write_appendix(FILE *out, const struct registry *registry, struct results *results)
{
    fputs("\\newcommand\\claimappendix{%\n\\begin{claimtable}\n", out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        fprintf(out, "\\claimhead{%s}{%s}{", claim->id, claim->label);
        write_text(out, claim->title);
        fputs("}\n", out);
        for (size_t j = 0; j < claim->check_count; j++)
            write_check(out, results, claim, &claim->checks[j]);
    }
    fputs("\\end{claimtable}}\n", out);
}

void write_macros(FILE *out, const struct registry *registry, struct results *results)
{
    fputs("% Written by build/bin/registry after every claim was verified.\n", out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        fprintf(out, "\\defineclaim{%s}{", claim->id);
        write_text(out, claim->title);
        fputs("}\n", out);
        results_of(results, claim->program);
        for (size_t j = 0; j < claim->reads.count; j++)
            results_of(results, claim->reads.at[j]);
    }
    results_of(results, "seeds");
    for (size_t i = 0; i < results->count; i++) /* all that were read, each once */
        write_program(out, &results->at[i]);
    write_appendix(out, registry, results);
}

/* notation.c -- numbers, texts, keys and relations as the paper, the pages and REPRODUCE.md print
 * them.  Everything that is printed for a reader comes from here, so that one number looks the
 * same wherever it stands. */
#include "registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- relations */

static const struct {
    const char *text, *tex, *page;
} relations[RELATIONS] = {
    [EQUAL] = {"=", "=", "="},    [AT_MOST] = {"<=", "\\le", "≤"}, [AT_LEAST] = {">=", "\\ge", "≥"},
    [BELOW] = {"<", "<", "&lt;"}, [ABOVE] = {">", ">", "&gt;"},
};

const char *relation_name(enum relation relation, enum notation notation)
{
    return notation == TEX    ? relations[relation].tex
           : notation == PAGE ? relations[relation].page
                              : relations[relation].text;
}

bool find_relation(const char *text, enum relation *relation)
{
    for (size_t i = 0; i < RELATIONS; i++)
        if (strcmp(text, relations[i].text) == 0) {
            *relation = (enum relation)i;
            return true;
        }
    return false;
}

/* ---------------------------------------------------------------- numbers */

/* The parts that differ between TeX (for math mode) and HTML. */
struct signs {
    const char *minus, *thousands, *times, *power, *end, *infinity, *nan;
};
static const struct signs signs_tex = {"-", "\\,",     " \\cdot ",     "10^{",
                                       "}", "\\infty", "\\mathrm{NaN}"};
static const struct signs signs_page = {"−", "&#8239;", "·", "10<sup>", "</sup>", "∞", "NaN"};

/* The digits of a number without its sign; 12345 -> 12\,345 if it is an integer. */
static void write_digits(FILE *out, const struct signs *signs, const char *digits)
{
    size_t length = strlen(digits);
    bool grouped = length > 4 && !strchr(digits, '.');
    for (size_t i = 0; i < length; i++) {
        if (grouped && i > 0 && (length - i) % 3 == 0)
            fputs(signs->thousands, out);
        fputc(digits[i], out);
    }
}

/* Integers as they are, 0.001 to 99999 in full, the rest as a power of ten. */
void write_number(FILE *out, enum notation notation, double value, int digits)
{
    const struct signs *signs = notation == TEX ? &signs_tex : &signs_page;
    double size = fabs(value);
    char text[64];
    int decimals = 0;
    if (isnan(value)) {
        fputs(signs->nan, out);
        return;
    }
    if (signbit(value) && value != 0)
        fputs(signs->minus, out);
    if (isinf(value)) {
        fputs(signs->infinity, out);
        return;
    }
    do /* rounds before the exponent is read */
        snprintf(text, sizeof text, "%.*e", decimals++, size);
    while (decimals < digits && strtod(text, NULL) != size);
    char *mark = strchr(text, 'e');
    int exponent = atoi(mark + 1);
    bool exact = strtod(text, NULL) == size;
    *mark = '\0';
    if (size == round(size) && size < 1e9) {
        snprintf(text, sizeof text, "%.0f", size);
        write_digits(out, signs, text);
    } else if (exponent >= -3 && exponent < 5) {
        snprintf(text, sizeof text, "%.*f", decimals - 1 > exponent ? decimals - 1 - exponent : 0,
                 size);
        write_digits(out, signs, text);
    } else { /* 10^{-9} is written without its 1 */
        if (!exact || strcmp(text, "1") != 0)
            fprintf(out, "%s%s", text, signs->times);
        fprintf(out, "%s%s%d%s", signs->power, exponent < 0 ? signs->minus : "", abs(exponent),
                signs->end);
    }
}

/* Small counts also as words: "none of them". */
const char *word_of(double value)
{
    static const char *const words[] = {"none",  "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    for (size_t n = 0; n < sizeof words / sizeof *words; n++)
        if (value == (double)n)
            return words[n];
    return NULL;
}

/* ------------------------------------------------------------------- text */

void write_text(FILE *out, enum notation notation, const char *text)
{
    static const char *const escaped[] = {[TEX] = "_%&#", [PAGE] = "_*`[]\\", [TABLE] = "|"};
    bool maths = false;
    for (; *text; text++) {
        maths ^= *text == '$';
        if (maths && notation == TABLE && *text == '|')
            fputs("\\vert{}", out);
        else if (maths)
            fputc(*text, out);
        else if (notation == PAGE && *text == '<')
            fputs("&lt;", out);
        else
            fprintf(out, strchr(escaped[notation], *text) ? "\\%c" : "%c", *text);
    }
}

void write_key(FILE *out, enum notation notation, const char *key)
{
    if (notation == PAGE)
        fprintf(out, "<code>%s</code>", key);
    else if (notation == TABLE)
        fprintf(out, "`%s`", key);
    else {
        fputs("\\texttt{", out);
        for (; *key; key++)
            fprintf(out,
                    *key == '_'   ? "\\_\\allowbreak{}"
                    : *key == '.' ? ".\\allowbreak{}"
                                  : "%c",
                    *key);
        fputs("}", out);
    }
}

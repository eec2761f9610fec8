/* site.c -- the Markdown of `make site` that depends on results: the verdicts of a claim
 * program's page, and the index. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

extern const char ndl_commit[];

/* Text with $...$ maths inside HTML: pandoc reads it as Markdown, so that outside of maths
 * only what would be taken for markup is escaped. */
static void write_text(FILE *out, const char *text)
{
    bool maths = false;
    for (; *text; text++) {
        maths ^= *text == '$';
        if (!maths && *text == '<')
            fputs("&lt;", out);
        else if (!maths && strchr("_*`[]\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void write_verdict(FILE *out, bool passed, const char *good, const char *bad)
{
    fprintf(out, "<td class=\"%s\">%s</td></tr>\n", passed ? "holds" : "fails",
            passed ? good : bad);
}

/* Six digits in the way of print: a minus sign, powers of ten. */
static void write_number(FILE *out, double value)
{
    char text[64];
    snprintf(text, sizeof text, "%.7g", value);
    size_t mantissa = strcspn(text, "e"); /* 1e-9 is written without its 1 */
    bool power = text[mantissa], alone = power && strncmp(text, "1e", 2) == 0;
    for (size_t i = 0; i < mantissa && !alone; i++)
        fprintf(out, text[i] == '-' ? "−" : "%c", text[i]);
    if (power) {
        int exponent = atoi(text + mantissa + 1);
        fprintf(out, "%s10<sup>%s%d</sup>", alone ? "" : "·", exponent < 0 ? "−" : "",
                abs(exponent));
    }
}

/* The key, and below it what the program says the number is. */
static void write_key(FILE *out, struct results *results, const struct claim *claim,
                      const char *key)
{
    const struct scalar *scalar = claim_scalar(results, claim, key);
    fprintf(out, "<td><code>%s</code><span class=\"note\">", key);
    write_text(out, scalar ? scalar->meaning : "not in the results");
    fputs("</span></td>", out);
}

static const char *const operator_html[] = {"=", "≤", "≥", "&lt;", "&gt;"};

static void write_check(FILE *out, struct results *results, const struct claim *claim,
                        const struct check *check)
{
    struct outcome outcome = judge_check(results, claim, check);
    fputs("<tr>", out);
    write_key(out, results, claim, check->key);
    fprintf(out, "<td class=\"number\">%s ", operator_html[check->operator]);
    write_number(out, outcome.expected);
    fputs("</td><td class=\"number\">", out);
    write_number(out, outcome.measured);
    fputs("</td><td>", out);
    if (check->operator== EQUAL) {
        write_number(out, check->tolerance);
        fprintf(out, "%s: ", check->relative ? " relative" : "");
    }
    write_text(out, check->reason);
    fputs("</td>", out);
    write_verdict(out, outcome.passed, "holds", outcome.known ? "FAILS" : "not computed");
}

static void write_control(FILE *out, struct results *results, const struct claim *claim,
                          const struct control *control)
{
    struct outcome outcome = judge_control(results, claim, control);
    fputs("<tr class=\"control\">", out);
    write_key(out, results, claim, control->key);
    fprintf(out, "<td>control: breaks <code>%s</code></td><td class=\"number\">", control->breaks);
    write_number(out, outcome.measured);
    fputs("</td><td>", out);
    write_text(out, control->reason);
    fputs("</td>", out);
    write_verdict(out, outcome.passed, "fails, as it must",
                  outcome.known ? "does NOT fail" : "not computed");
}

/* Every check, followed by the controls that break it; a key checked twice has them once. */
static void write_verdicts(FILE *out, struct results *results, const struct claim *claim)
{
    fputs("<div class=\"scroll\"><table "
          "class=\"verdicts\">\n<tr><th>quantity</th><th>predicted</th><th>measured</th>"
          "<th>tolerance and why, or broken hypothesis</th><th>verdict</th></tr>\n",
          out);
    for (size_t i = 0; i < claim->check_count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first &= strcmp(claim->checks[j].key, claim->checks[i].key) != 0;
        write_check(out, results, claim, &claim->checks[i]);
        for (size_t j = 0; j < claim->control_count && first; j++)
            if (strcmp(claim->controls[j].breaks, claim->checks[i].key) == 0)
                write_control(out, results, claim, &claim->controls[j]);
    }
    fputs("</table></div>\n\n", out);
}

static bool is_computed(struct results *results, const struct claim *claim)
{
    bool computed = results_of(results, claim->program);
    for (size_t i = 0; i < claim->reads.count; i++)
        computed &= results_of(results, claim->reads.at[i]) != NULL;
    return computed;
}

/* A heading with the mark of the verdict. */
static void write_heading(FILE *out, struct results *results, const struct claim *claim,
                          const char *link)
{
    bool computed = is_computed(results, claim), holds = computed && claim_holds(results, claim);
    fprintf(out, "<h2 id=\"%s\" class=\"%s\"><span class=\"sign\">%s</span> ", claim->id,
            holds      ? "holds"
            : computed ? "fails"
                       : "unknown",
            holds      ? "✓ holds:"
            : computed ? "✗ FAILS:"
                       : "? not computed:");
    if (link)
        fprintf(out, "<a href=\"%s\">", link);
    write_text(out, claim->title);
    fprintf(out, "%s</h2>\n\n", link ? "</a>" : "");
}

static void write_facts(FILE *out, const struct claim *claim)
{
    fprintf(out, "<p class=\"facts\"><code>make claim-%s</code>, about %g min</p>\n\n", claim->id,
            claim->minutes);
}

void write_page(FILE *out, const struct registry *registry, struct results *results,
                const char *program)
{
    bool found = false;
    for (size_t i = 0; i < registry->count; i++) {
        const struct claim *claim = &registry->claims[i];
        if (strcmp(claim->program, program) != 0)
            continue;
        found = true;
        write_heading(out, results, claim, NULL);
        write_text(out, claim->statement);
        fputs("\n\n", out);
        write_facts(out, claim);
        for (size_t j = 0; j < claim->figures.count; j++)
            fprintf(out,
                    "<figure><a href=\"figures/%s.svg\"><img src=\"figures/%s.svg\" alt=\"figure "
                    "%s\"></a>"
                    "<figcaption>Drawn by <code>figures/%s.gp</code>.</figcaption></figure>\n\n",
                    claim->figures.at[j], claim->figures.at[j], claim->figures.at[j],
                    claim->figures.at[j]);
        write_verdicts(out, results, claim);
    }
    if (!found)
        die("registry: %s: no claim of the program '%s'", registry->path, program);
}

static void write_card(FILE *out, struct results *results, const struct claim *claim)
{
    char *link = join("%s.html#%s", claim->program, claim->id);
    fputs("<div class=\"card\">\n", out);
    fputs("<div class=\"thumb\">", out);
    if (claim->figures.count > 0)
        fprintf(out, "<a href=\"%s\"><img src=\"figures/%s.svg\" alt=\"\"></a>", link,
                claim->figures.at[0]);
    fputs("</div>\n", out);
    write_heading(out, results, claim, link);
    fputs("<p>", out);
    write_text(out, claim->statement);
    fputs("</p>\n\n", out);
    write_facts(out, claim);
    fputs("</div>\n\n", out);
    free(link);
}

void write_index(FILE *out, const struct registry *registry, struct results *results)
{
    size_t holding = 0;
    for (size_t i = 0; i < registry->count; i++)
        holding += is_computed(results, &registry->claims[i]) &&
                   claim_holds(results, &registry->claims[i]);
    fprintf(out,
            "%zu of %zu claims hold in this run (commit `%s`). "
            "Each claim is a program; its page is the program's source with the derivation, the "
            "figures, and "
            "every prediction next to its measurement. A control is the same measurement with one "
            "hypothesis "
            "broken, and has to fail.\n\n",
            holding, registry->count, ndl_commit);
    for (size_t i = 0; i < registry->count; i++)
        write_card(out, results, &registry->claims[i]);
}

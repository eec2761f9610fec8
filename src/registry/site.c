/* site.c -- the Markdown of `make site` that depends on results: the verdicts of a claim
 * program's page, and the index. */
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const char ndl_commit[];

enum { PAGE_DIGITS = 7 };

static void write_verdict(FILE *out, bool passed, const char *good, const char *bad)
{
    fprintf(out, "<td class=\"%s\">%s</td></tr>\n", passed ? "holds" : "fails",
            passed ? good : bad);
}

/* The key, and below it what the program says the number is. */
static void write_quantity(FILE *out, struct results *results, const struct entry *entry,
                           const char *key)
{
    const struct scalar *scalar = entry_scalar(results, entry, key);
    fputs("<td>", out);
    write_key(out, PAGE, key);
    fputs("<span class=\"note\">", out);
    write_text(out, PAGE, scalar ? scalar->meaning : "not in the results");
    fputs("</span></td>", out);
}

static void write_check(FILE *out, struct results *results, const struct entry *entry,
                        const struct expectation *check)
{
    struct outcome outcome = judge_check(results, entry, check);
    fputs("<tr>", out);
    write_quantity(out, results, entry, check->key);
    fprintf(out, "<td class=\"number\">%s ", relation_name(check->relation, PAGE));
    write_number(out, PAGE, outcome.expected, PAGE_DIGITS);
    fputs("</td><td class=\"number\">", out);
    write_number(out, PAGE, outcome.measured, PAGE_DIGITS);
    fputs("</td><td>", out);
    if (check->relation == EQUAL) {
        write_number(out, PAGE, check->tolerance, PAGE_DIGITS);
        fprintf(out, "%s: ", check->relative ? " relative" : "");
    }
    write_text(out, PAGE, check->reason);
    fputs("</td>", out);
    write_verdict(out, outcome.passed, "holds", outcome.known ? "FAILS" : "not computed");
}

static void write_control(FILE *out, struct results *results, const struct entry *entry,
                          const struct control *control)
{
    struct outcome outcome = judge_control(results, entry, control);
    fputs("<tr class=\"control\">", out);
    write_quantity(out, results, entry, control->key);
    fprintf(out, "<td>control: breaks <code>%s</code></td><td class=\"number\">", control->breaks);
    write_number(out, PAGE, outcome.measured, PAGE_DIGITS);
    fputs("</td><td>", out);
    write_text(out, PAGE, control->reason);
    fputs("</td>", out);
    write_verdict(out, outcome.passed, "fails, as it must",
                  outcome.known ? "does NOT fail" : "not computed");
}

/* Every check, followed by the controls that break it; a key checked twice has them once. */
static void write_verdicts(FILE *out, struct results *results, const struct entry *entry)
{
    fputs("<div class=\"scroll\"><table "
          "class=\"verdicts\">\n<tr><th>quantity</th><th>predicted</th><th>measured</th>"
          "<th>tolerance and why, or broken hypothesis</th><th>verdict</th></tr>\n",
          out);
    for (size_t i = 0; i < entry->check_count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first &= strcmp(entry->checks[j].key, entry->checks[i].key) != 0;
        write_check(out, results, entry, &entry->checks[i]);
        for (size_t j = 0; j < entry->control_count && first; j++)
            if (strcmp(entry->controls[j].breaks, entry->checks[i].key) == 0)
                write_control(out, results, entry, &entry->controls[j]);
    }
    fputs("</table></div>\n\n", out);
}

static bool is_computed(struct results *results, const struct entry *entry)
{
    bool computed = results_of(results, entry->program);
    for (size_t i = 0; i < entry->reads.count; i++)
        computed &= results_of(results, entry->reads.at[i]) != NULL;
    return computed;
}

/* class="holds">, the verdict and the title, within a link unless that is NULL. */
static void write_marked_title(FILE *out, struct results *results, const struct entry *entry,
                               const char *link)
{
    static const char *const classes[] = {"unknown", "fails", "holds"};
    static const char *const signs[] = {"? not computed:", "✗ FAILS:", "✓ holds:"};
    int verdict = is_computed(results, entry) ? 1 + entry_holds(results, entry) : 0;
    fprintf(out, "class=\"%s\"><span class=\"sign\">%s</span> ", classes[verdict], signs[verdict]);
    if (link)
        fprintf(out, "<a href=\"%s\">", link);
    write_text(out, PAGE, entry->title);
    fputs(link ? "</a>" : "", out);
}

static void write_heading(FILE *out, struct results *results, const struct entry *entry,
                          const char *link)
{
    fprintf(out, "<h2 id=\"%s\" ", entry->id);
    write_marked_title(out, results, entry, link);
    fputs("</h2>\n\n", out);
}

static void write_facts(FILE *out, const struct entry *entry)
{
    fprintf(out, "<p class=\"facts\"><code>make claim-%s</code>, about %g s</p>\n\n", entry->id,
            entry->seconds);
}

/* The figure with its caption, Markdown in the file CAPTIONS/FIGURE.caption. */
static void write_figure(FILE *out, const char *figure, const char *captions)
{
    char *path = join("%s/%s.caption", captions, figure);
    char *caption = slurp(path);
    if (!caption)
        die("registry: %s: %s", path, strerror(errno));
    for (char *at = caption; (at = strchr(at, '\n'));)
        *at = ' ';
    fprintf(out,
            "<figure><a href=\"figures/%s.svg\"><img src=\"figures/%s.svg\" alt=\"figure %s\"></a>"
            "<figcaption>%sDrawn by <code>figures/%s.gp</code>.</figcaption></figure>\n\n",
            figure, figure, figure, caption, figure);
    free(caption);
    free(path);
}

/* Ends the program if there is none. */
static const struct entry *first_of(const struct registry *registry, const char *program)
{
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->entries[i].program, program) == 0)
            return &registry->entries[i];
    die("registry: %s: no claim of the program '%s'", registry->path, program);
}

void write_page(FILE *out, const struct registry *registry, struct results *results,
                const char *program, const char *captions)
{
    first_of(registry, program);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (strcmp(entry->program, program) != 0)
            continue;
        write_heading(out, results, entry, NULL);
        write_text(out, PAGE, entry->statement);
        fputs("\n\n", out);
        write_facts(out, entry);
        for (size_t j = 0; j < entry->figures.count; j++)
            write_figure(out, entry->figures.at[j], captions);
        write_verdicts(out, results, entry);
    }
}

void write_status(FILE *out, const struct registry *registry, struct results *results,
                  const char *program)
{
    first_of(registry, program);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (strcmp(entry->program, program) != 0)
            continue;
        fprintf(out, "\n<p class=\"status\"><a href=\"#%s\" ", entry->id);
        write_marked_title(out, results, entry, NULL);
        fputs("</a></p>\n", out);
    }
}

void write_neighbours(FILE *out, const struct registry *registry, const char *program)
{
    const char *previous = NULL, *next = NULL;
    bool passed = false;
    for (size_t i = 0; i < registry->count; i++) {
        const char *other = registry->entries[i].program;
        bool own = strcmp(other, program) == 0,
             first = first_of(registry, other) == &registry->entries[i];
        passed |= own;
        if (!passed && first)
            previous = other;
        if (passed && !own && first && !next)
            next = other;
    }
    if (previous)
        fprintf(out, "previous=%s\n", previous);
    if (next)
        fprintf(out, "next=%s\n", next);
}

static void write_card(FILE *out, struct results *results, const struct entry *entry)
{
    char *link = join("%s.html#%s", entry->program, entry->id);
    fputs("<div class=\"card\">\n", out);
    fputs("<div class=\"thumb\">", out);
    if (entry->figures.count > 0)
        fprintf(out, "<a href=\"%s\"><img src=\"figures/%s.svg\" alt=\"\"></a>", link,
                entry->figures.at[0]);
    fputs("</div>\n", out);
    write_heading(out, results, entry, link);
    fputs("<p>", out);
    write_text(out, PAGE, entry->statement);
    fputs("</p>\n\n", out);
    write_facts(out, entry);
    fputs("</div>\n\n", out);
    free(link);
}

void write_summary(FILE *out, const struct registry *registry, struct results *results)
{
    size_t holding = 0;
    for (size_t i = 0; i < registry->count; i++)
        holding += is_computed(results, &registry->entries[i]) &&
                   entry_holds(results, &registry->entries[i]);
    fprintf(out,
            "%zu of %zu claims hold in this run (commit `%s`). Each claim is a program; its page "
            "is the program's source with the derivation, the figures, and every prediction next "
            "to its measurement. A control is the same measurement with one hypothesis broken, "
            "and has to fail.\n",
            holding, registry->count, ndl_commit);
}

void write_index(FILE *out, const struct registry *registry, struct results *results)
{
    fputc('\n', out);
    for (size_t i = 0; i < registry->count; i++)
        write_card(out, results, &registry->entries[i]);
}

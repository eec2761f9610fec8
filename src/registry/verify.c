/* verify.c -- does a claim hold? */
#include "registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The number a key or a literal stands for. */
static bool look_up(struct results *results, const struct entry *entry, const char *text,
                    double *value)
{
    if (parse_number(text, value))
        return true;
    const struct scalar *scalar = entry_scalar(results, entry, text);
    *value = scalar ? scalar->value : (double)NAN;
    return scalar;
}

static bool satisfies(const struct expectation *check, double measured, double expected)
{
    switch (check->relation) {
    case EQUAL:
        return fabs(measured - expected) <=
               check->tolerance * (check->relative ? fabs(expected) : 1);
    case AT_MOST:
        return measured <= expected;
    case AT_LEAST:
        return measured >= expected;
    case BELOW:
        return measured < expected;
    case ABOVE:
        return measured > expected;
    }
    return false;
}

static struct outcome judge(struct results *results, const struct entry *entry,
                            const struct expectation *check, const char *measured)
{
    struct outcome outcome = {.measured = (double)NAN, .expected = (double)NAN};
    outcome.known = look_up(results, entry, measured, &outcome.measured) &&
                    look_up(results, entry, check->expected, &outcome.expected);
    outcome.passed = outcome.known && isfinite(outcome.measured) && isfinite(outcome.expected) &&
                     satisfies(check, outcome.measured, outcome.expected);
    return outcome;
}

struct outcome judge_check(struct results *results, const struct entry *entry,
                           const struct expectation *check)
{
    return judge(results, entry, check, check->key);
}

/* A control passes if the broken variant fails a check.  A number that is missing
 * or not finite has shown nothing, and passes neither check nor control. */
struct outcome judge_control(struct results *results, const struct entry *entry,
                             const struct control *control)
{
    struct outcome outcome = {0};
    for (size_t i = 0; i < entry->check_count && !outcome.passed; i++) {
        if (strcmp(entry->checks[i].key, control->breaks) != 0)
            continue;
        outcome = judge(results, entry, &entry->checks[i], control->key);
        outcome.passed = outcome.known && isfinite(outcome.measured) &&
                         isfinite(outcome.expected) && !outcome.passed;
    }
    return outcome;
}

bool entry_holds(struct results *results, const struct entry *entry)
{
    bool holds = true;
    for (size_t i = 0; i < entry->check_count; i++)
        holds &= judge_check(results, entry, &entry->checks[i]).passed;
    for (size_t i = 0; i < entry->control_count; i++)
        holds &= judge_control(results, entry, &entry->controls[i]).passed;
    return holds;
}

/* ------------------------------------------------------------------ print */

enum { TEXT_WIDTH = 100 };

/* Text broken into lines, each after `indent` blanks. */
static void print_wrapped(size_t indent, const char *text)
{
    while (*text) {
        size_t length = strlen(text);
        if (length > TEXT_WIDTH - indent) {
            length = TEXT_WIDTH - indent;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0) /* a word longer than a line */
                length = strcspn(text, " ");
        }
        printf("%*s%.*s\n", (int)indent, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static void print_check(struct results *results, const struct entry *entry,
                        const struct expectation *check, bool reasons)
{
    struct outcome outcome = judge_check(results, entry, check);
    char *expected = join("%s %.9g", relation_name(check->relation, PLAIN), outcome.expected);
    char *tolerance = check->relation == EQUAL
                          ? join("%g%s", check->tolerance, check->relative ? " relative" : "")
                          : join("-");
    printf("  check    %-28s %-24s %-16.9g %-14s %s\n", check->key, expected, outcome.measured,
           tolerance,
           outcome.passed   ? "holds"
           : !outcome.known ? "FAILS: not in the results"
                            : "FAILS");
    if (reasons)
        print_wrapped(13, check->reason);
    free(expected);
    free(tolerance);
}

static void print_control(struct results *results, const struct entry *entry,
                          const struct control *control, bool reasons)
{
    struct outcome outcome = judge_control(results, entry, control);
    char *breaks = join("breaks %s", control->breaks);
    printf("  control  %-28s %-24s %-16.9g %-14s %s\n", control->key, breaks, outcome.measured, "",
           outcome.passed                ? "fails, as it must"
           : !outcome.known              ? "FAILS: not in the results"
           : !isfinite(outcome.measured) ? "FAILS: not a number"
                                         : "FAILS: the check holds without its hypothesis");
    if (reasons)
        print_wrapped(13, control->reason);
    free(breaks);
}

/* What was run, how long that took, where the numbers are. */
static void print_origin(struct results *results, const struct entry *entry)
{
    const struct result *result = results_of(results, entry->program);
    char *time_path = join("%s/%s.time", results->dir, entry->program);
    char *time = slurp(time_path);
    printf("  program  src/claims/%s.c\n", entry->program);
    for (size_t i = 0; result && i < result->header.count; i++)
        if (strncmp(result->header.at[i], "# seed: ", 8) == 0)
            printf("  command  build/bin/%s --seed %s --data datasets --out %s\n", entry->program,
                   result->header.at[i] + 8, results->dir);
    if (time)
        printf("  time     %.*s s of one core\n", (int)strcspn(time, "\n"), time);
    printf("  results  %s/%s.tsv\n", results->dir, entry->program);
    for (size_t i = 0; i < entry->figures.count; i++)
        printf("  figure   figures/%s.gp\n", entry->figures.at[i]);
    free(time);
    free(time_path);
}

bool print_entry(struct results *results, const struct entry *entry, bool reasons)
{
    bool holds = entry_holds(results, entry);
    printf("claim %s: %s\n", entry->id, entry->title);
    if (reasons) {
        print_wrapped(2, entry->statement);
        print_origin(results, entry);
        putchar('\n');
    }
    printf("           %-28s %-24s %-16s %-14s %s\n", "key", "predicted", "measured", "tolerance",
           "verdict");
    for (size_t i = 0; i < entry->check_count; i++)
        print_check(results, entry, &entry->checks[i], reasons);
    for (size_t i = 0; i < entry->control_count; i++)
        print_control(results, entry, &entry->controls[i], reasons);
    printf("claim %s %s\n\n", entry->id, holds ? "holds" : "FAILS");
    return holds;
}

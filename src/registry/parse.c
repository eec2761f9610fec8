/* parse.c -- reads src/claims/registry.txt. */
#include "registry.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAIL(line, ...)                                                                            \
    (fprintf(stderr, "registry: %s:%zu: ", registry->path, line), die(__VA_ARGS__))

/* ------------------------------------------------------------ small parts */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* Cuts the first word off and returns what follows it. */
static char *cut_word(char *text)
{
    char *end = text + strcspn(text, " \t");
    if (*end)
        *end++ = '\0';
    return trim(end);
}

static bool is_name(const char *text)
{
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool is_key(const char *text)
{
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(text);
}

/* "... : reason"; the reason may contain colons, what comes before it may not. */
static char *cut_reason(const struct registry *registry, size_t line, char *text)
{
    char *colon = strstr(text, " : ");
    if (!colon || !*trim(colon + 3))
        FAIL(line, "' : reason' is missing");
    *colon = '\0';
    return trim(colon + 3);
}

/* ----------------------------------------------------------------- fields */

/* KEY OP EXPECTED [within TOL [relative]] : reason */
static void parse_check(const struct registry *registry, struct entry *entry, size_t line,
                        char *text)
{
    struct expectation check = {.line = line, .reason = cut_reason(registry, line, text)};
    char *relation = cut_word(check.key = trim(text));
    char *within = cut_word(check.expected = cut_word(relation));
    char *tolerance = cut_word(within), *relative = cut_word(tolerance);
    if (!find_relation(relation, &check.relation))
        FAIL(line, "check: '%s' is none of = <= >= < >", relation);
    double number;
    if (!is_key(check.key) || !(is_key(check.expected) || parse_number(check.expected, &number)))
        FAIL(line, "check: KEY %s NUMBER-OR-KEY expected, not '%s %s'", relation, check.key,
             check.expected);
    if (parse_number(check.expected, &number) && !isfinite(number))
        FAIL(line, "check: the expected value is %s", check.expected);
    if ((check.relation == EQUAL) != (strcmp(within, "within") == 0) ||
        (check.relation != EQUAL && *within))
        FAIL(line, "check: '=', and only '=', needs 'within TOLERANCE'");
    if (check.relation == EQUAL && (!parse_number(tolerance, &check.tolerance) ||
                                    !isfinite(check.tolerance) || check.tolerance < 0))
        FAIL(line, "check: '%s' is not a tolerance", tolerance);
    check.relative = strcmp(relative, "relative") == 0;
    if (*relative && !check.relative)
        FAIL(line, "check: '%s' after the tolerance, only 'relative' may stand there", relative);
    entry->checks = grow(entry->checks, entry->check_count + 1, sizeof *entry->checks);
    entry->checks[entry->check_count++] = check;
}

/* KEY breaks KEY : reason */
static void parse_control(const struct registry *registry, struct entry *entry, size_t line,
                          char *text)
{
    struct control control = {.line = line, .reason = cut_reason(registry, line, text)};
    char *verb = cut_word(control.key = trim(text));
    char *rest = cut_word(control.breaks = cut_word(verb));
    if (!is_key(control.key) || strcmp(verb, "breaks") != 0 || !is_key(control.breaks) || *rest)
        FAIL(line, "control: expected 'KEY breaks KEY : reason'");
    entry->controls = grow(entry->controls, entry->control_count + 1, sizeof *entry->controls);
    entry->controls[entry->control_count++] = control;
}

static void set_once(const struct registry *registry, size_t line, const char *field, char **to,
                     char *value)
{
    if (*to)
        FAIL(line, "a second '%s'", field);
    *to = value;
}

static void parse_seconds(const struct registry *registry, struct entry *entry, size_t line,
                          const char *value)
{
    double number;
    if (entry->seconds > 0 || !parse_number(value, &number) || !(number > 0) || !isfinite(number))
        FAIL(line, "seconds: expected one positive number, not '%s'", value);
    entry->seconds = number;
}

static void parse_field(const struct registry *registry, struct entry *entry, size_t line,
                        char *field)
{
    char *value = cut_word(field);
    if (!*value)
        FAIL(line, "'%s' has no value", field);
    if (strcmp(field, "title") == 0)
        set_once(registry, line, field, &entry->title, value);
    else if (strcmp(field, "statement") == 0)
        set_once(registry, line, field, &entry->statement, value);
    else if (strcmp(field, "program") == 0)
        set_once(registry, line, field, &entry->program, value);
    else if (strcmp(field, "label") == 0)
        set_once(registry, line, field, &entry->label, value);
    else if (strcmp(field, "figure") == 0)
        add_name(&entry->figures, value);
    else if (strcmp(field, "reads") == 0)
        add_name(&entry->reads, value);
    else if (strcmp(field, "check") == 0)
        parse_check(registry, entry, line, value);
    else if (strcmp(field, "control") == 0)
        parse_control(registry, entry, line, value);
    else if (strcmp(field, "seconds") == 0)
        parse_seconds(registry, entry, line, value);
    else
        FAIL(line, "unknown field '%s'", field);
}

/* ----------------------------------------------------------------- claims */

static void finish_claim(const struct registry *registry)
{
    if (registry->count == 0)
        return;
    const struct entry *entry = &registry->entries[registry->count - 1];
    const char *missing = !entry->title           ? "title"
                          : !entry->statement     ? "statement"
                          : !entry->program       ? "program"
                          : !entry->label         ? "label"
                          : !(entry->seconds > 0) ? "seconds"
                          : !entry->check_count   ? "check"
                          : !entry->control_count ? "control"
                                                  : NULL;
    if (missing)
        FAIL(entry->line, "claim %s: no '%s'", entry->id, missing);
    if (!is_name(entry->program))
        FAIL(entry->line, "claim %s: '%s' is not a program name ([a-z0-9_]+)", entry->id,
             entry->program);
    for (size_t i = 0; i < entry->control_count; i++) {
        const struct control *control = &entry->controls[i];
        bool found = false;
        for (size_t j = 0; j < entry->check_count; j++)
            found |= strcmp(entry->checks[j].key, control->breaks) == 0;
        if (!found)
            FAIL(control->line, "claim %s: no check on '%s' that the control could break",
                 entry->id, control->breaks);
    }
}

static void begin_claim(struct registry *registry, size_t line, char *text)
{
    finish_claim(registry);
    char *id = cut_word(text);
    if (strcmp(text, "claim") != 0 || !is_name(id))
        FAIL(line, "expected 'claim ID' (ID of [a-z0-9_]) or an indented field");
    const struct entry *same = registry_find(registry, id);
    if (same)
        FAIL(line, "claim %s is already in line %zu", id, same->line);
    registry->entries = grow(registry->entries, registry->count + 1, sizeof *registry->entries);
    registry->entries[registry->count++] = (struct entry){.id = id, .line = line};
}

/* Appends the lines that are indented more than a field to the one above, with
 * their newlines and indentation collapsed in place.  Returns how many. */
static size_t join_continuations(char *line, char **next)
{
    size_t joined = 0;
    while (*next && strncmp(*next, "   ", 3) == 0 && (*next)[strspn(*next, " \t\r\n")]) {
        char *more = *next + strspn(*next, " ");
        *next = cut_line(more);
        size_t length = strlen(line);
        line[length] = ' ';
        memmove(line + length + 1, more, strlen(more) + 1);
        joined++;
    }
    return joined;
}

void registry_read(struct registry *registry, const char *path)
{
    *registry = (struct registry){.path = path, .text = slurp(path)};
    if (!registry->text)
        die("%s: %s", path, strerror(errno));
    size_t number = 0;
    for (char *line = registry->text, *next; line; line = next) {
        next = cut_line(line);
        size_t first = ++number;
        if (line[0] == '#' || !*trim(line))
            continue;
        if (strncmp(line, "  ", 2) == 0 && line[2] != ' ' && registry->count > 0) {
            number += join_continuations(line, &next);
            parse_field(registry, &registry->entries[registry->count - 1], first, trim(line));
        } else
            begin_claim(registry, first, trim(line));
    }
    finish_claim(registry);
    if (registry->count == 0)
        die("%s: no claims", path);
}

const struct entry *registry_find(const struct registry *registry, const char *id)
{
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->entries[i].id, id) == 0)
            return &registry->entries[i];
    return NULL;
}

void registry_free(struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        free(registry->entries[i].figures.at);
        free(registry->entries[i].reads.at);
        free(registry->entries[i].checks);
        free(registry->entries[i].controls);
    }
    free(registry->entries);
    free(registry->text);
}

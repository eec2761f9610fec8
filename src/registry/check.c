/* check.c -- that what the registry names exists: programs, figures, sections of the paper. */
#include "registry.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAIL(line, ...)                                                                            \
    (fprintf(stderr, "registry: %s:%zu: ", registry->path, line), die(__VA_ARGS__))

static void want_file(const struct registry *registry, const struct entry *entry, char *path)
{
    if (access(path, R_OK) != 0)
        FAIL(entry->line, "claim %s: there is no %s", entry->id, path);
    free(path);
}

static bool label_exists(const char *label)
{
    bool found = false;
    glob_t files = {0};
    char *wanted = join("\\label{%s}", label);
    glob("paper/*.tex", 0, NULL, &files);
    glob("paper/sections/*.tex", GLOB_APPEND, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc && !found; i++) {
        char *text = slurp(files.gl_pathv[i]);
        found = text && strstr(text, wanted);
        free(text);
    }
    globfree(&files);
    free(wanted);
    return found;
}

static bool has_claim(const struct registry *registry, const char *program)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (strcmp(entry->program, program) == 0)
            return true;
        for (size_t j = 0; j < entry->reads.count; j++)
            if (strcmp(entry->reads.at[j], program) == 0)
                return true;
    }
    return false;
}

static void check_programs_claimed(const struct registry *registry)
{
    glob_t files = {0};
    glob("src/claims/*.c", 0, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *name = strrchr(files.gl_pathv[i], '/') + 1;
        name[strlen(name) - 2] = '\0'; /* ".c" */
        if (!has_claim(registry, name))
            die("%s.c: no claim in %s uses this program", files.gl_pathv[i], registry->path);
    }
    globfree(&files);
}

static void check_figures_claimed(const struct registry *registry)
{
    glob_t files = {0};
    glob("figures/*.gp", 0, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *name = strrchr(files.gl_pathv[i], '/') + 1;
        name[strlen(name) - 3] = '\0'; /* ".gp" */
        /* of all claims */
        bool found = strcmp(name, "style") == 0 || strcmp(name, "robustness") == 0;
        for (size_t j = 0; j < registry->count && !found; j++)
            for (size_t k = 0; k < registry->entries[j].figures.count; k++)
                found |= strcmp(registry->entries[j].figures.at[k], name) == 0;
        if (!found)
            die("%s.gp: no claim in %s has this figure", files.gl_pathv[i], registry->path);
    }
    globfree(&files);
}

void registry_check(const struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        want_file(registry, entry, join("src/claims/%s.c", entry->program));
        for (size_t j = 0; j < entry->reads.count; j++)
            want_file(registry, entry, join("src/claims/%s.c", entry->reads.at[j]));
        for (size_t j = 0; j < entry->figures.count; j++)
            want_file(registry, entry, join("figures/%s.gp", entry->figures.at[j]));
        if (!label_exists(entry->label))
            FAIL(entry->line, "claim %s: no \\label{%s} in paper/", entry->id, entry->label);
    }
    check_programs_claimed(registry);
    check_figures_claimed(registry);
}

/* deps.c -- what make has to know of the claims, as variables of a makefile. */
#include "registry.h"

#include <string.h>

static void write_names(FILE *out, const struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        fprintf(out, " %s", names->at[i]);
}

/* All claims of a program, in one variable each: figures, and programs whose results they read. */
static void write_program(FILE *out, const struct registry *registry, size_t first)
{
    const char *program = registry->entries[first].program;
    for (size_t i = 0; i < first; i++)
        if (strcmp(registry->entries[i].program, program) == 0)
            return;
    fprintf(out, "figures_of.%s :=", program);
    for (size_t i = first; i < registry->count; i++)
        if (strcmp(registry->entries[i].program, program) == 0)
            write_names(out, &registry->entries[i].figures);
    fprintf(out, "\nreads_of.%s :=", program);
    for (size_t i = first; i < registry->count; i++)
        if (strcmp(registry->entries[i].program, program) == 0)
            write_names(out, &registry->entries[i].reads);
    fputc('\n', out);
}

void write_deps(FILE *out, const struct registry *registry)
{
    fprintf(out, "# Written by `registry deps` from %s.\nclaim_ids :=", registry->path);
    for (size_t i = 0; i < registry->count; i++)
        fprintf(out, " %s", registry->entries[i].id);
    fputc('\n', out);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        fprintf(out, "programs_of.%s := %s", entry->id, entry->program);
        write_names(out, &entry->reads);
        fputc('\n', out);
        write_program(out, registry, i);
    }
}

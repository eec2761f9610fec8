/* claim_state.h -- what the files of the kit know of `struct claim`; no program includes it. */
#ifndef CLAIM_STATE_H
#define CLAIM_STATE_H

#include "claim.h"

enum { MAX_SCALARS = 1024 };

struct claim {
    const char *name;
    uint64_t seed;
    const char *data, *out;
    char path[4096]; /* what claim_data returned last */
    char *scalars;   /* the lines of NAME.tsv so far */
    FILE *scalar_stream;
    char *keys[MAX_SCALARS];
    size_t key_count;
    struct ndl_output table; /* the open table, if table.file */
    char table_name[128];
    size_t columns;
};

/* Ends the program with status 2 and one line on stderr. */
_Noreturn void claim_die(const struct claim *claim, const char *message);

#endif

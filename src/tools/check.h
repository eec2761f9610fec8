/* check.h -- the parts of ndl-check: what was asked, what was found.
 *
 *     ndl-check.c    command line, reading, audit
 *     check-hull.c   --hull: the K-feature condition of chosen features
 *     check-files.c  --out and --plot
 *     check-text.c   the report for people
 *     check-json.c   the same for machines
 *     check-sae.c    the SAE of --sae, in both reports */
#ifndef NDL_TOOLS_CHECK_H
#define NDL_TOOLS_CHECK_H

#include "audit/audit.h"
#include "plot.h"
#include "tool.h"

/* --hull k[:j,j,...]: the K-feature condition of k, against all others or those j. */
struct hull {
    size_t k, *J, count;            /* J = NULL: all live features but k */
    bool dead;                      /* k never fires: not tested, */
    struct ndl_condition condition; /* and this is zero */
};

struct hulls {
    size_t count;
    struct hull *list;
    /* The codes of the features they need, collected while the samples stream by. */
    struct ndl_codes kept;
    size_t room;   /* entries allocated in it */
    size_t *place; /* K: column in `kept`, or SIZE_MAX */
};

struct check {
    struct tool_common common;
    const char **input; /* shards of codes, or of activations with --sae */
    size_t inputs;
    bool codes, activations; /* which of the two was given */
    const char *decoder, *sae, *out, *plot;
    size_t top;
    bool all, json, fail_on_violation;
    const char *spill; /* as given */
    struct ndl_audit_options audit;
    struct hulls hulls;

    struct ndl_sae weights; /* with --sae */
    struct ndl_matrix D;    /* as given */
    struct ndl_audit *auditor;
    struct ndl_audit_report report;
    const struct ndl_audit_pair **worst; /* the listed pairs with k sometimes off */
    size_t worst_count;
    struct tool_stage stage;
    struct ndl_output tsv, svg;
    struct plot *drawing; /* NULL without --plot */
};

/* The file or directory that the decoder came from. */
static inline const char *decoder_name(const struct check *c)
{
    return c->sae ? c->sae : c->decoder;
}

static inline bool is_dead(const struct check *c, size_t k)
{
    return c->report.fires[k] == 0;
}

static inline bool is_always_on(const struct check *c, size_t k)
{
    return c->report.fires[k] == c->report.samples;
}

/* --hull: adds one as the command line states it (usage errors end the program); before reading,
 * makes sure that the features exist and finds a place for each; keeps their codes of a block;
 * checks after the audit. */
void hulls_add(struct hulls *hulls, struct argp_state *state, char *arg);
enum ndl_status hulls_place(struct check *c, struct ndl_error *err);
enum ndl_status hulls_keep(struct hulls *hulls, const struct ndl_codes *block,
                           struct ndl_error *err);
enum ndl_status hulls_check(struct check *c, struct ndl_error *err);
void hulls_free(struct hulls *hulls);

/* --out and --plot: opened before reading, so that a directory that cannot be written to does
 * not show after an hour; written after the audit.  They appear when the stage is committed. */
enum ndl_status files_open(struct check *c, struct ndl_error *err);
enum ndl_status files_write(struct check *c, struct ndl_error *err);

/* The report. */
void print_text(const struct check *c);
enum ndl_status print_json(const struct check *c, struct ndl_error *err);

/* What was understood of cfg.json, in its words. */
void print_sae(const struct ndl_sae *sae);
void put_sae(cJSON *json, const struct ndl_sae *sae);

#endif

/* plot.h -- margin against co-occurrence of pairs of features, as an SVG drawing. */
#ifndef NDL_TOOLS_PLOT_H
#define NDL_TOOLS_PLOT_H

#include "audit/audit.h"

struct plot;

/* NULL without memory.  Free with plot_free. */
struct plot *plot_new(void);
void plot_free(struct plot *plot);
/* Adds a pair of the report.  Pairs with k always on or a dead feature are apart, and have no
 * place.  Any number of pairs takes the same memory. */
void plot_add(struct plot *plot, const struct ndl_audit_report *report,
              const struct ndl_audit_pair *pair);
/* Pairs that were added, to be labelled: worst first. */
struct plot_worst {
    const struct ndl_audit_pair **pair;
    size_t count;
};
/* Writes the drawing; `all` says whether the satisfied pairs were added.  Errors show in the
 * stream. */
void plot_write(const struct plot *plot, const struct ndl_audit_report *report, bool all,
                const struct plot_worst *worst, FILE *out);

#endif

/* pairs.h -- pairs of features for people: order, table of text, words. */
#ifndef NDL_TOOLS_PAIRS_H
#define NDL_TOOLS_PAIRS_H

#include "audit/audit.h"

/* The pairs of a report with k sometimes off, worst first: violated before nearly
 * hierarchical; the former by slope, the latter by support over firings of j.  malloc;
 * NULL without memory.  *count gets their number. */
const struct ndl_audit_pair **pairs_worst_first(const struct ndl_audit_report *report,
                                                size_t *count);

enum { PAIR_WORDS = 256 };
/* What a violated or nearly hierarchical pair looks like, in words. */
void pair_words(const struct ndl_audit_report *report, const struct ndl_audit_pair *pair, bool bias,
                char words[static PAIR_WORDS]);

/* Lines of the TSV: the '#' lines on the columns with the line of their names, and a pair. */
void pairs_write_names(FILE *out);
void pair_write(const struct ndl_audit_pair *pair, FILE *out);

#endif

/* plot.h -- margin against co-occurrence of pairs of features, as an SVG drawing. */
#ifndef NDL_TOOLS_PLOT_H
#define NDL_TOOLS_PLOT_H

#include "ndl_audit.h"

struct plot;

/* NULL without memory.  Free with plot_free. */
struct plot *plot_new(void);
void plot_free(struct plot *plot);
/* Adds a pair whose feature j fires on `fires` samples.  Pairs without a finite margin
 * are counted but have no place.  Any number of pairs takes the same memory. */
void plot_add(struct plot *plot, const struct ndl_audit_pair *pair, size_t fires);
/* Writes the drawing; `caption` is a line under it.  Errors show in the stream. */
void plot_write(const struct plot *plot, const char *caption, FILE *out);

#endif

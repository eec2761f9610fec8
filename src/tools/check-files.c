/* check-files.c -- --out and --plot of ndl-check. */
#include "check.h"

#include "pairs.h"

static enum ndl_status open_one(struct check *c, struct ndl_output *out, const char *path,
                                struct ndl_error *err)
{
    const char *hidden;
    if (!path)
        return NDL_OK;
    enum ndl_status status = tool_stage_add(&c->stage, path, &hidden, err);
    return status == NDL_OK ? ndl_output_open(out, hidden, err) : status;
}

enum ndl_status files_open(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = open_one(c, &c->tsv, c->out, err);
    return status == NDL_OK ? open_one(c, &c->svg, c->plot, err) : status;
}

static bool visit(void *context, const struct ndl_audit_pair *pairs, size_t count)
{
    struct check *c = context;
    for (size_t q = 0; q < count; q++) {
        if (c->all)
            pair_write(&pairs[q], c->tsv.file);
        if (c->drawing)
            plot_add(c->drawing, &c->report, &pairs[q]);
    }
    return !(c->all && ferror(c->tsv.file)); /* a full disk: no need to go on */
}

static void write_header(const struct check *c)
{
    FILE *out = c->tsv.file;
    fprintf(out, "# ndl-check pairs, format 1: %s\n",
            c->all ? "all pairs of features, in order of j and k"
                   : "the violated and the nearly hierarchical pairs of features, worst first");
    if (!c->all && c->report.violated_always_on > 0)
        fprintf(out, "# the last %zu: pairs whose k is always on, which is one fact about k\n",
                c->report.violated_always_on);
    fprintf(out, "# %s %s\n", c->sae ? "sae" : "decoder", decoder_name(c));
    for (size_t q = 0; q < c->inputs; q++)
        fprintf(out, "# %s %s\n", c->sae ? "activations" : "codes", c->input[q]);
    fprintf(out, "# %zu samples, %zu features, %s, tolerance %g, near %g\n", c->report.samples,
            c->report.features, c->audit.bias ? "free bias" : "no bias", c->audit.tolerance,
            c->audit.near);
    pairs_write_names(out);
}

/* Worst first; the pairs with k always on, however many, do not bury the others. */
static void write_listed(const struct check *c)
{
    for (size_t q = 0; q < c->worst_count; q++)
        pair_write(c->worst[q], c->tsv.file);
    for (size_t q = 0; q < c->report.listed; q++)
        if (c->report.list[q].always_on)
            pair_write(&c->report.list[q], c->tsv.file);
}

/* Drawing every pair should not take longer than the audit: about this many steps of counting. */
static const double cheap = 1e9;

enum ndl_status files_write(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    bool draw_all = c->all || (double)c->report.nonzeros * (double)c->report.features < cheap;
    if (c->out)
        write_header(c);
    if (c->plot && !(c->drawing = plot_new()))
        return ndl_fail(err, NDL_NOMEM, "no memory");
    if (c->all || (c->plot && draw_all))
        status = ndl_audit_each(c->auditor, visit, c, err);
    if (c->out && !c->all)
        write_listed(c);
    if (c->plot && !draw_all)
        for (size_t q = 0; q < c->report.listed; q++)
            plot_add(c->drawing, &c->report, &c->report.list[q]);
    if (c->plot)
        plot_write(c->drawing, &c->report, draw_all, &(struct plot_worst){c->worst, c->worst_count},
                   c->svg.file);
    if (status == NDL_OK && c->out)
        status = ndl_output_close(&c->tsv, err);
    if (status == NDL_OK && c->plot)
        status = ndl_output_close(&c->svg, err);
    return status;
}

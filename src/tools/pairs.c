/* pairs.c -- pairs of features for people: order, table of text, words. */
#include "pairs.h"

#include <stdlib.h>

/* ------------------------------------------------------------------- order */

static int compare(double x, double y)
{
    return (x > y) - (x < y);
}

static int worse_first(const void *x, const void *y, void *context)
{
    const struct ndl_audit_pair *p = *(const struct ndl_audit_pair *const *)x;
    const struct ndl_audit_pair *q = *(const struct ndl_audit_pair *const *)y;
    const size_t *fires = ((const struct ndl_audit_report *)context)->fires;
    int order = (int)q->violated - (int)p->violated;
    if (order == 0)
        order = compare(p->slope, q->slope); /* both 0 if not violated */
    if (order == 0)
        order = compare((double)p->support * (double)fires[q->j],
                        (double)q->support * (double)fires[p->j]);
    if (order == 0)
        order = compare(p->j, q->j);
    return order ? order : compare(p->k, q->k);
}

const struct ndl_audit_pair **pairs_worst_first(const struct ndl_audit_report *report,
                                                size_t *count)
{
    const struct ndl_audit_pair **worst = calloc(report->listed + 1, sizeof *worst);
    *count = 0;
    for (size_t q = 0; worst && q < report->listed; q++)
        if (!report->list[q].always_on)
            worst[(*count)++] = &report->list[q];
    if (worst) {
        struct ndl_audit_report shared = *report; /* qsort_r takes no const */
        qsort_r(worst, *count, sizeof *worst, worse_first, &shared);
    }
    return worst;
}

/* ------------------------------------------------------------------- words */

void pair_words(const struct ndl_audit_report *report, const struct ndl_audit_pair *pair, bool bias,
                char words[static PAIR_WORDS])
{
    size_t n_j = report->fires[pair->j], n_k = report->fires[pair->k];
    size_t j_alone = n_j - pair->together, both_off = report->samples - n_j - n_k + pair->together;
    double needed = pair->mean * (1 - pair->cosine); /* a weighted mean of z_j over {k off} */
    unsigned j = pair->j, k = pair->k;
    if (pair->always_on)
        snprintf(words, PAIR_WORDS, "%u is never off: its least value belongs in the bias", k);
    else if (j_alone == 0 && n_k == n_j)
        snprintf(words, PAIR_WORDS, "%u and %u fire on the same samples: one feature in two pieces",
                 j, k);
    else if (j_alone == 0)
        snprintf(words, PAIR_WORDS, "%u fires only when %u does: %u looks like its parent", j, k,
                 k);
    else if (!bias || j_alone <= pair->support)
        snprintf(words, PAIR_WORDS,
                 "%u fires without %u on %zu of its %zu samples: %u is almost its parent", j, k,
                 j_alone, n_j, k);
    else if (pair->violated && pair->z_min_off > needed)
        snprintf(words, PAIR_WORDS,
                 "%u is on whenever %u is off, at %.3g or more: too strong there", j, k,
                 pair->z_min_off);
    else if (pair->violated)
        snprintf(words, PAIR_WORDS, "%u is weak without %u, at most %.3g where %.3g is needed", j,
                 k, pair->z_max_off, needed);
    else if (both_off <= pair->support)
        snprintf(words, PAIR_WORDS,
                 "%u is almost always on when %u is off: %.3g or less on %zu sample%s only", j, k,
                 needed, pair->support, pair->support == 1 ? "" : "s");
    else
        snprintf(words, PAIR_WORDS, "%u reaches %.3g without %u on only %zu sample%s (on in %zu)",
                 j, needed, k, pair->support, pair->support == 1 ? "" : "s", n_j);
}

/* --------------------------------------------------------------------- TSV */

void pairs_write_names(FILE *out)
{
    fputs("# j, k: features, counted from 0; the condition is on z_j over the samples with z_k = 0 "
          "(k off)\n"
          "# cosine: d_j . d_k of the normalised decoder rows\n"
          "# mean: m_j, mean of z_j over all samples; like all z in units of codes times norm of "
          "decoder row\n"
          "# z_min_off, z_max_off: least and greatest z_j over the samples with k off; nan if k is "
          "never off\n"
          "# margin: signed distance of the cosine from the hull of 1 - z_j/m_j over {k off} "
          "(without a\n"
          "#   bias: from the cone), positive inside; -inf if k is never off (with a bias), nan if "
          "j is dead\n"
          "# slope: change of loss per unit lambda and sample along the descent direction; 0 if "
          "satisfied\n"
          "# support: samples that hold the condition up, 0 if violated\n"
          "j\tk\tcosine\tmean\tz_min_off\tz_max_off\tmargin\tslope\tsupport\n",
          out);
}

void pair_write(const struct ndl_audit_pair *p, FILE *out)
{
    fprintf(out, "%u\t%u\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%zu\n", (unsigned)p->j,
            (unsigned)p->k, p->cosine, p->mean, p->z_min_off, p->z_max_off, p->margin, p->slope,
            p->support);
}

/* audit_pair.c -- one pair, counted sample by sample; and all of them, one after the other. */
#include "audit_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------ a single pair */

/* Walks down the samples of a band with k on beside an increasing sequence of its samples. */
struct cursor {
    const uint64_t *bits;
    size_t first;
    const uint16_t *at, *end;
};

static struct cursor cursor_at(const struct ndl_audit *a, const struct ndl_band *b, size_t k)
{
    return (struct cursor){.bits = a->bits[k],
                           .first = b->first,
                           .at = b->sample + b->column[k],
                           .end = b->sample + b->column[k + 1]};
}

/* Whether k is on at sample i of the band; i must not decrease from call to call. */
static bool is_on(struct cursor *c, uint16_t i)
{
    if (c->bits)
        return c->bits[(c->first + i) / 64] >> ((c->first + i) % 64) & 1;
    if (c->at < c->end && *c->at >= i) /* k fires less often than the other feature */
        return *c->at == i;
    size_t step = 1; /* gallop: k may fire far more often */
    while ((size_t)(c->end - c->at) > step && c->at[step] < i) {
        c->at += step;
        step *= 2;
    }
    const uint16_t *high = (size_t)(c->end - c->at) > step ? c->at + step : c->end;
    while (c->at < high) {
        const uint16_t *middle = c->at + (high - c->at) / 2;
        if (*middle < i)
            c->at = middle + 1;
        else
            high = middle;
    }
    return c->at < c->end && *c->at == i;
}
static double upper_bound(const struct ndl_audit *a, size_t j, double h)
{
    return a->mean[j] * (1 - h) + a->options.tolerance * a->mean[j];
}

bool ndl_audit_count(const struct ndl_audit *a, size_t j, size_t k, double h, size_t give_up,
                     struct ndl_audit_tally *t)
{
    const double low = ndl_audit_lower_bound(a, j, h), high = upper_bound(a, j, h);
    const bool hull = a->options.bias;
    size_t both = ndl_audit_fires(a, j) + ndl_audit_fires(a, k); /* both off: N - both + together */
    *t = (struct ndl_audit_tally){.least = (double)INFINITY};
    if (ndl_audit_fires(a, k) == a->codes.N) {
        t->together = ndl_audit_fires(a, j);
        return true;
    }
    for (const struct ndl_band *b = a->codes.band; b < ndl_audit_bands_end(a); b++) {
        struct cursor k_on = cursor_at(a, b, k);
        for (size_t e = b->column[j]; e < b->column[j + 1]; e++) {
            if (is_on(&k_on, b->sample[e])) {
                t->together++;
                continue;
            }
            double v = ndl_band_z(b, e);
            t->above += v >= low;
            t->below += v <= high;
            t->least = fmin(t->least, v);
            t->greatest = fmax(t->greatest, v);
            if (t->above > give_up) {
                size_t roof = a->codes.N + t->together;
                /* at least: `together` still grows */
                size_t both_off = roof > both ? roof - both : 0;
                if (!hull || t->below + both_off > give_up)
                    return false;
            }
        }
    }
    size_t both_off = a->codes.N + t->together - both;
    if (both_off > 0)
        t->least = 0;
    /* z_j = 0 there, which is never above p + t, and below p - t unless h is nearly 1 */
    if (hull) {
        t->below += both_off;
        t->above += low <= 0 ? both_off : 0;
    }
    return true;
}

void ndl_audit_describe(const struct ndl_audit *a, size_t j, size_t k, double h,
                        const struct ndl_audit_tally *t, struct ndl_audit_pair *pair)
{
    const double m = a->mean[j], p = m * (1 - h), scale = a->norm[j];
    const bool hull = a->options.bias, no_off = ndl_audit_fires(a, k) == a->codes.N;
    *pair =
        (struct ndl_audit_pair){.j = (uint32_t)j,
                                .k = (uint32_t)k,
                                .always_on = no_off,
                                .dead = ndl_audit_fires(a, j) == 0 || ndl_audit_fires(a, k) == 0,
                                .cosine = h,
                                .mean = m * scale,
                                .z_min_off = no_off ? (double)NAN : t->least * scale,
                                .z_max_off = no_off ? (double)NAN : t->greatest * scale,
                                .support = hull && t->below < t->above ? t->below : t->above,
                                .together = t->together};
    if (ndl_audit_fires(a, j) == 0) {
        pair->margin = (double)NAN;
        return;
    }
    pair->violated = !pair->dead && pair->support == 0 && (hull || 1 - h > a->options.tolerance);
    pair->near =
        !pair->dead && !pair->violated && !no_off && pair->support <= ndl_audit_near_support(a, j);
    if (!hull)
        pair->margin = t->above > 0 ? 1 - h : h - 1;
    else if (no_off)
        pair->margin = (double)-INFINITY;
    else
        pair->margin = fmin(t->greatest - p, p - t->least) / m;
    if (pair->violated)
        pair->slope = hull && no_off ? -1 : pair->margin * m * scale;
}

void ndl_audit_pair(const struct ndl_audit *a, size_t j, size_t k, struct ndl_audit_pair *pair)
{
    assert(a->finished && j < a->K && k < a->K && j != k);
    struct ndl_audit_tally t;
    double h = ndl_audit_cosine(a, j, k);
    ndl_audit_count(a, j, k, h, SIZE_MAX, &t);
    ndl_audit_describe(a, j, k, h, &t, pair);
}
/* --------------------------------------------------------------- every pair */

struct row_of_pairs {
    const struct ndl_audit *a;
    size_t j;
    struct ndl_audit_pair *pair; /* K - 1 */
};

static void fill_row(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct row_of_pairs *row = context;
    for (size_t q = first; q < last; q++)
        ndl_audit_pair(row->a, row->j, q < row->j ? q : q + 1, &row->pair[q]);
}

enum ndl_status ndl_audit_each(const struct ndl_audit *a,
                               bool (*visit)(void *context, const struct ndl_audit_pair *pairs,
                                             size_t count),
                               void *context, struct ndl_error *err)
{
    assert(a->finished);
    struct row_of_pairs row = {.a = a, .pair = calloc(a->K, sizeof *row.pair)};
    if (!row.pair)
        return ndl_indexed_no_memory(&a->codes, err);
    bool more = a->K > 1;
    for (row.j = 0; more && row.j < a->K; row.j++) {
        ndl_parallel(a->K - 1, 64, a->options.threads, fill_row, &row);
        more = visit(context, row.pair, a->K - 1);
    }
    free(row.pair);
    return NDL_OK;
}

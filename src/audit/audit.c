/* audit.c -- the audit of all pairs, from its options to its report.
 *
 * The samples are kept by rows_and_columns.c.  When all are there, the features' means are formed,
 * audit_search.c finds the pairs to list, audit_antipodal.c and audit_exclusive.c the rest.
 *
 * Memory.  rows_and_columns.h: 8 bytes per nonzero, as a rule.  Features on in N/32 samples or more
 * also get a bit per sample, at most 4 bytes per nonzero. */
#include "audit_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------ construction */

struct ndl_audit_options ndl_audit_defaults(bool bias)
{
    return (struct ndl_audit_options){.bias = bias,
                                      .tolerance = 1e-9,
                                      .near = 0.01,
                                      .dense = 0.1,
                                      .antipodal = -0.9,
                                      .expected = 25,
                                      .threads = 1,
                                      .memory = (size_t)4 << 30};
}

static const char *bad_option(const struct ndl_audit_options *o)
{
    if (!(o->tolerance >= 0 && isfinite(o->tolerance)))
        return "tolerance must be finite and not negative";
    if (!(o->near >= 0 && o->near < 1))
        return "near must be at least 0 and below 1";
    if (!(o->dense > 0 && o->dense <= 1))
        return "dense must be above 0 and at most 1";
    if (!(o->antipodal >= -1 && o->antipodal <= 1))
        return "antipodal must be between -1 and 1";
    if (!(o->expected > 0 && isfinite(o->expected)))
        return "expected must be finite and above 0";
    if (o->threads < 1 || o->threads > 256)
        return "threads must be between 1 and 256";
    if (o->band > UINT32_MAX)
        return "band must be below 2^32";
    return NULL;
}

enum ndl_status ndl_audit_new(struct ndl_audit **audit, const struct ndl_matrix *D,
                              const struct ndl_audit_options *options, struct ndl_error *err)
{
    *audit = NULL;
    const char *complaint = bad_option(options);
    if (complaint)
        return ndl_fail(err, NDL_BADARG, "audit: %s", complaint);
    if (D->rows == 0 || D->cols == 0 || D->rows > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG, "audit: a decoder of %zu x %zu has no features to audit",
                        D->rows, D->cols);
    enum ndl_status status = ndl_matrix_check(D, "decoder", err);
    if (status != NDL_OK)
        return status;
    struct ndl_audit *a = calloc(1, sizeof *a);
    if (!a)
        return ndl_fail(err, NDL_NOMEM, "no memory for an audit");
    a->options = *options;
    a->K = D->rows;
    a->d = D->cols;
    status = ndl_indexed_init(&a->codes, a->K, options->band, options->threads, options->memory,
                              options->spill, err);
    if (status == NDL_OK) {
        a->D = ndl_indexed_hold(&a->codes, a->K * a->d, sizeof *a->D);
        a->norm = ndl_indexed_hold(&a->codes, a->K, sizeof *a->norm);
        a->mean = ndl_indexed_hold(&a->codes, a->K, sizeof *a->mean);
        a->order = ndl_indexed_hold(&a->codes, a->K, sizeof *a->order);
        a->bits = ndl_indexed_hold(&a->codes, a->K, sizeof *a->bits);
        if (!a->D || !a->norm || !a->mean || !a->order || !a->bits)
            status = ndl_indexed_no_memory(&a->codes, err);
    }
    if (status != NDL_OK) {
        ndl_audit_free(a);
        return status;
    }
    for (size_t k = 0; k < a->K; k++)
        a->norm[k] = ndl_unit(a->d, ndl_row(D, k), a->D + k * a->d);
    *audit = a;
    return NDL_OK;
}

void ndl_audit_free(struct ndl_audit *a)
{
    if (!a)
        return;
    for (size_t k = 0; a->bits && k < a->K; k++)
        free(a->bits[k]);
    free(a->bits);
    free(a->order);
    free(a->mean);
    free(a->norm);
    free(a->D);
    ndl_indexed_free(&a->codes);
    free(a);
}

enum ndl_status ndl_audit_add(struct ndl_audit *a, const struct ndl_codes *codes,
                              struct ndl_error *err)
{
    if (codes->cols != a->K)
        return ndl_fail(err, NDL_BADARG, "audit: the codes have %zu features, the decoder %zu",
                        codes->cols, a->K);
    if (a->finished)
        return ndl_fail(err, NDL_BADARG, "audit: no samples can be added after it was finished");
    return ndl_indexed_add(&a->codes, codes, err);
}
/* ------------------------------------------------- statistics of one feature */

enum { TOGETHER = 64 }; /* neighbouring columns, which lie side by side in every band */

/* Neumaier's compensated sum of a column in sample order: right to about an ulp, and the
 * same however the samples came. */
static void average(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct ndl_audit *a = context;
    double sum[TOGETHER] = {0}, lost[TOGETHER] = {0};
    assert(last - first <= TOGETHER);
    for (const struct ndl_band *b = a->codes.band; b < ndl_audit_bands_end(a); b++)
        for (size_t k = first; k < last; k++)
            for (size_t e = b->column[k]; e < b->column[k + 1]; e++) {
                double v = ndl_band_z(b, e), before = sum[k - first], next = before + v;
                lost[k - first] += before >= v ? (before - next) + v : (v - next) + before;
                sum[k - first] = next;
            }
    for (size_t k = first; k < last; k++)
        a->mean[k] = (sum[k - first] + lost[k - first]) / (double)a->codes.N;
}

/* The margins divide by m_j, the bound on p doubles it, and what is reported is rescaled: no z_j
 * |d_j| exceeds N m_j |d_j|. */
static enum ndl_status check_means(const struct ndl_audit *a, struct ndl_error *err)
{
    for (size_t k = 0; k < a->K; k++) {
        double mean = a->mean[k], scaled = mean * a->norm[k];
        if (ndl_audit_fires(a, k) == 0)
            continue;
        if (a->norm[k] == 0)
            return ndl_fail(err, NDL_BADDATA,
                            "feature %zu fires on %zu samples but its decoder row is zero", k,
                            ndl_audit_fires(a, k));
        if (!isnormal(mean) || !isfinite(2 * mean) || !isnormal(a->norm[k]) || !isnormal(scaled) ||
            !isfinite(2 * scaled * (double)a->codes.N))
            return ndl_fail(
                err, NDL_BADDATA,
                "feature %zu has a mean activation of %g and a decoder row of norm %g, outside "
                "what doubles can handle",
                k, mean, a->norm[k]);
    }
    return NDL_OK;
}

struct ranked {
    size_t fires;
    uint32_t k;
};

static int more_frequent(const void *x, const void *y)
{
    const struct ranked *p = x, *q = y;
    if (p->fires != q->fires)
        return p->fires > q->fires ? -1 : 1;
    return (p->k > q->k) - (p->k < q->k);
}

/* Fills a->order; *live gets the number of live features. */
static enum ndl_status rank_features(struct ndl_audit *a, size_t *live, struct ndl_error *err)
{
    struct ranked *rank = calloc(a->K, sizeof *rank);
    if (!rank)
        return ndl_indexed_no_memory(&a->codes, err);
    *live = 0;
    for (size_t k = 0; k < a->K; k++)
        if (ndl_audit_fires(a, k) > 0)
            rank[(*live)++] = (struct ranked){.fires = ndl_audit_fires(a, k), .k = (uint32_t)k};
    qsort(rank, *live, sizeof *rank, more_frequent);
    for (size_t r = 0; r < *live; r++)
        a->order[r] = rank[r].k;
    free(rank);
    return NDL_OK;
}

/* Bits for the most frequent features.  They only make the looking up of samples faster: where
 * memory ends they end. */
static void mark_bits(struct ndl_audit *a, size_t live)
{
    for (size_t r = 0; r < live && ndl_audit_fires(a, a->order[r]) >= a->codes.N / 32; r++) {
        size_t k = a->order[r];
        uint64_t *bits = ndl_indexed_hold(&a->codes, a->codes.N / 64 + 1, sizeof *bits);
        if (!bits)
            return;
        for (const struct ndl_band *b = a->codes.band; b < ndl_audit_bands_end(a); b++)
            for (size_t e = b->column[k]; e < b->column[k + 1]; e++) {
                size_t i = b->first + b->sample[e];
                bits[i / 64] |= UINT64_C(1) << (i % 64);
            }
        a->bits[k] = bits;
    }
}

/* ------------------------------------------------------------------- finish */

void ndl_audit_report_free(struct ndl_audit_report *report)
{
    free(report->fires);
    free(report->mean);
    free(report->list);
    free(report->antipodal_list);
    free(report->group_start);
    free(report->group_member);
    *report = (struct ndl_audit_report){0};
}

/* What concerns single features, and the number of pairs of each kind. */
static enum ndl_status summarise(const struct ndl_audit *a, struct ndl_audit_report *report,
                                 struct ndl_error *err)
{
    report->samples = a->codes.N;
    report->features = a->K;
    report->nonzeros = a->codes.nnz;
    report->fires = calloc(a->K, sizeof *report->fires);
    report->mean = calloc(a->K, sizeof *report->mean);
    if (!report->fires || !report->mean)
        return ndl_indexed_no_memory(&a->codes, err);
    for (size_t k = 0; k < a->K; k++) {
        report->fires[k] = ndl_audit_fires(a, k);
        report->mean[k] = a->mean[k] * a->norm[k];
        report->always_on += ndl_audit_fires(a, k) == a->codes.N;
    }
    size_t others = report->live ? report->live - 1 : 0;
    report->dead = a->K - report->live;
    report->pairs_always_on = report->always_on * others;
    report->pairs = report->live * others - report->pairs_always_on;
    report->pairs_dead = a->K * (a->K - 1) - report->live * others;
    return NDL_OK;
}

enum ndl_status ndl_audit_finish(struct ndl_audit *a, struct ndl_audit_report *report,
                                 struct ndl_error *err)
{
    *report = (struct ndl_audit_report){0};
    if (a->finished)
        return ndl_fail(err, NDL_BADARG, "audit: finished twice");
    if (a->codes.N == 0)
        return ndl_fail(err, NDL_BADARG, "audit: no samples");
    a->finished = true;
    enum ndl_status status = ndl_indexed_finish(&a->codes, err);
    if (status == NDL_OK) {
        ndl_parallel(a->K, TOGETHER, a->options.threads, average, a);
        status = check_means(a, err);
    }
    if (status == NDL_OK)
        status = rank_features(a, &report->live, err);
    if (status == NDL_OK) {
        mark_bits(a, report->live);
        status = summarise(a, report, err);
    }
    if (status == NDL_OK && report->live > 0)
        status = ndl_audit_search(a, report, err);
    if (status == NDL_OK)
        status = ndl_audit_find_antipodal(a, report, err);
    if (status == NDL_OK)
        status = ndl_audit_find_exclusive(a, report, err);
    if (status != NDL_OK)
        ndl_audit_report_free(report);
    return status;
}

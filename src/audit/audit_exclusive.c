/* audit_exclusive.c -- groups of features that never fire together though chance would have it. */
#include "audit_parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What a worker needs to find whom one feature never meets. */
struct meeting {
    unsigned char *seen; /* K: `stamp` if the feature was met */
    unsigned char stamp;
    uint32_t *unmet;                  /* live: the features not met so far, by rank */
    uint64_t own[NDL_BAND_ROWS / 64]; /* a bit per sample of a band: all 0 between uses */
};

/* For the feature of rank r, the ranks q < r (features at least as frequent) that never
 * fire together with it though expected to. */
struct exclusion {
    struct ndl_audit *a;
    uint32_t *rank;          /* K: place in a->order */
    uint32_t **partners;     /* by rank: its exclusive partners' ranks, rising; owned */
    size_t *count;           /* by rank */
    struct meeting *meeting; /* per thread */
    _Atomic bool full;
};

/* How many of the most frequent features the feature of rank r was expected to meet. */
static size_t expected_partners(const struct ndl_audit *a, size_t r)
{
    double least =
        a->options.expected * (double)a->codes.N / (double)ndl_audit_fires(a, a->order[r]);
    size_t q = 0, above = r; /* the ranks < r with n >= least are 0 .. q - 1 */
    while (q < above) {
        size_t middle = q + (above - q) / 2;
        if ((double)ndl_audit_fires(a, a->order[middle]) >= least)
            q = middle + 1;
        else
            above = middle;
    }
    return q;
}

/* Whether one of the samples of k in b from e on has its bit; bit `from` is that of the first
 * sample of b. */
static bool meets(const struct ndl_band *b, size_t k, size_t e, const uint64_t *bits, size_t from)
{
    for (; e < b->column[k + 1]; e++) {
        size_t i = from + b->sample[e];
        if (bits[i / 64] >> (i % 64) & 1)
            return true;
    }
    return false;
}

/* Drops who was seen from the first n of m->unmet; returns how many are left. */
static size_t drop_seen(struct meeting *m, size_t n)
{
    size_t left = 0;
    for (size_t q = 0; q < n; q++) {
        uint32_t k = m->unmet[q];
        m->unmet[left] = k;
        left += m->seen[k] != m->stamp;
    }
    return left;
}

/* Drops who is on in one of the samples of k in b from e on, one after the other. */
static size_t drop_met(const struct ndl_audit *a, const struct ndl_band *b, size_t k, size_t e,
                       struct meeting *m, size_t n)
{
    const size_t end = b->column[k + 1];
    size_t left = 0;
    for (size_t f = e; f < end; f++)
        m->own[b->sample[f] / 64] |= UINT64_C(1) << (b->sample[f] % 64);
    for (size_t q = 0; q < n; q++) {
        uint32_t other = m->unmet[q];
        m->unmet[left] = other;
        left += a->bits[other] ? !meets(b, k, e, a->bits[other], b->first)
                               : !meets(b, other, b->column[other], m->own, 0);
    }
    for (size_t f = e; f < end; f++)
        m->own[b->sample[f] / 64] = 0;
    return left;
}

/* How many features are better compared with k one at a time than by reading more of k's rows:
 * independent features meet at about the (N / n_k)-th of their samples, and every n_k / expected
 * more rows should leave e times fewer. */
static size_t few(const struct ndl_audit *a, size_t k)
{
    double N = (double)a->codes.N, n = (double)ndl_audit_fires(a, k);
    return (size_t)(n / N * n / N * (double)a->codes.nnz / a->options.expected);
}

/* Leaves the features of rank < partners that never fire together with k in m->unmet; returns how
 * many.  Reads k's rows, and drops who was seen when as many entries were read as features are
 * left: independent features meet early.  The last few are looked for one at a time. */
static size_t meet(const struct ndl_audit *a, size_t k, size_t partners, struct meeting *m)
{
    size_t n = partners, rest = few(a, k), entries = 0;
    if (++m->stamp == 0) {
        memset(m->seen, 0, a->K);
        m->stamp = 1;
    }
    memcpy(m->unmet, a->order, partners * sizeof *m->unmet);
    for (const struct ndl_band *b = a->codes.band; n > 0 && b < ndl_audit_bands_end(a); b++) {
        size_t e = b->column[k], end = b->column[k + 1];
        for (; e < end && n > rest; e++) {
            const uint32_t *start = b->start + b->sample[e];
            if (e + AHEAD < end)
                ndl_prefetch_atoms(b, b->start + b->sample[e + AHEAD]);
            for (size_t f = start[0]; f < start[1]; f++)
                m->seen[ndl_band_atom(b, f)] = m->stamp;
            entries += start[1] - start[0];
            if (entries >= n) {
                n = drop_seen(m, n);
                entries = 0;
            }
        }
        if (e < end && n > 0)
            n = drop_met(a, b, k, e, m, n);
    }
    return drop_seen(m, n);
}

static void exclude_features(void *context, size_t first, size_t last, int worker)
{
    struct exclusion *x = context;
    struct meeting *m = &x->meeting[worker];
    for (size_t r = first; r < last && !x->full; r++) {
        size_t partners = expected_partners(x->a, r),
               unmet = meet(x->a, x->a->order[r], partners, m);
        if (unmet == 0)
            continue;
        x->partners[r] = calloc(unmet, sizeof **x->partners);
        if (!x->partners[r]) {
            x->full = true;
            return;
        }
        x->count[r] = unmet;
        for (size_t q = 0; q < unmet; q++)
            x->partners[r][q] = x->rank[m->unmet[q]];
    }
}

/* Greedy groups: by rank, each feature joins the first group all of whose members are
 * among its partners (members are more frequent, so the partners of r tell all). */
static enum ndl_status form_groups(const struct exclusion *x, struct ndl_audit_report *report,
                                   struct ndl_error *err)
{
    const struct ndl_audit *a = x->a;
    size_t live = report->live, groups = 0;
    size_t *group = calloc(live + 1, sizeof *group); /* by rank */
    size_t *size = calloc(live + 1, sizeof *size);   /* by group */
    size_t *hits = calloc(live + 1, sizeof *hits);   /* by group; all 0 between features */
    report->group_start = calloc(live + 1, sizeof *report->group_start);
    report->group_member = calloc(live + 1, sizeof *report->group_member);
    bool complete = group && size && hits && report->group_start && report->group_member;
    for (size_t r = 0; complete && r < live; r++) {
        size_t home = groups;
        report->exclusive_pairs += x->count[r];
        for (size_t q = 0; q < x->count[r]; q++)
            hits[group[x->partners[r][q]]]++;
        for (size_t q = 0; q < x->count[r]; q++) {
            size_t g = group[x->partners[r][q]];
            if (hits[g] == size[g] && g < home)
                home = g;
        }
        for (size_t q = 0; q < x->count[r]; q++)
            hits[group[x->partners[r][q]]] = 0;
        group[r] = home;
        size[home]++;
        groups += home == groups;
    }
    if (complete) { /* number the groups of two and more, then deal the members out */
        size_t *number = hits;
        for (size_t g = 0; g < groups; g++) {
            number[g] = report->groups;
            if (size[g] > 1) {
                report->group_start[report->groups + 1] =
                    report->group_start[report->groups] + size[g];
                report->groups++;
            }
        }
        size_t *next = calloc(groups + 1, sizeof *next); /* by group: members dealt */
        complete = next != NULL;
        for (size_t r = 0; complete && r < live; r++)
            if (size[group[r]] > 1)
                report->group_member[report->group_start[number[group[r]]] + next[group[r]]++] =
                    a->order[r];
        free(next);
    }
    free(group);
    free(size);
    free(hits);
    return complete ? NDL_OK : ndl_indexed_no_memory(&a->codes, err);
}

enum ndl_status ndl_audit_find_exclusive(struct ndl_audit *a, struct ndl_audit_report *report,
                                         struct ndl_error *err)
{
    size_t threads = (size_t)a->options.threads, live = report->live;
    struct exclusion x = {.a = a,
                          .rank = calloc(a->K, sizeof *x.rank),
                          .partners = calloc(live + 1, sizeof *x.partners),
                          .count = calloc(live + 1, sizeof *x.count),
                          .meeting = calloc(threads, sizeof *x.meeting)};
    bool complete = x.rank && x.partners && x.count && x.meeting;
    for (size_t w = 0; complete && w < threads; w++) {
        struct meeting *m = &x.meeting[w];
        m->seen = calloc(a->K, sizeof *m->seen);
        m->unmet = calloc(live + 1, sizeof *m->unmet);
        complete = m->seen && m->unmet;
    }
    if (complete) {
        for (size_t r = 0; r < live; r++)
            x.rank[a->order[r]] = (uint32_t)r;
        ndl_parallel(live, 8, a->options.threads, exclude_features, &x);
    }
    enum ndl_status status =
        complete && !x.full ? form_groups(&x, report, err) : ndl_indexed_no_memory(&a->codes, err);
    for (size_t r = 0; x.partners && r < live; r++)
        free(x.partners[r]);
    for (size_t w = 0; x.meeting && w < threads; w++) {
        free(x.meeting[w].seen);
        free(x.meeting[w].unmet);
    }
    free(x.meeting);
    free(x.rank);
    free(x.partners);
    free(x.count);
    return status;
}

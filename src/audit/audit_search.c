/* audit_search.c -- the pairs that are violated or nearly hierarchical, of all K(K-1), exactly, in
 * time near-linear in the number of nonzeros.
 *
 * Why few pairs need a look.  Write n_j for the samples with j on, T = floor(near n_j),
 * t = tolerance m_j and, for a pair (j, k), p = m_j (1 - h_jk),
 *
 *     above = #{k off, z_j >= p - t},   below = #{k off, z_j <= p + t}
 *
 * (without a bias above = #{k off, z_j > 0} alone).  A pair is listed, as violated or
 * nearly hierarchical, only if above <= T or, with a bias, below <= T.
 *
 * 1. above <= T.  Let U = {z_j >= L} for a level L >= p - t, and S any subset of U.
 *    Every sample of S with k off counts in `above`, so k is on in at least
 *    |S| - T samples of S.  Since h >= -1, L = 2 m_j serves every k at once, without
 *    a single cosine; without a bias U is all of {z_j > 0}.  We take |S| = 2T + 8
 *    samples from all over the data, count who is on in them, and keep who reaches
 *    |S| - T: a feature must be on in more than half of the samples where j is, and
 *    few are.  The counting visits about 2 near of all (sample, j, k) triples, a
 *    fiftieth of the work of the co-occurrence product at near = 1 %.
 *    If too few samples reach 2 m_j (j dense, with values close together), L is put
 *    lower, all cosines of j are computed, and the k with p - t > L, to which the
 *    argument does not apply, are kept as well.  Any L is correct; a good one is fast.
 *
 * 2. below <= T.  Samples with both off count in `below` (z_j = 0 <= p), and there are
 *    at least N - n_j - n_k of them: only k with n_k >= N - n_j - T can fail, the head
 *    of the list of features by falling n_k, empty unless j or k fires on about half
 *    of the samples.  For an almost always active j that is everyone; then also
 *    below >= #{z_j < 3/4 m_j} - n_k for every k with h <= 1/4, whose p is at least
 *    3/4 m_j, and few fail that.
 *
 * What is kept is counted exactly, by walking down j's samples; the walk stops as soon
 * as both counts exceed T, when the pair is certain not to be listed.
 *
 * Rounding.  The inequalities above hold for the computed numbers too: h is clipped to
 * [-1, 1], so fl(1 - h) <= 2 and fl(m fl(1 - h)) <= 2 m (rounding is monotone, 2 m is a
 * double), subtracting t >= 0 lowers it, and comparisons of float32 with double are
 * exact.  So the pruning loses no pair that the full count would have listed. */
#include "audit_parts.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXTRA = 8,    /* |S| = 2T + EXTRA */
    PROBE = 1024, /* values looked at to choose a level */
    APART = 8     /* bands from which S comes if they have enough */
};

struct chosen { /* a sample of S */
    const struct ndl_band *band;
    const uint32_t *start; /* where its atoms begin and end */
};

/* What one worker needs, and what it found. */
struct searcher {
    uint32_t *count;       /* K: in how many samples of S k is on; all 0 between features */
    uint32_t *touched;     /* K + 1: whose count is not 0 */
    uint32_t *mark;        /* K: j + 1 if (j, k) was already looked at */
    struct chosen *chosen; /* S; 2T + EXTRA entries for the largest T */
    struct ndl_audit_pair *list;
    size_t listed, room;
};

struct search {
    struct ndl_audit *a;
    size_t live;
    struct searcher *searcher; /* one per thread */
    /* pairs that the lists may hold together: half of the memory left, */
    size_t most;
    _Atomic size_t listed; /*   the lists are copied into one at the end */
    _Atomic bool full;     /* more than that, or a list could not grow: the search is void */
};

static void remember(struct search *s, struct searcher *me, const struct ndl_audit_pair *pair)
{
    if (atomic_fetch_add(&s->listed, 1) >= s->most) {
        s->full = true;
        return;
    }
    if (me->listed == me->room) {
        size_t room = me->room ? 2 * me->room : 256;
        struct ndl_audit_pair *list = realloc(me->list, room * sizeof *list);
        if (!list) {
            s->full = true;
            return;
        }
        me->list = list;
        me->room = room;
    }
    me->list[me->listed++] = *pair;
}

/* Looks at (j, k) exactly, once, and lists it if it is to be listed. */
static void look(struct search *s, struct searcher *me, size_t j, size_t k)
{
    const struct ndl_audit *a = s->a;
    if (k == j || me->mark[k] == j + 1 || ndl_audit_fires(a, k) == 0 || s->full)
        return;
    me->mark[k] = (uint32_t)(j + 1);
    struct ndl_audit_tally t;
    struct ndl_audit_pair pair;
    double h = ndl_audit_cosine(a, j, k);
    if (!ndl_audit_count(a, j, k, h, ndl_audit_near_support(a, j), &t))
        return;
    ndl_audit_describe(a, j, k, h, &t, &pair);
    if (pair.violated || pair.near)
        remember(s, me, &pair);
}

static int rising(const void *x, const void *y)
{
    double p = *(const double *)x, q = *(const double *)y;
    return (p > q) - (p < q);
}

/* A value of column j that about 3T + EXTRA of its values reach, judged from a few. */
static double choose_level(const struct ndl_audit *a, size_t j)
{
    double probe[PROBE];
    size_t n = ndl_audit_fires(a, j), probes = n < PROBE ? n : PROBE;
    size_t q = 0, before = 0; /* values of j in earlier bands */
    for (const struct ndl_band *b = a->codes.band; b < ndl_audit_bands_end(a); b++) {
        size_t here = b->column[j + 1] - b->column[j];
        for (; q < probes && q * n / probes < before + here; q++)
            probe[q] = ndl_band_z(b, b->column[j] + q * n / probes - before);
        before += here;
    }
    qsort(probe, probes, sizeof *probe, rising);
    double share = (double)(3 * ndl_audit_near_support(a, j) + EXTRA) / (double)n;
    size_t from_top = (size_t)ceil(share * (double)probes);
    return probe[from_top < probes ? probes - from_top : 0];
}

/* S: `want` samples with z_j >= level, or all there are; returns how many.  From bands far
 * apart first, the same ones for all j so that they stay in the cache. */
static size_t choose_samples(const struct ndl_audit *a, size_t j, double level, size_t want,
                             struct chosen *chosen)
{
    size_t bands = a->codes.bands, stride = bands / APART + 1, taken = 0;
    for (size_t round = 0; round < stride; round++)
        for (size_t n = round; n < bands; n += stride) {
            const struct ndl_band *b = &a->codes.band[n];
            for (size_t e = b->column[j]; e < b->column[j + 1]; e++) {
                if (ndl_band_z(b, e) < level)
                    continue;
                if (taken == want)
                    return taken;
                chosen[taken++] = (struct chosen){.band = b, .start = b->start + b->sample[e]};
            }
        }
    return taken;
}

/* Part 1 of the argument: every k with above <= T. */
static void search_above(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    size_t T = ndl_audit_near_support(a, j), want = 2 * T + EXTRA, n = ndl_audit_fires(a, j);
    double level = a->options.bias ? 2 * a->mean[j] : 0;
    size_t taken = choose_samples(a, j, level, want, me->chosen), touched = 0;
    if (taken < want && taken < n) {
        level = fmin(level, choose_level(a, j));
        taken = choose_samples(a, j, level, want, me->chosen);
        for (size_t k = 0; k < a->K; k++)
            if (ndl_audit_lower_bound(a, j, ndl_audit_cosine(a, j, k)) > level)
                look(s, me, j, k);
    }
    if (taken <= T) { /* cannot exclude anyone */
        for (size_t k = 0; k < a->K; k++)
            look(s, me, j, k);
        return;
    }
    for (size_t q = 0; q < taken; q++) {
        const struct chosen *row = &me->chosen[q];
        const struct ndl_band *b = row->band;
        if (q + 2 * AHEAD < taken) /* the rows are far apart */
            __builtin_prefetch(row[2 * AHEAD].start);
        if (q + AHEAD < taken)
            ndl_prefetch_atoms(row[AHEAD].band, row[AHEAD].start);
        for (size_t e = row->start[0]; e < row->start[1]; e++) {
            uint32_t k = ndl_band_atom(b, e);
            me->touched[touched] = k;
            touched += me->count[k]++ == 0;
        }
    }
    for (size_t q = 0; q < touched; q++) {
        if (me->count[me->touched[q]] >= taken - T)
            look(s, me, j, me->touched[q]);
        me->count[me->touched[q]] = 0;
    }
}

/* How many samples have z_j >= level. */
static size_t count_from(const struct ndl_audit *a, size_t j, double level)
{
    size_t u = 0;
    for (const struct ndl_band *b = a->codes.band; b < ndl_audit_bands_end(a); b++)
        for (size_t e = b->column[j]; e < b->column[j + 1]; e++)
            u += ndl_band_z(b, e) >= level;
    return u;
}

/* Part 2: every k with below <= T. */
static void search_below(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    size_t T = ndl_audit_near_support(a, j), candidates = 0, low = 0;
    while (candidates < s->live &&
           ndl_audit_fires(a, a->order[candidates]) + ndl_audit_fires(a, j) + T >= a->codes.N)
        candidates++;
    if (candidates > 0)
        low = a->codes.N - count_from(a, j, 0.75 * a->mean[j]); /* samples with z_j < 3/4 m_j */
    for (size_t r = 0; r < candidates; r++) {
        size_t k = a->order[r];
        if (ndl_audit_fires(a, k) + T >= low || ndl_audit_cosine(a, j, k) > 0.25)
            look(s, me, j, k);
    }
}

static void search_features(void *context, size_t first, size_t last, int worker)
{
    struct search *s = context;
    struct searcher *me = &s->searcher[worker];
    for (size_t r = first; r < last && !s->full; r++) { /* most frequent first: even loads */
        search_above(s, me, s->a->order[r]);
        if (s->a->options.bias)
            search_below(s, me, s->a->order[r]);
    }
}

static int by_pair(const void *x, const void *y)
{
    const struct ndl_audit_pair *p = x, *q = y;
    if (p->j != q->j)
        return p->j < q->j ? -1 : 1;
    return (p->k > q->k) - (p->k < q->k);
}

/* Gathers what the workers found into the report, in order. */
static enum ndl_status gather(const struct search *s, int threads, struct ndl_audit_report *report,
                              struct ndl_error *err)
{
    size_t listed = 0;
    for (int w = 0; w < threads; w++)
        listed += s->searcher[w].listed;
    report->list = calloc(listed ? listed : 1, sizeof *report->list);
    if (!report->list || s->full)
        return ndl_fail(
            err, NDL_NOMEM,
            "audit: more than %zu pairs are violated or nearly hierarchical, too many for "
            "%zu MiB of memory",
            s->most, s->a->options.memory >> 20);
    for (int w = 0; w < threads; w++) {
        if (s->searcher[w].listed)
            memcpy(report->list + report->listed, s->searcher[w].list,
                   s->searcher[w].listed * sizeof *report->list);
        report->listed += s->searcher[w].listed;
    }
    qsort(report->list, listed, sizeof *report->list, by_pair);
    for (size_t q = 0; q < listed; q++) {
        report->near += report->list[q].near;
        report->violated += report->list[q].violated && !report->list[q].always_on;
        report->violated_always_on += report->list[q].violated && report->list[q].always_on;
    }
    return NDL_OK;
}

enum ndl_status ndl_audit_search(struct ndl_audit *a, struct ndl_audit_report *report,
                                 struct ndl_error *err)
{
    int threads = a->options.threads;
    size_t most = 2 * ndl_audit_near_support(a, a->order[0]) + EXTRA;
    size_t left = a->options.memory - a->codes.held;
    struct search s = {.a = a,
                       .live = report->live,
                       .most = left / 2 / sizeof(struct ndl_audit_pair),
                       .searcher = calloc((size_t)threads, sizeof *s.searcher)};
    bool complete = s.searcher != NULL;
    for (int w = 0; complete && w < threads; w++) {
        struct searcher *me = &s.searcher[w];
        me->count = calloc(a->K, sizeof *me->count);
        me->touched = calloc(a->K + 1, sizeof *me->touched);
        me->mark = calloc(a->K, sizeof *me->mark);
        me->chosen = calloc(most, sizeof *me->chosen);
        complete = me->count && me->touched && me->mark && me->chosen;
    }
    enum ndl_status status = complete ? NDL_OK : ndl_indexed_no_memory(&a->codes, err);
    if (complete) {
        ndl_parallel(report->live, 8, threads, search_features, &s);
        status = gather(&s, threads, report, err);
    }
    for (int w = 0; s.searcher && w < threads; w++) {
        free(s.searcher[w].count);
        free(s.searcher[w].touched);
        free(s.searcher[w].mark);
        free(s.searcher[w].chosen);
        free(s.searcher[w].list);
    }
    free(s.searcher);
    return status;
}

/* audit.c -- the two-feature condition of all K(K-1) ordered pairs, exactly, in
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
 * exact.  So the pruning loses no pair that the full count would have listed.
 *
 * Memory.  bands.h: 8 bytes per nonzero, as a rule.  Features on in N/32 samples or more
 * also get a bit per sample, at most 4 bytes per nonzero. */
#include "audit.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rows_and_columns.h"
#include "ndl/vec.h"

struct ndl_audit {
    struct ndl_audit_options options;
    size_t K, d;
    double *D, *norm; /* K x d normalised rows, and the K norms they had */
    struct ndl_bands codes;
    bool finished;
    double *mean;    /* K, of the values as given (not rescaled) */
    uint64_t **bits; /* K: the samples with k on, if they are many; else NULL */
    uint32_t *order; /* the live features by falling n_k, then rising k */
};

static size_t fires(const struct ndl_audit *a, size_t k)
{
    return a->codes.fires[k];
}

/* A column is read band by band: for (b = a->codes.band; b < last_band(a); b++), and in it
 * for (e = b->column[k]; e < b->column[k + 1]; e++). */
static const struct ndl_band *last_band(const struct ndl_audit *a)
{
    return a->codes.band + a->codes.bands;
}

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
    status = ndl_bands_init(&a->codes, a->K, options->band, options->threads, options->memory,
                            options->spill, err);
    if (status == NDL_OK) {
        a->D = ndl_bands_hold(&a->codes, a->K * a->d, sizeof *a->D);
        a->norm = ndl_bands_hold(&a->codes, a->K, sizeof *a->norm);
        a->mean = ndl_bands_hold(&a->codes, a->K, sizeof *a->mean);
        a->order = ndl_bands_hold(&a->codes, a->K, sizeof *a->order);
        a->bits = ndl_bands_hold(&a->codes, a->K, sizeof *a->bits);
        if (!a->D || !a->norm || !a->mean || !a->order || !a->bits)
            status = ndl_bands_no_memory(&a->codes, err);
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
    ndl_bands_free(&a->codes);
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
    return ndl_bands_add(&a->codes, codes, err);
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
    for (const struct ndl_band *b = a->codes.band; b < last_band(a); b++)
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
        if (fires(a, k) == 0)
            continue;
        if (a->norm[k] == 0)
            return ndl_fail(err, NDL_BADDATA,
                            "feature %zu fires on %zu samples but its decoder row is zero", k,
                            fires(a, k));
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
        return ndl_bands_no_memory(&a->codes, err);
    *live = 0;
    for (size_t k = 0; k < a->K; k++)
        if (fires(a, k) > 0)
            rank[(*live)++] = (struct ranked){.fires = fires(a, k), .k = (uint32_t)k};
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
    for (size_t r = 0; r < live && fires(a, a->order[r]) >= a->codes.N / 32; r++) {
        size_t k = a->order[r];
        uint64_t *bits = ndl_bands_hold(&a->codes, a->codes.N / 64 + 1, sizeof *bits);
        if (!bits)
            return;
        for (const struct ndl_band *b = a->codes.band; b < last_band(a); b++)
            for (size_t e = b->column[k]; e < b->column[k + 1]; e++) {
                size_t i = b->first + b->sample[e];
                bits[i / 64] |= UINT64_C(1) << (i % 64);
            }
        a->bits[k] = bits;
    }
}

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

/* ------------------------------------------------------------ a single pair */

/* h_jk, clipped to [-1, 1]. */
static double cosine(const struct ndl_audit *a, size_t j, size_t k)
{
    double h = ndl_dot(a->d, a->D + j * a->d, a->D + k * a->d);
    return h > 1 ? 1 : h < -1 ? -1 : h;
}

/* T: the largest support that makes (j, .) nearly hierarchical. */
static size_t near_support(const struct ndl_audit *a, size_t j)
{
    return (size_t)(a->options.near * (double)fires(a, j));
}

/* The bounds p - t and p + t, in the unit of the values as given; without a bias every
 * positive value is above. */
static double lower_bound(const struct ndl_audit *a, size_t j, double h)
{
    return a->options.bias ? a->mean[j] * (1 - h) - a->options.tolerance * a->mean[j] : 0;
}

static double upper_bound(const struct ndl_audit *a, size_t j, double h)
{
    return a->mean[j] * (1 - h) + a->options.tolerance * a->mean[j];
}

/* Over the samples with j on: how many have k on, and what z_j is where k is off. */
struct tally {
    size_t together, above, below;
    double least, greatest; /* INFINITY, 0 if k is never off */
};

/* Counts exactly, unless above > give_up and below > give_up are certain before the end
 * (without a bias: above > give_up): returns false then. */
static bool count_pair(const struct ndl_audit *a, size_t j, size_t k, double h, size_t give_up,
                       struct tally *t)
{
    const double low = lower_bound(a, j, h), high = upper_bound(a, j, h);
    const bool hull = a->options.bias;
    size_t both = fires(a, j) + fires(a, k); /* both off: N - both + together */
    *t = (struct tally){.least = (double)INFINITY};
    if (fires(a, k) == a->codes.N) {
        t->together = fires(a, j);
        return true;
    }
    for (const struct ndl_band *b = a->codes.band; b < last_band(a); b++) {
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

/* All columns of the pair, from its tally. */
static void describe(const struct ndl_audit *a, size_t j, size_t k, double h, const struct tally *t,
                     struct ndl_audit_pair *pair)
{
    const double m = a->mean[j], p = m * (1 - h), scale = a->norm[j];
    const bool hull = a->options.bias, no_off = fires(a, k) == a->codes.N;
    *pair = (struct ndl_audit_pair){.j = (uint32_t)j,
                                    .k = (uint32_t)k,
                                    .always_on = no_off,
                                    .dead = fires(a, j) == 0 || fires(a, k) == 0,
                                    .cosine = h,
                                    .mean = m * scale,
                                    .z_min_off = no_off ? (double)NAN : t->least * scale,
                                    .z_max_off = no_off ? (double)NAN : t->greatest * scale,
                                    .support = hull && t->below < t->above ? t->below : t->above,
                                    .together = t->together};
    if (fires(a, j) == 0) {
        pair->margin = (double)NAN;
        return;
    }
    pair->violated = !pair->dead && pair->support == 0 && (hull || 1 - h > a->options.tolerance);
    pair->near = !pair->dead && !pair->violated && !no_off && pair->support <= near_support(a, j);
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
    struct tally t;
    double h = cosine(a, j, k);
    count_pair(a, j, k, h, SIZE_MAX, &t);
    describe(a, j, k, h, &t, pair);
}

/* ------------------------------------------------------------------ search */

enum {
    EXTRA = 8,    /* |S| = 2T + EXTRA */
    PROBE = 1024, /* values looked at to choose a level */
    APART = 8,    /* bands from which S comes if they have enough */
    AHEAD = 8     /* rows fetched before they are read */
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
    if (k == j || me->mark[k] == j + 1 || fires(a, k) == 0 || s->full)
        return;
    me->mark[k] = (uint32_t)(j + 1);
    struct tally t;
    struct ndl_audit_pair pair;
    double h = cosine(a, j, k);
    if (!count_pair(a, j, k, h, near_support(a, j), &t))
        return;
    describe(a, j, k, h, &t, &pair);
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
    size_t n = fires(a, j), probes = n < PROBE ? n : PROBE;
    size_t q = 0, before = 0; /* values of j in earlier bands */
    for (const struct ndl_band *b = a->codes.band; b < last_band(a); b++) {
        size_t here = b->column[j + 1] - b->column[j];
        for (; q < probes && q * n / probes < before + here; q++)
            probe[q] = ndl_band_z(b, b->column[j] + q * n / probes - before);
        before += here;
    }
    qsort(probe, probes, sizeof *probe, rising);
    double share = (double)(3 * near_support(a, j) + EXTRA) / (double)n;
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

/* Fetches the atoms of the row that begins and ends at start[0] and [1]. */
static void prefetch_atoms(const struct ndl_band *b, const uint32_t *start)
{
    const size_t size = b->narrow ? sizeof(uint16_t) : sizeof(uint32_t);
    const char *atom = b->atom;
    for (size_t byte = start[0] * size; byte < start[1] * size; byte += 64)
        __builtin_prefetch(atom + byte);
}

/* Part 1 of the argument: every k with above <= T. */
static void search_above(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    size_t T = near_support(a, j), want = 2 * T + EXTRA, n = fires(a, j);
    double level = a->options.bias ? 2 * a->mean[j] : 0;
    size_t taken = choose_samples(a, j, level, want, me->chosen), touched = 0;
    if (taken < want && taken < n) {
        level = fmin(level, choose_level(a, j));
        taken = choose_samples(a, j, level, want, me->chosen);
        for (size_t k = 0; k < a->K; k++)
            if (lower_bound(a, j, cosine(a, j, k)) > level)
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
            prefetch_atoms(row[AHEAD].band, row[AHEAD].start);
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
    for (const struct ndl_band *b = a->codes.band; b < last_band(a); b++)
        for (size_t e = b->column[j]; e < b->column[j + 1]; e++)
            u += ndl_band_z(b, e) >= level;
    return u;
}

/* Part 2: every k with below <= T. */
static void search_below(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    size_t T = near_support(a, j), candidates = 0, low = 0;
    while (candidates < s->live && fires(a, a->order[candidates]) + fires(a, j) + T >= a->codes.N)
        candidates++;
    if (candidates > 0)
        low = a->codes.N - count_from(a, j, 0.75 * a->mean[j]); /* samples with z_j < 3/4 m_j */
    for (size_t r = 0; r < candidates; r++) {
        size_t k = a->order[r];
        if (fires(a, k) + T >= low || cosine(a, j, k) > 0.25)
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

static enum ndl_status search_pairs(struct ndl_audit *a, struct ndl_audit_report *report,
                                    struct ndl_error *err)
{
    int threads = a->options.threads;
    size_t most = 2 * near_support(a, a->order[0]) + EXTRA;
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
    enum ndl_status status = complete ? NDL_OK : ndl_bands_no_memory(&a->codes, err);
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

/* -------------------------------------------------- dense antipodal features */

static enum ndl_status find_antipodal(const struct ndl_audit *a, struct ndl_audit_report *report,
                                      struct ndl_error *err)
{
    size_t room = 0;
    double least = a->options.dense * (double)a->codes.N;
    while (report->dense < report->live && (double)fires(a, a->order[report->dense]) >= least)
        report->dense++;
    for (size_t j = 0; j < a->K; j++) {
        if (fires(a, j) == 0 || (double)fires(a, j) < least)
            continue;
        for (size_t k = j + 1; k < a->K; k++) {
            if (fires(a, k) == 0 || (double)fires(a, k) < least)
                continue;
            double h = cosine(a, j, k);
            if (!(h < a->options.antipodal))
                continue;
            if (report->antipodal == room) {
                room = room ? 2 * room : 64;
                void *more = realloc(report->antipodal_list, room * sizeof *report->antipodal_list);
                if (!more)
                    return ndl_bands_no_memory(&a->codes, err);
                report->antipodal_list = more;
            }
            report->antipodal_list[report->antipodal++] =
                (struct ndl_audit_antipodal){.j = (uint32_t)j, .k = (uint32_t)k, .cosine = h};
        }
    }
    return NDL_OK;
}

/* ---------------------------------------------------------- mutual exclusion */

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
    double least = a->options.expected * (double)a->codes.N / (double)fires(a, a->order[r]);
    size_t q = 0, above = r; /* the ranks < r with n >= least are 0 .. q - 1 */
    while (q < above) {
        size_t middle = q + (above - q) / 2;
        if ((double)fires(a, a->order[middle]) >= least)
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
    double N = (double)a->codes.N, n = (double)fires(a, k);
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
    for (const struct ndl_band *b = a->codes.band; n > 0 && b < last_band(a); b++) {
        size_t e = b->column[k], end = b->column[k + 1];
        for (; e < end && n > rest; e++) {
            const uint32_t *start = b->start + b->sample[e];
            if (e + AHEAD < end)
                prefetch_atoms(b, b->start + b->sample[e + AHEAD]);
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
    return complete ? NDL_OK : ndl_bands_no_memory(&a->codes, err);
}

static enum ndl_status find_exclusive(struct ndl_audit *a, struct ndl_audit_report *report,
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
        complete && !x.full ? form_groups(&x, report, err) : ndl_bands_no_memory(&a->codes, err);
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
        return ndl_bands_no_memory(&a->codes, err);
    for (size_t k = 0; k < a->K; k++) {
        report->fires[k] = fires(a, k);
        report->mean[k] = a->mean[k] * a->norm[k];
        report->always_on += fires(a, k) == a->codes.N;
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
    enum ndl_status status = ndl_bands_finish(&a->codes, err);
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
        status = search_pairs(a, report, err);
    if (status == NDL_OK)
        status = find_antipodal(a, report, err);
    if (status == NDL_OK)
        status = find_exclusive(a, report, err);
    if (status != NDL_OK)
        ndl_audit_report_free(report);
    return status;
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
        return ndl_bands_no_memory(&a->codes, err);
    bool more = a->K > 1;
    for (row.j = 0; more && row.j < a->K; row.j++) {
        ndl_parallel(a->K - 1, 64, a->options.threads, fill_row, &row);
        more = visit(context, row.pair, a->K - 1);
    }
    free(row.pair);
    return NDL_OK;
}

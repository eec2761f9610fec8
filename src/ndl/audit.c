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
 *    samples spread evenly over U, count who is on in them, and keep who reaches
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
 * Memory.  The rows' atoms (CSR, 4 bytes per nonzero) and a transposed copy (CSC,
 * samples increasing in a column, 4 + 4 bytes; + 4 for doubles); the rows' values only
 * until the copy is made.  Features on in N/32 samples or more also get a bit per
 * sample, at most 4 bytes per nonzero. */
#include "ndl_audit.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---------------------------------------------------------------- storage */

/* A large array that grows: anonymous pages, or a nameless file when the memory
 * limit is reached.  mmap rather than realloc, because growing must move pages, not
 * copy them, and because 16,384 columns written at once want huge pages. */
struct store {
    void *at;
    size_t bytes; /* mapped */
    int file;     /* meaningful if spilled */
    bool spilled;
};

struct ndl_audit {
    struct ndl_audit_options options;
    char *spill;
    size_t held;          /* bytes of memory in use, spilled stores excluded */
    size_t K, d, N, nnz;
    double *D, *norm;     /* K x d normalised rows, and the K norms they had */
    bool wide;            /* values are doubles, not floats */
    struct store start;   /* N + 1 size_t: the rows */
    struct store atom;    /* nnz uint32_t, by rows */
    struct store value;   /* nnz float or double, by rows; gone after the transposition */
    bool finished;
    struct store sample;  /* nnz uint32_t, by columns */
    struct store z;       /* nnz float or double, by columns */
    size_t *column;       /* K + 1 offsets into them */
    double *mean;         /* K, of the values as given (not rescaled) */
    uint64_t **bits;      /* K: the samples with k on, if they are many; else NULL */
    uint32_t *order;      /* the live features by falling n_k, then rising k */
};

static size_t fires(const struct ndl_audit *a, size_t k)
{
    return a->column[k + 1] - a->column[k];
}

static double value_at(const struct store *s, bool wide, size_t e)
{
    return wide ? ((const double *)s->at)[e] : (double)((const float *)s->at)[e];
}

static size_t value_size(const struct ndl_audit *a)
{
    return a->wide ? sizeof(double) : sizeof(float);
}

static void store_free(struct ndl_audit *a, struct store *s)
{
    if (s->at)
        munmap(s->at, s->bytes);
    if (s->spilled)
        close(s->file);
    else
        a->held -= s->bytes;
    *s = (struct store){0};
}

static enum ndl_status out_of_memory(const struct ndl_audit *a, struct ndl_error *err)
{
    return ndl_fail(err, NDL_NOMEM,
                    "the audit needs more than its %zu MiB of memory after %zu samples, %zu nonzeros",
                    a->options.memory >> 20, a->N, a->nnz);
}

/* A file without a name, gone when it is closed. */
static int nameless_file(const char *directory)
{
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return file;
    char path[4096]; /* a file system without O_TMPFILE */
    int length = snprintf(path, sizeof path, "%s/ndl-audit-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkstemp(path);
    if (file >= 0)
        unlink(path);
    return file;
}

/* Maps `bytes` in a file, reserved on the disk: a full disk is an error here and not a
 * signal at the first write. */
static enum ndl_status map_file(const struct ndl_audit *a, struct store *s, size_t bytes,
                                struct ndl_error *err)
{
    int file = s->spilled ? s->file : nameless_file(a->spill);
    if (file < 0)
        return ndl_fail(err, NDL_IO, "%s: cannot make a temporary file: %s", a->spill, strerror(errno));
    int refused = posix_fallocate(file, 0, (off_t)bytes);
    void *at = MAP_FAILED;
    if (!refused) {
        at = s->spilled ? mremap(s->at, s->bytes, bytes, MREMAP_MAYMOVE)
                        : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        refused = errno;
    }
    if (at == MAP_FAILED) {
        if (!s->spilled)
            close(file);
        return ndl_fail(err, NDL_IO, "%s: no room for %zu MiB of codes: %s", a->spill, bytes >> 20,
                        strerror(refused));
    }
    *s = (struct store){.at = at, .bytes = bytes, .file = file, .spilled = true};
    return NDL_OK;
}

/* Makes room for count items of `size` bytes, keeping what is there. */
static enum ndl_status store_reserve(struct ndl_audit *a, struct store *s, size_t count, size_t size,
                                     struct ndl_error *err)
{
    const size_t page = (size_t)1 << 21;
    size_t need;
    if (__builtin_mul_overflow(count ? count : 1, size, &need) || need > PTRDIFF_MAX / 2)
        return out_of_memory(a, err);
    if (need <= s->bytes)
        return NDL_OK;
    if (need < s->bytes + s->bytes / 4) /* geometric growth: many small blocks stay linear */
        need = s->bytes + s->bytes / 4;
    need = (need + page - 1) / page * page;
    if (s->spilled)
        return map_file(a, s, need, err);
    if (a->held + (need - s->bytes) > a->options.memory) {
        if (!a->spill)
            return out_of_memory(a, err);
        struct store file = {0};
        enum ndl_status status = map_file(a, &file, need, err);
        if (status != NDL_OK)
            return status;
        if (s->at)
            memcpy(file.at, s->at, s->bytes);
        store_free(a, s);
        *s = file;
        return NDL_OK;
    }
    void *at = s->at ? mremap(s->at, s->bytes, need, MREMAP_MAYMOVE)
                     : mmap(NULL, need, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return out_of_memory(a, err);
    madvise(at, need, MADV_HUGEPAGE); /* a wish: no harm if the system has none */
    a->held += need - s->bytes;
    s->at = at;
    s->bytes = need;
    return NDL_OK;
}

/* Small arrays: counted, from calloc; freed with free and not given back to the count. */
static void *hold(struct ndl_audit *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count ? count : 1, size, &bytes) || a->held > a->options.memory ||
        bytes > a->options.memory - a->held)
        return NULL;
    void *at = calloc(1, bytes);
    if (at)
        a->held += bytes;
    return at;
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
    return NULL;
}

/* The unit vector along `from` (d entries), 0 for 0; returns the norm.  Scaled by the
 * largest entry first: no overflow, no underflow. */
static double normalise(double *to, const double *from, size_t d)
{
    double largest = 0, square = 0;
    for (size_t i = 0; i < d; i++)
        largest = fmax(largest, fabs(from[i]));
    if (largest == 0)
        return 0;
    for (size_t i = 0; i < d; i++) {
        to[i] = from[i] / largest;
        square += to[i] * to[i];
    }
    for (size_t i = 0; i < d; i++)
        to[i] /= sqrt(square);
    return largest * sqrt(square);
}

enum ndl_status ndl_audit_new(struct ndl_audit **audit, const struct ndl_matrix *D,
                              const struct ndl_audit_options *options, struct ndl_error *err)
{
    *audit = NULL;
    const char *complaint = bad_option(options);
    if (complaint)
        return ndl_fail(err, NDL_BADARG, "audit: %s", complaint);
    if (D->rows == 0 || D->cols == 0 || D->rows > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG, "audit: a decoder of %zu x %zu has no features to audit", D->rows,
                        D->cols);
    enum ndl_status status = ndl_matrix_check(D, "decoder", err);
    if (status != NDL_OK)
        return status;
    struct ndl_audit *a = calloc(1, sizeof *a);
    if (!a)
        return ndl_fail(err, NDL_NOMEM, "no memory for an audit");
    a->options = *options;
    a->K = D->rows;
    a->d = D->cols;
    a->D = hold(a, D->rows * D->cols, sizeof *a->D);
    a->norm = hold(a, D->rows, sizeof *a->norm);
    a->column = hold(a, D->rows + 1, sizeof *a->column);
    a->mean = hold(a, D->rows, sizeof *a->mean);
    a->order = hold(a, D->rows, sizeof *a->order);
    a->bits = hold(a, D->rows, sizeof *a->bits);
    a->spill = options->spill ? strdup(options->spill) : NULL;
    bool complete =
        a->D && a->norm && a->column && a->mean && a->order && a->bits && (a->spill || !options->spill);
    status = complete ? store_reserve(a, &a->start, 1, sizeof(size_t), err) : out_of_memory(a, err);
    if (status != NDL_OK) {
        ndl_audit_free(a);
        return status;
    }
    for (size_t k = 0; k < a->K; k++)
        a->norm[k] = normalise(a->D + k * a->d, ndl_row(D, k), a->d);
    *audit = a;
    return NDL_OK;
}

void ndl_audit_free(struct ndl_audit *a)
{
    if (!a)
        return;
    store_free(a, &a->start);
    store_free(a, &a->atom);
    store_free(a, &a->value);
    store_free(a, &a->sample);
    store_free(a, &a->z);
    for (size_t k = 0; a->bits && k < a->K; k++)
        free(a->bits[k]);
    free(a->bits);
    free(a->order);
    free(a->mean);
    free(a->column);
    free(a->norm);
    free(a->D);
    free(a->spill);
    free(a);
}

/* ------------------------------------------------------------------ adding */

/* A block of rows as it comes: one of the two value arrays is set. */
struct block {
    size_t rows;
    const size_t *start;
    const uint32_t *atom;
    const float *narrow;
    const double *wide;
};

static double block_value(const struct block *b, size_t e)
{
    return b->wide ? b->wide[e] : (double)b->narrow[e];
}

/* Checks the block; *exact tells whether float32 holds all its values. */
static enum ndl_status check_block(const struct ndl_audit *a, const struct block *b, bool *exact,
                                   struct ndl_error *err)
{
    *exact = true;
    for (size_t i = 0; i < b->rows; i++) {
        if (b->start[i + 1] < b->start[i])
            return ndl_fail(err, NDL_BADDATA, "codes: row %zu ends before it begins", a->N + i);
        for (size_t e = b->start[i]; e < b->start[i + 1]; e++) {
            double v = block_value(b, e);
            if (b->atom[e] >= a->K)
                return ndl_fail(err, NDL_BADDATA, "codes: row %zu has column %u, but there are %zu features",
                                a->N + i, (unsigned)b->atom[e], a->K);
            if (e > b->start[i] && b->atom[e] <= b->atom[e - 1])
                return ndl_fail(err, NDL_BADDATA, "codes: row %zu: column %u after column %u", a->N + i,
                                (unsigned)b->atom[e], (unsigned)b->atom[e - 1]);
            if (!(v >= 0 && v <= DBL_MAX))
                return ndl_fail(err, NDL_BADDATA,
                                "codes: row %zu, column %u is %g (must be finite, not negative)", a->N + i,
                                (unsigned)b->atom[e], v);
            if (b->wide)
                *exact = *exact && v <= (double)FLT_MAX && (double)(float)v == v;
        }
    }
    return NDL_OK;
}

/* From float to double storage. */
static enum ndl_status widen(struct ndl_audit *a, struct ndl_error *err)
{
    struct store wide = {0};
    enum ndl_status status = store_reserve(a, &wide, a->nnz, sizeof(double), err);
    if (status != NDL_OK)
        return status;
    for (size_t e = 0; e < a->nnz; e++)
        ((double *)wide.at)[e] = value_at(&a->value, false, e);
    store_free(a, &a->value);
    a->value = wide;
    a->wide = true;
    return NDL_OK;
}

static void append(struct ndl_audit *a, const struct block *b)
{
    size_t *start = a->start.at;
    uint32_t *atom = a->atom.at;
    size_t n = a->nnz;
    for (size_t i = 0; i < b->rows; i++) {
        for (size_t e = b->start[i]; e < b->start[i + 1]; e++) {
            double v = block_value(b, e);
            if (v == 0)
                continue;
            atom[n] = b->atom[e];
            if (a->wide)
                ((double *)a->value.at)[n++] = v;
            else
                ((float *)a->value.at)[n++] = (float)v;
        }
        start[a->N + i + 1] = n;
    }
    a->nnz = n;
    a->N += b->rows;
}

static enum ndl_status add_block(struct ndl_audit *a, const struct block *b, struct ndl_error *err)
{
    if (a->finished)
        return ndl_fail(err, NDL_BADARG, "audit: no samples can be added after it was finished");
    if (b->rows >= UINT32_MAX - a->N)
        return ndl_fail(err, NDL_BADARG, "audit: %zu more samples would be 2^32 - 1 or more", b->rows);
    bool exact;
    enum ndl_status status = check_block(a, b, &exact, err);
    if (status == NDL_OK && !exact && !a->wide)
        status = widen(a, err);
    size_t nnz = a->nnz + (b->rows ? b->start[b->rows] - b->start[0] : 0);
    if (status == NDL_OK)
        status = store_reserve(a, &a->start, a->N + b->rows + 1, sizeof(size_t), err);
    if (status == NDL_OK)
        status = store_reserve(a, &a->atom, nnz, sizeof(uint32_t), err);
    if (status == NDL_OK)
        status = store_reserve(a, &a->value, nnz, value_size(a), err);
    if (status == NDL_OK)
        append(a, b);
    return status;
}

enum ndl_status ndl_audit_add(struct ndl_audit *a, const struct ndl_codes *codes, struct ndl_error *err)
{
    if (codes->cols != a->K)
        return ndl_fail(err, NDL_BADARG, "audit: the codes have %zu features, the decoder %zu", codes->cols,
                        a->K);
    struct block b = {.rows = codes->rows, .start = codes->start, .atom = codes->atom, .wide = codes->value};
    return add_block(a, &b, err);
}

enum ndl_status ndl_audit_add_float(struct ndl_audit *a, size_t rows, const size_t *start,
                                    const uint32_t *atom, const float *value, struct ndl_error *err)
{
    struct block b = {.rows = rows, .start = start, .atom = atom, .narrow = value};
    return add_block(a, &b, err);
}

/* ----------------------------------------------------------- transposition */

struct transposition {
    struct ndl_audit *a;
    size_t band;    /* rows per band; a band is done by one worker */
    size_t *cursor; /* bands x K: first its counts, then where its samples go */
    size_t *again;  /* bands x K: where its values go */
};

static void count_band(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct transposition *t = context;
    const size_t *start = t->a->start.at;
    const uint32_t *atom = t->a->atom.at;
    size_t *count = t->cursor + first / t->band * t->a->K;
    for (size_t e = start[first]; e < start[last]; e++)
        count[atom[e]]++;
}

/* Samples first, then values: the ends of all columns, one cache line each, are then fewer at a time. */
static void scatter_band(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct transposition *t = context;
    struct ndl_audit *a = t->a;
    const size_t *start = a->start.at;
    const uint32_t *atom = a->atom.at;
    uint32_t *sample = a->sample.at;
    size_t *cursor = t->cursor + first / t->band * a->K, *again = t->again + first / t->band * a->K;
    for (size_t i = first; i < last; i++)
        for (size_t e = start[i]; e < start[i + 1]; e++)
            sample[cursor[atom[e]]++] = (uint32_t)i;
    for (size_t e = start[first]; e < start[last]; e++)
        if (a->wide)
            ((double *)a->z.at)[again[atom[e]]++] = ((const double *)a->value.at)[e];
        else
            ((float *)a->z.at)[again[atom[e]]++] = ((const float *)a->value.at)[e];
}

/* Columns with samples in increasing order, whatever the number of threads: a counting
 * sort, bands of rows side by side. */
static enum ndl_status transpose(struct ndl_audit *a, struct ndl_error *err)
{
    size_t bands = (size_t)a->options.threads;
    struct transposition t = {
        .a = a, .band = (a->N + bands - 1) / bands, .cursor = calloc(2 * bands * a->K, sizeof(size_t))};
    if (!t.cursor)
        return out_of_memory(a, err);
    t.again = t.cursor + bands * a->K;
    enum ndl_status status = store_reserve(a, &a->sample, a->nnz, sizeof(uint32_t), err);
    if (status == NDL_OK)
        status = store_reserve(a, &a->z, a->nnz, value_size(a), err);
    if (status == NDL_OK) {
        ndl_parallel(a->N, t.band, a->options.threads, count_band, &t);
        size_t to = 0;
        for (size_t k = 0; k < a->K; k++) {
            a->column[k] = to;
            for (size_t band = 0; band < bands; band++) {
                size_t count = t.cursor[band * a->K + k];
                t.cursor[band * a->K + k] = to;
                to += count;
            }
        }
        a->column[a->K] = to;
        memcpy(t.again, t.cursor, bands * a->K * sizeof *t.again);
        ndl_parallel(a->N, t.band, a->options.threads, scatter_band, &t);
        store_free(a, &a->value);
    }
    free(t.cursor);
    return status;
}

/* ------------------------------------------------- statistics of one feature */

/* Neumaier's compensated sum of a column in sample order: right to about an ulp, and the
 * same however the samples came. */
static void average(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    struct ndl_audit *a = context;
    for (size_t k = first; k < last; k++) {
        double sum = 0, lost = 0;
        for (size_t e = a->column[k]; e < a->column[k + 1]; e++) {
            double v = value_at(&a->z, a->wide, e), next = sum + v;
            lost += sum >= v ? (sum - next) + v : (v - next) + sum;
            sum = next;
        }
        a->mean[k] = (sum + lost) / (double)a->N;
    }
}

/* The margins divide by m_j, the bound on p doubles it, and what is reported is rescaled: no z_j |d_j|
 * exceeds N m_j |d_j|. */
static enum ndl_status check_means(const struct ndl_audit *a, struct ndl_error *err)
{
    for (size_t k = 0; k < a->K; k++) {
        double mean = a->mean[k], scaled = mean * a->norm[k];
        if (fires(a, k) == 0)
            continue;
        if (a->norm[k] == 0)
            return ndl_fail(err, NDL_BADDATA, "feature %zu fires on %zu samples but its decoder row is zero",
                            k, fires(a, k));
        if (!isnormal(mean) || !isfinite(2 * mean) || !isnormal(a->norm[k]) || !isnormal(scaled) ||
            !isfinite(2 * scaled * (double)a->N))
            return ndl_fail(err, NDL_BADDATA,
                            "feature %zu has a mean activation of %g and a decoder row of norm %g, outside "
                            "what doubles can handle", k, mean, a->norm[k]);
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
        return out_of_memory(a, err);
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

/* Bits for the most frequent features.  They only make is_on() faster: where memory ends
 * they end. */
static void mark_bits(struct ndl_audit *a, size_t live)
{
    const uint32_t *sample = a->sample.at;
    for (size_t r = 0; r < live && fires(a, a->order[r]) >= a->N / 32; r++) {
        size_t k = a->order[r];
        uint64_t *bits = hold(a, a->N / 64 + 1, sizeof *bits);
        if (!bits)
            return;
        for (size_t e = a->column[k]; e < a->column[k + 1]; e++)
            bits[sample[e] / 64] |= UINT64_C(1) << (sample[e] % 64);
        a->bits[k] = bits;
    }
}

/* Walks down the samples with k on beside an increasing sequence of samples. */
struct cursor {
    const uint64_t *bits;
    const uint32_t *at, *end;
};

static struct cursor cursor_at(const struct ndl_audit *a, size_t k)
{
    const uint32_t *sample = a->sample.at;
    return (struct cursor){.bits = a->bits[k], .at = sample + a->column[k], .end = sample + a->column[k + 1]};
}

/* Whether k is on at sample i; i must not decrease from call to call. */
static bool is_on(struct cursor *c, uint32_t i)
{
    if (c->bits)
        return c->bits[i / 64] >> (i % 64) & 1;
    if (c->at < c->end && *c->at >= i) /* k fires less often than the other feature */
        return *c->at == i;
    size_t step = 1; /* gallop: k may fire far more often */
    while ((size_t)(c->end - c->at) > step && c->at[step] < i) {
        c->at += step;
        step *= 2;
    }
    const uint32_t *high = (size_t)(c->end - c->at) > step ? c->at + step : c->end;
    while (c->at < high) {
        const uint32_t *middle = c->at + (high - c->at) / 2;
        if (*middle < i)
            c->at = middle + 1;
        else
            high = middle;
    }
    return c->at < c->end && *c->at == i;
}

/* ------------------------------------------------------------ a single pair */

/* h_jk in a fixed order of summation (four strands), clipped to [-1, 1]. */
static double cosine(const struct ndl_audit *a, size_t j, size_t k)
{
    const double *x = a->D + j * a->d, *y = a->D + k * a->d;
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= a->d; i += 4) {
        s0 += x[i] * y[i];
        s1 += x[i + 1] * y[i + 1];
        s2 += x[i + 2] * y[i + 2];
        s3 += x[i + 3] * y[i + 3];
    }
    for (; i < a->d; i++)
        s0 += x[i] * y[i];
    double h = (s0 + s1) + (s2 + s3);
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
    const uint32_t *sample = a->sample.at;
    const double low = lower_bound(a, j, h), high = upper_bound(a, j, h);
    const bool hull = a->options.bias;
    struct cursor k_on = cursor_at(a, k);
    size_t both = fires(a, j) + fires(a, k); /* both off: N - both + together */
    *t = (struct tally){.least = (double)INFINITY};
    if (fires(a, k) == a->N) {
        t->together = fires(a, j);
        return true;
    }
    for (size_t e = a->column[j]; e < a->column[j + 1]; e++) {
        if (is_on(&k_on, sample[e])) {
            t->together++;
            continue;
        }
        double v = value_at(&a->z, a->wide, e);
        t->above += v >= low;
        t->below += v <= high;
        t->least = fmin(t->least, v);
        t->greatest = fmax(t->greatest, v);
        if (t->above > give_up) {
            size_t roof = a->N + t->together;
            size_t both_off = roof > both ? roof - both : 0; /* at least: `together` still grows */
            if (!hull || t->below + both_off > give_up)
                return false;
        }
    }
    size_t both_off = a->N + t->together - both;
    if (both_off > 0)
        t->least = 0;
    if (hull) { /* z_j = 0 there, which is never above p + t, and below p - t unless h is nearly 1 */
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
    const bool hull = a->options.bias, no_off = fires(a, k) == a->N;
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

enum { EXTRA = 8, PROBE = 1024 }; /* |S| = 2T + EXTRA; values looked at to choose a level */

/* What one worker needs, and what it found. */
struct searcher {
    uint32_t *count;   /* K: in how many samples of S k is on; all 0 between features */
    uint32_t *touched; /* K: whose count is not 0 */
    uint32_t *mark;    /* K: j + 1 if (j, k) was already looked at */
    uint32_t *chosen;  /* S; 2T + EXTRA entries for the largest T */
    struct ndl_audit_pair *list;
    size_t listed, room;
};

struct search {
    struct ndl_audit *a;
    size_t live;
    struct searcher *searcher; /* one per thread */
    size_t most;               /* pairs that the lists may hold together: half of the memory left, */
    _Atomic size_t listed;     /*   the lists are copied into one at the end */
    _Atomic bool full;         /* more than that, or a list could not grow: the search is void */
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

static size_t count_from(const struct ndl_audit *a, size_t j, double level)
{
    size_t u = 0;
    for (size_t e = a->column[j]; e < a->column[j + 1]; e++)
        u += value_at(&a->z, a->wide, e) >= level;
    return u;
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
    for (size_t q = 0; q < probes; q++)
        probe[q] = value_at(&a->z, a->wide, a->column[j] + q * n / probes);
    qsort(probe, probes, sizeof *probe, rising);
    double share = (double)(3 * near_support(a, j) + EXTRA) / (double)n;
    size_t from_top = (size_t)ceil(share * (double)probes);
    return probe[from_top < probes ? probes - from_top : 0];
}

/* S: at most `want` samples, evenly over the u with z_j >= level; returns |S|. */
static size_t choose_samples(const struct ndl_audit *a, size_t j, double level, size_t u, size_t want,
                             uint32_t *chosen)
{
    const uint32_t *sample = a->sample.at;
    size_t stride = u > want ? u / want : 1, seen = 0, taken = 0;
    for (size_t e = a->column[j]; taken < want && e < a->column[j + 1]; e++)
        if (value_at(&a->z, a->wide, e) >= level && seen++ % stride == 0)
            chosen[taken++] = sample[e];
    return taken;
}

/* Part 1 of the argument: every k with above <= T. */
static void search_above(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    const size_t *start = a->start.at;
    const uint32_t *atom = a->atom.at;
    size_t T = near_support(a, j), want = 2 * T + EXTRA, n = fires(a, j);
    double level = a->options.bias ? 2 * a->mean[j] : 0;
    size_t u = a->options.bias ? count_from(a, j, level) : n;
    if (u < want && u < n) {
        level = fmin(level, choose_level(a, j));
        u = count_from(a, j, level);
        for (size_t k = 0; k < a->K; k++)
            if (lower_bound(a, j, cosine(a, j, k)) > level)
                look(s, me, j, k);
    }
    size_t taken = choose_samples(a, j, level, u, want, me->chosen), touched = 0;
    if (taken <= T) { /* cannot exclude anyone */
        for (size_t k = 0; k < a->K; k++)
            look(s, me, j, k);
        return;
    }
    for (size_t q = 0; q < taken; q++) {
        if (q + 8 < taken) /* the rows are far apart; their offsets, then their atoms */
            __builtin_prefetch(&start[me->chosen[q + 8]]);
        if (q + 4 < taken)
            for (size_t line = 0; line < 4; line++)
                __builtin_prefetch(atom + start[me->chosen[q + 4]] + 16 * line);
        for (size_t e = start[me->chosen[q]]; e < start[me->chosen[q] + 1]; e++)
            if (me->count[atom[e]]++ == 0)
                me->touched[touched++] = atom[e];
    }
    for (size_t q = 0; q < touched; q++) {
        if (me->count[me->touched[q]] >= taken - T)
            look(s, me, j, me->touched[q]);
        me->count[me->touched[q]] = 0;
    }
}

/* Part 2: every k with below <= T. */
static void search_below(struct search *s, struct searcher *me, size_t j)
{
    const struct ndl_audit *a = s->a;
    size_t T = near_support(a, j), candidates = 0, low = 0;
    while (candidates < s->live && fires(a, a->order[candidates]) + fires(a, j) + T >= a->N)
        candidates++;
    if (candidates > 0)
        low = a->N - count_from(a, j, 0.75 * a->mean[j]); /* samples with z_j < 3/4 m_j */
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
        return ndl_fail(err, NDL_NOMEM,
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
    size_t left = a->options.memory > a->held ? a->options.memory - a->held : 0;
    struct search s = {.a = a,
                       .live = report->live,
                       .most = left / 2 / sizeof(struct ndl_audit_pair),
                       .searcher = calloc((size_t)threads, sizeof *s.searcher)};
    bool complete = s.searcher != NULL;
    for (int w = 0; complete && w < threads; w++) {
        struct searcher *me = &s.searcher[w];
        me->count = calloc(a->K, sizeof *me->count);
        me->touched = calloc(a->K, sizeof *me->touched);
        me->mark = calloc(a->K, sizeof *me->mark);
        me->chosen = calloc(most, sizeof *me->chosen);
        complete = me->count && me->touched && me->mark && me->chosen;
    }
    enum ndl_status status = complete ? NDL_OK : out_of_memory(a, err);
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
    double least = a->options.dense * (double)a->N;
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
                    return out_of_memory(a, err);
                report->antipodal_list = more;
            }
            report->antipodal_list[report->antipodal++] =
                (struct ndl_audit_antipodal){.j = (uint32_t)j, .k = (uint32_t)k, .cosine = h};
        }
    }
    return NDL_OK;
}

/* ---------------------------------------------------------- mutual exclusion */

/* For the feature of rank r, the ranks q < r (features at least as frequent) that never
 * fire together with it though expected to. */
struct exclusion {
    struct ndl_audit *a;
    uint32_t *rank;      /* K: place in a->order */
    uint32_t **partners; /* by rank: its exclusive partners' ranks, rising; owned */
    size_t *count;       /* by rank */
    uint32_t **seen;     /* K, per thread: r + 1 if the feature is met by rank r */
    uint64_t **own;      /* one bit per sample, per thread: all 0 between features */
    _Atomic bool full;
};

/* How many of the most frequent features the feature of rank r was expected to meet. */
static size_t expected_partners(const struct ndl_audit *a, size_t r)
{
    double least = a->options.expected * (double)a->N / (double)fires(a, a->order[r]);
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

/* Whether k is off in all samples marked in bits. */
static bool disjoint(const struct ndl_audit *a, const uint64_t *bits, size_t k)
{
    const uint32_t *sample = a->sample.at;
    for (size_t e = a->column[k]; e < a->column[k + 1]; e++)
        if (bits[sample[e] / 64] >> (sample[e] % 64) & 1)
            return false;
    return true;
}

/* Reads k's rows and marks who was met, until few are left that were not: independent
 * features meet long before.  Those few are compared with k one at a time, cheaper once
 * they are fewer than a row has entries.  Returns how many were never met. */
static size_t meet(const struct exclusion *x, size_t r, size_t partners, uint32_t *seen, uint64_t *own)
{
    const struct ndl_audit *a = x->a;
    const size_t *start = a->start.at;
    const uint32_t *atom = a->atom.at, *sample = a->sample.at;
    size_t k = a->order[r], end = a->column[k + 1], unmet = partners, few = a->nnz / a->N;
    for (size_t e = a->column[k]; unmet > few && e < end; e++)
        for (size_t f = start[sample[e]]; f < start[sample[e] + 1]; f++) {
            if (seen[atom[f]] == r + 1)
                continue;
            seen[atom[f]] = (uint32_t)(r + 1);
            unmet -= x->rank[atom[f]] < partners;
        }
    if (unmet == 0 || unmet > few)
        return unmet;
    for (size_t e = a->column[k]; e < end; e++)
        own[sample[e] / 64] |= UINT64_C(1) << (sample[e] % 64);
    for (size_t q = 0; q < partners; q++) {
        size_t other = a->order[q];
        if (seen[other] != r + 1 &&
            !(a->bits[other] ? disjoint(a, a->bits[other], k) : disjoint(a, own, other))) {
            seen[other] = (uint32_t)(r + 1);
            unmet--;
        }
    }
    for (size_t e = a->column[k]; e < end; e++)
        own[sample[e] / 64] = 0;
    return unmet;
}

static void exclude_features(void *context, size_t first, size_t last, int worker)
{
    struct exclusion *x = context;
    uint32_t *seen = x->seen[worker];
    for (size_t r = first; r < last && !x->full; r++) {
        size_t partners = expected_partners(x->a, r), unmet = meet(x, r, partners, seen, x->own[worker]);
        if (unmet == 0)
            continue;
        x->partners[r] = calloc(unmet, sizeof **x->partners);
        if (!x->partners[r]) {
            x->full = true;
            return;
        }
        for (size_t q = 0; q < partners; q++)
            if (seen[x->a->order[q]] != r + 1)
                x->partners[r][x->count[r]++] = (uint32_t)q;
    }
}

/* Greedy groups: by rank, each feature joins the first group all of whose members are
 * among its partners (members are more frequent, so the partners of r tell all). */
static enum ndl_status form_groups(const struct exclusion *x, struct ndl_audit_report *report,
                                   struct ndl_error *err)
{
    const struct ndl_audit *a = x->a;
    size_t live = report->live, groups = 0;
    size_t *group = calloc(live + 1, sizeof *group);  /* by rank */
    size_t *size = calloc(live + 1, sizeof *size);    /* by group */
    size_t *hits = calloc(live + 1, sizeof *hits);    /* by group; all 0 between features */
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
                report->group_start[report->groups + 1] = report->group_start[report->groups] + size[g];
                report->groups++;
            }
        }
        size_t *next = calloc(groups + 1, sizeof *next); /* by group: members dealt */
        complete = next != NULL;
        for (size_t r = 0; complete && r < live; r++)
            if (size[group[r]] > 1)
                report->group_member[report->group_start[number[group[r]]] + next[group[r]]++] = a->order[r];
        free(next);
    }
    free(group);
    free(size);
    free(hits);
    return complete ? NDL_OK : out_of_memory(a, err);
}

static enum ndl_status find_exclusive(struct ndl_audit *a, struct ndl_audit_report *report,
                                      struct ndl_error *err)
{
    size_t threads = (size_t)a->options.threads, live = report->live;
    struct exclusion x = {.a = a,
                          .rank = calloc(a->K, sizeof *x.rank),
                          .partners = calloc(live + 1, sizeof *x.partners),
                          .count = calloc(live + 1, sizeof *x.count),
                          .seen = calloc(threads, sizeof *x.seen),
                          .own = calloc(threads, sizeof *x.own)};
    bool complete = x.rank && x.partners && x.count && x.seen && x.own;
    for (size_t w = 0; complete && w < threads; w++) {
        x.seen[w] = calloc(a->K, sizeof **x.seen);
        x.own[w] = calloc(a->N / 64 + 1, sizeof **x.own);
        complete = x.seen[w] && x.own[w];
    }
    if (complete) {
        for (size_t r = 0; r < live; r++)
            x.rank[a->order[r]] = (uint32_t)r;
        ndl_parallel(live, 8, a->options.threads, exclude_features, &x);
    }
    enum ndl_status status = complete && !x.full ? form_groups(&x, report, err) : out_of_memory(a, err);
    for (size_t r = 0; x.partners && r < live; r++)
        free(x.partners[r]);
    for (size_t w = 0; w < threads; w++) {
        if (x.seen)
            free(x.seen[w]);
        if (x.own)
            free(x.own[w]);
    }
    free(x.rank);
    free(x.partners);
    free(x.count);
    free(x.seen);
    free(x.own);
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
    report->samples = a->N;
    report->features = a->K;
    report->nonzeros = a->nnz;
    report->fires = calloc(a->K, sizeof *report->fires);
    report->mean = calloc(a->K, sizeof *report->mean);
    if (!report->fires || !report->mean)
        return out_of_memory(a, err);
    for (size_t k = 0; k < a->K; k++) {
        report->fires[k] = fires(a, k);
        report->mean[k] = a->mean[k] * a->norm[k];
        report->always_on += fires(a, k) == a->N;
    }
    size_t others = report->live ? report->live - 1 : 0;
    report->dead = a->K - report->live;
    report->pairs_always_on = report->always_on * others;
    report->pairs = report->live * others - report->pairs_always_on;
    report->pairs_dead = a->K * (a->K - 1) - report->live * others;
    return NDL_OK;
}

enum ndl_status ndl_audit_finish(struct ndl_audit *a, struct ndl_audit_report *report, struct ndl_error *err)
{
    *report = (struct ndl_audit_report){0};
    if (a->finished)
        return ndl_fail(err, NDL_BADARG, "audit: finished twice");
    if (a->N == 0)
        return ndl_fail(err, NDL_BADARG, "audit: no samples");
    a->finished = true;
    enum ndl_status status = transpose(a, err);
    if (status == NDL_OK) {
        ndl_parallel(a->K, 64, a->options.threads, average, a);
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
                               bool (*visit)(void *context, const struct ndl_audit_pair *pairs, size_t count),
                               void *context, struct ndl_error *err)
{
    assert(a->finished);
    struct row_of_pairs row = {.a = a, .pair = calloc(a->K, sizeof *row.pair)};
    if (!row.pair)
        return out_of_memory(a, err);
    bool more = a->K > 1;
    for (row.j = 0; more && row.j < a->K; row.j++) {
        ndl_parallel(a->K - 1, 64, a->options.threads, fill_row, &row);
        more = visit(context, row.pair, a->K - 1);
    }
    free(row.pair);
    return NDL_OK;
}

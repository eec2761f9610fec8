/* active.c -- one sample's code by a block active-set method; see active.h.
 *
 * Atoms whose gradient violates optimality enter several at a time, the problem on
 * the set is solved, atoms with negative codes leave, all at once.  If that does not
 * lower the objective, the exchange is undone and one atom enters the careful way of
 * Lawson and Hanson (1974, ch. 23), which always does.
 *
 * nearest_point.c solves the same problem for one point among many, one exchange at a time, by an
 * orthogonal factorisation: slower, and exact to rounding where the residual is tiny. */
#include "active.h"

#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A unit atom whose squared distance from the span of the active ones is below this
 * is taken as lying in it: rounding in the distance is about n eps. */
static const double DEPENDENT = 1e-12;

/* Atoms within this factor of the largest violation enter together. */
static const double TOGETHER = 0.5;

/* Atoms are looked through in strips of so many. */
enum { STRIP = 16 };

enum ndl_status ndl_active_alloc(struct ndl_active *w, size_t K, size_t d, struct ndl_error *err)
{
    *w = (struct ndl_active){.K = K, .capacity = K < d ? K : d};
    size_t n = w->capacity + 1, entries;
    w->ld = (n + 15) / 8 * 8 | 8; /* an odd number of cache lines: columns spread over the cache */
    w->member = calloc(K + 1, 1);
    w->set = calloc(n, sizeof *w->set);
    w->saved = calloc(n, sizeof *w->saved);
    w->z = calloc(n, sizeof *w->z);
    w->y = calloc(n, sizeof *w->y);
    w->column = calloc(n, sizeof *w->column);
    w->trial = calloc(n, sizeof *w->trial);
    w->inverse = calloc(n, sizeof *w->inverse);
    w->g = calloc(K + 1, sizeof *w->g);
    w->top = calloc(K / STRIP + 1, sizeof *w->top);
    if (!__builtin_mul_overflow(n, w->ld, &entries))
        w->U = calloc(entries, sizeof *w->U);
    if (!w->member || !w->set || !w->saved || !w->z || !w->y || !w->column || !w->trial ||
        !w->inverse || !w->g || !w->top || !w->U) {
        ndl_active_free(w);
        return ndl_fail(err, NDL_NOMEM, "no memory to code with %zu atoms in %zu dimensions", K, d);
    }
    return NDL_OK;
}

void ndl_active_free(struct ndl_active *w)
{
    free(w->member);
    free(w->set);
    free(w->saved);
    free(w->z);
    free(w->y);
    free(w->column);
    free(w->trial);
    free(w->inverse);
    free(w->g);
    free(w->top);
    free(w->U);
    *w = (struct ndl_active){0};
}

/* -------------------------------------------------------- the factor of the set */

/* v = U^-T v */
NDL_WIDE_REGISTERS static void solve_transposed(const struct ndl_active *w, double *v)
{
    for (size_t i = 0; i < w->n; i++) {
        v[i] *= w->inverse[i];
        ndl_axpy(w->n - i - 1, -v[i], w->U + i * w->ld + i + 1, v + i + 1);
    }
}

/* x = U^-1 v */
NDL_WIDE_REGISTERS static void solve_upper(const struct ndl_active *w, const double *v, double *x)
{
    for (size_t i = w->n; i-- > 0;)
        x[i] = (v[i] - ndl_dot(w->n - i - 1, w->U + i * w->ld + i + 1, x + i + 1)) * w->inverse[i];
}

/* column = U^-T G_Aj; returns the squared distance of atom j from the active span. */
static double project(struct ndl_active *w, const double *G, size_t ldg, size_t j)
{
    const double *row = G + j * ldg;
    for (size_t i = 0; i < w->n; i++)
        w->column[i] = row[w->set[i]];
    solve_transposed(w, w->column);
    return row[j] - ndl_dot(w->n, w->column, w->column);
}

/* Adds atom j, with code z; false, and nothing done, if it depends on the active ones. */
static bool append(struct ndl_active *w, const double *G, size_t ldg, const double *h, size_t j,
                   double z)
{
    if (w->n == w->capacity)
        return false;
    double pivot = project(w, G, ldg, j);
    if (!(pivot > DEPENDENT))
        return false;
    size_t n = w->n;
    double root = sqrt(pivot);
    for (size_t i = 0; i < n; i++)
        w->U[i * w->ld + n] = w->column[i];
    w->U[n * w->ld + n] = root;
    w->inverse[n] = 1 / root;
    w->y[n] = (h[j] - ndl_dot(n, w->column, w->y)) / root;
    w->z[n] = z;
    w->set[n] = (uint32_t)j;
    w->member[j] = 1;
    w->n = n + 1;
    return true;
}

/* Takes the atom at position q out: its column leaves U, and rotations of
 * neighbouring rows make what remains triangular again. */
static void drop(struct ndl_active *w, size_t q)
{
    size_t last = w->n - 1, ld = w->ld;
    w->member[w->set[q]] = 0;
    for (size_t i = 0; i < q; i++)
        memmove(w->U + i * ld + q, w->U + i * ld + q + 1, (last - q) * sizeof *w->U);
    memmove(w->set + q, w->set + q + 1, (last - q) * sizeof *w->set);
    memmove(w->z + q, w->z + q + 1, (last - q) * sizeof *w->z);
    if (q < last)
        memmove(w->U + q * ld + q, w->U + q * ld + q + 1, (last - q) * sizeof *w->U);
    for (size_t i = q; i < last; i++) {
        /* Row i has n - 1 - i entries from column i; the next row still has its own
         * columns, one to the right, and is moved under row i first. */
        double *row = w->U + i * ld + i, *next = w->U + (i + 1) * ld + i;
        memmove(next, next + 1, (last - i) * sizeof *next);
        double root = sqrt(row[0] * row[0] + next[0] * next[0]), c = row[0] / root,
               s = next[0] / root;
        row[0] = root;
        next[0] = 0;
        w->inverse[i] = 1 / root;
        ndl_rotate(last - i - 1, c, s, row + 1, next + 1);
        ndl_rotate(1, c, s, w->y + i, w->y + i + 1);
    }
    w->n = last;
}

static void clear(struct ndl_active *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->member[w->set[i]] = 0;
    w->n = 0;
}

/* ------------------------------------------------------------------- exchanges */

/* Solves on the set and drops every atom whose code is not positive, until none is. */
static void settle(struct ndl_active *w)
{
    for (bool again = true; again;) {
        again = false;
        solve_upper(w, w->y, w->z);
        for (size_t q = w->n; q-- > 0;)
            if (!(w->z[q] > 0)) {
                drop(w, q);
                again = true;
            }
    }
}

/* From the feasible codes z to the minimum over the set, leaving behind the atoms
 * whose codes reach zero on the way. */
static void descend(struct ndl_active *w)
{
    while (w->n > 0) {
        double step = 1;
        size_t blocking = SIZE_MAX;
        solve_upper(w, w->y, w->trial);
        for (size_t i = 0; i < w->n; i++)
            if (!(w->trial[i] > 0)) {
                double t = w->z[i] > 0 ? w->z[i] / (w->z[i] - w->trial[i]) : 0;
                if (blocking == SIZE_MAX || t < step) {
                    step = t;
                    blocking = i;
                }
            }
        for (size_t i = 0; i < w->n; i++)
            w->z[i] += step * (w->trial[i] - w->z[i]);
        if (blocking == SIZE_MAX)
            return;
        drop(w, blocking);
    }
}

/* Lets atom j, which lies in the span of the active ones, take over from them: along
 * z_j = t, z_A -= t u with u = G_AA^-1 G_Aj the reconstruction stays and the objective
 * falls at the rate g_j, until the first active code reaches zero. */
static bool replace(struct ndl_active *w, const double *G, size_t ldg, const double *h, size_t j)
{
    project(w, G, ldg, j);
    solve_upper(w, w->column, w->trial);
    size_t blocking = SIZE_MAX;
    double t = HUGE_VAL;
    for (size_t i = 0; i < w->n; i++)
        if (w->trial[i] > 0 && w->z[i] / w->trial[i] < t) {
            t = w->z[i] / w->trial[i];
            blocking = i;
        }
    if (blocking == SIZE_MAX)
        return false;
    for (size_t i = 0; i < w->n; i++)
        w->z[i] = fmax(0, w->z[i] - t * w->trial[i]);
    drop(w, blocking);
    return append(w, G, ldg, h, j, t);
}

/* Puts back the set of before an exchange that did not pay. */
static void restore(struct ndl_active *w, const double *G, size_t ldg, const double *h)
{
    clear(w);
    for (size_t i = 0; i < w->saved_n; i++)
        append(w, G, ldg, h, w->saved[i], 0);
    solve_upper(w, w->y, w->z);
}

static void save(struct ndl_active *w)
{
    memcpy(w->saved, w->set, w->n * sizeof *w->set);
    w->saved_n = w->n;
}

static double value(const struct ndl_active *w)
{
    return ndl_dot(w->n, w->y, w->y);
}

/* g = h - G z outside the set, -HUGE_VAL in it; returns the largest entry, `top` has that of
 * every STRIP. */
NDL_WIDE_REGISTERS static double gradient(struct ndl_active *w, const double *G, size_t ldg,
                                          const double *h)
{
    const double *from = h, *row[4];
    double minus_z[4];
    if (w->n == 0)
        memcpy(w->g, h, w->K * sizeof *h);
    for (size_t i = 0; i < w->n; i += 4, from = w->g) {
        for (size_t j = 0; j < 4; j++) {
            row[j] = G + w->set[i + j < w->n ? i + j : i] * ldg;
            minus_z[j] = i + j < w->n ? -w->z[i + j] : 0;
        }
        ndl_add4(w->K, minus_z, row, from, w->g);
    }
    for (size_t i = 0; i < w->n; i++)
        w->g[w->set[i]] = -HUGE_VAL;
    double most = -HUGE_VAL;
    for (size_t s = 0, first = 0; first < w->K; s++, first += STRIP) {
        w->top[s] = ndl_max(w->K - first < STRIP ? w->K - first : STRIP, w->g + first);
        most = w->top[s] > most ? w->top[s] : most;
    }
    return most;
}

/* The first atom from j on whose entry of the gradient is at least `least`; K if there is none. */
static size_t next_atom(const struct ndl_active *w, size_t j, double least)
{
    while (j < w->K && !(w->g[j] >= least))
        j = j % STRIP == 0 && !(w->top[j / STRIP] >= least) ? j + STRIP : j + 1;
    return j < w->K ? j : w->K;
}

bool ndl_active_progress(double before, double now, int *unseen)
{
    /* Loses no more than rounding, but not for ever. */
    return now > before || (now > before * (1 - 1e-14) && (*unseen)++ < 100);
}

void ndl_active_solve(struct ndl_active *w, const double *G, size_t ldg, const double *h,
                      double noise, const uint32_t *warm, size_t count)
{
    int unseen = 0;
    clear(w);
    for (size_t i = 0; i < count; i++)
        append(w, G, ldg, h, warm[i], 0);
    settle(w);
    for (double most; most = gradient(w, G, ldg, h), most > noise;) {
        double before = value(w);
        save(w);
        for (size_t j = 0; (j = next_atom(w, j, TOGETHER * most)) < w->K; j++)
            append(w, G, ldg, h, j, 0);
        settle(w);
        if (value(w) > before)
            continue;
        restore(w, G, ldg, h);
        size_t worst = next_atom(w, 0, most);
        if (append(w, G, ldg, h, worst, 0) || replace(w, G, ldg, h, worst))
            descend(w);
        if (w->member[worst] && ndl_active_progress(before, value(w), &unseen))
            continue;
        restore(w, G, ldg, h); /* what is left is rounding */
        break;
    }
}

void ndl_active_correct(struct ndl_active *w, double *error)
{
    solve_transposed(w, error);
    solve_upper(w, error, w->trial);
    for (size_t i = 0; i < w->n; i++)
        if (w->z[i] + w->trial[i] > 0)
            w->z[i] += w->trial[i];
}

/* hull_qhull.c -- the depth of a point inside a hull of 2 to 8 dimensions, by Qhull's facets. */
#include "hull.h"

#include <stdio.h>

#include <libqhull_r/libqhull_r.h>

#define SUPPORT 1e-13 /* A point this far beyond a facet does not refute it: Qhull's rounding. */
#define APEX 1e-11    /* A facet of a cone passes this close to 0. */

struct facets {
    size_t count;
    double *normal; /* count x m, outward unit normals: normal.p + offset <= 0 */
    double *offset;
};

static void facets_free(struct facets *f)
{
    free(f->normal);
    free(f->offset);
    *f = (struct facets){0};
}

/* The only function that talks to Qhull: it copies the facets and frees the
 * rest, because a later Qhull error would exit the program.  Points are
 * n x m, finite, of full dimension, 2 <= m. */
static enum ndl_status facets_build(struct facets *f, double *points, size_t n, size_t m,
                                    struct ndl_error *err)
{
    *f = (struct facets){0};
    char *said = NULL, command[] = "qhull";
    size_t said_size = 0;
    FILE *messages = open_memstream(&said, &said_size);
    if (!messages)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for Qhull's messages");

    enum ndl_status status = NDL_OK;
    qhT qhull, *qh = &qhull;
    QHULL_LIB_CHECK
    qh_zero(qh, messages);
    int code = qh_new_qhull(qh, (int)m, (int)n, points, False, command, NULL, messages);
    fflush(messages);
    if (code) {
        char *line = said ? strchr(said, '\n') : NULL;
        status = ndl_fail(err, NDL_LIBRARY, "Qhull failed (%d): %.*s", code,
                          line ? (int)(line - said) : 0, line ? said : "");
    } else {
        size_t count = (size_t)qh->num_facets;
        f->normal = ndl_hull_array(count * m, sizeof *f->normal);
        f->offset = ndl_hull_array(count, sizeof *f->offset);
        if (!f->normal || !f->offset)
            status = ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu facets", count);
        facetT *facet;
        if (status == NDL_OK)
            FORALLfacets
            {
                if (f->count == count || !facet->normal)
                    continue;
                memcpy(f->normal + f->count * m, facet->normal, m * sizeof *f->normal);
                f->offset[f->count++] = facet->offset;
            }
    }
    qh_freeqhull(qh, !qh_ALL);
    int current, total;
    qh_memfreeshort(qh, &current, &total);
    fclose(messages);
    free(said);
    if (status != NDL_OK)
        facets_free(f);
    return status;
}

/* The facets of all points would be too many from 6 dimensions on (8-D: 10^5
 * for 200 points).  They are not needed: if F is the facet nearest to q of the
 * hull of some of the points, and no other point lies beyond F, then F is a
 * facet of the hull of all, which contains the smaller hull, so that no facet
 * of it is nearer.  If some point lies beyond, it joins. */
struct subset {
    size_t count;
    size_t *index; /* room for n */
    bool *in;      /* n */
    double *p;     /* room for (n + 1) x m: the points, then the apex of a cone */
};

static void subset_free(struct subset *s)
{
    free(s->index);
    free(s->in);
    free(s->p);
}

static void subset_add(struct subset *s, size_t i)
{
    if (!s->in[i])
        s->index[s->count++] = i;
    s->in[i] = true;
}

static void subset_add_all(struct subset *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        subset_add(s, i);
}

/* How many points Qhull is given at most: even a round hull of as many takes
 * about a second. */
static size_t subset_limit(size_t m)
{
    static const size_t limit[] = {
        [2] = 100000, [3] = 100000, [4] = 20000, [5] = 4000, [6] = 1000, [7] = 350, [8] = 200};
    return limit[m];
}

/* How many facets all rounds may look at together: a few seconds. */
#define FACETS 400000

static enum ndl_status subset_start(struct subset *s, const struct ndl_hull_task *t,
                                    const struct ndl_hull_span *span, struct ndl_error *err)
{
    *s = (struct subset){.index = ndl_hull_array(t->n, sizeof *s->index),
                         .in = ndl_hull_array(t->n, sizeof *s->in),
                         .p = ndl_hull_array((t->n + 1) * t->m, sizeof *s->p)};
    if (!s->index || !s->in || !s->p)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu points", t->n);
    if (t->n <= subset_limit(t->m) / 4) {
        subset_add_all(s, t->n);
        return NDL_OK;
    }
    for (size_t k = 0; k < span->pivots; k++)
        subset_add(s, span->pivot[k]);
    for (size_t j = 0; j < t->m; j++) {
        size_t low = 0, high = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (ndl_hull_point(t, i)[j] < ndl_hull_point(t, low)[j])
                low = i;
            if (ndl_hull_point(t, i)[j] > ndl_hull_point(t, high)[j])
                high = i;
        }
        subset_add(s, low);
        subset_add(s, high);
    }
    return NDL_OK;
}

struct ranked {
    double key;
    size_t facet;
};

static int by_key(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    return (a->key > b->key) - (a->key < b->key);
}

/* Asks all points about the facets nearest to q, in the L1 norm or else the
 * Euclidean; those beyond join the subset.  A facet that Qhull made of nearly
 * dependent points may cut off points of the subset itself: of a hull its plane is
 * moved out to support them all, of a cone it does not count, and facets are asked
 * until none left claims to be nearer.  Returns whether the nearest one stands;
 * *depth (NaN if no facet counts) and a (may be NULL) are then its distance and
 * inner normal. */
static bool nearest_facet(const struct ndl_hull_task *t, const struct facets *f,
                          struct ranked *ranked, bool l1, struct subset *s, double *depth,
                          double *a)
{
    size_t m = t->m, count = 0;
    for (size_t k = 0; k < f->count; k++) {
        const double *normal = f->normal + k * m;
        if (t->kind == NDL_CONE && fabs(f->offset[k]) > APEX)
            continue;
        double distance =
            -ndl_dot_in_order(m, normal, t->q) - (t->kind == NDL_HULL ? f->offset[k] : 0);
        ranked[count++] = (struct ranked){distance / (l1 ? ndl_largest(m, normal) : 1), k};
    }
    *depth = HUGE_VAL;
    if (count == 0) /* a cone that is the whole space */
        return true;
    qsort(ranked, count, sizeof *ranked, by_key);
    double doubt = HUGE_VAL; /* the nearest that a facet still refuted claims to be */
    for (size_t k = 0; k < count && (k < 2 * m || ranked[k].key < *depth); k++) {
        const double *normal = f->normal + ranked[k].facet * m;
        double inner[8], reach = t->kind == NDL_CONE ? 0 : -HUGE_VAL;
        for (size_t j = 0; j < m; j++)
            inner[j] = -normal[j];
        for (size_t i = 0; i < s->count; i++)
            reach = fmax(reach, ndl_dot_in_order(m, normal, ndl_hull_point(t, s->index[i])));
        size_t where = 0;
        double low = ndl_hull_lowest(t, inner, &where);
        bool refuted = !s->in[where] && -low > reach + SUPPORT;
        if (refuted) {
            subset_add(s, where);
            doubt = fmin(doubt, ranked[k].key);
        }
        if (t->kind == NDL_CONE && low < -HULL_AGREEMENT)
            continue;
        double distance = (ndl_dot_in_order(m, inner, t->q) - (t->kind == NDL_HULL ? low : 0)) /
                          (l1 ? ndl_largest(m, inner) : 1);
        if (distance < *depth) {
            *depth = distance;
            if (a)
                memcpy(a, inner, m * sizeof *a);
        }
    }
    if (isinf(*depth) && isinf(doubt))
        *depth = nan("");
    return !(doubt < *depth - SUPPORT);
}

enum ndl_status ndl_hull_depth_by_facets(const struct ndl_hull_task *t,
                                         const struct ndl_hull_span *span,
                                         struct ndl_hull_depth *depth, struct ndl_error *err)
{
    struct subset s;
    size_t m = t->m, seen = 0;
    enum ndl_status status = subset_start(&s, t, span, err);
    for (bool settled = false; status == NDL_OK && !settled;) {
        if (t->n <= subset_limit(m) && s.count > t->n / 2)
            subset_add_all(&s, t->n);
        if (s.count > subset_limit(m) || seen > FACETS) {
            status =
                ndl_fail(err, NDL_LIBRARY,
                         "hull: too many facets for Qhull (%zu points in %zu dimensions)", t->n, m);
            break;
        }
        for (size_t i = 0; i < s.count; i++)
            memcpy(s.p + i * m, ndl_hull_point(t, s.index[i]), m * sizeof *s.p);
        memset(s.p + s.count * m, 0, m * sizeof *s.p);
        struct facets f;
        status = facets_build(&f, s.p, s.count + (t->kind == NDL_CONE), m, err);
        seen += f.count;
        struct ranked *ranked = ndl_hull_array(f.count, sizeof *ranked);
        if (status == NDL_OK && !ranked)
            status = ndl_fail(err, NDL_NOMEM, "hull: no memory for %zu facets", f.count);
        if (status == NDL_OK) {
            settled = nearest_facet(t, &f, ranked, false, &s, &depth->l2, depth->a);
            settled = nearest_facet(t, &f, ranked, true, &s, &depth->l1, NULL) && settled;
        }
        free(ranked);
        facets_free(&f);
    }
    if (status == NDL_OK && !(depth->l2 >= -HULL_AGREEMENT && depth->l1 >= -HULL_AGREEMENT))
        status = ndl_fail(err, NDL_LIBRARY, "hull: Qhull's facets do not support the points");
    subset_free(&s);
    return status;
}

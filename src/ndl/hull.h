/* hull.h -- what hull.c and its methods share (private to the room ndl).
 *
 * hull.c prepares a task and decides what to ask; nearest_point.c, hull_qhull.c and hull_lp.c
 * answer.  Their lengths are in units of the task's scale. */
#ifndef NDL_HULL_H
#define NDL_HULL_H

#include "ndl.h"
#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A distance that the least squares cannot tell from 0; they leave about 1e-15. */
#define HULL_ROUNDING 1e-12
/* How far two independent methods may disagree; GLPK stops at reduced costs of 1e-9. */
#define HULL_AGREEMENT 1e-8

/* The problem as every method sees it: the distinct rows of P only; for a hull
 * shifted by -q, so that q = 0; for a cone each row divided by its length;
 * lengths divided by scale. */
struct ndl_hull_task {
    enum ndl_hull_kind kind;
    size_t n, m;
    double *p;      /* n x m */
    double *q;      /* m */
    size_t *row;    /* n: the row of P it came from */
    double *length; /* n: what that row was divided by */
    double scale;   /* what q was divided by */
};

static inline const double *ndl_hull_point(const struct ndl_hull_task *t, size_t i)
{
    return t->p + i * t->m;
}

/* The smallest a.p over the task's points, and where (may be NULL) it is attained. */
double ndl_hull_lowest(const struct ndl_hull_task *t, const double *a, size_t *where);

/* At least one element, so that NULL always means out of memory. */
static inline void *ndl_hull_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

/* The affine hull (linear hull for a cone) of the points. */
struct ndl_hull_span {
    size_t dimension;
    size_t pivots;  /* how many points are listed in pivot: affinely (linearly) independent ones */
    size_t *pivot;  /* indices of the task, room for m + 1 */
    double *normal; /* m: a unit normal if dimension < m, else 0 */
};

/* How deep q lies, and the nearest facet: a.p >= lowest over the points. */
struct ndl_hull_depth {
    double l2, l1; /* NaN: not known */
    double *a;     /* m, unit length; 0 if there is no facet */
};

/* nearest_point.c.  weight (n of the task) receives the weights of the point of the hull nearest
 * to q, offset (m) that point minus q. */
enum ndl_status ndl_hull_nearest_point(const struct ndl_hull_task *t, double *weight,
                                       double *offset, struct ndl_error *err);

/* hull_qhull.c.  Both depths of a q inside a hull of full dimension, 2 <= m <= 8. */
enum ndl_status ndl_hull_depth_by_facets(const struct ndl_hull_task *t,
                                         const struct ndl_hull_span *span,
                                         struct ndl_hull_depth *depth, struct ndl_error *err);

/* hull_lp.c.  The L1 distance of q from the hull, whose Euclidean distance is known: the two must
 * be compatible.  With a depth (NULL: none is asked for), q is inside and it receives the L1
 * depth. */
enum ndl_status ndl_hull_by_programs(const struct ndl_hull_task *t, double distance, double *l1,
                                     struct ndl_hull_depth *depth, struct ndl_error *err);

#endif

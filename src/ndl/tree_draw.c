/* tree_draw.c -- draws the directions of a tree's nodes, and samples of their activations. */
#include "tree_nodes.h"

#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

/* --------------------------------------------------------------- directions */

/* An orthonormal basis of the span of the directions placed so far. */
struct placed {
    size_t rank;
    struct ndl_matrix Q; /* room for min(K, d) rows; the first `rank` are the basis */
};

/* v (d entries) becomes its component orthogonal to the span; returns its norm. */
static double project_out(const struct placed *placed, double *v)
{
    size_t d = placed->Q.cols;
    for (size_t k = 0; k < placed->rank; k++)
        ndl_remove_along_in_order(d, ndl_row(&placed->Q, k), v);
    return ndl_norm_in_order(d, v);
}

static void normalise(double *v, size_t d)
{
    double norm = ndl_norm_in_order(d, v);
    for (size_t j = 0; j < d; j++)
        v[j] /= norm;
}

/* A random unit vector orthogonal to the span, whose rank is below d.  A draw
 * that nearly lies in the span is drawn again (the directions stay isotropic);
 * the second projection removes the rounding of the first. */
static void random_orthogonal(gsl_rng *rng, const struct placed *placed, double *v)
{
    size_t d = placed->Q.cols;
    do
        ndl_random_unit(rng, v, d);
    while (project_out(placed, v) < 1e-6);
    normalise(v, d);
    project_out(placed, v);
    normalise(v, d);
}

/* Adds the unit vector v; one within 1e-8 of the span counts as lying in it. */
static void extend(struct placed *placed, const double *v)
{
    size_t d = placed->Q.cols;
    if (placed->rank == placed->Q.rows)
        return;
    double *q = ndl_row(&placed->Q, placed->rank);
    memcpy(q, v, d * sizeof *q);
    if (project_out(placed, q) < 1e-8)
        return;
    normalise(q, d);
    project_out(placed, q);
    normalise(q, d);
    placed->rank++;
}

/* v at that angle to u, in a random direction around it.  d >= 2 unless the angle is 0 or 180. */
static enum ndl_status random_at_angle(gsl_rng *rng, double degrees, const double *u, size_t d,
                                       double *v, struct ndl_error *err)
{
    if (degrees == 0 || degrees == 180) {
        for (size_t j = 0; j < d; j++)
            v[j] = degrees == 0 ? u[j] : -u[j];
        return NDL_OK;
    }
    struct placed line = {0};
    enum ndl_status status = ndl_matrix_alloc(&line.Q, 1, d, err);
    if (status != NDL_OK)
        return status;
    extend(&line, u);
    random_orthogonal(rng, &line, v);
    ndl_matrix_free(&line.Q);
    double angle = degrees * M_PI / 180;
    for (size_t j = 0; j < d; j++)
        v[j] = cos(angle) * u[j] + sin(angle) * v[j];
    return NDL_OK;
}

static enum ndl_status place_node(const struct ndl_tree *tree, size_t i, gsl_rng *rng,
                                  const struct placed *placed, struct ndl_matrix *D,
                                  struct ndl_error *err)
{
    const struct node *n = &tree->node[i];
    size_t d = D->cols;
    switch (n->direction) {
    case RANDOM:
        ndl_random_unit(rng, ndl_row(D, i), d);
        return NDL_OK;
    case ORTHOGONAL:
        if (placed->rank == d)
            return ndl_fail(
                err, NDL_BADDATA,
                "%s:%zu: no direction in %zu dimensions is orthogonal to the %zu placed before",
                tree->path, n->line, d, i);
        random_orthogonal(rng, placed, ndl_row(D, i));
        return NDL_OK;
    case ANGLE:
        if (d == 1 && n->degrees > 0 && n->degrees < 180)
            return ndl_fail(err, NDL_BADDATA,
                            "%s:%zu: in 1 dimension there is no angle of %g degrees", tree->path,
                            n->line, n->degrees);
        return random_at_angle(rng, n->degrees, ndl_row(D, n->reference_index), d, ndl_row(D, i),
                               err);
    }
    return NDL_OK;
}

enum ndl_status ndl_tree_directions(const struct ndl_tree *tree, size_t d, gsl_rng *rng,
                                    struct ndl_matrix *D, struct ndl_error *err)
{
    *D = (struct ndl_matrix){0};
    if (d == 0)
        return ndl_fail(err, NDL_BADARG, "%s: directions need at least one dimension", tree->path);
    size_t last = 0; /* the span matters up to the last orthogonal node */
    for (size_t i = 0; i < tree->size; i++)
        if (tree->node[i].direction == ORTHOGONAL)
            last = i;
    struct placed placed = {0};
    enum ndl_status status = ndl_matrix_alloc(&placed.Q, last < d ? last : d, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(D, tree->size, d, err);
    for (size_t i = 0; status == NDL_OK && i < tree->size; i++) {
        status = place_node(tree, i, rng, &placed, D, err);
        if (status == NDL_OK && i < last)
            extend(&placed, ndl_row(D, i));
    }
    ndl_matrix_free(&placed.Q);
    if (status != NDL_OK)
        ndl_matrix_free(D);
    return status;
}

/* ----------------------------------------------------------------- sampling */

/* Always > 0: gsl_rng_uniform_pos excludes 0 and 1. */
static double draw_magnitude(gsl_rng *rng, const struct node *n)
{
    const double *p = n->parameter;
    switch (n->magnitude) {
    case UNIFORM:
        return p[0] + (p[1] - p[0]) * gsl_rng_uniform_pos(rng);
    case EXPONENTIAL:
        return -p[0] * log(gsl_rng_uniform_pos(rng));
    case LOGNORMAL:
        return exp(p[0] + gsl_ran_gaussian(rng, p[1]));
    default:
        return p[0];
    }
}

enum ndl_status ndl_tree_sample(const struct ndl_tree *tree, size_t samples, gsl_rng *rng,
                                struct ndl_matrix *Z, struct ndl_error *err)
{
    enum ndl_status status = ndl_matrix_alloc(Z, samples, tree->size, err);
    /* of each group's leader, in this sample */
    double *uniform = calloc(tree->size, sizeof *uniform);
    if (status == NDL_OK && !uniform)
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu nodes", tree->path, tree->size);
    for (size_t i = 0; status == NDL_OK && i < samples; i++) {
        double *z = ndl_row(Z, i);
        for (size_t o = 0; o < tree->size; o++) {
            size_t k = tree->order[o];
            const struct node *n = &tree->node[k];
            if (n->public.parent != NO_NODE && z[n->public.parent] <= 0)
                continue;
            if (n->leader == k)
                uniform[k] = gsl_rng_uniform(rng);
            double u = uniform[n->leader];
            if (u >= n->low && u < n->low + n->public.probability)
                z[k] = draw_magnitude(rng, n);
        }
    }
    free(uniform);
    if (status != NDL_OK)
        ndl_matrix_free(Z);
    return status;
}

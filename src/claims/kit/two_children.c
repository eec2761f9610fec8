/* two_children.c -- closed forms for a parent with two children, and the search they are compared
 * with. */
#include "two_children.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_multimin.h>

/* ----------------------------------------------------------- closed forms */

void two_children_child(double rho, int which, double c[3])
{
    c[0] = 0, c[1] = sqrt((1 + rho) / 2), c[2] = (which == 1 ? 1 : -1) * sqrt((1 - rho) / 2);
}

double two_children_exact(double length, double lambda)
{
    return lambda * length - lambda * lambda / 4;
}

/* A sample x coded by one atom d, from |x|^2 and x.d. */
static double single(double length2, double product, double lambda)
{
    return length2 - gsl_pow_2(product - lambda / 2);
}

/* A sample coded by two atoms of cosine h with the same product. */
static double pair(double length2, double product, double h, double lambda)
{
    return length2 - 2 * gsl_pow_2(product - lambda / 2) / (1 + h);
}

static double merged(const struct two_children *f)
{
    double B2 = f->base * f->base;
    return f->alone * two_children_exact(f->base, f->lambda) +
           2 * f->child * single(B2 + 1, sqrt(B2 + (1 + f->rho) / 2), f->lambda);
}

/* One atom at the angle a from p towards c_2, and one along B p + c_1. */
static double missed(const gsl_vector *a, void *params)
{
    const struct two_children *f = params;
    double x = f->base * cos(gsl_vector_get(a, 0)), y = sin(gsl_vector_get(a, 0)),
           B2 = f->base * f->base;
    return f->child * two_children_exact(sqrt(B2 + 1), f->lambda) +
           f->alone * single(B2, x, f->lambda) + f->child * single(B2 + 1, x + y, f->lambda);
}

/* The children's atoms (x, y, t) and (x, y, -t): their products with the samples of the parent
 * alone, with their child and with both, x, and their cosine h. */
struct children {
    double alone, child, both, x, h;
};

static struct children children_at(const struct two_children *f, const gsl_vector *a)
{
    double u = gsl_vector_get(a, 0), v = gsl_vector_get(a, 1), c[3];
    double x = cos(u) * cos(v), y = cos(u) * sin(v), t = sin(u);
    two_children_child(f->rho, 1, c);
    double along = f->base * x, sum = y * c[1];
    return (struct children){along, along + sum + t * c[2], along + 2 * sum, x,
                             x * x + y * y - t * t};
}

static double split(const gsl_vector *a, void *params)
{
    const struct two_children *f = params;
    struct children c = children_at(f, a);
    double B2 = f->base * f->base;
    return f->alone * pair(B2, c.alone, c.h, f->lambda) +
           2 * f->child * single(B2 + 1, c.child, f->lambda);
}

/* Both children on: p on its own atom, the children alone or together on theirs. */
static double absorbed(const gsl_vector *a, void *params)
{
    const struct two_children *f = params;
    struct children c = children_at(f, a);
    double B2 = f->base * f->base;
    return f->alone * two_children_exact(f->base, f->lambda) +
           2 * f->child * single(B2 + 1, c.child, f->lambda) +
           f->both * pair(B2 + 2 + 2 * f->rho, c.both, c.h, f->lambda);
}

/* Minimises over the angles a (a start, updated): Nelder and Mead's method, restarted twice. */
static double minimise(double (*loss)(const gsl_vector *, void *),
                       const struct two_children *family, gsl_vector *a)
{
    struct two_children f = *family;
    gsl_multimin_fminimizer *s =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, a->size);
    gsl_vector *step = gsl_vector_alloc(a->size);
    gsl_multimin_function function = {loss, a->size, &f};
    for (int round = 0; round < 3; round++) {
        gsl_vector_set_all(step, round ? 1e-4 : 0.1);
        gsl_multimin_fminimizer_set(s, &function, a, step);
        for (int i = 0; i < 200 && gsl_multimin_fminimizer_size(s) > 1e-10; i++)
            gsl_multimin_fminimizer_iterate(s);
        gsl_vector_memcpy(a, s->x);
    }
    double least = s->fval;
    gsl_vector_free(step);
    gsl_multimin_fminimizer_free(s);
    return least;
}

double two_children_loss(const struct two_children *f, enum two_children_kind kind)
{
    /* any start between the parent and a child leads to the minimum */
    double angles[2] = {0.5, 0.3};
    gsl_vector_view one = gsl_vector_view_array(angles, 1), two = gsl_vector_view_array(angles, 2);
    if (f->both > 0)
        return kind == KIND_ABSORBED ? minimise(absorbed, f, &two.vector) : (double)INFINITY;
    switch (kind) {
    case KIND_ABSORBED:
        return f->alone * two_children_exact(f->base, f->lambda) +
               2 * f->child * two_children_exact(hypot(f->base, 1), f->lambda);
    case KIND_MERGED:
        return merged(f);
    case KIND_MISSED:
        return minimise(missed, f, &one.vector);
    case KIND_COMPOSED:
        return minimise(split, f, &two.vector);
    default:
        return (double)INFINITY;
    }
}

double two_children_entry(const struct two_children *f, enum two_children_kind kind)
{
    double angles[2] = {0.5, 0.3}, B = f->base;
    gsl_vector_view one = gsl_vector_view_array(angles, 1), two = gsl_vector_view_array(angles, 2);
    if (kind == KIND_MISSED) {
        minimise(missed, f, &one.vector);
        double c = cos(angles[0]), residual = B - (B * c - f->lambda / 2) * c; /* along p */
        return 2 * residual * B / hypot(B, 1) - f->lambda;
    }
    assert(kind == KIND_ABSORBED && f->both > 0);
    minimise(absorbed, f, &two.vector);
    struct children c = children_at(f, &two.vector);
    return 2 * (B - (c.child - f->lambda / 2) * c.x) - f->lambda;
}

enum two_children_kind two_children_classify(unsigned alone, unsigned child1, unsigned child2,
                                             unsigned both, unsigned always)
{
    if (always)
        return KIND_RECOVERED;
    if (!alone || !child1 || !child2)
        return KIND_MIXED;
    /* the parent's atoms are silent whenever a child is on */
    if (!(alone & (child1 | child2 | both)))
        return child1 == child2 ? KIND_MERGED : (child1 & child2) ? KIND_MIXED : KIND_ABSORBED;
    if (child1 & child2)
        return KIND_MIXED;
    return alone == (child1 | child2)           ? KIND_COMPOSED
           : alone == child1 || alone == child2 ? KIND_MISSED
                                                : KIND_MIXED;
}

/* ----------------------------------------------------------------- search */

unsigned atoms_firing(const struct ndl_model *m, size_t i)
{
    const struct ndl_codes *Z = &m->Z;
    double largest = 0;
    unsigned set = 0;
    for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++)
        largest = fmax(largest, Z->value[e]);
    for (size_t e = Z->start[i]; e < Z->start[i + 1]; e++)
        if (Z->value[e] > 1e-6 * largest) /* a code at its boundary is known to about 1e-9 */
            set |= 1u << Z->atom[e];
    return set;
}

/* The local minimum reached from D0, kept if it is the lowest so far.  *loss receives its loss.
 * NDL_NOCONV, possible at a boundary of kinds, is not an error: the residual tells. */
static enum ndl_status descend(const struct ndl_matrix *X, const struct ndl_matrix *D0,
                               double lambda, struct two_children_found *best, double *loss,
                               struct ndl_error *err)
{
    struct ndl_fit_options options = ndl_fit_defaults(D0->rows, lambda);
    options.bias = false;
    options.D0 = D0;
    struct ndl_model model;
    struct ndl_fit_report report;
    enum ndl_status status = ndl_fit(X, &options, &model, &report, err);
    if (status != NDL_OK && status != NDL_NOCONV)
        return status;
    *loss = report.loss;
    if (report.loss < best->loss) {
        struct ndl_model previous = best->model;
        best->model = model;
        model = previous;
        best->loss = report.loss;
        best->residual = report.residual;
    }
    ndl_model_free(&model);
    ndl_fit_report_free(&report);
    return NDL_OK;
}

/* The next set of the same size as `set`, in increasing order. */
static unsigned next_subset(unsigned set)
{
    unsigned low = set & -set, ripple = set + low;
    return ripple | ((set ^ ripple) / low) >> 2;
}

enum ndl_status two_children_search(const struct ndl_matrix *X, const size_t *first, size_t kinds,
                                    size_t atoms, double lambda, int starts, gsl_rng *rng,
                                    struct two_children_found *search, struct ndl_error *err)
{
    *search =
        (struct two_children_found){.loss = (double)INFINITY, .next_minimum = (double)INFINITY};
    if (kinds > 8 || atoms < 1 || atoms > 8 || starts < 0 || starts > 64)
        return ndl_fail(err, NDL_BADARG, "search: %zu kinds, %zu atoms, %d starts", kinds, atoms,
                        starts);
    double losses[70 + 64]; /* 70 = 8 over 4 */
    size_t count = 0;
    struct ndl_matrix D0;
    enum ndl_status status = ndl_matrix_alloc(&D0, atoms, X->cols, err);
    for (unsigned set = (1u << atoms) - 1; status == NDL_OK && set < 1u << kinds;
         set = next_subset(set)) {
        size_t k = 0;
        for (size_t e = 0; e < kinds; e++)
            if (set & 1u << e)
                memcpy(ndl_row(&D0, k++), ndl_row(X, first[e]), X->cols * sizeof(double));
        status = descend(X, &D0, lambda, search, &losses[count++], err);
    }
    for (int s = 0; status == NDL_OK && s < starts; s++) {
        for (size_t k = 0; k < atoms; k++)
            ndl_random_unit(rng, ndl_row(&D0, k), X->cols);
        status = descend(X, &D0, lambda, search, &losses[count++], err);
    }
    for (size_t s = 0; status == NDL_OK && s < count; s++)
        if (losses[s] / search->loss - 1 > 1e-7) /* another minimum, not another rounding */
            search->next_minimum = fmin(search->next_minimum, losses[s] / search->loss - 1);
    ndl_matrix_free(&D0);
    if (status != NDL_OK)
        two_children_search_free(search);
    return status;
}

void two_children_search_free(struct two_children_found *search)
{
    ndl_model_free(&search->model);
    *search =
        (struct two_children_found){.loss = (double)INFINITY, .next_minimum = (double)INFINITY};
}

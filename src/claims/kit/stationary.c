/* stationary.c -- see stationary.h */
#include "stationary.h"

#include <assert.h>

#include <gsl/gsl_linalg.h>
#include <string.h>

#include "ndl/vec.h"

/* The unknowns in one vector: atoms of any length, of which only the direction counts, the free
 * codes, and the bias if it is free. */
struct unknowns {
    const struct stationary *s;
    size_t atoms, dim, codes, count;
    struct ndl_matrix D, Z, R, P; /* unit atoms, codes, residuals of all atoms and of the prefix */
    double *b;                    /* dim */
    double *length;               /* atoms */
    gsl_matrix *J;                /* count x count */
    gsl_permutation *order;
    double *side[2]; /* count each, as the following: a step with the atoms held, and without */
    struct {
        double *step, *trial, *slope;
    } level[2];
};

static void unpack(struct unknowns *u, const double *x)
{
    for (size_t k = 0; k < u->atoms; k++, x += u->dim) {
        memcpy(ndl_row(&u->D, k), x, u->dim * sizeof *x);
        u->length[k] = ndl_normalise(u->dim, ndl_row(&u->D, k));
    }
    for (size_t e = 0; e < u->Z.rows * u->atoms; e++)
        if (u->s->on[e])
            u->Z.v[e] = *x++;
    if (u->s->bias)
        memcpy(u->b, x, u->dim * sizeof *x);
}

static void pack(const struct unknowns *u, double *x)
{
    memcpy(x, u->D.v, u->atoms * u->dim * sizeof *x);
    x += u->atoms * u->dim;
    for (size_t e = 0; e < u->Z.rows * u->atoms; e++)
        if (u->s->on[e])
            *x++ = u->Z.v[e];
    if (u->s->bias)
        memcpy(x, u->b, u->dim * sizeof *x);
}

/* Row i of X without the bias and the first `atoms` atoms. */
static void residual(const struct stationary *s, const struct ndl_matrix *D,
                     const struct ndl_matrix *Z, const double *b, size_t i, size_t atoms, double *r)
{
    memcpy(r, ndl_row(s->X, i), D->cols * sizeof *r);
    ndl_axpy(D->cols, -1, b, r);
    for (size_t k = 0; k < atoms; k++)
        ndl_axpy(D->cols, -ndl_row(Z, i)[k], ndl_row(D, k), r);
}

/* The weight of level l, and the atoms in it. */
static double level(const struct stationary *s, size_t atoms, size_t l, size_t *of_level)
{
    *of_level = l ? s->first : atoms;
    return l ? s->prefix : s->full;
}

/* The gradient in the unknowns.  The lengths of the atoms are held at 1 by (|v|^2 - 1)^2, which
 * vanishes there and makes the second derivatives regular. */
static void gradient(struct unknowns *u, const double *x, double *g)
{
    const struct stationary *s = u->s;
    unpack(u, x);
    memset(g, 0, u->count * sizeof *g);
    double *by_bias = g + u->atoms * u->dim + u->codes;
    size_t code = u->atoms * u->dim;
    for (size_t i = 0; i < u->Z.rows; i++) {
        double *r[2] = {ndl_row(&u->R, i), ndl_row(&u->P, i)};
        const double *z = ndl_row(&u->Z, i);
        size_t first = code;
        for (size_t l = 0; l < 2; l++) {
            size_t in_level;
            double w = s->share[i] * level(s, u->atoms, l, &in_level);
            residual(s, &u->D, &u->Z, u->b, i, in_level, r[l]);
            code = first;
            for (size_t k = 0; k < u->atoms; k++) {
                if (k < in_level)
                    ndl_axpy(u->dim, -2 * w * z[k], r[l], g + k * u->dim);
                if (!s->on[i * u->atoms + k])
                    continue;
                if (k < in_level)
                    g[code] -= 2 * w * ndl_dot(u->dim, r[l], ndl_row(&u->D, k));
                if (l == 0)
                    g[code] += s->share[i] * s->penalty->slope(s->penalty, z, k, PENALTY_RIGHT);
                code++;
            }
            if (s->bias)
                ndl_axpy(u->dim, -2 * w, r[l], by_bias);
        }
    }
    for (size_t k = 0; k < u->atoms; k++) {
        double *gk = g + k * u->dim, *d = ndl_row(&u->D, k), length = u->length[k];
        for (size_t j = 0; j < u->atoms; j++)
            if (j != k)
                ndl_axpy(u->dim, 2 * s->coherence * ndl_dot(u->dim, ndl_row(&u->D, j), d),
                         ndl_row(&u->D, j), gk);
        ndl_axpy(u->dim, -ndl_dot(u->dim, gk, d), d, gk);
        for (size_t a = 0; a < u->dim; a++)
            gk[a] = gk[a] / length + 4 * (length * length - 1) * length * d[a];
    }
}

static double largest(const double *g, size_t n)
{
    double most = 0;
    for (size_t e = 0; e < n; e++)
        keep_max(&most, fabs(g[e]));
    return isfinite(ndl_norm(n, g)) ? most : HUGE_VAL;
}

/* step = -(second derivatives)^-1 g, by central differences of the gradient; the first `held`
 * unknowns stay. */
static void newton_step(struct unknowns *u, size_t held, double *x, const double *g, double *step)
{
    size_t n = u->count;
    const double h = 1e-5;
    gsl_matrix_set_identity(u->J);
    for (size_t c = held; c < n; c++) {
        double kept = x[c];
        for (int sign = 0; sign < 2; sign++) {
            x[c] = kept + (sign ? h : -h);
            gradient(u, x, u->side[sign]);
        }
        x[c] = kept;
        for (size_t r = held; r < n; r++)
            gsl_matrix_set(u->J, r, c, (u->side[1][r] - u->side[0][r]) / (2 * h));
    }
    int sign;
    gsl_linalg_LU_decomp(u->J, u->order, &sign);
    gsl_vector_const_view right = gsl_vector_const_view_array(g, n);
    gsl_vector_view left = gsl_vector_view_array(step, n);
    gsl_linalg_LU_solve(u->J, u->order, &right.vector, &left.vector);
    for (size_t e = 0; e < n; e++)
        step[e] = e < held ? 0 : -step[e];
}

/* Damped Newton steps from x, with the gradient g, for all unknowns or with the atoms held.
 *
 * An objective with a small penalty is a narrow, curved valley: after each step of the atoms, codes
 * and bias settle before it is judged.  They settle at the start, too: where nothing is left over,
 * the second derivatives do not see how a penalty curves along the valley. */
static void newton(struct unknowns *u, bool hold, double *x, double *g)
{
    size_t n = u->count, held = hold ? u->atoms * u->dim : 0;
    double *step = u->level[hold].step, *trial = u->level[hold].trial,
           *slope = u->level[hold].slope;
    gradient(u, x, g);
    if (!hold)
        newton(u, true, x, g);
    for (int round = 0; round < 100; round++) {
        double before = ndl_norm(n - held, g + held), length = 1;
        if (!isfinite(before) || before < 1e-15)
            return;
        newton_step(u, held, x, g, step);
        for (; length > 1e-6; length /= 2) {
            memcpy(trial, x, n * sizeof *x);
            ndl_axpy(n, length, step, trial);
            for (size_t k = 0; k < u->atoms; k++)
                ndl_normalise(u->dim, trial + k * u->dim);
            if (hold)
                gradient(u, trial, slope);
            else
                newton(u, true, trial, slope);
            if (ndl_norm(n - held, slope + held) < before) /* not if that is NaN */
                break;
        }
        if (length <= 1e-6)
            return; /* rounding: no step is better */
        memcpy(x, trial, n * sizeof *x);
        memcpy(g, slope, n * sizeof *g);
    }
}

double stationary_solve(const struct claim *claim, const struct stationary *s, struct ndl_matrix *D,
                        struct ndl_matrix *Z, double *b)
{
    struct unknowns u = {.s = s, .atoms = D->rows, .dim = D->cols, .D = *D, .Z = *Z, .b = b};
    for (size_t e = 0; e < Z->rows * Z->cols; e++)
        u.codes += s->on[e];
    size_t n = u.count = u.atoms * u.dim + u.codes + (s->bias ? u.dim : 0);
    u.R = claim_matrix(claim, Z->rows, u.dim);
    u.P = claim_matrix(claim, Z->rows, u.dim);
    struct ndl_matrix work = claim_matrix(claim, 11, n > u.atoms ? n : u.atoms);
    double *x = ndl_row(&work, 0), *g = ndl_row(&work, 1);
    u.length = ndl_row(&work, 2);
    for (size_t i = 0; i < 2; i++) {
        u.side[i] = ndl_row(&work, 3 + i);
        u.level[i].step = ndl_row(&work, 5 + i);
        u.level[i].trial = ndl_row(&work, 7 + i);
        u.level[i].slope = ndl_row(&work, 9 + i);
    }
    u.J = gsl_matrix_alloc(n, n);
    u.order = gsl_permutation_alloc(n);

    pack(&u, x);
    newton(&u, false, x, g);
    unpack(&u, x);
    double most = largest(g, n);
    gsl_matrix_free(u.J);
    gsl_permutation_free(u.order);
    ndl_matrix_free(&work);
    ndl_matrix_free(&u.R);
    ndl_matrix_free(&u.P);
    return most;
}

double stationary_pull(const struct stationary *s, const struct ndl_matrix *D,
                       const struct ndl_matrix *Z, const double *b, size_t i, size_t k)
{
    enum { MOST_DIM = 32 };
    double sum = 0, r[MOST_DIM];
    assert(D->cols <= MOST_DIM);
    for (size_t l = 0; l < 2; l++) {
        size_t in_level;
        double w = level(s, D->rows, l, &in_level);
        residual(s, D, Z, b, i, in_level, r);
        if (k < in_level)
            sum += 2 * w * ndl_dot(D->cols, r, ndl_row(D, k));
    }
    return sum;
}

double stationary_mean(const struct stationary *s, const struct ndl_matrix *Z, size_t j,
                       const double *a)
{
    double sum = 0;
    for (size_t i = 0; i < Z->rows; i++)
        if (ndl_row(Z, i)[j] != 0) /* a may be infinite elsewhere */
            sum += s->share[i] * ndl_row(Z, i)[j] * a[i];
    return sum;
}

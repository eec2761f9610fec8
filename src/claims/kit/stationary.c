/* stationary.c -- see stationary.h */
#include "stationary.h"

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
static void newton_step(struct unknowns *u, size_t held, double *x, const double *g, gsl_matrix *J,
                        gsl_permutation *order, double *side[2], double *step)
{
    size_t n = u->count;
    const double h = 1e-5;
    for (size_t c = 0; c < n; c++) {
        double kept = x[c];
        for (int sign = 0; sign < 2; sign++) {
            x[c] = kept + (sign ? h : -h);
            gradient(u, x, side[sign]);
        }
        x[c] = kept;
        for (size_t r = 0; r < n; r++)
            gsl_matrix_set(J, r, c,
                           c < held || r < held ? r == c : (side[1][r] - side[0][r]) / (2 * h));
    }
    int sign;
    gsl_linalg_LU_decomp(J, order, &sign);
    gsl_vector_const_view right = gsl_vector_const_view_array(g, n);
    gsl_vector_view left = gsl_vector_view_array(step, n);
    gsl_linalg_LU_solve(J, order, &right.vector, &left.vector);
    for (size_t e = 0; e < n; e++)
        step[e] = e < held ? 0 : -step[e];
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
    struct ndl_matrix work = claim_matrix(claim, 7, n > u.atoms ? n : u.atoms);
    double *x = ndl_row(&work, 0), *g = ndl_row(&work, 1), *step = ndl_row(&work, 2),
           *trial = ndl_row(&work, 3), *side[2] = {ndl_row(&work, 4), ndl_row(&work, 5)};
    u.length = ndl_row(&work, 6);
    gsl_matrix *J = gsl_matrix_alloc(n, n);
    gsl_permutation *order = gsl_permutation_alloc(n);

    pack(&u, x);
    gradient(&u, x, g);
    /* Where nothing is left over, the second derivatives do not see how a penalty curves along
     * moves that keep the reconstruction: codes and bias go first, with the atoms held. */
    for (int phase = 0; phase < 2; phase++) {
        size_t held = phase ? 0 : u.atoms * u.dim;
        for (int round = 0; round < 100 && largest(g + held, n - held) > 1e-14; round++) {
            newton_step(&u, held, x, g, J, order, side, step);
            double before = ndl_norm(n - held, g + held), length = 1;
            for (; length > 1e-6; length /= 2) {
                memcpy(trial, x, n * sizeof *x);
                ndl_axpy(n, length, step, trial);
                gradient(&u, trial, side[0]);
                if (ndl_norm(n - held, side[0] + held) < before) /* not if that is NaN */
                    break;
            }
            if (length <= 1e-6)
                break; /* rounding: no step is better */
            memcpy(x, trial, n * sizeof *x);
            memcpy(g, side[0], n * sizeof *g);
        }
    }
    unpack(&u, x);
    double most = largest(g, n);
    gsl_matrix_free(J);
    gsl_permutation_free(order);
    ndl_matrix_free(&work);
    ndl_matrix_free(&u.R);
    ndl_matrix_free(&u.P);
    return most;
}

double stationary_pull(const struct stationary *s, const struct ndl_matrix *D,
                       const struct ndl_matrix *Z, const double *b, size_t i, size_t k)
{
    double sum = 0, r[32];
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

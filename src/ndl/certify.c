/* certify.c -- every first-order condition of (P), recomputed.
 *
 * From X, D, b, Z and lambda alone, with plain loops and no code of the solver:
 * whoever doubts a result need trust nothing but this file.  The conditions
 * (theory, "first-order conditions"), for unit atoms and mu_ik = lambda - 2 r_i.d_k:
 *
 *     atoms   sum_i z_ik r_i = (lambda / 2) (sum_i z_ik) d_k
 *     bias    sum_i r_i = 0
 *     codes   mu_ik >= 0, and mu_ik = 0 where z_ik > 0
 *
 * and, with a free bias, min_i z_ik = 0 for every live k.  Cost: N K d. */
#include "ndl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A product of its own, and not that of vec.h: this file shares nothing with the solver. */
static double inner(const double *x, const double *y, size_t d)
{
    double s[4] = {0}; /* four sums: the processor need not wait for the last */
    size_t j = 0;
    for (; j + 4 <= d; j += 4)
        for (size_t l = 0; l < 4; l++)
            s[l] += x[j + l] * y[j + l];
    for (; j < d; j++)
        s[0] += x[j] * y[j];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static double length(const double *x, size_t d)
{
    return sqrt(inner(x, x, d));
}

static enum ndl_status check_shapes(const struct ndl_matrix *X, const struct ndl_model *m,
                                    struct ndl_error *err)
{
    if (X->rows == 0 || X->cols == 0 || m->D.rows == 0 || m->D.cols != X->cols || m->b.rows != 1 ||
        m->b.cols != X->cols || m->Z.rows != X->rows || m->Z.cols != m->D.rows)
        return ndl_fail(err, NDL_BADARG,
                        "certificate: data %zu x %zu, atoms %zu x %zu, bias %zu x %zu, "
                        "codes %zu x %zu",
                        X->rows, X->cols, m->D.rows, m->D.cols, m->b.rows, m->b.cols, m->Z.rows,
                        m->Z.cols);
    if (!(m->lambda > 0 && isfinite(m->lambda)))
        return ndl_fail(err, NDL_BADARG, "certificate: lambda must be positive, not %g", m->lambda);
    return NDL_OK;
}

static enum ndl_status check_codes(const struct ndl_codes *z, struct ndl_error *err)
{
    for (size_t i = 0; i < z->rows; i++) {
        if (z->start[0] != 0 || z->start[i + 1] < z->start[i])
            return ndl_fail(err, NDL_BADDATA,
                            "certificate: codes of sample %zu have no valid extent", i);
        for (size_t e = z->start[i]; e < z->start[i + 1]; e++)
            if (z->atom[e] >= z->cols || (e > z->start[i] && z->atom[e] <= z->atom[e - 1]) ||
                !isfinite(z->value[e]))
                return ndl_fail(
                    err, NDL_BADDATA,
                    "certificate: sample %zu has code %g for atom %u (of %zu, ascending)", i,
                    z->value[e], (unsigned)z->atom[e], z->cols);
    }
    return NDL_OK;
}

/* Sums over samples. */
struct sums {
    double *r;        /* d: the residual of the sample at hand */
    double *z;        /* K: and its codes */
    double *residual; /* d: sum_i r_i */
    double residuals; /* sum_i |r_i| */
    double *moment;   /* K x d: sum_i z_ik r_i */
    double *total;    /* K: sum_i z_ik */
    double *least;    /* K: min_i z_ik */
    bool *fires;      /* K: some z_ik > 0 */
};

static void sums_free(struct sums *s)
{
    free(s->r);
    free(s->z);
    free(s->residual);
    free(s->moment);
    free(s->total);
    free(s->least);
    free(s->fires);
}

static enum ndl_status sums_alloc(struct sums *s, size_t K, size_t d, struct ndl_error *err)
{
    *s = (struct sums){0};
    size_t entries;
    if (!__builtin_mul_overflow(K, d, &entries))
        s->moment = calloc(entries, sizeof *s->moment);
    s->r = calloc(d, sizeof *s->r);
    s->z = calloc(K, sizeof *s->z);
    s->residual = calloc(d, sizeof *s->residual);
    s->total = calloc(K, sizeof *s->total);
    s->least = calloc(K, sizeof *s->least);
    s->fires = calloc(K, sizeof *s->fires);
    if (!s->moment || !s->r || !s->z || !s->residual || !s->total || !s->least || !s->fires)
        return ndl_fail(err, NDL_NOMEM, "certificate: no memory for %zu atoms in %zu dimensions", K,
                        d);
    for (size_t k = 0; k < K; k++)
        s->least[k] = HUGE_VAL;
    return NDL_OK;
}

/* Codes and residual of sample i, added to the sums and the loss. */
static void add_sample(const struct ndl_matrix *X, const struct ndl_model *m, size_t i,
                       struct sums *s, double *loss)
{
    size_t d = X->cols, K = m->D.rows;
    memset(s->z, 0, K * sizeof *s->z);
    for (size_t j = 0; j < d; j++)
        s->r[j] = ndl_row(X, i)[j] - m->b.v[j];
    for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++) {
        size_t k = m->Z.atom[e];
        s->z[k] = m->Z.value[e];
        for (size_t j = 0; j < d; j++)
            s->r[j] -= s->z[k] * ndl_row(&m->D, k)[j];
    }
    for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++) {
        size_t k = m->Z.atom[e];
        s->total[k] += s->z[k];
        for (size_t j = 0; j < d; j++)
            s->moment[k * d + j] += s->z[k] * s->r[j];
    }
    for (size_t j = 0; j < d; j++)
        s->residual[j] += s->r[j];
    s->residuals += length(s->r, d);
    *loss += inner(s->r, s->r, d);
}

/* The conditions on the codes of the sample at hand. */
static void judge_codes(const struct ndl_model *m, struct sums *s, struct ndl_certificate *c)
{
    // [anchor:certificate]
    for (size_t k = 0; k < m->D.rows; k++) {
        double z = s->z[k], mu = m->lambda - 2 * inner(s->r, ndl_row(&m->D, k), m->D.cols);
        s->least[k] = fmin(s->least[k], z);
        s->fires[k] = s->fires[k] || z > 0;
        c->negative = fmax(c->negative, -z);
        if (z > 0)
            c->codes_on = fmax(c->codes_on, fabs(mu) / m->lambda);
        else
            c->codes_off = fmax(c->codes_off, -mu / m->lambda);
    }
    // [end:certificate]
}

/* The conditions on atom k. */
static void judge_atom(const struct ndl_model *m, size_t k, const struct sums *s,
                       struct ndl_certificate *c)
{
    size_t d = m->D.cols;
    const double *atom = ndl_row(&m->D, k);
    double size = length(atom, d), half = 0.5 * m->lambda * s->total[k], square = 0;
    c->norm = fmax(c->norm, fabs(size - 1));
    c->loss += m->lambda * size * s->total[k];
    c->live += s->fires[k];
    c->dead += !s->fires[k];
    if (!s->fires[k])
        return;
    for (size_t j = 0; j < d; j++) {
        double wrong = s->moment[k * d + j] - half * atom[j];
        square += wrong * wrong;
    }
    /* infinite if negative codes cancel the sum */
    c->atoms = fmax(c->atoms, sqrt(square) / fabs(half));
    if (m->bias)
        c->always_on = fmax(c->always_on, s->least[k] / (s->total[k] / (double)m->Z.rows));
}

enum ndl_status ndl_certify(const struct ndl_matrix *X, const struct ndl_model *m,
                            struct ndl_certificate *c, struct ndl_error *err)
{
    *c = (struct ndl_certificate){0};
    enum ndl_status status = check_shapes(X, m, err);
    if (status == NDL_OK)
        status = ndl_matrix_check(X, "data", err);
    if (status == NDL_OK)
        status = ndl_matrix_check(&m->D, "atoms", err);
    if (status == NDL_OK)
        status = ndl_matrix_check(&m->b, "bias", err);
    if (status == NDL_OK)
        status = check_codes(&m->Z, err);
    if (status != NDL_OK)
        return status;

    struct sums s;
    status = sums_alloc(&s, m->D.rows, X->cols, err);
    if (status == NDL_OK) {
        for (size_t i = 0; i < X->rows; i++) {
            add_sample(X, m, i, &s, &c->loss);
            judge_codes(m, &s, c);
        }
        for (size_t k = 0; k < m->D.rows; k++)
            judge_atom(m, k, &s, c);
        if (m->bias && s.residuals > 0)
            c->bias = length(s.residual, X->cols) / s.residuals;
        const double all[] = {c->atoms, c->bias,     c->codes_off, c->codes_on,
                              c->norm,  c->negative, c->always_on};
        for (size_t x = 0; x < sizeof all / sizeof *all; x++)
            c->worst = fmax(c->worst, isnan(all[x]) ? HUGE_VAL : all[x]);
    }
    sums_free(&s);
    return status;
}

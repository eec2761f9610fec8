/* fit_start.c -- where a descent begins: the atoms and the bias, and with many samples a warm-up on
 * some of them. */
#include "fit.h"

#include "vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

enum {
    EXCHANGES = 6,      /* rounds of exchanging weak atoms, at most */
    TRIES = 30,         /* directions in a row that are not worth an atom, then no more are tried */
    SOME_SAMPLES = 4096 /* samples of the warm-up, or 8 per atom if that is more */
};

/* An alternation of the warm-up ends when a pass lowers the loss by less than this, relatively. */
static const double SLOW_ON_SOME = 3e-3;
/* Two unit atoms are the same if 1 - d_j.d_k is below this. */
static const double DUPLICATE_ATOM = 1e-14;

/* ---------------------------------------------------------------------- starts */

/* Whether the unit vector u equals one of the first k atoms. */
static bool taken(const struct ndl_matrix *T, size_t k, const double *u)
{
    for (size_t j = 0; j < k; j++)
        if (1 - ndl_dot(T->cols, ndl_row(T, j), u) < DUPLICATE_ATOM)
            return true;
    return false;
}

/* A unit vector unlike the first k atoms, if a few random ones are not all taken (as in d = 1). */
static void other_direction(const struct ndl_matrix *T, size_t k, gsl_rng *rng, double *u)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        ndl_random_unit(rng, u, T->cols);
        if (!taken(T, k, u))
            return;
    }
}

enum ndl_status ndl_fit_start(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                              gsl_rng *rng, struct ndl_matrix *T, struct ndl_error *err)
{
    size_t N = X->rows, d = X->cols, K = o->atoms;
    double *b = ndl_row(T, K);
    if (o->b0)
        memcpy(b, o->b0->v, d * sizeof *b);
    for (size_t i = 0; i < N && o->bias && !o->b0; i++)
        ndl_axpy(d, 1 / (double)N, ndl_row(X, i), b);
    size_t *order = calloc(N, sizeof *order);
    if (!order)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu indices", N);
    for (size_t i = 0; i < N; i++)
        order[i] = i;
    gsl_ran_shuffle(rng, order, N, sizeof *order);
    for (size_t k = 0, i = 0; k < K; k++) {
        double *atom = ndl_row(T, k), norm = 0;
        if (o->D0) {
            memcpy(atom, ndl_row(o->D0, k), d * sizeof *atom);
            ndl_normalise(d, atom); /* not 0: checked */
            if (taken(T, k, atom))
                other_direction(T, k, rng, atom);
            continue;
        }
        for (norm = 0; i < N && !(norm > 0); i++) {
            for (size_t j = 0; j < d; j++)
                atom[j] = ndl_row(X, order[i])[j] - b[j];
            norm = ndl_normalise(d, atom);
            if (norm > 0 && taken(T, k, atom))
                norm = 0;
        }
        if (!(norm > 0))
            other_direction(T, k, rng, atom);
    }
    free(order);
    return NDL_OK;
}

/* ---------------------------------------------------------------- weak atoms */

/* How much an atom along the unit vector u would lower the loss at least, the other codes held;
 * `pull` receives sum_i max(0, r_i.u - lambda/2) r_i, the direction in which that grows. */
static double gain_of(const struct ndl_matrix *R, double lambda, const double *u, double *pull)
{
    double gain = 0;
    memset(pull, 0, R->cols * sizeof *pull);
    for (size_t i = 0; i < R->rows; i++) {
        double excess = ndl_dot(R->cols, ndl_row(R, i), u) - lambda / 2;
        if (excess > 0) {
            gain += excess * excess;
            ndl_axpy(R->cols, excess, ndl_row(R, i), pull);
        }
    }
    return gain;
}

/* |r_i|^2 + lambda sum_k z_ik */
static double sample_loss(const struct ndl_reduced *f, const struct ndl_point *p, size_t i)
{
    double l1 = 0;
    for (size_t e = p->Z.start[i]; e < p->Z.start[i + 1]; e++)
        l1 += p->Z.value[e];
    return p->residual_norm[i] * p->residual_norm[i] + f->lambda * l1;
}

/* What the loss would rise by without atom k, for the K / 16 + 1 atoms that do least (by
 * sum_i z_ik^2, which is an upper bound); HUGE_VAL for the others.  All of these are left out at
 * once, and a sample's rise counts for each of them it used. */
static enum ndl_status cost_of_weak(struct ndl_reduced *f, const struct ndl_point *p, double *cost,
                                    struct ndl_error *err)
{
    size_t strongest = 0;
    struct ndl_point without;
    enum ndl_status status = ndl_point_alloc(&without, f, err);
    if (status != NDL_OK)
        return status;
    memcpy(without.atoms_and_bias.v, p->atoms_and_bias.v,
           p->atoms_and_bias.rows * p->atoms_and_bias.cols * sizeof *p->atoms_and_bias.v);
    for (size_t k = 0; k < f->K; k++) {
        cost[k] = HUGE_VAL;
        if (ndl_row(&p->moment, k)[k] > ndl_row(&p->moment, strongest)[strongest])
            strongest = k;
    }
    for (size_t n = 0; n < f->K / 16 + 1; n++) {
        size_t weakest = strongest;
        for (size_t k = 0; k < f->K; k++)
            if (cost[k] > 0 && ndl_row(&p->moment, k)[k] < ndl_row(&p->moment, weakest)[weakest])
                weakest = k;
        cost[weakest] = 0;
        /* A twin of another atom is as good as none. */
        memcpy(ndl_row(&without.atoms_and_bias, weakest), ndl_row(&p->atoms_and_bias, strongest),
               f->d * sizeof *p->atoms_and_bias.v);
    }
    status = ndl_reduced_eval(f, &without, NULL, err);
    for (size_t i = 0; status == NDL_OK && i < f->X->rows; i++) {
        double rise = sample_loss(f, &without, i) - sample_loss(f, p, i);
        for (size_t e = p->Z.start[i]; e < p->Z.start[i + 1]; e++)
            cost[p->Z.atom[e]] += rise;
    }
    ndl_point_free(&without);
    return status;
}

/* Gives weak atoms new directions in T, where that pays: where gain_of promises more than the atom
 * is worth at p.  The directions tried come from the largest parts of samples that their atoms
 * cannot explain. */
static enum ndl_status exchange_weak(struct ndl_reduced *f, const struct ndl_point *p,
                                     struct ndl_matrix *T, size_t *exchanged, struct ndl_error *err)
{
    size_t N = f->X->rows, d = f->d;
    struct ndl_matrix R, tried = {0};
    *exchanged = 0;
    double *unexplained = calloc(N, sizeof *unexplained), *pull = calloc(d, sizeof *pull),
           *cost = calloc(f->K, sizeof *cost);
    enum ndl_status status = ndl_matrix_alloc(&R, N, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&tried, f->K, d, err);
    if (status == NDL_OK && (!unexplained || !pull || !cost))
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu residuals", N);
    if (status == NDL_OK)
        status = cost_of_weak(f, p, cost, err);
    for (size_t i = 0; status == NDL_OK && i < N; i++)
        unexplained[i] = ndl_reduced_unexplained(f, p, i, ndl_row(&R, i));
    for (size_t i = 0; status == NDL_OK && i < N; i++)
        ndl_reduced_residual(f, p, i, ndl_row(&R, i));
    int failures = 0;
    for (size_t t = 0; status == NDL_OK && t < f->K && failures < TRIES; t++) {
        double *u = ndl_row(&tried, t), gain = 0, length = 1;
        size_t largest = 0, weakest = 0;
        for (size_t i = 1; i < N; i++)
            if (unexplained[i] > unexplained[largest])
                largest = i;
        for (size_t k = 1; k < f->K; k++)
            if (cost[k] < cost[weakest])
                weakest = k;
        if (!(unexplained[largest] > f->lambda / 2))
            break;
        ndl_reduced_unexplained(f, p, largest, u);
        ndl_normalise(d, u);
        unexplained[largest] = 0;
        for (int step = 0; step < 4 && length > 0; step++) {
            gain = gain_of(&R, f->lambda, u, pull);
            length = ndl_normalise(d, pull);
            if (length > 0)
                memcpy(u, pull, d * sizeof *u);
        }
        bool new = true; /* not one of those tried before */
        for (size_t j = 0; j < t && new; j++)
            new = ndl_dot(d, u, ndl_row(&tried, j)) < 0.5;
        if (new &&gain > cost[weakest]) {
            memcpy(ndl_row(T, weakest), u, d * sizeof *u);
            cost[weakest] = HUGE_VAL;
            ++*exchanged;
            failures = 0;
        } else {
            failures++;
        }
    }
    free(unexplained);
    free(pull);
    free(cost);
    ndl_matrix_free(&R);
    ndl_matrix_free(&tried);
    return status;
}

/* ------------------------------------------------------------------- warm-up */

/* Whether the atom conditions nearly hold on the whole: sum |g_k|^2 is small next to that of the
 * pulls lambda usage_k. */
static bool nearly_stationary(const struct ndl_reduced *f, const struct ndl_point *p)
{
    double square = 0, pull = 0;
    for (size_t k = 0; k < f->K; k++) {
        const double *g = ndl_row(&p->gradient, k);
        double along = ndl_dot(f->d, g, ndl_row(&p->atoms_and_bias, k));
        square += ndl_dot(f->d, g, g) - along * along;
        pull += along * along;
    }
    return !(square > 0.1 * pull);
}

/* Alternates from T on every stride-th sample with the penalty lambda; T receives the result.  With
 * `probe` nothing moves; *density is the mean number of active atoms per sample, and *settled
 * whether T is nearly stationary. */
static enum ndl_status alternate_on_some(const struct ndl_matrix *X, size_t stride, double lambda,
                                         const struct ndl_fit_options *o, int threads, bool probe,
                                         struct ndl_matrix *T, struct ndl_descent *run,
                                         double *density, bool *settled, struct ndl_error *err)
{
    struct ndl_matrix some;
    struct ndl_reduced f = {0};
    struct ndl_point p = {0};
    enum ndl_status status = ndl_matrix_alloc(&some, (X->rows - 1) / stride + 1, X->cols, err);
    if (status == NDL_OK) {
        for (size_t i = 0; i < some.rows; i++)
            memcpy(ndl_row(&some, i), ndl_row(X, i * stride), X->cols * sizeof *some.v);
        status = ndl_reduced_alloc(&f, &some, o->atoms, lambda, o->bias, threads, err);
    }
    if (status == NDL_OK)
        status = ndl_point_alloc(&p, &f, err);
    if (status == NDL_OK) {
        memcpy(p.atoms_and_bias.v, T->v, T->rows * T->cols * sizeof *T->v);
        status = ndl_reduced_eval(&f, &p, NULL, err);
    }
    size_t exchanged = 1;
    for (int round = 0; status == NDL_OK && !probe && exchanged > 0 && round < EXCHANGES; round++) {
        status = ndl_alternate(&f, &p, SLOW_ON_SOME, run, err);
        if (status == NDL_OK)
            status = exchange_weak(&f, &p, &p.atoms_and_bias, &exchanged, err);
        if (status == NDL_OK && exchanged > 0)
            status = ndl_reduced_eval(&f, &p, NULL, err);
    }
    if (status == NDL_OK) {
        *density = (double)p.Z.start[some.rows] / (double)some.rows;
        *settled = nearly_stationary(&f, &p);
        memcpy(T->v, p.atoms_and_bias.v, T->rows * T->cols * sizeof *T->v);
    }
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    ndl_matrix_free(&some);
    return status;
}

enum ndl_status ndl_fit_warm_up(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                                int threads, struct ndl_matrix *T, struct ndl_descent *run,
                                struct ndl_error *err)
{
    size_t some = 8 * o->atoms > SOME_SAMPLES ? 8 * o->atoms : SOME_SAMPLES,
           stride = X->rows / some, few = X->rows / 512;
    double density, lambda = o->lambda, sparse = (double)X->cols / 8;
    bool settled;
    if (X->rows < NDL_MANY_SAMPLES || stride < 2)
        return NDL_OK;
    enum ndl_status status =
        alternate_on_some(X, few, lambda, o, threads, true, T, run, &density, &settled, err);
    if (settled)
        return status;
    for (int doubled = 0; status == NDL_OK && density > sparse && doubled < 10; doubled++)
        status = alternate_on_some(X, few, lambda *= 2, o, threads, true, T, run, &density,
                                   &settled, err);
    for (bool last = false; status == NDL_OK && !last; lambda /= 4) {
        last = lambda <= o->lambda;
        status = alternate_on_some(X, stride, fmax(lambda, o->lambda), o, threads, false, T, run,
                                   &density, &settled, err);
    }
    return status;
}

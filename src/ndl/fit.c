/* fit.c -- learning a nonnegative sparse dictionary: local minima of (P).
 *
 * A descent has two phases.  Alternation codes all samples exactly, then improves the atoms and
 * the bias one at a time, each to its exact minimum with the codes held; that goes on while it
 * pays.  Truncated Newton steps (newton.c) on the reduced loss finish.  A dead atom is put along
 * the largest residual above lambda/2 (theory of the wide limit: there, and only there, one more
 * atom lowers the loss).  With many samples the first alternations see only some of them.  A
 * random start with a small penalty comes down to it from a larger one; a given start does so
 * only if it takes too long.
 *
 * What is guaranteed: on the full data no step raises the loss, and ndl_fit returns NDL_OK only
 * if the first-order conditions hold to the tolerance.  The result is a local minimum as far as
 * a Lanczos estimate of the smallest curvature can tell; whether it is global is not known, unless
 * the wide-limit bound says so.  The result depends on the seed, not on the number of threads. */
#include "random.h"

#include "newton.h"
#include "reduced_loss.h"
#include "vec.h"

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

enum {
    PASSES = 50,           /* of one alternation, at most */
    ROUNDS = 20,           /* of alternation and Newton */
    ESCAPES = 10,          /* saddles left behind */
    LANCZOS = 60,          /* steps to find the smallest curvature, */
    LANCZOS_MANY = 15,     /* and with many samples */
    SMALL_SAMPLES = 20000, /* up to here a thread takes a whole start, not some samples */
    EXCHANGES = 6,         /* rounds of exchanging weak atoms */
    TRIES = 30,            /* directions in a row that are not worth an atom */
    MANY_SAMPLES = 10000,  /* from here a descent begins with some of them, */
    SOME_SAMPLES = 4096    /* this many, or 8 per atom */
};

/* Alternation ends when a pass lowers the loss by less than this, relatively. */
static const double SLOW = 1e-4;
static const double SLOW_ON_SOME = 3e-3;
/* An atom is worth reviving for a residual this much longer than lambda/2, relatively. */
static const double WORTH = 1e-6;
/* A penalty below this share of the mean |x_i - b| is small: the reduced loss is then full of kinks
 * and its valleys are narrow, and a random start is best brought down to it, */
static const double SMALL_PENALTY = 0.125;
static const double COMING_DOWN = 4;   /* by this factor from one penalty to the next, */
static const double ON_THE_WAY = 1e-3; /* to this residual at each of the larger ones. */
/* Two unit atoms are the same if 1 - d_j.d_k is below this. */
static const double SAME = 1e-14;

struct ndl_fit_options ndl_fit_defaults(size_t atoms, double lambda)
{
    return (struct ndl_fit_options){.atoms = atoms,
                                    .lambda = lambda,
                                    .bias = true,
                                    .seed = 1,
                                    .starts = 1,
                                    .tolerance = 1e-10,
                                    .max_iterations = 1000,
                                    .threads = 1};
}

void ndl_fit_report_free(struct ndl_fit_report *report)
{
    free(report->start_loss);
    *report = (struct ndl_fit_report){0};
}

/* ----------------------------------------------------------------- alternation */

/* One sweep over atoms and bias, codes held: with Q = sum_i (z_i, 1)^T r_i the best unit atom k is
 * along Q_k + (sum_i z_ik^2) d_k.  `next` receives the result; Q follows the changes so far,
 * Q_k = -slope_k / 2 - sum_j moment_kj (next_j - T_j). */
static void sweep(const struct ndl_reduced *f, const struct ndl_point *p, double *change,
                  struct ndl_point *next)
{
    size_t K = f->K, d = f->d;
    memcpy(next->T.v, p->T.v, (K + 1) * d * sizeof *next->T.v);
    memset(change, 0, (K + 1) * d * sizeof *change);
    for (size_t k = 0; k < K + f->bias; k++) {
        const double *moment = ndl_row(&p->moment, k);
        double *row = ndl_row(&next->T, k), *moved = change + k * d;
        if (!(moment[k] > 0))
            continue;
        for (size_t j = 0; j < d; j++)
            row[j] = ndl_row(&p->slope, k)[j] / -2 + moment[k] * ndl_row(&p->T, k)[j];
        for (size_t j = 0; j < K + f->bias; j++)
            if (moment[j] != 0 && j != k)
                ndl_axpy(d, -moment[j], change + j * d, row);
        double norm = k < K ? sqrt(ndl_dot(d, row, row)) : moment[k];
        if (!(norm > 0)) /* every direction is as good: stay */
            memcpy(row, ndl_row(&p->T, k), d * sizeof *row);
        else
            for (size_t j = 0; j < d; j++)
                row[j] /= norm;
        for (size_t j = 0; j < d; j++)
            moved[j] = row[j] - ndl_row(&p->T, k)[j];
    }
}

/* Puts dead atoms of `next`, by the usage at p, along the longest residuals at p, one sample
 * each, while these exceed lambda/2; returns how many.  No revival raises the loss: a dead atom
 * contributed nothing. */
static size_t revive(const struct ndl_reduced *f, struct ndl_point *p, struct ndl_point *next)
{
    size_t revived = 0;
    double threshold = f->lambda / 2 * (1 + WORTH);
    for (size_t k = 0; k < f->K; k++) {
        if (ndl_usage(p, k) > 0)
            continue;
        size_t longest = 0;
        for (size_t i = 1; i < f->X->rows; i++)
            if (p->norm[i] > p->norm[longest])
                longest = i;
        double length = p->norm[longest];
        if (!(length > threshold))
            break;
        double *atom = ndl_row(&next->T, k);
        ndl_reduced_residual(f, p, longest, atom);
        for (size_t j = 0; j < f->d; j++)
            atom[j] /= length;
        p->norm[longest] = 0; /* taken */
        revived++;
    }
    return revived;
}

/* Alternates from p (evaluated) until a pass pays less than `slow`. */
static enum ndl_status alternate(struct ndl_reduced *f, struct ndl_point *p, double slow,
                                 struct ndl_descent *run, struct ndl_error *err)
{
    struct ndl_point next;
    enum ndl_status status = ndl_point_alloc(&next, f, err);
    double *change = calloc(f->K + 1, f->d * sizeof *change);
    if (status == NDL_OK && !change)
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu atoms", f->K);
    bool go_on = true;
    for (int pass = 0; status == NDL_OK && go_on && p->residual > run->tolerance &&
                       run->iterations < run->limit && pass < PASSES;
         pass++) {
        sweep(f, p, change, &next);
        size_t revived = revive(f, p, &next);
        status = ndl_reduced_eval(f, &next, &p->Z, err);
        if (status != NDL_OK)
            break;
        double gain = p->loss - next.loss;
        go_on = revived > 0 ? gain > 0 : gain > slow * p->loss;
        if (gain > 0) {
            struct ndl_point old = *p;
            *p = next;
            next = old;
        }
        run->iterations++;
        if (run->progress)
            run->progress(run->progress_context, "alternate", run->iterations, p->loss,
                          p->residual);
    }
    free(change);
    ndl_point_free(&next);
    return status;
}

/* From p->T to a stationary point, reviving dead atoms where that pays.  Where Newton gets stuck
 * at a kink another alternation may help. */
static enum ndl_status descend(struct ndl_reduced *f, struct ndl_point *p, struct ndl_descent *run,
                               struct ndl_error *err)
{
    enum ndl_status status = ndl_reduced_eval(f, p, NULL, err);
    for (int round = 0; status == NDL_OK && round < ROUNDS; round++) {
        double before = p->loss;
        status = alternate(f, p, SLOW, run, err);
        if (status == NDL_OK)
            status = ndl_newton(f, p, run, err);
        if (status != NDL_OK || run->iterations >= run->limit)
            break;
        if (revive(f, p, p) > 0)
            status = ndl_reduced_eval(f, p, NULL, err);
        else if (p->residual <= run->tolerance || !(p->loss < before * (1 - 1e-12)))
            break;
    }
    return status;
}

/* ---------------------------------------------------------------------- starts */

/* Whether the unit vector u equals one of the first k atoms. */
static bool taken(const struct ndl_matrix *T, size_t k, const double *u)
{
    for (size_t j = 0; j < k; j++)
        if (1 - ndl_dot(T->cols, ndl_row(T, j), u) < SAME)
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

/* The bias of the options; where atoms are random, they are the directions of distinct samples,
 * seen from the bias, and random directions once these have run out. */
static enum ndl_status start(const struct ndl_matrix *X, const struct ndl_fit_options *o,
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
            norm = sqrt(ndl_dot(d, atom, atom)); /* not 0: checked */
            for (size_t j = 0; j < d; j++)
                atom[j] /= norm;
            if (taken(T, k, atom))
                other_direction(T, k, rng, atom);
            continue;
        }
        for (norm = 0; i < N && !(norm > 0); i++) {
            for (size_t j = 0; j < d; j++)
                atom[j] = ndl_row(X, order[i])[j] - b[j];
            norm = sqrt(ndl_dot(d, atom, atom));
            for (size_t j = 0; j < d && norm > 0; j++)
                atom[j] /= norm;
            if (norm > 0 && taken(T, k, atom))
                norm = 0;
        }
        if (!(norm > 0))
            other_direction(T, k, rng, atom);
    }
    free(order);
    return NDL_OK;
}

/* Whether the atom conditions nearly hold on the whole: sum |g_k|^2 is small next to that of the
 * pulls lambda usage_k. */
static bool nearly_stationary(const struct ndl_reduced *f, const struct ndl_point *p)
{
    double square = 0, pull = 0;
    for (size_t k = 0; k < f->K; k++) {
        const double *g = ndl_row(&p->slope, k);
        double along = ndl_dot(f->d, g, ndl_row(&p->T, k));
        square += ndl_dot(f->d, g, g) - along * along;
        pull += along * along;
    }
    return !(square > 0.1 * pull);
}

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
    return p->norm[i] * p->norm[i] + f->lambda * l1;
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
    memcpy(without.T.v, p->T.v, p->T.rows * p->T.cols * sizeof *p->T.v);
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
        memcpy(ndl_row(&without.T, weakest), ndl_row(&p->T, strongest), f->d * sizeof *p->T.v);
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

/* Gives weak atoms of T = p->T new directions, where that pays: where gain_of promises more than
 * the atom is worth.  The directions tried come from the largest parts of samples that their
 * atoms cannot explain. */
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
        for (size_t j = 0; j < d; j++)
            u[j] /= unexplained[largest];
        unexplained[largest] = 0;
        for (int step = 0; step < 4 && length > 0; step++) {
            gain = gain_of(&R, f->lambda, u, pull);
            length = sqrt(ndl_dot(d, pull, pull));
            for (size_t j = 0; j < d && length > 0; j++)
                u[j] = pull[j] / length;
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
        memcpy(p.T.v, T->v, T->rows * T->cols * sizeof *T->v);
        status = ndl_reduced_eval(&f, &p, NULL, err);
    }
    size_t exchanged = 1;
    for (int round = 0; status == NDL_OK && !probe && exchanged > 0 && round < EXCHANGES; round++) {
        status = alternate(&f, &p, SLOW_ON_SOME, run, err);
        if (status == NDL_OK)
            status = exchange_weak(&f, &p, &p.T, &exchanged, err);
        if (status == NDL_OK && exchanged > 0)
            status = ndl_reduced_eval(&f, &p, NULL, err);
    }
    if (status == NDL_OK) {
        *density = (double)p.Z.start[some.rows] / (double)some.rows;
        *settled = nearly_stationary(&f, &p);
        memcpy(T->v, p.T.v, T->rows * T->cols * sizeof *T->v);
    }
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    ndl_matrix_free(&some);
    return status;
}

/* Many samples: before the descent, some alternations on a part of them, beginning with a penalty
 * so large that the codes are sparse.  Atoms far from any minimum need many codes per sample, which
 * are slow to compute and say little about the atoms; with few the atoms find their features
 * sooner.  A start that is nearly stationary already is left as it is. */
static enum ndl_status warm_up(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                               int threads, struct ndl_matrix *T, struct ndl_descent *run,
                               struct ndl_error *err)
{
    size_t some = 8 * o->atoms > SOME_SAMPLES ? 8 * o->atoms : SOME_SAMPLES,
           stride = X->rows / some, few = X->rows / 512;
    double density, lambda = o->lambda, sparse = (double)X->cols / 8;
    bool settled;
    if (X->rows < MANY_SAMPLES || stride < 2)
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

/* The penalty to come down from: f->lambda times a power of COMING_DOWN, that itself if it is
 * not small. */
static double top_penalty(const struct ndl_reduced *f, const struct ndl_point *p)
{
    const struct ndl_matrix *X = f->X;
    double size = 0, top = f->lambda;
    for (size_t i = 0; i < X->rows; i++) {
        double square = 0;
        for (size_t j = 0; j < f->d; j++)
            square += gsl_pow_2(ndl_row(X, i)[j] - ndl_row(&p->T, f->K)[j]);
        size += sqrt(square) / (double)X->rows;
    }
    while (top * COMING_DOWN <= SMALL_PENALTY * size)
        top *= COMING_DOWN;
    return top;
}

/* Descends at penalties that come down from `top` to f->lambda, and then there. */
static enum ndl_status come_down(struct ndl_reduced *f, struct ndl_point *p, double top,
                                 struct ndl_descent *run, struct ndl_error *err)
{
    double lambda = f->lambda, tolerance = run->tolerance;
    enum ndl_status status = NDL_OK;
    run->tolerance = fmax(ON_THE_WAY, tolerance);
    for (f->lambda = top; status == NDL_OK && f->lambda > lambda * 1.5; f->lambda /= COMING_DOWN)
        status = descend(f, p, run, err);
    f->lambda = lambda;
    run->tolerance = tolerance;
    return status == NDL_OK ? descend(f, p, run, err) : status;
}

/* A given start goes straight to f->lambda.  Only if that is small, and all iterations were not
 * enough, does it come down from where it is, with as many again, and keeps that if the loss is
 * lower. */
static enum ndl_status from_given(struct ndl_reduced *f, struct ndl_point *p,
                                  struct ndl_descent *run, bool *came_down, struct ndl_error *err)
{
    double top = top_penalty(f, p);
    struct ndl_point lower;
    enum ndl_status status = descend(f, p, run, err);
    if (status != NDL_OK || p->residual <= run->tolerance || run->iterations < run->limit ||
        !(top > f->lambda))
        return status;
    run->limit += run->limit < INT_MAX / 2 ? run->limit : 0;
    status = ndl_point_alloc(&lower, f, err);
    if (status != NDL_OK)
        return status;
    memcpy(lower.T.v, p->T.v, p->T.rows * p->T.cols * sizeof *p->T.v);
    status = come_down(f, &lower, top, run, err);
    *came_down = status == NDL_OK && lower.loss < p->loss;
    if (*came_down) {
        struct ndl_point higher = *p;
        *p = lower;
        lower = higher;
    }
    ndl_point_free(&lower);
    return status;
}

/* ------------------------------------------------------------------ all starts */

struct contest {
    const struct ndl_matrix *X;
    const struct ndl_fit_options *o;
    int threads;            /* of each start */
    pthread_mutex_t lock;   /* of everything below, and of the caller's progress function */
    double *loss;           /* starts */
    struct ndl_matrix T;    /* of the best */
    int best, iterations;   /* -1 before the first */
    bool came_down;         /* the given start */
    enum ndl_status status; /* the first failure */
    struct ndl_error failure;
};

static void locked_progress(void *context, const char *phase, int iteration, double loss,
                            double residual)
{
    struct contest *c = context;
    pthread_mutex_lock(&c->lock);
    c->o->progress(c->o->progress_context, phase, iteration, loss, residual);
    pthread_mutex_unlock(&c->lock);
}

static struct ndl_descent descent_of(struct contest *c)
{
    return (struct ndl_descent){.tolerance = c->o->tolerance,
                                .limit = c->o->max_iterations,
                                .progress = c->o->progress ? locked_progress : NULL,
                                .progress_context = c};
}

static enum ndl_status one_start(struct contest *c, size_t s, struct ndl_error *err)
{
    const struct ndl_fit_options *o = c->o;
    struct ndl_reduced f = {0};
    struct ndl_point p = {0};
    struct ndl_descent run = descent_of(c);
    gsl_rng *rng = NULL;
    enum ndl_status status = ndl_rng(&rng, o->seed, s, err);
    if (status == NDL_OK)
        status = ndl_reduced_alloc(&f, c->X, o->atoms, o->lambda, o->bias, c->threads, err);
    if (status == NDL_OK)
        status = ndl_point_alloc(&p, &f, err);
    if (status == NDL_OK)
        status = start(c->X, o, rng, &p.T, err);
    if (status == NDL_OK)
        status = warm_up(c->X, o, c->threads, &p.T, &run, err);
    if (status == NDL_OK)
        status = o->D0 ? from_given(&f, &p, &run, &c->came_down, err)
                       : come_down(&f, &p, top_penalty(&f, &p), &run, err);
    pthread_mutex_lock(&c->lock);
    if (status == NDL_OK) {
        c->loss[s] = p.loss;
        /* Ties go to the lower index, so that the order of the threads does not matter. */
        if (c->best < 0 || p.loss < c->loss[c->best] ||
            (p.loss <= c->loss[c->best] && (int)s < c->best)) {
            struct ndl_matrix worse = c->T;
            c->T = p.T;
            p.T = worse;
            c->best = (int)s;
            c->iterations = run.iterations;
        }
    } else if (c->status == NDL_OK) {
        c->status = status;
        c->failure = *err;
    }
    pthread_mutex_unlock(&c->lock);
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

static void start_work(void *context, size_t first, size_t last, int worker)
{
    (void)worker;
    for (size_t s = first; s < last; s++)
        one_start(context, s, &(struct ndl_error){{0}});
}

/* Finishes at the best start's atoms: measures the curvature and leaves saddles. */
static enum ndl_status finish(struct contest *c, struct ndl_reduced *f, struct ndl_point *p,
                              double *curvature, struct ndl_error *err)
{
    struct ndl_descent run = descent_of(c);
    run.iterations = c->iterations;
    gsl_rng *rng = NULL;
    struct ndl_point trial = {0};
    size_t variables = (f->K + 1) * f->d,
           steps = f->X->rows < MANY_SAMPLES ? LANCZOS : LANCZOS_MANY;
    double *direction = calloc(variables, sizeof *direction);
    enum ndl_status status =
        direction ? ndl_rng(&rng, c->o->seed, SIZE_MAX, err)
                  : ndl_fail(err, NDL_NOMEM, "no memory for %zu variables", variables);
    if (status == NDL_OK)
        status = ndl_point_alloc(&trial, f, err);
    memcpy(p->T.v, c->T.v, variables * sizeof *p->T.v);
    if (status == NDL_OK)
        status = ndl_reduced_eval(f, p, NULL, err);
    for (int escape = 0; status == NDL_OK; escape++) {
        status = ndl_curvature(f, p, rng, variables < steps ? variables : steps, curvature,
                               direction, err);
        if (status != NDL_OK || !(*curvature < -1e-8) || escape == ESCAPES ||
            run.iterations >= run.limit)
            break;
        bool lower = false;
        for (double t = 0.1; t > 1e-5 && !lower && status == NDL_OK; t = t > 0 ? -t : -t / 4) {
            ndl_retract(f, p, t, direction, &trial);
            status = ndl_reduced_eval(f, &trial, NULL, err);
            lower = status == NDL_OK && trial.loss < p->loss * (1 - 1e-14);
        }
        if (!lower)
            break;
        memcpy(p->T.v, trial.T.v, variables * sizeof *p->T.v);
        status = descend(f, p, &run, err);
    }
    c->iterations = run.iterations;
    free(direction);
    ndl_point_free(&trial);
    if (rng)
        gsl_rng_free(rng);
    return status;
}

static enum ndl_status check(const struct ndl_matrix *X, const struct ndl_fit_options *o,
                             struct ndl_error *err)
{
    if (X->rows < 1 || X->cols < 1)
        return ndl_fail(err, NDL_BADARG, "fit: X is %zu x %zu", X->rows, X->cols);
    if (o->atoms < 1 || o->atoms > INT32_MAX || X->cols > INT32_MAX)
        return ndl_fail(err, NDL_BADARG, "fit: %zu atoms in %zu dimensions", o->atoms, X->cols);
    if (!(o->lambda > 0) || !isfinite(o->lambda))
        return ndl_fail(err, NDL_BADARG, "fit: lambda = %g is not positive", o->lambda);
    if (o->starts < 1 || o->threads < 1 || o->max_iterations < 1 || !(o->tolerance > 0))
        return ndl_fail(err, NDL_BADARG, "fit: %d starts, %d threads, %d iterations, tolerance %g",
                        o->starts, o->threads, o->max_iterations, o->tolerance);
    if (o->b0 && (!o->bias || o->b0->rows != 1 || o->b0->cols != X->cols))
        return ndl_fail(err, NDL_BADARG,
                        "fit: a start of the bias needs a free bias and 1 x %zu entries", X->cols);
    if (o->D0 && (o->D0->rows != o->atoms || o->D0->cols != X->cols))
        return ndl_fail(err, NDL_BADARG, "fit: the start is %zu x %zu, not %zu x %zu", o->D0->rows,
                        o->D0->cols, o->atoms, X->cols);
    if (o->D0 && o->starts != 1)
        return ndl_fail(err, NDL_BADARG, "fit: %d starts, but the start is given", o->starts);
    enum ndl_status status = ndl_matrix_check(X, "X", err);
    if (status == NDL_OK && o->b0)
        status = ndl_matrix_check(o->b0, "b0", err);
    if (status == NDL_OK && o->D0)
        status = ndl_matrix_check(o->D0, "D0", err);
    for (size_t k = 0; status == NDL_OK && o->D0 && k < o->atoms; k++)
        if (!(ndl_dot(X->cols, ndl_row(o->D0, k), ndl_row(o->D0, k)) > 0))
            status = ndl_fail(err, NDL_BADARG, "fit: atom %zu of the start is zero", k);
    return status;
}

/* Moves the point into the caller's model and the numbers into the report. */
static enum ndl_status deliver(const struct contest *c, struct ndl_point *p, double curvature,
                               struct ndl_model *model, struct ndl_fit_report *report,
                               struct ndl_error *err)
{
    size_t K = c->o->atoms, d = c->X->cols;
    enum ndl_status status = ndl_matrix_alloc(&model->D, K, d, err);
    if (status == NDL_OK)
        status = ndl_matrix_alloc(&model->b, 1, d, err);
    if (status != NDL_OK)
        return status;
    memcpy(model->D.v, p->T.v, K * d * sizeof *p->T.v);
    memcpy(model->b.v, ndl_row(&p->T, K), d * sizeof *p->T.v);
    model->Z = p->Z;
    p->Z = (struct ndl_codes){0};
    model->lambda = c->o->lambda;
    model->bias = c->o->bias;
    report->loss = p->loss;
    report->residual = p->residual;
    report->curvature = curvature;
    for (size_t k = 0; k < K; k++)
        report->live += ndl_usage(p, k) > 0;
    report->dead = K - report->live;
    report->iterations = c->iterations;
    report->best_start = c->best;
    report->came_down = c->came_down;
    return NDL_OK;
}

enum ndl_status ndl_fit(const struct ndl_matrix *X, const struct ndl_fit_options *options,
                        struct ndl_model *model, struct ndl_fit_report *report,
                        struct ndl_error *err)
{
    *model = (struct ndl_model){0};
    *report = (struct ndl_fit_report){0};
    enum ndl_status status = check(X, options, err);
    if (status != NDL_OK)
        return status;
    size_t starts = (size_t)options->starts;
    bool by_start = starts > 1 && X->rows <= SMALL_SAMPLES;
    struct contest c = {
        .X = X, .o = options, .threads = by_start ? 1 : options->threads, .best = -1};
    struct ndl_reduced f = {0};
    struct ndl_point p = {0};
    double curvature = nan("");
    pthread_mutex_init(&c.lock, NULL);
    c.loss = calloc(starts, sizeof *c.loss);
    if (!c.loss)
        status = ndl_fail(err, NDL_NOMEM, "no memory for %zu starts", starts);
    if (status == NDL_OK) {
        ndl_parallel(starts, 1, by_start ? options->threads : 1, start_work, &c);
        if (c.status != NDL_OK)
            status = ndl_fail(err, c.status, "%s", c.failure.text);
    }
    if (status == NDL_OK)
        status = ndl_reduced_alloc(&f, X, options->atoms, options->lambda, options->bias,
                                   options->threads, err);
    if (status == NDL_OK)
        status = ndl_point_alloc(&p, &f, err);
    if (status == NDL_OK)
        status = finish(&c, &f, &p, &curvature, err);
    if (status == NDL_OK)
        status = deliver(&c, &p, curvature, model, report, err);
    if (status == NDL_OK) {
        report->start_loss = c.loss;
        c.loss = NULL;
        if (!(report->residual <= options->tolerance))
            status = ndl_fail(err, NDL_NOCONV,
                              "fit: relative residual %.3g after %d iterations, not %.3g",
                              report->residual, report->iterations, options->tolerance);
    } else {
        ndl_model_free(model);
    }
    free(c.loss);
    ndl_matrix_free(&c.T);
    ndl_point_free(&p);
    ndl_reduced_free(&f);
    pthread_mutex_destroy(&c.lock);
    return status;
}

/* descent.c -- one descent to a local minimum of the reduced loss.
 *
 * A descent has two phases.  Alternation codes all samples exactly, then improves the atoms and
 * the bias one at a time, each to its exact minimum with the codes held; that goes on while it
 * pays.  Truncated Newton steps (newton.c) finish.  A dead atom is put along the largest residual
 * above lambda/2 (theory of the wide limit: there, and only there, one more atom lowers the loss).
 * No step raises the loss.
 *
 * With a small penalty the reduced loss is full of kinks and its valleys are narrow.  A descent by
 * continuation therefore begins with a larger penalty and lowers it in steps. */
#include "fit.h"

#include "vec.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PASSES = 50, /* of one alternation, at most */
    ROUNDS = 20  /* of alternation and Newton, at most */
};

/* A dead atom is revived for a residual that is longer than lambda/2 by this, relatively. */
static const double REVIVE_MARGIN = 1e-6;
/* A penalty below this share of the mean |x_i - b| is small. */
static const double SMALL_PENALTY = 0.125;
/* The penalty falls by this factor from one step of the continuation to the next. */
static const double CONTINUATION_FACTOR = 4;
/* The relative residual to reach at each penalty but the last. */
static const double CONTINUATION_TOLERANCE = 1e-3;

/* ----------------------------------------------------------------- alternation */

/* One sweep over atoms and bias, codes held: with Q = sum_i (z_i, 1)^T r_i the best unit atom k is
 * along Q_k + (sum_i z_ik^2) d_k.  `next` receives the result; Q follows the changes so far,
 * Q_k = -gradient_k / 2 - sum_j moment_kj (next_j - T_j). */
static void sweep(const struct ndl_reduced *f, const struct ndl_point *p, double *change,
                  struct ndl_point *next)
{
    size_t K = f->K, d = f->d;
    memcpy(next->atoms_and_bias.v, p->atoms_and_bias.v,
           (K + 1) * d * sizeof *next->atoms_and_bias.v);
    memset(change, 0, (K + 1) * d * sizeof *change);
    for (size_t k = 0; k < K + f->bias; k++) {
        const double *moment = ndl_row(&p->moment, k);
        double *row = ndl_row(&next->atoms_and_bias, k), *moved = change + k * d;
        if (!(moment[k] > 0))
            continue;
        for (size_t j = 0; j < d; j++)
            row[j] =
                ndl_row(&p->gradient, k)[j] / -2 + moment[k] * ndl_row(&p->atoms_and_bias, k)[j];
        for (size_t j = 0; j < K + f->bias; j++)
            if (moment[j] != 0 && j != k)
                ndl_axpy(d, -moment[j], change + j * d, row);
        double norm = k < K ? ndl_norm(d, row) : moment[k];
        if (!(norm > 0)) /* every direction is as good: stay */
            memcpy(row, ndl_row(&p->atoms_and_bias, k), d * sizeof *row);
        else
            for (size_t j = 0; j < d; j++)
                row[j] /= norm;
        for (size_t j = 0; j < d; j++)
            moved[j] = row[j] - ndl_row(&p->atoms_and_bias, k)[j];
    }
}

/* Puts dead atoms of `next`, by the usage at p, along the longest residuals at p, one sample
 * each, while these exceed lambda/2; returns how many.  No revival raises the loss: a dead atom
 * contributed nothing. */
static size_t revive(const struct ndl_reduced *f, struct ndl_point *p, struct ndl_point *next)
{
    size_t revived = 0;
    double threshold = f->lambda / 2 * (1 + REVIVE_MARGIN);
    for (size_t k = 0; k < f->K; k++) {
        if (ndl_usage(p, k) > 0)
            continue;
        size_t longest = 0;
        for (size_t i = 1; i < f->X->rows; i++)
            if (p->residual_norm[i] > p->residual_norm[longest])
                longest = i;
        if (!(p->residual_norm[longest] > threshold))
            break;
        double *atom = ndl_row(&next->atoms_and_bias, k);
        ndl_reduced_residual(f, p, longest, atom);
        ndl_normalise(f->d, atom);
        p->residual_norm[longest] = 0; /* taken */
        revived++;
    }
    return revived;
}

enum ndl_status ndl_alternate(struct ndl_reduced *f, struct ndl_point *p, double slow,
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

/* Where Newton gets stuck at a kink another alternation may help. */
enum ndl_status ndl_descend(struct ndl_reduced *f, struct ndl_point *p, struct ndl_descent *run,
                            struct ndl_error *err)
{
    enum ndl_status status = ndl_reduced_eval(f, p, NULL, err);
    for (int round = 0; status == NDL_OK && round < ROUNDS; round++) {
        double before = p->loss;
        status = ndl_alternate(f, p, NDL_SLOW, run, err);
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

/* ---------------------------------------------------------------- continuation */

double ndl_continuation_start(const struct ndl_reduced *f, const struct ndl_point *p)
{
    const struct ndl_matrix *X = f->X;
    double size = 0, top = f->lambda;
    for (size_t i = 0; i < X->rows; i++) {
        double square = 0;
        for (size_t j = 0; j < f->d; j++) {
            double centred = ndl_row(X, i)[j] - ndl_row(&p->atoms_and_bias, f->K)[j];
            square += centred * centred;
        }
        size += sqrt(square) / (double)X->rows;
    }
    while (top * CONTINUATION_FACTOR <= SMALL_PENALTY * size)
        top *= CONTINUATION_FACTOR;
    return top;
}

enum ndl_status ndl_descend_by_continuation(struct ndl_reduced *f, struct ndl_point *p, double top,
                                            struct ndl_descent *run, struct ndl_error *err)
{
    double lambda = f->lambda, tolerance = run->tolerance;
    enum ndl_status status = NDL_OK;
    run->tolerance = fmax(CONTINUATION_TOLERANCE, tolerance);
    for (f->lambda = top; status == NDL_OK && f->lambda > lambda * 1.5;
         f->lambda /= CONTINUATION_FACTOR)
        status = ndl_descend(f, p, run, err);
    f->lambda = lambda;
    run->tolerance = tolerance;
    return status == NDL_OK ? ndl_descend(f, p, run, err) : status;
}

enum ndl_status ndl_descend_from_given(struct ndl_reduced *f, struct ndl_point *p,
                                       struct ndl_descent *run, bool *used_continuation,
                                       struct ndl_error *err)
{
    double top = ndl_continuation_start(f, p);
    struct ndl_point lower;
    enum ndl_status status = ndl_descend(f, p, run, err);
    if (status != NDL_OK || p->residual <= run->tolerance || run->iterations < run->limit ||
        !(top > f->lambda))
        return status;
    run->limit += run->limit < INT_MAX / 2 ? run->limit : 0;
    status = ndl_point_alloc(&lower, f, err);
    if (status != NDL_OK)
        return status;
    memcpy(lower.atoms_and_bias.v, p->atoms_and_bias.v,
           p->atoms_and_bias.rows * p->atoms_and_bias.cols * sizeof *p->atoms_and_bias.v);
    status = ndl_descend_by_continuation(f, &lower, top, run, err);
    *used_continuation = status == NDL_OK && lower.loss < p->loss;
    if (*used_continuation) {
        struct ndl_point higher = *p;
        *p = lower;
        lower = higher;
    }
    ndl_point_free(&lower);
    return status;
}

/** # The convex problem, solved

Claim `cone`.  With the dictionary eliminated the loss is a convex function $G(Q)$ of $Q = Z
Z^\top$ ([reformulations](reformulations.html)), and with any number of atoms $Q$ may be any
completely positive matrix.  Optimality over that cone is hard to decide in general.  Here it is
not: $\nabla G = \mu \mathbf 1 \mathbf 1^\top - R R^\top / \mu$, with the residuals $R$ and $\mu =
\lambda/2$, is nonnegative along every ray $z z^\top$, $z \ge 0$, if and only if $|r_i| \le \mu$
for all samples, and the steepest ray is $e_i e_i^\top$ for the longest residual.  So from any
$Q_0$ the minimum over the cone is that over the matrices

$$ s Q_0 + \mathrm{diag}(q), \qquad s, q \ge 0 , $$

a smooth convex problem in $N + 1$ variables, and its value is $\min_b \sum_i H(|x_i - b|)$.

It is solved by a general-purpose minimiser, from $Q_0$ of random codes and from those of learned
dictionaries of one atom to one per sample.  The latter, local minima in $Z$, are seen not to be
minima in $Q$: along the straight line from $Q_0$ to the minimum the loss falls all the way, and
its first slope is negative.  Their own losses, $G$ confined to completely positive matrices of
rank $K$, meet the minimum when $K$ reaches the number of rays.  Controls: $\lambda \sum_i |x_i|$
for the value; the set of rank $K$, one atom short.

- Reads nothing: the data are drawn from the seed.
- Writes: `cone.tsv`; `cone-path` (loss of $K$ atoms, and where the convex descent from there
  ends), `cone-line` (the loss along the line).
- Falsified by: another value; a start from which it is not reached; a residual longer than
  $\lambda/2$ at the end; a line along which the loss rises. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { RAYS = 8, PER_RAY = 2, N = RAYS * PER_RAY, D = 4, SETS = 3, STARTS = 4, STEPS = 20 };
static const double LAMBDA = 0.2;

/** ## The convex problem

In the variables $u$ with $s = u_0^2$, $q_i = u_i^2$: no bounds are left. */
struct problem {
    const struct claim *claim;
    const struct ndl_matrix *X, *Q0;
    bool bias;
    double longest; /* residual over lambda/2, at the last point evaluated */
};

/* G(Q); dG/dQ = mu (1 1^T - Y Y^T) with Y = P X if Y is wanted. */
static double evaluate(const struct problem *p, const struct ndl_matrix *Q, struct ndl_matrix *Y)
{
    struct ndl_error err;
    struct ndl_matrix P;
    double value;
    claim_check_status(p->claim, ndl_eliminated(p->X, Q, LAMBDA, p->bias, &value, &P, Y, &err),
                       &err);
    ndl_matrix_free(&P);
    return value;
}

static struct ndl_matrix matrix_of(const struct problem *p, const gsl_vector *u)
{
    struct ndl_matrix Q = claim_copy(p->claim, p->Q0);
    for (size_t e = 0; e < N * N; e++)
        Q.v[e] *= gsl_pow_2(gsl_vector_get(u, 0));
    for (size_t i = 0; i < N; i++)
        ndl_row(&Q, i)[i] += gsl_pow_2(gsl_vector_get(u, 1 + i));
    return Q;
}

static void value_and_slope(const gsl_vector *u, void *context, double *value, gsl_vector *slope)
{
    struct problem *p = context;
    struct ndl_matrix Y, Q = matrix_of(p, u);
    *value = evaluate(p, &Q, &Y);
    double along = 0;
    p->longest = 0;
    for (size_t i = 0; i < N; i++) {
        double square = ndl_dot(D, ndl_row(&Y, i), ndl_row(&Y, i));
        keep_max(&p->longest, sqrt(square));
        gsl_vector_set(slope, 1 + i, LAMBDA * gsl_vector_get(u, 1 + i) * (1 - square));
        for (size_t j = 0; j < N; j++)
            along += ndl_row(p->Q0, i)[j] * (1 - ndl_dot(D, ndl_row(&Y, i), ndl_row(&Y, j)));
    }
    gsl_vector_set(slope, 0, LAMBDA * gsl_vector_get(u, 0) * along);
    ndl_matrix_free(&Y);
    ndl_matrix_free(&Q);
}

static double value_only(const gsl_vector *u, void *context)
{
    struct ndl_matrix Y, Q = matrix_of(context, u);
    double value = evaluate(context, &Q, &Y);
    ndl_matrix_free(&Y);
    ndl_matrix_free(&Q);
    return value;
}

static void slope_only(const gsl_vector *u, void *context, gsl_vector *slope)
{
    double value;
    value_and_slope(u, context, &value, slope);
}

/* The minimum from Q0; `end` receives the matrix, p->longest its longest residual. */
static double minimise(struct problem *p, struct ndl_matrix *end)
{
    gsl_multimin_function_fdf f = {value_only, slope_only, value_and_slope, N + 1, p};
    gsl_vector *u = gsl_vector_alloc(N + 1);
    gsl_vector_set_all(u, 0.1);
    gsl_vector_set(u, 0, 1);
    gsl_multimin_fdfminimizer *s =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, N + 1);
    gsl_multimin_fdfminimizer_set(s, &f, u, 0.1, 0.1);
    for (int i = 0; i < 2000 && gsl_multimin_test_gradient(s->gradient, 1e-8) != GSL_SUCCESS; i++)
        if (gsl_multimin_fdfminimizer_iterate(s) != GSL_SUCCESS)
            break; /* no further progress in doubles */
    double value = s->f;
    slope_only(s->x, p, u);
    *end = matrix_of(p, s->x);
    gsl_multimin_fdfminimizer_free(s);
    gsl_vector_free(u);
    return value;
}

/** ## Starts and lines */
static struct ndl_matrix gram(const struct claim *claim, const struct ndl_matrix *Z)
{
    struct ndl_matrix Q = claim_matrix(claim, N, N);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            ndl_row(&Q, i)[j] = ndl_dot(Z->cols, ndl_row(Z, i), ndl_row(Z, j));
    return Q;
}

struct found {
    double value, value_naive; /* largest |end / bound - 1|; smallest by lambda sum |x|, no bias */
    double longest;            /* largest residual over lambda/2 at an end */
    double rise, first;        /* along the lines: largest rise of a step, largest first step */
    double short_gap, met;     /* relative gap of K = rays - 1, least, and of K = rays, largest */
    size_t starts;
};

/* Adds the start Q0 to f; returns where it ends over the bound. */
static double descend(struct claim *claim, const struct ndl_matrix *X, const struct ndl_matrix *Q0,
                      bool bias, double bound, bool shown, struct found *f)
{
    struct problem p = {claim, X, Q0, bias, 0};
    struct ndl_matrix end, Q = claim_copy(claim, Q0), Y;
    double value = minimise(&p, &end), before = 0;
    keep_max(&f->value, fabs(value / bound - 1));
    keep_max(&f->longest, p.longest);
    for (int step = 0; step <= STEPS; step++) {
        double t = (double)step / STEPS;
        for (size_t e = 0; e < N * N; e++)
            Q.v[e] = (1 - t) * Q0->v[e] + t * end.v[e];
        double now = evaluate(&p, &Q, &Y) / bound;
        ndl_matrix_free(&Y);
        if (step > 0)
            keep_max(step == 1 ? &f->first : &f->rise, now - before);
        if (shown)
            claim_row(claim, t, now);
        before = now;
    }
    f->starts++;
    ndl_matrix_free(&end);
    ndl_matrix_free(&Q);
    return value / bound;
}

static struct ndl_matrix draw_rays(const struct claim *claim, gsl_rng *rng)
{
    struct ndl_matrix X = claim_matrix(claim, N, D);
    for (size_t ray = 0; ray < RAYS; ray++) {
        double u[D];
        ndl_random_unit(rng, u, D);
        for (size_t i = 0; i < PER_RAY; i++)
            ndl_axpy(D, gsl_ran_flat(rng, 0.5, 1.5), u, ndl_row(&X, ray * PER_RAY + i));
    }
    return X;
}

/* Random codes of random width. */
static void start_anywhere(struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X, bool bias,
                           double bound, struct found *f)
{
    for (int start = 0; start < STARTS; start++) {
        struct ndl_matrix Z = claim_matrix(claim, N, 1 + gsl_rng_uniform_int(rng, N));
        for (size_t e = 0; e < Z.rows * Z.cols; e++)
            Z.v[e] = gsl_rng_uniform(rng) < 0.5 ? gsl_ran_exponential(rng, 0.5) : 0;
        struct ndl_matrix Q0 = gram(claim, &Z);
        descend(claim, X, &Q0, bias, bound, false, f);
        ndl_matrix_free(&Z);
        ndl_matrix_free(&Q0);
    }
}

/* The codes of learned dictionaries, in the scale in which G is their loss: each column times
 * |d_k| = sum_i z_ik to the power -1/2. */
static struct ndl_matrix learned(const struct claim *claim, gsl_rng *rng,
                                 const struct ndl_matrix *X, size_t K, bool bias, double *loss)
{
    struct ndl_model m = claim_fit_random(claim, rng, X, K, LAMBDA, bias, 10, loss);
    struct ndl_matrix Z = claim_dense(claim, &m);
    for (size_t k = 0; k < K; k++) {
        double sum = N * measure_column_mean(&Z, k);
        for (size_t i = 0; i < N && sum > 0; i++)
            ndl_row(&Z, i)[k] /= sqrt(sum);
    }
    struct ndl_matrix Q0 = gram(claim, &Z);
    ndl_matrix_free(&Z);
    ndl_model_free(&m);
    return Q0;
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Solves the convex problem with the dictionary eliminated over all completely positive "
        "matrices.\vExample: cone --seed 2 --out build/results");
    struct found f = {.value_naive = HUGE_VAL, .rise = -1, .first = -1, .short_gap = HUGE_VAL};
    double path[RAYS + 2][2];
    for (uint64_t set = 0; set < SETS; set++) {
        gsl_rng *rng = claim_rng(claim, set);
        struct ndl_matrix X = draw_rays(claim, rng);
        for (int bias = 0; bias < 2; bias++) {
            double loss, naive = 0, bound = claim_wide_bound(claim, &X, LAMBDA, bias, NULL);
            for (size_t i = 0; i < N; i++)
                naive += LAMBDA * ndl_norm(D, ndl_row(&X, i));
            if (!bias)
                keep_min(&f.value_naive, fabs(naive / bound - 1));
            start_anywhere(claim, rng, &X, bias, bound, &f);
            for (size_t K = 1; K <= RAYS + 1; K++) {
                bool shown = set == 0 && !bias && K == 3;
                struct ndl_matrix Q0 = learned(claim, rng, &X, K, bias, &loss);
                if (shown)
                    claim_table(claim, "line",
                                "t 1 0 from three atoms, 0, to the minimum, 1\n"
                                "loss 1 1e-6 over the bound");
                /* from the optimum itself there is nothing to descend */
                double end =
                    loss / bound - 1 > 1e-6 ? descend(claim, &X, &Q0, bias, bound, shown, &f) : 1;
                if (set == 0 && !bias) {
                    path[K][0] = loss / bound;
                    path[K][1] = end;
                }
                if (!bias && K == RAYS - 1)
                    keep_min(&f.short_gap, loss / bound - 1);
                if (!bias && K == RAYS)
                    keep_max(&f.met, loss / bound - 1);
                ndl_matrix_free(&Q0);
            }
        }
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, set + 1, SETS, "data sets");
    }
    claim_table(claim, "path",
                "K - 0 atoms, no bias\n"
                "loss 1 1e-3 over the bound\n"
                "end 1 1e-6 of the convex descent from there");
    for (size_t K = 1; K <= RAYS + 1; K++)
        claim_row(claim, (double)K, path[K][0], path[K][1]);
    claim_values(
        claim, NULL, {"value", f.value, CLAIM_NOT_COMPARED, "largest |minimum / bound - 1|"},
        {"value_naive", f.value_naive, CLAIM_NOT_COMPARED,
         "smallest |lambda sum |x| / bound - 1|, no bias"},
        {"longest", f.longest, CLAIM_NOT_COMPARED, "longest residual at a minimum, over lambda/2"},
        {"rise", f.rise, CLAIM_NOT_COMPARED,
         "largest change over a step of a line to the minimum, over the bound"},
        {"first", f.first, CLAIM_NOT_COMPARED, "the same for the first step"},
        {"short_gap", f.short_gap, CLAIM_NOT_COMPARED,
         "no bias, an atom fewer than rays: least gap to the bound"},
        {"met", f.met, CLAIM_NOT_COMPARED,
         "no bias, an atom for each ray: largest gap to the bound"},
        {"starts", (double)f.starts, CLAIM_NOT_COMPARED, "convex problems solved"},
        {"samples", N, CLAIM_EXACT, "N"}, {"rays", RAYS, CLAIM_EXACT, "rays"},
        {"lambda", LAMBDA, CLAIM_EXACT, "lambda"});
    return claim_end(claim);
}

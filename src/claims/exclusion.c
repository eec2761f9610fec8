/** # Mutual exclusion: when is it stable?

Claim `exclusion`.  Two features that never fire together and are sometimes both off have, while
one is off, the whole range of the other, zero included.  The lower end of the hull condition then holds by
itself, and the pair is a local optimum of the limit $\lambda \to 0$ if

$$ m_1 (1 - h) < \max z_1 \quad\text{and}\quad m_2 (1 - h) < \max z_2, \qquad h = d_1 \cdot d_2, $$

and is not one if either is reversed.  For features that are all or nothing: each fires on at most $1 / (1 - h)$ of the
samples.  The solver is started at exactly such pairs, on a grid of $h$ and the rate $p$ of feature 1.

A pair that fails leaves along $z_2 \leftarrow z_2 + \epsilon (\max z_1 - z_1)$, $d_1 \leftarrow d_1 + \epsilon d_2$,
and comes to rest where the condition holds again: at the cosine $h' = 1 - 1/p$ if all or nothing, so that
atom 1 turns by

$$ \arccos h - \arccos(1 - 1/p). $$

Atom 2 keeps its place while $\epsilon (2 p - 1) \le q$, with $q$ the rate of feature 2; $\epsilon =
\sin(\theta - \theta') / \sin \theta'$ by the law of sines; beyond that the pair collapses.

"Exclusive features are always stable" needs provisos; each is shown by a pair that breaks it:

- *antipodal*: $h = -1$, one side fires in nine of ten samples.
- *never off*: one of the two always fires.  Zero is not in the range, and $\min z_j \le m_j (1 - h)$ is wanted too.
- *dependent*: at $h = -1$ the atoms are linearly dependent, and to be interior of all hulls does not suffice.
  The exact condition is that of the median: either side fires on at most half of the samples.

- Writes: `exclusion.tsv`; `exclusion-grid` (rate and cosine), `exclusion-never` (spread and cosine, never both
  off), `exclusion-turn` (how far atom 1 turns).
- Falsified by: a point of a grid on the wrong side of the formula; another turn or slope; a solver that stays
  where a proviso is broken. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "claim.h"

static const double LAMBDA = 1e-4;
enum { RATE_SAMPLES = 40, MOST = 201, TRIALS = 20, RANDOM_POINTS = 100 };

/* Feature 1 fires in the first on[0] samples, feature 2 in the next on[1], neither in the rest. */
struct pair {
    double h;
    size_t on[2], neither;
    double z[2][MOST]; /* activations where on */
};

static size_t samples(const struct pair *p)
{
    return p->on[0] + p->on[1] + p->neither;
}

/* Evenly spread activations of mean 1 between 1 - spread and 1 + spread. */
static void spread_evenly(struct pair *p, double spread)
{
    for (size_t j = 0; j < 2; j++)
        for (size_t i = 0; i < p->on[j]; i++)
            p->z[j][i] = p->on[j] > 1 ? 1 + spread * (2 * (double)i / (double)(p->on[j] - 1) - 1) : 1;
}

static void spread_at_random(struct pair *p, double low, double high, gsl_rng *rng)
{
    for (size_t j = 0; j < 2; j++)
        for (size_t i = 0; i < p->on[j]; i++)
            p->z[j][i] = gsl_ran_flat(rng, low, high);
}

/** ## The formula

The signed distance of $h$ to the nearer end of the worse hull, in units of $\tilde z = 1 - z/m$.  The lower end
matters only if the pair is never both off. */
struct range {
    double mean, low, high; /* of z_j: over all samples; where on */
};

static struct range range_of(const struct pair *p, size_t j)
{
    struct range r = {0, DBL_MAX, 0};
    for (size_t i = 0; i < p->on[j]; i++) {
        r.mean += p->z[j][i] / (double)samples(p);
        r.low = fmin(r.low, p->z[j][i]);
        r.high = fmax(r.high, p->z[j][i]);
    }
    return r;
}

// [anchor:exclusion-formula]
static double margin_by_formula(const struct pair *p)
{
    double margin = DBL_MAX;
    for (size_t j = 0; j < 2; j++) {
        struct range r = range_of(p, j);
        margin = fmin(margin, r.high / r.mean - (1 - p->h));
        if (p->neither == 0)
            margin = fmin(margin, (1 - p->h) - r.low / r.mean);
    }
    return margin;
}
// [end:exclusion-formula]

/* ---------------------------------------------------------------- the solver */

static void represent(struct claim *claim, const struct pair *p, struct ndl_matrix *X, struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    *m = (struct ndl_model){.lambda = LAMBDA, .bias = true};
    claim_must(claim, ndl_matrix_alloc(&m->D, 2, 2, &err), &err);
    claim_must(claim, ndl_matrix_alloc(&m->b, 1, 2, &err), &err);
    claim_must(claim, ndl_matrix_alloc(&Z, samples(p), 2, &err), &err);
    claim_must(claim, ndl_matrix_alloc(X, samples(p), 2, &err), &err);
    memcpy(m->D.v, (double[]){1, 0, p->h, sqrt(1 - p->h * p->h)}, 4 * sizeof(double));
    for (size_t j = 0, row = 0; j < 2; j++)
        for (size_t i = 0; i < p->on[j]; i++, row++) {
            ndl_row(&Z, row)[j] = p->z[j][i];
            for (size_t c = 0; c < 2; c++)
                ndl_row(X, row)[c] = p->z[j][i] * ndl_row(&m->D, j)[c];
        }
    claim_must(claim, ndl_codes_from_dense(&m->Z, &Z, &err), &err);
    ndl_matrix_free(&Z);
}

/* Where the solver goes from a representation: the angles by which atoms turn and how far the bias moves. */
struct move {
    double turn[2], shift;
    bool converged;
};

static struct move solve(struct claim *claim, const struct pair *p, double lambda)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_model start, end;
    struct ndl_fit_report report;
    struct ndl_fit_options options = ndl_fit_defaults(2, lambda);
    struct move move;
    represent(claim, p, &X, &start);
    options.D0 = &start.D;
    options.b0 = &start.b;
    options.tolerance = 1e-9; /* residuals are relative to lambda, which is small */
    options.max_iterations = 20000;
    enum ndl_status status = ndl_fit(&X, &options, &end, &report, &err);
    if (status != NDL_NOCONV)
        claim_must(claim, status, &err);
    move.converged = status == NDL_OK;
    for (size_t k = 0; k < 2; k++) {
        const double *u = ndl_row(&start.D, k), *v = ndl_row(&end.D, k);
        move.turn[k] = fabs(atan2(u[0] * v[1] - u[1] * v[0], u[0] * v[0] + u[1] * v[1]));
    }
    move.shift = hypot(end.b.v[0], end.b.v[1]);
    ndl_fit_report_free(&report);
    ndl_model_free(&start);
    ndl_model_free(&end);
    ndl_matrix_free(&X);
    return move;
}

/* An optimum of the limit moves by O(lambda), a tenth as far at a tenth of lambda.  A pair that misses the condition by
 * delta turns by delta / sqrt(1 - h^2) or more, to first order in delta, whatever lambda.  So one that turns by
 * less than NEAR at lambda / 10 stays; margins below NEAR could not be told apart.  Where the solver stays it converges
 * in a few steps; a run that ends in a narrow valley without converging has left. */
static const double NEAR = 0.01;
struct outcome {
    double moved, ratio; /* larger turn of the two atoms, radians; and that at lambda / 10 over it */
    bool stays;
};

static struct outcome judge(struct claim *claim, const struct pair *p)
{
    struct move far = solve(claim, p, LAMBDA), near = solve(claim, p, LAMBDA / 10);
    double moved = fmax(far.turn[0], far.turn[1]), moved_tenth = fmax(near.turn[0], near.turn[1]);
    return (struct outcome){moved, moved_tenth / fmax(moved, 1e-8), /* 1e-8: as good as no turn at all */
                            near.converged && moved_tenth < NEAR};
}

/** ## Grids

What disagrees is counted for the formula and for two that one might write instead. */
struct tally {
    size_t points, stable, disagree, skipped;
    size_t disagree_always, disagree_half;   /* controls: all pairs stable; stable if rates are below one half */
    size_t disagree_upper, disagree_constant; /* controls: the lower end left out; activations taken for constant */
    double nearest;                           /* least |margin| */
    double stays, ratio, leaves;              /* largest turn and ratio where it stays; least turn elsewhere */
};
static const struct tally NO_TALLY = {.nearest = DBL_MAX, .leaves = DBL_MAX};

static bool formula_with_upper_end_only(const struct pair *p)
{
    return fmin(range_of(p, 0).high / range_of(p, 0).mean, range_of(p, 1).high / range_of(p, 1).mean) > 1 - p->h;
}

static struct outcome add_point(struct claim *claim, const struct pair *p, struct tally *t)
{
    double margin = margin_by_formula(p);
    struct outcome o = judge(claim, p);
    double rate = (double)GSL_MAX(p->on[0], p->on[1]) / (double)samples(p);
    t->points++;
    t->stable += o.stays;
    t->disagree += o.stays != (margin > 0);
    t->disagree_always += !o.stays;
    t->disagree_half += o.stays != (rate <= 0.5);
    t->disagree_upper += o.stays != formula_with_upper_end_only(p);
    t->disagree_constant += o.stays != (rate * (1 - p->h) < 1);
    t->nearest = fmin(t->nearest, fabs(margin));
    if (o.stays) {
        t->stays = fmax(t->stays, o.moved);
        t->ratio = fmax(t->ratio, o.ratio);
    } else
        t->leaves = fmin(t->leaves, o.moved);
    return o;
}

/* All or nothing, sometimes both off: rates 0.05 to 0.95, cosines -0.9 to 0.6. */
static struct tally rate_grid(struct claim *claim)
{
    struct tally t = NO_TALLY;
    claim_table(claim, "grid",
                "cosine 1 0 d_1 . d_2\nrate 1 0 of feature 1\nmargin 1 1e-9 by the formula, positive: stable\n"
                "stays - 0 whether the solver stays\nturn rad inf larger turn of the two atoms; leavers may end in "
                "any of several valleys");
    for (int c = -9; c <= 6; c++) {
        for (size_t on = 2; on < RATE_SAMPLES - 1; on += 2) {
            struct pair p = {.h = c / 10.0, .on = {on, (RATE_SAMPLES - on) / 2}};
            p.neither = RATE_SAMPLES - p.on[0] - p.on[1];
            spread_evenly(&p, 0);
            struct outcome o = add_point(claim, &p, &t);
            claim_row(claim, (const double[]){p.h, (double)on / RATE_SAMPLES, margin_by_formula(&p), o.stays, o.moved});
        }
        claim_progress(claim, (size_t)(c + 10), 16, "cosines");
    }
    return t;
}

/* Each fires in half of the samples, never both off: spreads 0.05 to 0.95. */
static struct tally never_off_grid(struct claim *claim)
{
    struct tally t = NO_TALLY;
    claim_table(claim, "never",
                "cosine 1 0 d_1 . d_2\nspread 1 0 activations lie evenly in 1 - spread to 1 + spread\n"
                "margin 1 1e-9 by the formula\nstays - 0 whether the solver stays\nturn rad inf larger turn");
    for (int c = -8; c <= 8; c += 2)
        for (int s = 1; s < 20; s += 2) {
            struct pair p = {.h = c / 10.0, .on = {RATE_SAMPLES / 2, RATE_SAMPLES / 2}};
            spread_evenly(&p, s / 20.0);
            struct outcome o = add_point(claim, &p, &t);
            claim_row(claim, (const double[]){p.h, s / 20.0, margin_by_formula(&p), o.stays, o.moved});
        }
    return t;
}

/* Random cosines, rates and spreads; those with a margin below 2 NEAR are skipped. */
static struct tally random_points(struct claim *claim)
{
    struct tally t = NO_TALLY;
    for (size_t trial = 0; t.points < RANDOM_POINTS; trial++) {
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        struct pair p = {.h = gsl_ran_flat(rng, -0.95, 0.5), .on = {12 + gsl_rng_uniform_int(rng, 44), 0}};
        p.on[1] = 1 + gsl_rng_uniform_int(rng, 59 - p.on[0]);
        p.neither = 60 - p.on[0] - p.on[1];
        double spread = 0.9 * gsl_rng_uniform(rng);
        spread_at_random(&p, 1 - spread, 1 + spread, rng);
        if (fabs(margin_by_formula(&p)) < 2 * NEAR)
            t.skipped++;
        else
            add_point(claim, &p, &t);
        gsl_rng_free(rng);
    }
    return t;
}

/** ## How far atom 1 turns

Where atom 2 cannot keep its place, the pair collapses: the bias goes to $d_1$, the median of the data, and the
two atoms to $(d_2 - d_1) / |d_2 - d_1|$ and $-d_1$.  That is again an exclusive pair, at an acute angle, and stable. */
static void turns(struct claim *claim)
{
    const double h = -0.4, theta = acos(h), collapsed = M_PI - acos(sqrt((1 - h) / 2));
    double error = 0, error_collapsed = 0, error_orthogonal = 0, collapses = 0;
    claim_table(claim, "turn",
                "rate 1 0 of feature 1\npredicted rad 1e-9 turn of atom 1\n"
                "collapses - 0 whether atom 2 cannot keep its place\nmeasured rad 1e-4 turn of atom 1");
    for (size_t on = 60; on <= 94; on += 2) {
        struct pair p = {.h = h, .on = {on, (100 - on) * 3 / 4}};
        p.neither = 100 - p.on[0] - p.on[1];
        spread_evenly(&p, 0);
        double rate = (double)on / 100, rest = fmin(theta, acos(1 - 1 / rate));
        double eps = sin(theta - rest) / sin(rest);
        bool collapse = eps * (2 * rate - 1) > (double)p.on[1] / 100;
        double predicted = collapse ? collapsed : theta - rest, measured = solve(claim, &p, LAMBDA).turn[0];
        claim_row(claim, (const double[]){rate, predicted, collapse, measured});
        if (collapse) {
            collapses++;
            error_collapsed = fmax(error_collapsed, fabs(measured - predicted));
        } else {
            error = fmax(error, fabs(measured - predicted));
            error_orthogonal = fmax(error_orthogonal, fabs(measured - (theta - M_PI / 2)));
        }
    }
    claim_scalar(claim, "turn.cosine", h, CLAIM_EXACT, "d_1 . d_2 at the start");
    claim_scalar(claim, "turn.threshold", 1 / (1 - h), CLAIM_CONVERGED, "the rate above which the pair is unstable");
    claim_scalar(claim, "turn.error", error, 1e-4, "largest |measured - predicted| turn of atom 1, radians");
    claim_scalar(claim, "turn.error_orthogonal", error_orthogonal, 1e-4,
                 "the same with the guess that atom 1 turns until it is orthogonal to atom 2");
    claim_scalar(claim, "turn.collapses", collapses, CLAIM_EXACT, "rates at which atom 2 cannot keep its place");
    claim_scalar(claim, "turn.error_collapsed", error_collapsed, 1e-4, "largest |measured - predicted| turn there");
}

/** ## The provisos

The slope is that of the certificate's direction; the formula for it is $m_j (1-h) - \min z_j$ if too little is
wanted and $\max z_j - m_j (1-h)$ if too much. */
static double measured_slope(struct claim *claim, const struct pair *p)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_model m;
    struct ndl_condition condition[2];
    double slope = 0;
    represent(claim, p, &X, &m);
    for (size_t k = 0; k < 2; k++)
        claim_must(claim, ndl_condition_check(&m, k, NULL, 0, NDL_AUTO, 0, 0, &condition[k], &err), &err);
    const struct ndl_condition *worst = &condition[condition[1].slope < condition[0].slope];
    if (!worst->holds) { /* second-order one-sided difference: eps >= 0 only */
        const double step = 1e-4;
        double change[2];
        for (int s = 0; s < 2; s++) {
            struct ndl_model moved;
            claim_must(claim, ndl_condition_step(&m, worst, (s + 1) * step, &moved, &err), &err);
            change[s] = (ndl_loss(&X, &moved) - ndl_loss(&X, &m)) / ((double)X.rows * LAMBDA);
            ndl_model_free(&moved);
        }
        slope = (4 * change[0] - change[1]) / (2 * step);
    }
    for (size_t k = 0; k < 2; k++)
        ndl_condition_free(&condition[k]);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    return slope;
}

/* The steepest of the four slopes, 0 if none is negative. */
static double predicted_slope(const struct pair *p)
{
    double slope = 0;
    for (size_t j = 0; j < 2; j++) {
        struct range r = range_of(p, j);
        slope = fmin(slope, r.high - r.mean * (1 - p->h));
        if (p->neither == 0)
            slope = fmin(slope, r.mean * (1 - p->h) - r.low);
    }
    return slope;
}

/* Where the wide limit has its bias: on a line, two antipodal atoms reach it. */
static double huber_location(struct claim *claim, const struct pair *p)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_model m;
    double bound, b[2];
    represent(claim, p, &X, &m);
    claim_must(claim, ndl_wide_bound(&X, LAMBDA, true, &bound, b, &err), &err);
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    return hypot(b[0], b[1]);
}

struct proviso {
    const char *name;
    double h, low, high;
    size_t on[2], neither, healthy_on[2], healthy_neither;
    double healthy_h;
};

/* On a line the atoms cannot turn usefully and it is the bias that leaves; in the plane an atom turns. */
static double distance(const struct pair *p, struct move move)
{
    return p->h > -1 ? fmax(move.turn[0], move.turn[1]) : move.shift;
}

static void examine(struct claim *claim, const struct proviso *v, size_t stream)
{
    double error = 0, margin_low = DBL_MAX, margin_high = -DBL_MAX, healthy = DBL_MAX;
    double leaves = DBL_MAX, stays = 0, shift_error = 0, slope = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, stream + trial);
        struct pair p = {.h = v->h, .on = {v->on[0], v->on[1]}, .neither = v->neither};
        struct pair q = {.h = v->healthy_h, .on = {v->healthy_on[0], v->healthy_on[1]}, .neither = v->healthy_neither};
        spread_at_random(&p, v->low, v->high, rng);
        spread_at_random(&q, v->low, v->high, rng);
        struct move move = solve(claim, &p, LAMBDA);
        error = fmax(error, fabs(measured_slope(claim, &p) - predicted_slope(&p)));
        slope += predicted_slope(&p) / TRIALS;
        margin_low = fmin(margin_low, margin_by_formula(&p));
        margin_high = fmax(margin_high, margin_by_formula(&p));
        healthy = fmin(healthy, margin_by_formula(&q));
        leaves = fmin(leaves, distance(&p, move));
        stays = fmax(stays, distance(&q, solve(claim, &q, LAMBDA)));
        if (v->h <= -1)
            shift_error = fmax(shift_error, fabs(move.shift - huber_location(claim, &p)));
        gsl_rng_free(rng);
    }
    const struct { const char *key; double value, tolerance; const char *meaning; } scalars[] = {
        {"cosine", v->h, CLAIM_EXACT, "d_1 . d_2"},
        {"margin_least", margin_low, CLAIM_CONVERGED, "least margin of the pair"},
        {"margin", margin_high, CLAIM_CONVERGED, "largest margin of the pair"},
        {"margin_healthy", healthy, CLAIM_CONVERGED, "least margin of the healthy variant"},
        {"slope", slope, CLAIM_CONVERGED, "predicted slope, mean of the trials"},
        {"slope_error", error, CLAIM_ROUNDING, "largest |measured - predicted| slope"},
        {"leaves", leaves, CLAIM_ROUNDING, "least turn of an atom, radians, or, on a line, shift of the bias"},
        {"stays", stays, 1e-3, "largest such turn or shift of the healthy variant"},
        {"shift_error", shift_error, CLAIM_ROUNDING, "on a line: |shift of the bias - Huber location|, at most"}};
    for (size_t s = 0; s < sizeof scalars / sizeof *scalars; s++) {
        char key[64];
        snprintf(key, sizeof key, "%s.%s", v->name, scalars[s].key);
        claim_scalar(claim, key, scalars[s].value, scalars[s].tolerance, scalars[s].meaning);
    }
}

/* Odd numbers of samples, so that medians are unique. */
static const struct proviso PROVISO[] = {
    {"antipodal", -1, 0.8, 1.2, {181, 10}, 10, {91, 90}, 20, -1},
    {"never", 0.2, 0.8, 1.2, {101, 100}, 0, {81, 80}, 40, 0.2},
    {"dependent", -1, 0.2, 1.8, {141, 40}, 20, {141, 40}, 20, -0.8}};

static void record(struct claim *claim, const char *grid, const struct tally *t)
{
    const struct { const char *key; double value, tolerance; const char *meaning; } scalars[] = {
        {"points", (double)t->points, CLAIM_EXACT, "pairs"},
        {"stable", (double)t->stable, CLAIM_EXACT, "pairs at which the solver stays"},
        {"skipped", (double)t->skipped, CLAIM_EXACT, "pairs left out, closer to the boundary than 0.02"},
        {"disagree", (double)t->disagree, CLAIM_EXACT, "pairs at which solver and formula disagree"},
        {"disagree_always", (double)t->disagree_always, CLAIM_EXACT, "the same if all pairs are said to be stable"},
        {"disagree_half", (double)t->disagree_half, CLAIM_EXACT,
         "the same if rates below one half are said to be stable"},
        {"disagree_upper", (double)t->disagree_upper, CLAIM_EXACT, "the same with the lower end of the hull left out"},
        {"disagree_constant", (double)t->disagree_constant, CLAIM_EXACT,
         "the same with the formula for all-or-nothing features"},
        {"nearest", t->nearest, CLAIM_CONVERGED, "least |margin|"},
        {"stays", t->stays, 1e-4, "largest turn of the pairs that stay, radians"},
        {"ratio", t->ratio, 1e-2, "largest such turn at a tenth of lambda over that at lambda"},
        {"leaves", t->leaves, 1e-4, "least turn of the pairs that leave, radians"}};
    for (size_t s = 0; s < sizeof scalars / sizeof *scalars; s++) {
        char key[64];
        snprintf(key, sizeof key, "%s.%s", grid, scalars[s].key);
        claim_scalar(claim, key, scalars[s].value, scalars[s].tolerance, scalars[s].meaning);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Compares the stability region of two mutually exclusive features with the formula, and breaks each of its "
        "provisos.\vExample: exclusion --seed 7 --out build/results");
    struct tally grid = rate_grid(claim), never = never_off_grid(claim), at_random = random_points(claim);
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT, "lambda of the solver runs; also a tenth of it");
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "draws of each proviso");
    claim_scalar(claim, "near", NEAR, CLAIM_EXACT, "a pair that turns by less at lambda / 10 stays, radians");
    record(claim, "grid", &grid);
    record(claim, "never_grid", &never);
    record(claim, "random", &at_random);
    turns(claim);
    for (size_t v = 0; v < sizeof PROVISO / sizeof *PROVISO; v++)
        examine(claim, &PROVISO[v], 10000 * (v + 1));
    return claim_end(claim);
}

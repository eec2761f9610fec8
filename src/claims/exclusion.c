/** # Mutual exclusion: when is it stable?

Claim `exclusion`.  Two features that never fire together and are sometimes both off have, while one
is off, the whole range of the other, zero included.  The lower end of the hull condition then holds
by itself, and the pair is a local optimum of the limit $\lambda \to 0$ if

$$ m_1 (1 - h) < \max z_1 \quad\text{and}\quad m_2 (1 - h) < \max z_2, \qquad h = d_1 \cdot d_2, $$

and is not one if either is reversed.  For features that are all or nothing: each fires on at most
$1 / (1 - h)$ of the samples.  The solver is started at exactly such pairs, on a grid of $h$ and the
rate $p$ of feature 1.

A pair that fails leaves along $z_2 \leftarrow z_2 + \epsilon (\max z_1 - z_1)$,
$d_1 \leftarrow d_1 + \epsilon d_2$, and comes to rest where the condition holds again: at the
cosine $h' = 1 - 1/p$ if all or nothing, so that atom 1 turns by

$$ \arccos h - \arccos(1 - 1/p). $$

Atom 2 keeps its place while $\epsilon (2 p - 1) \le q$, with $q$ the rate of feature 2; $\epsilon =
\sin(\theta - \theta') / \sin \theta'$ by the law of sines; beyond that the pair collapses.

"Exclusive features are always stable" thus needs provisos; [provisos](provisos.html) breaks each.

- Reads nothing: activations are drawn.
- Writes: `exclusion.tsv`; `exclusion-grid` (rate and cosine), `exclusion-never` (spread and cosine,
  never both off), `exclusion-turn` (how far atom 1 turns).
- Falsified by: a point of a grid on the wrong side of the formula; another turn. */
#include <float.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

static const double LAMBDA = 1e-4;
enum { RATE_SAMPLES = 40, MOST = 100, RANDOM_POINTS = 100 };

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
            p->z[j][i] =
                p->on[j] > 1 ? 1 + spread * (2 * (double)i / (double)(p->on[j] - 1) - 1) : 1;
}

static void spread_at_random(struct pair *p, double low, double high, gsl_rng *rng)
{
    for (size_t j = 0; j < 2; j++)
        for (size_t i = 0; i < p->on[j]; i++)
            p->z[j][i] = gsl_ran_flat(rng, low, high);
}

/** ## The formula

The signed distance of $h$ to the nearer end of the worse hull, in units of $\tilde z = 1 - z/m$.
The lower end matters only if the pair is never both off. */
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

/** ## Stays or leaves */

/* Where the solver goes from a representation: the larger of the angles by which atoms turn, and
 * that of atom 1. */
struct move {
    double turn, turn1;
    bool converged;
};

static struct move solve(const struct claim *claim, const struct pair *p, double lambda)
{
    struct ndl_matrix X, Z = claim_matrix(claim, samples(p), 2);
    struct move move;
    for (size_t j = 0, row = 0; j < 2; j++)
        for (size_t i = 0; i < p->on[j]; i++, row++)
            ndl_row(&Z, row)[j] = p->z[j][i];
    struct ndl_model start = claim_planar(claim, p->h, &Z, LAMBDA, &X);
    struct ndl_model end = claim_fit_from_model(claim, &X, &start, lambda, &move.converged);
    move.turn1 = measure_angle(2, ndl_row(&start.D, 0), ndl_row(&end.D, 0));
    move.turn = fmax(move.turn1, measure_angle(2, ndl_row(&start.D, 1), ndl_row(&end.D, 1)));
    ndl_model_free(&start);
    ndl_model_free(&end);
    ndl_matrix_free(&X);
    ndl_matrix_free(&Z);
    return move;
}

/** An optimum of the limit moves by $O(\lambda)$, a tenth as far at a tenth of $\lambda$.  A pair
that misses the condition by $\delta$ turns by $\delta / \sqrt{1 - h^2}$ or more, to first order in
$\delta$, whatever $\lambda$.  So a pair that turns by less than `NEAR` at $\lambda / 10$ stays;
margins below `NEAR` could not be told apart.  Where the solver stays it converges in a few steps; a
run that ends in a narrow valley without converging has left. */
static const double NEAR = 0.01;
struct outcome {
    /* larger turn of the two atoms, radians; and that at lambda / 10 over it */
    double moved, ratio;
    bool stays;
};

static struct outcome judge(const struct claim *claim, const struct pair *p)
{
    struct move far = solve(claim, p, LAMBDA), near = solve(claim, p, LAMBDA / 10);
    /* 1e-8: as good as no turn at all */
    return (struct outcome){far.turn, near.turn / fmax(far.turn, 1e-8),
                            near.converged && near.turn < NEAR};
}

/** ## Grids

What disagrees is counted for the formula and for two that one might write instead. */
struct tally {
    size_t points, stable, disagree, skipped;
    /* controls: all pairs stable; stable if rates are below one half */
    size_t disagree_always, disagree_half;
    /* controls: the lower end left out; activations taken for constant */
    size_t disagree_upper, disagree_constant;
    double nearest; /* least |margin| */
    /* largest turn and ratio where it stays; least, largest else */
    double stays, ratio, leaves, ratio_leaves;
};
static const struct tally NO_TALLY = {.nearest = DBL_MAX, .leaves = DBL_MAX};

static bool formula_with_upper_end_only(const struct pair *p)
{
    return fmin(range_of(p, 0).high / range_of(p, 0).mean,
                range_of(p, 1).high / range_of(p, 1).mean) > 1 - p->h;
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
    } else {
        t->leaves = fmin(t->leaves, o.moved);
        t->ratio_leaves = fmax(t->ratio_leaves, o.ratio);
    }
    return o;
}

/* All or nothing, sometimes both off: rates 0.05 to 0.95, cosines -0.9 to 0.6. */
static struct tally rate_grid(struct claim *claim)
{
    struct tally t = NO_TALLY;
    claim_table(claim, "grid",
                "cosine 1 0 d_1 . d_2\nrate 1 0 of feature 1\nmargin 1 1e-9 by the formula, "
                "positive: stable\n"
                "stays - 0 whether the solver stays\nturn rad inf larger turn of the two atoms; "
                "leavers may end in "
                "any of several valleys");
    for (int c = -9; c <= 6; c++) {
        for (size_t on = 2; on < RATE_SAMPLES - 1; on += 2) {
            struct pair p = {.h = c / 10.0, .on = {on, (RATE_SAMPLES - on) / 2}};
            p.neither = RATE_SAMPLES - p.on[0] - p.on[1];
            spread_evenly(&p, 0);
            struct outcome o = add_point(claim, &p, &t);
            claim_row(claim, p.h, (double)on / RATE_SAMPLES, margin_by_formula(&p), o.stays,
                      o.moved);
        }
        claim_progress(claim, (size_t)(c + 10), 16, "cosines");
    }
    return t;
}

/* Each fires in half of the samples, never both off: spreads 0.05 to 0.95. */
static struct tally never_off_grid(struct claim *claim)
{
    struct tally t = NO_TALLY;
    claim_table(
        claim, "never",
        "cosine 1 0 d_1 . d_2\nspread 1 0 activations lie evenly in 1 - spread to 1 + spread\n"
        "margin 1 1e-9 by the formula\nstays - 0 whether the solver stays\nturn rad inf larger "
        "turn");
    for (int c = -8; c <= 8; c += 2)
        for (int s = 1; s < 20; s += 2) {
            struct pair p = {.h = c / 10.0, .on = {RATE_SAMPLES / 2, RATE_SAMPLES / 2}};
            spread_evenly(&p, s / 20.0);
            struct outcome o = add_point(claim, &p, &t);
            claim_row(claim, p.h, s / 20.0, margin_by_formula(&p), o.stays, o.moved);
        }
    return t;
}

/* Random cosines, rates and spreads; those with a margin below 2 NEAR are skipped. */
static struct tally random_points(struct claim *claim)
{
    struct tally t = NO_TALLY;
    for (size_t trial = 0; t.points < RANDOM_POINTS; trial++) {
        gsl_rng *rng = claim_rng(claim, 100 + trial);
        struct pair p = {.h = gsl_ran_flat(rng, -0.95, 0.5),
                         .on = {12 + gsl_rng_uniform_int(rng, 44), 0}};
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

Where atom 2 cannot keep its place, the pair collapses: the bias goes to $d_1$, the median of the
data, and the two atoms to $(d_2 - d_1) / |d_2 - d_1|$ and $-d_1$.  That is again an exclusive pair,
at an acute angle, and stable. */
static void turns(struct claim *claim)
{
    const double h = -0.4, theta = acos(h), collapsed = M_PI - acos(sqrt((1 - h) / 2));
    double error = 0, error_collapsed = 0, error_orthogonal = 0, error_slide = DBL_MAX,
           collapses = 0;
    claim_table(
        claim, "turn",
        "rate 1 0 of feature 1\npredicted rad 1e-9 turn of atom 1\n"
        "collapses - 0 whether atom 2 cannot keep its place\nmeasured rad 1e-4 turn of atom 1");
    for (size_t on = 60; on <= 94; on += 2) {
        struct pair p = {.h = h, .on = {on, (100 - on) * 3 / 4}};
        p.neither = 100 - p.on[0] - p.on[1];
        spread_evenly(&p, 0);
        double rate = (double)on / 100, rest = fmin(theta, acos(1 - 1 / rate));
        double eps = sin(theta - rest) / sin(rest);
        bool collapse = eps * (2 * rate - 1) > (double)p.on[1] / 100;
        double predicted = collapse ? collapsed : theta - rest,
               measured = solve(claim, &p, LAMBDA).turn1;
        claim_row(claim, rate, predicted, collapse, measured);
        if (collapse) {
            collapses++;
            error_collapsed = fmax(error_collapsed, fabs(measured - predicted));
            error_slide = fmin(error_slide, fabs(measured - (theta - rest)));
        } else {
            error = fmax(error, fabs(measured - predicted));
            error_orthogonal = fmax(error_orthogonal, fabs(measured - (theta - M_PI / 2)));
        }
    }
    claim_values(
        claim, "turn", {"cosine", h, CLAIM_EXACT, "d_1 . d_2 at the start"},
        {"threshold", 1 / (1 - h), CLAIM_CONVERGED, "the rate above which the pair is unstable"},
        {"error", error, 1e-4, "largest |measured - predicted| turn of atom 1, radians"},
        {"error_orthogonal", error_orthogonal, 1e-4,
         "the same with the guess that atom 1 turns until it is orthogonal to atom 2"},
        {"collapses", collapses, CLAIM_EXACT, "rates at which atom 2 cannot keep its place"},
        {"error_collapsed", error_collapsed, 1e-4, "largest |measured - predicted| turn there"},
        {"error_slide", error_slide, 1e-4, "the least if atom 2 kept its place there"});
}

static void record(struct claim *claim, const char *grid, const struct tally *t)
{
    claim_values(
        claim, grid, {"points", (double)t->points, CLAIM_EXACT, "pairs"},
        {"stable", (double)t->stable, CLAIM_EXACT, "pairs at which the solver stays"},
        {"skipped", (double)t->skipped, CLAIM_EXACT,
         "pairs left out, closer to the boundary than 0.02"},
        {"disagree", (double)t->disagree, CLAIM_EXACT,
         "pairs at which solver and formula disagree"},
        {"disagree_always", (double)t->disagree_always, CLAIM_EXACT,
         "the same if all pairs are said to be stable"},
        {"disagree_half", (double)t->disagree_half, CLAIM_EXACT,
         "the same if rates below one half are said to be stable"},
        {"disagree_upper", (double)t->disagree_upper, CLAIM_EXACT,
         "the same with the lower end of the hull left out"},
        {"disagree_constant", (double)t->disagree_constant, CLAIM_EXACT,
         "the same with the formula for all-or-nothing features"},
        {"nearest", t->nearest, CLAIM_CONVERGED, "least |margin|"},
        {"stays", t->stays, 1e-4, "largest turn of the pairs that stay, radians"},
        {"ratio", t->ratio, 1e-2, "largest such turn at a tenth of lambda over that at lambda"},
        {"leaves", t->leaves, 1e-4, "least turn of the pairs that leave, radians"},
        {"ratio_leaves", t->ratio_leaves, CLAIM_NOT_COMPARED,
         "largest ratio of the pairs that leave, which may end in several valleys"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Compares the stability region of two mutually exclusive features with the formula.\v"
        "Example: exclusion --seed 7 --out build/results");
    struct tally grid = rate_grid(claim), never = never_off_grid(claim),
                 at_random = random_points(claim);
    claim_scalar(claim, "lambda", LAMBDA, CLAIM_EXACT,
                 "lambda of the solver runs; also a tenth of it");
    claim_scalar(claim, "near", NEAR, CLAIM_EXACT,
                 "a pair that turns by less at lambda / 10 stays, radians");
    record(claim, "grid", &grid);
    record(claim, "never_grid", &never);
    record(claim, "random", &at_random);
    turns(claim);
    return claim_end(claim);
}

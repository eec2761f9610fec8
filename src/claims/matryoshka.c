/** # Matryoshka: its law, its threshold and its hedging

Claim `matryoshka`.  The loss counts the residual $r$ of all atoms with weight $w_2$ and that of a
prefix of them, $r'$, with weight $w_1$.  Let the parent $p$ be in the prefix and its child $c$
outside.  With L1, charged once, $\lambda = 2 w_1 r' \cdot d_p + 2 w_2 r \cdot d_p$ wherever the
child fires, and contracting its atom's equation as in [law](law.html),

$$ d_c \cdot d_p = h =
   \frac{\lambda m_c}{2 w_1 \langle z_c^2 \rangle + \lambda m_c (1 + w_1/w_2)} $$

the smaller, the larger $w_1$.  For $\lambda \to 0$ with $w_1/\lambda$ fixed and constant
activations $s$, $t$ the child's atom is $v_c + e v_p$ with $2 w_1 t e = \lambda (1 - h)$, if

$$ 2 w_1 s > \lambda \Bigl( 1 - \frac s{\sqrt{s^2 + t^2}} \Bigr) ; $$

else the parent is absorbed.  The price: the prefix must make do without the children.  With no
penalty, $n$ exclusive children of probability $q$ and all activations 1, the parent's atom hedges,
along $v_p + \delta \sum_c v_c$ with

$$ n B \delta^2 + (A - B + n B) \delta - B = 0 , \qquad A = (1 - n q)(w_1 + w_2),\ B = q w_1 , $$

and the children's atoms are orthogonal to *it*, so that they have a negative cosine with the true
parent.  A large $w_1$ hedges, a small one absorbs; in between the two cancel.

- Reads nothing: the data are drawn.
- Writes: `matryoshka.tsv`; `matryoshka-prefix` (cosines against the prefix's weight),
  `matryoshka-hedge` (hedging against it).
- Falsified by: another cosine, threshold or root. */
#include <float.h>
#include <stdlib.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/penalty.h"
#include "kit/stationary.h"
#include "ndl/vec.h"

enum { DRAWS = 20 };

/** ## A parent and its children

Kinds of samples: the parent alone, and with each of its exclusive children.  Feature 0 is the
parent; the features are orthonormal.  For the control a child may fire alone, too. */
enum { MOST = 4 }; /* features */
struct problem {
    size_t children, kinds;       /* kinds: of the parent alone and of each child, each */
    double rate;                  /* of each child, where the parent fires */
    double parent, child, spread; /* magnitudes, times 1 -+ spread */
    double lambda, prefix, full;
    double lone; /* probability of each child alone */
};

struct outcome {
    double gradient, least_code;
    double law_error; /* largest |cosine of the atoms - law| of a child */
    double atoms;     /* cosine of the atoms of the last child and the parent */
    double tilt;      /* cosine of its atom and the true parent */
    double hedge;     /* ratio of the parent's atom along it and along the true parent */
    double code;      /* the parent's last code with a child */
};

static void read_off(const struct problem *p, const struct stationary *s,
                     const struct ndl_matrix *D, const struct ndl_matrix *Z, struct outcome *o)
{
    size_t features = D->rows, rows = Z->rows;
    const double *parent = ndl_row(D, 0);
    o->least_code = DBL_MAX;
    for (size_t e = 0; e < rows * features; e++)
        if (s->on[e])
            keep_min(&o->least_code, Z->v[e]);
    o->code = ndl_row(Z, (p->children + 1) * p->kinds - 1)[0];
    for (size_t c = 1; c < features; c++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < rows; i++) {
            double z = ndl_row(Z, i)[c];
            mean += s->share[i] * z;
            square += s->share[i] * z * z;
        }
        o->atoms = ndl_dot(features, parent, ndl_row(D, c));
        o->tilt = ndl_row(D, c)[0];
        o->hedge = parent[c] / parent[0];
        double law = p->lambda * mean /
                     (2 * p->prefix * square + p->lambda * mean * (1 + p->prefix / p->full));
        keep_max(&o->law_error, fabs(o->atoms - law));
    }
}

/* D (features x features) is the start and becomes the stationary point's; rng may be NULL if the
 * magnitudes have no spread. */
static struct outcome solve(const struct claim *claim, const struct problem *p, gsl_rng *rng,
                            struct ndl_matrix *D)
{
    size_t features = p->children + 1, sets = features + (p->lone > 0 ? p->children : 0),
           rows = sets * p->kinds;
    struct ndl_matrix X = claim_matrix(claim, rows, features),
                      Z = claim_matrix(claim, rows, features), share = claim_matrix(claim, 1, rows);
    bool *on = (bool *)calloc(rows * features, sizeof *on);
    double weight[MOST], b[MOST] = {0};
    for (size_t k = 0; k < features; k++)
        weight[k] = p->lambda;
    for (size_t i = 0; i < rows; i++) {
        size_t set = i / p->kinds, child = set < features ? set : set - p->children;
        double *x = ndl_row(&X, i);
        if (set < features)
            x[0] = p->parent * (rng ? gsl_ran_flat(rng, 1 - p->spread, 1 + p->spread) : 1);
        if (child > 0)
            x[child] = p->child * (rng ? gsl_ran_flat(rng, 1 - p->spread, 1 + p->spread) : 1);
        double rate = set == 0         ? 1 - (double)p->children * p->rate
                      : set < features ? p->rate
                                       : p->lone;
        share.v[i] = rate / (double)p->kinds;
        for (size_t k = 0; k < features; k++) {
            on[i * features + k] = x[k] > 0;
            ndl_row(&Z, i)[k] = x[k];
        }
    }
    const struct penalty penalty = penalty_l1(features, weight);
    const struct stationary s = {.X = &X,
                                 .share = share.v,
                                 .on = on,
                                 .full = p->full,
                                 .prefix = p->prefix,
                                 .first = 1,
                                 .penalty = &penalty};
    struct outcome o = {0};
    o.gradient = stationary_solve(claim, &s, D, &Z, b);
    read_off(p, &s, D, &Z, &o);
    free(on);
    ndl_matrix_free(&X);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&share);
    return o;
}

static struct ndl_matrix truth(const struct claim *claim, size_t features)
{
    struct ndl_matrix D = claim_matrix(claim, features, features);
    for (size_t k = 0; k < features; k++)
        ndl_row(&D, k)[k] = 1;
    return D;
}

/** ## The law */
static void try_law(struct claim *claim)
{
    static const double LAMBDAS[] = {0.02, 0.1}, PREFIXES[] = {1, 0.5, 0.2}, FULLS[] = {1, 0.5};
    double error[2] = {0}, gradient = 0, code = DBL_MAX;
    for (size_t setting = 0; setting < 12; setting++)
        for (size_t draw = 0; draw < DRAWS; draw++)
            for (int lone = 0; lone < 2; lone++) {
                const struct problem p = {.children = 1 + draw % 2,
                                          .kinds = 4,
                                          .rate = 0.3,
                                          .parent = 1.2,
                                          .child = 0.8,
                                          .spread = 0.2,
                                          .lambda = LAMBDAS[setting % 2],
                                          .prefix = PREFIXES[setting / 2 % 3],
                                          .full = FULLS[setting / 6],
                                          .lone = lone ? 0.1 : 0};
                struct ndl_matrix D = truth(claim, p.children + 1);
                gsl_rng *rng = claim_rng(claim, draw);
                struct outcome o = solve(claim, &p, rng, &D);
                gsl_rng_free(rng);
                ndl_matrix_free(&D);
                keep_max(&error[lone], o.law_error);
                keep_max(&gradient, o.gradient);
                keep_min(&code, o.least_code);
            }
    claim_values(claim, "law",
                 {"gradient", gradient, CLAIM_NOT_COMPARED, "largest entry of the gradient"},
                 {"least_code", code, CLAIM_CONVERGED, "least code that is on"},
                 {"error", error[0], CLAIM_NOT_COMPARED, "largest |cosine - law|"},
                 {"error_lone", error[1], CLAIM_CONVERGED, "the same if children fire alone, too"});
}

/** ## The threshold

By bisection, with a small penalty: where the parent's code with the child reaches zero. */
static double measured_threshold(const struct claim *claim, double parent, double child)
{
    const double lambda = 1e-4;
    double low = 0.01, high = 2; /* prefix weight over lambda */
    for (int step = 0; step < 30; step++) {
        double middle = (low + high) / 2, e = 0.9 * parent / child, length = sqrt(1 + e * e);
        const struct problem p = {.children = 1,
                                  .kinds = 1,
                                  .rate = 0.3,
                                  .parent = parent,
                                  .child = child,
                                  .lambda = lambda,
                                  .prefix = middle * lambda,
                                  .full = 1};
        struct ndl_matrix D = truth(claim, 2);
        ndl_row(&D, 1)[0] = e / length;
        ndl_row(&D, 1)[1] = 1 / length;
        *(solve(claim, &p, NULL, &D).code > 0 ? &high : &low) = middle;
        ndl_matrix_free(&D);
    }
    return high;
}

static void try_threshold(struct claim *claim)
{
    static const double MAGNITUDES[][2] = {{1, 1}, {1, 0.5}, {0.7, 1.2}, {1.5, 1}};
    double error = 0, other = DBL_MAX, equal = 0;
    for (size_t i = 0; i < 4; i++) {
        double s = MAGNITUDES[i][0], t = MAGNITUDES[i][1],
               measured = measured_threshold(claim, s, t),
               predicted = (1 - s / sqrt(s * s + t * t)) / (2 * s);
        keep_max(&error, fabs(measured / predicted - 1));
        /* as if the child's atom had no length to grow */
        keep_min(&other, fabs(measured * 2 * s - 1));
        if (i == 0)
            equal = measured;
    }
    claim_values(claim, "threshold", {"error", error, CLAIM_NOT_COMPARED, "largest relative error"},
                 {"error_plain", other, CLAIM_CONVERGED, "least, if predicted 2 w1 s = lambda"},
                 {"equal", equal, 1e-3, "w1 / lambda, equal activations"});
}

/** ## Hedging */
static double hedge_root(const struct problem *p)
{
    double n = (double)p->children, A = (1 - n * p->rate) * (p->prefix + p->full),
           B = p->rate * p->prefix, middle = A - B + n * B;
    return 2 * B / (middle + sqrt(middle * middle + 4 * n * B * B));
}

static void try_hedging(struct claim *claim)
{
    static const double PREFIXES[] = {0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2};
    double error = 0, narrow = DBL_MAX, orthogonal = 0, tilt = -DBL_MAX, gradient = 0;
    claim_table(claim, "hedge",
                "children - 0 exclusive, each where a quarter of the parents are\n"
                "prefix - 0 its weight; the full loss has 1\n"
                "measured - 1e-6 ratio of the parent's atom along a child and along the parent\n"
                "predicted - 1e-9 root\n"
                "tilt - 1e-6 cosine of a child's atom and the true parent");
    for (size_t children = 1; children <= 3; children++) {
        for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
            struct problem p = {.children = children,
                                .kinds = 1,
                                .rate = 0.25,
                                .parent = 1,
                                .child = 1,
                                .prefix = PREFIXES[i],
                                .full = 1};
            struct ndl_matrix D = truth(claim, children + 1);
            struct outcome o = solve(claim, &p, NULL, &D);
            ndl_matrix_free(&D);
            double root = hedge_root(&p);
            p.full = 0;
            keep_max(&error, fabs(o.hedge - root));
            keep_min(&narrow, fabs(o.hedge - hedge_root(&p)));
            keep_max(&orthogonal, fabs(o.atoms));
            keep_max(&tilt, o.tilt);
            keep_max(&gradient, o.gradient);
            claim_row(claim, (double)children, PREFIXES[i], o.hedge, root, o.tilt);
        }
        claim_table_break(claim);
    }
    claim_values(
        claim, "hedge", {"gradient", gradient, CLAIM_NOT_COMPARED, "largest entry of the gradient"},
        {"error", error, CLAIM_NOT_COMPARED, "largest |measured - root|"},
        {"error_narrow", narrow, CLAIM_CONVERGED, "least, with the root of w2 = 0"},
        {"orthogonal", orthogonal, CLAIM_NOT_COMPARED,
         "largest |cosine| of a child's and the parent's atom"},
        {"tilt", tilt, CLAIM_CONVERGED, "largest cosine of a child's atom and the true parent"});
}

/** ## The balance

The child's atom is what the parent's, $u = v_p + \delta \sum_c v_c$, leaves of $v_p + v_c$, up to
the cosine of the law: along $v_p + v_c - y u$. */
static double limit_tilt(const struct problem *p, double delta, double cosine)
{
    double n = (double)p->children, square = 1 + n * delta * delta, low = 0,
           high = (1 + delta) / square, y = 0, tilt = 0;
    for (int step = 0; step < 60; step++) {
        y = (low + high) / 2;
        double along = (1 + delta - y * square) / sqrt(square),
               length = sqrt(gsl_pow_2(1 - y) + gsl_pow_2(1 - delta * y) +
                             (n - 1) * gsl_pow_2(delta * y));
        tilt = (1 - y) / length;
        *(along / length > cosine ? &low : &high) = y;
    }
    return tilt;
}

/* h of 2 w1 e = lambda (1 - h), e = h / sqrt(1 - h^2), for activations 1. */
static double limit_cosine(const struct problem *p)
{
    double low = 0, high = 1;
    for (int step = 0; step < 60; step++) {
        double h = (low + high) / 2;
        *(2 * p->prefix * h / sqrt(1 - h * h) < p->lambda * (1 - h) ? &low : &high) = h;
    }
    return low;
}

static void try_balance(struct claim *claim)
{
    static const double LAMBDAS[] = {0.002, 0.02};
    double error = 0, without = 0, strong = 0, weak = 0, hedge = 0, last = 0;
    claim_table(claim, "prefix",
                "lambda - 0 penalty\n"
                "prefix - 0 weight of the prefix; the full loss has 1\n"
                "atoms - 1e-6 cosine of the atoms of child and parent\n"
                "tilt - 1e-6 cosine of the child's atom and the true parent\n"
                "hedge - 1e-6 ratio of the parent's atom along a child and along the parent\n"
                "atoms_limit - 1e-9 predicted for a small penalty\n"
                "tilt_limit - 1e-9 predicted\n"
                "hedge_limit - 1e-9 predicted");
    for (size_t l = 0; l < 2; l++) {
        struct ndl_matrix D = truth(claim, 3);
        for (int step = 0; step <= 40; step++) {
            /* from 1 down to twice lambda, each from the last */
            double prefix = pow(2 * LAMBDAS[l], step / 40.0);
            const struct problem p = {.children = 2,
                                      .kinds = 1,
                                      .rate = 0.25,
                                      .parent = 1,
                                      .child = 1,
                                      .lambda = LAMBDAS[l],
                                      .prefix = prefix,
                                      .full = 1};
            struct outcome o = solve(claim, &p, NULL, &D);
            double delta = hedge_root(&p), h = limit_cosine(&p), tilt = limit_tilt(&p, delta, h);
            keep_max(&error, fabs(o.tilt - tilt) / LAMBDAS[l]);
            keep_max(&without, fabs(o.tilt - h) / LAMBDAS[l]);
            if (l == 1 && step == 0)
                strong = o.tilt;
            if (l == 1 && step == 40)
                weak = o.tilt;
            if (l == 1 && last <= 0 && o.tilt > 0)
                hedge = o.hedge;
            last = o.tilt;
            claim_row(claim, LAMBDAS[l], prefix, o.atoms, o.tilt, o.hedge, h, tilt, delta);
        }
        ndl_matrix_free(&D);
        claim_table_break(claim);
    }
    claim_values(claim, "balance",
                 {"error", error, CLAIM_CONVERGED, "largest |tilt - limit| over lambda"},
                 {"error_law", without, CLAIM_CONVERGED, "the same without the hedging"},
                 {"strong", strong, CLAIM_CONVERGED, "tilt at w1 = 1, lambda 0.02"},
                 {"weak", weak, CLAIM_CONVERGED, "tilt at w1 = 2 lambda"},
                 {"hedge", hedge, CLAIM_CONVERGED, "hedging where the tilt changes sign"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Compares stationary points of the Matryoshka objective with its law, its "
                    "threshold and the root of its hedging.\v"
                    "Example: matryoshka --seed 7 --out build/results");
    try_law(claim);
    try_threshold(claim);
    try_hedging(claim);
    try_balance(claim);
    claim_scalar(claim, "draws", DRAWS, CLAIM_EXACT, "draws of the law's data");
    return claim_end(claim);
}

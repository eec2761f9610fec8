/** # When is a hierarchy recovered?

Claim `lone`.  A parent $B v_1$ and its child $v_2$, at the angle $\theta$, fire together at the
rate $q$, the child alone at the rate $a$, the parent alone at any.  $B v_1 + v_2$ is at the angle
$\theta_1$ from the parent and $\theta_2$ from the child.  For a small penalty the parent's atom is
$v_1$, and the child's, at the angle $\varphi$ from it, minimises

$$ \lambda q\, \frac{\sin\theta}{\sin\theta_1}\, \frac{\cos(\varphi/2 - \theta_1)}{\cos(\varphi/2)}
   + a \sin^2(\theta - \varphi) : $$

a longer code for the joint sample against the residual of the lone child.  Up to the rate

$$ a^* = \frac{\lambda q}{2}\, \frac{\sin\theta}{\cos^2(\theta_1/2) \sin 2\theta_2} , \qquad
   \frac{\lambda q}{2 \cos^2(\theta/4)} \text{ if } B = 1 , $$

the child is fully absorbed, $\varphi = \theta_1$; beyond, its atom follows $a = \frac{\lambda
q}2 \sin\theta / (\cos^2\frac\varphi2 \sin 2(\theta - \varphi))$.  (If $a$ falls along that curve
the atom jumps.)  Children that exclude each other do not matter to one another: the same holds
with $m$ of them and $m + 1$ atoms.

Solved for one to three children, several angles and strengths, at two penalties from which the
limit is extrapolated; from the true and from the absorbed dictionary, the better one kept.  The
controls: the angle $\theta_1$ of equal strengths for unequal ones; $q$ counted twice.

- Reads nothing: the samples are a few kinds, repeated.
- Writes: `lone.tsv`; `lone-path` (the child's atom against the rate, a row per fit).
- Falsified by: another angle than that of the minimum; an atom that leaves the joint sample
  before $a^*$ or stays beyond; children that notice each other. */
#include <gsl/gsl_math.h>
#include <stdio.h>

#include "kit/claim.h"

enum { JOINT = 500, ALONE = 250, MOST_CHILDREN = 3, PENALTIES = 2, SETUPS = 7, RATES = 10 };
static const double LAMBDA[PENALTIES] = {0.02, 0.01};
static const double RATE[RATES] = {0.2, 0.4, 0.6, 0.8, 1, 1.4, 2, 3, 5, 10};

/* The angle of parent and child, the parent's strength, the number of children. */
static const struct setup {
    double degrees, strength;
    size_t children;
} setup[SETUPS] = {{90, 1, 1}, {90, 1, 2},   {90, 1, 3}, {60, 1, 2},
                   {75, 1, 1}, {90, 0.5, 2}, {90, 2, 2}};

/** ## The prediction

The minimum on a grid, then by golden sections.  `joint` is the angle of the joint sample. */
static double joint_angle(const struct setup *s)
{
    double theta = s->degrees * M_PI / 180;
    return atan2(sin(theta), s->strength + cos(theta));
}

static double limit_loss(double theta, double joint, double rate, double phi)
{
    double code = sin(theta) / sin(joint) * cos(phi / 2 - joint) / cos(phi / 2);
    return code + rate * gsl_pow_2(sin(theta - phi));
}

/* rate in units of lambda q. */
static double predicted_angle(double theta, double joint, double rate)
{
    enum { GRID = 400 };
    double best = joint, step = (theta - joint) / GRID;
    for (int i = 1; i <= GRID; i++)
        if (limit_loss(theta, joint, rate, joint + i * step) < limit_loss(theta, joint, rate, best))
            best = joint + i * step;
    double low = fmax(joint, best - step), high = fmin(theta, best + step), golden = 0.6180339887;
    while (high - low > 1e-9) {
        double a = high - golden * (high - low), b = low + golden * (high - low);
        if (limit_loss(theta, joint, rate, a) <= limit_loss(theta, joint, rate, b))
            high = b;
        else
            low = a;
    }
    return low;
}

/** ## The fits

Kinds of samples: nothing needed for a zero; the parent alone, and for each child the joint and
the lone one.  The children are orthogonal but for what they share with the parent. */
struct family {
    size_t children;
    double parent[MOST_CHILDREN + 1], child[MOST_CHILDREN][MOST_CHILDREN + 1];
};

static struct ndl_matrix draw_family(const struct claim *claim, const struct setup *s,
                                     double penalty, double rate, struct ndl_matrix *D)
{
    double theta = s->degrees * M_PI / 180;
    size_t d = s->children + 1, lone = (size_t)lround(rate * penalty * JOINT);
    struct ndl_matrix X = claim_matrix(claim, ALONE + s->children * (JOINT + lone), d);
    *D = claim_matrix(claim, d, d);
    ndl_row(D, 0)[0] = 1;
    size_t row = 0;
    for (; row < ALONE; row++)
        ndl_row(&X, row)[0] = s->strength;
    for (size_t c = 1; c <= s->children; c++) {
        ndl_row(D, c)[0] = cos(theta);
        ndl_row(D, c)[c] = sin(theta);
        for (size_t i = 0; i < JOINT + lone; i++, row++) {
            ndl_axpy(d, 1, ndl_row(D, c), ndl_row(&X, row));
            ndl_row(&X, row)[0] += i < JOINT ? s->strength : 0;
        }
    }
    return X;
}

/* The angle between the atoms of the first child and of the parent. */
static double measured_angle(const struct claim *claim, const struct setup *s, double penalty,
                             double rate)
{
    struct ndl_matrix D, X = draw_family(claim, s, penalty, rate, &D);
    double loss[2], angle[2];
    for (int absorbed = 0; absorbed < 2; absorbed++) {
        for (size_t c = 1; c < D.rows && absorbed; c++) {
            ndl_row(&D, c)[0] += s->strength;
            ndl_normalise(D.cols, ndl_row(&D, c));
        }
        struct ndl_model m = claim_fit_from(claim, &X, &D, penalty, false, &loss[absorbed]);
        angle[absorbed] = measure_angle(D.cols, ndl_row(&m.D, 0), ndl_row(&m.D, 1));
        ndl_model_free(&m);
    }
    ndl_matrix_free(&X);
    ndl_matrix_free(&D);
    return angle[loss[1] < loss[0]];
}

/** ## Results */
struct found {
    double error, error_equal,
        error_twice;     /* radians: of the limit, largest; the controls, least */
    double below, above; /* orthogonal equals: angle - theta_1 at 0.4 and 0.8 */
    double limit[SETUPS][RATES];
};

static void run_setup(struct claim *claim, size_t number, struct found *f)
{
    const struct setup *s = &setup[number];
    double theta = s->degrees * M_PI / 180, joint = joint_angle(s), worst[3] = {0};
    for (size_t r = 0; r < RATES; r++) {
        double angle[PENALTIES], predicted = predicted_angle(theta, joint, RATE[r]);
        for (size_t p = 0; p < PENALTIES; p++)
            angle[p] = measured_angle(claim, s, LAMBDA[p], RATE[r]);
        double limit = 2 * angle[1] - angle[0]; /* the second penalty is half of the first */
        f->limit[number][r] = limit;
        claim_row(claim, (double)number, RATE[r], cos(theta - angle[0]), cos(theta - limit),
                  cos(theta - predicted));
        keep_max(&worst[0], fabs(limit - predicted));
        keep_max(&worst[1], fabs(limit - predicted_angle(theta, theta / 2, RATE[r])));
        keep_max(&worst[2], fabs(limit - predicted_angle(theta, joint, RATE[r] / 2)));
        if (number < 3 && (r == 1 || r == 3))
            keep_max(r == 1 ? &f->below : &f->above, fabs(limit - joint));
        claim_progress(claim, number * RATES + r + 1, SETUPS * RATES, "rates");
    }
    claim_table_break(claim);
    keep_max(&f->error, worst[0]);
    keep_min(&f->error_twice, worst[2]);
    if (s->strength != 1)
        keep_min(&f->error_equal, worst[1]);
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures where the atom of a child points that also fires without its parent."
                    "\vExample: lone --out build/results");
    struct found f = {.error_equal = HUGE_VAL, .error_twice = HUGE_VAL};
    claim_table(claim, "path",
                "setup - 0 angle, strength and children: 90 1 1; 90 1 2; 90 1 3; 60 1 2; 75 1 1; "
                "90 1/2 2; 90 2 2\n"
                "rate 1 0 lone firings of the child, in units of lambda times the joint ones\n"
                "cosine 1 1e-6 of the child's atom with the child, lambda 0.02\n"
                "limit 1 1e-6 the same, extrapolated to lambda 0\n"
                "predicted 1 1e-8 in the limit");
    for (size_t i = 0; i < SETUPS; i++)
        run_setup(claim, i, &f);
    double neighbours = 0;
    for (size_t r = 0; r < RATES; r++)
        for (size_t i = 1; i < 3; i++)
            keep_max(&neighbours, fabs(f.limit[i][r] - f.limit[0][r]));
    const double theta = M_PI / 2;
    claim_values(claim, NULL,
                 {"error", f.error, CLAIM_CONVERGED,
                  "largest deviation of the limit from the predicted angle, radians"},
                 {"error_equal", f.error_equal, CLAIM_CONVERGED,
                  "unequal strengths: the same by the formula for equal ones"},
                 {"error_twice", f.error_twice, CLAIM_CONVERGED,
                  "the same with q counted twice, for the setup it fits best"},
                 {"neighbours", neighbours, CLAIM_NOT_COMPARED,
                  "largest difference of angle between one, two and three children"},
                 {"below", f.below, CLAIM_CONVERGED,
                  "orthogonal equals, a = 0.4 lambda q: distance from the joint sample"},
                 {"above", f.above, CLAIM_CONVERGED, "the same at a = 0.8 lambda q"},
                 {"threshold", 0.5 / gsl_pow_2(cos(M_PI / 8)), CLAIM_EXACT,
                  "a* over lambda q, orthogonal equals"},
                 {"predicted_one", cos(theta - predicted_angle(theta, theta / 2, 1)),
                  CLAIM_CONVERGED, "predicted cosine at a = lambda q"},
                 {"predicted_three", cos(theta - predicted_angle(theta, theta / 2, 3)),
                  CLAIM_CONVERGED, "predicted cosine at a = 3 lambda q"},
                 {"one", cos(theta - f.limit[1][4]), CLAIM_CONVERGED,
                  "two children, K = 3: cosine at a = lambda q"},
                 {"three", cos(theta - f.limit[1][7]), CLAIM_CONVERGED,
                  "two children, K = 3: cosine at a = 3 lambda q"},
                 {"lambda", LAMBDA[0], CLAIM_EXACT, "the larger lambda"});
    return claim_end(claim);
}

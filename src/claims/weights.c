/** # The multipliers of the codes are convex weights

Claim `weights`.  At every optimum the cosines $d_j \cdot d_k$ lie in a hull
([necessity](necessity.html)).  What puts them there are the multipliers
$\mu_{ik} = \lambda - 2 r_i \cdot d_k$ of $z_{ik} \ge 0$: summed against $z_{ij}$, the conditions of
the atoms and of the bias make them convex weights once divided by $\lambda N$,

$$ w_{ik} \ge 0, \quad w_{ik} = 0 \text{ where } z_{ik} > 0, \quad \sum_i w_{ik} = 1 \text{
(free bias)}, \quad
   \sum_i w_{ik} z_{ij} = m_j (1 - d_j \cdot d_k) . $$

Measured at the optima of the random problems of claim `necessity`, judged by the same certificate.
Two controls are not stationary.  *Turned*: every atom turns by the same angle in a random
direction, and the data are coded again, exactly.  The conditions of the codes hold, those of the
atoms and of the bias do not: weights are nonnegative and where they belong, but sum and barycentre
are wrong.  *Leaking*: a tenth of one feature leaks into another, with the same reconstruction and
the same bias: the sum is right, and everything else wrong.

- Reads nothing: the problems are drawn from the seed.
- Writes: `weights.tsv`; `weights-problems` (a row per optimum), `weights-angles` (errors against
  the turn's angle).
- Falsified by: a certified optimum with other weights. */
#include "kit/claim.h"
#include "kit/random_problem.h"

enum { PROBLEMS = 240, ANGLES = 7, SHOWN = 5 };
static const double DEGREES[ANGLES] = {0.1, 0.3, 1, 3, 10, 30, 90}; /* number SHOWN is recorded */
static const double LEAK = 0.1;
/* the KKT residual up to which a solution counts as an optimum */
static const double CONVERGED = 1e-9;

/** ## How far from convex weights?

The barycentre is measured on $\mu$ and $z$ and predicted from the atoms alone. */
struct weights {
    double negative;   /* largest total weight below zero, over k */
    double on;         /* largest total weight where k fires */
    double sum;        /* largest |sum_i w_ik - 1|; 0 without a bias */
    double barycentre; /* largest |sum_i w_ik z_ij / m_j - (1 - h_jk)| */
};

static void measure_feature(const struct ndl_model *m, const struct ndl_matrix *Z,
                            const struct ndl_matrix *W, size_t k, struct weights *worst)
{
    double negative = 0, on = 0, sum = 0, barycentre[RANDOM_PROBLEM_MOST_FEATURES] = {0};
    for (size_t i = 0; i < Z->rows; i++) {
        const double w = ndl_row(W, i)[k], *z = ndl_row(Z, i);
        negative += fmax(0, -w);
        on += z[k] > 0 ? fabs(w) : 0;
        sum += w;
        ndl_axpy(Z->cols, w, z, barycentre);
    }
    keep_max(&worst->negative, negative);
    keep_max(&worst->on, on);
    keep_max(&worst->sum, m->bias ? fabs(sum - 1) : 0);
    for (size_t j = 0; j < Z->cols; j++) {
        double mean = measure_column_mean(Z, j),
               h = ndl_dot(m->D.cols, ndl_row(&m->D, j), ndl_row(&m->D, k));
        if (mean > 0)
            keep_max(&worst->barycentre, fabs(barycentre[j] / mean - 1 + h));
    }
}

static struct weights measure(const struct claim *claim, const struct ndl_matrix *X,
                              const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix W, Z = claim_dense(claim, m);
    struct weights worst = {0};
    claim_check_status(claim, ndl_multiplier_weights(X, m, &W, &err), &err);
    for (size_t k = 0; k < Z.cols; k++)
        if (measure_column_mean(&Z, k) > 0)
            measure_feature(m, &Z, &W, k, &worst);
    ndl_matrix_free(&W);
    ndl_matrix_free(&Z);
    return worst;
}

/** ## Optima and controls */
struct found { /* the largest over the optima */
    size_t optima;
    struct weights at_optima, turned[ANGLES], leaking;
};

static void widen(struct weights *to, struct weights w)
{
    keep_max(&to->negative, w.negative);
    keep_max(&to->on, w.on);
    keep_max(&to->sum, w.sum);
    keep_max(&to->barycentre, w.barycentre);
}

static void run_controls(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X,
                         const struct ndl_model *m, struct found *found)
{
    struct ndl_error err;
    struct ndl_model spoilt;
    size_t live[RANDOM_PROBLEM_MOST_FEATURES];
    for (size_t a = 0; a < ANGLES; a++) {
        claim_check_status(claim, turned_model(rng, X, m, DEGREES[a], &spoilt, &err), &err);
        widen(&found->turned[a], measure(claim, X, &spoilt));
        ndl_model_free(&spoilt);
    }
    if (measure_live(m, live) < 2)
        return;
    claim_check_status(claim, leaking_model(rng, m, LEAK, &spoilt, &err), &err);
    widen(&found->leaking, measure(claim, X, &spoilt));
    ndl_model_free(&spoilt);
}

static void examine(struct claim *claim, size_t trial, struct found *found)
{
    struct ndl_error err;
    struct random_problem p;
    struct ndl_matrix X;
    struct ndl_model m;
    gsl_rng *rng = claim_rng(claim, trial);
    claim_check_status(claim, random_problem_run(rng, trial, &p, &X, &m, &err), &err);
    double residual = claim_certify(claim, &X, &m).worst;
    if (residual <= CONVERGED) {
        struct weights w = measure(claim, &X, &m);
        claim_row(claim, (double)trial, p.bias, residual, w.negative, w.on, w.sum, w.barycentre);
        widen(&found->at_optima, w);
        found->optima++;
        run_controls(claim, rng, &X, &m, found);
    }
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

/** ## Results */
static void record(struct claim *claim, const char *of, const struct weights *w)
{
    claim_values(claim, of,
                 {"negative", w->negative, CLAIM_NOT_COMPARED,
                  "largest total weight below zero of a feature"},
                 {"on", w->on, CLAIM_NOT_COMPARED, "largest total weight where the feature fires"},
                 {"sum", w->sum, CLAIM_NOT_COMPARED, "largest |sum of the weights - 1|, free bias"},
                 {"barycentre", w->barycentre, CLAIM_NOT_COMPARED,
                  "largest |sum_i w_ik z_ij / m_j - (1 - d_j.d_k)|"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Solves random dictionary learning problems and checks that "
                                      "the multipliers of the codes are convex weights "
                                      "at every optimum.\vExample: weights --out build/results");
    struct found found = {0};
    claim_table(claim, "problems",
                "trial - inf random stream\n" /* another machine may miss another optimum */
                "bias - inf 1 free\n"
                "residual 1 inf largest relative KKT residual\n"
                "negative 1 inf largest weight below zero\n"
                "on 1 inf largest weight where the feature fires\n"
                "sum 1 inf largest |sum of the weights - 1|, free bias\n"
                "barycentre 1 inf largest error of the barycentre");
    for (size_t trial = 0; trial < PROBLEMS; trial++) {
        examine(claim, trial, &found);
        claim_progress(claim, trial + 1, PROBLEMS, "problems");
    }
    claim_table(claim, "angles",
                "degrees degree 0 the turn of every atom\n"
                "negative 1 inf largest weight below zero, over the problems\n"
                "on 1 inf largest weight where the feature fires\n"
                "sum 1 inf largest |sum of the weights - 1|, free bias\n"
                "barycentre 1 inf largest error of the barycentre");
    for (size_t a = 0; a < ANGLES; a++) {
        const struct weights *w = &found.turned[a];
        claim_row(claim, DEGREES[a], w->negative, w->on, w->sum, w->barycentre);
    }
    record(claim, NULL, &found.at_optima);
    record(claim, "turned", &found.turned[SHOWN]);
    record(claim, "leaking", &found.leaking);
    claim_scalar(claim, "problems", PROBLEMS, CLAIM_EXACT, "random problems solved");
    claim_scalar(claim, "optima", (double)found.optima, 0.02,
                 "of them certified: KKT residual at most 1e-9");
    return claim_end(claim);
}

/** # How often a feature fires without another

Claim `share`.  The hull condition ([necessity](necessity.html)) asks for one sample in which
$j$ fires strongly enough while $k$ is off, and among a million there is one.  But the weights
behind it are bounded: where $k$ is off, the multiplier $\mu_{ik} = \lambda - 2 r_i \cdot d_k$
is at most $\lambda (1 + \rho_k)$, with $\rho_k = \max_{k\ \mathrm{off}} -\frac2\lambda r_i
\cdot d_k$, and $\sum_i \mu_{ik} z_{ij} = \lambda N m_j (1 - h_{jk})$. So at every optimum, with
or without a bias,

$$ \frac{\sum_{i : k\ \mathrm{off}} z_{ij}}{N m_j} \ge \frac{1 - h_{jk}}{1 + \rho_k} , $$

and if no sample wants an atom $-d_k$, that is $\rho_k \le 1$, at least $(1 - h_{jk})/2$ of the
activity of $j$ happens without $k$.

Measured at the optima of the random problems of claim `necessity`.  The controls break a
hypothesis each: *turned* atoms, exactly coded, do not satisfy the condition of the atoms; in
*leaking* codes one feature fires only where another does; *uncapped*, the bound is stated with
$\rho = 0$ at the optima themselves; *wanted*, as $(1 - h)/2$ though some sample wants $-d_k$.

What the bound is good for: a dictionary with an atom for a parent and for its child, where the
child fires alone on a fiftieth of its samples.  No such dictionary is optimal.  In a large
sample the hull condition does not see it, the share does.

- Reads nothing: the problems are drawn from the seed.
- Writes: `share.tsv`; `share-pairs` (share and bound of the first problems), `share-power`
  (what is found against N).
- Falsified by: a pair of features of an optimum below its bound; a hull that still sees the
  hierarchy in the largest sample, or a share that does not. */
#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/random_problem.h"

enum { PROBLEMS = 240, SHOWN = 40, SIZES = 4, TRIALS = 20 };
static const size_t SAMPLES[SIZES] = {100, 1000, 10000, 100000};
static const double CONVERGED = 1e-9; /* the KKT residual of an optimum */
static const double DEGREES = 10, LEAK = 0.1, SLACK = 1e-8;
enum what { OPTIMA, TURNED, LEAKING };

/** ## Share and bound of every pair */
struct found { /* the smallest share minus bound */
    double optima, without_bias, turned, leaking, uncapped, half, half_wanted;
    double tightest; /* the smallest share / bound at an optimum */
    size_t problems, pairs, capped;
};

static void compare_optimum(struct claim *claim, size_t trial, const struct ndl_model *m,
                            const struct ndl_share *s, size_t j, struct found *found)
{
    double rest = 1 - ndl_dot(m->D.cols, ndl_row(&m->D, j), ndl_row(&m->D, s->k));
    bool capped = s->rho <= 1 + SLACK;
    keep_min(&found->optima, s->share[j] - s->bound[j]);
    keep_min(&found->uncapped, s->share[j] - rest);
    keep_min(capped ? &found->half : &found->half_wanted, s->share[j] - rest / 2);
    if (!m->bias)
        keep_min(&found->without_bias, s->share[j] - s->bound[j]);
    if (s->bound[j] > 0.05) /* below, the quotient is that of two small numbers */
        keep_min(&found->tightest, s->share[j] / s->bound[j]);
    found->capped += capped;
    found->pairs++;
    if (trial < SHOWN)
        claim_row(claim, OPTIMA, s->bound[j], s->share[j]);
}

/* All ordered pairs of live features of m. */
static void compare(struct claim *claim, size_t trial, enum what what, const struct ndl_matrix *X,
                    const struct ndl_model *m, struct found *found)
{
    for (size_t k = 0; k < m->D.rows; k++) {
        struct ndl_error err;
        struct ndl_share s;
        if (measure_activity(m, k) <= 0)
            continue;
        claim_check_status(claim, ndl_share_check(X, m, k, 0, &s, &err), &err);
        for (size_t j = 0; j < m->D.rows; j++) {
            if (j == k || measure_activity(m, j) <= 0)
                continue;
            if (what == OPTIMA)
                compare_optimum(claim, trial, m, &s, j, found);
            else if (isfinite(s.bound[j])) /* k is off somewhere */
                keep_min(what == TURNED ? &found->turned : &found->leaking,
                         s.share[j] - s.bound[j]);
        }
        ndl_share_free(&s);
    }
}

static void examine(struct claim *claim, size_t trial, struct found *found)
{
    struct ndl_error err;
    struct random_problem p;
    struct ndl_matrix X;
    struct ndl_model m, spoilt;
    size_t live[RANDOM_PROBLEM_MOST_FEATURES];
    gsl_rng *rng = claim_rng(claim, trial);
    claim_check_status(claim, random_problem_run(rng, trial, &p, &X, &m, &err), &err);
    if (claim_certify(claim, &X, &m).worst <= CONVERGED) {
        found->problems++;
        compare(claim, trial, OPTIMA, &X, &m, found);
        claim_check_status(claim, turned_model(rng, &X, &m, DEGREES, &spoilt, &err), &err);
        compare(claim, trial, TURNED, &X, &spoilt, found);
        ndl_model_free(&spoilt);
        if (measure_live(&m, live) >= 2) {
            claim_check_status(claim, leaking_model(rng, &m, LEAK, &spoilt, &err), &err);
            compare(claim, trial, LEAKING, &X, &spoilt, found);
            ndl_model_free(&spoilt);
        }
    }
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

/** ## A large sample

Parent and child along orthogonal directions, magnitudes 1/2 to 3/2; the parent fires in half of
the samples, the child in a fifth of those, and without the parent so often that this is a
fiftieth of its firings.  The data are coded exactly by the true directions. */
static const double LAMBDA = 0.1, PARENT = 0.5, CHILD = 0.2, LONE = 0.02;

static void draw_family(gsl_rng *rng, struct ndl_matrix *X)
{
    double lone =
        PARENT * CHILD * LONE / (1 - LONE) / (1 - PARENT); /* given that the parent is off */
    for (size_t i = 0; i < X->rows; i++) {
        bool parent = gsl_rng_uniform(rng) < PARENT,
             child = gsl_rng_uniform(rng) < (parent ? CHILD : lone);
        double p = gsl_ran_flat(rng, 0.5, 1.5), c = gsl_ran_flat(rng, 0.5, 1.5);
        ndl_row(X, i)[0] = parent ? p : 0;
        ndl_row(X, i)[1] = child ? c : 0;
    }
}

/* Counts whether hull condition and bound are violated by the child, atom 1, and its parent. */
static void look(const struct claim *claim, size_t samples, uint64_t stream, double *by_hull,
                 double *by_share)
{
    struct ndl_error err;
    struct ndl_share s;
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix X = claim_matrix(claim, samples, 2);
    const struct ndl_matrix D = {2, 2, (double[]){1, 0, 0, 1}}, zeros = {1, 2, (double[]){0, 0}};
    draw_family(rng, &X);
    struct ndl_model m = claim_model_encoded(claim, &X, &D, &zeros, LAMBDA, true);
    struct ndl_condition c = claim_condition(claim, &m, 1, 0, NDL_AUTO, SLACK);
    claim_check_status(claim, ndl_share_check(&X, &m, 0, 0, &s, &err), &err);
    *by_hull += claim_margin(&c) < -SLACK;
    *by_share += s.share[1] < s.bound[1] - SLACK;
    ndl_share_free(&s);
    ndl_condition_free(&c);
    ndl_model_free(&m);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

static void try_sizes(struct claim *claim)
{
    double hull = 0, share = 0;
    claim_table(
        claim, "power",
        "samples - 0 N\n"
        "hull 1 0.2 share of the trials in which the hull condition is violated\n" /* of twenty */
        "share 1 0.2 share of the trials in which the bound is violated");
    for (size_t n = 0; n < SIZES; n++) {
        hull = share = 0;
        for (uint64_t trial = 0; trial < TRIALS; trial++)
            look(claim, SAMPLES[n], 1000 + 100 * n + trial, &hull, &share);
        hull /= TRIALS;
        share /= TRIALS;
        claim_row(claim, (double)SAMPLES[n], hull, share);
    }
    claim_values(claim, "large",
                 {"samples", (double)SAMPLES[SIZES - 1], CLAIM_EXACT,
                  "the largest sample of a nested family"},
                 {"hull", hull, 0.2, "share of its trials in which the hull condition is violated"},
                 {"share", share, 0.2, "share of its trials in which the bound is violated"});
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Solves random dictionary learning problems and compares the share of each "
                    "feature's activity without another "
                    "one with its bound.\vExample: share --seed 2 --out build/results");
    struct found f = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL,
                      HUGE_VAL, HUGE_VAL, 0,        0,        0};
    claim_table(
        claim, "pairs",
        "what - inf 0: a pair of an optimum\n" /* another machine may miss another optimum */
        "bound 1 inf (1 - h) / (1 + rho)\n"
        "share 1 inf of the activity of j without k");
    for (size_t trial = 0; trial < PROBLEMS; trial++) {
        examine(claim, trial, &f);
        claim_progress(claim, trial + 1, PROBLEMS, "problems");
    }
    try_sizes(claim);
    claim_values(
        claim, NULL,
        {"problems", (double)f.problems, CLAIM_NOT_COMPARED, "optima: KKT residual at most 1e-9"},
        {"pairs", (double)f.pairs, CLAIM_NOT_COMPARED, "ordered pairs of their features"},
        {"capped", (double)f.capped, CLAIM_NOT_COMPARED, "of them with rho at most 1"},
        {"least", f.optima, CLAIM_NOT_COMPARED, "smallest share minus bound at an optimum"},
        {"least_without_bias", f.without_bias, CLAIM_NOT_COMPARED, "the same without a bias"},
        {"tightest", f.tightest, CLAIM_NOT_COMPARED, "smallest share over bound, bound above 0.05"},
        {"turned", f.turned, CLAIM_NOT_COMPARED,
         "smallest share minus bound, atoms turned by 10 degrees"},
        {"leaking", f.leaking, CLAIM_NOT_COMPARED,
         "smallest share minus bound, one feature leaking into another"},
        {"uncapped", f.uncapped, CLAIM_NOT_COMPARED, "smallest share minus (1 - h) at an optimum"},
        {"half", f.half, CLAIM_NOT_COMPARED,
         "smallest share minus (1 - h)/2 where rho is at most 1"},
        {"half_wanted", f.half_wanted, CLAIM_NOT_COMPARED, "the same where rho is larger"},
        {"shown", SHOWN, CLAIM_EXACT, "problems of the table"},
        {"lone", LONE, CLAIM_EXACT, "share of the child's firings without its parent"});
    return claim_end(claim);
}

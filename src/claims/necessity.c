/** # The hull condition is necessary

Claim `necessity`.  At every local optimum of nonnegative L1 dictionary learning with unit atoms,
and for every live feature $k$, the cosines $h_{jk} = d_j \cdot d_k$ lie in a convex hull,

$$ (h_{jk})_{j \ne k} \in \mathrm{Conv}\{ (\tilde z_{ij})_{j \ne k} : z_{ik} = 0 \}, \qquad
   \tilde z_{ij} = 1 - z_{ij} / m_j, $$

and so do those of any subset of the other features, one at a time included.  Without a free bias
the hull becomes a cone: $(m_j (1 - h_{jk}))_j$ lies in the cone of the rows $(z_{ij})_j$ with
feature $k$ off.  What puts them there are the multipliers of $z_{ik} \ge 0$, the subject of
[weights](weights.html).

Random problems are solved, each solution is judged by a certificate that knows nothing of the
solver, and on the certified ones every condition is measured.  Two controls are not stationary:
every atom turned by a stated angle and the data coded again, and one feature leaking into another.

- Reads nothing: the problems are drawn from the seed.
- Writes: `necessity.tsv`; `necessity-margins` (every margin, at the optima and turned),
  `necessity-problems` (a row per problem), `necessity-angles` (how many problems violate a
  condition after a turn).
- Falsified by: a certified optimum with a margin below $-10^{-8}$. */
#include <stdio.h>
#include <string.h>

#include "kit/claim.h"
#include "kit/random_problem.h"

enum { PROBLEMS = 240 };

/* The relative KKT residual up to which a solution counts as an optimum, and the slack of what
 * follows from it.  The conditions are averages of the KKT equations with weights z_ij / m_j,
 * which reach 100 here but not 1e4. */
static const double CONVERGED = 1e-9, SLACK = 1e-8;

/* The first control's turns in degrees; margins are recorded for turn number SHOWN. */
enum { ANGLES = 7, SHOWN = 5 };
static const double DEGREES[ANGLES] = {0.1, 0.3, 1, 3, 10, 30, 90};
/* The second control: this much of one feature leaks into another. */
static const double LEAK = 0.1;

/** ## Margins

The smallest signed margin of all ordered pairs and of all $K$-feature conditions, in units of
$\tilde z$, negative outside the hull.  Only features that fire somewhere have a condition. */
enum condition { PAIR, FULL, CONDITIONS };

/* stands in the table for the margin -infinity of a feature that is never off */
static const double NEVER_OFF = -10;

struct margins {
    double smallest[CONDITIONS]; /* infinity where there is no condition */
    size_t count[CONDITIONS];
};

/* The condition of k against j, all others if j == k.  `row` >= 0 writes a row to the open table
 * of margins, marked by it; else it is enough to know how far outside, and the linear program is
 * faster than Qhull. */
static void note_margin(struct claim *claim, struct margins *margins, const struct ndl_model *m,
                        size_t j, size_t k, int row)
{
    enum condition which = j == k ? FULL : PAIR;
    struct ndl_condition c = claim_condition(claim, m, j, k, row < 0 ? NDL_LP : NDL_AUTO, SLACK);
    keep_min(&margins->smallest[which], claim_margin(&c));
    margins->count[which]++;
    if (row >= 0)
        claim_row(claim, row, which, m->bias, fmax(claim_margin(&c), NEVER_OFF));
    ndl_condition_free(&c);
}

static struct margins find_margins(struct claim *claim, const struct ndl_model *m, int row)
{
    struct margins margins = {.smallest = {HUGE_VAL, HUGE_VAL}};
    size_t live[RANDOM_PROBLEM_MOST_FEATURES], count = measure_live(m, live);
    for (size_t k = 0; k < count && count > 1; k++)
        for (size_t step = 1; step <= count; step++) /* j = k last */
            note_margin(claim, &margins, m, live[(k + step) % count], live[k], row);
    return margins;
}

/** ## At the optima */
struct found {
    size_t converged, vacuous;                      /* vacuous: fewer than two live features */
    size_t count[CONDITIONS], violated[CONDITIONS]; /* conditions; problems that violate one */
    double smallest[CONDITIONS], residual;
};

static void check_optimum(struct found *found, const struct margins *margins, double residual)
{
    found->converged++;
    found->vacuous += margins->count[FULL] == 0;
    keep_max(&found->residual, residual);
    for (size_t c = 0; c < CONDITIONS; c++) {
        keep_min(&found->smallest[c], margins->smallest[c]);
        found->count[c] += margins->count[c];
        found->violated[c] += margins->smallest[c] < -SLACK;
    }
}

/** ## The controls

*Turned*: every atom turns by the same angle in a random direction and the data are coded again,
exactly.

*Leaking*: $z_k \leftarrow z_k + a z_j$ and $d_j \leftarrow d_j - a d_k$ for two random features,
the latter normalised again.  No reconstruction changes, but $j$ now fires only where $k$ does, and
the pair violates its condition however small $a$ is. */
/* over the optima: how many problems have such conditions and how many violate one */
struct tally {
    /* turned; by angle, bias, condition */
    size_t of[ANGLES][2][CONDITIONS], violated[ANGLES][2][CONDITIONS];
    size_t leaking, leaking_violated[CONDITIONS];
    size_t rejected; /* of the leaking: by the certificate */
};

static void run_controls(struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X,
                         const struct ndl_model *m, struct tally *tally)
{
    struct ndl_error err;
    struct ndl_model spoilt;
    for (size_t a = 0; a < ANGLES; a++) {
        claim_check_status(claim, turned_model(rng, X, m, DEGREES[a], &spoilt, &err), &err);
        struct margins margins = find_margins(claim, &spoilt, a == SHOWN ? 1 : -1);
        for (size_t c = 0; c < CONDITIONS; c++) {
            tally->of[a][m->bias][c] += margins.count[c] > 0;
            tally->violated[a][m->bias][c] += margins.smallest[c] < -SLACK;
        }
        ndl_model_free(&spoilt);
    }
    size_t live[RANDOM_PROBLEM_MOST_FEATURES];
    if (measure_live(m, live) < 2)
        return;
    claim_check_status(claim, leaking_model(rng, m, LEAK, &spoilt, &err), &err);
    struct margins margins = find_margins(claim, &spoilt, -1);
    tally->leaking++;
    for (size_t c = 0; c < CONDITIONS; c++)
        tally->leaking_violated[c] += margins.smallest[c] < -SLACK;
    tally->rejected += claim_certify(claim, X, &spoilt).worst > CONVERGED;
    ndl_model_free(&spoilt);
}

enum { COLUMNS = 13 };

/* One problem: its row of the table `problems`, and if it is certified its share of the rest. */
static void examine(struct claim *claim, size_t trial, struct found *found, struct tally *tally,
                    double *row)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_model m;
    gsl_rng *rng = claim_rng(claim, trial);
    struct random_problem p;
    claim_check_status(claim, random_problem_run(rng, trial, &p, &X, &m, &err), &err);
    struct ndl_certificate certificate = claim_certify(claim, &X, &m);
    bool optimum = certificate.worst <= CONVERGED;
    struct margins margins = find_margins(claim, &m, optimum ? 0 : -1);
    memcpy(row,
           (double[COLUMNS]){(double)trial, p.kind, (double)p.samples, (double)p.dimension,
                             (double)p.atoms, p.lambda, p.noise, p.bias, (double)certificate.live,
                             certificate.loss / (double)p.samples, certificate.worst,
                             margins.smallest[PAIR], margins.smallest[FULL]},
           COLUMNS * sizeof(double));
    if (optimum) {
        check_optimum(found, &margins, certificate.worst);
        run_controls(claim, rng, &X, &m, tally);
    }
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

/** ## Results */

/* The one-sigma Wilson interval of a rate, honest at 0 and 1 too. */
static void wilson(size_t count, size_t of, double *low, double *high)
{
    double n = (double)of, p = (double)count / n;
    double centre = (p + 0.5 / n) / (1 + 1 / n),
           half = sqrt(p * (1 - p) / n + 0.25 / (n * n)) / (1 + 1 / n);
    *low = centre - half;
    *high = centre + half;
}

/* Rates are known to 0.05 on another machine: there, a few of the 120 problems may end in
 * another optimum. */
static void write_rates(struct claim *claim, const struct tally *tally)
{
    static const char *const NAMES[2][CONDITIONS] = {{"nobias_pair", "nobias_full"},
                                                     {"bias_pair", "bias_full"}};
    claim_table(claim, "angles",
                "bias - 0 1 with a free bias\n"
                "full - 0 1 all K-feature conditions, 0 all pairs\n"
                "degrees degree 0 the turn of every atom\n"
                "problems - 0.05 optima that have such a condition after the turn\n"
                "rate 1 0.05 share of them that violate one\n"
                "low 1 0.05 rate, lower end of its one-sigma (Wilson) interval\n"
                "high 1 0.05 upper end");
    for (size_t curve = 0; curve < 4; curve++) {
        size_t bias = curve / 2, c = curve % 2;
        for (size_t a = 0; a < ANGLES; a++) {
            size_t of = tally->of[a][bias][c], violated = tally->violated[a][bias][c];
            double low, high, rate = (double)violated / (double)of;
            char key[64];
            wilson(violated, of, &low, &high);
            claim_row(claim, (double)bias, (double)c, DEGREES[a], (double)of, rate, low, high);
            if (a != SHOWN)
                continue;
            snprintf(key, sizeof key, "turned.%s", NAMES[bias][c]);
            claim_scalar(claim, key, rate, 0.05,
                         "share of the turned optima that violate such a condition");
            snprintf(key, sizeof key, "turned.%s_error", NAMES[bias][c]);
            claim_scalar(claim, key, (high - low) / 2, 0.01, "its binomial standard error");
        }
        claim_table_break(claim);
    }
}

static void write_problems(struct claim *claim, const struct ndl_matrix *rows)
{
    claim_table(claim, "problems",
                "trial - 0 random stream\n"
                "kind - 0 0 independent, 1 correlated, 2 hierarchical, 3 Gaussian\n"
                "samples - 0 N\n"
                "dimension - 0 d\n"
                "atoms - 0 K\n"
                "lambda 1 1e-12 lambda\n"
                "noise 1 1e-12 standard deviation of the noise\n"
                "bias - 0 1 free\n"
                /* here and below: another machine may find another optimum */
                "live - inf atoms that fire\n"
                "loss 1 inf per sample\n"
                "residual 1 inf largest relative KKT residual\n"
                "pair 1 inf smallest margin of all pairs\n"
                "full 1 inf smallest margin of all K-feature conditions");
    for (size_t trial = 0; trial < PROBLEMS; trial++)
        claim_row_array(claim, ndl_row(rows, trial), rows->cols);
}

static void record(struct claim *claim, const struct found *f, const struct tally *t)
{
    const double optima = (double)f->converged, leaks = (double)t->leaking;
    claim_values(
        claim, NULL, {"problems", PROBLEMS, CLAIM_EXACT, "random problems solved"},
        {"samples_least", RANDOM_PROBLEM_LEAST_SAMPLES, CLAIM_EXACT, "smallest N"},
        {"samples_most", RANDOM_PROBLEM_MOST_SAMPLES, CLAIM_EXACT, "largest N"},
        {"dimension_most", RANDOM_PROBLEM_MOST_DIMENSION, CLAIM_EXACT, "largest d"},
        {"atoms_most", RANDOM_PROBLEM_MOST_FEATURES, CLAIM_EXACT, "largest K"},
        {"lambda_least", RANDOM_PROBLEM_LEAST_LAMBDA, CLAIM_EXACT, "smallest lambda"},
        {"lambda_most", RANDOM_PROBLEM_MOST_LAMBDA, CLAIM_EXACT, "largest lambda"},
        {"residual_most", CONVERGED, CLAIM_EXACT,
         "KKT residual up to which a solution is certified"},
        {"converged", optima, 0.02, "of them certified: KKT residual at most 1e-9"},
        {"unconverged", 1 - optima / PROBLEMS, 0.02, "share of those that are not"},
        {"residual", f->residual, CLAIM_NOT_COMPARED, "largest KKT residual among the certified"},
        {"vacuous", (double)f->vacuous, 3, "certified optima with fewer than two live features"},
        {"pairs", (double)f->count[PAIR], 0.02, "ordered pairs checked at the optima"},
        {"fulls", (double)f->count[FULL], 0.02, "K-feature conditions checked at the optima"},
        {"pair_margin", f->smallest[PAIR], 0.01, "smallest margin of a pair at an optimum"},
        {"full_margin", f->smallest[FULL], 0.01, "smallest margin of a K-feature condition"},
        {"pair", (double)f->violated[PAIR] / optima, CLAIM_EXACT,
         "share of the optima with a pair more than 1e-8 outside"},
        {"full", (double)f->violated[FULL] / optima, CLAIM_EXACT,
         "share of the optima with a K-feature condition more than 1e-8 outside"},
        {"turned.degrees", DEGREES[SHOWN], CLAIM_EXACT, "turn of every atom, first control"},
        {"leaking.share", LEAK, CLAIM_EXACT, "how much of a feature leaks, second control"},
        {"leaking.problems", leaks, 0.02, "optima with two features, so that one can leak"},
        {"leaking.pair", (double)t->leaking_violated[PAIR] / leaks, CLAIM_EXACT,
         "share of the leaking optima with a pair outside"},
        {"leaking.full", (double)t->leaking_violated[FULL] / leaks, CLAIM_EXACT,
         "share with a K-feature condition outside"},
        {"leaking.unconverged", (double)t->rejected / leaks, CLAIM_EXACT,
         "share that the certificate rejects"});
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Solves random dictionary learning problems and checks that "
                                      "every optimum satisfies the hull conditions.\v"
                                      "Example: necessity --out build/results");
    struct ndl_matrix rows = claim_matrix(claim, PROBLEMS, COLUMNS);
    struct tally tally = {.leaking = 0};
    struct found found = {.smallest = {HUGE_VAL, HUGE_VAL}};
    claim_table(claim, "margins",
                "turned - 0 0 at the optimum, 1 after the turn of turned.degrees\n"
                "full - 0 1 K-feature condition, 0 a pair\n"
                "bias - 0 1 hull, 0 cone\n"
                "margin 1 inf signed distance to the boundary in units of ztilde, positive inside; "
                "-10: never off");
    for (size_t trial = 0; trial < PROBLEMS; trial++) {
        examine(claim, trial, &found, &tally, ndl_row(&rows, trial));
        claim_progress(claim, trial + 1, PROBLEMS, "problems");
    }
    write_rates(claim, &tally);
    write_problems(claim, &rows);
    record(claim, &found, &tally);
    ndl_matrix_free(&rows);
    return claim_end(claim);
}

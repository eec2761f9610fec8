/** # The hull condition is necessary

Claim `necessity`.  At every local optimum of nonnegative L1 dictionary learning with unit atoms, and for every
live feature $k$, the cosines $h_{jk} = d_j \cdot d_k$ lie in a convex hull,

$$ (h_{jk})_{j \ne k} \in \mathrm{Conv}\{ (\tilde z_{ij})_{j \ne k} : z_{ik} = 0 \}, \qquad
   \tilde z_{ij} = 1 - z_{ij} / m_j, $$

and so do those of any subset of the other features, one at a time included.  Without a free bias the hull
becomes a cone: $(m_j (1 - h_{jk}))_j$ lies in the cone of the rows $(z_{ij})_j$ with feature $k$ off.  What
puts them there are the multipliers $\mu_{ik} = \lambda - 2 r_i \cdot d_k$ of $z_{ik} \ge 0$, which are convex
weights once divided by $\lambda N$:

$$ w_{ik} \ge 0, \quad w_{ik} = 0 \text{ where } z_{ik} > 0, \quad \sum_i w_{ik} = 1 \text{ (free bias)}, \quad
   \sum_i w_{ik} z_{ij} = m_j (1 - h_{jk}). $$

Random problems are solved, each solution is judged by a certificate that knows nothing of the solver, and on
the certified ones everything above is measured.  Two controls are not stationary: every atom turned by a stated
angle and the data coded again, and one feature leaking into another.

- Reads: nothing; the problems are drawn from the seed.
- Writes: `necessity.tsv`; `necessity-margins` (every margin, at the optima and turned), `necessity-problems`
  (a row per problem), `necessity-angles` (how many problems violate a condition after a turn).
- Falsified by: a certified optimum with a margin below $-10^{-8}$, or weights that are not the ones above. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <stdio.h>
#include <string.h>

#include "claim.h"

enum { PROBLEMS = 240, MIN_SAMPLES = 40, MAX_SAMPLES = 160, MAX_FEATURES = 8, MAX_DIMENSION = 8 };
static const double MIN_LAMBDA = 0.01, MAX_LAMBDA = 1;
enum kind { INDEPENDENT, CORRELATED, HIERARCHY, GAUSSIAN, KINDS };

/* The relative KKT residual up to which a solution counts as an optimum, and the slack of what follows from it.
 * The conditions are averages of the KKT equations with weights z_ij / m_j, which reach 100 here but not 1e4. */
static const double CONVERGED = 1e-9, SLACK = 1e-8;

/* The first control's turns in degrees; margins and weights are recorded for turn number SHOWN. */
enum { ANGLES = 7, SHOWN = 5 };
static const double DEGREES[ANGLES] = {0.1, 0.3, 1, 3, 10, 30, 90};
/* The second control: this much of one feature leaks into another. */
static const double LEAK = 0.1;

/** ## The problems

Sizes, sparsity, $\lambda$ and noise are drawn over wide ranges, and the number of atoms need not be the number of
true features.  Features fire independently, from a common cause, or hierarchically (each only where an earlier
one does); every fourth data set is plain Gaussian and has no true features at all. */
struct problem {
    size_t N, d, K, features;
    enum kind kind;
    double lambda, noise;
    bool bias;
};

static size_t draw_size(gsl_rng *rng, size_t low, size_t high)
{
    return low + gsl_rng_uniform_int(rng, high - low + 1);
}

static struct problem draw_problem(gsl_rng *rng, size_t trial)
{
    struct problem p = {.kind = (enum kind)(trial % KINDS), .bias = trial / KINDS % 2 == 0};
    p.N = draw_size(rng, MIN_SAMPLES, MAX_SAMPLES);
    p.d = draw_size(rng, 2, MAX_DIMENSION);
    p.K = draw_size(rng, 2, MAX_FEATURES);
    p.features = draw_size(rng, 2, MAX_FEATURES);
    p.lambda = exp(gsl_ran_flat(rng, log(MIN_LAMBDA), log(MAX_LAMBDA)));
    p.noise = gsl_rng_uniform(rng) < 0.5 ? 0 : gsl_ran_flat(rng, 0.01, 0.2);
    return p;
}

/* Which features fire in one sample. */
static void draw_firing(gsl_rng *rng, const struct problem *p, const double *rate, const size_t *parent, bool *fires)
{
    double common = gsl_ran_gaussian(rng, 0.8);
    for (size_t j = 0; j < p->features; j++)
        if (p->kind == CORRELATED) /* unit variance, correlation 0.64; above 0.5 in 31 % of the samples */
            fires[j] = common + gsl_ran_gaussian(rng, 0.6) > 0.5;
        else
            fires[j] = gsl_rng_uniform(rng) < rate[j] && (p->kind != HIERARCHY || j == 0 || fires[parent[j]]);
}

static void draw_data(const struct claim *claim, gsl_rng *rng, const struct problem *p, struct ndl_matrix *X)
{
    double direction[MAX_FEATURES][MAX_DIMENSION], rate[MAX_FEATURES];
    size_t parent[MAX_FEATURES];
    bool fires[MAX_FEATURES];
    for (size_t j = 0; j < p->features; j++) {
        ndl_random_unit(rng, direction[j], p->d);
        rate[j] = p->kind == HIERARCHY ? gsl_ran_flat(rng, 0.4, 0.9) : gsl_ran_flat(rng, 0.1, 0.6);
        parent[j] = j > 0 ? gsl_rng_uniform_int(rng, j) : 0;
    }
    *X = claim_matrix(claim, p->N, p->d);
    for (size_t i = 0; i < p->N; i++) {
        double *x = ndl_row(X, i);
        for (size_t c = 0; c < p->d; c++)
            x[c] = gsl_ran_gaussian(rng, p->kind == GAUSSIAN ? 1 : p->noise);
        draw_firing(rng, p, rate, parent, fires);
        for (size_t j = 0; j < p->features && p->kind != GAUSSIAN; j++) {
            double z = fires[j] ? gsl_ran_flat(rng, 0.2, 1.8) : 0;
            ndl_axpy(p->d, z, direction[j], x);
        }
    }
}

/* One run of the solver, whatever it ends with: the certificate will tell. */
static struct ndl_model solve(const struct claim *claim, gsl_rng *rng, const struct problem *p,
                              const struct ndl_matrix *X)
{
    struct ndl_model m;
    bool converged;
    struct ndl_fit_options options = ndl_fit_defaults(p->K, p->lambda);
    options.bias = p->bias;
    options.seed = 1 + gsl_rng_uniform_int(rng, 1u << 30);
    claim_fit(claim, X, &options, &m, &converged);
    return m;
}

/** ## Margins

The smallest signed margin of all ordered pairs and of all $K$-feature conditions, in units of $\tilde z$,
negative outside the hull.  Only features that fire somewhere have a condition. */
enum condition { PAIR, FULL, CONDITIONS };

static const double NEVER_OFF = -10; /* stands in the table for the margin -infinity of a feature that is never off */

struct margins {
    double smallest[CONDITIONS]; /* infinity where there is no condition */
    size_t count[CONDITIONS];
};

/* Which features fire, `live` of them. */
static size_t find_live(const struct ndl_model *m, size_t *live)
{
    size_t count = 0;
    for (size_t k = 0; k < m->D.rows; k++)
        if (ndl_activity(m, k) > 0)
            live[count++] = k;
    return count;
}

/* The condition of k against j, all others if j == k.  `row` >= 0 writes a row to the open table of margins, marked by
 * it; else it is enough to know how far outside, and the linear program is faster than Qhull. */
static void note_margin(struct claim *claim, struct margins *margins, const struct ndl_model *m, size_t j, size_t k,
                        int row)
{
    enum condition which = j == k ? FULL : PAIR;
    struct ndl_condition c = claim_condition(claim, m, j, k, row < 0 ? NDL_LP : NDL_AUTO, SLACK);
    margins->smallest[which] = fmin(margins->smallest[which], claim_margin(&c));
    margins->count[which]++;
    if (row >= 0)
        claim_row(claim, (const double[]){row, which, m->bias, fmax(claim_margin(&c), NEVER_OFF)});
    ndl_condition_free(&c);
}

static struct margins find_margins(struct claim *claim, const struct ndl_model *m, int row)
{
    struct margins margins = {.smallest = {HUGE_VAL, HUGE_VAL}};
    size_t live[MAX_FEATURES], count = find_live(m, live);
    for (size_t k = 0; k < count && count > 1; k++)
        for (size_t step = 1; step <= count; step++) /* j = k last */
            note_margin(claim, &margins, m, live[(k + step) % count], live[k], row);
    return margins;
}

/** ## Weights

How far the multipliers are from being the convex weights of the theory.  The barycentre is measured on $\mu$ and
$z$ and predicted from the atoms alone. */
struct weights {
    double negative;   /* largest total weight below zero, over k */
    double on;         /* largest total weight where k fires */
    double sum;        /* largest |sum_i w_ik - 1|; 0 without a bias */
    double barycentre; /* largest |sum_i w_ik z_ij / m_j - (1 - h_jk)| */
};

static struct weights measure_weights(const struct claim *claim, const struct ndl_matrix *X, const struct ndl_model *m)
{
    struct ndl_error err;
    struct ndl_matrix W, Z = claim_dense(claim, m);
    struct weights worst = {0};
    double mean[MAX_FEATURES];
    const size_t d = X->cols;
    claim_must(claim, ndl_multiplier_weights(X, m, &W, &err), &err);
    for (size_t j = 0; j < Z.cols; j++)
        mean[j] = ndl_column_mean(&Z, j);
    for (size_t k = 0; k < Z.cols; k++) {
        double negative = 0, on = 0, sum = 0, barycentre[MAX_FEATURES] = {0};
        if (mean[k] <= 0)
            continue;
        for (size_t i = 0; i < Z.rows; i++) {
            double w = ndl_row(&W, i)[k];
            const double *z = ndl_row(&Z, i);
            negative += fmax(0, -w);
            on += z[k] > 0 ? fabs(w) : 0;
            sum += w;
            ndl_axpy(Z.cols, w, z, barycentre);
        }
        worst.negative = fmax(worst.negative, negative);
        worst.on = fmax(worst.on, on);
        worst.sum = fmax(worst.sum, m->bias ? fabs(sum - 1) : 0);
        for (size_t j = 0; j < Z.cols; j++)
            if (mean[j] > 0)
                worst.barycentre = fmax(worst.barycentre, fabs(barycentre[j] / mean[j] - 1 +
                                                               ndl_dot(d, ndl_row(&m->D, j), ndl_row(&m->D, k))));
    }
    ndl_matrix_free(&W);
    ndl_matrix_free(&Z);
    return worst;
}

/** ## The controls

*Turned*: every atom turns by the same angle in a random direction and the data are coded again, exactly.  The
conditions of the codes hold, those of the atoms and of the bias do not: weights are nonnegative and where they
belong, but sum and barycentre are wrong. */
static struct ndl_model turn_atoms(const struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X,
                                   const struct ndl_model *m, double degrees)
{
    const double angle = degrees * M_PI / 180;
    const size_t d = m->D.cols;
    struct ndl_model turned = {claim_copy(claim, &m->D), claim_copy(claim, &m->b), .lambda = m->lambda,
                               .bias = m->bias};
    for (size_t k = 0; k < m->D.rows; k++) {
        double u[MAX_DIMENSION], *atom = ndl_row(&turned.D, k);
        ndl_random_unit(rng, u, d);
        ndl_axpy(d, -ndl_dot(d, u, atom), atom, u);
        ndl_normalise(d, u);
        for (size_t c = 0; c < d; c++)
            atom[c] = cos(angle) * atom[c] + sin(angle) * u[c];
    }
    claim_encode(claim, X, &turned);
    return turned;
}

/** *Leaking*: $z_k \leftarrow z_k + a z_j$ and $d_j \leftarrow d_j - a d_k$ for two random features, the latter
normalised again.  No reconstruction changes, but $j$ now fires only where $k$ does, and the pair violates its
condition however small $a$ is. */
static struct ndl_model leak(const struct claim *claim, size_t j, size_t k, const struct ndl_model *m)
{
    struct ndl_matrix Z = claim_dense(claim, m), D = claim_copy(claim, &m->D);
    ndl_axpy(D.cols, -LEAK, ndl_row(&D, k), ndl_row(&D, j));
    double norm = ndl_normalise(D.cols, ndl_row(&D, j));
    for (size_t i = 0; i < Z.rows; i++) {
        ndl_row(&Z, i)[k] += LEAK * ndl_row(&Z, i)[j];
        ndl_row(&Z, i)[j] *= norm;
    }
    struct ndl_model leaking = claim_model(claim, &D, &m->b, &Z, m->lambda);
    leaking.bias = m->bias;
    ndl_matrix_free(&Z);
    ndl_matrix_free(&D);
    return leaking;
}

/* Over the optima: how many problems have such conditions and how many violate one. */
struct tally {
    size_t of[ANGLES][2][CONDITIONS], violated[ANGLES][2][CONDITIONS]; /* turned; by angle, bias, condition */
    size_t leaking, leaking_violated[CONDITIONS];
    size_t rejected; /* of the leaking: by the certificate */
    struct weights turned_weights, leaking_weights; /* the largest; at the turn that is shown */
};

static void widen(struct weights *to, struct weights w)
{
    to->negative = fmax(to->negative, w.negative);
    to->on = fmax(to->on, w.on);
    to->sum = fmax(to->sum, w.sum);
    to->barycentre = fmax(to->barycentre, w.barycentre);
}

static void run_controls(struct claim *claim, gsl_rng *rng, const struct ndl_matrix *X, const struct ndl_model *m,
                         struct tally *tally)
{
    struct ndl_error err;
    for (size_t a = 0; a < ANGLES; a++) {
        struct ndl_model turned = turn_atoms(claim, rng, X, m, DEGREES[a]);
        struct margins margins = find_margins(claim, &turned, a == SHOWN ? 1 : -1);
        for (size_t c = 0; c < CONDITIONS; c++) {
            tally->of[a][m->bias][c] += margins.count[c] > 0;
            tally->violated[a][m->bias][c] += margins.smallest[c] < -SLACK;
        }
        if (a == SHOWN)
            widen(&tally->turned_weights, measure_weights(claim, X, &turned));
        ndl_model_free(&turned);
    }
    size_t live[MAX_FEATURES], count = find_live(m, live);
    if (count < 2)
        return;
    struct ndl_certificate certificate;
    size_t j = gsl_rng_uniform_int(rng, count), k = (j + 1 + gsl_rng_uniform_int(rng, count - 1)) % count;
    struct ndl_model leaking = leak(claim, live[j], live[k], m);
    struct margins margins = find_margins(claim, &leaking, -1);
    tally->leaking++;
    for (size_t c = 0; c < CONDITIONS; c++)
        tally->leaking_violated[c] += margins.smallest[c] < -SLACK;
    claim_must(claim, ndl_certify(X, &leaking, &certificate, &err), &err);
    tally->rejected += certificate.worst > CONVERGED;
    widen(&tally->leaking_weights, measure_weights(claim, X, &leaking));
    ndl_model_free(&leaking);
}

/** ## Results */

/* The one-sigma Wilson interval of a rate, honest at 0 and 1 too. */
static void wilson(size_t count, size_t of, double *low, double *high)
{
    double n = (double)of, p = (double)count / n;
    double centre = (p + 0.5 / n) / (1 + 1 / n), half = sqrt(p * (1 - p) / n + 0.25 / (n * n)) / (1 + 1 / n);
    *low = centre - half;
    *high = centre + half;
}

/* Rates are known to 0.05 on another machine: there, a few of the 120 problems may end in another optimum. */
static void write_rates(struct claim *claim, const struct tally *tally)
{
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
            double low, high;
            char key[64];
            wilson(violated, of, &low, &high);
            claim_row(claim, (const double[]){(double)bias, (double)c, DEGREES[a], (double)of,
                                              (double)violated / (double)of, low, high});
            if (a != SHOWN)
                continue;
            snprintf(key, sizeof key, "turned.%s_%s", bias ? "bias" : "nobias", c == FULL ? "full" : "pair");
            claim_scalar(claim, key, (double)violated / (double)of, 0.05,
                         "share of the turned optima that violate such a condition");
            snprintf(key, sizeof key, "turned.%s_%s_error", bias ? "bias" : "nobias", c == FULL ? "full" : "pair");
            claim_scalar(claim, key, (high - low) / 2, 0.01, "its binomial standard error");
        }
        claim_gap(claim);
    }
}

static void record_weights(struct claim *claim, const char *of, struct weights w)
{
    const double any = CLAIM_ROUNDING;
    claim_values(claim, of,
        {"negative", w.negative, any, "largest total weight below zero of a feature"},
        {"on", w.on, any, "largest total weight where the feature fires"},
        {"sum", w.sum, any, "largest |sum of the weights - 1|, free bias"},
        {"barycentre", w.barycentre, any, "largest |sum_i w_ik z_ij / m_j - (1 - d_j.d_k)|"});
}

/* What the optima show. */
struct found {
    size_t converged, vacuous, count[CONDITIONS], violated[CONDITIONS]; /* vacuous: fewer than two live features */
    double smallest[CONDITIONS], residual;
    struct weights weights;
};

enum { COLUMNS = 17 };

/* One problem: its row of the table `problems`, and if it is certified its share of the rest. */
static void examine(struct claim *claim, size_t trial, struct found *found, struct tally *tally, double *row)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_certificate certificate;
    gsl_rng *rng = claim_rng(claim, trial);
    struct problem p = draw_problem(rng, trial);
    draw_data(claim, rng, &p, &X);
    struct ndl_model m = solve(claim, rng, &p, &X);
    claim_must(claim, ndl_certify(&X, &m, &certificate, &err), &err);
    bool optimum = certificate.worst <= CONVERGED;
    struct margins margins = find_margins(claim, &m, optimum ? 0 : -1);
    struct weights w = measure_weights(claim, &X, &m);
    memcpy(row, (double[COLUMNS]){(double)trial, p.kind, (double)p.N, (double)p.d, (double)p.K, p.lambda, p.noise,
           p.bias, (double)certificate.live, certificate.loss / (double)p.N, certificate.worst, margins.smallest[PAIR],
           margins.smallest[FULL], w.negative, w.on, w.sum, w.barycentre}, COLUMNS * sizeof(double));
    if (optimum) {
        found->converged++;
        found->residual = fmax(found->residual, certificate.worst);
        found->vacuous += margins.count[FULL] == 0;
        widen(&found->weights, w);
        for (size_t c = 0; c < CONDITIONS; c++) {
            found->smallest[c] = fmin(found->smallest[c], margins.smallest[c]);
            found->count[c] += margins.count[c];
            found->violated[c] += margins.smallest[c] < -SLACK;
        }
        run_controls(claim, rng, &X, &m, tally);
    }
    ndl_matrix_free(&X);
    ndl_model_free(&m);
    gsl_rng_free(rng);
}

static void record(struct claim *claim, const struct found *f, const struct tally *t)
{
    const double exact = CLAIM_EXACT, optima = (double)f->converged, leaks = (double)t->leaking;
    claim_values(claim, NULL,
        {"problems", PROBLEMS, exact, "random problems solved"},
        {"samples_least", MIN_SAMPLES, exact, "smallest N"},
        {"samples_most", MAX_SAMPLES, exact, "largest N"},
        {"dimension_most", MAX_DIMENSION, exact, "largest d"},
        {"atoms_most", MAX_FEATURES, exact, "largest K"},
        {"lambda_least", MIN_LAMBDA, exact, "smallest lambda"},
        {"lambda_most", MAX_LAMBDA, exact, "largest lambda"},
        {"residual_most", CONVERGED, exact, "KKT residual up to which a solution is certified"},
        {"converged", optima, 0.02, "of them certified: KKT residual at most 1e-9"},
        {"unconverged", 1 - optima / PROBLEMS, 0.02, "share of those that are not"},
        {"residual", f->residual, CLAIM_ROUNDING, "largest KKT residual among the certified"},
        {"vacuous", (double)f->vacuous, 3, "certified optima with fewer than two live features"},
        {"pairs", (double)f->count[PAIR], 0.02, "ordered pairs checked at the optima"},
        {"fulls", (double)f->count[FULL], 0.02, "K-feature conditions checked at the optima"},
        {"pair_margin", f->smallest[PAIR], 0.01, "smallest margin of a pair at an optimum"},
        {"full_margin", f->smallest[FULL], 0.01, "smallest margin of a K-feature condition"},
        {"pair", (double)f->violated[PAIR] / optima, exact, "share of the optima with a pair more than 1e-8 outside"},
        {"full", (double)f->violated[FULL] / optima, exact,
         "share of the optima with a K-feature condition more than 1e-8 outside"},
        {"turned.degrees", DEGREES[SHOWN], exact, "turn of every atom, first control"},
        {"leaking.share", LEAK, exact, "how much of a feature leaks, second control"},
        {"leaking.problems", leaks, 0.02, "optima with two features, so that one can leak"},
        {"leaking.pair", (double)t->leaking_violated[PAIR] / leaks, exact,
         "share of the leaking optima with a pair outside"},
        {"leaking.full", (double)t->leaking_violated[FULL] / leaks, exact, "share with a K-feature condition outside"},
        {"leaking.unconverged", (double)t->rejected / leaks, exact, "share that the certificate rejects"});
    record_weights(claim, "weights", f->weights);
    record_weights(claim, "turned", t->turned_weights);
    record_weights(claim, "leaking", t->leaking_weights);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Solves random dictionary learning problems and checks that every optimum satisfies the hull conditions, "
        "and that its multipliers are the convex weights.\vExample: necessity --out build/results");
    struct ndl_matrix rows = claim_matrix(claim, PROBLEMS, COLUMNS);
    struct tally tally = {.leaking = 0};
    struct found found = {.smallest = {HUGE_VAL, HUGE_VAL}};
    claim_table(claim, "margins",
                "turned - 0 0 at the optimum, 1 after the turn of turned.degrees\n"
                "full - 0 1 K-feature condition, 0 a pair\n"
                "bias - 0 1 hull, 0 cone\n"
                "margin 1 inf signed distance to the boundary in units of ztilde, positive inside; -10: never off");
    for (size_t trial = 0; trial < PROBLEMS; trial++) {
        examine(claim, trial, &found, &tally, ndl_row(&rows, trial));
        claim_progress(claim, trial + 1, PROBLEMS, "problems");
    }
    write_rates(claim, &tally);
    claim_table(claim, "problems",
                "trial - 0 random stream\n"
                "kind - 0 0 independent, 1 correlated, 2 hierarchical, 3 Gaussian\n"
                "samples - 0 N\n"
                "dimension - 0 d\n"
                "atoms - 0 K\n"
                "lambda 1 1e-12 lambda\n"
                "noise 1 1e-12 standard deviation of the noise\n"
                "bias - 0 1 free\n"
                "live - inf atoms that fire\n" /* here and below: another machine may find another optimum */
                "loss 1 inf per sample\n"
                "residual 1 inf largest relative KKT residual\n"
                "pair 1 inf smallest margin of all pairs\n"
                "full 1 inf smallest margin of all K-feature conditions\n"
                "negative 1 inf largest weight below zero\n"
                "on 1 inf largest weight where the feature fires\n"
                "sum 1 inf largest |sum of the weights - 1|, free bias\n"
                "barycentre 1 inf largest error of the barycentre");
    for (size_t trial = 0; trial < PROBLEMS; trial++)
        claim_row(claim, ndl_row(&rows, trial));
    ndl_matrix_free(&rows);

    record(claim, &found, &tally);
    return claim_end(claim);
}

/** # Hierarchies cannot be optimal

Claim `hierarchy`.  A labrador fires only where a dog does.  So while the dog is off the labrador is constantly
zero, the hull of its $\tilde z = 1 - z/m$ is the point 1, and two different atoms $d_j \cdot d_k = h < 1$ violate
the condition.  The descent direction takes the child $j$ out of the parent $k$,

$$ z_k \leftarrow z_k - \epsilon z_j, \qquad d_j \leftarrow d_j + \epsilon d_k, \qquad
   \frac{\mathrm{d}L}{N \lambda\, \mathrm{d}\epsilon} = -m_j (1 - h), $$

which is absorption: the parent retires where the child fires and the child's atom takes its direction over.  The
reconstruction holds until the parent's code reaches zero in some sample, at
$\epsilon = \min_{i : z_{ij} > 0} z_{ik} / z_{ij}$.  If parent and child keep a constant ratio this happens
everywhere at once, and what was a hierarchy is mutually exclusive.  If they do not, absorption halts at the first
such sample for $\lambda \to 0$, and goes on at the cost of an error as $\lambda$ grows; the condition does not ask
for more.

Data $x_i = \sum_k z_{ik} d_k$ are drawn from a tree, and the solver starts from the true dictionary.  *Free*: with
the magnitudes of the tree, independent of each other.  *Locked*: every magnitude is 1.

- Reads: `dog.tree`, `wordnet-dog-small.tree`.
- Writes: `hierarchy.tsv`; `hierarchy-trials` (a row per run), `hierarchy-descent` (loss along the direction),
  `hierarchy-codes` (some samples before and after), `hierarchy-atoms` (cosines of learned atoms and nodes),
  `hierarchy-lambda` (co-firing against $\lambda$).
- Falsified by: a true parent and child that pass; a measured slope other than $-m_j(1-h)$; a solver that stays;
  an end that violates a condition; locked families that still fire together. */
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"

/* Distance from a hull that counts as outside; the solver leaves KKT residuals of 1e-10. */
static const double SLACK = 1e-8;
/* The toy tree is solved at all of these; the first stands for the limit lambda -> 0, which wants N lambda << 1.
 * Number MAIN, a tenth of the typical activation, is the one of all other numbers. */
enum { LAMBDAS = 6, MAIN = 3 };
static const double LAMBDA[LAMBDAS] = {1e-4, 1e-3, 1e-2, 0.1, 0.3, 1};

enum variant { FREE, LOCKED, VARIANTS };
static const char *const VARIANT[VARIANTS] = {"free", "locked"};

struct setup {
    const char *name, *file;
    size_t trials, samples, dimension;
};
enum { TOY, WORDNET, SETUPS };
static const struct setup SETUP[SETUPS] = {{"toy", "dog.tree", 20, 400, 8},
                                           {"wordnet", "wordnet-dog-small.tree", 3, 1500, 64}};
enum { MAX_TRIALS = 20, CONTROL_STREAM = 1000 };

/* A tree's data, and everything the condition needs to know of its families. */
struct family {
    struct ndl_tree *tree;
    size_t K, pairs;
    size_t *child, *parent; /* `pairs` entries: every node with every ancestor */
    struct ndl_matrix Z, X; /* N x K true activations, N x d data */
    struct ndl_model truth; /* the true representation */
};

static double dot(const double *x, const double *y, size_t d)
{
    double s = 0;
    for (size_t c = 0; c < d; c++)
        s += x[c] * y[c];
    return s;
}

static double mean(const struct ndl_matrix *Z, size_t k)
{
    double s = 0;
    for (size_t i = 0; i < Z->rows; i++)
        s += ndl_row(Z, i)[k];
    return s / (double)Z->rows;
}

/* P(k fires | j fires); NaN if j never does. */
static double cofiring(const struct ndl_matrix *Z, size_t j, size_t k)
{
    size_t both = 0, child = 0;
    for (size_t i = 0; i < Z->rows; i++) {
        child += ndl_row(Z, i)[j] > 0;
        both += ndl_row(Z, i)[j] > 0 && ndl_row(Z, i)[k] > 0;
    }
    return (double)both / (double)child;
}

/* How far absorption can go: the smallest z_ik / z_ij over the samples of child j. */
static double limit(const struct ndl_matrix *Z, size_t j, size_t k)
{
    double smallest = HUGE_VAL;
    for (size_t i = 0; i < Z->rows; i++)
        if (ndl_row(Z, i)[j] > 0)
            smallest = fmin(smallest, ndl_row(Z, i)[k] / ndl_row(Z, i)[j]);
    return smallest;
}

/** ## Data from a tree

The same stream draws the directions first, so that every variant and $\lambda$ of a trial sees the same ones. */
static struct family draw_family(struct claim *claim, const struct setup *s, size_t trial, enum variant variant)
{
    struct ndl_error err;
    struct family f;
    gsl_rng *rng = claim_rng(claim, trial);
    claim_must(claim, ndl_tree_read(&f.tree, claim_data(claim, s->file), &err), &err);
    f.K = ndl_tree_size(f.tree);
    f.truth = (struct ndl_model){.bias = true, .lambda = LAMBDA[MAIN]};
    claim_must(claim, ndl_tree_directions(f.tree, s->dimension, rng, &f.truth.D, &err), &err);
    claim_must(claim, ndl_tree_sample(f.tree, s->samples, rng, &f.Z, &err), &err);
    for (size_t e = 0; e < s->samples * f.K && variant == LOCKED; e++)
        f.Z.v[e] = f.Z.v[e] > 0;
    claim_must(claim, ndl_matrix_alloc(&f.truth.b, 1, s->dimension, &err), &err);
    claim_must(claim, ndl_codes_from_dense(&f.truth.Z, &f.Z, &err), &err);
    claim_must(claim, ndl_matrix_alloc(&f.X, s->samples, s->dimension, &err), &err);
    for (size_t i = 0; i < s->samples; i++)
        for (size_t k = 0; k < f.K; k++)
            for (size_t c = 0; c < s->dimension; c++)
                ndl_row(&f.X, i)[c] += ndl_row(&f.Z, i)[k] * ndl_row(&f.truth.D, k)[c];

    f.pairs = 0;
    f.child = calloc(f.K * f.K, sizeof *f.child);
    f.parent = calloc(f.K * f.K, sizeof *f.parent);
    if (!f.child || !f.parent)
        claim_must(claim, ndl_fail(&err, NDL_NOMEM, "no memory for %zu pairs", f.K * f.K), &err);
    for (size_t j = 0; j < f.K; j++)
        for (size_t k = ndl_tree_node(f.tree, j)->parent; k != SIZE_MAX && mean(&f.Z, j) > 0;
             k = ndl_tree_node(f.tree, k)->parent) {
            f.child[f.pairs] = j;
            f.parent[f.pairs++] = k;
        }
    gsl_rng_free(rng);
    return f;
}

static void free_family(struct family *f)
{
    ndl_tree_free(f->tree);
    free(f->child);
    free(f->parent);
    ndl_matrix_free(&f->Z);
    ndl_matrix_free(&f->X);
    ndl_model_free(&f->truth);
}

/** ## The true representation fails, with the predicted slope

The prediction is the formula above, from the activations and directions of the tree.  The measurement is a
second-order one-sided difference of the full loss: only $\epsilon \ge 0$ is feasible. */
static double change(const struct claim *claim, const struct family *f, const struct ndl_condition *c, double eps)
{
    struct ndl_error err;
    struct ndl_model moved;
    claim_must(claim, ndl_condition_step(&f->truth, c, eps, &moved, &err), &err);
    double change = (ndl_loss(&f->X, &moved) - ndl_loss(&f->X, &f->truth)) / ((double)f->X.rows * f->truth.lambda);
    ndl_model_free(&moved);
    return change;
}

struct truth_result {
    double violated;        /* share of the family pairs outside their hull */
    double slope_error;     /* largest relative |measured / predicted - 1| */
    double exchanged_error; /* the same for -m_k (1 - h), parent and child exchanged in the formula */
    double shuffled;        /* share outside once every node's activations are shuffled over the samples */
};

static bool is_outside(const struct claim *claim, const struct ndl_model *m, size_t j, size_t k,
                       struct ndl_condition *c)
{
    struct ndl_error err;
    claim_must(claim, ndl_condition_check(m, k, &j, 1, NDL_AUTO, 0, SLACK, c, &err), &err);
    return c->margin < -SLACK;
}

/* The control: the same directions, the same activations of every node, but nobody waits for a parent. */
static double shuffled_violations(const struct claim *claim, const struct family *f, gsl_rng *rng)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    struct ndl_model flat = f->truth;
    size_t outside = 0, N = f->Z.rows;
    claim_must(claim, ndl_matrix_copy(&Z, &f->Z, &err), &err);
    for (size_t k = 0; k < f->K; k++)
        for (size_t i = N - 1; i > 0; i--) {
            size_t other = gsl_rng_uniform_int(rng, i + 1);
            double z = ndl_row(&Z, i)[k];
            ndl_row(&Z, i)[k] = ndl_row(&Z, other)[k];
            ndl_row(&Z, other)[k] = z;
        }
    claim_must(claim, ndl_codes_from_dense(&flat.Z, &Z, &err), &err);
    for (size_t p = 0; p < f->pairs; p++) {
        struct ndl_condition c;
        outside += is_outside(claim, &flat, f->child[p], f->parent[p], &c);
        ndl_condition_free(&c);
    }
    ndl_codes_free(&flat.Z);
    ndl_matrix_free(&Z);
    return (double)outside / (double)f->pairs;
}

static struct truth_result test_truth(const struct claim *claim, const struct family *f, gsl_rng *rng)
{
    const double eps = 1e-4;
    struct truth_result r = {0};
    size_t outside = 0, d = f->X.cols;
    for (size_t p = 0; p < f->pairs; p++) {
        size_t j = f->child[p], k = f->parent[p];
        double h = dot(ndl_row(&f->truth.D, j), ndl_row(&f->truth.D, k), d);
        struct ndl_condition c;
        if (is_outside(claim, &f->truth, j, k, &c)) {
            double measured = (4 * change(claim, f, &c, eps) - change(claim, f, &c, 2 * eps)) / (2 * eps);
            outside++;
            r.slope_error = fmax(r.slope_error, fabs(measured / (-mean(&f->Z, j) * (1 - h)) - 1));
            r.exchanged_error = fmax(r.exchanged_error, fabs(measured / (-mean(&f->Z, k) * (1 - h)) - 1));
        }
        ndl_condition_free(&c);
    }
    r.violated = (double)outside / (double)f->pairs;
    r.shuffled = shuffled_violations(claim, f, rng);
    return r;
}

/** ## What the solver makes of it */
struct end_result {
    double residual, dead;
    double fall;          /* relative fall of the loss, from the true dictionary exactly coded */
    double again;         /* the same if the solver starts from its own end */
    double violated;      /* number of pairs and K-feature conditions violated */
    double margin;        /* the smallest of them all */
    double cofiring;      /* P(parent fires | child fires), mean over the family pairs */
    double turned;        /* mean cosine of a former child's atom with an ancestor's direction, minus the true one */
    double limit_error;   /* largest |share of the parent absorbed - where the parent's code first is zero| */
    double full_error;    /* largest |share of the parent absorbed - 1| */
};

static void solve(const struct claim *claim, const struct family *f, double lambda, const struct ndl_model *start,
                  struct ndl_model *end)
{
    struct ndl_error err;
    struct ndl_fit_options options = ndl_fit_defaults(f->K, lambda);
    struct ndl_fit_report report;
    options.D0 = &start->D;
    options.b0 = &start->b;
    enum ndl_status status = ndl_fit(&f->X, &options, end, &report, &err);
    if (status != NDL_NOCONV) /* recorded: the certificate's residual */
        claim_must(claim, status, &err);
    ndl_fit_report_free(&report);
}

static double fall(const struct claim *claim, const struct family *f, const struct ndl_model *start,
                   const struct ndl_model *end)
{
    struct ndl_error err;
    struct ndl_model coded = *start;
    const struct ndl_encode_options exact = {.threads = 1};
    coded.lambda = end->lambda;
    claim_must(claim, ndl_encode(&f->X, &start->D, &start->b, end->lambda, &exact, &coded.Z, NULL, &err), &err);
    double fall = 1 - ndl_loss(&f->X, end) / ndl_loss(&f->X, &coded);
    ndl_codes_free(&coded.Z);
    return fall;
}

/* All ordered pairs and all K-feature conditions; dead features have none. */
static void count_violations(const struct claim *claim, const struct ndl_model *m, const struct ndl_matrix *Z,
                             struct end_result *r)
{
    struct ndl_error err;
    r->margin = HUGE_VAL;
    for (size_t k = 0; k < Z->cols; k++)
        for (size_t j = 0; j < Z->cols && mean(Z, k) > 0; j++) { /* j = k stands for all the others together */
            struct ndl_condition c;
            if (mean(Z, j) <= 0)
                continue;
            claim_must(claim, ndl_condition_check(m, k, j == k ? NULL : &j, j != k, j == k ? NDL_LP : NDL_AUTO, 0,
                                                  SLACK, &c, &err), &err);
            double margin = isnan(c.margin) ? c.margin_l1 : c.margin; /* inside; linear programs give L1 depth */
            r->violated += margin < -SLACK;
            r->margin = fmin(r->margin, margin);
            ndl_condition_free(&c);
        }
}

/* Everything about where the solver ends from the true dictionary; `full`: the conditions, and a second run. */
static struct end_result test_end(const struct claim *claim, const struct family *f, double lambda, bool full)
{
    struct ndl_error err;
    struct ndl_certificate certificate;
    struct ndl_matrix Z;
    struct ndl_model end, again;
    struct end_result r = {0};
    size_t counted = 0, d = f->X.cols;
    solve(claim, f, lambda, &f->truth, &end);
    claim_must(claim, ndl_certify(&f->X, &end, &certificate, &err), &err);
    claim_must(claim, ndl_codes_to_dense(&Z, &end.Z, &err), &err);
    r.residual = certificate.worst;
    r.dead = (double)certificate.dead;
    r.fall = fall(claim, f, &f->truth, &end);
    for (size_t p = 0; p < f->pairs; p++) {
        size_t j = f->child[p], k = f->parent[p];
        double together = cofiring(&Z, j, k);
        const double *ancestor = ndl_row(&f->truth.D, k), *before = ndl_row(&f->truth.D, j);
        const double *after = ndl_row(&end.D, j);
        double absorbed = dot(after, ancestor, d) / dot(after, before, d); /* epsilon, if the two are orthogonal */
        r.limit_error = fmax(r.limit_error, fabs(absorbed - limit(&f->Z, j, k)));
        r.full_error = fmax(r.full_error, fabs(absorbed - 1));
        r.turned += (dot(after, ancestor, d) - dot(before, ancestor, d)) / (double)f->pairs;
        r.cofiring += isnan(together) ? 0 : together;
        counted += isnan(together) ? 0 : 1;
    }
    r.cofiring /= (double)counted;
    if (full) {
        count_violations(claim, &end, &Z, &r);
        solve(claim, f, lambda, &end, &again);
        r.again = fall(claim, f, &end, &again);
        ndl_model_free(&again);
    }
    ndl_matrix_free(&Z);
    ndl_model_free(&end);
    return r;
}

/** ## The runs */

/* Mean, standard error and range over the trials, under the keys TREE.VARIANT.NAME, _error, _low, _high. */
static void record_spread(struct claim *claim, const char *of, const char *name, const double *x, size_t n,
                          const char *meaning)
{
    /* Toy runs are reproduced to rounding, but the samples where a code is just off may differ by one in 100; the
     * large problem may take another turn on another machine. */
    const double tolerance = 0.02;
    double mean = gsl_stats_mean(x, 1, n);
    const struct {
        const char *suffix;
        double value;
    } part[] = {{"", mean},
                {"_error", gsl_stats_sd_m(x, 1, n, mean) / sqrt((double)n)},
                {"_low", gsl_stats_min(x, 1, n)},
                {"_high", gsl_stats_max(x, 1, n)}};
    const char *what[] = {"mean", "standard error of the mean", "smallest", "largest"};
    for (size_t p = 0; p < 4; p++) {
        char key[64], text[160];
        snprintf(key, sizeof key, "%s.%s%s", of, name, part[p].suffix);
        snprintf(text, sizeof text, "%s, %s", meaning, what[p]);
        claim_scalar(claim, key, part[p].value, tolerance, text);
    }
}

/* What must hold in every run of a tree, and what must not hold in its controls. */
struct verdict {
    double violated, shuffled, slope_error, exchanged_error; /* truth */
    double fall, again, end_violated, begin_violated, residual, margin, pairs;
};

static void run_trials(struct claim *claim, const struct setup *s, enum variant variant, struct verdict *all)
{
    double cofire[MAX_TRIALS], fallen[MAX_TRIALS], turned[MAX_TRIALS];
    for (size_t t = 0; t < s->trials; t++) {
        struct family f = draw_family(claim, s, t, variant);
        gsl_rng *rng = claim_rng(claim, CONTROL_STREAM + t);
        struct truth_result truth = test_truth(claim, &f, rng);
        struct end_result end = test_end(claim, &f, LAMBDA[MAIN], true);
        claim_row(claim, (const double[]){s == &SETUP[WORDNET], variant, (double)t, (double)f.pairs, truth.violated,
                  truth.shuffled, truth.slope_error, end.residual, end.dead, end.fall, end.violated, end.margin,
                  end.cofiring, end.turned});
        all->violated = fmin(all->violated, truth.violated);
        all->shuffled = fmax(all->shuffled, truth.shuffled);
        all->slope_error = fmax(all->slope_error, truth.slope_error);
        all->exchanged_error = fmax(all->exchanged_error, truth.exchanged_error);
        all->begin_violated = fmin(all->begin_violated, truth.violated * (double)f.pairs);
        all->end_violated = fmax(all->end_violated, end.violated);
        all->fall = fmin(all->fall, end.fall);
        all->again = fmax(all->again, end.again);
        all->residual = fmax(all->residual, end.residual);
        all->margin = fmin(all->margin, end.margin);
        all->pairs = fmax(all->pairs, (double)f.pairs);
        cofire[t] = end.cofiring;
        fallen[t] = end.fall;
        turned[t] = end.turned;
        free_family(&f);
        gsl_rng_free(rng);
        claim_progress(claim, t + 1, s->trials, s->name);
    }
    char of[32];
    snprintf(of, sizeof of, "%s.%s", s->name, VARIANT[variant]);
    record_spread(claim, of, "cofiring", cofire, s->trials, "P(ancestor fires | descendant fires) at the end");
    record_spread(claim, of, "fall", fallen, s->trials, "relative fall of the loss");
    record_spread(claim, of, "turned", turned, s->trials, "growth of a child's cosine with an ancestor's direction");
}

static void run_tree(struct claim *claim, const struct setup *s)
{
    struct verdict all = {.violated = 1, .fall = 1, .margin = HUGE_VAL, .begin_violated = HUGE_VAL};
    for (size_t v = 0; v < VARIANTS; v++)
        run_trials(claim, s, (enum variant)v, &all);
    const struct {
        const char *name, *meaning;
        double value, tolerance;
    } part[] = {
        {"trials", "runs of each variant", (double)s->trials, CLAIM_EXACT},
        {"samples", "N", (double)s->samples, CLAIM_EXACT},
        {"dimension", "d", (double)s->dimension, CLAIM_EXACT},
        {"pairs", "pairs of a node and an ancestor that fire, at most", all.pairs, CLAIM_EXACT},
        {"violated", "share of these pairs outside their hull in the true representation, the least", all.violated,
         CLAIM_EXACT},
        {"shuffled", "the same with every node's activations shuffled, the most", all.shuffled, CLAIM_EXACT},
        {"slope_error", "largest relative error of the predicted slope", all.slope_error, CLAIM_ROUNDING},
        {"exchanged_error", "the same with parent and child exchanged in the formula", all.exchanged_error, 1e-6},
        {"fall_least", "smallest relative fall of the loss from the true dictionary", all.fall, 0.02},
        {"again", "largest relative fall of the loss from an end", all.again, CLAIM_ROUNDING},
        {"begin_violated", "conditions of family pairs violated in the true representation, the fewest",
         all.begin_violated, CLAIM_EXACT},
        {"end_violated", "conditions violated at the end, pairs and K-feature, the most", all.end_violated, CLAIM_EXACT},
        {"residual", "largest KKT residual of an end", all.residual, CLAIM_ROUNDING},
        {"margin", "smallest margin of an end, ztilde units", all.margin, 0.02}};
    for (size_t p = 0; p < sizeof part / sizeof *part; p++) {
        char key[64];
        snprintf(key, sizeof key, "%s.%s", s->name, part[p].name);
        claim_scalar(claim, key, part[p].value, part[p].tolerance, part[p].meaning);
    }
}

/** ## How exclusive?  Co-firing against $\lambda$, toy tree */
static void run_sweep(struct claim *claim)
{
    const struct setup *s = &SETUP[TOY];
    double limit_error = 0, full_error = 0;
    claim_table(claim, "lambda",
                "variant - 0 0 free, 1 locked\n"
                "lambda 1 0 lambda\n"
                "cofiring 1 0.02 P(parent fires | child fires) at the end, mean over the trials\n"
                "low 1 0.05 smallest\n"
                "high 1 0.05 largest\n"
                "turned 1 0.02 growth of a child's cosine with the parent's direction, mean");
    for (size_t v = 0; v < VARIANTS; v++) {
        for (size_t l = 0; l < LAMBDAS; l++) {
            double cofire[MAX_TRIALS], turned = 0;
            for (size_t t = 0; t < s->trials; t++) {
                struct family f = draw_family(claim, s, t, (enum variant)v);
                struct end_result end = test_end(claim, &f, LAMBDA[l], false);
                cofire[t] = end.cofiring;
                turned += end.turned / (double)s->trials;
                if (v == FREE && l == 0) {
                    limit_error = fmax(limit_error, end.limit_error);
                    full_error = fmax(full_error, end.full_error);
                }
                free_family(&f);
            }
            claim_row(claim, (const double[]){(double)v, LAMBDA[l], gsl_stats_mean(cofire, 1, s->trials),
                      gsl_stats_min(cofire, 1, s->trials), gsl_stats_max(cofire, 1, s->trials), turned});
            if (v == FREE && (l == 0 || l == LAMBDAS - 1))
                record_spread(claim, l == 0 ? "smallest" : "largest", "cofiring", cofire, s->trials,
                              "toy, free, at the end of the range of lambda: P(parent fires | child fires)");
        }
        claim_gap(claim);
    }
    claim_scalar(claim, "lambda", LAMBDA[MAIN], CLAIM_EXACT, "lambda");
    claim_scalar(claim, "lambda_smallest", LAMBDA[0], CLAIM_EXACT, "smallest lambda, toy tree");
    claim_scalar(claim, "lambda_largest", LAMBDA[LAMBDAS - 1], CLAIM_EXACT, "largest lambda, toy tree");
    claim_scalar(claim, "limit_error", limit_error, 1e-4,
                 "toy, free, smallest lambda: largest |share absorbed - smallest z_parent / z_child|");
    claim_scalar(claim, "full_error", full_error, 1e-4, "the same against full absorption, share 1");
}

/** ## What the figure shows: the first trial */

static void write_descent(struct claim *claim)
{
    struct ndl_condition c;
    struct family f = draw_family(claim, &SETUP[TOY], 0, FREE);
    double last = limit(&f.Z, 1, 0); /* child 1, the labrador, of parent 0, the dog */
    claim_scalar(claim, "limit", last, 1e-9, "toy, free, first trial: smallest z_dog / z_labrador");
    claim_table(claim, "descent",
                "eps 1 1e-9 step, up to the first sample where the dog's code is zero\n"
                "measured 1 1e-9 loss change per sample and lambda, full loss\n"
                "formula 1 1e-9 the closed form\n"
                "line 1 1e-9 predicted slope times eps");
    if (is_outside(claim, &f.truth, 1, 0, &c))
        for (int step = 0; step <= 20; step++) {
            double eps = last * step / 20 * (1 - 1e-12);
            double slope = -mean(&f.Z, 1) * (1 - dot(ndl_row(&f.truth.D, 0), ndl_row(&f.truth.D, 1), f.X.cols));
            claim_row(claim, (const double[]){eps, change(claim, &f, &c, eps), ndl_condition_change(&f.truth, &c, eps),
                                              slope * eps});
        }
    ndl_condition_free(&c);
    free_family(&f);
}

/* Samples are shown by who fires, earlier nodes first, then by the ratio of the first to the last magnitude. */
static double rank(const double *z, size_t K)
{
    double pattern = 0, first = 0, last = 1;
    for (size_t k = 0; k < K; k++) {
        pattern = 2 * pattern + (z[k] > 0);
        first = first > 0 ? first : z[k];
        last = z[k] > 0 ? z[k] : last;
    }
    return -pattern + first / last / 10; /* the ratio is at most 3 */
}

static void write_codes(struct claim *claim)
{
    enum { SHOWN = 120 };
    struct ndl_error err;
    size_t order[SHOWN];
    double key[SHOWN];
    struct ndl_matrix Z[VARIANTS], before = {0};
    for (size_t v = 0; v < VARIANTS; v++) {
        struct ndl_model end;
        struct family f = draw_family(claim, &SETUP[TOY], 0, (enum variant)v);
        solve(claim, &f, LAMBDA[MAIN], &f.truth, &end);
        claim_must(claim, ndl_codes_to_dense(&Z[v], &end.Z, &err), &err);
        if (v == FREE)
            claim_must(claim, ndl_matrix_copy(&before, &f.Z, &err), &err);
        ndl_model_free(&end);
        free_family(&f);
    }
    for (size_t i = 0; i < SHOWN; i++)
        key[i] = rank(ndl_row(&before, i), before.cols);
    gsl_sort_index(order, key, 1, SHOWN);
    claim_table(claim, "codes",
                "place - 0 samples sorted by who fires\n"
                "node - 0 in the order of the tree\n"
                "before 1 1e-9 true activation\n"
                "free 1 1e-4 activation at the end\n"
                "locked 1 1e-4 the same samples with every true magnitude 1: activation at the end");
    for (size_t i = 0; i < SHOWN; i++) {
        for (size_t k = 0; k < before.cols; k++)
            claim_row(claim, (const double[]){(double)i, (double)k, ndl_row(&before, order[i])[k],
                      ndl_row(&Z[FREE], order[i])[k], ndl_row(&Z[LOCKED], order[i])[k]});
        claim_gap(claim);
    }
    ndl_matrix_free(&before);
    for (size_t v = 0; v < VARIANTS; v++)
        ndl_matrix_free(&Z[v]);
}

static void write_atoms(struct claim *claim)
{
    claim_table(claim, "atoms",
                "tree - 0 0 toy, 1 WordNet\n"
                "variant - 0 0 free, 1 locked\n"
                "atom - 0 in the order of the tree it started from\n"
                "node - 0 in the order of the tree\n"
                "before 1 1e-9 cosine of the two nodes' directions\n"
                "after 1 0.02 cosine of the learned atom with the node's direction");
    for (size_t run = 0; run < SETUPS * VARIANTS; run++) {
        struct ndl_model end;
        struct family f = draw_family(claim, &SETUP[run / VARIANTS], 0, (enum variant)(run % VARIANTS));
        solve(claim, &f, LAMBDA[MAIN], &f.truth, &end);
        for (size_t j = 0; j < f.K; j++) {
            for (size_t k = 0; k < f.K; k++) {
                const double *node = ndl_row(&f.truth.D, k);
                claim_row(claim, (const double[]){(double)(run / VARIANTS), (double)(run % VARIANTS), (double)j,
                          (double)k, dot(ndl_row(&f.truth.D, j), node, f.X.cols), dot(ndl_row(&end.D, j), node, f.X.cols)});
            }
            claim_gap(claim);
        }
        claim_gap(claim);
        ndl_model_free(&end);
        free_family(&f);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
        "Shows that parents and children violate the hull condition, with which slope the loss falls, and what "
        "the solver turns a hierarchy into.\vExample: hierarchy --data datasets --out build/results");
    claim_table(claim, "trials",
                "tree - 0 0 toy, 1 WordNet\n"
                "variant - 0 0 free, 1 locked\n"
                "trial - 0 random stream\n"
                "pairs - 0 nodes with an ancestor, that fire\n"
                "violated 1 0 share of these pairs outside their hull in the true representation\n"
                "shuffled 1 0 the same with every node's activations shuffled\n"
                "slope_error 1 inf largest relative error of the predicted slope\n"
                "residual 1 inf KKT residual of the end\n"
                "dead - inf atoms that never fire at the end\n"
                "fall 1 0.02 relative fall of the loss\n"
                "end_violated - 0 conditions violated at the end\n"
                "margin 1 inf smallest margin at the end\n"
                "cofiring 1 0.02 P(ancestor fires | descendant fires) at the end\n"
                "turned 1 0.02 growth of a child's cosine with an ancestor's direction");
    for (size_t s = 0; s < SETUPS; s++)
        run_tree(claim, &SETUP[s]);
    run_sweep(claim);
    write_descent(claim);
    write_codes(claim);
    write_atoms(claim);
    return claim_end(claim);
}

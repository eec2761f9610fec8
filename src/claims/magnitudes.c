/** # How much of a parent its child absorbs

Claim `magnitudes`.  That parent and child cannot both have atoms ([hierarchy](hierarchy.html)) is
a statement about nested supports of the *codes*.  Of hierarchical *data* both are recovered, but
for what the child absorbs: it takes over $\epsilon$ of its parent, $d_c' \propto d_c + \epsilon
d_p$, which saves $\lambda (1-h) m_c \epsilon$ of penalty and misses the samples with $z_p <
\epsilon z_c$.  If the density of $z_p$, given $z_c$, goes like $g z_p^\beta$ near zero, the two
balance for small $\lambda$ at

$$ \epsilon^{\beta+2} = \frac{(\beta+1)(\beta+2)\, \langle z_c \rangle}
   {2 g\, (1+h)\, \langle z_c^{\beta+3} \rangle}\, \lambda , $$

for orthogonal directions and unit exponentials $\epsilon = \sqrt{\lambda/6}$.  Three densities
that do not vanish at zero, one of them also at a cosine of one half, and one that vanishes like
$z$ are the predictions, with corrections of relative size $\lambda/\epsilon$ and $\epsilon$.  The
control has no small magnitudes: uniform between 1/2 and 3/2, where $z_p / z_c \ge 1/3$, and a
third of the parent is absorbed however small the penalty.

The parent fires in half of the samples, its child in 0.4 of these, a third feature orthogonal to
both in 0.3 of all, independently; all with the same law of magnitudes.  Three atoms and a free
bias, learned from the true directions.

- Reads nothing: all data are drawn.
- Writes: `magnitudes.tsv`; `magnitudes-lambda` (share absorbed and co-firing against lambda).
- Falsified by: another share absorbed or another exponent than predicted; an absorption that
  vanishes with the penalty without small magnitudes. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <stdio.h>
#include <string.h>

#include "kit/claim.h"

enum { SAMPLES = 10000, TRIALS = 10, LAMBDAS = 5, SMALLEST = 0, LARGER = 2 };
static const double LAMBDA[LAMBDAS] = {1e-3, 3e-3, 1e-2, 3e-2, 1e-1};
static const double PARENT = 0.5, CHILD = 0.4, OTHER = 0.3;

/** ## The laws of magnitude

with exponent $\beta$ and factor $g$ of the density near zero, and the moments of order 1 and
$\beta + 3$. */
static double draw_exponential(gsl_rng *rng)
{
    return gsl_ran_exponential(rng, 1);
}
static double draw_uniform(gsl_rng *rng)
{
    return gsl_ran_flat(rng, 0, 2);
}
static double draw_half_normal(gsl_rng *rng)
{
    return fabs(gsl_ran_gaussian(rng, 1));
}
static double draw_gamma(gsl_rng *rng)
{
    return gsl_ran_gamma(rng, 2, 1);
}
static double draw_gap(gsl_rng *rng)
{
    return gsl_ran_flat(rng, 0.5, 1.5);
}

#define ROOT 0.79788456080286536 /* sqrt(2 / pi) */
enum { LAWS = 6, EXPONENTIAL = 0, GAP = 5 };
static const struct law {
    const char *name;
    double (*draw)(gsl_rng *rng);
    double cosine, beta, g, first, higher; /* g = 0: no magnitudes near zero */
} law[LAWS] = {{"exponential", draw_exponential, 0, 0, 1, 1, 6},
               {"uniform", draw_uniform, 0, 0, 0.5, 1, 2},
               {"half_normal", draw_half_normal, 0, 0, ROOT, ROOT, 2 * ROOT},
               {"oblique", draw_exponential, 0.5, 0, 1, 1, 6},
               {"gamma", draw_gamma, 0, 1, 1, 2, 120},
               {"gap", draw_gap, 0, 0, 0, 1, 0}};

/* The control's share is that of the smallest ratio. */
static double predicted_share(const struct law *l, double lambda)
{
    double b = l->beta;
    double factor = (b + 1) * (b + 2) * l->first / (2 * l->g * (1 + l->cosine) * l->higher);
    return l->g > 0 ? pow(factor * lambda, 1 / (b + 2)) : 1.0 / 3;
}

static struct ndl_matrix draw_data(const struct claim *claim, const struct law *l,
                                   const struct ndl_matrix *D, uint64_t stream)
{
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix Z = claim_matrix(claim, SAMPLES, 3);
    for (size_t i = 0; i < SAMPLES; i++) {
        double *z = ndl_row(&Z, i);
        bool parent = gsl_rng_uniform(rng) < PARENT;
        bool child = gsl_rng_uniform(rng) < CHILD && parent, other = gsl_rng_uniform(rng) < OTHER;
        for (size_t k = 0; k < 3; k++)
            z[k] = l->draw(rng);
        z[0] = parent ? z[0] : 0;
        z[1] = child ? z[1] : 0;
        z[2] = other ? z[2] : 0;
    }
    struct ndl_matrix X = claim_synthetic(claim, &Z, D);
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
    return X;
}

/** ## What the solver absorbs

The share is read off the child's atom: with $A = d \cdot d_p$ and $B = d \cdot d_c$ it is $(A - h
B) / (B - h A)$. */
struct end {
    double share, cofiring; /* of the parent absorbed; P(parent fires | child fires) in the codes */
    double child, parent;   /* cosines of the atoms with the true directions */
};

static struct end measure(const struct claim *claim, const struct law *l,
                          const struct ndl_matrix *D, const struct ndl_model *m)
{
    const double *atom = ndl_row(&m->D, 1);
    double A = ndl_dot(3, atom, ndl_row(D, 0)), B = ndl_dot(3, atom, ndl_row(D, 1));
    struct ndl_matrix Z = claim_dense(claim, m);
    struct end e = {.share = (A - l->cosine * B) / (B - l->cosine * A),
                    .cofiring = ndl_cofiring(&Z, 1, 0),
                    .child = B,
                    .parent = ndl_dot(3, ndl_row(&m->D, 0), ndl_row(D, 0))};
    ndl_matrix_free(&Z);
    return e;
}

static void run_trial(const struct claim *claim, const struct law *l, size_t trial,
                      struct end (*end)[TRIALS])
{
    double h = l->cosine, loss;
    const struct ndl_matrix D = {3, 3, (double[]){1, 0, 0, h, sqrt(1 - h * h), 0, 0, 0, 1}};
    struct ndl_matrix X = draw_data(claim, l, &D, (uint64_t)(l - law) * 100 + trial);
    for (size_t i = 0; i < LAMBDAS; i++) {
        struct ndl_model m = claim_fit_from(claim, &X, &D, LAMBDA[i], true, &loss);
        end[i][trial] = measure(claim, l, &D, &m);
        ndl_model_free(&m);
    }
    ndl_matrix_free(&X);
}

/** ## Results */
static void record(struct claim *claim, const struct law *l, struct end (*end)[TRIALS])
{
    double share[LAMBDAS][TRIALS], cofiring[TRIALS], ratio[TRIALS], exponent[TRIALS];
    for (size_t i = 0; i < LAMBDAS; i++) {
        for (size_t t = 0; t < TRIALS; t++) {
            share[i][t] = end[i][t].share;
            cofiring[t] = end[i][t].cofiring;
        }
        claim_row(claim, (const double[]){
                             (double)(l - law), LAMBDA[i], gsl_stats_mean(share[i], 1, TRIALS),
                             gsl_stats_min(share[i], 1, TRIALS), gsl_stats_max(share[i], 1, TRIALS),
                             predicted_share(l, LAMBDA[i]), gsl_stats_mean(cofiring, 1, TRIALS)});
    }
    claim_table_break(claim);
    for (size_t t = 0; t < TRIALS; t++) {
        ratio[t] = share[SMALLEST][t] / predicted_share(l, LAMBDA[SMALLEST]);
        exponent[t] =
            log(share[LARGER][t] / share[SMALLEST][t]) / log(LAMBDA[LARGER] / LAMBDA[SMALLEST]);
    }
    char key[64];
    snprintf(key, sizeof key, "%s.ratio", l->name);
    claim_spread(claim, key, ratio, TRIALS, CLAIM_CONVERGED,
                 "share absorbed at the smallest lambda, over the predicted one");
    snprintf(key, sizeof key, "%s.exponent", l->name);
    claim_spread(claim, key, exponent, TRIALS, CLAIM_CONVERGED,
                 "exponent of the share absorbed in lambda, from 0.001 to 0.01");
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Measures which share of its parent a child's atom absorbs, for several laws of magnitude."
        "\vExample: magnitudes --seed 2 --out build/results");
    static struct end end[LAWS][LAMBDAS][TRIALS];
    claim_table(
        claim, "lambda",
        "law - 0 0 exponential, 1 uniform, 2 half-normal, 3 exponential at a cosine of 1/2, "
        "4 gamma, 5 gap\n"
        "lambda 1 0 penalty\n"
        "share 1 1e-6 of the parent absorbed, mean over the trials\n"
        "least 1 1e-6 the least\n"
        "most 1 1e-6 the largest\n"
        "predicted 1 1e-9 for a small penalty\n"
        "cofiring 1 1e-3 P(parent fires | child fires) in the codes, mean");
    for (size_t l = 0; l < LAWS; l++) {
        for (size_t trial = 0; trial < TRIALS; trial++) {
            run_trial(claim, &law[l], trial, end[l]);
            claim_progress(claim, l * TRIALS + trial + 1, (size_t)LAWS * TRIALS, "magnitudes");
        }
        record(claim, &law[l], end[l]);
    }
    const struct end *shown = &end[EXPONENTIAL][LARGER][0];
    const double same = CLAIM_CONVERGED;
    claim_values(
        claim, "shown",
        {"lambda", LAMBDA[LARGER], CLAIM_EXACT, "lambda of one run with exponential magnitudes"},
        {"share", shown->share, same, "of the parent absorbed"},
        {"predicted", predicted_share(&law[EXPONENTIAL], LAMBDA[LARGER]), same, "root of lambda/6"},
        {"child", shown->child, same, "cosine of the child's atom with the child"},
        {"parent", shown->parent, same, "cosine of the parent's atom with the parent"},
        {"cofiring", shown->cofiring, 1e-3, "share of the child's samples in which both fire"},
        {"gap", end[GAP][LAMBDAS - 1][0].share, same,
         "share absorbed at lambda 0.1 in the control"});
    claim_values(claim, NULL, {"samples", SAMPLES, CLAIM_EXACT, "N"},
                 {"trials", TRIALS, CLAIM_EXACT, "data sets for each law"},
                 {"smallest", LAMBDA[SMALLEST], CLAIM_EXACT, "the smallest lambda"});
    return claim_end(claim);
}

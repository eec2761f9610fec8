/** # How much of a parent its child absorbs

Claim `magnitudes`.  That parent and child cannot both have atoms ([hierarchy](hierarchy.html)) is
a statement about nested supports of the *codes*.  Of hierarchical *data* both are recovered, but
for what the child absorbs: it takes over $\epsilon$ of its parent, $d_c' \propto d_c + \epsilon
d_p$, which saves $\lambda (1-h) m_c \epsilon$ of penalty and misses the samples with $z_p <
\epsilon z_c$.  If the density of $z_p$, given $z_c$, goes like $g z_p^\beta$ near zero, the two
balance for small $\lambda$ at

$$ \epsilon^{\beta+2} = \frac{(\beta+1)(\beta+2)\, \langle z_c \rangle}
   {2 g\, (1+h)\, \langle z_c^{\beta+3} \rangle}\, \lambda , $$

for orthogonal directions and unit exponentials $\epsilon = \sqrt{\lambda/6}$.  Two densities
that do not vanish at zero, one of them also at a cosine of one half, and one that vanishes like
$z$ are the predictions, with corrections of relative size $\lambda/\epsilon$ and $\epsilon$.
The controls leave the cosine out of the balance, or have no small magnitudes: uniform between 1/2
and 3/2, where $z_p / z_c \ge 1/3$, and a third of the parent is absorbed however small the penalty.

In a finite sample few parents are that faint.  So the solver is compared with the balance of the
very sample, too.

The parent fires in half of the samples, its child in 0.8 of these, a third feature orthogonal to
both in 0.3 of all, independently; all with the same law of magnitudes.  Three atoms and a free
bias, learned from the true directions at the largest penalty and followed down from there.

- Reads nothing: all data are drawn.
- Writes: `magnitudes.tsv`; `magnitudes-lambda` (share absorbed and co-firing against lambda).
- Falsified by: another share absorbed or another exponent than predicted; an absorption that
  vanishes with the penalty without small magnitudes. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <stdio.h>
#include <string.h>

#include "kit/claim.h"

enum { SAMPLES = 6000, TRIALS = 10, LAMBDAS = 3, SMALLEST = 0, LARGER = 1 };
static const double LAMBDA[LAMBDAS] = {1e-3, 1e-2, 1e-1};
static const double PARENT = 0.5, CHILD = 0.8, OTHER = 0.3;

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
static double draw_gamma(gsl_rng *rng)
{
    return gsl_ran_gamma(rng, 2, 1);
}
static double draw_gap(gsl_rng *rng)
{
    return gsl_ran_flat(rng, 0.5, 1.5);
}

enum { LAWS = 5, EXPONENTIAL = 0, GAP = 4 };
static const struct law {
    const char *name;
    double (*draw)(gsl_rng *rng);
    double cosine, beta, g, first, higher; /* g = 0: no magnitudes near zero */
} law[LAWS] = {{"exponential", draw_exponential, 0, 0, 1, 1, 6},
               {"uniform", draw_uniform, 0, 0, 0.5, 1, 2},
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

/* The balance of the sample itself: where the slope -(1 - h) lambda <z_c> + 2 (1 - h^2) <z_c
 * (epsilon z_c - z_p)_+> vanishes, which has no sampling error. */
static double balanced_share(const struct ndl_matrix *Z, double cosine, double lambda)
{
    double low = 0, high = 1;
    for (int step = 0; step < 50; step++) {
        double share = (low + high) / 2, slope = 0;
        for (size_t i = 0; i < Z->rows; i++) {
            const double *z = ndl_row(Z, i);
            slope += z[1] * (2 * (1 + cosine) * fmax(0, share * z[1] - z[0]) - lambda);
        }
        *(slope < 0 ? &low : &high) = share;
    }
    return low;
}

static struct ndl_matrix draw_magnitudes(const struct claim *claim, const struct law *l,
                                         uint64_t stream)
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
    gsl_rng_free(rng);
    return Z;
}

/** ## What the solver absorbs

The share is read off the child's atom: with $A = d \cdot d_p$ and $B = d \cdot d_c$ it is $(A - h
B) / (B - h A)$. */
struct end {
    double share, cofiring; /* of the parent absorbed; P(parent fires | child fires) in the codes */
    double child, parent;   /* cosines of the atoms with the true directions */
    double balanced, flat;  /* the share by the sample's balance, and with h = 0 in it */
};

static size_t nearest(const struct ndl_matrix *D, const double *direction)
{
    size_t best = 0;
    for (size_t k = 1; k < D->rows; k++)
        if (ndl_dot(3, ndl_row(D, k), direction) > ndl_dot(3, ndl_row(D, best), direction))
            best = k;
    return best;
}

static struct end measure(const struct claim *claim, const struct law *l,
                          const struct ndl_matrix *D, const struct ndl_model *m)
{
    size_t parent = nearest(&m->D, ndl_row(D, 0)), child = nearest(&m->D, ndl_row(D, 1));
    const double *atom = ndl_row(&m->D, child);
    double A = ndl_dot(3, atom, ndl_row(D, 0)), B = ndl_dot(3, atom, ndl_row(D, 1));
    struct ndl_matrix Z = claim_dense(claim, m);
    struct end e = {.share = (A - l->cosine * B) / (B - l->cosine * A),
                    .cofiring = measure_cofiring(&Z, child, parent),
                    .child = B,
                    .parent = ndl_dot(3, ndl_row(&m->D, parent), ndl_row(D, 0))};
    ndl_matrix_free(&Z);
    return e;
}

/* From where m is to a smaller penalty.  A tolerance of 1e-6 moves a share by no more than that. */
static void follow(const struct claim *claim, const struct ndl_matrix *X, double lambda,
                   struct ndl_model *m)
{
    struct ndl_model next;
    struct ndl_fit_options options = ndl_fit_defaults(m->D.rows, lambda);
    options.D0 = &m->D;
    options.b0 = &m->b;
    options.tolerance = 1e-6;
    claim_fit(claim, X, &options, &next, NULL);
    ndl_model_free(m);
    *m = next;
}

static void run_trial(const struct claim *claim, const struct law *l, size_t trial,
                      struct end (*end)[TRIALS])
{
    double h = l->cosine, loss;
    const struct ndl_matrix D = {3, 3, (double[]){1, 0, 0, h, sqrt(1 - h * h), 0, 0, 0, 1}};
    struct ndl_matrix Z = draw_magnitudes(claim, l, (uint64_t)(l - law) * 100 + trial);
    struct ndl_matrix X = claim_synthetic(claim, &Z, &D);
    struct ndl_model m = claim_fit_from(claim, &X, &D, LAMBDA[LAMBDAS - 1], true, &loss);
    for (size_t i = LAMBDAS; i-- > 0;) {
        if (i < LAMBDAS - 1)
            follow(claim, &X, LAMBDA[i], &m);
        end[i][trial] = measure(claim, l, &D, &m);
        end[i][trial].balanced = balanced_share(&Z, h, LAMBDA[i]);
        end[i][trial].flat = balanced_share(&Z, 0, LAMBDA[i]);
    }
    ndl_model_free(&m);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&X);
}

/** ## Results */
static void record(struct claim *claim, const struct law *l, struct end (*end)[TRIALS])
{
    double share[LAMBDAS][TRIALS], cofiring[TRIALS], ratio[TRIALS], exponent[TRIALS];
    double balance = 0, flat = HUGE_VAL;
    for (size_t i = 0; i < LAMBDAS; i++) {
        for (size_t t = 0; t < TRIALS; t++) {
            share[i][t] = end[i][t].share;
            cofiring[t] = end[i][t].cofiring;
        }
        claim_row(claim, (double)(l - law), LAMBDA[i], gsl_stats_mean(share[i], 1, TRIALS),
                  gsl_stats_min(share[i], 1, TRIALS), gsl_stats_max(share[i], 1, TRIALS),
                  predicted_share(l, LAMBDA[i]), gsl_stats_mean(cofiring, 1, TRIALS));
    }
    claim_table_break(claim);
    for (size_t t = 0; t < TRIALS; t++) {
        ratio[t] = share[SMALLEST][t] / predicted_share(l, LAMBDA[SMALLEST]);
        exponent[t] =
            log(share[LARGER][t] / share[SMALLEST][t]) / log(LAMBDA[LARGER] / LAMBDA[SMALLEST]);
        keep_max(&balance, fabs(share[SMALLEST][t] / end[SMALLEST][t].balanced - 1));
        keep_min(&flat, fabs(share[SMALLEST][t] / end[SMALLEST][t].flat - 1));
    }
    char key[64];
    snprintf(key, sizeof key, "%s.balance", l->name);
    claim_scalar(claim, key, balance, CLAIM_CONVERGED,
                 "largest relative error of the sample's balance at the smallest lambda");
    snprintf(key, sizeof key, "%s.flat", l->name);
    claim_scalar(claim, key, flat, CLAIM_CONVERGED, "the smallest with the cosine left out of it");
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
    claim_table(claim, "lambda",
                "law - 0 0 exponential, 1 uniform, 2 exponential at a cosine of 1/2, "
                "3 gamma, 4 gap\n"
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
    claim_values(
        claim, "shown",
        {"lambda", LAMBDA[LARGER], CLAIM_EXACT, "lambda of one run with exponential magnitudes"},
        {"share", shown->share, CLAIM_CONVERGED, "of the parent absorbed"},
        {"predicted", predicted_share(&law[EXPONENTIAL], LAMBDA[LARGER]), CLAIM_CONVERGED,
         "root of lambda/6"},
        {"child", shown->child, CLAIM_CONVERGED, "cosine of the child's atom with the child"},
        {"parent", shown->parent, CLAIM_CONVERGED, "cosine of the parent's atom with the parent"},
        {"cofiring", shown->cofiring, 1e-3, "share of the child's samples in which both fire"},
        {"gap", end[GAP][LAMBDAS - 1][0].share, CLAIM_CONVERGED,
         "share absorbed at lambda 0.1 in the control"});
    claim_values(claim, NULL, {"samples", SAMPLES, CLAIM_EXACT, "N"},
                 {"trials", TRIALS, CLAIM_EXACT, "data sets for each law"},
                 {"smallest", LAMBDA[SMALLEST], CLAIM_EXACT, "the smallest lambda"});
    return claim_end(claim);
}

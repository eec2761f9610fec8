/** # No dense feature without wanting a partner

Claim `partner`.  Where feature $k$ fires, $r_i \cdot d_k = \lambda/2$, and with a free bias the
residuals sum to zero.  So if $k$ fires on a share $p$ of the samples, over the others

$$ \langle -r \cdot d_k \rangle_{k\ \mathrm{off}} = \frac\lambda2 \frac p{1-p} , $$

for any data, dimension, width and penalty.  If $p > 1/2$ this is more than $\lambda/2$, and an
atom $-d_k$ lowers the loss per sample by at least

$$ \frac{\lambda^2}4 \frac{(2p-1)^2}{1-p} . $$

So no feature of a dictionary that no further atom improves fires on more than half of the
samples.  And if $d$ and $-d$ are both atoms, $|p_+ - p_-| \le p_0$, the share of the samples on
which neither fires.

Measured at the optima of the random problems of claim `necessity`, with more atoms or fewer than
features.  The new atom is given its best codes with nothing else changed, and the change of the
full loss compared with the bound.  Then every feature that fires on more than half of the
samples is given its partner and the dictionary is learned again from there, until there is none.

The controls: without a bias the identity does not hold and features stay dense; the partner of a
sparse feature gains nothing, an atom along $d_k$ itself instead of $-d_k$ neither; a bias moved
by 0.5 unbalances a pair.

- Reads nothing: the problems are drawn from the seed.
- Writes: `partner.tsv`; `partner-pull` (the identity, an atom a row), `partner-rates` (the
  largest rate before and after).
- Falsified by: a mean other than predicted; a dense feature whose partner gains less than the
  bound; a feature denser than one half when all partners are there; an unbalanced pair. */
#include <string.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/random_problem.h"

enum { PROBLEMS = 160, DIMENSION = RANDOM_PROBLEM_MOST_DIMENSION, ROUNDS = 8 };
static const double CONVERGED = 1e-9; /* the KKT residual of an optimum */

struct found {
    double pull, pull_cold; /* largest error of the identity, lambda/2: with a bias, without */
    double gain, gain_same; /* smallest gain over bound, dense features: of -d_k, of d_k */
    double gain_sparse;     /* the same quotient for features with p <= 1/2, the largest gain */
    double densest, densest_cold,
        before;                        /* largest rate at the end; without a bias; at the start */
    double imbalance, imbalance_moved; /* largest |p+ - p-| - p0 of a pair */
    size_t atoms, dense, pairs, added, rounds;
};

/** ## The identity and the gain

Each in a pass over the samples with $k$ off. */
struct atom {
    double rate, pull; /* p, and the mean of -r.d_k over the samples with k off in units lambda/2 */
    double gain;       /* fall of the loss per sample by an atom sign * d_k, best codes */
};

static struct atom look_at(const struct claim *claim, const struct ndl_matrix *X,
                           const struct ndl_model *m, size_t k, double sign)
{
    struct atom a = {.rate = measure_activity(m, k)};
    struct ndl_matrix Z = claim_dense(claim, m), R = claim_residuals(claim, X, m);
    double off = 0, before = 0, after = 0;
    for (size_t i = 0; i < X->rows; i++) {
        double *r = ndl_row(&R, i), along = sign * ndl_dot(X->cols, r, ndl_row(&m->D, k));
        before += ndl_dot(X->cols, r, r);
        if (ndl_row(&Z, i)[k] <= 0) {
            off++;
            a.pull -= sign * along / (m->lambda / 2);
        }
        double code = fmax(0, along - m->lambda / 2);
        ndl_axpy(X->cols, -sign * code, ndl_row(&m->D, k), r);
        after += ndl_dot(X->cols, r, r) + m->lambda * code;
    }
    a.pull /= off;
    a.gain = (before - after) / (double)X->rows;
    ndl_matrix_free(&Z);
    ndl_matrix_free(&R);
    return a;
}

static double gain_bound(double lambda, double p)
{
    return lambda * lambda / 4 * (2 * p - 1) * (2 * p - 1) / (1 - p);
}

static void examine_atoms(struct claim *claim, const struct ndl_matrix *X,
                          const struct ndl_model *m, struct found *f)
{
    for (size_t k = 0; k < m->D.rows; k++) {
        double p = measure_activity(m, k);
        if (p <= 0 || p >= 1)
            continue;
        struct atom partner = look_at(claim, X, m, k, -1), same = look_at(claim, X, m, k, 1);
        double error = fabs(partner.pull - p / (1 - p)) * (1 - p);
        if (!m->bias) {
            keep_max(&f->pull_cold, error);
            continue;
        }
        f->atoms++;
        keep_max(&f->pull, error);
        claim_row(claim, p, partner.pull);
        double bound = gain_bound(m->lambda, p);
        if (p > 0.5) {
            f->dense++;
            keep_min(&f->gain, partner.gain / bound);
            keep_max(&f->gain_same, same.gain / bound);
        } else if (p < 0.5) {
            keep_min(&f->gain_sparse, partner.gain / bound);
        }
    }
}

/** ## Give every dense feature its partner

until no feature fires on more than half of the samples. */
static struct ndl_model with_partners(const struct claim *claim, const struct ndl_matrix *X,
                                      struct ndl_model *m, size_t *added)
{
    size_t K = m->D.rows, d = m->D.cols;
    struct ndl_matrix D = claim_matrix(claim, 2 * K, d);
    memcpy(D.v, m->D.v, K * d * sizeof(double));
    D.rows = K;
    for (size_t k = 0; k < K; k++)
        if (measure_activity(m, k) > 0.5)
            ndl_axpy(d, -1, ndl_row(&m->D, k), ndl_row(&D, D.rows++));
    *added = D.rows - K;
    struct ndl_model next;
    struct ndl_fit_options options = ndl_fit_defaults(D.rows, m->lambda);
    bool converged;
    options.D0 = &D;
    options.b0 = m->bias ? &m->b : NULL;
    options.bias = m->bias;
    if (*added > 0)
        claim_fit(claim, X, &options, &next, &converged);
    else
        next = *m;
    if (*added > 0)
        ndl_model_free(m);
    ndl_matrix_free(&D);
    return next;
}

static double densest(const struct ndl_model *m)
{
    double most = 0;
    for (size_t k = 0; k < m->D.rows; k++)
        keep_max(&most, measure_activity(m, k));
    return most;
}

/* Keeps the largest |p+ - p-| - p0 of the antipodal pairs of live atoms; returns their number. */
static size_t check_pairs(const struct claim *claim, const struct ndl_model *m, double *largest)
{
    struct ndl_matrix Z = claim_dense(claim, m);
    size_t pairs = 0;
    for (size_t j = 0; j < m->D.rows; j++)
        for (size_t k = 0; k < j; k++) {
            double both[2] = {measure_activity(m, j), measure_activity(m, k)}, silent = 0;
            double cosine = ndl_dot(m->D.cols, ndl_row(&m->D, j), ndl_row(&m->D, k));
            if (cosine > -1 + 1e-9 || both[0] <= 0 || both[1] <= 0)
                continue;
            for (size_t i = 0; i < Z.rows; i++)
                silent += ndl_row(&Z, i)[j] <= 0 && ndl_row(&Z, i)[k] <= 0;
            double imbalance = fabs(both[0] - both[1]) - silent / (double)Z.rows;
            keep_max(largest, imbalance);
            pairs++;
        }
    ndl_matrix_free(&Z);
    return pairs;
}

static void give_partners(const struct claim *claim, const struct ndl_matrix *X,
                          struct ndl_model *m, struct found *f, double *row)
{
    row[0] = densest(m);
    row[2] = 0;
    if (m->bias)
        keep_max(&f->before, row[0]);
    for (size_t round = 0, added = 1; added > 0 && round < (m->bias ? ROUNDS : 1); round++) {
        *m = with_partners(claim, X, m, &added);
        row[2] += (double)added;
        if (m->bias && added > 0)
            f->rounds = round + 1 > f->rounds ? round + 1 : f->rounds;
    }
    row[1] = densest(m);
    f->added += m->bias ? (size_t)row[2] : 0;
    keep_max(m->bias ? &f->densest : &f->densest_cold, row[1]);
}

/** ## Pairs that stay antipodal

In the random problems a pair opens when the dictionary is learned again.  It does not if the dense
coordinate is independent of the others in the sample itself: every one of 20 skewed values $s$
with every one of 10 sparse samples in two more coordinates. */
static void try_products(struct claim *claim, struct found *f)
{
    enum { VALUES = 20, OTHERS = 10, TRIALS = 20 };
    const struct ndl_matrix D0 = {4, 3, (double[]){1, 0, 0, -1, 0, 0, 0, 1, 0, 0, 0, 1}};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 1000 + trial);
        double s[VALUES], other[OTHERS][2];
        struct ndl_matrix X = claim_matrix(claim, VALUES * OTHERS, 3);
        for (size_t a = 0; a < VALUES; a++)
            s[a] = gsl_ran_exponential(rng, 1) - 0.3;
        for (size_t c = 0; c < OTHERS; c++)
            for (size_t j = 0; j < 2; j++)
                other[c][j] = gsl_rng_uniform(rng) < 0.3 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
        for (size_t i = 0; i < X.rows; i++) {
            ndl_row(&X, i)[0] = s[i / OTHERS];
            memcpy(ndl_row(&X, i) + 1, other[i % OTHERS], sizeof *other);
        }
        /* Some end with a residual a few times 1e-10, which is enough here. */
        struct ndl_fit_options options = ndl_fit_defaults(D0.rows, 0.2);
        struct ndl_model m;
        bool converged;
        options.D0 = &D0;
        claim_fit(claim, &X, &options, &m, &converged);
        f->pairs += check_pairs(claim, &m, &f->imbalance);
        m.b.v[0] += 0.5;
        ndl_codes_free(&m.Z);
        claim_encode(claim, &X, &m);
        check_pairs(claim, &m, &f->imbalance_moved);
        ndl_model_free(&m);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

/** ## Results */
static void run_problems(struct claim *claim, struct found *f)
{
    static double rates[PROBLEMS][4];
    size_t count = 0;
    claim_table(claim, "pull",
                "p 1 inf share of the samples on which the atom fires\n"
                "pull 1 inf mean of -r.d over the others, in units of lambda/2");
    for (size_t trial = 0; trial < PROBLEMS; trial++) {
        struct ndl_error err;
        struct random_problem p;
        struct ndl_matrix X;
        struct ndl_model m;
        gsl_rng *rng = claim_rng(claim, trial);
        claim_check_status(claim, random_problem_run(rng, trial, &p, &X, &m, &err), &err);
        if (claim_certify(claim, &X, &m).worst <= CONVERGED) {
            examine_atoms(claim, &X, &m, f);
            give_partners(claim, &X, &m, f, rates[count]);
            rates[count++][3] = m.bias;
        }
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
        claim_progress(claim, trial + 1, PROBLEMS, "problems");
    }
    claim_table(claim, "rates",
                "before 1 inf largest rate of a feature\n"
                "after 1 inf when every dense feature has its partner\n"
                "added - inf atoms added\n"
                "bias - inf 1 free");
    for (size_t i = 0; i < count; i++)
        claim_row_array(claim, rates[i], sizeof rates[i] / sizeof *rates[i]);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Measures what the condition of the bias asks of dense features, and gives each its "
        "partner.\vExample: partner --seed 2 --out build/results");
    struct found f = {
        .gain = HUGE_VAL, .gain_sparse = HUGE_VAL, .imbalance = -1, .imbalance_moved = -1};
    run_problems(claim, &f);
    try_products(claim, &f);
    claim_values(
        claim, NULL,
        {"atoms", (double)f.atoms, CLAIM_NOT_COMPARED, "features of the optima with a free bias"},
        {"dense", (double)f.dense, CLAIM_NOT_COMPARED, "of them on more than half of the samples"},
        {"pull", f.pull, CLAIM_NOT_COMPARED,
         "largest error of the mean of -r.d, times 1 - p, over lambda/2"},
        {"pull_cold", f.pull_cold, CLAIM_NOT_COMPARED, "the same without a bias"},
        {"gain", f.gain, CLAIM_NOT_COMPARED, "dense features: smallest gain by -d over its bound"},
        {"gain_same", f.gain_same, CLAIM_NOT_COMPARED, "the largest by d itself"},
        {"gain_sparse", f.gain_sparse, CLAIM_NOT_COMPARED,
         "sparse features: the smallest by -d, over the bound"},
        {"before", f.before, CLAIM_NOT_COMPARED, "largest rate of a feature at the start"},
        {"densest", f.densest, CLAIM_NOT_COMPARED,
         "largest rate when every dense feature has its partner"},
        {"densest_cold", f.densest_cold, CLAIM_NOT_COMPARED, "the same without a bias"},
        {"added", (double)f.added, CLAIM_NOT_COMPARED, "partners given"},
        {"rounds", (double)f.rounds, CLAIM_NOT_COMPARED, "rounds that took, at most"},
        {"pairs", (double)f.pairs, CLAIM_NOT_COMPARED, "antipodal pairs"},
        {"imbalance", f.imbalance, CLAIM_NOT_COMPARED, "largest |p+ - p-| - p0 of a pair"},
        {"imbalance_moved", f.imbalance_moved, CLAIM_NOT_COMPARED,
         "the same with the bias moved by 0.5, coded again"});
    return claim_end(claim);
}

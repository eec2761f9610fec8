/** # When the hull condition suffices

Claim `sharp`.  Exact representations $x_i = b + \sum_k z_{ik} d_k$ with independent unit atoms
and codes that affinely span $R^K$; the margin of the $K$-feature condition of $k$ is $\delta_k
> 0$. Every other exact representation has codes $z' = A z + c$ and atoms with $d_j = \sum_k
A_{kj} d'_k$, and the sum $f = \sum_k m_k$, to which the problem comes down for small penalties,
obeys

$$ f' - f \ge \sum_k |\alpha_k| \bigl( \delta_k - \|D_{-k}\|\, |d'_k - d_k| \bigr), \qquad
   \alpha_k = (A_{kj} m_j)_{j \ne k} , \quad A_{kk} \ge 0 . $$

So inside its hulls a representation is a sharp minimum, the best one within $\delta_k /
\|D_{-k}\|$.  With a penalty and noise of mean square $\eta^2$ an optimum near it has

$$ \frac\kappa2 \sum_k |\alpha_k| \le \frac\lambda4 V + \eta \sqrt V + \frac{\eta^2}\lambda , $$

$\kappa = \delta/2$ here, $V = K (W-1) / \sigma'^2$ from weights with $N \sum w^2 \le W$ for the
points at distance $\kappa$; without noise it moves by $O(\lambda)$, at $\lambda = 2\eta/\sqrt
V$ by $O(\eta)$.

The inequality is measured on random other representations of two to four features, the movement
on the solver's optima for two.  The controls: the margin one and a half times too large; a
hierarchy, outside its hull.

- Reads nothing: all data are drawn.
- Writes: `sharp.tsv`; `sharp-moved` (movement against penalty and noise, mean over the trials).
- Falsified by: an exact representation below the bound; an optimum that moves further; a
  movement that does not shrink with the penalty. */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { MOST = 4, SAMPLES = 200, SETS = 40, OTHERS = 100, TRIALS = 10, PENALTIES = 3 };
static const double PENALTY[PENALTIES] = {1e-4, 1e-3, 1e-2}, NOISE[PENALTIES] = {1e-5, 1e-4, 1e-3};
static const double FACTOR = 1.5; /* of the margin, in the control */

/** ## A representation and its margins

Unit atoms in $R^K$, drawn again until the least singular value is at least 1/4; features fire
on half of the samples with exponential magnitudes.  In a hierarchy the second fires only where
the first does, and all magnitudes are 1. */
struct truth {
    size_t K;
    double atoms[MOST * MOST], mean[MOST], margin[MOST], norm[MOST]; /* norm: |D_-k| */
    struct ndl_matrix Z;
};

/* The largest or least singular value of n x m values, n >= m or transposed. */
static double singular(const double *values, size_t n, size_t m, bool largest)
{
    gsl_matrix *A = gsl_matrix_alloc(n > m ? n : m, n > m ? m : n);
    gsl_matrix *V = gsl_matrix_alloc(A->size2, A->size2);
    gsl_vector *S = gsl_vector_alloc(A->size2), *work = gsl_vector_alloc(A->size2);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            gsl_matrix_set(A, n > m ? i : j, n > m ? j : i, values[i * m + j]);
    gsl_linalg_SV_decomp(A, V, S, work);
    double value = gsl_vector_get(S, largest ? 0 : S->size - 1);
    gsl_matrix_free(A);
    gsl_matrix_free(V);
    gsl_vector_free(S);
    gsl_vector_free(work);
    return value;
}

static void draw_codes(gsl_rng *rng, struct ndl_matrix *Z, bool hierarchy)
{
    for (size_t i = 0; i < Z->rows; i++)
        for (size_t k = 0; k < Z->cols; k++) {
            bool fires =
                gsl_rng_uniform(rng) < 0.5 && !(hierarchy && k == 1 && ndl_row(Z, i)[0] <= 0);
            ndl_row(Z, i)[k] = !fires ? 0 : hierarchy ? 1 : gsl_ran_exponential(rng, 1);
        }
}

static struct truth draw_truth(const struct claim *claim, gsl_rng *rng, size_t K, bool hierarchy)
{
    struct truth t = {.K = K, .Z = claim_matrix(claim, SAMPLES, K)};
    const struct ndl_matrix D = {K, K, t.atoms};
    do
        for (size_t k = 0; k < K; k++)
            ndl_random_unit(rng, t.atoms + k * K, K);
    while (singular(t.atoms, K, K, false) < 0.25);
    draw_codes(rng, &t.Z, hierarchy);
    struct ndl_model m = claim_model(claim, &D, NULL, &t.Z, 1);
    for (size_t k = 0; k < K; k++) {
        double rest[MOST * MOST];
        size_t rows = 0;
        for (size_t j = 0; j < K; j++)
            for (size_t c = 0; c < K && j != k; c++)
                rest[rows++] = t.atoms[j * K + c];
        struct ndl_condition c = claim_condition(claim, &m, k, k, NDL_AUTO, 0);
        t.mean[k] = measure_column_mean(&t.Z, k);
        t.margin[k] = c.margin;
        t.norm[k] = singular(rest, K - 1, K, true);
        ndl_condition_free(&c);
    }
    ndl_model_free(&m);
    return t;
}

static double least_margin(const struct truth *t)
{
    double least = HUGE_VAL;
    for (size_t k = 0; k < t->K; k++)
        keep_min(&least, t->margin[k]);
    return least;
}

/** ## The inequality

A random $A$ near one gives other atoms $D' = A^{-\top} D$, scaled to length one, and the least
$c$ that keeps the codes nonnegative. */
struct moved {
    double A[MOST][MOST], change; /* f' - f */
    double away[MOST];            /* |d'_k - d_k| */
};

/* X = A^-1 B for K x K values. */
static void solve(size_t K, const double *A, const double *B, double *X)
{
    double copy[MOST * MOST];
    for (size_t e = 0; e < K * K; e++)
        copy[e] = A[e];
    gsl_matrix_view a = gsl_matrix_view_array(copy, K, K);
    gsl_permutation *p = gsl_permutation_alloc(K);
    int sign;
    gsl_linalg_LU_decomp(&a.matrix, p, &sign);
    for (size_t c = 0; c < K; c++) {
        double column[MOST], solution[MOST];
        for (size_t r = 0; r < K; r++)
            column[r] = B[r * K + c];
        gsl_vector_view b = gsl_vector_view_array(column, K),
                        x = gsl_vector_view_array(solution, K);
        gsl_linalg_LU_solve(&a.matrix, p, &b.vector, &x.vector);
        for (size_t r = 0; r < K; r++)
            X[r * K + c] = solution[r];
    }
    gsl_permutation_free(p);
}

static struct moved move(gsl_rng *rng, const struct truth *t, double size)
{
    size_t K = t->K;
    double transposed[MOST * MOST], other[MOST * MOST];
    struct moved to = {.change = 0};
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < K; j++) {
            to.A[k][j] = (j == k) + (j == k ? 0 : gsl_ran_gaussian(rng, size));
            transposed[j * K + k] = to.A[k][j];
        }
    solve(K, transposed, t->atoms, other);
    for (size_t k = 0; k < K; k++) {
        double *atom = other + k * K, length = ndl_normalise(K, atom), least = HUGE_VAL, sum = 0;
        for (size_t j = 0; j < K; j++) {
            to.A[k][j] *= length;
            sum += to.A[k][j] * t->mean[j];
        }
        for (size_t i = 0; i < SAMPLES; i++)
            keep_min(&least, ndl_dot(K, to.A[k], ndl_row(&t->Z, i)));
        to.change += sum - least - t->mean[k];
        ndl_axpy(K, -1, t->atoms + k * K, atom);
        to.away[k] = ndl_norm(K, atom);
    }
    return to;
}

static double size_of(const struct truth *t, const struct moved *to, size_t k)
{
    double alpha[MOST];
    for (size_t j = 0; j < t->K; j++)
        alpha[j] = j == k ? 0 : to->A[k][j] * t->mean[j];
    return ndl_norm(t->K, alpha);
}

static double bound(const struct truth *t, const struct moved *to, double factor)
{
    double sum = 0;
    for (size_t k = 0; k < t->K; k++)
        sum += size_of(t, to, k) * (factor * t->margin[k] - t->norm[k] * to->away[k]);
    return sum;
}

struct found {
    double least, too_large, outside; /* (f' - f) - bound over sum |alpha|, least: true, controls */
    double tightest;                  /* (f' - f) / bound, bound > 0 */
    size_t representations;
};

static void try_inequality(const struct claim *claim, struct found *f)
{
    for (uint64_t set = 0; set < SETS; set++) {
        gsl_rng *rng = claim_rng(claim, set);
        bool hierarchy = set % 4 == 3;
        struct truth t = draw_truth(claim, rng, 2 + set % 3, hierarchy);
        for (size_t other = 0; other < OTHERS; other++) {
            struct moved to = move(rng, &t, pow(10, gsl_ran_flat(rng, -4, -0.5)));
            double sum = 0, right = bound(&t, &to, 1);
            for (size_t k = 0; k < t.K; k++)
                sum += size_of(&t, &to, k);
            if (hierarchy) { /* as if the distance from the hull were a margin */
                for (size_t k = 0; k < t.K; k++)
                    right += size_of(&t, &to, k) * (fabs(t.margin[k]) - t.margin[k]);
                keep_min(&f->outside, (to.change - right) / sum);
            } else if (least_margin(&t) > 0) {
                keep_min(&f->least, (to.change - right) / sum);
                keep_min(&f->too_large, (to.change - bound(&t, &to, FACTOR)) / sum);
                if (right > 0)
                    keep_min(&f->tightest, to.change / right);
                f->representations++;
            }
        }
        ndl_matrix_free(&t.Z);
        gsl_rng_free(rng);
    }
}

/** ## The movement

Two features in the plane.  Weights for a point at distance $\kappa$ are those of an exponential
tilt of the samples with $k$ off. */
static double spread_of_weights(const struct truth *t, size_t k, double target)
{
    size_t j = 1 - k;
    double low = -200, high = 200, sum[3];
    for (int step = 0; step < 100; step++) {
        double tilt = (low + high) / 2, most = -HUGE_VAL;
        for (size_t i = 0; i < SAMPLES; i++)
            if (ndl_row(&t->Z, i)[k] <= 0)
                keep_max(&most, tilt * ndl_row(&t->Z, i)[j]);
        sum[0] = sum[1] = sum[2] = 0;
        for (size_t i = 0; i < SAMPLES; i++)
            if (ndl_row(&t->Z, i)[k] <= 0) {
                double z = ndl_row(&t->Z, i)[j], w = exp(tilt * z - most);
                sum[0] += w;
                sum[1] += w * z;
                sum[2] += w * w;
            }
        *(sum[1] / sum[0] < target ? &low : &high) = tilt;
    }
    return SAMPLES * sum[2] / (sum[0] * sum[0]);
}

/* V for atoms with the least singular value `sigma`. */
static double spread(const struct truth *t, double kappa, double sigma)
{
    double W = 0, h = ndl_dot(2, t->atoms, t->atoms + 2);
    for (size_t k = 0; k < 2; k++)
        for (int side = -1; side <= 1; side += 2)
            keep_max(&W, spread_of_weights(t, k, t->mean[1 - k] * (1 - h + side * kappa)));
    return 2 * (W - 1) / (sigma * sigma);
}

struct movement {
    double size, bound; /* sum |alpha_k|, and what it may be */
    bool near;          /* all atoms within kappa/2 */
};

/* The optimum that the solver finds from the true atoms. */
static struct movement measure(const struct claim *claim, gsl_rng *rng, struct truth *t,
                               double lambda, double noise)
{
    double kappa = least_margin(t) / 2, other[4], A[4], square = 0;
    double V = kappa > 0 ? spread(t, kappa, singular(t->atoms, 2, 2, false)) : 1;
    const struct ndl_matrix D = {2, 2, t->atoms};
    struct ndl_matrix X = claim_synthetic(claim, &t->Z, &D);
    struct ndl_model m;
    bool converged;
    for (size_t e = 0; e < X.rows * X.cols && noise > 0; e++) {
        double error = gsl_ran_gaussian(rng, noise / M_SQRT2);
        X.v[e] += error;
        square += error * error / SAMPLES;
    }
    struct ndl_fit_options options = ndl_fit_defaults(2, noise > 0 ? 2 * noise / sqrt(V) : lambda);
    const struct ndl_matrix zeros = {1, 2, (double[]){0, 0}};
    options.D0 = &D;
    options.b0 = &zeros;
    options.tolerance = 1e-9;
    claim_fit(claim, &X, &options, &m, &converged);
    /* the solver may return the atoms in another order */
    bool swapped = ndl_dot(2, t->atoms, m.D.v) < ndl_dot(2, t->atoms, m.D.v + 2);
    for (size_t e = 0; e < 4; e++)
        other[e] = m.D.v[swapped ? (e + 2) % 4 : e];
    /* D = A^T D', so D'^T A = D^T */
    double left[4] = {other[0], other[2], other[1], other[3]};
    double right[4] = {t->atoms[0], t->atoms[2], t->atoms[1], t->atoms[3]};
    solve(2, left, right, A);
    struct movement r = {.size = fabs(A[1] * t->mean[1]) + fabs(A[2] * t->mean[0]), .near = true};
    for (size_t k = 0; k < 2; k++)
        r.near = r.near && hypot(other[2 * k] - t->atoms[2 * k],
                                 other[2 * k + 1] - t->atoms[2 * k + 1]) <= kappa / 2;
    V = kappa > 0 ? spread(t, kappa, singular(other, 2, 2, false)) : 1;
    lambda = options.lambda;
    r.bound = 2 / kappa * (lambda / 4 * V + sqrt(square * V) + square / lambda);
    ndl_model_free(&m);
    ndl_matrix_free(&X);
    return r;
}

struct movements {
    double ratio,
        ratio_hierarchy; /* size at the first penalty over that at the second: most, least */
    double over, noisy;  /* largest size over bound: without noise, with */
    size_t near, all;
};

static void try_movement(struct claim *claim, struct movements *f)
{
    double mean[2][PENALTIES][2] = {{{0}}};
    size_t counted = 0;
    for (uint64_t trial = 0; counted < TRIALS && trial < 20 * TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, 1000 + trial);
        struct truth t = draw_truth(claim, rng, 2, false);
        if (least_margin(&t) > 0.2) {
            double before = 0;
            for (size_t p = 0; p < PENALTIES; p++) {
                struct movement calm = measure(claim, rng, &t, PENALTY[p], 0);
                struct movement noisy = measure(claim, rng, &t, 0, NOISE[p]);
                f->all += 2;
                f->near += (size_t)calm.near + noisy.near;
                if (calm.near)
                    keep_max(&f->over, calm.size / calm.bound);
                if (noisy.near)
                    keep_max(&f->noisy, noisy.size / noisy.bound);
                if (p == 1)
                    keep_max(&f->ratio, before / calm.size);
                before = calm.size;
                mean[0][p][0] += calm.size / TRIALS;
                mean[0][p][1] += calm.bound / TRIALS;
                mean[1][p][0] += noisy.size / TRIALS;
                mean[1][p][1] += noisy.bound / TRIALS;
            }
            counted++;
        }
        ndl_matrix_free(&t.Z);
        t = draw_truth(claim, rng, 2, true);
        double small = measure(claim, rng, &t, PENALTY[0], 0).size;
        keep_min(&f->ratio_hierarchy, small / measure(claim, rng, &t, PENALTY[1], 0).size);
        ndl_matrix_free(&t.Z);
        gsl_rng_free(rng);
    }
    claim_table(claim, "moved",
                "noise - 0 1 with noise\n"
                "level 1 1e-12 the penalty, or the noise, root mean square\n"
                "moved 1 0.01 sum |alpha|, mean over the trials\n"
                "bound 1 0.01 the bound, mean");
    for (size_t n = 0; n < 2; n++) {
        for (size_t p = 0; p < PENALTIES; p++)
            claim_row(claim, (double)n, n == 0 ? PENALTY[p] : NOISE[p], mean[n][p][0],
                      mean[n][p][1]);
        claim_table_break(claim);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Measures how sharp a minimum is inside its hulls, and how far penalty and noise move it."
        "\vExample: sharp --seed 2 --out build/results");
    struct found f = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, 0};
    struct movements moved = {.ratio_hierarchy = HUGE_VAL};
    try_inequality(claim, &f);
    try_movement(claim, &moved);
    claim_values(
        claim, NULL,
        {"least", f.least, CLAIM_NOT_COMPARED, "least of f' - f minus its bound, over sum |alpha|"},
        {"tightest", f.tightest, CLAIM_NOT_COMPARED, "least of f' - f over its bound"},
        {"too_large", f.too_large, CLAIM_NOT_COMPARED,
         "the first with margins 1.5 times too large"},
        {"outside", f.outside, CLAIM_NOT_COMPARED,
         "the first for a hierarchy, distance for margin"},
        {"representations", (double)f.representations, CLAIM_NOT_COMPARED,
         "exact representations compared"},
        {"over", moved.over, CLAIM_NOT_COMPARED, "largest movement over its bound, no noise"},
        {"noisy", moved.noisy, CLAIM_NOT_COMPARED, "largest movement over its bound, noise"},
        {"ratio", moved.ratio, CLAIM_NOT_COMPARED,
         "largest ratio of movements at the two smallest penalties"},
        {"ratio_hierarchy", moved.ratio_hierarchy, CLAIM_NOT_COMPARED, "the least for a hierarchy"},
        {"near", (double)moved.near, CLAIM_NOT_COMPARED, "optima within the radius of the theorem"},
        {"all", (double)moved.all, CLAIM_NOT_COMPARED, "optima measured"},
        {"trials", TRIALS, CLAIM_EXACT, "data sets of the movement"});
    return claim_end(claim);
}

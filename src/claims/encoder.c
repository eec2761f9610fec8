/** # What replaces the hull if codes come from an encoder

Claim `encoder`.  A ReLU autoencoder has codes $z = \mathrm{relu}(\pi)$, $\pi = E x + \beta$,
instead of the best ones.  Let $w_{ik} = (1 - 2 r_i \cdot d_k / \lambda) / N$ with unit $d_k$.  The
decoder's equation contracted with $d_k$ says $\sum_i w_{ik} z_{ij} = m_j (1 - h_{jk})$ as before;
the encoder's gradient vanishes, $\sum_{k\ \mathrm{on}} w_{ik} x_i = 0$ and
$\sum_{k\ \mathrm{on}} w_{ik} = 0$, and so, $\pi_j$ being affine in $x$,
$\sum_{k\ \mathrm{on}} w_{ik} \pi_{ij} = 0$.  Together, at every differentiable stationary point,

$$ \sum_{k\ \mathrm{off}} w_{ik} z_{ij} - \sum_{k\ \mathrm{on},\, j\ \mathrm{off}} w_{ik} \pi_{ij}
   = m_j (1 - h_{jk}) . $$

The first term is the hull's (whose weights may now be negative), the second the encoder's slack.

With slack an autoencoder could keep a hierarchy.  It does not: one linear threshold computes
"parent unless child", $E_p = d_p - r d_c$ with $r \ge \max s / t$, so that absorption costs an
untied encoder nothing.  A tied one, $E = D$ and $\beta = 0$, has the pre-activation $s$ where the
child fires, unless the parent's atom turns away from the child by an angle of $\arctan r$.

- Reads nothing: random autoencoders, and forests of orthonormal features.
- Writes: `encoder.tsv`; `encoder-tilt` (the cosine of child and parent: exact codes, ReLU, tied).
- Falsified by: the identity with all gradients kept failing anywhere; exact and amortised codes
  absorbing differently. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/forest.h"
#include "kit/relu_sae.h"

enum { RANDOM = 20, TRIALS = 4, SAMPLES = 500, STEPS = 400 };
static const double LAMBDA = 0.1, NOISE = 0.02;

/** ## The identity

With a gradient that does not vanish, the decoder's part for the atom $j$ adds $\partial L /
\partial d_j \cdot d_k / \lambda$ to the right side, and the encoder's part for $k$ takes $(E_j
\cdot \partial L / \partial E_k + \beta_j\, \partial L / \partial \beta_k) / (\lambda |d_k|)$
away.  Errors are relative to $m_j$. */
struct identity {
    double error, without_slack, without_gradient; /* the largest over all pairs */
};

static struct identity check(const struct claim *claim, const struct relu_sae *sae,
                             const struct ndl_matrix *X)
{
    size_t K = sae->D.rows, d = sae->D.cols;
    double n = (double)X->rows;
    struct relu_sae g = relu_sae_new(claim, K, d, sae->lambda);
    relu_sae_loss(claim, sae, X, &g);
    struct ndl_matrix P = relu_sae_encode(claim, sae, X);
    struct identity worst = {0};
    for (size_t k = 0; k < K; k++) {
        const double *atom = ndl_row(&sae->D, k);
        double norm = ndl_norm(d, atom);
        for (size_t j = 0; j < K; j++) {
            double m = 0, off = 0, slack = 0;
            for (size_t i = 0; i < X->rows && j != k; i++) {
                const double *pi = ndl_row(&P, i);
                double along = 0; /* r . d_k */
                for (size_t a = 0; a < d; a++) {
                    double r = ndl_row(X, i)[a] - sae->b.v[a];
                    for (size_t l = 0; l < K; l++)
                        r -= fmax(0, pi[l]) * ndl_row(&sae->D, l)[a];
                    along += r * atom[a] / norm;
                }
                double w = (1 - 2 * along / sae->lambda) / n;
                m += fmax(0, pi[j]) / n;
                off += pi[k] <= 0 ? w * fmax(0, pi[j]) : 0;
                slack += pi[k] > 0 ? w * fmin(0, pi[j]) : 0;
            }
            if (m == 0) /* j = k, or dead */
                continue;
            const double *other = ndl_row(&sae->D, j);
            double h = ndl_dot(d, atom, other) / norm / ndl_norm(d, other);
            double decoder = ndl_dot(d, ndl_row(&g.D, j), atom) / norm / sae->lambda,
                   encoder = (ndl_dot(d, ndl_row(&sae->E, j), ndl_row(&g.E, k)) +
                              sae->beta.v[j] * g.beta.v[k]) /
                             (sae->lambda * norm);
            double right = m * (1 - h) + decoder - encoder;
            keep_max(&worst.error, fabs(off - slack - right) / m);
            keep_max(&worst.without_slack, fabs(off - right) / m);
            keep_max(&worst.without_gradient, fabs(off - slack - m * (1 - h)) / m);
        }
    }
    ndl_matrix_free(&P);
    relu_sae_free(&g);
    return worst;
}

/* The gradient against central differences in the direction of another random autoencoder. */
static double gradient_error(const struct claim *claim, const struct relu_sae *sae,
                             const struct relu_sae *way, const struct ndl_matrix *X)
{
    struct relu_sae g = relu_sae_new(claim, sae->D.rows, sae->D.cols, sae->lambda), moved[2];
    const double step = 1e-6;
    double slope = 0, value[2];
    relu_sae_loss(claim, sae, X, &g);
    const struct ndl_matrix *of[] = {&sae->E, &sae->D, &sae->beta, &sae->b},
                            *along[] = {&way->E, &way->D, &way->beta, &way->b},
                            *gradient[] = {&g.E, &g.D, &g.beta, &g.b};
    for (int side = 0; side < 2; side++) {
        moved[side] = relu_sae_new(claim, sae->D.rows, sae->D.cols, sae->lambda);
        struct ndl_matrix *to[] = {&moved[side].E, &moved[side].D, &moved[side].beta,
                                   &moved[side].b};
        for (size_t p = 0; p < 4; p++)
            for (size_t i = 0; i < of[p]->rows * of[p]->cols; i++) {
                to[p]->v[i] = of[p]->v[i] + (side ? -step : step) * along[p]->v[i];
                slope += side ? 0 : gradient[p]->v[i] * along[p]->v[i];
            }
        value[side] = relu_sae_loss(claim, &moved[side], X, NULL);
        relu_sae_free(&moved[side]);
    }
    relu_sae_free(&g);
    return fabs((value[0] - value[1]) / (2 * step) - slope) / fabs(slope);
}

static struct relu_sae random_sae(const struct claim *claim, gsl_rng *rng, size_t K, size_t d)
{
    struct relu_sae sae = relu_sae_new(claim, K, d, LAMBDA);
    struct ndl_matrix *part[] = {&sae.E, &sae.D, &sae.beta, &sae.b};
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < part[p]->rows * part[p]->cols; i++)
            part[p]->v[i] = gsl_ran_gaussian(rng, 0.5);
    return sae;
}

static void try_random(struct claim *claim)
{
    enum { K = 7, DIMENSION = 5, DRAWS = 200 };
    double error = 0, difference = 0, without_slack = HUGE_VAL, without_gradient = HUGE_VAL;
    for (uint64_t trial = 0; trial < RANDOM; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        struct relu_sae sae = random_sae(claim, rng, K, DIMENSION),
                        way = random_sae(claim, rng, K, DIMENSION);
        struct ndl_matrix X = claim_matrix(claim, DRAWS, DIMENSION);
        for (size_t i = 0; i < DRAWS * DIMENSION; i++)
            X.v[i] = gsl_ran_gaussian(rng, 1);
        struct identity c = check(claim, &sae, &X);
        keep_max(&error, c.error);
        keep_min(&without_slack, c.without_slack);
        keep_min(&without_gradient, c.without_gradient);
        keep_max(&difference, gradient_error(claim, &sae, &way, &X));
        ndl_matrix_free(&X);
        relu_sae_free(&sae);
        relu_sae_free(&way);
        gsl_rng_free(rng);
    }
    claim_values(claim, "random",
                 {"error", error, CLAIM_NOT_COMPARED, "largest relative error of the identity"},
                 {"without_slack", without_slack, 1e-6,
                  "the same without the encoder's slack, the least over the autoencoders"},
                 {"without_gradient", without_gradient, 1e-6, "the same without the gradients"},
                 {"difference", difference, CLAIM_NOT_COMPARED,
                  "largest relative error of the gradient against central differences"},
                 {"trials", RANDOM, CLAIM_EXACT, "random autoencoders"});
}

/** ## Exact and amortised codes absorb alike

Three parents with two exclusive children each, in a little noise.  All start from the truth: the
library's solver with exact codes, the ReLU autoencoder, and a tied one.  Predicted was that the
first two agree the better the smaller $\lambda$ is: in a fixed noise they do not, and if the noise
falls with $\lambda$ they do. */
enum { EXACT, RELU, TIED, WAYS };

static double mean_tilt(const struct forest_shape *shape, const struct ndl_matrix *D)
{
    double sum = 0, pairs = 0;
    for (size_t k = 0; k < shape->K; k++)
        if (shape->parent[k] != SIZE_MAX) {
            const double *child = ndl_row(D, k), *parent = ndl_row(D, shape->parent[k]);
            sum += ndl_dot(D->cols, child, parent) / ndl_norm(D->cols, child) /
                   ndl_norm(D->cols, parent);
            pairs++;
        }
    return sum / pairs;
}

static void run(const struct claim *claim, uint64_t stream, double lambda, double noise,
                double tilt[WAYS], struct identity *identity)
{
    struct forest f = {3, 2, 2, true, 0.3, 0.25, 0.8, 1.2};
    struct forest_shape shape = forest_shape(&f);
    gsl_rng *rng = claim_rng(claim, stream);
    struct ndl_matrix X = forest_draw(claim, rng, &f, SAMPLES),
                      truth = forest_truth(claim, shape.K);
    for (size_t i = 0; i < X.rows * X.cols; i++)
        X.v[i] += gsl_ran_gaussian(rng, noise);
    double zero[FOREST_MAX] = {0};
    struct ndl_matrix b0 = {1, shape.K, zero};
    struct ndl_fit_options options = ndl_fit_defaults(shape.K, lambda);
    options.D0 = &truth;
    options.b0 = &b0;
    struct ndl_model m;
    bool converged;
    claim_fit(claim, &X, &options, &m, &converged);
    tilt[EXACT] = mean_tilt(&shape, &m.D);
    ndl_model_free(&m);
    for (int way = RELU; way < WAYS; way++) {
        struct relu_sae sae = relu_sae_new(claim, shape.K, shape.K, lambda);
        sae.tied = way == TIED;
        for (size_t k = 0; k < shape.K; k++) {
            ndl_row(&sae.E, k)[k] = ndl_row(&sae.D, k)[k] = 1;
            sae.beta.v[k] = -lambda / 2; /* the best code of a feature that fires alone */
        }
        relu_sae_train(claim, &sae, &X, STEPS);
        tilt[way] = mean_tilt(&shape, &sae.D);
        if (way == RELU)
            *identity = check(claim, &sae, &X);
        relu_sae_free(&sae);
    }
    ndl_matrix_free(&X);
    ndl_matrix_free(&truth);
    gsl_rng_free(rng);
}

/* Over the trials at one penalty. */
struct tilts {
    double tilt[WAYS][TRIALS], mean[WAYS], error, without_slack;
};

static struct tilts try_lambda(const struct claim *claim, double lambda, double noise)
{
    struct tilts t = {.without_slack = HUGE_VAL};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        double tilt[WAYS];
        struct identity c;
        run(claim, 100 + trial, lambda, noise, tilt, &c);
        keep_max(&t.error, c.error);
        keep_min(&t.without_slack, c.without_slack);
        for (int way = 0; way < WAYS; way++) {
            t.tilt[way][trial] = tilt[way];
            t.mean[way] += tilt[way] / TRIALS;
        }
    }
    return t;
}

static void try_trained(struct claim *claim)
{
    static const double LAMBDAS[] = {0.025, 0.05, 0.1, 0.2};
    struct tilts t[4];
    claim_table(claim, "tilt",
                "lambda unit 0 penalty\n"
                "exact 1 0.05 mean cosine of a child and its parent, exact codes\n"
                "relu 1 0.05 ReLU autoencoder\n"
                "tied 1 0.05 tied autoencoder");
    for (int l = 0; l < 4; l++) {
        t[l] = try_lambda(claim, LAMBDAS[l], NOISE);
        claim_row(claim, LAMBDAS[l], t[l].mean[EXACT], t[l].mean[RELU], t[l].mean[TIED]);
        claim_progress(claim, (size_t)l + 1, 4, "trained");
    }
    const struct tilts *small = &t[0], *at = &t[2]; /* at LAMBDA */
    struct tilts limit = try_lambda(claim, LAMBDA / 16, NOISE / 16);
    double relu = fabs(at->mean[RELU] - at->mean[EXACT]),
           tied = fabs(at->mean[TIED] - at->mean[EXACT]);
    claim_spread(claim, "exact.tilt", at->tilt[EXACT], TRIALS, 0.05, "cosine of child and parent");
    claim_spread(claim, "relu.tilt", at->tilt[RELU], TRIALS, 0.05, "cosine of child and parent");
    claim_spread(claim, "tied.tilt", at->tilt[TIED], TRIALS, 0.05, "cosine of child and parent");
    claim_values(claim, NULL,
                 {"trained.error", at->error, CLAIM_NOT_COMPARED,
                  "largest relative error of the identity where training ends"},
                 {"trained.without_slack", at->without_slack, CLAIM_NOT_COMPARED,
                  "the same without the encoder's slack"},
                 {"relu.difference", relu, CLAIM_NOT_COMPARED,
                  "|mean cosine with the encoder - with exact codes|"},
                 {"tied.difference", tied, CLAIM_NOT_COMPARED, "the same for the tied encoder"},
                 {"lambda_small", LAMBDAS[0], CLAIM_EXACT, "the smallest penalty"},
                 {"relu.ratio", fabs(small->mean[RELU] - small->mean[EXACT]) / relu,
                  CLAIM_NOT_COMPARED, "the difference at the smallest penalty over that at lambda"},
                 {"tied.ratio", fabs(small->mean[TIED] - small->mean[EXACT]) / tied,
                  CLAIM_NOT_COMPARED, "the same for the tied encoder"},
                 {"relu.limit", fabs(limit.mean[RELU] - limit.mean[EXACT]) / relu,
                  CLAIM_NOT_COMPARED, "the difference at lambda / 16 and noise / 16, over that"},
                 {"tied.limit", fabs(limit.mean[TIED] - limit.mean[EXACT]) / tied,
                  CLAIM_NOT_COMPARED, "the same for the tied encoder"});
}

/** ## One threshold computes "parent unless child" */
static void try_threshold(struct claim *claim)
{
    struct forest f = {1, 1, 2, false, 0.6, 0.5, 0.8, 1.2};
    gsl_rng *rng = claim_rng(claim, 1000);
    struct ndl_matrix X = forest_draw(claim, rng, &f, SAMPLES);
    double ratio = 0, error = 0, orthogonal = 0, angle = 0;
    for (size_t i = 0; i < X.rows; i++) {
        const double *x = ndl_row(&X, i);
        if (x[1] > 0)
            keep_max(&ratio, x[0] / x[1]);
    }
    for (size_t i = 0; i < X.rows; i++) {
        const double *x = ndl_row(&X, i);
        double wanted = x[1] > 0 ? 0 : x[0]; /* the absorbed parent's code */
        keep_max(&error, fabs(fmax(0, x[0] - ratio * x[1]) - wanted));
        keep_max(&orthogonal, fabs(fmax(0, x[0]) - wanted));
        /* turned away from the child by phi, the parent is silent here if tan phi >= s / t */
        double low = 0, high = M_PI / 2;
        for (int step = 0; step < 40 && x[1] > 0; step++) {
            double phi = (low + high) / 2;
            *(x[0] * cos(phi) - x[1] * sin(phi) > 0 ? &low : &high) = phi;
        }
        if (x[1] > 0)
            keep_max(&angle, high);
    }
    claim_values(claim, "threshold",
                 {"error", error, CLAIM_NOT_COMPARED,
                  "largest error of the absorbed parent's code with E = d_p - r d_c"},
                 {"tied", orthogonal, 1e-9, "the same with E = d_p"},
                 {"cosine", 1 / sqrt(1 + ratio * ratio), 1e-9, "cosine of E and d_p"},
                 {"angle", angle * 180 / M_PI, 1e-6,
                  "degrees by which a tied parent must turn away to be silent"});
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Checks the identity that replaces the hull for a ReLU autoencoder, and that exact and "
        "amortised codes absorb alike.\vExample: encoder --seed 7 --out build/results");
    try_random(claim);
    try_threshold(claim);
    try_trained(claim);
    claim_values(claim, NULL, {"lambda", LAMBDA, CLAIM_EXACT, "lambda"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws of the forest"},
                 {"samples", SAMPLES, CLAIM_EXACT, "N of each"});
    return claim_end(claim);
}

/** # Which objective keeps a hierarchy? Designs against predictions made before

Claim `arbitrate`.  Fourteen designs of sparse autoencoders are trained on one hierarchy of depth 2,
from the truth (is it stable?) and from random atoms (what does training find?).  For each design
and start the theory gives an interval, or says that it determines nothing, for three measures:

- *silent*: $P(z_{parent} = 0 \mid \text{child})$, whether the child has absorbed its parent;
- *cosine* of the learned atoms of child and parent, which the law of `law` determines;
- *hedge*: the cosine of the parent's atom and the true child, which the prefix losses of Matryoshka
  raise to the root of claim `matryoshka`.

The predictions were committed before the first run.  The registry checks what theorems say of runs
from the truth; all other predictions are compared in the table, where a miss stays a miss.

- Reads: `arbitration/predictions.tsv` (designs, intervals and where they come from).
- Writes: `arbitrate.tsv`; `arbitrate-runs` (measures of every run), `arbitrate-table` (predicted
  and measured, per design and start).
- Falsified by: an L1 model that keeps its orthogonal hierarchy, a JumpReLU model that leaves it, or
  an atom that does not stand at its law's angle. */
#include <stdint.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/forest.h"
#include "sae/sae.h"

enum { SEEDS = 3, SAMPLES = 4000, STEPS = 2500, ROOTS = 3, LATENTS = 9 };
static const double NOISE = 0.02;
static const struct forest FOREST = {ROOTS, 2, 2, true, 0.3, 0.25, 0.8, 1.2};

/** ## Designs, in the order of the predictions */
struct design {
    const char *objective;
    double lambda, k, shape; /* shape 0: the objective's own */
};
static const struct design DESIGNS[] = {{"l1", 0.1, 0, 0},
                                        {"tanh", 0.1, 0, 0},
                                        {"p-annealing", 0.1, 0, 0.4},
                                        {"topk", 0, 6, 0},
                                        {"batchtopk", 0, 1.5, 0},
                                        {"batchtopk", 0, 0.9, 0},
                                        {"jumprelu", 0.09, 0, 0},
                                        {"gated", 0.1, 0, 0},
                                        {"matryoshka", 0, 1.5, 0},
                                        {"matryoshka-l1", 0.1, 0, 0},
                                        {"ortsae-l1", 0.1, 0, 0},
                                        {"levels", 0.1, 0, 0.3},
                                        {"treemax", 0.1, 0, 2},
                                        {"levels-fading", 0.1, 0, 0.3}};
enum {
    COUNT = sizeof DESIGNS / sizeof *DESIGNS,
    L1 = 0,
    JUMPRELU = 6,
    MATRYOSHKA = 8,
    MATRYOSHKA_L1 = 9,
    ORTSAE = 10,
    LEVELS = 11,
    TREEMAX = 12
};
enum { TRUTH, RANDOM, STARTS };
enum { SILENT, COSINE, HEDGE, COMPARED, KEPT = COMPARED, L0, LOSS, DEAD, MEASURES };

static const size_t LEVEL[] = {ROOTS, LATENTS};

static struct sae_options options_of(const struct design *design, const int32_t *parent,
                                     uint64_t seed)
{
    struct sae_options o = sae_defaults(design->objective);
    unsigned terms = sae_objective_find(design->objective)->terms;
    o.d = o.K = LATENTS;
    o.lambda = design->lambda;
    o.k = design->k;
    if (design->shape > 0)
        o.shape = design->shape;
    if (terms & (SAE_PREFIXES | SAE_LEVELS)) {
        o.levels = 2;
        o.level = LEVEL;
    }
    if (terms & SAE_TREE)
        o.parent = parent;
    o.orthogonality = 0.05;
    o.all_pairs = true;
    o.threshold = 0.3; /* the root of JumpReLU's price */
    o.bandwidth = 0.1;
    o.steps = STEPS;
    o.seed = seed;
    return o;
}

/* Features in the order of their levels, as prefixes and trees of latents need them. */
struct order {
    struct forest_shape shape;
    size_t feature[LATENTS];
    int32_t parent[LATENTS]; /* of latents */
};

static struct order order_by_level(void)
{
    struct order o = {.shape = forest_shape(&FOREST)};
    size_t latent_of[LATENTS], n = 0;
    for (size_t level = 0; level < 2; level++)
        for (size_t f = 0; f < LATENTS; f++)
            if (o.shape.level[f] == level) {
                latent_of[f] = n;
                o.feature[n] = f;
                o.parent[n++] = level ? (int32_t)latent_of[o.shape.parent[f]] : -1;
            }
    return o;
}

/** ## A run: fresh batches, then fresh samples to measure */
struct stream {
    const struct claim *claim;
    uint64_t first; /* number of the random stream of step 0 */
};

static void draw_rows(const struct stream *stream, uint64_t step, size_t rows, double *X)
{
    gsl_rng *rng = claim_rng(stream->claim, stream->first + step);
    struct ndl_matrix Z = forest_draw(stream->claim, rng, &FOREST, rows);
    for (size_t i = 0; i < rows * LATENTS; i++)
        X[i] = Z.v[i] + gsl_ran_gaussian(rng, NOISE);
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
}

static enum ndl_status draw_batch(void *context, uint64_t step, size_t rows, double *X,
                                  struct ndl_error *err)
{
    (void)err;
    draw_rows(context, step, rows, X);
    return NDL_OK;
}

/* The latent whose atom is closest to feature f, and its cosine (features are unit vectors). */
static size_t closest(const struct sae *sae, size_t f, double *cosine)
{
    size_t best = 0;
    for (size_t k = 1; k < LATENTS; k++)
        if (sae->value[SAE_D][k * LATENTS + f] > sae->value[SAE_D][best * LATENTS + f])
            best = k;
    *cosine = sae->value[SAE_D][best * LATENTS + f];
    return best;
}

/* Adds the measures of one pair of child c and parent p to m. */
static void measure_pair(const struct sae *sae, const struct ndl_matrix *X,
                         const struct ndl_matrix *Z, size_t c, size_t p, double *m)
{
    double child_cosine, parent_cosine, on = 0, silent = 0;
    size_t child = closest(sae, c, &child_cosine), parent = closest(sae, p, &parent_cosine);
    const double *D = sae->value[SAE_D];
    for (size_t i = 0; i < X->rows; i++)
        if (ndl_row(X, i)[c] > 0.5) { /* magnitudes are at least 0.8, noise is 0.02 */
            on++;
            silent += ndl_row(Z, i)[parent] <= 0;
        }
    m[SILENT] += silent / on;
    m[COSINE] += ndl_dot(LATENTS, D + child * LATENTS, D + parent * LATENTS);
    m[HEDGE] += D[parent * LATENTS + c];
    m[KEPT] += silent / on < 0.02 && parent_cosine > 0.95 && child_cosine > 0.9;
}

static void measure(const struct claim *claim, const struct sae *sae, const struct order *order,
                    const struct ndl_matrix *X, double *m)
{
    struct ndl_codes codes;
    struct ndl_matrix Z;
    struct ndl_error err;
    size_t pairs = LATENTS - ROOTS;
    claim_check_status(claim, sae_encode(sae, X, &codes, &err), &err);
    claim_check_status(claim, ndl_codes_to_dense(&Z, &codes, &err), &err);
    for (size_t c = 0; c < LATENTS; c++)
        if (order->shape.level[c] > 0)
            measure_pair(sae, X, &Z, c, order->shape.parent[c], m);
    for (size_t i = 0; i <= KEPT; i++)
        m[i] /= (double)pairs;
    m[L0] = (double)codes.start[codes.rows] / (double)codes.rows;
    for (size_t k = 0; k < LATENTS; k++)
        m[DEAD] += !(measure_column_mean(&Z, k) > 0);
    ndl_codes_free(&codes);
    ndl_matrix_free(&Z);
}

static void train(const struct claim *claim, const struct design *design, int start, uint64_t trial,
                  double *m)
{
    struct order order = order_by_level();
    gsl_rng *rng = claim_rng(claim, 2 * STEPS * SEEDS + trial);
    struct sae_options o = options_of(design, order.parent, gsl_rng_uniform_int(rng, 1u << 30) + 1);
    struct stream batches = {claim, trial * 2 * STEPS}, fresh = {claim, trial * 2 * STEPS + STEPS};
    struct sae_run run = {.draw = draw_batch, .draw_context = &batches};
    struct ndl_matrix truth = claim_matrix(claim, LATENTS, LATENTS),
                      X = claim_matrix(claim, SAMPLES, LATENTS);
    struct sae sae;
    struct sae_report report;
    struct ndl_error err;
    for (size_t k = 0; k < LATENTS; k++)
        ndl_row(&truth, k)[order.feature[k]] = 1;
    claim_check_status(claim, sae_new(&sae, &o, &err), &err);
    claim_check_status(claim,
                       start == TRUTH ? sae_init_truth(&sae, &truth, NULL, NULL, &err)
                                      : sae_init_random(&sae, NULL, &err),
                       &err);
    claim_check_status(claim, sae_train(&sae, &run, &report, &err), &err);
    draw_rows(&fresh, 0, SAMPLES, X.v);
    memset(m, 0, MEASURES * sizeof *m);
    measure(claim, &sae, &order, &X, m);
    m[LOSS] = report.loss;
    gsl_rng_free(rng);
    sae_free(&sae);
    ndl_matrix_free(&truth);
    ndl_matrix_free(&X);
}

/** ## All runs, and the comparison */
struct outcome {
    double mean[MEASURES], error[MEASURES]; /* over seeds; standard error */
};

static void run_all(struct claim *claim, struct outcome outcomes[COUNT][STARTS])
{
    claim_table(claim, "runs",
                "design - 0 as in predictions.tsv\nstart - 0 0 truth, 1 random\nseed - 0 number\n"
                "silent 1 inf parent off where the child is on\n"
                "cosine 1 inf of the atoms of child and parent\n"
                "hedge 1 inf cosine of the parent's atom and the child\n"
                "kept 1 inf share of pairs: silent < 0.02, cosines to the truth > 0.95 and 0.9\n"
                "l0 1 inf codes per sample\nloss 1 inf of the last batch\n"
                "dead - inf latents off on all samples");
    for (size_t d = 0; d < COUNT; d++)
        for (int start = 0; start < STARTS; start++) {
            double m[SEEDS][MEASURES];
            struct outcome *out = &outcomes[d][start];
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                train(claim, &DESIGNS[d], start, seed, m[seed]);
                double row[3 + MEASURES] = {(double)d, start, (double)seed};
                memcpy(row + 3, m[seed], sizeof m[seed]);
                claim_row_array(claim, row, 3 + MEASURES);
                claim_progress(claim, (d * STARTS + (size_t)start) * SEEDS + seed + 1,
                               COUNT * STARTS * SEEDS, "runs");
            }
            for (size_t i = 0; i < MEASURES; i++) {
                double sum = 0, squares = 0;
                for (size_t s = 0; s < SEEDS; s++)
                    sum += m[s][i];
                for (size_t s = 0; s < SEEDS; s++)
                    squares += (m[s][i] - sum / SEEDS) * (m[s][i] - sum / SEEDS);
                out->mean[i] = sum / SEEDS;
                out->error[i] = sqrt(squares / (SEEDS - 1) / SEEDS);
            }
        }
}

/* A row for each design and start: their numbers, and the ends of an interval for each measure. */
static struct ndl_matrix read_predictions(struct claim *claim)
{
    struct ndl_matrix predicted;
    struct ndl_error err;
    const char *path = claim_data(claim, "arbitration/predictions.tsv");
    enum ndl_status status = ndl_tsv_read(&predicted, path, &err);
    if (status == NDL_OK && predicted.cols != 2 + 2 * COMPARED)
        status = ndl_fail(&err, NDL_BADDATA, "%s: expected %d columns", path, 2 + 2 * COMPARED);
    for (size_t r = 0; status == NDL_OK && r < predicted.rows; r++) {
        double design = ndl_row(&predicted, r)[0], start = ndl_row(&predicted, r)[1];
        if (!(design >= 0 && design < COUNT && start >= 0 && start < STARTS))
            status = ndl_fail(&err, NDL_BADDATA, "%s: row %zu: no design %g with start %g", path, r,
                              design, start);
    }
    claim_check_status(claim, status, &err);
    return predicted;
}

static void compare(struct claim *claim, const struct ndl_matrix *predicted,
                    struct outcome outcomes[COUNT][STARTS])
{
    double made[STARTS] = {0}, missed[STARTS] = {0};
    claim_table(claim, "table",
                "design - 0 as in predictions.tsv\nstart - 0 0 truth, 1 random\n"
                "measure - 0 0 silent, 1 cosine, 2 hedge\nlow 1 0 predicted at least\n"
                "high 1 0 predicted at most\nmeasured 1 inf mean over seeds\n"
                "error 1 inf its standard error\n"
                "verdict - inf 1 as predicted, 0 missed, -1 nothing was predicted");
    for (size_t r = 0; r < predicted->rows; r++) {
        const double *p = ndl_row(predicted, r);
        const struct outcome *out = &outcomes[(size_t)p[0]][(size_t)p[1]];
        for (size_t i = 0; i < COMPARED; i++) {
            double low = p[2 + 2 * i], high = p[3 + 2 * i], verdict = -1;
            if (low > -1 || high < 1) {
                verdict = out->mean[i] >= low && out->mean[i] <= high;
                made[(size_t)p[1]]++;
                missed[(size_t)p[1]] += verdict == 0;
            }
            claim_row(claim, p[0], p[1], (double)i, low, high, out->mean[i], out->error[i],
                      verdict);
        }
    }
    claim_values(claim, "truth", {"predictions", made[TRUTH], CLAIM_EXACT, "made, from the truth"},
                 {"missed", missed[TRUTH], CLAIM_NOT_COMPARED, "of these, missed"});
    claim_values(claim, "random", {"predictions", made[RANDOM], CLAIM_EXACT, "made, random starts"},
                 {"missed", missed[RANDOM], CLAIM_NOT_COMPARED, "of these, missed"});
}

int main(int argc, char **argv)
{
    static struct outcome outcomes[COUNT][STARTS];
    struct claim *claim =
        claim_begin(argc, argv,
                    "Trains fourteen designs of sparse autoencoders on a hierarchy and compares "
                    "them with predictions.\vExample: arbitrate --seed 7 --out build/results");
    struct ndl_matrix predicted = read_predictions(claim);
    run_all(claim, outcomes);
    compare(claim, &predicted, outcomes);
    ndl_matrix_free(&predicted);
    const double *l1 = outcomes[L1][TRUTH].mean, *jumprelu = outcomes[JUMPRELU][TRUTH].mean,
                 *matryoshka = outcomes[MATRYOSHKA][TRUTH].mean;
    /* Training ends some hundredths from where a design would settle, by the noise of Adam. */
    claim_values(claim, "l1", {"silent", l1[SILENT], 0.03, "parent off where the child is on"},
                 {"cosine", l1[COSINE], 0.03, "of the atoms of child and parent"},
                 {"hedge", l1[HEDGE], 0.03, "of the parent's atom and the child"});
    claim_values(claim, "jumprelu", {"silent", jumprelu[SILENT], 0.03, "the same"},
                 {"cosine", jumprelu[COSINE], 0.03, "the same"});
    claim_values(claim, "matryoshka", {"cosine", matryoshka[COSINE], 0.03, "the same"},
                 {"hedge", matryoshka[HEDGE], 0.03, "the same"});
    claim_values(claim, "cosine",
                 {"matryoshka_l1", outcomes[MATRYOSHKA_L1][TRUTH].mean[COSINE], 0.03, "the same"},
                 {"ortsae", outcomes[ORTSAE][TRUTH].mean[COSINE], 0.03, "the same"},
                 {"levels", outcomes[LEVELS][TRUTH].mean[COSINE], 0.03, "the same"},
                 {"treemax", outcomes[TREEMAX][TRUTH].mean[COSINE], 0.03, "the same"});
    claim_scalar(claim, "seeds", SEEDS, CLAIM_EXACT, "runs of each design and start");
    return claim_end(claim);
}

/** # Noise and an encoder select the truth in the valley

Claim `noise`.  Penalties of the supports leave a child's atom $v_c + e v_p$ undetermined
([valley](valley.html)), with the parent read as $(v_p - e v_c) \cdot x$.  An encoder reads it so
where the child is silent, too, and lets in what noise there is along $v_c$: with isotropic noise of
variance $\sigma^2$, a parent at rate $P$ and a child at rate $q$ where the parent is on, the
squared residual per sample is

$$ L(e) - L(0) = P (1 - q)\, \sigma^2 e^2 . $$

The best affine reading of the parent, $(v_p - a v_c) \cdot x + \beta$, is a compromise, and with $V
= q \langle t^2 \rangle + q \sigma^2 - q^2 \langle t \rangle^2$, $t$ the child's activations, leaves

$$ L(e) - L(0) = P e^2\, \frac{(1 - q) \sigma^2\, V}{(1 - q) \sigma^2 + V} . $$

Either way the least loss is at the truth.  Codes that are found exactly for each sample do not read
the parent that way, and the valley stays flat.

- Reads nothing: the data are drawn.
- Writes: `noise.tsv`; `noise-valley` (loss against $e$).
- Falsified by: another loss; a valley that is not flat for exact codes. */
#include <float.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { TRIALS = 20, SAMPLES = 20000 };
static const double PARENT_RATE = 0.3, CHILD_RATE = 0.1, SIGMA = 0.04;
/* Six sigma: no noise crosses it. */
static const double THRESHOLD = 0.25;
static const double PRICE = 0.0625; /* of an active code; the square of the threshold */

/* One sample in the plane of the two: what is there, and what is seen. */
struct sample {
    double parent, child, seen[2];
};

static void draw(gsl_rng *rng, struct sample *samples)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct sample *x = &samples[i];
        bool parent = gsl_rng_uniform(rng) < PARENT_RATE,
             child = parent && gsl_rng_uniform(rng) < CHILD_RATE;
        x->parent = parent ? gsl_ran_flat(rng, 1.0, 1.4) : 0;
        x->child = child ? gsl_ran_flat(rng, 0.8, 1.2) : 0;
        x->seen[0] = x->parent + gsl_ran_gaussian(rng, SIGMA);
        x->seen[1] = x->child + gsl_ran_gaussian(rng, SIGMA);
    }
}

/** ## An encoder with thresholds

Each code is an affine function of $x$ where that exceeds the threshold, else 0. */
static double encoder_loss(const struct sample *samples, double e, double a, double beta)
{
    double sum = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const double *x = samples[i].seen;
        double parent = x[0] - a * x[1] + beta, child = x[1];
        parent = parent > THRESHOLD ? parent : 0;
        child = child > THRESHOLD ? child : 0;
        sum += gsl_pow_2(x[0] - parent - e * child) + gsl_pow_2(x[1] - child);
    }
    return sum / SAMPLES;
}

/* The best a and beta at e on the samples that have the parent: least squares of what the parent's
 * code has to be, x_0 - e z_c, on x_1. */
static void best_reading(const struct sample *samples, double e, double *a, double *beta)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        if (samples[i].parent == 0)
            continue;
        double seen = samples[i].seen[1], wanted = -e * (seen > THRESHOLD ? seen : 0);
        n++;
        x += seen;
        y += wanted;
        xx += seen * seen;
        xy += seen * wanted;
    }
    double slope = (n * xy - x * y) / (n * xx - x * x);
    *a = -slope;
    *beta = (y - slope * x) / n;
}

/** ## Exact codes

The cheapest of the four supports, with a price for each code that is on. */
static double exact_loss(const struct sample *samples, double e)
{
    double length = sqrt(1 + e * e), sum = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const double *x = samples[i].seen;
        double none = gsl_pow_2(x[0]) + gsl_pow_2(x[1]), child = (e * x[0] + x[1]) / length,
               best = fmin(none, fmin(PRICE + none - gsl_pow_2(fmax(0, x[0])),
                                      PRICE + none - gsl_pow_2(fmax(0, child))));
        if (x[1] > 0 && x[0] - e * x[1] > 0)
            best = fmin(best, 2 * PRICE);
        sum += best;
    }
    return sum / SAMPLES;
}

/** ## The valley */
enum { ENCODER, BEST, EXACT, WAYS };

static void losses(const struct sample *samples, double e, double *loss)
{
    double a, beta;
    best_reading(samples, e, &a, &beta);
    loss[ENCODER] = encoder_loss(samples, e, e, 0) - encoder_loss(samples, 0, 0, 0);
    loss[BEST] = encoder_loss(samples, e, a, beta) - encoder_loss(samples, 0, 0, 0);
    loss[EXACT] = exact_loss(samples, e) - exact_loss(samples, 0);
}

static double predict(double e, size_t way)
{
    double alone = (1 - CHILD_RATE) * SIGMA * SIGMA, square = 1 + 0.4 * 0.4 / 12,
           V = CHILD_RATE * (square + SIGMA * SIGMA) - CHILD_RATE * CHILD_RATE;
    double per_parent[WAYS] = {alone, alone * V / (alone + V), 0};
    return PARENT_RATE * per_parent[way] * e * e;
}

/* What the noise of this draw does, to rounding: the encoder's loss is the noise along the child
 * where the parent is alone. */
static double of_draw(const struct sample *samples, double e)
{
    double sum = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        if (samples[i].parent > 0 && samples[i].child == 0)
            sum += gsl_pow_2(e * samples[i].seen[1]);
    return sum / SAMPLES;
}

static void try_valley(struct claim *claim)
{
    static struct sample samples[TRIALS][SAMPLES];
    double same = 0, far[WAYS] = {0, 0, DBL_MAX}, ratio[WAYS][TRIALS], left = DBL_MAX, without = 0;
    for (size_t trial = 0; trial < TRIALS; trial++) {
        gsl_rng *rng = claim_rng(claim, trial);
        draw(rng, samples[trial]);
        gsl_rng_free(rng);
    }
    claim_table(claim, "valley",
                "e - 0 how far the child's atom has tilted towards its parent\n"
                "encoder unit^2 1e-8 change of the loss, mean of the trials\n"
                "encoder_error unit^2 1e-8 standard error\n"
                "best unit^2 1e-8 the same with the best affine reading\n"
                "best_error unit^2 1e-8 standard error\n"
                "exact unit^2 1e-8 the same with exact codes\n"
                "encoder_predicted unit^2 1e-9 predicted\n"
                "best_predicted unit^2 1e-9 predicted");
    for (int step = -6; step <= 4; step++) {
        double e = step / 10.0, mean[WAYS] = {0}, square[WAYS] = {0}, error[WAYS];
        for (size_t trial = 0; trial < TRIALS; trial++) {
            double loss[WAYS];
            losses(samples[trial], e, loss);
            keep_max(&same, fabs(loss[ENCODER] - of_draw(samples[trial], e)));
            keep_max(&without, fabs(loss[ENCODER]));
            for (size_t w = 0; w < WAYS; w++) {
                mean[w] += loss[w] / TRIALS;
                square[w] += loss[w] * loss[w] / TRIALS;
                if (step == 4)
                    ratio[w][trial] = loss[w] / (w == BEST ? loss[ENCODER] : predict(e, ENCODER));
            }
            if (step != 0)
                keep_min(&left, loss[BEST]);
        }
        for (size_t w = 0; w < WAYS; w++) {
            error[w] = sqrt(fmax(0, square[w] - mean[w] * mean[w]) / (TRIALS - 1));
            if (w != EXACT && step != 0)
                keep_max(&far[w], fabs(mean[w] - predict(e, w)) / error[w]);
            if (w == ENCODER && step != 0) /* noise on all samples with the parent */
                keep_min(&far[EXACT], fabs(mean[w] - predict(e, w) / (1 - CHILD_RATE)) / error[w]);
        }
        claim_row(claim, e, mean[ENCODER], error[ENCODER], mean[BEST], error[BEST], mean[EXACT],
                  predict(e, ENCODER), predict(e, BEST));
    }
    claim_values(claim, NULL,
                 {"same", same, CLAIM_NOT_COMPARED,
                  "largest |change - e^2 <noise^2, parent alone>| of a draw"},
                 {"without", without, CLAIM_CONVERGED, "largest |change|"},
                 {"far", far[ENCODER], CLAIM_CONVERGED, "largest |mean - predicted| in errors"},
                 {"far_both", far[EXACT], CLAIM_CONVERGED,
                  "least, were the noise let in with the child, too"},
                 {"far_best", far[BEST], CLAIM_CONVERGED, "the same, best affine reading"},
                 {"left", left, CLAIM_CONVERGED, "least change off the truth, best reading"});
    claim_spread(claim, "ratio", ratio[ENCODER], TRIALS, CLAIM_CONVERGED,
                 "change over P (1 - q) sigma^2 e^2 at e = 0.4");
    claim_spread(claim, "ratio_best", ratio[BEST], TRIALS, CLAIM_CONVERGED,
                 "change with the best affine reading over that without, at e = 0.4");
    claim_spread(claim, "ratio_exact", ratio[EXACT], TRIALS, CLAIM_CONVERGED,
                 "as ratio, exact codes");
    claim_scalar(claim, "plain", 1, CLAIM_EXACT, "ratio_best of the reading without noise");
    claim_scalar(claim, "predicted_best", predict(0.4, BEST) / predict(0.4, ENCODER),
                 CLAIM_CONVERGED, "ratio_best predicted");
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures what noise adds to the loss of an encoder along the valley that "
                    "penalties of the supports leave.\v"
                    "Example: noise --seed 7 --out build/results");
    try_valley(claim);
    claim_values(claim, NULL, {"sigma", SIGMA, CLAIM_EXACT, "standard deviation of the noise"},
                 {"trials", TRIALS, CLAIM_EXACT, "draws"},
                 {"samples", SAMPLES, CLAIM_EXACT, "samples of each"});
    return claim_end(claim);
}

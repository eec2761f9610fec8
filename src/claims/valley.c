/** # Penalties of the supports: a valley instead of a path

Claim `valley`.  L0, JumpReLU, TopK and BatchTopK see which codes are on, not how far.  Where
everything is reconstructed by independent atoms, a move of code $k$ that keeps it so is $z_k \to
z_k + a \cdot z + c$ with $d_j \to d_j - a_j d_k$, $b \to b - c\,d_k$.  It keeps the supports, and
the loss, if $a \cdot z_i + c = 0$ wherever $k$ is off.  No active code vanishes nearby, so that
every exact dictionary is a local minimum, and the equally good neighbours have the dimension

$$ \sum_k \dim \{ (a, c) : a \cdot z_i + c = 0 \text{ whenever } k \text{ is off} \} , $$

for codes in general position the number of nested ordered pairs of supports: an atom is determined
up to its ancestors.  For a parent $v_p$ (activation $s$) and its child $v_c$ ($t$), orthogonal,
with atoms $v_p$ and $v_c + r v_p$ and the price $\lambda_0$ of an active code, the valley ends
where a sample has $s - r t = \sqrt{\lambda_0 (1 + r^2)}$, and beyond it

$$ \Delta(r) = \Bigl\langle \min\Bigl(\lambda_0, \frac{(s - r t)^2}{1 + r^2}\Bigr) - \lambda_0
   \Bigr\rangle_\text{child on} $$

(without the minimum where $s < rt$), and what a parent below $\sqrt{\lambda_0}$ does is a slope at
$r = 0$, $-2 \langle s t \rangle$ over these samples.

- Reads nothing: the data are drawn.
- Writes: `valley.tsv`; `valley-edge` (loss against $r$).
- Falsified by: another dimension, a rise along the valley, a loss that differs from the formula. */
#include <float.h>

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"

enum { TRIALS = 20 };

/** ## How many neighbours are as good

Random forests of six features: each fires only where its parent does.  In the control the
activations are all 1 and two exclusive children share their parent between them: nested supports
that are not in general position. */
enum { FEATURES = 6, SAMPLES = 400, COLUMNS = FEATURES }; /* the other features, and 1 */

static void draw_forest(gsl_rng *rng, struct ndl_matrix *Z)
{
    size_t parent[FEATURES];
    for (size_t k = 0; k < FEATURES; k++)
        parent[k] = k && gsl_rng_uniform(rng) < 0.7 ? gsl_rng_uniform_int(rng, k) : k;
    for (size_t i = 0; i < SAMPLES; i++) {
        double *z = ndl_row(Z, i);
        for (size_t k = 0; k < FEATURES; k++) {
            bool may = parent[k] == k || z[parent[k]] > 0;
            z[k] = may && gsl_rng_uniform(rng) < 0.6 ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
        }
    }
}

static void draw_locked(gsl_rng *rng, struct ndl_matrix *Z)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        double *z = ndl_row(Z, i);
        for (size_t k = 0; k < FEATURES; k++)
            z[k] = gsl_rng_uniform(rng) < 0.5;
        z[1] = z[0] > 0 && z[1] > 0;
        z[2] = z[0] > 0 && z[1] == 0;
    }
}

static size_t nested_pairs(const struct ndl_matrix *Z)
{
    size_t pairs = 0;
    for (size_t j = 0; j < FEATURES; j++)
        for (size_t k = 0; k < FEATURES; k++) {
            bool nested = j != k;
            for (size_t i = 0; i < Z->rows && nested; i++)
                nested = ndl_row(Z, i)[j] == 0 || ndl_row(Z, i)[k] > 0;
            pairs += nested;
        }
    return pairs;
}

/* The directions (a, c) of feature k that keep the loss: the null space of the samples where k is
 * off, in V (COLUMNS x COLUMNS) the last columns.  Returns their number. */
static size_t flat_directions(const struct ndl_matrix *Z, size_t k, gsl_matrix *V)
{
    gsl_matrix *A = gsl_matrix_calloc(SAMPLES, COLUMNS);
    gsl_vector *sizes = gsl_vector_alloc(COLUMNS), *work = gsl_vector_alloc(COLUMNS);
    for (size_t i = 0; i < SAMPLES; i++) {
        const double *z = ndl_row(Z, i);
        if (z[k] > 0)
            continue;
        for (size_t j = 0, column = 0; j < FEATURES; j++)
            if (j != k)
                gsl_matrix_set(A, i, column++, z[j]);
        gsl_matrix_set(A, i, COLUMNS - 1, 1);
    }
    gsl_linalg_SV_decomp(A, V, sizes, work);
    size_t flat = 0;
    for (size_t c = 0; c < COLUMNS; c++)
        flat += gsl_vector_get(sizes, c) < 1e-8 * gsl_vector_get(sizes, 0);
    gsl_matrix_free(A);
    gsl_vector_free(sizes);
    gsl_vector_free(work);
    return flat;
}

/* By how much L0 per sample rises if code k moves a little along the direction. */
static double support_rise(const struct ndl_matrix *Z, size_t k, const gsl_matrix *V, size_t column)
{
    const double eps = 1e-3, nothing = 1e-12; /* rounding of sums of six terms, well below eps */
    double rise = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const double *z = ndl_row(Z, i);
        double move = gsl_matrix_get(V, COLUMNS - 1, column);
        for (size_t j = 0, row = 0; j < FEATURES; j++)
            if (j != k)
                move += z[j] * gsl_matrix_get(V, row++, column);
        rise += (fabs(z[k] + eps * move) > nothing) - (z[k] > 0);
    }
    return rise / SAMPLES;
}

static void try_neighbours(struct claim *claim)
{
    double most = 0, wrong[2] = {0}, flat_rise = 0, steep_rise = DBL_MAX;
    gsl_matrix *V = gsl_matrix_alloc(COLUMNS, COLUMNS);
    for (size_t trial = 0; trial < 2 * TRIALS; trial++) {
        bool locked = trial >= TRIALS;
        struct ndl_matrix Z = claim_matrix(claim, SAMPLES, FEATURES);
        gsl_rng *rng = claim_rng(claim, trial);
        (locked ? draw_locked : draw_forest)(rng, &Z);
        double pairs = (double)nested_pairs(&Z), dimension = 0;
        for (size_t k = 0; k < FEATURES; k++) {
            size_t flat = flat_directions(&Z, k, V);
            dimension += (double)flat;
            for (size_t c = 0; c < COLUMNS && !locked; c++) {
                double rise = support_rise(&Z, k, V, c);
                if (c >= COLUMNS - flat)
                    keep_max(&flat_rise, fabs(rise));
                else
                    keep_min(&steep_rise, rise);
            }
        }
        keep_max(&most, pairs);
        keep_max(&wrong[locked], fabs(dimension - pairs));
        gsl_rng_free(rng);
        ndl_matrix_free(&Z);
    }
    gsl_matrix_free(V);
    claim_values(claim, "neighbours", {"pairs", most, CLAIM_EXACT, "most nested pairs of a forest"},
                 {"error", wrong[0], CLAIM_EXACT, "largest |dimension - nested pairs|"},
                 {"error_locked", wrong[1], CLAIM_EXACT, "the same, not in general position"},
                 {"flat", flat_rise, CLAIM_EXACT, "largest change of L0 along the valley"},
                 {"steep", steep_rise, CLAIM_EXACT, "least rise of L0 along other directions"});
}

/** ## Where the valley ends

Each sample is coded exactly: the cheapest of the four supports. */
enum { PAIRS = 2000 };
static const double PARENT_RATE = 0.5, CHILD_RATE = 0.4;
static const double FAINT_PRICE = 0.25; /* above the square of some parents */

static double best_code(double s, double t, double r, double price)
{
    double length = sqrt(1 + r * r), none = s * s + t * t, both = DBL_MAX,
           on_child = fmax(0, (t + r * s) / length);
    if (s - r * t >= 0 && t >= 0)
        both = (s - r * t > 0 ? price : 0) + (t > 0 ? price : 0);
    return fmin(fmin(none, both),
                fmin(price + t * t, on_child > 0 ? price + none - on_child * on_child : DBL_MAX));
}

/* The change of the loss per sample from the truth to r; the formula's; the samples where the child
 * is on count with their share. */
static double change(const struct ndl_matrix *pairs, double r, double price, double *formula)
{
    double sum = 0;
    *formula = 0;
    const double weight = PARENT_RATE * CHILD_RATE / (double)pairs->rows;
    for (size_t i = 0; i < pairs->rows; i++) {
        double s = ndl_row(pairs, i)[0], t = ndl_row(pairs, i)[1], miss = s - r * t;
        sum += weight * (best_code(s, t, r, price) - best_code(s, t, 0, price));
        /* the parent alone is coded by its own atom, whatever r */
        sum += weight * (1 - CHILD_RATE) / CHILD_RATE *
               (best_code(s, 0, r, price) - best_code(s, 0, 0, price));
        double left = miss * miss / (1 + r * r);
        *formula += weight * ((miss > 0 ? fmin(price, left) : left) - price);
    }
    return sum;
}

static double edge(const struct ndl_matrix *pairs, double price)
{
    double first = DBL_MAX;
    for (size_t i = 0; i < pairs->rows; i++) {
        double s = ndl_row(pairs, i)[0], t = ndl_row(pairs, i)[1], low = 0, high = s / t;
        for (int step = 0; step < 60; step++) {
            double r = (low + high) / 2;
            *(s - r * t > sqrt(price * (1 + r * r)) ? &low : &high) = r;
        }
        keep_min(&first, low);
    }
    return first;
}

static struct ndl_matrix draw_pairs(const struct claim *claim, uint64_t stream, double low)
{
    struct ndl_matrix pairs = claim_matrix(claim, PAIRS, 2);
    gsl_rng *rng = claim_rng(claim, stream);
    for (size_t i = 0; i < PAIRS; i++) {
        do /* none so near to the root of a price that it turns within a small step */
            pairs.v[2 * i] = gsl_ran_flat(rng, low, 1.6);
        while (fabs(pairs.v[2 * i] - sqrt(FAINT_PRICE)) < 1e-3);
        pairs.v[2 * i + 1] = gsl_ran_flat(rng, 0.6, 1.2);
    }
    gsl_rng_free(rng);
    return pairs;
}

static void try_edge(struct claim *claim)
{
    static const double PRICES[] = {0.04, 0.09, 0.25};
    struct ndl_matrix pairs = draw_pairs(claim, 100, 0.8), faint = draw_pairs(claim, 101, 0.1);
    double flat = 0, error = 0, on = 0, fall = 0, formula;
    claim_table(claim, "edge",
                "price unit^2 0 of an active code\n"
                "r - 0 how far the child's atom has tilted\n"
                "measured unit^2 1e-9 change of the loss\n"
                "formula unit^2 1e-9 predicted");
    for (size_t p = 0; p < 3; p++) {
        double price = PRICES[p], end = edge(&pairs, price);
        for (int step = -30; step <= 30; step++) {
            double r = step / 15.0, measured = change(&pairs, r, price, &formula);
            if (r <= end)
                keep_max(&flat, fabs(measured));
            else {
                keep_max(&error, fabs(measured - formula));
                keep_max(&on, fabs(measured));
            }
            claim_row(claim, price, r, measured, r <= end ? 0 : formula);
        }
        claim_table_break(claim);
        keep_max(&flat, fabs(change(&pairs, end * (1 - 1e-9), price, &formula)));
        keep_max(&fall, -change(&pairs, end + 0.01, price, &formula));
    }
    /* Locked: full absorption spares the child's samples one code each. */
    struct ndl_matrix locked = {1, 2, (double[]){1, 1}};
    double gain = -change(&locked, 1, 0.09, &formula);
    /* Parents below the root of the price: there the truth is no minimum. */
    const double step = 1e-5;
    double slope[2], predicted = 0;
    for (int kept = 0; kept < 2; kept++) {
        const struct ndl_matrix *p = kept ? &pairs : &faint;
        slope[kept] =
            (change(p, step, FAINT_PRICE, &formula) - change(p, -step, FAINT_PRICE, &formula)) /
            (2 * step);
    }
    for (size_t i = 0; i < PAIRS; i++)
        if (faint.v[2 * i] < sqrt(FAINT_PRICE))
            predicted -= 2 * PARENT_RATE * CHILD_RATE / PAIRS * faint.v[2 * i] * faint.v[2 * i + 1];
    claim_values(
        claim, "edge", {"at", edge(&pairs, 0.09), 1e-9, "the edge at the price 0.09"},
        {"flat", flat, CLAIM_NOT_COMPARED, "largest |change| before the edge"},
        {"error", error, CLAIM_NOT_COMPARED, "largest |change - formula| beyond it"},
        {"error_flat", on, CLAIM_CONVERGED, "largest |change| beyond it"},
        {"beyond_fall", fall, 1e-9, "largest fall a hundredth beyond the edge"},
        {"gain", gain, CLAIM_CONVERGED, "gain of full absorption, constant ratio"},
        {"gain_predicted", 0.09 * PARENT_RATE * CHILD_RATE, CLAIM_EXACT,
         "price times the share of the samples with the child"},
        {"faint", slope[0], CLAIM_CONVERGED, "slope at the truth with faint parents"},
        {"faint_kept", slope[1], CLAIM_CONVERGED, "with parents above the root of the price"},
        {"faint_predicted", predicted, CLAIM_CONVERGED, "predicted"});
    ndl_matrix_free(&pairs);
    ndl_matrix_free(&faint);
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Measures the valley of equally good dictionaries of penalties that see only "
                    "which codes are on, and where it ends.\v"
                    "Example: valley --seed 7 --out build/results");
    try_neighbours(claim);
    try_edge(claim);
    claim_scalar(claim, "trials", TRIALS, CLAIM_EXACT, "forests drawn");
    return claim_end(claim);
}

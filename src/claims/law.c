/** # One law for every penalty

Claim `law`.  Let the loss per sample be $|r|^2 + \Omega(z)$ with unit atoms and any penalty
$\Omega$ of the codes that has one-sided derivatives.  At a stationary point, with
$h_{jk} = d_j \cdot d_k$ and $w_{ik} = \partial_k^+\Omega(z_i) - 2 r_i \cdot d_k \ge 0$, which
vanishes where $k$ is on,

$$ \langle w_k z_j \rangle = \langle z_j \partial_k\Omega \rangle
   - h_{jk} \langle z_j \partial_j\Omega \rangle , $$

and $\langle w_k \rangle = \langle \partial_k^+\Omega \rangle$ with a free bias.  If $j$ is on only
where $k$ is, the left side vanishes: a strict hierarchy can stand at one cosine only,

$$ h_{jk} = \frac{\langle z_j \partial_k\Omega \rangle}{\langle z_j \partial_j\Omega \rangle} , $$

at any weight of the penalty.  So it is orthogonal if and only if the parent is free at the margin,
$\partial_k\Omega = 0$, wherever the child fires.

Here in the limit of a small penalty, where all is reconstructed; claim [strict](strict.html) has it
at any weight.

- Reads nothing: the data are drawn.
- Writes: `law.tsv`; `law-slopes` (how the loss changes as a parent is absorbed, for each penalty),
  `law-cosines` (the cosine at which a hierarchy comes to stand).
- Falsified by: a slope or a stationary cosine other than predicted. */
#include <float.h>
#include <string.h>

#include <gsl/gsl_min.h>
#include <gsl/gsl_randist.h>

#include "kit/claim.h"
#include "kit/penalty.h"

enum { PARENT, CHILD, FEATURES, SAMPLES = 4000 };
static const size_t TREE[FEATURES] = {PENALTY_ROOT, PARENT};

/** ## Slopes

Keep what is reconstructed, and move the child out of the parent: $z_k \to z_k - e z_j$,
$d_j \to d_j + e d_k$, made a unit atom again.  The loss starts at the slope
$-(\langle z_j \partial_k\Omega \rangle - h \langle z_j \partial_j\Omega \rangle)$. */
struct family {
    double cosine;
    struct ndl_matrix Z; /* N x 2: the codes at e = 0 */
    const struct penalty *penalty;
    double coherence; /* of the term coherence h^2, per pair */
};

static double family_cosine(const struct family *f, double e)
{
    return (f->cosine + e) / sqrt(1 + 2 * e * f->cosine + e * e);
}

static void family_codes(const struct family *f, double e, size_t i, double *z)
{
    const double *start = ndl_row(&f->Z, i);
    z[PARENT] = start[PARENT] - e * start[CHILD];
    z[CHILD] = start[CHILD] * sqrt(1 + 2 * e * f->cosine + e * e);
}

/* The full loss per sample, residuals included, in the plane of the two atoms. */
static double family_loss(double e, void *context)
{
    const struct family *f = context;
    double h = family_cosine(f, e), sum = 0, side = sqrt(1 - h * h), z[FEATURES];
    for (size_t i = 0; i < f->Z.rows; i++) {
        const double *start = ndl_row(&f->Z, i);
        family_codes(f, e, i, z);
        double along = start[PARENT] + f->cosine * start[CHILD] - z[PARENT] - h * z[CHILD],
               across = sqrt(1 - f->cosine * f->cosine) * start[CHILD] - side * z[CHILD];
        sum += along * along + across * across + f->penalty->value(f->penalty, z);
    }
    return sum / (double)f->Z.rows + f->coherence * h * h;
}

/* Central, of fourth order: with this step truncation is 1e-11 and rounding 1e-13. */
static double family_slope(struct family *f)
{
    const double s = 1e-3;
    return (8 * (family_loss(s, f) - family_loss(-s, f)) - family_loss(2 * s, f) +
            family_loss(-2 * s, f)) /
           (12 * s);
}

/* Half of the samples have the parent, two fifths of these the child.  Where max(z_p, z_c) has a
 * kink, no sample is near it: there the derivative is one-sided. */
static struct ndl_matrix draw_pair(const struct claim *claim, uint64_t stream, double parent_low,
                                   double parent_high, double child_low, double child_high)
{
    struct ndl_matrix Z = claim_matrix(claim, SAMPLES, FEATURES);
    gsl_rng *rng = claim_rng(claim, stream);
    for (size_t i = 0; i < SAMPLES; i++) {
        double *z = ndl_row(&Z, i);
        if (gsl_rng_uniform(rng) < 0.5)
            continue;
        bool child = gsl_rng_uniform(rng) < 0.4;
        do {
            z[PARENT] = gsl_ran_flat(rng, parent_low, parent_high);
            z[CHILD] = child ? gsl_ran_flat(rng, child_low, child_high) : 0;
        } while (fabs(z[PARENT] - z[CHILD]) < 0.01);
    }
    gsl_rng_free(rng);
    return Z;
}

static const double CHEAP[FEATURES] = {0.4, 1}; /* the parent's price, the child's */

enum { SEPARABLE = 6, PENALTIES = 12 };
/* The first six are separable and strictly increasing. */
static void list_penalties(struct penalty *list)
{
    const struct penalty all[PENALTIES] = {
        penalty_l1(FEATURES, NULL),
        penalty_l1(FEATURES, CHEAP),
        penalty_power(FEATURES, NULL, 0.5),
        penalty_log(FEATURES, NULL, 0.1),
        penalty_tanh(FEATURES, NULL, 2),
        penalty_elastic(FEATURES, NULL, 0.5),
        penalty_squared(FEATURES, NULL),
        penalty_tree_l2(FEATURES, NULL, TREE),
        penalty_tree_max(FEATURES, NULL, TREE, 1),
        penalty_tree_max(FEATURES, NULL, TREE, 4),
        penalty_l0(FEATURES, NULL),
        penalty_tree_l0(FEATURES, NULL, TREE),
    };
    memcpy(list, all, sizeof all);
}

static void try_slopes(struct claim *claim)
{
    static const char *const KEYS[PENALTIES] = {"l1",      "weighted", "power",   "log",
                                                "tanh",    "elastic",  "squared", "tree_l2",
                                                "max_one", "max_four", "l0",      "tree_l0"};
    struct penalty list[PENALTIES];
    list_penalties(list);
    struct family f = {.cosine = 0.3, .Z = draw_pair(claim, 1, 0.8, 1.6, 0.5, 1.2)};
    double error = 0, plain = 0, orthogonal = -DBL_MAX;
    claim_table(claim, "slopes",
                "penalty - 0 number in the order of the program\n"
                "predicted unit 1e-6 slope of the loss per sample\n"
                "measured unit 1e-6 by finite differences\n"
                "orthogonal unit 1e-6 measured, with orthogonal atoms");
    for (size_t p = 0; p < PENALTIES; p++) {
        f.penalty = &list[p];
        f.cosine = 0.3;
        double parent = penalty_moment(f.penalty, &f.Z, CHILD, PARENT),
               child = penalty_moment(f.penalty, &f.Z, CHILD, CHILD),
               predicted = -(parent - f.cosine * child), measured = family_slope(&f);
        keep_max(&error, fabs(measured - predicted));
        keep_max(&plain, fabs(measured + parent));
        f.cosine = 0;
        double upright = family_slope(&f);
        if (p < SEPARABLE)
            keep_max(&orthogonal, upright);
        claim_row(claim, (double)p + 1, predicted, measured, upright);
        claim_values(claim, KEYS[p],
                     {"slope", measured, CLAIM_CONVERGED, "slope of the loss as it is absorbed"},
                     {"upright", upright, CLAIM_CONVERGED, "the same for orthogonal atoms"});
    }
    claim_values(claim, "slope",
                 {"error", error, CLAIM_NOT_COMPARED, "largest |measured - predicted|"},
                 {"error_plain", plain, CLAIM_NOT_COMPARED,
                  "the same if the child's atom is not made a unit one in the prediction"},
                 {"separable", orthogonal, CLAIM_CONVERGED,
                  "largest slope of a separable increasing penalty, orthogonal atoms"},
                 {"penalties", PENALTIES, CLAIM_EXACT, "penalties tried"});
    ndl_matrix_free(&f.Z);
}

/** ## The cosine in the limit of a small penalty

Everything is reconstructed, and the penalty alone decides on $e$.  Its least value, found without
derivatives, is compared with the law. */
static double minimise(struct family *f, double low, double high)
{
    gsl_function function = {family_loss, f};
    gsl_min_fminimizer *m = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    /* the start only has to lie below both ends: the best of a scan */
    double best = low, least = DBL_MAX, width = (high - low) / 30;
    for (double e = low + width; e < high - width / 2; e += width)
        if (family_loss(e, f) < least) {
            least = family_loss(e, f);
            best = e;
        }
    gsl_min_fminimizer_set(m, &function, best, best - width, best + width);
    for (int step = 0; step < 40; step++)
        gsl_min_fminimizer_iterate(m);
    double e = gsl_min_fminimizer_x_minimum(m);
    gsl_min_fminimizer_free(m);
    return e;
}

/* The law for j below k at the codes of e. */
static double law_at(const struct claim *claim, const struct family *f, double e, size_t j,
                     size_t k)
{
    struct ndl_matrix Z = claim_matrix(claim, f->Z.rows, FEATURES);
    for (size_t i = 0; i < Z.rows; i++)
        family_codes(f, e, i, ndl_row(&Z, i));
    double law = penalty_law(f->penalty, &Z, j, k);
    ndl_matrix_free(&Z);
    return law;
}

static void try_cosines(struct claim *claim)
{
    struct family f = {.Z = draw_pair(claim, 2, 2, 3, 0.5, 1)};
    double error = 0, exchanged = 0, free_parent = 0, priced = 0;
    claim_table(claim, "cosines",
                "form - 0 0 weights, 1 tree L2, 2 tree max alpha 3, 3 tree max alpha 8\n"
                "price - 0 the parent's weight; the child's is 1\n"
                "measured - 1e-5 cosine where the loss is least\n"
                "law - 1e-5 of the codes there");
    for (size_t form = 0; form < 4; form++) {
        for (size_t step = 1; step <= 8; step++) {
            const double weight[FEATURES] = {(double)step / 10, 1};
            const struct penalty penalty[4] = {penalty_l1(FEATURES, weight),
                                               penalty_tree_l2(FEATURES, weight, TREE),
                                               penalty_tree_max(FEATURES, weight, TREE, 3),
                                               penalty_tree_max(FEATURES, weight, TREE, 8)};
            f.penalty = &penalty[form];
            double e = minimise(&f, -0.5, 1.9), h = family_cosine(&f, e),
                   law = law_at(claim, &f, e, CHILD, PARENT);
            if (form < 2) {
                keep_max(&error, fabs(h - law));
                keep_max(&exchanged, fabs(h - law_at(claim, &f, e, PARENT, CHILD)));
            }
            if (form >= 2)
                keep_max(form == 2 ? &priced : &free_parent, fabs(h));
            claim_row(claim, (double)form, weight[PARENT], h, law);
        }
        claim_table_break(claim);
    }
    claim_values(claim, "limit",
                 {"error", error, CLAIM_NOT_COMPARED, "largest |cosine - law|, smooth penalties"},
                 {"exchanged", exchanged, CLAIM_NOT_COMPARED, "parent and child exchanged"},
                 {"free", free_parent, CLAIM_NOT_COMPARED, "largest |cosine|, parent free"},
                 {"priced", priced, 1e-5, "the same if it is not, on some samples"});
    ndl_matrix_free(&f.Z);
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "Compares slopes and stationary cosines of a parent and its child with the law "
                    "that holds for every penalty.\v"
                    "Example: law --seed 7 --out build/results");
    try_slopes(claim);
    try_cosines(claim);
    claim_scalar(claim, "samples", SAMPLES, CLAIM_EXACT, "samples drawn");
    return claim_end(claim);
}

/** # One atom short: a parent with two exclusive children

A parent $p$ fires in every sample, alone with probability $1-2q$ and with one of two children
$c_1$, $c_2$ with probability $q$ each: the data are $p$, $p+c_1$, $p+c_2$. All vectors have length
1, $c_1\perp p\perp c_2$, $c_1\cdot c_2=\rho$; there is no bias. What does the optimum of (P) look
like as the number $K$ of atoms, the penalty $\lambda$, the child frequency $q$ and the angle
between the children vary?

**Claim.** The parent is never *recovered*, that is, given an atom that fires whenever
it does. What replaces it is decided by comparing closed forms:

- $K=3$: always *absorbed*. The parent's atom fires only when no child does, every
  child has the atom $p+c_i$, and the wide bound is attained.
- $K=2$, one atom short: *composed* (no parent atom, the children's atoms code it together),
  *missed* (absorbed by one child, the other shares an atom with the parent) or *merged* (absorbed,
  the two children share an atom). At $\rho=0$ composing wins iff
  $\lambda<\lambda^*=2(1+\sqrt2)\,q^2+O(q^3)$; as $\lambda\to0$ siblings merge iff $\rho>\rho^*$,
  the root of $q\rho^2+(1-2q)\rho=q$.

Every point is a global search from random starts and from every choice of data rays as atoms.

- Reads nothing: the data are weighted samples.
- Writes: `phases.tsv`; `phases-short` ($K=2$, $q$ against $\lambda$), `phases-angle` ($K=2$, $q$
  against $\rho$), `phases-full` ($K=3$), and `phases-curves`, the predicted boundaries.
- Falsified by: one grid point with another kind of solution than predicted, or a loss
  that differs from the closed form. */
#include <gsl/gsl_math.h>

#include "kit/claim.h"
#include "kit/two_children.h"
#include "kit/two_features.h"

static const double ON_PARENT = 0.99; /* the cosine from which an atom counts as the parent's own */
/* Kinds of sample: the parent alone and with either child, then also either child alone. */
enum { SAMPLES = 200, STARTS = 4, EVENTS = 3, KINDS_WITH_LONE_CHILDREN = 5 };

static struct two_children family_at(double q, double lambda, double rho)
{
    return (struct two_children){
        .alone = 1 - 2 * q, .child = q, .base = 1, .rho = rho, .lambda = lambda};
}

/** ## The data and their optimum

Probabilities are multiplicities, so that nothing is random but the starts. With
`leaky`, the control, the children also fire without the parent, as often as with it.
The kind of a solution is read off the sets of atoms that fire on each kind of sample. */
static struct ndl_matrix build(const struct claim *claim, const struct two_children *f, bool leaky,
                               size_t *first)
{
    double x[KINDS_WITH_LONE_CHILDREN][3] = {{0}};
    const double alone = f->alone - (leaky ? 2 * f->child : 0);
    const double weight[KINDS_WITH_LONE_CHILDREN] = {alone, f->child, f->child, f->child, f->child};
    for (int e = 1; e < KINDS_WITH_LONE_CHILDREN; e++)
        two_children_child(f->rho, e % 2 == 1 ? 1 : 2, x[e]);
    for (int e = 0; e < EVENTS; e++)
        x[e][0] += f->base;
    const struct ndl_matrix kinds = {leaky ? KINDS_WITH_LONE_CHILDREN : EVENTS, 3, x[0]};
    return claim_repeat(claim, &kinds, weight, SAMPLES, first);
}

struct outcome {
    enum two_children_kind kind;
    double loss, gap; /* per sample; relative, to the next local minimum met */
};

static struct outcome search(const struct claim *claim, const struct two_children *f, size_t atoms,
                             bool leaky, double *residual)
{
    struct ndl_error err;
    struct two_children_found best;
    size_t first[KINDS_WITH_LONE_CHILDREN];
    struct ndl_matrix X = build(claim, f, leaky, first);
    gsl_rng *rng = claim_rng(claim, 0);
    claim_check_status(claim,
                       two_children_search(&X, first, leaky ? KINDS_WITH_LONE_CHILDREN : EVENTS,
                                           atoms, f->lambda, STARTS, rng, &best, &err),
                       &err);
    unsigned on[EVENTS], always = 0;
    for (size_t e = 0; e < EVENTS; e++)
        on[e] = atoms_firing(&best.model, first[e]);
    for (size_t k = 0; k < atoms; k++)
        if (ndl_row(&best.model.D, k)[0] >= ON_PARENT)
            always |= on[0] & on[1] & on[2] & 1u << k;
    struct outcome o = {two_children_classify(on[0], on[1], on[2], 0, always), best.loss / SAMPLES,
                        best.next_minimum};
    keep_max(residual, best.residual);
    two_children_search_free(&best);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
    return o;
}

/** ## Prediction: the smallest of three losses

An atom that serves one ray $x$ alone costs $\lambda|x|-\lambda^2/4$; an atom $d$ that serves $x$
alone but is not parallel to it $|x|^2-(x\cdot d-\frac\lambda2)^2$; two atoms at cosine $h$ with
equal products $x\cdot d$ cost $|x|^2-2(x\cdot d-\frac\lambda2)^2/(1+h)$. Each kind is then a
minimum over at most two angles (`two_children.c`).

The missed state is stationary as long as the atom of $p+c_1$ does not enter the code of $p$:
$2r\cdot d\le\lambda$ for the residual $r$ of $p$. For small $q$ the shared atom is at the angle $q$
from $p$, and the condition reads $q^2+\frac\lambda2\le\frac\lambda{\sqrt2}$. Below, both atoms code
$p$, which composes the parent, at first lopsidedly: its loss is below both closed forms, and only
its kind is predicted. */
static struct outcome predict_short(const struct two_children *f)
{
    double composed = two_children_loss(f, KIND_COMPOSED),
           missed = two_children_loss(f, KIND_MISSED);
    double merged = two_children_loss(f, KIND_MERGED);
    if (merged < fmin(composed, missed))
        return (struct outcome){KIND_MERGED, merged, 0};
    if (composed < missed)
        return (struct outcome){KIND_COMPOSED, composed, 0};
    return two_children_entry(f, KIND_MISSED) > 0 ? (struct outcome){KIND_COMPOSED, 0, 0}
                                                  : (struct outcome){KIND_MISSED, missed, 0};
}

static struct outcome predict_full(const struct two_children *f)
{
    return (struct outcome){KIND_ABSORBED, two_children_loss(f, KIND_ABSORBED), 0};
}

/** ## The boundaries as curves

Missing gives way to composing at the larger of the penalties at which it stops being
stationary and at which composing symmetrically is better: for small $q$, the first. */
static double missed_entry(double lambda, void *params)
{
    struct two_children f = family_at(*(double *)params, lambda, 0);
    return two_children_entry(&f, KIND_MISSED);
}

static double composed_minus_missed(double lambda, void *params)
{
    struct two_children f = family_at(*(double *)params, lambda, 0);
    return two_children_loss(&f, KIND_COMPOSED) - two_children_loss(&f, KIND_MISSED);
}

static double short_boundary(double q)
{
    const double low = q * q, high = 16 * q * q;
    return fmax(find_root(missed_entry, &q, low, high),
                find_root(composed_minus_missed, &q, low, high));
}

static const double LIMIT = 1e-6; /* lambda for the limit of the angles */

/** As $\lambda\to0$ the loss of a kind is the second moment outside its plane. Merged loses
$q(1-\rho)$, composed the smaller eigenvalue $\mu$ of the other block of the moment matrix,
$(1-\mu)(q(1+\rho)-\mu)=2q^2(1+\rho)$; they are equal at $\rho^*$. */
static double composed_minus_merged(double rho, void *params)
{
    struct two_children f = family_at(*(double *)params, LIMIT, rho);
    return two_children_loss(&f, KIND_COMPOSED) - two_children_loss(&f, KIND_MERGED);
}

static double angle_limit(double q)
{
    return (hypot(1 - 2 * q, 2 * q) - (1 - 2 * q)) / (2 * q);
}

/** ## The grids */
static const double FREQUENCIES[] = {.02,  .03, .04, .05, .065, .08, .1,
                                     .125, .15, .19, .24, .3,   .37, .45};
enum { Q = sizeof FREQUENCIES / sizeof FREQUENCIES[0], COLUMNS = 13 };
/* The boundary of missing and composing is drawn, and searched, for children rarer than this. */
static const double BOUNDARY_ENDS = 0.24;
static const double SMALL = 1e-4; /* lambda of the table of angles */

static struct two_children at_lambda(int i, int j)
{
    return family_at(FREQUENCIES[i], 1e-3 * pow(10, 0.225 * j), 0); /* 0.001 to 0.5 */
}

static struct two_children at_angle(int i, int j)
{
    return family_at(FREQUENCIES[i], SMALL, -0.29 + 0.08 * j);
}

struct tally {
    size_t points, wrong, others, kinds[TWO_CHILDREN_KINDS];
    double loss_error, loss_error_recovered;
    double gap; /* the smallest to another local minimum, INFINITY if none was met */
};

static struct tally run_grid(struct claim *claim, const char *table,
                             struct two_children (*at)(int, int), int stride, size_t atoms,
                             struct outcome (*predict)(const struct two_children *),
                             double *residual)
{
    struct tally t = {.gap = (double)INFINITY};
    claim_table(claim, table,
                "q 1 0 frequency of a child\n"
                "lambda 1 1e-12 penalty\n"
                "rho 1 1e-12 cosine of the children\n"
                "kind - 0 1 absorbed, 2 missed, 3 merged, 4 composed, 5 mixed, 0 recovered\n"
                "predicted - 0 kind by the closed forms\n"
                "loss 1 1e-6 per sample\n"
                "gap 1 inf relative distance to the next local minimum met, 0 if none");
    for (int i = 0; i < Q; i++)
        for (int j = 0; j < COLUMNS; j += stride) {
            struct two_children f = at(i, j);
            struct outcome predicted = predict(&f),
                           found = search(claim, &f, atoms, false, residual);
            t.points++;
            t.kinds[found.kind]++;
            t.wrong += found.kind != predicted.kind;
            t.others += !isinf(found.gap);
            keep_min(&t.gap, found.gap);
            if (found.kind == predicted.kind && predicted.loss > 0)
                keep_max(&t.loss_error, fabs(found.loss / predicted.loss - 1));
            keep_max(&t.loss_error_recovered,
                     fabs(found.loss / (f.lambda * (1 + 2 * f.child)) - 1));
            claim_row(claim, f.child, f.lambda, f.rho, found.kind, predicted.kind, found.loss,
                      isinf(found.gap) ? 0 : found.gap);
            claim_progress(claim, t.points, (size_t)(Q * COLUMNS / stride), table);
        }
    return t;
}

static void record_tally(struct claim *claim, const char *table, const struct tally *t)
{
    claim_values(
        claim, table, {"points", (double)t->points, CLAIM_EXACT, "grid points"},
        {"wrong", (double)t->wrong, CLAIM_EXACT, "points whose kind is not the predicted one"},
        {"not_composed", (double)(t->points - t->kinds[KIND_COMPOSED]), CLAIM_EXACT,
         "points not composed"},
        {"not_absorbed", (double)(t->points - t->kinds[KIND_ABSORBED]), CLAIM_EXACT,
         "points not absorbed"},
        {"others", (double)t->others, CLAIM_NOT_COMPARED,
         "points where another local minimum was met"},
        {"gap", isinf(t->gap) ? 1 : t->gap, CLAIM_NOT_COMPARED,
         "the smallest relative distance to one, 1 if none"},
        {"loss_error", t->loss_error, CLAIM_NOT_COMPARED,
         "largest relative difference of loss and closed form"},
        {"loss_error_recovered", t->loss_error_recovered, CLAIM_NOT_COMPARED,
         "the same for the leading order with the features as atoms, lambda (1 + 2 q)"});
}

/** ## Close to the boundaries, and their leading terms

Half a percent on either side of the predicted boundary the kind must be the one of that
side. */
static void check_boundaries(struct claim *claim, double *residual)
{
    size_t points = 0, wrong[2] = {0}; /* from the boundary, and from its leading term */
    for (int i = 0; i < Q; i++) {
        const double q = FREQUENCIES[i];
        if (q >= BOUNDARY_ENDS)
            continue;
        const double from[2] = {short_boundary(q), 2 * (1 + M_SQRT2) * q * q};
        for (int side = -1; side <= 1; side += 2, points++)
            for (size_t which = 0; which < 2; which++) {
                struct two_children f = family_at(q, from[which] * (1 + 0.005 * side), 0);
                wrong[which] += search(claim, &f, 2, false, residual).kind !=
                                (side < 0 ? KIND_COMPOSED : KIND_MISSED);
            }
    }
    claim_scalar(claim, "near.points", (double)points, CLAIM_EXACT,
                 "searches half a percent from the boundary");
    claim_scalar(claim, "near.wrong", (double)wrong[0], CLAIM_EXACT,
                 "of them, of the kind of the other side");
    claim_scalar(claim, "near.wrong_leading", (double)wrong[1], CLAIM_EXACT,
                 "the same about the leading term");
    const double q = 1e-3; /* the ratio to the leading term is 1 + O(q); Richardson leaves O(q^2) */
    double coarse = short_boundary(2 * q) / gsl_pow_2(2 * q),
           fine = short_boundary(q) / gsl_pow_2(q);
    claim_scalar(claim, "coefficient", 2 * fine - coarse, 1e-4, "lambda* / q^2 as q -> 0");
    claim_scalar(claim, "coefficient_predicted", 2 * (1 + M_SQRT2), CLAIM_CONVERGED,
                 "2 (1 + sqrt 2)");
    claim_scalar(claim, "coefficient_equal", 1 / (sqrt(1.5) - 1), CLAIM_CONVERGED,
                 "if the boundary were where the symmetric composed and missed have equal losses");
    double worst = 0, worst_leading = 0;
    for (int i = 0; i < Q; i++) {
        double q_i = FREQUENCIES[i], root = find_root(composed_minus_merged, &q_i, -0.5, 0.9);
        keep_max(&worst, fabs(root / angle_limit(q_i) - 1));
        keep_max(&worst_leading, fabs(root / q_i - 1));
    }
    claim_scalar(claim, "angle.limit_error", worst, CLAIM_NOT_COMPARED,
                 "largest relative error of rho* at lambda_limit");
    claim_scalar(claim, "angle.limit_error_leading", worst_leading, CLAIM_CONVERGED,
                 "the same for q in place of rho*");
    claim_scalar(claim, "lambda_limit", LIMIT, CLAIM_EXACT, "penalty there");
}

static void write_curves(struct claim *claim)
{
    claim_table(claim, "curves",
                "q 1 0 frequency of a child\n"
                "lambda 1 1e-5 where missed becomes composed\n"
                "leading 1 0 its leading term\n"
                "rho 1 1e-6 cosine from which siblings merge as lambda -> 0");
    for (int i = 0; i <= 62; i++) {
        double q = 0.02 * pow(1.05, i);
        claim_row(claim, q, q < BOUNDARY_ENDS ? short_boundary(q) : 1, 2 * (1 + M_SQRT2) * q * q,
                  angle_limit(q));
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Which of composing and absorption wins for a parent with "
                                      "two children, over the number of atoms, the penalty, "
                                      "the child frequency and the angle between the "
                                      "children.\vExample: phases --out build/results");
    double residual = 0;
    const struct tally two = run_grid(claim, "short", at_lambda, 1, 2, predict_short, &residual);
    const struct tally angle = run_grid(claim, "angle", at_angle, 1, 2, predict_short, &residual);
    const struct tally full = run_grid(claim, "full", at_lambda, 3, 3, predict_full, &residual);
    record_tally(claim, "short", &two);
    record_tally(claim, "angle", &angle);
    record_tally(claim, "full", &full);
    check_boundaries(claim, &residual);
    write_curves(claim);
    struct two_children f = family_at(0.1, 0.01, 0);
    size_t recovered =
        two.kinds[KIND_RECOVERED] + angle.kinds[KIND_RECOVERED] + full.kinds[KIND_RECOVERED];
    claim_scalar(claim, "recovered", (double)recovered, CLAIM_EXACT,
                 "grid points where the parent is recovered");
    claim_scalar(claim, "recovered_leaky",
                 search(claim, &f, 3, true, &residual).kind == KIND_RECOVERED, CLAIM_EXACT,
                 "1 if it is recovered when children also fire alone");
    claim_scalar(claim, "residual", residual, CLAIM_NOT_COMPARED,
                 "largest stationarity residual of all optima");
    claim_scalar(claim, "starts", STARTS, CLAIM_EXACT,
                 "random starts of each search, besides every choice of rays");
    claim_scalar(claim, "on_parent", ON_PARENT, CLAIM_EXACT,
                 "cosine from which an atom counts as the parent's own");
    claim_scalar(claim, "lambda_small", SMALL, CLAIM_EXACT, "penalty in the table of angles");
    return claim_end(claim);
}

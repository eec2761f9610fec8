/** # Absorption with children that fire together

The parent $p$ of [phases](phases.html), but its two children fire independently of each
other, with frequency $q$ each, so that there is a fourth sample, $p+c_1+c_2$; all vectors
are orthonormal, $K=3$ atoms, no bias.

**Claim.** The parent's atom cannot be subtracted: if the children's atoms have absorbed the share
$t$ of the parent, $d_i\propto tp+c_i$, the sample with both contains $2t$ of it. For $\lambda\to0$
absorption therefore stops half way, at $t=\frac12$, and the solution is *mixed*: the parent's atom
fires alone and, at half strength, with single children. It is fully absorbed, $t\approx1$, iff
$\lambda>\lambda^*(q)$, where the multiplier of the parent's atom on a single child's sample
vanishes; $\lambda^*=\frac49(2+\sqrt2)\,q+O(q^2)$.

- Reads nothing: the data are weighted samples.
- Writes: `siblings.tsv`; `siblings-grid` ($q$ against $\lambda$), `siblings-curve`.
- Falsified by: a grid point of another kind than predicted, a loss other than the closed
  form, a share that does not tend to one half. */
#include "kit/claim.h"
#include "kit/two_children.h"
#include "kit/two_features.h"

enum { SAMPLES = 400, STARTS = 4, EVENTS = 4, Q = 9, LAMBDAS = 13 };
enum { ALONE, CHILD1, CHILD2, BOTH };

static struct two_children family_at(double q, double lambda)
{
    double both = q * q;
    return (struct two_children){1 - 2 * q + both, q - both, both, 1, 0, lambda};
}

/* q is a multiple of 1/20, so that q^2 is a multiple of 1 / SAMPLES. */
static struct ndl_matrix build(const struct claim *claim, const struct two_children *f,
                               size_t first[EVENTS])
{
    const double weight[EVENTS] = {f->alone, f->child, f->child, f->both};
    double x[EVENTS][3] = {{1, 0, 0}, {1, 1, 0}, {1, 0, 1}, {1, 1, 1}};
    const struct ndl_matrix kinds = {EVENTS, 3, x[0]};
    return claim_repeat(claim, &kinds, weight, SAMPLES, first);
}

struct outcome {
    enum two_children_kind kind;
    double loss, gap; /* per sample; relative */
    double fires;     /* code of the parent's atom with a single child, the larger of two */
};

static struct outcome search(const struct claim *claim, const struct two_children *f,
                             double *residual)
{
    struct ndl_error err;
    struct ndl_matrix Z;
    struct two_children_found best;
    size_t first[EVENTS], parent = 0;
    struct ndl_matrix X = build(claim, f, first);
    gsl_rng *rng = claim_rng(claim, 0);
    claim_check_status(
        claim, two_children_search(&X, first, EVENTS, 3, f->lambda, STARTS, rng, &best, &err),
        &err);
    claim_check_status(claim, ndl_codes_to_dense(&Z, &best.model.Z, &err), &err);
    unsigned on[EVENTS], always = 0;
    for (size_t e = 0; e < EVENTS; e++)
        on[e] = atoms_firing(&best.model, first[e]);
    for (size_t k = 0; k < 3; k++) {
        if (ndl_row(&best.model.D, k)[0] >= 0.99)
            always |= on[ALONE] & on[CHILD1] & on[CHILD2] & on[BOTH] & 1u << k;
        if (ndl_row(&best.model.D, k)[0] > ndl_row(&best.model.D, parent)[0])
            parent = k;
    }
    struct outcome o = {
        two_children_classify(on[ALONE], on[CHILD1], on[CHILD2], on[BOTH], always),
        best.loss / SAMPLES, best.next_minimum,
        fmax(ndl_row(&Z, first[CHILD1])[parent], ndl_row(&Z, first[CHILD2])[parent])};
    *residual = fmax(*residual, best.residual);
    ndl_matrix_free(&Z);
    two_children_search_free(&best);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
    return o;
}

/** ## The boundary

While absorbed, the parent's atom is $p$, serving the parent alone; the children's atoms serve a
single child with one code and both with two; their two angles minimise a closed form
(`two_children.c`).
The state is stationary iff $2r\cdot p\le\lambda$ for the residual $r$ of $p+c_1$.

For $q\to0$: with both on, the best codes leave $g(t)=(2t-1)^2/(1+2t^2)$, which costs $q^2g$;
an incomplete share costs the two single-child samples $2q\lambda(1-t+\sqrt{1+t^2})$. At $t=1$ the
derivatives balance, $q^2g'(1)=2q\lambda(1-1/\sqrt2)$ with $g'(1)=\frac89$. */
static double entry(double lambda, void *params)
{
    struct two_children f = family_at(*(double *)params, lambda);
    return two_children_entry(&f, KIND_ABSORBED);
}

static double boundary(double q)
{
    return find_root(entry, &q, 1e-3 * q, 1.2);
}

static double lambda_at(int j)
{
    return 1e-3 * pow(10, 0.225 * j); /* 0.001 to 0.5 */
}

static void run_grid(struct claim *claim, double *residual)
{
    size_t wrong = 0, exclusive_wrong = 0, mixed = 0, recovered = 0, others = 0, points = 0;
    double loss_error = 0, loss_error_bound = 0, gap = (double)INFINITY;
    claim_table(claim, "grid",
                "q 1 0 frequency of a child\n"
                "lambda 1 1e-12 penalty\n"
                "kind - 0 1 absorbed, 5 mixed, 0 recovered\n"
                "predicted - 0 kind by the closed form\n"
                "loss 1 1e-6 per sample\n"
                "gap 1 inf relative distance to the next local minimum met, 0 if none\n"
                "fires 1 1e-5 code of the parent's atom with a single child");
    for (int i = 1; i <= Q; i++)
        for (int j = 0; j < LAMBDAS; j++) {
            double q = 0.05 * i, lambda = lambda_at(j);
            struct two_children f = family_at(q, lambda);
            enum two_children_kind predicted =
                two_children_entry(&f, KIND_ABSORBED) <= 0 ? KIND_ABSORBED : KIND_MIXED;
            struct outcome o = search(claim, &f, residual);
            wrong += o.kind != predicted;
            exclusive_wrong += o.kind != KIND_ABSORBED; /* the rule of exclusive children */
            mixed += o.kind == KIND_MIXED;
            recovered += o.kind == KIND_RECOVERED;
            others += !isinf(o.gap);
            gap = fmin(gap, o.gap);
            if (o.kind == KIND_ABSORBED && predicted == KIND_ABSORBED)
                loss_error =
                    fmax(loss_error, fabs(o.loss / two_children_loss(&f, KIND_ABSORBED) - 1));
            double bound = f.alone * two_children_exact(1, lambda) +
                           2 * f.child * two_children_exact(M_SQRT2, lambda) +
                           f.both * two_children_exact(sqrt(3), lambda);
            loss_error_bound = fmax(loss_error_bound, fabs(o.loss / bound - 1));
            claim_row(claim, q, lambda, o.kind, predicted, o.loss, isinf(o.gap) ? 0 : o.gap,
                      o.fires);
            claim_progress(claim, ++points, Q * LAMBDAS, "grid");
        }
    claim_scalar(claim, "points", (double)points, CLAIM_EXACT, "grid points");
    claim_scalar(claim, "wrong", (double)wrong, CLAIM_EXACT,
                 "points whose kind is not the predicted one");
    claim_scalar(claim, "wrong_exclusive", (double)exclusive_wrong, CLAIM_EXACT,
                 "points where the rule of exclusive children, always absorbed, is wrong");
    claim_scalar(claim, "mixed", (double)mixed, CLAIM_EXACT, "mixed points");
    claim_scalar(claim, "recovered", (double)recovered, CLAIM_EXACT,
                 "points where the parent is recovered");
    claim_scalar(claim, "others", (double)others, CLAIM_NOT_COMPARED,
                 "points where another local minimum was met");
    claim_scalar(claim, "gap", isinf(gap) ? 1 : gap, CLAIM_NOT_COMPARED,
                 "the smallest relative distance to one, 1 if none");
    claim_scalar(claim, "loss_error", loss_error, CLAIM_NOT_COMPARED,
                 "largest relative difference of loss and closed form");
    claim_scalar(claim, "loss_error_bound", loss_error_bound, CLAIM_CONVERGED,
                 "the same for the wide bound, all points");
}

static void check_boundary(struct claim *claim, double *residual)
{
    size_t wrong[2] = {0}; /* from the boundary, and from its leading term */
    for (int i = 0; i < 12; i++)
        for (int side = -1; side <= 1; side += 2) {
            double q = 0.05 * (1 + i % 6), from = i < 6 ? boundary(q) : 4. / 9 * (2 + M_SQRT2) * q;
            struct two_children f = family_at(q, from * (1 + 0.005 * side));
            wrong[i / 6] +=
                search(claim, &f, residual).kind != (side < 0 ? KIND_MIXED : KIND_ABSORBED);
        }
    claim_scalar(claim, "near.points", 12, CLAIM_EXACT,
                 "searches half a percent from the boundary");
    claim_scalar(claim, "near.wrong", (double)wrong[0], CLAIM_EXACT,
                 "of them, of the kind of the other side");
    claim_scalar(claim, "near.wrong_leading", (double)wrong[1], CLAIM_EXACT,
                 "the same about the leading term");
    const double q = 1e-3; /* the ratio to the leading term is 1 + O(q); Richardson leaves O(q^2) */
    claim_scalar(claim, "coefficient", 2 * boundary(q) / q - boundary(2 * q) / (2 * q), 1e-4,
                 "lambda* / q as q -> 0");
    claim_scalar(claim, "coefficient_predicted", 4. / 9 * (2 + M_SQRT2), CLAIM_CONVERGED,
                 "4 (2 + sqrt 2) / 9");
    claim_scalar(claim, "coefficient_free", 4. / 9, CLAIM_CONVERGED,
                 "if the children's atoms cost the same whatever their share of the parent");
    const double share_q = 0.2;
    struct two_children small = family_at(share_q, 1e-3), smaller = family_at(share_q, 5e-4);
    struct two_children large = family_at(share_q, 0.2);
    double share =
        2 * search(claim, &smaller, residual).fires - search(claim, &small, residual).fires;
    claim_scalar(claim, "share", share, 1e-4,
                 "code of the parent's atom with a single child, lambda -> 0");
    claim_scalar(claim, "share_q", share_q, CLAIM_EXACT, "child frequency there");
    claim_scalar(claim, "share_large", search(claim, &large, residual).fires, 1e-4,
                 "the same at lambda = 0.2");
    claim_table(claim, "curve",
                "q 1 0 frequency of a child\n"
                "lambda 1 1e-5 from which absorption is complete\n"
                "leading 1 0 its leading term");
    for (int i = 0; i <= 44; i++) {
        double at = 0.02 + 0.01 * i;
        claim_row(claim, at, boundary(at), 4. / 9 * (2 + M_SQRT2) * at);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim =
        claim_begin(argc, argv,
                    "How far children that fire independently of each other absorb their parent.\v"
                    "Example: siblings --out build/results");
    double residual = 0;
    run_grid(claim, &residual);
    check_boundary(claim, &residual);
    claim_scalar(claim, "residual", residual, CLAIM_NOT_COMPARED,
                 "largest stationarity residual of all optima");
    return claim_end(claim);
}

/** # Stationarity: what holds at every optimum

Claim `stationarity`.  With unit atoms, residuals $r_i = x_i - b - \sum_k z_{ik} d_k$ and
$\mu_{ik} = \lambda - 2 r_i \cdot d_k$, every local minimum satisfies

$$ \sum_i z_{ik} r_i = \tfrac\lambda2 \Bigl(\sum_i z_{ik}\Bigr) d_k, \qquad \sum_i r_i = 0, \qquad
   \mu_{ik} \ge 0, \quad \mu_{ik} z_{ik} = 0, $$

the second with a free bias only, and with a free bias every live feature is off somewhere.
The solver is run on every data set of the repository, and every condition is
recomputed by `ndl_certify`, which shares no code with it.

- Reads: every `*.tree`, and `panels/[A-Z].tsv`, the three panels.
- Writes: `stationarity.tsv`; `stationarity-data` (a row per data set and setting of the bias).
- Falsified by: a converged solution with a condition violated. */
#include <float.h>

#include "kit/claim.h"

static const double LAMBDA = 0.1;

/** ## The controls

The same certificate must notice an atom that is turned by a thousandth of a radian, a bias that is
moved by a thousandth of its unit, a $\lambda$ that is stated one per cent too large, an atom
lengthened by a thousandth, and activations that could all be shifted into the bias. */
enum measure { ATOMS, BIAS, CODES, ALWAYS_ON, NORM, MEASURES };
struct tally {
    struct claim *claim;
    double most[MEASURES]; /* over the problems */
    /* the controls: least over the problems */
    double turned, moved, relabelled, lengthened, raised;
    size_t problems, live, dead;
};

/* What the certificate says of spoilt copies of an optimum. */
static void spoil(struct tally *t, const struct ndl_matrix *X, const struct ndl_model *m)
{
    const size_t k = m->Z.atom[0], d = m->D.cols; /* an atom that fires */
    struct ndl_model other = *m;
    double u[CLAIM_TREE_DIM];
    other.lambda *= 1.01;
    keep_min(&t->relabelled, claim_certify(t->claim, X, &other).codes_on);

    other = *m;
    other.D = claim_copy(t->claim, &m->D);
    double *atom = ndl_row(&other.D, k);
    for (size_t c = 0; c < d; c++) /* some direction orthogonal to the atom */
        u[c] = c == 0 ? -atom[1] : c == 1 ? atom[0] : 0;
    if (ndl_normalise(d, u) > 0)
        for (size_t c = 0; c < d; c++)
            atom[c] = cos(1e-3) * atom[c] + sin(1e-3) * u[c];
    keep_min(&t->turned, claim_certify(t->claim, X, &other).atoms);
    for (size_t c = 0; c < d; c++)
        atom[c] = 1.001 * ndl_row(&m->D, k)[c];
    keep_min(&t->lengthened, claim_certify(t->claim, X, &other).norm);
    ndl_matrix_free(&other.D);
    if (!m->bias)
        return;

    other = *m;
    other.b = claim_copy(t->claim, &m->b);
    ndl_axpy(d, 1e-3, ndl_row(&m->D, k), other.b.v);
    keep_min(&t->moved, claim_certify(t->claim, X, &other).bias);
    struct ndl_error err;
    /* the same reconstruction, the bias lower by one atom */
    struct ndl_matrix Z = claim_dense(t->claim, m);
    ndl_axpy(d, -1 - 1e-3, ndl_row(&m->D, k), other.b.v);
    for (size_t i = 0; i < Z.rows; i++)
        ndl_row(&Z, i)[k] += 1;
    claim_check_status(t->claim, ndl_codes_from_dense(&other.Z, &Z, &err), &err);
    keep_min(&t->raised, claim_certify(t->claim, X, &other).always_on);
    ndl_codes_free(&other.Z);
    ndl_matrix_free(&other.b);
    ndl_matrix_free(&Z);
}

static void examine(void *context, size_t number, const struct ndl_matrix *X, size_t atoms)
{
    struct tally *t = context;
    for (int bias = 0; bias < 2; bias++) {
        struct ndl_model m;
        bool converged; /* if not, the certificate fails the claim, with numbers */
        struct ndl_fit_options options = ndl_fit_defaults(atoms, LAMBDA);
        options.bias = bias;
        options.seed = claim_seed(t->claim);
        claim_fit(t->claim, X, &options, &m, &converged);
        struct ndl_certificate c = claim_certify(t->claim, X, &m);
        const double residual[MEASURES] = {c.atoms, c.bias, fmax(c.codes_on, c.codes_off),
                                           c.always_on, c.norm};
        for (size_t q = 0; q < MEASURES; q++)
            keep_max(&t->most[q], residual[q]);
        spoil(t, X, &m);
        t->problems++;
        t->live += c.live;
        t->dead += c.dead;
        claim_row(t->claim, (double)number, bias, (double)X->rows, (double)X->cols, (double)atoms,
                  (double)c.live, c.loss / (double)X->rows, c.atoms, c.bias, residual[CODES]);
        ndl_model_free(&m);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv,
                                      "Fits every data set of the repository and recomputes every "
                                      "first-order condition at the result.\v"
                                      "Example: stationarity --seed 7 --out build/results");
    struct tally t = {.claim = claim,
                      .turned = DBL_MAX,
                      .moved = DBL_MAX,
                      .relabelled = DBL_MAX,
                      .lengthened = DBL_MAX,
                      .raised = DBL_MAX};
    claim_table(claim, "data",
                "number - 0 data set, in the order of the file names: trees, then panels\n"
                "bias - 0 whether the bias is free\n"
                "samples - 0 N\ndimension - 0 d\natoms - 0 K\n"
                "live - inf atoms that fire; which optimum is found, the last bits may decide\n"
                "loss unit^2 inf loss per sample\natoms_residual 1 inf relative\nbias_residual 1 "
                "inf relative\n"
                "codes_residual 1 inf relative");
    claim_data_sets(claim, &t, examine);
    claim_values(
        claim, NULL,
        {"problems", (double)t.problems, CLAIM_EXACT, "data sets times two settings of the bias"},
        {"lambda", LAMBDA, CLAIM_EXACT, "lambda of all fits"},
        {"live", (double)t.live, CLAIM_NOT_COMPARED, "atoms that fire, over all problems"},
        {"dead", (double)t.dead, CLAIM_NOT_COMPARED, "atoms that never fire"},
        {"atoms", t.most[ATOMS], CLAIM_NOT_COMPARED,
         "largest relative residual of the atom conditions"},
        {"bias", t.most[BIAS], CLAIM_NOT_COMPARED,
         "largest relative residual of the bias conditions"},
        {"codes", t.most[CODES], CLAIM_NOT_COMPARED,
         "largest violation of the code conditions over lambda"},
        {"always_on", t.most[ALWAYS_ON], CLAIM_NOT_COMPARED,
         "with a free bias: largest min_i z_ik / m_k over the live features"},
        {"norm", t.most[NORM], CLAIM_NOT_COMPARED, "largest | |d_k| - 1 |"},
        {"turned", t.turned, CLAIM_NOT_COMPARED,
         "least residual of the atoms with one atom turned by 1e-3"},
        {"moved", t.moved, CLAIM_NOT_COMPARED,
         "least residual of the bias with the bias moved by 1e-3"},
        {"relabelled", t.relabelled, CLAIM_NOT_COMPARED,
         "least residual of the codes with lambda stated 1 % too large"},
        {"lengthened", t.lengthened, CLAIM_NOT_COMPARED,
         "least | |d_k| - 1 | with one atom lengthened by 1e-3"},
        {"raised", t.raised, CLAIM_NOT_COMPARED,
         "least min_i z_ik / m_k with an atom's code raised by 1, the bias lowered by the atom"});
    return claim_end(claim);
}

/** # One atom too few: two jumps

Claim `wedge`.  A dense direction $u$ among three sparse features needs five atoms.  With four, and
the third feature at a growing amplitude, the dictionary is first the *pair* $\pm u$, the third
feature going without; then a *wedge*, the two dense atoms opened towards the third feature, which
they serve with $u$; then the third feature has an atom of its own, and either another feature is
the one in the wedge or there is a *single* dense atom over a low bias.  These are different local
minima.  At both changes the losses of two of them cross while the old one is still a minimum, so
that the dictionary jumps: in every data set, at places that depend on it.  An average over data
sets makes a slope of the jumps, and what it is at an amplitude near the second tells how many of
them have jumped.

Five branches are followed along the amplitude, up and down, each from a dictionary of its kind:
the pair from the smallest amplitude, the wedge over the third feature from the middle, the wedges
over the first and the second and the single atom from the largest.  A first version followed
three, without the other two wedges, and predicted that the smallest cosine always ends above -0.2:
it did in seven data sets of ten, the others end in a wedge over another feature.

- Reads nothing: all data are drawn.
- Writes: `wedge.tsv`; `wedge-states` (loss of each branch, one data set), `wedge-best` (the
  global minimum among them, a curve per data set).
- Falsified by: a data set without one of the jumps; a change at which the old state is not a local
  minimum any more. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <stdio.h>

#include "kit/claim.h"

enum { SPARSE = 3, D = 1 + SPARSE, K = 4, SAMPLES = 500, SETS = 8, AMPLITUDES = 40, MIDDLE = 20 };
enum branch { PAIR, WEDGE, OTHER_WEDGE, LAST_WEDGE, SINGLE, BRANCHES };
static const double LAMBDA = 0.1, RATE = 0.2;
/* Finer where a jump is looked for. */
static const double AMPLITUDE[AMPLITUDES] = {
    0.16, 0.17, 0.18, 0.19, 0.20, 0.21, 0.22, 0.23, 0.24, 0.25, 0.26, 0.27, 0.28, 0.29,
    0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.73, 0.76, 0.79, 0.82, 0.85,
    0.88, 0.91, 0.94, 0.97, 1.00, 1.03, 1.06, 1.09, 1.12, 1.15, 1.18, 1.21};
enum { ONE = 32 }; /* the number of the amplitude one */

/** ## The data

as in claim `pairs`: $s$ Gaussian, the $z_j$ fire on a fifth of the samples, with 1/2 plus a unit
exponential; one draw for all amplitudes. */
static struct ndl_matrix draw(const struct claim *claim, gsl_rng *rng)
{
    struct ndl_matrix X = claim_matrix(claim, SAMPLES, D);
    for (size_t i = 0; i < SAMPLES; i++) {
        double *x = ndl_row(&X, i);
        x[0] = gsl_ran_gaussian(rng, 1);
        for (size_t j = 1; j < D; j++)
            x[j] = gsl_rng_uniform(rng) < RATE ? 0.5 + gsl_ran_exponential(rng, 1) : 0;
    }
    return X;
}

static struct ndl_matrix scaled(const struct claim *claim, const struct ndl_matrix *X, size_t a)
{
    struct ndl_matrix Y = claim_copy(claim, X);
    for (size_t i = 0; i < SAMPLES; i++)
        ndl_row(&Y, i)[D - 1] *= AMPLITUDE[a];
    return Y;
}

/** ## Following a branch */
struct point {
    double loss, cosine, own; /* per sample; smallest of two atoms; largest of an atom with v_3 */
};

/* The dense atoms of a wedge stand at 45 degrees to either side of the feature that they serve. */
static struct ndl_matrix first_dictionary(const struct claim *claim, enum branch branch)
{
    struct ndl_matrix A = claim_matrix(claim, K, D);
    const size_t without = branch == OTHER_WEDGE ? 1 : branch == LAST_WEDGE ? 2 : 3;
    const double along = branch == PAIR ? 0 : M_SQRT1_2, dense = branch == PAIR ? 1 : M_SQRT1_2;
    size_t next = 0;
    for (size_t j = 1; j <= SPARSE; j++)
        if (j != without || branch == SINGLE)
            ndl_row(&A, next++)[j] = 1;
    ndl_row(&A, next)[0] = branch == SINGLE ? 1 : dense;
    if (branch == SINGLE)
        return A;
    ndl_row(&A, next)[without] = along;
    ndl_row(&A, next + 1)[0] = -dense;
    ndl_row(&A, next + 1)[without] = along;
    return A;
}

static struct point follow(const struct claim *claim, const struct ndl_matrix *X, size_t a,
                           struct ndl_model *m)
{
    struct ndl_matrix Y = scaled(claim, X, a);
    struct ndl_model next;
    bool converged;
    struct ndl_fit_options options = ndl_fit_defaults(K, LAMBDA);
    options.D0 = &m->D;
    options.b0 = m->b.rows > 0 ? &m->b : NULL;
    options.tolerance = 1e-6; /* moves the loss by its square */
    struct point p = {.loss = claim_fit(claim, &Y, &options, &next, &converged) / SAMPLES};
    p.cosine = measure_least_cosine(&next);
    for (size_t k = 0; k < K; k++)
        keep_max(&p.own, ndl_row(&next.D, k)[D - 1]);
    ndl_model_free(m);
    *m = next;
    ndl_matrix_free(&Y);
    return p;
}

/* Both ways from amplitude number `from`; the bias of a single dense atom starts low. */
static void follow_branch(const struct claim *claim, const struct ndl_matrix *X, enum branch branch,
                          size_t from, struct point *points)
{
    for (int down = 0; down < 2; down++) {
        struct ndl_model m = {.D = first_dictionary(claim, branch)};
        if (branch == SINGLE) {
            m.b = claim_matrix(claim, 1, D);
            m.b.v[0] = -2.5;
        }
        for (size_t a = from; a < AMPLITUDES; a = down ? a - 1 : a + 1) /* below 0 it wraps */
            points[a] = follow(claim, X, a, &m);
        ndl_model_free(&m);
    }
}

/** ## Jumps

0: a pair; 1: no pair, and no atom for the third feature; 2: an atom of its own. */
static int stage_of(const struct point *p)
{
    return p->own > 0.9 ? 2 : p->cosine < -0.995 ? 0 : 1;
}

/* The first change into stage 1, or 2, along the global minimum. */
struct jump {
    bool found, persists;   /* the old branch is still of its stage after the change */
    double at, cosine, own; /* amplitude; changes of the two cosines */
};

static size_t best_branch(struct point (*branch)[AMPLITUDES], size_t a)
{
    size_t best = 0;
    for (size_t s = 1; s < BRANCHES; s++)
        if (branch[s][a].loss < branch[best][a].loss - 1e-9) /* branches may have met */
            best = s;
    return best;
}

static struct jump find_jump(struct point (*branch)[AMPLITUDES], int into)
{
    struct jump jump = {0};
    for (size_t a = 1; a < AMPLITUDES && !jump.found; a++) {
        size_t before = best_branch(branch, a - 1);
        const struct point *from = &branch[before][a - 1], *to = &branch[best_branch(branch, a)][a];
        if (stage_of(from) >= into || stage_of(to) < into)
            continue;
        jump.found = true;
        jump.persists = stage_of(&branch[before][a]) == stage_of(from);
        jump.at = (AMPLITUDE[a - 1] + AMPLITUDE[a]) / 2;
        jump.cosine = to->cosine - from->cosine;
        jump.own = to->own - from->own;
    }
    return jump;
}

/** ## Results */
static void write_branches(struct claim *claim, struct point (*branch)[AMPLITUDES])
{
    claim_table(claim, "states",
                "branch - 0 0 pair, wedge over feature: 1 third, 2 first, 3 second; 4 single\n"
                "amplitude 1 1e-12 of the third sparse feature\n"
                "loss 1 1e-6 per sample, over that of the global minimum\n"
                "cosine 1 1e-3 smallest between two atoms");
    for (size_t s = 0; s < BRANCHES; s++) {
        for (size_t a = 0; a < AMPLITUDES; a++)
            claim_row(claim, (double)s, AMPLITUDE[a],
                      branch[s][a].loss / branch[best_branch(branch, a)][a].loss,
                      branch[s][a].cosine);
        claim_table_break(claim);
    }
}

static void write_best(struct claim *claim, struct point (*branch)[BRANCHES][AMPLITUDES])
{
    claim_table(claim, "best",
                "set - 0 data set\n"
                "amplitude 1 1e-12 of the third sparse feature\n"
                "cosine 1 1e-3 smallest between two atoms of the global minimum\n"
                "own 1 1e-3 largest cosine of an atom with the third feature");
    for (size_t i = 0; i < SETS; i++) {
        for (size_t a = 0; a < AMPLITUDES; a++) {
            const struct point *p = &branch[i][best_branch(branch[i], a)][a];
            claim_row(claim, (double)i, AMPLITUDE[a], p->cosine, p->own);
        }
        claim_table_break(claim);
    }
}

static void record_jumps(struct claim *claim, struct point (*branch)[BRANCHES][AMPLITUDES])
{
    static const char *const name[2] = {"first", "second"};
    const double search = 0.1; /* another machine may find another minimum */
    for (int j = 0; j < 2; j++) {
        double at[SETS], found = 0, persists = 0, cosine = HUGE_VAL, own = HUGE_VAL;
        for (size_t i = 0; i < SETS; i++) {
            struct jump jump = find_jump(branch[i], j + 1);
            found += jump.found;
            persists += jump.persists;
            at[i] = jump.at;
            keep_min(&cosine, jump.cosine);
            keep_min(&own, jump.own);
        }
        char key[32];
        snprintf(key, sizeof key, "%s.at", name[j]);
        claim_spread(claim, key, at, SETS, search, "amplitude of the jump");
        claim_values(claim, name[j],
                     {"found", found, CLAIM_NOT_COMPARED, "data sets with this jump"},
                     {"persists", persists, CLAIM_NOT_COMPARED,
                      "in which the old state is a local minimum beyond it"},
                     {"cosine", cosine, CLAIM_NOT_COMPARED, "least change of the smallest cosine"},
                     {"own", own, CLAIM_NOT_COMPARED,
                      "least change of the largest cosine with the third feature"});
    }
}

/* The mean over the data sets, as Fig. b of claim `pairs` has it. */
static double steepest_mean(struct point (*branch)[BRANCHES][AMPLITUDES])
{
    double most = 0;
    for (size_t a = 1; a < AMPLITUDES; a++) {
        double step = 0;
        for (size_t i = 0; i < SETS; i++)
            step += (branch[i][best_branch(branch[i], a)][a].own -
                     branch[i][best_branch(branch[i], a - 1)][a - 1].own) /
                    SETS;
        keep_max(&most, step);
    }
    return most;
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Follows the states of a dense direction among sparse ones that has an atom too few."
        "\vExample: wedge --seed 2 --out build/results");
    static struct point branch[SETS][BRANCHES][AMPLITUDES];
    double single = 0, wedge = 0;
    for (uint64_t i = 0; i < SETS; i++) {
        gsl_rng *rng = claim_rng(claim, i);
        struct ndl_matrix X = draw(claim, rng);
        for (enum branch s = 0; s < BRANCHES; s++)
            follow_branch(claim, &X, s,
                          s == PAIR    ? 0
                          : s == WEDGE ? MIDDLE
                                       : AMPLITUDES - 1,
                          branch[i][s]);
        const struct point *at_one = &branch[i][best_branch(branch[i], ONE)][ONE];
        single += at_one->cosine > -0.3;
        wedge += at_one->cosine <= -0.3;
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, i + 1, SETS, "data sets");
    }
    write_branches(claim, branch[0]);
    write_best(claim, branch);
    record_jumps(claim, branch);
    claim_values(claim, NULL,
                 {"single", single, 1, "data sets with a single dense atom at the amplitude 1"},
                 {"wedge", wedge, 1, "data sets with a wedge there"},
                 {"mean_step", steepest_mean(branch), 0.1,
                  "largest step of the mean over the data sets of the largest cosine with the "
                  "third feature"},
                 {"sets", SETS, CLAIM_EXACT, "data sets"}, {"samples", SAMPLES, CLAIM_EXACT, "N"},
                 {"lambda", LAMBDA, CLAIM_EXACT, "lambda"});
    return claim_end(claim);
}

/** # One atom too few: two jumps

Claim `wedge`.  A dense direction $u$ among three sparse features needs five atoms.  With four, and
the third feature at a growing amplitude, there are three states: the *pair* $\pm u$, the third
feature going without; the *wedge*, the two dense atoms opened towards it; and the *single*
dense atom over a low bias, an atom for each sparse feature.  Each is a local minimum on its own
range of amplitudes, and the ranges overlap.  The global minimum changes where two losses cross,
and there the smallest cosine between two atoms jumps: twice, in every data set.  (Fitted data set
by data set and averaged, two jumps at different places look like a slope, and at the amplitude
one the average tells how many of the data sets have jumped the second time.)

Each state is followed along the amplitude, up and down, from dictionaries that are clearly of the
one kind: the pair from the smallest amplitude, the wedge from the middle, the single from the
largest.  The states are told apart by the smallest cosine: below -0.99, between, above -0.2.

- Reads nothing: all data are drawn.
- Writes: `wedge.tsv`; `wedge-states` (loss and cosine of each state, one data set),
  `wedge-best` (the smallest cosine of the global minimum, a curve per data set).
- Falsified by: a data set without both jumps; a crossing at which only one of the two states is
  a local minimum. */
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <string.h>

#include "kit/claim.h"

enum { SPARSE = 3, D = 1 + SPARSE, K = 4, SAMPLES = 1000, SETS = 10, AMPLITUDES = 24, MAX = 200 };
enum state { PAIR, WEDGE, SINGLE, STATES };
static const double LAMBDA = 0.1, RATE = 0.2, STEP = 0.05;

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
        ndl_row(&Y, i)[D - 1] *= STEP * (double)(a + 1);
    return Y;
}

static double amplitude(size_t a)
{
    return STEP * (double)(a + 1);
}

/** ## Following a state */
struct point {
    double loss, cosine; /* per sample; smallest between two atoms */
};

/* The dictionaries from which the states are followed; the dense atoms of the wedge stand at 45
 * degrees to either side of the third feature's direction. */
static struct ndl_matrix first_dictionary(const struct claim *claim, enum state state)
{
    struct ndl_matrix A = claim_matrix(claim, K, D);
    for (size_t k = 0; k < 2; k++)
        ndl_row(&A, k)[1 + k] = 1;
    double *one = ndl_row(&A, 2), *other = ndl_row(&A, 3);
    one[0] = state == WEDGE ? M_SQRT1_2 : 1;
    one[3] = state == WEDGE ? M_SQRT1_2 : 0;
    other[0] = state == PAIR ? -1 : state == WEDGE ? -M_SQRT1_2 : 0;
    other[3] = state == PAIR ? 0 : state == WEDGE ? M_SQRT1_2 : 1;
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
    p.cosine = ndl_least_cosine(&next);
    ndl_model_free(m);
    *m = next;
    ndl_matrix_free(&Y);
    return p;
}

/* Both ways from amplitude number `from`. */
static void follow_state(const struct claim *claim, const struct ndl_matrix *X, enum state state,
                         size_t from, struct point *points)
{
    for (int down = 0; down < 2; down++) {
        struct ndl_model m = {.D = first_dictionary(claim, state)};
        for (size_t a = from; a < AMPLITUDES; a = down ? a - 1 : a + 1) /* below 0 it wraps */
            points[a] = follow(claim, X, a, &m);
        ndl_model_free(&m);
    }
}

static enum state state_of(double cosine)
{
    return cosine < -0.99 ? PAIR : cosine < -0.2 ? WEDGE : SINGLE;
}

/** ## Jumps

A jump is a step of the amplitude over which the state of the global minimum changes.  It is one
between coexisting minima if both branches are still of their own kind on either side of it. */
struct set {
    double at[2], from[2], to[2]; /* amplitude; cosine before and after */
    bool coexist[2];
    size_t jumps;
    enum state last; /* at the amplitude one */
};

static size_t best_branch(struct point (*branch)[AMPLITUDES], size_t a)
{
    size_t best = 0;
    for (size_t s = 1; s < STATES; s++)
        if (branch[s][a].loss < branch[best][a].loss - 1e-9) /* branches may have met */
            best = s;
    return best;
}

static struct set find_jumps(struct point (*branch)[AMPLITUDES])
{
    struct set set = {.last = STATES};
    for (size_t a = 0; a < AMPLITUDES; a++) {
        size_t now = best_branch(branch, a), before = a > 0 ? best_branch(branch, a - 1) : now;
        double to = branch[now][a].cosine, from = a > 0 ? branch[before][a - 1].cosine : to;
        if (fabs(amplitude(a) - 1) < STEP / 2)
            set.last = state_of(to);
        if (state_of(from) == state_of(to))
            continue;
        if (set.jumps < 2) {
            size_t j = set.jumps;
            set.at[j] = amplitude(a) - STEP / 2;
            set.from[j] = from;
            set.to[j] = to;
            set.coexist[j] = state_of(branch[before][a].cosine) == state_of(from) &&
                             state_of(branch[now][a - 1].cosine) == state_of(to);
        }
        set.jumps++;
    }
    return set;
}

/** ## Results */
static void write_states(struct claim *claim, struct point (*branch)[AMPLITUDES])
{
    claim_table(claim, "states",
                "state - 0 followed from: 0 pair, 1 wedge, 2 single\n"
                "amplitude 1 1e-12 of the third sparse feature\n"
                "loss 1 1e-6 per sample, over that of the global minimum\n"
                "cosine 1 1e-3 smallest between two atoms");
    for (size_t s = 0; s < STATES; s++) {
        for (size_t a = 0; a < AMPLITUDES; a++)
            claim_row(claim, (double)s, amplitude(a),
                      branch[s][a].loss / branch[best_branch(branch, a)][a].loss,
                      branch[s][a].cosine);
        claim_table_break(claim);
    }
}

int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(
        argc, argv,
        "Follows the three states of a dense direction among sparse ones that has an atom too few."
        "\vExample: wedge --seed 2 --out build/results");
    static struct point branch[SETS][STATES][AMPLITUDES];
    double at[2][SETS], change[2][SETS], coexist = 0, two = 0, single = 0, step = 0, mean_step = 0;
    double mean[AMPLITUDES] = {0};
    for (uint64_t i = 0; i < SETS; i++) {
        gsl_rng *rng = claim_rng(claim, i);
        struct ndl_matrix X = draw(claim, rng);
        follow_state(claim, &X, PAIR, 0, branch[i][PAIR]);
        follow_state(claim, &X, WEDGE, AMPLITUDES / 2, branch[i][WEDGE]);
        follow_state(claim, &X, SINGLE, AMPLITUDES - 1, branch[i][SINGLE]);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
        claim_progress(claim, i + 1, SETS, "data sets");
    }
    write_states(claim, branch[0]);
    claim_table(claim, "best",
                "set - 0 data set\n"
                "amplitude 1 1e-12 of the third sparse feature\n"
                "cosine 1 1e-3 smallest between two atoms of the global minimum");
    for (size_t i = 0; i < SETS; i++) {
        struct set set = find_jumps(branch[i]);
        for (size_t a = 0; a < AMPLITUDES; a++) {
            double cosine = branch[i][best_branch(branch[i], a)][a].cosine;
            mean[a] += cosine / SETS;
            claim_row(claim, (double)i, amplitude(a), cosine);
        }
        claim_table_break(claim);
        for (size_t j = 0; j < 2; j++) {
            at[j][i] = set.at[j];
            change[j][i] = set.to[j] - set.from[j];
        }
        coexist += (set.coexist[0] && set.coexist[1]) / (double)SETS;
        two += (set.jumps == 2) / (double)SETS;
        single += (set.last == SINGLE) / (double)SETS;
        keep_max(&step, set.to[1] - set.from[1]);
    }
    for (size_t a = 1; a < AMPLITUDES; a++)
        keep_max(&mean_step, mean[a] - mean[a - 1]);
    const double search = 0.1, any = CLAIM_NOT_COMPARED; /* of ten data sets */
    claim_spread(claim, "first.at", at[0], SETS, search, "amplitude of the first jump");
    claim_spread(claim, "second.at", at[1], SETS, search, "amplitude of the second jump");
    claim_spread(claim, "first.change", change[0], SETS, search,
                 "change of the cosine at the first jump");
    claim_spread(claim, "second.change", change[1], SETS, search,
                 "change of the cosine at the second jump");
    claim_values(
        claim, NULL, {"two", two, any, "share of the data sets with two jumps"},
        {"coexist", coexist, any, "share in which both states are local minima at both jumps"},
        {"single", single, search, "share that has jumped twice at the amplitude 1"},
        {"mean_step", mean_step, search, "largest step of the mean over the data sets"},
        {"step", step, search, "largest step of a data set"},
        {"sets", SETS, CLAIM_EXACT, "data sets"}, {"samples", SAMPLES, CLAIM_EXACT, "N"},
        {"lambda", LAMBDA, CLAIM_EXACT, "lambda"});
    return claim_end(claim);
}

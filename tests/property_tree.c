/* property_tree.c -- random trees: firing rates, exclusion, magnitudes and angles
 * against what the file says; damaged files.
 *
 * Every statistical test compares a mean of N draws with its expectation and
 * allows 5 standard errors.  Some 2000 such comparisons are made, each failing
 * by chance with probability 6e-7, on fixed seeds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>

#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/tree.h"

static char path[] = "/tmp/property_tree.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path);
}

static void write_bytes(const char *bytes, size_t length)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static struct ndl_tree *read_file(void)
{
    struct ndl_tree *tree;
    struct ndl_error err = {""};
    if (ndl_tree_read(&tree, path, &err) != NDL_OK)
        fail_msg("refused: %s", err.text);
    return tree;
}

static gsl_rng *stream(uint64_t seed, uint64_t trial)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, seed, trial, NULL), NDL_OK);
    return rng;
}

/* `hits` of n draws with probability p. */
static void check_rate(double hits, double n, double p, const char *what)
{
    /* rounding where p is 0 or 1 */
    if (!(fabs(hits - n * p) <= 5 * sqrt(n * p * (1 - p)) + 1e-9 * n))
        fail_msg("%s: %g of %g, expected %g", what, hits, n, n * p);
}

/* ------------------------------------------------------------- random trees */

enum { NODES = 12, SAMPLES = 20000 };

/* What is written into the file, kept to check against: nodes in file order. */
struct plan {
    int parent[NODES]; /* -1: a root */
    int group[NODES];  /* 0: independent; else the group's number */
    double p[NODES];
};

/* A random forest whose lines are shuffled, so that parents come anywhere. */
static void write_random_tree(gsl_rng *rng, struct plan *plan)
{
    int line[NODES]; /* of the i-th node in a topological order */
    for (int i = 0; i < NODES; i++)
        line[i] = i;
    gsl_ran_shuffle(rng, line, NODES, sizeof *line);
    for (int i = 0; i < NODES; i++) {
        bool root = i == 0 || gsl_rng_uniform(rng) < 0.2;
        plan->parent[line[i]] = root ? -1 : line[gsl_rng_uniform_int(rng, (unsigned long)i)];
        plan->group[line[i]] = (int)gsl_rng_uniform_int(rng, 3);
    }
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("node parent exclusive probability magnitude direction\n", out);
    for (int k = 0; k < NODES; k++) {
        int members = 0; /* of the exclusive group: they share probability 1 at most */
        for (int j = 0; j < NODES; j++)
            members += plan->group[k] && plan->parent[j] == plan->parent[k] &&
                       plan->group[j] == plan->group[k];
        double p = gsl_rng_uniform(rng) < 0.3 ? 1 : gsl_rng_uniform(rng);
        char text[32], parent[16] = "-", group[16] = "-";
        snprintf(text, sizeof text, "%.9f", members ? p / members : p);
        plan->p[k] = strtod(text, NULL);
        if (plan->parent[k] >= 0)
            snprintf(parent, sizeof parent, "n%d", plan->parent[k]);
        if (plan->group[k])
            snprintf(group, sizeof group, "g%d", plan->group[k]);
        fprintf(out, "n%d %s %s %s exponential(1) random\n", k, parent, group, text);
    }
    assert_int_equal(fclose(out), 0);
}

/* Siblings j and k fire together with probability 0 if exclusive, p_j p_k if not. */
static void check_pair(const struct ndl_matrix *Z, const struct plan *plan, int j, int k)
{
    if (plan->parent[j] != plan->parent[k])
        return;
    double parent_fires = 0, both = 0;
    for (size_t i = 0; i < Z->rows; i++) {
        const double *z = ndl_row(Z, i);
        parent_fires += plan->parent[k] < 0 || z[plan->parent[k]] > 0;
        both += z[j] > 0 && z[k] > 0;
    }
    if (plan->group[j] && plan->group[j] == plan->group[k])
        assert_true(both == 0);
    else
        check_rate(both, parent_fires, plan->p[j] * plan->p[k], "independent siblings");
}

static void test_rates(void **state)
{
    (void)state;
    int exclusive_pairs = 0;
    for (uint64_t trial = 0; trial < 40; trial++) {
        gsl_rng *rng = stream(1, trial);
        struct plan plan;
        write_random_tree(rng, &plan);
        struct ndl_tree *tree = read_file();
        struct ndl_matrix Z;
        assert_int_equal(ndl_tree_sample(tree, SAMPLES, rng, &Z, NULL), NDL_OK);
        for (int k = 0; k < NODES; k++) {
            const struct ndl_tree_node *n = ndl_tree_node(tree, (size_t)k);
            assert_true(n->parent == (plan.parent[k] < 0 ? SIZE_MAX : (size_t)plan.parent[k]));
            assert_true(n->depth ==
                        (plan.parent[k] < 0 ? 0 : ndl_tree_node(tree, n->parent)->depth + 1));
            double parent_fires = 0, fires = 0, rate = 1;
            for (size_t i = 0; i < Z.rows; i++) {
                const double *z = ndl_row(&Z, i);
                bool parent = plan.parent[k] < 0 || z[plan.parent[k]] > 0;
                assert_true(isfinite(z[k]) && z[k] >= 0);
                assert_true(parent || z[k] == 0); /* parent off: child off */
                parent_fires += parent;
                fires += z[k] > 0;
            }
            check_rate(fires, parent_fires, plan.p[k], "given the parent");
            for (int a = k; a >= 0; a = plan.parent[a])
                rate *= plan.p[a];
            check_rate(fires, SAMPLES, rate, "unconditional");
            for (int j = 0; j < k; j++) {
                check_pair(&Z, &plan, j, k);
                exclusive_pairs += plan.parent[j] == plan.parent[k] && plan.group[k] &&
                                   plan.group[j] == plan.group[k];
            }
        }
        ndl_matrix_free(&Z);
        ndl_tree_free(tree);
        gsl_rng_free(rng);
    }
    assert_true(exclusive_pairs > 50); /* the test has seen what it is about */
}

/* ----------------------------------------------------------------- magnitudes */

static void test_magnitudes(void **state)
{
    (void)state;
    /* Mean, standard deviation, and the least and largest value that may come. */
    static const struct {
        const char *text;
        double mean, sd, least, most;
    } kinds[] = {
        {"constant(0.7)", 0.7, 0, 0.7, 0.7},
        {"uniform(0.5,1.5)", 1, 0.28867513459481287, 0.5, 1.5}, /* 1/sqrt(12) */
        {"uniform(0,2)", 1, 0.57735026918962573, 0, 2},
        {"exponential(3)", 3, 3, 0, HUGE_VAL},
        /* e^0.325, e^0.325 sqrt(e^0.25 - 1) */
        {"lognormal(0.2,0.5)", 1.3840306459807514, 0.7376057769181674, 0, HUGE_VAL},
        {"lognormal(1,0)", 2.718281828459045, 0, 2.718281828459, 2.7182818284591},
    };
    enum { KINDS = sizeof kinds / sizeof *kinds, N = 40000 };
    char text[1000] = "node parent probability magnitude direction\n";
    for (size_t k = 0; k < KINDS; k++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "n%zu - 1 %s random\n", k, kinds[k].text);
    }
    write_bytes(text, strlen(text));
    struct ndl_tree *tree = read_file();
    gsl_rng *rng = stream(1, 1);
    struct ndl_matrix Z;
    assert_int_equal(ndl_tree_sample(tree, N, rng, &Z, NULL), NDL_OK);
    for (size_t k = 0; k < KINDS; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < N; i++) {
            double z = ndl_row(&Z, i)[k];
            assert_true(z > 0 && z >= kinds[k].least && z <= kinds[k].most);
            sum += z;
            square += (z - kinds[k].mean) * (z - kinds[k].mean);
        }
        double error = 5 * kinds[k].sd / sqrt(N) + 1e-12 * kinds[k].mean; /* rounding of the sum */
        assert_true(fabs(sum / N - kinds[k].mean) <= error);
        /* The variance of the variance is below (kurtosis) sd^4 / N; kurtosis <= 9
         * for all but the lognormal, whose kurtosis at sigma = 0.5 is 8.9. */
        double variance = kinds[k].sd * kinds[k].sd;
        assert_true(fabs(square / N - variance) <= 5 * 3 * variance / sqrt(N) + 1e-12);
    }
    ndl_matrix_free(&Z);
    gsl_rng_free(rng);
    ndl_tree_free(tree);
}

/* ----------------------------------------------------------------- directions */

static double dot(const struct ndl_matrix *D, size_t j, size_t k)
{
    double sum = 0;
    for (size_t c = 0; c < D->cols; c++)
        sum += ndl_row(D, j)[c] * ndl_row(D, k)[c];
    return sum;
}

/* Random lists of directions: every stated angle holds, and the file is refused
 * exactly when d is too small, which is known from the rank: every direction adds
 * one dimension until R^d is spanned, unless it is parallel to an earlier one. */
static void test_angles(void **state)
{
    (void)state;
    int refused = 0;
    for (uint64_t trial = 0; trial < 300; trial++) {
        gsl_rng *rng = stream(2, trial);
        size_t d = 2 + gsl_rng_uniform_int(rng, 9), rank = 0;
        bool fits = true, orthogonal[NODES] = {false};
        int to[NODES], degrees[NODES];
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs("node parent probability magnitude direction\n", out);
        for (int k = 0; k < NODES; k++) {
            unsigned long kind = gsl_rng_uniform_int(rng, 3);
            to[k] = -1;
            degrees[k] = 15 * (int)gsl_rng_uniform_int(rng, 13);
            fprintf(out, "n%d - 0.5 constant(1) ", k);
            if (kind == 0) {
                fputs("random\n", out);
            } else if (kind == 1 || k == 0) {
                orthogonal[k] = true;
                fits = fits && rank < d;
                fputs("orthogonal\n", out);
            } else {
                to[k] = (int)gsl_rng_uniform_int(rng, (unsigned long)k);
                fprintf(out, "angle(%d,n%d)\n", degrees[k], to[k]);
            }
            if (rank < d && (to[k] < 0 || degrees[k] % 180 != 0))
                rank++;
        }
        assert_int_equal(fclose(out), 0);
        struct ndl_tree *tree = read_file();
        struct ndl_matrix D;
        struct ndl_error err = {""};
        enum ndl_status status = ndl_tree_directions(tree, d, rng, &D, &err);
        assert_int_equal(status, fits ? NDL_OK : NDL_BADDATA);
        refused += !fits;
        for (size_t k = 0; fits && k < NODES; k++) {
            assert_true(fabs(dot(&D, k, k) - 1) <= 1e-14); /* sums of <= 10 products up to 1 */
            if (to[k] >= 0)
                assert_true(fabs(dot(&D, k, (size_t)to[k]) - cos(degrees[k] * M_PI / 180)) <=
                            1e-14);
            for (size_t j = 0; orthogonal[k] && j < k; j++)
                assert_true(fabs(dot(&D, k, j)) <= 1e-13); /* a basis vector divides its error by a
                                                              residual that may be small */
        }
        ndl_matrix_free(&D);
        ndl_tree_free(tree);
        gsl_rng_free(rng);
    }
    assert_true(refused > 20 && refused < 280);
}

/* Random directions, and those around a stated angle, favour no coordinate:
 * every coordinate's mean is 0 and mean square 1/d. */
static void test_isotropy(void **state)
{
    (void)state;
    enum { DRAWS = 4000, DIMENSIONS = 3, LINES = 3 };
    static const char text[] =
        "node parent probability magnitude direction\na - 1 constant(1) random\n"
        "b - 1 constant(1) angle(40,a)\nc - 1 constant(1) orthogonal\n";
    write_bytes(text, strlen(text));
    struct ndl_tree *tree = read_file();
    double sum[LINES][DIMENSIONS] = {{0}}, square[LINES][DIMENSIONS] = {{0}};
    gsl_rng *rng = stream(3, 0);
    for (int i = 0; i < DRAWS; i++) {
        struct ndl_matrix D;
        assert_int_equal(ndl_tree_directions(tree, DIMENSIONS, rng, &D, NULL), NDL_OK);
        for (size_t k = 0; k < LINES; k++)
            for (size_t c = 0; c < DIMENSIONS; c++) {
                sum[k][c] += ndl_row(&D, k)[c];
                square[k][c] += ndl_row(&D, k)[c] * ndl_row(&D, k)[c];
            }
        ndl_matrix_free(&D);
    }
    /* A coordinate is uniform on [-1, 1] in R^3: variances 1/3 and 1/5 - 1/9. */
    for (size_t k = 0; k < LINES; k++)
        for (size_t c = 0; c < DIMENSIONS; c++) {
            assert_true(fabs(sum[k][c]) <= 5 * sqrt(DRAWS / 3.0));
            assert_true(fabs(square[k][c] - DRAWS / 3.0) <= 5 * sqrt(DRAWS * 4.0 / 45));
        }
    gsl_rng_free(rng);
    ndl_tree_free(tree);
}

static void test_repeatable(void **state)
{
    (void)state;
    gsl_rng *rng = stream(1, 7);
    struct plan plan;
    write_random_tree(rng, &plan);
    gsl_rng_free(rng);
    struct ndl_matrix Z[3], D[3];
    for (uint64_t i = 0; i < 3; i++) {
        struct ndl_tree *tree = read_file();
        rng = stream(i == 2 ? 6 : 5, 0);
        assert_int_equal(ndl_tree_directions(tree, 5, rng, &D[i], NULL), NDL_OK);
        assert_int_equal(ndl_tree_sample(tree, 50, rng, &Z[i], NULL), NDL_OK);
        gsl_rng_free(rng);
        ndl_tree_free(tree);
    }
    size_t bytes = 50 * NODES * sizeof(double);
    assert_memory_equal(Z[0].v, Z[1].v, bytes);
    assert_memory_equal(D[0].v, D[1].v, NODES * 5 * sizeof(double));
    assert_true(memcmp(Z[0].v, Z[2].v, bytes) != 0);
    for (int i = 0; i < 3; i++) {
        ndl_matrix_free(&Z[i]);
        ndl_matrix_free(&D[i]);
    }
}

/* -------------------------------------------------------------- damaged files */

static const char sound[] = "# Dogs.\nnode parent probability magnitude direction exclusive\r\n"
                            "lab dog 0.4 uniform( 0.5, 1.5 ) random breed # one\n"
                            "dog - 0.5 constant(1) orthogonal animal\n\n"
                            "  pug dog 0.6 exponential(2) angle(60,lab) breed\n"
                            "cat - 5e-1 lognormal(0,0.5) random animal\n";

/* Reads whatever the bytes are: accepted and then usable, or refused with the
 * line.  Returns whether they were accepted. */
static bool survive(const char *bytes, size_t length)
{
    struct ndl_tree *tree;
    struct ndl_error err = {""};
    write_bytes(bytes, length);
    enum ndl_status status = ndl_tree_read(&tree, path, &err);
    if (status == NDL_BADDATA) {
        assert_null(tree);
        assert_memory_equal(err.text, path, strlen(path));
        char *end;
        assert_true(err.text[strlen(path)] == ':' &&
                    strtoul(err.text + strlen(path) + 1, &end, 10) > 0);
        assert_true(strncmp(end, ": ", 2) == 0 && end[2] != '\0');
        return false;
    }
    assert_int_equal(status, NDL_OK);
    gsl_rng *rng = stream(1, length);
    struct ndl_matrix Z, D;
    status = ndl_tree_directions(tree, 4, rng, &D, &err);
    assert_true(status == NDL_OK || status == NDL_BADDATA);
    assert_int_equal(ndl_tree_sample(tree, 20, rng, &Z, &err), NDL_OK);
    for (size_t i = 0; i < Z.rows * Z.cols; i++)
        assert_true(isfinite(Z.v[i]) && Z.v[i] >= 0);
    ndl_matrix_free(&Z);
    ndl_matrix_free(&D);
    gsl_rng_free(rng);
    ndl_tree_free(tree);
    return true;
}

static void test_damage(void **state)
{
    (void)state;
    const size_t length = strlen(sound);
    assert_true(survive(sound, length));
    int accepted = 0, refused = 0;
    for (size_t cut = 0; cut < length; cut++)
        *(survive(sound, cut) ? &accepted : &refused) += 1;
    gsl_rng *rng = stream(4, 0);
    for (int round = 0; round < 6000; round++) {
        char bytes[sizeof sound];
        memcpy(bytes, sound, length);
        /* One to three bytes replaced, by any byte or by one that the format uses. */
        for (unsigned long flips = 1 + gsl_rng_uniform_int(rng, 3); flips > 0; flips--) {
            static const char used[] = "(),#-.e019 \t\n\r";
            size_t at = gsl_rng_uniform_int(rng, length);
            bytes[at] = gsl_rng_uniform(rng) < 0.5
                            ? (char)gsl_rng_uniform_int(rng, 256)
                            : used[gsl_rng_uniform_int(rng, sizeof used - 1)];
        }
        *(survive(bytes, length) ? &accepted : &refused) += 1;
    }
    for (int round = 0; round < 500; round++) { /* no structure at all */
        char bytes[300];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)gsl_rng_uniform_int(rng, 256);
        assert_false(survive(bytes, sizeof bytes));
    }
    gsl_rng_free(rng);
    assert_true(accepted > 100 && refused > 1000); /* both ways were taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_magnitudes),
        cmocka_unit_test(test_angles),     cmocka_unit_test(test_isotropy),
        cmocka_unit_test(test_repeatable), cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("tree", tests, make_file, remove_file);
}

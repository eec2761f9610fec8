/* SAE training: penalties by hand, what an SAE learns where that is known, the same bits for any
 * number of threads and after a break, and every error. */
#include "check.h"

#include "ndl/random.h"
#include "sae/sae.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_randist.h>

/* ------------------------------------------------------------------ penalties */

static double omega(const char *name, double shape, size_t n, const double *z, double *slope)
{
    const uint32_t atom[] = {0, 1, 2, 3};
    const double weight[] = {1, 2, 3, 4};
    const int32_t parent[] = {-1, 0, 0, 1};
    double scratch[12];
    struct sae_sample s = {n, atom, z, shape, 4, weight, parent, scratch};
    return sae_objective_find(name)->penalty(&s, slope);
}

static void penalties_by_hand(void **state)
{
    (void)state;
    const double z[] = {1, 0.25, 0.5, 0.125};
    double g[4];
    check_close(omega("l1", 1, 4, z, g), 1.875, 0);
    check_close(g[3], 1, 0);
    check_close(omega("levels", 1, 4, z, g), 3.5, 0);
    check_close(g[2], 3, 0);
    check_close(omega("log", 0.5, 2, z, g), log(3) + log(1.5), 1e-15);
    check_close(g[0], 1 / 1.5, 1e-15);
    check_close(omega("tanh", 2, 1, z, g), tanh(2), 1e-15);
    check_close(g[0], 2 / (cosh(2) * cosh(2)), 1e-15);
    check_close(omega("power", 0.5, 1, z, g), sqrt(1.0001) - 0.01, 1e-15);
    check_close(g[0], 0.5 / sqrt(1.0001), 1e-15);
    /* alpha 4, latent 1 above 3, latent 0 above 1 and 2: G_3 = 1/8, G_1 = max(1/4, 1/2) from 3,
     * G_2 = 1/2, G_0 = max(1, 4 G_1 = 2, 4 G_2 = 2), the first of equals. */
    check_close(omega("treemax", 4, 4, z, g), 1 * 2 + 2 * 0.5 + 3 * 0.5 + 4 * 0.125, 1e-15);
    const bool by_two = g[2] > 3.5; /* the parent may follow either child */
    check_close(g[0], 0, 0);
    check_close(g[1], 0, 0);
    check_close(g[2], by_two ? 7 : 3, 0);
    check_close(g[3], by_two ? 12 : 28, 0);
}

/* ------------------------------------------------------------------- what is learned */

/* Two orthonormal features in the plane, exclusive, of size 1. */
static enum ndl_status draw_axes(void *context, uint64_t step, size_t rows, double *X,
                                 struct ndl_error *err)
{
    gsl_rng *rng;
    enum ndl_status status = ndl_rng(&rng, *(const uint64_t *)context, step, err);
    for (size_t i = 0; status == NDL_OK && i < rows; i++) {
        size_t axis = gsl_rng_uniform_int(rng, 2);
        X[2 * i + axis] = 1;
        X[2 * i + 1 - axis] = 0;
    }
    if (status == NDL_OK)
        gsl_rng_free(rng);
    return status;
}

static struct sae_options small(const char *objective)
{
    struct sae_options o = sae_defaults(objective);
    static const size_t level[] = {1, 2};
    static const int32_t parent[] = {-1, -1};
    o.d = o.K = 2;
    o.k = 1;
    o.level = level;
    o.levels = 2;
    o.parent = parent;
    o.bandwidth = 0.1;
    o.batch = 64;
    o.steps = 1500;
    o.rate = 3e-3;
    return o;
}

static struct sae trained(const struct sae_options *o, uint64_t seed, struct sae_report *report)
{
    struct sae sae;
    struct ndl_error err = {{0}};
    enum ndl_status status = sae_new(&sae, o, &err);
    struct sae_run run = {.draw = draw_axes, .draw_context = &seed};
    if (status == NDL_OK)
        status = sae_init_random(&sae, NULL, &err);
    if (status == NDL_OK)
        status = sae_train(&sae, &run, report, &err);
    if (status != NDL_OK)
        fail_msg("%s: %s", o->objective, err.text);
    return sae;
}

/* Exclusive features of size 1: the atoms are the axes and the least loss of an L1 SAE is that of
 * codes of 1 - lambda / 2 with the bias between the axes moving little: below that of b = 0. */
static void l1_finds_the_axes(void **state)
{
    (void)state;
    struct sae_options o = small("l1");
    o.seed = 3; /* of a start with atoms on both sides; other starts may have a dead latent */
    struct sae_report report;
    struct sae sae = trained(&o, 5, &report);
    double at_axes = o.lambda - o.lambda * o.lambda / 4;
    assert_true(report.loss < at_axes + 1e-3);
    assert_int_equal(report.step, 1500);
    sae_free(&sae);
}

/* Every objective goes down from where it starts. */
static void every_objective_descends(void **state)
{
    (void)state;
    for (const struct sae_objective *row = sae_objectives; row->name; row++) {
        struct sae_options o = small(row->name);
        struct sae_report begin, end;
        struct sae sae = trained(&o, 5, &end), first;
        o.steps = 1;
        o.decay = 0;
        first = trained(&o, 5, &begin);
        if (!(end.loss < begin.loss))
            fail_msg("%s: loss %g, then %g", row->name, begin.loss, end.loss);
        sae_free(&first);
        sae_free(&sae);
    }
}

/* The truth, orthonormal and without noise, is exact if codes are not shrunk: nothing moves. */
static void truth_stays(void **state)
{
    (void)state;
    const char *const exact[] = {"topk", "batchtopk", "jumprelu"};
    double axes[] = {1, 0, 0, 1};
    struct ndl_matrix D = {2, 2, axes};
    for (size_t i = 0; i < 3; i++) {
        struct sae_options o = small(exact[i]);
        struct sae_report report;
        struct sae sae;
        uint64_t seed = 2;
        struct sae_run run = {.draw = draw_axes, .draw_context = &seed};
        o.steps = 100;
        assert_int_equal(sae_new(&sae, &o, NULL), NDL_OK);
        assert_int_equal(sae_init_truth(&sae, &D, NULL, NULL, NULL), NDL_OK);
        assert_int_equal(sae_train(&sae, &run, &report, NULL), NDL_OK);
        check_close(report.error, 0, 0);
        check_close(report.l0, 1, 0);
        for (size_t e = 0; e < 4; e++)
            check_close(sae.value[SAE_D][e], axes[e], 0);
        sae_free(&sae);
    }
}

/* --------------------------------------------------------- threads, breaks, other designs */

static struct ndl_matrix gaussian(size_t rows, size_t cols)
{
    struct ndl_matrix X;
    gsl_rng *rng;
    assert_int_equal(ndl_matrix_alloc(&X, rows, cols, NULL), NDL_OK);
    assert_int_equal(ndl_rng(&rng, 11, 0, NULL), NDL_OK);
    for (size_t e = 0; e < rows * cols; e++)
        X.v[e] = gsl_ran_ugaussian(rng);
    gsl_rng_free(rng);
    return X;
}

/* Large enough for threads to be used. */
static struct sae_options wide(const char *objective)
{
    static const size_t level[] = {16, 96};
    static int32_t parent[96];
    for (int k = 0; k < 96; k++)
        parent[k] = k < 16 ? -1 : k % 16;
    struct sae_options o = small(objective);
    o.d = 24;
    o.K = 96;
    o.batch = 300;
    o.k = 5;
    o.level = level;
    o.parent = parent;
    o.steps = 20;
    o.dead_after = 600;
    return o;
}

/* All numbers of the SAE after training on X, to be freed. */
static double *numbers(const struct sae_options *o, struct ndl_matrix *X, const char *broken,
                       size_t *n)
{
    struct sae sae;
    struct sae_matrix source = {.X = X, .shuffle = {.rows = X->rows, .seed = 4}};
    struct sae_run run = {.draw = sae_draw_matrix, .draw_context = &source};
    assert_int_equal(sae_new(&sae, o, NULL), NDL_OK);
    assert_int_equal(broken ? sae_load(&sae, broken, NULL) : sae_init_random(&sae, NULL, NULL),
                     NDL_OK);
    assert_int_equal(sae_train(&sae, &run, NULL, NULL), NDL_OK);
    *n = 1;
    for (int p = 0; p < SAE_PARAMETERS; p++)
        *n += sae.count[p];
    double *all = calloc(*n, sizeof *all);
    assert_non_null(all);
    for (size_t p = 0, at = 1; p < SAE_PARAMETERS; at += sae.count[p++])
        if (sae.count[p])
            memcpy(all + at, sae.value[p], sae.count[p] * sizeof *all);
    all[0] = sae.batch_threshold;
    sae_shuffle_free(&source.shuffle);
    sae_free(&sae);
    return all;
}

static void same_bits_on_any_threads(void **state)
{
    (void)state;
    struct ndl_matrix X = gaussian(1000, 24);
    for (const struct sae_objective *row = sae_objectives; row->name; row++) {
        struct sae_options o = wide(row->name);
        size_t n;
        double *one = numbers(&o, &X, NULL, &n);
        o.threads = 3;
        double *three = numbers(&o, &X, NULL, &n);
        if (memcmp(one, three, n * sizeof *one) != 0)
            fail_msg("%s: three threads give other bits than one", row->name);
        free(one);
        free(three);
    }
    ndl_matrix_free(&X);
}

static bool stop_at_nine(void *context, const struct sae_report *report)
{
    (void)context;
    return report->step < 9;
}

static void same_bits_after_a_break(void **state)
{
    (void)state;
    struct ndl_matrix X = gaussian(1000, 24);
    char path[] = "/tmp/unit_sae.XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    for (const struct sae_objective *row = sae_objectives; row->name; row++) {
        struct sae_options o = wide(row->name);
        struct sae sae;
        struct sae_matrix source = {.X = &X, .shuffle = {.rows = X.rows, .seed = 4}};
        struct sae_run run = {.draw = sae_draw_matrix, .draw_context = &source, .checkpoint = path};
        size_t n;
        double *whole = numbers(&o, &X, NULL, &n);
        run.progress = stop_at_nine;
        assert_int_equal(sae_new(&sae, &o, NULL), NDL_OK);
        assert_int_equal(sae_init_random(&sae, NULL, NULL), NDL_OK);
        assert_int_equal(sae_train(&sae, &run, NULL, NULL), NDL_OK);
        assert_int_equal(sae.step, 9);
        sae_free(&sae);
        sae_shuffle_free(&source.shuffle);
        double *broken = numbers(&o, &X, path, &n);
        if (memcmp(whole, broken, n * sizeof *whole) != 0)
            fail_msg("%s: a break changes the result", row->name);
        free(whole);
        free(broken);
    }
    unlink(path);
    ndl_matrix_free(&X);
}

/* A design that is not in the table: a smoothed square root. */
static double penalty_root(const struct sae_sample *s, double *slope)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum += sqrt(s->z[i] + s->shape);
        slope[i] = 0.5 / sqrt(s->z[i] + s->shape);
    }
    return sum;
}

static void a_design_of_ones_own(void **state)
{
    (void)state;
    const struct sae_objective root = {
        .name = "root", .activation = SAE_RELU, .penalty = penalty_root, .shape = 0.01};
    struct sae_options o = small(NULL);
    struct sae_report report;
    o.custom = &root;
    o.shape = root.shape;
    o.seed = 3;
    struct sae sae = trained(&o, 5, &report);
    assert_string_equal(sae.objective->name, "root");
    assert_true(report.error < 0.05);
    sae_free(&sae);
}

/* ------------------------------------------------------------------------- codes */

/* The codes of the trained SAE, one at a time. */
static void codes_one_at_a_time(void **state)
{
    (void)state;
    struct ndl_matrix X = gaussian(700, 24), dense;
    const char *const names[] = {"l1", "topk", "batchtopk", "jumprelu", "gated"};
    for (size_t which = 0; which < 5; which++) {
        struct sae_options o = wide(names[which]);
        struct sae sae;
        struct ndl_codes Z;
        size_t on = 0;
        o.threshold = 0.5;
        assert_int_equal(sae_new(&sae, &o, NULL), NDL_OK);
        assert_int_equal(sae_init_random(&sae, NULL, NULL), NDL_OK);
        assert_int_equal(sae_step(&sae, X.v, NULL, NULL), NDL_OK);
        assert_int_equal(sae_encode(&sae, &X, &Z, NULL), NDL_OK);
        assert_int_equal(ndl_codes_to_dense(&dense, &Z, NULL), NDL_OK);
        for (size_t i = 0; i < X.rows; i++)
            for (size_t k = 0; k < o.K; k++) {
                double pi = 0, z = ndl_row(&dense, i)[k];
                for (size_t c = 0; c < o.d; c++)
                    pi += sae.value[SAE_E][k * o.d + c] *
                          (ndl_row(&X, i)[c] - sae.value[SAE_B_DEC][c]);
                double gate = pi + sae.value[SAE_B_ENC][k];
                double bound = which == 2   ? sae.batch_threshold
                               : which == 3 ? exp(sae.value[SAE_LOG_THETA][k])
                                            : 0;
                double expected = gate > bound ? gate : 0;
                if (which == 4)
                    expected =
                        gate > 0
                            ? fmax(0, exp(sae.value[SAE_R_MAG][k]) * pi + sae.value[SAE_B_MAG][k])
                            : 0;
                if (which == 1 && !(z > 0))
                    continue; /* not chosen; there are k of a row */
                check_close(z, expected, 1e-13);
                on += z > 0;
            }
        if (which == 1)
            assert_int_equal(on, X.rows * 5);
        ndl_matrix_free(&dense);
        ndl_codes_free(&Z);
        sae_free(&sae);
    }
    ndl_matrix_free(&X);
}

static void every_row_once_an_epoch(void **state)
{
    (void)state;
    struct sae_shuffle shuffle = {.rows = 10, .seed = 9};
    size_t first[10], row, moved = 0;
    int times[10] = {0};
    for (uint64_t i = 0; i < 30; i++) {
        assert_int_equal(sae_shuffle_row(&shuffle, i, &row, NULL), NDL_OK);
        assert_true(row < 10);
        times[row]++;
        if (i < 10)
            first[i] = row;
        else
            moved += row != first[i % 10];
    }
    for (int r = 0; r < 10; r++)
        assert_int_equal(times[r], 3);
    assert_true(moved > 5);             /* two more permutations */
    for (uint64_t i = 0; i < 10; i++) { /* back to an earlier epoch */
        assert_int_equal(sae_shuffle_row(&shuffle, i, &row, NULL), NDL_OK);
        assert_int_equal(row, first[i]);
    }
    sae_shuffle_free(&shuffle);
}

/* ------------------------------------------------------------------------ errors */

static void refused(const struct sae_options *o, const char *because)
{
    struct sae sae;
    struct ndl_error err = {{0}};
    assert_int_equal(sae_new(&sae, o, &err), NDL_BADARG);
    if (!strstr(err.text, because))
        fail_msg("'%s' does not say '%s'", err.text, because);
    assert_null(sae.state);
    sae_free(&sae);
}

/* Options with one field changed are refused, for the reason given. */
#define REFUSED(objective, because, ...)                                                           \
    do {                                                                                           \
        struct sae_options o = small(objective);                                                   \
        __VA_ARGS__;                                                                               \
        refused(&o, because);                                                                      \
    } while (0)

static void options_out_of_range(void **state)
{
    (void)state;
    const size_t falling[] = {2, 1}, short_of_K[] = {1};
    const int32_t later[] = {1, -1};
    const double negative[] = {1, -1};
    static const struct sae_objective empty = {.name = "empty", .activation = SAE_GATED};
    REFUSED("l1", "no objective 'l2'", o.objective = "l2");
    REFUSED("l1", "0 latents", o.K = 0);
    REFUSED("l1", "too many", o.K = (size_t)1 << 30, o.d = (size_t)1 << 30, o.levels = 0);
    REFUSED("levels", "needs levels", o.levels = 0, o.parent = NULL);
    REFUSED("matryoshka-l1", "needs levels", o.levels = 0);
    REFUSED("treemax", "needs the parent", o.parent = NULL);
    REFUSED("levels", "not after", o.level = falling);
    REFUSED("levels", "not at 2", o.level = short_of_K, o.levels = 1);
    REFUSED("matryoshka-l1", "prefix 1 is -1", o.prefix_weight = negative);
    REFUSED("treemax", "latent 0 has the parent 1", o.parent = later);
    REFUSED("levels", "weight of latent 1", o.weight = negative);
    REFUSED("topk", "k of topk is 1.5", o.k = 1.5);
    REFUSED("batchtopk", "k of batchtopk is 0", o.k = 0);
    REFUSED("jumprelu", "bandwidth 0", o.bandwidth = 0);
    REFUSED("l1", "a gated SAE has a penalty", o.custom = &empty);
    REFUSED("topk", "unit norms", o.norms = SAE_FREE);
    REFUSED("l1", "lambda is nan", o.lambda = (double)NAN);
    REFUSED("l1", "rate is 0", o.rate = 0);
    REFUSED("l1", "beta2 is 1", o.beta2 = 1);
    REFUSED("l1", "anneal_to is 0.1", o.anneal_to = 0.1);
    REFUSED("l1", "no steps", o.steps = 0);
    REFUSED("l1", "seed 0", o.seed = 0);
    REFUSED("l1", "0 threads", o.threads = 0);
}

static void what_is_not_finite_is_named(void **state)
{
    (void)state;
    struct sae_options o = small("l1");
    struct ndl_error err = {{0}};
    struct sae sae;
    double X[128] = {0}, before[4];
    assert_int_equal(sae_new(&sae, &o, &err), NDL_OK);
    assert_int_equal(sae_init_random(&sae, NULL, &err), NDL_OK);
    memcpy(before, sae.value[SAE_D], sizeof before);
    X[7] = (double)NAN;
    assert_int_equal(sae_step(&sae, X, NULL, &err), NDL_BADDATA);
    assert_string_equal(err.text, "step 1: sample 3 of the batch, column 1 is nan");
    X[7] = 1e200;
    assert_int_equal(sae_step(&sae, X, NULL, &err), NDL_BADDATA);
    assert_non_null(strstr(err.text, "step 1: the loss is inf"));
    assert_memory_equal(before, sae.value[SAE_D], sizeof before);
    X[7] = 0;
    sae.value[SAE_B_ENC][1] = (double)NAN;
    assert_int_equal(sae_step(&sae, X, NULL, &err), NDL_BADDATA);
    assert_string_equal(err.text, "step 1: the loss is nan; first not finite: b_enc of latent 1");
    assert_int_equal(sae.step, 0);
    sae_free(&sae);
}

static void checkpoints_of_others(void **state)
{
    (void)state;
    char path[] = "/tmp/unit_sae.XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    struct sae_options o = small("l1");
    struct ndl_error err = {{0}};
    struct sae sae, other;
    assert_int_equal(sae_new(&sae, &o, &err), NDL_OK);
    assert_int_equal(sae_load(&sae, path, &err), NDL_BADDATA);
    assert_non_null(strstr(err.text, "not a checkpoint"));
    assert_int_equal(sae_init_random(&sae, NULL, &err), NDL_OK);
    assert_int_equal(sae_save(&sae, path, &err), NDL_OK);
    o.lambda = 0.2;
    assert_int_equal(sae_new(&other, &o, &err), NDL_OK);
    assert_int_equal(sae_load(&other, path, &err), NDL_BADDATA);
    assert_non_null(
        strstr(err.text, "another run: 'lambda 0.10000000000000001' there, 'lambda 0.2"));
    sae_free(&other);
    assert_int_equal(truncate(path, 900), 0);
    assert_int_equal(sae_load(&sae, path, &err), NDL_BADDATA);
    assert_non_null(strstr(err.text, "bytes of state"));
    unlink(path);
    assert_int_equal(sae_load(&sae, path, &err), NDL_IO);
    assert_int_equal(sae_save(&sae, "/nowhere/x", &err), NDL_IO);
    sae_free(&sae);
}

static void starts_that_do_not_fit(void **state)
{
    (void)state;
    struct sae_options o = small("l1");
    struct sae sae;
    double v[] = {1, 0, 0, 2, 0, 0};
    struct ndl_matrix three = {3, 2, v}, two = {2, 2, v}, one = {1, 2, v};
    assert_int_equal(sae_new(&sae, &o, NULL), NDL_OK);
    assert_int_equal(sae_init_truth(&sae, &three, NULL, NULL, NULL), NDL_BADARG);
    assert_int_equal(sae_init_truth(&sae, &two, NULL, NULL, NULL), NDL_BADARG); /* not unit */
    assert_int_equal(sae_init_truth(&sae, &one, &two, NULL, NULL), NDL_BADARG);
    assert_int_equal(sae_init_truth(&sae, &one, NULL, NULL, NULL), NDL_OK);
    check_close(sae.value[SAE_D][0], 1, 0);
    sae_free(&sae);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(penalties_by_hand),           cmocka_unit_test(l1_finds_the_axes),
        cmocka_unit_test(every_objective_descends),    cmocka_unit_test(truth_stays),
        cmocka_unit_test(same_bits_on_any_threads),    cmocka_unit_test(same_bits_after_a_break),
        cmocka_unit_test(a_design_of_ones_own),        cmocka_unit_test(codes_one_at_a_time),
        cmocka_unit_test(every_row_once_an_epoch),     cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(what_is_not_finite_is_named), cmocka_unit_test(checkpoints_of_others),
        cmocka_unit_test(starts_that_do_not_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* property_audit.c -- the audit against a dense O(N K^2) reference written from the
 * definitions alone, pair by pair, on random codes of many kinds; the result must not
 * depend on shards, threads, or where the codes are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <gsl/gsl_randist.h>

#include "audit/audit.h"
#include "ndl/random.h"

/* --------------------------------------------------------------- random cases */

struct trial {
    struct ndl_matrix Z, D; /* N x K, K x d */
    struct ndl_audit_options options;
};

/* A column of codes: sparse, dense, always on, dead, constant, or with ties. */
static void random_column(gsl_rng *r, struct ndl_matrix *Z, size_t k)
{
    double rate[] = {0, 0.02, 0.1, 0.3, 0.5, 0.9, 0.97, 1};
    double on = rate[gsl_rng_uniform_int(r, 8)];
    unsigned long kind = gsl_rng_uniform_int(r, 4);
    for (size_t i = 0; i < Z->rows; i++) {
        double v = kind == 0   ? 1
                   : kind == 1 ? 1 + (double)gsl_rng_uniform_int(r, 3)
                   : kind == 2 ? 5 + 0.2 * gsl_ran_ugaussian(r)
                               : 0.01 + gsl_ran_exponential(r, 1);
        ndl_row(Z, i)[k] = gsl_rng_uniform(r) < on ? v : 0;
    }
}

/* Makes j a child of k, with leaks; or its rival, never on together; or its complement. */
static void relate(gsl_rng *r, struct ndl_matrix *Z, size_t j, size_t k)
{
    unsigned long kind = gsl_rng_uniform_int(r, 4);
    double leak = (double)gsl_rng_uniform_int(r, 3) * 0.01;
    for (size_t i = 0; i < Z->rows; i++) {
        double *z = ndl_row(Z, i);
        if (kind == 0 && z[k] == 0 && gsl_rng_uniform(r) >= leak)
            z[j] = 0;
        if (kind == 1 && z[k] > 0)
            z[j] = 0;
        if (kind == 2)
            z[j] = z[k] > 0 ? 0 : 1 + gsl_rng_uniform(r);
    }
}

static void random_decoder(gsl_rng *r, struct ndl_matrix *D)
{
    for (size_t k = 0; k < D->rows; k++) {
        double *row = ndl_row(D, k);
        const double *earlier = ndl_row(D, k ? gsl_rng_uniform_int(r, k) : 0);
        unsigned long kind = gsl_rng_uniform_int(r, 5);
        for (size_t i = 0; i < D->cols; i++)
            row[i] = k > 0 && kind == 0   ? -2 * earlier[i] /* antipodal: p = 2 m exactly */
                     : k > 0 && kind == 1 ? earlier[i]      /* coincident: p = 0 */
                     : kind == 2          ? 3.0 * (i == k % D->cols)
                                          : gsl_ran_ugaussian(r);
    }
}

static void make_trial(struct trial *t, uint64_t number)
{
    gsl_rng *r;
    assert_int_equal(ndl_rng(&r, 1, number, NULL), NDL_OK);
    const size_t rows[] = {1, 2, 7, 60, 63, 64, 65, 400, 2000};
    const double nears[] = {0, 0.01, 0.05, 0.3, 0.9}, tolerances[] = {1e-9, 1e-3, 0.3};
    size_t K = number % 11 == 0 ? 1 : 2 + gsl_rng_uniform_int(r, 24);
    assert_int_equal(ndl_matrix_alloc(&t->Z, rows[gsl_rng_uniform_int(r, 9)], K, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&t->D, K, 1 + gsl_rng_uniform_int(r, 6), NULL), NDL_OK);
    random_decoder(r, &t->D);
    for (size_t k = 0; k < K; k++)
        random_column(r, &t->Z, k);
    for (size_t q = 0; K > 1 && q < K; q++) {
        size_t j = gsl_rng_uniform_int(r, K), k = gsl_rng_uniform_int(r, K);
        if (j != k)
            relate(r, &t->Z, j, k);
    }
    /* the samples from here on are floats */
    size_t doubles = gsl_rng_uniform_int(r, 2) * t->Z.rows / 2;
    for (size_t e = doubles * K; e < t->Z.rows * K; e++)
        t->Z.v[e] = (double)(float)t->Z.v[e];
    t->options = ndl_audit_defaults(gsl_rng_uniform_int(r, 3) > 0);
    t->options.near = nears[gsl_rng_uniform_int(r, 5)];
    t->options.tolerance = tolerances[gsl_rng_uniform_int(r, 3)];
    t->options.expected = gsl_rng_uniform_int(r, 2) ? 1 : 25;
    const size_t bands[] = {0, 1, 10, 100, 1000};
    t->options.band = bands[gsl_rng_uniform_int(r, 5)];
    t->options.antipodal = gsl_rng_uniform_int(r, 2) ? -0.9 : -0.2;
    gsl_rng_free(r);
}

static void free_trial(struct trial *t)
{
    ndl_matrix_free(&t->Z);
    ndl_matrix_free(&t->D);
}

/* ---------------------------------------------------------------- reference */

static double norm_of(const struct ndl_matrix *D, size_t k)
{
    double s = 0;
    for (size_t i = 0; i < D->cols; i++)
        s += ndl_row(D, k)[i] * ndl_row(D, k)[i];
    return sqrt(s);
}

static size_t count_on(const struct ndl_matrix *Z, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < Z->rows; i++)
        n += ndl_row(Z, i)[k] > 0;
    return n;
}

static double reference_cosine(const struct ndl_matrix *D, size_t j, size_t k)
{
    long double s = 0;
    for (size_t i = 0; i < D->cols; i++)
        s += (long double)ndl_row(D, j)[i] * (long double)ndl_row(D, k)[i];
    return (double)fmaxl(-1, fminl(1, s / (long double)norm_of(D, j) / (long double)norm_of(D, k)));
}

static void reference_pair(const struct trial *t, size_t j, size_t k, struct ndl_audit_pair *pair)
{
    size_t N = t->Z.rows, on = count_on(&t->Z, j), off = 0, above = 0, below = 0, positive = 0;
    double scale = norm_of(&t->D, j), h = reference_cosine(&t->D, j, k);
    long double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += (long double)ndl_row(&t->Z, i)[j];
    double m = (double)(sum / (long double)N) * scale, p = m * (1 - h),
           slack = t->options.tolerance * m;
    *pair = (struct ndl_audit_pair){.j = (uint32_t)j,
                                    .k = (uint32_t)k,
                                    .cosine = h,
                                    .mean = m,
                                    .z_min_off = (double)NAN,
                                    .z_max_off = (double)NAN};
    for (size_t i = 0; i < N; i++) {
        double z = ndl_row(&t->Z, i)[j] * scale;
        pair->together += z > 0 && ndl_row(&t->Z, i)[k] > 0;
        if (ndl_row(&t->Z, i)[k] > 0)
            continue;
        off++;
        pair->z_min_off = fmin(pair->z_min_off, z); /* fmin ignores the NaN */
        pair->z_max_off = fmax(pair->z_max_off, z);
        above += z >= p - slack;
        below += z <= p + slack;
        positive += z > 0;
    }
    pair->always_on = off == 0;
    pair->dead = on == 0 || count_on(&t->Z, k) == 0;
    pair->support = !t->options.bias ? positive : above < below ? above : below;
    if (on == 0) {
        pair->margin = (double)NAN;
        return;
    }
    if (!pair->dead)
        pair->violated = pair->support == 0 && (t->options.bias || 1 - h > t->options.tolerance);
    if (!pair->dead && !pair->violated && off > 0)
        pair->near = (double)pair->support <= t->options.near * (double)on;
    if (!t->options.bias)
        pair->margin = positive > 0 ? 1 - h : h - 1;
    else if (off == 0)
        pair->margin = (double)-INFINITY;
    else
        pair->margin = fmin(pair->z_max_off - p, p - pair->z_min_off) / m;
    if (pair->violated)
        pair->slope = t->options.bias && off == 0 ? -1 : pair->margin * m;
}

/* ---------------------------------------------------------------- comparison */

/* Sums of at most 2000 terms in another order, then a few operations: 1e-12 relative to
 * the larger of the value and 1 (cosines and margins are differences of such numbers). */
static void same_number(double x, double y)
{
    if (isnan(y) || isinf(y))
        assert_true(isnan(y) ? isnan(x) : x == y);
    else
        assert_true(fabs(x - y) <= 1e-12 * fmax(1, fabs(y)));
}

static void same_pair(const struct ndl_audit_pair *x, const struct ndl_audit_pair *y)
{
    assert_int_equal(x->j, y->j);
    assert_int_equal(x->k, y->k);
    assert_int_equal(x->always_on, y->always_on);
    assert_int_equal(x->dead, y->dead);
    same_number(x->cosine, y->cosine);
    same_number(x->mean, y->mean);
    same_number(x->z_min_off, y->z_min_off);
    same_number(x->z_max_off, y->z_max_off);
    same_number(x->margin, y->margin);
    same_number(x->slope, y->slope);
    assert_int_equal(x->together, y->together);
    assert_int_equal(x->support, y->support);
    assert_int_equal(x->violated, y->violated);
    assert_int_equal(x->near, y->near);
}

static void run(const struct trial *t, const struct ndl_audit_options *options, size_t shard,
                struct ndl_audit **audit, struct ndl_audit_report *report)
{
    struct ndl_error err = {{0}};
    size_t N = t->Z.rows;
    assert_int_equal(ndl_audit_new(audit, &t->D, options, &err), NDL_OK);
    for (size_t first = 0; first < N; first += shard) {
        struct ndl_matrix part = {.rows = N - first < shard ? N - first : shard,
                                  .cols = t->Z.cols,
                                  .v = t->Z.v + first * t->Z.cols};
        struct ndl_codes codes;
        assert_int_equal(ndl_codes_from_dense(&codes, &part, &err), NDL_OK);
        assert_int_equal(ndl_audit_add(*audit, &codes, &err), NDL_OK);
        ndl_codes_free(&codes);
    }
    assert_int_equal(ndl_audit_finish(*audit, report, &err), NDL_OK);
}

struct walk {
    const struct trial *t;
    const struct ndl_audit_report *report;
    size_t j, next, pairs, always_on, dead;
};

/* One j: every pair as the reference says, and the listed ones just those to be listed. */
static bool check_row(void *context, const struct ndl_audit_pair *pair, size_t count)
{
    struct walk *w = context;
    assert_int_equal(count, w->t->Z.cols - 1);
    for (size_t q = 0; q < count; q++) {
        struct ndl_audit_pair expected;
        reference_pair(w->t, w->j, q < w->j ? q : q + 1, &expected);
        same_pair(&pair[q], &expected);
        w->dead += expected.dead;
        w->always_on += !expected.dead && expected.always_on;
        w->pairs += !expected.dead && !expected.always_on;
        if (expected.violated || expected.near) {
            assert_true(w->next < w->report->listed);
            same_pair(&w->report->list[w->next++], &expected);
        }
    }
    w->j++;
    return true;
}

static size_t meetings(const struct ndl_matrix *Z, size_t j, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < Z->rows; i++)
        n += ndl_row(Z, i)[j] > 0 && ndl_row(Z, i)[k] > 0;
    return n;
}

static bool exclusive(const struct trial *t, size_t j, size_t k)
{
    double nj = (double)count_on(&t->Z, j), nk = (double)count_on(&t->Z, k), N = (double)t->Z.rows;
    return nj > 0 && nk > 0 && fmax(nj, nk) >= t->options.expected * N / fmin(nj, nk) &&
           meetings(&t->Z, j, k) == 0;
}

static void check_features(const struct trial *t, const struct ndl_audit_report *r)
{
    size_t K = t->Z.cols, N = t->Z.rows, live = 0, always_on = 0, dense = 0, antipodal = 0,
           pairs = 0;
    for (size_t k = 0; k < K; k++) {
        size_t n = count_on(&t->Z, k);
        assert_int_equal(r->fires[k], n);
        live += n > 0;
        always_on += n == N;
        dense += n > 0 && (double)n >= t->options.dense * (double)N;
        for (size_t j = 0; j < k; j++)
            pairs += exclusive(t, j, k);
    }
    assert_int_equal(r->samples, N);
    assert_int_equal(r->features, K);
    assert_int_equal(r->live, live);
    assert_int_equal(r->dead, K - live);
    assert_int_equal(r->always_on, always_on);
    assert_int_equal(r->dense, dense);
    assert_int_equal(r->exclusive_pairs, pairs);
    for (size_t j = 0; j < K; j++)
        for (size_t k = j + 1; k < K; k++) {
            double least = t->options.dense * (double)N, h = reference_cosine(&t->D, j, k);
            if (r->fires[j] == 0 || r->fires[k] == 0 || (double)r->fires[j] < least ||
                (double)r->fires[k] < least || h >= t->options.antipodal)
                continue;
            assert_true(antipodal < r->antipodal);
            assert_int_equal(r->antipodal_list[antipodal].j, j);
            assert_int_equal(r->antipodal_list[antipodal].k, k);
            same_number(r->antipodal_list[antipodal++].cosine, h);
        }
    assert_int_equal(r->antipodal, antipodal);
}

/* The groups are exclusive through and through, disjoint, ordered, and as large as the
 * greedy rule makes them: no feature could have joined an earlier group. */
static void check_groups(const struct trial *t, const struct ndl_audit_report *r)
{
    size_t K = t->Z.cols;
    size_t *group = calloc(K, sizeof *group);
    assert_non_null(group);
    for (size_t g = 0; g < r->groups; g++) {
        assert_true(r->group_start[g + 1] - r->group_start[g] >= 2);
        for (size_t e = r->group_start[g]; e < r->group_start[g + 1]; e++) {
            size_t k = r->group_member[e];
            assert_true(k < K && group[k] == 0);
            group[k] = g + 1;
            for (size_t f = r->group_start[g]; f < e; f++) {
                size_t earlier = r->group_member[f];
                assert_true(exclusive(t, k, earlier));
                assert_true(r->fires[earlier] > r->fires[k] ||
                            (r->fires[earlier] == r->fires[k] && earlier < k));
            }
        }
    }
    for (size_t j = 0; j < K; j++)
        for (size_t k = 0; k < K; k++) /* two features without a group would have made one */
            if (j != k && group[j] == 0 && group[k] == 0)
                assert_false(exclusive(t, j, k));
    for (size_t k = 0; k < K; k++)
        for (size_t g = 0; g < (group[k] ? group[k] - 1 : r->groups); g++) {
            bool fits = true; /* with the members more frequent than k, k would have joined */
            size_t before = 0;
            for (size_t e = r->group_start[g]; e < r->group_start[g + 1]; e++) {
                size_t other = r->group_member[e];
                bool first =
                    r->fires[other] > r->fires[k] || (r->fires[other] == r->fires[k] && other < k);
                before += first;
                fits = fits && (!first || exclusive(t, k, other));
            }
            assert_false(fits && before > 0);
        }
    free(group);
}

/* To the last bit: fields, because the padding is not ours. */
static void identical(const struct ndl_audit_report *x, const struct ndl_audit_report *y)
{
    assert_int_equal(x->listed, y->listed);
    for (size_t q = 0; q < x->listed; q++) {
        const struct ndl_audit_pair *a = &x->list[q], *b = &y->list[q];
        const double va[] = {a->cosine, a->mean, a->z_min_off, a->z_max_off, a->margin, a->slope};
        const double vb[] = {b->cosine, b->mean, b->z_min_off, b->z_max_off, b->margin, b->slope};
        assert_memory_equal(va, vb, sizeof va);
        assert_true(a->j == b->j && a->k == b->k && a->support == b->support &&
                    a->together == b->together);
    }
    assert_memory_equal(x->mean, y->mean, x->features * sizeof *x->mean);
    assert_memory_equal(x->fires, y->fires, x->features * sizeof *x->fires);
    assert_int_equal(x->exclusive_pairs, y->exclusive_pairs);
    assert_int_equal(x->groups, y->groups);
    assert_memory_equal(x->group_start, y->group_start, (x->groups + 1) * sizeof *x->group_start);
    assert_memory_equal(x->group_member, y->group_member,
                        x->group_start[x->groups] * sizeof *x->group_member);
}

/* -------------------------------------------------------------------- tests */

enum { TRIALS = 400 };

static void test_every_pair(void **state)
{
    (void)state;
    size_t violated = 0, near = 0, always_on = 0, groups = 0, antipodal = 0;
    for (uint64_t n = 0; n < TRIALS; n++) {
        struct trial t;
        struct ndl_audit *audit;
        struct ndl_audit_report report;
        make_trial(&t, n);
        run(&t, &t.options, t.Z.rows, &audit, &report);
        struct walk w = {.t = &t, .report = &report};
        assert_int_equal(ndl_audit_each(audit, check_row, &w, NULL), NDL_OK);
        assert_int_equal(w.next, report.listed);
        assert_int_equal(w.pairs, report.pairs);
        assert_int_equal(w.always_on, report.pairs_always_on);
        assert_int_equal(w.dead, report.pairs_dead);
        assert_int_equal(report.violated + report.near + report.violated_always_on, report.listed);
        check_features(&t, &report);
        check_groups(&t, &report);
        violated += report.violated;
        near += report.near;
        always_on += report.violated_always_on;
        groups += report.groups;
        antipodal += report.antipodal;
        ndl_audit_report_free(&report);
        ndl_audit_free(audit);
        free_trial(&t);
    }
    /* The trials reach every verdict, or this test says nothing. */
    assert_true(violated > 1000 && near > 1000 && always_on > 1000 && groups > 50 &&
                antipodal > 100);
}

/* How many mappings this process has of files that have no name. */
static size_t nameless(void)
{
    char line[8192];
    size_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        n += strstr(line, "(deleted)") != NULL;
    fclose(maps);
    return n;
}

static void test_shards_threads_and_spilling(void **state)
{
    (void)state;
    size_t spilled = 0;
    for (uint64_t n = 0; n < TRIALS; n += 4) {
        struct trial t;
        struct ndl_audit *audit[3];
        struct ndl_audit_report report[3];
        make_trial(&t, n);
        struct ndl_audit_options threads = t.options, spill = t.options;
        threads.threads = 3;
        spill.band = 300;
        spill.memory = (size_t)256 << 10; /* room for the first bands; the later ones are files */
        spill.spill = "/tmp";
        run(&t, &t.options, t.Z.rows, &audit[0], &report[0]);
        run(&t, &threads, 7, &audit[1], &report[1]);
        run(&t, &spill, 1 + t.Z.rows / 2, &audit[2], &report[2]);
        spilled += nameless();
        for (int q = 1; q < 3; q++)
            identical(&report[0], &report[q]);
        for (int q = 0; q < 3; q++) {
            ndl_audit_report_free(&report[q]);
            ndl_audit_free(audit[q]);
        }
        free_trial(&t);
    }
    assert_true(spilled > 100);
}

/* Thousands of samples with a real near threshold: the pruning prunes here, and the pairs
 * it drops must all be ones that the exact count would not list. */
static void test_pruning(void **state)
{
    (void)state;
    size_t violated = 0, near = 0;
    for (uint64_t n = 0; n < 6; n++) {
        gsl_rng *r;
        struct trial t = {.options = ndl_audit_defaults(n % 3 != 0)};
        assert_int_equal(ndl_rng(&r, 2, n, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&t.Z, 20000, 40, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&t.D, 40, 8, NULL), NDL_OK);
        random_decoder(r, &t.D);
        t.options.expected = 1;
        t.options.band = 10000;
        for (size_t k = 0; k < 40; k++) {
            double rate = pow(10, -(k < 20 ? 1 : 3) * gsl_rng_uniform(r)),
                   spread = gsl_rng_uniform(r);
            for (size_t i = 0; i < t.Z.rows; i++)
                if (gsl_rng_uniform(r) < rate)
                    ndl_row(&t.Z, i)[k] = 1 + spread * gsl_ran_exponential(r, 1);
        }
        for (size_t k = 0; k < 20; k++) /* children that leak about as often as the threshold */
            for (size_t i = 0; i < t.Z.rows; i++) {
                double *z = ndl_row(&t.Z, i);
                if (z[k] == 0 && gsl_rng_uniform(r) > 0.0005 * (double)k)
                    z[k + 20] = 0;
            }
        struct ndl_audit *audit;
        struct ndl_audit_report report;
        run(&t, &t.options, t.Z.rows, &audit, &report);
        struct walk w = {.t = &t, .report = &report};
        assert_int_equal(ndl_audit_each(audit, check_row, &w, NULL), NDL_OK);
        assert_int_equal(w.next, report.listed);
        check_features(&t, &report);
        check_groups(&t, &report);
        violated += report.violated;
        near += report.near;
        ndl_audit_report_free(&report);
        ndl_audit_free(audit);
        free_trial(&t);
        gsl_rng_free(r);
    }
    assert_true(violated > 10 && near > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_shards_threads_and_spilling),
        cmocka_unit_test(test_pruning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

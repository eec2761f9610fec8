/* property_condition.c -- random representations: a violated condition comes
 * with a direction that is feasible, keeps the reconstruction, and changes the
 * loss as predicted; where it holds no random direction descends. */
#include "check.h"

#include <stdlib.h>

#include <gsl/gsl_randist.h>

#include "claims/kit/random_problem.h"
#include "ndl/ndl.h"

#define TOLERANCE 1e-9

struct trial {
    struct ndl_matrix X;
    struct ndl_model m;
    double firing; /* probability */
};

/* Unit atoms, half of them around a common direction, sparse codes (sometimes a
 * feature that fires only with the one before), data b + Z D plus noise. */
static void draw(gsl_rng *rng, struct trial *t, size_t N, size_t K, size_t d, double noise)
{
    t->m = (struct ndl_model){.lambda = 0.01 + gsl_rng_uniform(rng),
                              .bias = gsl_rng_uniform(rng) < 0.6};
    t->firing = 0.2 + 0.6 * gsl_rng_uniform(rng);
    struct ndl_matrix Z;
    assert_int_equal(ndl_matrix_alloc(&t->X, N, d, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&Z, N, K, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&t->m.D, K, d, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&t->m.b, 1, d, NULL), NDL_OK);
    for (size_t k = 0; k < K; k++) {
        double *atom = ndl_row(&t->m.D, k), norm = 0;
        ndl_random_unit(rng, atom, d);
        atom[0] += k % 2 ? 1 : 0;
        for (size_t x = 0; x < d; x++)
            norm += atom[x] * atom[x];
        for (size_t x = 0; x < d; x++)
            atom[x] /= sqrt(norm);
        bool child = k > 0 && gsl_rng_uniform(rng) < 0.2;
        for (size_t i = 0; i < N; i++)
            if (gsl_rng_uniform(rng) < t->firing && (!child || ndl_row(&Z, i)[k - 1] > 0))
                ndl_row(&Z, i)[k] = 0.2 + gsl_ran_exponential(rng, 1);
    }
    for (size_t x = 0; x < d; x++)
        t->m.b.v[x] = t->m.bias ? gsl_ran_gaussian(rng, 1) : 0;
    for (size_t i = 0; i < N; i++)
        for (size_t x = 0; x < d; x++) {
            double sum = t->m.b.v[x] + gsl_ran_gaussian(rng, noise);
            for (size_t k = 0; k < K; k++)
                sum += ndl_row(&Z, i)[k] * ndl_row(&t->m.D, k)[x];
            ndl_row(&t->X, i)[x] = sum;
        }
    assert_int_equal(ndl_codes_from_dense(&t->m.Z, &Z, NULL), NDL_OK);
    ndl_matrix_free(&Z);
}

static void trial_free(struct trial *t)
{
    ndl_matrix_free(&t->X);
    ndl_model_free(&t->m);
}

/* The largest step that keeps all codes nonnegative, at most 1. */
static double largest_step(const struct ndl_matrix *Z, const struct ndl_condition *c)
{
    double most = 1;
    for (size_t i = 0; i < Z->rows; i++) {
        double s = c->c, z = ndl_row(Z, i)[c->k];
        for (size_t j = 0; j < c->count; j++)
            s += c->a[j] * ndl_row(Z, i)[c->J[j]];
        if (z > 0 && s < 0)
            most = fmin(most, -z / s);
    }
    return most;
}

static double loss_change(const struct trial *t, const struct ndl_condition *c, double eps)
{
    struct ndl_model moved;
    struct ndl_error err;
    if (ndl_condition_step(&t->m, c, eps, &moved, &err) != NDL_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < moved.Z.rows; i++)
        for (size_t e = moved.Z.start[i]; e < moved.Z.start[i + 1]; e++) {
            assert_true(moved.Z.value[e] > 0);
            assert_true(e == moved.Z.start[i] || moved.Z.atom[e] > moved.Z.atom[e - 1]);
        }
    double change = ndl_loss(&t->X, &moved) - ndl_loss(&t->X, &t->m);
    ndl_model_free(&moved);
    return change / ((double)t->X.rows * t->m.lambda);
}

static void check_violation(const struct trial *t, const struct ndl_matrix *Z,
                            const struct ndl_condition *c)
{
    double largest = 0;
    for (size_t j = 0; j < c->count; j++)
        largest = fmax(largest, fabs(c->a[j]));
    if (c->off_samples > 0) {
        check_close(largest, 1, 1e-15);
        assert_true(c->margin < -TOLERANCE);
    }
    assert_true(c->slope < 0);
    if (!t->m.bias)
        check_close(c->c, 0, 0);
    for (size_t i = 0; i < Z->rows; i++) {
        double s = c->c;
        for (size_t j = 0; j < c->count; j++)
            s += c->a[j] * ndl_row(Z, i)[c->J[j]];
        if (!(ndl_row(Z, i)[c->k] > 0))
            assert_true(s >= -1e-13); /* rounding of sums of at most 12 terms of about 1 */
    }
    /* Finite steps: rounding of the two losses, in units of N lambda, is some
     * 1e-15 of either; the change is exact, however large the step. */
    double most = largest_step(Z, c), N = (double)t->X.rows;
    double round = 1e-13 * (1 + ndl_loss(&t->X, &t->m) / (N * t->m.lambda));
    for (double part = 0.9; part > 1e-2; part /= 5)
        check_close(loss_change(t, c, part * most), ndl_condition_change(&t->m, c, part * most),
                    round);
    /* The slope: a one-sided difference of third order (the direction is one-sided). */
    double e = 1e-3 * most, f1 = loss_change(t, c, e), f2 = loss_change(t, c, 2 * e),
           f3 = loss_change(t, c, 3 * e);
    double slope = (18 * f1 - 9 * f2 + 2 * f3) / (6 * e);
    double means = 0;
    for (size_t j = 0; j < c->count; j++)
        for (size_t i = 0; i < Z->rows; i++)
            means += ndl_row(Z, i)[c->J[j]] / N;
    /* f'''' <= 15 per atom */
    check_close(slope, c->slope, 10 * round / e + 10 * means * e * e * e);
}

/* Where the condition holds, a feasible direction has a slope >= 0: with a bias
 * c = -min over {k off} of a.z, without one a.z >= 0 is granted by a >= 0. */
static void check_no_descent(gsl_rng *rng, const struct trial *t, const struct ndl_matrix *Z,
                             const struct ndl_condition *c)
{
    double a[16], N = (double)Z->rows;
    for (int try = 0; try < 50; try++) {
        double low = HUGE_VAL, slope = 0, size = 0;
        for (size_t j = 0; j < c->count; j++)
            a[j] = t->m.bias ? gsl_ran_gaussian(rng, 1) : gsl_rng_uniform(rng);
        for (size_t i = 0; i < Z->rows; i++) {
            double s = 0;
            for (size_t j = 0; j < c->count; j++)
                s += a[j] * ndl_row(Z, i)[c->J[j]];
            if (!(ndl_row(Z, i)[c->k] > 0))
                low = fmin(low, s);
        }
        for (size_t j = 0; j < c->count; j++) {
            double mean = 0, h = 0;
            for (size_t i = 0; i < Z->rows; i++)
                mean += ndl_row(Z, i)[c->J[j]] / N;
            for (size_t x = 0; x < t->X.cols; x++)
                h += ndl_row(&t->m.D, c->J[j])[x] * ndl_row(&t->m.D, c->k)[x];
            slope += a[j] * mean * (1 - h);
            size += fabs(a[j]) * mean;
        }
        assert_true(slope - (t->m.bias ? low : 0) >= -TOLERANCE * size);
    }
}

static void run(uint64_t stream, int trials, size_t most_atoms, enum ndl_hull_method method,
                int *held, int *violated)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 30, stream, NULL), NDL_OK);
    for (int trial = 0; trial < trials; trial++) {
        struct trial t;
        struct ndl_matrix Z;
        size_t K = 2 + gsl_rng_uniform_int(rng, most_atoms - 1);
        draw(rng, &t, 20 + gsl_rng_uniform_int(rng, 200), K, 2 + gsl_rng_uniform_int(rng, 12),
             trial % 2 ? 0 : 0.3);
        assert_int_equal(ndl_codes_to_dense(&Z, &t.m.Z, NULL), NDL_OK);
        size_t k = gsl_rng_uniform_int(rng, K),
               other = (k + 1 + gsl_rng_uniform_int(rng, K - 1)) % K;
        for (int all = 0; all < 2; all++) {
            struct ndl_condition c;
            struct ndl_error err;
            enum ndl_status status = ndl_condition_check(&t.m, k, all ? NULL : &other, all ? 0 : 1,
                                                         method, 0, TOLERANCE, &c, &err);
            double total = 0;
            for (size_t i = 0; i < Z.rows; i++)
                total += ndl_row(&Z, i)[other];
            if (!all && !(total > 0)) {
                assert_int_equal(status, NDL_BADARG); /* dead */
                continue;
            }
            if (status != NDL_OK)
                fail_msg("%s", err.text);
            if (c.holds)
                check_no_descent(rng, &t, &Z, &c);
            else
                check_violation(&t, &Z, &c);
            held[t.m.bias] += c.holds;
            violated[t.m.bias] += !c.holds;
            ndl_condition_free(&c);
        }
        ndl_matrix_free(&Z);
        trial_free(&t);
    }
    gsl_rng_free(rng);
}

static void up_to_eight_dimensions(void **state)
{
    (void)state;
    int held[2] = {0}, violated[2] = {0};
    run(1, 400, 9, NDL_AUTO, held, violated);
    assert_true(held[0] > 30 && held[1] > 30 && violated[0] > 30 && violated[1] > 30);
}

static void above_eight_dimensions(void **state)
{
    (void)state;
    int held[2] = {0}, violated[2] = {0};
    run(2, 100, 13, NDL_LP, held, violated);
    assert_true(held[0] > 5 && held[1] > 5 && violated[0] > 5 && violated[1] > 5);
}

/* For any model, stationary or not: sum_i w_ik z_ij = m_j - (2 / (lambda N)) sum_i z_ij r_i.d_k,
 * which the atoms' condition turns into m_j (1 - h_jk). */
static void multipliers(void **state)
{
    (void)state;
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 30, 3, NULL), NDL_OK);
    for (int trial = 0; trial < 50; trial++) {
        struct trial t;
        struct ndl_matrix Z, W;
        size_t N = 30, K = 5, d = 4;
        draw(rng, &t, N, K, d, 0.5);
        assert_int_equal(ndl_codes_to_dense(&Z, &t.m.Z, NULL), NDL_OK);
        assert_int_equal(ndl_multiplier_weights(&t.X, &t.m, &W, NULL), NDL_OK);
        for (size_t k = 0; k < K; k++)
            for (size_t j = 0; j < K; j++) {
                double left = 0, right = 0;
                for (size_t i = 0; i < N; i++) {
                    double rd = 0;
                    for (size_t x = 0; x < d; x++) {
                        double r = ndl_row(&t.X, i)[x] - t.m.b.v[x];
                        for (size_t l = 0; l < K; l++)
                            r -= ndl_row(&Z, i)[l] * ndl_row(&t.m.D, l)[x];
                        rd += r * ndl_row(&t.m.D, k)[x];
                    }
                    left += ndl_row(&W, i)[k] * ndl_row(&Z, i)[j];
                    right += ndl_row(&Z, i)[j] * (1 - 2 * rd / t.m.lambda) / (double)N;
                }
                /* 30 terms of size 1 / (lambda N) */
                check_close(left, right, 1e-14 * (1 + 10 / t.m.lambda));
            }
        ndl_matrix_free(&Z);
        ndl_matrix_free(&W);
        trial_free(&t);
    }
    gsl_rng_free(rng);
}

/* At an optimum no share is below its bound; the share is counted again, sample by sample. */
static void check_shares(const struct ndl_matrix *X, const struct ndl_model *m, size_t k)
{
    struct ndl_share s;
    struct ndl_matrix Z;
    assert_int_equal(ndl_share_check(X, m, k, 0, &s, NULL), NDL_OK);
    assert_int_equal(ndl_codes_to_dense(&Z, &m->Z, NULL), NDL_OK);
    for (size_t j = 0; j < Z.cols; j++) {
        double all = 0, off = 0;
        for (size_t i = 0; i < Z.rows; i++) {
            all += ndl_row(&Z, i)[j];
            off += ndl_row(&Z, i)[k] > 0 ? 0 : ndl_row(&Z, i)[j];
        }
        if (!(all > 0) || j == k)
            continue;
        check_close(s.share[j], off / all, 1e-14);
        assert_true(s.share[j] >=
                    s.bound[j] - 1e-8); /* KKT residuals of 1e-10 over a cap 1 + rho >= 0.01 */
    }
    ndl_matrix_free(&Z);
    ndl_share_free(&s);
}

static void shares(void **state)
{
    (void)state;
    size_t optima = 0;
    for (size_t trial = 0; trial < 80; trial++) {
        gsl_rng *rng;
        struct random_problem p;
        struct ndl_matrix X;
        struct ndl_model m;
        struct ndl_certificate certificate;
        assert_int_equal(ndl_rng(&rng, 31, trial, NULL), NDL_OK);
        assert_int_equal(random_problem_run(rng, trial, &p, &X, &m, NULL), NDL_OK);
        assert_int_equal(ndl_certify(&X, &m, &certificate, NULL), NDL_OK);
        if (certificate.worst <= 1e-9) {
            optima++;
            for (size_t k = 0; k < m.D.rows; k++)
                check_shares(&X, &m, k);
        }
        ndl_matrix_free(&X);
        ndl_model_free(&m);
        gsl_rng_free(rng);
    }
    assert_true(optima > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(up_to_eight_dimensions),
                                       cmocka_unit_test(above_eight_dimensions),
                                       cmocka_unit_test(multipliers), cmocka_unit_test(shares)};
    return cmocka_run_group_tests_name("random conditions", tests, NULL, NULL);
}

/* Learning on random data: derivatives against finite differences, the first-order conditions
 * recomputed here, monotone descent, and independence of the number of threads. */
#include "check.h"

#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/reduced_loss.h"

#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

static gsl_rng *stream(uint64_t trial)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 21, trial, NULL), NDL_OK);
    return rng;
}

/* N samples of K random features in R^d, each firing with probability p, plus an offset. */
static struct ndl_matrix mixture(gsl_rng *rng, size_t N, size_t d, size_t K, double p,
                                 double offset)
{
    struct ndl_matrix X, atoms;
    assert_int_equal(ndl_matrix_alloc(&X, N, d, NULL), NDL_OK);
    assert_int_equal(ndl_matrix_alloc(&atoms, K, d, NULL), NDL_OK);
    for (size_t k = 0; k < K; k++)
        ndl_random_unit(rng, ndl_row(&atoms, k), d);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < K; k++) {
            double z = gsl_rng_uniform(rng) < p ? gsl_ran_flat(rng, 0.5, 1.5) : 0;
            for (size_t j = 0; j < d; j++)
                ndl_row(&X, i)[j] +=
                    z * ndl_row(&atoms, k)[j] + (k == 0) * (offset + gsl_ran_gaussian(rng, 0.02));
        }
    ndl_matrix_free(&atoms);
    return X;
}

/* f and its derivatives at random atoms, and a random tangent. */
struct point {
    struct ndl_reduced f;
    struct ndl_point p, q;
    double *V, *g, *g2, *HV;
};

static void point_at(struct point *t, const struct ndl_matrix *X, size_t K, double lambda,
                     bool bias, gsl_rng *rng)
{
    assert_int_equal(ndl_reduced_alloc(&t->f, X, K, lambda, bias, 2, NULL), NDL_OK);
    assert_int_equal(ndl_point_alloc(&t->p, &t->f, NULL), NDL_OK);
    assert_int_equal(ndl_point_alloc(&t->q, &t->f, NULL), NDL_OK);
    size_t entries = (K + 1) * X->cols;
    double **vector[] = {&t->V, &t->g, &t->g2, &t->HV};
    for (int v = 0; v < 4; v++) {
        *vector[v] = calloc(entries, sizeof **vector[v]);
        assert_non_null(*vector[v]);
    }
    for (size_t k = 0; k < K; k++)
        ndl_random_unit(rng, ndl_row(&t->p.atoms_and_bias, k), X->cols);
    for (size_t j = 0; j < X->cols && bias; j++)
        ndl_row(&t->p.atoms_and_bias, K)[j] = gsl_ran_gaussian(rng, 0.1);
    assert_int_equal(ndl_reduced_eval(&t->f, &t->p, NULL, NULL), NDL_OK);
    for (size_t e = 0; e < entries; e++)
        t->V[e] = gsl_ran_gaussian(rng, 1);
    ndl_tangent(&t->f, &t->p, t->V);
}

static void point_free(struct point *t)
{
    ndl_point_free(&t->p);
    ndl_point_free(&t->q);
    ndl_reduced_free(&t->f);
    free(t->V);
    free(t->g);
    free(t->g2);
    free(t->HV);
}

/* q = the point on the geodesic from p along V at t; q's loss and gradient, in g2. */
static void walk(struct point *s, double t)
{
    size_t K = s->f.K, d = s->f.d;
    for (size_t k = 0; k <= K; k++) {
        double speed = 0, c = 1, r = t;
        for (size_t j = 0; j < d; j++)
            speed += s->V[k * d + j] * s->V[k * d + j];
        speed = sqrt(speed);
        if (k < K && speed > 0) {
            c = cos(speed * t);
            r = sin(speed * t) / speed;
        }
        for (size_t j = 0; j < d; j++)
            ndl_row(&s->q.atoms_and_bias, k)[j] =
                c * ndl_row(&s->p.atoms_and_bias, k)[j] + r * s->V[k * d + j];
    }
    assert_int_equal(ndl_reduced_eval(&s->f, &s->q, &s->p.Z, NULL), NDL_OK);
}

static double inner(size_t n, const double *x, const double *y)
{
    double s = 0;
    for (size_t e = 0; e < n; e++)
        s += x[e] * y[e];
    return s;
}

static void gradient_is_the_slope(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 20; trial++) {
        gsl_rng *rng = stream(trial);
        struct ndl_matrix X = mixture(rng, 200, 6, 8, 0.2, 0.3);
        struct point s;
        point_at(&s, &X, 5, 0.2, trial % 2, rng);
        ndl_reduced_gradient(&s.f, &s.p, s.g);
        double h = 1e-5, slope = inner(6 * 6, s.g, s.V);
        walk(&s, h);
        double up = s.q.loss;
        walk(&s, -h);
        double down = s.q.loss;
        /* f is C^1 with a piecewise continuous second derivative: between kinks the error
         * is h^2 f'''/6, a kink adds about h times its jump per sample that crosses, rounding
         * eps f / h. */
        check_close((up - down) / (2 * h), slope, 1e-4 * (1 + fabs(slope)));
        point_free(&s);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

/* Along a geodesic d/dt <g, c'> = <V, HV>; and H is symmetric. */
static void hessian_is_the_slope_of_the_gradient(void **state)
{
    (void)state;
    int smooth = 0;
    for (uint64_t trial = 0; trial < 20; trial++) {
        gsl_rng *rng = stream(trial);
        size_t n = 6 * 6;
        struct ndl_matrix X = mixture(rng, 60, 6, 8, 0.2, 0.3);
        struct point s;
        point_at(&s, &X, 5, 0.2, trial % 2, rng);
        ndl_reduced_hessian(&s.f, &s.p, s.V, s.HV);
        double h = 1e-4, curvature = inner(n, s.V, s.HV), f0 = s.p.loss;
        walk(&s, h);
        double up = s.q.loss;
        bool same = s.q.Z.start[60] == s.p.Z.start[60] &&
                    memcmp(s.q.Z.atom, s.p.Z.atom, s.p.Z.start[60] * sizeof *s.p.Z.atom) == 0;
        walk(&s, -h);
        double down = s.q.loss;
        same = same && s.q.Z.start[60] == s.p.Z.start[60] &&
               memcmp(s.q.Z.atom, s.p.Z.atom, s.p.Z.start[60] * sizeof *s.p.Z.atom) == 0;
        if (same) { /* no kink between */
            smooth++;
            /* h^2 f''''/12 and rounding 4 eps f / h^2 ~ 1e-6, at curvatures of some hundreds */
            check_close((up - 2 * f0 + down) / (h * h), curvature, 1e-5 * (10 + fabs(curvature)));
        }
        for (size_t e = 0; e < n; e++)
            s.g[e] = gsl_ran_gaussian(rng, 1);
        ndl_tangent(&s.f, &s.p, s.g);
        ndl_reduced_hessian(&s.f, &s.p, s.g, s.g2);
        /* rounding */
        check_close(inner(n, s.V, s.g2), inner(n, s.g, s.HV), 1e-10 * (1 + fabs(curvature)));
        point_free(&s);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
    assert_true(smooth >= 10); /* the comparison was made */
}

/* The relative residuals of struct ndl_certificate, in plain loops. */
static double worst_condition(const struct ndl_matrix *X, const struct ndl_model *m)
{
    size_t N = X->rows, d = X->cols, K = m->D.rows;
    double *R = calloc(N * d, sizeof *R), *pull = calloc(K * d, sizeof *pull),
           *usage = calloc(K, sizeof *usage);
    double worst = 0, bias = 0, norms = 0;
    struct ndl_matrix Z;
    assert_true(R && pull && usage);
    assert_int_equal(ndl_codes_to_dense(&Z, &m->Z, NULL), NDL_OK);
    for (size_t i = 0; i < N; i++) {
        double *r = R + i * d, square = 0;
        for (size_t j = 0; j < d; j++) {
            r[j] = ndl_row(X, i)[j] - m->b.v[j];
            for (size_t k = 0; k < K; k++)
                r[j] -= ndl_row(&Z, i)[k] * ndl_row(&m->D, k)[j];
            square += r[j] * r[j];
        }
        norms += sqrt(square);
        for (size_t k = 0; k < K; k++) {
            double z = ndl_row(&Z, i)[k], mu = m->lambda;
            for (size_t j = 0; j < d; j++) {
                mu -= 2 * r[j] * ndl_row(&m->D, k)[j];
                pull[k * d + j] += z * r[j];
            }
            usage[k] += z;
            worst = fmax(worst, (z > 0 ? fabs(mu) : -mu) / m->lambda);
        }
    }
    for (size_t k = 0; k < K; k++)
        if (usage[k] > 0) {
            double square = 0, target = m->lambda / 2 * usage[k];
            for (size_t j = 0; j < d; j++)
                square += pow(pull[k * d + j] - target * ndl_row(&m->D, k)[j], 2);
            worst = fmax(worst, sqrt(square) / target);
        }
    for (size_t j = 0; j < d && m->bias; j++) {
        double sum = 0;
        for (size_t i = 0; i < N; i++)
            sum += R[i * d + j];
        bias += sum * sum;
    }
    free(R);
    free(pull);
    free(usage);
    ndl_matrix_free(&Z);
    return norms > 0 ? fmax(worst, sqrt(bias) / norms) : worst;
}

struct watch {
    double last;
    int calls;
    bool rose;
};

static void watch(void *context, const char *phase, int iteration, double loss, double residual)
{
    struct watch *w = context;
    (void)phase;
    (void)residual;
    assert_int_equal(iteration, w->calls + 1);
    /* 64 eps: near the end a step may be taken for its residual within the rounding of the loss. */
    w->rose = w->rose || (w->calls > 0 && loss > w->last * (1 + 2e-14));
    w->last = loss;
    w->calls++;
}

static void reaches_the_conditions(void **state)
{
    (void)state;
    const struct {
        size_t N, d, K;
        double p, lambda;
        bool bias;
    } problem[] = {
        {300, 4, 3, 0.3, 0.1, true},      {500, 8, 12, 0.15, 0.2, false},
        {400, 3, 6, 0.3, 0.05, true},     {800, 16, 20, 0.1, 0.2, true},
        {1000, 32, 48, 0.06, 0.3, false}, {200, 2, 4, 0.5, 1e-3, true},
    };
    for (size_t s = 0; s < sizeof problem / sizeof *problem; s++) {
        gsl_rng *rng = stream(100 + s);
        struct ndl_matrix X =
            mixture(rng, problem[s].N, problem[s].d, problem[s].K, problem[s].p, 0.2);
        struct ndl_fit_options o = ndl_fit_defaults(problem[s].K, problem[s].lambda);
        struct watch w = {0};
        struct ndl_model m;
        struct ndl_fit_report r;
        struct ndl_error err = {{0}};
        o.bias = problem[s].bias;
        o.threads = 2;
        o.progress = watch;
        o.progress_context = &w;
        enum ndl_status status = ndl_fit(&X, &o, &m, &r, &err);
        if (status != NDL_OK)
            print_error("problem %zu: %s\n", s, err.text);
        assert_int_equal(status, NDL_OK);
        /* the tolerance, and rounding */
        check_close(worst_condition(&X, &m), 0, 1e-10 + 1e-14 / o.lambda);
        assert_false(w.rose);
        assert_true(r.curvature > -1e-8);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

static void seed_decides_and_threads_do_not(void **state)
{
    (void)state;
    gsl_rng *rng = stream(200);
    struct ndl_matrix X = mixture(rng, 600, 8, 10, 0.2, 0.1);
    struct ndl_fit_options o = ndl_fit_defaults(10, 0.2);
    struct ndl_model m[3];
    struct ndl_fit_report r[3];
    o.starts = 5;
    for (int run = 0; run < 3; run++) {
        o.threads = run + 1;
        enum ndl_status status = ndl_fit(&X, &o, &m[run], &r[run], NULL);
        assert_int_equal(status, NDL_OK);
        assert_int_equal(r[run].best_start, r[0].best_start);
        assert_memory_equal(m[run].D.v, m[0].D.v, 80 * sizeof *m[0].D.v);
        assert_memory_equal(m[run].b.v, m[0].b.v, 8 * sizeof *m[0].b.v);
        assert_memory_equal(m[run].Z.start, m[0].Z.start, 601 * sizeof *m[0].Z.start);
        assert_memory_equal(m[run].Z.value, m[0].Z.value, m[0].Z.start[600] * sizeof *m[0].Z.value);
        assert_memory_equal(r[run].start_loss, r[0].start_loss, 5 * sizeof *r[0].start_loss);
    }
    for (int s = 0; s < 5; s++)
        assert_true(r[0].start_loss[r[0].best_start] <= r[0].start_loss[s]);
    for (int run = 0; run < 3; run++) {
        ndl_model_free(&m[run]);
        ndl_fit_report_free(&r[run]);
    }
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

/* The result, given as a start, is where it stays. */
static void a_minimum_is_kept(void **state)
{
    (void)state;
    gsl_rng *rng = stream(300);
    struct ndl_matrix X = mixture(rng, 400, 6, 8, 0.2, 0.1);
    struct ndl_fit_options o = ndl_fit_defaults(8, 0.2);
    struct ndl_model m, again;
    struct ndl_fit_report r, r2;
    assert_int_equal(ndl_fit(&X, &o, &m, &r, NULL), NDL_OK);
    o.D0 = &m.D;
    o.b0 = &m.b;
    assert_int_equal(ndl_fit(&X, &o, &again, &r2, NULL), NDL_OK);
    for (size_t e = 0; e < 48; e++)
        check_close(again.D.v[e], m.D.v[e], 1e-9); /* the tolerance over the curvature */
    check_close(r2.loss, r.loss, 1e-13 * r.loss);
    ndl_model_free(&m);
    ndl_model_free(&again);
    ndl_fit_report_free(&r);
    ndl_fit_report_free(&r2);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

/* So many samples that the descent begins with some of them, and that threads share one start;
 * the number of these changes no bit. */
static void many_samples(void **state)
{
    (void)state;
    gsl_rng *rng = stream(400);
    struct ndl_matrix X = mixture(rng, 12000, 12, 16, 0.08, 0);
    struct ndl_fit_options o = ndl_fit_defaults(16, 0.2);
    struct ndl_model m[2];
    struct ndl_fit_report r;
    o.bias = false;
    o.tolerance = 1e-8;
    for (int run = 0; run < 2; run++) {
        o.threads = 1 + 2 * run;
        assert_int_equal(ndl_fit(&X, &o, &m[run], &r, NULL), NDL_OK);
        ndl_fit_report_free(&r);
    }
    check_close(worst_condition(&X, &m[0]), 0, 1e-8);
    assert_memory_equal(m[1].D.v, m[0].D.v, 192 * sizeof *m[0].D.v);
    assert_memory_equal(m[1].Z.start, m[0].Z.start, 12001 * sizeof *m[0].Z.start);
    assert_memory_equal(m[1].Z.value, m[0].Z.value, m[0].Z.start[12000] * sizeof *m[0].Z.value);
    ndl_model_free(&m[0]);
    ndl_model_free(&m[1]);
    ndl_matrix_free(&X);
    gsl_rng_free(rng);
}

/* Far from any feature and with a penalty of a thousandth of the data the valleys are narrow. */
static void small_penalty(void **state)
{
    (void)state;
    for (unsigned long t = 0; t < 5; t++) {
        gsl_rng *rng = stream(500 + t);
        struct ndl_matrix X;
        struct ndl_fit_options o = ndl_fit_defaults(12, 2e-4);
        struct ndl_model m;
        struct ndl_fit_report r;
        assert_int_equal(ndl_matrix_alloc(&X, 80, 5, NULL), NDL_OK);
        for (size_t e = 0; e < 400; e++)
            X.v[e] = gsl_ran_gaussian_ziggurat(rng, 1);
        o.tolerance = 1e-9;
        /* some 150 are needed; straight to this penalty it took more than 1,000 */
        o.max_iterations = 500;
        assert_int_equal(ndl_fit(&X, &o, &m, &r, NULL), NDL_OK);
        check_close(worst_condition(&X, &m), 0, 1e-9);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
        ndl_matrix_free(&X);
        gsl_rng_free(rng);
    }
}

/* The same from given atoms: straight ahead first, and if that takes too long, by way of larger
 * penalties. */
static void given_start_at_a_small_penalty(void **state)
{
    (void)state;
    for (unsigned long t = 0; t < 3; t++) {
        gsl_rng *rng = stream(600 + t);
        struct ndl_matrix X, D0;
        struct ndl_fit_options o = ndl_fit_defaults(12, 2e-4);
        struct ndl_model m;
        struct ndl_fit_report r;
        assert_int_equal(ndl_matrix_alloc(&X, 80, 5, NULL), NDL_OK);
        assert_int_equal(ndl_matrix_alloc(&D0, 12, 5, NULL), NDL_OK);
        for (size_t e = 0; e < 400; e++)
            X.v[e] = gsl_ran_gaussian_ziggurat(rng, 1);
        for (size_t k = 0; k < 12; k++)
            ndl_random_unit(rng, ndl_row(&D0, k), 5);
        o.D0 = &D0;
        o.tolerance = 1e-9;
        o.max_iterations = 250;
        assert_int_equal(ndl_fit(&X, &o, &m, &r, NULL), NDL_OK);
        assert_true(r.used_continuation && r.iterations > 250 && r.iterations <= 500);
        check_close(worst_condition(&X, &m), 0, 1e-9);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
        /* A penalty that is not small leaves no way but straight ahead. */
        o.lambda = 1;
        o.max_iterations = 2;
        assert_int_equal(ndl_fit(&X, &o, &m, &r, NULL), NDL_NOCONV);
        assert_true(!r.used_continuation && r.iterations <= 2);
        ndl_model_free(&m);
        ndl_fit_report_free(&r);
        ndl_matrix_free(&X);
        ndl_matrix_free(&D0);
        gsl_rng_free(rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_the_slope),
        cmocka_unit_test(hessian_is_the_slope_of_the_gradient),
        cmocka_unit_test(reaches_the_conditions),
        cmocka_unit_test(seed_decides_and_threads_do_not),
        cmocka_unit_test(a_minimum_is_kept),
        cmocka_unit_test(many_samples),
        cmocka_unit_test(small_penalty),
        cmocka_unit_test(given_start_at_a_small_penalty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

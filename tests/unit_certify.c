/* unit_certify.c -- the certificate is 0 at optima known in closed form, and
 * notices every single thing that is then broken. */
#include "check.h"

#include <string.h>

#include "ndl/ndl.h"

#define ROUND 1e-15 /* relative residuals of a handful of exact or nearly exact numbers */

/* Orthogonal rays, no bias: atoms 0.6 0.8 / -0.8 0.6, a third orthogonal one
 * dead; z = t - lambda/2 on ray k at distance t; the samples shorter than
 * lambda/2 stay off. */
static struct {
    double x[5 * 3], d[3 * 3], b[3], value[4];
    size_t start[6];
    uint32_t atom[4];
    struct ndl_matrix X;
    struct ndl_model m;
} rays;

static const double radius[5] = {2, 3, 1, 0.2, 5};
static const size_t ray[5] = {0, 1, 0, 1, 1};

static int set_up_rays(void **state)
{
    (void)state;
    const double atoms[9] = {0.6, 0.8, 0, -0.8, 0.6, 0, 0, 0, 1};
    memset(&rays, 0, sizeof rays);
    memcpy(rays.d, atoms, sizeof atoms);
    for (size_t i = 0, e = 0; i < 5; i++) {
        for (size_t x = 0; x < 3; x++)
            rays.x[i * 3 + x] = radius[i] * atoms[ray[i] * 3 + x];
        if (radius[i] > 0.25) {
            rays.atom[e] = (uint32_t)ray[i];
            rays.value[e++] = radius[i] - 0.25;
        }
        rays.start[i + 1] = e;
    }
    rays.X = (struct ndl_matrix){.rows = 5, .cols = 3, .v = rays.x};
    rays.m = (struct ndl_model){
        .D = {.rows = 3, .cols = 3, .v = rays.d},
        .b = {.rows = 1, .cols = 3, .v = rays.b},
        .Z = {.rows = 5, .cols = 3, .start = rays.start, .atom = rays.atom, .value = rays.value},
        .lambda = 0.5,
    };
    return 0;
}

static struct ndl_certificate certify(void)
{
    struct ndl_certificate c;
    struct ndl_error err = {""};
    if (ndl_certify(&rays.X, &rays.m, &c, &err) != NDL_OK)
        fail_msg("%s", err.text);
    check_close(c.loss, ndl_loss(&rays.X, &rays.m), 1e-13 * c.loss); /* two orders of summation */
    const double all[] = {c.atoms, c.bias,     c.codes_off, c.codes_on,
                          c.norm,  c.negative, c.always_on};
    double worst = 0;
    for (size_t x = 0; x < 7; x++) {
        assert_true(all[x] >= 0 && all[x] <= c.worst);
        worst = fmax(worst, all[x]);
    }
    check_close(c.worst, worst, 0);
    return c;
}

static void an_optimum(void **state)
{
    (void)state;
    struct ndl_certificate c = certify();
    check_close(c.worst, 0, 4 * ROUND);
    assert_int_equal(c.live, 2);
    assert_int_equal(c.dead, 1);
    /* the Huber function of the radii: lambda t - lambda^2 / 4, or t^2 below the corner */
    check_close(c.loss, 0.5 * (2 + 3 + 1 + 5) - 4 * 0.0625 + 0.04, 1e-13);
}

static void a_turned_atom(void **state)
{
    (void)state;
    double t = 1e-6, c = cos(t), s = sin(t);
    rays.d[0] = c * 0.6 - s * 0.8;
    rays.d[1] = c * 0.8 + s * 0.6;
    struct ndl_certificate got = certify();
    check_close(got.norm, 0, ROUND);
    /* r = x - z d turns by -z t u: sum z r changes by -sum z^2 t, lambda/2 sum z d by
     * lambda/2 sum z t; z = 1.75, 0.75 */
    double z2 = 1.75 * 1.75 + 0.75 * 0.75, z = 2.5;
    /* first order in t */
    check_close(got.atoms, t * (z2 + 0.25 * z) / (0.25 * z), 1e-6 * got.atoms);
    assert_true(got.worst > 1e-6);
}

static void a_longer_atom(void **state)
{
    (void)state;
    for (size_t x = 0; x < 3; x++)
        rays.d[x] *= 1 + 1e-7;
    struct ndl_certificate c = certify();
    check_close(c.norm, 1e-7, ROUND);
    assert_true(c.atoms > 1e-8 && c.codes_on > 1e-8);
}

static void a_longer_dead_atom(void **state)
{
    (void)state;
    rays.d[8] = 1 + 1e-7;
    check_close(certify().worst, 1e-7, ROUND);
}

static void one_wrong_code(void **state)
{
    (void)state;
    rays.value[1] += 1e-7; /* sample 1, atom 1: mu grows by 2e-7 */
    struct ndl_certificate c = certify();
    check_close(c.codes_on, 2e-7 / 0.5, 4 * ROUND);
    check_close(c.codes_off, 0, 4 * ROUND);
}

static void a_missing_code(void **state)
{
    (void)state;
    memmove(rays.value + 1, rays.value + 2, 2 * sizeof *rays.value); /* sample 1 forgets atom 1 */
    memmove(rays.atom + 1, rays.atom + 2, 2 * sizeof *rays.atom);
    for (size_t i = 2; i <= 5; i++)
        rays.start[i]--;
    /* |mu| = 2 r.d - lambda, r = 3 d */
    check_close(certify().codes_off, (2 * 3 - 0.5) / 0.5, 1e-14);
}

static void a_code_too_many(void **state)
{
    (void)state;
    rays.atom[0] = 2; /* sample 0 uses the dead atom instead */
    struct ndl_certificate c = certify();
    check_close(c.codes_on, (0.5 + 2 * 1.75) / 0.5, 1e-14);
    assert_int_equal(c.live, 3);
}

static void a_dead_atom_that_should_live(void **state)
{
    (void)state;
    /* atom 2 = atom 0: fine, mu = 0 where that fires */
    memcpy(rays.d + 6, rays.d, 2 * sizeof *rays.d);
    rays.d[8] = 0;
    check_close(certify().worst, 0, 4 * ROUND);
    rays.x[14] = 1; /* a third coordinate that no atom can reach, but a dead one would */
    rays.d[6] = rays.d[7] = 0;
    rays.d[8] = 1;
    check_close(certify().codes_off, (2 * 1 - 0.5) / 0.5, 1e-14);
}

static void a_negative_code(void **state)
{
    (void)state;
    rays.value[0] = -0.25;
    check_close(certify().negative, 0.25, 0);
}

/* x = -2, -1, 1, 2 with atoms +1 and -1: b = 0 is the Huber location. */
static void the_bias(void **state)
{
    (void)state;
    double x[] = {-2, -1, 1, 2}, d[] = {1, -1}, b[] = {0}, value[] = {1.75, 0.75, 0.75, 1.75};
    size_t start[] = {0, 1, 2, 3, 4};
    uint32_t atom[] = {1, 1, 0, 0};
    rays.X = (struct ndl_matrix){.rows = 4, .cols = 1, .v = x};
    rays.m = (struct ndl_model){
        .D = {.rows = 2, .cols = 1, .v = d},
        .b = {.rows = 1, .cols = 1, .v = b},
        .Z = {.rows = 4, .cols = 2, .start = start, .atom = atom, .value = value},
        .lambda = 0.5,
        .bias = true,
    };
    check_close(certify().worst, 0, 0);
    b[0] = 1e-6; /* r = x - b - z d = +-1/4 - 1e-6 */
    check_close(certify().bias, 4e-6, 1e-14);
    rays.m.bias = false;
    struct ndl_certificate c = certify();
    check_close(c.bias, 0, 0);
    assert_true(c.worst > 1e-7);
}

/* One atom +1 that fires for all of x = 1, 2, 3: z = 0.5, 1.5, 2.5, b = 0.25. */
static void always_on(void **state)
{
    (void)state;
    double x[] = {1, 2, 3}, d[] = {1}, b[] = {0.25}, value[] = {0.5, 1.5, 2.5};
    size_t start[] = {0, 1, 2, 3};
    uint32_t atom[] = {0, 0, 0};
    rays.X = (struct ndl_matrix){.rows = 3, .cols = 1, .v = x};
    rays.m = (struct ndl_model){
        .D = {.rows = 1, .cols = 1, .v = d},
        .b = {.rows = 1, .cols = 1, .v = b},
        .Z = {.rows = 3, .cols = 1, .start = start, .atom = atom, .value = value},
        .lambda = 0.5,
        .bias = true,
    };
    struct ndl_certificate c = certify();
    check_close(c.always_on, 0.5 / 1.5, ROUND);
    check_close(c.bias, 1, ROUND);
    rays.m.bias = false;
    check_close(certify().always_on, 0, 0);
}

static void refusals(void **state)
{
    struct ndl_certificate c;
    struct ndl_error err;
#define REFUSED(status) assert_int_equal(ndl_certify(&rays.X, &rays.m, &c, &err), status)
#define BROKEN(what, status) set_up_rays(state), what, REFUSED(status)
    BROKEN(rays.X.rows = 4, NDL_BADARG);
    BROKEN(rays.X.cols = 2, NDL_BADARG);
    BROKEN(rays.m.D.rows = 2, NDL_BADARG);
    BROKEN(rays.m.b.cols = 2, NDL_BADARG);
    BROKEN(rays.X.rows = rays.m.Z.rows = 0, NDL_BADARG);
    BROKEN(rays.m.lambda = 0, NDL_BADARG);
    BROKEN(rays.m.lambda = nan(""), NDL_BADARG);
    BROKEN(rays.x[4] = nan(""), NDL_BADDATA);
    BROKEN(rays.d[4] = HUGE_VAL, NDL_BADDATA);
    BROKEN(rays.b[1] = nan(""), NDL_BADDATA);
    BROKEN(rays.value[2] = nan(""), NDL_BADDATA);
    BROKEN(rays.atom[2] = 3, NDL_BADDATA);
    BROKEN(rays.start[0] = 1, NDL_BADDATA);
    BROKEN(rays.start[3] = 1, NDL_BADDATA);
    BROKEN((rays.start[1] = 2, rays.atom[0] = 1), NDL_BADDATA); /* atoms 1, 1 in one row */
    check_close(c.worst, 0, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up_rays)
    const struct CMUnitTest tests[] = {
        CASE(an_optimum),      CASE(a_turned_atom),
        CASE(a_longer_atom),   CASE(a_longer_dead_atom),
        CASE(one_wrong_code),  CASE(a_missing_code),
        CASE(a_code_too_many), CASE(a_dead_atom_that_should_live),
        CASE(a_negative_code), CASE(the_bias),
        CASE(always_on),       CASE(refusals),
    };
    return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}

/* two_features.c -- exact global minimisation of the two-feature problem. */
#include "two_features.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>

struct two_features two_features_problem(double theta, double alpha, double beta)
{
    double b = beta * alpha / (2 + beta * alpha);
    return (struct two_features){theta, alpha, {(1 - b) / 2, b, (1 - b) / 2}};
}

/* A sample is an angle psi and a length rho.  A single atom at phi costs 1/2 rho^2 - 1/2 p^2 with
 * p = rho cos(psi - phi) - alpha. */
static void add_single(struct two_features_value *s, double w, double rho, double psi, double alpha,
                       double phi, int atom)
{
    double p = rho * cos(psi - phi) - alpha, side = rho * sin(psi - phi);
    s->f -= w * p * p / 2;
    s->g[atom] -= w * p * side;
    *(atom ? &s->h22 : &s->h11) += w * (p * (p + alpha) - side * side);
}

/* A pair leaves the residual u with u.d_1 = u.d_2 = alpha, the same for all samples: with the mean
 * angle m and the difference delta, u has length alpha / cos(delta/2) and angle m; the cost is
 * u.y - 1/2 |u|^2.  P and S are its two terms; m and d as suffixes are derivatives. */
static void add_pair(struct two_features_value *s, double w, double rho, double psi, double alpha,
                     const double phi[2])
{
    double m = (phi[0] + phi[1]) / 2, half = (phi[1] - phi[0]) / 2;
    double t = tan(half), sec2 = 1 + t * t, A = rho * alpha / cos(half);
    double P = A * cos(psi - m), Pm = A * sin(psi - m), S = alpha * alpha * sec2 / 2;
    double Cd = P * t / 2 - S * t; /* d / d delta */
    double Cmm = -P, Cmd = Pm * t / 2, Cdd = P * (t * t + sec2) / 4 - S * (t * t + sec2 / 2);
    s->f += w * (P - S - rho * rho / 2);
    s->g[0] += w * (Pm / 2 - Cd);
    s->g[1] += w * (Pm / 2 + Cd);
    s->h11 += w * (Cmm / 4 - Cmd + Cdd);
    s->h12 += w * (Cmm / 4 - Cdd);
    s->h22 += w * (Cmm / 4 + Cmd + Cdd);
}

/* Which atoms the exact code of the event uses. */
static int best_use(double rho, double psi, double alpha, const double phi[2])
{
    double p = rho * cos(psi - phi[0]) - alpha, q = rho * cos(psi - phi[1]) - alpha,
           h = cos(phi[0] - phi[1]);
    if (fmax(p, q) <= 0)
        return TWO_NONE;
    return p - h * q > 0 && q - h * p > 0 ? TWO_PAIR : p > q ? TWO_FIRST : TWO_SECOND;
}

struct two_features_value two_features_evaluate(const struct two_features *two, const double phi[2],
                                                const int *use)
{
    const double psi[TWO_EVENTS] = {0, two->theta, two->theta / 2};
    const double rho[TWO_EVENTS] = {1, 1, 2 * cos(two->theta / 2)};
    struct two_features_value s = {.f = 0};
    for (int e = 0; e < TWO_EVENTS; e++) {
        double alpha = two->alpha, w = two->w[e];
        s.use[e] = use ? use[e] : best_use(rho[e], psi[e], alpha, phi);
        s.f += w * rho[e] * rho[e] / 2;
        if (s.use[e] == TWO_PAIR)
            add_pair(&s, w, rho[e], psi[e], alpha, phi);
        else if (s.use[e] != TWO_NONE)
            add_single(&s, w, rho[e], psi[e], alpha, phi[s.use[e] == TWO_SECOND],
                       s.use[e] == TWO_SECOND);
    }
    return s;
}

struct two_features_value two_features_polish(const struct two_features *two, double phi[2],
                                              const int *use)
{
    struct two_features_value s = two_features_evaluate(two, phi, use);
    for (int iteration = 0; iteration < 200; iteration++) {
        double mean = (s.h11 + s.h22) / 2, low = mean - hypot((s.h11 - s.h22) / 2, s.h12);
        double shift = low < 1e-9 ? 1e-9 - 2 * fmin(low, 0) : 0;
        double h11 = s.h11 + shift, h22 = s.h22 + shift, det = h11 * h22 - s.h12 * s.h12;
        double step[2] = {-(h22 * s.g[0] - s.h12 * s.g[1]) / det,
                          -(h11 * s.g[1] - s.h12 * s.g[0]) / det};
        double scale = fmin(1, 0.2 / fmax(hypot(step[0], step[1]), DBL_MIN));
        struct two_features_value next;
        double to[2];
        do {
            to[0] = phi[0] + scale * step[0], to[1] = phi[1] + scale * step[1];
            next = two_features_evaluate(two, to, use);
            scale /= 2;
        } while (next.f > s.f + 1e-16 && scale > 1e-9); /* 1e-16: F rounds */
        if (next.f > s.f + 1e-16)
            break;
        memcpy(phi, to, sizeof to);
        s = next;
        if (hypot(step[0], step[1]) < 1e-15)
            break;
    }
    return s;
}

static void improve(const struct two_features *two, double first, double second, double best[2],
                    struct two_features_value *least)
{
    double phi[2] = {first, second};
    struct two_features_value s = two_features_polish(two, phi, NULL);
    if (s.f < least->f - 1e-15) {
        *least = s;
        best[0] = fmin(phi[0], phi[1]), best[1] = fmax(phi[0], phi[1]);
    }
}

/* F is continuously differentiable and smooth in every piece; Newton's method runs from every local
 * minimum of a grid and from the two candidates, merged and recovered, whose basins shrink with
 * alpha. */
struct two_features_value two_features_minimise(const struct two_features *two, double phi[2])
{
    enum { GRID = 40 };
    double f[GRID + 2][GRID + 2]; /* symmetric: exchanging the atoms changes nothing */
    const double step = (two->theta + 0.1) / GRID, from = -0.05;
    for (int i = 0; i < GRID + 2; i++)
        for (int j = 0; j < GRID + 2; j++)
            f[i][j] =
                j < i
                    ? f[j][i]
                    : two_features_evaluate(two, (double[]){from + i * step, from + j * step}, NULL)
                          .f;
    struct two_features_value least = {.f = DBL_MAX};
    const double theta = two->theta;
    improve(two, 0, theta / 2 + 1e-9, phi, &least);
    improve(two, theta / 2 - 1e-9, theta, phi, &least);
    improve(two, 0, theta, phi, &least);
    for (int i = 1; i <= GRID; i++)
        for (int j = i; j <= GRID; j++)
            if (f[i][j] <= fmin(fmin(f[i - 1][j], f[i + 1][j]), fmin(f[i][j - 1], f[i][j + 1])))
                improve(two, from + i * step, from + j * step, phi, &least);
    return least;
}

double find_root(double (*f)(double, void *), void *params, double low, double high)
{
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_root_fsolver_set(solver, &(gsl_function){f, params}, low, high);
    do
        gsl_root_fsolver_iterate(solver);
    while (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver),
                                  gsl_root_fsolver_x_upper(solver), 1e-15, 1e-15) == GSL_CONTINUE);
    double x = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    return x;
}

double two_features_threshold(double theta, double alpha, double low, double high,
                              bool (*past)(double theta, const double phi[2],
                                           const struct two_features_value *least),
                              double *below, double *above)
{
    while (high - low > 1e-11 * high) {
        double beta = (low + high) / 2, phi[2];
        struct two_features two = two_features_problem(theta, alpha, beta);
        struct two_features_value least = two_features_minimise(&two, phi);
        bool beyond = past(theta, phi, &least);
        double *angles = beyond ? above : below;
        *(beyond ? &high : &low) = beta;
        if (angles)
            memcpy(angles, phi, sizeof phi);
    }
    return (low + high) / 2;
}

/* The equations are derived in src/claims/diagram.c: the first sample's atom enters the code of the
 * third where this vanishes. */
static double piece_end(double eta, void *params)
{
    const struct two_features *two = params;
    return 2 * cos(two->theta / 2) * sin(eta) - two->alpha * tan(two->theta / 4 + eta / 2);
}

double two_features_merged_end(double theta, double alpha, double *beta)
{
    struct two_features two = {.theta = theta, .alpha = alpha};
    double eta = find_root(piece_end, &two, 0, theta / 2), rho = 2 * cos(theta / 2),
           rest = theta / 2 - eta;
    *beta = rho * sin(eta) * (rho * cos(eta) - alpha) / (sin(rest) * (cos(rest) - alpha) * alpha);
    return eta;
}

double two_features_curvature(double theta, double alpha)
{
    double beta, eta = two_features_merged_end(theta, alpha, &beta);
    struct two_features two = two_features_problem(theta, alpha, beta);
    const int use[TWO_EVENTS] = {TWO_FIRST, TWO_SECOND, TWO_PAIR};
    struct two_features_value s = two_features_evaluate(&two, (double[]){0, theta / 2 + eta}, use);
    return (s.h22 - s.h12 * s.h12 / s.h11) / alpha;
}

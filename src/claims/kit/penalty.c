/* penalty.c -- see penalty.h */
#include "penalty.h"

#include <math.h>

static double weight_of(const struct penalty *p, size_t k)
{
    return p->weight ? p->weight[k] : 1;
}

/* ------------------------------------------------------------------------------ separable */

static double l1_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += weight_of(p, k) * z[k];
    return sum;
}

static double l1_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)z, (void)side;
    return weight_of(p, k);
}

struct penalty penalty_l1(size_t features, const double *weight)
{
    return (struct penalty){"L1", l1_value, l1_slope, features, weight, 0, NULL};
}

static double power_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += weight_of(p, k) * pow(z[k], p->shape);
    return sum;
}

static double power_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    return z[k] > 0 ? weight_of(p, k) * p->shape * pow(z[k], p->shape - 1) : HUGE_VAL;
}

struct penalty penalty_power(size_t features, const double *weight, double p)
{
    return (struct penalty){"power", power_value, power_slope, features, weight, p, NULL};
}

static double log_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += weight_of(p, k) * log1p(z[k] / p->shape);
    return sum;
}

static double log_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    return weight_of(p, k) / (p->shape + z[k]);
}

struct penalty penalty_log(size_t features, const double *weight, double delta)
{
    return (struct penalty){"log", log_value, log_slope, features, weight, delta, NULL};
}

static double tanh_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += weight_of(p, k) * tanh(p->shape * z[k]);
    return sum;
}

static double tanh_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    double t = tanh(p->shape * z[k]);
    return weight_of(p, k) * p->shape * (1 - t * t);
}

struct penalty penalty_tanh(size_t features, const double *weight, double c)
{
    return (struct penalty){"tanh", tanh_value, tanh_slope, features, weight, c, NULL};
}

static double elastic_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += weight_of(p, k) * z[k] * (1 + p->shape * z[k]);
    return sum;
}

static double elastic_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    return weight_of(p, k) * (1 + 2 * p->shape * z[k]);
}

struct penalty penalty_elastic(size_t features, const double *weight, double c)
{
    return (struct penalty){"elastic", elastic_value, elastic_slope, features, weight, c, NULL};
}

static double l0_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += z[k] > 0 ? weight_of(p, k) : 0;
    return sum;
}

static double l0_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)p, (void)side;
    return z[k] > 0 ? 0 : HUGE_VAL;
}

struct penalty penalty_l0(size_t features, const double *weight)
{
    return (struct penalty){"L0", l0_value, l0_slope, features, weight, 0, NULL};
}

/* -------------------------------------------------------------------------- not separable */

static double squared_value(const struct penalty *p, const double *z)
{
    double sum = l1_value(p, z);
    return sum * sum;
}

static double squared_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    return 2 * weight_of(p, k) * l1_value(p, z);
}

struct penalty penalty_squared(size_t features, const double *weight)
{
    return (struct penalty){"squared", squared_value, squared_slope, features, weight, 0, NULL};
}

/* Whether k is n or one of its descendants. */
static bool below(const struct penalty *p, size_t k, size_t n)
{
    while (k != n && k != PENALTY_ROOT)
        k = p->parent[k];
    return k == n;
}

/* |z of n and its descendants|_2 */
static double branch_norm(const struct penalty *p, const double *z, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < p->features; k++)
        sum += below(p, k, n) ? z[k] * z[k] : 0;
    return sqrt(sum);
}

static double tree_l2_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t n = 0; n < p->features; n++)
        sum += weight_of(p, n) * branch_norm(p, z, n);
    return sum;
}

static double tree_l2_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    double sum = 0;
    for (size_t n = k; n != PENALTY_ROOT; n = p->parent[n]) {
        double norm = branch_norm(p, z, n);
        sum += weight_of(p, n) * (norm > 0 ? z[k] / norm : 1); /* at 0 a cone */
    }
    return sum;
}

struct penalty penalty_tree_l2(size_t features, const double *weight, const size_t *parent)
{
    return (struct penalty){"tree L2", tree_l2_value, tree_l2_slope, features, weight, 0, parent};
}

/* G_n without the branch of its child `without`. */
static double branch_max(const struct penalty *p, const double *z, size_t n, size_t without)
{
    double largest = z[n];
    for (size_t m = 0; m < p->features; m++)
        if (p->parent[m] == n && m != without)
            largest = fmax(largest, p->shape * branch_max(p, z, m, PENALTY_ROOT));
    return largest;
}

static double tree_max_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t n = 0; n < p->features; n++)
        sum += weight_of(p, n) * branch_max(p, z, n, PENALTY_ROOT);
    return sum;
}

/* A tie counts if z_k grows, and does not if it shrinks. */
static bool leads(double value, double others, int side)
{
    return side == PENALTY_RIGHT ? value >= others : value > others;
}

static double tree_max_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    double others = 0; /* the largest G, times alpha, of the children of k */
    for (size_t m = 0; m < p->features; m++)
        if (p->parent[m] == k)
            others = fmax(others, p->shape * branch_max(p, z, m, PENALTY_ROOT));
    double slope = leads(z[k], others, side) ? 1 : 0, sum = weight_of(p, k) * slope;
    for (size_t m = k, n = p->parent[k]; n != PENALTY_ROOT; m = n, n = p->parent[n]) {
        double branch = p->shape * branch_max(p, z, m, PENALTY_ROOT);
        slope *= leads(branch, branch_max(p, z, n, m), side) ? p->shape : 0;
        sum += weight_of(p, n) * slope;
    }
    return sum;
}

struct penalty penalty_tree_max(size_t features, const double *weight, const size_t *parent,
                                double alpha)
{
    return (struct penalty){"tree max", tree_max_value, tree_max_slope, features,
                            weight,     alpha,          parent};
}

static double tree_l0_value(const struct penalty *p, const double *z)
{
    double sum = 0;
    for (size_t n = 0; n < p->features; n++)
        sum += branch_norm(p, z, n) > 0 ? weight_of(p, n) : 0;
    return sum;
}

static double tree_l0_slope(const struct penalty *p, const double *z, size_t k, int side)
{
    (void)side;
    return branch_norm(p, z, k) > 0 ? 0 : HUGE_VAL;
}

struct penalty penalty_tree_l0(size_t features, const double *weight, const size_t *parent)
{
    return (struct penalty){"tree L0", tree_l0_value, tree_l0_slope, features, weight, 0, parent};
}

/* ----------------------------------------------------------------------- means over samples */

double penalty_mean(const struct penalty *p, const struct ndl_matrix *Z)
{
    double sum = 0;
    for (size_t i = 0; i < Z->rows; i++)
        sum += p->value(p, ndl_row(Z, i));
    return sum / (double)Z->rows;
}

double penalty_pull(const struct penalty *p, const struct ndl_matrix *Z, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < Z->rows; i++)
        sum += p->slope(p, ndl_row(Z, i), k, PENALTY_RIGHT);
    return sum / (double)Z->rows;
}

double penalty_moment(const struct penalty *p, const struct ndl_matrix *Z, size_t j, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < Z->rows; i++) {
        const double *z = ndl_row(Z, i);
        if (z[j] > 0)
            sum += z[j] * p->slope(p, z, k, PENALTY_RIGHT);
    }
    return sum / (double)Z->rows;
}

double penalty_law(const struct penalty *p, const struct ndl_matrix *Z, size_t j, size_t k)
{
    return penalty_moment(p, Z, j, k) / penalty_moment(p, Z, j, j);
}

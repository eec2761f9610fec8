/* forest.c -- see forest.h. */
#include "forest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <glpk.h>

/* ---------------------------------------------------------------- the data */

static void add_tree(struct forest_shape *shape, const struct forest *f, size_t parent,
                     size_t level)
{
    size_t k = shape->K++;
    shape->parent[k] = parent;
    shape->level[k] = level;
    for (size_t child = 0; child < f->branches && level + 1 < f->depth; child++)
        add_tree(shape, f, k, level + 1);
}

struct forest_shape forest_shape(const struct forest *f)
{
    struct forest_shape shape = {0};
    for (size_t root = 0; root < f->roots; root++)
        add_tree(&shape, f, SIZE_MAX, 0);
    return shape;
}

size_t forest_distance(const struct forest_shape *shape, size_t k, size_t a)
{
    size_t steps = 0;
    while (k != a && k != SIZE_MAX) {
        k = shape->parent[k];
        steps++;
    }
    return k == SIZE_MAX ? 0 : steps;
}

/* One sample; of exclusive siblings the one whose interval of length `branch` a uniform number
 * falls into. */
static void draw_sample(gsl_rng *rng, const struct forest *f, const struct forest_shape *shape,
                        double *z)
{
    double uniform[FOREST_MAX]; /* of a node: decides among its children */
    size_t born[FOREST_MAX] = {0};
    for (size_t k = 0; k < shape->K; k++) {
        size_t parent = shape->parent[k];
        double u = gsl_rng_uniform(rng),
               magnitude = f->low + (f->high - f->low) * gsl_rng_uniform(rng);
        uniform[k] = gsl_rng_uniform(rng);
        bool fires = u < f->root;
        if (parent != SIZE_MAX) {
            double first = f->branch * (double)born[parent]++;
            fires = z[parent] > 0 &&
                    (f->exclusive ? uniform[parent] >= first && uniform[parent] < first + f->branch
                                  : u < f->branch);
        }
        z[k] = fires ? magnitude : 0;
    }
}

struct ndl_matrix forest_draw(const struct claim *claim, gsl_rng *rng, const struct forest *f,
                              size_t samples)
{
    struct forest_shape shape = forest_shape(f);
    struct ndl_matrix Z = claim_matrix(claim, samples, shape.K);
    for (size_t i = 0; i < samples; i++)
        draw_sample(rng, f, &shape, ndl_row(&Z, i));
    return Z;
}

struct ndl_matrix forest_truth(const struct claim *claim, size_t K)
{
    struct ndl_matrix D = claim_matrix(claim, K, K);
    for (size_t k = 0; k < K; k++)
        ndl_row(&D, k)[k] = 1;
    return D;
}

void forest_tilt(const struct claim *claim, const struct forest_shape *shape,
                 const struct ndl_matrix *Y, double e, struct ndl_matrix *D, struct ndl_matrix *U)
{
    size_t K = shape->K;
    *D = forest_truth(claim, K);
    *U = claim_matrix(claim, Y->rows, K);
    double n = sqrt(1 + e * e);
    for (size_t k = 0; k < K; k++)
        if (shape->parent[k] != SIZE_MAX) {
            const double *above = ndl_row(D, shape->parent[k]);
            for (size_t a = 0; a < K; a++)
                ndl_row(D, k)[a] = (ndl_row(D, k)[a] + e * above[a]) / n;
        }
    /* v_k = n d_k - e d_parent, and v_k = d_k for a root */
    for (size_t i = 0; i < Y->rows; i++)
        for (size_t k = 0; k < K; k++) {
            double y = ndl_row(Y, i)[k];
            bool root = shape->parent[k] == SIZE_MAX;
            ndl_row(U, i)[k] += root ? y : n * y;
            if (!root)
                ndl_row(U, i)[shape->parent[k]] -= e * y;
        }
}

/* ------------------------------------------------------ the linear program */

/* The columns of the program: K per node k of the group, of which number k stands for c_k and the
 * others for a_kj; then one per sample and node whose G has a kink there. */
struct program {
    glp_prob *lp;
    const struct claim *claim;
    const struct forest_shape *shape;
    const struct ndl_matrix *D, *Z;
    const double *w;
    double alpha;
    size_t first[FOREST_MAX]; /* of a node: its first column */
    double *slope;            /* N x K: the derivative of Omega in z_k where G is smooth */
};

/* Whether node n and all below it are off at sample i. */
static bool silent(const struct program *p, size_t i, size_t n)
{
    const double *z = ndl_row(p->Z, i);
    bool all = z[n] == 0;
    for (size_t m = n + 1; m < p->shape->K && all; m++)
        all = z[m] == 0 || forest_distance(p->shape, m, n) == 0;
    return all;
}

/* G_n at sample i, and in *which the node whose code it is a multiple of, *factor that multiple. */
static double largest(const struct program *p, size_t i, size_t n, size_t *which, double *factor)
{
    double best = ndl_row(p->Z, i)[n];
    *which = n;
    *factor = 1;
    for (size_t m = n + 1; m < p->shape->K && p->alpha > 0; m++)
        if (p->shape->parent[m] == n) {
            size_t below;
            double multiple, g = p->alpha * largest(p, i, m, &below, &multiple);
            if (g > best) {
                best = g;
                *which = below;
                *factor = p->alpha * multiple;
            }
        }
    return best;
}

/* Whether G_n is at the kink where all that it is the maximum of is zero; kinks elsewhere have
 * probability zero. */
static bool has_kink(const struct program *p, size_t i, size_t n)
{
    bool parent = false;
    for (size_t m = n + 1; m < p->shape->K; m++)
        parent |= p->shape->parent[m] == n;
    return p->alpha > 0 && parent && silent(p, i, n);
}

static void find_slopes(struct program *p)
{
    size_t K = p->shape->K;
    for (size_t i = 0; i < p->Z->rows; i++)
        for (size_t n = 0; n < K; n++)
            if (!has_kink(p, i, n)) {
                size_t which;
                double factor;
                largest(p, i, n, &which, &factor);
                p->slope[i * K + which] += p->w[n] * factor;
            }
}

/* The coefficients of the change of z_k at sample i, and room for one more entry in front. */
static int change(const struct program *p, size_t i, size_t k, int *column, double *value)
{
    int entries = 1;
    for (size_t j = 0; j < p->shape->K; j++) {
        double v = j == k ? 1 : ndl_row(p->Z, i)[j];
        if (v == 0)
            continue;
        column[++entries] = (int)(p->first[k] + j);
        value[entries] = v;
    }
    return entries;
}

static void add_row(struct program *p, int entries, const int *column, const double *value)
{
    int row = glp_add_rows(p->lp, 1);
    glp_set_mat_row(p->lp, row, entries, column, value);
    glp_set_row_bnds(p->lp, row, GLP_LO, 0, 0);
}

/* The columns a_kj and c_k of node k; the program's objective is their part of the derivative,
 * <z_j dOmega/dz_k> - h_jk <z_j dOmega/dz_j>. */
static void add_node(struct program *p, size_t k)
{
    size_t K = p->shape->K, N = p->Z->rows;
    p->first[k] = (size_t)glp_add_cols(p->lp, (int)K);
    for (size_t j = 0; j < K; j++) {
        double own = 0, other = 0, cosine = 0;
        for (size_t a = 0; a < p->D->cols; a++)
            cosine += ndl_row(p->D, j)[a] * ndl_row(p->D, k)[a];
        for (size_t i = 0; i < N; i++) {
            double z = j == k ? 1 : ndl_row(p->Z, i)[j];
            own += z * p->slope[i * K + k] / (double)N;
            other += z * p->slope[i * K + j] / (double)N;
        }
        int column = (int)(p->first[k] + j);
        glp_set_obj_coef(p->lp, column, j == k ? own : own - cosine * other);
        glp_set_col_bnds(p->lp, column, j == k ? GLP_FR : GLP_DB, -1, 1);
    }
}

/* No code of node k turns negative; its kinks are bounded from below by what they are the maximum
 * of.  Children come after their parents: their kinks have columns already if k runs downwards. */
static void add_samples(struct program *p, size_t k, int *kink)
{
    size_t K = p->shape->K, N = p->Z->rows;
    int column[FOREST_MAX + 2];
    double value[FOREST_MAX + 2];
    for (size_t i = 0; i < N; i++) {
        if (ndl_row(p->Z, i)[k] > 0)
            continue;
        int entries = change(p, i, k, column, value);
        add_row(p, entries - 1, column + 1, value + 1);
        if (!has_kink(p, i, k))
            continue;
        kink[i * K + k] = glp_add_cols(p->lp, 1);
        glp_set_obj_coef(p->lp, kink[i * K + k], p->w[k] / (double)N);
        glp_set_col_bnds(p->lp, kink[i * K + k], GLP_LO, 0, 0);
        for (size_t m = k; m < K; m++) {
            if (m != k && p->shape->parent[m] != k)
                continue;
            double factor = m == k ? 1 : p->alpha;
            entries = 2;
            column[2] = kink[i * K + m];
            value[2] = 1;
            if (m == k || kink[i * K + m] == 0)
                entries = change(p, i, m, column, value);
            for (int t = 2; t <= entries; t++)
                value[t] *= -factor;
            column[1] = kink[i * K + k];
            value[1] = 1;
            add_row(p, entries, column, value);
        }
    }
}

static double solve(struct program *p)
{
    glp_smcp control;
    glp_init_smcp(&control);
    control.msg_lev = GLP_MSG_OFF;
    control.presolve = GLP_ON;
    control.meth = GLP_DUALP;
    int code = glp_simplex(p->lp, &control);
    struct ndl_error err;
    if (code != 0 || glp_get_status(p->lp) != GLP_OPT)
        claim_check_status(
            p->claim, ndl_fail(&err, NDL_LIBRARY, "the linear program ends with code %d", code),
            &err);
    return glp_get_obj_val(p->lp);
}

double forest_descent(const struct claim *claim, const struct ndl_matrix *D,
                      const struct ndl_matrix *Z, const struct tree_penalty *penalty)
{
    size_t K = penalty->shape->K, cells = Z->rows * K;
    struct ndl_matrix slope = claim_matrix(claim, Z->rows, K);
    struct program p = {.claim = claim,
                        .shape = penalty->shape,
                        .D = D,
                        .Z = Z,
                        .w = penalty->w,
                        .alpha = penalty->alpha,
                        .slope = slope.v};
    find_slopes(&p);
    double sum = 0;
    int *kink = calloc(cells, sizeof *kink);
    struct ndl_error err;
    if (!kink)
        claim_check_status(claim, ndl_fail(&err, NDL_NOMEM, "out of memory"), &err);
    glp_term_out(GLP_OFF);
    size_t group[FOREST_MAX]; /* trees; without kinks every node is a program of its own */
    for (size_t k = 0; k < K; k++)
        group[k] =
            penalty->alpha > 0 && p.shape->parent[k] != SIZE_MAX ? group[p.shape->parent[k]] : k;
    for (size_t g = 0; g < K; g++) {
        if (group[g] != g)
            continue;
        p.lp = glp_create_prob();
        for (size_t k = 0; k < K; k++)
            if (group[k] == g)
                add_node(&p, k);
        for (size_t k = K; k-- > 0;)
            if (group[k] == g)
                add_samples(&p, k, kink);
        sum += solve(&p);
        glp_delete_prob(p.lp);
    }
    free(kink);
    ndl_matrix_free(&slope);
    return sum;
}

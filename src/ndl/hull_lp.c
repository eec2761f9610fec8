/* hull_lp.c -- L1 distances to a hull from outside and from inside, by GLPK's linear programs. */
#include "hull.h"

#include <limits.h>
#include <setjmp.h>

#include <glpk.h>

/* P^T w + u - v = q, sum w = 1 (hull), w, u, v >= 0: columns 1..n are w, then
 * u, then v.  Row j is coordinate j (from 1), row m + 1 the sum. */
struct program {
    glp_prob *lp;
    glp_smcp control;
    int n, m;
    /* workspace */
    int *row, *basis; /* m + 2; 1 + all rows and columns */
    double *value;    /* m + 2 */
    double *a, *y;    /* m: multipliers, a point */
};

static void program_free(struct program *g)
{
    if (g->lp)
        glp_delete_prob(g->lp);
    free(g->row);
    free(g->basis);
    free(g->value);
    free(g->a);
    free(g->y);
    *g = (struct program){0};
}

static enum ndl_status program_build(struct program *g, const struct ndl_hull_task *t,
                                     struct ndl_error *err)
{
    size_t m = t->m;
    if (m > INT_MAX / 4 || t->n > INT_MAX / (m + 1) - 2 * m)
        return ndl_fail(err, NDL_BADARG, "hull: %zu points in %zu dimensions are too many for GLPK",
                        t->n, m);
    int *row = g->row = ndl_hull_array(m + 2, sizeof *row);
    double *value = g->value = ndl_hull_array(m + 2, sizeof *value);
    g->basis = ndl_hull_array(t->n + 3 * m + 2, sizeof *g->basis);
    g->a = ndl_hull_array(m, sizeof *g->a);
    g->y = ndl_hull_array(m, sizeof *g->y);
    if (!row || !value || !g->basis || !g->a || !g->y)
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for a linear program");
    g->n = (int)t->n;
    g->m = (int)m;
    g->lp = glp_create_prob();
    glp_add_rows(g->lp, g->m + (t->kind == NDL_HULL));
    glp_add_cols(g->lp, g->n + 2 * g->m);
    for (int j = 1; j <= g->m; j++)
        glp_set_row_bnds(g->lp, j, GLP_FX, t->q[j - 1], t->q[j - 1]);
    if (t->kind == NDL_HULL)
        glp_set_row_bnds(g->lp, g->m + 1, GLP_FX, 1, 1);
    for (int i = 1; i <= g->n; i++) {
        int entries = 0;
        for (int j = 1; j <= g->m; j++)
            if (fabs(ndl_hull_point(t, (size_t)i - 1)[j - 1]) > 0) {
                row[++entries] = j;
                value[entries] = ndl_hull_point(t, (size_t)i - 1)[j - 1];
            }
        if (t->kind == NDL_HULL) {
            row[++entries] = g->m + 1;
            value[entries] = 1;
        }
        glp_set_mat_col(g->lp, i, entries, row, value);
    }
    for (int j = 1; j <= 2 * g->m; j++) {
        row[1] = j <= g->m ? j : j - g->m;
        value[1] = j <= g->m ? 1 : -1;
        glp_set_mat_col(g->lp, g->n + j, 1, row, value);
        glp_set_obj_coef(g->lp, g->n + j, 1);
    }
    for (int j = 1; j <= g->n + 2 * g->m; j++)
        glp_set_col_bnds(g->lp, j, GLP_LO, 0, 0);
    glp_init_smcp(&g->control);
    g->control.msg_lev = GLP_MSG_OFF;
    g->control.tol_bnd = 1e-9;
    g->control.tol_dj = 1e-9;
    double steps = 2000 + 20.0 * (g->m + g->n); /* about two for each dimension are usual; */
    /* badly scaled points would cycle for ever */
    g->control.it_lim = steps < INT_MAX ? (int)steps : INT_MAX;
    glp_scale_prob(g->lp, GLP_SF_EQ | GLP_SF_2N);
    glp_adv_basis(g->lp, 0);
    return NDL_OK;
}

/* Optimal (true) or unbounded (false); anything else is a failure. */
static enum ndl_status program_solve(struct program *g, bool *bounded, struct ndl_error *err)
{
    int code = glp_simplex(g->lp, &g->control), state = glp_get_status(g->lp);
    if (code || (state != GLP_OPT && state != GLP_UNBND)) { /* once more, from scratch */
        glp_std_basis(g->lp);
        code = glp_simplex(g->lp, &g->control);
        state = glp_get_status(g->lp);
    }
    if (code || (state != GLP_OPT && state != GLP_UNBND))
        return ndl_fail(err, NDL_LIBRARY, "GLPK: the simplex method failed (code %d, status %d)",
                        code, state);
    *bounded = state == GLP_OPT;
    return NDL_OK;
}

/* a = the multipliers of the coordinates, times sign. */
static void program_normal(const struct program *g, double sign, double *a)
{
    for (int j = 1; j <= g->m; j++)
        a[j - 1] = sign * glp_get_row_dual(g->lp, j);
}

static double norm_l1(size_t n, const double *x)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += fabs(x[i]);
    return s;
}

/* Solves min |P^T w - q|_1; *distance is that of the weights GLPK returns, made
 * nonnegative and (hull) to sum 1, which the multipliers must confirm. */
static enum ndl_status program_distance(struct program *g, const struct ndl_hull_task *t,
                                        double *distance, struct ndl_error *err)
{
    bool bounded;
    enum ndl_status status = program_solve(g, &bounded, err);
    if (status != NDL_OK)
        return status;
    double *a = g->a, *y = g->y;
    double sum = t->kind == NDL_HULL ? 0 : 1;
    for (int i = 1; i <= g->n && t->kind == NDL_HULL; i++)
        sum += fmax(0, glp_get_col_prim(g->lp, i));
    for (int i = 1; i <= g->n; i++) {
        double w = fmax(0, glp_get_col_prim(g->lp, i)) / sum;
        for (size_t j = 0; j < t->m && w > 0; j++)
            y[j] += w * ndl_hull_point(t, (size_t)i - 1)[j];
    }
    for (size_t j = 0; j < t->m; j++)
        y[j] -= t->q[j];
    *distance = norm_l1(t->m, y);

    /* Lower bound: |P^T w - q|_1 >= a.(P^T w - q) >= min a.p - a.q if |a_j| <= 1. */
    program_normal(g, -1, a);
    double low = t->n > 0 ? ndl_hull_lowest(t, a, NULL) : 0,
           bound = -ndl_dot_in_order(t->m, a, t->q);
    bound += t->kind == NDL_HULL ? low : 0;
    bound /= fmax(1, ndl_largest(t->m, a));
    if (!(*distance - bound <= HULL_AGREEMENT) || (t->kind == NDL_CONE && low < -HULL_AGREEMENT))
        status = ndl_fail(err, NDL_LIBRARY,
                          "GLPK: L1 distance %.17g, but the multipliers only prove %.17g",
                          *distance, bound);
    return status;
}

/* First bounds of the L1 depth: the bounding box (hull), the coordinate planes
 * that bound a cone. */
static void box(const struct ndl_hull_task *t, struct ndl_hull_depth *depth)
{
    for (size_t j = 0; j < t->m; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double low = HUGE_VAL;
            for (size_t i = 0; i < t->n; i++)
                low = fmin(low, sign * ndl_hull_point(t, i)[j]);
            double room = sign * t->q[j];
            if (t->kind == NDL_HULL)
                room -= low;
            else if (low < 0)
                continue;
            if (room < depth->l1) {
                depth->l1 = room;
                memset(depth->a, 0, t->m * sizeof *depth->a);
                depth->a[j] = sign;
            }
        }
}

/* How far q can go along one axis (column `col` of the program) without leaving
 * the hull; if that is less than depth->l1, the smallest so far, it becomes the
 * new one, as proved by the multipliers. */
static enum ndl_status program_reach(struct program *g, const struct ndl_hull_task *t, int col,
                                     struct ndl_hull_depth *depth, struct ndl_error *err)
{
    double *a = g->a;
    bool bounded;
    glp_set_obj_coef(g->lp, col, 1);
    glp_set_col_bnds(g->lp, col, isfinite(depth->l1) ? GLP_DB : GLP_LO, 0,
                     isfinite(depth->l1) ? depth->l1 : 0);
    enum ndl_status status = program_solve(g, &bounded, err);
    double reach = glp_get_col_prim(g->lp, col);
    program_normal(g, 1, a);
    glp_set_obj_coef(g->lp, col, 0);
    glp_set_col_bnds(g->lp, col, GLP_FX, 0, 0);
    if (status != NDL_OK || !bounded || reach >= depth->l1 * (1 - 1e-12))
        return status;

    int j = (col - g->n - 1) % g->m;
    double sign = col > g->n + g->m ? 1 : -1; /* v moves q up the axis, u down */
    double low = ndl_hull_lowest(t, a, NULL), slope = -sign * a[j];
    double proved = (ndl_dot_in_order(t->m, a, t->q) - (t->kind == NDL_HULL ? low : 0)) / slope;
    bool valid =
        slope > 0.5 && (t->kind == NDL_HULL || low >= -HULL_AGREEMENT * ndl_norm_in_order(t->m, a));
    if (!valid || !(fabs(proved - reach) <= HULL_AGREEMENT * fmax(1, reach)))
        return ndl_fail(err, NDL_LIBRARY, "GLPK: depth %.17g, but the multipliers prove %.17g",
                        reach, proved);
    if (proved < depth->l1) {
        depth->l1 = proved;
        memcpy(depth->a, a, t->m * sizeof *a);
    }
    return NDL_OK;
}

/* The L1 depth of an inner q, after program_distance: the smallest of 2 m
 * reaches, each started from the basis found there and stopped as soon as it
 * cannot be the smallest. */
static enum ndl_status depth_by_programs(struct program *g, const struct ndl_hull_task *t,
                                         struct ndl_hull_depth *depth, struct ndl_error *err)
{
    int rows = glp_get_num_rows(g->lp), cols = glp_get_num_cols(g->lp);
    int *basis = g->basis;
    enum ndl_status status = NDL_OK;
    for (int i = 1; i <= rows + cols; i++)
        basis[i] = i <= rows ? glp_get_row_stat(g->lp, i) : glp_get_col_stat(g->lp, i - rows);
    for (int j = 1; j <= 2 * g->m; j++) {
        glp_set_obj_coef(g->lp, g->n + j, 0);
        glp_set_col_bnds(g->lp, g->n + j, GLP_FX, 0, 0);
    }
    glp_set_obj_dir(g->lp, GLP_MAX);
    depth->l1 = HUGE_VAL;
    depth->l2 = nan("");
    box(t, depth);
    for (int j = 1; j <= 2 * g->m && status == NDL_OK && depth->l1 > HULL_ROUNDING; j++) {
        for (int i = 1; i <= rows + cols; i++)
            if (i <= rows)
                glp_set_row_stat(g->lp, i, basis[i]);
            else
                glp_set_col_stat(g->lp, i - rows, basis[i]);
        status = program_reach(g, t, g->n + j, depth, err);
    }
    if (isinf(depth->l1))
        depth->l2 = HUGE_VAL;
    return status;
}

static enum ndl_status solve(struct program *g, const struct ndl_hull_task *t, double distance,
                             double *l1, struct ndl_hull_depth *depth, struct ndl_error *err)
{
    enum ndl_status status = program_build(g, t, err);
    if (status == NDL_OK)
        status = program_distance(g, t, l1, err);
    if (status == NDL_OK &&
        (*l1 < distance - HULL_AGREEMENT || *l1 > sqrt((double)t->m) * distance + HULL_AGREEMENT))
        status = ndl_fail(err, NDL_LIBRARY,
                          "GLPK: L1 distance %.17g contradicts the Euclidean %.17g", *l1, distance);
    if (status == NDL_OK && depth)
        status = depth_by_programs(g, t, depth, err);
    return status;
}

/* GLPK prints and aborts where memory ends, unless its hooks keep it from printing and leave it by
 * a jump. */
static int print_nothing(void *nothing, const char *text)
{
    (void)nothing;
    (void)text;
    return 1;
}

static void leave(void *jump)
{
    longjmp(*(jmp_buf *)jump, 1);
}

static enum ndl_status solve_guarded(struct program *g, const struct ndl_hull_task *t,
                                     double distance, double *l1, struct ndl_hull_depth *depth,
                                     struct ndl_error *err)
{
    jmp_buf jump;
    if (setjmp(jump)) {
        glp_free_env(); /* all that GLPK holds in this thread, g->lp too */
        g->lp = NULL;
        return ndl_fail(err, NDL_NOMEM, "hull: no memory for a linear program");
    }
    glp_term_hook(print_nothing, NULL);
    glp_error_hook(leave, &jump);
    int terminal = glp_term_out(GLP_OFF);
    enum ndl_status status = solve(g, t, distance, l1, depth, err);
    glp_term_out(terminal);
    glp_error_hook(NULL, NULL);
    glp_term_hook(NULL, NULL);
    return status;
}

enum ndl_status ndl_hull_by_programs(const struct ndl_hull_task *t, double distance, double *l1,
                                     struct ndl_hull_depth *depth, struct ndl_error *err)
{
    struct program g = {0};
    *l1 = 0;
    enum ndl_status status = solve_guarded(&g, t, distance, l1, depth, err);
    program_free(&g);
    return status;
}

/* check-hull.c -- --hull of ndl-check: the K-feature condition of chosen features. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "ndl/vec.h"

/* Up to so many others, and if memory allows, a satisfied condition comes with its margin: two
 * linear programs per feature, each over the samples with k off.  With 20,000 of them 50, 100
 * and 200 others took one processor 1-3, 10-14 and 80 s. */
enum { MARGIN_OTHERS = 100 };
/* The verdict alone grows with the square of the others: 200, 500 and 1000 took 0.5, 5 and 28 s.
 * So many --hull K takes unless told which. */
enum { MOST_OTHERS = 500 };
/* Bytes per sample and other feature: the points, twice; with a linear program, GLPK's copies of
 * them (measured). */
enum { VERDICT_BYTES = 16, MARGIN_BYTES = 96 };

static enum ndl_status no_memory(struct ndl_error *err)
{
    return ndl_fail(err, NDL_NOMEM, "no memory");
}

/* ------------------------------------------------------------ command line */

void hulls_add(struct hulls *hulls, struct argp_state *state, char *arg)
{
    struct hull hull = {0};
    char *list = strchr(arg, ':');
    if (list)
        *list++ = '\0';
    hull.k = tool_count(state, "--hull", arg, 0, UINT32_MAX);
    for (char *number; (number = strsep(&list, ","));) {
        size_t *more = reallocarray(hull.J, hull.count + 1, sizeof *more);
        if (!more)
            argp_failure(state, TOOL_ERROR, 0, "no memory");
        hull.J = more;
        hull.J[hull.count++] = tool_count(state, "--hull", number, 0, UINT32_MAX);
    }
    for (size_t q = 0; q < hull.count; q++)
        for (size_t p = 0; p <= q; p++)
            if (hull.J[q] == (p < q ? hull.J[p] : hull.k))
                argp_error(state, "--hull: feature %zu stands twice", hull.J[q]);
    struct hull *more = reallocarray(hulls->list, hulls->count + 1, sizeof *more);
    if (!more)
        argp_failure(state, TOOL_ERROR, 0, "no memory");
    hulls->list = more;
    hulls->list[hulls->count++] = hull;
}

void hulls_free(struct hulls *hulls)
{
    for (size_t h = 0; h < hulls->count; h++) {
        ndl_condition_free(&hulls->list[h].condition);
        free(hulls->list[h].J);
    }
    free(hulls->list);
    free(hulls->place);
    ndl_codes_free(&hulls->kept);
}

/* ----------------------------------------------------- codes for later */

static enum ndl_status place_one(struct check *c, size_t k, struct ndl_error *err)
{
    if (k >= c->D.rows)
        return ndl_fail(err, NDL_BADDATA, "--hull: there is no feature %zu, %s has %zu (from 0)", k,
                        decoder_name(c), c->D.rows);
    c->hulls.place[k] = 1;
    return NDL_OK;
}

/* The feature numbers of --hull exist and are not too many, and `place` says where `kept` holds
 * them. */
enum ndl_status hulls_place(struct check *c, struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    size_t K = c->D.rows, places = 0, *place = calloc(K, sizeof *place);
    c->hulls.place = place;
    if (!place)
        return no_memory(err);
    for (size_t h = 0; h < c->hulls.count; h++) {
        const struct hull *hull = &c->hulls.list[h];
        status = place_one(c, hull->k, err);
        if (status == NDL_OK && !hull->J && K - 1 > MOST_OTHERS)
            status = ndl_fail(
                err, NDL_BADDATA,
                "--hull %zu: %zu other features are more than %d; name some: --hull %zu:J,J,...",
                hull->k, K - 1, MOST_OTHERS, hull->k);
        for (size_t q = 0; status == NDL_OK && q < (hull->J ? hull->count : K); q++)
            status = place_one(c, hull->J ? hull->J[q] : q, err);
        if (status != NDL_OK)
            return status;
    }
    for (size_t k = 0; k < K; k++)
        place[k] = place[k] ? places++ : SIZE_MAX;
    return ndl_codes_alloc(&c->hulls.kept, 0, places, 0, err);
}

/* Makes room in `kept` for more rows and entries. */
static enum ndl_status reserve(struct hulls *hulls, size_t rows, size_t entries,
                               struct ndl_error *err)
{
    struct ndl_codes *kept = &hulls->kept;
    size_t need = kept->start[kept->rows] + entries;
    size_t *start = reallocarray(kept->start, kept->rows + rows + 1, sizeof *start);
    if (!start)
        return no_memory(err);
    kept->start = start;
    if (need <= hulls->room)
        return NDL_OK;
    uint32_t *atom = reallocarray(kept->atom, need + need / 2, sizeof *atom);
    if (atom)
        kept->atom = atom;
    double *value = reallocarray(kept->value, need + need / 2, sizeof *value);
    if (value)
        kept->value = value;
    if (!atom || !value)
        return no_memory(err);
    hulls->room = need + need / 2;
    return NDL_OK;
}

/* Appends the placed features of a block to `kept`. */
enum ndl_status hulls_keep(struct hulls *hulls, const struct ndl_codes *block,
                           struct ndl_error *err)
{
    struct ndl_codes *kept = &hulls->kept;
    enum ndl_status status =
        reserve(hulls, block->rows, block->start[block->rows] - block->start[0], err);
    if (status != NDL_OK)
        return status;
    size_t n = kept->start[kept->rows];
    for (size_t i = 0; i < block->rows; i++) {
        for (size_t e = block->start[i]; e < block->start[i + 1]; e++) {
            size_t place = hulls->place[block->atom[e]];
            if (place == SIZE_MAX)
                continue;
            kept->atom[n] = (uint32_t)place;
            kept->value[n++] = block->value[e];
        }
        kept->start[++kept->rows] = n;
    }
    return NDL_OK;
}

/* ------------------------------------------------------------- conditions */

/* The kept features as a model with unit atoms, codes rescaled (it borrows `kept`).  A row of
 * zeros can only belong to a dead feature: any unit vector will do. */
static enum ndl_status unit_model(struct check *c, struct ndl_model *model, struct ndl_error *err)
{
    struct ndl_codes *kept = &c->hulls.kept;
    *model = (struct ndl_model){.Z = *kept, .lambda = 1, .bias = c->audit.bias};
    double *norm = calloc(kept->cols, sizeof *norm);
    enum ndl_status status = ndl_matrix_alloc(&model->D, kept->cols, c->D.cols, err);
    if (status != NDL_OK || !norm) {
        free(norm);
        return status == NDL_OK ? no_memory(err) : status;
    }
    for (size_t k = 0; k < c->D.rows; k++) {
        size_t place = c->hulls.place[k];
        if (place == SIZE_MAX)
            continue;
        norm[place] = ndl_unit(c->D.cols, ndl_row(&c->D, k), ndl_row(&model->D, place));
        if (norm[place] == 0)
            ndl_row(&model->D, place)[0] = 1;
    }
    for (size_t e = 0; e < kept->start[kept->rows]; e++)
        kept->value[e] *= norm[kept->atom[e]];
    free(norm);
    return NDL_OK;
}

/* Checks one request; feature numbers in its condition are then those of the decoder. */
static enum ndl_status check_one(const struct check *c, const struct ndl_model *model,
                                 const size_t *feature, struct hull *hull, struct ndl_error *err)
{
    size_t count = hull->J ? hull->count : c->report.live - 1;
    size_t off = c->report.samples - c->report.fires[hull->k];
    double entries = (double)off * (double)count, memory = (double)c->audit.memory;
    bool margin = count <= MARGIN_OTHERS && MARGIN_BYTES * entries <= memory;
    if (VERDICT_BYTES * entries > memory)
        return ndl_fail(
            err, NDL_NOMEM,
            "--hull %zu: %zu samples by %zu features exceed --memory; choose features, %zu:J,J,...",
            hull->k, off, count, hull->k);
    for (size_t q = 0; q < hull->count; q++)
        if (is_dead(c, hull->J[q]))
            return ndl_fail(err, NDL_BADDATA, "--hull %zu: feature %zu never fires", hull->k,
                            hull->J[q]);
    size_t *J = calloc(hull->count + 1, sizeof *J);
    if (!J)
        return no_memory(err);
    for (size_t q = 0; q < hull->count; q++)
        J[q] = c->hulls.place[hull->J[q]];
    enum ndl_status status = ndl_condition_check(model, c->hulls.place[hull->k], hull->J ? J : NULL,
                                                 hull->count, margin ? NDL_AUTO : NDL_VERDICT, 0,
                                                 c->audit.tolerance, &hull->condition, err);
    for (size_t q = 0; status == NDL_OK && q < hull->condition.count; q++)
        hull->condition.J[q] = feature[hull->condition.J[q]];
    hull->condition.k = hull->k;
    free(J);
    return status;
}

enum ndl_status hulls_check(struct check *c, struct ndl_error *err)
{
    struct hulls *hulls = &c->hulls;
    if (hulls->count == 0)
        return NDL_OK;
    struct ndl_model model = {0};
    size_t *feature = calloc(hulls->kept.cols, sizeof *feature);
    enum ndl_status status = feature ? unit_model(c, &model, err) : no_memory(err);
    for (size_t k = 0; feature && k < c->D.rows; k++)
        if (hulls->place[k] != SIZE_MAX)
            feature[hulls->place[k]] = k;
    for (size_t h = 0; status == NDL_OK && h < hulls->count; h++) {
        struct hull *hull = &hulls->list[h];
        hull->dead = is_dead(c, hull->k);
        if (hull->dead)
            continue;
        tool_progress(&c->common, "hull %zu of %zu: feature %zu against %zu others", h + 1,
                      hulls->count, hull->k, hull->J ? hull->count : c->report.live - 1);
        status = check_one(c, &model, feature, hull, err);
        tool_progress_end(&c->common);
    }
    ndl_matrix_free(&model.D);
    free(feature);
    return status;
}

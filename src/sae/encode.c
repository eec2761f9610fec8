/* encode.c -- the codes of a data set, as the trained SAE computes them. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for `more` entries after those there are. */
static enum ndl_status grow(struct ndl_codes *Z, size_t have, size_t more, size_t *room,
                            struct ndl_error *err)
{
    if (have + more <= *room)
        return NDL_OK;
    size_t want = 2 * (have + more);
    uint32_t *atom = realloc(Z->atom, want * sizeof *atom);
    Z->atom = atom ? atom : Z->atom;
    double *value = realloc(Z->value, want * sizeof *value);
    Z->value = value ? value : Z->value;
    if (!atom || !value)
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu codes", want);
    *room = want;
    return NDL_OK;
}

enum ndl_status sae_encode(const struct sae *sae, const struct ndl_matrix *X, struct ndl_codes *Z,
                           struct ndl_error *err)
{
    *Z = (struct ndl_codes){0};
    if (X->cols != sae->o.d)
        return ndl_fail(err, NDL_BADARG, "data of %zu columns for an SAE of %zu", X->cols,
                        sae->o.d);
    size_t have = 0, room = X->rows;
    enum ndl_status status = ndl_matrix_check(X, "the data", err);
    if (status == NDL_OK)
        status = ndl_codes_alloc(Z, X->rows, sae->o.K, room, err);
    const struct sae_entries *e = &sae->state->main;
    for (size_t first = 0, rows; status == NDL_OK && first < X->rows; first += rows) {
        rows = X->rows - first < sae->o.batch ? X->rows - first : sae->o.batch;
        sae_forward(sae, ndl_row(X, first), rows, true);
        for (size_t i = 0; status == NDL_OK && i < rows; i++) {
            status = grow(Z, have, e->n[i], &room, err);
            if (status != NDL_OK)
                break;
            memcpy(Z->atom + have, e->atom + e->start[i], e->n[i] * sizeof *Z->atom);
            memcpy(Z->value + have, e->z + e->start[i], e->n[i] * sizeof *Z->value);
            Z->start[first + i + 1] = have += e->n[i];
        }
    }
    if (status != NDL_OK)
        ndl_codes_free(Z);
    return status;
}

/* matrix.c -- error messages, matrices, sparse codes, the loss. */
#include "ndl.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ndl_status ndl_fail(struct ndl_error *err, enum ndl_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        for (char *p = err->text; *p; p++) /* one line, whatever a file put into a name */
            if ((unsigned char)*p < ' ' || *p == 0x7f)
                *p = '?';
    }
    return status;
}

/* -------------------------------------------------------------- matrices */

enum ndl_status ndl_matrix_alloc(struct ndl_matrix *m, size_t rows, size_t cols,
                                 struct ndl_error *err)
{
    *m = (struct ndl_matrix){0};
    size_t entries;
    double *v = NULL;
    if (!__builtin_mul_overflow(rows, cols, &entries))
        v = calloc(entries ? entries : 1, sizeof *v);
    if (!v)
        return ndl_fail(err, NDL_NOMEM, "no memory for a %zu x %zu matrix", rows, cols);
    *m = (struct ndl_matrix){.rows = rows, .cols = cols, .v = v};
    return NDL_OK;
}

enum ndl_status ndl_matrix_copy(struct ndl_matrix *to, const struct ndl_matrix *from,
                                struct ndl_error *err)
{
    enum ndl_status status = ndl_matrix_alloc(to, from->rows, from->cols, err);
    if (status == NDL_OK && from->rows * from->cols > 0)
        memcpy(to->v, from->v, from->rows * from->cols * sizeof *to->v);
    return status;
}

void ndl_matrix_free(struct ndl_matrix *m)
{
    free(m->v);
    *m = (struct ndl_matrix){0};
}

enum ndl_status ndl_matrix_check(const struct ndl_matrix *m, const char *what,
                                 struct ndl_error *err)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = 0; j < m->cols; j++)
            if (!isfinite(ndl_row(m, i)[j]))
                return ndl_fail(err, NDL_BADDATA,
                                "%s: row %zu, column %zu is %g (rows and columns from 0)", what, i,
                                j, ndl_row(m, i)[j]);
    return NDL_OK;
}

/* ----------------------------------------------------------------- codes */

enum ndl_status ndl_codes_alloc(struct ndl_codes *z, size_t rows, size_t cols, size_t nnz,
                                struct ndl_error *err)
{
    *z = (struct ndl_codes){0};
    if (cols > UINT32_MAX)
        return ndl_fail(err, NDL_BADARG, "codes: %zu atoms are more than 2^32 - 1", cols);
    struct ndl_codes new = {.rows = rows, .cols = cols};
    if (rows < SIZE_MAX) {
        new.start = calloc(rows + 1, sizeof *new.start);
        new.atom = calloc(nnz ? nnz : 1, sizeof *new.atom);
        new.value = calloc(nnz ? nnz : 1, sizeof *new.value);
    }
    if (!new.start || !new.atom || !new.value) {
        ndl_codes_free(&new);
        return ndl_fail(err, NDL_NOMEM, "no memory for %zu x %zu codes with %zu nonzeros", rows,
                        cols, nnz);
    }
    *z = new;
    return NDL_OK;
}

enum ndl_status ndl_codes_from_dense(struct ndl_codes *z, const struct ndl_matrix *dense,
                                     struct ndl_error *err)
{
    *z = (struct ndl_codes){0};
    size_t nnz = 0;
    for (size_t i = 0; i < dense->rows; i++)
        for (size_t k = 0; k < dense->cols; k++) {
            double value = ndl_row(dense, i)[k];
            if (!isfinite(value) || value < 0)
                return ndl_fail(err, NDL_BADDATA,
                                "codes: row %zu, column %zu is %g (must be finite, not negative)",
                                i, k, value);
            nnz += value > 0;
        }
    enum ndl_status status = ndl_codes_alloc(z, dense->rows, dense->cols, nnz, err);
    if (status != NDL_OK)
        return status;
    size_t e = 0;
    for (size_t i = 0; i < dense->rows; i++) {
        for (size_t k = 0; k < dense->cols; k++)
            if (ndl_row(dense, i)[k] > 0) {
                z->atom[e] = (uint32_t)k;
                z->value[e++] = ndl_row(dense, i)[k];
            }
        z->start[i + 1] = e;
    }
    return NDL_OK;
}

enum ndl_status ndl_codes_to_dense(struct ndl_matrix *dense, const struct ndl_codes *z,
                                   struct ndl_error *err)
{
    enum ndl_status status = ndl_matrix_alloc(dense, z->rows, z->cols, err);
    for (size_t i = 0; status == NDL_OK && i < z->rows; i++)
        for (size_t e = z->start[i]; e < z->start[i + 1]; e++)
            ndl_row(dense, i)[z->atom[e]] = z->value[e];
    return status;
}

void ndl_codes_free(struct ndl_codes *z)
{
    free(z->start);
    free(z->atom);
    free(z->value);
    *z = (struct ndl_codes){0};
}

void ndl_model_free(struct ndl_model *m)
{
    ndl_matrix_free(&m->D);
    ndl_matrix_free(&m->b);
    ndl_codes_free(&m->Z);
    *m = (struct ndl_model){0};
}

double ndl_loss(const struct ndl_matrix *X, const struct ndl_model *m)
{
    size_t d = X->cols;
    assert(m->D.cols == d && m->b.cols == d && m->b.rows == 1);
    assert(m->Z.rows == X->rows && m->Z.cols == m->D.rows);
    double square = 0, l1 = 0;
    for (size_t j = 0; j < d; j++)
        for (size_t i = 0; i < X->rows; i++) { /* one coordinate at a time: no workspace */
            double r = ndl_row(X, i)[j] - m->b.v[j];
            for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++)
                r -= m->Z.value[e] * ndl_row(&m->D, m->Z.atom[e])[j];
            square += r * r;
        }
    for (size_t i = 0; i < X->rows; i++)
        for (size_t e = m->Z.start[i]; e < m->Z.start[i + 1]; e++) {
            const double *atom = ndl_row(&m->D, m->Z.atom[e]);
            double norm2 = 0;
            for (size_t j = 0; j < d; j++)
                norm2 += atom[j] * atom[j];
            l1 += m->Z.value[e] * sqrt(norm2);
        }
    return square + m->lambda * l1;
}

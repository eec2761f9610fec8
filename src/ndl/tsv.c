/* tsv.c -- matrices as text: tab-separated numbers, '#' comments.
 *
 * The format is defined here once: lines that start with '#' and empty lines
 * are skipped; every other line is a row of finite numbers separated by tabs or
 * blanks, all rows of one length. */
#include "ndl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parses one line into row[0 .. cols); with cols = 0 only counts.  Returns the
 * number of fields, or SIZE_MAX after filling err. */
static size_t parse_line(const char *line, double *row, size_t cols, const char *path,
                         size_t number, struct ndl_error *err)
{
    size_t fields = 0;
    for (const char *p = line + strspn(line, " \t\r\n"); *p; fields++) {
        char *end;
        errno = 0;
        double value = strtod(p, &end);
        int width = (int)strcspn(p, " \t\r\n");
        if (end != p + width || !isfinite(value)) {
            ndl_fail(err, NDL_BADDATA, "%s:%zu: field %zu, '%.*s', is not a finite number", path,
                     number, fields + 1, width > 40 ? 40 : width, p);
            return SIZE_MAX;
        }
        if (fields < cols)
            row[fields] = value;
        p = end + strspn(end, " \t\r\n");
    }
    return fields;
}

static enum ndl_status read_rows(struct ndl_matrix *m, FILE *in, const char *path,
                                 struct ndl_error *err)
{
    enum ndl_status status = NDL_OK;
    char *line = NULL;
    size_t room = 0, capacity = 0, number = 0;
    ssize_t length;
    while (status == NDL_OK && (length = getline(&line, &room, in)) >= 0) {
        number++;
        if (strlen(line) != (size_t)length)
            status =
                ndl_fail(err, NDL_BADDATA, "%s:%zu: a NUL byte: not a text file", path, number);
        else if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        else {
            if (m->rows == 0)
                m->cols = parse_line(line, NULL, 0, path, number, err);
            if (m->cols == SIZE_MAX)
                status = NDL_BADDATA;
            if (status == NDL_OK && m->rows == capacity) {
                size_t entries, bytes;
                double *more = NULL;
                capacity = capacity ? 2 * capacity : 64;
                if (!__builtin_mul_overflow(capacity, m->cols, &entries) &&
                    !__builtin_mul_overflow(entries, sizeof *more, &bytes))
                    more = realloc(m->v, bytes);
                if (more)
                    m->v = more;
                else
                    status = ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu rows", path, capacity);
            }
            if (status == NDL_OK) {
                size_t fields = parse_line(line, ndl_row(m, m->rows), m->cols, path, number, err);
                if (fields == SIZE_MAX)
                    status = NDL_BADDATA;
                else if (fields != m->cols)
                    status =
                        ndl_fail(err, NDL_BADDATA, "%s:%zu: %zu fields, but the first row has %zu",
                                 path, number, fields, m->cols);
                else
                    m->rows++;
            }
        }
    }
    if (status == NDL_OK && ferror(in))
        status = ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    if (status == NDL_OK && m->rows == 0)
        status = ndl_fail(err, NDL_BADDATA, "%s: no rows of numbers", path);
    free(line);
    return status;
}

enum ndl_status ndl_tsv_read(struct ndl_matrix *m, const char *path, struct ndl_error *err)
{
    *m = (struct ndl_matrix){0};
    FILE *in = fopen(path, "r");
    if (!in)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    enum ndl_status status = read_rows(m, in, path, err);
    fclose(in);
    if (status != NDL_OK)
        ndl_matrix_free(m);
    return status;
}

enum ndl_status ndl_tsv_write(const struct ndl_matrix *m, const char *path, const char *header,
                              struct ndl_error *err)
{
    struct ndl_output out;
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status != NDL_OK)
        return status;
    if (header)
        fputs(header, out.file);
    for (size_t i = 0; i < m->rows; i++)
        for (size_t j = 0; j < m->cols; j++)
            fprintf(out.file, "%.17g%c", ndl_row(m, i)[j], j + 1 < m->cols ? '\t' : '\n');
    return ndl_output_close(&out, err);
}

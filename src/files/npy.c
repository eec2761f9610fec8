/* npy.c -- NumPy's .npy format, and array views.
 *
 * The format (numpy.lib.format): "\x93NUMPY", version major and minor, the length of
 * the header (2 bytes in version 1, 4 in 2 and 3, little-endian), the header (a
 * Python dict literal of 'descr', 'fortran_order' and 'shape', padded with
 * blanks), then the entries. */
#include "files.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are little-endian and read in place");

/* ---------------------------------------------------------------- header */

enum ndl_status ndl_npy_header_size(const unsigned char *bytes, size_t size, size_t *header,
                                    const char *name, struct ndl_error *err)
{
    *header = 0;
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: not a .npy file (its first bytes are not \\x93NUMPY)", name);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return ndl_fail(err, NDL_BADDATA, "%s: .npy version %d.%d is not 1.0, 2.0 or 3.0", name,
                        bytes[6], bytes[7]);
    size_t length = bytes[8] | (size_t)bytes[9] << 8, start = 10;
    if (bytes[6] > 1) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        start = 12;
    }
    if (length > NDL_NPY_HEADER_MAX)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: .npy header of %zu bytes (a plain array needs about 100)", name,
                        length);
    *header = start + length;
    return NDL_OK;
}

/* The header's text, [at, end): each function takes what it names and moves on. */
struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool take(struct cursor *c, const char *token)
{
    skip_blanks(c);
    size_t length = strlen(token);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, token, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* A quoted string without escapes into text[room]. */
static bool take_string(struct cursor *c, char *text, size_t room)
{
    skip_blanks(c);
    if (c->at >= c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    char quote = *c->at++;
    size_t length = 0;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (length + 1 >= room || *c->at == '\\' || *c->at == '\0')
            return false;
        text[length++] = *c->at;
    }
    text[length] = '\0';
    return take(c, quote == '"' ? "\"" : "'");
}

static bool take_size(struct cursor *c, size_t *number)
{
    skip_blanks(c);
    const char *start = c->at;
    *number = 0;
    for (; c->at < c->end && isdigit((unsigned char)*c->at); c->at++)
        if (__builtin_mul_overflow(*number, (size_t)10, number) ||
            __builtin_add_overflow(*number, (size_t)(*c->at - '0'), number))
            return false;
    return c->at > start;
}

static enum ndl_status parse_descr(struct cursor *c, struct ndl_npy_header *header,
                                   const char *name, struct ndl_error *err)
{
    char descr[32];
    if (take(c, "["))
        return ndl_fail(err, NDL_BADDATA, "%s: a structured array, not an array of numbers", name);
    if (!take_string(c, descr, sizeof descr))
        return ndl_fail(err, NDL_BADDATA, "%s: malformed 'descr' in the .npy header", name);
    if (strchr(descr, 'O'))
        return ndl_fail(err, NDL_BADDATA, "%s: an array of Python objects, not of numbers", name);
    if (descr[0] == '>')
        return ndl_fail(err, NDL_BADDATA, "%s: big-endian (%s); save it as '<%s'", name, descr,
                        descr + 1);
    struct cursor digits = {descr + 1, descr + strlen(descr)};
    bool good = (descr[0] == '<' || descr[0] == '|') && descr[1] != '\0';
    if (good) {
        header->kind = descr[1];
        digits.at++;
        good = take_size(&digits, &header->item) && digits.at == digits.end && header->item > 0;
    }
    if (good && header->kind == 'U') /* UTF-32: the number counts characters */
        good = !__builtin_mul_overflow(header->item, (size_t)4, &header->item);
    if (!good)
        return ndl_fail(err, NDL_BADDATA, "%s: dtype '%s' is not supported", name, descr);
    return NDL_OK;
}

static enum ndl_status parse_shape(struct cursor *c, struct ndl_npy_header *header,
                                   const char *name, struct ndl_error *err)
{
    bool good = take(c, "("), comma = true;
    header->dims = 0;
    while (good && !take(c, ")")) {
        if (header->dims == NDL_NPY_DIMS)
            return ndl_fail(err, NDL_BADDATA, "%s: an array of more than %d dimensions", name,
                            NDL_NPY_DIMS);
        good = comma && take_size(c, &header->shape[header->dims]);
        header->dims += good;
        comma = good && take(c, ",");
    }
    if (!good)
        return ndl_fail(err, NDL_BADDATA, "%s: malformed 'shape' in the .npy header", name);
    return NDL_OK;
}

enum ndl_status ndl_npy_parse(const unsigned char *bytes, size_t size,
                              struct ndl_npy_header *header, const char *name,
                              struct ndl_error *err)
{
    *header = (struct ndl_npy_header){0};
    enum ndl_status status = ndl_npy_header_size(bytes, size, &header->offset, name, err);
    if (status != NDL_OK)
        return status;
    if (header->offset > size)
        return ndl_fail(err, NDL_BADDATA, "%s: truncated inside the .npy header", name);
    struct cursor c = {(const char *)bytes + (bytes[6] > 1 ? 12 : 10),
                       (const char *)bytes + header->offset};
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false}, good = take(&c, "{"), more = good;
    while (more && !take(&c, "}")) {
        char text[32] = "";
        int key = 0;
        good = take_string(&c, text, sizeof text) && take(&c, ":");
        while (key < 3 && strcmp(text, keys[key]) != 0)
            key++;
        good = good && key < 3 && !seen[key];
        if (good && key == 0)
            status = parse_descr(&c, header, name, err);
        if (good && key == 1) {
            header->fortran = take(&c, "True");
            good = header->fortran || take(&c, "False");
        }
        if (good && key == 2)
            status = parse_shape(&c, header, name, err);
        if (status != NDL_OK)
            return status;
        if (good)
            seen[key] = true;
        more = good && take(&c, ",");
        if (good && !more) /* then this was the last entry */
            good = take(&c, "}");
    }
    skip_blanks(&c);
    if (!good || !seen[0] || !seen[1] || !seen[2] || c.at != c.end)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: malformed .npy header: not one each of descr, fortran_order, shape",
                        name);
    size_t product;
    header->count = 1;
    for (int i = 0; i < header->dims; i++)
        if (__builtin_mul_overflow(header->count, header->shape[i], &header->count))
            return ndl_fail(err, NDL_BADDATA, "%s: the shape overflows", name);
    if (__builtin_mul_overflow(header->count, header->item, &product) ||
        product > SIZE_MAX - header->offset)
        return ndl_fail(err, NDL_BADDATA, "%s: the shape overflows", name);
    return NDL_OK;
}

/* ----------------------------------------------------------------- views */

static size_t dtype_size(enum ndl_dtype dtype)
{
    return dtype == NDL_F64 ? 8 : dtype == NDL_F32 ? 4 : 2;
}

enum ndl_status ndl_view_shape(struct ndl_array_view *view, const size_t *shape, size_t dims,
                               bool vector, const char *name, struct ndl_error *err)
{
    if (dims == 0 || dims > 2)
        return ndl_fail(err, NDL_BADDATA, "%s: %zu-dimensional, a %s is needed", name, dims,
                        vector ? "vector" : "matrix");
    for (size_t i = 0; i < dims; i++)
        if (shape[i] == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: an empty array (a dimension is 0)", name);
    if (!vector && dims == 1)
        return ndl_fail(err, NDL_BADDATA, "%s: 1-dimensional, a matrix is needed", name);
    if (vector && dims == 2 && shape[0] != 1 && shape[1] != 1)
        return ndl_fail(err, NDL_BADDATA, "%s: a %zu x %zu matrix, a vector is needed", name,
                        shape[0], shape[1]);
    view->vector = dims == 1;
    view->rows = vector ? 1 : shape[0];
    view->cols = !vector ? shape[1] : dims == 1 ? shape[0] : shape[0] * shape[1];
    snprintf(view->name, sizeof view->name, "%s", name);
    return NDL_OK;
}

enum ndl_status ndl_npy_view(struct ndl_array_view *view, const unsigned char *bytes, size_t size,
                             bool vector, const char *name, struct ndl_error *err)
{
    *view = (struct ndl_array_view){0};
    struct ndl_array_view new = {0};
    struct ndl_npy_header header;
    enum ndl_status status = ndl_npy_parse(bytes, size, &header, name, err);
    if (status != NDL_OK)
        return status;
    if (header.kind != 'f' || (header.item != 8 && header.item != 4 && header.item != 2))
        return ndl_fail(err, NDL_BADDATA, "%s: dtype %c%zu is not float16, float32 or float64",
                        name, header.kind, header.kind == 'U' ? header.item / 4 : header.item);
    if (size - header.offset != header.count * header.item)
        return ndl_fail(
            err, NDL_BADDATA, "%s: %s: the header promises %zu bytes of numbers, there are %zu",
            name, size - header.offset < header.count * header.item ? "truncated" : "too long",
            header.count * header.item, size - header.offset);
    status = ndl_view_shape(&new, header.shape, (size_t)header.dims, vector, name, err);
    if (status != NDL_OK)
        return status;
    new.dtype = header.item == 8 ? NDL_F64 : header.item == 4 ? NDL_F32 : NDL_F16;
    new.column_major = header.fortran;
    new.data = bytes + header.offset;
    *view = new;
    return NDL_OK;
}

void ndl_view_transpose(struct ndl_array_view *view)
{
    size_t rows = view->rows;
    view->rows = view->cols;
    view->cols = rows;
    view->column_major = !view->column_major;
}

void ndl_view_close(struct ndl_array_view *view)
{
    if (view->mapped > 0)
        munmap(view->memory, view->mapped);
    else
        free(view->memory);
    *view = (struct ndl_array_view){0};
}

/* float16 (IEEE binary16) has 5 exponent bits with bias 15 and 10 fraction bits; all
 * its values are float32 values: normal ones after rebiasing, subnormal ones are
 * fraction * 2^-24. */
static double half_to_double(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31,
             fraction = half & 1023;
    if (exponent == 0)
        return (sign ? -0x1p-24 : 0x1p-24) * (double)fraction;
    uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

void ndl_convert(enum ndl_dtype dtype, const unsigned char *from, size_t n, double *out,
                 size_t stride)
{
    uint16_t half;
    uint32_t bits;
    float single;
    switch (dtype) {
    case NDL_F64:
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * stride, from + 8 * i, 8);
        break;
    case NDL_F32:
        for (size_t i = 0; i < n; i++) {
            memcpy(&single, from + 4 * i, 4);
            out[i * stride] = (double)single;
        }
        break;
    case NDL_F16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, from + 2 * i, 2);
            out[i * stride] = half_to_double(half);
        }
        break;
    case NDL_BF16: /* the upper half of a float32 */
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, from + 2 * i, 2);
            bits = (uint32_t)half << 16;
            memcpy(&single, &bits, 4);
            out[i * stride] = (double)single;
        }
        break;
    }
}

enum ndl_status ndl_view_rows(const struct ndl_array_view *view, size_t first, size_t last,
                              double *out, struct ndl_error *err)
{
    assert(first <= last && last <= view->rows);
    /* rows: of a column-major array, whole cache lines are read and out stays in cache */
    enum { TILE = 32 };
    size_t cols = view->cols, item = dtype_size(view->dtype);
    for (size_t i = first; i < last; i += TILE) {
        size_t rows = last - i < TILE ? last - i : TILE;
        double *tile = out + (i - first) * cols;
        if (view->column_major)
            for (size_t j = 0; j < cols; j++)
                ndl_convert(view->dtype, view->data + (j * view->rows + i) * item, rows, tile + j,
                            cols);
        else
            ndl_convert(view->dtype, view->data + i * cols * item, rows * cols, tile, 1);
        for (size_t e = 0; e < rows * cols; e++)
            if (!isfinite(tile[e]))
                return ndl_fail(err, NDL_BADDATA, "%s: row %zu, column %zu is %g", view->name,
                                i + e / cols, e % cols, tile[e]);
    }
    return NDL_OK;
}

/* --------------------------------------------------------------- writing */

size_t ndl_npy_write_header(char header[static 128], const char *descr, const char *shape)
{
    char dict[118];
    int length = snprintf(dict, sizeof dict,
                          "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    assert(length > 0 && (size_t)length < sizeof dict);
    memcpy(header, "\x93NUMPY\x01\x00", 8); /* then the length of the dict and its padding */
    header[8] = 118;
    header[9] = 0;
    memset(header + 10, ' ', 117);
    memcpy(header + 10, dict, (size_t)length);
    header[127] = '\n';
    return 128;
}

enum ndl_status ndl_npy_write(const struct ndl_matrix *m, const char *path, bool vector,
                              struct ndl_error *err)
{
    char header[128], shape[64];
    if (vector)
        snprintf(shape, sizeof shape, "(%zu,)", m->cols);
    else
        snprintf(shape, sizeof shape, "(%zu, %zu)", m->rows, m->cols);
    struct ndl_output out;
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status != NDL_OK)
        return status;
    size_t entries = m->rows * m->cols;
    fwrite(header, 1, ndl_npy_write_header(header, "<f8", shape),
           out.file); /* fits into the buffer of out.file */
    if (fwrite(m->v, sizeof *m->v, entries, out.file) != entries) {
        status = ndl_fail(err, NDL_IO, "%s: cannot write: %s", path, strerror(errno));
        ndl_output_abandon(&out);
        return status;
    }
    return ndl_output_close(&out, err);
}

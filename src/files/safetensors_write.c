/* safetensors_write.c -- writes .safetensors; the format is described in safetensors.c. */
#include "files.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The header, padded by blanks so that the tensors begin at a multiple of 8 bytes; NULL without
 * memory. */
static char *header(const struct ndl_tensor *tensor, size_t count, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out)
        return NULL;
    size_t at = 0;
    for (size_t t = 0; t < count; t++) {
        size_t entries = tensor[t].m->rows * tensor[t].m->cols;
        assert(strcspn(tensor[t].name, "\"\\") == strlen(tensor[t].name));
        fprintf(out, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", t ? "," : "{", tensor[t].name);
        if (!tensor[t].vector)
            fprintf(out, "%zu,", tensor[t].m->rows);
        fprintf(out, "%zu],\"data_offsets\":[%zu,%zu]}", tensor[t].m->cols, at, at + 4 * entries);
        at += 4 * entries;
    }
    fputc('}', out);
    while (ftell(out) % 8 != 0)
        fputc(' ', out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static enum ndl_status write_tensor(const struct ndl_tensor *tensor, FILE *out, const char *path,
                                    struct ndl_error *err)
{
    const struct ndl_matrix *m = tensor->m;
    for (size_t e = 0; e < m->rows * m->cols; e++) {
        if (!(fabs(m->v[e]) <= (double)FLT_MAX))
            return ndl_fail(err, NDL_BADDATA, "%s: %s, row %zu, column %zu: %g is no float32", path,
                            tensor->name, e / m->cols, e % m->cols, m->v[e]);
        float rounded = (float)m->v[e];
        if (fwrite(&rounded, sizeof rounded, 1, out) != 1)
            return ndl_fail(err, NDL_IO, "%s: cannot write: %s", path, strerror(errno));
    }
    return NDL_OK;
}

enum ndl_status ndl_safetensors_write(const struct ndl_tensor *tensor, size_t count,
                                      const char *path, struct ndl_error *err)
{
    size_t length;
    char *text = header(tensor, count, &length);
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory to write %zu tensors", path, count);
    struct ndl_output out;
    enum ndl_status status = ndl_output_open(&out, path, err);
    if (status == NDL_OK) {
        uint64_t bytes = length; /* this machine is little-endian, as the readers assume, too */
        fwrite(&bytes, sizeof bytes, 1, out.file);
        fwrite(text, 1, length, out.file);
        for (size_t t = 0; status == NDL_OK && t < count; t++)
            status = write_tensor(&tensor[t], out.file, path, err);
        if (status == NDL_OK)
            status = ndl_output_close(&out, err);
        else
            ndl_output_abandon(&out);
    }
    free(text);
    return status;
}

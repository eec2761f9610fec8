/* safetensors.c -- the .safetensors format: 8 bytes little-endian length of the header,
 * the header (JSON: name -> {dtype, shape, data_offsets}, and "__metadata__"), then the
 * tensors, C order, little-endian, without holes (github.com/huggingface/safetensors). */
#include "files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { HEADER_MAX = 100000000, DIMS_MAX = 8 };

struct tensor {
    const char *name, *dtype; /* in the parsed header */
    size_t shape[DIMS_MAX];
    size_t dims;
    size_t begin, end; /* bytes, from the end of the header */
};

struct header {
    cJSON *json;
    struct tensor *tensor; /* by begin */
    size_t count;
    const unsigned char *data; /* the tensors, size bytes */
    size_t size;
};

static void free_header(struct header *h)
{
    cJSON_Delete(h->json);
    free(h->tensor);
    *h = (struct header){0};
}

/* A JSON number as a size: an integer that a double holds exactly. */
static bool json_size(const cJSON *item, size_t *size)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *size = (size_t)item->valuedouble;
    return true;
}

/* Bytes of an entry, 0 if unknown: such tensors may be in the file, but are not read. */
static size_t dtype_bytes(const char *dtype)
{
    static const struct {
        const char *name;
        size_t bytes;
    } known[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                 {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U64", 8},  {"U32", 4},
                 {"U16", 2}, {"U8", 1},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, dtype) == 0)
            return known[i].bytes;
    return 0;
}

static enum ndl_status parse_tensor(const cJSON *item, struct tensor *t, size_t size,
                                    const char *name, struct ndl_error *err)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    *t = (struct tensor){.name = item->string};
    if (!cJSON_IsObject(item) || !cJSON_IsString(dtype) || !cJSON_IsArray(shape) ||
        !cJSON_IsArray(offsets) || cJSON_GetArraySize(item) != 3)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: tensor '%.100s' has not one each of dtype, shape, data_offsets", name,
                        t->name);
    t->dtype = dtype->valuestring;
    size_t count = 1, bytes;
    bool good = true;
    const cJSON *dim;
    cJSON_ArrayForEach(dim, shape)
    {
        if (t->dims == DIMS_MAX)
            return ndl_fail(err, NDL_BADDATA, "%s: tensor '%.100s' has more than %d dimensions",
                            name, t->name, DIMS_MAX);
        good = good && json_size(dim, &t->shape[t->dims]) &&
               !__builtin_mul_overflow(count, t->shape[t->dims], &count);
        t->dims++;
    }
    if (!good)
        return ndl_fail(err, NDL_BADDATA, "%s: tensor '%.100s' has an impossible shape", name,
                        t->name);
    if (cJSON_GetArraySize(offsets) != 2 || !json_size(offsets->child, &t->begin) ||
        !json_size(offsets->child->next, &t->end) || t->begin > t->end || t->end > size)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: tensor '%.100s' has data_offsets outside of the file's %zu bytes",
                        name, t->name, size);
    if (dtype_bytes(t->dtype) > 0 &&
        (__builtin_mul_overflow(count, dtype_bytes(t->dtype), &bytes) ||
         bytes != t->end - t->begin))
        return ndl_fail(err, NDL_BADDATA, "%s: tensor '%.100s': shape and data_offsets disagree",
                        name, t->name);
    return NDL_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static int compare_begins(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); /* empty tensors first */
}

static enum ndl_status parse_tensors(struct header *h, const char *name, struct ndl_error *err)
{
    size_t children = (size_t)cJSON_GetArraySize(h->json), metadata = 0;
    h->tensor = calloc(children ? children : 1, sizeof *h->tensor);
    if (!h->tensor)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu tensors", name, children);
    const cJSON *item;
    cJSON_ArrayForEach(item, h->json)
    {
        enum ndl_status status = NDL_OK;
        if (strcmp(item->string, "__metadata__") == 0)
            metadata++;
        else
            status = parse_tensor(item, &h->tensor[h->count++], h->size, name, err);
        if (status != NDL_OK)
            return status;
    }
    qsort(h->tensor, h->count, sizeof *h->tensor, compare_names);
    for (size_t i = 1; i < h->count; i++)
        if (strcmp(h->tensor[i - 1].name, h->tensor[i].name) == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: two tensors named '%.100s'", name,
                            h->tensor[i].name);
    if (metadata > 1)
        return ndl_fail(err, NDL_BADDATA, "%s: two '__metadata__' entries", name);
    qsort(h->tensor, h->count, sizeof *h->tensor, compare_begins);
    size_t end = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->tensor[i].begin != end)
            return ndl_fail(err, NDL_BADDATA, "%s: tensor '%.100s' %s", name, h->tensor[i].name,
                            h->tensor[i].begin < end ? "overlaps another" : "comes after a hole");
        end = h->tensor[i].end;
    }
    if (end != h->size)
        return ndl_fail(err, NDL_BADDATA, "%s: %zu bytes after the last tensor", name,
                        h->size - end);
    return NDL_OK;
}

struct cJSON *ndl_json_object(const unsigned char *bytes, size_t size)
{
    const char *text = (const char *)bytes, *end = text;
    for (size_t i = 0; i < size; i++) /* cJSON would end a string, so rename a key, at a NUL byte */
        if (bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r')
            return NULL;
    cJSON *json = size > 0 ? cJSON_ParseWithLengthOpts(text, size, &end, 0) : NULL;
    while (json && end < text + size &&
           (*end == ' ' || *end == '\t' || *end == '\n' || *end == '\r'))
        end++;
    if (cJSON_IsObject(json) && end == text + size)
        return json;
    cJSON_Delete(json);
    return NULL;
}

static enum ndl_status parse_header(struct header *h, const unsigned char *bytes, size_t size,
                                    const char *name, struct ndl_error *err)
{
    *h = (struct header){0};
    uint64_t length;
    if (size < 8)
        return ndl_fail(err, NDL_BADDATA, "%s: not a .safetensors file: %zu bytes", name, size);
    memcpy(&length, bytes, 8);
    if (length > HEADER_MAX || length > size - 8)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: not a .safetensors file: a header of %llu bytes in a file of %zu",
                        name, (unsigned long long)length, size);
    h->json = length > 0 && bytes[8] == '{' ? ndl_json_object(bytes + 8, (size_t)length) : NULL;
    if (!h->json)
        return ndl_fail(err, NDL_BADDATA, "%s: the .safetensors header is not a JSON object", name);
    h->data = bytes + 8 + length;
    h->size = size - 8 - (size_t)length;
    enum ndl_status status = parse_tensors(h, name, err);
    if (status != NDL_OK)
        free_header(h);
    return status;
}

static const struct tensor *find(const struct header *h, const char *name, size_t length)
{
    for (size_t i = 0; i < h->count; i++)
        if (strncmp(h->tensor[i].name, name, length) == 0 && h->tensor[i].name[length] == '\0')
            return &h->tensor[i];
    return NULL;
}

/* The tensor to read and whether it is to be transposed; NULL if there is none. */
static const struct tensor *choose(const struct header *h, const char *wanted, bool vector,
                                   bool *transpose)
{
    static const struct {
        const char *name;
        bool vector, transpose;
    } usual[] = {
        {"W_dec", false, false}, /* SAELens, sparsify, Gemma Scope */
        /* torch.nn.Linear(K, d): dictionary_learning, OpenAI, Llama Scope */
        {"decoder.weight", false, true},
        {"decoder_linear.weight", false, true},
        {"decoder", false, false},
        {"dictionary", false, false},
        {"b_dec", true, false},
        {"pre_bias", true, false},
        {"decoder.bias", true, false},
        {"decoder_linear.bias", true, false},
        {"bias", true, false},
    };
    const struct tensor *t = NULL;
    *transpose = false;
    if (wanted) {
        size_t length = strlen(wanted);
        t = find(h, wanted, length);
        if (!t && length > 2 && strcmp(wanted + length - 2, ".T") == 0) {
            *transpose = true;
            t = find(h, wanted, length - 2);
        }
        return t;
    }
    for (size_t i = 0; !t && i < sizeof usual / sizeof *usual; i++)
        if (usual[i].vector == vector) {
            t = find(h, usual[i].name, strlen(usual[i].name));
            *transpose = usual[i].transpose;
        }
    if (!t && h->count == 1) {
        *transpose = false;
        t = &h->tensor[0];
    }
    return t;
}

static enum ndl_status fail_missing(const struct header *h, const char *wanted, const char *name,
                                    struct ndl_error *err)
{
    char list[200] = "none at all";
    for (size_t i = 0, length = 0; i < h->count && length < sizeof list; i++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%.60s", i ? ", " : "",
                                   h->tensor[i].name);
    return ndl_fail(err, NDL_BADDATA, "%s: no tensor %.100s; there are: %s", name,
                    wanted ? wanted : "of a usual name (choose one: file.safetensors:NAME)", list);
}

enum ndl_status ndl_safetensors_view(struct ndl_array_view *view, const unsigned char *bytes,
                                     size_t size, const char *tensor, bool vector, const char *name,
                                     struct ndl_error *err)
{
    *view = (struct ndl_array_view){0};
    struct ndl_array_view new = {0};
    struct header h;
    bool transpose;
    enum ndl_status status = parse_header(&h, bytes, size, name, err);
    if (status != NDL_OK)
        return status;
    const struct tensor *t = choose(&h, tensor, vector, &transpose);
    if (!t) {
        status = fail_missing(&h, tensor, name, err);
        free_header(&h);
        return status;
    }
    char label[256];
    snprintf(label, sizeof label, "%.180s: tensor %.60s", name, t->name);
    static const char *const dtypes[] = {
        [NDL_F64] = "F64", [NDL_F32] = "F32", [NDL_F16] = "F16", [NDL_BF16] = "BF16"};
    int dtype = 0;
    while (dtype < 4 && strcmp(dtypes[dtype], t->dtype) != 0)
        dtype++;
    if (dtype == 4)
        status = ndl_fail(err, NDL_BADDATA, "%s: dtype %.20s is not F64, F32, F16 or BF16", label,
                          t->dtype);
    if (status == NDL_OK)
        status = ndl_view_shape(&new, t->shape, t->dims, vector, label, err);
    if (status == NDL_OK) {
        new.dtype = (enum ndl_dtype)dtype;
        new.data = h.data + t->begin;
        if (transpose && !vector)
            ndl_view_transpose(&new);
        *view = new;
    }
    free_header(&h);
    return status;
}

enum ndl_status ndl_safetensors_has(const unsigned char *bytes, size_t size, const char *tensor,
                                    bool *has, const char *name, struct ndl_error *err)
{
    *has = false;
    struct header h;
    enum ndl_status status = parse_header(&h, bytes, size, name, err);
    if (status == NDL_OK)
        *has = find(&h, tensor, strlen(tensor)) != NULL;
    free_header(&h);
    return status;
}

/* by_extension.c -- which file is of which format: the loaders and savers of the tools. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ndl_status check_regular(const struct stat *info, const char *path,
                                     struct ndl_error *err)
{
    if (S_ISREG(info->st_mode))
        return NDL_OK;
    return ndl_fail(err, NDL_IO, "%s: %s", path,
                    S_ISDIR(info->st_mode) ? "is a directory" : "not a regular file");
}

enum ndl_status ndl_map_file(const unsigned char **bytes, size_t *size, const char *path,
                             struct ndl_error *err)
{
    *bytes = NULL;
    *size = 0;
    /* a named pipe must not keep us waiting */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (file < 0)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    enum ndl_status status = fstat(file, &info) != 0
                                 ? ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno))
                                 : check_regular(&info, path, err);
    if (status == NDL_OK && info.st_size == 0)
        status = ndl_fail(err, NDL_BADDATA, "%s: empty file", path);
    void *map = MAP_FAILED;
    if (status == NDL_OK) {
        map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (map == MAP_FAILED)
            status = ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    }
    close(file);
    if (status == NDL_OK) {
        *bytes = map;
        *size = (size_t)info.st_size;
    }
    return status;
}

enum format { UNKNOWN, NPY, TABLE, SAFETENSORS, NPZ };

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

/* Splits "file.npz:NAME" and "file.safetensors:NAME": *file receives the file's name (malloc,
 * NULL without memory), *member points at NAME in path or is NULL. */
static enum format split_path(const char *path, char **file, const char **member)
{
    static const struct {
        const char *ending;
        enum format format;
    } endings[] = {{".npy", NPY},
                   {".tsv", TABLE},
                   {".txt", TABLE},
                   {".safetensors", SAFETENSORS},
                   {".npz", NPZ}};
    *member = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, endings[i].ending)) {
            *file = strdup(path);
            return endings[i].format;
        }
    const char *colon = strrchr(path, ':');
    if (colon && colon[1] != '\0') {
        *file = strndup(path, (size_t)(colon - path));
        if (!*file)
            return UNKNOWN;
        *member = colon + 1;
        if (ends_with(*file, ".safetensors"))
            return SAFETENSORS;
        if (ends_with(*file, ".npz"))
            return NPZ;
    } else {
        *file = strdup(path);
    }
    return UNKNOWN;
}

/* -------------------------------------------------------------- dense arrays */

static enum ndl_status open_mapped(struct ndl_array_view *view, enum format format,
                                   const char *file, const char *member, bool vector,
                                   struct ndl_error *err)
{
    const unsigned char *bytes;
    size_t size;
    enum ndl_status status = ndl_map_file(&bytes, &size, file, err);
    if (status != NDL_OK)
        return status;
    if (format == NPY)
        status = ndl_npy_view(view, bytes, size, vector, file, err);
    else
        status = ndl_safetensors_view(view, bytes, size, member, vector, file, err);
    if (status != NDL_OK) {
        munmap((void *)(uintptr_t)bytes, size);
        return status;
    }
    view->memory = (void *)(uintptr_t)bytes; /* the map, handed over; only munmap uses it */
    view->mapped = size;
    return NDL_OK;
}

static enum ndl_status open_table(struct ndl_array_view *view, const char *file, bool vector,
                                  struct ndl_error *err)
{
    struct ndl_matrix m;
    struct stat info;
    enum ndl_status status = stat(file, &info) == 0 ? check_regular(&info, file, err) : NDL_OK;
    if (status == NDL_OK)
        status = ndl_tsv_read(&m, file, err);
    if (status != NDL_OK)
        return status;
    size_t shape[2] = {m.rows, m.cols};
    status = ndl_view_shape(view, shape, 2, vector, file, err);
    if (status != NDL_OK) {
        ndl_matrix_free(&m);
        return status;
    }
    view->dtype = NDL_F64;
    view->data = (const unsigned char *)m.v;
    view->memory = m.v;
    return NDL_OK;
}

static enum ndl_status open_npz_member(struct ndl_array_view *view, const char *file,
                                       const char *member, bool vector, struct ndl_error *err)
{
    if (!member)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: a dense array is needed; choose one of an .npz by file.npz:NAME",
                        file);
    char name[256], stem[200];
    snprintf(stem, sizeof stem, "%s", member);
    bool transpose = ends_with(member, ".T");
    if (transpose && strlen(member) < sizeof stem)
        stem[strlen(member) - 2] = '\0';
    snprintf(name, sizeof name, "%.190s: %.60s", file, stem);
    unsigned char *npy;
    size_t size;
    enum ndl_status status = ndl_npz_member(&npy, &size, NULL, 0, stem, file, err);
    if (status != NDL_OK)
        return status;
    status = ndl_npy_view(view, npy, size, vector, name, err);
    if (status != NDL_OK) {
        free(npy);
        return status;
    }
    view->memory = npy;
    if (transpose && !vector)
        ndl_view_transpose(view);
    return NDL_OK;
}

enum ndl_status ndl_view_open(struct ndl_array_view *view, const char *path, bool vector,
                              struct ndl_error *err)
{
    *view = (struct ndl_array_view){0};
    char *file = NULL;
    const char *member;
    enum ndl_status status;
    enum format format = split_path(path, &file, &member);
    if (!file)
        return ndl_fail(err, NDL_NOMEM, "no memory for a file name");
    if (format == TABLE)
        status = open_table(view, file, vector, err);
    else if (format == NPZ)
        status = open_npz_member(view, file, member, vector, err);
    else if (format == UNKNOWN)
        status =
            ndl_fail(err, NDL_BADARG,
                     "%s: not a .npy, .npz:NAME, .safetensors[:NAME], .tsv or .txt file", path);
    else
        status = open_mapped(view, format, file, member, vector, err);
    free(file);
    return status;
}

static enum ndl_status load(struct ndl_matrix *m, const char *path, bool vector,
                            struct ndl_error *err)
{
    *m = (struct ndl_matrix){0};
    struct ndl_array_view view;
    enum ndl_status status = ndl_view_open(&view, path, vector, err);
    if (status != NDL_OK)
        return status;
    status = ndl_matrix_alloc(m, view.rows, view.cols, err);
    if (status == NDL_OK)
        status = ndl_view_rows(&view, 0, view.rows, m->v, err);
    if (status != NDL_OK)
        ndl_matrix_free(m);
    ndl_view_close(&view);
    return status;
}

enum ndl_status ndl_load_matrix(struct ndl_matrix *m, const char *path, struct ndl_error *err)
{
    return load(m, path, false, err);
}

enum ndl_status ndl_load_vector(struct ndl_matrix *m, const char *path, struct ndl_error *err)
{
    return load(m, path, true, err);
}

enum ndl_status ndl_save_matrix(const struct ndl_matrix *m, const char *path, bool vector,
                                struct ndl_error *err)
{
    if (vector && m->rows != 1)
        return ndl_fail(err, NDL_BADARG, "%s: a matrix of %zu rows is not a vector", path, m->rows);
    if (ends_with(path, ".npy"))
        return ndl_npy_write(m, path, vector, err);
    if (ends_with(path, ".tsv") || ends_with(path, ".txt"))
        return ndl_tsv_write(m, path, NULL, err);
    return ndl_fail(err, NDL_BADARG, "%s: matrices are written as .npy, .tsv or .txt", path);
}

/* -------------------------------------------------------------------- codes */

struct ndl_codes_reader {
    struct ndl_npz *npz;        /* a CSR file, or */
    struct ndl_array_view view; /* a dense one with */
    size_t row;                 /* the next row, */
    struct ndl_matrix dense;    /* its block, */
    struct ndl_codes block;     /* and that as codes */
    size_t rows, cols, entries;
};

enum ndl_status ndl_codes_open(struct ndl_codes_reader **reader, const char *path,
                               struct ndl_error *err)
{
    *reader = NULL;
    struct ndl_codes_reader *new = calloc(1, sizeof *new);
    if (!new)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory", path);
    enum ndl_status status;
    if (ends_with(path, ".npz")) {
        status = ndl_npz_open(&new->npz, NULL, 0, path, err);
        if (status == NDL_OK)
            ndl_npz_shape(new->npz, &new->rows, &new->cols, &new->entries);
    } else {
        status = ndl_view_open(&new->view, path, false, err);
        new->rows = new->view.rows;
        new->cols = new->view.cols;
        new->entries = new->rows *new->cols;
    }
    if (status != NDL_OK) {
        ndl_codes_close(new);
        return status;
    }
    *reader = new;
    return NDL_OK;
}

size_t ndl_codes_rows(const struct ndl_codes_reader *reader)
{
    return reader->rows;
}

size_t ndl_codes_cols(const struct ndl_codes_reader *reader)
{
    return reader->cols;
}

static enum ndl_status next_dense(struct ndl_codes_reader *r, size_t rows, struct ndl_error *err)
{
    ndl_matrix_free(&r->dense);
    ndl_codes_free(&r->block);
    enum ndl_status status = ndl_matrix_alloc(&r->dense, rows, r->cols, err);
    if (status == NDL_OK)
        status = ndl_view_rows(&r->view, r->row, r->row + rows, r->dense.v, err);
    for (size_t e = 0; status == NDL_OK && e < rows * r->cols; e++)
        if (r->dense.v[e] < 0)
            status = ndl_fail(err, NDL_BADDATA,
                              "%s: row %zu, column %zu is %g (codes must not be negative)",
                              r->view.name, r->row + e / r->cols, e % r->cols, r->dense.v[e]);
    if (status == NDL_OK)
        status = ndl_codes_from_dense(&r->block, &r->dense, err);
    return status;
}

enum ndl_status ndl_codes_next(struct ndl_codes_reader *reader, size_t rows,
                               const struct ndl_codes **block, struct ndl_error *err)
{
    if (reader->npz)
        return ndl_npz_next(reader->npz, rows, block, err);
    *block = NULL;
    if (rows > reader->rows - reader->row)
        rows = reader->rows - reader->row;
    if (rows == 0)
        return NDL_OK;
    enum ndl_status status = next_dense(reader, rows, err);
    if (status != NDL_OK)
        return status;
    reader->row += rows;
    *block = &reader->block;
    return NDL_OK;
}

void ndl_codes_close(struct ndl_codes_reader *reader)
{
    if (!reader)
        return;
    ndl_npz_close(reader->npz);
    ndl_view_close(&reader->view);
    ndl_matrix_free(&reader->dense);
    ndl_codes_free(&reader->block);
    free(reader);
}

/* Appends a block to z, whose arrays hold at least *room entries; rows so far in z->rows. */
static enum ndl_status append(struct ndl_codes *z, const struct ndl_codes *block, size_t *room,
                              struct ndl_error *err)
{
    size_t have = z->start[z->rows], n = block->start[block->rows];
    if (n > *room - have) { /* of a dense file; a CSR file says beforehand how many there are */
        size_t wanted = have + n > 2 * *room ? have + n : 2 * *room;
        uint32_t *atom = realloc(z->atom, wanted * sizeof *atom);
        z->atom = atom ? atom : z->atom;
        double *value = realloc(z->value, wanted * sizeof *value);
        z->value = value ? value : z->value;
        if (!atom || !value)
            return ndl_fail(err, NDL_NOMEM, "no memory for %zu codes", wanted);
        *room = wanted;
    }
    memcpy(z->atom + have, block->atom, n * sizeof *z->atom);
    memcpy(z->value + have, block->value, n * sizeof *z->value);
    for (size_t i = 0; i < block->rows; i++)
        z->start[z->rows + i + 1] = have + block->start[i + 1];
    z->rows += block->rows;
    return NDL_OK;
}

enum ndl_status ndl_load_codes(struct ndl_codes *z, const char *path, struct ndl_error *err)
{
    *z = (struct ndl_codes){0};
    struct ndl_codes_reader *reader;
    enum ndl_status status = ndl_codes_open(&reader, path, err);
    if (status != NDL_OK)
        return status;
    size_t room = reader->npz ? reader->entries : 1024;
    struct ndl_codes new;
    status = ndl_codes_alloc(&new, reader->rows, reader->cols, room, err);
    new.rows = 0;
    const struct ndl_codes *block;
    do {
        block = NULL;
        if (status == NDL_OK)
            status = ndl_codes_next(reader, 1024, &block, err);
        if (block)
            status = append(&new, block, &room, err);
    } while (block && status == NDL_OK);
    ndl_codes_close(reader);
    if (status != NDL_OK)
        ndl_codes_free(&new);
    *z = new;
    return status;
}

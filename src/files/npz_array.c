/* npz_array.c -- the arrays of an .npz archive.
 *
 * libzip unpacks; the .npy headers say how many numbers there are, and that must agree with the
 * sizes in the zip directory before any memory is asked for. */
#include "npz_array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BOMB_SIZE = 16 << 20, /* an array below 16 MiB cannot hurt, */
    /* above, what shrinks 100-fold holds no activations (2 to 4-fold is usual) */
    BOMB_RATIO = 100
};

enum ndl_status ndl_npz_open_archive(zip_t **archive, const unsigned char *bytes, size_t size,
                                     const char *name, struct ndl_error *err)
{
    *archive = NULL;
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = NULL;
    if (bytes) {
        source = zip_source_buffer_create(bytes, size, 0, &why);
    } else {
        struct stat info; /* libzip's own messages for these are vague */
        if (stat(name, &info) != 0)
            return ndl_fail(err, NDL_IO, "%s: %s", name, strerror(errno));
        if (!S_ISREG(info.st_mode))
            return ndl_fail(err, NDL_IO, "%s: %s", name,
                            S_ISDIR(info.st_mode) ? "is a directory" : "not a regular file");
        if (info.st_size == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: empty file", name);
        source = zip_source_file_create(name, 0, 0, &why);
    }
    if (source)
        *archive = zip_open_from_source(source, ZIP_RDONLY, &why);
    enum ndl_status status = NDL_OK;
    if (!*archive) {
        bool system = zip_error_system_type(&why) == ZIP_ET_SYS;
        status = ndl_fail(err, system ? NDL_IO : NDL_BADDATA,
                          "%s: not a readable .npz (zip) file: %s", name, zip_error_strerror(&why));
        if (source)
            zip_source_free(source);
    }
    zip_error_fini(&why);
    return status;
}

void ndl_npz_close_array(struct npz_array *m)
{
    if (m->file)
        zip_fclose(m->file);
    m->file = NULL;
}

enum ndl_status ndl_npz_read_bytes(struct npz_array *m, void *to, size_t size,
                                   struct ndl_error *err)
{
    unsigned char *p = to;
    while (size > 0) {
        zip_int64_t got = zip_fread(m->file, p, size);
        if (got < 0)
            return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name,
                            zip_error_strerror(zip_file_get_error(m->file)));
        if (got == 0)
            return ndl_fail(err, NDL_BADDATA, "%s: truncated, %zu bytes are missing", m->name,
                            size);
        p += got;
        size -= (size_t)got;
    }
    return NDL_OK;
}

enum ndl_status ndl_npz_finish_array(struct npz_array *m, struct ndl_error *err)
{
    char extra;
    zip_int64_t got = zip_fread(m->file, &extra, 1);
    if (got < 0)
        return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name,
                        zip_error_strerror(zip_file_get_error(m->file)));
    if (got > 0)
        return ndl_fail(err, NDL_BADDATA, "%s: longer than the archive's directory says", m->name);
    return NDL_OK;
}

static enum ndl_status find_member(zip_t *archive, const char *member, zip_uint64_t *index,
                                   const char *name, struct ndl_error *err)
{
    char wanted[300];
    snprintf(wanted, sizeof wanted, "%s.npy", member);
    zip_int64_t entries = zip_get_num_entries(archive, 0);
    bool found = false;
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *entry = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (!entry || strcmp(entry, wanted) != 0)
            continue;
        if (found)
            return ndl_fail(err, NDL_BADDATA, "%s: two members named '%s'", name, wanted);
        found = true;
        *index = (zip_uint64_t)i;
    }
    if (!found)
        return ndl_fail(err, NDL_BADDATA, "%s: no member '%s'", name, wanted);
    return NDL_OK;
}

static enum ndl_status check_sizes(zip_t *archive, zip_uint64_t index, struct npz_array *m,
                                   struct ndl_error *err)
{
    zip_stat_t info;
    zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive, index, 0, &info) != 0 || (info.valid & need) != need ||
        info.size > SIZE_MAX)
        return ndl_fail(err, NDL_BADDATA, "%s: the archive's directory is incomplete", m->name);
    if ((info.valid & ZIP_STAT_ENCRYPTION_METHOD) && info.encryption_method != ZIP_EM_NONE)
        return ndl_fail(err, NDL_BADDATA, "%s: encrypted", m->name);
    if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: compression method %d; NumPy writes stored or deflated members",
                        m->name, info.comp_method);
    if (info.comp_method == ZIP_CM_STORE && info.comp_size != info.size)
        return ndl_fail(err, NDL_BADDATA, "%s: stored, yet its two sizes differ", m->name);
    if (info.size > BOMB_SIZE && info.size / BOMB_RATIO > info.comp_size)
        return ndl_fail(err, NDL_BADDATA,
                        "%s: %llu bytes unpack to %llu, refused as a zip bomb (if it is none, save "
                        "it uncompressed)",
                        m->name, (unsigned long long)info.comp_size, (unsigned long long)info.size);
    m->size = (size_t)info.size;
    return NDL_OK;
}

static enum ndl_status read_header(struct npz_array *m, struct ndl_error *err)
{
    unsigned char prefix[12], *text = NULL;
    size_t size;
    enum ndl_status status = ndl_npz_read_bytes(m, prefix, sizeof prefix, err);
    if (status == NDL_OK)
        status = ndl_npy_header_size(prefix, sizeof prefix, &size, m->name, err);
    if (status != NDL_OK)
        return status;
    if (size < sizeof prefix)
        return ndl_fail(err, NDL_BADDATA, "%s: malformed .npy header", m->name);
    text = malloc(size);
    if (!text)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for a header", m->name);
    memcpy(text, prefix, sizeof prefix);
    status = ndl_npz_read_bytes(m, text + sizeof prefix, size - sizeof prefix, err);
    if (status == NDL_OK)
        status = ndl_npy_parse(text, size, &m->header, m->name, err);
    free(text);
    if (status == NDL_OK && m->size != m->header.offset + m->header.count * m->header.item)
        status = ndl_fail(err, NDL_BADDATA,
                          "%s: the .npy header needs %zu bytes, the archive's directory says %zu",
                          m->name, m->header.offset + m->header.count * m->header.item, m->size);
    m->left = m->header.count;
    return status;
}

enum ndl_status ndl_npz_open_array_file(zip_t *archive, const char *member, struct npz_array *m,
                                        const char *name, struct ndl_error *err)
{
    *m = (struct npz_array){0};
    snprintf(m->name, sizeof m->name, "%.*s: %.40s.npy", NPZ_LONGEST_NAME, name, member);
    zip_uint64_t index = 0;
    enum ndl_status status = find_member(archive, member, &index, name, err);
    if (status == NDL_OK)
        status = check_sizes(archive, index, m, err);
    if (status != NDL_OK)
        return status;
    m->file = zip_fopen_index(archive, index, 0);
    if (!m->file)
        return ndl_fail(err, NDL_BADDATA, "%s: %s", m->name, zip_strerror(archive));
    return NDL_OK;
}

enum ndl_status ndl_npz_open_array(zip_t *archive, const char *member, struct npz_array *m,
                                   const char *name, struct ndl_error *err)
{
    enum ndl_status status = ndl_npz_open_array_file(archive, member, m, name, err);
    if (status == NDL_OK)
        status = read_header(m, err);
    return status;
}

/* ------------------------------------------------------------- a dense array */

enum ndl_status ndl_npz_member(unsigned char **npy, size_t *size, const unsigned char *bytes,
                               size_t length, const char *member, const char *name,
                               struct ndl_error *err)
{
    *npy = NULL;
    *size = 0;
    zip_t *archive;
    struct npz_array m = {0};
    unsigned char *copy = NULL;
    enum ndl_status status = ndl_npz_open_archive(&archive, bytes, length, name, err);
    if (status != NDL_OK)
        return status;
    status = ndl_npz_open_array_file(archive, member, &m, name, err);
    if (status == NDL_OK && !(copy = malloc(m.size ? m.size : 1)))
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu bytes", m.name, m.size);
    if (status == NDL_OK)
        status = ndl_npz_read_bytes(&m, copy, m.size, err);
    if (status == NDL_OK)
        status = ndl_npz_finish_array(&m, err);
    ndl_npz_close_array(&m);
    zip_discard(archive);
    if (status != NDL_OK) {
        free(copy);
        return status;
    }
    *npy = copy;
    *size = m.size;
    return NDL_OK;
}

/* npz_array.h -- the arrays of an .npz archive, opened, read in pieces and checked (private to the
 * room files). */
#ifndef NDL_NPZ_ARRAY_H
#define NDL_NPZ_ARRAY_H

#include <zip.h>

#include "files.h"

enum { NPZ_LONGEST_NAME = 200 /* bytes of a file's name repeated with an array's in messages */ };

/* One array of the archive, opened and read up to its first entry. */
struct npz_array {
    zip_file_t *file;
    struct ndl_npy_header header;
    size_t size;    /* of the .npy file */
    size_t left;    /* entries not yet read */
    char name[256]; /* "file.npz: member", for messages */
};

/* The archive in memory or, if bytes = NULL, the file `name`; end with zip_discard. */
enum ndl_status ndl_npz_open_archive(zip_t **archive, const unsigned char *bytes, size_t size,
                                     const char *name, struct ndl_error *err);
/* Opens the file of a member without reading from it. */
enum ndl_status ndl_npz_open_array_file(zip_t *archive, const char *member, struct npz_array *m,
                                        const char *name, struct ndl_error *err);
/* The same, and reads its header. */
enum ndl_status ndl_npz_open_array(zip_t *archive, const char *member, struct npz_array *m,
                                   const char *name, struct ndl_error *err);
/* Reads exactly size bytes. */
enum ndl_status ndl_npz_read_bytes(struct npz_array *m, void *to, size_t size,
                                   struct ndl_error *err);
/* The end of the array must be here; reaching it makes libzip compare the check sum. */
enum ndl_status ndl_npz_finish_array(struct npz_array *m, struct ndl_error *err);
void ndl_npz_close_array(struct npz_array *m);

#endif

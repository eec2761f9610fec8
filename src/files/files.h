/* files.h -- reading and writing other people's files: NumPy .npy, SciPy CSR
 * .npz, .safetensors, text tables, and SAEs saved by SAELens.
 *
 * Conventions of ndl.h apply.  Every failure is one line "path: what and where",
 * with NDL_IO if the system refused, NDL_BADDATA if the content is not
 * acceptable, NDL_BADARG if the file name itself is not understood.  Rows and
 * columns in messages count from 0.  Nothing a file says is believed before it
 * was checked against the size of the file, and memory is allocated after that.
 *
 * Names.  A PATH ends in
 *     .npy                  one array
 *     .tsv  .txt            a text table (see ndl_tsv_read)
 *     .safetensors          the tensor of the usual name, see ndl_view_open
 *     .safetensors:NAME     that tensor; NAME.T reads it transposed
 *     .npz                  codes: a CSR matrix as scipy.sparse.save_npz writes it
 *     .npz:NAME             a dense array of an archive written by numpy.savez;
 *                           NAME.T reads it transposed
 *
 * Accepted numbers: little-endian IEEE float64, float32, float16 and (safetensors)
 * bfloat16, all converted exactly to double.  Integers, complex, structured,
 * object and big-endian arrays are refused; so are empty arrays, NaN and Inf. */
#ifndef NDL_FILES_H
#define NDL_FILES_H

#include "ndl/ndl.h"

struct cJSON;

/* ------------------------------------------------------------------ arrays */

enum ndl_dtype { NDL_F64, NDL_F32, NDL_F16, NDL_BF16 };

/* A read-only rows x cols array that stays where it is: in a memory-mapped file
 * (which must not shrink meanwhile) or in memory.  Rows are converted when asked
 * for, so a file larger than memory can be read in blocks of rows. */
struct ndl_array_view {
    size_t rows, cols; /* both >= 1; a 1-D array of n numbers is 1 x n */
    bool vector;       /* stored 1-D */
    bool column_major; /* entry (i, j) at j * rows + i, else at i * cols + j */
    enum ndl_dtype dtype;
    const unsigned char *data; /* rows * cols little-endian numbers, of any alignment */
    void *memory;              /* what ndl_view_close gives back: munmap if mapped > 0, */
    size_t mapped;             /*   else free; NULL if somebody else owns the data */
    char name[256];            /* for messages */
};

/* Opens a dense array.  If a safetensors PATH names no tensor, the first found of
 *     W_dec (K x d);  decoder.weight, decoder_linear.weight (torch.nn.Linear: stored
 *     d x K, viewed as K x d);  decoder, dictionary (K x d)
 * is taken or, with vector = true, of
 *     b_dec, pre_bias, decoder.bias, decoder_linear.bias, bias (d);
 * a file that holds a single tensor needs no name.  vector = true wants a 1-D
 * array (n x 1 and 1 x n are taken too, as 1 x n), vector = false a 2-D one.
 * .npy and .safetensors are memory-mapped, the others loaded.  Values are checked
 * when rows are read.  On failure *view is zero. */
enum ndl_status ndl_view_open(struct ndl_array_view *view, const char *path, bool vector,
                              struct ndl_error *err);
/* Converts rows [first, last), first <= last <= rows (asserted), into out, which
 * holds (last - first) x cols doubles, row-major.  NDL_BADDATA with row and column
 * at the first NaN or Inf; out is then partly filled. */
enum ndl_status ndl_view_rows(const struct ndl_array_view *view, size_t first, size_t last,
                              double *out, struct ndl_error *err);
void ndl_view_close(struct ndl_array_view *view);

/* A whole dense array: rows x cols. */
enum ndl_status ndl_load_matrix(struct ndl_matrix *m, const char *path, struct ndl_error *err);
/* A vector: 1 x n. */
enum ndl_status ndl_load_vector(struct ndl_matrix *m, const char *path, struct ndl_error *err);
/* Writes float64: .npy (version 1.0, C order; vector = true writes a matrix of one
 * row as a 1-D array) or .tsv / .txt.  The file appears complete or not at all;
 * the same values give the same bytes. */
enum ndl_status ndl_save_matrix(const struct ndl_matrix *m, const char *path, bool vector,
                                struct ndl_error *err);

/* ------------------------------------------------------------------- codes */

/* Codes read in blocks of rows, in bounded memory: one block and the buffers of
 * three streams.  PATH is a CSR .npz, or any dense array ndl_view_open takes.
 *
 * What SciPy may write in a CSR row is brought to the form of struct ndl_codes:
 * unsorted columns are sorted, duplicates are summed (as SciPy means them), explicit
 * zeros dropped.  A stored entry that is negative, NaN or Inf, or a sum that
 * overflows, is NDL_BADDATA naming row and column.  indices and indptr may be int32
 * or int64, data float16, float32 or float64.  Compressed members are decompressed
 * as they are read; one that declares more than 16 MiB and more than 100 times its
 * compressed size is refused (activations do not compress like that, zip bombs
 * do; an uncompressed file has no such limit). */
struct ndl_codes_reader;
enum ndl_status ndl_codes_open(struct ndl_codes_reader **reader, const char *path,
                               struct ndl_error *err);
size_t ndl_codes_rows(const struct ndl_codes_reader *reader); /* N >= 1 */
size_t ndl_codes_cols(const struct ndl_codes_reader *reader); /* K >= 1 */
/* The next block of at most `rows` >= 1 rows, valid until the next call.  After the
 * last row *block is NULL (and NDL_OK is returned), and only then is it certain that
 * the whole file was sound: check sums and sizes are compared at the end.  After a
 * failure the reader can only be closed. */
enum ndl_status ndl_codes_next(struct ndl_codes_reader *reader, size_t rows,
                               const struct ndl_codes **block, struct ndl_error *err);
void ndl_codes_close(struct ndl_codes_reader *reader);

/* All rows at once: 12 bytes per nonzero, 8 per row. */
enum ndl_status ndl_load_codes(struct ndl_codes *z, const char *path, struct ndl_error *err);
/* Writes a CSR .npz which scipy.sparse.load_npz reads: float64 data, int32 indices
 * and offsets if they fit (else int64), members stored, not compressed (mantissas
 * do not compress).  The file appears complete or not at all; the same codes give
 * the same bytes. */
enum ndl_status ndl_save_codes(const struct ndl_codes *z, const char *path, struct ndl_error *err);

/* ------------------------------------------------------------ SAELens SAEs */

enum ndl_sae_kind { NDL_SAE_RELU, NDL_SAE_TOPK, NDL_SAE_JUMPRELU };
enum ndl_sae_normalize {
    NDL_SAE_AS_IS,
    NDL_SAE_CONSTANT_NORM, /* x sqrt(d) / |x| */
    NDL_SAE_LAYER_NORM     /* (x - mean) / (std + 1e-5), std with d - 1 */
};

/* An SAE: codes are z = f((x - b_dec) W_enc + b_enc), the reconstruction is
 * b_dec + z W_dec (of the normalised x, if normalised). */
struct ndl_sae {
    size_t d, K;
    enum ndl_sae_kind kind;
    enum ndl_sae_normalize normalize;
    size_t k;           /* of TopK: 1 .. K; else 0 */
    bool subtract_bias; /* apply_b_dec_to_input: x - b_dec, else x, is encoded */
    /* TopK ranks by z_k |row k of W_dec| (rescale_acts_by_decoder_norm) */
    bool rank_by_contribution;
    struct ndl_matrix W_enc;     /* d x K */
    struct ndl_matrix b_enc;     /* 1 x K */
    struct ndl_matrix W_dec;     /* K x d */
    struct ndl_matrix b_dec;     /* 1 x d */
    struct ndl_matrix threshold; /* 1 x K, JumpReLU only */
};

/* Reads DIRECTORY/cfg.json and DIRECTORY/sae_weights.safetensors, weights into
 * memory as doubles (16 d K bytes).  Understood: architecture standard (ReLU, or TopK
 * given as activation function), topk and jumprelu (threshold or log_threshold), with
 * the keys of SAELens 3 to 6.  What is not understood (gated, other activation
 * functions, a scale found in training that is not in the file) is NDL_BADDATA in one
 * line; so are a key that stands twice and weights of another architecture than cfg.json says. */
enum ndl_status ndl_sae_load(struct ndl_sae *sae, const char *directory, struct ndl_error *err);
void ndl_sae_free(struct ndl_sae *sae);
/* Writes such an SAE (not one that normalises: NDL_BADARG) for SAELens 6, as float32: NDL_BADDATA
 * if a number exceeds that.  `metadata` (may be NULL) is an object that cfg.json holds under that
 * name. */
enum ndl_status ndl_sae_write(const struct ndl_sae *sae, const struct cJSON *metadata,
                              const char *config_path, const char *weights_path,
                              struct ndl_error *err);

/* Codes Z (last - first) x K of rows [first, last) of X (d columns), as multipliers of
 * the rows of W_dec.  Computed in double from the stored weights: a pre-activation
 * within the rounding of the library's own float32 of the threshold may fall on the
 * other side.  TopK keeps positive values only; of equal ones the lower index wins.
 * `threads` >= 1 does not change the result.  Cost 2 d K per row; memory 64 (d + K)
 * doubles per thread and the codes twice.  NDL_BADARG on shapes, NDL_BADDATA on NaN
 * or Inf in X, or a row without norm where one is needed. */
enum ndl_status ndl_sae_encode(const struct ndl_sae *sae, const struct ndl_array_view *X,
                               size_t first, size_t last, int threads, struct ndl_codes *Z,
                               struct ndl_error *err);

/* ------------------------------------- the three binary formats, in memory */

/* The functions above are made of these; tests and fuzzers call them on memory,
 * which stays the caller's and must outlive the result.  `name` is for messages. */

enum { NDL_NPY_DIMS = 8, NDL_NPY_HEADER_MAX = 1 << 16 };

struct ndl_npy_header {
    char kind;   /* 'f', 'i', 'u', 'b', 'S', 'U', ...: numpy.dtype.kind */
    size_t item; /* bytes of an entry */
    bool fortran;
    int dims; /* 0 .. NDL_NPY_DIMS */
    size_t shape[NDL_NPY_DIMS];
    size_t count;  /* product of the shape; count * item does not overflow */
    size_t offset; /* of the first entry, from the start of the file */
};
/* Bytes before the first entry, from the first 12 bytes of a .npy file (versions
 * 1.0, 2.0, 3.0).  NDL_BADDATA if it is none or the header exceeds 64 KiB. */
enum ndl_status ndl_npy_header_size(const unsigned char *bytes, size_t size, size_t *header,
                                    const char *name, struct ndl_error *err);
/* Parses a whole header; `size` bytes are at hand.  Any little-endian, boolean or
 * string dtype is parsed; which one is acceptable is for the caller to say. */
enum ndl_status ndl_npy_parse(const unsigned char *bytes, size_t size,
                              struct ndl_npy_header *header, const char *name,
                              struct ndl_error *err);
/* A .npy file in memory as a view; 1-D only if vector. */
enum ndl_status ndl_npy_view(struct ndl_array_view *view, const unsigned char *bytes, size_t size,
                             bool vector, const char *name, struct ndl_error *err);

/* A tensor of a .safetensors file in memory; tensor = NULL looks for the usual
 * names.  The header must be at most 100 MB of JSON without duplicate keys, and
 * its tensors must cover the rest of the file without overlap or hole. */
enum ndl_status ndl_safetensors_view(struct ndl_array_view *view, const unsigned char *bytes,
                                     size_t size, const char *tensor, bool vector, const char *name,
                                     struct ndl_error *err);
/* Writes tensors as float32, in this order.  Names need no escape in JSON (asserted); a vector is a
 * matrix of one row.  NDL_BADDATA names a number that is no float32.  The file appears complete or
 * not at all. */
struct ndl_tensor {
    const char *name;
    const struct ndl_matrix *m;
    bool vector;
};
enum ndl_status ndl_safetensors_write(const struct ndl_tensor *tensor, size_t count,
                                      const char *path, struct ndl_error *err);
/* A text that is one JSON object and blanks around it, parsed (cJSON_Delete it); else, or without
 * memory, NULL. */
struct cJSON *ndl_json_object(const unsigned char *bytes, size_t size);
/* Whether the file has such a tensor (of any shape and dtype). */
enum ndl_status ndl_safetensors_has(const unsigned char *bytes, size_t size, const char *tensor,
                                    bool *has, const char *name, struct ndl_error *err);

/* The CSR reader behind struct ndl_codes_reader.  bytes = NULL opens the file
 * `name` instead. */
struct ndl_npz;
enum ndl_status ndl_npz_open(struct ndl_npz **npz, const unsigned char *bytes, size_t size,
                             const char *name, struct ndl_error *err);
void ndl_npz_shape(const struct ndl_npz *npz, size_t *rows, size_t *cols, size_t *entries);
enum ndl_status ndl_npz_next(struct ndl_npz *npz, size_t rows, const struct ndl_codes **block,
                             struct ndl_error *err);
void ndl_npz_close(struct ndl_npz *npz);
/* A dense member NAME of an .npz as a .npy file in memory (malloc, the caller's). */
enum ndl_status ndl_npz_member(unsigned char **npy, size_t *size, const unsigned char *bytes,
                               size_t length, const char *member, const char *name,
                               struct ndl_error *err);

/* Maps a regular, nonempty file read-only; munmap it.  NDL_IO says why not. */
enum ndl_status ndl_map_file(const unsigned char **bytes, size_t *size, const char *path,
                             struct ndl_error *err);
/* Turns a view of any 2-D array, or of 1-D if vector, into the asked shape or
 * fails; shared by the formats. */
enum ndl_status ndl_view_shape(struct ndl_array_view *view, const size_t *shape, size_t dims,
                               bool vector, const char *name, struct ndl_error *err);
/* Swaps rows and columns of a view. */
void ndl_view_transpose(struct ndl_array_view *view);
/* Converts n consecutive little-endian numbers to out[0], out[stride], ... */
void ndl_convert(enum ndl_dtype dtype, const unsigned char *from, size_t n, double *out,
                 size_t stride);
/* The 128 bytes before a C-ordered array, version 1.0: descr such as "<f8", shape as
 * Python writes a tuple.  Returns 128. */
size_t ndl_npy_write_header(char header[static 128], const char *descr, const char *shape);
/* Writes .npy for ndl_save_matrix. */
enum ndl_status ndl_npy_write(const struct ndl_matrix *m, const char *path, bool vector,
                              struct ndl_error *err);

#endif

/* fuzz_files.c -- the three binary readers on arbitrary bytes.
 *
 * Built with clang -fsanitize=fuzzer,address,undefined and -DFUZZ=fuzz_npy (fuzz_npz,
 * fuzz_safetensors) this is a libFuzzer target.  Without FUZZ it is a program that
 * replays files: the name of the directory a file lies in (npy, npz, safetensors) says
 * which reader gets it, whole and cut after every byte, and with every byte inverted.
 *
 *     fuzz_files FILE ...          exit 0 if all readers kept their promises
 *
 * To fuzz npy (npz, safetensors likewise), after `make programs`:
 *
 *     clang -std=c17 -D_GNU_SOURCE -O2 -g -fsanitize=fuzzer,address,undefined \
 *         -fno-sanitize-recover=all -DFUZZ=fuzz_npy -Isrc -I/usr/include/cjson \
 *         -o build/fuzz_npy tests/fuzz_files.c src/files/[a-z]*.c \
 *         build/lib/libndl.a -lzip -lcjson -lqhull_r -lglpk -lgsl -lopenblas -lm -lpthread
 *     cp -r tests/corpus/npy build/corpus_npy
 *     build/fuzz_npy -runs=4000000 -max_len=2048 -seed=4 build/corpus_npy
 *
 * That was run for each of the three readers as of commit d16d712, 1.2 10^7 executions in
 * all (clang 14, both sanitizers): nothing was found.
 *
 * Promises: no undefined behaviour, a failure has one line of message and no result, a
 * result is in the documented form. */
#include "files/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define PROMISE(condition) ((condition) ? (void)0 : broken(__LINE__, #condition))

static void broken(int line, const char *condition)
{
    fprintf(stderr, "fuzz_files: %s:%d: broken promise: %s\n", __FILE__, line, condition);
    abort();
}

static void check_failure(enum ndl_status status, const struct ndl_error *err)
{
    PROMISE(status == NDL_BADDATA || status == NDL_NOMEM);
    PROMISE(strncmp(err->text, "fuzz", 4) == 0); /* names the file */
    PROMISE(!strchr(err->text, '\n'));
}

static void check_view(enum ndl_status status, struct ndl_array_view *view, const uint8_t *bytes,
                       size_t size, struct ndl_error *err)
{
    if (status != NDL_OK) {
        check_failure(status, err);
        PROMISE(view->data == NULL && view->rows == 0);
        return;
    }
    PROMISE(view->rows >= 1 && view->cols >= 1);
    PROMISE(view->data >= bytes && view->data <= bytes + size);
    double *rows = malloc(view->rows * view->cols * sizeof *rows);
    status = ndl_view_rows(view, 0, view->rows, rows, err);
    if (status != NDL_OK)
        check_failure(status, err);
    else
        for (size_t e = 0; e < view->rows * view->cols; e++)
            PROMISE(isfinite(rows[e]));
    free(rows);
    ndl_view_close(view);
}

static void fuzz_npy(const uint8_t *bytes, size_t size)
{
    struct ndl_array_view view;
    struct ndl_error err;
    check_view(ndl_npy_view(&view, bytes, size, false, "fuzz", &err), &view, bytes, size, &err);
    check_view(ndl_npy_view(&view, bytes, size, true, "fuzz", &err), &view, bytes, size, &err);
}

static void fuzz_safetensors(const uint8_t *bytes, size_t size)
{
    struct ndl_array_view view;
    struct ndl_error err;
    check_view(ndl_safetensors_view(&view, bytes, size, NULL, false, "fuzz", &err), &view, bytes,
               size, &err);
    check_view(ndl_safetensors_view(&view, bytes, size, NULL, true, "fuzz", &err), &view, bytes,
               size, &err);
    check_view(ndl_safetensors_view(&view, bytes, size, "a.T", false, "fuzz", &err), &view, bytes,
               size, &err);
}

static void fuzz_npz(const uint8_t *bytes, size_t size)
{
    struct ndl_npz *npz;
    struct ndl_error err;
    enum ndl_status status = ndl_npz_open(&npz, bytes, size, "fuzz", &err);
    if (status != NDL_OK) {
        check_failure(status, &err);
        PROMISE(npz == NULL);
        return;
    }
    size_t rows, cols, entries, seen = 0;
    const struct ndl_codes *block;
    ndl_npz_shape(npz, &rows, &cols, &entries);
    do {
        status = ndl_npz_next(npz, 100, &block, &err);
        for (size_t i = 0; block && i < block->rows; i++) {
            PROMISE(block->start[i] <= block->start[i + 1]);
            for (size_t e = block->start[i]; e < block->start[i + 1]; e++) {
                PROMISE(block->atom[e] < cols && isfinite(block->value[e]) && block->value[e] > 0);
                PROMISE(e == block->start[i] || block->atom[e - 1] < block->atom[e]);
            }
        }
        seen += block ? block->rows : 0;
    } while (block);
    if (status == NDL_OK)
        PROMISE(seen == rows);
    else
        check_failure(status, &err);
    ndl_npz_close(npz);
}

typedef void reader(const uint8_t *bytes, size_t size);

#ifdef FUZZ

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static reader *const all[] = {fuzz_npy, fuzz_npz, fuzz_safetensors};
    (void)all; /* only one is called in this build */
    FUZZ(bytes, size);
    return 0;
}

#else

static reader *choose(const char *path)
{
    if (strstr(path, "/npy/"))
        return fuzz_npy;
    if (strstr(path, "/npz/"))
        return fuzz_npz;
    return strstr(path, "/safetensors/") ? fuzz_safetensors : NULL;
}

/* An exact-size copy, so that a sanitizer sees a read past the end. */
static void feed(reader *read, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    PROMISE(copy != NULL);
    memcpy(copy, bytes, size);
    read(copy, size);
    free(copy);
}

static int replay(const char *path)
{
    static uint8_t bytes[1 << 20];
    reader *read = choose(path);
    FILE *in = fopen(path, "rb");
    if (!in || !read) {
        fprintf(stderr, "fuzz_files: %s: %s\n", path,
                in ? "not in a directory npy, npz or safetensors" : "cannot open");
        if (in)
            fclose(in);
        return 2;
    }
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    feed(read, bytes, size);
    for (size_t cut = 0; cut < size; cut++)
        feed(read, bytes, cut);
    for (size_t b = 0; b < size; b++) {
        bytes[b] ^= 0xff;
        feed(read, bytes, size);
        bytes[b] ^= 0xff;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int worst = argc > 1 ? 0 : 64;
    for (int i = 1; i < argc; i++) {
        int result = replay(argv[i]);
        worst = result > worst ? result : worst;
    }
    return worst;
}

#endif

/* convert_files.c -- reads a file as the tools do and writes it again; the other half of
 * tests/python_files.py.
 *
 *     convert_files matrix IN OUT
 *     convert_files vector IN OUT
 *     convert_files codes IN OUT            CSR .npz or dense
 *     convert_files sae DIRECTORY X OUT     the SAE's own codes of X
 *
 * Exit status 0, 2 with one line on stderr, 64 usage. */
#include "files/files.h"

#include <string.h>

static enum ndl_status convert_matrix(char **argument, bool vector, struct ndl_error *err)
{
    struct ndl_matrix m;
    enum ndl_status status =
        vector ? ndl_load_vector(&m, argument[0], err) : ndl_load_matrix(&m, argument[0], err);
    if (status == NDL_OK)
        status = ndl_save_matrix(&m, argument[1], vector, err);
    ndl_matrix_free(&m);
    return status;
}

static enum ndl_status convert_codes(char **argument, struct ndl_error *err)
{
    struct ndl_codes z;
    enum ndl_status status = ndl_load_codes(&z, argument[0], err);
    if (status == NDL_OK)
        status = ndl_save_codes(&z, argument[1], err);
    ndl_codes_free(&z);
    return status;
}

static enum ndl_status encode(char **argument, struct ndl_error *err)
{
    struct ndl_sae sae;
    struct ndl_array_view X = {0};
    struct ndl_codes z = {0};
    enum ndl_status status = ndl_sae_load(&sae, argument[0], err);
    if (status == NDL_OK)
        status = ndl_view_open(&X, argument[1], false, err);
    if (status == NDL_OK)
        status = ndl_sae_encode(&sae, &X, 0, X.rows, 2, &z, err);
    if (status == NDL_OK)
        status = ndl_save_codes(&z, argument[2], err);
    ndl_codes_free(&z);
    ndl_view_close(&X);
    ndl_sae_free(&sae);
    return status;
}

int main(int argc, char **argv)
{
    struct ndl_error err = {""};
    enum ndl_status status;
    if (argc == 4 && strcmp(argv[1], "matrix") == 0)
        status = convert_matrix(argv + 2, false, &err);
    else if (argc == 4 && strcmp(argv[1], "vector") == 0)
        status = convert_matrix(argv + 2, true, &err);
    else if (argc == 4 && strcmp(argv[1], "codes") == 0)
        status = convert_codes(argv + 2, &err);
    else if (argc == 5 && strcmp(argv[1], "sae") == 0)
        status = encode(argv + 2, &err);
    else
        return 64;
    if (status != NDL_OK)
        fprintf(stderr, "convert_files: %s\n", err.text);
    return status == NDL_OK ? 0 : 2;
}

/* unit_safetensors.c -- .safetensors: usual names, and what is refused. */
#include "files.h"

static void safetensors_are_read(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    const double v[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6};
    unsigned char raw[24 + 12 + 12 + 24];
    const float single[6] = {1, 2, 3, 4, 5, 6};
    const uint16_t half[6] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600};
    const uint16_t brain[6] = {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0};
    memcpy(raw, single, 24);
    memcpy(raw + 24, half, 12);
    memcpy(raw + 36, brain, 12);
    memcpy(raw + 48, v, 24);
    size_t n =
        make_safetensors(bytes,
                         "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"W_dec\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                         "\"half\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[24,36]},"
                         "\"brain\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[36,48]},"
                         "\"b_dec\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[48,72]}}   ",
                         raw, sizeof raw);
    const char *path = write_file("sae.safetensors", bytes, n);
    const char *suffixes[] = {"", ":W_dec", ":half", ":brain"};
    char name[600];
    struct ndl_matrix m;
    struct ndl_error err;
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        assert_int_equal(ndl_load_matrix(&m, name, &err), NDL_OK);
        assert_matrix(&m, 2, 3, v);
        ndl_matrix_free(&m);
    }
    assert_int_equal(ndl_load_matrix(&m, strcat(name, ".T"), NULL), NDL_OK);
    assert_matrix(&m, 3, 2, t);
    ndl_matrix_free(&m);
    assert_int_equal(ndl_load_vector(&m, path, NULL), NDL_OK);
    assert_matrix(&m, 1, 3, v);
    ndl_matrix_free(&m);
    snprintf(name, sizeof name, "%s:W_enc", path);
    assert_fails(ndl_load_matrix(&m, name, &err), NDL_BADDATA, &err,
                 "no tensor W_enc; there are: W_dec, half, brain, b_dec");
    snprintf(name, sizeof name, "%s:b_dec", path);
    assert_fails(ndl_load_matrix(&m, name, &err), NDL_BADDATA, &err, "tensor b_dec: 1-dimensional");
    struct ndl_array_view view;
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *copy = malloc(cut + 1); /* exact size, for the sanitizer */
        memcpy(copy, bytes, cut);
        assert_int_equal(ndl_safetensors_view(&view, copy, cut, NULL, false, "f", &err),
                         NDL_BADDATA);
        free(copy);
    }
}

/* torch.nn.Linear stores the decoder as d x K; a lone tensor needs no name; W_dec comes first. */
static void usual_names_are_found(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    const double v[6] = {1, 2, 3, 4, 5, 6}, t[6] = {1, 4, 2, 5, 3, 6};
    struct ndl_array_view view;
    struct ndl_error err;
    double got[6];
    size_t n = make_safetensors(
        bytes,
        "{\"decoder.weight\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]},"
        "\"x\":{\"dtype\":\"F64\",\"shape\":[0,3],\"data_offsets\":[48,48]}}",
        v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(view.rows, 3);
    assert_int_equal(view.cols, 2);
    assert_int_equal(ndl_view_rows(&view, 0, 3, got, &err), NDL_OK);
    assert_memory_equal(got, t, sizeof t);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, "decoder.weight", false, "f", &err),
                     NDL_OK);
    assert_int_equal(view.rows, 2); /* a name given is read as stored */
    assert_fails(ndl_safetensors_view(&view, bytes, n, "x", false, "f", &err), NDL_BADDATA, &err,
                 "empty array");
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, true, "f", &err), NDL_BADDATA, &err,
                 "of a usual name");

    n = make_safetensors(
        bytes, "{\"acts\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]}}", v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(view.rows, 2);

    n = make_safetensors(
        bytes,
        "{\"decoder.weight\":{\"dtype\":\"F64\",\"shape\":[1,3],\"data_offsets\":[0,24]},"
        "\"W_dec\":{\"dtype\":\"F64\",\"shape\":[3,1],\"data_offsets\":[24,48]}}",
        v, 48);
    assert_int_equal(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_OK);
    assert_int_equal(ndl_view_rows(&view, 0, 1, got, &err), NDL_OK);
    assert_true(got[0] == 4);
    bool has;
    assert_int_equal(ndl_safetensors_has(bytes, n, "W_dec", &has, "f", &err), NDL_OK);
    assert_true(has);
    assert_int_equal(ndl_safetensors_has(bytes, n, "W_de", &has, "f", &err), NDL_OK);
    assert_false(has);
}

static void safetensors_refuses(void **state)
{
    (void)state;
    static const double v[4];
    const struct {
        const char *json, *why;
    } bad[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{\"a\":", "not a JSON object"},
        {"{} x", "not a JSON object"},
        {"{\"a\x01\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}",
         "not a JSON object"},
        {"{}", "32 bytes after the last tensor"},
        {"{\"a\":1}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4]}}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32],\"dtype\":\"F32\"}}",
         "'a' has not one each"},
        {"{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,32]}}", "'a' has not one each"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]},"
         "\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}",
         "two tensors named 'a'"},
        {"{\"__metadata__\":{},\"__metadata__\":{},\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_"
         "offsets\":["
         "0,32]}}",
         "two '__metadata__'"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,32]}}",
         "shape and data_offsets disagree"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,32]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}",
         "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4503599627370496,1024],\"data_offsets\":[0,0]}}",
         "disagree"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[-4],\"data_offsets\":[0,32]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4.5],\"data_offsets\":[0,32]}}", "impossible shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,32]}}",
         "more than 8 dim"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[5],\"data_offsets\":[0,40]}}",
         "outside of the file's 32 bytes"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[32,0]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,1e300]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0]}}", "outside"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]},"
         "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[16,32]}}",
         "'b' overlaps another"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[16,32]}}",
         "'b' comes after a hole"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]}}",
         "8 bytes after the last tensor"},
        {"{\"a\":{\"dtype\":\"I64\",\"shape\":[2,2],\"data_offsets\":[0,32]}}", "dtype I64 is not"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8,4],\"data_offsets\":[0,32]}}",
         "dtype F8_E4M3 is not"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2,2,1],\"data_offsets\":[0,32]}}", "3-dimensional"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}}", "1-dimensional"},
    };
    unsigned char bytes[1000];
    struct ndl_array_view view;
    struct ndl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = make_safetensors(bytes, bad[i].json, v, sizeof v);
        assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA,
                     &err, bad[i].why);
        assert_null(view.data);
    }
    size_t n = make_safetensors(bytes, "{}", NULL, 0);
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA, &err,
                 "there are: none");
    memset(bytes, 0xff, 8); /* a header of 2^64 - 1 bytes */
    assert_fails(ndl_safetensors_view(&view, bytes, n, NULL, false, "f", &err), NDL_BADDATA, &err,
                 "a header of");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors_are_read),
        cmocka_unit_test(usual_names_are_found),
        cmocka_unit_test(safetensors_refuses),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

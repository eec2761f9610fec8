/* unit_sae_folder.c -- an SAE as SAELens saves it, and its codes. */
#include "files.h"

/* d = 2, K = 3: W_enc = [[1 0 1], [0 1 -1]], b_enc = (0, -1, 0.5), W_dec rows (1 0), (0 4), (1 1),
 * b_dec = (1, 1) and, for JumpReLU, threshold = (2, 0, 0) or log_threshold = log of 2, 1, 1 rounded
 * to float32. */
static void write_sae(const char *config, bool logarithmic)
{
    const float raw[] = {1, 0, 1, 0, 1, -1, 0, -1, 0.5F, 1, 0, 0, 4, 1, 1, 1, 1, 2, 0, 0};
    float values[20];
    memcpy(values, raw, sizeof values);
    if (logarithmic)
        values[17] = 0x1.62e43p-1F;
    bool jump = strstr(config, "jumprelu") != NULL;
    char json[600];
    snprintf(json, sizeof json,
             "{\"W_enc\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
             "\"b_enc\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]},"
             "\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[36,60]},"
             "\"b_dec\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[60,68]},"
             "\"%s\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[68,80]}}",
             logarithmic ? "log_threshold"
             : jump      ? "threshold"
                         : "steps");
    unsigned char bytes[1000];
    write_file("sae_weights.safetensors", bytes,
               make_safetensors(bytes, json, values, sizeof values));
    write_file("cfg.json", config, strlen(config));
}

/* Views a matrix of the caller, who keeps it. */
static void view_matrix(struct ndl_array_view *view, const struct ndl_matrix *m, const char *name)
{
    *view = (struct ndl_array_view){
        .rows = m->rows, .cols = m->cols, .dtype = NDL_F64, .data = (const unsigned char *)m->v};
    snprintf(view->name, sizeof view->name, "%s", name);
}

/* Encodes X = [[3 4], [1 1], [4 0.5]] and compares with the dense codes expected. */
static void assert_sae_codes(const char *config, bool logarithmic, const double expected[9])
{
    double x[6] = {3, 4, 1, 1, 4, 0.5};
    struct ndl_matrix X = {.rows = 3, .cols = 2, .v = x}, dense;
    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes z;
    struct ndl_error err = {""};
    write_sae(config, logarithmic);
    if (ndl_sae_load(&sae, directory, &err) != NDL_OK)
        fail_msg("%s: %s", config, err.text);
    view_matrix(&view, &X, "X");
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 3, 2, &z, &err), NDL_OK);
    assert_int_equal(ndl_codes_to_dense(&dense, &z, NULL), NDL_OK);
    assert_int_equal(dense.cols, 3);
    for (size_t e = 0; e < 9; e++)
        if (fabs(dense.v[e] - expected[e]) > 1e-14) /* sums of two products of numbers below 10 */
            fail_msg("%s: entry %zu is %.17g, not %.17g", config, e, dense.v[e], expected[e]);
    ndl_matrix_free(&dense);
    ndl_codes_free(&z);
    ndl_sae_free(&sae);
}

/* With b_dec taken off, x = (2 3), (0 0), (3 -0.5); pre-activations (2 2 -0.5), (0 -1 0.5), (3
 * -1.5 4). */
static void sae_codes_are_computed(void **state)
{
    (void)state;
    const double relu[] = {2, 2, 0, 0, 0, 0.5, 3, 0, 4};
    const double top1[] = {2, 0, 0, 0, 0, 0.5, 0, 0, 4};   /* of the tie in row 0 the lower index */
    const double ranked[] = {0, 2, 0, 0, 0, 0.5, 0, 0, 4}; /* 2 * 4 beats 2 * 1 */
    const double jump[] = {0, 2, 0, 0, 0, 0.5, 3, 0, 4};   /* 2 is not above its threshold 2 */
    assert_sae_codes(
        "{\"architecture\":\"standard\",\"d_in\":2,\"d_sae\":3,\"normalize_activations\":\"none\"}",
        false, relu);
    assert_sae_codes("{\"activation_fn_str\":\"relu\",\"apply_b_dec_to_input\":true}", false, relu);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":1}", false, top1);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":3}", false, relu);
    assert_sae_codes("{\"architecture\":\"standard\",\"activation_fn_str\":\"topk\",\"activation_"
                     "fn_kwargs\":{\"k\":1}}",
                     false, top1);
    assert_sae_codes(
        "{\"architecture\":\"topk\",\"activation_fn\":\"topk\",\"activation_fn_kwargs\":{\"k\":1}}",
        false, top1);
    assert_sae_codes("{\"architecture\":\"topk\",\"k\":1,\"rescale_acts_by_decoder_norm\":true}",
                     false, ranked);
    assert_sae_codes("{\"architecture\":\"jumprelu\",\"activation_fn\":\"relu\"}", false, jump);
    /* b_dec stays in: pre-activations (3 3 -0.5), (1 0 0.5), (4 -0.5 4); thresholds 2.0000000, 1,
     * 1 */
    const double kept[] = {3, 3, 0, 0, 0, 0, 4, 0, 4};
    assert_sae_codes("{\"architecture\":\"jumprelu\",\"apply_b_dec_to_input\":false}", true, kept);
    /* x sqrt(2) / |x|: (3 4) -> sqrt(2) (0.6 0.8), (1 1) -> (1 1), then minus b_dec */
    double s = sqrt(2), u = s / hypot(4, 0.5);
    const double unit[] = {0, 0, s * -0.2 + 0.5, 0, 0, 0.5, 4 * u - 1, 0, 3.5 * u + 0.5};
    assert_sae_codes("{\"normalize_activations\":\"constant_norm_rescale\"}", false, unit);
    /* layer norm of two numbers: -+ (1/2 |difference|) / (|difference| / sqrt 2 + 1e-5), then
     * minus b_dec */
    double a = 0.5 / (1 / s + 1e-5),
           c = 1.75 / (3.5 / s + 1e-5); /* row 0 is (-a a), row 1 (0 0), row 2 (c -c) */
    const double layer[] = {0, 0, 0, 0, 0, 0.5, 0, 0, 2 * c + 0.5};
    assert_true(a > 0.7 && c < 0.71);
    double x[2] = {1, 1};
    struct ndl_matrix X = {.rows = 1, .cols = 2, .v = x};
    assert_sae_codes("{\"normalize_activations\":\"layer_norm\"}", false, layer);

    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes z;
    struct ndl_error err;
    write_sae("{\"normalize_activations\":\"constant_norm_rescale\"}", false);
    assert_int_equal(ndl_sae_load(&sae, directory, &err), NDL_OK);
    x[0] = x[1] = 0;
    view_matrix(&view, &X, "X");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADDATA, &err,
                 "X: row 0 cannot be normalised");
    x[1] = (double)NAN;
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADDATA, &err,
                 "X: row 0, column 1 is nan");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 2, 1, &z, &err), NDL_BADARG, &err,
                 "rows [0, 2) of 1");
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 0, &z, &err), NDL_BADARG, &err, "on 0 threads");
    view.cols = 1;
    assert_fails(ndl_sae_encode(&sae, &view, 0, 1, 1, &z, &err), NDL_BADARG, &err,
                 "1 columns, but the SAE reads 2");
    ndl_sae_free(&sae);
}

/* 200 rows, so several blocks and both threads; the codes of a row depend on nothing else. */
static void sae_rows_are_independent(void **state)
{
    (void)state;
    static double x[400];
    for (size_t e = 0; e < 400; e++)
        x[e] = sin((double)e) * 5;
    struct ndl_matrix X = {.rows = 200, .cols = 2, .v = x};
    struct ndl_array_view view;
    struct ndl_sae sae;
    struct ndl_codes all, two, part;
    write_sae("{\"architecture\":\"topk\",\"k\":2}", false);
    assert_int_equal(ndl_sae_load(&sae, directory, NULL), NDL_OK);
    view_matrix(&view, &X, "X");
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 200, 1, &all, NULL), NDL_OK);
    assert_int_equal(ndl_sae_encode(&sae, &view, 0, 200, 2, &two, NULL), NDL_OK);
    assert_true(all.start[200] > 100);
    assert_codes(&two, 200, 3, all.start, all.atom, all.value);
    assert_int_equal(ndl_sae_encode(&sae, &view, 150, 151, 2, &part, NULL), NDL_OK);
    assert_int_equal(part.start[1], all.start[151] - all.start[150]);
    assert_memory_equal(part.value, all.value + all.start[150], part.start[1] * sizeof(double));
    ndl_codes_free(&all);
    ndl_codes_free(&two);
    ndl_codes_free(&part);
    ndl_sae_free(&sae);
}

static void sae_refuses(void **state)
{
    (void)state;
    const struct {
        const char *config, *why;
    } bad[] = {
        {"", "empty file"},
        {"[1]", "cfg.json: not a JSON object"},
        {"{\"architecture\":\"gated\"}", "cfg.json: architecture 'gated' is not"},
        {"{\"architecture\":3}", "architecture '(no string)'"},
        {"{\"activation_fn_str\":\"tanh-relu\"}", "activation function 'tanh-relu'"},
        {"{\"architecture\":\"jumprelu\",\"activation_fn\":\"topk\"}",
         "activation function 'topk' of a 'jumprelu' SAE"},
        {"{\"architecture\":\"topk\"}", "a TopK SAE of 3 features needs k"},
        {"{\"architecture\":\"topk\",\"k\":4}", "needs k"},
        {"{\"architecture\":\"topk\",\"k\":0.5}", "needs k"},
        {"{\"d_in\":3}", "d_in is not 2"},
        {"{\"d_sae\":2}", "d_sae is not 3"},
        {"{\"apply_b_dec_to_input\":1}", "neither true nor false"},
        {"{\"normalize_activations\":\"expected_average_only_in\"}",
         "needs a factor that is not saved"},
        {"{\"normalize_activations\":\"new\"}", "normalize_activations 'new' is not understood"},
        {"{\"normalize_activations\":true}", "'expected_average_only_in' needs a factor"},
        {"{\"normalize_activations\":3}", "normalize_activations '(no string)'"},
        {"{\"apply_b_dec_to_input\":false,\"apply_b_dec_to_input\":true}",
         "apply_b_dec_to_input stands twice"},
        {"{\"d_in\":2} }", "cfg.json: not a JSON object"},
        {"{\"d_in\x01\":2}", "cfg.json: not a JSON object"},
        {"{\"architectur\":\"jumprelu\"}", "threshold does not belong to the architecture"},
        {"{\"finetuning_scaling_factor\":true}", "finetuning_scaling_factor is not supported"},
    };
    struct ndl_sae sae;
    struct ndl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_sae(bad[i].config, false);
        assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err, bad[i].why);
        assert_null(sae.W_dec.v);
    }
    unsigned char bytes[500];
    static const float zeros[12];
    size_t n =
        make_safetensors(bytes,
                         "{\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
                         "\"W_enc\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[24,48]}}",
                         zeros, 48);
    write_file("sae_weights.safetensors", bytes, n);
    write_file("cfg.json", "{}", 2);
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err,
                 "tensor W_enc is 3 x 2, not 2 x 3");
    n = make_safetensors(bytes,
                         "{\"W_dec\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}",
                         zeros, 24);
    write_file("sae_weights.safetensors", bytes, n);
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_BADDATA, &err, "no tensor W_enc");
    unlink(in_directory("cfg.json"));
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_IO, &err, "cfg.json: No such file");
    unlink(in_directory("sae_weights.safetensors"));
    assert_fails(ndl_sae_load(&sae, directory, &err), NDL_IO, &err,
                 "sae_weights.safetensors: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sae_codes_are_computed),
        cmocka_unit_test(sae_rows_are_independent),
        cmocka_unit_test(sae_refuses),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* learn.c -- learns two atoms from a table of numbers and certifies them; see README.md. */
#include <ndl/ndl.h>

int main(int argc, char **argv)
{
    struct ndl_error err;
    struct ndl_matrix X;
    struct ndl_model model;
    struct ndl_fit_report report;
    struct ndl_certificate certificate;
    struct ndl_fit_options options = ndl_fit_defaults(2, 0.1); /* 2 atoms, lambda = 0.1 */
    if (argc != 2 || ndl_tsv_read(&X, argv[1], &err) != NDL_OK ||
        ndl_fit(&X, &options, &model, &report, &err) != NDL_OK ||
        ndl_certify(&X, &model, &certificate, &err) != NDL_OK) {
        fprintf(stderr, "learn: %s\n", argc == 2 ? err.text : "expected the name of a table");
        return 1;
    }
    printf("loss %.6f, conditions hold to %.0e\n", report.loss, certificate.worst);
    ndl_fit_report_free(&report);
    ndl_model_free(&model);
    ndl_matrix_free(&X);
    return 0;
}

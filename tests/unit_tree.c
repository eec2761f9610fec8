/* unit_tree.c -- the tree format, directions and samples: hand-computed cases,
 * every refusal provoked.  Run from the repository's top (reads datasets/). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ndl/ndl.h"
#include "ndl/random.h"
#include "ndl/tree.h"

#define HEADER "node parent probability magnitude direction\n"
#define HEADER6 "node parent probability magnitude direction exclusive\n"

static char path[] = "/tmp/unit_tree.XXXXXX"; /* rewritten by every case */

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path);
}

static void write_bytes(const char *bytes, size_t length)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static struct ndl_tree *read_text(const char *text)
{
    struct ndl_tree *tree;
    struct ndl_error err = {""};
    write_bytes(text, strlen(text));
    if (ndl_tree_read(&tree, path, &err) != NDL_OK)
        fail_msg("refused: %s", err.text);
    return tree;
}

static gsl_rng *stream(uint64_t trial)
{
    gsl_rng *rng;
    assert_int_equal(ndl_rng(&rng, 1, trial, NULL), NDL_OK);
    return rng;
}

/* Refused with "path:line: ...fragment...", nothing left to free. */
static void refuse_bytes(const char *bytes, size_t length, size_t line, const char *fragment)
{
    struct ndl_tree *tree = (struct ndl_tree *)(uintptr_t)1;
    struct ndl_error err = {""};
    char place[64];
    write_bytes(bytes, length);
    enum ndl_status status = ndl_tree_read(&tree, path, &err);
    snprintf(place, sizeof place, "%s:%zu: ", path, line);
    if (status != NDL_BADDATA || strncmp(err.text, place, strlen(place)) != 0 ||
        !strstr(err.text, fragment))
        fail_msg("status %d, '%s'; expected '%s...%s'", (int)status, err.text, place, fragment);
    assert_null(tree);
    assert_int_equal(ndl_tree_read(&tree, path, NULL), NDL_BADDATA); /* err may be NULL */
}

static void refuse(const char *text, size_t line, const char *fragment)
{
    refuse_bytes(text, strlen(text), line, fragment);
}

/* ------------------------------------------------------------------ refusals */

static void test_header(void **state)
{
    (void)state;
    refuse("", 1, "no nodes");
    refuse("# nothing\n\n", 3, "no nodes");
    refuse(HEADER, 2, "no nodes");
    refuse("dog - 0.5 constant(1) random\n", 1, "unknown column 'dog'");
    refuse("node parent probability magnitude\n", 1, "column direction is missing");
    refuse("# c\nnode parent probability magnitude direction parent\n", 2,
           "column parent is named twice");
    refuse("node parent probability magnitude direction exclusive node\n", 1,
           "more than 6 columns");
    refuse("node parent probability magnitude direction colour\n", 1, "unknown column 'colour'");
}

static void test_columns(void **state)
{
    (void)state;
    refuse(HEADER "a - 0.5 constant(1)\n", 2, "4 columns, but the first line names 5");
    refuse(HEADER "a - 0.5 constant(1) random -\n", 2, "6 columns, but the first line names 5");
    refuse(HEADER6 "a - 0.5 constant(1) random\n", 2, "5 columns, but the first line names 6");
    refuse(HEADER "a - 0.5 constant(1) random b c d e f\n", 2, "10 columns");
    refuse(HEADER "a - 0.5 uniform(1,2 random\n", 2, "'(' without its ')'");
    refuse(HEADER "a - 0.5 uniform (1,2) random\n", 2, "6 columns");
}

static void test_names(void **state)
{
    (void)state;
    refuse(HEADER "- - 0.5 constant(1) random\n", 2, "'-' is not a name for column node");
    refuse(HEADER "a(b) - 0.5 constant(1) random\n", 2, "'a(b)' is not a name for column node");
    refuse(HEADER "a b,c 0.5 constant(1) random\n", 2, "'b,c' is not a name for column parent");
    refuse(HEADER6 "a - 0.5 constant(1) random x)\n", 2, "'x)' is not a name for column exclusive");
    refuse(HEADER
           "a - 0.5 constant(1) random\nb - 1 constant(1) random\na b 0.5 constant(1) random\n",
           4, "node 'a' stands already on line 2");
    refuse(HEADER "a b 0.5 constant(1) random\n", 2, "unknown parent 'b'");
    refuse(HEADER "a a 0.5 constant(1) random\n", 2, "a cycle: 'a'");
    refuse(HEADER
           "r - 0.5 constant(1) random\na c 0.5 constant(1) random\nb a 0.5 constant(1) random\n"
           "c b 0.5 constant(1) random\n",
           3, "a cycle: 'a'");
    /* Children that hang on a cycle are not themselves their ancestors. */
    refuse(HEADER
           "a b 0.5 constant(1) random\nb c 0.5 constant(1) random\nc b 0.5 constant(1) random\n",
           3, "a cycle: 'b'");
}

static void test_probabilities(void **state)
{
    (void)state;
    static const char *const bad[] = {"-0.1", "1.1",  "nan", "-nan", "inf", "1e400",
                                      "half", "0.5x", "0,5", "-",    "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, HEADER "a - 1 constant(1) random\nb a %s constant(1) random\n",
                 bad[i]);
        refuse(text, 3, "is not a number from 0 to 1");
    }
    refuse(HEADER6 "a - 0.6 constant(1) random g\nb - 0.6 constant(1) random h\nc - 0.5 "
                   "constant(1) random g\n",
           4, "exclusive group 'g' sum to 1.1 > 1");
    refuse(HEADER6 "a - 0.6 constant(1) random g\nc - 0.400001 constant(1) random g\n", 3,
           "sum to 1.000001 > 1");
}

static void test_magnitudes(void **state)
{
    (void)state;
    static const struct {
        const char *magnitude, *fragment;
    } bad[] = {
        {"constant(-1)", "is not constant(VALUE) with 1e-100 <= VALUE <= 1e100"},
        {"constant(1e101)", "is not constant(VALUE) with 1e-100 <= VALUE <= 1e100"},
        {"constant(0)", "is not constant"},
        {"constant(nan)", "is not constant"},
        {"constant(inf)", "is not constant"},
        {"constant(1,2)", "is not constant"},
        {"constant()", "is not constant"},
        {"constant", "is not constant"},
        {"constant(1)x", "unknown distribution"},
        {"constant((1))", "is not constant"},
        {"uniform(-1,1)",
         "is not uniform(LOW, HIGH) with LOW <= HIGH, each from 1e-100 to 1e100 or LOW = 0"},
        {"uniform(2,1)", "is not uniform"},
        {"uniform(0,0)", "is not uniform"},
        {"uniform(1)", "is not uniform"},
        {"uniform(1,2,3)", "is not uniform"},
        {"uniform(1,)", "is not uniform"},
        {"exponential(-2)", "is not exponential(MEAN) with 1e-100 <= MEAN <= 1e100"},
        {"exponential(0)", "is not exponential"},
        {"lognormal(0,-1)", "is not lognormal(MU, SIGMA) with SIGMA >= 0"},
        {"lognormal(300,1)", "is not lognormal"},
        {"lognormal(0,24)", "is not lognormal"},
        {"lognormal(nan,1)", "is not lognormal"},
        {"gauss(0,1)", "unknown distribution (constant, uniform, exponential, lognormal)"},
        {"1", "unknown distribution"},
        {"(1)", "unknown distribution"},
        {")", "unknown distribution"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, HEADER "a - 1 constant(1) random\n\nb a 0.5 %s random\n",
                 bad[i].magnitude);
        refuse(text, 4, bad[i].fragment);
    }
}

static void test_directions_syntax(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "up",           "random(1)",   "random()",      "orthogonal(a)",
        "angle",        "angle(60)",   "angle(-1,a)",   "angle(180.1,a)",
        "angle(nan,a)", "angle(x,a)",  "angle(60,a,b)", "angle(60,)",
        "angle(60,-)",  "angle(a,60)", "Random",        "angle(60,a)b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, HEADER "a - 1 constant(1) random\nb a 0.5 constant(1) %s\n",
                 bad[i]);
        refuse(text, 3, "is not random, orthogonal or angle(DEGREES, NODE)");
    }
    refuse(HEADER "a - 1 constant(1) random\nb a 0.5 constant(1) angle(60,c)\n", 3,
           "angle to unknown node 'c'");
    refuse(HEADER "a - 1 constant(1) angle(60,b)\nb a 0.5 constant(1) random\n", 2,
           "angle to 'b', which is not on an earlier line");
    refuse(HEADER "a - 1 constant(1) angle(0,a)\n", 2,
           "angle to 'a', which is not on an earlier line");
}

static void test_bytes(void **state)
{
    (void)state;
    static const char nul[] = HEADER "a - 1 constant(1) random\0\n";
    refuse_bytes(nul, sizeof nul - 1, 2, "a NUL byte");
    static const char nul_in_comment[] = "# \0\n" HEADER "a - 1 constant(1) random\n";
    refuse_bytes(nul_in_comment, sizeof nul_in_comment - 1, 1, "a NUL byte");
    refuse("\x7f"
           "ELF\x02\x01\n",
           1, "byte 0x7f");
    refuse(HEADER "k\xc3\xa4"
                  "fer - 1 constant(1) random\n",
           2, "byte 0xc3");
    refuse(HEADER "a - 1 constant(1)\rrandom\n", 2, "byte 0x0d");
    refuse(HEADER "a - 1 constant(1) random # \x1b[2J\n", 2, "byte 0x1b");

    /* The longest line is 4095 bytes, its comment included. */
    char text[5000];
    int head = snprintf(text, sizeof text, HEADER "a - 1 constant(1) random #");
    size_t line_start = strlen(HEADER);
    memset(text + head, 'x', sizeof text - (size_t)head);
    text[line_start + 4095] = '\n';
    text[line_start + 4096] = '\0';
    ndl_tree_free(read_text(text));
    text[line_start + 4095] = 'x';
    text[line_start + 4096] = '\n';
    text[line_start + 4097] = '\0';
    refuse(text, 2, "longer than 4095 bytes");
}

static void test_unreadable(void **state)
{
    (void)state;
    struct ndl_tree *tree = (struct ndl_tree *)(uintptr_t)1;
    struct ndl_error err = {""};
    assert_int_equal(ndl_tree_read(&tree, "/nonexistent/x.tree", &err), NDL_IO);
    assert_string_equal(err.text, "/nonexistent/x.tree: No such file or directory");
    assert_null(tree);
    assert_int_equal(ndl_tree_read(&tree, "/tmp", &err), NDL_IO);
    assert_string_equal(err.text, "/tmp:1: Is a directory");
    assert_null(tree);
    assert_int_equal(ndl_tree_read(&tree, "/dev/zero", &err), NDL_BADDATA);
    assert_string_equal(err.text, "/dev/zero:1: a NUL byte: not a text file");
    ndl_tree_free(NULL);
}

/* ---------------------------------------------------------------- acceptance */

static void test_fields(void **state)
{
    (void)state;
    /* Children before parents, columns in another order, Windows line ends,
     * blanks in parentheses, UTF-8 in a comment, no final newline. */
    struct ndl_tree *tree =
        read_text("# K\xc3\xa4"
                  "fer\r\n\r\n"
                  "exclusive probability\tnode magnitude parent direction\r\n"
                  "   g  0.25 leaf uniform( 0.5 ,\t1.5 ) mid random # a comment\r\n"
                  "-\t1\tmid\tconstant(2)\troot\tangle(90, leaf)\r\n"
                  "- 0 root exponential(1) - orthogonal");
    assert_int_equal(ndl_tree_size(tree), 3);
    static const struct ndl_tree_node expected[] = {
        {"leaf", 1, 0.25, 2}, {"mid", 2, 1, 1}, {"root", SIZE_MAX, 0, 0}};
    for (size_t i = 0; i < 3; i++) {
        const struct ndl_tree_node *n = ndl_tree_node(tree, i);
        assert_string_equal(n->name, expected[i].name);
        assert_true(n->parent == expected[i].parent);
        assert_true(n->probability == expected[i].probability); /* read exactly */
        assert_true(n->depth == expected[i].depth);
    }
    ndl_tree_free(tree);
    /* CR alone at the end of the file */
    ndl_tree_free(read_text(HEADER "a - 1 constant(1) random\r"));
    /* Rounded thirds sum to 1 + 2e-10: forgiven. */
    ndl_tree_free(read_text(
        HEADER6 "a - 0.3333333334 constant(1) random g\nb - 0.3333333334 constant(1) random g\n"
                "c - 0.3333333334 constant(1) random g\n"));
}

static void test_deep_chain(void **state)
{
    (void)state;
    const size_t n = 200000; /* would overflow an 8 MB stack at 40 bytes per call */
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(HEADER, out);
    for (size_t i = n; i-- > 1;) /* leaf first */
        fprintf(out, "n%zu n%zu 1 constant(1) random\n", i, i - 1);
    fputs("n0 - 1 constant(1) random\n", out);
    assert_int_equal(fclose(out), 0);
    struct ndl_tree *tree;
    assert_int_equal(ndl_tree_read(&tree, path, NULL), NDL_OK);
    assert_int_equal(ndl_tree_size(tree), n);
    assert_true(ndl_tree_node(tree, 0)->depth == n - 1);
    struct ndl_matrix Z;
    gsl_rng *rng = stream(0);
    assert_int_equal(ndl_tree_sample(tree, 1, rng, &Z, NULL), NDL_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(Z.v[i] == 1);
    gsl_rng_free(rng);
    ndl_matrix_free(&Z);
    ndl_tree_free(tree);
}

/* ------------------------------------------------------------------ sampling */

static void test_certain_samples(void **state)
{
    (void)state;
    /* Everything is certain: a fires, b never, so c (under b) never; d and e
     * exclude each other and e has all the probability. */
    struct ndl_tree *tree =
        read_text(HEADER6 "c b 1 constant(7) random -\nb a 0 constant(5) random -\n"
                          "a - 1 constant(2) random -\nd a 0 constant(3) random g\n"
                          "e a 1 uniform(4,4) random g\n");
    static const double expected[] = {0, 0, 2, 0, 4};
    gsl_rng *rng = stream(1);
    struct ndl_matrix Z;
    assert_int_equal(ndl_tree_sample(tree, 100, rng, &Z, NULL), NDL_OK);
    assert_int_equal(Z.rows, 100);
    assert_int_equal(Z.cols, 5);
    for (size_t i = 0; i < Z.rows; i++)
        for (size_t k = 0; k < Z.cols; k++)
            assert_true(ndl_row(&Z, i)[k] == expected[k]);
    ndl_matrix_free(&Z);
    assert_int_equal(ndl_tree_sample(tree, 0, rng, &Z, NULL), NDL_OK);
    assert_int_equal(Z.rows, 0);
    ndl_matrix_free(&Z);
    struct ndl_error err = {""};
    assert_int_equal(ndl_tree_sample(tree, SIZE_MAX / 2, rng, &Z, &err), NDL_NOMEM);
    assert_null(Z.v);
    gsl_rng_free(rng);
    ndl_tree_free(tree);
}

/* ---------------------------------------------------------------- directions */

static double dot(const struct ndl_matrix *D, size_t j, size_t k)
{
    double sum = 0;
    for (size_t c = 0; c < D->cols; c++)
        sum += ndl_row(D, j)[c] * ndl_row(D, k)[c];
    return sum;
}

/* Sums of d <= 8 products of numbers up to 1, and cos of an angle rounded to
 * 1e-16: errors are some 1e-16, 1e-14 leaves room for the projections. */
static const double exact = 1e-14;

static void test_directions(void **state)
{
    (void)state;
    struct ndl_tree *tree = read_text(HEADER "a - 1 constant(1) random\n"
                                             "b - 1 constant(1) angle(60,a)\n"
                                             "c - 1 constant(1) orthogonal\n"
                                             "d - 1 constant(1) angle(180,a)\n"
                                             "e - 1 constant(1) angle(0,c)\n"
                                             "f - 1 constant(1) orthogonal\n"
                                             "g - 1 constant(1) angle(135,f)\n");
    for (size_t d = 4; d <= 8; d++) {
        gsl_rng *rng = stream(d);
        struct ndl_matrix D;
        struct ndl_error err = {""};
        if (ndl_tree_directions(tree, d, rng, &D, &err) != NDL_OK)
            fail_msg("%s", err.text);
        assert_int_equal(D.rows, 7);
        assert_int_equal(D.cols, d);
        for (size_t k = 0; k < 7; k++)
            assert_true(fabs(dot(&D, k, k) - 1) <= exact);
        assert_true(fabs(dot(&D, 0, 1) - 0.5) <= exact);
        for (size_t k = 0; k < 2; k++)
            assert_true(fabs(dot(&D, 2, k)) <= exact);
        for (size_t c = 0; c < d; c++) { /* 0 and 180 degrees are copies */
            assert_true(ndl_row(&D, 3)[c] == -ndl_row(&D, 0)[c]);
            assert_true(ndl_row(&D, 4)[c] == ndl_row(&D, 2)[c]);
        }
        for (size_t k = 0; k < 5; k++)
            assert_true(fabs(dot(&D, 5, k)) <= exact);
        assert_true(fabs(dot(&D, 5, 6) + sqrt(0.5)) <= exact);
        ndl_matrix_free(&D);
        gsl_rng_free(rng);
    }
    /* a, b, c span R^3 (d and e add nothing): f has no room. */
    gsl_rng *rng = stream(0);
    struct ndl_matrix D;
    struct ndl_error err = {""};
    char expected[200];
    assert_int_equal(ndl_tree_directions(tree, 3, rng, &D, &err), NDL_BADDATA);
    snprintf(expected, sizeof expected,
             "%s:7: no direction in 3 dimensions is orthogonal to the 5 placed before", path);
    assert_string_equal(err.text, expected);
    assert_null(D.v);
    assert_int_equal(ndl_tree_directions(tree, 1, rng, &D, &err), NDL_BADDATA);
    snprintf(expected, sizeof expected, "%s:3: in 1 dimension there is no angle of 60 degrees",
             path);
    assert_string_equal(err.text, expected);
    assert_int_equal(ndl_tree_directions(tree, 0, rng, &D, &err), NDL_BADARG);
    ndl_tree_free(tree);

    /* One dimension: a random direction is +1 or -1; an orthogonal first node is free. */
    tree = read_text(HEADER "a - 1 constant(1) orthogonal\nb - 1 constant(1) angle(180,a)\n");
    assert_int_equal(ndl_tree_directions(tree, 1, rng, &D, &err), NDL_OK);
    assert_true(fabs(D.v[0]) == 1 && D.v[1] == -D.v[0]);
    ndl_matrix_free(&D);
    ndl_tree_free(tree);
    gsl_rng_free(rng);
}

/* ------------------------------------------------------------ committed data */

static struct ndl_tree *read_dataset(const char *file)
{
    struct ndl_tree *tree;
    struct ndl_error err = {""};
    if (ndl_tree_read(&tree, file, &err) != NDL_OK)
        fail_msg("%s", err.text);
    return tree;
}

static size_t find(const struct ndl_tree *tree, const char *name)
{
    for (size_t i = 0; i < ndl_tree_size(tree); i++)
        if (strcmp(ndl_tree_node(tree, i)->name, name) == 0)
            return i;
    fail_msg("no node %s", name);
    return SIZE_MAX;
}

static void test_datasets(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t size, depth;
    } sets[] = {{"datasets/dog.tree", 4, 1},
                {"datasets/depth2.tree", 3, 1},
                {"datasets/depth3.tree", 7, 2},
                {"datasets/wordnet-dog.tree", 190, 5},
                {"datasets/wordnet-dog-small.tree", 46, 4}};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        struct ndl_tree *tree = read_dataset(sets[s].file);
        size_t depth = 0;
        for (size_t i = 0; i < ndl_tree_size(tree); i++)
            if (ndl_tree_node(tree, i)->depth > depth)
                depth = ndl_tree_node(tree, i)->depth;
        assert_int_equal(ndl_tree_size(tree), sets[s].size);
        assert_int_equal(depth, sets[s].depth);
        ndl_tree_free(tree);
    }
}

static void test_wordnet(void **state)
{
    (void)state;
    /* Counts taken by hand from cntlist.rev: 246 = 190 synsets + 56 tags under
     * dog, 6 under retriever (none tagged), of 30 under sporting_dog.  The file
     * has 12 decimals. */
    struct ndl_tree *tree = read_dataset("datasets/wordnet-dog.tree");
    const struct ndl_tree_node *dog = ndl_tree_node(tree, find(tree, "dog.n.01"));
    assert_true(dog->parent == SIZE_MAX);
    assert_true(fabs(dog->probability - 246.0 / 286) <= 0.5e-12);
    const struct ndl_tree_node *labrador =
        ndl_tree_node(tree, find(tree, "labrador_retriever.n.01"));
    assert_true(labrador->parent == find(tree, "retriever.n.01"));
    assert_true(fabs(labrador->probability - 1.0 / 6) <= 0.5e-12);
    assert_true(fabs(ndl_tree_node(tree, labrador->parent)->probability - 6.0 / 30) <= 0.5e-12);
    /* What the 18 children of dog leave is dog as such: 42 tags + 1. */
    double children = 0;
    size_t count = 0;
    for (size_t i = 0; i < ndl_tree_size(tree); i++)
        if (ndl_tree_node(tree, i)->parent == find(tree, "dog.n.01")) {
            children += ndl_tree_node(tree, i)->probability;
            count++;
        }
    assert_int_equal(count, 18);
    assert_true(fabs(1 - children - 43.0 / 246) <= 18 * 0.5e-12 + 1e-15);
    ndl_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),          cmocka_unit_test(test_columns),
        cmocka_unit_test(test_names),           cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_magnitudes),      cmocka_unit_test(test_directions_syntax),
        cmocka_unit_test(test_bytes),           cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_fields),          cmocka_unit_test(test_deep_chain),
        cmocka_unit_test(test_certain_samples), cmocka_unit_test(test_directions),
        cmocka_unit_test(test_datasets),        cmocka_unit_test(test_wordnet),
    };
    return cmocka_run_group_tests_name("tree", tests, make_file, remove_file);
}

/* registry.h -- the claims registry: what is claimed, how it is judged, what is generated from it.
 *
 * src/claims/registry.txt defines its own format in its first lines.  parse.c
 * reads it, results.c reads the files the claim programs write, verify.c judges the ones by the
 * others, compare.c compares results with the references, seeds.c does so for many seeds; paper.c,
 * table.c, caption.c and site.c write what the paper, REPRODUCE.md and the pages take from them,
 * with the numbers of notation.c; deps.c tells make; why.c traces one number back to its source.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { EXIT_HOLDS = 0, EXIT_FAILS = 1, EXIT_DATA = 2, EXIT_USAGE = 64 };

/* ------------------------------------------------------------- registry */

enum relation { EQUAL, AT_MOST, AT_LEAST, BELOW, ABOVE };
enum { RELATIONS = ABOVE + 1 };

struct expectation {
    char *key; /* measured: KEY of the claim's program, or PROGRAM.KEY */
    enum relation relation;
    char *expected;   /* a number or a key */
    double tolerance; /* for EQUAL */
    bool relative;    /* tolerance times |expected| */
    char *reason;
    size_t line;
};

struct control {
    char *key;    /* measured on a variant with a broken hypothesis ... */
    char *breaks; /* ... must fail at least one check on this key */
    char *reason;
    size_t line;
};

struct names {
    char **at;
    size_t count;
};

struct entry {
    char *id, *title, *statement, *program, *label;
    struct names figures, reads; /* reads: other programs whose keys the checks use */
    double seconds;              /* of one core */
    struct expectation *checks;
    size_t check_count;
    struct control *controls;
    size_t control_count;
    size_t line;
};

struct registry {
    const char *path;
    char *text; /* every string above points into it */
    struct entry *entries;
    size_t count;
};

/* Reads and checks the file; ends the program at the first error (EXIT_DATA). */
void registry_read(struct registry *registry, const char *path);
/* NULL if there is no such claim. */
const struct entry *registry_find(const struct registry *registry, const char *id);
/* That programs, figures and paper labels exist and every program has a claim. */
void registry_check(const struct registry *registry);
void registry_free(struct registry *registry);

/* -------------------------------------------------------------- results */

struct scalar {
    char *key;
    double value, tolerance;
    char *meaning;
    char *function; /* which wrote it, in C; NULL if the file does not tell */
};

struct result { /* one program's NAME.tsv */
    char *program, *path;
    bool readable; /* else a message has said why */
    char *text;
    struct names header; /* the lines that start with '#' */
    struct scalar *scalars;
    size_t count;
};

struct results { /* read when first asked for */
    const char *dir;
    struct result *at;
    size_t count;
};

/* NULL, after one message on stderr, if the file cannot be read. */
const struct result *results_of(struct results *results, const char *program);
const struct scalar *result_scalar(const struct result *result, const char *key);
/* A key of the claim's own program or, with its prefix, of one that it reads. */
const struct scalar *entry_scalar(struct results *results, const struct entry *entry,
                                  const char *key);
/* "PROGRAM.KEY"; NULL if there is no such number. */
const struct scalar *named_scalar(struct results *results, const char *name);
void results_free(struct results *results);

/* The first lines of a result file that this program writes, and one of its numbers. */
void write_header(FILE *out, const char *program, const char *command);
void write_scalar(FILE *out, const char *key, double value, double tolerance, const char *meaning);

/* |value - reference| <= tolerance * max(1, |reference|).  NaN agrees with nothing; equal
 * infinities agree, and with the tolerance infinity everything. */
bool agree(double value, double reference, double tolerance);

/* Compares all files of one program (or of all, if NULL) with the reference.
 * Prints every difference; returns their number. */
size_t results_compare(struct results *results, struct results *reference, const char *program);
/* Makes the results the reference: replaces what does not agree, or does not tell its functions
 * while the results do, adds what is new and removes what is left over.  Prints each, and returns
 * how many files that were. */
size_t results_accept(struct results *results, struct results *reference);

/* --------------------------------------------------------------- verify */

struct outcome { /* of one check or control */
    double measured, expected;
    bool known;  /* both numbers were found */
    bool passed; /* for a control: it failed the check, as it must */
};

struct outcome judge_check(struct results *results, const struct entry *entry,
                           const struct expectation *check);
struct outcome judge_control(struct results *results, const struct entry *entry,
                             const struct control *control);
bool entry_holds(struct results *results, const struct entry *entry);
/* Prints the claim's table and returns whether it holds.  reasons: also the statement, the
 * command, and why each tolerance and control is what it is. */
bool print_entry(struct results *results, const struct entry *entry, bool reasons);

/* ---------------------------------------------------------------- seeds */

/* Writes OUT/seeds.tsv and OUT/seeds-checks.tsv: the spread over the directories of results, one
 * per seed from 1; what a spread that is there (or NULL) says of claims that have not changed is
 * taken over.  Prints how many seeds each claim holds for; false if one does not hold for all. */
bool write_seeds(const struct registry *registry, struct results *spread, char **dirs, size_t count,
                 const char *out);
/* The programs of the claims that cannot be taken over, one per line; first: results of seed 1. */
void write_stale(FILE *out, const struct registry *registry, struct results *spread,
                 struct results *first, size_t count);
/* The number `what` ("first", "least", "mean", "largest"; "" with the key "holds") that
 * seeds.tsv has of a key of a claim, or NULL. */
const struct scalar *seeds_scalar(struct results *results, const struct entry *entry,
                                  const char *key, const char *what);
/* How many numbers of seeds.tsv are missing, too many or not those of these results for seed 1;
 * prints each. */
size_t seeds_stale(const struct registry *registry, struct results *results);

/* ------------------------------------------------------------- generated */

/* How a number, a text or a key is printed: on the terminal; in the paper; in the Markdown of a
 * page, where HTML surrounds it; in a Markdown table. */
enum notation { PLAIN, TEX, PAGE, TABLE };

/* `digits` significant digits, or fewer if fewer are exact: 0.3, not 0.300.  TEX (for math mode)
 * or PAGE. */
void write_number(FILE *out, enum notation notation, double value, int digits);
/* "none", "one", ... "twelve", or NULL. */
const char *word_of(double value);
/* Text with $...$ maths, in which nothing is escaped.  Not PLAIN. */
void write_text(FILE *out, enum notation notation, const char *text);
/* A key in typewriter, in TeX breakable after '_' and '.'.  Not PLAIN. */
void write_key(FILE *out, enum notation notation, const char *key);
const char *relation_name(enum relation relation, enum notation notation);
bool find_relation(const char *text, enum relation *relation);

void write_macros(FILE *out, const struct registry *registry, struct results *results);
void write_table(FILE *out, const struct registry *registry);
/* Puts the table between the markers in a file.  check: only compare; false if out of sync. */
bool rewrite_table(const struct registry *registry, const char *path, bool check);
/* Markdown for the page of a program: links to the verdicts of its claims, and these, with their
 * figures, whose captions are the files CAPTIONS/FIGURE.caption; the pages before and after it. */
void write_status(FILE *out, const struct registry *registry, struct results *results,
                  const char *program);
void write_page(FILE *out, const struct registry *registry, struct results *results,
                const char *program, const char *captions);
void write_neighbours(FILE *out, const struct registry *registry, const char *program);
/* The paper's caption of a figure, in LaTeX; the first line are macros. */
void write_caption(FILE *out, struct results *results, const char *figure);
/* For make: the claims, their programs, and what the programs' pages need. */
void write_deps(FILE *out, const struct registry *registry);
/* Markdown of the index: how many claims hold, and all of them. */
void write_summary(FILE *out, const struct registry *registry, struct results *results);
void write_index(FILE *out, const struct registry *registry, struct results *results);
/* "PROGRAM.KEY": everything about one number.  Returns an exit status. */
int explain(const struct registry *registry, struct results *results, struct results *reference,
            const char *name);

/* --------------------------------------------------------------- helpers */

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* realloc that ends the program. */
void *grow(void *old, size_t count, size_t size);
char *join(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The whole file; NULL with errno if it cannot be read. */
char *slurp(const char *path);
/* Cuts the text at its next newline; returns what follows, or NULL at the end. */
char *cut_line(char *text);
/* The whole string as a number (inf and nan too). */
bool parse_number(const char *text, double *value);
void add_name(struct names *names, char *name);

#endif

/* seeds.c -- the spread of every checked number over seeds, and how near the worst comes to its
 * bound.
 *
 * `registry seeds` reads one directory of results per seed, the first being that of seed 1, and
 * writes OUT/seeds.tsv and OUT/seeds-checks.tsv in the format of src/claims/kit/claim.h.  They are
 * committed in results/, since twenty seeds take too long for every build, and seeds_stale tells
 * whether they still speak of this registry and of the results of seed 1.  What they say of a claim
 * that they still speak of is taken over: a new check costs the seeds of its program only. */
#include "registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ndl/ndl.h"

/* How a check uses its bound. */
enum kind {
    ALLOWANCE, /* measured / bound, or deviation / tolerance, must stay below one */
    FLOOR,     /* a bound to be exceeded: bound / measured must stay below one */
    EXACT,     /* met exactly by every seed */
    SIGN       /* the bound is zero, and any distance from it will do */
};

struct spread { /* of one check or control over the seeds */
    double least, mean, largest;
    double first;                 /* seed 1 */
    double used_least, used_most; /* see used(); infinite if a seed has not got the number */
    size_t passed;
};

/* The share of the allowance that a measured value uses: at most one if the check holds. */
static double used(const struct expectation *check, double measured, double expected)
{
    if (measured == expected)
        return 0;
    if (check->relation == EQUAL) {
        double tolerance = check->tolerance * (check->relative ? fabs(expected) : 1);
        return tolerance > 0 ? fabs(measured - expected) / tolerance : (double)INFINITY;
    }
    bool upper = check->relation == AT_MOST || check->relation == BELOW;
    double value = upper ? measured : -measured, bound = upper ? expected : -expected;
    if (bound == 0)
        return value <= 0 ? 0 : (double)INFINITY;
    if (bound > 0)
        return fmax(0, value / bound);
    return value < 0 ? bound / value : (double)INFINITY;
}

static enum kind kind_of(const struct expectation *check, const struct spread *spread,
                         double expected)
{
    if (spread->least == expected && spread->largest == expected)
        return EXACT;
    if (check->relation == EQUAL)
        return ALLOWANCE;
    if (expected == 0)
        return SIGN;
    bool upper = check->relation == AT_MOST || check->relation == BELOW;
    return upper == (expected > 0) ? ALLOWANCE : FLOOR;
}

/* control: NULL for the check itself */
static struct spread spread_of(struct results *seeds, size_t count, const struct entry *entry,
                               const struct expectation *check, const struct control *control)
{
    struct spread spread = {
        .least = (double)INFINITY, .largest = -(double)INFINITY, .used_least = (double)INFINITY};
    double known = 0;
    for (size_t s = 0; s < count; s++) {
        struct outcome outcome = control ? judge_control(&seeds[s], entry, control)
                                         : judge_check(&seeds[s], entry, check);
        if (s == 0)
            spread.first = outcome.measured;
        if (!outcome.known) { /* the program failed: so do its checks */
            spread.used_most = (double)INFINITY;
            continue;
        }
        double share = used(check, outcome.measured, outcome.expected);
        spread.least = fmin(spread.least, outcome.measured);
        spread.largest = fmax(spread.largest, outcome.measured);
        spread.mean += outcome.measured;
        known++;
        spread.used_least = fmin(spread.used_least, share);
        spread.used_most = fmax(spread.used_most, share);
        spread.passed += outcome.passed;
    }
    spread.mean /= known;
    return spread;
}

/* ------------------------------------------------------------ what is known */

struct row { /* of seeds-checks.tsv */
    size_t claim, check;
    int control, kind;
    double used, least, mean, largest;
};

/* The spread that is there already, and the results that it has to speak of. */
struct known {
    struct results *spread; /* NULL if nothing is to be taken over */
    struct results *first;  /* of seed 1 */
    struct row *rows;
    size_t row_count;
};

static void read_rows(struct known *known)
{
    char *path = join("%s/seeds-checks.tsv", known->spread->dir), *text = slurp(path);
    for (char *line = text, *next; line; line = next) {
        next = cut_line(line);
        struct row row;
        if (sscanf(line, "%zu\t%zu\t%d\t%d\t%lf\t%lf\t%lf\t%lf", &row.claim, &row.check,
                   &row.control, &row.kind, &row.used, &row.least, &row.mean, &row.largest) != 8)
            continue;
        known->rows = grow(known->rows, known->row_count + 1, sizeof *known->rows);
        known->rows[known->row_count++] = row;
    }
    free(text);
    free(path);
}

/* The number that the claim has in the rows, from 1; 0 if it is not there. */
static size_t known_number(const struct known *known, const struct entry *entry)
{
    const struct result *result = results_of(known->spread, "seeds");
    char *wanted = join("%s.holds", entry->id);
    size_t number = 0, found = 0;
    for (size_t i = 0; result && i < result->count && !found; i++) {
        const char *end = strrchr(result->scalars[i].key, '.');
        number += end && strcmp(end, ".holds") == 0;
        if (strcmp(result->scalars[i].key, wanted) == 0)
            found = number;
    }
    free(wanted);
    return found;
}

static size_t key_stale(struct results *spread, struct results *first, const struct entry *entry,
                        const char *key, bool tell);

/* Whether what is known of a claim can be taken over: it held for each of as many seeds, with as
 * many checks and controls, and no number of seed 1 has changed. */
static bool is_known(const struct known *known, const struct entry *entry, size_t count)
{
    const struct scalar *seeds =
        known->spread ? result_scalar(results_of(known->spread, "seeds"), "count") : NULL;
    const struct scalar *holds = seeds ? seeds_scalar(known->spread, entry, "holds", "") : NULL;
    if (!holds || seeds->value != (double)count || holds->value != (double)count)
        return false;
    size_t stale = 0, rows = 0, wanted = entry->check_count, number = known_number(known, entry);
    for (size_t i = 0; i < entry->check_count; i++) {
        stale += key_stale(known->spread, known->first, entry, entry->checks[i].key, false);
        for (size_t j = 0; j < entry->control_count; j++)
            wanted += strcmp(entry->controls[j].breaks, entry->checks[i].key) == 0;
    }
    for (size_t j = 0; j < entry->control_count; j++)
        stale += key_stale(known->spread, known->first, entry, entry->controls[j].key, false);
    for (size_t i = 0; i < known->row_count; i++)
        rows += known->rows[i].claim == number;
    return stale == 0 && rows == wanted;
}

void write_stale(FILE *out, const struct registry *registry, struct results *spread,
                 struct results *first, size_t count)
{
    struct known known = {.spread = spread, .first = first};
    if (spread)
        read_rows(&known);
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (is_known(&known, entry, count))
            continue;
        fprintf(out, "%s\n", entry->program);
        for (size_t j = 0; j < entry->reads.count; j++)
            fprintf(out, "%s\n", entry->reads.at[j]);
    }
    free(known.rows);
}

/* ------------------------------------------------------------------ write */

struct totals {
    size_t claims, claims_held, checks, checks_held, controls, controls_failed;
    size_t kinds[4], tenth;
    double allowance_most, floor_most, control_least;
};

static void write_row(FILE *table, const struct row *row, struct totals *totals)
{
    fprintf(table, "%zu\t%zu\t%d\t%d\t%.6g\t%.6g\t%.6g\t%.6g\n", row->claim, row->check,
            row->control, row->kind, row->used, row->least, row->mean, row->largest);
    if (row->control) {
        if (row->kind != SIGN)
            totals->control_least = fmin(totals->control_least, row->used);
        return;
    }
    totals->checks++;
    totals->kinds[row->kind]++;
    if (row->kind == ALLOWANCE)
        totals->allowance_most = fmax(totals->allowance_most, row->used);
    if (row->kind == FLOOR)
        totals->floor_most = fmax(totals->floor_most, row->used);
    totals->tenth += (row->kind == ALLOWANCE || row->kind == FLOOR) && row->used <= 0.1;
}

/* As write_scalar; frees the key. */
static void write_joined(FILE *out, char *key, double value, double tolerance, const char *meaning)
{
    write_scalar(out, key, value, tolerance, meaning);
    free(key);
}

static void write_spread(FILE *out, const struct entry *entry, const char *key,
                         const struct spread *spread, double tolerance)
{
    write_joined(out, join("%s.%s.first", entry->id, key), spread->first, tolerance,
                 "its value for seed 1");
    write_joined(out, join("%s.%s.least", entry->id, key), spread->least, (double)INFINITY,
                 "its least value over the seeds");
    write_joined(out, join("%s.%s.mean", entry->id, key), spread->mean, (double)INFINITY,
                 "its mean over the seeds");
    write_joined(out, join("%s.%s.largest", entry->id, key), spread->largest, (double)INFINITY,
                 "its largest value over the seeds");
}

static double tolerance_of(struct results *results, const struct entry *entry, const char *key)
{
    const struct scalar *scalar = entry_scalar(results, entry, key);
    return scalar ? scalar->tolerance : 0;
}

/* Has this claim an earlier check on the key, or an earlier control with it? */
static bool check_is_new(const struct entry *entry, size_t check)
{
    for (size_t i = 0; i < check; i++)
        if (strcmp(entry->checks[i].key, entry->checks[check].key) == 0)
            return false;
    return true;
}

static bool control_is_new(const struct entry *entry, size_t control)
{
    for (size_t i = 0; i < entry->check_count; i++)
        if (strcmp(entry->checks[i].key, entry->controls[control].key) == 0)
            return false;
    for (size_t i = 0; i < control; i++)
        if (strcmp(entry->controls[i].key, entry->controls[control].key) == 0)
            return false;
    return true;
}

static void write_check(FILE *scalars, FILE *table, struct results *seeds, size_t count,
                        size_t number, const struct entry *entry, size_t i, struct totals *totals)
{
    const struct expectation *check = &entry->checks[i];
    double expected = judge_check(&seeds[0], entry, check).expected;
    struct spread spread = spread_of(seeds, count, entry, check, NULL);
    enum kind kind = kind_of(check, &spread, expected);
    if (check_is_new(entry, i))
        write_spread(scalars, entry, check->key, &spread,
                     tolerance_of(&seeds[0], entry, check->key));
    write_row(table,
              &(struct row){number, i + 1, 0, (int)kind, spread.used_most, spread.least,
                            spread.mean, spread.largest},
              totals);
    totals->checks_held += spread.passed == count;
    for (size_t j = 0; j < entry->control_count; j++) {
        const struct control *control = &entry->controls[j];
        if (strcmp(control->breaks, check->key) != 0)
            continue;
        struct spread broken = spread_of(seeds, count, entry, check, control);
        write_row(table,
                  &(struct row){number, i + 1, 1, (int)kind, broken.used_least, broken.least,
                                broken.mean, broken.largest},
                  totals);
    }
}

static void take_over(FILE *scalars, FILE *table, const struct known *known, size_t number,
                      const struct entry *entry, struct totals *totals)
{
    const struct result *result = results_of(known->spread, "seeds");
    size_t length = strlen(entry->id), old = known_number(known, entry);
    for (size_t i = 0; i < result->count; i++) {
        const struct scalar *scalar = &result->scalars[i];
        if (strncmp(scalar->key, entry->id, length) == 0 && scalar->key[length] == '.')
            write_scalar(scalars, scalar->key, scalar->value, scalar->tolerance, scalar->meaning);
    }
    for (size_t i = 0; i < known->row_count; i++) {
        struct row row = known->rows[i];
        row.claim = number;
        if (known->rows[i].claim == old)
            write_row(table, &row, totals);
    }
    totals->claims++;
    totals->claims_held++;
    totals->checks_held += entry->check_count;
    totals->controls += entry->control_count;
    totals->controls_failed += entry->control_count;
}

/* Returns how many seeds the claim holds for. */
static size_t write_claim(FILE *scalars, FILE *table, struct results *seeds, size_t count,
                          size_t number, const struct entry *entry, struct totals *totals)
{
    size_t held = 0;
    for (size_t s = 0; s < count; s++)
        held += entry_holds(&seeds[s], entry);
    write_joined(scalars, join("%s.holds", entry->id), (double)held, 0,
                 "seeds for which the claim holds");
    totals->claims++;
    totals->claims_held += held == count;
    for (size_t i = 0; i < entry->check_count; i++)
        write_check(scalars, table, seeds, count, number, entry, i, totals);
    for (size_t j = 0; j < entry->control_count; j++) {
        const struct control *control = &entry->controls[j];
        const struct expectation *check = entry->checks;
        while (strcmp(check->key, control->breaks) != 0)
            check++;
        struct spread broken = spread_of(seeds, count, entry, check, control);
        totals->controls++;
        totals->controls_failed += broken.passed == count;
        if (control_is_new(entry, j))
            write_spread(scalars, entry, control->key, &broken,
                         tolerance_of(&seeds[0], entry, control->key));
    }
    return held;
}

static void write_totals(FILE *out, size_t count, const struct totals *totals)
{
    const struct {
        const char *key, *meaning;
        double value;
    } scalars[] = {
        {"count", "seeds, from 1", (double)count},
        {"claims", "claims", (double)totals->claims},
        {"claims.held", "claims that hold for every seed", (double)totals->claims_held},
        {"checks", "checks", (double)totals->checks},
        {"checks.held", "checks that hold for every seed", (double)totals->checks_held},
        {"controls", "controls", (double)totals->controls},
        {"controls.failed", "controls that fail, as they must, for every seed",
         (double)totals->controls_failed},
        {"allowances", "checks that allow a deviation", (double)totals->kinds[ALLOWANCE]},
        {"floors", "checks that ask for more than a bound", (double)totals->kinds[FLOOR]},
        {"exact", "checks that every seed meets exactly", (double)totals->kinds[EXACT]},
        {"signs", "checks that ask for a sign", (double)totals->kinds[SIGN]},
        {"tenth", "allowances and floors of which no seed uses more than a tenth",
         (double)totals->tenth},
        {"allowances.most", "largest share of an allowance that a seed uses",
         totals->allowance_most},
        {"floors.most", "largest share of a floor that a seed uses", totals->floor_most},
        {"controls.least", "smallest share that a control uses, signs left out; fails above 1",
         totals->control_least},
    };
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        write_scalar(out, scalars[i].key, scalars[i].value, (double)INFINITY, scalars[i].meaning);
}

static void open_out(struct ndl_output *out, char *path)
{
    struct ndl_error err;
    if (ndl_output_open(out, path, &err) != NDL_OK)
        die("registry: %s", err.text);
    free(path);
}

static void close_out(struct ndl_output *out)
{
    struct ndl_error err;
    if (ndl_output_close(out, &err) != NDL_OK)
        die("registry: %s", err.text);
}

static void write_headers(FILE *scalars, FILE *table, size_t count)
{
    char *command = join("make seeds COUNT=%zu", count);
    write_header(scalars, "seeds", command);
    fputs("# columns: key value tolerance meaning\n", scalars);
    write_header(table, "seeds", command);
    fputs("# column 1: claim - 0 its number in the registry\n"
          "# column 2: check - 0 its number in the claim\n"
          "# column 3: control - 0 0 the check itself, 1 a control of it\n"
          "# column 4: kind - 0 0 allowance, 1 floor, 2 exact, 3 sign\n"
          "# column 5: used - inf share of the bound: largest over the seeds (control: least)\n"
          "# column 6: least - inf least value over the seeds\n"
          "# column 7: mean - inf mean over the seeds\n"
          "# column 8: largest - inf largest value over the seeds\n",
          table);
    free(command);
}

bool write_seeds(const struct registry *registry, struct results *spread, char **dirs, size_t count,
                 const char *out)
{
    struct results *seeds = grow(NULL, count, sizeof *seeds);
    for (size_t s = 0; s < count; s++)
        seeds[s] = (struct results){.dir = dirs[s]};
    struct known known = {.spread = spread, .first = &seeds[0]};
    if (spread)
        read_rows(&known);
    struct ndl_output scalars, table;
    open_out(&table, join("%s/seeds-checks.tsv", out));
    open_out(&scalars, join("%s/seeds.tsv", out));
    write_headers(scalars.file, table.file, count);
    struct totals totals = {.control_least = (double)INFINITY};
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        bool old = is_known(&known, entry, count);
        size_t held = count;
        if (old)
            take_over(scalars.file, table.file, &known, i + 1, entry, &totals);
        else
            held = write_claim(scalars.file, table.file, seeds, count, i + 1, entry, &totals);
        printf("  %-18s holds for %zu of %zu seeds%s\n", entry->id, held, count,
               old ? ", as known" : "");
    }
    write_totals(scalars.file, count, &totals);
    close_out(&table);
    close_out(&scalars);
    for (size_t s = 0; s < count; s++)
        results_free(&seeds[s]);
    free(seeds);
    free(known.rows);
    return totals.claims_held == totals.claims;
}

/* ------------------------------------------------------------------ check */

const struct scalar *seeds_scalar(struct results *results, const struct entry *entry,
                                  const char *key, const char *what)
{
    char *name = join("%s.%s%s%s", entry->id, key, *what ? "." : "", what);
    const struct scalar *scalar = result_scalar(results_of(results, "seeds"), name);
    free(name);
    return scalar;
}

/* Whether the spread says nothing of a key, or something else of seed 1; tell: prints it. */
static size_t key_stale(struct results *spread, struct results *first, const struct entry *entry,
                        const char *key, bool tell)
{
    const struct scalar *seeds = seeds_scalar(spread, entry, key, "first");
    const struct scalar *is = entry_scalar(first, entry, key);
    if (seeds && is && agree(is->value, seeds->value, seeds->tolerance))
        return 0;
    if (tell && !seeds)
        printf("seeds: nothing about %s of claim %s\n", key, entry->id);
    else if (tell)
        printf("seeds: %s of claim %s was %.9g for seed 1 and is %.9g\n", key, entry->id,
               seeds->value, is ? is->value : (double)NAN);
    return 1;
}

size_t seeds_stale(const struct registry *registry, struct results *results)
{
    const struct result *result = results_of(results, "seeds");
    if (!result)
        return 1;
    size_t stale = 0, keys = 0;
    for (size_t i = 0; i < registry->count; i++) {
        const struct entry *entry = &registry->entries[i];
        if (!seeds_scalar(results, entry, "holds", "")) {
            printf("seeds: nothing about claim %s\n", entry->id);
            stale++;
        }
        for (size_t j = 0; j < entry->check_count; j++)
            stale += key_stale(results, results, entry, entry->checks[j].key, true);
        for (size_t j = 0; j < entry->control_count; j++)
            stale += key_stale(results, results, entry, entry->controls[j].key, true);
        for (size_t j = 0; j < entry->check_count; j++)
            keys += check_is_new(entry, j);
        for (size_t j = 0; j < entry->control_count; j++)
            keys += control_is_new(entry, j);
    }
    size_t found = 0;
    for (size_t i = 0; i < result->count; i++) {
        const char *end = strrchr(result->scalars[i].key, '.');
        found += end && strcmp(end, ".first") == 0;
    }
    if (found > keys) {
        printf("seeds: %zu numbers of which the registry knows nothing\n", found - keys);
        stale++;
    }
    return stale;
}

/* check-text.c -- the report of ndl-check for people. */
#include "check.h"

#include <math.h>

#include "pairs.h"

/* The plural's ending. */
static const char *s(size_t count)
{
    return count == 1 ? "" : "s";
}

/* What "%.3f" would print as -0.000 is 0. */
static double no_minus_zero(double x)
{
    return fabs(x) < 0.0005 ? 0 : x;
}

/* "dead: 3 7 11 ...". */
static void print_features(const struct check *c, const char *what,
                           bool (*is)(const struct check *, size_t))
{
    enum { MOST = 20 };
    size_t printed = 0;
    for (size_t k = 0; k < c->report.features; k++) {
        if (!is(c, k))
            continue;
        if (printed == 0)
            printf("%s", what);
        if (printed++ < MOST)
            printf(" %zu", k);
    }
    if (printed > MOST)
        fputs(" ...", stdout);
    if (printed > 0)
        puts("");
}

/* The exclusive pairs within groups: of the others, both features have a group, or none, or
 * different ones. */
static void print_exclusive(const struct ndl_audit_report *r)
{
    size_t inside = 0;
    for (size_t g = 0; g < r->groups; g++) {
        size_t size = r->group_start[g + 1] - r->group_start[g];
        inside += size * (size - 1) / 2;
    }
    printf("mutually exclusive    %zu pair%s that never fire%s together", r->exclusive_pairs,
           s(r->exclusive_pairs), r->exclusive_pairs == 1 ? "s" : "");
    if (r->groups > 0)
        printf("; %zu of them in %zu disjoint group%s", inside, r->groups, s(r->groups));
    puts("");
}

static void print_summary(const struct check *c)
{
    const struct ndl_audit_report *r = &c->report;
    if (c->sae)
        print_sae(&c->weights);
    printf("samples               %zu\n", r->samples);
    printf("features              %zu: %zu live, %zu dead; %zu always on; %zu dense (on in %g %% "
           "of the samples "
           "or more)\n",
           r->features, r->live, r->dead, r->always_on, r->dense, 100 * c->audit.dense);
    printf("nonzeros              %zu, %.1f per sample\n", r->nonzeros,
           (double)r->nonzeros / (double)r->samples);
    printf("conditions            %s, tolerance %g\n",
           c->audit.bias ? "with a free bias (hull)" : "without a bias (cone)", c->audit.tolerance);
    printf("pairs                 %zu ordered pair%s of live features with k sometimes off\n",
           r->pairs, s(r->pairs));
    printf("violated              %zu\n", r->violated);
    printf("nearly hierarchical   %zu (support at most %g %% of the samples with j on)\n", r->near,
           100 * c->audit.near);
    if (r->always_on)
        printf("k always on           %zu pair%s, %zu violated; apart from those above, and last "
               "in --out\n",
               r->pairs_always_on, s(r->pairs_always_on), r->violated_always_on);
    if (r->dead)
        printf("dead j or k           %zu pair%s, not tested\n", r->pairs_dead, s(r->pairs_dead));
    printf("antipodal             %zu pair%s of dense features with a cosine below %g\n",
           r->antipodal, s(r->antipodal), c->audit.antipodal);
    print_exclusive(r);
    print_features(c, "dead:", is_dead);
    print_features(c,
                   c->audit.bias ? "always on, the least value belongs in the bias:" : "always on:",
                   is_always_on);
}

static void print_worst(const struct check *c)
{
    size_t count = c->worst_count < c->top ? c->worst_count : c->top;
    if (count == 0)
        return;
    printf("\nThe worst %zu of %zu violated or nearly hierarchical pair%s.\n"
           "j on: samples with j on; alone: of these, with k off.\n",
           count, c->worst_count, s(c->worst_count));
    printf("%6s %6s %7s %8s %10s %8s %7s %7s\n", "j", "k", "cosine", "margin", "slope", "j on",
           "alone", "support");
    for (size_t q = 0; q < count; q++) {
        const struct ndl_audit_pair *p = c->worst[q];
        char words[PAIR_WORDS];
        pair_words(&c->report, p, c->audit.bias, words);
        printf("%6u %6u %7.3f %8.3f %10.2e %8zu %7zu %7zu  %s\n", (unsigned)p->j, (unsigned)p->k,
               no_minus_zero(p->cosine), no_minus_zero(p->margin), p->slope, c->report.fires[p->j],
               c->report.fires[p->j] - p->together, p->support, words);
    }
}

static void print_antipodal(const struct check *c)
{
    size_t count = c->report.antipodal < c->top ? c->report.antipodal : c->top;
    if (count > 0)
        puts("\nAntipodal pairs of dense features: two halves of one direction.");
    for (size_t q = 0; q < count; q++) {
        const struct ndl_audit_antipodal *p = &c->report.antipodal_list[q];
        printf("%6u %6u %7.3f\n", (unsigned)p->j, (unsigned)p->k, p->cosine);
    }
}

static void print_groups(const struct check *c)
{
    enum { MOST = 16 };
    const struct ndl_audit_report *r = &c->report;
    size_t groups = r->groups < c->top ? r->groups : c->top;
    if (groups > 0)
        puts("\nMutually exclusive groups: no two members ever fire together, though by chance "
             "they would.");
    for (size_t g = 0; g < groups; g++) {
        size_t first = r->group_start[g], size = r->group_start[g + 1] - first;
        printf("%6zu features:", size);
        for (size_t q = 0; q < size && q < MOST; q++)
            printf(" %u", (unsigned)r->group_member[first + q]);
        fputs(size > MOST ? " ...\n" : "\n", stdout);
    }
}

/* The direction of a violated condition: its largest coefficients (--json has all). */
static void print_descent(const struct ndl_condition *q)
{
    const double small = 0.3; /* the largest is 1 */
    enum { MOST = 12 };
    size_t printed = 0;
    printf("  descent: z_%zu += eps (", q->k);
    for (size_t p = 0; p < q->count && printed < MOST; p++)
        if (fabs(q->a[p]) >= small)
            printed += printf("%+.2f z_%zu ", q->a[p], q->J[p]) > 0;
    printf("%+.3g%s)\n", q->c + 0.0, printed < q->count ? " and smaller terms" : "");
}

static void print_hulls(const struct check *c)
{
    for (size_t h = 0; h < c->hulls.count; h++) {
        const struct hull *hull = &c->hulls.list[h];
        const struct ndl_condition *q = &hull->condition;
        if (hull->dead) {
            printf("\nfeature %zu never fires: not tested\n", hull->k);
            continue;
        }
        printf("\nfeature %zu against %zu other%s together: %s", hull->k, q->count, s(q->count),
               q->holds ? "satisfied" : "violated");
        if (isfinite(q->margin_l1))
            printf(", margin %.3g (L1)", q->margin_l1);
        if (q->holds) {
            puts("");
            continue;
        }
        printf(", slope %.2e\n", q->slope);
        print_descent(q);
    }
}

void print_text(const struct check *c)
{
    print_summary(c);
    print_worst(c);
    print_antipodal(c);
    print_groups(c);
    print_hulls(c);
}

/* tree_read.c -- reads a tree of features from a text file.
 *
 * datasets/README.md is the specification of the format.  Reading goes in two
 * steps: parse every line by itself (`read_nodes`), then resolve the names and
 * check what only the whole tree can tell (`link_tree`).  Nothing recurses: a
 * chain may be as deep as memory allows. */
#include "tree_nodes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES = 4095, /* longest line, without its end */
    SHOWN = 60         /* bytes of a field quoted in a message */
};

enum column { NODE, PARENT, PROBABILITY, MAGNITUDE, DIRECTION, EXCLUSIVE, COLUMNS };
static const char *const column_names[COLUMNS] = {
    [NODE] = "node",
    [PARENT] = "parent",
    [PROBABILITY] = "probability",
    /* the only optional one */
    [MAGNITUDE] = "magnitude",
    [DIRECTION] = "direction",
    [EXCLUSIVE] = "exclusive",
};

static const struct {
    const char *word;
    size_t arguments;
    const char *usage;
} distributions[DISTRIBUTIONS] = {
    [CONSTANT] = {"constant", 1, "constant(VALUE) with 1e-100 <= VALUE <= 1e100"},
    [UNIFORM] = {"uniform", 2,
                 "uniform(LOW, HIGH) with LOW <= HIGH, each from 1e-100 to 1e100 or LOW = 0"},
    [EXPONENTIAL] = {"exponential", 1, "exponential(MEAN) with 1e-100 <= MEAN <= 1e100"},
    [LOGNORMAL] = {"lognormal", 2, "lognormal(MU, SIGMA) with SIGMA >= 0, |MU| + 10 SIGMA <= 230"},
};

/* --------------------------------------------------------- lines and fields */

struct reader {
    FILE *file;
    const char *path;
    size_t line;               /* number of the line in text, from 1 */
    char text[LINE_BYTES + 1]; /* the line without its end and comment; may be blank */
};

static enum ndl_status bad_byte(const struct reader *in, int c, struct ndl_error *err)
{
    if (c == '\0')
        return ndl_fail(err, NDL_BADDATA, "%s:%zu: a NUL byte: not a text file", in->path,
                        in->line);
    return ndl_fail(err, NDL_BADDATA, "%s:%zu: byte 0x%02x: names and numbers are printable ASCII",
                    in->path, in->line, (unsigned)c);
}

/* Reads one line into in->text; *more is false at the end of the file. */
static enum ndl_status next_line(struct reader *in, bool *more, struct ndl_error *err)
{
    size_t length = 0, kept = 0;
    bool comment = false;
    int c;
    *more = false;
    in->line++;
    errno = 0;
    while ((c = getc(in->file)) != EOF && c != '\n') {
        if (c == '\r') { /* only as part of a Windows line end */
            int next = getc(in->file);
            if (next != '\n' && next != EOF)
                return bad_byte(in, c, err);
            c = next;
            break;
        }
        if (++length > LINE_BYTES)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: the line is longer than %d bytes", in->path,
                            in->line, LINE_BYTES);
        comment = comment || c == '#';
        if ((c < ' ' && c != '\t') || c == 0x7f || (c > 0x7f && !comment))
            return bad_byte(in, c, err);
        if (!comment)
            in->text[kept++] = (char)c;
    }
    if (ferror(in->file))
        return ndl_fail(err, NDL_IO, "%s:%zu: %s", in->path, in->line, strerror(errno));
    in->text[kept] = '\0';
    *more = c != EOF || length > 0;
    return NDL_OK;
}

/* Cuts text at blanks outside parentheses and drops the blanks inside; stores
 * at most COLUMNS fields, returns how many there are, 0 if a ( stays open. */
static size_t split_fields(char *text, char *field[COLUMNS])
{
    size_t count = 0;
    bool inside = false, parentheses = false;
    char *to = text; /* never ahead of from */
    for (const char *from = text; *from; from++) {
        bool blank = *from == ' ' || *from == '\t';
        if (blank && !parentheses && inside)
            *to++ = '\0';
        if (blank) {
            inside = inside && parentheses;
            continue;
        }
        if (!inside && ++count <= COLUMNS)
            field[count - 1] = to;
        inside = true;
        parentheses = *from == '(' || (parentheses && *from != ')');
        *to++ = *from;
    }
    *to = '\0';
    return parentheses ? 0 : count;
}

/* Cuts "word(a,b)" into its word and two arguments; "word" has none.  Returns
 * the number of arguments, SIZE_MAX if it has not this form. */
static size_t split_call(char *text, char *argument[2])
{
    char *open = strchr(text, '(');
    if (!open)
        return 0;
    size_t last = strlen(open) - 1;
    if (open[last] != ')')
        return SIZE_MAX;
    open[last] = '\0';
    *open = '\0';
    size_t count = 0;
    for (char *p = open + 1; p; count++) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma++ = '\0';
        if (count < 2)
            argument[count] = p;
        p = comma;
    }
    return count;
}

static bool parse_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* ------------------------------------------------------------ one node line */

/* Magnitudes are positive, and so far from the ends of the doubles that squares
 * and products of activations stay finite and nonzero. */
static bool is_magnitude(double x)
{
    return x >= 1e-100 && x <= 1e100;
}

static bool parse_magnitude(char *text, struct node *n)
{
    char *argument[2];
    size_t count = split_call(text, argument);
    size_t kind = 0;
    while (kind < DISTRIBUTIONS && strcmp(text, distributions[kind].word) != 0)
        kind++;
    if (kind == DISTRIBUTIONS || count != distributions[kind].arguments)
        return false;
    double *p = n->parameter;
    for (size_t a = 0; a < count; a++)
        if (!parse_number(argument[a], &p[a]))
            return false;
    n->magnitude = (enum distribution)kind;
    switch (n->magnitude) {
    case UNIFORM:
        return (p[0] == 0 || is_magnitude(p[0])) && is_magnitude(p[1]) && p[0] <= p[1];
    case LOGNORMAL: /* a normal number beyond 10 sigma never comes; e^230 = 1e100 */
        return p[1] >= 0 && fabs(p[0]) + 10 * p[1] <= 230;
    default:
        return is_magnitude(p[0]);
    }
}

/* The name of the node that an angle is measured to is left in *reference. */
static bool parse_direction(char *text, struct node *n, const char **reference)
{
    char *argument[2];
    size_t count = split_call(text, argument);
    *reference = NULL;
    if (strcmp(text, "angle") == 0 && count == 2) {
        n->direction = ANGLE;
        *reference = argument[1];
        return parse_number(argument[0], &n->degrees) && n->degrees >= 0 && n->degrees <= 180;
    }
    n->direction = strcmp(text, "random") == 0 ? RANDOM : ORTHOGONAL;
    return count == 0 && (n->direction == RANDOM || strcmp(text, "orthogonal") == 0);
}

static bool is_name(const char *text)
{
    return *text && strcmp(text, "-") != 0 && !strpbrk(text, "(),");
}

static bool is_name_or_dash(const char *text)
{
    return strcmp(text, "-") == 0 || is_name(text);
}

/* A copy of a name, NULL for "-" and for NULL; *failed is set if memory is out. */
static char *keep(const char *text, bool *failed)
{
    if (!text || strcmp(text, "-") == 0)
        return NULL;
    char *copy = strdup(text);
    *failed = *failed || !copy;
    return copy;
}

/* Appends a zeroed node for this line, which ndl_tree_free then owns. */
static struct node *append_node(struct ndl_tree *tree, size_t line)
{
    if (tree->size == tree->capacity) {
        size_t capacity = tree->capacity ? 2 * tree->capacity : 16;
        struct node *more = reallocarray(tree->node, capacity, sizeof *more);
        if (!more)
            return NULL;
        tree->node = more;
        tree->capacity = capacity;
    }
    struct node *n = &tree->node[tree->size++];
    *n = (struct node){.line = line};
    return n;
}

/* field[c] is the text of column c; "-" for an absent `exclusive`. */
static enum ndl_status parse_node(struct ndl_tree *tree, char *field[COLUMNS], size_t line,
                                  struct ndl_error *err)
{
    const char *path = tree->path, *reference;
    struct node *n = append_node(tree, line);
    if (!n)
        return ndl_fail(err, NDL_NOMEM, "%s:%zu: no memory for another node", path, line);

    for (enum column c = NODE; c < COLUMNS; c++)
        if ((c == NODE && !is_name(field[c])) ||
            ((c == PARENT || c == EXCLUSIVE) && !is_name_or_dash(field[c])))
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: '%.*s' is not a name for column %s", path,
                            line, SHOWN, field[c], column_names[c]);
    double p;
    if (!parse_number(field[PROBABILITY], &p) || p < 0 || p > 1)
        return ndl_fail(err, NDL_BADDATA, "%s:%zu: probability '%.*s' is not a number from 0 to 1",
                        path, line, SHOWN, field[PROBABILITY]);

    /* The parsers cut their text into pieces; messages show it whole. */
    char shown[SHOWN + 1];
    snprintf(shown, sizeof shown, "%s", field[MAGNITUDE]);
    if (!parse_magnitude(field[MAGNITUDE], n)) {
        for (size_t k = 0; k < DISTRIBUTIONS; k++)
            if (strcmp(field[MAGNITUDE], distributions[k].word) == 0)
                return ndl_fail(err, NDL_BADDATA, "%s:%zu: magnitude '%s' is not %s", path, line,
                                shown, distributions[k].usage);
        return ndl_fail(err, NDL_BADDATA,
                        "%s:%zu: magnitude '%s': unknown distribution (constant, uniform, "
                        "exponential, lognormal)",
                        path, line, shown);
    }
    snprintf(shown, sizeof shown, "%s", field[DIRECTION]);
    if (!parse_direction(field[DIRECTION], n, &reference) || (reference && !is_name(reference)))
        return ndl_fail(
            err, NDL_BADDATA,
            "%s:%zu: direction '%s' is not random, orthogonal or angle(DEGREES, NODE) with "
            "0 <= DEGREES <= 180",
            path, line, shown);

    bool failed = false;
    n->name = keep(field[NODE], &failed);
    n->parent = keep(field[PARENT], &failed);
    n->group = keep(field[EXCLUSIVE], &failed);
    n->reference = keep(reference, &failed);
    if (failed)
        return ndl_fail(err, NDL_NOMEM, "%s:%zu: no memory for another node", path, line);
    n->public = (struct ndl_tree_node){.name = n->name, .probability = p};
    return NDL_OK;
}

/* ------------------------------------------------------------ the whole file */

/* The first line names the columns: place[c] receives the position of column c,
 * COLUMNS if it is absent. */
static enum ndl_status parse_header(const struct reader *in, char *field[COLUMNS], size_t count,
                                    size_t place[COLUMNS], struct ndl_error *err)
{
    for (size_t c = 0; c < COLUMNS; c++)
        place[c] = COLUMNS;
    for (size_t f = 0; f < count && f < COLUMNS; f++) {
        size_t c = 0;
        while (c < COLUMNS && strcmp(field[f], column_names[c]) != 0)
            c++;
        if (c == COLUMNS)
            return ndl_fail(err, NDL_BADDATA,
                            "%s:%zu: unknown column '%.*s'; the first line names the columns: node "
                            "parent probability "
                            "magnitude direction and, optionally, exclusive",
                            in->path, in->line, SHOWN, field[f]);
        if (place[c] != COLUMNS)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: column %s is named twice", in->path,
                            in->line, column_names[c]);
        place[c] = f;
    }
    for (size_t c = 0; c < EXCLUSIVE; c++)
        if (place[c] == COLUMNS)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: column %s is missing", in->path, in->line,
                            column_names[c]);
    if (count > COLUMNS)
        return ndl_fail(err, NDL_BADDATA, "%s:%zu: more than %d columns", in->path, in->line,
                        (int)COLUMNS);
    return NDL_OK;
}

static enum ndl_status read_nodes(struct ndl_tree *tree, struct reader *in, struct ndl_error *err)
{
    char dash[] = "-";
    size_t columns = 0, place[COLUMNS];
    for (;;) {
        char *field[COLUMNS + 1]; /* one more: field[COLUMNS] stands for an absent column */
        bool more;
        enum ndl_status status = next_line(in, &more, err);
        if (status != NDL_OK)
            return status;
        if (!more)
            break;
        if (in->text[strspn(in->text, " \t")] == '\0')
            continue;
        size_t count = split_fields(in->text, field);
        if (count == 0)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: a '(' without its ')'", in->path, in->line);
        if (columns == 0) {
            status = parse_header(in, field, count, place, err);
            columns = count;
        } else if (count != columns) {
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: %zu columns, but the first line names %zu",
                            in->path, in->line, count, columns);
        } else {
            char *by_column[COLUMNS];
            field[COLUMNS] = dash;
            for (size_t c = 0; c < COLUMNS; c++)
                by_column[c] = field[place[c]];
            status = parse_node(tree, by_column, in->line, err);
        }
        if (status != NDL_OK)
            return status;
    }
    if (tree->size == 0)
        return ndl_fail(err, NDL_BADDATA, "%s:%zu: the tree has no nodes", in->path, in->line);
    return NDL_OK;
}

/* -------------------------------------------------------- linking the nodes */

static int compare_sizes(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_name(const void *a, const void *b, void *context)
{
    const struct node *node = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int c = strcmp(node[i].name, node[j].name);
    return c ? c : compare_sizes(i, j);
}

static int by_depth(const void *a, const void *b, void *context)
{
    const struct node *node = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int c = compare_sizes(node[i].public.depth, node[j].public.depth);
    return c ? c : compare_sizes(i, j);
}

/* Members of one exclusive group come together; independent nodes have no group. */
static int by_group(const void *a, const void *b, void *context)
{
    const struct node *node = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int c = compare_sizes(node[i].public.parent, node[j].public.parent);
    if (c == 0)
        c = strcmp(node[i].group ? node[i].group : "", node[j].group ? node[j].group : "");
    return c ? c : compare_sizes(i, j);
}

/* The node of that name, by bisection in the order of by_name; NO_NODE if there is none. */
static size_t find_node(const struct ndl_tree *tree, const size_t *sorted, const char *name)
{
    size_t first = 0, last = tree->size;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        int c = strcmp(name, tree->node[sorted[middle]].name);
        if (c == 0)
            return sorted[middle];
        if (c < 0)
            last = middle;
        else
            first = middle + 1;
    }
    return NO_NODE;
}

static enum ndl_status resolve_names(struct ndl_tree *tree, size_t *sorted, struct ndl_error *err)
{
    struct node *node = tree->node;
    qsort_r(sorted, tree->size, sizeof *sorted, by_name, node);
    for (size_t s = 1; s < tree->size; s++) {
        const struct node *first = &node[sorted[s - 1]], *second = &node[sorted[s]];
        if (strcmp(first->name, second->name) == 0)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: node '%.*s' stands already on line %zu",
                            tree->path, second->line, SHOWN, second->name, first->line);
    }
    for (size_t i = 0; i < tree->size; i++) {
        struct node *n = &node[i];
        n->public.parent = n->parent ? find_node(tree, sorted, n->parent) : NO_NODE;
        if (n->parent && n->public.parent == NO_NODE)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: unknown parent '%.*s'", tree->path, n->line,
                            SHOWN, n->parent);
        n->reference_index = n->reference ? find_node(tree, sorted, n->reference) : NO_NODE;
        if (n->reference && n->reference_index == NO_NODE)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: angle to unknown node '%.*s'", tree->path,
                            n->line, SHOWN, n->reference);
        if (n->reference && n->reference_index >= i)
            return ndl_fail(err, NDL_BADDATA,
                            "%s:%zu: angle to '%.*s', which is not on an earlier line", tree->path,
                            n->line, SHOWN, n->reference);
    }
    return NDL_OK;
}

/* Walks from each node up to the first one of known depth and back down.
 * `path` has room for every node. */
static enum ndl_status find_depths(struct ndl_tree *tree, size_t *path, struct ndl_error *err)
{
    const size_t unknown = SIZE_MAX, on_path = SIZE_MAX - 1;
    for (size_t i = 0; i < tree->size; i++)
        tree->node[i].public.depth = unknown;
    for (size_t i = 0; i < tree->size; i++) {
        size_t length = 0, n = i;
        while (n != NO_NODE && tree->node[n].public.depth == unknown) {
            tree->node[n].public.depth = on_path;
            path[length++] = n;
            n = tree->node[n].public.parent;
        }
        if (n != NO_NODE && tree->node[n].public.depth == on_path)
            return ndl_fail(err, NDL_BADDATA, "%s:%zu: a cycle: '%.*s' is its own ancestor",
                            tree->path, tree->node[n].line, SHOWN, tree->node[n].name);
        size_t depth = n == NO_NODE ? 0 : tree->node[n].public.depth + 1;
        while (length > 0)
            tree->node[path[--length]].public.depth = depth++;
    }
    return NDL_OK;
}

/* Gives the members of every exclusive group consecutive intervals of [0, 1). */
static enum ndl_status find_groups(struct ndl_tree *tree, size_t *sorted, struct ndl_error *err)
{
    /* probabilities are rounded decimals: many of them may add to 1 + 1e-10 */
    const double slack = 1e-9;
    qsort_r(sorted, tree->size, sizeof *sorted, by_group, tree->node);
    for (size_t s = 0; s < tree->size; s++) {
        struct node *n = &tree->node[sorted[s]];
        const struct node *before = s > 0 ? &tree->node[sorted[s - 1]] : NULL;
        n->leader = sorted[s];
        n->low = 0;
        if (n->group && before && before->group && before->public.parent == n->public.parent &&
            strcmp(before->group, n->group) == 0) {
            n->leader = before->leader;
            n->low = before->low + before->public.probability;
        }
        if (n->low + n->public.probability > 1 + slack)
            return ndl_fail(err, NDL_BADDATA,
                            "%s:%zu: the probabilities of exclusive group '%.*s' sum to %.10g > 1",
                            tree->path, n->line, SHOWN, n->group, n->low + n->public.probability);
    }
    return NDL_OK;
}

static enum ndl_status link_tree(struct ndl_tree *tree, struct ndl_error *err)
{
    size_t *order = calloc(tree->size, sizeof *order);
    if (!order)
        return ndl_fail(err, NDL_NOMEM, "%s: no memory for %zu nodes", tree->path, tree->size);
    tree->order = order;
    for (size_t i = 0; i < tree->size; i++)
        order[i] = i;
    enum ndl_status status = resolve_names(tree, order, err);
    if (status == NDL_OK)
        status = find_groups(tree, order, err);
    if (status == NDL_OK)
        status = find_depths(tree, order, err);
    for (size_t i = 0; i < tree->size; i++) /* find_depths used it as its stack */
        order[i] = i;
    if (status == NDL_OK)
        qsort_r(order, tree->size, sizeof *order, by_depth, tree->node);
    return status;
}

/* ------------------------------------------------------------------- public */

enum ndl_status ndl_tree_read(struct ndl_tree **result, const char *path, struct ndl_error *err)
{
    *result = NULL;
    struct reader in = {.file = fopen(path, "r"), .path = path};
    if (!in.file)
        return ndl_fail(err, NDL_IO, "%s: %s", path, strerror(errno));
    enum ndl_status status = NDL_OK;
    struct ndl_tree *tree = calloc(1, sizeof *tree);
    if (!tree || !(tree->path = strdup(path)))
        status = ndl_fail(err, NDL_NOMEM, "%s: no memory for a tree", path);
    if (status == NDL_OK)
        status = read_nodes(tree, &in, err);
    fclose(in.file); /* nothing was written: nothing to check */
    if (status == NDL_OK)
        status = link_tree(tree, err);
    if (status == NDL_OK)
        *result = tree;
    else
        ndl_tree_free(tree);
    return status;
}

void ndl_tree_free(struct ndl_tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->size; i++) {
        free(tree->node[i].name);
        free(tree->node[i].parent);
        free(tree->node[i].group);
        free(tree->node[i].reference);
    }
    free(tree->node);
    free(tree->order);
    free(tree->path);
    free(tree);
}

size_t ndl_tree_size(const struct ndl_tree *tree)
{
    return tree->size;
}

const struct ndl_tree_node *ndl_tree_node(const struct ndl_tree *tree, size_t index)
{
    return &tree->node[index].public;
}

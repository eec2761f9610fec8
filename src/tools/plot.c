/* plot.c -- margin against co-occurrence of pairs of features, as an SVG drawing.
 *
 * There are K(K-1) pairs, so what is kept is not the pairs but a grid: how many of each
 * kind fall into a cell.  A cell is drawn as one dot, darker with more pairs in it.  The
 * numbers in the legend are the report's, whatever was drawn. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { SATISFIED, NEAR, VIOLATED, KINDS };
enum { COLUMNS = 240, ROWS = 400 }; /* a row is 0.01 of margin */
enum { LEFT = 76, TOP = 64, WIDTH = 600, HEIGHT = 380, BOTTOM = 96, RIGHT = 24 };

/* No margin is above 2: z_j >= 0 gives margin <= p / m_j = 1 - h.  One below -2 is drawn there. */
static const double lowest = -2, highest = 2;

struct plot {
    size_t cell[KINDS][ROWS][COLUMNS];
    size_t below; /* pairs with a margin under `lowest` */
};

struct plot *plot_new(void)
{
    return calloc(1, sizeof(struct plot));
}

void plot_free(struct plot *plot)
{
    free(plot);
}

/* The cell of `value` among n equal ones from low to high, the ends included. */
static size_t cell_of(double value, double low, double high, size_t n)
{
    double at = floor((value - low) / (high - low) * (double)n);
    return at < 0 ? 0 : at >= (double)n ? n - 1 : (size_t)at;
}

static void place(const struct ndl_audit_report *report, const struct ndl_audit_pair *pair,
                  size_t *row, size_t *column)
{
    double share = (double)pair->together / (double)report->fires[pair->j];
    *row = cell_of(pair->margin, lowest, highest, ROWS);
    *column = cell_of(share, 0, 1, COLUMNS);
}

void plot_add(struct plot *plot, const struct ndl_audit_report *report,
              const struct ndl_audit_pair *pair)
{
    size_t row, column;
    if (pair->always_on || pair->dead)
        return;
    enum kind kind = pair->violated ? VIOLATED : pair->near ? NEAR : SATISFIED;
    place(report, pair, &row, &column);
    plot->below += pair->margin < lowest;
    plot->cell[kind][row][column]++;
}

/* The rows to show: all that are used, and 0, to the next half. */
static void range(const struct plot *plot, double *low, double *high)
{
    size_t first = ROWS / 2, last = ROWS / 2;
    for (size_t row = 0; row < ROWS; row++)
        for (int kind = 0; kind < KINDS; kind++)
            for (size_t column = 0; column < COLUMNS; column++)
                if (plot->cell[kind][row][column] > 0) {
                    first = row < first ? row : first;
                    last = row > last ? row : last;
                }
    double step = (highest - lowest) / ROWS;
    *low = floor(2 * (lowest + step * (double)first)) / 2;
    *high = ceil(2 * (lowest + step * (double)(last + 1))) / 2;
}

static double x_of(double share)
{
    return LEFT + WIDTH * share;
}

static double x_of_column(size_t column)
{
    return x_of(((double)column + 0.5) / COLUMNS);
}

static double margin_of_row(size_t row)
{
    return lowest + (highest - lowest) * ((double)row + 0.5) / ROWS;
}

static double y_of(double margin, double low, double high)
{
    return TOP + HEIGHT * (high - margin) / (high - low);
}

static void text(FILE *out, double x, double y, const char *anchor, const char *more,
                 const char *string)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, more,
            string);
}

static void axes(FILE *out, double low, double high)
{
    char label[64];
    for (int q = 0; q <= 5; q++) {
        double x = x_of(q / 5.0);
        fprintf(out, "<path d=\"M%.1f %dv%d\" class=\"grid\"/>\n", x, TOP, HEIGHT);
        snprintf(label, sizeof label, "%.1f", q / 5.0);
        text(out, x, TOP + HEIGHT + 20, "middle", "", label);
    }
    for (int half = (int)lround(2 * low); half <= (int)lround(2 * high); half++) {
        double y = y_of(half / 2.0, low, high);
        fprintf(out, "<path d=\"M%d %.1fh%d\" class=\"%s\"/>\n", LEFT, y, WIDTH,
                half ? "grid" : "zero");
        snprintf(label, sizeof label, "%s%.1f", half < 0 ? "\u2212" : "", fabs(half / 2.0));
        text(out, LEFT - 8, y + 4, "end", "", label);
    }
    text(out, LEFT + WIDTH / 2.0, TOP + HEIGHT + 44, "middle", "",
         "co-occurrence: share of the samples with <tspan class=\"i\">j</tspan> on that also have "
         "<tspan class=\"i\">k</tspan> on");
    snprintf(label, sizeof label, " transform=\"rotate(-90 22 %.1f)\"", TOP + HEIGHT / 2.0);
    text(out, 22, TOP + HEIGHT / 2.0, "middle", label, "margin (negative: violated)");
}

static const struct {
    const char *name, *colour;
    double opacity;
} look[KINDS] = {
    {"satisfied", "#4477aa", 0.25},
    {"nearly hierarchical", "#cc7711", 0.8},
    {"violated", "#bb2233", 0.8},
};

/* The dots of one kind.  Ten times the pairs in a cell is a step darker. */
static void dots(const struct plot *plot, enum kind kind, double low, double high, FILE *out)
{
    fprintf(out, "<g fill=\"%s\">\n", look[kind].colour);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t column = 0; column < COLUMNS; column++) {
            size_t n = plot->cell[kind][row][column];
            if (n == 0)
                continue;
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill-opacity=\"%.2f\"/>\n",
                    x_of_column(column), y_of(margin_of_row(row), low, high),
                    fmin(1, look[kind].opacity * (1 + log10((double)n))));
        }
    fputs("</g>\n", out);
}

/* "j, k" beside the dots of the worst pairs, as far as the labels leave each other room. */
static void labels(const struct plot_worst *worst, const struct ndl_audit_report *report,
                   double low, double high, FILE *out)
{
    enum { LABELS = 6, TRIED = 60 };
    struct {
        double left, right, y;
    } taken[LABELS];
    size_t placed = 0;
    for (size_t q = 0; q < worst->count && q < TRIED && placed < LABELS; q++) {
        const struct ndl_audit_pair *p = worst->pair[q];
        size_t row, column;
        char label[32];
        double width =
            7.0 * snprintf(label, sizeof label, "%u, %u", (unsigned)p->j, (unsigned)p->k);
        place(report, p, &row, &column);
        bool before = column > COLUMNS / 2; /* the label is left of its dot */
        double x = x_of_column(column) + (before ? -6 : 6),
               y = y_of(margin_of_row(row), low, high) + 4;
        double left = before ? x - width : x;
        bool free = true;
        for (size_t t = 0; t < placed; t++)
            free = free && (left > taken[t].right || left + width < taken[t].left ||
                            fabs(y - taken[t].y) > 12);
        if (!free)
            continue;
        text(out, x, y, before ? "end" : "start", " class=\"label\"", label);
        taken[placed].left = left;
        taken[placed].right = left + width;
        taken[placed++].y = y;
    }
}

static void legend(const struct ndl_audit_report *report, bool all, FILE *out)
{
    double x = LEFT;
    size_t count[KINDS] = {report->pairs - report->violated - report->near, report->near,
                           report->violated};
    for (int kind = VIOLATED; kind >= SATISFIED; kind--) {
        char label[96];
        int length = snprintf(label, sizeof label, "%zu %s%s", count[kind], look[kind].name,
                              kind == SATISFIED && !all ? ", not drawn" : "");
        fprintf(out, "<circle cx=\"%.1f\" cy=\"46\" r=\"4\" fill=\"%s\"/>\n", x + 4,
                look[kind].colour);
        text(out, x + 14, 50, "start", "", label);
        x += 36 + 7.5 * length;
    }
}

static void caption(const struct plot *plot, const struct ndl_audit_report *report, FILE *out)
{
    char line[256] = "";
    text(out, LEFT, TOP + HEIGHT + 66, "start", " class=\"small\"",
         "Ordered pairs of live features with <tspan class=\"i\">k</tspan> sometimes off; the "
         "worst are labelled "
         "<tspan class=\"i\">j</tspan>, <tspan class=\"i\">k</tspan>.");
    if (report->pairs_always_on || report->pairs_dead)
        snprintf(line, sizeof line, "Not drawn: %zu with k always on, %zu with a dead feature. ",
                 report->pairs_always_on, report->pairs_dead);
    if (plot->below)
        snprintf(line + strlen(line), sizeof line - strlen(line),
                 "Drawn at \u2212%.0f: %zu below it.", -lowest, plot->below);
    text(out, LEFT, TOP + HEIGHT + 84, "start", " class=\"small\"", line);
}

void plot_write(const struct plot *plot, const struct ndl_audit_report *report, bool all,
                const struct plot_worst *worst, FILE *out)
{
    double low, high;
    range(plot, &low, &high);
    int width = LEFT + WIDTH + RIGHT, height = TOP + HEIGHT + BOTTOM;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
            "%d\">\n"
            "<style>text{font:14px 'DejaVu Sans',Verdana,sans-serif;fill:#222}.i{font-style:italic}"
            ".b{font-weight:bold}.small{font-size:12px;fill:#555}"
            ".grid{stroke:#ddd;fill:none}.zero{stroke:#222;fill:none}"
            ".label{font-size:12px;stroke:#fff;stroke-width:3px;paint-order:stroke}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            width, height, width, height, width, height);
    text(out, LEFT, 24, "start", " class=\"b\"",
         "Margin of the two-feature condition against co-occurrence");
    axes(out, low, high);
    for (int kind = SATISFIED; kind <= VIOLATED; kind++)
        dots(plot, (enum kind)kind, low, high, out);
    labels(worst, report, low, high, out);
    legend(report, all, out);
    caption(plot, report, out);
    fputs("</svg>\n", out);
}

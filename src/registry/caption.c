/* caption.c -- the paper's caption of a figure, as LaTeX that pandoc reads.
 *
 * \result and \resultword become the number, printed as in the PDF.  Equations have no numbers
 * outside of the paper: they are called by their label. */
#include "registry.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* The text behind "{", up to the brace that closes it; *end is what follows.  NULL without one. */
static char *in_braces(const char *text, const char **end)
{
    size_t depth = 1, length = 0;
    if (*text++ != '{')
        return NULL;
    for (; text[length]; length++) {
        depth += text[length] == '{';
        depth -= text[length] == '}';
        if (depth == 0) {
            *end = text + length + 1;
            return join("%.*s", (int)length, text);
        }
    }
    return NULL;
}

/* The argument of the caption that follows \includegraphics[...]{FIGURE}; NULL without one. */
static char *find_caption(const char *text, const char *figure)
{
    static const char include[] = "\\includegraphics", caption[] = "\\caption";
    for (const char *at = text; (at = strstr(at, include)); at++) {
        const char *name = at + sizeof include - 1;
        if (*name == '[')
            name += strcspn(name, "]") + 1;
        char *found = in_braces(name, &name);
        bool same = found && strcmp(found, figure) == 0;
        free(found);
        if (same && (at = strstr(name, caption)))
            return in_braces(at + sizeof caption - 1, &name);
        if (!at)
            break;
    }
    return NULL;
}

/* \result[DIGITS]{PROGRAM.KEY} or \resultword{PROGRAM.KEY} at *text: prints the number and moves
 * *text behind it. */
static void write_result(FILE *out, struct results *results, const char **text, bool maths)
{
    bool word = strncmp(*text, "\\resultword", 11) == 0;
    const char *at = *text + (word ? 11 : 7);
    int digits = 3;
    if (*at == '[') {
        digits = atoi(at + 1);
        at += strcspn(at, "]") + 1;
    }
    char *name = in_braces(at, text);
    const struct scalar *scalar = name ? named_scalar(results, name) : NULL;
    if (!scalar)
        die("registry: caption: no result '%s'", name ? name : at);
    if (word && word_of(scalar->value))
        fputs(word_of(scalar->value), out);
    else {
        fputs(maths ? "{" : "$", out);
        write_number(out, TEX, scalar->value, digits);
        fputs(maths ? "}" : "$", out);
    }
    free(name);
}

static void write_substituted(FILE *out, struct results *results, const char *text)
{
    bool maths = false, equations = false;
    while (*text) {
        maths ^= *text == '$';
        if (strncmp(text, "\\result", 7) == 0 && strchr("[{w", text[7])) {
            write_result(out, results, &text, maths);
        } else if (strncmp(text, "\\cref{", 6) == 0 || strncmp(text, "\\Cref{", 6) == 0) {
            char *label = in_braces(text + 5, &text);
            const char *colon = label ? strchr(label, ':') : NULL;
            if (!colon)
                die("registry: caption: a reference without ':'");
            fprintf(out, "equation~\\emph{%s}", colon + 1);
            equations = true;
            free(label);
        } else
            fputc(*text++, out);
    }
    fputs(equations ? " Equations are the paper's.\n" : "\n", out);
}

void write_caption(FILE *out, struct results *results, const char *figure)
{
    glob_t files = {0};
    char *caption = NULL;
    glob("paper/sections/*.tex", 0, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc && !caption; i++) {
        char *text = slurp(files.gl_pathv[i]);
        caption = text ? find_caption(text, figure) : NULL;
        free(text);
    }
    globfree(&files);
    fputs("\\newcommand\\RR{\\mathbb{R}}\\newcommand\\mean[1]{\\langle #1\\rangle}\n", out);
    if (caption)
        write_substituted(out, results, caption);
    free(caption);
}

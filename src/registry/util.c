/* util.c -- text and memory for a program that may end on an error. */
#include "registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_DATA);
}

void *grow(void *old, size_t count, size_t size)
{
    size_t bytes;
    void *new = __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc(old, bytes);
    if (!new)
        die("registry: no memory");
    return new;
}

char *join(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        die("registry: no memory");
    va_end(args);
    return text;
}

char *slurp(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in)
        return NULL;
    char *text = NULL;
    size_t length = 0, got;
    do {
        text = grow(text, length + 65536 + 1, 1);
        got = fread(text + length, 1, 65536, in);
        length += got;
    } while (got > 0);
    text[length] = '\0';
    int reason = ferror(in) ? errno : 0;
    fclose(in);
    if (reason) {
        free(text);
        text = NULL;
        errno = reason;
    }
    return text;
}

char *cut_line(char *text)
{
    char *end = strchr(text, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    return end[1] ? end + 1 : NULL;
}

bool parse_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end;
}

void add_name(struct names *names, char *name)
{
    names->at = grow(names->at, names->count + 1, sizeof *names->at);
    names->at[names->count++] = name;
}

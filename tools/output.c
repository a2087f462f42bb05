/*
 * output.c - standard output, and making sure that it arrived.
 */
#include "tools/output.h"
#include "tools/messages.h"
#include "tools/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int output_json(arguments *args, json_t *document, int code)
{
    if (!document || json_object_set(document, "warnings", args->warnings) != 0) {
        json_decref(document);
        return out_of_memory(args);
    }
    int bad = json_dumpf(document, stdout, JSON_INDENT(2)) != 0 && !ferror(stdout);
    putchar('\n');
    json_decref(document);
    return bad ? out_of_memory(args) : code;
}

int output_close(const arguments *args)
{
    errno = 0;
    int bad = ferror(stdout);
    bad |= fflush(stdout) != 0;
    if (bad)
        return failure(args, LSQ_E_IO, "standard output: %s", errno ? strerror(errno) : "a write failed");
    return EXIT_OK;
}

void output_guard(void)
{
    /* Opened the wrong way round on purpose: whoever uses it gets an error, as if it were still closed. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_IO);
}

size_t output_columns(void)
{
    enum { USUAL = 80, LEAST = 40 };
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col)
        return USUAL;
    return size.ws_col < LEAST ? LEAST : size.ws_col;
}

static void wrap(const char *text, size_t column, size_t indent, size_t width)
{
    for (int first = 1; *text;) {
        const size_t length = strcspn(text, " \n");
        if (!first && column + 1 + length > width)
            column = (size_t)printf("\n%*s", (int)indent, "") - 1;
        else if (!first)
            column += (size_t)printf(" ");
        column += (size_t)printf("%.*s", (int)length, text);
        text += length + (text[length] != 0);
        first = *text == '\n' && text[1]; /* a paragraph ends */
        if (first) {
            column = (size_t)printf("\n\n%*s", (int)indent, "") - 2;
            text++;
        }
    }
    putchar('\n');
}

void print_wrapped(const char *text, size_t column, size_t indent)
{
    enum { WIDTH = 80 };
    wrap(text, column, indent, WIDTH);
}

void print_fitted(size_t column, size_t indent, const char *format, ...)
{
    enum { LINE_MAX_BYTES = 1024 };
    char text[LINE_MAX_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    const size_t columns = output_columns();
    char *safe = text_escape(text);
    wrap(safe ? safe : "?", column, indent, columns ? columns : SIZE_MAX);
    free(safe);
}

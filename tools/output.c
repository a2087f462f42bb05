/*
 * output.c - standard output, and making sure that it arrived.
 */
#include "tools/output.h"
#include "tools/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

void print_wrapped(const char *text, size_t column, size_t indent)
{
    enum { WIDTH = 80 };
    for (int first = 1; *text;) {
        const size_t length = strcspn(text, " \n");
        if (!first && column + 1 + length > WIDTH)
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

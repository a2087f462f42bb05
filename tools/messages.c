/*
 * messages.c - errors and warnings, in words or in JSON.
 */
#include "tools/messages.h"
#include "tools/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_MAX = 2048 };

static int code_of(lsq_status status)
{
    switch (status) {
    case LSQ_OK:
        return EXIT_OK;
    case LSQ_E_ARGUMENT:
    case LSQ_E_CONFIG:
        return EXIT_USAGE;
    case LSQ_E_UNSUPPORTED:
        return EXIT_UNSUPPORTED;
    case LSQ_E_IO:
        return EXIT_IO;
    case LSQ_E_NOMEM:
    case LSQ_E_LIMIT:
        return EXIT_MEMORY;
    case LSQ_E_MALFORMED:
    case LSQ_E_TRUNCATED:
    case LSQ_E_CHECKSUM:
    case LSQ_E_VALUE:
        break;
    }
    return EXIT_MALFORMED;
}

/* One line; names inside the message come from files and command lines, so all of it is escaped. */
static void say(const arguments *args, const char *kind, const char *message)
{
    char *safe = text_escape(message);
    const char *name = args->command ? args->command->name : NULL;
    fprintf(stderr, "lsq%s%s: %s%s\n", name ? " " : "", name ? name : "", kind, safe ? safe : "out of memory");
    free(safe);
}

static void say_json(const char *kind, int code, const char *message)
{
    json_t *text = text_json(message);
    json_t *document =
        json_pack("{s:s, s:s, s:i, s:O*}", "schema", "lsq.error/1", "error", kind, "exit_code", code, "message", text);
    if (document && json_dumpf(document, stderr, JSON_COMPACT) == 0)
        fputc('\n', stderr);
    json_decref(document);
    json_decref(text);
}

static int tell(const arguments *args, const char *kind, int code, const char *message)
{
    if (args->json)
        say_json(kind, code, message);
    else
        say(args, "", message);
    return code;
}

int usage_error(const arguments *args, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    tell(args, "usage", EXIT_USAGE, message);
    if (!args->json)
        fprintf(stderr, "Try 'lsq%s%s --help'.\n", args->command ? " " : "", args->command ? args->command->name : "");
    return EXIT_USAGE;
}

int failure(const arguments *args, lsq_status status, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return tell(args, lsq_strerror(status), code_of(status), message);
}

int check_failure(const arguments *args, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return tell(args, "check", EXIT_CHECK, message);
}

int library_failure(const arguments *args, lsq_status status, const lsq_error *err)
{
    return failure(args, status, "%s", *err->text ? err->text : lsq_strerror(status));
}

int out_of_memory(const arguments *args)
{
    return failure(args, LSQ_E_NOMEM, "out of memory");
}

void warning(arguments *args, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    if (args->json)
        json_array_append_new(args->warnings, text_json(message));
    else if (!args->quiet)
        say(args, "warning: ", message);
}

/*
 * messages.c - errors of lsq-tune, in words or in JSON.
 */
#include "tuner/messages.h"
#include "tuner/options.h"

#include "bench/text.h"

#include <jansson.h>
#include <lsq/lsq.h>
#include <stdarg.h>
#include <stdio.h>

static int as_json;

void errors_as_json(void)
{
    as_json = 1;
}

int say_error(int code, const char *format, ...)
{
    char message[1024], safe[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    bench_text_copy(safe, sizeof safe, message);
    if (!as_json) {
        fprintf(stderr, "lsq-tune: %s\n%s", safe, code == EXIT_USAGE ? "Try 'lsq-tune --help'.\n" : "");
        return code;
    }
    const char *kind = code == EXIT_USAGE ? "usage" : lsq_strerror(code == EXIT_MEMORY ? LSQ_E_NOMEM : LSQ_E_IO);
    json_t *error =
        json_pack("{s:s, s:s, s:i, s:s}", "schema", "lsq.error/1", "error", kind, "exit_code", code, "message", safe);
    if (error && json_dumpf(error, stderr, JSON_COMPACT) == 0)
        fputc('\n', stderr);
    json_decref(error);
    return code;
}

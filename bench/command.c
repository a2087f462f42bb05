#include "bench/command.h"

#include "bench/text.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int as_json;

void bench_errors_as_json(void)
{
    as_json = 1;
}

static int say(int code, const char *kind, const char *message, const char *hint)
{
    char safe[1024];
    bench_text_copy(safe, sizeof safe, message);
    if (!as_json) {
        fprintf(stderr, "lsq-bench: %s%s\n", safe, hint);
        return code;
    }
    json_t *error =
        json_pack("{s:s, s:s, s:i, s:s}", "schema", "lsq.error/1", "error", kind, "exit_code", code, "message", safe);
    if (error && !json_dumpf(error, stderr, JSON_COMPACT))
        fputc('\n', stderr);
    json_decref(error);
    return code;
}

int bench_usage(const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return say(BENCH_USAGE, "usage", message, "; try 'lsq-bench --help'");
}

static int code_of(lsq_status status)
{
    switch (status) {
    case LSQ_E_MALFORMED:
    case LSQ_E_TRUNCATED:
    case LSQ_E_CHECKSUM:
    case LSQ_E_VALUE:
        return BENCH_MALFORMED;
    case LSQ_E_UNSUPPORTED:
        return BENCH_UNSUPPORTED;
    case LSQ_E_IO:
        return BENCH_IO;
    case LSQ_E_NOMEM:
    case LSQ_E_LIMIT:
        return BENCH_LIMIT;
    default:
        return BENCH_USAGE;
    }
}

int bench_failed(const char *where, lsq_status status, const lsq_error *err)
{
    char message[1024];
    const char *reason = err && err->text[0] ? err->text : lsq_strerror(status);
    snprintf(message, sizeof message, "%s%s%s", where ? where : "", where ? ": " : "", reason);
    return say(code_of(status), lsq_strerror(status), message, "");
}

int bench_number(const char *text, unsigned low, unsigned high, unsigned *value)
{
    unsigned number = 0;
    if (!*text)
        return 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        number = 10 * number + (unsigned)(*text - '0');
        if (number > high)
            return 0;
    }
    *value = number;
    return number >= low;
}

int bench_flush(void)
{
    if (fflush(stdout) || ferror(stdout)) {
        char message[256];
        snprintf(message, sizeof message, "stdout: %s", strerror(errno));
        return say(BENCH_IO, lsq_strerror(LSQ_E_IO), message, "");
    }
    return BENCH_OK;
}

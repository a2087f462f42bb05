#include "bench/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("lsq-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; try 'lsq-bench --help'\n", stderr);
    va_end(arguments);
    return BENCH_USAGE;
}

int bench_failed(const char *where, lsq_status status, const lsq_error *err)
{
    fprintf(stderr, "lsq-bench: %s%s%s\n", where ? where : "", where ? ": " : "",
            err && err->text[0] ? err->text : lsq_strerror(status));
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
        fprintf(stderr, "lsq-bench: stdout: %s\n", strerror(errno));
        return BENCH_IO;
    }
    return BENCH_OK;
}

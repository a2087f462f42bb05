/*
 * error.c - statuses in words, and the version.
 */
#include "dispatch/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT(x)  TEXT_(x)
#define TEXT_(x) #x

const char *lsq_version(void)
{
    return TEXT(LSQ_VERSION_MAJOR) "." TEXT(LSQ_VERSION_MINOR) "." TEXT(LSQ_VERSION_PATCH);
}

const char *lsq_strerror(lsq_status status)
{
    switch (status) {
    case LSQ_OK:
        return "success";
    case LSQ_E_ARGUMENT:
        return "invalid argument";
    case LSQ_E_NOMEM:
        return "out of memory";
    case LSQ_E_UNSUPPORTED:
        return "not supported";
    case LSQ_E_MALFORMED:
        return "malformed data";
    case LSQ_E_TRUNCATED:
        return "truncated data";
    case LSQ_E_CHECKSUM:
        return "checksum does not match";
    case LSQ_E_VALUE:
        return "value out of range";
    case LSQ_E_LIMIT:
        return "over a limit";
    case LSQ_E_IO:
        return "input/output error";
    case LSQ_E_CONFIG:
        return "unusable configuration";
    }
    return "unknown status";
}

lsq_status lsq_error_set(lsq_error *err, lsq_status status, const char *format, ...)
{
    if (err) {
        int saved = errno;
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->status = status;
        errno = saved;
    }
    return status;
}

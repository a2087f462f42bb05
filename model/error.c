/*
 * error.c - the one line that says where and why.
 */
#include "model/model.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of a long path the end tells more, and the message must still fit behind it. */
enum { WHERE_SHOWN = 200 };

/* A path or a tensor's name may hold anything; an error line may not. */
static void make_printable(char *text)
{
    size_t left = strlen(text);
    for (uint8_t *p = (uint8_t *)text; left;) {
        size_t step = lsq_utf8_step(p, left);
        if (step == 0 || *p < 0x20 || *p == 0x7f) {
            *p = '?';
            step = 1;
        } else if (step == 2 && p[0] == 0xc2 && p[1] < 0xa0) { /* the control characters U+0080 to U+009F */
            p[0] = p[1] = '?';
        }
        p += step;
        left -= step;
    }
}

lsq_status lsq_fail(lsq_error *err, lsq_status status, const char *where, const char *format, ...)
{
    if (!err)
        return status;
    size_t length = strlen(where);
    int cut = length > WHERE_SHOWN;
    int n =
        snprintf(err->text, sizeof err->text, "%s%s: ", cut ? "..." : "", cut ? where + length - WHERE_SHOWN : where);
    va_list arguments;
    va_start(arguments, format);
    if (n >= 0)
        vsnprintf(err->text + n, sizeof err->text - (size_t)n, format, arguments);
    va_end(arguments);
    make_printable(err->text);
    err->status = status;
    return status;
}

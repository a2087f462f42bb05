/*
 * error.h - filling a caller's lsq_error.
 */
#ifndef LSQ_DISPATCH_ERROR_H
#define LSQ_DISPATCH_ERROR_H

#include <lsq/lsq.h>

/* Puts status and text into *err, if there is one, and returns the status. */
lsq_status lsq_error_set(lsq_error *err, lsq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

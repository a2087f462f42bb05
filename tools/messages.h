/*
 * messages.h - what goes to standard error, and the exit code that goes with it.
 */
#ifndef LSQ_TOOLS_MESSAGES_H
#define LSQ_TOOLS_MESSAGES_H

#include "tools/options.h"

#include <lsq/lsq.h>

/* Each prints one message, in words or (with --json) as one line of JSON, and returns the exit code. */
int usage_error(const arguments *args, const char *format, ...) __attribute__((format(printf, 2, 3)));
int failure(const arguments *args, lsq_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int library_failure(const arguments *args, lsq_status status, const lsq_error *err);
int out_of_memory(const arguments *args);

/* What was asked for is not so, or cannot be: EXIT_CHECK. */
int check_failure(const arguments *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something the user should know of a run that goes on. With --json it becomes part of the document. */
void warning(arguments *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

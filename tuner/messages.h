/*
 * messages.h - how lsq-tune fails: one line on standard error, in words or, with --json, as a document.
 */
#ifndef LSQ_TUNER_MESSAGES_H
#define LSQ_TUNER_MESSAGES_H

/* Errors from now on are JSON. */
void errors_as_json(void);

/* Says it; returns `code`, one of options.h. */
int say_error(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

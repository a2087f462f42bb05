/*
 * progress.h - how far a long run is: one line on a terminal, after a second.
 *
 * Nothing is shown with --quiet or --json, on a terminal that is dumb, or once a signal has come.
 */
#ifndef LSQ_TOOLS_PROGRESS_H
#define LSQ_TOOLS_PROGRESS_H

#include "tools/options.h"

#include <stdint.h>

typedef struct progress {
    const char *name;    /* of the command */
    int wanted, shown;   /* shown: columns of the line that stands there */
    int64_t begun, last; /* milliseconds */
    double total;
} progress;

/* `total` is what `done` will be at the end, in any unit that takes about the same time throughout. */
void progress_begin(progress *p, const arguments *args, double total);

/* May be called as often as one likes: it prints ten times a second at most. */
void progress_show(progress *p, double done);

/* Takes the line off the screen; to be called before anything else is printed. */
void progress_clear(progress *p);

#endif

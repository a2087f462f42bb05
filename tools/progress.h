/*
 * progress.h - how far a long run is: on a terminal, and after a second.
 */
#ifndef LSQ_TOOLS_PROGRESS_H
#define LSQ_TOOLS_PROGRESS_H

#include "tools/options.h"

#include <stdint.h>

typedef struct progress {
    int wanted, shown;
    int64_t begun, last; /* milliseconds */
    double total;
} progress;

void progress_begin(progress *p, const arguments *args, double total);
void progress_show(progress *p, double done);

/* Takes the line off the screen; to be called before anything else is printed. */
void progress_clear(progress *p);

#endif

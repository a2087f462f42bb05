/*
 * progress.c - one line on standard error, rewritten in place.
 */
#include "tools/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(progress *p, const arguments *args, double total)
{
    *p = (progress){.wanted = !args->quiet && !args->json && isatty(STDERR_FILENO), .begun = now(), .total = total};
}

void progress_show(progress *p, double done)
{
    enum { PATIENCE = 1000, PAUSE = 100 };
    int64_t t = p->wanted ? now() : 0;
    if (!p->wanted || t - p->begun < PATIENCE || t - p->last < PAUSE)
        return;
    p->last = t;
    p->shown = 1;
    fprintf(stderr, "\r%3.0f %% ", p->total > 0 ? 100 * done / p->total : 100.0);
    fflush(stderr);
}

void progress_clear(progress *p)
{
    if (p->shown)
        fputs("\r      \r", stderr);
    p->shown = 0;
}

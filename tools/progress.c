/*
 * progress.c - one line on standard error, rewritten in place: "verify  42 % [=========>          ] 1 min 5 s left".
 */
#include "tools/progress.h"
#include "tools/interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Columns that the line may take: the last one of a terminal stays empty, since some go to the next line behind it. */
static int room(void)
{
    enum { USUAL = 80 };
    struct winsize size;
    const int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : USUAL;
    return (columns < USUAL ? columns : USUAL) - 1;
}

enum { LEFT_TEXT_MAX = 40 };

/* " 1 min 5 s left", if it goes on as it went; "" as long as nothing is done. */
static void left_text(double milliseconds, double part, char text[LEFT_TEXT_MAX])
{
    const double left = part > 0 ? milliseconds / 1000 * (1 - part) / part : 0, most = 1e9;
    const unsigned seconds = (unsigned)(left < most ? left + 0.5 : most), minutes = seconds / 60;
    *text = 0;
    if (part > 0 && minutes >= 60)
        snprintf(text, LEFT_TEXT_MAX, " %u h %u min left", minutes / 60, minutes % 60);
    else if (part > 0 && minutes > 0)
        snprintf(text, LEFT_TEXT_MAX, " %u min %u s left", minutes, seconds % 60);
    else if (part > 0)
        snprintf(text, LEFT_TEXT_MAX, " %u s left", seconds);
}

static void print_line(progress *p, double part, double milliseconds)
{
    enum { BAR_LEAST = 12, LINE_MAX_COLUMNS = 80 };
    char head[32], left[LEFT_TEXT_MAX], line[LINE_MAX_COLUMNS + 1];
    const int most = room();
    int length = snprintf(head, sizeof head, "%.16s %3.0f %%", p->name, 100 * part);
    left_text(milliseconds, part, left);
    const int bar = most - length - (int)strlen(left) - 3; /* a blank and its two ends */
    if (bar >= BAR_LEAST) {
        char filled[LINE_MAX_COLUMNS];
        const int full = (int)(part * bar);
        memset(filled, '=', sizeof filled);
        if (full > 0)
            filled[full - 1] = '>';
        length = snprintf(line, sizeof line, "%s [%.*s%*s]%s", head, full, filled, bar - full, "", left);
    } else
        length = snprintf(line, sizeof line, "%s%s", head, left);
    if (length > most)
        length = most > 0 ? most : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, p->shown > length ? p->shown - length : 0, "");
    fflush(stderr);
    p->shown = length;
}

void progress_begin(progress *p, const arguments *args, double total)
{
    const char *term = getenv("TERM");
    *p = (progress){.name = args->command->name,
                    .wanted = !args->quiet && !args->json && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
                    .begun = now(),
                    .total = total};
}

void progress_show(progress *p, double done)
{
    enum { PATIENCE = 1000, PAUSE = 100 };
    int64_t t = p->wanted ? now() : 0;
    if (!p->wanted || t - p->begun < PATIENCE || t - p->last < PAUSE || interrupt_waits())
        return;
    p->last = t;
    print_line(p, p->total > 0 && done < p->total ? done / p->total : 1, (double)(t - p->begun));
}

void progress_clear(progress *p)
{
    if (p->shown && !interrupt_waits()) {
        fprintf(stderr, "\r%*s\r", p->shown, "");
        fflush(stderr);
    }
    p->shown = 0;
}

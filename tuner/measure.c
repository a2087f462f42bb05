/*
 * measure.c - times and disturbances.
 */
#include "tuner/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which a share q of the sorted times lies, between neighbours in proportion. */
static double quantile(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t i = (size_t)at;
    return i + 1 < count ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

summary summarise(double *times, size_t count)
{
    if (count == 0)
        return (summary){0, 0};
    qsort(times, count, sizeof(*times), ascending);
    return (summary){quantile(times, count, 0.5), quantile(times, count, 0.75) - quantile(times, count, 0.25)};
}

/* Of one processing unit, from /proc/stat: user nice system idle iowait irq softirq steal. */
static void read_ticks(int unit, double *stolen, double *ticks)
{
    char line[256];
    FILE *file = fopen("/proc/stat", "r");
    *stolen = *ticks = 0;
    while (file && fgets(line, sizeof(line), file)) {
        int cpu;
        unsigned long long t[8];
        if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &t[0], &t[1], &t[2], &t[3], &t[4],
                   &t[5], &t[6], &t[7]) == 9 &&
            cpu == unit) {
            *stolen = (double)t[7];
            for (int i = 0; i < 8; i++)
                *ticks += (double)t[i];
        }
    }
    if (file)
        fclose(file);
}

static long involuntary_switches(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_nivcsw;
}

void watch_begin(watch *w, int unit)
{
    read_ticks(unit, &w->stolen, &w->ticks);
    w->switches = involuntary_switches();
    if (getloadavg(&w->load, 1) != 1)
        w->load = 0;
    w->begin = clock_ns();
}

void watch_end(watch *w, int unit)
{
    double stolen, ticks;
    read_ticks(unit, &stolen, &ticks);
    w->stolen = stolen - w->stolen;
    w->ticks = ticks - w->ticks;
    w->stolen_share = w->ticks > 0 ? w->stolen / w->ticks : -1;
    w->switches = involuntary_switches() - w->switches;
    w->seconds = (clock_ns() - w->begin) / 1e9;
}

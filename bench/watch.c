#include "bench/watch.h"

#include "bench/clock.h"
#include "bench/machine.h"
#include "bench/turn.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- Files ---- */

enum { LINE_MAX_BYTES = 512 };

static FILE *open_file(const char *root, const char *format, ...) __attribute__((format(printf, 2, 3)));
static FILE *open_file(const char *root, const char *format, ...)
{
    char path[512], name[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof path, "%s%s", root, name);
    return fopen(path, "r");
}

/* The first line without its end; "" if there is none. Closes the file. */
static void first_line(FILE *file, char line[LINE_MAX_BYTES])
{
    *line = 0;
    if (!file)
        return;
    if (!fgets(line, LINE_MAX_BYTES, file))
        *line = 0;
    line[strcspn(line, "\n")] = 0;
    fclose(file);
}

/* ---- The state ---- */

/* One of /proc/stat's lines "cpu ..." and "cpu7 ...": user nice system idle iowait irq softirq steal. */
static void take_ticks(bench_state *state, const char *line)
{
    uint64_t t[8], all = 0;
    char name[16];
    if (sscanf(line,
               "%15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               name, t, t + 1, t + 2, t + 3, t + 4, t + 5, t + 6, t + 7) != 9)
        return;
    for (int i = 0; i < 8; i++)
        all += t[i];
    if (!name[3]) {
        state->stolen = t[7];
        state->ticks = all;
        return;
    }
    const unsigned long cpu = strtoul(name + 3, NULL, 10);
    if (cpu < BENCH_WATCHED_CPUS) {
        state->busy_of[cpu] = all - t[3] - t[4] - t[7];
        state->ticks_of[cpu] = all;
    }
}

void bench_state_read(bench_state *state, const char *root)
{
    char line[LINE_MAX_BYTES];
    struct rusage usage;
    *state = (bench_state){.seconds = bench_now()};
    first_line(open_file(root, "/proc/loadavg"), line);
    state->load = strtod(line, NULL);
    FILE *stat = open_file(root, "/proc/stat");
    while (stat && fgets(line, sizeof line, stat) && !strncmp(line, "cpu", 3))
        take_ticks(state, line);
    if (stat)
        fclose(stat);
    if (!getrusage(RUSAGE_SELF, &usage))
        state->switched = (uint64_t)usage.ru_nivcsw;
}

/* ---- What to think of it ---- */

static void warn(bench_watch *watch, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(bench_watch *watch, const char *format, ...)
{
    va_list arguments;
    if (watch->count == BENCH_WARNINGS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(watch->warnings[watch->count++], sizeof watch->warnings[0], format, arguments);
    va_end(arguments);
}

static void judge_load(bench_watch *watch)
{
    const double ticks = (double)(watch->after.ticks - watch->before.ticks),
                 stolen = (double)(watch->after.stolen - watch->before.stolen),
                 seconds = watch->after.seconds - watch->before.seconds,
                 switched = (double)(watch->after.switched - watch->before.switched);
    if (watch->before.load > 0.5)
        warn(watch,
             "load average %.2f at the start: something else is running, or was until just now, and times will vary; "
             "stop it, or wait",
             watch->before.load);
    if (ticks > 0 && stolen > 0.01 * ticks)
        warn(watch, "the host took %.1f %% of the processor time for others: repeat it when the host is quiet",
             100 * stolen / ticks);
    if (seconds > 0 && switched > 10 + 20 * seconds)
        warn(watch, "threads had to give way %.0f times a second: stop what else runs, or ask for fewer threads",
             switched / seconds);
}

static void judge_clock(bench_watch *watch, int (*used)(unsigned cpu))
{
    const double before = watch->before.ghz, after = watch->after.ghz;
    char governor[LINE_MAX_BYTES];
    for (unsigned cpu = 0; cpu < BENCH_WATCHED_CPUS; cpu++) {
        if (!used(cpu))
            continue;
        first_line(open_file(watch->root, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu), governor);
        if (*governor && strcmp(governor, "performance") != 0) {
            warn(watch,
                 "the clock of CPU %u is governed by '%.32s' and follows the load: 'cpupower frequency-set -g "
                 "performance' keeps it up",
                 cpu, governor);
            break;
        }
    }
    if (before > 0 && after > 0 && fabs(after - before) > 0.03 * before)
        warn(watch,
             "the clock went from %.2f to %.2f GHz meanwhile: let the machine cool down or warm up, and repeat it",
             before, after);
}

/* Discharging, and no battery of a mouse. */
static int is_low(const char *root, const char *supply)
{
    char type[LINE_MAX_BYTES], scope[LINE_MAX_BYTES], status[LINE_MAX_BYTES];
    first_line(open_file(root, "/sys/class/power_supply/%s/type", supply), type);
    first_line(open_file(root, "/sys/class/power_supply/%s/scope", supply), scope);
    first_line(open_file(root, "/sys/class/power_supply/%s/status", supply), status);
    return !strcmp(type, "Battery") && strcmp(scope, "Device") != 0 && !strcmp(status, "Discharging");
}

static void judge_power(bench_watch *watch)
{
    char path[512];
    snprintf(path, sizeof path, "%s/sys/class/power_supply", watch->root);
    DIR *supplies = opendir(path);
    int low = 0;
    for (const struct dirent *supply; supplies && (supply = readdir(supplies));)
        low = low || (supply->d_name[0] != '.' && is_low(watch->root, supply->d_name));
    if (supplies)
        closedir(supplies);
    if (low)
        warn(watch, "the machine runs on its battery, which may slow the clock: plug it in");
}

static void judge_pages(bench_watch *watch)
{
    char line[LINE_MAX_BYTES];
    first_line(open_file(watch->root, "/sys/kernel/mm/transparent_hugepage/enabled"), line);
    if (strstr(line, "[never]"))
        warn(watch, "huge pages are off, and matrices in memory are slower: 'echo madvise "
                    ">/sys/kernel/mm/transparent_hugepage/enabled' "
                    "lets programs have them");
}

/* Share of the time in which a CPU worked. */
static double busy(const bench_watch *watch, unsigned cpu)
{
    const uint64_t ticks = watch->after.ticks_of[cpu] - watch->before.ticks_of[cpu];
    return ticks ? (double)(watch->after.busy_of[cpu] - watch->before.busy_of[cpu]) / (double)ticks : 0;
}

/* The list of a core's CPUs: "3,7" or "6-7". Returns 1 if one of them was busy with something else. */
static int judge_siblings_of(bench_watch *watch, unsigned cpu, const char *list, int (*used)(unsigned cpu))
{
    while (*list) {
        char *end;
        const unsigned long first = strtoul(list, &end, 10), last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
        for (unsigned long i = first; i <= last && i < BENCH_WATCHED_CPUS; i++)
            if (i != cpu && !used((unsigned)i) && busy(watch, (unsigned)i) > 0.05) {
                warn(watch,
                     "CPU %lu, which shares a core with CPU %u that was measured, was busy for %.0f %% of the time: "
                     "stop what runs there",
                     i, cpu, 100 * busy(watch, (unsigned)i));
                return 1;
            }
        if (*end != ',')
            return 0;
        list = end + 1;
    }
    return 0;
}

static void judge_siblings(bench_watch *watch, int (*used)(unsigned cpu))
{
    char list[LINE_MAX_BYTES];
    for (unsigned cpu = 0; cpu < BENCH_WATCHED_CPUS; cpu++) {
        if (!used(cpu))
            continue;
        first_line(open_file(watch->root, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu), list);
        if (judge_siblings_of(watch, cpu, list, used))
            return;
    }
}

void bench_watch_judge(bench_watch *watch, int (*used)(unsigned cpu))
{
    watch->count = 0;
    judge_load(watch);
    judge_clock(watch, used);
    judge_power(watch);
    judge_siblings(watch, used);
    judge_pages(watch);
}

/* ---- Before and after ---- */

static void tell_clock(bench_table *table, const char *key, double ghz)
{
    char text[64];
    snprintf(text, sizeof text, "%.2f GHz", ghz);
    if (table && ghz > 0)
        bench_table_context(table, key, text);
}

void bench_watch_begin(bench_watch *watch, bench_table *table)
{
    memset(watch, 0, sizeof *watch);
    watch->root = "";
    const double ghz = bench_clock_ghz();
    bench_state_read(&watch->before, watch->root);
    watch->before.ghz = ghz;
    tell_clock(table, "clock", ghz);
}

void bench_watch_end(bench_watch *watch, bench_table *table)
{
    bench_state_read(&watch->after, watch->root);
    watch->after.ghz = bench_clock_ghz();
    bench_watch_judge(watch, bench_was_bound);
    tell_clock(table, "clock_after", watch->after.ghz);
    if (table)
        fflush(stdout);
    for (size_t i = 0; i < watch->count; i++) {
        fprintf(stderr, "lsq-bench: warning: %s\n", watch->warnings[i]);
        if (table)
            bench_table_warning(table, watch->warnings[i]);
    }
}

static void add_clock(json_t *context, const char *key, double ghz)
{
    char text[64];
    snprintf(text, sizeof text, "%.2f GHz", ghz);
    if (ghz > 0)
        json_object_set_new(context, key, json_string(text));
}

void bench_watch_print(const bench_watch *watch, const char *document)
{
    json_t *root = json_loads(document, 0, NULL), *warnings = json_array();
    if (!root) {
        fputs(document, stdout); /* it has numbers that JSON has no word for */
    } else {
        for (size_t i = 0; i < watch->count; i++)
            json_array_append_new(warnings, json_string(watch->warnings[i]));
        add_clock(json_object_get(root, "context"), "clock", watch->before.ghz);
        add_clock(json_object_get(root, "context"), "clock_after", watch->after.ghz);
        json_object_set(root, "warnings", warnings);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(warnings);
    json_decref(root);
}

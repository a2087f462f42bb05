/*
 * lsq-tune.c - the command: measures the kernels of this machine and writes its tune file.
 */
#include "tuner/file.h"
#include "tuner/options.h"
#include "tuner/report.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop; /* the signal that asked for the end */

static void on_signal(int number)
{
    stop = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESETHAND; /* a second Ctrl-C ends it at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- Tuning ---- */

/* Bytes for the largest product, at most a quarter of the memory; then the sizes that do not fit are left out. */
static size_t memory_for(const kind *kinds, size_t count, const lsq_cpu *cpu)
{
    size_t most = 0;
    double quarter = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 4;
    for (size_t i = 0; i < count; i++)
        for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
            size_t panels, groups;
            lsq_format format = product_format(kinds[i].rows[0]->codec);
            if (!class_product(cpu, &format, (enum lsq_size_class)size_class, &panels, &groups))
                continue;
            size_t bytes = product_bytes(&format, panels, groups);
            if (bytes > most && (double)bytes <= quarter)
                most = bytes;
        }
    return (most + 63) / 64 * 64;
}

static void progress(int shown, const kind *k, size_t done, size_t of)
{
    if (shown && k)
        fprintf(stderr, "\r\033[K[%zu/%zu] %s", done + 1, of, k->name);
    else if (shown)
        fputs("\r\033[K", stderr);
}

static contest_end tune_kinds(const options *o, const lsq_cpu *cpu, kind *kinds, size_t count, findings *found)
{
    int shown = isatty(STDERR_FILENO) && !o->quiet;
    contest_end end = DECIDED;
    size_t bytes = memory_for(kinds, count, cpu);
    uint8_t *packed = aligned_alloc(64, bytes ? bytes : 64);
    if (!packed)
        return OUT_OF_MEMORY;
    random_bytes(packed, bytes, 1);
    double begin = clock_ns();
    for (size_t i = 0; i < count * CLASSES && end == DECIDED && !stop; i++) {
        kind *k = &kinds[i / CLASSES];
        progress(shown, k, i / CLASSES, count);
        if (i % CLASSES == 0 && !kind_verify(k, found, &stop))
            end = OUT_OF_MEMORY;
        double left = o->seconds * 1e9 - (clock_ns() - begin), share = left / (double)(count * CLASSES - i);
        if (end == DECIDED && k->count && !stop)
            end = kind_tune(k, cpu, (enum lsq_size_class)(i % CLASSES), packed, bytes, share > 0 ? share : 0, &stop,
                            found);
    }
    progress(shown, NULL, 0, 0);
    free(packed);
    return stop ? STOPPED : end;
}

/* ---- The command ---- */

/* Keeps the kinds whose name matches. 0 if the expression is not one. */
static int keep_matching(const char *expression, kind *kinds, size_t *count)
{
    regex_t regex;
    char why[160];
    size_t kept = 0;
    int error = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
    if (error) {
        regerror(error, &regex, why, sizeof(why));
        fprintf(stderr, "lsq-tune: --only: %s: %s\n", expression, why);
        return 0;
    }
    for (size_t i = 0; i < *count; i++)
        if (!regexec(&regex, kinds[i].name, 0, NULL, 0))
            kinds[kept++] = kinds[i];
    regfree(&regex);
    *count = kept;
    return 1;
}

static int finish(const options *o, const char *path, findings *found, circumstances *about, contest_end end)
{
    int code = EXIT_FINE;
    about->interrupted = end == STOPPED;
    if (!o->dry_run && (end == DECIDED || found->results_count)) {
        code = file_write(path, about->cpu, found, o->only || end != DECIDED);
        about->written = code == EXIT_FINE ? path : NULL;
    }
    report_notes(found, about);
    if (o->json && !report_json(found, about))
        end = OUT_OF_MEMORY;
    else if (!o->json && !o->quiet)
        report_table(found, about);
    if (!o->json && !o->quiet && about->written)
        printf("%swritten: %s\n", found->results_count ? "\n" : "", about->written);
    if (end == OUT_OF_MEMORY)
        fputs("lsq-tune: out of memory\n", stderr);
    if (fflush(stdout) && code == EXIT_FINE)
        code = EXIT_IO;
    return code != EXIT_FINE       ? code
           : end == OUT_OF_MEMORY  ? EXIT_MEMORY
           : end == STOPPED        ? EXIT_SIGNAL + stop
           : found->failures_count ? EXIT_CHECK_FAILED
                                   : EXIT_FINE;
}

static int tune(const options *o, const lsq_cpu *cpu, const char *path)
{
    size_t count;
    findings found = {0};
    circumstances about = {.cpu = cpu};
    kind *kinds = kinds_list(cpu, &count);
    if (!kinds) {
        fputs("lsq-tune: out of memory\n", stderr);
        return EXIT_MEMORY;
    }
    if (o->only && !keep_matching(o->only, kinds, &count)) {
        free(kinds);
        return EXIT_USAGE;
    }
    if (!count && !o->quiet)
        fprintf(stderr, "lsq-tune: nothing to choose: %s\n",
                o->only ? "no kind of product with more than one kernel matches" : "one kernel of each kind runs here");
    bind_to_one_unit(&about.where);
    catch_signals();
    watch_begin(&about.watch, about.where.unit);
    contest_end end = tune_kinds(o, cpu, kinds, count, &found);
    watch_end(&about.watch, about.where.unit);
    int code = finish(o, path, &found, &about, end);
    findings_free(&found);
    free(kinds);
    return code;
}

int main(int argc, char **argv)
{
    options o;
    lsq_cpu cpu;
    int code = options_read(&o, argc, argv);
    if (code >= 0)
        return code;
    lsq_cpu_detect(&cpu);
    if (o.show)
        return show_file(&cpu, o.json);
    char *path = file_destination(&o, &cpu, &code);
    if (!path) {
        if (code == EXIT_MEMORY)
            fputs("lsq-tune: out of memory\n", stderr);
        return code;
    }
    code = EXIT_FINE;
    if (o.print_path)
        puts(path);
    else if (!o.dry_run)
        code = file_check(path);
    if (!o.print_path && code == EXIT_FINE)
        code = tune(&o, &cpu, path);
    free(path);
    return code;
}

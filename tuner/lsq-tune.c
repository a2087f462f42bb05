/*
 * lsq-tune.c - the command: measures the kernels of this machine and writes its tune file.
 */
#include "tuner/check.h"
#include "tuner/file.h"
#include "tuner/messages.h"
#include "tuner/options.h"
#include "tuner/picture.h"
#include "tuner/report.h"
#include "tuner/tune.h"
#include "tuner/used.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static int out_of_memory(void)
{
    return say_error(EXIT_MEMORY, "out of memory");
}

/* Keeps the kinds whose name matches. 0 if the expression is not one. */
static int keep_matching(const char *expression, kind *kinds, size_t *count)
{
    regex_t regex;
    char why[160];
    size_t kept = 0;
    const int error = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
    if (error) {
        regerror(error, &regex, why, sizeof(why));
        say_error(EXIT_USAGE, "--only: %s: %s", expression, why);
        return 0;
    }
    for (size_t i = 0; i < *count; i++)
        if (!regexec(&regex, kinds[i].name, 0, NULL, 0))
            kinds[kept++] = kinds[i];
    regfree(&regex);
    *count = kept;
    return 1;
}

/* The file, unless the run ended before anything was found out. */
static int write_file(const options *o, const char *path, const run *r, const findings *found, contest_end end,
                      const char **written)
{
    lsq_tune made;
    int code = EXIT_MEMORY;
    if (o->dry_run || (end != DECIDED && !found->count && !found->wrong.count))
        return EXIT_FINE;
    if (findings_tune(found, r->kinds, r->kind_count, r->workshop->machine.crew > 1, &made))
        code = file_write(path, &r->workshop->cpu, &made, found);
    lsq_tune_free(&made);
    *written = code == EXIT_FINE ? path : NULL;
    return code;
}

static int finish(const options *o, const char *path, const run *r, const findings *found, circumstances *about,
                  contest_end end)
{
    about->interrupted = end == STOPPED;
    int code = write_file(o, path, r, found, end, &about->written);
    report_notes(found, about);
    if (o->json && !report_json(found, about))
        end = OUT_OF_MEMORY;
    else if (!o->json && !o->quiet)
        report_table(found, about);
    if (!o->json && !o->quiet && about->written)
        printf("written: %s\n", about->written);
    if (o->svg && code == EXIT_FINE)
        code = picture_write(found, about, o->svg);
    if (end == OUT_OF_MEMORY)
        out_of_memory();
    if (fflush(stdout) && code == EXIT_FINE)
        code = EXIT_IO;
    return code != EXIT_FINE      ? code
           : end == OUT_OF_MEMORY ? EXIT_MEMORY
           : end == STOPPED       ? EXIT_SIGNAL + stop
           : found->wrong.count   ? EXIT_CHECK_FAILED
                                  : EXIT_FINE;
}

static int measure(const options *o, const char *path, double begin, run *r)
{
    findings found = {0};
    lsq_tune old = {NULL, NULL, 0, 0};
    circumstances about = {.workshop = r->workshop};
    lsq_coverage answered;
    if (o->resume && lsq_tune_read(path, &r->workshop->cpu, &old, NULL) == LSQ_OK) {
        lsq_tune_coverage(&old, &answered);
        r->answered = &answered;
    }
    const double for_pages = o->only || o->seconds < 30 ? 0 : 1.5e9;
    r->deadline = begin + o->seconds * 1e9 - for_pages;
    r->progress = isatty(STDERR_FILENO) && !o->quiet;
    r->stop = &stop;
    workshop_watch(&about.watch);
    const contest_end end = tune(r, &found);
    if (for_pages > 0 && end == DECIDED)
        pages_measure(r->workshop, for_pages / 2, &stop, &about.pages);
    workshop_watched(r->workshop, &about.watch);
    if (!found.questions && !o->quiet)
        fprintf(stderr, "lsq-tune: nothing to choose: %s\n",
                o->resume ? "the file covers everything" : "no kind of product with a choice matches");
    const int code = finish(o, path, r, &found, &about, end);
    findings_free(&found);
    lsq_tune_free(&old);
    return code;
}

static int tune_machine(const options *o, const lsq_cpu *cpu, const char *path, double begin)
{
    workshop w;
    run r = {.workshop = &w};
    r.kinds = kinds_list(cpu, &r.kind_count);
    int code = r.kinds ? EXIT_FINE : out_of_memory();
    if (r.kinds && o->only && !keep_matching(o->only, r.kinds, &r.kind_count))
        code = EXIT_USAGE;
    if (code == EXIT_FINE && !workshop_open(&w, subject_bytes_max(cpu)))
        code = out_of_memory();
    else if (code == EXIT_FINE) {
        code = measure(o, path, begin, &r);
        workshop_close(&w);
    }
    free(r.kinds);
    return code;
}

int main(int argc, char **argv)
{
    options o;
    lsq_cpu cpu;
    const double begin = clock_ns();
    int code = options_read(&o, argc, argv);
    if (code >= 0)
        return code;
    lsq_cpu_detect(&cpu);
    if (o.show)
        return show_used(&cpu, o.json);
    catch_signals();
    if (o.check)
        return check_used(&o, &stop);
    char *path = file_destination(&o, &cpu, &code);
    if (!path)
        return code == EXIT_MEMORY ? out_of_memory() : code;
    code = EXIT_FINE;
    if (o.print_path)
        puts(path);
    else if (!o.dry_run)
        code = file_check(path);
    if (!o.print_path && code == EXIT_FINE)
        code = tune_machine(&o, &cpu, path, begin);
    free(path);
    return code;
}

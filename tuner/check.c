/*
 * check.c - chosen against default, by turns, with fresh samples.
 */
#include "tuner/check.h"
#include "tuner/messages.h"
#include "tuner/plan.h"
#include "tuner/report.h"
#include "tuner/used.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

static const double tolerated = 0.03;

/* Where no times stand there is nothing to compare with: the default is wrong on this machine. */
static int claims(const lsq_tune_entry *e)
{
    return e->ns > 0 && e->default_ns > 0;
}

static target target_of(const lsq_tune_entry *e)
{
    target of = {e->kernel->op, e->kernel->codec, e->kernel->act, e->where};
    if (of.op == OP_gemv && of.where.size_class == LSQ_ANY)
        of.where.size_class = CLASS_l3;
    if (of.op == OP_gemm && of.where.batch == LSQ_ANY)
        of.where.batch = BATCH_many;
    return of;
}

/* The same for all size classes, which may have an entry each. */
static int threshold_is_timed(const findings *found, const lsq_kernel *k)
{
    for (size_t i = 0; i < found->count; i++) {
        const answer *a = &found->answers[i];
        if (a->threshold && a->of.op == k->op && a->of.codec == k->codec && a->of.act == k->act)
            return 1;
    }
    return 0;
}

/* A threshold shows on products around it alone, so it is timed by itself. */
static contest_end time_threshold(workshop *w, const lsq_tune_entry *e, enum lsq_tunable number, double budget,
                                  const volatile sig_atomic_t *stop, findings *found)
{
    answer a = {.of = target_of(e), .format = subject_format(e->kernel->codec), .threshold = 1, .number = number};
    if (e->tunables.value[number] == lsq_tunables_default.value[number] || threshold_is_timed(found, e->kernel))
        return DECIDED;
    a.usual = a.chosen = (candidate){.kernel = e->kernel, .tunables = lsq_tunables_default};
    a.chosen.tunables.value[number] = e->tunables.value[number];
    const contest_end end = ask_again(w, budget, stop, &a);
    return end == DECIDED && a.weights > 0 && !findings_add(found, &a) ? OUT_OF_MEMORY : end;
}

static contest_end time_entry(workshop *w, const lsq_tune_entry *e, double budget, const volatile sig_atomic_t *stop,
                              findings *found)
{
    const lsq_kernel *usual = lsq_kernel_default(&w->cpu, e->kernel->op, e->kernel->codec, e->kernel->act);
    answer a = {.of = target_of(e), .format = subject_format(e->kernel->codec)};
    enum lsq_tunable number;
    lsq_tunables rest = e->tunables;
    contest_end end = DECIDED;
    if (place_threshold(e->kernel->op, &e->where, &number)) {
        end = time_threshold(w, e, number, budget / 2, stop, found);
        rest.value[number] = lsq_tunables_default.value[number];
    }
    if (end != DECIDED || (e->kernel == usual && !memcmp(&rest, &lsq_tunables_default, sizeof(rest))))
        return end;
    a.usual = (candidate){.kernel = usual, .tunables = lsq_tunables_default};
    a.chosen = (candidate){.kernel = e->kernel, .tunables = rest};
    end = ask_again(w, budget / 2, stop, &a);
    return end == DECIDED && a.weights > 0 && !findings_add(found, &a) ? OUT_OF_MEMORY : end;
}

/* By more than both spreads: what is within them is not slower. */
static int is_slower(const answer *a)
{
    const double loss = a->chosen.ns.median - a->usual.ns.median;
    return loss > tolerated * a->usual.ns.median && loss > a->chosen.ns.spread && loss > a->usual.ns.spread;
}

static void print_line(const answer *a, const workshop *w, int first)
{
    char name[80], numbers[120];
    if (first)
        printf("%-28s %9s %9s %8s  %s\n%-28s %9s %9s\n", "product", "default", "tuned", "faster", "", "", "Gw/s",
               "Gw/s");
    answer_name(a, w, name, sizeof(name));
    answer_numbers(&a->chosen.tunables, numbers, sizeof(numbers));
    printf("%-28s %9.2f %9.2f %+7.1f%%  %s%s%s\n", name, a->weights / a->usual.ns.median,
           a->weights / a->chosen.ns.median, 100 * answer_gain(a),
           a->chosen.kernel == a->usual.kernel ? "" : a->chosen.kernel->name,
           a->chosen.kernel != a->usual.kernel && numbers[0] ? ", " : "", numbers);
}

/* All entries, or as many as time and patience allow. */
static contest_end time_entries(const options *o, workshop *w, const lsq_tune *tune, const volatile sig_atomic_t *stop,
                                findings *found)
{
    const double deadline = clock_ns() + o->seconds * 1e9;
    contest_end end = DECIDED;
    for (size_t i = 0; i < tune->count && end == DECIDED && !*stop; i++) {
        const double left = deadline - clock_ns();
        if (left <= 0)
            break;
        if (claims(&tune->entries[i]))
            end = time_entry(w, &tune->entries[i], left / (double)(tune->count - i), stop, found);
    }
    found->questions = tune->count;
    return *stop ? STOPPED : end;
}

static int check_tune(const options *o, const lsq_tune *tune, const volatile sig_atomic_t *stop)
{
    workshop w;
    findings found = {0};
    circumstances about = {.workshop = &w};
    lsq_cpu cpu;
    size_t slower = 0;
    lsq_cpu_detect(&cpu);
    if (!workshop_open(&w, subject_bytes_max(&cpu)))
        return EXIT_MEMORY;
    workshop_watch(&about.watch);
    const contest_end end = time_entries(o, &w, tune, stop, &found);
    workshop_watched(&w, &about.watch);
    about.interrupted = end == STOPPED;
    for (size_t i = 0; i < found.count; i++) {
        slower += is_slower(&found.answers[i]);
        if (!o->json && !o->quiet)
            print_line(&found.answers[i], &w, i == 0);
    }
    int good = 1;
    if (o->json)
        good = report_json(&found, &about);
    else if (!o->quiet)
        printf("%s%zu choices timed, %zu slower than the default by more than %.0f%%\n", found.count ? "\n" : "",
               found.count, slower, 100 * tolerated);
    report_notes(&found, &about);
    findings_free(&found);
    workshop_close(&w);
    return !good || end == OUT_OF_MEMORY ? EXIT_MEMORY
           : end == STOPPED              ? EXIT_SIGNAL + *stop
           : slower                      ? EXIT_CHECK_FAILED
                                         : EXIT_FINE;
}

int check_used(const options *o, const volatile sig_atomic_t *stop)
{
    lsq_cpu cpu;
    lsq_tune tune;
    json_t *looked = json_array();
    lsq_cpu_detect(&cpu);
    const int used = find_used(&cpu, &tune, looked);
    int code = EXIT_IO;
    if (used)
        code = check_tune(o, &tune, stop);
    else
        say_error(EXIT_IO, "no tune file is used here, so there is nothing to check; see 'lsq-tune --show'");
    if (code == EXIT_MEMORY)
        say_error(EXIT_MEMORY, "out of memory");
    json_decref(looked);
    lsq_tune_free(&tune);
    return code;
}

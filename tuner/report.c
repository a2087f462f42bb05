/*
 * report.c - the outcome of a run.
 */
#include "tuner/report.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

static const double wide = 0.10; /* as a share of a time */

static double relative_spread(const candidate *c)
{
    return c->ns.median > 0 ? c->ns.spread / c->ns.median : 0;
}

double answer_gain(const answer *a)
{
    return a->chosen.ns.median > 0 ? a->usual.ns.median / a->chosen.ns.median - 1 : 0;
}

void answer_numbers(const lsq_tunables *tunables, char *text, size_t room)
{
    size_t length = 0;
    text[0] = 0;
    for (unsigned t = 0; t < TUNABLES; t++)
        if (tunables->value[t] != lsq_tunables_default.value[t] && length < room)
            length += (size_t)snprintf(text + length, room - length, "%s%s %u", length ? ", " : "",
                                       lsq_tunable_names[t], tunables->value[t]);
}

void answer_name(const answer *a, const workshop *w, char *text, size_t room)
{
    const lsq_place *where = &a->of.where;
    char size[16] = "", columns[32] = "", threads[32] = "";
    if (where->size_class != LSQ_ANY && !a->threshold)
        snprintf(size, sizeof(size), ", %s", lsq_class_names[where->size_class]);
    if (where->batch != LSQ_ANY)
        snprintf(columns, sizeof(columns), ", %zu columns", a->n);
    if (where->crew == CREW_many)
        snprintf(threads, sizeof(threads), ", %d threads", w->machine.crew);
    snprintf(text, room, "%s %s %s%s%s%s", lsq_op_names[a->of.op], lsq_family_names[a->of.codec],
             lsq_act_names[a->of.act], size, columns, threads);
}

static void print_machine(const circumstances *about)
{
    const machine *m = &about->workshop->machine;
    printf("CPU         %.64s\n", about->workshop->cpu.brand);
    printf("may use     %d core%s, %d processing unit%s, %d package%s, %d memory node%s", m->cores,
           m->cores == 1 ? "" : "s", m->units, m->units == 1 ? "" : "s", m->packages, m->packages == 1 ? "" : "s",
           m->nodes, m->nodes == 1 ? "" : "s");
    if (m->quota)
        printf("; the cgroup has a quota of %lu.%03lu CPUs", m->quota / 1000, m->quota % 1000);
    printf("\nmeasured on %s%s", m->place[0] ? m->place : "an unknown processing unit",
           about->workshop->unbound ? ", not bound to it" : "");
    if (m->crew > 1)
        printf("; several threads on %d cores", m->crew);
    printf("\n\n");
}

static void print_answer(const answer *a, const workshop *w)
{
    char name[80], numbers[120];
    answer_name(a, w, name, sizeof(name));
    answer_numbers(&a->chosen.tunables, numbers, sizeof(numbers));
    printf("%-28s %9.0f %9.2f %9.2f %+7.1f%% %6.1f%%  %s", name, (double)a->bytes / 1024,
           a->weights / a->usual.ns.median, a->weights / a->chosen.ns.median, 100 * answer_gain(a),
           100 * relative_spread(&a->chosen), a->chosen.kernel == a->usual.kernel ? "" : a->chosen.kernel->name);
    printf("%s%s\n", a->chosen.kernel != a->usual.kernel && numbers[0] ? ", " : "", numbers);
}

static void print_pages(const pages *p, int below_table)
{
    if (p->measured)
        printf("%sfrom memory, huge pages are worth %+.1f%%: weights that liblsq allocates ask for them, mapped files "
               "have none\n",
               below_table ? "\n" : "", 100 * p->gain);
}

void report_table(const findings *found, const circumstances *about)
{
    size_t changed = 0;
    print_machine(about);
    for (size_t i = 0; i < found->count; i++) {
        const answer *a = &found->answers[i];
        if (is_usual(a))
            continue;
        if (!changed++)
            printf("%-28s %9s %9s %9s %8s %7s  %s\n%-28s %9s %9s %9s\n", "product", "weights", "default", "tuned",
                   "faster", "spread", "instead of the default", "", "KiB", "Gw/s", "Gw/s");
        print_answer(a, about->workshop);
    }
    print_pages(&about->pages, changed > 0);
    printf("%s%zu of %zu questions asked: %zu answered with another way than the default, %zu with the default\n",
           changed ? "\n" : "", found->count, found->questions, changed, found->count - changed);
}

void report_notes(const findings *found, const circumstances *about)
{
    const machine *m = &about->workshop->machine;
    size_t noisy = 0;
    for (size_t i = 0; i < found->wrong.count; i++)
        fprintf(stderr, "lsq-tune: WRONG: %s (%s); it is left out\n", found->wrong.list[i].kernel->name,
                found->wrong.list[i].why);
    for (size_t i = 0; i < found->count; i++)
        noisy += relative_spread(&found->answers[i].chosen) > wide;
    if (noisy)
        fprintf(stderr, "lsq-tune: note: in %zu of %zu contests the times lie more than %.0f%% apart\n", noisy,
                found->count, 100 * wide);
    for (size_t i = 0; i < about->watch.count; i++)
        fprintf(stderr, "lsq-tune: warning: %s\n", about->watch.warnings[i]);
    if (found->count && about->workshop->unbound)
        fprintf(stderr, "lsq-tune: note: could not stay on one processing unit; times may mix several\n");
    if (m->kinds > 1)
        fprintf(stderr, "lsq-tune: note: this CPU has %d kinds of cores; the fastest was measured\n", m->kinds);
}

/* ---- JSON ---- */

static json_t *candidate_json(const answer *a, const candidate *c)
{
    json_t *all = json_pack("{s:s, s:f, s:f, s:f, s:I}", "kernel", c->kernel->name, "ns", c->ns.median,
                            "weights_per_ns", c->ns.median > 0 ? a->weights / c->ns.median : 0, "spread",
                            relative_spread(c), "samples", (json_int_t)c->samples);
    for (unsigned t = 0; t < TUNABLES; t++)
        if (lsq_tunable_ops[t] == a->of.op)
            json_object_set_new(all, lsq_tunable_names[t], json_integer(c->tunables.value[t]));
    return all;
}

static json_t *contest_json(const answer *a, const contest *c)
{
    json_t *all = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(all, candidate_json(a, &c->candidates[i]));
    return all;
}

const char *place_word(int value, const char *const *names)
{
    return value == LSQ_ANY ? "any" : names[value];
}

static json_t *answer_json(const answer *a)
{
    const lsq_place *where = &a->of.where;
    char format[LSQ_FORMAT_NAME_MAX] = "";
    lsq_format_name(&a->format, format);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:f, s:o, s:o, s:o, s:o}",
                     "op", lsq_op_names[a->of.op], "codec", lsq_family_names[a->of.codec], "act",
                     lsq_act_names[a->of.act], "class", place_word(where->size_class, lsq_class_names), "batch",
                     place_word(where->batch, lsq_batch_names), "threads", place_word(where->crew, lsq_crew_names),
                     "threshold", a->threshold, "format", format, "rows", (json_int_t)a->rows, "columns",
                     (json_int_t)a->columns, "n", (json_int_t)a->n, "bytes", (json_int_t)a->bytes, "default_stays",
                     is_usual(a), "withdrawn", a->withdrawn, "gain", answer_gain(a), "default",
                     candidate_json(a, &a->usual), "chosen", candidate_json(a, &a->chosen), "kernels",
                     contest_json(a, &a->kernels), "numbers", contest_json(a, &a->numbers));
}

static json_t *machine_json(const circumstances *about)
{
    const machine *m = &about->workshop->machine;
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:i, s:i, s:s, s:b}", "packages", m->packages, "nodes", m->nodes,
                     "cores", m->cores, "units", m->units, "kinds", m->kinds, "quota", (json_int_t)m->quota, "crew",
                     m->crew, "unit", m->unit, "place", m->place, "bound", !about->workshop->unbound);
}

int report_json(const findings *found, const circumstances *about)
{
    const bench_watch *watch = &about->watch;
    json_t *answers = json_array(), *wrong = json_array(), *warnings = json_array();
    for (size_t i = 0; i < found->count; i++)
        json_array_append_new(answers, answer_json(&found->answers[i]));
    for (size_t i = 0; i < found->wrong.count; i++)
        json_array_append_new(wrong, json_pack("{s:s, s:s}", "kernel", found->wrong.list[i].kernel->name, "why",
                                               found->wrong.list[i].why));
    for (size_t i = 0; i < watch->count; i++)
        json_array_append_new(warnings, json_string(watch->warnings[i]));
    json_t *all = json_pack("{s:s, s:s, s:s#, s:o, s:s?, s:b, s:f, s:f, s:f, s:o, s:o, s:I, s:o, s:o}", "schema",
                            "lsq.tune-report/2", "library", lsq_version(), "cpu", about->workshop->cpu.brand,
                            (int)strnlen(about->workshop->cpu.brand, sizeof(about->workshop->cpu.brand)), "machine",
                            machine_json(about), "written", about->written, "interrupted", about->interrupted,
                            "seconds", watch->after.seconds - watch->before.seconds, "clock", watch->before.ghz,
                            "clock_after", watch->after.ghz, "warnings", warnings, "huge_pages_gain",
                            about->pages.measured ? json_real(about->pages.gain) : json_null(), "questions",
                            (json_int_t)found->questions, "wrong", wrong, "answers", answers);
    const int good = all && !json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) && putchar('\n') != EOF;
    json_decref(all);
    return good;
}

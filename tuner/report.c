/*
 * report.c - the outcome of a run.
 */
#include "tuner/report.h"

#include <jansson.h>

#include <stdio.h>

static const double much_stolen = 0.01, wide = 0.10, many_switches = 20; /* a share, a share, a second */

static double relative_spread(const candidate *c)
{
    return c->ns.median > 0 ? c->ns.spread / c->ns.median : 0;
}

static double weights_per_ns(const result *r)
{
    return (double)(r->groups * GROUP * PANEL) / result_winner(r)->ns.median;
}

void report_table(const findings *found, const circumstances *about)
{
    printf("CPU      %.64s\n", about->cpu->brand);
    printf("measured on %s%s\n\n", about->where.text[0] ? about->where.text : "an unknown processing unit",
           about->where.bound ? "" : ", not bound to it");
    if (!found->results_count)
        return;
    printf("%-14s %-4s %9s  %-28s %8s %7s  %s\n", "product", "size", "KiB", "kernel", "Gw/s", "spread",
           "runner-up, its time by comparison");
    for (size_t i = 0; i < found->results_count; i++) {
        const result *r = &found->results[i];
        const candidate *winner = result_winner(r), *first = &r->contest.candidates[r->contest.winner];
        const candidate *other = &r->contest.candidates[r->contest.runner_up];
        const lsq_kernel *k = winner->kernel;
        char name[40];
        snprintf(name, sizeof(name), "%s %s %s", lsq_op_names[k->op], lsq_family_names[k->codec],
                 lsq_act_names[k->act]);
        printf("%-14s %-4s %9.1f  %-28s %8.2f %6.1f%%  ", name, lsq_class_names[r->size_class], (double)r->bytes / 1024,
               k->name, weights_per_ns(r), 100 * relative_spread(winner));
        if (other != first)
            printf("%s %+.1f%%", other->kernel->name, 100 * (other->ns.median / first->ns.median - 1));
        else
            printf("none");
        for (unsigned t = 0; t < TUNABLES; t++)
            if (winner->tunables.value[t] != lsq_tunables_default.value[t])
                printf("; %s %u %+.1f%%", lsq_tunable_names[t], winner->tunables.value[t],
                       100 * (winner->ns.median / r->ahead.candidates[r->ahead.usual].ns.median - 1));
        putchar('\n');
    }
}

void report_notes(const findings *found, const circumstances *about)
{
    size_t noisy = 0;
    for (size_t i = 0; i < found->failures_count; i++)
        fprintf(stderr, "lsq-tune: WRONG: %s (%s); it is left out\n", found->failures[i].kernel->name,
                found->failures[i].why);
    for (size_t i = 0; i < found->results_count; i++)
        noisy += relative_spread(result_winner(&found->results[i])) > wide;
    if (noisy)
        fprintf(stderr, "lsq-tune: note: in %zu of %zu contests the times lie more than %.0f%% apart\n", noisy,
                found->results_count, 100 * wide);
    if (about->watch.stolen_share > much_stolen)
        fprintf(stderr, "lsq-tune: note: other virtual machines took %.1f%% of the time\n",
                100 * about->watch.stolen_share);
    if ((double)about->watch.switches > many_switches * about->watch.seconds)
        fprintf(stderr, "lsq-tune: note: other programs interrupted it %.0f times a second\n",
                (double)about->watch.switches / about->watch.seconds);
    if (found->results_count && !about->where.bound)
        fprintf(stderr, "lsq-tune: note: could not stay on one processing unit; times may mix several\n");
    if (about->where.kinds > 1)
        fprintf(stderr, "lsq-tune: note: this CPU has %d kinds of cores; the fastest was measured\n",
                about->where.kinds);
}

/* ---- JSON ---- */

static json_t *candidate_json(const result *r, const candidate *c)
{
    json_t *all = json_pack("{s:s, s:f, s:f, s:I}", "kernel", c->kernel->name, "ns", c->ns.median * (double)r->panels,
                            "spread", relative_spread(c), "samples", (json_int_t)c->samples);
    for (unsigned t = 0; t < TUNABLES; t++)
        json_object_set_new(all, lsq_tunable_names[t], json_integer(c->tunables.value[t]));
    return all;
}

static json_t *result_json(const result *r)
{
    const contest *c = &r->contest;
    const candidate *winner = result_winner(r);
    const lsq_kernel *k = winner->kernel;
    json_t *candidates = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(candidates, candidate_json(r, &c->candidates[i]));
    for (size_t i = 0; i < r->ahead.count; i++)
        json_array_append_new(candidates, candidate_json(r, &r->ahead.candidates[i]));
    json_t *all =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:s, s:s, s:f, s:o}", "op", lsq_op_names[k->op], "codec",
                  lsq_family_names[k->codec], "act", lsq_act_names[k->act], "class", lsq_class_names[r->size_class],
                  "threads", 1, "rows", (json_int_t)(r->panels * PANEL), "columns", (json_int_t)(r->groups * GROUP),
                  "bytes", (json_int_t)r->bytes, "kernel", k->name, "default", c->candidates[c->usual].kernel->name,
                  "weights_per_ns", weights_per_ns(r), "candidates", candidates);
    for (unsigned t = 0; t < TUNABLES; t++)
        json_object_set_new(all, lsq_tunable_names[t], json_integer(winner->tunables.value[t]));
    return all;
}

int report_json(const findings *found, const circumstances *about)
{
    json_t *results = json_array(), *failures = json_array();
    for (size_t i = 0; i < found->results_count; i++)
        json_array_append_new(results, result_json(&found->results[i]));
    for (size_t i = 0; i < found->failures_count; i++)
        json_array_append_new(failures, json_pack("{s:s, s:s}", "kernel", found->failures[i].kernel->name, "why",
                                                  found->failures[i].why));
    json_t *all = json_pack("{s:s, s:s, s:s?, s:b, s:i, s:b, s:s, s:f, s:f, s:i, s:o, s:o}", "schema",
                            "lsq.tune-report/1", "library", lsq_version(), "written", about->written, "interrupted",
                            about->interrupted, "unit", about->where.unit, "bound", about->where.bound, "place",
                            about->where.text, "seconds", about->watch.seconds, "stolen", about->watch.stolen_share,
                            "switches", (int)about->watch.switches, "wrong", failures, "results", results);
    int good = all && !json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) && putchar('\n') != EOF;
    json_decref(all);
    return good;
}

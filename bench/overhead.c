/*
 * overhead.c - `lsq-bench overhead`: what the library costs besides arithmetic, a row for each piece.
 */
#include "bench/command.h"
#include "bench/costs.h"
#include "bench/options.h"
#include "bench/table.h"
#include "bench/trial.h"
#include "bench/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"name", "what", "", 28, -1},       {"median", "median", "", 9, 2},   {"unit", "unit", "", 4, -1},
    {"spread", "spread", "+- %", 6, 1}, {"samples", "samples", "", 7, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 1 };

static const bench_table_kind kind = {"lsq.bench.overhead/1", columns, COLUMNS, KEYS, NULL};

static void print_context(const bench_costs *costs, bench_table *table)
{
    size_t entries, bytes;
    char text[96];
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_context(table, "lsq_cpu", bench_cpu_name(bench_costs_context(costs)));
    bench_table_context(table, "lsq_isa", bench_isa_name(bench_costs_context(costs)));
    bench_costs_tune_file(costs, &entries, &bytes);
    snprintf(text, sizeof text, "%zu entries in %zu bytes: every kind of product, of every size", entries, bytes);
    bench_table_context(table, "tune_file", text);
}

/* Of those samples that there are; all of them may be missing. `scratch` has room for as many. */
static void add_row(const bench_cost *cost, double *samples, unsigned count, double *scratch, bench_table *table)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++)
        if (!isnan(samples[i]))
            samples[taken++] = samples[i];
    memcpy(scratch, samples, taken * sizeof *scratch);
    const double median = taken ? bench_median(scratch, taken) : NAN;
    const double spread = taken ? bench_spread(scratch, taken) : NAN;
    const bench_cell cells[COLUMNS] = {
        {cost->name, NAN}, {NULL, median * cost->units_a_second}, {cost->unit, NAN}, {NULL, 100 * spread / median},
        {NULL, taken},
    };
    bench_table_timed_row(table, cells, samples, taken);
}

/* `samples` has room for those of every piece, and behind them for as many as one has. */
static void measure(unsigned count, bench_costs *costs, bench_turn *turns, double *samples, bench_table *table)
{
    for (size_t i = 0; i < bench_cost_count; i++)
        bench_costs_prepare(costs, &bench_cost_list[i], &turns[i]);
    for (unsigned s = 0; s < count; s++)
        for (size_t i = 0; i < bench_cost_count; i++)
            samples[i * count + s] = bench_costs_sample(costs, &bench_cost_list[i], &turns[i]);
    for (size_t i = 0; i < bench_cost_count; i++)
        add_row(&bench_cost_list[i], samples + i * count, count, samples + bench_cost_count * count, table);
}

static lsq_status run(const bench_options *options, bench_table *table, lsq_error *err)
{
    bench_costs *costs;
    const lsq_status status = bench_costs_new(&costs, err);
    if (status)
        return status;
    bench_turn *turns = calloc(bench_cost_count, sizeof *turns);
    double *samples = calloc((bench_cost_count + 1) * options->samples, sizeof *samples);
    const int is_ready = turns && samples;
    if (is_ready) {
        bench_watch watch;
        print_context(costs, table);
        bench_watch_begin(&watch, table);
        measure(options->samples, costs, turns, samples, table);
        bench_watch_end(&watch, table);
    }
    free(turns);
    free(samples);
    bench_costs_free(costs);
    return is_ready ? LSQ_OK : LSQ_E_NOMEM;
}

static int run_command(const bench_options *options)
{
    lsq_error err = {0};
    bench_table *table = bench_table_new(&kind, options->output);
    const lsq_status status = table ? run(options, table, &err) : LSQ_E_NOMEM;
    bench_table_end(table, !status);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_SAMPLES, 'n', "samples of each piece"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_overhead_command = {
    .name = "overhead",
    .about =
        "overhead  times what the library costs besides arithmetic: a context, a tune file, the choice of a kernel,\n"
        "          a product that does hardly anything, handing work to a second thread",
    .choices = choices,
    .samples = 101,
    .run = run_command,
};

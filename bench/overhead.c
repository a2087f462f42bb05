/*
 * overhead.c - `lsq-bench overhead`: what the library costs besides arithmetic, a row for each piece.
 */
#include "bench/command.h"
#include "bench/costs.h"
#include "bench/machine.h"
#include "bench/options.h"
#include "bench/table.h"
#include "bench/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const bench_column columns[] = {
    {"name", "what", "", 28, -1},   {"median", "median", "", 9, 2}, {"spread", "+-", "%", 5, 1},
    {"unit", "unit", "", 4, -1}, {"samples", "samples", "", 7, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void print_context(const bench_costs *costs, bench_table *table)
{
    size_t entries, bytes;
    char text[96];
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_context(table, "lsq_cpu", bench_cpu_name(bench_costs_context(costs)));
    bench_table_context(table, "lsq_isa", bench_isa_name(bench_costs_context(costs)));
    bench_costs_tune_file(costs, &entries, &bytes);
    snprintf(text, sizeof text, "%zu entries in %zu bytes: every kind of product there is", entries, bytes);
    bench_table_context(table, "tune_file", text);
}

/* Of those samples that there are; all of them may be missing. */
static void add_row(const bench_cost *cost, double *samples, unsigned count, bench_table *table)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++)
        if (!isnan(samples[i]))
            samples[taken++] = samples[i];
    const double median = taken ? bench_median(samples, taken) : NAN;
    const double spread = taken ? bench_spread(samples, taken) : NAN;
    const bench_cell cells[COLUMNS] = {
        {cost->name, NAN}, {NULL, median * cost->units_a_second}, {NULL, 100 * spread / median},
        {cost->unit, NAN}, {NULL, taken},
    };
    bench_table_row(table, cells);
}

static lsq_status measure(const bench_options *options, bench_costs *costs, bench_table *table)
{
    bench_turn *turns = calloc(bench_cost_count, sizeof *turns);
    double *samples = calloc(bench_cost_count * options->samples, sizeof *samples);
    if (turns && samples) {
        bench_watch watch;
        bench_watch_begin(&watch);
        print_context(costs, table);
        for (size_t i = 0; i < bench_cost_count; i++)
            bench_costs_prepare(costs, &bench_cost_list[i], &turns[i]);
        for (unsigned s = 0; s < options->samples; s++)
            for (size_t i = 0; i < bench_cost_count; i++)
                samples[i * options->samples + s] = bench_costs_sample(costs, &bench_cost_list[i], &turns[i]);
        for (size_t i = 0; i < bench_cost_count; i++)
            add_row(&bench_cost_list[i], samples + i * options->samples, options->samples, table);
        bench_watch_end(&watch);
    }
    const lsq_status status = turns && samples ? LSQ_OK : LSQ_E_NOMEM;
    free(turns);
    free(samples);
    return status;
}

static int run_command(const bench_options *options)
{
    lsq_error err = {0};
    bench_costs *costs = NULL;
    bench_table *table = bench_table_new("lsq.bench.overhead/1", columns, COLUMNS, options->json);
    lsq_status status = table ? bench_costs_new(&costs, &err) : LSQ_E_NOMEM;
    if (!status)
        status = measure(options, costs, table);
    bench_costs_free(costs);
    bench_table_end(table, !status);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_SAMPLES, 'n', "samples of each piece"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_overhead_command = {
    .name = "overhead",
    .about = "overhead  times what the library costs besides arithmetic: a context, a tune file, the choice of a kernel,\n"
             "          a product that does hardly anything, handing work to a second thread",
    .choices = choices,
    .samples = 101,
    .run = run_command,
};

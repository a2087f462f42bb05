#include "bench/costs.h"

#include "bench/full_tune.h"
#include "bench/machine.h"
#include "dispatch/pool.h"
#include "dispatch/product.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 64, TIMES = 1 << 20 };

struct bench_costs {
    lsq_cpu cpu;
    bench_team *team; /* the caller alone */
    lsq_context *context;
    char folder[512], path[540]; /* of the tune file; empty: there is none */
    char *text;                  /* of the tune file */
    size_t entries, text_bytes;
    lsq_weights *scalar, *trellis;
    float x[SIDE], y[SIDE];
    struct lsq_pool *pool;
    atomic_uint begun;    /* by how many threads the work was */
    atomic_int alone;     /* the second thread did not come, and is not waited for again */
    atomic_int failed;    /* something that was to be measured could not be done */
    volatile size_t seen; /* so that no compiler leaves a choice out */
};

/* ---- The pieces ---- */

static void make_context(bench_costs *costs, const char *tune_file)
{
    const lsq_context_options options = {.size = sizeof options, .threads = 1, .tune_file = tune_file};
    lsq_context *context;
    if (lsq_context_new(&options, &context, NULL))
        costs->failed = 1;
    else
        lsq_context_free(context);
}

static void run_plain_context(const void *arg, unsigned thread, size_t first, size_t end)
{
    (void)thread;
    for (; first < end; first++)
        make_context((bench_costs *)arg, "none");
}

static void run_tuned_context(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_costs *costs = (bench_costs *)arg;
    (void)thread;
    for (; first < end; first++)
        make_context(costs, costs->path);
}

static void run_parse(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_costs *costs = (bench_costs *)arg;
    (void)thread;
    for (; first < end; first++) {
        lsq_tune tune;
        if (lsq_tune_parse(costs->text, costs->text_bytes, &costs->cpu, &tune, NULL))
            costs->failed = 1;
        else
            lsq_tune_free(&tune);
    }
}

static void run_choice(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_costs *costs = (bench_costs *)arg;
    lsq_product products[] = {{.w = costs->scalar, .rows = SIDE, .n = 1}, {.w = costs->trellis, .rows = SIDE, .n = 1}};
    (void)thread;
    for (; first < end; first++) {
        const lsq_way way = lsq_way_of(costs->context, LSQ_NO_TRANS, &products[first % 2]);
        costs->seen = (size_t)way.multiply->kernel;
    }
}

static void multiply(bench_costs *costs, const lsq_weights *w, size_t times)
{
    for (; times; times--)
        if (lsq_sgemv(costs->context, LSQ_NO_TRANS, 1, w, costs->x, 1, 0, costs->y, 1))
            costs->failed = 1;
}

static void run_scalar(const void *arg, unsigned thread, size_t first, size_t end)
{
    (void)thread;
    multiply((bench_costs *)arg, ((const bench_costs *)arg)->scalar, end - first);
}

static void run_trellis(const void *arg, unsigned thread, size_t first, size_t end)
{
    (void)thread;
    multiply((bench_costs *)arg, ((const bench_costs *)arg)->trellis, end - first);
}

/* Done when both have begun. A core that is late may be this one; and a thread that cannot be started never comes. */
static void meet(void *arg, size_t i)
{
    bench_costs *costs = arg;
    const double patience = 1e-4, end = 1;
    (void)i;
    if (atomic_fetch_add(&costs->begun, 1) == 1)
        return;
    const double start = bench_now();
    while (atomic_load(&costs->begun) < 2 && !costs->alone) {
        const double waited = bench_now() - start;
        if (waited > patience)
            sched_yield();
        costs->alone = waited > end;
    }
}

static void run_meet(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_costs *costs = (bench_costs *)arg;
    (void)thread;
    for (; first < end && !costs->alone; first++) {
        atomic_store(&costs->begun, 0);
        lsq_pool_run(costs->pool, 2, 2, meet, costs);
    }
    if (costs->alone)
        costs->failed = 1;
}

const bench_cost bench_cost_list[] = {
    {"a context, no tune file", "us", 1e6, 0, run_plain_context},
    {"a context, tune file", "us", 1e6, 0, run_tuned_context},
    {"a tune file, parsing alone", "us", 1e6, 0, run_parse},
    {"choice of a kernel", "ns", 1e9, 0, run_choice},
    {"a product 64 x 64, s4", "ns", 1e9, 0, run_scalar},
    {"a product 64 x 64, t4", "ns", 1e9, 0, run_trellis},
    {"work for 2 threads, awake", "us", 1e6, 0, run_meet},
    {"work for 2 threads, asleep", "us", 1e6, 1, run_meet},
};
const size_t bench_cost_count = sizeof bench_cost_list / sizeof *bench_cost_list;

/* ---- Sampling ---- */

void bench_costs_prepare(bench_costs *costs, const bench_cost *cost, bench_turn *turn)
{
    const bench_work work = {cost->run, costs, TIMES};
    bench_turn_prepare(turn, &work, costs->team, cost->asleep ? 0 : 1e-3);
}

double bench_costs_sample(bench_costs *costs, const bench_cost *cost, bench_turn *turn)
{
    costs->failed = 0;
    if (cost->asleep)
        bench_settle();
    const double seconds = bench_turn_sample(turn) / TIMES;
    return costs->failed ? NAN : seconds;
}

/* ---- Setting up ---- */

static lsq_status fail(lsq_error *err, const char *what)
{
    err->status = LSQ_E_IO;
    snprintf(err->text, sizeof err->text, "%.400s: %s", what, strerror(errno));
    return LSQ_E_IO;
}

/* In a folder of its own; what it says is read back, so that no context can silently do without it. */
static lsq_status write_tune_file(bench_costs *costs, lsq_error *err)
{
    const char *place = getenv("TMPDIR");
    lsq_tune tune, again;
    snprintf(costs->folder, sizeof costs->folder, "%s/lsq-bench-XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(costs->folder)) {
        const lsq_status status = fail(err, costs->folder);
        costs->folder[0] = 0;
        return status;
    }
    snprintf(costs->path, sizeof costs->path, "%s/tune.json", costs->folder);
    lsq_status status = bench_full_tune(&costs->cpu, &tune);
    if (status)
        return status;
    costs->entries = tune.count;
    status = lsq_tune_format(&costs->cpu, &tune, &costs->text, err);
    if (!status)
        status = lsq_tune_write(costs->path, &costs->cpu, &tune, err);
    if (!status)
        status = lsq_tune_read(costs->path, &costs->cpu, &again, err);
    if (!status)
        lsq_tune_free(&again);
    lsq_tune_free(&tune);
    costs->text_bytes = status ? 0 : strlen(costs->text);
    return status;
}

static lsq_status quantize(bench_costs *costs, const char *name, const float *values, lsq_weights **w, lsq_error *err)
{
    lsq_format format;
    lsq_status status = lsq_format_parse(name, &format, err);
    return status ? status : lsq_quantize(costs->context, &format, SIDE, SIDE, values, SIDE, NULL, w, err);
}

static lsq_status make_weights(bench_costs *costs, lsq_error *err)
{
    float values[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        values[i] = (float)(i * 37 % 101 - 50) / 50;
    for (int i = 0; i < SIDE; i++)
        costs->x[i] = (float)(i * 7 % 11 - 5);
    const lsq_status status = quantize(costs, "s4", values, &costs->scalar, err);
    return status ? status : quantize(costs, "t4", values, &costs->trellis, err);
}

lsq_status bench_costs_new(bench_costs **costs, lsq_error *err)
{
    const lsq_context_options options = {.size = sizeof options, .threads = 1, .tune_file = "none"};
    bench_costs *made = calloc(1, sizeof *made);
    if (!made)
        return LSQ_E_NOMEM;
    lsq_cpu_detect(&made->cpu);
    made->team = bench_team_new(1);
    bench_confine(2); /* before the second thread, which will be where the caller is */
    made->pool = lsq_pool_new();
    lsq_status status = made->team && made->pool ? lsq_context_new(&options, &made->context, err) : LSQ_E_NOMEM;
    if (!status)
        status = make_weights(made, err);
    if (!status)
        status = write_tune_file(made, err);
    if (status) {
        bench_costs_free(made);
        return status;
    }
    *costs = made;
    return LSQ_OK;
}

void bench_costs_free(bench_costs *costs)
{
    if (!costs)
        return;
    if (costs->path[0])
        unlink(costs->path);
    if (costs->folder[0])
        rmdir(costs->folder);
    lsq_pool_free(costs->pool);
    lsq_weights_free(costs->scalar);
    lsq_weights_free(costs->trellis);
    lsq_context_free(costs->context);
    bench_team_free(costs->team);
    free(costs->text);
    free(costs);
}

const lsq_context *bench_costs_context(const bench_costs *costs)
{
    return costs->context;
}

void bench_costs_tune_file(const bench_costs *costs, size_t *entries, size_t *bytes)
{
    *entries = costs->entries;
    *bytes = costs->text_bytes;
}

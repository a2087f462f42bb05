#include "bench/pass.h"

#include "bench/machine.h"
#include "bench/stream.h"

#include <stdlib.h>
#include <string.h>

/* ---- Shapes ---- */

static int same_shape(const bench_shape *shape, const lsq_tensor *tensor)
{
    lsq_format format = tensor->format;
    format.curve = shape->format.curve;
    return shape->rows == tensor->rows && shape->columns == tensor->columns &&
           !memcmp(&shape->format, &format, sizeof format);
}

int bench_shapes_begin(bench_shapes *shapes, const bench_matrices *all)
{
    *shapes = (bench_shapes){.items = calloc(all->count, sizeof *shapes->items),
                             .of = calloc(all->count, sizeof *shapes->of)};
    if (!shapes->items || !shapes->of) {
        bench_shapes_end(shapes);
        return 0;
    }
    for (size_t i = 0; i < all->count; i++) {
        const lsq_tensor *tensor = all->items[i].tensor;
        size_t s = 0;
        while (s < shapes->count && !same_shape(&shapes->items[s], tensor))
            s++;
        bench_shape *shape = &shapes->items[s];
        if (s == shapes->count) {
            *shape = (bench_shape){.format = tensor->format, .rows = tensor->rows, .columns = tensor->columns};
            shapes->count++;
        }
        shape->count++;
        shape->weights += (double)tensor->elements;
        shape->bytes += (double)tensor->bytes;
        shapes->of[i] = s;
    }
    return 1;
}

void bench_shapes_end(bench_shapes *shapes)
{
    free(shapes->items);
    free(shapes->of);
    *shapes = (bench_shapes){0};
}

/* ---- Passes ---- */

/* Units are matrices; those of the read are matrices for each thread, which reads its part of every one. */
typedef struct pass {
    const bench_matrices *all;
    const bench_shapes *shapes;
    const bench_trial *trial;
    const bench_stream *loop;
    double *clocks;                            /* seconds of a sample by thread and shape */
    volatile uint64_t sums[BENCH_THREADS_MAX]; /* so that no compiler leaves the reading out */
} pass;

/* Adds the time since `before` to a shape's, if there are shapes; returns the time. */
static double clock_shape(const pass *p, unsigned thread, size_t matrix, double before)
{
    if (p->shapes->count == 0)
        return 0;
    const double now = bench_now();
    p->clocks[thread * p->shapes->count + p->shapes->of[matrix]] += now - before;
    return now;
}

/* The status is looked at once, before anything is timed: the same call cannot fail later but for want of memory. */
static void run_multiply(const void *arg, unsigned thread, size_t first, size_t end)
{
    const pass *p = arg;
    double before = p->shapes->count ? bench_now() : 0;
    for (size_t i = first; i < end; i++) {
        (void)bench_matrices_multiply(p->all, p->trial->context, i, i + 1);
        before = clock_shape(p, thread, i, before);
    }
}

void bench_pass_part(size_t bytes, unsigned threads, unsigned thread, size_t *from, size_t *to)
{
    const size_t line = 64, lines = (bytes + line - 1) / line;
    *from = lines * thread / threads * line;
    *to = lines * (thread + 1) / threads * line;
    *to = *to < bytes ? *to : bytes;
}

static void run_read(const void *arg, unsigned thread, size_t first, size_t end)
{
    pass *p = (pass *)arg;
    double before = p->shapes->count ? bench_now() : 0;
    for (size_t unit = first; unit < end; unit++) {
        const size_t i = unit % p->all->count;
        const uint8_t *packed = lsq_weights_packed(p->all->items[i].weights);
        size_t from, to;
        bench_pass_part(p->all->items[i].tensor->bytes, p->trial->threads, thread, &from, &to);
        p->sums[thread] += p->loop->read(packed + from, to - from);
        before = clock_shape(p, thread, i, before);
    }
}

/* Only whole passes can be compared, since matrices differ. */
static void prepare(const pass *p, bench_turn *turn, const bench_work *work, bench_team *team)
{
    bench_turn_prepare(turn, work, team, 2e-3);
    turn->step = (turn->step + p->all->count - 1) / p->all->count * p->all->count;
    memset(turn->next, 0, sizeof turn->next);
}

/* Seconds a pass into values[0], and those of each shape behind it, `apart` numbers apart. */
static void sample(const pass *p, bench_turn *turn, double *values, size_t apart)
{
    const size_t shapes = p->shapes->count, threads = bench_team_size(turn->team), passes = turn->step / p->all->count;
    if (p->trial->threads > 1) {
        bench_settle();
        (void)bench_matrices_multiply(p->all, p->trial->context, 0, 1); /* wakes the threads */
    }
    memset(p->clocks, 0, (threads * shapes + 1) * sizeof *p->clocks);
    values[0] = bench_turn_sample(turn);
    for (size_t s = 0; s < shapes; s++) {
        double sum = 0;
        for (size_t t = 0; t < threads; t++)
            sum += p->clocks[t * shapes + s];
        values[(s + 1) * apart] = sum / (double)(threads * passes);
    }
}

bench_pass_speed *bench_pass_speeds_new(size_t count, unsigned samples)
{
    bench_pass_speed *speeds = calloc(count, sizeof *speeds);
    double *values = calloc(count * samples, sizeof *values);
    if (!speeds || !values) {
        free(speeds);
        free(values);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        speeds[i].samples = values + i * samples;
    return speeds;
}

void bench_pass_speeds_free(bench_pass_speed *speeds)
{
    if (speeds)
        free(speeds->samples);
    free(speeds);
}

/* `scratch` has room for the samples. */
static void judge(bench_pass_speed *speed, double *reads, unsigned samples, double *scratch)
{
    for (unsigned i = 0; i < samples; i++)
        scratch[i] = reads[i] / speed->samples[i];
    speed->share = bench_median(scratch, samples);
    speed->read_seconds = bench_median(reads, samples);
    memcpy(scratch, speed->samples, samples * sizeof *scratch);
    speed->seconds = bench_median(scratch, samples);
    speed->spread = bench_spread(scratch, samples) / speed->seconds;
}

lsq_status bench_pass_measure(const bench_matrices *all, const bench_shapes *shapes, const bench_trial *trial,
                              unsigned samples, bench_pass_speed *speeds)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu); /* a cap on instruction sets is none on what memory can give */
    pass p = {.all = all, .shapes = shapes, .trial = trial, .loop = bench_stream_widest(&cpu)};
    const size_t rows = shapes->count + 1;
    p.clocks = calloc(trial->threads * shapes->count + 1, sizeof *p.clocks);
    double *reads = calloc((rows + 1) * samples, sizeof *reads);
    if (!p.clocks || !reads) {
        free(p.clocks);
        free(reads);
        return LSQ_E_NOMEM;
    }
    const bench_work read_work = {run_read, &p, all->count * trial->threads},
                     multiply_work = {run_multiply, &p, all->count};
    bench_turn read, multiply;
    prepare(&p, &multiply, &multiply_work, trial->caller);
    bench_pin(0); /* as all of a team are; left free, the caller would stay where another one is */
    prepare(&p, &read, &read_work, trial->team);
    for (unsigned i = 0; i < samples; i++) {
        bench_pin(0);
        sample(&p, &read, reads + i, samples);
        bench_confine(trial->threads);
        sample(&p, &multiply, speeds->samples + i, samples);
    }
    for (size_t r = 0; r < rows; r++)
        judge(&speeds[r], reads + r * samples, samples, reads + rows * samples);
    free(p.clocks);
    free(reads);
    return LSQ_OK;
}

#include "bench/calls.h"

#include "bench/bytes.h"
#include "bench/machine.h"
#include "bench/sources.h"
#include "bench/stream.h"
#include "dispatch/context.h"
#include "kernels/codec.h"

#include <stdlib.h>
#include <string.h>

/* Over the matrices, in the units of a turn: so that its own steps are few beside the products. */
enum { PASSES = 1024 };

enum { PAGE = 4096 };

/* What one call takes its samples by. */
typedef struct call_turns {
    const bench_calls *all;
    bench_call call;
    bench_turn ours, blas;
} call_turns;

/* The matrices in use as bytes to read. */
typedef struct call_reading {
    const bench_stream *loop;
    const uint8_t *first;
    size_t matrix_bytes, matrices;
    bench_turn turn;                           /* without a step before the first sample */
    volatile uint64_t sums[BENCH_THREADS_MAX]; /* so that no compiler leaves the reading out */
} call_reading;

struct bench_calls {
    bench_matrix_size size;
    size_t widest; /* the most columns of a call */
    bench_trial trial;
    lsq_weights **weights;
    uint8_t *packed;
    size_t weights_count, packed_bytes;
    float *floats; /* matrices for the BLAS */
    size_t floats_count;
    bench_bytes bytes; /* matrices for the peer that multiplies bytes */
    float *b, *c;
    call_reading reading;
    size_t count;
    call_turns turns[];
};

/* How many matrices of that size take turns. */
static size_t matrices_of(const bench_calls *all, size_t bytes)
{
    const size_t beyond = 8 * (size_t)all->trial.context->cpu.l3;
    return all->size.rotate ? 2 + beyond / bytes : 1;
}

static void fill_floats(float *values, size_t count)
{
    bench_random random = {1};
    for (size_t i = 0; i < count; i++)
        values[i] = (float)bench_random_unit(&random) - 0.5f;
}

/* ---- Products ---- */

static lsq_status multiply(const bench_calls *all, const bench_call *call, size_t matrix)
{
    const lsq_weights *w = all->weights[matrix];
    if (call->n == 1)
        return lsq_sgemv(all->trial.context, call->trans, 1, w, all->b, 1, 0, all->c, 1);
    const int transposed = call->trans == LSQ_TRANS;
    const size_t in = transposed ? all->size.rows : all->size.columns,
                 out = transposed ? all->size.columns : all->size.rows;
    return lsq_sgemm(all->trial.context, LSQ_COL_MAJOR, call->trans, LSQ_NO_TRANS, call->n, 1, w, all->b, in, 0, all->c,
                     out);
}

/* The status was looked at before anything is timed: the same call fails later only for want of memory. */
static void run_ours(const void *arg, unsigned thread, size_t first, size_t end)
{
    const call_turns *turns = arg;
    (void)thread;
    for (size_t i = first, matrix = first % turns->all->weights_count; i < end; i++) {
        (void)multiply(turns->all, &turns->call, matrix);
        if (++matrix == turns->all->weights_count)
            matrix = 0;
    }
}

static void run_blas(const void *arg, unsigned thread, size_t first, size_t end)
{
    const call_turns *turns = arg;
    const bench_calls *all = turns->all;
    const size_t m = all->size.rows, k = all->size.columns;
    (void)thread;
    for (size_t i = first; i < end; i++)
        all->trial.blas->multiply(turns->call.trans == LSQ_TRANS, m, k, turns->call.n,
                                  all->floats + i % all->floats_count * m * k, all->b, all->c);
}

static void run_bytes(const void *arg, unsigned thread, size_t first, size_t end)
{
    const call_turns *turns = arg;
    const bench_calls *all = turns->all;
    (void)thread;
    for (size_t i = first; i < end; i++)
        (void)bench_bytes_multiply(&all->bytes, i % all->bytes.count, turns->call.n, all->b, all->c);
}

static void run_read(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_calls *all = (bench_calls *)arg;
    const size_t total = all->reading.matrix_bytes * all->reading.matrices, from = first * PAGE;
    const size_t to = end * PAGE < total ? end * PAGE : total;
    all->reading.sums[thread] += all->reading.loop->read(all->reading.first + from, to - from);
}

/* ---- Setting up ---- */

lsq_status bench_calls_new(const bench_matrix_size *size, const bench_call *calls, size_t count, bench_calls **all)
{
    size_t longest = size->rows > size->columns ? size->rows : size->columns, widest = 1, values;
    for (size_t i = 0; i < count; i++)
        widest = calls[i].n > widest ? calls[i].n : widest;
    if (__builtin_mul_overflow(longest, widest * sizeof(float), &values))
        return LSQ_E_LIMIT;
    bench_calls *made = calloc(1, sizeof *made + count * sizeof *made->turns);
    if (!made)
        return LSQ_E_NOMEM;
    made->size = *size;
    made->widest = widest;
    made->count = count;
    for (size_t i = 0; i < count; i++)
        made->turns[i] = (call_turns){.all = made, .call = calls[i]};
    made->b = bench_alloc(values, 1);
    made->c = bench_alloc(values, 1);
    if (!made->b || !made->c) {
        bench_calls_free(made);
        return LSQ_E_NOMEM;
    }
    fill_floats(made->b, longest * widest);
    *all = made;
    return LSQ_OK;
}

static void free_weights(bench_calls *all)
{
    for (size_t i = 0; i < all->weights_count; i++)
        lsq_weights_free(all->weights[i]);
    free(all->weights);
    all->weights = NULL;
    all->weights_count = 0;
}

void bench_calls_free(bench_calls *all)
{
    if (!all)
        return;
    free_weights(all);
    bench_trial_end(&all->trial);
    bench_bytes_end(&all->bytes);
    free(all->packed);
    free(all->floats);
    free(all->b);
    free(all->c);
    free(all);
}

/* The float matrices, once. They are equal, which no BLAS could notice. */
static lsq_status provide_floats(bench_calls *all)
{
    const size_t m = all->size.rows, k = all->size.columns;
    size_t bytes, total;
    if (__builtin_mul_overflow(m, k * sizeof(float), &bytes) ||
        __builtin_mul_overflow(bytes, matrices_of(all, bytes), &total))
        return LSQ_E_LIMIT;
    all->floats = bench_alloc(total, 1);
    if (!all->floats)
        return LSQ_E_NOMEM;
    all->floats_count = total / bytes;
    fill_floats(all->floats, m * k);
    for (size_t i = 1; i < all->floats_count; i++)
        memcpy(all->floats + i * m * k, all->floats, bytes);
    return LSQ_OK;
}

static void prepare(const bench_calls *all, const call_turns *turns, bench_turn *turn,
                    void (*run)(const void *arg, unsigned thread, size_t first, size_t end), size_t matrices)
{
    const bench_work work = {run, turns, matrices * PASSES};
    bench_trial_prepare(&all->trial, turn, &work);
}

lsq_status bench_calls_threads(bench_calls *all, unsigned threads, lsq_activation activation, lsq_error *err)
{
    /* Samples from memory are longer: each should reach well beyond what the caches hold. */
    const double seconds = all->size.rotate ? 6e-3 : 2e-3;
    free_weights(all);
    bench_trial_end(&all->trial);
    lsq_status status = bench_trial_begin(&all->trial, threads, activation, seconds, err);
    if (!status && all->trial.blas && !all->floats)
        status = provide_floats(all);
    for (size_t i = 0; !status && all->trial.blas && i < all->count; i++)
        prepare(all, &all->turns[i], &all->turns[i].blas, run_blas, all->floats_count);
    return status;
}

/* Any bytes are weights, if only the tensor's float is one. */
static lsq_status wrap_all(bench_calls *all, const lsq_format *format, size_t bytes)
{
    const float one = 1;
    const size_t count = matrices_of(all, bytes);
    lsq_geometry geometry;
    lsq_status status = lsq_geometry_of(format, all->size.rows, all->size.columns, &geometry);
    if (!status && all->packed_bytes < count * bytes) {
        free(all->packed);
        all->packed_bytes = 0;
        all->packed = bench_alloc(count * bytes, 1);
        if (!all->packed)
            return LSQ_E_NOMEM;
        all->packed_bytes = count * bytes;
        bench_fill_random(all->packed, all->packed_bytes, 2);
    }
    all->weights = calloc(count, sizeof(*all->weights));
    if (!status && !all->weights)
        status = LSQ_E_NOMEM;
    for (size_t i = 0; !status && i < count; i++) {
        uint8_t *packed = all->packed + i * bytes;
        memcpy(packed + geometry.tensor, &one, sizeof one);
        status = lsq_weights_wrap(format, all->size.rows, all->size.columns, packed, bytes, &all->weights[i], NULL);
        all->weights_count += !status;
    }
    return status;
}

/* A cap on instruction sets is none on what memory can give. */
static void read_from(bench_calls *all, const void *first, size_t matrix_bytes, size_t matrices)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    all->reading.loop = bench_stream_widest(&cpu);
    all->reading.first = first;
    all->reading.matrix_bytes = matrix_bytes;
    all->reading.matrices = matrices;
    all->reading.turn.step = 0;
}

lsq_status bench_calls_floats(bench_calls *all)
{
    if (!all->trial.blas)
        return LSQ_E_UNSUPPORTED;
    read_from(all, all->floats, all->size.rows * all->size.columns * sizeof(float), all->floats_count);
    for (size_t i = 0; i < all->count; i++)
        all->turns[i].ours = all->turns[i].blas;
    return LSQ_OK;
}

lsq_status bench_calls_bytes(bench_calls *all)
{
    const bench_int8 *peer = bench_onednn();
    const size_t size = all->size.rows * all->size.columns;
    if (!peer)
        return LSQ_E_UNSUPPORTED;
    if (!all->bytes.weights &&
        !bench_bytes_begin(&all->bytes, peer, all->size.rows, all->size.columns, matrices_of(all, size), all->widest))
        return LSQ_E_NOMEM;
    peer->set_threads(all->trial.threads);
    if (!bench_bytes_multiply(&all->bytes, 0, 1, all->b, all->c))
        return LSQ_E_UNSUPPORTED;
    read_from(all, all->bytes.weights, size, all->bytes.count);
    for (size_t i = 0; i < all->count; i++)
        prepare(all, &all->turns[i], &all->turns[i].ours, run_bytes, all->bytes.count);
    return LSQ_OK;
}

size_t bench_calls_matrix_bytes(const bench_calls *all)
{
    return all->reading.matrix_bytes;
}

double bench_calls_read(bench_calls *all)
{
    call_reading *reading = &all->reading;
    const size_t total = reading->matrix_bytes * reading->matrices, pages = (total + PAGE - 1) / PAGE;
    if (reading->turn.step == 0) {
        const bench_work work = {run_read, all, pages};
        bench_turn_prepare(&reading->turn, &work, all->trial.team, all->trial.seconds);
    }
    if (!all->size.rotate) /* what stays in a cache has to be there */
        (void)bench_trial_time_team(&all->trial, &reading->turn);
    return bench_trial_time_team(&all->trial, &reading->turn) * (double)pages / (double)reading->matrices;
}

lsq_status bench_calls_format(bench_calls *all, const lsq_format *format)
{
    size_t bytes, total;
    lsq_status status = lsq_packed_bytes(format, all->size.rows, all->size.columns, &bytes);
    if (!status && __builtin_mul_overflow(bytes, matrices_of(all, bytes), &total))
        status = LSQ_E_LIMIT;
    free_weights(all);
    if (!status)
        status = wrap_all(all, format, bytes);
    if (!status)
        read_from(all, all->packed, bytes, all->weights_count);
    for (size_t i = 0; !status && i < all->count; i++) {
        call_turns *turns = &all->turns[i];
        status = multiply(all, &turns->call, 0);
        if (!status)
            prepare(all, turns, &turns->ours, run_ours, all->weights_count);
    }
    return status;
}

bench_trial_sample bench_calls_take(bench_calls *all, size_t i)
{
    return bench_trial_take(&all->trial, &all->turns[i].ours, &all->turns[i].blas);
}

const bench_trial *bench_calls_trial(const bench_calls *all)
{
    return &all->trial;
}

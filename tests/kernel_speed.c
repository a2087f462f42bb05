/*
 * kernel_speed.c - how fast a kernel is, roughly.
 */
#include "kernels/coder.h"
#include "tests/kernel_subject.h"

#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All panels once. */
static void run_all(const lsq_kernel *kernel, const workload *w, const columns *c, void *out)
{
    const size_t groups = w->args.w.groups;
    const float row[PANEL] = {0};
    const lsq_decode_args decode = {w->args.w, row, 0, PANEL, out, groups * GROUP};
    const lsq_expand_args expand = {w->args.w, out};
    if (kernel->op == OP_gemv)
        kernel->run.gemv(&w->args, 0, w->panels);
    for (size_t p = 0; kernel->op != OP_gemv && p < w->panels; p++)
        if (kernel->op == OP_decode)
            kernel->run.decode(&decode, p, 0, groups);
        else if (kernel->op == OP_expand)
            kernel->run.expand(&expand, p, 0, groups);
        else if (kernel->op == OP_gemm)
            kernel->run.gemm(&c->args, p, 0, groups);
        else
            kernel->run.gemvt(&c->transposed, p, 0, groups);
}

/* The vector of as many columns as the matrix has weights. */
static void round_all(const lsq_kernel *kernel, size_t vectors, size_t groups, const float *x, uint8_t *out)
{
    const size_t q = groups * GROUP * 2, sx = q + groups * sizeof(float), sums = sx + groups * 2 * sizeof(int32_t);
    const lsq_round_args args = {
        x, groups, 1, out, (float *)(void *)(out + q), (int32_t *)(void *)(out + sx), (int32_t *)(void *)(out + sums)};
    for (size_t i = 0; i < vectors; i++)
        kernel->run.round(&args);
}

/* Likewise, sixteen at a time of twice as many. */
static void round_strips(const lsq_kernel *kernel, size_t vectors, size_t groups, const float *x, uint8_t *out)
{
    const size_t q = groups * GROUP * STRIP * 2, sx = q + groups * STRIP * sizeof(float),
                 sums = sx + groups * 2 * STRIP * sizeof(int32_t);
    const lsq_roundt_args args = {x,
                                  2 * STRIP,
                                  groups,
                                  groups,
                                  out,
                                  (float *)(void *)(out + q),
                                  (int32_t *)(void *)(out + sx),
                                  (int32_t *)(void *)(out + sums)};
    for (size_t i = 0; i < vectors; i += STRIP)
        kernel->run.roundt(&args);
}

/* A tile under one scale, so often that it takes as long as the others. */
static void encode_all(const lsq_kernel *kernel, const lsq_format *format, size_t tiles)
{
    enum { PATHS = 32, STATES = 64 };
    static _Alignas(64) float x[TILE], importance[TILE], scale[PANEL], error[PANEL], metric[PATHS * STATES * PANEL];
    static _Alignas(64) uint16_t rank[TILE];
    static _Alignas(64) uint32_t chose[2 * TILE];
    lsq_levels levels;
    lsq_coder coder;
    lsq_levels_of(format, &levels);
    lsq_coder_of(format, &levels, LSQ_ROUND_NEAREST, &coder);
    for (size_t i = 0; i < TILE; i++) {
        x[i] = (float)value(127, RANDOM, i);
        importance[i] = 1;
        scale[i % PANEL] = 1;
    }
    const lsq_encode_args args = {
        &coder, x,    importance, scale, 1, error, 0, lsq_path_count(format->bits), 0, lsq_path_steps(format->bits),
        metric, rank, chose};
    for (size_t i = 0; i < tiles; i++)
        if (kernel->op == OP_measure)
            kernel->run.measure(&args);
        else
            kernel->run.encode(&args);
}

double kernel_speed(const lsq_kernel *kernel)
{
    enum { PANELS = 64, GROUPS = 32, QUADS = 6, RUNS = 100 };
    static float x[GROUPS * GROUP * 2 * STRIP];
    subject s = {.kernel = kernel, .panels = PANELS, .groups = GROUPS};
    variant variants[12];
    workload w;
    columns c;
    variants_of(kernel->codec, variants);
    s.v = variants[kernel->codec >= CODEC_t1 && kernel->codec <= CODEC_t6 ? 8 : 0]; /* the default format */
    seed_random(1);
    workload_make(&w, kernel, s.v, PANELS, GROUPS, RANDOM, 0);
    columns_make(&c, &s, &w, QUADS);
    for (size_t i = 0; i < GROUPS * GROUP * 2 * STRIP; i++)
        x[i] = (float)value(127, RANDOM, i);
    w.args.prefetch = c.transposed.prefetch = 4096;
    void *out = aligned_alloc(64, PANEL * GROUPS * GROUP * sizeof(float));
    c.args.sums = c.transposed.y = out;
    double best = 1e9;
    for (unsigned i = 0; i < RUNS && out; i++) {
        double start = seconds();
        if (kernel->op == OP_measure || kernel->op == OP_encode)
            encode_all(kernel, &s.v.format, PANELS * GROUPS);
        else if (kernel->op == OP_round)
            round_all(kernel, PANELS * PANEL, GROUPS, x, out);
        else if (kernel->op == OP_roundt)
            round_strips(kernel, PANELS * PANEL, GROUPS, x, out);
        else
            run_all(kernel, &w, &c, out);
        double taken = seconds() - start;
        best = taken < best ? taken : best;
        if (i == 2 && best > 0.05)
            break;
    }
    free(out);
    columns_free(&c);
    workload_free(&w);
    return PANELS * GROUPS * (double)TILE / best * (kernel->op == OP_gemm ? QUADS * QUAD : 1);
}

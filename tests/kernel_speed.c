/*
 * kernel_speed.c - how fast a kernel is, roughly.
 */
#include "kernels/codec.h"
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

double kernel_speed(const lsq_kernel *kernel)
{
    enum { PANELS = 64, GROUPS = 32, QUADS = 6, RUNS = 100 };
    static float x[GROUPS * GROUP];
    subject s = {.kernel = kernel, .panels = PANELS, .groups = GROUPS};
    variant variants[12];
    workload w;
    columns c;
    variants_of(kernel->codec, variants);
    s.v = variants[kernel->codec >= CODEC_t1 && kernel->codec <= CODEC_t6 ? 8 : 0]; /* the default format */
    seed_random(1);
    workload_make(&w, kernel, s.v, PANELS, GROUPS, RANDOM, 0);
    columns_make(&c, &s, &w, QUADS);
    for (size_t i = 0; i < GROUPS * GROUP; i++)
        x[i] = (float)value(127, RANDOM, i);
    w.args.prefetch = 4096;
    void *out = aligned_alloc(64, PANEL * GROUPS * GROUP * sizeof(float));
    c.args.sums = c.transposed.y = out;
    double best = 1e9;
    for (unsigned i = 0; i < RUNS && out; i++) {
        double start = seconds();
        if (kernel->op == OP_round)
            round_all(kernel, PANELS * PANEL, GROUPS, x, out);
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

/*
 * kernel_check_columns.c - the kernels of products of several columns and of transposed ones, against the first of their kind.
 *
 * Levels and columns are as random and extreme as those of kernel_check.c. Groups come in two parts, as blocks of them do in use.
 */
#include "tests/kernel_subject.h"

#include "kernels/codec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t level_bytes(const lsq_kernel *kernel)
{
    return kernel->act == ACT_i8 ? 1 : kernel->act == ACT_i16 ? 2 : 4;
}

static void put(void *to, size_t i, int v, enum lsq_act act)
{
    if (act == ACT_i8)
        ((int8_t *)to)[i] = (int8_t)v;
    else if (act == ACT_i16)
        ((int16_t *)to)[i] = (int16_t)v;
    else
        ((float *)to)[i] = (float)v / 64;
}

static size_t strips_of(size_t quads)
{
    return (quads * QUAD + STRIP - 1) / STRIP;
}

/* ---- What they work on ---- */

/* The columns of gemm: rounded, in quads, or floats, in strips. */
static void fill_columns(columns *c, const subject *s, size_t quads)
{
    const int limit = s->kernel->act == ACT_i8 ? 127 : 4095;
    const size_t values = s->groups * GROUP * (s->kernel->act == ACT_f32 ? strips_of(quads) * STRIP : quads * QUAD);
    int32_t *bias = c->bias.data, *negative = c->negative.data;
    memset(bias, 0, quads * s->groups * 2 * QUAD * sizeof(*bias));
    memset(negative, 0, quads * s->groups * 2 * QUAD * sizeof(*negative));
    for (size_t i = 0; i < values; i++) {
        const int x = value(limit, s->how, i);
        const size_t half = i / 64 * QUAD + i % 16 / 4;
        put(c->x.data, i, x, s->kernel->act);
        if (s->kernel->act == ACT_f32)
            continue;
        bias[half] -= 128 * x;
        negative[half] += x < 0 ? -x : 0;
    }
    for (size_t i = 0; i < quads * s->groups * QUAD; i++)
        ((float *)c->sx.data)[i] = random_scale();
}

/* The vector of gemvt: floats for all panels, of like or of very different sizes. */
static void fill_vector(float *x, size_t n, enum fill how)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)value(127, how, i) / 64 * (i % 3 ? 1 : random_scale());
}

void columns_make(columns *c, const subject *s, const workload *w, size_t quads)
{
    const int transposed = s->kernel->op == OP_gemvt, largest = lsq_largest_level(&s->v.format);
    const size_t element = level_bytes(s->kernel), all = quads * s->groups;
    const size_t x_bytes = transposed                  ? s->panels * PANEL * sizeof(float)
                           : s->kernel->act == ACT_f32 ? strips_of(quads) * s->groups * GROUP * STRIP * sizeof(float)
                                                       : all * STEPS * 16 * element;
    const size_t results = (transposed ? s->groups * GROUP : strips_of(quads) * STRIP * PANEL) * sizeof(float);
    *c = (columns){.levels = guarded_new(s->groups * TILE * element, 1),
                   .x = guarded_new(x_bytes, 1),
                   .sx = guarded_new(all * QUAD * sizeof(float), 1),
                   .bias = guarded_new(all * 2 * QUAD * sizeof(int32_t), 1),
                   .negative = guarded_new(all * 2 * QUAD * sizeof(int32_t), 1),
                   .expected = guarded_new(results, 1),
                   .got = guarded_new(results, 1)};
    for (size_t i = 0; i < s->groups * TILE; i++)
        put(c->levels.data, i, value(largest, s->how == LOWEST ? HIGHEST : s->how, i), s->kernel->act);
    if (transposed)
        fill_vector(c->x.data, s->panels * PANEL, s->how);
    else
        fill_columns(c, s, quads);
    c->args = (lsq_gemm_args){.w = w->args.w,
                              .levels = c->levels.data,
                              .largest = largest,
                              .quads = quads,
                              .columns = quads * QUAD - s->groups % QUAD,
                              .x = c->x.data,
                              .sx = c->sx.data,
                              .bias = c->bias.data,
                              .negative = c->negative.data,
                              .prefetch = s->groups % 2 * 4096};
    c->transposed = (lsq_gemvt_args){.w = w->args.w, .levels = c->levels.data, .largest = largest, .x = c->x.data};
    if (s->kernel->codec < CODEC_e8) { /* straight from codes */
        c->transposed.levels = NULL;
        c->transposed.prefetch = s->groups % 2 * 4096;
    }
    guarded *inputs[] = {&c->levels, &c->sx, &c->bias, &c->negative};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
        guarded_seal(inputs[i]);
}

void columns_free(columns *c)
{
    guarded *all[] = {&c->levels, &c->x, &c->sx, &c->bias, &c->negative, &c->expected, &c->got};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

/* A decoded weight of two parts, each of them row after row. */
static double weight_of(const columns *c, const subject *s, size_t middle, size_t row, size_t column)
{
    const float *weight = c->levels.data;
    const size_t before = middle * GROUP, behind = (s->groups - middle) * GROUP;
    return column < before ? weight[row * before + column] : weight[middle * TILE + row * behind + column - before];
}

/* A result of float products against double: rounded so many times, each by 2^-24 of at most `size`. */
static int expect_close(const subject *s, size_t i, double got, double exact, double size, double roundings)
{
    const int close = fabs(got - exact) <= roundings * 0x1p-24 * size;
    s->verdict->checks++;
    if (!close)
        fault(s, "float %zu is %.9g, exactly %.9g", i, got, exact);
    return close;
}

/* ---- gemm ---- */

static void run_gemm(const subject *s, const lsq_kernel *kernel, const columns *c, size_t p, size_t middle, float *sums)
{
    lsq_gemm_args args = c->args;
    args.sums = sums;
    if (middle)
        run(s, (void (*)(void))kernel->run.gemm, &args, p, 0, middle);
    args.levels = (const uint8_t *)args.levels + middle * TILE * level_bytes(kernel);
    run(s, (void (*)(void))kernel->run.gemm, &args, p, middle, s->groups);
}

static void expect_float_gemm(const subject *s, const columns *c, size_t middle)
{
    const size_t k = s->groups * GROUP;
    const float *x = c->args.x, *got = c->got.data;
    for (size_t j = 0; j < c->args.quads * QUAD; j++)
        for (size_t r = 0; r < PANEL; r++) {
            const size_t at = (j / STRIP * PANEL + r) * STRIP + j % STRIP;
            double sum = 0, size = 0;
            for (size_t i = 0; i < k; i++) {
                const double term = weight_of(c, s, middle, r, i) * x[(j / STRIP * k + i) * STRIP + j % STRIP];
                sum += term;
                size += fabs(term);
            }
            if (!expect_close(s, at, got[at], sum, size, (double)k / 4 + 60))
                return;
        }
}

void check_gemm(const subject *s, const workload *w, size_t p, size_t quads)
{
    columns c;
    const size_t n = strips_of(quads) * STRIP * PANEL, middle = (p + quads) % s->groups;
    columns_make(&c, s, w, quads);
    guarded_seal(&c.x);
    memset(c.got.data, 0xee, n * sizeof(float));
    if (s->kernel->act == ACT_f32) {
        run_gemm(s, s->kernel, &c, p, middle, c.got.data);
        expect_float_gemm(s, &c, middle);
    } else {
        run_gemm(s, s->reference, &c, p, 0, c.expected.data);
        run_gemm(s, s->kernel, &c, p, middle, c.got.data);
        expect_same(s, c.got.data, c.expected.data, c.args.columns * PANEL, "gemm");
    }
    columns_free(&c);
}

/* ---- gemvt ---- */

/* Both parts of the groups of panel p; y goes on from numbers that are the same every time. */
static void run_gemvt(const subject *s, const lsq_kernel *kernel, const columns *c, size_t p, size_t middle, float *y)
{
    lsq_gemvt_args args = c->transposed;
    args.y = y;
    for (size_t i = 0; i < s->groups * GROUP; i++)
        y[i] = (float)(i % 7);
    if (middle)
        run(s, (void (*)(void))kernel->run.gemvt, &args, p, 0, middle);
    if (args.levels)
        args.levels = (const uint8_t *)args.levels + middle * TILE * level_bytes(kernel);
    run(s, (void (*)(void))kernel->run.gemvt, &args, p, middle, s->groups);
}

static void expect_float_gemvt(const subject *s, const columns *c, size_t p, size_t middle)
{
    for (size_t i = 0; i < s->groups * GROUP; i++) {
        double sum = (double)(i % 7), size = sum;
        for (size_t r = 0; r < PANEL; r++) {
            const double term = weight_of(c, s, middle, r, i) * c->transposed.x[p * PANEL + r];
            sum += term;
            size += fabs(term);
        }
        if (!expect_close(s, i, ((const float *)c->got.data)[i], sum, size, PANEL + 2))
            return;
    }
}

/* Numbers that cannot be scaled: they must end as lsq.h says, whatever exceptions that raises. */
static void check_odd_vectors(const subject *s, columns *c, size_t p)
{
    static const float odd[] = {NAN, -INFINITY, 0x1p-120f, 0x1p-149f, 0};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        float *x = c->x.data;
        lsq_gemvt_args args = c->transposed;
        for (size_t r = 0; r < PANEL && fabsf(odd[i]) < 1; r++)
            x[p * PANEL + r] = 0;
        x[p * PANEL + (p + i) % PANEL] = odd[i];
        memset(c->expected.data, 0, s->groups * GROUP * sizeof(float));
        memset(c->got.data, 0, s->groups * GROUP * sizeof(float));
        args.y = c->expected.data;
        s->reference->run.gemvt(&args, p, 0, s->groups);
        args.y = c->got.data;
        s->kernel->run.gemvt(&args, p, 0, s->groups);
        for (size_t j = 0; j < s->groups * GROUP; j++) { /* one NaN is as good as another */
            const float *a = (const float *)c->got.data + j, *b = (const float *)c->expected.data + j;
            if (isnan(*b) ? !isnan(*a) : memcmp(a, b, sizeof(*a))) {
                fault(s, "odd vector %zu: y[%zu] is %g, reference %g", i, j, *a, *b);
                break;
            }
        }
    }
}

void check_gemvt(const subject *s, const workload *w, size_t p)
{
    columns c;
    const size_t middle = p % s->groups;
    columns_make(&c, s, w, 1);
    run_gemvt(s, s->kernel, &c, p, middle, c.got.data);
    if (s->kernel->act == ACT_f32) {
        expect_float_gemvt(s, &c, p, middle);
    } else {
        run_gemvt(s, s->reference, &c, p, 0, c.expected.data);
        expect_same(s, c.got.data, c.expected.data, s->groups * GROUP, "gemvt");
        check_odd_vectors(s, &c, p);
    }
    columns_free(&c);
}

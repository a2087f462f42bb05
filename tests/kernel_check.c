/*
 * kernel_check.c - one kernel against the first of its kind.
 *
 * Integer products and decoding must give the same bytes; float products must keep the bound of lsq.h. All inputs lie against
 * forbidden pages, at their ends and at their beginnings, and cannot be written; outputs end at one. Shapes are 1 to 5 panels by 1
 * to 9 groups, all ranges of panels, and one across two chains; values are random and extreme. What a panel gives must not
 * depend on those beside it, and the machine must be left as it was (machine_state.h).
 */
#include "tests/kernel_check.h"

#include "kernels/codec.h"
#include "tests/guarded.h"
#include "tests/machine_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t state;

static uint32_t random32(void)
{
    state += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

enum fill { RANDOM, ALL_ONES, ALL_ZEROS, LOWEST, HIGHEST, ALTERNATING, FILLS };

static void fill_bytes(void *to, size_t n, enum fill how)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = how == RANDOM || how >= LOWEST ? (uint8_t)random32() : how == ALL_ONES ? 255 : 0;
}

/* One kind of weights that a kernel must handle. */
typedef struct variant {
    lsq_format format;
    int has_scales;
} variant;

typedef struct workload {
    guarded codes, scales, rows, x, sx, bias, negative, y;
    lsq_levels levels;
    lsq_gemv_args args;
    size_t panels;
} workload;

static void fill_x(workload *w, unsigned act, size_t k, enum fill how)
{
    int limit = act == ACT_i8 ? 127 : 4095;
    int32_t *bias = w->bias.data, *negative = w->negative.data;
    float *sx = w->sx.data;
    for (size_t c = 0; c < k; c++) {
        int q = how == LOWEST        ? -limit
                : how == HIGHEST     ? limit
                : how == ALTERNATING ? (c % 2 ? limit : -limit)
                : how == ALL_ZEROS   ? 0
                                     : (int)(random32() % (2u * (unsigned)limit + 1)) - limit;
        if (act == ACT_i8)
            ((int8_t *)w->x.data)[c] = (int8_t)q;
        else if (act == ACT_i16)
            ((int16_t *)w->x.data)[c] = (int16_t)q;
        else
            ((float *)w->x.data)[c] = (float)q / 64.0f;
        if (c % 16 == 0)
            bias[c / 16] = negative[c / 16] = 0;
        bias[c / 16] -= 128 * q;
        negative[c / 16] += q < 0 ? -q : 0;
        if (c % GROUP == 0)
            sx[c / GROUP] = ldexpf(1.0f + (float)(random32() % 1000) / 1000.0f, (int)(random32() % 20) - 10);
    }
}

static void make(workload *w, const lsq_kernel *kernel, variant v, size_t panels, size_t groups, enum fill how,
                 int at_end)
{
    lsq_geometry g;
    unsigned act = kernel->act, element = act == ACT_i8 ? 1 : act == ACT_i16 ? 2 : 4;
    if (lsq_geometry_of(&v.format, panels * PANEL, groups * GROUP, &g) != LSQ_OK)
        abort();
    lsq_levels_of(&v.format, &w->levels);
    w->panels = panels;
    w->codes = guarded_new(panels * groups * 64 * v.format.bits, at_end);
    w->scales = guarded_new(panels * groups * g.scale_bytes, at_end);
    w->rows = guarded_new(panels * PANEL, at_end);
    w->x = guarded_new(groups * GROUP * element, at_end);
    w->sx = guarded_new(groups * sizeof(float), at_end);
    w->bias = guarded_new(groups * 2 * sizeof(int32_t), at_end);
    w->negative = guarded_new(groups * 2 * sizeof(int32_t), at_end);
    w->y = guarded_new(panels * PANEL * sizeof(float), at_end);
    fill_bytes(w->codes.data, panels * groups * 64 * v.format.bits, how);
    fill_bytes(w->scales.data, panels * groups * g.scale_bytes, how);
    fill_bytes(w->rows.data, panels * PANEL, how);
    fill_x(w, act, groups * GROUP, how);
    guarded *inputs[] = {&w->codes, &w->scales, &w->rows, &w->x, &w->sx, &w->bias, &w->negative};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
        guarded_seal(inputs[i]);
    w->args = (lsq_gemv_args){
        .w = {w->codes.data, v.has_scales ? w->scales.data : NULL, w->rows.data, groups, &w->levels, v.format.scale,
              v.format.states},
        .x = w->x.data,
        .sx = w->sx.data,
        .bias = w->bias.data,
        .negative = w->negative.data,
        .y = w->y.data,
    };
}

static void unmake(workload *w)
{
    guarded *all[] = {&w->codes, &w->scales, &w->rows, &w->x, &w->sx, &w->bias, &w->negative, &w->y};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

/* The kinds of weights of a kernel family: every kind of scale, every number of states; of expanded ones, every largest level. */
static size_t variants_of(unsigned codec, variant v[12])
{
    static const uint8_t states[] = {4, 8, 16, 64},
                         scales[] = {LSQ_SCALE_BYTE32, LSQ_SCALE_NIBBLE32, LSQ_SCALE_NIBBLE16};
    size_t n = 0;
    if (codec == CODEC_e8 || codec == CODEC_e16) {
        for (uint8_t bits = codec == CODEC_e8 ? 4 : 8; bits <= (codec == CODEC_e8 ? 5 : 8); bits++) {
            v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_BYTE32, 0, 3}, 1};
            v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_ROW, 0, 3}, 0};
        }
        for (unsigned i = 0; i < 6 && codec == CODEC_e8; i++)
            v[n++] = (variant){{LSQ_TRELLIS, (uint8_t)(3 + i / 3), scales[i % 3], 16, 4}, 1};
        return n;
    }
    if (codec < CODEC_t1) {
        uint8_t bits = (uint8_t)(codec - CODEC_p2 + 2);
        v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_BYTE32, 0, 3}, 1};
        v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_ROW, 0, 0}, 0};
        if (bits > 2)
            v[n++] = (variant){{LSQ_CLASSIC, bits, LSQ_SCALE_BYTE32, 0, 7}, 1};
        return n;
    }
    for (unsigned i = 0; i < 12; i++)
        v[n++] = (variant){{LSQ_TRELLIS, (uint8_t)(codec - CODEC_t1 + 1), scales[i % 3], states[i / 3], 4}, 1};
    return n;
}

/* What is being checked, for messages. */
typedef struct subject {
    const lsq_kernel *kernel, *reference;
    variant v;
    enum fill how;
    size_t panels, groups;
    kernel_verdict *verdict;
} subject;

__attribute__((format(printf, 2, 3))) static void fault(const subject *s, const char *format, ...)
{
    char name[LSQ_FORMAT_NAME_MAX] = "?";
    lsq_format_name(&s->v.format, name);
    if (s->verdict->failures++ >= 5)
        return;
    printf("FAIL %s: %s, %zu panels x %zu groups, fill %d: ", s->kernel->name, name, s->panels, s->groups, (int)s->how);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* Calls a kernel of any operation. */
static void run(const subject *s, void (*kernel)(void), const void *args, size_t i, size_t j, size_t k)
{
    const char *changed = call_and_look(kernel, args, i, j, k);
    if (changed)
        fault(s, "called with %zu, %zu, %zu: %s", i, j, k, changed);
}

static void run_gemv(const subject *s, const lsq_kernel *kernel, const lsq_gemv_args *args, size_t p0, size_t p1)
{
    run(s, (void (*)(void))kernel->run.gemv, args, p0, p1, 0);
}

/* The product of row r of panel p in double, and the sum of its terms' magnitudes, from decoded weights. */
static double exact(const workload *w, unsigned codec, size_t p, size_t r, double *magnitude)
{
    size_t k = w->args.w.groups * GROUP;
    float one[PANEL], *decoded = malloc(PANEL * k * sizeof(float));
    for (unsigned i = 0; i < PANEL; i++)
        one[i] = 1;
    lsq_decode_args args = {w->args.w, one, 0, PANEL, decoded, k};
    lsq_kernel_reference(OP_decode, codec, ACT_f32)->run.decode(&args, p, 0, w->args.w.groups);
    double sum = *magnitude = 0;
    for (size_t c = 0; c < k; c++) {
        double term = (double)decoded[r * k + c] * ((const float *)w->args.x)[c];
        sum += term;
        *magnitude += fabs(term);
    }
    free(decoded);
    return sum;
}

/* Does a panel give the same alone? */
static void check_alone(const subject *s, const workload *w, size_t p0, size_t p1, const float *y)
{
    guarded alone = guarded_new(PANEL * sizeof(float), 1);
    lsq_gemv_args args = w->args;
    args.y = alone.data;
    for (size_t p = p0; p < p1; p++) {
        run_gemv(s, s->kernel, &args, p, p + 1);
        if (memcmp(alone.data, y + (p - p0) * PANEL, PANEL * sizeof(float)))
            fault(s, "panel %zu of [%zu, %zu) is another one alone", p, p0, p1);
    }
    guarded_free(&alone);
}

static void check_gemv(const subject *s, const workload *w, size_t p0, size_t p1)
{
    size_t rows = (p1 - p0) * PANEL, k = s->groups * GROUP;
    guarded expected = guarded_new(rows * sizeof(float), 1), got = guarded_new(rows * sizeof(float), 1);
    lsq_gemv_args args = w->args;
    args.prefetch = (p0 + p1) % 2 * 4096;
    args.y = expected.data;
    run_gemv(s, s->reference, &args, p0, p1);
    args.y = got.data;
    memset(got.data, 0xee, rows * sizeof(float));
    run_gemv(s, s->kernel, &args, p0, p1);
    const float *y = got.data, *y0 = expected.data;
    for (size_t r = 0; r < rows; r++) {
        int same = !memcmp(&y[r], &y0[r], sizeof(float));
        if (s->kernel->act == ACT_f32 && (!same || s->kernel == s->reference)) { /* LSQ_ACT_FLOAT in lsq.h */
            double magnitude, sum = exact(w, s->kernel->codec, p0 + r / PANEL, r % PANEL, &magnitude);
            same = fabs(y[r] - sum) <= ((double)k / 4 + 64) * 0x1p-24 * magnitude;
        }
        s->verdict->checks++;
        if (!same) {
            fault(s, "panels [%zu, %zu): row %zu is %.9g, reference %.9g", p0, p1, r, y[r], y0[r]);
            break;
        }
    }
    if (s->kernel->act == ACT_f32)
        check_alone(s, w, p0, p1, y);
    guarded_free(&expected);
    guarded_free(&got);
}

/* Rows [r0, r1) into a matrix that has 5 more columns, which stay as they are. */
static void check_decode(const subject *s, const workload *w, size_t p, unsigned r0, unsigned r1, size_t g0, size_t g1)
{
    size_t ld = GROUP * (g1 - g0) + 5, n = (r1 - r0 - 1) * ld + GROUP * (g1 - g0);
    guarded expected = guarded_new(n * sizeof(float), 1), got = guarded_new(n * sizeof(float), 1);
    float row[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        row[r] = ldexpf(1.0f + (float)(random32() % 1000) / 1000.0f, (int)(random32() % 20) - 10);
    lsq_decode_args args = {w->args.w, row, r0, r1, expected.data, ld};
    memset(expected.data, 0xee, n * sizeof(float));
    memset(got.data, 0xee, n * sizeof(float));
    run(s, (void (*)(void))s->reference->run.decode, &args, p, g0, g1);
    args.out = got.data;
    run(s, (void (*)(void))s->kernel->run.decode, &args, p, g0, g1);
    s->verdict->checks++;
    for (size_t i = 0; i < n; i++)
        if (memcmp((float *)got.data + i, (float *)expected.data + i, sizeof(float))) {
            fault(s, "panel %zu, rows [%u, %u), groups [%zu, %zu): float %zu is %.9g, reference %.9g", p, r0, r1, g0,
                  g1, i, ((float *)got.data)[i], ((float *)expected.data)[i]);
            break;
        }
    guarded_free(&expected);
    guarded_free(&got);
}

static void check_expand(const subject *s, const workload *w, size_t p, size_t g0, size_t g1)
{
    const size_t n = (g1 - g0) * TILE * (s->kernel->act == ACT_i8 ? 1 : 2);
    guarded expected = guarded_new(n, 1), got = guarded_new(n, 1);
    lsq_expand_args args = {w->args.w, expected.data};
    run(s, (void (*)(void))s->reference->run.expand, &args, p, g0, g1);
    args.out = got.data;
    memset(got.data, 0xee, n);
    run(s, (void (*)(void))s->kernel->run.expand, &args, p, g0, g1);
    s->verdict->checks++;
    if (memcmp(expected.data, got.data, n))
        fault(s, "panel %zu, groups [%zu, %zu): other levels", p, g0, g1);
    guarded_free(&expected);
    guarded_free(&got);
}

/* Columns and levels for gemm on the matrix of a workload. */
typedef struct columns {
    guarded levels, x, sx, bias, negative, expected, got;
    lsq_gemm_args args;
} columns;

static int value(int limit, enum fill how, size_t i)
{
    return how == LOWEST        ? -limit
           : how == HIGHEST     ? limit
           : how == ALTERNATING ? (i % 2 ? limit : -limit)
           : how == ALL_ZEROS   ? 0
                                : (int)(random32() % (2u * (unsigned)limit + 1)) - limit;
}

static void put(void *to, size_t i, int v, int wide)
{
    if (wide)
        ((int16_t *)to)[i] = (int16_t)v;
    else
        ((int8_t *)to)[i] = (int8_t)v;
}

static void make_columns(columns *c, const subject *s, const workload *w, size_t quads, enum fill how)
{
    const int wide = s->kernel->act == ACT_i16, largest = lsq_largest_level(&s->v.format), limit = wide ? 4095 : 127;
    const size_t groups = s->groups, element = wide ? 2 : 1, all = quads * groups;
    const size_t sums = quads * QUAD * PANEL * sizeof(float);
    *c = (columns){guarded_new(groups * TILE * element, 1),
                   guarded_new(all * STEPS * 16 * element, 1),
                   guarded_new(all * QUAD * sizeof(float), 1),
                   guarded_new(all * 2 * QUAD * sizeof(int32_t), 1),
                   guarded_new(all * 2 * QUAD * sizeof(int32_t), 1),
                   guarded_new(sums, 1),
                   guarded_new(sums, 1),
                   {.w = w->args.w, .largest = largest, .quads = quads}};
    int32_t *bias = c->bias.data, *negative = c->negative.data;
    for (size_t i = 0; i < groups * TILE; i++)
        put(c->levels.data, i, value(largest, how == LOWEST ? HIGHEST : how, i), wide);
    memset(bias, 0, all * 2 * QUAD * sizeof(*bias));
    memset(negative, 0, all * 2 * QUAD * sizeof(*negative));
    for (size_t i = 0; i < all * STEPS * 16; i++) {
        const int x = value(limit, how, i);
        const size_t half = i / 64 * QUAD + i % 16 / 4;
        put(c->x.data, i, x, wide);
        bias[half] -= 128 * x;
        negative[half] += x < 0 ? -x : 0;
    }
    for (size_t i = 0; i < all * QUAD; i++)
        ((float *)c->sx.data)[i] = ldexpf(1.0f + (float)(random32() % 1000) / 1000.0f, (int)(random32() % 20) - 10);
    c->args.levels = c->levels.data;
    c->args.x = c->x.data;
    c->args.sx = c->sx.data;
    c->args.bias = bias;
    c->args.negative = negative;
    const guarded *inputs[] = {&c->levels, &c->x, &c->sx, &c->bias, &c->negative};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
        guarded_seal(inputs[i]);
}

static void free_columns(columns *c)
{
    guarded *all[] = {&c->levels, &c->x, &c->sx, &c->bias, &c->negative, &c->expected, &c->got};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

/* All groups in two parts. */
static void run_gemm(const subject *s, const lsq_kernel *kernel, const columns *c, size_t p, size_t middle, float *sums)
{
    lsq_gemm_args args = c->args;
    args.sums = sums;
    if (middle)
        run(s, (void (*)(void))kernel->run.gemm, &args, p, 0, middle);
    args.levels = (const uint8_t *)args.levels + middle * TILE * (kernel->act == ACT_i8 ? 1 : 2);
    run(s, (void (*)(void))kernel->run.gemm, &args, p, middle, s->groups);
}

static void check_gemm(const subject *s, const workload *w, size_t p, size_t quads, enum fill how)
{
    columns c;
    const size_t n = quads * QUAD * PANEL * sizeof(float);
    make_columns(&c, s, w, quads, how);
    memset(c.got.data, 0xee, n);
    run_gemm(s, s->reference, &c, p, 0, c.expected.data);
    run_gemm(s, s->kernel, &c, p, (p + quads) % s->groups, c.got.data);
    s->verdict->checks++;
    const float *y0 = c.expected.data, *y = c.got.data;
    for (size_t i = 0; i < n / sizeof(float); i++)
        if (memcmp(&y[i], &y0[i], sizeof(float))) {
            fault(s, "panel %zu, %zu quads: column %zu, row %zu is %.9g, reference %.9g", p, quads, i / PANEL,
                  i % PANEL, y[i], y0[i]);
            break;
        }
    free_columns(&c);
}

/* One panel by the other operations. */
static void check_panel(const subject *s, const workload *w, size_t p, enum fill how)
{
    switch (s->kernel->op) {
    case OP_decode:
        for (unsigned r0 = 0; r0 < PANEL; r0 += 4)
            check_decode(s, w, p, r0, r0 % 8 ? r0 + 4 : PANEL, p % s->groups, s->groups);
        break;
    case OP_expand:
        check_expand(s, w, p, p % s->groups, s->groups);
        break;
    default:
        check_gemm(s, w, p, 1 + (p + s->groups) % 7, how);
    }
}

static void check_shape(subject *s, size_t panels, size_t groups, enum fill how)
{
    workload w;
    s->panels = panels;
    s->groups = groups;
    s->how = how;
    make(&w, s->kernel, s->v, panels, groups, how, (panels + groups) % 2 == 0);
    for (size_t p0 = 0; p0 < panels; p0++)
        for (size_t p1 = p0 + 1; p1 <= panels; p1++) {
            if (panels > 5 && p1 != panels && p0 != 0)
                continue;
            if (s->kernel->op == OP_gemv)
                check_gemv(s, &w, p0, p1);
            else if (p1 == p0 + 1)
                check_panel(s, &w, p0, how);
        }
    unmake(&w);
}

kernel_verdict kernel_check(const lsq_kernel *kernel, uint64_t seed)
{
    kernel_verdict verdict = {0};
    subject s = {.kernel = kernel,
                 .reference = lsq_kernel_reference(kernel->op, kernel->codec, kernel->act),
                 .verdict = &verdict};
    variant variants[12];
    size_t count = variants_of(kernel->codec, variants);
    state = seed;
    for (size_t i = 0; i < count; i++) {
        s.v = variants[i];
        for (size_t panels = 1; panels <= 5; panels++)
            for (size_t groups = 1; groups <= 9; groups++)
                check_shape(&s, panels, groups, RANDOM);
        for (enum fill how = RANDOM + 1; how < FILLS; how++)
            check_shape(&s, 3, 2, how);
        check_shape(&s, CHAIN + 3, 1, RANDOM);
    }
    return verdict;
}

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
        else
            kernel->run.gemm(&c->args, p, 0, groups);
}

double kernel_speed(const lsq_kernel *kernel)
{
    enum { PANELS = 64, GROUPS = 32, QUADS = 6, RUNS = 100 };
    subject s = {.kernel = kernel, .groups = GROUPS};
    variant variants[12];
    workload w;
    columns c;
    variants_of(kernel->codec, variants);
    s.v = variants[kernel->codec >= CODEC_t1 && kernel->codec <= CODEC_t6 ? 8 : 0]; /* the default format */
    state = 1;
    make(&w, kernel, s.v, PANELS, GROUPS, RANDOM, 0);
    make_columns(&c, &s, &w, QUADS, RANDOM);
    c.args.sums = c.got.data;
    w.args.prefetch = 4096;
    void *out = aligned_alloc(64, PANEL * GROUPS * GROUP * sizeof(float));
    double best = 1e9;
    for (unsigned i = 0; i < RUNS && out; i++) {
        double start = seconds();
        run_all(kernel, &w, &c, out);
        double taken = seconds() - start;
        best = taken < best ? taken : best;
        if (i == 2 && best > 0.05)
            break;
    }
    free(out);
    free_columns(&c);
    unmake(&w);
    return PANELS * GROUPS * (double)TILE / best * (kernel->op == OP_gemm ? QUADS * QUAD : 1);
}

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

/* The kinds of weights of a kernel family: every kind of scale, every number of states. */
static size_t variants_of(unsigned codec, variant v[12])
{
    static const uint8_t states[] = {4, 8, 16, 64},
                         scales[] = {LSQ_SCALE_BYTE32, LSQ_SCALE_NIBBLE32, LSQ_SCALE_NIBBLE16};
    size_t n = 0;
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

static void run_gemv(const subject *s, const lsq_kernel *kernel, const lsq_gemv_args *args, size_t p0, size_t p1)
{
    const char *changed = call_and_look((void (*)(void))kernel->run.gemv, args, p0, p1, 0);
    if (changed)
        fault(s, "panels [%zu, %zu): %s", p0, p1, changed);
}

static void run_decode(const subject *s, const lsq_kernel *kernel, const lsq_decode_args *args, size_t p, size_t g0,
                       size_t g1)
{
    const char *changed = call_and_look((void (*)(void))kernel->run.decode, args, p, g0, g1);
    if (changed)
        fault(s, "panel %zu, groups [%zu, %zu): %s", p, g0, g1, changed);
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
    run_decode(s, s->reference, &args, p, g0, g1);
    args.out = got.data;
    run_decode(s, s->kernel, &args, p, g0, g1);
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
                for (unsigned r0 = 0; r0 < PANEL; r0 += 4)
                    check_decode(s, &w, p0, r0, r0 % 8 ? r0 + 4 : PANEL, p0 % groups, groups);
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

double kernel_speed(const lsq_kernel *kernel)
{
    enum { PANELS = 64, GROUPS = 128, RUNS = 40 };
    variant variants[12];
    workload w;
    variants_of(kernel->codec, variants);
    state = 1;
    make(&w, kernel, variants[kernel->codec < CODEC_t1 ? 0 : 8], PANELS, GROUPS, RANDOM, 0); /* the default format */
    float row[PANEL] = {0}, *out = kernel->op == OP_decode ? malloc(PANEL * GROUPS * GROUP * sizeof(float)) : NULL;
    lsq_decode_args decode = {w.args.w, row, 0, PANEL, out, GROUPS * GROUP};
    w.args.prefetch = 4096;
    double best = 1e9;
    for (unsigned i = 0; i < RUNS && best > 0; i++) {
        double start = seconds();
        if (kernel->op == OP_gemv)
            kernel->run.gemv(&w.args, 0, PANELS);
        for (size_t p = 0; kernel->op == OP_decode && p < PANELS; p++)
            kernel->run.decode(&decode, p, 0, GROUPS);
        double taken = seconds() - start;
        best = taken < best ? taken : best;
        if (i == 2 && best > 0.05)
            break;
    }
    free(out);
    unmake(&w);
    return PANELS * GROUPS * (double)TILE / best;
}

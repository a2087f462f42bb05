/*
 * kernel_subject.c - what a kernel is tried on.
 */
#include "tests/kernel_subject.h"

#include "kernels/codec.h"
#include "tests/machine_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t state;

void seed_random(uint64_t seed)
{
    state = seed;
}

uint32_t random32(void)
{
    state += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

float random_scale(void)
{
    const int exponent = (int)(random32() % 20) - 10;
    return ldexpf(1.0f + (float)(random32() % 1000) / 1000.0f, exponent);
}

int value(int limit, enum fill how, size_t i)
{
    return how == LOWEST        ? -limit
           : how == HIGHEST     ? limit
           : how == ALTERNATING ? (i % 2 ? limit : -limit)
           : how == ALL_ZEROS   ? 0
                                : (int)(random32() % (2u * (unsigned)limit + 1)) - limit;
}

static void fill_bytes(void *to, size_t n, enum fill how)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = how == RANDOM || how >= LOWEST ? (uint8_t)random32() : how == ALL_ONES ? 255 : 0;
}

static void fill_x(workload *w, unsigned act, size_t k, enum fill how)
{
    int limit = act == ACT_i8 ? 127 : 4095;
    int32_t *bias = w->bias.data, *negative = w->negative.data;
    float *sx = w->sx.data;
    for (size_t c = 0; c < k; c++) {
        const int q = value(limit, how, c);
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
            sx[c / GROUP] = random_scale();
    }
}

void workload_make(workload *w, const lsq_kernel *kernel, variant v, size_t panels, size_t groups, enum fill how,
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
              v.format.states, (unsigned)lsq_mirrored(&v.format)},
        .x = w->x.data,
        .sx = w->sx.data,
        .bias = w->bias.data,
        .negative = w->negative.data,
        .y = w->y.data,
    };
}

void workload_free(workload *w)
{
    guarded *all[] = {&w->codes, &w->scales, &w->rows, &w->x, &w->sx, &w->bias, &w->negative, &w->y};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

size_t variants_of(unsigned codec, variant v[12])
{
    static const uint8_t states[] = {4, 8, 16, 64},
                         scales[] = {LSQ_SCALE_BYTE32, LSQ_SCALE_NIBBLE32, LSQ_SCALE_NIBBLE16};
    size_t n = 0;
    if (codec == CODEC_e32 || codec == CODEC_x) {
        v[n++] = (variant){{LSQ_SCALAR, 4, LSQ_SCALE_BYTE32, 0, 3}, 1};
        return n;
    }
    if (codec == CODEC_e8 || codec == CODEC_e16) {
        for (uint8_t bits = codec == CODEC_e8 ? 4 : 8; bits <= (codec == CODEC_e8 ? 5 : 8); bits++) {
            v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_BYTE32, 0, 3}, 1};
            v[n++] = (variant){{LSQ_SCALAR, bits, LSQ_SCALE_ROW, 0, 3}, 0};
        }
        for (unsigned i = 0; i < 6 && codec == CODEC_e8; i++)
            v[n++] = (variant){{LSQ_TRELLIS, (uint8_t)(3 + i / 3), scales[i % 3], 16, 4}, 1};
        return n;
    }
    if (codec == CODEC_b1) {
        v[n++] = (variant){{LSQ_SIGN, 1, LSQ_SCALE_ROW, 0, 0}, 0};
        v[n++] = (variant){{LSQ_SIGN, 1, LSQ_SCALE_BYTE32, 0, 0}, 1};
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

void fault(const subject *s, const char *format, ...)
{
    char name[LSQ_FORMAT_NAME_MAX] = "?";
    lsq_format_name(&s->v.format, name);
    if (s->verdict->failures++ >= TOLD)
        return;
    printf("FAIL %s: %s, %zu panels x %zu groups, fill %d: ", s->kernel->name, name, s->panels, s->groups, (int)s->how);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* Calls a kernel of any operation. */
void run(const subject *s, void (*kernel)(void), const void *args, size_t i, size_t j, size_t k)
{
    const char *changed = call_and_look(kernel, args, i, j, k);
    if (changed)
        fault(s, "called with %zu, %zu, %zu: %s", i, j, k, changed);
}

void expect_same(const subject *s, const float *got, const float *expected, size_t n, const char *where)
{
    s->verdict->checks++;
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &expected[i], sizeof(float))) {
            fault(s, "%s: float %zu is %.9g, reference %.9g", where, i, got[i], expected[i]);
            return;
        }
}

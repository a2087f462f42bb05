/*
 * activation.c - rounding the vector of a product: one float scale for 32 values, then integers, half to even.
 *
 * Plain C that every compiler turns into the vectors of the baseline. Rounding is the addition of 1.5 * 2^23: exact, and the
 * same everywhere, as long as nobody changed the rounding mode.
 */
#include "dispatch/activation.h"

#include <math.h>
#include <string.h>

static size_t element_bytes(enum lsq_act act)
{
    return act == ACT_i8 ? 1 : act == ACT_i16 ? 2 : 4;
}

size_t lsq_activation_bytes(enum lsq_act act, size_t groups)
{
    size_t bytes = lsq_padded(groups * GROUP * element_bytes(act));
    if (act != ACT_f32)
        bytes += lsq_padded(groups * sizeof(float));
    if (act == ACT_i8)
        bytes += 2 * lsq_padded(groups * 2 * sizeof(int32_t));
    return bytes;
}

/* The scale of 32 values for integers up to `limit`, and what to multiply them by. */
static float scale_of(const float *x, float limit, float *inverse)
{
    const float tiny = 0x1p-100f; /* limit / amax must stay finite */
    int32_t largest = 0;
    for (unsigned i = 0; i < GROUP; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof(bits));
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    float amax;
    memcpy(&amax, &largest, sizeof(amax));
    int usable = largest < 0x7f800000 && amax >= tiny;
    *inverse = usable ? limit / amax : 0.0f;
    return usable ? amax / limit : largest < 0x7f800000 ? 0.0f : NAN;
}

/* x * inverse as an integer in the low bits of a float's pattern. */
static int32_t rounded(float x, float inverse)
{
    const float magic = 0x1.8p23f;
    float shifted = x * inverse + magic;
    int32_t bits, magic_bits = 0x4b400000;
    memcpy(&bits, &shifted, sizeof(bits));
    return bits - magic_bits;
}

static void round8(const float *x, int8_t *q, float *sx, int32_t bias[2], int32_t negative[2])
{
    float inverse;
    int32_t sum[2] = {0, 0}, magnitude[2] = {0, 0};
    *sx = scale_of(x, 127.0f, &inverse);
    if (inverse == 0.0f) { /* zero times an infinity would not be zero */
        memset(q, 0, GROUP);
    } else {
        for (unsigned half = 0; half < 2; half++)
            for (unsigned i = half * 16; i < half * 16 + 16; i++) {
                int32_t r = rounded(x[i], inverse);
                q[i] = (int8_t)r;
                sum[half] += r;
                magnitude[half] += r < 0 ? -r : r;
            }
    }
    for (unsigned half = 0; half < 2; half++) {
        bias[half] = -128 * sum[half];
        negative[half] = (magnitude[half] - sum[half]) / 2;
    }
}

static void round16(const float *x, int16_t *q, float *sx)
{
    float inverse;
    *sx = scale_of(x, 4095.0f, &inverse);
    if (inverse == 0.0f)
        memset(q, 0, GROUP * sizeof(*q));
    else
        for (unsigned i = 0; i < GROUP; i++)
            q[i] = (int16_t)rounded(x[i], inverse);
}

void lsq_activation_set(lsq_gemv_args *args, enum lsq_act act, size_t groups, const float *x, ptrdiff_t incx, size_t k,
                        void *scratch)
{
    uint8_t *q = scratch, *sx = q + lsq_padded(groups * GROUP * element_bytes(act)),
            *bias = sx + lsq_padded(groups * sizeof(float)),
            *negative = bias + lsq_padded(groups * 2 * sizeof(int32_t));
    for (size_t g = 0; g < groups; g++) {
        float copy[GROUP] = {0};
        const float *group = x + (ptrdiff_t)(g * GROUP) * incx;
        size_t left = k - g * GROUP;
        if (incx != 1 || left < GROUP) {
            for (size_t i = 0; i < GROUP && i < left; i++)
                copy[i] = group[(ptrdiff_t)i * incx];
            group = copy;
        }
        if (act == ACT_i8)
            round8(group, (int8_t *)q + g * GROUP, (float *)(void *)sx + g, (int32_t *)(void *)bias + 2 * g,
                   (int32_t *)(void *)negative + 2 * g);
        else if (act == ACT_i16)
            round16(group, (int16_t *)(void *)q + g * GROUP, (float *)(void *)sx + g);
        else
            memcpy(q + g * GROUP * sizeof(float), group, GROUP * sizeof(float));
    }
    args->x = q;
    args->sx = act == ACT_f32 ? NULL : (const float *)(void *)sx;
    args->bias = act == ACT_i8 ? (const int32_t *)(void *)bias : NULL;
    args->negative = act == ACT_i8 ? (const int32_t *)(void *)negative : NULL;
}

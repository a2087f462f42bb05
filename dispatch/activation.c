/*
 * activation.c - the vector of a product, rounded: where it lies in scratch, and whole groups made of whatever it is.
 */
#include "dispatch/activation.h"

#include <string.h>

size_t lsq_activation_bytes(enum lsq_act act, size_t groups)
{
    size_t bytes = lsq_padded(groups * GROUP * lsq_activation_element(act));
    if (act != ACT_f32)
        bytes += lsq_padded(groups * sizeof(float));
    if (act == ACT_i8)
        bytes += 2 * lsq_padded(groups * 2 * sizeof(int32_t));
    return bytes;
}

/* Groups [g0, g1) of x, as they are or made whole, handed to the kernel or copied. */
static void set(const lsq_gemv_args *args, enum lsq_act act, lsq_round_fn *round, size_t g0, size_t g1, const float *x)
{
    uint8_t *q = (uint8_t *)args->x + g0 * GROUP * lsq_activation_element(act);
    if (act == ACT_f32) {
        memcpy(q, x, (g1 - g0) * GROUP * sizeof(float));
        return;
    }
    const lsq_round_args part = {.x = x,
                                 .groups = g1 - g0,
                                 .lanes = 1,
                                 .q = q,
                                 .sx = (float *)args->sx + g0,
                                 .bias = args->bias ? (int32_t *)args->bias + 2 * g0 : NULL,
                                 .negative = args->negative ? (int32_t *)args->negative + 2 * g0 : NULL};
    round(&part);
}

void lsq_activation_set(lsq_gemv_args *args, enum lsq_act act, lsq_round_fn *round, size_t groups, const float *x,
                        ptrdiff_t incx, size_t k, void *scratch)
{
    enum { AT_ONCE = 8 };
    uint8_t *q = scratch, *sx = q + lsq_padded(groups * GROUP * lsq_activation_element(act)),
            *bias = sx + lsq_padded(groups * sizeof(float)),
            *negative = bias + lsq_padded(groups * 2 * sizeof(int32_t));
    args->x = q;
    args->sx = act == ACT_f32 ? NULL : (const float *)(void *)sx;
    args->bias = act == ACT_i8 ? (const int32_t *)(void *)bias : NULL;
    args->negative = act == ACT_i8 ? (const int32_t *)(void *)negative : NULL;
    size_t whole = incx == 1 ? k / GROUP : 0;
    if (whole)
        set(args, act, round, 0, whole, x);
    for (size_t g = whole; g < groups; g += AT_ONCE) {
        float copy[AT_ONCE * GROUP] = {0};
        const size_t end = g + AT_ONCE < groups ? g + AT_ONCE : groups;
        for (size_t c = g * GROUP; c < k && c < end * GROUP; c++)
            copy[c - g * GROUP] = x[(ptrdiff_t)c * incx];
        set(args, act, round, g, end, copy);
    }
}

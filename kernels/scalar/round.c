/*
 * round.c - the vector of a product as integers, as defined.
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings; a sum of 16 times 128 is below 2^18.
 */
#include "kernels/codec.h"
#include "kernels/scalar/rounding.h"

/* What gemv kernels start from, of 16 values. */
static void sums_of(const int32_t *q, int32_t *bias, int32_t *negative)
{
    int32_t sum = 0, below = 0;
    for (unsigned i = 0; i < GROUP / 2; i++) {
        sum += q[i];
        below += q[i] < 0 ? -q[i] : 0;
    }
    *bias = -128 * sum;
    *negative = below;
}

void lsq_round_x_i8_scalar_r1(const lsq_round_args *a)
{
    for (size_t g = 0; g < a->groups; g++) {
        int32_t q[GROUP];
        float inverse;
        a->sx[g * a->lanes] = scale_of(a->x + g * GROUP, GROUP, 127.0f, &inverse);
        round_all(a->x + g * GROUP, GROUP, inverse, q);
        for (unsigned c = 0; c < GROUP; c++)
            ((int8_t *)a->q)[(g * STEPS + c / 4) * a->lanes * 4 + c % 4] = (int8_t)q[c];
        for (size_t half = 0; half < 2; half++) {
            const size_t at = (g * 2 + half) * a->lanes;
            sums_of(q + GROUP / 2 * half, &a->bias[at], &a->negative[at]);
        }
    }
}

void lsq_round_x_i16_scalar_r1(const lsq_round_args *a)
{
    for (size_t g = 0; g < a->groups; g++) {
        int32_t q[GROUP];
        float inverse;
        a->sx[g * a->lanes] = scale_of(a->x + g * GROUP, GROUP, 4095.0f, &inverse);
        round_all(a->x + g * GROUP, GROUP, inverse, q);
        for (unsigned c = 0; c < GROUP; c++)
            ((int16_t *)a->q)[(g * STEPS + c / 4) * a->lanes * 4 + c % 4] = (int16_t)q[c];
    }
}

/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on NEON with SDOT.
 *
 *     levels       --tbl----------->  4 columns x 4 rows of W, 16 bytes: a dword is a column
 *     levels, q    --sdot by lane-->  dots    4 columns, 32 bit; four rows of q are a lane, four lanes all 16
 *
 * The four dots of half a tile share q. Bound as in scalar/gemvt.c.
 */
#include "kernels/neon/gemvt.h"

/* Four rows of a step, column after column. */
INLINE int8x16_t columns_of(const int8_t *rows)
{
    static const uint8_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    return vqtbl1q_s8(vld1q_s8(rows), vld1q_u8(order));
}

INLINE void add_half(float *y, const int8_t *level, const half_vector *v)
{
    const int8x16_t q = vreinterpretq_s8_s16(v->q[0]);
    int32x4_t dot[4];
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++, level += LANES) {
        dot[t] = vdotq_laneq_s32(dot_start(), columns_of(level), q, 0);
        dot[t] = vdotq_laneq_s32(dot[t], columns_of(level + 16), q, 1);
        dot[t] = vdotq_laneq_s32(dot[t], columns_of(level + 32), q, 2);
        dot[t] = vdotq_laneq_s32(dot[t], columns_of(level + 48), q, 3);
    }
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++)
        add_to(y + 4 * t, dot_end(dot[t]), v->scale);
}

void lsq_gemvt_e8_i8_neondot_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    const int8_t *level = a->levels;
    float *y = a->y + g0 * GROUP;
    for (size_t g = g0, n; g < g1; g += n) {
        half_vector v[2 * AHEAD];
        n = round_tiles(v, a, p, g, g1, 0);
        for (size_t i = 0; i < 2 * n; i++, y += GROUP / 2, level += TILE / 2)
            add_half(y, level, &v[i]);
    }
}

/*
 * gemm.h - what products of several columns have in common, for every NEON level: scales and sums.
 *
 *     dots  --* multipliers-->  --float, * (sx * s) or * sx-->  sums    4 rows of a column
 *
 * Sums stay in memory: they change once a group, and registers are for dots.
 */
#ifndef LSQ_KERNELS_NEON_GEMM_H
#define LSQ_KERNELS_NEON_GEMM_H

#include "kernels/neon/scales.h"
#include "kernels/prefetch.h"

/* No scales; byte scales; multipliers of 32 columns, or of 16. Only the last ones ask for dots of each half of a group. */
enum kind { NONE, BYTES, NIBBLES, HALVES };

INLINE enum kind kind_of(const lsq_tiles *w)
{
    if (!w->scales)
        return NONE;
    return w->scale == LSQ_SCALE_BYTE32 ? BYTES : w->scale == LSQ_SCALE_NIBBLE32 ? NIBBLES : HALVES;
}

/* The scales of a group, quarter by quarter of the panel. */
typedef struct group_scales {
    float32x4_t s[4];
    int32x4_t m[2][4];
} group_scales;

INLINE void scales_of(group_scales *to, const lsq_tiles *w, size_t p, size_t g, const enum kind kind)
{
    const size_t tile = p * w->groups + g;
    if (kind == BYTES)
        byte_scales(w->scales + tile * 16, to->s);
    else if (kind != NONE)
        multipliers(w, tile, steps_of(w, p), to->m);
}

/* One more group for 4 rows of a column; `second`: with HALVES, the dots of the other half. */
INLINE void add_group(float *sum, int32x4_t dot, int32x4_t second, float sx, const group_scales *s, unsigned quarter,
                      const enum kind kind)
{
    if (kind == NIBBLES || kind == HALVES)
        dot = vmulq_s32(dot, s->m[0][quarter]);
    if (kind == HALVES)
        dot = vmlaq_s32(dot, second, s->m[1][quarter]);
    const float32x4_t d = vcvtq_f32_s32(dot),
                      more = kind == BYTES ? vmulq_f32(d, vmulq_n_f32(s->s[quarter], sx)) : vmulq_n_f32(d, sx);
    vst1q_f32(sum, vaddq_f32(vld1q_f32(sum), more));
}

/* Before the first group. */
INLINE void clear_sums(const lsq_gemm_args *a)
{
    for (size_t i = 0; i < a->quads * QUAD * PANEL; i += 4)
        vst1q_f32(a->sums + i, vdupq_n_f32(0));
}

/* How many quads to take at once, of those that are left: 4 are 2 and 2. */
INLINE size_t quads_at_once(size_t left)
{
    return left >= 3 && left != 4 ? 3 : left >= 2 ? 2 : 1;
}

#endif

/*
 * gemm.c - expanded levels times columns in fours, on NEON with SDOT.
 *
 *     levels      4 rows x 4 columns of W, 16 bytes      x of a quad      the same 4 columns of W for 4 columns, 16 bytes
 *
 *     levels, x  --sdot by lane, a column each-->  dots    4 rows, 32 bit; 8 rows of up to 12 columns at once
 *     dots  --gemm.h-------------------------->  sums    4 rows, float
 *
 * 24 dots, 2 q registers of levels and 3 of x leave 3 registers: 5 loads for 24 products. With multipliers of half groups only 4 rows
 * are taken at once, because the dots of both halves wait for each other. Bounds as in plain.h and trellis_dot.h.
 */
#include "kernels/neon/gemm.h"

/* Adds 4 columns of W for 4 rows and 4 columns of x. */
INLINE void add_quad(int32x4_t dot[QUAD], int8x16_t level, int8x16_t x)
{
    dot[0] = vdotq_laneq_s32(dot[0], level, x, 0);
    dot[1] = vdotq_laneq_s32(dot[1], level, x, 1);
    dot[2] = vdotq_laneq_s32(dot[2], level, x, 2);
    dot[3] = vdotq_laneq_s32(dot[3], level, x, 3);
}

/* Adds steps [t0, t1) of `quarters` quarters of a tile, for `quads` quads that are `apart` bytes of x from each other. */
INLINE void add_steps(int32x4_t dot[4][3 * QUAD], const int8_t *level, const int8_t *x, size_t apart, const unsigned t0,
                      const unsigned t1, const unsigned quarters, const unsigned quads)
{
    for (unsigned i = 0; i < quarters; i++)
        for (unsigned j = 0; j < quads * QUAD; j++)
            dot[i][j] = vdupq_n_s32(0);
#pragma GCC unroll 2
    for (unsigned t = t0; t < t1; t++) {
        int8x16_t xt[3];
        for (unsigned q = 0; q < quads; q++)
            xt[q] = vld1q_s8(x + q * apart + 16 * t);
        for (unsigned i = 0; i < quarters; i++) {
            const int8x16_t l = vld1q_s8(level + LANES * t + 16 * i);
            for (unsigned q = 0; q < quads; q++)
                add_quad(&dot[i][q * QUAD], l, xt[q]);
        }
    }
}

/* Adds the dots of quad q to its sums. */
INLINE void add_dots(float *sums, int32x4_t dot[4][3 * QUAD], int32x4_t second[4][3 * QUAD], const unsigned q,
                     const float *sx, const group_scales *s, unsigned quarter, const unsigned quarters,
                     const enum kind kind)
{
    const float32x4_t by = vld1q_f32(sx);
    for (unsigned i = 0; i < quarters; i++)
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++)
            add_group(sums + (q * QUAD + j) * PANEL + 4 * i, dot[i][q * QUAD + j], second[i][q * QUAD + j], by[j], s,
                      quarter + i, kind);
}

/* Quads from q on. */
INLINE void block(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t q, const unsigned quads,
                  const enum kind kind)
{
    const unsigned quarters = (quads == 1 ? 4 : 2) / (kind == HALVES ? 2 : 1);
    const size_t groups = a->w.groups, apart = groups * STEPS * 16;
    const int8_t *level = a->levels, *x = (const int8_t *)a->x + q * apart + g0 * STEPS * 16;
    const float *sx = a->sx + (q * groups + g0) * QUAD;
    for (size_t g = g0; g < g1; g++, level += TILE, x += STEPS * 16, sx += QUAD) {
        group_scales s;
        if (q == 0)
            prefetch_block(a, p, g0, g1, g);
        scales_of(&s, &a->w, p, g, kind);
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter += quarters) {
            float *sums = a->sums + q * QUAD * PANEL + 4 * quarter;
            int32x4_t dot[4][3 * QUAD], second[4][3 * QUAD];
            add_steps(dot, level + 16 * quarter, x, apart, 0, kind == HALVES ? 4 : 8, quarters, quads);
            if (kind == HALVES)
                add_steps(second, level + 16 * quarter, x, apart, 4, 8, quarters, quads);
            add_dots(sums, dot, second, 0, sx, &s, quarter, quarters, kind);
            if (quads > 1)
                add_dots(sums, dot, second, 1, sx + groups * QUAD, &s, quarter, quarters, kind);
            if (quads > 2)
                add_dots(sums, dot, second, 2, sx + 2 * groups * QUAD, &s, quarter, quarters, kind);
        }
    }
}

INLINE void all_quads(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum kind kind)
{
    for (size_t q = 0, n; q < a->quads; q += n) {
        n = quads_at_once(a->quads - q);
        if (n == 3)
            block(a, p, g0, g1, q, 3, kind);
        else if (n == 2)
            block(a, p, g0, g1, q, 2, kind);
        else
            block(a, p, g0, g1, q, 1, kind);
    }
}

void lsq_gemm_e8_i8_neondot_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    if (g0 == 0)
        clear_sums(a);
    switch (kind_of(&a->w)) {
    case NONE:
        all_quads(a, p, g0, g1, NONE);
        break;
    case BYTES:
        all_quads(a, p, g0, g1, BYTES);
        break;
    case NIBBLES:
        all_quads(a, p, g0, g1, NIBBLES);
        break;
    case HALVES:
        all_quads(a, p, g0, g1, HALVES);
    }
}

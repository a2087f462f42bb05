/*
 * lookup.h - bytes by index, from tables of up to 128 entries, for every NEON level.
 *
 *     up to 4 bits  tbl of 1 register      5 bits  tbl of 2      6 bits  tbl of 4      7 bits  tbl of 4, tbx of 4 on index ^ 64
 *
 * tbl gives zero where an index is past its table, tbx leaves what is there.
 */
#ifndef LSQ_KERNELS_NEON_LOOKUP_H
#define LSQ_KERNELS_NEON_LOOKUP_H

#include "kernels/kernel.h"

#include <arm_neon.h>

typedef struct table {
    uint8x16x4_t part[2];
} table;

/* Of 2^bits entries; shorter tables repeat. For 2 bits val[1] looks at bits 2 and 3 of an index, val[0] at 0 and 1. */
INLINE void second_of_two(table *t, const unsigned bits)
{
    if (bits == 2) {
        uint8x16_t twice = vzip1q_u8(t->part[0].val[0], t->part[0].val[0]);
        t->part[0].val[1] = vzip1q_u8(twice, twice);
    }
}

INLINE table table_of(const int8_t *levels, const unsigned bits)
{
    table t;
    for (unsigned i = 0; i < 8; i++)
        t.part[i / 4].val[i % 4] = vreinterpretq_u8_s8(vld1q_s8(levels + 16 * i));
    second_of_two(&t, bits);
    return t;
}

/* A part of a table, read from memory now. */
INLINE uint8x16x4_t part_of(const table *t, unsigned i)
{
    const uint8x16x4_t *part = &t->part[i];
    __asm__ volatile("" : "+r"(part) : "m"(*part));
    return vld1q_u8_x4((const uint8_t *)part->val);
}

/*
 * The levels of `count` indices. `second`: a bit for each, set for the latter of two that share an index, with tables of 2 bits.
 * `reread`: tables of 64 are not kept in registers either, where the rest needs them.
 */
INLINE void lookup(const table *t, const unsigned bits, const unsigned second, const int reread, const unsigned count,
                   const uint8x16_t *index, uint8x16_t *level)
{
    const uint8x16_t *val = t->part[0].val;
    if (bits >= 6) {
        const uint8x16x4_t low = reread || bits == 7 ? part_of(t, 0) : t->part[0];
        for (unsigned i = 0; i < count; i++)
            level[i] = vqtbl4q_u8(low, index[i]);
    }
    if (bits == 7) {
        const uint8x16x4_t high = part_of(t, 1);
        for (unsigned i = 0; i < count; i++)
            level[i] = vqtbx4q_u8(level[i], high, veorq_u8(index[i], vdupq_n_u8(64)));
    }
    for (unsigned i = 0; bits <= 5 && i < count; i++)
        level[i] = bits == 5 ? vqtbl2q_u8((uint8x16x2_t){{val[0], val[1]}}, index[i])
                             : vqtbl1q_u8(val[bits == 2 && second >> i & 1], index[i]);
}

#endif

/*
 * lookup.h - bytes by index, from tables of up to 512 entries, for every NEON level.
 *
 *     up to 4 bits  tbl of 1 register      5 bits  tbl of 2      6 bits  tbl of 4
 *     7, 8 bits     tbl of 4, and tbx of 4 with index ^ 64, ^ 128, ^ 192
 *     9 bits        that twice, and a choice
 *
 * tbl gives zero where an index is past its table, tbx leaves what is there.
 */
#ifndef LSQ_KERNELS_NEON_LOOKUP_H
#define LSQ_KERNELS_NEON_LOOKUP_H

#include "kernels/kernel.h"

#include <arm_neon.h>

/* Of 2^bits bytes, 64 a part; shorter tables repeat. */
typedef struct table {
    uint8x16x4_t part[8];
} table;

/* For 2 bits val[1] looks at bits 2 and 3 of an index, val[0] at 0 and 1. */
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

/* A part, read from memory now. */
INLINE uint8x16x4_t read_part(const uint8x16x4_t *part)
{
    __asm__ volatile("" : "+r"(part) : "m"(*part));
    return vld1q_u8_x4((const uint8_t *)part->val);
}

/*
 * The levels of `count` indices of up to 8 bits. `second`: a bit for each, set for the latter of two that share an index, with tables
 * of 2 bits. `reread`: tables of 64 are not kept in registers, as larger ones never are, where the rest needs them.
 */
INLINE void lookup(const uint8x16x4_t *part, const unsigned bits, const unsigned second, const int reread,
                   const unsigned count, const uint8x16_t *index, uint8x16_t *level)
{
    if (bits >= 6) {
        const uint8x16x4_t low = reread || bits > 6 ? read_part(part) : *part;
        for (unsigned i = 0; i < count; i++)
            level[i] = vqtbl4q_u8(low, index[i]);
    }
    for (unsigned n = 1; bits > 6 && n < 1u << (bits - 6); n++) {
        const uint8x16x4_t high = read_part(part + n);
        for (unsigned i = 0; i < count; i++)
            level[i] = vqtbx4q_u8(level[i], high, veorq_u8(index[i], vdupq_n_u8((uint8_t)(64 * n))));
    }
    for (unsigned i = 0; bits <= 5 && i < count; i++)
        level[i] = bits == 5 ? vqtbl2q_u8((uint8x16x2_t){{part->val[0], part->val[1]}}, index[i])
                             : vqtbl1q_u8(part->val[bits == 2 && second >> i & 1], index[i]);
}

#endif

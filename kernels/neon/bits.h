/*
 * bits.h - planes of bits to indices, for plain codes and for every NEON level.
 *
 * One q register holds 4 rows x 4 columns of bytes, a quarter of a vector of codes. What is above four bits of a code is collected in the
 * nibbles of a second register; sli and sri then make both indices of a byte without a mask:
 *
 *     codes  h l      upper  H L      sli 4 -->  L l      sri 4 -->  H h
 *
 * Where a table has less than 16 entries it repeats, so bits of the index above its own, up to bit 3, do not matter.
 */
#ifndef LSQ_KERNELS_NEON_BITS_H
#define LSQ_KERNELS_NEON_BITS_H

#include "kernels/codec.h"

#include <arm_neon.h>

INLINE uint8x16_t load(const uint8_t *tile, unsigned vector, unsigned quarter)
{
    return vld1q_u8(tile + 64 * vector + 16 * quarter);
}

/*
 * The tile, once `done` is: keeps the compiler from mixing the instructions of all quarters, which takes more registers than there are.
 */
INLINE const uint8_t *after(float32x4_t done, const uint8_t *tile)
{
    __asm__("" : "+r"(tile) : "w"(done));
    return tile;
}

/* The levels of a quarter of an expanded tile. */
INLINE void store_levels(uint8_t *out, unsigned quarter, const uint8x16_t level[STEPS])
{
    for (unsigned t = 0; t < STEPS; t++)
        vst1q_u8(out + LANES * t + 16 * quarter, level[t]);
}

/* Each byte's bits moved down, or up; with operators, because the intrinsics want a literal. */
INLINE uint8x16_t down(uint8x16_t v, int bits)
{
    return bits < 0 ? v << vdupq_n_u8((uint8_t)-bits) : bits ? v >> vdupq_n_u8((uint8_t)bits) : v;
}

INLINE uint8x16_t masked(uint8x16_t v, uint8_t mask)
{
    return vandq_u8(v, vdupq_n_u8(mask));
}

/* Bits of a where the mask has ones, of b elsewhere. */
INLINE uint8x16_t merge(uint8_t mask, uint8x16_t a, uint8x16_t b)
{
    return vbslq_u8(vdupq_n_u8(mask), a, b);
}

/* The indices of both slots of a byte. */
INLINE void nibbles(uint8x16_t codes, uint8x16_t upper, uint8x16_t index[2])
{
    index[0] = vsliq_n_u8(codes, upper, 4);
    index[1] = vsriq_n_u8(upper, codes, 4);
}

/* Those of four slots, the even ones in the nibbles of one register. */
INLINE void four_slots(uint8x16_t evens, uint8x16_t odds, uint8x16_t index[4])
{
    index[0] = masked(evens, 15);
    index[1] = masked(odds, 15);
    index[2] = down(evens, 4);
    index[3] = down(odds, 4);
}

/*
 * Indices of the eight steps of a quarter of a tile; see codec.h for where the bits are. Two bits: steps 2 i and 2 i + 1 share a
 * nibble, and the table of the second one looks at its upper half. Nine bits: without the last plane.
 */
enum { PLAIN_SECOND = 0xaa };

INLINE void plain_indices(const uint8_t *tile, unsigned quarter, const unsigned bits, uint8x16_t index[STEPS])
{
    if (bits == 2) {
        for (unsigned v = 0; v < 2; v++) {
            uint8x16_t codes = load(tile, v, quarter);
            index[4 * v] = index[4 * v + 1] = masked(codes, 15);
            index[4 * v + 2] = index[4 * v + 3] = down(codes, 4);
        }
    } else if (bits == 3) {
        uint8x16_t one = load(tile, 2, quarter); /* at bit 2 slot + v */
        for (unsigned v = 0; v < 2; v++) {
            uint8x16_t codes = load(tile, v, quarter);
            four_slots(merge(0x33, codes, down(one, (int)v - 2)), merge(0x33, down(codes, 2), down(one, (int)v)),
                       index + 4 * v);
        }
    } else if (bits <= 7) {
        for (unsigned j = 0; j < 4; j++) {
            uint8x16_t codes = load(tile, j, quarter), upper;
            if (bits == 4) {
                index[2 * j] = masked(codes, 15);
                index[2 * j + 1] = down(codes, 4);
                continue;
            }
            if (bits == 5) { /* a bit at 4 slot + j */
                upper = masked(down(load(tile, 4, quarter), (int)j), 0x11);
            } else { /* two bits at 4 slot + 2 (j % 2), and for 7 bits one at 4 slot + j */
                upper = down(load(tile, 4 + j / 2, quarter), (int)j % 2 * 2);
                if (bits == 7)
                    upper = merge(0x33, upper, down(load(tile, 6, quarter), (int)j - 2));
                upper = masked(upper, bits == 7 ? 0x77 : 0x33);
            }
            nibbles(codes, upper, index + 2 * j);
        }
    } else {
        for (unsigned t = 0; t < STEPS; t++)
            index[t] = load(tile, t, quarter);
    }
}

#endif

/*
 * gguf_blocks.c - the quantised types of GGUF files, from blocks to numbers.
 *
 * A block is 32 or 256 numbers of a row and decodes on its own. d is its scale, m what is added or taken away, both float16 as a
 * rule; q are codes of n bits, the low ones first: those of number j and of another, 16 or 32 numbers on, share a byte.
 *
 *     type      numbers  bytes  in this order                                     number
 *     Q4_0         32      18   d, q 4 x 32                                       d (q - 8)
 *     Q4_1         32      20   d, m, q 4 x 32                                    d q + m
 *     Q5_0         32      22   d, 5th bits 1 x 32, q 4 x 32                      d (q - 16)
 *     Q5_1         32      24   d, m, 5th bits 1 x 32, q 4 x 32                   d q + m
 *     Q8_0         32      34   d, q 8 x 32, signed                               d q
 *     IQ4_NL       32      18   d, q 4 x 32                                       d levels[q]
 *     Q2_K        256      84   s, t 4 x 16 each, q 2 x 256, d, m                 (d s) q - (m t)
 *     Q3_K        256     110   3rd bits 1 x 256, q 2 x 256, s 6 x 16, d          (d (s - 32)) (q - 4)
 *     Q4_K        256     144   d, m, s, t 6 x 8 each, q 4 x 256                  (d s) q - (m t)
 *     Q5_K        256     176   d, m, s, t 6 x 8 each, 5th bits 1 x 256, q 4 x 256  the same
 *     Q6_K        256     210   q 4 x 256, 5th and 6th bits 2 x 256, s 8 x 16, signed, d   (d s) (q - 32)
 *     Q8_K        256     292   d as float32, q 8 x 256, signed, sums that are not needed   d q
 *     IQ4_XS      256     136   d, high bits of s 2 x 8, low ones 4 x 8, q 4 x 256   (d (s - 32)) levels[q]
 *     MXFP4        32      17   d as 8 bits of exponent, q 4 x 32                  d small[q] / 2
 *     NVFP4        64      36   d 8 x 4 as F8_E4M3, q 4 x 16 for each              d small[q] / 2
 *     TQ1_0       256      54   q 8 x 52, each of 5 ternary digits (the last 4 of 4), d   d (digit - 1)
 *     TQ2_0       256      66   q 2 x 256, d                                       d (q - 1)
 *
 * gguf_grid_blocks.c has those of fewer bits.
 *
 * Brackets, and no contraction of sums with products, are part of it: every number has the bits that ggml gives it in plain C.
 */
#include "model/import/gguf_blocks.h"
#include "model/dtype.h"

/* Levels of the IQ4 types. */
static const int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* Twice those of 4-bit floats, E2M1. */
static const int8_t small[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static float half_at(const uint8_t *p)
{
    float value;
    lsq_dtype_to_float(LSQ_F16, p, 1, &value);
    return value;
}

/* ---- Blocks of 32 ------------------------------------------------------------------------------------------------ */

/* Numbers 0 to 15 have the low four bits of a byte, 16 to 31 the high ones. */
static inline int low_bits(const uint8_t *q, unsigned j)
{
    return j < 16 ? q[j] & 15 : q[j - 16] >> 4;
}

/* The same with a fifth bit from elsewhere. */
static inline int five_bits(const uint8_t *high, const uint8_t *q, unsigned j)
{
    return low_bits(q, j) | (high[j / 8] >> j % 8 & 1) << 4;
}

static void decode_q4_0(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)(low_bits(block + 2, j) - 8);
}

static void decode_q4_1(const uint8_t *block, float *to)
{
    const float d = half_at(block), m = half_at(block + 2);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)low_bits(block + 4, j) + m;
}

static void decode_q5_0(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)(five_bits(block + 2, block + 6, j) - 16);
}

static void decode_q5_1(const uint8_t *block, float *to)
{
    const float d = half_at(block), m = half_at(block + 2);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)five_bits(block + 4, block + 8, j) + m;
}

static void decode_q8_0(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)(int8_t)block[2 + j];
}

static void decode_iq4_nl(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)levels[low_bits(block + 2, j)];
}

/* ---- Blocks of 256: g counts groups of 16 or 32 numbers with a scale of their own --------------------------------- */

/* In each half of the block, number l of the four groups of 32 shares byte l. */
static inline int two_bits(const uint8_t *q, unsigned g, unsigned l)
{
    return q[g / 4 * 32 + l] >> g % 4 * 2 & 3;
}

/* In each quarter of the block, number l of the two groups of 32 shares byte l. */
static inline int four_bits(const uint8_t *q, unsigned g, unsigned l)
{
    return q[g / 2 * 32 + l] >> g % 2 * 4 & 15;
}

static void decode_q2_k(const uint8_t *block, float *to)
{
    const uint8_t *scales = block, *q = block + 16;
    const float d = half_at(block + 80), m = half_at(block + 82);
    for (unsigned g = 0; g < 16; g++) {
        const float scale = d * (float)(scales[g] & 15), least = m * (float)(scales[g] >> 4);
        for (unsigned l = g % 2 * 16, end = l + 16; l < end; l++)
            *to++ = scale * (float)two_bits(q, g / 2, l) - least;
    }
}

/* Of 16 scales of 6 bits: 8 bytes have the low four bits, those of g and g + 8; 4 bytes the others, those of g, g + 4, ... */
static inline int scale_q3_k(const uint8_t *s, unsigned g)
{
    return (s[g % 8] >> g / 8 * 4 & 15) | (s[8 + g % 4] >> g / 4 * 2 & 3) << 4;
}

static void decode_q3_k(const uint8_t *block, float *to)
{
    const uint8_t *high = block, *q = block + 32, *scales = block + 96;
    const float d = half_at(block + 108);
    for (unsigned g = 0; g < 16; g++) {
        const float scale = d * (float)(scale_q3_k(scales, g) - 32);
        for (unsigned l = g % 2 * 16, end = l + 16; l < end; l++)
            *to++ = scale * (float)((two_bits(q, g / 2, l) | (high[l] >> g / 2 & 1) << 2) - 4);
    }
}

/* Eight pairs of 6 bits in 12 bytes: four pairs as they are, and in the two bits above them the high ones of the other four. */
static inline void pair_q4_k(const uint8_t *s, unsigned g, float d, float m, float *scale, float *least)
{
    const int first = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
    const int second = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | s[g] >> 6 << 4;
    *scale = d * (float)first;
    *least = m * (float)second;
}

static void decode_q4_k(const uint8_t *block, float *to)
{
    const float d = half_at(block), m = half_at(block + 2);
    for (unsigned g = 0; g < 8; g++) {
        float scale, least;
        pair_q4_k(block + 4, g, d, m, &scale, &least);
        for (unsigned l = 0; l < 32; l++)
            *to++ = scale * (float)four_bits(block + 16, g, l) - least;
    }
}

static void decode_q5_k(const uint8_t *block, float *to)
{
    const uint8_t *high = block + 16, *q = block + 48;
    const float d = half_at(block), m = half_at(block + 2);
    for (unsigned g = 0; g < 8; g++) {
        float scale, least;
        pair_q4_k(block + 4, g, d, m, &scale, &least);
        for (unsigned l = 0; l < 32; l++)
            *to++ = scale * (float)(four_bits(q, g, l) | (high[l] >> g & 1) << 4) - least;
    }
}

/* Of each half of the block, groups 0 and 2, and 1 and 3, share the bytes of their low bits. */
static void decode_q6_k(const uint8_t *block, float *to)
{
    const uint8_t *low = block, *high = block + 128, *scales = block + 192;
    const float d = half_at(block + 208);
    for (unsigned g = 0; g < 16; g++) {
        const unsigned half = g / 8, quarter = g / 2 % 4;
        const float scale = d * (float)(int8_t)scales[g];
        for (unsigned l = g % 2 * 16, end = l + 16; l < end; l++) {
            const int q = low[half * 64 + quarter % 2 * 32 + l] >> quarter / 2 * 4 & 15;
            *to++ = scale * (float)((q | two_bits(high, g / 2, l) << 4) - 32);
        }
    }
}

static void decode_q8_k(const uint8_t *block, float *to)
{
    float d;
    lsq_dtype_to_float(LSQ_F32, block, 1, &d);
    for (unsigned j = 0; j < 256; j++)
        to[j] = d * (float)(int8_t)block[4 + j];
}

static void decode_iq4_xs(const uint8_t *block, float *to)
{
    const unsigned high = block[2] | (unsigned)block[3] << 8;
    const uint8_t *low = block + 4, *q = block + 8;
    const float d = half_at(block);
    for (unsigned g = 0; g < 8; g++, q += 16, to += 32) {
        const unsigned s = (low[g / 2] >> g % 2 * 4 & 15u) | (high >> 2 * g & 3) << 4;
        const float scale = d * (float)((int)s - 32);
        for (unsigned j = 0; j < 32; j++)
            to[j] = scale * (float)levels[low_bits(q, j)];
    }
}

/* ---- Small floats, and ternary numbers --------------------------------------------------------------------------- */

static void decode_mxfp4(const uint8_t *block, float *to)
{
    const uint32_t bits = block[0] < 2 ? 0x200000u << block[0] : (block[0] - 1u) << 23; /* 2^(e - 128) */
    const uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    float d;
    lsq_dtype_to_float(LSQ_F32, bytes, 1, &d);
    for (unsigned j = 0; j < 32; j++)
        to[j] = d * (float)small[low_bits(block + 1, j)];
}

/* Scales have no sign: what is 0, or NaN without the bit of the sign, counts as 0, and the rest with that bit as without it. */
static void decode_nvfp4(const uint8_t *block, float *to)
{
    const uint8_t *q = block + 4;
    for (unsigned g = 0; g < 4; g++, q += 8, to += 16) {
        float d = 0;
        if ((block[g] & 0x7f) == 0x7f)
            d = block[g] == 0x7f ? 0 : 480;
        else
            lsq_dtype_to_float(LSQ_F8_E4M3, &(uint8_t){block[g] & 0x7f}, 1, &d);
        d *= 0.5f;
        for (unsigned j = 0; j < 16; j++)
            to[j] = d * (float)small[j < 8 ? q[j] & 15 : q[j - 8] >> 4];
    }
}

/* A byte is a fraction of 256 to the base 3: multiplied by 3, what is carried out of it is the next digit. */
static float *decode_digits(const uint8_t *q, unsigned bytes, unsigned digits, float d, float *to)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    for (unsigned n = 0; n < digits; n++)
        for (unsigned j = 0; j < bytes; j++)
            *to++ = d * (float)(((q[j] * power[n] & 255) * 3 >> 8) - 1);
    return to;
}

static void decode_tq1_0(const uint8_t *block, float *to)
{
    const float d = half_at(block + 52);
    to = decode_digits(block, 32, 5, d, to);
    to = decode_digits(block + 32, 16, 5, d, to);
    decode_digits(block + 48, 4, 4, d, to);
}

static void decode_tq2_0(const uint8_t *block, float *to)
{
    const float d = half_at(block + 64);
    for (unsigned g = 0; g < 8; g++)
        for (unsigned l = 0; l < 32; l++)
            *to++ = d * (float)((block[g / 4 * 32 + l] >> g % 4 * 2 & 3) - 1);
}

/* ------------------------------------------------------------------------------------------------------------------ */

const lsq_block_type *lsq_gguf_block_type(uint32_t type)
{
    static const lsq_block_type types[] = {
        [2] = {"Q4_0", 32, 18, decode_q4_0},
        [3] = {"Q4_1", 32, 20, decode_q4_1},
        [6] = {"Q5_0", 32, 22, decode_q5_0},
        [7] = {"Q5_1", 32, 24, decode_q5_1},
        [8] = {"Q8_0", 32, 34, decode_q8_0},
        [10] = {"Q2_K", 256, 84, decode_q2_k},
        [11] = {"Q3_K", 256, 110, decode_q3_k},
        [12] = {"Q4_K", 256, 144, decode_q4_k},
        [13] = {"Q5_K", 256, 176, decode_q5_k},
        [14] = {"Q6_K", 256, 210, decode_q6_k},
        [15] = {"Q8_K", 256, 292, decode_q8_k},
        [16] = {"IQ2_XXS", 256, 66, lsq_gguf_decode_iq2_xxs},
        [17] = {"IQ2_XS", 256, 74, lsq_gguf_decode_iq2_xs},
        [18] = {"IQ3_XXS", 256, 98, lsq_gguf_decode_iq3_xxs},
        [19] = {"IQ1_S", 256, 50, lsq_gguf_decode_iq1_s},
        [20] = {"IQ4_NL", 32, 18, decode_iq4_nl},
        [21] = {"IQ3_S", 256, 110, lsq_gguf_decode_iq3_s},
        [22] = {"IQ2_S", 256, 82, lsq_gguf_decode_iq2_s},
        [23] = {"IQ4_XS", 256, 136, decode_iq4_xs},
        [29] = {"IQ1_M", 256, 56, lsq_gguf_decode_iq1_m},
        [34] = {"TQ1_0", 256, 54, decode_tq1_0},
        [35] = {"TQ2_0", 256, 66, decode_tq2_0},
        [39] = {"MXFP4", 32, 17, decode_mxfp4},
        [40] = {"NVFP4", 64, 36, decode_nvfp4},
    };
    return type < sizeof types / sizeof types[0] && types[type].decode ? &types[type] : NULL;
}

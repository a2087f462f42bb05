/*
 * gguf_grid_blocks.c - GGUF types of 1 to 3 bits, whose codes are rows of a grid: 4 or 8 numbers at once.
 *
 * A block is 256 numbers, 32 groups of 8. d is a float16; a row's code is 8 bits here and the rest there; signs are a bit a number.
 *
 *     type      bytes  in this order                                                    number
 *     IQ2_XXS     66   d, then of 32 numbers each: codes 8 x 4, signs 7 x 4, s 4        ((d (s + 1/2)) / 4) level
 *     IQ2_XS      74   d, codes 9 and signs 7 x 32, s 4 x 16                            the same
 *     IQ2_S       82   d, codes 8 x 32, signs 8 x 32, codes' high bits 2 x 32, s 4 x 16   the same
 *     IQ3_XXS     98   d, codes 8 x 64, then of 32 numbers each: signs 7 x 4, s 4       ((d (s + 1/2)) / 2) level
 *     IQ3_S      110   d, codes 8 x 64, their high bits 1 x 64, signs 8 x 32, s 4 x 8   (d (2 s + 1)) level
 *     IQ1_S       50   d, codes 8 x 32, then of 32 numbers each: high bits 3 x 4, s 3, 1   (d (2 s + 1)) (level +- 1/8)
 *     IQ1_M       56   codes 8 x 32, of 8 each: high bits 3, 1; of 64 each: s 3 x 4, 4 bits of d   the same
 *
 * Of seven signs the eighth makes the number of those that are set even.
 */
#include "model/import/gguf_blocks.h"
#include "model/import/gguf_grids.h"

#include "model/dtype.h"
#include "model/sizes.h"

/* Levels that the bits of a row stand for. */
static const float levels_2[4] = {8, 25, 43, 0}, levels_3xxs[8] = {4, 12, 20, 28, 36, 44, 52, 62},
                   levels_3s[8] = {1, 3, 5, 7, 9, 11, 13, 15};

static float half_at(const uint8_t *p)
{
    float value;
    lsq_dtype_to_float(LSQ_F16, p, 1, &value);
    return value;
}

static unsigned four_bits(const uint8_t *p, unsigned i)
{
    return p[i / 2] >> i % 2 * 4 & 15u;
}

static unsigned word(const uint8_t *p)
{
    return (unsigned)lsq_little_endian(p, 2);
}

/* The eight signs of which seven are given. */
static unsigned with_eighth(unsigned signs)
{
    signs &= 127;
    const unsigned folded = signs ^ signs >> 4;
    return signs | (0x6996u >> (folded & 15) & 1) << 7;
}

/* Eight numbers of a row of 2 bits each. */
static void eight(float scale, unsigned row, unsigned signs, float *to)
{
    for (unsigned k = 0; k < 8; k++)
        to[k] = scale * levels_2[row >> 2 * k & 3] * (signs >> k & 1 ? -1.0f : 1.0f);
}

/* Four of a row of 4 bits each. */
static void four(float scale, const float levels[8], unsigned row, unsigned signs, float *to)
{
    for (unsigned k = 0; k < 4; k++)
        to[k] = scale * levels[row >> 4 * k & 7] * (signs >> k & 1 ? -1.0f : 1.0f);
}

/* Eight of -1, 0 and 1, moved. */
static void eight_moved(float scale, unsigned row, float move, float *to)
{
    for (unsigned k = 0; k < 8; k++)
        to[k] = scale * ((float)(row >> 2 * k & 3) - 1 + move);
}

void lsq_gguf_decode_iq2_xxs(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned g = 0; g < 32; g++) {
        const uint8_t *part = block + 2 + g / 4 * 8;
        const uint32_t rest = (uint32_t)lsq_little_endian(part + 4, 4);
        const float scale = d * (0.5f + (float)(rest >> 28)) * 0.25f;
        eight(scale, lsq_gguf_grid_iq2_xxs[part[g % 4]], with_eighth(rest >> 7 * (g % 4)), to + 8 * g);
    }
}

void lsq_gguf_decode_iq2_xs(const uint8_t *block, float *to)
{
    const float d = half_at(block);
    for (unsigned g = 0; g < 32; g++) {
        const unsigned code = word(block + 2 + 2 * g);
        const float scale = d * (0.5f + (float)four_bits(block + 66, g / 2)) * 0.25f;
        eight(scale, lsq_gguf_grid_iq2_xs[code & 511], with_eighth(code >> 9), to + 8 * g);
    }
}

void lsq_gguf_decode_iq2_s(const uint8_t *block, float *to)
{
    const uint8_t *codes = block + 2, *signs = block + 34, *high = block + 66;
    const float d = half_at(block);
    for (unsigned g = 0; g < 32; g++) {
        const unsigned code = codes[g] | (high[g / 4] >> g % 4 * 2 & 3u) << 8;
        const float scale = d * (0.5f + (float)four_bits(block + 74, g / 2)) * 0.25f;
        eight(scale, lsq_gguf_grid_iq2_s[code], signs[g], to + 8 * g);
    }
}

void lsq_gguf_decode_iq3_xxs(const uint8_t *block, float *to)
{
    const uint8_t *codes = block + 2;
    const float d = half_at(block);
    for (unsigned g = 0; g < 64; g++) {
        const uint32_t rest = (uint32_t)lsq_little_endian(block + 66 + g / 8 * 4, 4);
        const float scale = d * (0.5f + (float)(rest >> 28)) * 0.5f;
        const unsigned signs = with_eighth(rest >> 7 * (g / 2 % 4));
        four(scale, levels_3xxs, lsq_gguf_grid_iq3_xxs[codes[g]], signs >> g % 2 * 4, to + 4 * g);
    }
}

void lsq_gguf_decode_iq3_s(const uint8_t *block, float *to)
{
    const uint8_t *codes = block + 2, *high = block + 66, *signs = block + 74;
    const float d = half_at(block);
    for (unsigned g = 0; g < 64; g++) {
        const unsigned code = codes[g] | (high[g / 8] >> g % 8 & 1u) << 8;
        const float scale = d * (float)(1 + 2 * four_bits(block + 106, g / 8));
        four(scale, levels_3s, lsq_gguf_grid_iq3_s[code], four_bits(signs, g), to + 4 * g);
    }
}

void lsq_gguf_decode_iq1_s(const uint8_t *block, float *to)
{
    const uint8_t *codes = block + 2;
    const float d = half_at(block);
    for (unsigned g = 0; g < 32; g++) {
        const unsigned rest = word(block + 34 + g / 4 * 2), code = codes[g] | (rest >> g % 4 * 3 & 7) << 8;
        eight_moved(d * (float)(2 * (rest >> 12 & 7) + 1), lsq_gguf_grid_iq1_s[code], rest & 0x8000 ? -0.125f : 0.125f,
                    to + 8 * g);
    }
}

void lsq_gguf_decode_iq1_m(const uint8_t *block, float *to)
{
    const uint8_t *codes = block, *high = block + 32, *scales = block + 48;
    uint8_t d_bits[2];
    for (unsigned i = 0; i < 2; i++)
        d_bits[i] = (uint8_t)(scales[4 * i + 1] >> 4 | (scales[4 * i + 3] & 0xf0));
    const float d = half_at(d_bits);
    for (unsigned g = 0; g < 32; g++) {
        const unsigned rest = four_bits(high, g), code = codes[g] | (rest & 7) << 8;
        const unsigned s = word(scales + g / 8 * 2) >> g / 2 % 4 * 3 & 7;
        eight_moved(d * (float)(2 * s + 1), lsq_gguf_grid_iq1_s[code], rest & 8 ? -0.125f : 0.125f, to + 8 * g);
    }
}

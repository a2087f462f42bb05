/*
 * codec.c - geometry of the packed form, bits of a tile, scales.
 */
#include "kernels/codec.h"

#include <string.h>

enum { LIMIT_LOG2 = 40, BYTES_LIMIT_LOG2 = 48 };

int lsq_format_valid(const lsq_format *f)
{
    static const struct {
        uint8_t low, high;
        uint8_t scales; /* a bit for each lsq_scale */
    } rules[] = {
        [LSQ_CLASSIC] = {3, 9,
                         1 << LSQ_SCALE_NONE | 1 << LSQ_SCALE_TENSOR | 1 << LSQ_SCALE_ROW | 1 << LSQ_SCALE_BYTE32},
        [LSQ_SCALAR] = {2, 9, 1 << LSQ_SCALE_TENSOR | 1 << LSQ_SCALE_ROW | 1 << LSQ_SCALE_BYTE32},
        [LSQ_TRELLIS] = {1, 6, 1 << LSQ_SCALE_BYTE32 | 1 << LSQ_SCALE_NIBBLE32 | 1 << LSQ_SCALE_NIBBLE16},
        [LSQ_SIGN] = {1, 1, 1 << LSQ_SCALE_TENSOR | 1 << LSQ_SCALE_ROW | 1 << LSQ_SCALE_BYTE32},
    };
    if (f->codec > LSQ_SIGN || f->bits < rules[f->codec].low || f->bits > rules[f->codec].high ||
        f->scale > LSQ_SCALE_NIBBLE16 || !(rules[f->codec].scales >> f->scale & 1) || f->curve > 7)
        return 0;
    if ((f->codec == LSQ_CLASSIC && f->curve != 7) || (f->codec == LSQ_SIGN && f->curve != 0))
        return 0;
    if (f->codec == LSQ_TRELLIS)
        return f->states == 4 || f->states == 8 || f->states == 16 || f->states == 64;
    return f->states == 0;
}

lsq_status lsq_geometry_of(const lsq_format *format, size_t m, size_t k, lsq_geometry *g)
{
    if (m == 0 || k == 0)
        return LSQ_E_ARGUMENT;
    if ((uint64_t)(m - 1) >> LIMIT_LOG2 || (uint64_t)(k - 1) >> LIMIT_LOG2)
        return LSQ_E_LIMIT;
    /* In 64 bits nothing here wraps: a tile has 64 bytes or more and less than 1024, so below are at most 2^42 tiles. */
    const uint64_t limit = (uint64_t)1 << BYTES_LIMIT_LOG2;
    uint64_t panels = ((uint64_t)m + PANEL - 1) / PANEL, groups = ((uint64_t)k + GROUP - 1) / GROUP;
    if (panels > limit / 64 / groups)
        return LSQ_E_LIMIT;
    static const uint8_t scale_bytes[] = {0, 0, 0, 16, 8, 16};
    uint64_t tiles = panels * groups, codes = tiles * 64 * format->bits;
    uint64_t scales = (tiles * scale_bytes[format->scale] + 63) / 64 * 64;
    uint64_t rows = codes + scales, tensor = rows + panels * PANEL, bytes = (tensor + sizeof(float) + 63) / 64 * 64;
    if (bytes > limit || bytes > SIZE_MAX)
        return LSQ_E_LIMIT;
    *g = (lsq_geometry){.panels = (size_t)panels,
                        .groups = (size_t)groups,
                        .scale_bytes = scale_bytes[format->scale],
                        .scales = (size_t)codes,
                        .rows = (size_t)rows,
                        .tensor = (size_t)tensor,
                        .bytes = (size_t)bytes};
    return LSQ_OK;
}

unsigned lsq_planes(unsigned bits, lsq_plane planes[3])
{
    unsigned count = 0, vector = 0;
    for (unsigned width = 8; width > 0; width /= 2)
        if (bits & width) {
            planes[count++] = (lsq_plane){width, vector};
            vector += width;
        }
    return count;
}

void lsq_plane_place(unsigned p, lsq_plane plane, unsigned step, unsigned *byte, unsigned *bit)
{
    unsigned q = plane.width, slots = 8 / p, v = step / slots;
    *byte = (plane.vector + v * q / p) * 64;
    *bit = p * (step % slots) + q * (v % (p / q));
}

unsigned lsq_code_get(const uint8_t *tile, unsigned bits, unsigned row, unsigned column)
{
    lsq_plane planes[3];
    unsigned count = lsq_planes(bits, planes), code = 0;
    for (unsigned i = 0, shift = 0; i < count; shift += planes[i++].width) {
        unsigned byte, bit;
        lsq_plane_place(planes[0].width, planes[i], column / 4, &byte, &bit);
        code |= (tile[byte + row * 4 + column % 4] >> bit & ((1u << planes[i].width) - 1)) << shift;
    }
    return code;
}

void lsq_code_put(uint8_t *tile, unsigned bits, unsigned row, unsigned column, unsigned code)
{
    lsq_plane planes[3];
    unsigned count = lsq_planes(bits, planes);
    for (unsigned i = 0; i < count; code >>= planes[i++].width) {
        unsigned byte, bit;
        lsq_plane_place(planes[0].width, planes[i], column / 4, &byte, &bit);
        tile[byte + row * 4 + column % 4] |= (uint8_t)((code & ((1u << planes[i].width) - 1)) << bit);
    }
}

void lsq_tile_codes(const uint8_t *tile, unsigned bits, uint16_t code[STEPS][LANES])
{
    lsq_plane planes[3];
    unsigned count = lsq_planes(bits, planes);
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned i = 0, shift = 0; i < count; shift += planes[i++].width) {
            unsigned byte, bit, mask = (1u << planes[i].width) - 1;
            lsq_plane_place(planes[0].width, planes[i], t, &byte, &bit);
            for (unsigned lane = 0; lane < LANES; lane++) {
                unsigned part = (tile[byte + lane] >> bit & mask) << shift;
                code[t][lane] = (uint16_t)(i ? code[t][lane] | part : part);
            }
        }
}

/* ---- Scales ---- */

float lsq_scale_byte(uint8_t b)
{
    unsigned e = b >> 4 & 7, m = b & 15u;
    float s = (float)(e ? (16 + m) << (e - 1) : m) * 0x1p-18f;
    return b & 0x80 ? -s : s;
}

/* Test "multipliers" of tests/test_codec.c recomputes them. */
const uint8_t lsq_multipliers[2][4][16] = {
    {
        {255, 234, 214, 197, 180, 165, 152, 139, 128, 117, 107, 98, 90, 83, 76, 70},
        {255, 227, 202, 180, 161, 143, 128, 114, 101, 90, 80, 72, 64, 57, 51, 45},
        {255, 214, 180, 152, 128, 107, 90, 76, 64, 54, 45, 38, 32, 27, 23, 19},
        {255, 197, 152, 117, 90, 70, 54, 41, 32, 25, 19, 15, 11, 9, 7, 0},
    },
    {
        {127, 256 - 127, 113, 256 - 113, 101, 256 - 101, 90, 256 - 90, 80, 256 - 80, 71, 256 - 71, 64, 256 - 64, 57,
         256 - 57},
        {127, 256 - 127, 107, 256 - 107, 90, 256 - 90, 76, 256 - 76, 64, 256 - 64, 53, 256 - 53, 45, 256 - 45, 38,
         256 - 38},
        {127, 256 - 127, 98, 256 - 98, 76, 256 - 76, 58, 256 - 58, 45, 256 - 45, 35, 256 - 35, 27, 256 - 27, 21,
         256 - 21},
        {127, 256 - 127, 90, 256 - 90, 64, 256 - 64, 45, 256 - 45, 32, 256 - 32, 22, 256 - 22, 16, 256 - 16, 0, 0},
    },
};

int lsq_multiplier(unsigned mirrored, uint8_t row_byte, unsigned nibble)
{
    const uint8_t m = lsq_multipliers[mirrored][row_byte >> 6][nibble];
    return mirrored ? (int8_t)m : m;
}

int lsq_mirrored(const lsq_format *f)
{
    return f->codec == LSQ_TRELLIS && f->bits <= 3;
}

float lsq_tensor_scale(const uint8_t *packed, const lsq_geometry *geometry)
{
    const uint8_t *p = packed + geometry->tensor;
    uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    float t;
    memcpy(&t, &bits, sizeof(t));
    return t;
}

void lsq_row_scales(const lsq_format *format, float tensor, float row[256])
{
    int nibbles = format->scale == LSQ_SCALE_NIBBLE32 || format->scale == LSQ_SCALE_NIBBLE16;
    unsigned mask = nibbles ? 63 : 255;
    double octave = nibbles ? 0.25 : 0.0625;
    for (unsigned b = 0; b < 256; b++)
        row[b] = (b & mask) == mask ? 0.0f : (float)(tensor * (double)(float)lsq_exp2(-octave * (b & mask)));
}

void lsq_tile_scale(const lsq_tiles *w, size_t tile, unsigned row, uint8_t row_byte, float s[2])
{
    switch (w->scale) {
    case LSQ_SCALE_BYTE32:
        s[0] = s[1] = lsq_scale_byte(w->scales[tile * 16 + row]);
        break;
    case LSQ_SCALE_NIBBLE32:
        s[0] = s[1] = (float)lsq_multiplier(w->mirrored, row_byte, w->scales[tile * 8 + row % 8] >> row / 8 * 4 & 15);
        break;
    case LSQ_SCALE_NIBBLE16:
        s[0] = (float)lsq_multiplier(w->mirrored, row_byte, w->scales[tile * 16 + row] & 15);
        s[1] = (float)lsq_multiplier(w->mirrored, row_byte, w->scales[tile * 16 + row] >> 4);
        break;
    default:
        s[0] = s[1] = 1.0f;
    }
}

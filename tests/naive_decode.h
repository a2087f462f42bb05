/*
 * naive_decode.h - a decoder of the packed form that uses no line of the library: bit by bit, from docs/codecs.md. Slow.
 */
#ifndef LSQ_TESTS_NAIVE_DECODE_H
#define LSQ_TESTS_NAIVE_DECODE_H

#include "tests/core_sample.h"

#include <math.h>

/* A packed matrix, taken apart. */
typedef struct naive {
    lsq_format f;
    const uint8_t *packed;
    size_t m, k, panels, groups, scales, rows;
    float tensor;
} naive;

static inline naive naive_open(lsq_format f, size_t m, size_t k, const uint8_t *packed)
{
    naive n = {.f = f, .packed = packed, .m = m, .k = k, .panels = (m + 15) / 16, .groups = (k + 31) / 32};
    size_t tiles = n.panels * n.groups, of_tile = f.scale < 3 ? 0 : f.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16;
    n.scales = tiles * 64 * f.bits;
    n.rows = n.scales + (tiles * of_tile + 63) / 64 * 64;
    memcpy(&n.tensor, packed + n.rows + n.panels * 16, sizeof(n.tensor));
    return n;
}

static inline uint32_t naive_code(const naive *n, size_t row, size_t column)
{
    const uint8_t *tile = n->packed + (row / 16 * n->groups + column / 32) * 64 * n->f.bits;
    uint32_t code = 0;
    for (unsigned bit = 0; bit < n->f.bits; bit++) {
        unsigned at = place_of(n->f.bits, row % 16, column % 32, bit);
        code |= (uint32_t)(tile[at / 8] >> at % 8 & 1) << bit;
    }
    return code;
}

static inline float naive_row_scale(const naive *n, size_t row)
{
    unsigned b = n->packed[n->rows + row], zero = n->f.scale >= LSQ_SCALE_NIBBLE32 ? 63 : 255;
    if ((b & zero) == zero)
        return 0;
    return (float)((double)n->tensor * (double)(float)exp2(-(double)(b & zero) / (zero == 63 ? 4 : 16)));
}

/* The finer scale: a float, or an integer of -127 to 255; 1 if there is none. */
static inline float naive_scale(const naive *n, size_t row, size_t column)
{
    static const double steps[5] = {1 / 8.0, 1 / 6.0, 1 / 4.0, 3 / 8.0, 1 / 2.0};
    size_t tile = row / 16 * n->groups + column / 32;
    unsigned step = n->packed[n->rows + row] >> 6, nibble;
    if (n->f.scale == LSQ_SCALE_BYTE32) {
        unsigned b = n->packed[n->scales + tile * 16 + row % 16];
        int e = (int)(b >> 4 & 7), m = (int)(b & 15);
        double s = e ? ldexp(16 + m, e - 19) : ldexp(m, -18);
        return (float)(b & 128 ? -s : s);
    }
    if (n->f.scale == LSQ_SCALE_NIBBLE32)
        nibble = n->packed[n->scales + tile * 8 + row % 8] >> row % 16 / 8 * 4 & 15;
    else if (n->f.scale == LSQ_SCALE_NIBBLE16)
        nibble = n->packed[n->scales + tile * 16 + row % 16] >> column % 32 / 16 * 4 & 15;
    else
        return 1;
    if (n->f.bits <= 3) {
        double m = rint(127 * exp2(-(double)(nibble / 2) * steps[step + 1]));
        return step == 3 && nibble >= 14 ? 0 : (float)(nibble % 2 ? -m : m);
    }
    return step == 3 && nibble == 15 ? 0 : (float)rint(255 * exp2(-(double)nibble * steps[step]));
}

/* L(u; s) */
static inline double naive_curve(const naive *n, double u)
{
    double s = n->f.curve == 7 ? n->f.bits - 1 : -0.5 * n->f.curve;
    return s == 0 ? u : log2(1 + u * (exp2(s) - 1)) / s;
}

/* u of the path of (row, column), h vectors of the first plane before; 0 before the chain of 16 panels. */
static inline unsigned naive_u(const naive *n, size_t row, size_t column, size_t h)
{
    unsigned bits = n->f.bits,
             p = bits >= 4   ? 4
                 : bits >= 2 ? 2
                             : 1,
             slots = 8 / p, slot = (unsigned)column / 4 % slots;
    size_t chain = row / 256 * 16 * n->groups; /* its first tile */
    size_t tile = row / 16 * n->groups + column / 32, now = (tile - chain) * p + column % 32 / 4 / slots;
    if (now < h)
        return 0;
    size_t then = now - h, step = then % p * slots + slot;
    const uint8_t *bytes = n->packed + (chain + then / p) * 64 * bits;
    unsigned at = place_of(bits, row % 16, (unsigned)(step * 4 + column % 4), 0);
    return bytes[at / 8] >> at % 8 & 1;
}

/* The largest integer level: of 7 bits for alphabets of up to 16, of 8, of 15; 1 of signs. */
static inline int naive_largest(lsq_format f)
{
    unsigned alphabet = 1u << f.bits << (f.codec == LSQ_TRELLIS);
    if (f.codec == LSQ_SIGN)
        return 1;
    return f.bits > 6 ? 16383 : alphabet > 16 ? 127 : 63;
}

/* The level of a weight as an integer; classic ones as fractions of 1. */
static inline float naive_level(const naive *n, size_t row, size_t column)
{
    uint32_t code = naive_code(n, row, column);
    unsigned bits = n->f.bits, half = 1u << (bits - 1);
    int largest = naive_largest(n->f);
    if (n->f.codec == LSQ_CLASSIC) {
        unsigned v = code & (half - 1);
        float level = v ? (float)(log2(v) / (bits - 1)) : 0;
        return code & half ? -level : level;
    }
    if (n->f.codec == LSQ_SIGN)
        return code ? 1 : -1;
    if (n->f.codec == LSQ_SCALAR) {
        double j = (double)code - half + 0.25, level = naive_curve(n, fabs(j) / (half - 0.25));
        return (float)(int)rint(copysign(largest * level, j)); /* an integer: no -0 */
    }
    unsigned u[7], z0, z1;
    for (unsigned h = 0; h < 7; h++)
        u[h] = naive_u(n, row, column, h);
    switch (n->f.states) {
    case 4:
        z0 = u[1], z1 = u[0] ^ u[2];
        break;
    case 8:
        z0 = u[2], z1 = u[0] ^ u[1] ^ u[3];
        break;
    case 16:
        z0 = u[2], z1 = u[0] ^ u[1] ^ u[4];
        break;
    default:
        z0 = u[2] ^ u[4], z1 = u[0] ^ u[1] ^ u[6];
    }
    int i = (int)(4 * (code >> 1) + 2 * z1 + z0), h = 1 << bits, outward = i < h ? h - 1 - i : i - h;
    double level = naive_curve(n, (outward + 0.5) / (h - 0.5));
    return (float)(int)rint(i < h ? -largest * level : largest * level);
}

/* The weight, in the order of operations that is part of the format. */
static inline float naive_weight(const naive *n, size_t row, size_t column)
{
    return naive_row_scale(n, row) * naive_scale(n, row, column) * naive_level(n, row, column);
}

#endif

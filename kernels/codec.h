/*
 * codec.h - the packed form of a matrix: where each bit is, and what it means. docs/codecs.md is the long version.
 *
 * Words. A panel is 16 rows, a group 32 columns, a tile one panel by one group, a step 4 columns of a tile. The byte lane of a
 * weight is row * 4 + column % 4: 64 lanes, so that one step of a tile is 64 codes in lane order. Lanes are what makes every
 * instruction set happy: each 32-bit lane of a vector *is* a row, and the four activations of a step are one broadcast dword.
 *
 * Packed form, each part at a multiple of 64 bytes:
 *
 *     codes    panel after panel, in it tile after tile, 64 * C bytes each
 *     scales   in the same order, 16 bytes a tile (8 with nibbles per 32 columns; none for three of the scale kinds)
 *     rows     one byte a row, 16 a panel; behind the last one the tensor's float, little-endian
 *
 * Bits of a tile. A code of C bits is split over planes of 8, 4, 2 and 1 bits: 3 = 2+1, 5 = 4+1, 6 = 4+2, 7 = 4+2+1, 9 = 8+1.
 * The first plane, of width p, holds the low p bits of the code, the next one the bits above, and so on. With S = 8 / p slots in
 * a byte of the first plane, step t is slot t % S of its vector t / S. In a plane of width q the step is in vector
 * v q / p, at bit p (t % S) + q (v % (p / q)), v = t / S, of its byte lane: whatever its width, a plane's bits for one vector of the
 * first plane are p apart, as that plane's slots are, so that one shift and one merge serve all of them.
 */
#ifndef LSQ_KERNELS_CODEC_H
#define LSQ_KERNELS_CODEC_H

#include "kernels/kernel.h"

#include <lsq/lsq.h>

/* Sizes and places of the packed form of an m x k matrix. */
typedef struct lsq_geometry {
    size_t panels, groups;
    unsigned scale_bytes; /* a tile: 0, 8 or 16 */
    size_t scales, rows;  /* offsets; codes are at 0 */
    size_t tensor;        /* offset of the tensor's float */
    size_t bytes;         /* of it all, a multiple of 64 */
} lsq_geometry;

/* The format must be valid (lsq_format_valid). LSQ_E_ARGUMENT, LSQ_E_LIMIT as lsq_packed_bytes(). */
lsq_status lsq_geometry_of(const lsq_format *format, size_t m, size_t k, lsq_geometry *geometry);

/* Is this a combination that docs/codecs.md defines? */
int lsq_format_valid(const lsq_format *format);

/* Where a code's bits are: plane by plane, the low bits of the code first. */
typedef struct lsq_plane {
    unsigned width;  /* bits of the code in this plane */
    unsigned vector; /* the first of its `width` vectors of 64 bytes in the tile */
} lsq_plane;

/* Fills planes[] for codes of C bits and returns how many there are. */
unsigned lsq_planes(unsigned bits, lsq_plane planes[3]);

/* Where plane `plane` has a step's bits, p being the width of the first one: its byte of lane 0 in the tile, and the lowest bit. */
void lsq_plane_place(unsigned p, lsq_plane plane, unsigned step, unsigned *byte, unsigned *bit);

/* Reads and writes one code of a tile, row 0..15, column 0..31. Writing expects zero bits there. */
unsigned lsq_code_get(const uint8_t *tile, unsigned bits, unsigned row, unsigned column);
void lsq_code_put(uint8_t *tile, unsigned bits, unsigned row, unsigned column, unsigned code);

/* All codes of a tile: code[t][lane] of step t and byte lane row * 4 + column % 4. */
enum { STEPS = 8, LANES = 64 };
void lsq_tile_codes(const uint8_t *tile, unsigned bits, uint16_t code[STEPS][LANES]);

/* ---- Scales ---- */

/*
 * A byte scale is a small float: sign, 3 bits of exponent e, 4 of mantissa m, in the places where a half float has them (the sign
 * in bit 15, the others in bits 12 to 6). So it is m 2^-18 at e = 0, (16 + m) 2^(e - 19) beyond, and at most LSQ_SCALE_BYTE_MAX.
 */
float lsq_scale_byte(uint8_t b);
#define LSQ_SCALE_BYTE_MAX 0x1.fp-8f

/*
 * A nibble scale is an integer out of 16, and the upper two bits of the row's byte say which 16. From 4 bits a weight on these are
 * magnitudes, rint(255 * 2^(-nibble * step)) with steps of 1/8, 1/6, 1/4, 3/8 octave. Up to 3 bits they are mirrored: 8 magnitudes, 127 *
 * 2^(-(nibble / 2) * step) with steps of 1/6, 1/4, 3/8, 1/2 octave, negative if the nibble is odd (as bytes: two's complement).
 * A path then has a second alphabet to choose from, which is worth more than finer magnitudes. The last one of the widest step is 0.
 */
extern const uint8_t lsq_multipliers[2][4][16];
int lsq_multiplier(unsigned mirrored, uint8_t row_byte, unsigned nibble);

/* Are the multipliers of this format mirrored? */
int lsq_mirrored(const lsq_format *format);

/* The 256 row scales under the tensor's float: nibbles t 2^(-(b % 64) / 4), 63 is 0; otherwise t 2^(-b / 16), 255 is 0. */
void lsq_row_scales(const lsq_format *format, float tensor, float row[256]);

/* The tensor's float, from the end of the packed form. */
float lsq_tensor_scale(const uint8_t *packed, const lsq_geometry *geometry);

/* The scale of a row of a tile for columns [0, 16) and [16, 32): a float or an integer, 1 if the format has none. */
void lsq_tile_scale(const lsq_tiles *w, size_t tile, unsigned row, uint8_t row_byte, float s[2]);

/* ---- Levels ---- */

/*
 * The largest magnitude of an integer level: 63 for alphabets of up to 16 levels, 127 for larger ones of codes of up to 6 bits, otherwise
 * 16383; of signs 1. Seven bits are enough for 16 levels (the encoder uses what is there), and + 64 they multiply as unsigned bytes where
 * the instructions saturate, without a sign to be moved first.
 */
int lsq_largest_level(const lsq_format *format);

/*
 * What codes stand for. Plain codecs: index = code. Trellis: index = z0 * 2^C + (code with z1 in place of its bit 0). Computed
 * with SLEEF's deterministic functions: the same on every machine.
 */
void lsq_levels_of(const lsq_format *format, lsq_levels *levels);

/* log2(v) / B, 0 at v = 0: the magnitude of a published code (compat: as its program has it, log2(v + 1e-9) / B). */
float lsq_classic_level(unsigned b, unsigned v, int compat);

/* 2^x, the same on every machine. */
double lsq_exp2(double x);

/* ---- Trellis ---- */

/*
 * The code of a path is a rate-1/2 convolutional code in feed-forward form: of u, the newest bit, and the bits before it
 * (bit h - 1 of `history` is u[-h]) it makes z0 and z1. Masks of the history bits, by number of states; u itself is in z1.
 */
typedef struct lsq_code {
    unsigned z0, z1; /* parity masks over history */
    unsigned memory; /* log2 states */
} lsq_code;

lsq_code lsq_code_of(unsigned states);

#endif

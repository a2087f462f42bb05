/*
 * kernel.h - the contract between a kernel and whoever calls it.
 *
 * A kernel is a pure function over whole panels (16 rows) and whole groups (32 columns): no tail, no error, no choice,
 * nothing but its arguments. kernels/codec.h explains the packed form that `codes`, `scales` and `rows` point into.
 */
#ifndef LSQ_KERNELS_KERNEL_H
#define LSQ_KERNELS_KERNEL_H

#include "kernels/built.h" /* generated: IF_BUILT_<isa>(...) for each level, empty where the build lacks it */

#include <stddef.h>
#include <stdint.h>

/* A helper of a kernel: its constant arguments (width, states, ...) must reach its body, whatever the compiler thinks of its size. */
#define INLINE static inline __attribute__((always_inline))

enum { PANEL = 16, GROUP = 32, TILE = PANEL * GROUP, CHAIN = 16 /* panels of one trellis history */ };

/* What a code stands for, in the order in which kernels index it, repeated to the end of each array. */
typedef struct lsq_levels {
    int8_t i8[128];   /* codes of up to 6 bits, |level| <= 127; <= 63 if there are at most 16 (lsq_largest_level) */
    int16_t i16[512]; /* codes of 7 to 9 bits, |level| <= 16383 */
    float f32[512];   /* exact products and decoding; one unit of i8 or i16 is `unit` of these */
    float unit;
} lsq_levels;

/* The packed form of one matrix, as kernels see it. */
typedef struct lsq_tiles {
    const uint8_t *codes;  /* tile (p, g) at ((p * groups + g) * 64 * C) */
    const uint8_t *scales; /* tile (p, g) at ((p * groups + g) * 8 or 16); NULL if the format has none */
    const uint8_t *rows;   /* a byte a row; nibble scales: the step in its upper two bits */
    size_t groups;         /* tiles a panel */
    const lsq_levels *levels;
    unsigned scale;    /* an lsq_scale */
    unsigned states;   /* of the trellis */
    unsigned mirrored; /* which multipliers: lsq_mirrored() */
} lsq_tiles;

/*
 * gemv: y[16 (p - p0) + r] = sum over groups g of s(p, r, g) sum over the group of level * x, for panels p in [p0, p1)
 * and rows r, without the scale of the row. With integer activations
 *
 *     byte scales     acc += (float)dot * (sx[g] * s)           nibble scales     acc += (float)(sum of dot * m) * sx[g]
 *     no scales       acc += (float)dot * sx[g]
 *
 * group after group, each operation rounded: every kernel gives the same bits. Float kernels may sum in any order.
 */
typedef struct lsq_gemv_args {
    lsq_tiles w;
    const void *x;   /* 32 * groups: int8_t, int16_t or float; beyond k zeros */
    const float *sx; /* int activations: a float a group */
    /* int8 activations, two sums a group, over columns 0..15 and 16..31: what dots start at when */
    const int32_t *bias;     /* levels are taken + 128, unsigned: -128 * the sum of x */
    const int32_t *negative; /* |x| is the unsigned side, and level ^ -1 stands for -level: the sum of -x where x < 0 */
    float *y;
    size_t prefetch; /* codes are asked for this many bytes before their turn; see kernels/prefetch.h */
} lsq_gemv_args;

typedef void lsq_gemv_fn(const lsq_gemv_args *a, size_t p0, size_t p1);

/*
 * decode: out[(r - r0) * ld + 32 (g - g0) + c] = (row[r] * s) * level, or row[r] * level where there is no s: groups [g0, g1)
 * and rows [r0, r1) of panel p. The same bits from every kernel.
 */
typedef struct lsq_decode_args {
    lsq_tiles w;
    const float *row; /* the scale of each of the panel's 16 rows, decoded */
    unsigned r0, r1;  /* multiples of 4: what a row costs should not be a panel */
    float *out;       /* no alignment */
    size_t ld;
} lsq_decode_args;

typedef void lsq_decode_fn(const lsq_decode_args *a, size_t p, size_t g0, size_t g1);

/*
 * expand: the integer levels of groups [g0, g1) of panel p, for products that read them again and again: 8 bits for codes of up to 6,
 * 16 bits beyond. out[((g - g0) * 8 + t) * 64 + lane] is that of step t and byte lane row * 4 + column % 4.
 */
typedef struct lsq_expand_args {
    lsq_tiles w;
    void *out; /* int8_t or int16_t; at a multiple of 64 bytes */
} lsq_expand_args;

typedef void lsq_expand_fn(const lsq_expand_args *a, size_t p, size_t g0, size_t g1);

/*
 * round: the vector of a product as integers, 32 * groups floats under one scale each 32: sx = amax / L and q = x * (L / amax), half to
 * even, with L = 127 or 4095 and amax the largest magnitude. Groups that hold a NaN or an infinity have sx = NaN and q = 0; those
 * of amax < 2^-100 have sx = 0 and q = 0. Results of several vectors lie side by side if `lanes` is more than 1, four values of a
 * step together: value c of group g and step t = c / 4 is at q[((g * 8 + t) * lanes) * 4 + c % 4].
 */
typedef struct lsq_round_args {
    const float *x;
    size_t groups, lanes;
    void *q;                  /* int8_t or int16_t */
    float *sx;                /* at g * lanes */
    int32_t *bias, *negative; /* int8_t only: as in gemv, at (g * 2 + half) * lanes */
} lsq_round_args;

typedef void lsq_round_fn(const lsq_round_args *a);

/*
 * gemm: gemv for columns in fours. Column j of quad q lies between its three neighbours: its values of group g and step t are
 * the four at x[((q * groups + g) * 8 + t) * 16 + 4 * j]. The sums of panel p go on from where groups before g0 left them, from
 * zero at g0 = 0, with the arithmetic of gemv: each column gets the bits that it gets there.
 *
 * Kernels of e8 and e16 take levels that are expanded, of any codec. Those of a codec take its codes, and `levels` is not used.
 *
 * With float activations what is expanded are weights, as `decode` leaves them, scales and all: of row r and column c of the
 * groups at levels[r * 32 (g1 - g0) + c]. Columns lie in strips of 16: column j of strip b has x of row c of B at
 * x[(b * 32 * groups + c) * 16 + j], and the sum of row r at sums[(b * 16 + r) * 16 + j]. Sums may be taken in any order that rounds
 * each of them at most k / 4 + 60 times.
 */
enum { QUAD = 4, STRIP = 16, GEMM_GROUPS = 32 /* expanded at once, at most */ };

typedef struct lsq_gemm_args {
    lsq_tiles w; /* scales and rows; with floats no more than `groups` */
    size_t
        tile_bytes; /* of w.codes: while levels are multiplied with, the codes of as many groups behind g1 are asked for */
    const void *levels; /* of groups [g0, g1), expanded; at a multiple of 64 bytes */
    int largest;        /* of their magnitudes: 1, 63, 127 or 16383 (lsq_largest_level) */
    size_t quads;       /* of columns, at least 1; of the last strip no more than these are wanted */
    size_t columns;     /* wanted, up to three fewer than quads have; of integers, sums of others may be anything */
    const void *x;   /* int8_t, int16_t or float; zeros in columns that nobody asked for; at a multiple of 64 bytes */
    const float *sx; /* (q * groups + g) * 4 + j */
    const int32_t *bias;     /* as in gemv: ((q * groups + g) * 2 + half) * 4 + j */
    const int32_t *negative; /* likewise */
    float *sums;             /* of row r: (q * 4 + j) * 16 + r; at a multiple of 64 bytes */
    size_t prefetch;         /* straight from codes: as in gemv */
} lsq_gemm_args;

typedef void lsq_gemm_fn(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1);

/*
 * roundt: sixteen columns that lie side by side, element c of column j at x[c * ld + j], as `round` has each of them, into the four quads
 * that gemm takes them in. Where `groups` of them are rounded of columns that have `all`, everything else is given as of the first one:
 * value c of group g, step t = c / 4, of column j = 4 q + i is at q[((q * all + g) * 8 + t) * 16 + 4 * i + c % 4].
 */
typedef struct lsq_roundt_args {
    const float *x; /* no alignment */
    size_t ld, groups, all;
    void *q;                  /* int8_t or int16_t; at a multiple of 64 bytes */
    float *sx;                /* at (q * all + g) * 4 + i */
    int32_t *bias, *negative; /* int8_t only: at ((q * all + g) * 2 + half) * 4 + i */
} lsq_roundt_args;

typedef void lsq_roundt_fn(const lsq_roundt_args *a);

/*
 * gemvt: y = W^T x, one panel at a time. Kernels of e8, e16 and e32 take levels that are expanded, of any codec; those of a codec take its
 * codes, and `levels` and `largest` are not used. y[32 g + c] goes on by what the 16 rows of panel p have in groups [g0, g1), from what is there.
 * The vector, times the scale of each row, times the scale s(p, r, g) of its weights there, is rounded anew for each panel and
 * half of a group, so that what is left to do is in integers: with v[r] = x[r] * s of the 16 rows, amax their largest magnitude,
 *
 *     q[r] = v[r] * (L / amax), half to even       y += (float)(sum over rows of level * q[r]) * (amax / L)
 *
 * each operation rounded, L and exceptions as in `round`. With float activations levels are weights, as in gemm, x is the vector
 * itself, and y += sum over rows of level * x[r], that sum in any order.
 */
typedef struct lsq_gemvt_args {
    lsq_tiles w;
    const void *levels; /* of groups [g0, g1) of panel p, as in gemm */
    int largest;        /* as in gemm */
    const float *x;     /* of row r: 16 p + r; zeros beyond m; at a multiple of 64 bytes */
    float *y;           /* 32 * groups; at a multiple of 64 bytes */
    size_t prefetch;    /* as in gemv; of expanded levels nothing is asked for */
} lsq_gemvt_args;

typedef void lsq_gemvt_fn(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1);

/*
 * How encoders find codes. The rank of a number is how many thresholds it reaches. They stand as a tree:
 *
 *     rank = 0;  for d = 0 .. depth - 1:  rank = 2 rank + (y >= tree[2^d - 1 + rank])
 *
 * with a depth of C for plain codes, C + 1 for trellises (0 at C = 1). Plain: level[rank] is what the code of that rank stands for.
 * Trellis: the nearest level of subset z = 2 z1 + z0 is level[z 2^(C-1) + q], q = (rank + 3 - z) / 4.
 */
typedef struct lsq_coder {
    float tree[512], level[512];
    /* Trellis: the code. A state's newest bit is its lowest; from state s, u leads to (2 s + u) % states through subset[s] ^ 2 u. */
    unsigned states;
    uint8_t subset[64];
    /* z0 does not depend on the last `ahead` bits: so many steps ahead, its values from state s on are the bits of kind[s]. */
    unsigned ahead;
    uint8_t kind[64];
} lsq_coder;

/*
 * measure: the squared error of 16 rows of a tile under each of `tries` scales a row: error[try * 16 + r]. encode: ranks under one scale a
 * row. Column c of row r is at [c * 16 + r] of x, importance and rank; the error of a weight is importance * (x - scale * level)^2.
 *
 * A trellis has P paths a row, 32, 16, 16, 8, 8, 8 for C = 1 .. 6: step v of path p in a tile is at column v P + p. Paths [path0, path1)
 * and steps [step0, step1) are under the scale. metric[(p states + s) 16 + r] is the least error of any way into state s.
 * `measure` gives the least metric of each path behind these steps, summed over paths; `encode` goes on: it leaves metrics behind,
 * less the least one of each path and row, and chose[(c * 2 + s / 32) * 16 + r] has bit s % 32 set if the best way into s at
 * column c comes from the upper half of states.
 *
 * Each operation is rounded, and sums are taken in the order of columns (trellis: of steps, then paths): all kernels give the same bits.
 */
typedef struct lsq_encode_args {
    const lsq_coder *coder;
    const float *x, *importance; /* at multiples of 64 bytes, as all that follow */
    const float *scale;          /* measure: tries * 16; encode: 16 */
    size_t tries;
    float *error;
    unsigned path0, path1, step0, step1;
    float *metric;
    uint16_t *rank;
    uint32_t *chose;
} lsq_encode_args;

typedef void lsq_measure_fn(const lsq_encode_args *a);
typedef void lsq_encode_fn(const lsq_encode_args *a);

/* Every kernel as a function: lsq_<op>_<codec>_<act>_<isa>_<variant>. */
#define KERNEL(op, codec, act, isa, variant, rev)                                                                      \
    IF_BUILT_##isa(lsq_##op##_fn lsq_##op##_##codec##_##act##_##isa##_##variant;)
#include "kernels/table.inc"
#undef KERNEL

#endif

/*
 * naive_outliers.h - outliers as docs/codecs.md defines their bytes, bit by bit: written a second time, both ways.
 */
#ifndef LSQ_TESTS_NAIVE_OUTLIERS_H
#define LSQ_TESTS_NAIVE_OUTLIERS_H

#include "tests/core_sample.h"

#include <math.h>

/* How outliers are coded. */
typedef struct outlier_code {
    float largest;
    unsigned parameter, bits, divisor; /* R, V, D */
} outlier_code;

typedef struct bit_string {
    uint8_t *bytes;
    size_t at; /* bits */
} bit_string;

static inline void put_bits(bit_string *s, uint64_t bits, unsigned count)
{
    for (unsigned i = 0; i < count; i++, s->at++)
        s->bytes[s->at / 8] |= (uint8_t)((bits >> i & 1) << s->at % 8);
}

static inline uint64_t get_bits(bit_string *s, unsigned count)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < count; i++, s->at++)
        bits |= (uint64_t)(s->bytes[s->at / 8] >> s->at % 8 & 1) << i;
    return bits;
}

/* The outliers of an m x k matrix: code[i] of weight i, or -1. free() the bytes. */
static inline uint8_t *write_outliers(outlier_code c, const int *code, size_t weights, size_t *bytes)
{
    uint64_t count = 0, gap = 0;
    uint32_t largest;
    bit_string s = {memory(16 + weights * 8), 0};
    memcpy(&largest, &c.largest, sizeof(largest));
    for (size_t i = 0; i < weights; i++)
        count += code[i] >= 0;
    put_bits(&s, count, 64);
    put_bits(&s, largest, 32);
    put_bits(&s, c.parameter, 8);
    put_bits(&s, c.bits, 8);
    put_bits(&s, c.divisor, 8);
    s.at = 128;
    for (size_t i = 0; i < weights; i++, gap++) {
        if (code[i] < 0)
            continue;
        put_bits(&s, (unsigned)code[i], c.bits);
        put_bits(&s, gap, c.parameter);
        for (uint64_t ones = gap >> c.parameter; ones; ones--)
            put_bits(&s, 1, 1);
        put_bits(&s, 0, 1);
        gap = UINT64_MAX; /* 0 after this one */
    }
    *bytes = (s.at + 7) / 8;
    return s.bytes;
}

/* The matrix of the outliers, zeros between them. Returns how many. */
static inline size_t read_outliers(const void *bytes, float *sparse, size_t weights)
{
    bit_string s = {(uint8_t *)(uintptr_t)bytes, 0};
    const size_t count = get_bits(&s, 64);
    const uint32_t largest = (uint32_t)get_bits(&s, 32);
    const unsigned parameter = (unsigned)get_bits(&s, 8), width = (unsigned)get_bits(&s, 8),
                   divisor = (unsigned)get_bits(&s, 8);
    float top;
    size_t place = 0;
    memcpy(&top, &largest, sizeof(top));
    memset(sparse, 0, weights * sizeof(*sparse));
    s.at = 128;
    for (size_t i = 0; i < count; i++, place++) {
        const unsigned code = (unsigned)get_bits(&s, width), half = 1u << (width - 1);
        const float magnitude = top * (float)exp2(-(double)(code % half) / (double)(1u << divisor));
        place += get_bits(&s, parameter);
        while (get_bits(&s, 1))
            place += (size_t)1 << parameter;
        ck_assert_uint_lt(place, weights);
        sparse[place] = code < half ? magnitude : -magnitude;
    }
    return count;
}

#endif

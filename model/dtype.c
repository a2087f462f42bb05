/*
 * dtype.c - types of numbers: names, sizes, and conversion to float32 and to float16.
 */
#include "model/dtype.h"
#include "model/sizes.h"

#include <endian.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[LSQ_DTYPES] = {
    [LSQ_F32] = {"F32", 4},   [LSQ_F16] = {"F16", 2},         [LSQ_BF16] = {"BF16", 2},       [LSQ_F64] = {"F64", 8},
    [LSQ_I8] = {"I8", 1},     [LSQ_U8] = {"U8", 1},           [LSQ_I16] = {"I16", 2},         [LSQ_U16] = {"U16", 2},
    [LSQ_I32] = {"I32", 4},   [LSQ_U32] = {"U32", 4},         [LSQ_I64] = {"I64", 8},         [LSQ_U64] = {"U64", 8},
    [LSQ_BOOL] = {"BOOL", 1}, [LSQ_F8_E4M3] = {"F8_E4M3", 1}, [LSQ_F8_E5M2] = {"F8_E5M2", 1},
};

size_t lsq_dtype_bytes(lsq_dtype dtype)
{
    return (unsigned)dtype < LSQ_DTYPES ? types[dtype].bytes : 0;
}

const char *lsq_dtype_name(lsq_dtype dtype)
{
    return (unsigned)dtype < LSQ_DTYPES ? types[dtype].name : NULL;
}

int lsq_dtype_floating(lsq_dtype dtype)
{
    return dtype == LSQ_F32 || dtype == LSQ_F16 || dtype == LSQ_BF16 || dtype == LSQ_F64 || dtype == LSQ_F8_E4M3 ||
           dtype == LSQ_F8_E5M2;
}

int lsq_dtype_parse(const char *name, lsq_dtype *dtype)
{
    for (unsigned i = 0; i < LSQ_DTYPES; i++) {
        if (strcmp(name, types[i].name) == 0) {
            *dtype = (lsq_dtype)i;
            return 1;
        }
    }
    return 0;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * A float with a 5-bit exponent (bias 15) and a 10-bit mantissa. Shifted into the fields of a float32 its exponent is
 * 112 too small, that of infinities and NaNs, which keep their payload, twice as much. A subnormal gets a leading one, 2^-14, that is taken
 * away again, exactly. Masks choose, without a branch, for compilers to make vectors of it.
 */
static inline float half(uint32_t h)
{
    const int32_t magnitude = (int32_t)(h & 0x7fff) << 13, bias = 112 << 23, one = 1 << 23;
    const int32_t normal = magnitude + bias + (bias & -(magnitude >= 31 * one));
    const float subnormal = float_of((uint32_t)(magnitude + bias + one)) - 0x1p-14f;
    const int32_t is_small = -(magnitude < one);
    uint32_t small;
    memcpy(&small, &subnormal, sizeof small);
    return float_of((h & 0x8000u) << 16 | ((uint32_t)normal & ~(uint32_t)is_small) | (small & (uint32_t)is_small));
}

/* OCP E4M3: bias 7, no infinities, NaN where all bits below the sign are set. */
static float e4m3(uint32_t b)
{
    uint32_t sign = (b & 0x80u) << 24, exponent = b >> 3 & 15, mantissa = b & 7;
    if ((b & 0x7f) == 0x7f)
        return float_of(sign | 0x7fc00000u);
    if (exponent == 0) {
        float magnitude = (float)mantissa * 0x1p-9f;
        return sign ? -magnitude : magnitude;
    }
    return float_of(sign | (exponent + 120) << 23 | mantissa << 20);
}

/* Two's complement of `bytes` bytes, without relying on how an unsigned number turns into a signed one. */
static int64_t signed_of(uint64_t value, size_t bytes)
{
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return value & sign ? -(int64_t)(~value & (sign - 1)) - 1 : (int64_t)value;
}

/* Of a type that has no loop of its own below. */
static inline float number(lsq_dtype dtype, uint64_t v)
{
    switch (dtype) {
    case LSQ_F64:
        return (float)double_of(v);
    case LSQ_I8:
    case LSQ_I16:
    case LSQ_I32:
    case LSQ_I64:
        return (float)signed_of(v, types[dtype].bytes);
    case LSQ_BOOL:
        return v ? 1.0f : 0.0f;
    case LSQ_F8_E4M3:
        return e4m3((uint32_t)v);
    case LSQ_F8_E5M2: /* the upper half of a float16 */
        return half((uint32_t)v << 8);
    default:
        return (float)v;
    }
}

/* ---- Many at once: what real models have gets a loop that compilers turn into vectors --------------------------- */

static void singles(const uint8_t *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        to[i] = float_of(le32toh(bits));
    }
}

static void halves(const uint8_t *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        to[i] = half(le16toh(bits));
    }
}

static void upper_halves(const uint8_t *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        to[i] = float_of((uint32_t)le16toh(bits) << 16);
    }
}

void lsq_dtype_to_float(lsq_dtype dtype, const uint8_t *from, size_t count, float *to)
{
    const size_t bytes = types[dtype].bytes;
    if (dtype == LSQ_F32)
        singles(from, count, to);
    else if (dtype == LSQ_F16)
        halves(from, count, to);
    else if (dtype == LSQ_BF16)
        upper_halves(from, count, to);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = number(dtype, lsq_little_endian(from + i * bytes, bytes));
}

/*
 * A float32 as float16: 13 bits of the mantissa go, to the nearest and half to even, so that the carry may reach the exponent. Below
 * 2^-14 adding 0.5 leaves the multiple of 2^-24, which is the subnormal's mantissa, at the end of the sum, rounded.
 */
static uint32_t half_of(uint32_t bits)
{
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return sign | 0x7e00u | (magnitude >> 13 & 0x3ffu);
    if (magnitude == 0x7f800000u)
        return sign | 0x7c00u;
    if (magnitude < 0x38800000u) {
        const float sum = float_of(magnitude) + 0.5f;
        uint32_t rounded;
        memcpy(&rounded, &sum, sizeof rounded);
        return sign | (rounded - 0x3f000000u);
    }
    return sign | ((magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13);
}

size_t lsq_dtype_to_half(const float *from, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, from + i, sizeof bits);
        const uint32_t magnitude = bits & 0x7fffffffu, half = half_of(bits);
        if (magnitude >= 0x477ff000u && magnitude < 0x7f800000u) /* 65520, half way to what would come next */
            return i;
        to[2 * i] = (uint8_t)half;
        to[2 * i + 1] = (uint8_t)(half >> 8);
    }
    return count;
}

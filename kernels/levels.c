/*
 * levels.c - what codes stand for.
 *
 *     L(u; s) = log2(1 + u (2^s - 1)) / s      L(u; 0) = u      u in [0, 1]
 *
 * s = B = C - 1 is the curve of the published code (fine near 1); s < 0 is fine near 0, where trained weights are. Signs need none.
 */
#include "kernels/codec.h"

#include <sleef.h>
#include <string.h>

double lsq_exp2(double x)
{
    return Sleef_cinz_exp2d1_u10purec(x);
}

static double curve(double u, double s)
{
    return s == 0 ? u : Sleef_cinz_log2d1_u10purec(1 + u * (lsq_exp2(s) - 1)) / s;
}

static double parameter(const lsq_format *f)
{
    return f->curve == 7 ? f->bits - 1 : -0.5 * f->curve;
}

/* Rounds to nearest, halves away from zero: the only ones are exact, where the curve of the published code is 1/2. */
static int integer(double x)
{
    return (int)(x < 0 ? x - 0.5 : x + 0.5);
}

float lsq_classic_level(unsigned b, unsigned v, int compat)
{
    if (compat)
        return (float)(Sleef_cinz_log2d1_u10purec(v + 1e-9) / b);
    return v < 2 ? 0.0f : (float)(Sleef_cinz_log2d1_u10purec(v) / b);
}

/* The level of index i as a fraction of the largest one. */
static double plain_level(const lsq_format *f, unsigned i)
{
    unsigned half = 1u << (f->bits - 1);
    if (f->codec == LSQ_SIGN)
        return i ? 1 : -1;
    if (f->codec == LSQ_CLASSIC) {
        double level = lsq_classic_level(f->bits - 1u, i & (half - 1), 0);
        return i & half ? -level : level;
    }
    double j = (double)i - half + 0.25; /* a quarter off: no code is spent on a second zero */
    double level = curve((j < 0 ? -j : j) / (half - 0.25), parameter(f));
    return j < 0 ? -level : level;
}

/*
 * The alphabet A is ascending and symmetric, 2^C levels a side. Code q << 1 | u with z1 and z0 is A[4 q + 2 z1 + z0]: neighbours
 * are four apart in a subset, which is where the gain of the trellis comes from.
 */
static double trellis_level(const lsq_format *f, unsigned index)
{
    unsigned side = 1u << f->bits, z0 = index >> f->bits, code = index & (side - 1);
    unsigned a = (code >> 1) * 4 + (code & 1) * 2 + z0;
    unsigned i = a < side ? side - 1 - a : a - side;
    double level = curve((i + 0.5) / (side - 0.5), parameter(f));
    return a < side ? -level : level;
}

static unsigned alphabet(const lsq_format *f)
{
    return 1u << (f->bits + (f->codec == LSQ_TRELLIS));
}

int lsq_largest_level(const lsq_format *f)
{
    return f->codec == LSQ_SIGN ? 1 : f->bits > 6 ? 16383 : alphabet(f) > 16 ? 127 : 63;
}

void lsq_levels_of(const lsq_format *f, lsq_levels *levels)
{
    unsigned count = alphabet(f);
    int largest = lsq_largest_level(f);
    memset(levels, 0, sizeof(*levels));
    for (unsigned i = 0; i < count; i++) {
        double level = f->codec == LSQ_TRELLIS ? trellis_level(f, i) : plain_level(f, i);
        int rounded = integer(largest * level);
        levels->f32[i] = f->codec == LSQ_CLASSIC ? (float)level : (float)rounded;
        if (f->bits <= 6 && i < 128)
            levels->i8[i] = (int8_t)rounded;
        if (f->bits > 6)
            levels->i16[i] = (int16_t)rounded;
    }
    for (unsigned i = count; i < 512; i++) { /* and again, up to the end */
        levels->f32[i] = levels->f32[i - count];
        levels->i16[i] = levels->i16[i - count];
    }
    for (unsigned i = count; i < 128; i++)
        levels->i8[i] = levels->i8[i - count];
    levels->unit = f->codec == LSQ_CLASSIC ? 1.0f / (float)largest : 1.0f;
}

lsq_code lsq_code_of(unsigned states)
{
    switch (states) {
    case 4:
        return (lsq_code){.z0 = 1, .z1 = 2, .memory = 2};
    case 8:
        return (lsq_code){.z0 = 2, .z1 = 1 | 4, .memory = 3};
    case 16:
        return (lsq_code){.z0 = 2, .z1 = 1 | 8, .memory = 4};
    default:
        return (lsq_code){.z0 = 2 | 8, .z1 = 1 | 32, .memory = 6};
    }
}

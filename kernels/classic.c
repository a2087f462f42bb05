/*
 * classic.c - the published code: where its magnitudes begin, exactly.
 *
 *     v = 2^B - N,  N = rint(2^B - 2^(B |w|)) half to even, clamped to [1, 2^B - 1]
 *
 * in double arithmetic. v never falls as |w| grows, so the whole encoder is a list of the smallest floats that reach each v. They
 * are found by bisection over the patterns of non-negative floats, which are ordered as the floats are. (A float exp2 would put up to
 * a hundred codes of 25,000 one off.)
 */
#include "kernels/encode.h"

#include <string.h>

static float from_pattern(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* Half to even for 0 <= x < 2^52. */
static double rint_even(double x)
{
    return x + 0x1p52 - 0x1p52;
}

static unsigned published(unsigned b, float magnitude)
{
    double top = (double)(1u << b), n = rint_even(top - lsq_exp2(b * (double)magnitude));
    n = n < 1 ? 1 : n > top - 1 ? top - 1 : n;
    return (1u << b) - (unsigned)n;
}

static unsigned nearest(unsigned b, float magnitude, unsigned v)
{
    /* Is v at least as near as the level below? */
    double middle = ((double)lsq_classic_level(b, v, 0) + (double)lsq_classic_level(b, v - 1, 0)) / 2;
    return magnitude >= middle ? v : v - 1;
}

void lsq_classic_thresholds(unsigned b, int rounding, float *threshold)
{
    const uint32_t one = 0x3f800000;
    for (unsigned v = 2; v < 1u << b; v++) {
        uint32_t below = 0, reached = one; /* v is always reached at 1: 2^(B) - 2^(B) = 0, clamped to N = 1 */
        while (reached - below > 1) {
            uint32_t middle = below + (reached - below) / 2;
            float m = from_pattern(middle);
            unsigned got = rounding == LSQ_ROUND_NEAREST ? nearest(b, m, v) : published(b, m);
            if (got >= v)
                reached = middle;
            else
                below = middle;
        }
        threshold[v - 2] = from_pattern(reached);
    }
}

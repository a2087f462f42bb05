/*
 * coder.c - codes as encoders look them up.
 */
#include "kernels/coder.h"

#include "kernels/encode.h"

#include <math.h>
#include <string.h>

/* The float before t > 0. */
static float before(float t)
{
    uint32_t bits;
    memcpy(&bits, &t, sizeof(bits));
    bits--;
    memcpy(&t, &bits, sizeof(bits));
    return t;
}

/*
 * Magnitudes v = n .. 1 of negative codes, then 1 .. n of positive ones, n = 2^B - 1. A negative number has v if its magnitude reaches
 * the threshold of v: so the rank above begins with the next number beyond.
 */
static unsigned classic(const lsq_format *f, const lsq_levels *levels, int rounding, lsq_coder *c, float *threshold)
{
    const unsigned n = (1u << (f->bits - 1)) - 1;
    float reached[256];
    lsq_classic_thresholds(f->bits - 1u, rounding, reached);
    for (unsigned i = 0; i + 1 < n; i++) {
        threshold[i] = -before(reached[n - i - 2]);
        threshold[n + i] = reached[i];
    }
    threshold[n - 1] = 0;
    for (unsigned v = 1; v <= n; v++) {
        c->level[n - v] = -levels->f32[v];
        c->level[n + v - 1] = levels->f32[v];
    }
    return 2 * n;
}

static unsigned scalar(const lsq_format *f, const lsq_levels *levels, lsq_coder *c, float *threshold)
{
    const unsigned count = 1u << f->bits;
    for (unsigned i = 0; i < count; i++)
        c->level[i] = levels->f32[i];
    for (unsigned i = 0; i + 1 < count; i++)
        threshold[i] = (c->level[i] + c->level[i + 1]) / 2;
    return count;
}

/*
 * Of the alphabet A, neighbours in a subset are four apart. With middles (A[i] + A[i + 4]) / 2 as thresholds, a number of rank r has the four
 * elements from A[r] on as the nearest ones of the four subsets.
 */
static unsigned trellis(const lsq_format *f, const lsq_levels *levels, lsq_coder *c, float *threshold)
{
    const lsq_code code = lsq_code_of(f->states);
    const unsigned count = 2u << f->bits;
    float alphabet[128];
    for (unsigned i = 0; i < count; i++) {
        const unsigned z0 = i & 1, z1 = i >> 1 & 1, q = i >> 2;
        alphabet[i] = levels->f32[z0 << f->bits | q << 1 | z1];
        c->level[(i & 3) << (f->bits - 1) | q] = alphabet[i];
    }
    for (unsigned i = 0; i + 4 < count; i++)
        threshold[i] = (alphabet[i] + alphabet[i + 4]) / 2;
    c->states = f->states;
    c->ahead = code.z0 & 1 ? 1 : 2;
    for (unsigned s = 0; s < c->states; s++) {
        const unsigned z0 = (unsigned)__builtin_parity(s & code.z0), z1 = (unsigned)__builtin_parity(s & code.z1);
        const unsigned next = c->ahead == 2 ? (unsigned)__builtin_parity(s << 1 & code.z0) : 0;
        c->subset[s] = (uint8_t)(2 * z1 + z0);
        c->kind[s] = (uint8_t)(z0 | next << 1);
    }
    return count - 3;
}

void lsq_coder_of(const lsq_format *f, const lsq_levels *levels, int rounding, lsq_coder *c)
{
    float threshold[512];
    unsigned ranks;
    memset(c, 0, sizeof(*c));
    if (f->codec == LSQ_CLASSIC)
        ranks = classic(f, levels, rounding, c, threshold);
    else if (f->codec != LSQ_TRELLIS)
        ranks = scalar(f, levels, c, threshold);
    else
        ranks = trellis(f, levels, c, threshold);
    const unsigned leaves = f->codec == LSQ_TRELLIS ? 2u << f->bits : 1u << f->bits;
    for (unsigned i = ranks - 1; i < leaves; i++)
        threshold[i] = INFINITY; /* reached by none */
    for (unsigned d = 0; 1u << d < leaves; d++)
        for (unsigned i = 0; i < 1u << d; i++)
            c->tree[(1u << d) - 1 + i] = threshold[(2 * i + 1) * (leaves >> (d + 1)) - 1];
}

unsigned lsq_code_of_rank(const lsq_format *f, unsigned rank)
{
    const unsigned half = 1u << (f->bits - 1), n = half - 1;
    if (f->codec != LSQ_CLASSIC)
        return rank;
    return rank < n ? half | (n - rank) : rank - n + 1;
}

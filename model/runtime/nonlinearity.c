/*
 * nonlinearity.c - the function at the end of a layer: float arithmetic in plain loops, which compilers turn into vectors.
 *
 *     silu(v)      = v S(v)                                         S(u) = 1 / (1 + exp(-u))
 *     gelu_tanh(v) = v S(2 sqrt(2 / pi) (v + 0.044715 v^3))         since (1 + tanh(u)) / 2 = S(2 u)
 *     gelu(v)      = max(v, 0) - |v| Q(|v|)                          Q(a) = P(1 / (1 + 0.3 a)) exp(-a^2 / 2), the Gaussian tail
 *
 * The polynomial P, of degree 8, is a minimax fit of Q(a) exp(a^2 / 2) for a in [0, 13.5], with a relative error of 1.3e-7.
 * Further out Q is below 2^-130. S and Q are at most 1 and good to 2^-20, which is the bound in lsq_model.h.
 */
#include "model/runtime/nonlinearity.h"

#include <string.h>

/*
 * exp(x); beyond -87 and 88, between which the result is a normal number, x is taken as these. x = n ln 2 + r with
 * |r| <= ln 2 / 2: powers of r up to the sixth leave r^7 / 7! < 2^-22, and n goes straight to the exponent. Adding
 * 1.5 * 2^23 rounds to an integer.
 */
static inline float exponential(float x)
{
    const float magic = 0x1.8p23f, high = 0x1.62e4p-1f, low = 0x1.7f7d1cp-20f; /* ln 2, 15 bits and the rest */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float shifted = x * 0x1.715476p0f + magic, n = shifted - magic;
    const float r = (x - n * high) - n * low;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t power, bits;
    memcpy(&power, &shifted, sizeof power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << 23; /* all but the low bits of n, those of `magic` too, leave at the top */
    memcpy(&p, &bits, sizeof p);
    return p;
}

static void relu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] < 0.0f ? 0.0f : y[i]; /* NaN is not below 0 */
}

/* Q(a) for a >= 0. */
static inline float gaussian_tail(float a)
{
    const float t = 1.0f / (1.0f + 0.3f * a);
    float p = 0.0359318256f;
    p = p * t - 0.158276364f;
    p = p * t + 0.20820719f;
    p = p * t - 0.0553943515f;
    p = p * t + 0.129469439f;
    p = p * t + 0.0996374264f;
    p = p * t + 0.120798372f;
    p = p * t + 0.119626388f;
    return p * t * exponential(-0.5f * a * a);
}

static void gelu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float v = y[i], a = v < 0.0f ? -v : v;
        y[i] = (v > 0.0f ? v : 0.0f) - a * gaussian_tail(a);
    }
}

static void gelu_tanh(float *y, size_t n)
{
    const float minus_two_root = -1.5957691216f; /* -2 sqrt(2 / pi) */
    for (size_t i = 0; i < n; i++) {
        const float v = y[i];
        y[i] = v / (1.0f + exponential(minus_two_root * (v + 0.044715f * v * v * v)));
    }
}

static void silu(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] / (1.0f + exponential(-y[i]));
}

int lsq_nonlinearity_valid(lsq_nonlinearity f)
{
    return (unsigned)f <= LSQ_SILU;
}

void lsq_nonlinearity_apply(lsq_nonlinearity f, float *y, size_t n)
{
    switch (f) {
    case LSQ_IDENTITY:
        break;
    case LSQ_RELU:
        relu(y, n);
        break;
    case LSQ_GELU:
        gelu(y, n);
        break;
    case LSQ_GELU_TANH:
        gelu_tanh(y, n);
        break;
    case LSQ_SILU:
        silu(y, n);
        break;
    }
}

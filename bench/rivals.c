#include "bench/rivals.h"

#include <lsq/lsq.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

void bench_snr_add(bench_snr *snr, const float *w, const float *decoded, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double error = (double)w[i] - (double)decoded[i];
        snr->signal += (double)w[i] * (double)w[i];
        snr->noise += error * error;
    }
}

double bench_snr_db(bench_snr snr)
{
    return snr.signal > 0 ? 10 * log10(snr.signal / snr.noise) : NAN;
}

static double absmax(const float *w, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)w[i]));
    return largest;
}

double bench_gaussian_bound_db(double bits)
{
    return 20 * log10(2) * bits;
}

/* To 11 significant bits, upwards, so that nothing has to be clipped. */
static double half_precision(double scale)
{
    int exponent;
    const double fraction = frexp(scale, &exponent);
    return ldexp(ceil(fraction * 0x1p11) * 0x1p-11, exponent);
}

double bench_int_db(unsigned bits, size_t block, size_t rows, size_t columns, const float *w)
{
    const double top = (double)((1u << (bits - 1)) - 1);
    const size_t span = block ? columns : rows * columns; /* where a block must not reach over */
    const size_t size = block ? block : span;
    bench_snr snr = {0, 0};
    for (size_t start = 0; start < rows * columns; start += span) {
        for (size_t i = 0; i < span; i += size) {
            const float *x = w + start + i;
            const size_t n = span - i < size ? span - i : size;
            const double exact = absmax(x, n) / top, scale = size < span ? half_precision(exact) : (double)(float)exact;
            for (size_t j = 0; j < n; j++) {
                const double error = scale > 0 ? (double)x[j] - scale * rint((double)x[j] / scale) : (double)x[j];
                snr.signal += (double)x[j] * (double)x[j];
                snr.noise += error * error;
            }
        }
    }
    return bench_snr_db(snr);
}

/* Zero, and parts of the normal distribution of equal probability: 8 above it, 7 below, each side scaled to end at 1. */
const float bench_nf4_levels[16] = {
    -1,         -0.6961928F, -0.5250731F, -0.3949175F, -0.2844414F, -0.1847734F, -0.0910500F, 0,
    0.0795803F, 0.1609302F,  0.2461123F,  0.3379152F,  0.4407098F,  0.5626170F,  0.7229568F,  1,
};

static double nearest_nf4(double x)
{
    size_t i = 0;
    while (i < 15 && x > ((double)bench_nf4_levels[i] + (double)bench_nf4_levels[i + 1]) / 2)
        i++;
    return (double)bench_nf4_levels[i];
}

double bench_nf4_db(size_t n, const float *w)
{
    bench_snr snr = {0, 0};
    for (size_t i = 0; i < n; i += 64) {
        const size_t end = n - i < 64 ? n : i + 64;
        const double scale = half_precision(absmax(w + i, end - i));
        for (size_t j = i; j < end; j++) {
            const double x = (double)w[j], error = scale > 0 ? x - scale * nearest_nf4(x / scale) : x;
            snr.signal += x * x;
            snr.noise += error * error;
        }
    }
    return bench_snr_db(snr);
}

double bench_published_db(unsigned bits)
{
    static const double table[] = {22.1, 26.3, 29.7, 32.1, 33.64, 34.8};
    return bits >= 4 && bits <= 9 ? table[bits - 4] : NAN;
}

/* Encodes and decodes all numbers at once: the tables of the code take longer to make than a group to encode. */
static int code_all(unsigned bits, int rounding, size_t n, float *numbers, uint32_t *codes)
{
    return !lsq_classic_encode(bits, n, numbers, rounding, codes) && !lsq_classic_decode(bits, n, codes, 0, numbers);
}

double bench_classic_db(unsigned bits, int rounding, size_t block, size_t rows, size_t columns, const float *w)
{
    const size_t n = rows * columns, size = block ? block : columns;
    float *decoded = malloc(n * sizeof *decoded), *scales = malloc(n * sizeof *scales);
    uint32_t *codes = malloc(n * sizeof *codes);
    bench_snr snr = {0, 0};
    if (decoded && scales && codes) {
        for (size_t i = 0; i < n;) {
            const size_t left = columns - i % columns, end = i + (left < size ? left : size);
            const float scale = block ? (float)half_precision(absmax(w + i, end - i)) : 1;
            for (; i < end; i++) {
                scales[i] = scale;
                decoded[i] = scale > 0 ? w[i] / scale : 0;
            }
        }
        if (code_all(bits, rounding, n, decoded, codes)) {
            for (size_t i = 0; i < n; i++)
                decoded[i] *= scales[i];
            bench_snr_add(&snr, w, decoded, n);
        }
    }
    free(decoded);
    free(scales);
    free(codes);
    return bench_snr_db(snr);
}

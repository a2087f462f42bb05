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
            const double scale = half_precision(absmax(x, n) / top);
            for (size_t j = 0; j < n; j++) {
                const double error = scale > 0 ? (double)x[j] - scale * rint((double)x[j] / scale) : (double)x[j];
                snr.signal += (double)x[j] * (double)x[j];
                snr.noise += error * error;
            }
        }
    }
    return bench_snr_db(snr);
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

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

/* Codes at most 32 numbers by the published code and adds what became of them; false if there is no such code. */
static int add_classic(bench_snr *snr, unsigned bits, int rounding, size_t n, const float *x, float scale)
{
    float scaled[32], decoded[32];
    uint32_t codes[32];
    for (size_t i = 0; i < n; i++)
        scaled[i] = scale > 0 ? x[i] / scale : 0;
    if (lsq_classic_encode(bits, n, scaled, rounding, codes) || lsq_classic_decode(bits, n, codes, 0, decoded))
        return 0;
    for (size_t i = 0; i < n; i++)
        decoded[i] *= scale;
    bench_snr_add(snr, x, decoded, n);
    return 1;
}

double bench_classic_db(unsigned bits, int rounding, size_t n, const float *w)
{
    bench_snr snr = {0, 0};
    for (size_t i = 0; i < n; i += 32)
        if (!add_classic(&snr, bits, rounding, n - i < 32 ? n - i : 32, w + i, 1))
            return NAN;
    return bench_snr_db(snr);
}

double bench_classic_absmax_db(unsigned bits, int rounding, size_t rows, size_t columns, const float *w)
{
    bench_snr snr = {0, 0};
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += 32) {
            const float *x = w + r * columns + c;
            const size_t n = columns - c < 32 ? columns - c : 32;
            if (!add_classic(&snr, bits, rounding, n, x, (float)half_precision(absmax(x, n))))
                return NAN;
        }
    }
    return bench_snr_db(snr);
}

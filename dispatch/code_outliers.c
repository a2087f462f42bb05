/*
 * code_outliers.c - what outliers add to the dense part of a matrix, and how these numbers are coded.
 */
#include "dispatch/code_outliers.h"

#include "dispatch/error.h"
#include "kernels/codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

lsq_status lsq_for_decoded_rows(const lsq_context *ctx, const lsq_weights *weights, size_t row, size_t rows,
                                int (*each)(void *, size_t, const float *), void *arg, lsq_error *err)
{
    const size_t end = row + rows;
    float *decoded = malloc(PANEL * weights->k * sizeof(*decoded));
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (; status == LSQ_OK && row < end; row += PANEL) {
        const size_t count = end - row < PANEL ? end - row : PANEL;
        status = lsq_dequantize(ctx, weights, row, count, decoded, weights->k);
        for (size_t r = 0; status == LSQ_OK && r < count; r++)
            if (!each(arg, row + r, decoded + r * weights->k))
                status = LSQ_E_NOMEM;
    }
    free(decoded);
    return status == LSQ_OK ? status : lsq_error_set(err, status, "outliers: %s", lsq_strerror(status));
}

int lsq_apart_rest(lsq_apart *apart)
{
    const size_t k = apart->k;
    apart->rest = malloc(apart->m * k * sizeof(*apart->rest));
    if (!apart->rest)
        return 0;
    for (size_t r = 0; r < apart->m; r++)
        memcpy(apart->rest + r * k, apart->w + r * apart->ld, k * sizeof(float));
    for (size_t i = 0; i < apart->count; i++)
        apart->rest[apart->outliers[i].place] = 0;
    return 1;
}

void lsq_apart_free(lsq_apart *apart)
{
    free(apart->outliers);
    free(apart->rest);
    free(apart->lacks);
}

static double squared(double x)
{
    return x * x;
}

/* ---- What is lacking --------------------------------------------------------------------------------------------- */

typedef struct search {
    lsq_apart *apart;
    size_t next;
} search;

static int find_lacks(void *arg, size_t row, const float *decoded)
{
    search *s = arg;
    lsq_apart *apart = s->apart;
    const float *w = apart->w + row * apart->ld;
    const uint64_t first = (uint64_t)row * apart->k;
    for (size_t i = 0; i < apart->k; i++)
        if (s->next < apart->count && apart->outliers[s->next].place == first + i)
            apart->lacks[s->next++] = w[i] - decoded[i];
        else
            apart->error += squared((double)w[i] - decoded[i]);
    return 1;
}

lsq_status lsq_apart_lacks(const lsq_context *ctx, const lsq_weights *dense, size_t row, lsq_apart *apart,
                           lsq_error *err)
{
    search s = {.apart = apart};
    apart->error = 0;
    apart->lacks = malloc(apart->count * sizeof(*apart->lacks));
    if (!apart->lacks)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    return lsq_for_decoded_rows(ctx, dense, row, apart->m, find_lacks, &s, err);
}

/* ---- Codes ------------------------------------------------------------------------------------------------------- */

/* The code of the nearest value. */
static unsigned nearest(const lsq_outlier_scale *scale, const float *value, float x)
{
    const unsigned half = 1u << (scale->bits - 1);
    const float a = fabsf(x);
    unsigned low = 0, high = half - 1; /* the first whose value, halfway to the next, a reaches */
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (a >= 0.5f * (value[middle] + value[middle + 1]))
            high = middle;
        else
            low = middle + 1;
    }
    return low + (x < 0 ? half : 0);
}

/* From every stride-th outlier. */
static double error_with(const lsq_apart *apart, const lsq_outlier_scale *scale, size_t stride)
{
    float value[OUTLIER_VALUES];
    double error = 0;
    lsq_outlier_values(scale, value);
    for (size_t i = 0; i < apart->count; i += stride) {
        const double lacks = apart->lacks[i], after = lacks - value[nearest(scale, value, apart->lacks[i])];
        error += fmin(squared(lacks), squared(after));
    }
    return apart->error + error * (double)stride;
}

double lsq_apart_error(const lsq_apart *apart, const lsq_outlier_scale *scale)
{
    return error_with(apart, scale, 1);
}

double lsq_error_at_equal_bits(const lsq_apart *apart, double error, double bits)
{
    return error * lsq_exp2(2 * bits / ((double)apart->m * (double)apart->k));
}

/* Codes that reach down 2 to 16 octaves, tried on a sample. */
lsq_outlier_scale lsq_apart_scale(const lsq_apart *apart, float largest, float smallest)
{
    enum { SAMPLE = 4096, REACH_MAX = 4 };
    const size_t stride = apart->count / SAMPLE + 1;
    lsq_outlier_scale scale = {.largest = largest}, best = {0};
    double least = INFINITY;
    for (size_t i = 0; largest == 0 && i < apart->count; i++)
        scale.largest = fmaxf(scale.largest, fabsf(apart->lacks[i]));
    for (scale.bits = 3; scale.bits <= OUTLIER_BITS_MAX; scale.bits++)
        for (unsigned reach = 1; reach <= REACH_MAX; reach++) { /* log2 of octaves */
            scale.divisor = scale.bits - 1 - reach;
            if (scale.bits < reach + 2 || scale.divisor > 8 ||
                (reach < REACH_MAX && ldexpf(scale.largest, -(1 << reach)) > smallest))
                continue;
            const double error = lsq_error_at_equal_bits(apart, error_with(apart, &scale, stride),
                                                         (double)scale.bits * (double)apart->count);
            if (error < least) {
                least = error;
                best = scale;
            }
        }
    return best;
}

void lsq_apart_codes(lsq_apart *apart, const lsq_outlier_scale *scale)
{
    float value[OUTLIER_VALUES];
    size_t kept = 0;
    lsq_outlier_values(scale, value);
    for (size_t i = 0; i < apart->count; i++) {
        const unsigned code = nearest(scale, value, apart->lacks[i]);
        if (fabsf(apart->lacks[i] - value[code]) < fabsf(apart->lacks[i]))
            apart->outliers[kept++] = (lsq_outlier){apart->outliers[i].place, code};
    }
    apart->count = kept;
}

lsq_status lsq_apart_attach(lsq_weights *dense, const lsq_apart *apart, const lsq_outlier_scale *scale, size_t *bytes,
                            lsq_error *err)
{
    uint8_t *blob = lsq_outliers_write(scale, apart->outliers, apart->count, bytes);
    if (!blob)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    dense->owned_outliers = blob;
    return lsq_weights_set_outliers(dense, blob, *bytes, err);
}

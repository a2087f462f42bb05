/*
 * quantize.c - from floats to weights, and the published code as such.
 */
#include "dispatch/error.h"
#include "dispatch/pick_outliers.h"
#include "dispatch/weights.h"
#include "kernels/encode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static lsq_status check_values(size_t m, size_t k, const float *w, size_t ld, lsq_error *err)
{
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < k; c++) /* beyond 2^100 a row scale might be infinite */
            if (!(fabsf(w[r * ld + c]) <= 0x1p100f))
                return lsq_error_set(err, LSQ_E_VALUE, "weight (%zu, %zu) is %g: expected a finite number up to 2^100",
                                     r, c, (double)w[r * ld + c]);
    return LSQ_OK;
}

/* Weights without outliers. */
static lsq_status encode(const lsq_format *format, size_t m, size_t k, const float *w, size_t ld, int rounding,
                         lsq_weights **weights, lsq_error *err)
{
    lsq_weights *made = NULL;
    lsq_status status = lsq_weights_allocate(format, m, k, &made, err);
    if (status != LSQ_OK)
        return status;
    lsq_source source = {w, m, k, ld, &made->format, &made->geometry, &made->levels, made->owned};
    const int done = format->codec == LSQ_TRELLIS ? lsq_encode_trellis(&source) : lsq_encode_plain(&source, rounding);
    status = done ? lsq_weights_ready(made, err) : lsq_error_set(err, LSQ_E_NOMEM, "no memory to encode with");
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    return status;
}

/* Puts weights with outliers in the place of those that have none, if they are better at equal bits. */
static lsq_status improve(const lsq_context *ctx, lsq_pick *pick, int rounding, lsq_weights **weights, lsq_error *err)
{
    lsq_weights *second = NULL;
    int better = 0;
    lsq_status status = lsq_pick_outliers(ctx, *weights, pick, err);
    if (status == LSQ_OK && pick->count)
        status = encode(&(*weights)->format, pick->m, pick->k, pick->rest, pick->k, rounding, &second, err);
    if (status == LSQ_OK && second)
        status = lsq_pick_attach(ctx, second, pick, &better, err);
    lsq_pick_free(pick);
    if (better) {
        lsq_weights *first = *weights;
        *weights = second;
        second = first;
    }
    lsq_weights_free(second);
    return status;
}

lsq_status lsq_quantize(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k, const float *w, size_t ld,
                        const lsq_quantize_options *options, lsq_weights **weights, lsq_error *err)
{
    lsq_quantize_options o = {0};
    if (!w || !weights || ld < k)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "w, weights and a leading dimension of at least k are needed");
    if (options) {
        if (options->size != sizeof(o))
            return lsq_error_set(err, LSQ_E_ARGUMENT,
                                 "options->size is %zu: expected sizeof(lsq_quantize_options), %zu", options->size,
                                 sizeof(o));
        o = *options;
    }
    if (o.rounding != LSQ_ROUND_PUBLISHED && o.rounding != LSQ_ROUND_NEAREST)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->rounding is %d: expected an lsq_rounding", o.rounding);
    if (!(o.outliers >= 0) || o.outliers > 0.01)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->outliers is %g: expected 0 to 0.01", o.outliers);
    size_t bytes;
    if (format && lsq_packed_bytes(format, m, k, &bytes) == LSQ_OK) { /* a matrix that cannot be is not looked into */
        const lsq_status status = check_values(m, k, w, ld, err);
        if (status != LSQ_OK)
            return status;
    }
    lsq_weights *made = NULL;
    const int before = errno;
    lsq_status status = encode(format, m, k, w, ld, o.rounding, &made, err);
    lsq_pick pick = {.w = w, .m = m, .k = k, .ld = ld, .share = o.outliers};
    if (status == LSQ_OK && o.outliers > 0)
        status = improve(ctx, &pick, o.rounding, &made, err);
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    errno = before; /* memory that cannot be had sets it */
    return status;
}

/* ---- The published code ---- */

lsq_status lsq_classic_encode(unsigned bits, size_t n, const float *w, int rounding, uint32_t *codes)
{
    if (bits < 3 || bits > 16 || (rounding != LSQ_ROUND_PUBLISHED && rounding != LSQ_ROUND_NEAREST))
        return LSQ_E_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        if (isnan(w[i]))
            return LSQ_E_VALUE;
    size_t count = ((size_t)1 << (bits - 1)) - 2;
    float *threshold = malloc(count * sizeof(*threshold));
    if (!threshold)
        return LSQ_E_NOMEM;
    lsq_classic_thresholds(bits - 1, rounding, threshold);
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = count; /* how many thresholds |w| reaches */
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (fabsf(w[i]) >= threshold[middle])
                low = middle + 1;
            else
                high = middle;
        }
        codes[i] = (w[i] < 0 ? 1u << (bits - 1) : 0) | ((uint32_t)low + 1);
    }
    free(threshold);
    return LSQ_OK;
}

lsq_status lsq_classic_decode(unsigned bits, size_t n, const uint32_t *codes, int compat, float *w)
{
    if (bits < 3 || bits > 16)
        return LSQ_E_ARGUMENT;
    uint32_t half = 1u << (bits - 1);
    for (size_t i = 0; i < n; i++) {
        float level = lsq_classic_level(bits - 1, codes[i] & (half - 1), compat);
        w[i] = codes[i] & half ? -level : level;
    }
    return LSQ_OK;
}

lsq_status lsq_weights_from_codes(unsigned bits, size_t m, size_t k, const uint32_t *codes, size_t ld,
                                  lsq_weights **weights, lsq_error *err)
{
    lsq_format format = {LSQ_CLASSIC, (uint8_t)bits, LSQ_SCALE_NONE, 0, 7};
    lsq_weights *made;
    if (!codes || !weights || bits < 3 || bits > 9 || ld < k)
        return lsq_error_set(err, LSQ_E_ARGUMENT,
                             "codes of 3 to 9 bits and a leading dimension of at least k are needed");
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < k; c++)
            if (codes[r * ld + c] >> bits)
                return lsq_error_set(err, LSQ_E_VALUE, "code (%zu, %zu) is %u: expected %u bits", r, c,
                                     (unsigned)codes[r * ld + c], bits);
    lsq_status status = lsq_weights_allocate(&format, m, k, &made, err);
    if (status != LSQ_OK)
        return status;
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < k; c++) {
            size_t tile = r / PANEL * made->geometry.groups + c / GROUP;
            lsq_code_put(made->owned + tile * 64 * bits, bits, r % PANEL, c % GROUP, codes[r * ld + c]);
        }
    lsq_source source = {.geometry = &made->geometry, .packed = made->owned};
    lsq_put_tensor_scale(&source, 1.0f);
    status = lsq_weights_ready(made, err);
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    return status;
}

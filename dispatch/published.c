/*
 * published.c - the published code as such: numbers into codes, codes into numbers, and weights from codes.
 */
#include "dispatch/error.h"
#include "dispatch/weights.h"
#include "kernels/encode.h"

#include <math.h>
#include <stdlib.h>

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
    lsq_put_tensor_scale(made->owned, &made->geometry, 1.0f);
    status = lsq_weights_ready(made, err);
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    return status;
}

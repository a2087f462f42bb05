/*
 * keep_largest.c - outliers that are the largest weights, in a matrix or a strip of it.
 *
 *     strip --bound--> places, and the strip with zeros there --encoded--> dense --what it lacks there--> outliers
 *
 * All strips of a matrix have one scale of outliers. It begins at the largest weight, reaches down to the bound, and is chosen on the first
 * chain of 256 rows that has outliers: so it is the same whatever the strips are. Where rows are alike it is the one that all outliers would
 * have chosen; where their sizes drift or tails are very heavy, up to 0.2 dB worse at equal bits.
 */
#include "dispatch/keep_largest.h"

#include "dispatch/error.h"
#include "dispatch/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_ROWS = CHAIN * PANEL };

/* Is a weight one of the outliers? *ties counts those that equal the bound. */
static int is_outlier(const lsq_magnitudes *known, float w, uint64_t *ties)
{
    const float a = fabsf(w);
    if (a != known->bound)
        return a > known->bound;
    if (*ties == known->ties)
        return 0;
    ++*ties;
    return 1;
}

static size_t count_outliers(const lsq_magnitudes *known, const lsq_source *s, uint64_t ties)
{
    size_t count = 0;
    for (size_t r = 0; r < s->m; r++)
        for (size_t c = 0; c < s->k; c++)
            count += (size_t)is_outlier(known, s->w[r * s->ld + c], &ties);
    return count;
}

/* The places of the outliers, and the matrix without them. */
static lsq_status set_apart(lsq_keep *keep, const lsq_source *s, lsq_apart *apart, lsq_error *err)
{
    const size_t count = count_outliers(&keep->known, s, keep->ties);
    *apart = (lsq_apart){.w = s->w, .m = s->m, .k = s->k, .ld = s->ld};
    if (count > keep->known.outliers - keep->outliers)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "more weights are above the bound than the %llu that are known",
                             (unsigned long long)keep->known.outliers);
    apart->outliers = malloc((count ? count : 1) * sizeof(*apart->outliers));
    if (!apart->outliers)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    for (size_t r = 0; r < s->m; r++)
        for (size_t c = 0; c < s->k; c++)
            if (is_outlier(&keep->known, s->w[r * s->ld + c], &keep->ties))
                apart->outliers[apart->count++] = (lsq_outlier){.place = (uint64_t)r * s->k + c};
    keep->outliers += count;
    return lsq_apart_rest(apart) ? LSQ_OK : lsq_error_set(err, LSQ_E_NOMEM, "no memory for a matrix without outliers");
}

/* Chooses the scale on the first chain that has outliers. */
static lsq_status choose_scale(const lsq_context *ctx, const lsq_weights *dense, const lsq_apart *apart,
                               const lsq_magnitudes *known, lsq_outlier_scale *scale, lsq_error *err)
{
    const size_t row = (size_t)(apart->outliers[0].place / apart->k / CHAIN_ROWS) * CHAIN_ROWS;
    const size_t rows = apart->m - row < CHAIN_ROWS ? apart->m - row : CHAIN_ROWS;
    lsq_apart chain = *apart;
    chain.m = rows;
    for (chain.count = 0; chain.count < apart->count; chain.count++)
        if (apart->outliers[chain.count].place >= (uint64_t)(row + rows) * apart->k)
            break;
    lsq_status status = lsq_apart_lacks(ctx, dense, row, &chain, err);
    if (status == LSQ_OK)
        *scale = lsq_apart_scale(&chain, known->largest, known->bound);
    free(chain.lacks);
    return status;
}

/* Gives the dense part its outliers. */
static lsq_status attach(const lsq_context *ctx, lsq_keep *keep, lsq_weights *dense, lsq_apart *apart, lsq_error *err)
{
    size_t bytes;
    lsq_status status = LSQ_OK;
    if (apart->count && !keep->scale.bits)
        status = choose_scale(ctx, dense, apart, &keep->known, &keep->scale, err);
    if (status != LSQ_OK || !apart->count)
        return status;
    status = lsq_apart_lacks(ctx, dense, 0, apart, err);
    if (status != LSQ_OK)
        return status;
    lsq_apart_codes(apart, &keep->scale);
    return apart->count ? lsq_apart_attach(dense, apart, &keep->scale, &bytes, err) : LSQ_OK;
}

/*
 * The factors of squared errors, 0 in the places of outliers: what stands there is made up for. Trellis codes gain 0.07 to 0.13 dB, codes
 * without a level near 0 a scale that suits the others, and error feedback up to 1 dB of the product. NULL if memory ran out.
 */
static float *importance_of_rest(const lsq_source *s, const lsq_apart *apart)
{
    float *importance = malloc(s->m * s->k * sizeof(*importance));
    if (!importance)
        return NULL;
    for (size_t r = 0; r < s->m; r++)
        for (size_t c = 0; c < s->k; c++)
            importance[r * s->k + c] = s->importance ? s->importance[r * s->importance_ld + c] : 1;
    for (size_t i = 0; i < apart->count; i++)
        importance[apart->outliers[i].place] = 0;
    return importance;
}

/* Encodes what is left of the strip. */
static lsq_status encode_rest(const lsq_context *ctx, const lsq_source *source, const lsq_apart *apart, float largest,
                              const lsq_format *format, const lsq_quantize_options *o, lsq_weights **weights,
                              lsq_error *err)
{
    float *importance = importance_of_rest(source, apart);
    if (!importance)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for a matrix without outliers");
    lsq_source rest = *source;
    rest.w = apart->rest;
    rest.importance = importance;
    rest.ld = rest.importance_ld = source->k;
    rest.largest = largest;
    rest.apart = 1;
    lsq_format best = *format;
    lsq_status status = LSQ_OK;
    if (o->curve == LSQ_CURVE_BEST)
        status = lsq_curve_choose(ctx, &rest, &best, err);
    if (status == LSQ_OK)
        status = lsq_quantize_source(ctx, &best, &rest, o->rounding, weights, err);
    free(importance);
    return status;
}

lsq_status lsq_keep_largest(const lsq_context *ctx, lsq_keep *keep, const lsq_format *format, const lsq_source *source,
                            const lsq_quantize_options *o, lsq_apart *apart, lsq_weights **weights, lsq_error *err)
{
    lsq_keep next = *keep;
    lsq_weights *made = NULL;
    lsq_status status = set_apart(&next, source, apart, err);
    if (status == LSQ_OK)
        status = encode_rest(ctx, source, apart, keep->known.dense, format, o, &made, err);
    if (status == LSQ_OK)
        status = attach(ctx, &next, made, apart, err);
    if (status == LSQ_OK) {
        *keep = next;
        *weights = made;
    } else {
        lsq_weights_free(made);
    }
    return status;
}

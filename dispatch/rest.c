/*
 * rest.c - a matrix without its outliers, in packed form: strip by strip, as a quantizer has them (quantizer.c).
 */
#include "dispatch/rest.h"

#include "dispatch/context.h"
#include "dispatch/error.h"
#include "dispatch/quantize.h"
#include "dispatch/survey.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_ROWS = CHAIN * PANEL, MOST = 1 << 24 /* weights of a strip, unless a chain has more */ };

typedef struct strips {
    const lsq_apart *apart;
    size_t at_once; /* rows */
    float *rest;    /* room for these */
} strips;

/* A chain for each thread. */
static size_t rows_at_once(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k)
{
    const size_t most = MOST / CHAIN_ROWS / k, wanted = ctx->threads, chains = wanted < most ? wanted : most;
    const size_t rows = (chains ? chains : 1) * CHAIN_ROWS;
    return format->scale == LSQ_SCALE_TENSOR || rows > m ? m : rows;
}

/* The rows of a strip; *next is the first outlier in them, and then of the next strip. */
static void copy_rest(const strips *s, size_t row, size_t rows, size_t *next)
{
    const lsq_apart *a = s->apart;
    const uint64_t first = (uint64_t)row * a->k, end = first + (uint64_t)rows * a->k;
    for (size_t r = 0; r < rows; r++)
        memcpy(s->rest + r * a->k, a->w + (row + r) * a->ld, a->k * sizeof(float));
    for (; *next < a->count && a->outliers[*next].place < end; ++*next)
        s->rest[a->outliers[*next].place - first] = 0;
}

static size_t rows_from(const strips *s, size_t row)
{
    return s->apart->m - row < s->at_once ? s->apart->m - row : s->at_once;
}

static lsq_status find_largest(const strips *s, float *largest, lsq_error *err)
{
    lsq_status status = LSQ_OK;
    *largest = 0;
    for (size_t row = 0, next = 0; status == LSQ_OK && row < s->apart->m; row += s->at_once) {
        copy_rest(s, row, rows_from(s, row), &next);
        status = lsq_find_largest(row, rows_from(s, row), s->apart->k, s->rest, s->apart->k, LSQ_MAGNITUDE_MAX, largest,
                                  err);
    }
    return status;
}

static lsq_status quantize_strips(const lsq_context *ctx, const lsq_format *format, const lsq_source *source,
                                  int rounding, const strips *s, lsq_weights *whole, lsq_error *err)
{
    lsq_source rest = *source;
    lsq_status status = find_largest(s, &rest.largest, err);
    rest.w = s->rest;
    rest.ld = source->k;
    for (size_t row = 0, next = 0; status == LSQ_OK && row < source->m; row += s->at_once) {
        lsq_source strip = rest;
        lsq_weights *made = NULL;
        strip.m = rows_from(s, row);
        if (strip.importance)
            strip.importance += row * strip.importance_ld;
        copy_rest(s, row, strip.m, &next);
        status = lsq_quantize_source(ctx, format, &strip, rounding, &made, err);
        if (status == LSQ_OK)
            status = lsq_packed_join(format, source->m, source->k, whole->owned, row, made);
        lsq_weights_free(made);
    }
    return status == LSQ_OK ? lsq_weights_ready(whole, err) : status;
}

lsq_status lsq_quantize_rest(const lsq_context *ctx, const lsq_format *format, const lsq_source *source, int rounding,
                             const lsq_apart *apart, lsq_weights **weights, lsq_error *err)
{
    strips s = {.apart = apart, .at_once = rows_at_once(ctx, format, source->m, source->k)};
    lsq_weights *whole = NULL;
    lsq_status status = lsq_weights_allocate(format, source->m, source->k, &whole, err);
    if (status != LSQ_OK)
        return status;
    s.rest = malloc(s.at_once * source->k * sizeof(*s.rest));
    status = s.rest ? quantize_strips(ctx, format, source, rounding, &s, whole, err)
                    : lsq_error_set(err, LSQ_E_NOMEM, "no memory for rows without outliers");
    free(s.rest);
    if (status == LSQ_OK)
        *weights = whole;
    else
        lsq_weights_free(whole);
    return status;
}

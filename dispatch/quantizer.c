/*
 * quantizer.c - lsq_quantize(), some rows at a time.
 *
 * Rows know of each other only the largest magnitude, in the tensor's float, and 256 of them, a chain, their trellis. So a strip of whole chains
 * is encoded as a matrix of its own that is told the largest magnitude of all.
 */
#include "dispatch/context.h"
#include "dispatch/error.h"
#include "dispatch/feedback.h"
#include "dispatch/keep_largest.h"
#include "dispatch/quantize.h"
#include "dispatch/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_ROWS = CHAIN * PANEL };

struct lsq_quantizer {
    const lsq_context *ctx;
    lsq_format format;
    lsq_quantize_options options;
    lsq_source source; /* the whole matrix, but for its weights */
    lsq_calibration calibration;
    lsq_keep keep;
    size_t row; /* so many are done */
    lsq_weights *strip;
    lsq_outlier *outliers; /* of all strips */
    size_t count, room;
    uint8_t *bytes; /* of these */
    size_t size;
};

static lsq_status check_known(const lsq_magnitudes *known, lsq_error *err)
{
    if (known->largest >= 0 && known->largest <= LSQ_MAGNITUDE_MAX && known->bound >= 0 &&
        known->bound <= known->largest && known->dense >= 0 && known->dense <= known->bound &&
        known->ties <= known->outliers)
        return LSQ_OK;
    return lsq_error_set(
        err, LSQ_E_ARGUMENT,
        "largest %g, bound %g, dense %g: expected 0 <= dense <= bound <= largest <= 2^100, and no more "
        "ties than outliers",
        (double)known->largest, (double)known->bound, (double)known->dense);
}

/* What can be done in strips. */
static lsq_status check_strips(const lsq_format *format, const lsq_quantize_options *o, lsq_error *err)
{
    if (format->scale == LSQ_SCALE_TENSOR)
        return lsq_error_set(err, LSQ_E_UNSUPPORTED,
                             "one scale for the whole tensor is not found in strips: expected "
                             "a format with scales of rows or groups, or without scales");
    if (o->curve == LSQ_CURVE_BEST)
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "the best curve is not found in strips: expected LSQ_CURVE_GIVEN");
    if (o->outliers > 0 && o->outlier_choice != LSQ_OUTLIERS_LARGEST)
        return lsq_error_set(err, LSQ_E_UNSUPPORTED,
                             "which outliers are worth it is not found in strips: expected LSQ_OUTLIERS_LARGEST");
    return LSQ_OK;
}

/* Fills in a quantizer whose options, format, m and k are good. */
static lsq_status begin(lsq_quantizer *q, const lsq_magnitudes *known, lsq_error *err)
{
    q->source.format = &q->format;
    q->source.largest = known->largest;
    q->keep.known = *known;
    return lsq_calibrate(&q->options, &q->source, &q->calibration, err);
}

lsq_status lsq_quantizer_new(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k,
                             const lsq_magnitudes *known, const lsq_quantize_options *options,
                             lsq_quantizer **quantizer, lsq_error *err)
{
    const lsq_quantize_options usual = {.size = sizeof(usual)}, *o = options ? options : &usual;
    const int saved = errno;
    size_t bytes;
    if (!known || !quantizer)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "what is known and a place for the quantizer are needed");
    lsq_status status = lsq_quantize_check(o, k, err);
    if (status == LSQ_OK)
        status = check_known(known, err);
    if (status != LSQ_OK)
        return status;
    status = format ? lsq_packed_bytes(format, m, k, &bytes) : LSQ_E_ARGUMENT;
    if (status != LSQ_OK)
        return lsq_error_set(err, status, "no packed form of %zu x %zu in this format", m, k);
    status = check_strips(format, o, err);
    if (status != LSQ_OK)
        return status;
    status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return lsq_error_set(err, status, "there is no default context");
    lsq_quantizer *q = calloc(1, sizeof(*q));
    if (q) {
        *q = (lsq_quantizer){.ctx = ctx, .format = *format, .options = *o, .source = {.m = m, .k = k}};
        status = begin(q, known, err);
    } else
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for a quantizer");
    if (status == LSQ_OK)
        *quantizer = q;
    else
        lsq_quantizer_free(q);
    errno = saved;
    return status;
}

void lsq_quantizer_free(lsq_quantizer *q)
{
    if (q) {
        free(q->calibration.memory);
        free(q->outliers);
        free(q->bytes);
        lsq_weights_free(q->strip);
    }
    free(q);
}

/* ---- Strips ------------------------------------------------------------------------------------------------------ */

static lsq_status check_rows(const lsq_quantizer *q, size_t rows, lsq_error *err)
{
    const size_t left = q->source.m - q->row;
    if (rows == 0 || rows > left || (rows % CHAIN_ROWS && rows != left))
        return lsq_error_set(err, LSQ_E_ARGUMENT, "%zu rows after %zu of %zu: expected a multiple of 256, or the rest",
                             rows, q->row, q->source.m);
    return LSQ_OK;
}

/* Room for so many outliers more. */
static int make_room(lsq_quantizer *q, size_t more)
{
    if (more <= q->room - q->count)
        return 1;
    const size_t room = 2 * q->room > q->count + more ? 2 * q->room : q->count + more;
    lsq_outlier *longer = realloc(q->outliers, room * sizeof(*longer));
    if (!longer)
        return 0;
    q->outliers = longer;
    q->room = room;
    return 1;
}

/* The strip, once its weights are good. */
static lsq_status quantize_strip(lsq_quantizer *q, const lsq_source *source, lsq_weights **strip, lsq_error *err)
{
    lsq_source rows = *source;
    lsq_keep keep = q->keep;
    lsq_apart apart = {0};
    if (q->options.outliers == 0 || keep.known.outliers == 0)
        return lsq_quantize_source(q->ctx, &q->format, &rows, q->options.rounding, strip, err);
    lsq_weights *made = NULL;
    lsq_status status = lsq_keep_largest(q->ctx, &keep, &q->format, source, &q->options, &apart, &made, err);
    if (status == LSQ_OK && !make_room(q, apart.count)) {
        lsq_weights_free(made);
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu outliers", q->count + apart.count);
    }
    if (status == LSQ_OK) {
        for (size_t i = 0; i < apart.count; i++)
            q->outliers[q->count++] = (lsq_outlier){.place = apart.outliers[i].place + (uint64_t)q->row * q->source.k,
                                                    .code = apart.outliers[i].code};
        q->keep = keep;
        *strip = made;
    }
    lsq_apart_free(&apart);
    return status;
}

lsq_status lsq_quantizer_rows(lsq_quantizer *q, size_t rows, const float *w, size_t ld, const lsq_weights **strip,
                              lsq_error *err)
{
    const int saved = errno;
    float largest = 0;
    if (!q || !w || !strip || ld < q->source.k)
        return lsq_error_set(err, LSQ_E_ARGUMENT,
                             "a quantizer, w, a place for the strip and a leading dimension of at least k are needed");
    lsq_status status = check_rows(q, rows, err);
    if (status == LSQ_OK)
        status = lsq_find_largest(q->row, rows, q->source.k, w, ld, q->keep.known.largest, &largest, err);
    if (status != LSQ_OK)
        return status;
    lsq_source source = q->source;
    source.w = w;
    source.m = rows;
    source.ld = ld;
    if (source.importance)
        source.importance += q->row * source.importance_ld;
    lsq_weights_free(q->strip);
    q->strip = NULL;
    status = quantize_strip(q, &source, &q->strip, err);
    if (status == LSQ_OK) {
        q->row += rows;
        *strip = q->strip;
    }
    errno = saved;
    return status;
}

lsq_status lsq_quantizer_outliers(lsq_quantizer *q, const void **bytes, size_t *size, lsq_error *err)
{
    const int saved = errno;
    if (!q || !bytes || !size)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "a quantizer and places for the outliers are needed");
    if (q->row < q->source.m)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "%zu of %zu rows: expected all of them", q->row, q->source.m);
    if (q->count && !q->bytes)
        q->bytes = lsq_outliers_write(&q->keep.scale, q->outliers, q->count, &q->size);
    errno = saved;
    if (q->count && !q->bytes)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu outliers", q->count);
    *bytes = q->bytes;
    *size = q->size;
    return LSQ_OK;
}

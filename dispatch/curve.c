/*
 * curve.c - which curve suits a matrix: all eight are tried on a sample.
 *
 * The sample is whole panels, evenly spread: a 32nd of the matrix, but no fewer than 32768 weights where there are as many. So the
 * search costs a quarter of the encoding itself.
 */
#include "dispatch/error.h"
#include "dispatch/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 8, SHARE = 32, LEAST = 32768 };

static size_t sample_panels(const lsq_source *s)
{
    const size_t panels = (s->m + PANEL - 1) / PANEL, columns = (s->k + GROUP - 1) / GROUP * GROUP;
    const size_t wanted = (LEAST / PANEL + columns - 1) / columns, share = panels / SHARE;
    const size_t count = share > wanted ? share : wanted;
    return count < panels ? count : panels;
}

/* Rows of the chosen panels, one behind the other, with their importance; returns how many. */
static size_t gather(const lsq_source *s, float *w, float *importance)
{
    const size_t panels = (s->m + PANEL - 1) / PANEL, count = sample_panels(s);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t first = i * panels / count * PANEL;
        for (size_t r = first; r < first + PANEL && r < s->m; r++, rows++) {
            memcpy(w + rows * s->k, s->w + r * s->ld, s->k * sizeof(*w));
            for (size_t c = 0; c < s->k; c++)
                importance[rows * s->k + c] = s->importance ? s->importance[r * s->importance_ld + c] : 1;
        }
    }
    return rows;
}

/* The weighted squared error of the sample under a format; `decoded` is scratch of its size. */
static lsq_status error_of(const lsq_context *ctx, lsq_source *sample, const lsq_format *format, float *decoded,
                           double *error, lsq_error *err)
{
    lsq_weights *weights;
    lsq_status status = lsq_quantize_source(ctx, format, sample, 0, &weights, err);
    if (status != LSQ_OK)
        return status;
    status = lsq_dequantize(ctx, weights, 0, sample->m, decoded, sample->k);
    lsq_weights_free(weights);
    *error = 0;
    for (size_t i = 0; i < sample->m * sample->k; i++) {
        const double off = ((double)sample->w[i] - (double)decoded[i]) * (double)sample->norm;
        *error += (double)sample->importance[i] * (off * off);
    }
    return status;
}

lsq_status lsq_curve_choose(const lsq_context *ctx, const lsq_source *source, lsq_format *format, lsq_error *err)
{
    if (format->codec != LSQ_SCALAR && format->codec != LSQ_TRELLIS) /* the others have none */
        return LSQ_OK;
    const size_t n = sample_panels(source) * PANEL * source->k;
    float *w = calloc(n, 3 * sizeof(*w)), *importance = w + n, *decoded = importance + n;
    if (!w)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for a sample of the weights");
    lsq_source sample = *source;
    sample.m = gather(source, w, importance);
    sample.w = w;
    sample.ld = sample.importance_ld = source->k;
    sample.importance = importance;
    sample.feedback = NULL;
    lsq_status status = LSQ_OK;
    lsq_format tried = *format;
    double least = INFINITY, error;
    for (unsigned curve = 0; status == LSQ_OK && curve < CURVES; curve++) {
        tried.curve = (uint8_t)curve;
        status = error_of(ctx, &sample, &tried, decoded, &error, err);
        if (status == LSQ_OK && error < least) {
            least = error;
            format->curve = (uint8_t)curve;
        }
    }
    free(w);
    return status;
}

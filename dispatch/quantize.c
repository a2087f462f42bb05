/*
 * quantize.c - from floats to weights.
 */
#include "dispatch/error.h"
#include "dispatch/context.h"
#include "dispatch/feedback.h"
#include "dispatch/keep_largest.h"
#include "dispatch/pick_outliers.h"
#include "dispatch/quantize.h"
#include "dispatch/rest.h"
#include "dispatch/survey.h"
#include "dispatch/threads.h"
#include "dispatch/weights.h"
#include "kernels/coder.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct job {
    const lsq_source *source;
    atomic_int out_of_memory;
} job;

static int encode_range(const lsq_source *source, size_t p0, size_t p1)
{
    if (source->format->codec == LSQ_TRELLIS)
        return lsq_encode_trellis(source, p0, p1);
    if (source->format->codec == LSQ_SIGN)
        lsq_encode_sign(source, p0, p1);
    else
        lsq_encode_plain(source, p0, p1);
    return 1;
}

/* Panels, of trellis formats chains. */
static void encode_panels(const void *arg, size_t p0, size_t p1)
{
    job *j = (job *)(uintptr_t)arg;
    lsq_source source = *j->source;
    lsq_feedback feedback;
    int done = 1;
    if (source.feedback && source.format->codec != LSQ_TRELLIS) {
        feedback = *source.feedback;
        feedback.errors = calloc(source.geometry->groups, TILE * sizeof(*feedback.errors));
        source.feedback = &feedback;
        done = feedback.errors && encode_range(&source, p0, p1);
        free(feedback.errors);
    } else
        done = encode_range(&source, p0, p1);
    if (!done)
        j->out_of_memory = 1;
}

/* Encoding a weight takes as long as multiplying with some hundred bytes of codes. */
static size_t work_of_panel(const lsq_geometry *geometry)
{
    return geometry->groups * TILE * 100;
}

size_t lsq_quantize_scratch(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k)
{
    lsq_geometry geometry;
    size_t bytes;
    if (!format || lsq_packed_bytes(format, m, k, &bytes) != LSQ_OK || format->codec != LSQ_TRELLIS ||
        lsq_geometry_of(format, m, k, &geometry) != LSQ_OK || lsq_context_resolve(&ctx) != LSQ_OK)
        return 0;
    const size_t chains = (geometry.panels + CHAIN - 1) / CHAIN;
    return lsq_panel_threads(ctx, chains, work_of_panel(&geometry) * CHAIN, 0) * lsq_encode_trellis_bytes(&geometry);
}

lsq_status lsq_quantize_source(const lsq_context *ctx, const lsq_format *format, lsq_source *source, int rounding,
                               lsq_weights **weights, lsq_error *err)
{
    lsq_weights *made;
    lsq_status status = lsq_weights_allocate(format, source->m, source->k, &made, err);
    if (status != LSQ_OK)
        return status;
    lsq_coder coder;
    lsq_coder_of(&made->format, &made->levels, rounding, &coder);
    source->format = &made->format;
    source->geometry = &made->geometry;
    source->coder = &coder;
    source->measure = made->format.codec == LSQ_SIGN
                          ? NULL
                          : lsq_context_choice(ctx, OP_measure, made->family, ACT_f32, 0, 1)->kernel->run.measure;
    source->encode = lsq_context_choice(ctx, OP_encode, made->family, ACT_f32, 0, 1)->kernel->run.encode;
    source->packed = made->owned;
    lsq_encode_begin(source);
    job j = {.source = source};
    const size_t panel = work_of_panel(&made->geometry), panels = made->geometry.panels;
    if (made->format.codec == LSQ_TRELLIS)
        lsq_for_panels(ctx, (panels + CHAIN - 1) / CHAIN, panel * CHAIN, 0, encode_panels, &j);
    else
        lsq_for_panels(ctx, panels, panel, 0, encode_panels, &j);
    if (j.out_of_memory)
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory to encode with");
    if (status == LSQ_OK)
        status = lsq_weights_ready(made, err);
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    return status;
}

lsq_status lsq_quantize_check(const lsq_quantize_options *o, size_t k, lsq_error *err)
{
    if (o->size != sizeof(*o))
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->size is %zu: expected sizeof(lsq_quantize_options), %zu",
                             o->size, sizeof(*o));
    if (o->rounding != LSQ_ROUND_PUBLISHED && o->rounding != LSQ_ROUND_NEAREST)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->rounding is %d: expected an lsq_rounding", o->rounding);
    if (o->curve != LSQ_CURVE_GIVEN && o->curve != LSQ_CURVE_BEST)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->curve is %d: expected an lsq_curve", o->curve);
    if (o->outlier_choice != LSQ_OUTLIERS_WHERE_WORTH && o->outlier_choice != LSQ_OUTLIERS_LARGEST)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->outlier_choice is %d: expected an lsq_outlier_choice",
                             o->outlier_choice);
    if (o->outliers > 0 && o->outlier_choice == LSQ_OUTLIERS_LARGEST && k > OUTLIER_COLUMNS_MAX)
        return lsq_error_set(err, LSQ_E_LIMIT, "outliers of a matrix of %zu columns: more than 2^20", k);
    return lsq_check_share(o->outliers, "options->outliers", err);
}

/* Puts weights with outliers in the place of those that have none, if they are better at equal bits. */
static lsq_status improve(const lsq_context *ctx, const lsq_source *source, const lsq_quantize_options *o,
                          lsq_weights **weights, lsq_error *err)
{
    lsq_pick pick = {.apart = {.w = source->w, .m = source->m, .k = source->k, .ld = source->ld}, .share = o->outliers};
    const lsq_format format = (*weights)->format;
    lsq_weights *second = NULL;
    int better = 0;
    lsq_status status = lsq_pick_outliers(ctx, *weights, &pick, err);
    if (status == LSQ_OK && pick.apart.count)
        status = lsq_quantize_rest(ctx, &format, source, o->rounding, &pick.apart, &second, err);
    if (status == LSQ_OK && second)
        status = lsq_pick_attach(ctx, second, &pick, &better, err);
    lsq_apart_free(&pick.apart);
    if (better) {
        lsq_weights *first = *weights;
        *weights = second;
        second = first;
    }
    lsq_weights_free(second);
    return status;
}

/* A matrix without outliers, or with those that are worth it. */
static lsq_status quantize_where_worth(const lsq_context *ctx, lsq_source *source, const lsq_format *format,
                                       const lsq_quantize_options *o, lsq_weights **weights, lsq_error *err)
{
    lsq_format best = *format;
    lsq_weights *made = NULL;
    lsq_status status = LSQ_OK;
    if (o->curve == LSQ_CURVE_BEST)
        status = lsq_curve_choose(ctx, source, &best, err);
    if (status == LSQ_OK)
        status = lsq_quantize_source(ctx, &best, source, o->rounding, &made, err);
    if (status == LSQ_OK && o->outliers > 0)
        status = improve(ctx, source, o, &made, err);
    if (status == LSQ_OK)
        *weights = made;
    else
        lsq_weights_free(made);
    return status;
}

/* All of it, once the arguments are good. */
static lsq_status quantize(const lsq_context *ctx, lsq_source *source, const lsq_format *format,
                           const lsq_quantize_options *o, lsq_weights **weights, lsq_error *err)
{
    const int largest = o->outlier_choice == LSQ_OUTLIERS_LARGEST;
    lsq_calibration calibration = {0};
    lsq_keep keep = {0};
    lsq_apart apart = {0};
    lsq_status status =
        lsq_survey_matrix(source->m, source->k, source->w, source->ld, largest ? o->outliers : 0, &keep.known, err);
    source->format = format;
    source->largest = keep.known.largest;
    if (status == LSQ_OK)
        status = lsq_calibrate(o, source, &calibration, err);
    if (status == LSQ_OK && keep.known.outliers)
        status = lsq_keep_largest(ctx, &keep, format, source, o, &apart, weights, err);
    else if (status == LSQ_OK)
        status = quantize_where_worth(ctx, source, format, o, weights, err);
    lsq_apart_free(&apart);
    free(calibration.memory);
    return status;
}

lsq_status lsq_quantize(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k, const float *w, size_t ld,
                        const lsq_quantize_options *options, lsq_weights **weights, lsq_error *err)
{
    const lsq_quantize_options usual = {.size = sizeof(usual)}, *o = options ? options : &usual;
    lsq_source source = {.w = w, .m = m, .k = k, .ld = ld};
    const int saved = errno; /* memory that cannot be had sets it */
    size_t bytes;
    if (!w || !weights || ld < k)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "w, weights and a leading dimension of at least k are needed");
    lsq_status status = lsq_quantize_check(o, k, err);
    if (status != LSQ_OK)
        return status;
    status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return lsq_error_set(err, status, "there is no default context");
    /* A matrix that cannot be is not looked into: allocating it says why. */
    if (!format || lsq_packed_bytes(format, m, k, &bytes) != LSQ_OK)
        return lsq_weights_allocate(format, m, k, weights, err);
    status = quantize(ctx, &source, format, o, weights, err);
    errno = saved;
    return status;
}

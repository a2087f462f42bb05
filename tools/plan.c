/*
 * plan.c - what compress makes of a tensor.
 */
#include "tools/plan.h"

#include <string.h>

static int floating(lsq_dtype dtype)
{
    return dtype == LSQ_F32 || dtype == LSQ_F16 || dtype == LSQ_BF16 || dtype == LSQ_F64 || dtype == LSQ_F8_E4M3 ||
           dtype == LSQ_F8_E5M2;
}

/* Fills in the matrix that `axis` gives; bytes = 0 if it cannot be packed. */
static void view(plan *p, const lsq_tensor *t, const lsq_format *format, unsigned axis)
{
    p->output_axis = axis;
    p->rows = (size_t)t->shape[axis];
    p->columns = (size_t)(t->elements / t->shape[axis]);
    if (lsq_packed_bytes(format, p->rows, p->columns, &p->bytes) != LSQ_OK)
        p->bytes = 0;
}

/*
 * Axis 0 holds the outputs as PyTorch stores weights, and is taken unless padding (rows to 16, columns to 32) swells its
 * matrix and not that of the last axis, where TensorFlow kernels have the outputs: the last axis must take at most three
 * quarters of the bytes. As it takes no fewer than its elements do, axis 0 then pads by a third or more.
 * Shapes cannot tell a square matrix from its transpose: ONNX MatMul weights need --output-axis last.
 */
static void choose(plan *p, const lsq_tensor *t, const wish *want)
{
    plan last = {0};
    if (want->version == 1) { /* the published files have no view but the tensor as it stands */
        view(p, t, &want->format, 0);
        return;
    }
    if (want->axis == AXIS_AUTO && t->quantised) {
        view(p, t, &want->format, t->output_axis);
        return;
    }
    view(&last, t, &want->format, t->rank - 1);
    view(p, t, &want->format, 0);
    int better = last.bytes && (double)last.bytes <= 0.75 * (double)p->bytes;
    if (want->axis == AXIS_LAST || (want->axis == AXIS_AUTO && better))
        *p = last;
}

int same_format(const lsq_format *a, const lsq_format *b)
{
    return a->codec == b->codec && a->bits == b->bits && a->scale == b->scale && a->states == b->states &&
           a->curve == b->curve;
}

static const char *why_kept(const lsq_tensor *t, const wish *want, plan *p)
{
    lsq_format wanted = want->format;
    if (want->curve == LSQ_CURVE_BEST) /* what it has was the best for it */
        wanted.curve = t->format.curve;
    int same = t->quantised && same_format(&t->format, &wanted);
    if (!floating(t->dtype))
        return "not floating point";
    if (t->elements == 0)
        return "empty";
    if (t->rank < 2)
        return same ? "already in this format" : "fewer than two dimensions";
    choose(p, t, want);
    if (p->bytes == 0)
        return "too large to be packed";
    if (same && t->output_axis == p->output_axis)
        return "already in this format";
    if (want->version != 1 && !t->quantised && p->bytes >= t->bytes)
        return "packing would not make it smaller";
    return NULL;
}

plan plan_tensor(const lsq_tensor *t, const wish *want)
{
    plan p = {0};
    p.kept = why_kept(t, want, &p);
    p.left_out = want->version == 1 && p.kept && !(t->quantised && same_format(&t->format, &want->format));
    return p;
}

lsq_tensor plan_written(const lsq_tensor *t, const plan *p, const lsq_format *format)
{
    lsq_tensor written = *t;
    size_t bytes;
    if (!p->kept) {
        written.quantised = 1;
        written.format = *format;
        written.output_axis = p->output_axis;
        written.rows = p->rows;
        written.columns = p->columns;
        written.bytes = p->bytes;
        written.outliers = written.outlier_bytes = 0;
    } else if (t->quantised && lsq_packed_bytes(&t->format, (size_t)t->rows, (size_t)t->columns, &bytes) != LSQ_OK) {
        written.quantised = 0;
        written.dtype = LSQ_F32;
        written.bytes = t->elements * sizeof(float);
    }
    return written;
}

lsq_status plan_quantise(const wish *want, const lsq_format *format, int curve, const calibration *known, size_t rows,
                         size_t columns, const float *w, lsq_weights **weights, lsq_error *err)
{
    const lsq_quantize_options how = {.size = sizeof how,
                                      .rounding = want->rounding,
                                      .curve = curve,
                                      .outliers = want->outliers,
                                      .importance = known ? known->importance : NULL,
                                      .gram = known ? known->gram : NULL};
    return lsq_quantize(NULL, format, rows, columns, w, columns, &how, weights, err);
}

int plan_curve(const char *name)
{
    return strstr(name, ".curve") ? LSQ_CURVE_GIVEN : LSQ_CURVE_BEST;
}

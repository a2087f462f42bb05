/*
 * plan.c - what compress makes of a tensor.
 */
#include "tools/plan.h"

static int floating(lsq_dtype dtype)
{
    return dtype == LSQ_F32 || dtype == LSQ_F16 || dtype == LSQ_BF16 || dtype == LSQ_F64 || dtype == LSQ_F8_E4M3 ||
           dtype == LSQ_F8_E5M2;
}

static double padded(uint64_t n, uint64_t to)
{
    return (double)((n + to - 1) / to * to);
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
 * Axis 0 holds the outputs as PyTorch stores weights, and is taken unless its matrix fits badly and the last axis, where
 * TensorFlow kernels have the outputs, is clearly better:
 *   - padding (rows to 16, columns to 32) takes more than a quarter on top of the elements with axis 0, and
 *   - the packed matrix of the last axis takes at most three quarters of the bytes of that of axis 0.
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
    int wasteful = padded(p->rows, 16) * padded(p->columns, 32) > 1.25 * (double)t->elements;
    int better = last.bytes && (double)last.bytes <= 0.75 * (double)p->bytes;
    if (want->axis == AXIS_LAST || (want->axis == AXIS_AUTO && wasteful && better))
        *p = last;
}

static int same_format(const lsq_format *a, const lsq_format *b)
{
    return a->codec == b->codec && a->bits == b->bits && a->scale == b->scale && a->states == b->states &&
           a->curve == b->curve;
}

static const char *why_kept(const lsq_tensor *t, const wish *want, plan *p)
{
    int same = t->quantised && same_format(&t->format, &want->format);
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

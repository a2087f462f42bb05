/*
 * plan.c - what compress makes of a tensor.
 */
#include "tools/plan.h"

#include <string.h>

/* Fills in the matrix that `axis` gives; bytes = 0 if it cannot be packed. */
static void view(plan *p, const lsq_tensor *t, const lsq_format *format, unsigned axis)
{
    p->output_axis = axis;
    p->rows = (size_t)t->shape[axis];
    p->columns = (size_t)(t->elements / t->shape[axis]);
    if (lsq_packed_bytes(format, p->rows, p->columns, &p->bytes) != LSQ_OK)
        p->bytes = 0;
}

/* Shapes cannot tell a square matrix from its transpose. */
static void choose(plan *p, const lsq_tensor *t, const wish *want)
{
    unsigned axis = 0; /* the published files have no view but the tensor as it stands */
    if (want->version != 1 && want->axis == AXIS_LAST)
        axis = t->rank - 1;
    else if (want->version != 1 && want->axis == AXIS_AUTO)
        lsq_tensor_axis(t, &want->format, &axis);
    view(p, t, &want->format, axis);
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
    if (!lsq_dtype_floating(t->dtype))
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
    if (p->kept)
        return written;
    written.quantised = 1;
    written.format = *format;
    written.output_axis = p->output_axis;
    written.rows = p->rows;
    written.columns = p->columns;
    written.bytes = p->bytes;
    written.outliers = written.outlier_bytes = 0;
    return written;
}

lsq_quantize_options plan_options(const wish *want, const lsq_format *format, int curve, const calibration *known)
{
    return (lsq_quantize_options){
        .size = sizeof(lsq_quantize_options),
        .rounding = want->rounding,
        .curve = curve,
        .outliers = want->outliers,
        .outlier_choice = format->codec == LSQ_SIGN ? LSQ_OUTLIERS_LARGEST : LSQ_OUTLIERS_WHERE_WORTH,
        .importance = known ? known->importance : NULL,
        .gram = known ? known->gram : NULL,
    };
}

int plan_curve(const char *name)
{
    return strstr(name, ".curve") ? LSQ_CURVE_GIVEN : LSQ_CURVE_BEST;
}

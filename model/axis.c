/*
 * axis.c - which axis of a tensor are the rows of its matrix.
 */
#include <lsq/lsq_model.h>

/* Bytes of the packed form along an axis; LSQ_E_LIMIT. */
static lsq_status packed(const lsq_tensor *t, const lsq_format *format, unsigned axis, size_t *bytes)
{
    return lsq_packed_bytes(format, (size_t)t->shape[axis], (size_t)(t->elements / t->shape[axis]), bytes);
}

/*
 * Axis 0 holds the outputs as PyTorch stores weights, and is taken unless padding (rows to 16, columns to 32) swells its
 * matrix and not that of the last axis, where TensorFlow kernels have the outputs. As the last axis takes no fewer bytes than its
 * elements do, axis 0 then pads by a third or more. Shapes cannot tell a square matrix from its transpose.
 */
lsq_status lsq_tensor_axis(const lsq_tensor *t, const lsq_format *format, unsigned *output_axis)
{
    size_t first, last;
    if (!t || !format || !output_axis || t->rank < 2 || t->elements == 0)
        return LSQ_E_ARGUMENT;
    if (t->quantised || t->axis_known) {
        *output_axis = t->output_axis;
        return LSQ_OK;
    }
    const lsq_status of_first = packed(t, format, 0, &first), of_last = packed(t, format, t->rank - 1, &last);
    if (of_first != LSQ_OK)
        return of_first;
    *output_axis = of_last == LSQ_OK && (double)last <= 0.75 * (double)first ? t->rank - 1 : 0;
    return LSQ_OK;
}

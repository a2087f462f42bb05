/*
 * strides.c - numbers that lie in another order than that of their rows.
 */
#include "model/import/strides.h"

#include <string.h>

void lsq_copy_strided(const lsq_tensor *tensor, const uint64_t *stride, const uint8_t *from, uint8_t *to)
{
    const size_t size = lsq_dtype_bytes(tensor->dtype);
    uint64_t place[LSQ_RANK_MAX] = {0}, at = 0;
    for (uint64_t i = 0; i < tensor->elements; i++) {
        memcpy(to + i * size, from + at, size);
        for (unsigned axis = tensor->rank; axis-- > 0;) {
            at += stride[axis];
            if (++place[axis] < tensor->shape[axis])
                break;
            at -= place[axis] * stride[axis];
            place[axis] = 0;
        }
    }
}

/*
 * activation.h - the vector of a product as kernels want it.
 */
#ifndef LSQ_DISPATCH_ACTIVATION_H
#define LSQ_DISPATCH_ACTIVATION_H

#include "dispatch/select.h"

/* Parts of scratch begin at multiples of 64 bytes. */
static inline size_t lsq_padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static inline size_t lsq_activation_element(enum lsq_act act)
{
    return act == ACT_i8 ? 1 : act == ACT_i16 ? 2 : 4;
}

/* Bytes of scratch, a multiple of 64, that lsq_activation_set() fills for `groups` groups. */
size_t lsq_activation_bytes(enum lsq_act act, size_t groups);

/*
 * Rounds x (k elements, incx apart, x pointing at the first one in memory order of use) into scratch, zeros behind it, and points
 * args at it. `round` is a kernel for these activations; NULL if they are floats.
 */
void lsq_activation_set(lsq_gemv_args *args, enum lsq_act act, lsq_round_fn *round, size_t groups, const float *x,
                        ptrdiff_t incx, size_t k, void *scratch);

#endif

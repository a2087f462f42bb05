/*
 * sign_encode.c - weights into signs, as defined.
 *
 *     y = x * inverse  -->  rank = y >= tree[0], which is 0
 */
#include "kernels/kernel.h"

void lsq_encode_b1_f32_scalar_r1(const lsq_encode_args *a)
{
    float inverse[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        inverse[r] = a->scale[r] == 0 ? 0 : 1 / a->scale[r];
    for (size_t i = 0; i < TILE; i++)
        a->rank[i] = (uint16_t)(a->x[i] * inverse[i % PANEL] >= 0);
}

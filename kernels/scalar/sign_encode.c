/*
 * sign_encode.c - weights into signs, as defined.
 *
 *     y = x * inverse  -->  rank = y >= tree[0], which is 0
 */
#include "kernels/kernel.h"

void lsq_encode_b1_f32_scalar_r1(const lsq_encode_args *a)
{
    float inverse[PANEL];
    for (unsigned r = 0; r < PANEL; r++) { /* 0 of 0, by a division that compilers may do for all rows */
        const int is_zero = a->scale[r] == 0;
        inverse[r] = (float)!is_zero / (is_zero ? 1 : a->scale[r]);
    }
    for (size_t i = 0; i < TILE; i++)
        a->rank[i] = (uint16_t)(a->x[i] * inverse[i % PANEL] >= 0);
}

/*
 * roundt.c - columns that lie side by side as integers, as defined: `round` of each group of each of them.
 */
#include "kernels/kernel.h"

static void round_columns(const lsq_roundt_args *a, size_t bytes, lsq_round_fn *round)
{
    for (size_t j = 0; j < STRIP; j++)
        for (size_t g = 0; g < a->groups; g++) {
            const size_t at = j / QUAD * a->all + g, lane = j % QUAD;
            float x[GROUP];
            for (unsigned c = 0; c < GROUP; c++)
                x[c] = a->x[(g * GROUP + c) * a->ld + j];
            round(&(lsq_round_args){
                .x = x,
                .groups = 1,
                .lanes = QUAD,
                .q = (uint8_t *)a->q + (at * GROUP * QUAD + lane * 4) * bytes,
                .sx = a->sx + at * QUAD + lane,
                .bias = a->bias ? a->bias + at * 2 * QUAD + lane : NULL,
                .negative = a->negative ? a->negative + at * 2 * QUAD + lane : NULL,
            });
        }
}

void lsq_roundt_x_i8_scalar_r1(const lsq_roundt_args *a)
{
    round_columns(a, sizeof(int8_t), lsq_round_x_i8_scalar_r1);
}

void lsq_roundt_x_i16_scalar_r1(const lsq_roundt_args *a)
{
    round_columns(a, sizeof(int16_t), lsq_round_x_i16_scalar_r1);
}

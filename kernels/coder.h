/*
 * coder.h - codes as encoders look them up; kernel.h explains the tables.
 */
#ifndef LSQ_KERNELS_CODER_H
#define LSQ_KERNELS_CODER_H

#include "kernels/codec.h"

/* `rounding` is an lsq_rounding; of classic codes only. */
void lsq_coder_of(const lsq_format *format, const lsq_levels *levels, int rounding, lsq_coder *coder);

/* The code of a rank, plain formats. */
unsigned lsq_code_of_rank(const lsq_format *format, unsigned rank);

/* Paths of a row that run through a tile side by side, and steps of each in it, for codes of C bits. */
static inline unsigned lsq_path_count(unsigned bits)
{
    return bits >= 4 ? 8 : bits >= 2 ? 16 : 32;
}

static inline unsigned lsq_path_steps(unsigned bits)
{
    return GROUP / lsq_path_count(bits);
}

/* The column of a step of a path. */
static inline unsigned lsq_path_column(unsigned bits, unsigned path, unsigned step)
{
    return step * lsq_path_count(bits) + path;
}

#endif

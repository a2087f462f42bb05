/*
 * assembly.h - what compilers must be told beside the intrinsics, for every AVX-512 level.
 *
 * A build that simulates AVX-512 has a file of this name in plain intrinsics (tests/simulated/).
 */
#ifndef LSQ_KERNELS_AVX512_ASSEMBLY_H
#define LSQ_KERNELS_AVX512_ASSEMBLY_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* The same vector, computed before what follows is, and in a register. */
INLINE __m512i in_register(__m512i v)
{
    __asm__("" : "+v"(v));
    return v;
}

#endif

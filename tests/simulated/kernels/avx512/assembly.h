/*
 * assembly.h - kernels/avx512/assembly.h, simulated: nothing to tell.
 */
#ifndef LSQ_KERNELS_AVX512_ASSEMBLY_H
#define LSQ_KERNELS_AVX512_ASSEMBLY_H

#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m512i in_register(__m512i v)
{
    return v;
}

#endif

/*
 * assembly.h - instructions written out, where vector instructions, two a cycle whatever they do and copies of registers among
 * them, are what bounds a kernel, and compilers would add some.
 *
 * A build that simulates AVX-512 has a file of this name in plain intrinsics (tests/simulated/).
 */
#ifndef LSQ_KERNELS_AVX512ICL_ASSEMBLY_H
#define LSQ_KERNELS_AVX512ICL_ASSEMBLY_H

#include "kernels/avx512/assembly.h"

/* dot + unsigned bytes of level * the four bytes at x. gcc would broadcast x first, by an instruction. */
INLINE __m512i dot4(__m512i dot, __m512i level, const int32_t *x)
{
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(dot) : "v"(level), "m"(*x));
    return dot;
}

/* dot + pairs of words of level * x. gcc would copy dots. */
INLINE __m512i dot2(__m512i dot, __m512i level, __m512i x)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(dot) : "v"(level), "v"(x));
    return dot;
}

/* Where the mask has ones, bytes of the 128 by index; elsewhere the index as it is. clang would blend. */
INLINE __m512i replace(__m512i index, __mmask64 mask, const __m512i bytes[2])
{
    __asm__("vpermi2b %3, %2, %0%{%1%}" : "+v"(index) : "Yk"(mask), "v"(bytes[0]), "v"(bytes[1]));
    return index;
}

#endif

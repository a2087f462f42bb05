/*
 * dot.h - dots of bytes and words, in the one form that costs nothing beside: vector instructions, two a cycle whatever they do
 * and copies of registers among them, are what bounds these kernels.
 */
#ifndef LSQ_KERNELS_AVX512ICL_DOT_H
#define LSQ_KERNELS_AVX512ICL_DOT_H

#include "kernels/kernel.h"

#include <immintrin.h>

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

#endif

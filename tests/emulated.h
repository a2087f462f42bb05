/*
 * emulated.h - is this QEMU's user mode? There all is slow, limits of memory are none, and some things do not work.
 */
#ifndef LSQ_TESTS_EMULATED_H
#define LSQ_TESTS_EMULATED_H

#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <stdlib.h>
#endif

static inline int emulated(void)
{
#if defined(__x86_64__)
    unsigned a, b = 0, c = 0, d = 0;
    __cpuid(0x40000000, a, b, c, d);
    return b == 0x54474354 && c == 0x43544743 && d == 0x47435447; /* "TCGTCGTCGTCG" */
#else
    return getenv("MESON_EXE_WRAPPER") != NULL;
#endif
}

#endif

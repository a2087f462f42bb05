/*
 * plain.c - codes that index a table with 8-bit integers, on NEON with SDOT; 2 to 6 bits. The product is in neon/plain.h.
 */
#include "kernels/neon/plain.h"

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_neondot_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        plain_rows(a, p0, p1, bits);                                                                                   \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)

/*
 * trellis.c - trellis codes with 8-bit integers, on NEON without SDOT; 1 to 6 bits. The product is in neon/trellis_dot.h.
 */
#include "kernels/neon/trellis_dot.h"

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        trellis_rows(a, p0, p1, bits);                                                                                 \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)

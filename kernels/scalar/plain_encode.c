/*
 * plain_encode.c - weights into codes that index a table, as defined.
 */
#include "kernels/kernel.h"

static inline unsigned rank_of(const lsq_coder *coder, unsigned bits, float y)
{
    unsigned rank = 0;
    for (unsigned d = 0; d < bits; d++)
        rank = 2 * rank + (y >= coder->tree[(1u << d) - 1 + rank]);
    return rank;
}

static inline float inverse_of(float scale)
{
    return scale == 0 ? 0 : 1 / scale;
}

static inline void measure(const lsq_encode_args *a, unsigned bits)
{
    for (size_t i = 0; i < a->tries * PANEL; i++) {
        const float scale = a->scale[i], inverse = inverse_of(scale);
        float sum = 0;
        for (size_t at = i % PANEL; at < TILE; at += PANEL) {
            const unsigned rank = rank_of(a->coder, bits, a->x[at] * inverse);
            const float error = a->x[at] - scale * a->coder->level[rank];
            sum += a->importance[at] * (error * error);
        }
        a->error[i] = sum;
    }
}

static inline void encode(const lsq_encode_args *a, unsigned bits)
{
    for (size_t i = 0; i < TILE; i++)
        a->rank[i] = (uint16_t)rank_of(a->coder, bits, a->x[i] * inverse_of(a->scale[i % PANEL]));
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_p##bits##_f32_scalar_r1(const lsq_encode_args *a)                                                 \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_p##bits##_f32_scalar_r1(const lsq_encode_args *a)                                                  \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)

/*
 * trellis_encode.c - the Viterbi recursion of 16 rows, as defined.
 *
 *     x / scale  --rank-->  nearest of 4 subsets  --squared error-->  cost[4]
 *     metric[j] + cost, metric[j + half] + cost  --the less of both-->  metric'[2 j], metric'[2 j + 1]
 *
 * Only the least metric behind the last step matters to `measure`. There u is free, so z1 is, and z0 is known some steps ahead: of all
 * states of one kind only the least metric counts, and these are the same whatever the scale.
 */
#include "kernels/coder.h"

enum { STATES = 64, KINDS = 4 };

typedef float rows_f[PANEL];

/* Rank, and the error of the nearest level of each subset. */
static inline void costs(const lsq_encode_args *a, unsigned bits, unsigned column, const float *scale, rows_f cost[4],
                         uint16_t rank[PANEL])
{
    const lsq_coder *coder = a->coder;
    const float *x = a->x + column * PANEL, *importance = a->importance + column * PANEL;
    for (unsigned r = 0; r < PANEL; r++) {
        const float y = x[r] * (scale[r] == 0 ? 0 : 1 / scale[r]);
        unsigned found = 0;
        for (unsigned d = 0; bits > 1 && d <= bits; d++)
            found = 2 * found + (y >= coder->tree[(1u << d) - 1 + found]);
        for (unsigned z = 0; z < 4; z++) {
            const float error = x[r] - scale[r] * coder->level[(z << (bits - 1)) + (found + 3 - z) / 4];
            cost[z][r] = importance[r] * (error * error);
        }
        rank[r] = (uint16_t)found;
    }
}

/* Add, compare, select. States 2 j and 2 j + 1 come from j and j + states / 2, which differ by 2 in subset, as u = 0 and u = 1 do. */
static inline void advance(const lsq_coder *coder, const float *from, rows_f cost[4], float *to, uint32_t *chose)
{
    const unsigned states = coder->states;
    for (unsigned s = 0; s < states; s++) {
        const unsigned z = coder->subset[s / 2] ^ (s & 1) * 2;
        const float *low = from + s / 2 * PANEL, *high = low + states / 2 * PANEL;
        for (unsigned r = 0; r < PANEL; r++) {
            const float kept = low[r] + cost[z][r], other = high[r] + cost[z ^ 2][r];
            to[s * PANEL + r] = other < kept ? other : kept;
            if (chose)
                chose[s / 32 * PANEL + r] |= (uint32_t)(other < kept) << s % 32;
        }
    }
}

static inline float less(float a, float b)
{
    return b < a ? b : a;
}

/* The least metric behind the last `ahead` steps, from the metrics before them. */
static inline void least_ahead(const lsq_encode_args *a, const float *metric, rows_f cost[2][4], unsigned ahead,
                               rows_f least)
{
    const unsigned kinds = 1u << ahead;
    rows_f of[KINDS];
    for (unsigned r = 0; r < PANEL; r++) {
        for (unsigned i = 0; i < kinds; i++)
            of[i][r] = 3e38f;
        for (unsigned s = 0; s < a->coder->states; s++) {
            float *now = &of[a->coder->kind[s] & (kinds - 1)][r];
            *now = less(*now, metric[s * PANEL + r]);
        }
        least[r] = 3e38f;
        for (unsigned i = 0; i < kinds; i++) {
            float sum = of[i][r];
            for (unsigned step = 0; step < ahead; step++) {
                const unsigned z0 = i >> step & 1;
                sum += less(cost[step][z0][r], cost[step][z0 + 2][r]);
            }
            least[r] = less(least[r], sum);
        }
    }
}

static inline void measure(const lsq_encode_args *a, unsigned bits)
{
    const unsigned states = a->coder->states, steps = a->step1 - a->step0;
    const unsigned ahead = steps < a->coder->ahead ? steps : a->coder->ahead;
    for (size_t i = 0; i < a->tries * PANEL; i++)
        a->error[i] = 0;
    for (unsigned path = a->path0; path < a->path1; path++)
        for (size_t i = 0; i < a->tries; i++) {
            const float *from = a->metric + path * states * PANEL, *scale = a->scale + i * PANEL;
            float to[2][STATES * PANEL];
            uint16_t rank[PANEL];
            rows_f cost[2][4], least;
            for (unsigned v = 0; v < steps - ahead; v++) {
                costs(a, bits, lsq_path_column(bits, path, a->step0 + v), scale, cost[0], rank);
                advance(a->coder, from, cost[0], to[v % 2], NULL);
                from = to[v % 2];
            }
            for (unsigned v = 0; v < ahead; v++)
                costs(a, bits, lsq_path_column(bits, path, a->step1 - ahead + v), scale, cost[v], rank);
            least_ahead(a, from, cost, ahead, least);
            for (unsigned r = 0; r < PANEL; r++)
                a->error[i * PANEL + r] += least[r];
        }
}

static inline void encode(const lsq_encode_args *a, unsigned bits)
{
    const unsigned states = a->coder->states;
    for (unsigned path = a->path0; path < a->path1; path++) {
        float *metric = a->metric + path * states * PANEL, to[STATES * PANEL];
        for (unsigned step = a->step0; step < a->step1; step++) {
            const unsigned column = lsq_path_column(bits, path, step);
            uint32_t *chose = a->chose + column * 2 * PANEL;
            rows_f cost[4];
            costs(a, bits, column, a->scale, cost, a->rank + column * PANEL);
            for (unsigned i = 0; i < 2 * PANEL; i++)
                chose[i] = 0;
            advance(a->coder, metric, cost, to, chose);
            for (unsigned i = 0; i < states * PANEL; i++)
                metric[i] = to[i];
        }
        for (unsigned r = 0; r < PANEL; r++) {
            float least = metric[r];
            for (unsigned s = 1; s < states; s++)
                least = less(least, metric[s * PANEL + r]);
            for (unsigned s = 0; s < states; s++)
                metric[s * PANEL + r] -= least;
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_t##bits##_f32_scalar_r1(const lsq_encode_args *a)                                                 \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_t##bits##_f32_scalar_r1(const lsq_encode_args *a)                                                  \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)

/*
 * coverage.c - places as bits.
 */
#include "dispatch/coverage.h"

static int first_of(int value)
{
    return value == LSQ_ANY ? 0 : value;
}

static int end_of(int value, int count)
{
    return value == LSQ_ANY ? count : value + 1;
}

static uint32_t bits_of(const lsq_place *where)
{
    uint32_t bits = 0;
    for (int c = first_of(where->size_class); c < end_of(where->size_class, CLASSES); c++)
        for (int b = first_of(where->batch); b < end_of(where->batch, BATCHES); b++)
            for (int t = first_of(where->crew); t < end_of(where->crew, CREWS); t++)
                bits |= 1u << ((c * BATCHES + b) * CREWS + t);
    return bits;
}

int lsq_covers(const lsq_coverage *coverage, unsigned op, unsigned codec, unsigned act, const lsq_place *where)
{
    return (coverage->places[op][codec][act] & bits_of(where)) != 0;
}

void lsq_cover(lsq_coverage *coverage, unsigned op, unsigned codec, unsigned act, const lsq_place *where)
{
    coverage->places[op][codec][act] |= bits_of(where);
}

/*
 * lsq_hashes.h - hashes of .lsq version 2, which no mutation finds, made right.
 */
#ifndef LSQ_TESTS_FUZZ_LSQ_HASHES_H
#define LSQ_TESTS_FUZZ_LSQ_HASHES_H

#include "model/lsq2.h"

#include <stdlib.h>

static inline void require(int holds)
{
    if (!holds)
        abort();
}

static inline uint64_t number_at(const uint8_t *place)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number |= (uint64_t)place[i] << (8 * i);
    return number;
}

static inline void make_hashes_right(uint8_t *bytes, size_t size)
{
    lsq_preamble p = {.version = LSQ2_VERSION,
                      .features = bytes[12],
                      .header_offset = number_at(bytes + 16),
                      .header_bytes = number_at(bytes + 24),
                      .file_bytes = number_at(bytes + 32)};
    if (p.header_offset <= size && p.header_bytes <= size - p.header_offset)
        lsq_hash(bytes + p.header_offset, p.header_bytes, p.header_hash);
    lsq_preamble_encode(&p, bytes);
}

/* The lengths of the preamble: what is left to be wrong is the header. */
static inline void make_lengths_right(uint8_t *bytes, size_t size)
{
    lsq_preamble p = {.version = LSQ2_VERSION, .features = bytes[12] & LSQ2_FEATURES, .file_bytes = size};
    p.header_offset = 64 + number_at(bytes + 16) / 64 * 64 % (size - 63);
    p.header_offset -= p.header_offset % 64;
    p.header_bytes = size - p.header_offset;
    lsq_preamble_encode(&p, bytes);
}

#endif

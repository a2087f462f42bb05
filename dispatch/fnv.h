/*
 * fnv.h - FNV-1a, 64 bits: a hash against accidents. Each step is a bijection of the state, so a change of any one byte
 * always changes the result.
 */
#ifndef LSQ_DISPATCH_FNV_H
#define LSQ_DISPATCH_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START 0xcbf29ce484222325u

static inline uint64_t fnv_add(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

#endif

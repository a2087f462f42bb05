/*
 * preamble.c - the first 64 bytes of .lsq version 2, both ways.
 *
 *      0  8  magic 89 4C 53 51 0D 0A 1A 0A        24  8  length of the header
 *      8  4  version, 2                           32  8  length of the file
 *     12  4  required features                    40 16  XXH3-128 of the header
 *     16  8  offset of the header                 56  8  XXH3-64 of bytes 0 to 55
 */
#include "model/limits.h"
#include "model/lsq2.h"

#include <string.h>
#include <xxhash.h>

enum {
    VERSION = 8,
    FEATURES = 12,
    HEADER_OFFSET = 16,
    HEADER_BYTES = 24,
    FILE_BYTES = 32,
    HEADER_HASH = 40,
    HASH = 56
};

void lsq_hash(const void *bytes, size_t size, uint8_t hash[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(hash, canonical.digest, sizeof canonical.digest);
}

void lsq_hash_end(XXH3_state_t *state, uint8_t hash[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(hash, canonical.digest, sizeof canonical.digest);
    XXH3_freeState(state);
}

static void preamble_hash(const uint8_t *bytes, uint8_t hash[8])
{
    XXH64_canonical_t canonical;
    XXH64_canonicalFromHash(&canonical, XXH3_64bits(bytes, HASH));
    memcpy(hash, canonical.digest, sizeof canonical.digest);
}

static void put(uint8_t *place, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        place[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *place, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)place[i] << (8 * i);
    return value;
}

void lsq_preamble_encode(const lsq_preamble *p, uint8_t bytes[LSQ2_PREAMBLE])
{
    memcpy(bytes, LSQ2_MAGIC, 8);
    put(bytes + VERSION, 4, p->version);
    put(bytes + FEATURES, 4, p->features);
    put(bytes + HEADER_OFFSET, 8, p->header_offset);
    put(bytes + HEADER_BYTES, 8, p->header_bytes);
    put(bytes + FILE_BYTES, 8, p->file_bytes);
    memcpy(bytes + HEADER_HASH, p->header_hash, sizeof p->header_hash);
    preamble_hash(bytes, bytes + HASH);
}

/* Everything that the hash vouches for was written by someone; whether it fits together is another question. */
static lsq_status check_extent(const lsq_preamble *p, uint64_t size, const char *where, lsq_error *err)
{
    if (p->features & ~(uint32_t)LSQ2_FEATURES)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, where, "byte 12: needs features %#x, which this version lacks",
                        p->features & ~(uint32_t)LSQ2_FEATURES);
    if (size < p->file_bytes)
        return lsq_fail(err, LSQ_E_TRUNCATED, where, "has %llu of %llu bytes", (unsigned long long)size,
                        (unsigned long long)p->file_bytes);
    if (size > p->file_bytes)
        return lsq_fail(err, LSQ_E_MALFORMED, where, "goes on after its end at byte %llu",
                        (unsigned long long)p->file_bytes);
    if (p->header_bytes > LSQ_HEADER_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, where, "byte 24: a header of %llu bytes, more than 64 MiB",
                        (unsigned long long)p->header_bytes);
    if (p->header_offset < LSQ2_PREAMBLE || p->header_offset % LSQ2_ALIGNMENT || p->header_offset > size ||
        p->header_bytes != size - p->header_offset)
        return lsq_fail(err, LSQ_E_MALFORMED, where, "byte 16: a header at %llu of %llu bytes does not end the file",
                        (unsigned long long)p->header_offset, (unsigned long long)p->header_bytes);
    return LSQ_OK;
}

lsq_status lsq_preamble_decode(const uint8_t *bytes, uint64_t size, const char *where, lsq_preamble *p, lsq_error *err)
{
    if (memcmp(bytes, LSQ2_MAGIC, size < 8 ? (size_t)size : 8) != 0)
        return lsq_fail(err, LSQ_E_MALFORMED, where, "begins like .lsq, but was changed as if it were text");
    if (size < LSQ2_PREAMBLE)
        return lsq_fail(err, LSQ_E_TRUNCATED, where, "has %llu bytes, not even a preamble", (unsigned long long)size);
    /* A later version may put its hash elsewhere, so the version is believed first. */
    p->version = (uint32_t)get(bytes + VERSION, 4);
    if (p->version != LSQ2_VERSION)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, where, "byte 8: version %u of .lsq, not 2", p->version);
    uint8_t hash[8];
    preamble_hash(bytes, hash);
    if (memcmp(hash, bytes + HASH, sizeof hash) != 0)
        return lsq_fail(err, LSQ_E_CHECKSUM, where, "byte 56: the preamble does not match its checksum");
    p->features = (uint32_t)get(bytes + FEATURES, 4);
    p->header_offset = get(bytes + HEADER_OFFSET, 8);
    p->header_bytes = get(bytes + HEADER_BYTES, 8);
    p->file_bytes = get(bytes + FILE_BYTES, 8);
    memcpy(p->header_hash, bytes + HEADER_HASH, sizeof p->header_hash);
    return check_extent(p, size, where, err);
}

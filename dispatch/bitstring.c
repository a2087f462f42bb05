/*
 * bitstring.c - codes as .lsq version 1 strings them together: most significant bit first, no gaps.
 */
#include <lsq/lsq.h>

size_t lsq_bit_string_bytes(unsigned bits, size_t n)
{
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

lsq_status lsq_bit_string_pack(unsigned bits, size_t n, const uint32_t *codes, uint8_t *string)
{
    if (bits < 1 || bits > 32)
        return LSQ_E_ARGUMENT;
    uint64_t pending = 0; /* its low `held` bits wait to be written; held < 8 before each code */
    unsigned held = 0;
    for (size_t i = 0; i < n; i++) {
        pending = pending << bits | (codes[i] & (0xffffffffu >> (32 - bits)));
        for (held += bits; held >= 8; held -= 8)
            *string++ = (uint8_t)(pending >> (held - 8));
    }
    if (held)
        *string = (uint8_t)(pending << (8 - held));
    return LSQ_OK;
}

lsq_status lsq_bit_string_unpack(unsigned bits, size_t n, const uint8_t *string, uint32_t *codes)
{
    if (bits < 1 || bits > 32)
        return LSQ_E_ARGUMENT;
    uint64_t pending = 0;
    unsigned held = 0;
    for (size_t i = 0; i < n; i++) {
        for (; held < bits; held += 8)
            pending = pending << 8 | *string++;
        held -= bits;
        codes[i] = (uint32_t)(pending >> held) & (0xffffffffu >> (32 - bits));
    }
    return LSQ_OK;
}

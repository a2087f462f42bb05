/*
 * limits.c - what `lsq compress` keeps to.
 */
#include "tools/limits.h"
#include "tools/messages.h"
#include "tools/numbers.h"

#include <lsq/lsq_model.h>

#include <math.h>

/* Beside the numbers of a tensor: what encoders keep for each thread, tables, pages of the file that were read along. */
#define MARGIN ((uint64_t)16 << 20)

static int read_bytes(const arguments *args, size_t option, uint64_t *bytes)
{
    const char *text = args->values[option];
    const double number = text ? bytes_read(text) : 0;
    if (text && !(number > 0 && number <= 0x1p62))
        return usage_error(args, "--%s takes bytes, as 400M or 1.5GiB, not '%s'", args->command->options[option].name,
                           text);
    *bytes = (uint64_t)number;
    return CARRY_ON;
}

int limits_read(const arguments *args, size_t first, limits *l)
{
    const char *loss = args->values[first + 2];
    int code = read_bytes(args, first, &l->ram);
    if (code == CARRY_ON)
        code = read_bytes(args, first + 1, &l->storage);
    l->loss = loss ? number_read(loss) : 0;
    if (code == CARRY_ON && loss && !(l->loss > 0 && l->loss <= 100))
        code = usage_error(args, "--max-loss takes percent, above 0 and at most 100, not '%s'", loss);
    return code;
}

void limits_settle(limits *l)
{
    uint64_t now, peak;
    l->memory = SIZE_MAX;
    if (!l->ram)
        return;
    lsq_resident(&now, &peak);
    l->taken = now + MARGIN;
    const uint64_t left = l->ram > l->taken ? l->ram - l->taken : 0;
    l->memory = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
}

double limits_would_do(const limits *l, double bytes)
{
    return (ceil(((double)l->taken + bytes) / 0x1p20) + 1) * 0x1p20;
}

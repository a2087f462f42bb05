/*
 * tunedoc.h - what the reader and the writer of tune files must agree on.
 */
#ifndef LSQ_DISPATCH_TUNEDOC_H
#define LSQ_DISPATCH_TUNEDOC_H

#include "dispatch/tunables.h"
#include "dispatch/tunefile.h"

#include <inttypes.h>
#include <stdio.h>

static const char tune_schema[] = "lsq.tune/2", tune_any[] = "any";

/* The end of a document: the sum of all bytes before it. */
static const char tune_tail[] = "\"checksum\": \"%016" PRIx64 "\"\n}\n";
enum { TUNE_TAIL_BYTES = sizeof("\"checksum\": \"0123456789abcdef\"\n}\n") - 1 };

/* Numbers of 64 bits as text. */
typedef struct tune_hex {
    char digits[17];
} tune_hex;

static inline tune_hex tune_hex_of(uint64_t number)
{
    tune_hex text;
    snprintf(text.digits, sizeof(text.digits), "%016" PRIx64, number);
    return text;
}

static inline int tune_is_legal(unsigned tunable, long long value)
{
    const uint32_t *legal;
    for (size_t i = 0; (legal = lsq_tunable_legal(tunable, i)); i++)
        if (*legal == value)
            return 1;
    return 0;
}

#endif

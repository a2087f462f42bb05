/*
 * limits.h - what `lsq compress` keeps to: memory, the size of the file, and the error of products.
 */
#ifndef LSQ_TOOLS_LIMITS_H
#define LSQ_TOOLS_LIMITS_H

#include "tools/options.h"

#include <stdint.h>

typedef struct limits {
    uint64_t ram, storage; /* bytes; 0: no limit */
    double loss;           /* relative output error, in percent; 0: any */
    size_t memory; /* bytes that the numbers of a tensor may take, and what is made of them; SIZE_MAX without a limit */
    uint64_t taken; /* bytes that everything else takes */
} limits;

/*
 * Reads the three options; `first` is the place of --ram-limit, and --storage-limit and --max-loss follow it. CARRY_ON or, with a message,
 * EXIT_USAGE.
 */
int limits_read(const arguments *args, size_t first, limits *l);

/* Fills in l->memory and l->taken, now that everything else that takes memory is there. */
void limits_settle(limits *l);

/* The least --ram-limit that leaves so many bytes: whole MiB, and one for what differs from run to run. */
double limits_would_do(const limits *l, double bytes);

#endif

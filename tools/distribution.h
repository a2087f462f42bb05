/*
 * distribution.h - how the numbers of a tensor are distributed: by magnitude, and if it is quantised by code.
 */
#ifndef LSQ_TOOLS_DISTRIBUTION_H
#define LSQ_TOOLS_DISTRIBUTION_H

#include "tools/options.h"

#include <lsq/lsq_model.h>

enum { OCTAVE_LEAST = -149, OCTAVES = 128 - OCTAVE_LEAST }; /* of floats: from 2^-149 to 2^128 */

typedef struct distribution {
    const lsq_tensor *tensor;
    uint64_t zeros, not_finite;
    uint64_t finite; /* zeros too; what is next is of these */
    double least, most, sum, squares;
    uint64_t octaves[OCTAVES]; /* octaves[e - OCTAVE_LEAST]: 2^e <= magnitude < 2^(e + 1) */
    uint64_t *codes;           /* how many weights have each; NULL: no codes, or none that a matrix has */
    size_t code_count;
} distribution;

/* Of tensor i, some rows at a time. CARRY_ON or, with a message, an exit code. */
int distribution_take(const arguments *args, const lsq_model *model, size_t i, distribution *d);
void distribution_free(distribution *d);

/* Bits of information in a code, were each one coded by itself; 0 without codes. */
double distribution_entropy(const distribution *d);

void distribution_print(const arguments *args, const distribution *d);
json_t *distribution_json(const distribution *d); /* NULL: out of memory */

#endif

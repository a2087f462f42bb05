/*
 * compress_totals.h - what all tensors that `lsq compress` quantised came to together.
 */
#ifndef LSQ_TOOLS_COMPRESS_TOTALS_H
#define LSQ_TOOLS_COMPRESS_TOTALS_H

#include "tools/compress.h"

typedef struct totals {
    size_t quantised, calibrated, kept, left_out;
    uint64_t weights, packed, outliers; /* of the quantised tensors */
    uint64_t before, after;             /* bytes of all tensors */
    double snr;                         /* dB: each tensor counts by its number of weights, see choices.h */
    double loss;                        /* relative output error in percent, likewise */
    double published_loss;              /* mean |w - w'| / (largest - least w) in percent, a mean over tensors */
    double ratio;                       /* bytes of the files before and after */
    lsq_dtype dtype;                    /* of the quantised tensors before; LSQ_DTYPES: several, or none */
    int ram, storage, quality;          /* was the limit kept? 1 if there is none */
} totals;

totals totals_of(const compression *c);

/* The targets and figures of Loop Singular Bit under its own names, and what they are. NULL: out of memory. */
json_t *totals_published_json(const compression *c, const totals *t);

#endif

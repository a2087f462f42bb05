/*
 * verify.h - what `lsq verify` found out about each tensor, and telling it.
 */
#ifndef LSQ_TOOLS_VERIFY_H
#define LSQ_TOOLS_VERIFY_H

#include "tools/options.h"
#include "tools/quality.h"

#include <lsq/lsq_model.h>

typedef struct finding {
    const lsq_tensor *tensor; /* of the file; of the original if the file lacks it */
    const char *wrong;        /* what is wrong with it; NULL: nothing */
    int compared;             /* the rest means something: a quantised tensor beside the original one */
    quality quality;
    int multiplied;
    double product_error; /* |y - y'| / |y| */
} finding;

typedef struct verification {
    const char *file, *original; /* original NULL: checksums only */
    const char *format;          /* of the file */
    finding *findings;
    size_t count, wrong;
} verification;

/* Fills the rest of a finding from tensor i of the file and `original`; `least_snr` -INFINITY: none is asked for. */
lsq_status verify_compare(finding *f, const lsq_model *model, size_t i, const lsq_model *original, double least_snr,
                          lsq_error *err);

/* Returns EXIT_OK or EXIT_CHECK, or with a message the code of the failure. */
int verification_report(arguments *args, const verification *v);

#endif

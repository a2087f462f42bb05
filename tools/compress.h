/*
 * compress.h - what `lsq compress` did to each tensor, and telling it.
 */
#ifndef LSQ_TOOLS_COMPRESS_H
#define LSQ_TOOLS_COMPRESS_H

#include "tools/choices.h"
#include "tools/limits.h"
#include "tools/options.h"
#include "tools/quality.h"
#include "tools/spread.h"

#include <lsq/lsq_model.h>

typedef struct outcome {
    lsq_tensor tensor; /* as it was written */
    const char *kept;  /* why it was not quantised; NULL: it was */
    int left_out;      /* kept, but the file has no place for it */
    lsq_loss loss;     /* against the source, if it was quantised; so is the next */
    spread spread;
    int calibrated;   /* if not 0: */
    quality products; /* with the inputs it was calibrated for */
} outcome;

typedef struct compression {
    const char *input, *output;
    const lsq_model *model;
    const choices *choices;
    const limits *limits;
    const outcome *outcomes; /* lsq_model_count(model) of them */
    int version;             /* of the file */
    uint64_t file_bytes;     /* of the output */
    uint64_t peak_resident_bytes;
    const char *calibration; /* NULL: none */
} compression;

/* EXIT_OK, EXIT_CHECK if a limit was missed, or with a message the code of the failure. */
int compression_report(arguments *args, const compression *c);

/* The same for what would be done: formats, and estimates from samples. */
int dry_run_report(arguments *args, const char *input, const choices *c);

#endif

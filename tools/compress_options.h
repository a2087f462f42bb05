/*
 * compress_options.h - what `lsq compress` can be asked for.
 */
#ifndef LSQ_TOOLS_COMPRESS_OPTIONS_H
#define LSQ_TOOLS_COMPRESS_OPTIONS_H

#include "tools/compress_job.h"

enum {
    OUTPUT,
    CODEC,
    SCALE,
    STATES,
    ROUNDING,
    GOAL_BITS, /* these three in the order of goal_kind */
    GOAL_SNR,
    GOAL_SIZE,
    AUTO,
    RAM_LIMIT, /* these three in the order of limits_read() */
    STORAGE_LIMIT,
    MAX_LOSS,
    RULE,
    RULES,
    OUTLIERS,
    DRY_RUN,
    OUTPUT_AXIS,
    FILE_VERSION,
    CALIBRATION,
    FORCE,
    OPTIONS
};

extern const option_row compress_options[OPTIONS];

/* Sets what the job wants, its goal, limits and rules, from its arguments. CARRY_ON, or after a message the code of wrong usage. */
int compress_read_options(compress_job *j);

#endif

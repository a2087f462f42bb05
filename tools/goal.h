/*
 * goal.h - what a whole model is to reach: a mean of bits, a signal to noise ratio, or a size of the file.
 */
#ifndef LSQ_TOOLS_GOAL_H
#define LSQ_TOOLS_GOAL_H

#include "tools/options.h"

#include <stdint.h>

typedef enum goal_kind { NO_GOAL, BITS_PER_WEIGHT, TARGET_SNR, MAX_SIZE } goal_kind;

typedef struct goal {
    goal_kind kind;
    const char *option; /* its name, "bits-per-weight"; NULL: no goal */
    double number;      /* bits, decibels or bytes */
} goal;

/*
 * Reads the one of the three options that was given; `first` is the place of --bits-per-weight, and --target-snr and --max-size follow it.
 * CARRY_ON or, with a message, EXIT_USAGE.
 */
int goal_read(const arguments *args, size_t first, goal *g);

/* "4 bits per weight", "30 dB", "1000000 bytes" */
enum { GOAL_TEXT_MAX = 48 };
const char *goal_text(const goal *g, char text[GOAL_TEXT_MAX]);

#endif

/*
 * picture.h - tuned against default speed, drawn.
 */
#ifndef LSQ_TUNER_PICTURE_H
#define LSQ_TUNER_PICTURE_H

#include "tuner/report.h"

/*
 * Products of a matrix with a vector, rounded activations: a panel for each size class and number of threads, speed against bits a
 * weight; plain and trellis formats a line each, tuned and by default. An exit code; what is wrong has been said on stderr.
 */
int picture_write(const findings *found, const circumstances *about, const char *path);

#endif

/*
 * quality.h - how far decoded weights are from the original ones.
 */
#ifndef LSQ_TOOLS_QUALITY_H
#define LSQ_TOOLS_QUALITY_H

#include <lsq/lsq.h>

/* Sums over pairs of numbers, in double. Start with zeros. */
typedef struct quality {
    double signal; /* sum of w^2 */
    double noise;  /* sum of (w - w')^2 */
    double largest_error;
    double absolute;    /* sum of |w - w'| */
    double least, most; /* of w; 0 and 0 if there are none */
    double count;
} quality;

void quality_add(quality *q, const float *original, const float *decoded, size_t n);

/* 10 log10(signal / noise) dB; INFINITY if there is no difference. */
double quality_snr(const quality *q);

/* noise / signal; 0 if there is no difference. */
double quality_relative_noise(const quality *q);

double quality_rmse(const quality *q);

/*
 * A pseudo-random number, normal to the eye, of mean 0 and variance 1: the same in every run and on every machine. Begin with any state.
 */
float quality_normal(uint64_t *state);

/* Adds an element of a product W x to signal and noise alone. */
void quality_add_sum(quality *q, double exact, double got);

/* |y - y'| / |y| */
double quality_relative_error(const quality *q);

/*
 * The metric that "Loop Singular Bit" published: the mean error over the range of the numbers, 100 mean |w - w'| / (max w - min w), in percent.
 * NAN if all are equal and there is an error.
 */
double quality_published(const quality *q);

#endif

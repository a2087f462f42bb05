/*
 * rivals.h - signal to noise, and what other ways to quantise a matrix reach.
 */
#ifndef LSQ_BENCH_RIVALS_H
#define LSQ_BENCH_RIVALS_H

#include <stddef.h>

/* Sums over weights: signal w^2, noise (w - w^)^2. */
typedef struct bench_snr {
    double signal, noise;
} bench_snr;

void bench_snr_add(bench_snr *snr, const float *w, const float *decoded, size_t n);

/* 10 log10(signal / noise): infinity without noise, NaN without signal. */
double bench_snr_db(bench_snr snr);

/*
 * The most that any code of so many bits a weight can keep of independent Gaussian numbers of one variance: 6.02 dB a bit. Numbers
 * of other distributions with that variance allow more.
 */
double bench_gaussian_bound_db(double bits);

/*
 * Symmetric integers of `bits` = 2..9 bits, the largest |w| of each `block` weights being the largest integer: one row of k
 * columns after another, block = k is a scale for a row, 0 one for the matrix; those are floats. Scales of shorter blocks have 11
 * significant bits, as half precision has. With 8 bits and a scale for a row, which is an output channel, these are weights as
 * TensorFlow Lite's specification of 8-bit quantisation has them: [-127, 127], zero point 0, per axis.
 */
double bench_int_db(unsigned bits, size_t block, size_t rows, size_t columns, const float *w);

/*
 * NF4: the levels of QLoRA (Dettmers et al. 2023, appendix E), the nearest one for each weight, under the largest |w| of each 64 in a
 * row, whatever the matrix's columns, as scale in half precision: 4.25 bits a weight.
 */
extern const float bench_nf4_levels[16];
double bench_nf4_db(size_t n, const float *w);

/* The published code under such scales, or, with block = 0, by itself. NaN if `bits` is not 3..16 or memory ran out. */
double bench_classic_db(unsigned bits, int rounding, size_t block, size_t rows, size_t columns, const float *w);

/* What the publication's table says of it, C = 4..9, else NaN. That is a table of a sine at full scale: see the source sine54. */
double bench_published_db(unsigned bits);

/* Lloyd-Max: the best 2^bits levels for these very weights, one table for all of them, no scales. */
typedef struct bench_lloyd bench_lloyd;

/* Sorts a copy of the weights; NULL if memory ran out. */
bench_lloyd *bench_lloyd_new(const float *w, size_t n);
double bench_lloyd_db(const bench_lloyd *lloyd, unsigned bits);
void bench_lloyd_free(bench_lloyd *lloyd);

#endif

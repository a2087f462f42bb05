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
 * Symmetric integers of `bits` = 2..9 bits, the largest |w| of each `block` weights being the largest integer: one row of k
 * columns after another, block = k is a scale for a row, 0 one for the matrix. Scales have 11 significant bits, as
 * half precision has.
 */
double bench_int_db(unsigned bits, size_t block, size_t rows, size_t columns, const float *w);

/* The published code under such scales, or, with block = 0, by itself. NaN if `bits` is not 3..16 or memory ran out. */
double bench_classic_db(unsigned bits, int rounding, size_t block, size_t rows, size_t columns, const float *w);

/* Lloyd-Max: the best 2^bits levels for these very weights, one table for all of them, no scales. */
typedef struct bench_lloyd bench_lloyd;

/* Sorts a copy of the weights; NULL if memory ran out. */
bench_lloyd *bench_lloyd_new(const float *w, size_t n);
double bench_lloyd_db(const bench_lloyd *lloyd, unsigned bits);
void bench_lloyd_free(bench_lloyd *lloyd);

#endif

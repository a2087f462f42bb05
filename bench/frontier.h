/*
 * frontier.h - the best of several formats at any number of bits.
 */
#ifndef LSQ_BENCH_FRONTIER_H
#define LSQ_BENCH_FRONTIER_H

#include "bench/chart.h"

/* Sorts points of bits (x) and decibels (y) by bits, keeps those that no other one with as many bits or fewer reaches, and returns
 * how many these are. */
size_t bench_frontier(bench_point *points, size_t count);

/* Decibels at so many bits, by the line through neighbours of a frontier of count > 0 points; 6.02 dB a bit beyond its ends. */
double bench_frontier_db(const bench_point *points, size_t count, double bits);

#endif

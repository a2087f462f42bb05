/*
 * sources.h - random matrices of known distributions, the same everywhere.
 */
#ifndef LSQ_BENCH_SOURCES_H
#define LSQ_BENCH_SOURCES_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64. Any state is a seed. */
typedef struct bench_random {
    uint64_t state;
} bench_random;

uint64_t bench_random_bits(bench_random *random);
double bench_random_unit(bench_random *random); /* uniform in (0, 1) */
double bench_random_gauss(bench_random *random);

typedef struct bench_source {
    const char *name;
    const char *meaning;
    size_t rows, columns;
    double (*draw)(bench_random *random); /* NULL: the sine */
    double scale;
} bench_source;

/* All of them. */
extern const bench_source bench_sources[];
extern const size_t bench_sources_count;

/* A source by its name, or NULL. */
const bench_source *bench_source_find(const char *name);

/* Fills its rows x columns numbers. */
void bench_source_fill(const bench_source *source, float *w);

/* FNV-1a over the bits of numbers, each as one word: which matrix is it? Begins with BENCH_HASH. */
#define BENCH_HASH 0xcbf29ce484222325u
uint64_t bench_hash_add(uint64_t hash, const float *w, size_t n);

#endif

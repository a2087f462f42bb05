/*
 * ggml.h - what the quantised types of ggml and ik_llama.cpp keep, to stand beside: figures only, neither library is called.
 */
#ifndef LSQ_BENCH_PEERS_GGML_H
#define LSQ_BENCH_PEERS_GGML_H

#include <stddef.h>
#include <stdint.h>

enum { BENCH_GGML_SOURCES = 5 };

typedef struct bench_ggml_type {
    const char *library, *name;
    double bits;                   /* a weight, everything counted */
    double db[BENCH_GGML_SOURCES]; /* NaN: not measured */
} bench_ggml_type;

extern const bench_ggml_type bench_ggml_types[];
extern const size_t bench_ggml_types_count;

/* How and when the figures were taken. */
extern const char bench_ggml_origin[];

/*
 * Which of the figures are those of a source: of one of ours by its name, of a file by bench_hash_add() over its matrices one after
 * the other, so that no other weights under the same name are taken for these. -1 if there are none.
 */
int bench_ggml_source(const char *name);
int bench_ggml_file(uint64_t hash);

#endif

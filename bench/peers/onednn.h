/*
 * onednn.h - oneDNN, to stand beside: products of bytes.
 */
#ifndef LSQ_BENCH_PEERS_ONEDNN_H
#define LSQ_BENCH_PEERS_ONEDNN_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_int8 {
    /* Version, and the instruction set whose kernels it runs, as it says itself. */
    void (*describe)(char *text, size_t size);
    /* For calls from the calling thread. */
    void (*set_threads)(unsigned threads);
    /* D = W B: W is m x k and row-major, B and D have n columns and are column-major, all without gaps. 0: the library refused. */
    int (*multiply)(size_t m, size_t k, size_t n, const int8_t *w, const uint8_t *b, int32_t *d);
} bench_int8;

/* NULL if this build knows none, or it is not installed where this runs. */
const bench_int8 *bench_onednn(void);

#endif

/*
 * product.h - one kernel and one matrix of random codes, ready to be timed.
 */
#ifndef LSQ_BENCH_PRODUCT_H
#define LSQ_BENCH_PRODUCT_H

#include "bench/turn.h"
#include "dispatch/select.h"

#include <lsq/lsq.h>

typedef struct bench_product {
    const lsq_kernel *kernel;
    size_t rows, columns, bytes;
    lsq_levels levels;
    lsq_gemv_args gemv;
    lsq_decode_args decode;
    void *memory; /* activations, results */
} bench_product;

/* The most rows, a multiple of 16, whose packed form stays within `bytes`; 0 if not even 16 do. */
size_t bench_product_rows(const lsq_format *format, size_t columns, size_t bytes);

/*
 * A product of kernel and format on packed bytes that may be anything at all. They stay the caller's. The status is
 * lsq_packed_bytes()'s, or LSQ_E_NOMEM.
 */
lsq_status bench_product_make(bench_product *product, const lsq_kernel *kernel, const lsq_format *format, size_t rows,
                              size_t columns, const uint8_t *packed, unsigned threads);
void bench_product_free(bench_product *product);

/* It as work, by panels. */
bench_work bench_product_work(const bench_product *product);

#endif

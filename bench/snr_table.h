/*
 * snr_table.h - what `lsq-bench snr` prints: formats beside other ways to spend the bits, or types of ggml beside our formats.
 */
#ifndef LSQ_BENCH_SNR_TABLE_H
#define LSQ_BENCH_SNR_TABLE_H

#include "bench/means.h"
#include "bench/peers/ggml.h"
#include "bench/table.h"

/* A table of formats, with the facts that stand above it. NULL if memory ran out. */
bench_table *bench_snr_table_new(bench_output output);
void bench_snr_table_add(bench_table *table, const char *source, const bench_means *means);

/* The type of ggml that comes nearest to ours so far. */
typedef struct bench_least_lead {
    double db;
    const bench_ggml_type *type; /* NULL: none was compared */
    char source[128];
} bench_least_lead;

/* A table of ggml's types; `column` says which of their figures are of this source. LSQ_E_NOMEM. */
bench_table *bench_snr_peers_new(bench_output output);
lsq_status bench_snr_peers_add(bench_table *table, const char *source, int column, const bench_means *means,
                               bench_least_lead *least);
void bench_snr_peers_conclude(bench_table *table, const bench_least_lead *least);

#endif

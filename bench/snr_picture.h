/*
 * snr_picture.h - signal to noise against bits a weight: our codecs as lines, others beside them.
 */
#ifndef LSQ_BENCH_SNR_PICTURE_H
#define LSQ_BENCH_SNR_PICTURE_H

#include "bench/means.h"

/* What was measured of one source. */
typedef struct bench_snr_source {
    const char *name;
    int column;  /* of ggml's figures, -1: none */
    int is_sine; /* what the published table was made of */
    bench_means means;
} bench_snr_source;

/* Draws a panel for each. LSQ_E_ARGUMENT if there is none; LSQ_E_IO, LSQ_E_NOMEM. */
lsq_status bench_snr_draw(const bench_snr_source *sources, size_t count, const char *path, lsq_error *err);

#endif

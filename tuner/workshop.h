/*
 * workshop.h - what products to measure are made of: contexts whose choices the tuner makes, and random bytes for weights.
 */
#ifndef LSQ_TUNER_WORKSHOP_H
#define LSQ_TUNER_WORKSHOP_H

#include "bench/watch.h"
#include "dispatch/context.h"
#include "tuner/topology.h"

typedef struct workshop {
    lsq_cpu cpu;
    machine machine;
    /* By activation, LSQ_ACT_INT or LSQ_ACT_FLOAT, and crew; those of many threads are NULL where there is but one core. */
    lsq_context *contexts[2][CREWS];
    int unbound; /* the system would not let threads be bound */
    uint8_t *
        packed; /* random bytes, the weights of every product: as many as the largest needs, or a quarter of the memory */
    size_t packed_bytes;
} workshop;

/* Of `packed` no more than enough for `bytes`. 0 if memory ran out. */
int workshop_open(workshop *w, size_t bytes);
void workshop_close(workshop *w);

/* What disturbs a measurement, between the two; afterwards it has its warnings. */
void workshop_watch(bench_watch *watch);
void workshop_watched(const workshop *w, bench_watch *watch);

/* The context for a product; binds the calling thread to where such products are measured. */
lsq_context *workshop_context(workshop *w, lsq_activation activation, enum lsq_crew crew);

/*
 * From so many columns on codes of this kind are expanded in this context's products with rounded columns, whether it pays or not: what
 * is to be tried must be on the way. 0: as by default.
 */
void workshop_expand_from(lsq_context *ctx, enum lsq_family codec, enum lsq_act act, uint32_t columns);

/* Gives packed bytes that may be anything a scale of 1, so that the weights are numbers. 0: they are of no such format. */
int set_tensor_scale(const lsq_format *format, size_t rows, size_t columns, uint8_t *packed);

#endif

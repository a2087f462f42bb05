/*
 * rates.h - how fast this machine multiplies with matrices of a format that do not fit into its caches, and how good the format is.
 */
#ifndef LSQ_TOOLS_RATES_H
#define LSQ_TOOLS_RATES_H

#include "tools/forecast.h"

typedef struct rates {
    uint8_t *packed; /* the codes of all matrices */
    size_t most;     /* bytes that there is room for */
    size_t filled;   /* bytes that are random by now, made from `state` */
    uint64_t state;
    size_t used;      /* bytes of the largest matrix; fewer than `most` where a product would take too long */
    size_t cache;     /* bytes of the last level, as the library sees it */
    unsigned threads; /* of the default context */
} rates;

/* Makes room: twice the last cache, within 32 and 256 MiB, or what memory there is. */
lsq_status rates_begin(rates *r, lsq_error *err);
void rates_end(rates *r);

/*
 * Fills p->rates, within half a second where products are short enough, by lsq_sgemv() as any program calls it: reading and decoding.
 */
lsq_status rates_measure(rates *r, part *p, lsq_error *err);

/* Fills p->noise: what the format leaves of 65,536 Gaussian weights of standard deviation 0.02, always the same ones. */
lsq_status rates_noise(part *p, int curve, lsq_error *err);

#endif

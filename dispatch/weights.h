/*
 * weights.h - a matrix in packed form, ready for kernels.
 */
#ifndef LSQ_DISPATCH_WEIGHTS_H
#define LSQ_DISPATCH_WEIGHTS_H

#include "dispatch/outliers.h"
#include "dispatch/select.h"
#include "kernels/codec.h"

struct lsq_weights {
    lsq_format format;
    size_t m, k;
    lsq_geometry geometry;
    const uint8_t *packed;
    uint8_t *owned; /* what packed points to, if it is ours; or NULL */
    void *block;    /* malloc: what that lies in */
    enum lsq_family family;
    lsq_levels levels;
    float row[256];               /* scale of a row by its byte */
    lsq_outliers *outliers;       /* NULL: none */
    const uint8_t *outlier_bytes; /* what they were read from */
    size_t outlier_size;
    uint8_t *owned_outliers; /* these bytes, if they are ours; or NULL */
};

/* The view of a kernel on weights. */
lsq_tiles lsq_weights_tiles(const lsq_weights *w);

/* Makes weights that know their format and sizes, and have no packed bytes. */
lsq_status lsq_weights_begin(const lsq_format *format, size_t m, size_t k, lsq_weights **weights, lsq_error *err);

/* Makes weights over zeroed packed bytes of their own, which an encoder fills; lsq_weights_ready() when it has. */
lsq_status lsq_weights_allocate(const lsq_format *format, size_t m, size_t k, lsq_weights **weights, lsq_error *err);

/* Reads the tensor's float and prepares the row scales. LSQ_E_MALFORMED if the float cannot be one. */
lsq_status lsq_weights_ready(lsq_weights *w, lsq_error *err);

/* Gives weights outliers, from bytes that stay where they are. Statuses of lsq_outliers_read(). */
lsq_status lsq_weights_set_outliers(lsq_weights *w, const uint8_t *bytes, size_t size, lsq_error *err);

#endif

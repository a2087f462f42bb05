/*
 * assembly.h - a packed matrix in memory, put together from its strips.
 */
#ifndef LSQ_TOOLS_ASSEMBLY_H
#define LSQ_TOOLS_ASSEMBLY_H

#include <lsq/lsq.h>

/* Start with zeros. */
typedef struct assembly {
    lsq_format format;
    size_t rows, columns, bytes;
    uint8_t *packed;
    lsq_parts
        end; /* of what has come: where more codes go is in .scales, more scales in .rows, and more row bytes in .tensor */
} assembly;

/* For a matrix of so many rows, instead of what there was. LSQ_E_NOMEM; as lsq_packed_bytes(). */
lsq_status assembly_begin(assembly *a, const lsq_format *format, size_t rows, size_t columns);

/* The next rows, of that format and so many columns. */
void assembly_add(assembly *a, const lsq_weights *strip);

/* All of it, once all rows are there: *weights are to be freed before it. As lsq_weights_wrap(). */
lsq_status assembly_weights(const assembly *a, lsq_weights **weights, lsq_error *err);

void assembly_free(assembly *a);

#endif

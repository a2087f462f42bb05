/*
 * assembly.c - a packed matrix in memory, put together from its strips.
 *
 *     strip    codes | scales | row bytes | float         strip    codes | scales | row bytes | float
 *
 *     matrix   codes  codes | scales  scales | row bytes  row bytes | float, zeros
 */
#include "tools/assembly.h"

#include <stdlib.h>
#include <string.h>

lsq_status assembly_begin(assembly *a, const lsq_format *format, size_t rows, size_t columns)
{
    lsq_parts parts;
    size_t bytes = 0;
    lsq_status status = lsq_packed_bytes(format, rows, columns, &bytes);
    if (status == LSQ_OK)
        status = lsq_packed_parts(format, rows, columns, &parts);
    if (status != LSQ_OK)
        return status;
    free(a->packed);
    *a = (assembly){*format, rows, columns, bytes, calloc(bytes, 1), {0, parts.scales, parts.rows}};
    return a->packed ? LSQ_OK : LSQ_E_NOMEM;
}

static void append(assembly *a, size_t *end, const uint8_t *bytes, size_t size)
{
    memcpy(a->packed + *end, bytes, size);
    *end += size;
}

void assembly_add(assembly *a, const lsq_weights *strip)
{
    const uint8_t *packed = lsq_weights_packed(strip);
    lsq_parts parts, whole;
    lsq_packed_parts(&a->format, lsq_weights_rows(strip), a->columns,
                     &parts); /* both are there, or so would be nothing */
    lsq_packed_parts(&a->format, a->rows, a->columns, &whole);
    append(a, &a->end.scales, packed, parts.scales);
    append(a, &a->end.rows, packed + parts.scales, parts.rows - parts.scales);
    append(a, &a->end.tensor, packed + parts.rows, parts.tensor - parts.rows);
    memcpy(a->packed + whole.tensor, packed + parts.tensor, sizeof(float)); /* the same in all */
}

lsq_status assembly_weights(const assembly *a, lsq_weights **weights, lsq_error *err)
{
    return lsq_weights_wrap(&a->format, a->rows, a->columns, a->packed, a->bytes, weights, err);
}

void assembly_free(assembly *a)
{
    free(a->packed);
    *a = (assembly){0};
}

/*
 * join.c - a packed matrix from its strips.
 *
 *     strip    codes | scales | row bytes | float         strip    codes | scales | row bytes | float
 *
 *     matrix   codes  codes | scales  scales | row bytes  row bytes | float, zeros
 */
#include "dispatch/weights.h"
#include "kernels/encode.h"

#include <string.h>

lsq_status lsq_packed_join(const lsq_format *format, size_t m, size_t k, void *packed, size_t row,
                           const lsq_weights *strip)
{
    const size_t whole_chain = CHAIN * PANEL;
    lsq_geometry to;
    if (!lsq_format_valid(format) || !packed || !strip || strip->k != k || row % whole_chain || row > m ||
        strip->m > m - row || (strip->m % whole_chain && strip->m < m - row) ||
        memcmp(format, &strip->format, sizeof(*format)) != 0)
        return LSQ_E_ARGUMENT;
    const lsq_status status = lsq_geometry_of(format, m, k, &to);
    if (status != LSQ_OK)
        return status;
    const lsq_geometry *from = &strip->geometry;
    const size_t panel = row / PANEL, codes = to.groups * 64 * format->bits, scales = to.groups * to.scale_bytes;
    uint8_t *whole = packed;
    memcpy(whole + panel * codes, strip->packed, from->panels * codes);
    memcpy(whole + to.scales + panel * scales, strip->packed + from->scales, from->panels * scales);
    memcpy(whole + to.rows + panel * PANEL, strip->packed + from->rows, from->panels * PANEL);
    memcpy(whole + to.tensor, strip->packed + from->tensor, sizeof(float));
    return LSQ_OK;
}

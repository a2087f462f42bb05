/*
 * weights.c - handles on packed matrices.
 */
#include "dispatch/weights.h"

#include "dispatch/error.h"
#include "kernels/aligned.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

lsq_status lsq_weights_begin(const lsq_format *format, size_t m, size_t k, lsq_weights **weights, lsq_error *err)
{
    if (!format || !lsq_format_valid(format))
        return lsq_error_set(err, LSQ_E_ARGUMENT, "not a valid format");
    lsq_geometry geometry;
    lsq_status status = lsq_geometry_of(format, m, k, &geometry);
    if (status != LSQ_OK)
        return lsq_error_set(err, status, "a matrix of %zu x %zu: %s", m, k,
                             status == LSQ_E_LIMIT ? "too large" : "it needs a row and a column");
    lsq_weights *w = calloc(1, sizeof(*w));
    if (!w)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for a weights handle");
    w->format = *format;
    w->m = m;
    w->k = k;
    w->geometry = geometry;
    w->family = lsq_family_of(format);
    lsq_levels_of(format, &w->levels);
    *weights = w;
    return LSQ_OK;
}

/*
 * Large matrices go where huge pages can: they are read from one end to the other, and small pages cost a tenth of that speed.
 */
static void allocate(lsq_weights *w)
{
    const size_t huge = (size_t)2 << 20, bytes = w->geometry.bytes, alignment = bytes >= 2 * huge ? huge : 64;
    w->block = malloc(bytes + alignment);
    if (!w->block)
        return;
    w->owned = lsq_aligned(w->block, alignment);
#if defined(MADV_HUGEPAGE)
    int saved = errno;
    if (alignment == huge)
        madvise(w->owned, bytes, MADV_HUGEPAGE); /* if it cannot be had, nothing is lost */
    errno = saved;
#endif
}

lsq_status lsq_weights_allocate(const lsq_format *format, size_t m, size_t k, lsq_weights **weights, lsq_error *err)
{
    lsq_weights *w;
    lsq_status status = lsq_weights_begin(format, m, k, &w, err);
    if (status != LSQ_OK)
        return status;
    allocate(w);
    if (!w->owned) {
        lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu packed bytes", w->geometry.bytes);
        free(w);
        return LSQ_E_NOMEM;
    }
    memset(w->owned, 0, w->geometry.bytes);
    w->packed = w->owned;
    *weights = w;
    return LSQ_OK;
}

lsq_status lsq_weights_ready(lsq_weights *w, lsq_error *err)
{
    float t = lsq_tensor_scale(w->packed, &w->geometry);
    if (!isfinite(t) || signbit(t))
        return lsq_error_set(err, LSQ_E_MALFORMED, "tensor scale at byte %zu: expected a finite float, not negative",
                             w->geometry.tensor);
    if (w->format.scale == LSQ_SCALE_NONE && t != 1.0f)
        return lsq_error_set(err, LSQ_E_MALFORMED, "tensor scale at byte %zu: expected 1 in a format without scales",
                             w->geometry.tensor);
    lsq_row_scales(&w->format, t, w->row);
    return LSQ_OK;
}

lsq_status lsq_weights_set_outliers(lsq_weights *w, const uint8_t *bytes, size_t size, lsq_error *err)
{
    lsq_status status = lsq_outliers_read(bytes, size, w->m, w->k, &w->outliers, err);
    if (status == LSQ_OK) {
        w->outlier_bytes = bytes;
        w->outlier_size = size;
    }
    return status;
}

lsq_status lsq_weights_wrap(const lsq_format *format, size_t m, size_t k, const void *packed, size_t bytes,
                            lsq_weights **weights, lsq_error *err)
{
    return lsq_weights_wrap_outliers(format, m, k, packed, bytes, NULL, 0, weights, err);
}

lsq_status lsq_weights_wrap_outliers(const lsq_format *format, size_t m, size_t k, const void *packed, size_t bytes,
                                     const void *outliers, size_t outlier_bytes, lsq_weights **weights, lsq_error *err)
{
    lsq_weights *w;
    const int before = errno;
    if (!packed || !weights)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "packed bytes and a place for the weights are needed");
    lsq_status status = lsq_weights_begin(format, m, k, &w, err);
    if (status != LSQ_OK) {
        errno = before;
        return status;
    }
    w->packed = packed;
    if (bytes != w->geometry.bytes)
        status = lsq_error_set(err, LSQ_E_ARGUMENT, "%zu packed bytes given, a matrix of %zu x %zu has %zu", bytes, m,
                               k, w->geometry.bytes);
    else
        status = lsq_weights_ready(w, err);
    if (status == LSQ_OK && !outliers && outlier_bytes)
        status = lsq_error_set(err, LSQ_E_ARGUMENT, "%zu bytes of outliers, but none of them", outlier_bytes);
    if (status == LSQ_OK && outliers)
        status = lsq_weights_set_outliers(w, outliers, outlier_bytes, err);
    if (status == LSQ_OK)
        *weights = w;
    else
        free(w);
    errno = before; /* memory that cannot be had sets it */
    return status;
}

void lsq_weights_free(lsq_weights *w)
{
    if (w) {
        free(w->block);
        free(w->owned_outliers);
        lsq_outliers_free(w->outliers);
    }
    free(w);
}

size_t lsq_weights_rows(const lsq_weights *w)
{
    return w->m;
}

size_t lsq_weights_columns(const lsq_weights *w)
{
    return w->k;
}

lsq_format lsq_weights_format(const lsq_weights *w)
{
    return w->format;
}

const void *lsq_weights_packed(const lsq_weights *w)
{
    return w->packed;
}

const void *lsq_weights_outliers(const lsq_weights *w, size_t *bytes, size_t *count)
{
    if (bytes)
        *bytes = w->outlier_size;
    if (count)
        *count = w->outliers ? w->outliers->count : 0;
    return w->outlier_bytes;
}

lsq_tiles lsq_weights_tiles(const lsq_weights *w)
{
    return (lsq_tiles){
        .codes = w->packed,
        .scales = w->geometry.scale_bytes ? w->packed + w->geometry.scales : NULL,
        .rows = w->packed + w->geometry.rows,
        .groups = w->geometry.groups,
        .levels = &w->levels,
        .scale = w->format.scale,
        .states = w->format.states,
        .mirrored = (unsigned)lsq_mirrored(&w->format),
    };
}

lsq_status lsq_weights_codes(const lsq_weights *w, size_t row, size_t rows, uint32_t *out, size_t ld)
{
    if (row > w->m || rows > w->m - row || ld < w->k)
        return LSQ_E_ARGUMENT;
    size_t tile_bytes = 64 * (size_t)w->format.bits;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < w->k; c++) {
            size_t tile = (row + r) / PANEL * w->geometry.groups + c / GROUP;
            out[r * ld + c] = lsq_code_get(w->packed + tile * tile_bytes, w->format.bits, (row + r) % PANEL, c % GROUP);
        }
    return LSQ_OK;
}

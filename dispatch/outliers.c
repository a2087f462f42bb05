/*
 * outliers.c - the byte form of outliers, both ways.
 *
 *      0  8  how many, n                     13  1  bits of a value's code, V
 *      8  4  largest magnitude, a float      14  1  divisor: a step is 2^-divisor octaves
 *     12  1  parameter of the gaps, R        15  1  0
 *     16     n times, least significant bit first: the code, the low R bits of the gap, gap >> R ones, a zero; zeros to the next byte
 *
 * A gap is the number of weights between an outlier and the one before it, in the order of rows. Gaps of independent places are
 * geometrically distributed, for which this code, Rice's, is within a tenth of a bit of the best.
 */
#include "dispatch/outliers.h"

#include "dispatch/error.h"
#include "kernels/codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 8, PARAMETER = 12, CODE_BITS = 13, DIVISOR = 14, RESERVED = 15, HEADER = 16, PARAMETER_MAX = 32 };

void lsq_outlier_values(const lsq_outlier_scale *scale, float value[OUTLIER_VALUES])
{
    const unsigned half = 1u << (scale->bits - 1);
    for (unsigned i = 0; i < half; i++) {
        value[i] = scale->largest * (float)lsq_exp2(-(double)i / (1 << scale->divisor));
        value[half + i] = -value[i];
    }
}

/* ---- Writing ---- */

static uint64_t gap_before(const lsq_outlier *outliers, size_t i)
{
    return outliers[i].place - (i ? outliers[i - 1].place + 1 : 0);
}

uint64_t lsq_outlier_gap_bits(const lsq_outlier *outliers, size_t count, unsigned *parameter)
{
    uint64_t least = UINT64_MAX;
    const uint64_t mean = count ? outliers[count - 1].place / count : 0;
    unsigned middle = 0;
    while (middle < PARAMETER_MAX && mean >> (middle + 1))
        middle++;
    for (unsigned r = middle > 2 ? middle - 2 : 0; r <= middle + 1 && r <= PARAMETER_MAX; r++) {
        uint64_t bits = count * (uint64_t)(r + 1);
        for (size_t i = 0; i < count; i++)
            bits += gap_before(outliers, i) >> r;
        if (bits < least) {
            least = bits;
            *parameter = r;
        }
    }
    return least;
}

/* Puts the low `count` bits of `bits` at bit *at of zeroed bytes. */
static void put(uint8_t *bytes, uint64_t *at, uint64_t bits, unsigned count)
{
    for (unsigned i = 0; i < count; i++, ++*at)
        bytes[*at / 8] |= (uint8_t)((bits >> i & 1) << *at % 8);
}

uint8_t *lsq_outliers_write(const lsq_outlier_scale *scale, const lsq_outlier *outliers, size_t count, size_t *bytes)
{
    unsigned parameter = 0;
    const uint64_t bits = lsq_outlier_gap_bits(outliers, count, &parameter) + count * (uint64_t)scale->bits;
    uint64_t at = 0;
    *bytes = HEADER + (size_t)((bits + 7) / 8);
    uint8_t *blob = calloc(*bytes, 1);
    if (!blob)
        return NULL;
    uint32_t largest;
    memcpy(&largest, &scale->largest, sizeof(largest));
    put(blob, &at, count, 64);
    put(blob, &at, largest, 32);
    blob[PARAMETER] = (uint8_t)parameter;
    blob[CODE_BITS] = (uint8_t)scale->bits;
    blob[DIVISOR] = (uint8_t)scale->divisor;
    at = 8 * HEADER;
    for (size_t i = 0; i < count; i++) {
        const uint64_t gap = gap_before(outliers, i);
        put(blob, &at, outliers[i].code, scale->bits);
        put(blob, &at, gap, parameter);
        for (uint64_t ones = gap >> parameter; ones; ones--)
            put(blob, &at, 1, 1);
        put(blob, &at, 0, 1);
    }
    return blob;
}

/* ---- Reading ---- */

/* The bits of a string that have been loaded, the next one lowest, zeros above them; fewer than 64. */
typedef struct reader {
    const uint8_t *next, *end;
    uint64_t window;
    unsigned loaded;
} reader;

static void load(reader *r)
{
    for (; r->loaded < 56 && r->next < r->end; r->loaded += 8)
        r->window |= (uint64_t)*r->next++ << r->loaded;
}

static void drop(reader *r, unsigned count)
{
    r->window >>= count;
    r->loaded -= count;
}

/* The next `count` bits, at most 56. 0 if the string ends before. */
static int take(reader *r, unsigned count, uint64_t *bits)
{
    load(r);
    if (r->loaded < count)
        return 0;
    *bits = r->window & (((uint64_t)1 << count) - 1);
    drop(r, count);
    return 1;
}

/* Ones up to a zero, which is dropped. 0 if the string ends before. */
static int take_ones(reader *r, uint64_t *ones)
{
    *ones = 0;
    for (;;) {
        load(r);
        if (r->loaded == 0)
            return 0;
        const unsigned run = (unsigned)__builtin_ctzll(~r->window);
        if (run < r->loaded) {
            drop(r, run + 1);
            *ones += run;
            return 1;
        }
        *ones += r->loaded;
        drop(r, r->loaded);
    }
}

/* What the first bytes say. */
typedef struct header {
    uint64_t count;
    unsigned parameter;
    lsq_outlier_scale scale;
} header;

static uint64_t little(const uint8_t *bytes, unsigned count)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

static lsq_status read_header(const uint8_t *blob, size_t bytes, header *h, lsq_error *err)
{
    if (bytes < HEADER)
        return lsq_error_set(err, LSQ_E_TRUNCATED, "outliers: %zu bytes, expected a header of %d", bytes, (int)HEADER);
    const uint32_t largest = (uint32_t)little(blob + LARGEST, 4);
    *h = (header){little(blob, 8), blob[PARAMETER], {.bits = blob[CODE_BITS], .divisor = blob[DIVISOR]}};
    memcpy(&h->scale.largest, &largest, sizeof(largest));
    if (h->count == 0)
        return lsq_error_set(err, LSQ_E_MALFORMED, "outliers, byte 0: none, expected one at least");
    if (!isfinite(h->scale.largest) || !(h->scale.largest > 0))
        return lsq_error_set(err, LSQ_E_MALFORMED, "outliers, byte 8: expected a finite float above 0");
    if (h->parameter > PARAMETER_MAX || h->scale.bits < 2 || h->scale.bits > OUTLIER_BITS_MAX || h->scale.divisor < 1 ||
        h->scale.divisor > 8 || blob[RESERVED])
        return lsq_error_set(err, LSQ_E_MALFORMED, "outliers, byte 12: %u %u %u %u, expected 0..32 2..12 1..8 0",
                             h->parameter, h->scale.bits, h->scale.divisor, (unsigned)blob[RESERVED]);
    if (h->count > 8 * (uint64_t)(bytes - HEADER) / (h->scale.bits + h->parameter + 1))
        return lsq_error_set(err, LSQ_E_TRUNCATED, "outliers: %llu of them in %zu bytes, expected more bytes",
                             (unsigned long long)h->count, bytes);
    return LSQ_OK;
}

/* Fills entries and rows from the bit string. */
static lsq_status read_places(reader *bits, const header *h, size_t m, size_t k, lsq_outliers *o, lsq_error *err)
{
    const uint64_t weights = (uint64_t)m * k; /* below 2^64, since the packed form has no more than 2^51 bits */
    uint64_t next = 0;
    size_t row = 0;
    o->row[0] = 0;
    for (size_t i = 0; i < o->count; i++) {
        uint64_t code, low, high;
        if (!take(bits, h->scale.bits, &code) || !take(bits, h->parameter, &low) || !take_ones(bits, &high))
            return lsq_error_set(err, LSQ_E_TRUNCATED, "outliers: the string ends within number %zu", i);
        if (high > (weights - next) >> h->parameter || (high << h->parameter | low) >= weights - next)
            return lsq_error_set(err, LSQ_E_MALFORMED, "outliers: number %zu is behind the last weight", i);
        const uint64_t place = next + (high << h->parameter | low);
        for (; row < place / k; row++)
            o->row[row + 1] = i;
        o->entries[i] = (uint32_t)(place % k * OUTLIER_VALUES + code);
        next = place + 1;
    }
    for (; row < m; row++)
        o->row[row + 1] = o->count;
    load(bits);
    if (bits->loaded > 7 || bits->window)
        return lsq_error_set(err, LSQ_E_MALFORMED, "outliers: expected zero bits up to the next byte, and the end");
    return LSQ_OK;
}

lsq_status lsq_outliers_read(const uint8_t *blob, size_t bytes, size_t m, size_t k, lsq_outliers **outliers,
                             lsq_error *err)
{
    header h = {0};
    if (k > OUTLIER_COLUMNS_MAX)
        return lsq_error_set(err, LSQ_E_LIMIT, "outliers of a matrix of %zu columns: more than 2^20", k);
    lsq_status status = read_header(blob, bytes, &h, err);
    if (status != LSQ_OK)
        return status;
    lsq_outliers *o = calloc(1, sizeof(*o));
    if (o) {
        o->count = (size_t)h.count;
        o->entries = calloc(o->count + OUTLIERS_AHEAD, sizeof(*o->entries));
        o->row = malloc((m + 1) * sizeof(*o->row));
    }
    if (!o || !o->entries || !o->row) {
        lsq_outliers_free(o);
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for %llu outliers", (unsigned long long)h.count);
    }
    lsq_outlier_values(&h.scale, o->value);
    reader bits = {.next = blob + HEADER, .end = blob + bytes};
    status = read_places(&bits, &h, m, k, o, err);
    if (status == LSQ_OK)
        *outliers = o;
    else
        lsq_outliers_free(o);
    return status;
}

void lsq_outliers_free(lsq_outliers *o)
{
    if (o) {
        free(o->entries);
        free(o->row);
    }
    free(o);
}

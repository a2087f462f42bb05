/*
 * outliers.h - weights kept apart: numbers that are added to a few weights of a packed matrix. docs/codecs.md, section 10, has the
 * byte form.
 *
 *     lsq_quantize:  pick_outliers.c chooses  ->  lsq_outliers_write  ->  bytes, for files
 *     wrapping:      bytes  ->  lsq_outliers_read  ->  rows of entries  ->  sparse.h, after each dense product
 */
#ifndef LSQ_DISPATCH_OUTLIERS_H
#define LSQ_DISPATCH_OUTLIERS_H

#include <lsq/lsq.h>

/* An entry is a column and the index of a value, so that a row is read with four bytes for each. */
enum { OUTLIER_BITS_MAX = 12, OUTLIER_VALUES = 1 << OUTLIER_BITS_MAX, OUTLIER_COLUMNS_MAX = 1 << 20 };

/* So many zero entries follow the last one, for who asks ahead for what entries need. */
enum { OUTLIERS_AHEAD = 16 };

typedef struct lsq_outliers {
    size_t count;
    uint32_t *entries; /* row after row, columns ascending: column * OUTLIER_VALUES + index */
    size_t *row;       /* entries [row[r], row[r + 1]) are those of row r */
    float value[OUTLIER_VALUES];
} lsq_outliers;

/* How the values of a matrix are coded. */
typedef struct lsq_outlier_scale {
    float largest;    /* the magnitude of code 0 */
    unsigned bits;    /* of a code: the highest is the sign, the others count steps down from `largest`; 2 to 12 */
    unsigned divisor; /* a step is 2^-divisor octaves; 1 to 8 */
} lsq_outlier_scale;

/* The 2^bits values by their code; those above stay as they are. */
void lsq_outlier_values(const lsq_outlier_scale *scale, float value[OUTLIER_VALUES]);

/* One outlier on its way into bytes; there may be many. */
typedef struct lsq_outlier {
    uint64_t place : 64 - OUTLIER_BITS_MAX; /* row * k + column: below 2^51, see lsq_packed_bytes() */
    uint64_t code : OUTLIER_BITS_MAX;
} lsq_outlier;

/* The bits that the gaps between `count` places, ascending, take, with the best parameter for them. */
uint64_t lsq_outlier_gap_bits(const lsq_outlier *outliers, size_t count, unsigned *parameter);

/* The byte form of at least one outlier, places ascending: malloc, or NULL. */
uint8_t *lsq_outliers_write(const lsq_outlier_scale *scale, const lsq_outlier *outliers, size_t count, size_t *bytes);

/*
 * Reads the byte form for an m x k matrix, every bit of it. LSQ_E_MALFORMED, LSQ_E_TRUNCATED, LSQ_E_LIMIT (k), LSQ_E_NOMEM. Memory
 * and time are in proportion to m and `bytes`.
 */
lsq_status lsq_outliers_read(const uint8_t *blob, size_t bytes, size_t m, size_t k, lsq_outliers **outliers,
                             lsq_error *err);
void lsq_outliers_free(lsq_outliers *outliers);

#endif

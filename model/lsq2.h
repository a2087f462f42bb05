/*
 * lsq2.h - the parts of .lsq version 2 that reader and writer must agree on (docs/format.md).
 */
#ifndef LSQ_MODEL_LSQ2_H
#define LSQ_MODEL_LSQ2_H

#include "model/model.h"

enum {
    LSQ2_VERSION = 2,
    LSQ2_PREAMBLE = 64,            /* bytes of the preamble */
    LSQ2_ALIGNMENT = 64,           /* of payloads and of the header */
    LSQ2_OUTLIERS = 1,             /* required feature: tensors with outliers */
    LSQ2_FEATURES = LSQ2_OUTLIERS, /* all that this version knows */
    LSQ2_CHAIN_PANELS = 16 /* panels of 16 rows that one trellis history runs through: part of the packed form */
};

/* The first bytes of the file. A high byte, CR LF, ^Z and LF: whatever transfers text damages one of them. */
#define LSQ2_MAGIC "\x89LSQ\r\n\x1a\n"

typedef struct lsq_preamble {
    uint32_t version, features;
    uint64_t header_offset, header_bytes, file_bytes;
    uint8_t header_hash[16]; /* XXH3-128, canonical form */
} lsq_preamble;

/* XXH3-128 in canonical form: the bytes that xxhsum -H2 prints. */
void lsq_hash(const void *bytes, size_t size, uint8_t hash[16]);

/* The same of what a state, an XXH3_state_t of xxhash.h, has been fed with; frees it. */
struct XXH3_state_s;
void lsq_hash_end(struct XXH3_state_s *state, uint8_t hash[16]);

/* Writes the preamble, its own hash included. */
void lsq_preamble_encode(const lsq_preamble *preamble, uint8_t bytes[LSQ2_PREAMBLE]);

/*
 * Reads the preamble of a file of `size` bytes that begins with "\x89LSQ", and checks all of it: LSQ_E_TRUNCATED,
 * LSQ_E_MALFORMED, LSQ_E_UNSUPPORTED, LSQ_E_CHECKSUM, LSQ_E_LIMIT. Then the header lies within the file and ends it.
 */
lsq_status lsq_preamble_decode(const uint8_t *bytes, uint64_t size, const char *where, lsq_preamble *preamble,
                               lsq_error *err);

/*
 * Reads a header into a model: the second half of lsq_read_lsq2(). Without the file's bytes tensors have neither data nor weights, the
 * count of their outliers is 0, and whoever reads payloads has the padding behind them to check.
 */
lsq_status lsq_read_lsq2_header(lsq_model *model, const lsq_mapping *file, const lsq_preamble *preamble,
                                const uint8_t *header, lsq_error *err);

#endif

/*
 * lsq1.h - .lsq version 1, the published format (docs/format.md, section 5): what reader and writer must agree on.
 *
 *     "LSQ" | u8 version = 1 | u8 B | u32 tensors | then per tensor:
 *     u16 name length | name | u8 rank | u32 dimensions[rank] | u32 byte count | codes | u8 padding bits
 *
 * Codes have C = B + 1 bits, the most significant first, without gaps; zero bits fill the last byte.
 */
#ifndef LSQ_MODEL_LSQ1_H
#define LSQ_MODEL_LSQ1_H

#include <lsq/lsq_model.h>

enum { LSQ1_VERSION = 1, LSQ1_HEADER = 9, LSQ1_BITS_MIN = 3, LSQ1_BITS_MAX = 16 };

/* Bytes of `elements` codes; returns 0 if they are more than the 32 bits of a byte count can say. */
int lsq_v1_code_bytes(unsigned bits, uint64_t elements, uint64_t *bytes);

/*
 * Bytes of a tensor in a file of codes of that width: the exporter checks that it writes as many. Returns 0 if version 1
 * cannot hold the tensor: a name, a dimension or a byte count too large for its fields.
 */
int lsq_v1_tensor_bytes(unsigned bits, const lsq_tensor *tensor, uint64_t *bytes);

#endif

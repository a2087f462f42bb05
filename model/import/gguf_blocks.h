/*
 * gguf_blocks.h - the quantised types of GGUF files.
 */
#ifndef LSQ_MODEL_IMPORT_GGUF_BLOCKS_H
#define LSQ_MODEL_IMPORT_GGUF_BLOCKS_H

#include "model/model.h"

/* The blocks of this type of tensors, as ggml numbers them, or NULL if it has none that are read here. */
const lsq_block_type *lsq_gguf_block_type(uint32_t type);

/* The types of gguf_grid_blocks.c, from a block to its 256 numbers. */
void lsq_gguf_decode_iq1_s(const uint8_t *block, float *to);
void lsq_gguf_decode_iq1_m(const uint8_t *block, float *to);
void lsq_gguf_decode_iq2_xxs(const uint8_t *block, float *to);
void lsq_gguf_decode_iq2_xs(const uint8_t *block, float *to);
void lsq_gguf_decode_iq2_s(const uint8_t *block, float *to);
void lsq_gguf_decode_iq3_xxs(const uint8_t *block, float *to);
void lsq_gguf_decode_iq3_s(const uint8_t *block, float *to);

#endif

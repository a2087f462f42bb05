/*
 * gguf_blocks.h - the quantised types of GGUF files.
 */
#ifndef LSQ_MODEL_IMPORT_GGUF_BLOCKS_H
#define LSQ_MODEL_IMPORT_GGUF_BLOCKS_H

#include "model/model.h"

/* The blocks of this type of tensors, as ggml numbers them, or NULL if it has none that are read here. */
const lsq_block_type *lsq_gguf_block_type(uint32_t type);

#endif

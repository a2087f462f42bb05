/*
 * tensors.h - how a tensor is told: its shape, its size, its view as a matrix.
 */
#ifndef LSQ_TOOLS_TENSORS_H
#define LSQ_TOOLS_TENSORS_H

#include "tools/options.h"

#include <lsq/lsq_model.h>

enum { SHAPE_TEXT_MAX = 24 * LSQ_RANK_MAX, FORMAT_TEXT_MAX = 128 };

/* "64 x 3 x 3"; "()" for a number without dimensions. */
const char *shape_text(const lsq_tensor *t, char text[SHAPE_TEXT_MAX]);

/* "t4.st8", or the type of numbers that are not quantised. */
const char *storage_text(const lsq_tensor *t, char text[LSQ_FORMAT_NAME_MAX]);

/* What the short name stands for, "trellis, 4 bits, scale nib16, 16 states, curve -2"; "" if it is not quantised. */
const char *format_text(const lsq_tensor *t, char text[FORMAT_TEXT_MAX]);

/* Everything a reader of the file can know of it; `bytes` as the caller counts them. NULL: out of memory. */
json_t *tensor_json(const lsq_tensor *t, uint64_t bytes);

/*
 * Bytes of tensor i in the file itself: those of version 1 hold codes alone, without the scales and padding of products; those of GGUF files
 * blocks, not the numbers they decode to.
 */
uint64_t file_bytes(const lsq_model *model, size_t i);

/* 8 bytes / elements; 0 without elements. */
double bits_per_weight(uint64_t bytes, uint64_t elements);

/* Opens a model, passing its warnings on. CARRY_ON or, with a message, an exit code. */
int open_model(arguments *args, const char *path, unsigned flags, lsq_model **model);

/* Metadata as a JSON object. NULL: out of memory. */
json_t *metadata_json(const lsq_model *model);

#endif

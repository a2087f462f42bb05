/*
 * names.h - what the names of tensors tell: their layer, and what is left of one where there is little room.
 */
#ifndef LSQ_TOOLS_NAMES_H
#define LSQ_TOOLS_NAMES_H

#include <stddef.h>

/*
 * How much of a name is that of its layer: up to and with the first component, between dots or slashes, that is a number, or if there is
 * none, that ends in one ("model.layers.12", "conv1"). 0: none does.
 */
size_t layer_name_length(const char *name);

/*
 * Prints a name in at most `width` columns, 8 or more. One that is too long loses some of its middle: "model....12.self_attn.q_proj". Blanks in
 * front stay, and so does the number of its layer, which tells it from others, where there is room for it.
 */
void name_print(const char *name, size_t width);

#endif

/*
 * gguf_grids.h - the levels of the GGUF types whose codes name several numbers at once: gguf_grids.c.
 */
#ifndef LSQ_MODEL_IMPORT_GGUF_GRIDS_H
#define LSQ_MODEL_IMPORT_GGUF_GRIDS_H

#include <stdint.h>

extern const uint16_t lsq_gguf_grid_iq1_s[2048], lsq_gguf_grid_iq2_xxs[256], lsq_gguf_grid_iq2_xs[512],
    lsq_gguf_grid_iq2_s[1024], lsq_gguf_grid_iq3_xxs[256], lsq_gguf_grid_iq3_s[512];

#endif

/*
 * limits.h - the largest files that are believed (docs/format.md, section 4).
 */
#ifndef LSQ_MODEL_LIMITS_H
#define LSQ_MODEL_LIMITS_H

#include <stdint.h>

#define LSQ_HEADER_MAX     ((uint64_t)64 << 20) /* bytes of a JSON header */
#define LSQ_TENSORS_MAX    ((uint64_t)1 << 22)  /* tensors of a model */
#define LSQ_NAME_MAX       ((size_t)1024)       /* bytes of a name */
#define LSQ_DIMENSION_MAX  ((uint64_t)1 << 40)  /* one number of a shape */
#define LSQ_ELEMENTS_MAX   ((uint64_t)1 << 44)  /* the product of a shape */
#define LSQ_JSON_DEPTH_MAX 16                   /* brackets open at one place */
#define LSQ_METADATA_MAX   ((uint64_t)1 << 16)  /* bytes of all metadata strings that the writer takes */

#endif

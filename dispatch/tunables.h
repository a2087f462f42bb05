/*
 * tunables.h - dispatch/tunables.inc as data.
 */
#ifndef LSQ_DISPATCH_TUNABLES_H
#define LSQ_DISPATCH_TUNABLES_H

#include <stddef.h>
#include <stdint.h>

enum lsq_tunable {
#define TUNABLE(name, ...) TUNABLE_##name,
#include "dispatch/tunables.inc"
#undef TUNABLE
    TUNABLES
};

extern const char *const lsq_tunable_names[TUNABLES];
extern const uint8_t lsq_tunable_ops[TUNABLES]; /* an lsq_op: kernels of others do not look at it */

/* A value for each of them. */
typedef struct lsq_tunables {
    uint32_t value[TUNABLES];
} lsq_tunables;

extern const lsq_tunables lsq_tunables_default;

/* The i-th legal value of a tunable, or NULL past the last. */
const uint32_t *lsq_tunable_legal(enum lsq_tunable which, size_t i);

#endif

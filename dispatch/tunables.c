/*
 * tunables.c - dispatch/tunables.inc as data.
 */
#include "dispatch/tunables.h"

#include "dispatch/select.h"

const char *const lsq_tunable_names[TUNABLES] = {
#define TUNABLE(name, ...) #name,
#include "dispatch/tunables.inc"
#undef TUNABLE
};

const uint8_t lsq_tunable_ops[TUNABLES] = {
#define TUNABLE(name, op, ...) OP_##op,
#include "dispatch/tunables.inc"
#undef TUNABLE
};

const lsq_tunables lsq_tunables_default = {{
#define TUNABLE(name, op, usual, ...) usual,
#include "dispatch/tunables.inc"
#undef TUNABLE
}};

#define TUNABLE(name, op, usual, ...) static const uint32_t name##_legal[] = {__VA_ARGS__};
#include "dispatch/tunables.inc"
#undef TUNABLE

static const struct {
    const uint32_t *values;
    size_t count;
} legal[TUNABLES] = {
#define TUNABLE(name, ...) {name##_legal, sizeof(name##_legal) / sizeof(*name##_legal)},
#include "dispatch/tunables.inc"
#undef TUNABLE
};

const uint32_t *lsq_tunable_legal(enum lsq_tunable which, size_t i)
{
    return i < legal[which].count ? &legal[which].values[i] : NULL;
}

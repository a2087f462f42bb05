#include "bench/full_tune.h"

#include <stdlib.h>

/* With all that an entry can say, for each size. */
static void add_kind(lsq_tune *tune, const lsq_kernel *kernel)
{
    lsq_tune_entry entry = {.kernel = kernel,
                            .tunables = lsq_tunables_default,
                            .where = lsq_everywhere,
                            .ns = 123456,
                            .default_ns = 234567};
    for (unsigned t = 0; t < TUNABLES; t++)
        for (size_t i = 0; lsq_tunable_ops[t] == kernel->op && lsq_tunable_legal(t, i); i++)
            entry.tunables.value[t] = *lsq_tunable_legal(t, i); /* the last one is no default */
    for (int class = 0; class < CLASSES; class ++) {
        entry.where.size_class = class;
        tune->entries[tune->count++] = entry;
    }
}

lsq_status bench_full_tune(const lsq_cpu *cpu, lsq_tune *tune)
{
    *tune = (lsq_tune){.entries = calloc(OPS * CODECS * ACTS * CLASSES, sizeof *tune->entries)};
    if (!tune->entries)
        return LSQ_E_NOMEM;
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) {
        const lsq_kernel *kernel = lsq_kernel_default(cpu, i / (CODECS * ACTS), i / ACTS % CODECS, i % ACTS);
        if (kernel)
            add_kind(tune, kernel);
    }
    return LSQ_OK;
}

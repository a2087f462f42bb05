#include "bench/largest_tune.h"

#include <stdlib.h>

static void add_kind(lsq_tune *tune, const lsq_kernel *kernel, const lsq_kernel *other)
{
    for (unsigned place = 0; place < CLASSES * 2; place++)
        tune->entries[tune->count++] = (lsq_tune_entry){
            .kernel = kernel,
            .runner_up = other == kernel ? NULL : other,
            .tunables = lsq_tunables_default,
            .size_class = (enum lsq_size_class)(place / 2),
            .threads = place % 2 + 1,
            .ns = 123456,
            .runner_up_ns = other == kernel ? 0 : 234567,
        };
}

lsq_status bench_largest_tune(const lsq_cpu *cpu, lsq_tune *tune)
{
    *tune = (lsq_tune){.entries = calloc(OPS * CODECS * ACTS * CLASSES * 2, sizeof *tune->entries)};
    if (!tune->entries)
        return LSQ_E_NOMEM;
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) {
        const unsigned op = i / (CODECS * ACTS), codec = i / ACTS % CODECS, act = i % ACTS;
        const lsq_kernel *kernel = lsq_kernel_default(cpu, op, codec, act);
        if (kernel)
            add_kind(tune, kernel, lsq_kernel_reference(op, codec, act));
    }
    return LSQ_OK;
}

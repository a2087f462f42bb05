/*
 * workshop.c - contexts of the tuner's own.
 *
 * The environment is not theirs: what a user forces or forbids for programs is measured all the same.
 */
#include "tuner/workshop.h"

#include "bench/clock.h"
#include "bench/machine.h"
#include "dispatch/weights.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its last four bytes that are neither codes nor scales, little-endian. */
int set_tensor_scale(const lsq_format *format, size_t rows, size_t columns, uint8_t *packed)
{
    static const uint8_t one[4] = {0, 0, 0x80, 0x3f};
    lsq_geometry geometry;
    if (lsq_geometry_of(format, rows, columns, &geometry) != LSQ_OK)
        return 0;
    memcpy(packed + geometry.tensor, one, sizeof(one));
    return 1;
}

static const char *highest_isa(const lsq_cpu *cpu)
{
    unsigned highest = 0;
    for (unsigned i = 0; i < ISAS; i++)
        if (!cpu->lacks[i])
            highest = i;
    return lsq_isa_names[highest];
}

static int make_contexts(workshop *w)
{
    for (int activation = 0; activation < 2; activation++)
        for (int crew = 0; crew < CREWS && (crew == CREW_one || w->machine.crew > 1); crew++) {
            const lsq_context_options options = {
                .size = sizeof(options),
                .max_isa = highest_isa(&w->cpu),
                .kernel = "",
                .tune_file = "none",
                .threads = crew == CREW_one ? 1 : (unsigned)w->machine.crew,
                .activation = activation ? LSQ_ACT_FLOAT : LSQ_ACT_INT,
            };
            if (lsq_context_new(&options, &w->contexts[activation][crew], NULL) != LSQ_OK)
                return 0;
        }
    return 1;
}

int workshop_open(workshop *w, size_t bytes)
{
    const double quarter = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 4;
    *w = (workshop){.packed_bytes = (double)bytes < quarter ? bytes : (size_t)quarter};
    const size_t huge = (size_t)2 << 20;
    w->packed = aligned_alloc(huge, (w->packed_bytes / huge + 1) * huge);
    lsq_cpu_detect(&w->cpu);
    machine_look(&w->machine);
    if (!w->packed || !make_contexts(w)) {
        workshop_close(w);
        return 0;
    }
#if defined(MADV_HUGEPAGE)
    madvise(w->packed, w->packed_bytes, MADV_HUGEPAGE); /* as weights that the library allocates */
#endif
    bench_fill_random(w->packed, w->packed_bytes, 1);
    return 1;
}

void workshop_close(workshop *w)
{
    for (int i = 0; i < 2 * CREWS; i++)
        lsq_context_free(w->contexts[i / CREWS][i % CREWS]);
    machine_forget(&w->machine);
    free(w->packed);
    *w = (workshop){0};
}

lsq_context *workshop_context(workshop *w, lsq_activation activation, enum lsq_crew crew)
{
    /* Threads of a pool are made by the first product that has work for them, and stay where its caller is. */
    if (!(crew == CREW_one ? machine_bind_unit(&w->machine) : machine_bind_crew(&w->machine)))
        w->unbound = 1;
    return w->contexts[activation == LSQ_ACT_FLOAT][crew];
}

void workshop_expand_from(lsq_context *ctx, enum lsq_family codec, enum lsq_act act, uint32_t columns)
{
    lsq_choice choice = {lsq_kernel_default(&ctx->cpu, OP_expand, codec, act), lsq_tunables_default, REASON_default, 0};
    choice.tunables.value[TUNABLE_expand_from] = columns;
    lsq_choices_set(&ctx->choices, &lsq_everywhere, &choice);
}

static const machine *watched; /* the question that bench_watch_judge() asks has no argument for it */

static int is_measured_on(unsigned cpu)
{
    return watched->unit >= 0 && hwloc_bitmap_isset(watched->crew_set, cpu);
}

void workshop_watch(bench_watch *watch)
{
    *watch = (bench_watch){.root = ""};
    const double ghz = bench_clock_ghz();
    bench_state_read(&watch->before, watch->root);
    watch->before.ghz = ghz;
}

void workshop_watched(const workshop *w, bench_watch *watch)
{
    bench_state_read(&watch->after, watch->root);
    watch->after.ghz = bench_clock_ghz();
    watched = &w->machine;
    bench_watch_judge(watch, is_measured_on);
}

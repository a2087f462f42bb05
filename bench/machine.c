#include "bench/machine.h"

#include "bench/sources.h"

#include <hwloc.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static hwloc_topology_t load_topology(void)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology))
        return NULL;
    if (hwloc_topology_load(topology)) {
        hwloc_topology_destroy(topology);
        return NULL;
    }
    return topology;
}

/* The set that the process was started with: pinning the first thread must not narrow it for the others. */
static hwloc_cpuset_t allowed(hwloc_topology_t topology)
{
    static hwloc_cpuset_t set;
    if (!set) {
        set = hwloc_bitmap_alloc();
        if (set && hwloc_get_cpubind(topology, set, HWLOC_CPUBIND_PROCESS))
            hwloc_bitmap_copy(set, hwloc_topology_get_allowed_cpuset(topology));
    }
    return set;
}

/* Adds one processing unit of the i-th core from the last, round and round, to `units`. */
static void add_unit(hwloc_topology_t topology, unsigned i, hwloc_bitmap_t units)
{
    const hwloc_cpuset_t set = allowed(topology);
    const int cores = set ? hwloc_get_nbobjs_inside_cpuset_by_type(topology, set, HWLOC_OBJ_CORE) : 0;
    if (cores <= 0)
        return;
    const unsigned index = (unsigned)cores - 1 - i % (unsigned)cores;
    const hwloc_obj_t core = hwloc_get_obj_inside_cpuset_by_type(topology, set, HWLOC_OBJ_CORE, index);
    hwloc_cpuset_t one = core ? hwloc_bitmap_dup(core->cpuset) : NULL;
    if (!one)
        return;
    hwloc_bitmap_and(one, one, set);
    hwloc_bitmap_singlify(one);
    hwloc_bitmap_or(units, units, one);
    hwloc_bitmap_free(one);
}

/* Binds to `count` cores from number `first` on. */
static int bind_to(unsigned first, unsigned count, int whom)
{
    hwloc_topology_t topology = load_topology();
    if (!topology)
        return 0;
    hwloc_bitmap_t units = hwloc_bitmap_alloc();
    for (unsigned i = 0; units && i < count; i++)
        add_unit(topology, first + i, units);
    const int bound = units && !hwloc_bitmap_iszero(units) && !hwloc_set_cpubind(topology, units, whom);
    hwloc_bitmap_free(units);
    hwloc_topology_destroy(topology);
    return bound;
}

int bench_pin(unsigned i)
{
    return bind_to(i, 1, HWLOC_CPUBIND_THREAD);
}

int bench_confine(unsigned cores)
{
    return bind_to(0, cores, HWLOC_CPUBIND_PROCESS);
}

static double process_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void bench_settle(void)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    const double busy = 1e-4;
    for (int naps = 0; naps < 500; naps++) {
        const double before = process_seconds();
        nanosleep(&nap, NULL);
        if (process_seconds() - before < busy)
            return;
    }
}

unsigned bench_cores(void)
{
    hwloc_topology_t topology = load_topology();
    if (!topology)
        return 1;
    const hwloc_cpuset_t set = allowed(topology);
    const int cores = set ? hwloc_get_nbobjs_inside_cpuset_by_type(topology, set, HWLOC_OBJ_CORE) : 1;
    hwloc_topology_destroy(topology);
    return cores > 0 ? (unsigned)cores : 1;
}

void *bench_alloc(size_t bytes, int huge_pages)
{
    const size_t huge = (size_t)2 << 20;
    const size_t rounded = (bytes + huge - 1) / huge * huge;
    void *memory = aligned_alloc(huge, rounded);
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
    if (memory)
        madvise(memory, rounded, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
    return memory;
}

void bench_fill_random(void *bytes, size_t count, uint64_t seed)
{
    bench_random random = {seed};
    uint8_t *p = bytes;
    for (; count >= sizeof(uint64_t); p += sizeof(uint64_t), count -= sizeof(uint64_t)) {
        const uint64_t word = bench_random_bits(&random);
        memcpy(p, &word, sizeof word);
    }
    const uint64_t word = bench_random_bits(&random);
    memcpy(p, &word, count);
}

static void read_ticks(bench_watch *watch)
{
    FILE *stat = fopen("/proc/stat", "r");
    if (!stat)
        return;
    /* user nice system idle iowait irq softirq steal */
    uint64_t t[8];
    if (fscanf(stat, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               t, t + 1, t + 2, t + 3, t + 4, t + 5, t + 6, t + 7) == 8) {
        watch->stolen = t[7];
        for (int i = 0; i < 8; i++)
            watch->ticks += t[i];
    }
    fclose(stat);
}

void bench_watch_begin(bench_watch *watch)
{
    *watch = (bench_watch){0};
    if (getloadavg(&watch->load, 1) != 1)
        watch->load = 0;
    read_ticks(watch);
}

void bench_watch_end(const bench_watch *watch)
{
    bench_watch now = {0};
    if (watch->load > 0.5)
        fprintf(stderr, "lsq-bench: warning: load average %.2f: something else is running, and times will vary\n",
                watch->load);
    read_ticks(&now);
    const double ticks = (double)(now.ticks - watch->ticks), stolen = (double)(now.stolen - watch->stolen);
    if (ticks > 0 && stolen > 0.01 * ticks)
        fprintf(stderr, "lsq-bench: warning: the host took %.1f %% of the processor time for others\n",
                100 * stolen / ticks);
}

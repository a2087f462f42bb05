#include "bench/machine.h"

#include "bench/sources.h"

#include <hwloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Looked at once, by whichever thread is first to be pinned; kept until the end, since binding again must cost little. */
static hwloc_topology_t topology; /* NULL: it cannot be had */
static hwloc_cpuset_t
    allowed; /* the set that the process was started with: pinning one thread must not narrow it for others */

static hwloc_bitmap_t bound; /* whatever threads were bound to; under the lock */
static pthread_mutex_t bound_lock = PTHREAD_MUTEX_INITIALIZER;

static void look(void)
{
    if (hwloc_topology_init(&topology)) {
        topology = NULL;
        return;
    }
    if (hwloc_topology_load(topology)) {
        hwloc_topology_destroy(topology);
        topology = NULL;
        return;
    }
    allowed = hwloc_bitmap_alloc();
    if (allowed && hwloc_get_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS))
        hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(topology));
}

static int looked(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return topology && allowed;
}

static int cores_allowed(void)
{
    return looked() ? hwloc_get_nbobjs_inside_cpuset_by_type(topology, allowed, HWLOC_OBJ_CORE) : 0;
}

/* Adds one processing unit of the i-th core from the last, round and round, to `units`. */
static void add_unit(unsigned i, hwloc_bitmap_t units)
{
    const int cores = cores_allowed();
    if (cores <= 0)
        return;
    const unsigned index = (unsigned)cores - 1 - i % (unsigned)cores;
    const hwloc_obj_t core = hwloc_get_obj_inside_cpuset_by_type(topology, allowed, HWLOC_OBJ_CORE, index);
    hwloc_cpuset_t one = core ? hwloc_bitmap_dup(core->cpuset) : NULL;
    if (!one)
        return;
    hwloc_bitmap_and(one, one, allowed);
    hwloc_bitmap_singlify(one);
    hwloc_bitmap_or(units, units, one);
    hwloc_bitmap_free(one);
}

static void remember(hwloc_const_bitmap_t units)
{
    pthread_mutex_lock(&bound_lock);
    if (!bound)
        bound = hwloc_bitmap_alloc();
    if (bound)
        hwloc_bitmap_or(bound, bound, units);
    pthread_mutex_unlock(&bound_lock);
}

int bench_was_bound(unsigned cpu)
{
    pthread_mutex_lock(&bound_lock);
    const int was = bound && hwloc_bitmap_isset(bound, cpu);
    pthread_mutex_unlock(&bound_lock);
    return was;
}

/* Binds the calling thread to `count` cores from number `first` on. */
static int bind_to(unsigned first, unsigned count)
{
    if (!looked())
        return 0;
    hwloc_bitmap_t units = hwloc_bitmap_alloc();
    for (unsigned i = 0; units && i < count; i++)
        add_unit(first + i, units);
    const int is_bound =
        units && !hwloc_bitmap_iszero(units) && !hwloc_set_cpubind(topology, units, HWLOC_CPUBIND_THREAD);
    if (is_bound)
        remember(units);
    hwloc_bitmap_free(units);
    return is_bound;
}

int bench_pin(unsigned i)
{
    return bind_to(i, 1);
}

int bench_confine(unsigned cores)
{
    return bind_to(0, cores);
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
    const int cores = cores_allowed();
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

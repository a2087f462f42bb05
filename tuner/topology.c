/*
 * topology.c - the machine, by hwloc.
 */
#include "tuner/topology.h"

#include "dispatch/processors.h"

#include <hwloc.h>

#include <stdio.h>
#include <string.h>

/* More threads than this share whatever the first ones do: memory, and the last cache. */
enum { CREW_MAX = 64 };

/* Only what this process may run on. */
static int load(hwloc_topology_t *topology)
{
    if (hwloc_topology_init(topology))
        return 0;
    /* hwloc restricts to a binding only where it is told that the topology is that of this system. */
    const unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING;
    if (hwloc_topology_set_flags(*topology, flags) || hwloc_topology_load(*topology)) {
        hwloc_topology_destroy(*topology);
        return 0;
    }
    return 1;
}

/* The fastest kind of core, which hwloc sorts to the end; all of them if there is one kind. */
static int fastest(hwloc_topology_t topology, hwloc_bitmap_t set)
{
    const int kinds = hwloc_cpukinds_get_nr(topology, 0);
    if (kinds <= 1 || hwloc_cpukinds_get_info(topology, (unsigned)kinds - 1, set, NULL, NULL, NULL, 0))
        hwloc_bitmap_copy(set, hwloc_topology_get_topology_cpuset(topology));
    return kinds > 1 ? kinds : 1;
}

/* A processing unit on each of the last `count` cores of a set. */
static void last_units(hwloc_topology_t topology, hwloc_const_bitmap_t among, int count, hwloc_bitmap_t units)
{
    const int cores = hwloc_get_nbobjs_inside_cpuset_by_type(topology, among, HWLOC_OBJ_CORE);
    hwloc_bitmap_zero(units);
    for (int i = 0; i < count && i < cores; i++) {
        hwloc_obj_t core =
            hwloc_get_obj_inside_cpuset_by_type(topology, among, HWLOC_OBJ_CORE, (unsigned)(cores - 1 - i));
        if (core)
            hwloc_bitmap_set(units, (unsigned)hwloc_bitmap_last(core->cpuset));
    }
    if (cores <= 0) /* a system that tells of units only */
        hwloc_bitmap_set(units, (unsigned)hwloc_bitmap_last(among));
}

/* "Package 0, L3 32768 KiB, L2 1024 KiB, L1d 32 KiB, Core 1, PU 1", outermost first. */
static void describe(hwloc_obj_t unit, char *text, size_t room)
{
    text[0] = 0;
    for (hwloc_obj_t at = unit; at; at = at->parent) {
        char part[64], type[32], joined[160];
        hwloc_obj_type_snprintf(type, sizeof(type), at, 0);
        if (hwloc_obj_type_is_dcache(at->type))
            snprintf(part, sizeof(part), "%s %llu KiB", type, (unsigned long long)at->attr->cache.size / 1024);
        else if (at->type == HWLOC_OBJ_PU)
            snprintf(part, sizeof(part), "%s %u", type, at->os_index);
        else if (at->type == HWLOC_OBJ_CORE || at->type == HWLOC_OBJ_PACKAGE)
            snprintf(part, sizeof(part), "%s %u", type, at->logical_index);
        else
            continue;
        const int length = snprintf(joined, sizeof(joined), "%s%s%s", part, text[0] ? ", " : "", text);
        if (length > 0 && (size_t)length < room)
            memcpy(text, joined, (size_t)length + 1);
    }
}

static int at_least_one(int count)
{
    return count > 0 ? count : 1;
}

/* As many threads as there are cores of the kind, if the quota lets them all run. */
static int crew_of(const machine *m, int cores)
{
    const int whole = m->quota && m->quota / 1000 < CREW_MAX ? (int)(m->quota / 1000) : CREW_MAX;
    return at_least_one(cores < whole ? cores : whole);
}

void machine_look(machine *m)
{
    *m = (machine){.packages = 1, .nodes = 1, .cores = 1, .units = 1, .kinds = 1, .crew = 1, .unit = -1};
    m->quota = lsq_processors_quota("");
    if (!load(&m->topology)) {
        m->topology = NULL;
        return;
    }
    m->packages = at_least_one(hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_PACKAGE));
    m->nodes = at_least_one(hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_NUMANODE));
    m->cores = at_least_one(hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_CORE));
    m->units = at_least_one(hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_PU));
    m->unit_set = hwloc_bitmap_alloc();
    m->crew_set = hwloc_bitmap_alloc();
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (set && m->unit_set && m->crew_set) {
        m->kinds = fastest(m->topology, set);
        m->crew = crew_of(m, hwloc_get_nbobjs_inside_cpuset_by_type(m->topology, set, HWLOC_OBJ_CORE));
        last_units(m->topology, set, 1, m->unit_set);
        last_units(m->topology, set, m->crew, m->crew_set);
        m->unit = hwloc_bitmap_last(m->unit_set);
        if (m->unit >= 0)
            describe(hwloc_get_pu_obj_by_os_index(m->topology, (unsigned)m->unit), m->place, sizeof(m->place));
    }
    hwloc_bitmap_free(set);
}

void machine_forget(machine *m)
{
    hwloc_bitmap_free(m->unit_set);
    hwloc_bitmap_free(m->crew_set);
    if (m->topology)
        hwloc_topology_destroy(m->topology);
    *m = (machine){.unit = -1};
}

static int bind_to(const machine *m, hwloc_const_bitmap_t set)
{
    return m->unit >= 0 && !hwloc_set_cpubind(m->topology, set, HWLOC_CPUBIND_THREAD);
}

int machine_bind_unit(const machine *m)
{
    return bind_to(m, m->unit_set);
}

int machine_bind_crew(const machine *m)
{
    return bind_to(m, m->crew_set);
}

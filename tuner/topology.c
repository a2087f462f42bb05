/*
 * topology.c - one processing unit to measure on, by hwloc.
 */
#include "tuner/topology.h"

#include <hwloc.h>

#include <stdio.h>
#include <string.h>

/* Only what this process may run on: a container or taskset narrows it. */
static int load(hwloc_topology_t *topology)
{
    if (hwloc_topology_init(topology))
        return 0;
    /* hwloc restricts to a binding only where it is told that the topology is that of this system. */
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING;
    if (hwloc_topology_set_flags(*topology, flags) || hwloc_topology_load(*topology)) {
        hwloc_topology_destroy(*topology);
        return 0;
    }
    return 1;
}

/* The last unit of the fastest kind of core: hwloc sorts kinds by efficiency, slowest first. */
static hwloc_obj_t choose_unit(hwloc_topology_t topology, place *at)
{
    hwloc_obj_t unit = NULL;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    int kinds = hwloc_cpukinds_get_nr(topology, 0);
    at->kinds = kinds > 1 ? kinds : 1;
    if (set && kinds > 1 && !hwloc_cpukinds_get_info(topology, (unsigned)kinds - 1, set, NULL, NULL, NULL, 0))
        unit = hwloc_get_pu_obj_by_os_index(topology, (unsigned)hwloc_bitmap_last(set));
    if (!unit && at->units > 0)
        unit = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)at->units - 1);
    hwloc_bitmap_free(set);
    return unit;
}

/* "Package L#0, L3 32768 KB, L2 1024 KB, L1d 32 KB, Core L#1, PU P#1", outermost first. */
static void describe(hwloc_obj_t unit, char *text, size_t room)
{
    text[0] = 0;
    for (hwloc_obj_t at = unit; at; at = at->parent) {
        char part[64], type[32], joined[160];
        hwloc_obj_type_snprintf(type, sizeof(type), at, 0);
        if (at->type == HWLOC_OBJ_MACHINE)
            continue;
        if (hwloc_obj_type_is_dcache(at->type))
            snprintf(part, sizeof(part), "%s %llu KiB", type, (unsigned long long)at->attr->cache.size / 1024);
        else if (at->type == HWLOC_OBJ_PU)
            snprintf(part, sizeof(part), "%s %u", type, at->os_index);
        else if (at->type == HWLOC_OBJ_CORE || at->type == HWLOC_OBJ_PACKAGE)
            snprintf(part, sizeof(part), "%s %u", type, at->logical_index);
        else
            continue;
        int length = snprintf(joined, sizeof(joined), "%s%s%s", part, text[0] ? ", " : "", text);
        if (length > 0 && (size_t)length < room)
            memcpy(text, joined, (size_t)length + 1);
    }
}

void bind_to_one_unit(place *at)
{
    hwloc_topology_t topology;
    *at = (place){.unit = -1, .kinds = 1};
    if (!load(&topology))
        return;
    at->units = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    hwloc_obj_t unit = choose_unit(topology, at);
    if (unit) {
        at->unit = (int)unit->os_index;
        at->bound = !hwloc_set_cpubind(topology, unit->cpuset, HWLOC_CPUBIND_THREAD);
        describe(unit, at->text, sizeof(at->text));
    }
    hwloc_topology_destroy(topology);
}

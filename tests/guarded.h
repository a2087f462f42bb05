/*
 * guarded.h - buffers that end, or begin, at a page nobody may touch.
 */
#ifndef LSQ_TESTS_GUARDED_H
#define LSQ_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    uint8_t *map;
    size_t map_bytes;
    int limited; /* sealed or hidden */
    void *data;  /* what was asked for */
} guarded;

/*
 * Maps that were given back wait here for the next buffer of their size: mapping costs more than most kernels do, in
 * emulators more than all. For one thread.
 */
enum { GUARDED_KEPT = 16 };
static guarded guarded_kept[GUARDED_KEPT];

static inline void guarded_allow(const guarded *g, int rights)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (g->map_bytes > 2 * page && mprotect(g->map + page, g->map_bytes - 2 * page, rights)) {
        perror("guarded.h: mprotect");
        exit(99);
    }
}

/* A map of that many bytes, all of it forbidden but what lies between its first page and its last. */
static inline guarded guarded_map(size_t map_bytes)
{
    for (int i = 0; i < GUARDED_KEPT; i++)
        if (guarded_kept[i].map_bytes == map_bytes) {
            guarded g = guarded_kept[i];
            guarded_kept[i].map_bytes = 0;
            if (g.limited)
                guarded_allow(&g, PROT_READ | PROT_WRITE);
            g.limited = 0;
            return g;
        }
    guarded g = {.map_bytes = map_bytes};
    g.map = mmap(NULL, map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED) {
        perror("guarded.h: mmap");
        exit(99);
    }
    guarded_allow(&g, PROT_READ | PROT_WRITE);
    return g;
}

/* `bytes` bytes of any value that end at a forbidden page (at_end) or begin right behind one. */
static inline guarded guarded_new(size_t bytes, int at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    guarded g = guarded_map(inner + 2 * page);
    memset(g.map + page, 0xa5, inner);
    g.data = g.map + page + (at_end ? inner - bytes : 0);
    return g;
}

/* From now on its contents can only be read. */
static inline void guarded_seal(guarded *g)
{
    guarded_allow(g, PROT_READ);
    g->limited = 1;
}

/* From now on nobody can look at it. */
static inline void guarded_hide(guarded *g)
{
    guarded_allow(g, PROT_NONE);
    g->limited = 1;
}

static inline void guarded_free(guarded *g)
{
    for (int i = 0; i < GUARDED_KEPT; i++)
        if (guarded_kept[i].map_bytes == 0) {
            guarded_kept[i] = *g;
            return;
        }
    munmap(g->map, g->map_bytes);
}

#endif

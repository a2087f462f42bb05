/*
 * guarded.h - buffers that end, or begin, at a page nobody may touch.
 */
#ifndef LSQ_TESTS_GUARDED_H
#define LSQ_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    uint8_t *map;
    size_t map_bytes;
    void *data; /* what was asked for */
} guarded;

/* `bytes` bytes that end at a forbidden page (at_end) or begin right behind one. */
static inline guarded guarded_new(size_t bytes, int at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    guarded g = {.map_bytes = inner + 2 * page};
    g.map = mmap(NULL, g.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || (inner && mprotect(g.map + page, inner, PROT_READ | PROT_WRITE))) {
        perror("guarded_new");
        exit(99);
    }
    g.data = g.map + page + (at_end ? inner - bytes : 0);
    return g;
}

/* From now on its contents can only be read. */
static inline void guarded_seal(const guarded *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (g->map_bytes > 2 * page)
        mprotect(g->map + page, g->map_bytes - 2 * page, PROT_READ);
}

static inline void guarded_free(guarded *g)
{
    munmap(g->map, g->map_bytes);
}

#endif

/*
 * tuneplace.c - whose tune file it is, and where it may be.
 */
#include "dispatch/fnv.h"
#include "dispatch/tunefile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#define ARCHITECTURE "other"
#endif

/* With its NUL, so that "a" "bc" is not "ab" "c". */
static uint64_t add_text(uint64_t hash, const char *text, size_t room)
{
    return fnv_add(fnv_add(hash, text, strnlen(text, room)), "", 1);
}

/* As 8 bytes, low byte first. */
static uint64_t add_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        hash = fnv_add(hash, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
    return hash;
}

uint64_t lsq_tune_fingerprint(const lsq_cpu *cpu)
{
    uint64_t hash = FNV_START;
    hash = add_text(hash, ARCHITECTURE, sizeof(ARCHITECTURE));
    hash = add_text(hash, cpu->vendor, sizeof(cpu->vendor));
    hash = add_number(hash, cpu->family);
    hash = add_number(hash, cpu->model);
    hash = add_number(hash, cpu->stepping);
    for (int i = 0; i < ISAS; i++)
        hash = add_text(hash, cpu->lacks[i] ? "" : lsq_isa_names[i], 64);
    hash = add_number(hash, cpu->l1d);
    hash = add_number(hash, cpu->l2);
    hash = add_number(hash, cpu->l3);
    return add_number(hash, lsq_kernel_set_id());
}

/* The XDG rule: what is not absolute is as if it were not there. */
static int usable(const char *folder, size_t length)
{
    return length > 0 && length <= 4096 && folder[0] == '/';
}

static char *place_in(const char *folder, size_t length, const char *below, const lsq_cpu *cpu)
{
    static const char form[] = "%.*s%s/lsq/tune-%016" PRIx64 ".json";
    size_t room = length + strlen(below) + sizeof(form) + 16;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, form, (int)length, folder, below, lsq_tune_fingerprint(cpu));
    return path;
}

static const char *variable(const char *name, int environment)
{
    const char *value = environment ? secure_getenv(name) : NULL;
    return value && *value ? value : NULL;
}

/* Counts down `i` over the places; the one that it reaches 0 at is the answer. */
static char *find_place(const lsq_cpu *cpu, size_t i, int environment)
{
    const char *below = "", *folder = variable("XDG_CONFIG_HOME", environment);
    if (!folder || !usable(folder, strlen(folder))) {
        folder = variable("HOME", environment);
        below = "/.config";
    }
    if (folder && usable(folder, strlen(folder)) && i-- == 0)
        return place_in(folder, strlen(folder), below, cpu);

    const char *dirs = variable("XDG_CONFIG_DIRS", environment);
    if (!dirs)
        dirs = "/etc/xdg";
    while (*dirs) {
        size_t length = strcspn(dirs, ":");
        if (usable(dirs, length) && i-- == 0)
            return place_in(dirs, length, "", cpu);
        dirs += length + (dirs[length] == ':');
    }
    return i == 0 ? place_in("/etc", 4, "", cpu) : NULL;
}

char *lsq_tune_place(const lsq_cpu *cpu, size_t i, int environment)
{
    int saved = errno;
    char *path = find_place(cpu, i, environment);
    errno = saved;
    return path;
}

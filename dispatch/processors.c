/*
 * processors.c - how many CPUs this process may use: the affinity mask, and the CPU quota of its cgroup, version 1 or 2.
 *
 * /proc/self/cgroup names the cgroup, as "0::/a/b" (version 2) or "4:cpu,cpuacct:/a/b" (version 1). Its files are where every system
 * mounts them, /sys/fs/cgroup and /sys/fs/cgroup/cpu. A quota binds all cgroups inside, so those of /a/b, /a and / count. In a container
 * /a/b may be a name outside of it, where nothing is found, and its own quota is at /. What cannot be read or understood is no quota.
 */
#include "dispatch/processors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned lsq_processors_allowed(void)
{
    unsigned count = 0;
    const int saved = errno;
    /* The kernel refuses a set that is smaller than its own. */
    for (size_t cpus = 1024; !count && cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            break;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE(cpus), set) == 0)
            count = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE(cpus), set);
        CPU_FREE(set);
    }
    errno = saved;
    return count;
}

/* Reads a file, or as much of it as there is room for, as text; 0 if it cannot be read. */
static int read_text(const char *root, const char *path, char *text, size_t size)
{
    char whole[2 * PATH_MAX];
    const int length = snprintf(whole, sizeof(whole), "%s%s", root, path);
    const int file = length > 0 && (size_t)length < sizeof(whole) ? open(whole, O_RDONLY | O_CLOEXEC) : -1;
    size_t have = 0;
    ssize_t n = -1;
    if (file < 0)
        return 0;
    while (have < size - 1 && (n = read(file, text + have, size - 1 - have)) > 0)
        have += (size_t)n;
    close(file);
    text[have] = '\0';
    return n >= 0;
}

/* A number of digits alone, moving *at behind it; 0 if there is none. Beyond 2^40, some 12 days, it stays there. */
static uint64_t number(const char **at)
{
    uint64_t n = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        n = n < (uint64_t)1 << 40 ? n * 10 + (uint64_t)(**at - '0') : n;
    return n;
}

/* quota / period in 1/1000, at least 1; 0 if either is 0. */
static unsigned long ratio(uint64_t quota, uint64_t period)
{
    if (!quota || !period)
        return 0;
    const uint64_t n = quota * 1000 / period;
    return n < 1 ? 1 : n < ULONG_MAX ? (unsigned long)n : ULONG_MAX;
}

/* "150000 100000" or "max 100000" in microseconds, and nothing behind it but the end of the line. */
static unsigned long quota_v2(const char *root, const char *folder)
{
    char path[PATH_MAX + 64], text[64];
    snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", folder);
    if (!read_text(root, path, text, sizeof(text)))
        return 0;
    const char *at = text;
    const uint64_t quota = number(&at);
    if (*at != ' ')
        return 0;
    at++;
    const uint64_t period = number(&at);
    return *at == '\n' || *at == '\0' ? ratio(quota, period) : 0;
}

static uint64_t number_in(const char *root, const char *folder, const char *name)
{
    char path[PATH_MAX + 64], text[64];
    snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu%s/%s", folder, name);
    if (!read_text(root, path, text, sizeof(text)))
        return 0;
    const char *at = text;
    const uint64_t n = number(&at); /* -1: no quota */
    return *at == '\n' || *at == '\0' ? n : 0;
}

static unsigned long quota_v1(const char *root, const char *folder)
{
    return ratio(number_in(root, folder, "cpu.cfs_quota_us"), number_in(root, folder, "cpu.cfs_period_us"));
}

/* The smallest quota of a cgroup and those around it. */
static unsigned long smallest(const char *root, char *folder, unsigned long (*quota)(const char *, const char *))
{
    unsigned long least = 0;
    for (char *end = folder + strlen(folder);; *end = '\0') {
        const unsigned long q = quota(root, folder);
        if (q && (!least || q < least))
            least = q;
        if (!(end = strrchr(folder, '/')))
            return least;
    }
}

/* Is `name` in a list "a,b,c" that ends at `end`? */
static int lists(const char *list, const char *end, const char *name)
{
    const size_t length = strlen(name);
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list)), *stop = comma ? comma : end;
        if ((size_t)(stop - list) == length && !memcmp(list, name, length))
            return 1;
        list = stop + 1;
    }
    return 0;
}

unsigned long lsq_processors_quota(const char *root)
{
    char text[16 << 10];
    unsigned long least = 0;
    const int saved = errno;
    if (!read_text(root, "/proc/self/cgroup", text, sizeof(text)))
        text[0] = '\0';
    for (char *line = text, *next; line; line = next) {
        if ((next = strchr(line, '\n')))
            *next++ = '\0';
        char *names = strchr(line, ':'), *folder = names ? strchr(names + 1, ':') : NULL;
        if (!folder)
            continue;
        const int v2 = folder == names + 1;
        if (!v2 && !lists(names + 1, folder, "cpu"))
            continue;
        /* "/" is the outermost; and a path that climbs, as those outside of a namespace are shown, leads to no file of ours. */
        folder++;
        if (folder[0] != '/' || folder[1] == '\0' || strstr(folder, "/..") || strlen(folder) >= PATH_MAX)
            *folder = '\0';
        const unsigned long q = smallest(root, folder, v2 ? quota_v2 : quota_v1);
        if (q && (!least || q < least))
            least = q;
    }
    errno = saved;
    return least;
}

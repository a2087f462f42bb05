/*
 * cold.c - files that are not in the system's cache, and how much memory there is for them.
 */
#include "bench/cold.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PROBES = 256 };

/* A read that must not wait succeeds where the page is there. */
static double cached_share(int fd, off_t size)
{
#ifdef RWF_NOWAIT
    unsigned there = 0;
    for (unsigned i = 0; i < PROBES; i++) {
        char byte;
        struct iovec to = {&byte, 1};
        const ssize_t n = preadv2(fd, &to, 1, size / PROBES * i, RWF_NOWAIT);
        if (n < 0 && errno != EAGAIN)
            return NAN;
        there += n == 1;
    }
    return (double)there / PROBES;
#else
    (void)fd;
    (void)size;
    return NAN;
#endif
}

double bench_cold_file(const char *path)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    double share = NAN;
    if (fd < 0)
        return NAN;
    fdatasync(fd); /* pages that were not written yet cannot be dropped */
    if (!fstat(fd, &about) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
        share = cached_share(fd, about.st_size);
    close(fd);
    return share;
}

uint64_t bench_file_bytes(const char *path)
{
    struct stat about;
    return stat(path, &about) ? 0 : (uint64_t)about.st_size;
}

uint64_t bench_memory_available(void)
{
    char line[256];
    unsigned long long kibibytes = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && !kibibytes && fgets(line, sizeof line, file))
        sscanf(line, "MemAvailable: %llu", &kibibytes);
    if (file)
        fclose(file);
    return 1024 * (uint64_t)kibibytes;
}

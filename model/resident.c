/*
 * resident.c - memory of this process, from /proc/self/status: "VmHWM:    1234 kB". getrusage() would count what the program had that
 * started this one.
 */
#include <lsq/lsq_model.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The number behind `key`, in bytes; 0 if there is none. */
static uint64_t field(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    uint64_t kib = 0;
    if (!at)
        return 0;
    for (at += strlen(key); *at == ' ' || *at == '\t'; at++)
        ;
    for (; *at >= '0' && *at <= '9' && kib < (uint64_t)1 << 50; at++)
        kib = kib * 10 + (uint64_t)(*at - '0');
    return kib * 1024;
}

void lsq_resident(uint64_t *now, uint64_t *peak)
{
    const int before = errno, fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char text[4096];
    size_t have = 0;
    ssize_t n = 0;
    while (fd >= 0 && have < sizeof text - 1 && (n = read(fd, text + have, sizeof text - 1 - have)) > 0)
        have += (size_t)n;
    text[have] = '\0';
    if (fd >= 0)
        close(fd);
    *now = field(text, "VmRSS:");
    *peak = field(text, "VmHWM:");
    errno = before;
}

/*
 * disk.c - how fast a disk is read, measured.
 */
#include "tools/disk.h"
#include "tools/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4 << 20, BLOCKS = 64, PATIENCE = 2 /* seconds */ };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int refused(const arguments *args, const char *what, const char *path)
{
    return failure(args, LSQ_E_IO, "%s: %s: %s; --disk-rate says it without a measurement", path, what,
                   strerror(errno));
}

/* From the beginning, until the end, BLOCKS or PATIENCE. Nonzero if a read failed. */
static int read_through(int file, char *block, disk_rate *rate)
{
    double begun = now(), taken = 0;
    rate->bytes = 0;
    for (int i = 0; i < BLOCKS && taken < PATIENCE; i++) {
        ssize_t got = pread(file, block, BLOCK, (off_t)rate->bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return 1;
        taken = now() - begun;
        rate->bytes += (double)got;
        if (got < BLOCK)
            break;
    }
    rate->bytes_per_second = rate->bytes / taken;
    return 0;
}

static int read_cold(const arguments *args, int file, const char *path, char *block, disk_rate *rate)
{
    int flags = fcntl(file, F_GETFL);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    rate->direct = fcntl(file, F_SETFL, flags | O_DIRECT) == 0;
    int bad = read_through(file, block, rate);
    if (bad && rate->direct) { /* some file systems take the flag and refuse the read */
        rate->direct = 0;
        bad = fcntl(file, F_SETFL, flags) != 0 || read_through(file, block, rate) != 0;
    }
    if (bad)
        return refused(args, "cannot be read", path);
    return rate->bytes > 0 ? CARRY_ON : failure(args, LSQ_E_TRUNCATED, "%s: has no bytes to be read", path);
}

int disk_read_file(const arguments *args, const char *path, disk_rate *rate)
{
    char *block = aligned_alloc(4096, BLOCK);
    if (!block)
        return out_of_memory(args);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int code = file < 0 ? refused(args, "cannot be opened", path) : read_cold(args, file, path, block, rate);
    if (file >= 0)
        close(file);
    free(block);
    return code;
}

/* A file without a name; -1 with errno. */
static int nameless(const char *directory)
{
    static const char pattern[] = "/lsq-plan-XXXXXX";
    int file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return file;
    char *path = malloc(strlen(directory) + sizeof pattern);
    if (!path)
        return -1;
    sigset_t all, before; /* so that no signal comes between the file and its end */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    file = mkostemp(strcat(strcpy(path, directory), pattern), O_CLOEXEC);
    int error = errno;
    if (file >= 0)
        unlink(path);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(path);
    errno = error;
    return file;
}

/* Bytes that no file system can leave out or shrink. Nonzero if they could not be written. */
static int fill(int file, char *block)
{
    uint64_t state = 1;
    for (int i = 0; i < BLOCKS; i++) {
        for (size_t at = 0; at < BLOCK; at += sizeof state) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t mixed = state ^ state >> 32; /* the low bits of this generator repeat soon */
            memcpy(block + at, &mixed, sizeof mixed);
        }
        for (size_t at = 0; at < BLOCK;) {
            ssize_t put = write(file, block + at, BLOCK - at);
            if (put < 0 && errno != EINTR)
                return 1;
            at += put > 0 ? (size_t)put : 0;
        }
    }
    return fsync(file);
}

int disk_read_temporary(const arguments *args, const char *directory, disk_rate *rate)
{
    char *block = aligned_alloc(4096, BLOCK);
    if (!block)
        return out_of_memory(args);
    int file = nameless(directory), code;
    if (file < 0)
        code = refused(args, "no temporary file can be made", directory);
    else if (fill(file, block) != 0)
        code = refused(args, "a temporary file of 256 MiB cannot be written", directory);
    else
        code = read_cold(args, file, directory, block, rate);
    if (file >= 0)
        close(file);
    free(block);
    return code;
}

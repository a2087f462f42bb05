/*
 * disk.h - how fast a disk is read from beginning to end, and not from the system's cache.
 */
#ifndef LSQ_TOOLS_DISK_H
#define LSQ_TOOLS_DISK_H

#include "tools/options.h"

typedef struct disk_rate {
    double bytes_per_second;
    double bytes; /* that were read; 0: the rate was given */
    int direct; /* past the system's cache (O_DIRECT); otherwise the system was asked to forget what it has of the file */
} disk_rate;

/* A file from which less is read says more about the first block than about the disk. */
enum { DISK_LEAST = 64 << 20 };

/* Reads up to 256 MiB of a file, for two seconds. CARRY_ON or, with a message, an exit code. */
int disk_read_file(const arguments *args, const char *path, disk_rate *rate);

/* The same with a file of 256 MiB, which is written first, has no name, and is gone when the process ends, however that happens. */
int disk_read_temporary(const arguments *args, const char *directory, disk_rate *rate);

#endif

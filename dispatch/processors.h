/*
 * processors.h - how many CPUs this process may use.
 */
#ifndef LSQ_DISPATCH_PROCESSORS_H
#define LSQ_DISPATCH_PROCESSORS_H

/* CPUs in the affinity mask of the calling thread; 0 if the system does not say. */
unsigned lsq_processors_allowed(void);

/*
 * CPUs that the cgroup of the process and those around it leave it, in units of 1/1000: the smallest quota; 0 if there is none.
 * `root` stands before the paths /proc/self/cgroup and /sys/fs/cgroup: "", or a folder in a test.
 */
unsigned long lsq_processors_quota(const char *root);

#endif

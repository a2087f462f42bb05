/*
 * tunefile.h - the tune file: read, written and believed whole or not at all.
 */
#ifndef LSQ_DISPATCH_TUNEFILE_H
#define LSQ_DISPATCH_TUNEFILE_H

#include "dispatch/select.h"
#include "dispatch/tunables.h"

#include <lsq/lsq.h>

/* The fastest way to one kind of product, as measured. */
typedef struct lsq_tune_entry {
    const lsq_kernel *kernel, *runner_up; /* runner_up NULL: there was no other */
    lsq_tunables tunables;                /* of `kernel` */
    enum lsq_size_class size_class;
    unsigned threads;        /* 1, or 2 for "more than one" */
    double ns, runner_up_ns; /* median time of the product that was timed; whole numbers in the file, 1 to 2^53 */
} lsq_tune_entry;

typedef struct lsq_tune {
    lsq_tune_entry *entries; /* malloc */
    size_t count;
} lsq_tune;

/* What a machine is to a tune file: architecture, CPU model, usable levels, caches, kernel set. 64 bits. */
uint64_t lsq_tune_fingerprint(const lsq_cpu *cpu);

/*
 * Reads one file for this CPU. LSQ_OK, or a status and in err the one reason why nothing of it is used: LSQ_E_IO (no such
 * file, not a regular file), LSQ_E_LIMIT (over 1 MiB), LSQ_E_MALFORMED, LSQ_E_CHECKSUM, LSQ_E_UNSUPPORTED (schema, other
 * CPU, other kernel set), LSQ_E_NOMEM. `cpu` is the machine as detected: a cap on instruction sets is no other machine, so
 * whoever sets one must look at each entry's kernel again.
 */
lsq_status lsq_tune_read(const char *path, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err);
void lsq_tune_free(lsq_tune *tune);

/*
 * The two halves without the file system: `size` bytes of a document, and the text of one (malloc, with a NUL at its end).
 * lsq_tune_format() refuses (LSQ_E_ARGUMENT) entries that lsq_tune_parse() would not take back.
 */
lsq_status lsq_tune_parse(const char *text, size_t size, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err);
lsq_status lsq_tune_format(const lsq_cpu *cpu, const lsq_tune *tune, char **text, lsq_error *err);

/* Writes a file: beside it, synced, renamed. Creates the last two folders of the path if they are missing. */
lsq_status lsq_tune_write(const char *path, const lsq_cpu *cpu, const lsq_tune *tune, lsq_error *err);

/*
 * The i-th place where this CPU's tune file may be: $XDG_CONFIG_HOME/lsq/, each of $XDG_CONFIG_DIRS, /etc/lsq/; each with
 * tune-<fingerprint>.json. malloc, or NULL past the last one. The environment counts only if `environment` is not 0.
 */
char *lsq_tune_place(const lsq_cpu *cpu, size_t i, int environment);

#endif

/*
 * tunefile.h - the tune file: read, written and believed whole or not at all. docs/man/lsq-tune.5.scd describes it field by field.
 */
#ifndef LSQ_DISPATCH_TUNEFILE_H
#define LSQ_DISPATCH_TUNEFILE_H

#include "dispatch/coverage.h"
#include "dispatch/tunables.h"

#include <lsq/lsq.h>

/* A faster way than the default to some products of a kind, as measured. */
typedef struct lsq_tune_entry {
    const lsq_kernel *kernel;
    lsq_tunables tunables; /* those of its op; the others have their defaults */
    lsq_place where;
    /* Median times of the product that was timed, this way and by default; whole numbers in the file, 1 to 2^53. 0: not measured. */
    double ns, default_ns;
} lsq_tune_entry;

/* Products that were measured and left to the default. */
typedef struct lsq_tune_kept {
    uint8_t op, codec, act;
    lsq_place where;
} lsq_tune_kept;

/* No two of them are about the same product. Arrays by malloc. */
typedef struct lsq_tune {
    lsq_tune_entry *entries;
    lsq_tune_kept *kept;
    size_t count, kept_count;
} lsq_tune;

/* What it says something of. */
void lsq_tune_coverage(const lsq_tune *tune, lsq_coverage *coverage);

/* "gemv_p4_i8/l3/any/one". */
enum { LSQ_TUNE_NAME_MAX = 48 };
void lsq_tune_kept_name(const lsq_tune_kept *kept, char name[LSQ_TUNE_NAME_MAX]);

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

/*
 * file.h - the file that lsq-tune writes: which one, and what stands in it.
 */
#ifndef LSQ_TUNER_FILE_H
#define LSQ_TUNER_FILE_H

#include "tuner/findings.h"
#include "tuner/options.h"

/* The path, malloc; or NULL and an exit code. What is wrong has been said on stderr, unless memory ran out. */
char *file_destination(const options *o, const lsq_cpu *cpu, int *code);

/* Can a file be put there, as far as one can tell before a minute of measuring? An exit code. */
int file_check(const char *path);

/*
 * Writes what was found. What an old file says of other products stays, unless it names a kernel that was found to be wrong. An exit
 * code.
 */
int file_write(const char *path, const lsq_cpu *cpu, const lsq_tune *made, const findings *found);

#endif

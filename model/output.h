/*
 * output.h - a file that appears whole or not at all.
 *
 * The bytes go to a file without a name in the target's directory, or where there can be none, one of another name; lsq_output_finish()
 * syncs it and moves it into place. Whatever happens before that leaves the target as it was, and lsq_output_free() removes what was
 * written; of a file without a name nothing is left even if the process is killed.
 * These functions may change errno; the public functions that use them put it back.
 */
#ifndef LSQ_MODEL_OUTPUT_H
#define LSQ_MODEL_OUTPUT_H

#include <lsq/lsq.h>

typedef struct lsq_output lsq_output;

/*
 * Begins the file that will be `path`. A link is followed; what it leads to must be a regular file or nothing (no
 * directory, pipe or device), and nothing at all if `overwrite` is 0. LSQ_E_IO, LSQ_E_NOMEM.
 */
lsq_status lsq_output_new(const char *path, int overwrite, lsq_output **output, lsq_error *err);

/* Appends. Nothing is buffered: worth calling with kilobytes. LSQ_E_IO; every later call then fails as well. */
lsq_status lsq_output_write(lsq_output *output, const void *bytes, size_t size, lsq_error *err);

/* Appends zeros up to the next multiple of `alignment`, at most 64. */
lsq_status lsq_output_align(lsq_output *output, size_t alignment, lsq_error *err);

/* Overwrites bytes already appended. */
lsq_status lsq_output_patch(lsq_output *output, uint64_t offset, const void *bytes, size_t size, lsq_error *err);

/* From now on what would make the file larger is LSQ_E_LIMIT; every later call then fails as well. */
void lsq_output_limit(lsq_output *output, uint64_t bytes);

/* Bytes appended so far. */
uint64_t lsq_output_size(const lsq_output *output);

/*
 * Syncs and moves into place; a file that is replaced hands on its mode. With `overwrite` = 0 a file that came into
 * being meanwhile is LSQ_E_IO. The output must still be freed.
 */
lsq_status lsq_output_finish(lsq_output *output, lsq_error *err);

/* Removes the file so far and leaves it open, so that other threads may write on. Not while one of them finishes it. */
void lsq_output_abandon(const lsq_output *output);

/* Closes; removes what lsq_output_finish() did not complete. NULL is allowed. */
void lsq_output_free(lsq_output *output);

#endif

/*
 * filesize.h - how large a .lsq file of version 2 will be, before any of it is written.
 */
#ifndef LSQ_TOOLS_FILESIZE_H
#define LSQ_TOOLS_FILESIZE_H

#include <lsq/lsq_model.h>

/*
 * Bytes of the file with the tensors that tensor_at(arg, i) describes as they will be written, i = 0 .. count - 1, and the metadata of
 * `model`, as docs/format.md lays it out. 0: out of memory.
 */
uint64_t file_size(const lsq_model *model, size_t count, lsq_tensor (*tensor_at)(const void *arg, size_t i),
                   const void *arg);

#endif

/*
 * info.h - what `lsq info` found out, and telling it.
 */
#ifndef LSQ_TOOLS_INFO_H
#define LSQ_TOOLS_INFO_H

#include "tools/digest.h"
#include "tools/distribution.h"
#include "tools/kinds.h"

typedef struct info {
    const lsq_model *model;
    const char *path;
    kinds kinds;
    size_t tensors, quantised; /* of the model */
    uint64_t elements, bytes;
    uint64_t kept_elements, kept_bytes; /* of tensors that are not quantised */
    size_t first, end;                  /* the tensors to tell of */
    int has_distribution;
    distribution distribution;
    char sha256[DIGEST_TEXT_MAX]; /* "": was not asked for */
} info;

/* With a message if something fails: an exit code, EXIT_OK otherwise. */
int info_print(const arguments *args, const info *f);

#endif

/*
 * compress_job.h - a run of `lsq compress`, and what it does with one tensor.
 */
#ifndef LSQ_TOOLS_COMPRESS_JOB_H
#define LSQ_TOOLS_COMPRESS_JOB_H

#include "tools/compress.h"
#include "tools/limits.h"
#include "tools/progress.h"
#include "tools/rules.h"

typedef struct compress_job {
    arguments *args;
    wish want;
    goal goal;
    limits limits;
    rules rules;
    choices choices;
    const char *path;               /* the output */
    char *staged;                   /* version 1: the file that is written first; NULL: none */
    lsq_model *model, *calibration; /* NULL: none */
    const char *calibration_path;
    lsq_writer *writer;
    outcome *outcomes;
    progress progress;
    double done; /* numbers of the tensors before this one */
} compress_job;

/* Bytes of memory that quantising tensor i takes at least, and whether no way of doing it takes less. */
double compress_takes(const compress_job *j, size_t i);
int compress_in_strips(const compress_job *j, size_t i);

/* Quantises tensor i as its choice says, or keeps it, writes it, and fills in its outcome. */
lsq_status compress_tensor(compress_job *j, size_t i, lsq_error *err);

#endif

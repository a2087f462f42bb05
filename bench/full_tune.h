/*
 * full_tune.h - a tune file of this machine with an entry for every kind of product and every size.
 */
#ifndef LSQ_BENCH_FULL_TUNE_H
#define LSQ_BENCH_FULL_TUNE_H

#include "dispatch/tunefile.h"

/* Entries name the kernels that would run anyway. Free with lsq_tune_free(). LSQ_E_NOMEM. */
lsq_status bench_full_tune(const lsq_cpu *cpu, lsq_tune *tune);

#endif

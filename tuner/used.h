/*
 * used.h - the tune file that programs of this environment use.
 */
#ifndef LSQ_TUNER_USED_H
#define LSQ_TUNER_USED_H

#include "dispatch/tunefile.h"

#include <jansson.h>

/* As a context finds it. Appends to `looked` what became of each file: {"path": ..., "result": ...}. 0: none is used. */
int find_used(const lsq_cpu *cpu, lsq_tune *tune, json_t *looked);

/* --show: the files looked at and the entries of the one that is used; as text or as JSON. An exit code. */
int show_used(const lsq_cpu *cpu, int json);

#endif

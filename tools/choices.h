/*
 * choices.h - what becomes of every tensor of a model, and why: by rule, by default, or by allocation.
 */
#ifndef LSQ_TOOLS_CHOICES_H
#define LSQ_TOOLS_CHOICES_H

#include "tools/allocate.h"
#include "tools/goal.h"
#include "tools/plan.h"
#include "tools/rules.h"

enum { WHY_MAX = 48, REASON_MAX = 128 };

typedef struct choice {
    plan plan;
    lsq_format format; /* unless plan.kept */
    int curve;         /* LSQ_CURVE_BEST: that of the format is still to be chosen, by measure_curve() */
    const rule *rule;  /* what decided it; NULL: no rule */
    int allocated;
} choice;

/*
 * Goals are about means over all tensors that are quantised, by rules or by allocation. Bits: 8 bytes / weights. Noise: a tensor has
 * sum (w - w')^2 / sum w^2 times the number of its weights. So it counts by how many these are and not by how large, and the signal to
 * noise ratio of the model is 10 log10(weights / noise) dB.
 */
typedef struct choices {
    arguments *args;
    const lsq_model *model;
    const wish *want;
    goal goal;
    size_t count;
    choice *each;
    curve *curves; /* of tensors that are quantised, if they were measured: `noise` and `seconds` are estimates */
    double weights, noise;   /* of these */
    char reason[REASON_MAX]; /* why the goal is out of reach */
} choices;

/*
 * Chooses for every tensor of `model`. With a goal, or if `measure` is not 0, samples are encoded for that. CARRY_ON; EXIT_CHECK with a
 * reason and no message if the goal is out of reach; or, with a message, another exit code. choices_free() either way.
 */
int choices_make(arguments *args, const lsq_model *model, const wish *want, const rules *r, const goal *g, int measure,
                 choices *c);
void choices_free(choices *c);

/*
 * Takes note of the relative noise that tensor i came to when all of it was encoded; tensors are settled in their order. If a signal to noise ratio is
 * aimed at and samples promised too much, later tensors get finer formats, or tensor i itself: then 1 is returned, and it must be
 * encoded again.
 */
int choices_settle(choices *c, size_t i, double noise);

/* "rule 2", "models.rules:7", "default", "allocated: 5.1 dB per bit": what the last step up its curve gained. */
const char *choice_why(const choices *c, size_t i, char why[WHY_MAX]);

/* The point that stands for the choice; NULL: it was not measured, or has no codes. */
const point *choice_point(const choices *c, size_t i);

/* Bits per weight, and decibels, of all tensors that were measured, as chosen. */
double choices_bits(const choices *c);
double choices_snr(const choices *c);

/* Bytes of the file of these choices; 0: out of memory. */
uint64_t choices_file_bytes(const choices *c);

#endif

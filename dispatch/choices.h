/*
 * choices.h - what runs each product: the default of its kind, unless a tune file or a name says otherwise.
 */
#ifndef LSQ_DISPATCH_CHOICES_H
#define LSQ_DISPATCH_CHOICES_H

#include "dispatch/select.h"
#include "dispatch/tunables.h"
#include "dispatch/tunefile.h"

/*
 * Why it is this kernel. CONFIRMED: the default, which a tune file says was measured and left in place. CAPPED: the default, since a tune
 * file names a kernel that LSQ_MAX_ISA forbids.
 */
enum lsq_reason { REASON_default, REASON_confirmed, REASON_tuned, REASON_capped, REASON_forced, REASONS };
extern const char *const lsq_reason_names[REASONS];

/* What runs a product, and how. */
typedef struct lsq_choice {
    const lsq_kernel *kernel;
    lsq_tunables tunables;
    enum lsq_reason reason;
    float speedup; /* of a tuned one, over the default, as it was measured; 0: nobody says */
} lsq_choice;

/* One for each place of a kind of product. */
typedef lsq_choice lsq_choices[CLASSES][BATCHES][CREWS];

typedef struct lsq_choice_table {
    lsq_choices *of[OPS][CODECS][ACTS]; /* in `all`; NULL: this CPU has no such kind */
    lsq_choices *all;                   /* malloc */
} lsq_choice_table;

/* Fills a table with the defaults of this CPU. 0 if memory ran out. */
int lsq_choices_begin(lsq_choice_table *table, const lsq_cpu *cpu);
void lsq_choices_end(lsq_choice_table *table);

/*
 * As measured, where the CPU, perhaps capped since the file was read, can run it. What was measured says nothing of the defaults
 * under a cap.
 */
void lsq_choices_tune(lsq_choice_table *table, const lsq_cpu *cpu, int is_capped, const lsq_tune *tune);

/* This choice, of a kernel that the CPU can run, wherever `where` is about. */
void lsq_choices_set(lsq_choice_table *table, const lsq_place *where, const lsq_choice *choice);

#endif

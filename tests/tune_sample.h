/*
 * tune_sample.h - a tune file of an imaginary machine, for the tests of what reads one.
 */
#ifndef LSQ_TESTS_TUNE_SAMPLE_H
#define LSQ_TESTS_TUNE_SAMPLE_H

#include "dispatch/tunefile.h"

#include <string.h>

/* A machine that can run every row of this build. */
static inline lsq_cpu sample_cpu(void)
{
    return (lsq_cpu){.vendor = "Imaginary",
                     .brand = "Imaginary 1000 \"quoted\\\"",
                     .family = 6,
                     .model = 42,
                     .stepping = 3,
                     .l1d = 32 << 10,
                     .l2 = 1 << 20,
                     .l3 = 16 << 20};
}

/* The first and the last row of the kind that has the most of them: the same row in a build of one level. */
static inline void sample_rows(const lsq_kernel **first, const lsq_kernel **last)
{
    long most = 0;
    *first = *last = lsq_kernels;
    for (size_t i = 0; i < lsq_kernels_count; i++) {
        const lsq_kernel *row = &lsq_kernels[i], *head = lsq_kernel_reference(row->op, row->codec, row->act);
        if (row - head > most) {
            most = row - head;
            *first = head;
            *last = row;
        }
    }
}

/* One entry a size class, with one thread and more by turns, and both rows; the last has no runner-up. */
static inline lsq_tune sample_tune(lsq_tune_entry entries[CLASSES])
{
    const lsq_kernel *first, *last;
    sample_rows(&first, &last);
    for (unsigned i = 0; i < CLASSES; i++) {
        const lsq_kernel *kernel = i % 3 ? last : first, *other = i % 3 ? first : last;
        entries[i] = (lsq_tune_entry){.kernel = kernel,
                                      .size_class = (enum lsq_size_class)i,
                                      .threads = i % 2 + 1,
                                      .tunables = lsq_tunables_default,
                                      .ns = 1000.0 * (i + 1) + 7};
        entries[i].tunables.value[TUNABLE_prefetch] = *lsq_tunable_legal(TUNABLE_prefetch, i % 2);
        if (first != last && i != CLASSES - 1) {
            entries[i].runner_up = other;
            entries[i].runner_up_ns = 2000.0 * (i + 1);
        }
    }
    return (lsq_tune){entries, CLASSES};
}

static inline int same_tune(const lsq_tune *a, const lsq_tune *b)
{
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++) {
        const lsq_tune_entry *x = &a->entries[i], *y = &b->entries[i];
        if (x->kernel != y->kernel || x->runner_up != y->runner_up || x->size_class != y->size_class ||
            x->threads != y->threads || memcmp(&x->tunables, &y->tunables, sizeof(x->tunables)) != 0 ||
            x->ns != y->ns || x->runner_up_ns != y->runner_up_ns)
            return 0;
    }
    return 1;
}

#endif

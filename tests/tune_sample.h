/*
 * tune_sample.h - a tune file of an imaginary machine, for the tests of what reads one.
 */
#ifndef LSQ_TESTS_TUNE_SAMPLE_H
#define LSQ_TESTS_TUNE_SAMPLE_H

#include "dispatch/fnv.h"
#include "dispatch/tunefile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The first and the last row of the kind of gemv that has the most of them: the same row in a build of one level. */
static inline void sample_rows(const lsq_kernel **first, const lsq_kernel **last)
{
    long most = -1;
    *first = *last = lsq_kernels;
    for (size_t i = 0; i < lsq_kernels_count; i++) {
        const lsq_kernel *row = &lsq_kernels[i], *head = lsq_kernel_reference(row->op, row->codec, row->act);
        if (row->op == OP_gemv && row - head > most) {
            most = row - head;
            *first = head;
            *last = row;
        }
    }
}

enum { SAMPLE_ENTRIES = CLASSES + 2, SAMPLE_KEPT = 3 };

typedef struct tune_sample {
    lsq_tune_entry entries[SAMPLE_ENTRIES];
    lsq_tune_kept kept[SAMPLE_KEPT];
} tune_sample;

/* A column in each size class, with both rows by turns, and the last entry not timed; an entry each of two other ops. What was kept is beside. */
static inline lsq_tune sample_tune(tune_sample *s)
{
    const lsq_kernel *first, *last, *gemm = lsq_kernel_reference(OP_gemm, CODEC_e8, ACT_i8),
                                    *expand = lsq_kernel_reference(OP_expand, CODEC_t4, ACT_i8);
    sample_rows(&first, &last);
    for (int i = 0; i < CLASSES; i++) {
        s->entries[i] = (lsq_tune_entry){.kernel = i % 3 ? last : first,
                                         .tunables = lsq_tunables_default,
                                         .where = {i, BATCH_one, i % 2 ? LSQ_ANY : CREW_many},
                                         .ns = 1000.0 * (i + 1) + 7,
                                         .default_ns = 2000.0 * (i + 1)};
        s->entries[i].tunables.value[TUNABLE_prefetch] = *lsq_tunable_legal(TUNABLE_prefetch, (size_t)i % 2);
    }
    s->entries[2].tunables.value[TUNABLE_thread_bytes] = 65536;
    s->entries[CLASSES] =
        (lsq_tune_entry){.kernel = gemm, .tunables = lsq_tunables_default, .where = {LSQ_ANY, BATCH_many, LSQ_ANY}};
    s->entries[CLASSES].tunables.value[TUNABLE_columns] = 512;
    s->entries[CLASSES + 1] = (lsq_tune_entry){
        .kernel = expand, .tunables = lsq_tunables_default, .where = {CLASS_l2, LSQ_ANY, CREW_one}, .ns = 3};
    s->entries[CLASSES + 1].tunables.value[TUNABLE_expand_from] = 8;
    s->kept[0] = (lsq_tune_kept){first->op, first->codec, first->act, {CLASS_l1, BATCH_one, CREW_one}};
    s->kept[1] = (lsq_tune_kept){first->op, first->codec, first->act, {LSQ_ANY, BATCH_few, LSQ_ANY}};
    s->kept[2] = (lsq_tune_kept){gemm->op, gemm->codec, gemm->act, {CLASS_dram, BATCH_few, CREW_many}};
    return (lsq_tune){s->entries, s->kept, SAMPLE_ENTRIES, SAMPLE_KEPT};
}

static inline int same_place(const lsq_place *a, const lsq_place *b)
{
    return a->size_class == b->size_class && a->batch == b->batch && a->crew == b->crew;
}

static inline int same_tune(const lsq_tune *a, const lsq_tune *b)
{
    if (a->count != b->count || a->kept_count != b->kept_count)
        return 0;
    for (size_t i = 0; i < a->count; i++) {
        const lsq_tune_entry *x = &a->entries[i], *y = &b->entries[i];
        if (x->kernel != y->kernel || !same_place(&x->where, &y->where) ||
            memcmp(&x->tunables, &y->tunables, sizeof(x->tunables)) != 0 || x->ns != y->ns ||
            x->default_ns != y->default_ns)
            return 0;
    }
    for (size_t i = 0; i < a->kept_count; i++) {
        const lsq_tune_kept *x = &a->kept[i], *y = &b->kept[i];
        if (x->op != y->op || x->codec != y->codec || x->act != y->act || !same_place(&x->where, &y->where))
            return 0;
    }
    return 1;
}

/*
 * The text of a document with the checksum that lsq-tune(5) describes, written a second time: compact, whatever checksum it had
 * left away, then the last member as it must stand. free() it; NULL if there is no document in it.
 */
static inline char *sealed_text(json_t *document)
{
    json_object_del(document, "checksum");
    char *compact = json_object_size(document) ? json_dumps(document, JSON_COMPACT) : NULL;
    if (!compact)
        return NULL;
    const size_t length = strlen(compact) - 1, room = length + 64; /* without the brace at its end */
    char *text = malloc(room);
    if (text) {
        snprintf(text, room, "%.*s, ", (int)length, compact);
        snprintf(text + length + 2, room - length - 2, "\"checksum\": \"%016" PRIx64 "\"\n}\n",
                 fnv_add(FNV_START, text, length + 2));
    }
    free(compact);
    return text;
}

#endif

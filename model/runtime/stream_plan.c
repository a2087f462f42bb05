/*
 * stream_plan.c - what a limit of memory is used for.
 *
 * Tensors stay from the beginning of the order on, as many as leave room for two of the largest of the others: with two, the next one can
 * be read while the caller has one. Where not even two fit, nothing stays, and one must fit.
 */
#include "model/runtime/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * A handle on weights, and the 4096 values of outliers, with what the allocator adds: whole pages where it maps. tests/test_no_memory.c
 * compares with what is taken.
 */
enum { HANDLE = 5 << 10, OUTLIER_VALUES = 28 << 10, OUTLIER = 4, ROW = 8, BLOCK = 32 };

typedef struct plan {
    size_t kept;              /* positions whose tensors stay */
    uint64_t memory, weights; /* bytes: of those tensors; of their weights */
    uint64_t span, others;    /* of the largest of the others; of the largest weights of them */
    size_t largest;           /* that tensor */
} plan;

size_t lsq_stream_span(const lsq_entry *entry)
{
    return (size_t)(entry->end - entry->begin);
}

uint64_t lsq_stream_weights_bytes(const lsq_tensor *t)
{
    if (!t->quantised)
        return 0;
    return HANDLE + (t->outlier_bytes ? OUTLIER_VALUES + OUTLIER * t->outliers + ROW * t->rows : 0);
}

static uint64_t model_bytes(const lsq_model *model)
{
    uint64_t bytes = sizeof *model + model->slot_count * (sizeof *model->entries / 2 + sizeof *model->slots);
    for (size_t i = 0; i < model->count; i++)
        bytes += strlen(model->entries[i].tensor.name) + BLOCK;
    for (size_t i = 0; i < 2 * model->metadata_count; i++)
        bytes += strlen(model->metadata[i]) + BLOCK + 2 * sizeof(char *);
    return bytes + strlen(model->files[0].path) + sizeof(lsq_mapping) + BLOCK;
}

/* Counts a tensor as one that stays, or no longer. */
static void count(const lsq_stream *s, size_t tensor, plan *p, int sign)
{
    const lsq_entry *entry = &s->model->entries[tensor];
    p->memory += (uint64_t)sign * lsq_stream_span(entry);
    p->weights += (uint64_t)sign * lsq_stream_weights_bytes(&entry->tensor);
}

static void count_other(const lsq_stream *s, size_t tensor, plan *p)
{
    const lsq_entry *entry = &s->model->entries[tensor];
    const uint64_t span = lsq_stream_span(entry), weights = lsq_stream_weights_bytes(&entry->tensor);
    if (span >= p->span) {
        p->span = span;
        p->largest = tensor;
    }
    p->others = weights > p->others ? weights : p->others;
}

static uint64_t needed(const plan *p, unsigned spans)
{
    return p->memory + p->weights + spans * p->span + p->others;
}

/* As many as fit within `available`: begins with all, and gives up the last one, and the last but one... */
static void choose(const lsq_stream *s, uint64_t available, plan *p)
{
    *p = (plan){.kept = s->count};
    for (size_t at = 0; at < s->count; at++)
        if (s->tensors[s->order[at]].first == at)
            count(s, s->order[at], p, 1);
    while (p->kept && needed(p, 2) > available) {
        const size_t tensor = s->order[--p->kept];
        if (s->tensors[tensor].first == p->kept) {
            count(s, tensor, p, -1);
            count_other(s, tensor, p);
        }
    }
}

/* Large pages where the system gives them, as weights in memory ask for too; the ring is gone through for ever. */
static uint8_t *allocate(size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    void *memory = NULL;
    if (posix_memalign(&memory, bytes >= 2 * huge ? huge : 64, bytes) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (bytes >= 2 * huge)
        madvise(memory, bytes / huge * huge, MADV_HUGEPAGE); /* if they cannot be had, nothing is lost */
#endif
    return memory;
}

static void give_places(lsq_stream *s, const plan *p)
{
    uint8_t *next = s->memory;
    for (size_t at = 0; at < p->kept; at++) {
        lsq_stream_tensor *tensor = &s->tensors[s->order[at]];
        if (tensor->first != at)
            continue;
        tensor->place = next;
        next += lsq_stream_span(&s->model->entries[s->order[at]]);
    }
    s->ring = next;
}

lsq_status lsq_stream_allocate(lsq_stream *s, size_t memory, lsq_error *err)
{
    plan p;
    s->fixed_bytes = sizeof *s + model_bytes(s->model) + LSQ_STREAM_STACK + s->count * sizeof *s->order +
                     s->model->count * sizeof *s->tensors + 8 * BLOCK;
    const uint64_t available = memory > s->fixed_bytes ? memory - s->fixed_bytes : 0;
    choose(s, available, &p);
    if (memory < s->fixed_bytes || needed(&p, p.kept ? 2 : 1) > available)
        return lsq_fail(err, LSQ_E_LIMIT, s->model->files[0].path,
                        "%zu bytes of memory are not enough: the largest tensor, \"%.128s\", has %llu; %llu would do, "
                        "%llu to read ahead",
                        memory, s->model->entries[p.largest].tensor.name, (unsigned long long)p.span,
                        (unsigned long long)(s->fixed_bytes + needed(&p, 1)),
                        (unsigned long long)(s->fixed_bytes + needed(&p, 2)));
    uint64_t ring = available - p.memory - p.weights - p.others;
    if (ring > 2 * p.span)
        ring = 2 * p.span; /* more would be read ahead, but not sooner */
    s->ring_bytes = (size_t)ring / 64 * 64;
    s->memory_bytes = (size_t)p.memory + s->ring_bytes;
    s->resident_bytes = p.memory;
    s->memory = allocate(s->memory_bytes ? s->memory_bytes : 1);
    if (!s->memory)
        return lsq_fail(err, LSQ_E_NOMEM, s->model->files[0].path, "no memory for %zu bytes of tensors",
                        s->memory_bytes);
    give_places(s, &p);
    return LSQ_OK;
}

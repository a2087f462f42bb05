/*
 * plan.c - the order of questions.
 */
#include "tuner/plan.h"

#include <stdlib.h>

size_t kind_places(const kind *k, int with_crew, lsq_place places[PLACES_MAX])
{
    size_t count = 0;
    if (k->op == OP_gemv) { /* bound by decoding in the first caches, by reading in memory */
        for (int crew = 0; crew < (with_crew ? CREWS : 1); crew++)
            for (int class = 0; class < CLASSES; class ++)
                places[count++] = (lsq_place){class, LSQ_ANY, crew};
    } else if (k->op == OP_gemm) { /* its levels are always in the first cache, the columns are what differs */
        places[count++] = (lsq_place){LSQ_ANY, BATCH_few, LSQ_ANY};
        places[count++] = (lsq_place){LSQ_ANY, BATCH_many, LSQ_ANY};
    } else {
        places[count++] = lsq_everywhere;
    }
    return count;
}

lsq_place kernel_place(const kind *k, const lsq_place *where)
{
    lsq_place place = *where;
    if (k->op == OP_gemv && where->size_class < CLASS_l3)
        place.crew = CREW_one;
    if (k->op == OP_gemm && k->codec < CODEC_e8) /* straight from codes: by default of few columns alone */
        place.batch = BATCH_few;
    return place;
}

int place_number(enum lsq_op op, const lsq_place *where, enum lsq_tunable *number)
{
    if (op == OP_gemv && where->size_class >= CLASS_l3) /* where codes have to be waited for */
        *number = TUNABLE_prefetch;
    else if (op == OP_gemm && where->batch == BATCH_many)
        *number = TUNABLE_columns;
    else
        return 0;
    return 1;
}

int place_has_choice(const kind *k, const lsq_place *where)
{
    enum lsq_tunable number;
    return k->has_choice || place_number(k->op, where, &number);
}

int place_threshold(enum lsq_op op, const lsq_place *where, enum lsq_tunable *number)
{
    if (op == OP_gemv && where->crew == CREW_many)
        *number = TUNABLE_thread_bytes;
    else if (op == OP_expand)
        *number = TUNABLE_expand_from;
    else
        return 0;
    return 1;
}

int same_place(const lsq_place *a, const lsq_place *b)
{
    return a->size_class == b->size_class && a->batch == b->batch && a->crew == b->crew;
}

int question_matters(const question *q, const lsq_place *where)
{
    enum lsq_tunable number;
    const lsq_place source = kernel_place(q->kind, where);
    return q->threshold ? place_threshold(q->kind->op, where, &number) : same_place(&source, &q->where);
}

/* Vectors before columns, rounded before exact, running before encoding; of sizes, the quickest to tell slow kernels by comes first. */
static unsigned rank_of(const question *q)
{
    static const unsigned sizes[CLASSES] = {[CLASS_l2] = 0, [CLASS_l3] = 1, [CLASS_dram] = 2, [CLASS_l1] = 3};
    static const unsigned ops[OPS] = {
        [OP_gemv] = 0,   [OP_gemm] = 10,   [OP_expand] = 11, [OP_round] = 30,  [OP_decode] = 31,
        [OP_gemvt] = 32, [OP_roundt] = 33, [OP_encode] = 50, [OP_measure] = 51};
    unsigned rank = ops[q->kind->op];
    if (q->kind->op == OP_gemv)
        rank += (q->where.crew == CREW_many ? 20 : 0) + (q->threshold ? 5 : sizes[q->where.size_class]) +
                (q->kind->act == ACT_f32 ? 40 : 0);
    return rank + (q->threshold && q->kind->op == OP_expand);
}

static int by_rank(const void *a, const void *b)
{
    const question *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->kind < y->kind ? -1 : x->kind > y->kind;
}

question *plan_questions(kind *kinds, size_t kind_count, int with_crew, size_t *count)
{
    question *list = calloc(kind_count * (PLACES_MAX + 1) + 1, sizeof(*list));
    *count = 0;
    for (size_t i = 0; list && i < kind_count; i++) {
        lsq_place places[PLACES_MAX];
        enum lsq_tunable number;
        const size_t n = kind_places(&kinds[i], with_crew, places);
        int sought = 0;
        for (size_t p = 0; p < n; p++) {
            const lsq_place source = kernel_place(&kinds[i], &places[p]);
            if (same_place(&source, &places[p]) && place_has_choice(&kinds[i], &places[p]))
                list[(*count)++] = (question){.kind = &kinds[i], .where = places[p]};
            if (!sought && place_threshold(kinds[i].op, &places[p], &number)) {
                list[(*count)++] = (question){.kind = &kinds[i], .where = places[p], .threshold = 1, .number = number};
                sought = 1;
            }
        }
    }
    for (size_t i = 0; list && i < *count; i++)
        list[i].rank = rank_of(&list[i]);
    if (list)
        qsort(list, *count, sizeof(*list), by_rank);
    return list;
}

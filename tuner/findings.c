/*
 * findings.c - from answers to entries.
 */
#include "tuner/findings.h"

#include "tuner/plan.h"

#include <stdlib.h>
#include <string.h>

int findings_add(findings *found, const answer *a)
{
    answer *larger = realloc(found->answers, (found->count + 1) * sizeof(*larger));
    if (!larger)
        return 0;
    larger[found->count++] = *a;
    found->answers = larger;
    return 1;
}

void findings_free(findings *found)
{
    free(found->answers);
    free(found->wrong.list);
    *found = (findings){0};
}

static int is_about(const answer *a, const kind *k)
{
    return a->of.op == k->op && a->of.codec == k->codec && a->of.act == k->act;
}

static const answer *find(const findings *found, const kind *k, const lsq_place *where, int threshold)
{
    for (size_t i = 0; i < found->count; i++)
        if (is_about(&found->answers[i], k) && found->answers[i].threshold == threshold &&
            (threshold || same_place(&found->answers[i].of.where, where)))
            return &found->answers[i];
    return NULL;
}

const lsq_kernel *findings_kernel(const findings *found, const kind *k, const lsq_place *where)
{
    const answer *a = find(found, k, where, 0);
    return a ? a->chosen.kernel : NULL;
}

/* Of the whole product; 0 if it was not timed: there is no such product, or nothing was left to compare. */
static double product_ns(const answer *a, const candidate *c)
{
    if (a->weights <= 0 || c->ns.median <= 0)
        return 0;
    const double ns = c->ns.median * (double)a->rows * (double)a->columns / a->weights;
    return ns < 1 ? 1 : ns;
}

/*
 * What was found about one place, if that is all: its kernel, and its threshold if it has one. Where the default is wrong there is
 * something to say in any case.
 */
static int entry_of(const findings *found, const kind *k, const lsq_place *where, lsq_tune_entry *entry)
{
    enum lsq_tunable number;
    const lsq_place source = kernel_place(k, where);
    const int wants_threshold = place_threshold(k->op, where, &number), wants_kernels = place_has_choice(k, &source);
    const answer *kernels = find(found, k, &source, 0), *threshold = wants_threshold ? find(found, k, where, 1) : NULL;
    const int complete = (kernels || !wants_kernels) && (threshold || !wants_threshold);
    if ((!complete && !k->default_wrong) || !k->usual)
        return 0;
    *entry = (lsq_tune_entry){.kernel = k->usual, .tunables = lsq_tunables_default, .where = *where};
    const answer *timed = kernels && !is_usual(kernels)       ? kernels
                          : threshold && !is_usual(threshold) ? threshold
                                                              : kernels;
    if (kernels) {
        entry->kernel = kernels->chosen.kernel;
        entry->tunables = kernels->chosen.tunables;
    }
    if (threshold)
        entry->tunables.value[number] = threshold->chosen.tunables.value[number];
    if (timed) {
        entry->ns = product_ns(timed, &timed->chosen);
        entry->default_ns = k->default_wrong ? 0 : product_ns(timed, &timed->usual);
    }
    return 1;
}

static int is_default(const lsq_tune_entry *entry, const kind *k)
{
    return !k->default_wrong && entry->kernel == k->usual &&
           !memcmp(&entry->tunables, &lsq_tunables_default, sizeof(entry->tunables));
}

static int same_way(const lsq_tune_entry *a, const lsq_tune_entry *b)
{
    return a->kernel == b->kernel && !memcmp(&a->tunables, &b->tunables, sizeof(a->tunables));
}

/* If the last ones are for each size class of one crew, and all the same, then one says it for any. */
static void join_entries(lsq_tune *tune, size_t fresh)
{
    if (fresh < CLASSES)
        return;
    lsq_tune_entry *first = &tune->entries[tune->count - CLASSES];
    for (int i = 0; i < CLASSES; i++)
        if (first[i].where.size_class != i || !same_way(&first[i], first))
            return;
    first->ns = first[CLASS_l3].ns;
    first->default_ns = first[CLASS_l3].default_ns;
    first->where.size_class = LSQ_ANY;
    tune->count -= CLASSES - 1;
}

static void join_kept(lsq_tune *tune, size_t fresh)
{
    if (fresh < CLASSES)
        return;
    lsq_tune_kept *first = &tune->kept[tune->kept_count - CLASSES];
    for (int i = 0; i < CLASSES; i++)
        if (first[i].where.size_class != i)
            return;
    first->where.size_class = LSQ_ANY;
    tune->kept_count -= CLASSES - 1;
}

int findings_tune(const findings *found, const kind *kinds, size_t count, int with_crew, lsq_tune *tune)
{
    *tune = (lsq_tune){.entries = calloc(count * PLACES_MAX + 1, sizeof(*tune->entries)),
                       .kept = calloc(count * PLACES_MAX + 1, sizeof(*tune->kept))};
    if (!tune->entries || !tune->kept)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const kind *k = &kinds[i];
        lsq_place places[PLACES_MAX];
        /* Where the default is wrong, products on several threads must not fall back on it either. */
        const size_t n = kind_places(k, with_crew || k->default_wrong, places);
        const size_t entries = tune->count, kept = tune->kept_count;
        for (size_t p = 0; p < n; p++) {
            lsq_tune_entry entry;
            if (!entry_of(found, k, &places[p], &entry))
                continue;
            if (is_default(&entry, k))
                tune->kept[tune->kept_count++] =
                    (lsq_tune_kept){(uint8_t)k->op, (uint8_t)k->codec, (uint8_t)k->act, places[p]};
            else
                tune->entries[tune->count++] = entry;
            if (places[p].size_class == CLASS_dram) {
                join_entries(tune, tune->count - entries);
                join_kept(tune, tune->kept_count - kept);
            }
        }
    }
    return 1;
}

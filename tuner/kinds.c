/*
 * kinds.c - from the table of kernels to a contest for each kind of product and size.
 */
#include "tuner/kinds.h"

#include "tuner/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void gather(const lsq_cpu *cpu, const lsq_kernel *reference, kind *to)
{
    *to = (kind){.count = 0};
    snprintf(to->name, sizeof(to->name), "%s_%s_%s", lsq_op_names[reference->op], lsq_family_names[reference->codec],
             lsq_act_names[reference->act]);
    for (const lsq_kernel *row = reference; row < lsq_kernels + lsq_kernels_count; row++)
        if (row->op == reference->op && row->codec == reference->codec && row->act == reference->act &&
            lsq_kernel_runs(cpu, row) && to->count < CANDIDATES_MAX)
            to->rows[to->count++] = row;
}

kind *kinds_list(const lsq_cpu *cpu, size_t *count)
{
    kind *list = calloc(lsq_kernels_count, sizeof(*list));
    *count = 0;
    for (size_t i = 0; list && i < lsq_kernels_count; i++) {
        const lsq_kernel *row = &lsq_kernels[i];
        if (row != lsq_kernel_reference(row->op, row->codec, row->act))
            continue;
        gather(cpu, row, &list[*count]);
        *count += list[*count].count > 1;
    }
    return list;
}

/* Room for one more element; NULL if memory ran out. */
static void *one_more(void **array, size_t *count, size_t size)
{
    char *larger = realloc(*array, (*count + 1) * size);
    if (!larger)
        return NULL;
    *array = larger;
    return larger + (*count)++ * size;
}

static failure *add_failure(findings *found)
{
    void *array = found->failures;
    failure *added = one_more(&array, &found->failures_count, sizeof(*added));
    found->failures = array;
    return added;
}

static result *add_result(findings *found)
{
    void *array = found->results;
    result *added = one_more(&array, &found->results_count, sizeof(*added));
    found->results = array;
    return added;
}

int kind_verify(kind *k, findings *found, const volatile sig_atomic_t *stop)
{
    size_t right = 0;
    const lsq_kernel *reference = k->rows[0];
    for (size_t i = 0; i < k->count && !*stop; i++) {
        failure fault = {.kernel = k->rows[i]};
        verdict is = verify_kernel(fault.kernel, reference, fault.why, sizeof(fault.why));
        failure *place = is == WRONG ? add_failure(found) : NULL;
        if (is == NO_MEMORY || (is == WRONG && !place))
            return 0;
        if (place)
            *place = fault;
        else
            k->rows[right++] = fault.kernel;
    }
    k->count = right;
    return 1;
}

/* ---- Sizes ---- */

/*
 * In the middle of its class, for a matrix of a usual width: half of the first cache, the geometric mean of two caches, four
 * times the last one, so that no part of it is still there when the walk comes round.
 */
int class_product(const lsq_cpu *cpu, const lsq_format *format, enum lsq_size_class size_class, size_t *panels,
                  size_t *groups)
{
    static const size_t widths[CLASSES] = {8, 32, 64, 128};
    const double l1 = (double)cpu->l1d, l2 = (double)cpu->l2, l3 = (double)cpu->l3;
    const double last = l3 > l2 ? l3 : l2;
    const double targets[CLASSES] = {l1 / 2, sqrt(l1 * l2), sqrt(l2 * l3), 4 * last};
    *groups = widths[size_class];
    *panels = (size_t)(targets[size_class] / (double)product_bytes(format, CHAIN, *groups) * CHAIN);
    *panels = *panels ? *panels : 1;
    return lsq_size_class(cpu, product_bytes(format, *panels, *groups)) == size_class;
}

/* ---- Contests ---- */

static double walk_on(void *arg, const lsq_kernel *kernel, size_t panels)
{
    return walk_time(arg, kernel, panels);
}

contest_end kind_tune(const kind *k, const lsq_cpu *cpu, enum lsq_size_class size_class, uint8_t *packed, size_t bytes,
                      double budget, const volatile sig_atomic_t *stop, findings *found)
{
    lsq_format format = product_format(k->rows[0]->codec);
    result r = {.size_class = size_class};
    product p;
    if (!class_product(cpu, &format, size_class, &r.panels, &r.groups))
        return DECIDED;
    r.bytes = product_bytes(&format, r.panels, r.groups);
    if (r.bytes > bytes)
        return DECIDED;
    if (!product_make(&p, k->rows[0], &format, r.panels, r.groups, packed, 0))
        return OUT_OF_MEMORY;
    walk walker = {.p = &p};
    r.contest = (contest){.count = k->count, .usual = k->count - 1, .budget = budget, .time = walk_on, .stop = stop};
    r.contest.arg = &walker;
    for (size_t i = 0; i < k->count; i++)
        r.contest.candidates[i].kernel = k->rows[i];
    /* What fits a cache is in it when a product is repeated: so it is before the first timing. */
    if (size_class != CLASS_dram)
        product_run(&p, k->rows[r.contest.usual], 0, p.panels);
    contest_end end = contest_run(&r.contest);
    product_free(&p);
    r.contest.arg = NULL; /* the walk ends here */
    result *place = end == DECIDED ? add_result(found) : NULL;
    if (place)
        *place = r;
    return end == DECIDED && !place ? OUT_OF_MEMORY : end;
}

static double whole_product(const result *r, size_t i)
{
    double ns = r->contest.candidates[i].ns.median * (double)r->panels;
    return ns < 1 ? 1 : rint(ns);
}

lsq_tune_entry result_entry(const result *r)
{
    const contest *c = &r->contest;
    lsq_tune_entry entry = {.kernel = c->candidates[c->winner].kernel, .size_class = r->size_class, .threads = 1};
    entry.ns = whole_product(r, c->winner);
    if (c->runner_up != c->winner) {
        entry.runner_up = c->candidates[c->runner_up].kernel;
        entry.runner_up_ns = whole_product(r, c->runner_up);
    }
    return entry;
}

void findings_free(findings *found)
{
    free(found->results);
    free(found->failures);
    *found = (findings){0};
}

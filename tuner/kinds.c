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
        if (row != lsq_kernel_reference(row->op, row->codec, row->act) ||
            row->op > OP_decode) /* what several columns and transposed products are made of is not tuned */
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

/* Somebody on a walk round a product. */
typedef struct walker {
    product p;
    walk walk;
} walker;

static double walk_on(void *arg, const candidate *c, size_t panels)
{
    walker *w = arg;
    w->p.gemv.prefetch = c->tunables.value[TUNABLE_prefetch];
    return walk_time(&w->walk, c->kernel, panels);
}

static contest_end choose_kernel(contest *c, const kind *k)
{
    c->count = k->count;
    c->usual = k->count - 1;
    for (size_t i = 0; i < k->count; i++)
        c->candidates[i] = (candidate){.kernel = k->rows[i], .tunables = lsq_tunables_default};
    return contest_run(c);
}

/* How far ahead the winner should ask for codes. */
static contest_end choose_distance(contest *c, const lsq_kernel *kernel)
{
    const uint32_t *legal;
    for (c->count = 0; (legal = lsq_tunable_legal(TUNABLE_prefetch, c->count)); c->count++) {
        c->candidates[c->count] = (candidate){.kernel = kernel, .tunables = lsq_tunables_default};
        c->candidates[c->count].tunables.value[TUNABLE_prefetch] = *legal;
        if (*legal == lsq_tunables_default.value[TUNABLE_prefetch])
            c->usual = c->count;
    }
    return contest_run(c);
}

contest_end kind_tune(const kind *k, const lsq_cpu *cpu, enum lsq_size_class size_class, uint8_t *packed, size_t bytes,
                      double budget, const volatile sig_atomic_t *stop, findings *found)
{
    lsq_format format = product_format(k->rows[0]->codec);
    const int far = k->rows[0]->op == OP_gemv && size_class >= CLASS_l3; /* where codes have to be waited for */
    result r = {.size_class = size_class};
    walker w = {.walk.p = &w.p};
    if (!class_product(cpu, &format, size_class, &r.panels, &r.groups))
        return DECIDED;
    r.bytes = product_bytes(&format, r.panels, r.groups);
    if (r.bytes > bytes)
        return DECIDED;
    if (!product_make(&w.p, k->rows[0], &format, r.panels, r.groups, packed, 0))
        return OUT_OF_MEMORY;
    r.contest = r.ahead = (contest){.budget = far ? budget / 2 : budget, .time = walk_on, .arg = &w, .stop = stop};
    /* What fits a cache is in it when a product is repeated: so it is before the first timing. */
    if (size_class != CLASS_dram)
        product_run(&w.p, k->rows[k->count - 1], 0, w.p.panels);
    contest_end end = choose_kernel(&r.contest, k);
    if (end == DECIDED && far)
        end = choose_distance(&r.ahead, r.contest.candidates[r.contest.winner].kernel);
    product_free(&w.p);
    r.contest.arg = r.ahead.arg = NULL; /* the walk ends here */
    result *place = end == DECIDED ? add_result(found) : NULL;
    if (place)
        *place = r;
    return end == DECIDED && !place ? OUT_OF_MEMORY : end;
}

const candidate *result_winner(const result *r)
{
    return r->ahead.count ? &r->ahead.candidates[r->ahead.winner] : &r->contest.candidates[r->contest.winner];
}

static double whole_product(const result *r, const candidate *c)
{
    double ns = c->ns.median * (double)r->panels;
    return ns < 1 ? 1 : rint(ns);
}

lsq_tune_entry result_entry(const result *r)
{
    const contest *c = &r->contest;
    const candidate *winner = result_winner(r);
    lsq_tune_entry entry = {.kernel = winner->kernel,
                            .tunables = winner->tunables,
                            .size_class = r->size_class,
                            .threads = 1,
                            .ns = whole_product(r, winner)};
    if (c->runner_up != c->winner) {
        entry.runner_up = c->candidates[c->runner_up].kernel;
        entry.runner_up_ns = whole_product(r, &c->candidates[c->runner_up]);
    }
    return entry;
}

void findings_free(findings *found)
{
    free(found->results);
    free(found->failures);
    *found = (findings){0};
}

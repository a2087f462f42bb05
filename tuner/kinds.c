/*
 * kinds.c - from the table of kernels to kinds, right ones only.
 */
#include "tuner/kinds.h"

#include "tuner/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void gather(const lsq_cpu *cpu, const lsq_kernel *reference, kind *to)
{
    *to = (kind){.op = reference->op, .codec = reference->codec, .act = reference->act};
    snprintf(to->name, sizeof(to->name), "%s_%s_%s", lsq_op_names[reference->op], lsq_family_names[reference->codec],
             lsq_act_names[reference->act]);
    for (const lsq_kernel *row = reference; row < lsq_kernels + lsq_kernels_count; row++)
        if (row->op == reference->op && row->codec == reference->codec && row->act == reference->act &&
            lsq_kernel_runs(cpu, row) && to->count < CANDIDATES_MAX)
            to->rows[to->count++] = row;
    to->usual = to->count ? to->rows[to->count - 1] : NULL;
    to->has_choice = to->count > 1;
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
        *count += list[*count].count > 0;
    }
    return list;
}

static int add_failure(failures *all, const failure *one)
{
    failure *larger = realloc(all->list, (all->count + 1) * sizeof(*larger));
    if (!larger)
        return 0;
    larger[all->count++] = *one;
    all->list = larger;
    return 1;
}

int kind_check(kind *k, workshop *w, failures *found, const volatile sig_atomic_t *stop)
{
    const lsq_kernel *reference = k->rows[0], *last = k->rows[k->count - 1], *rights[CANDIDATES_MAX];
    size_t right = 0;
    if (k->checked)
        return 1;
    for (size_t i = 0; i < k->count && !*stop; i++) {
        failure fault = {.kernel = k->rows[i]};
        const verdict is = verify_kernel(w, fault.kernel, reference, fault.why, sizeof(fault.why));
        if (is == NO_MEMORY || (is == WRONG && !add_failure(found, &fault)))
            return 0;
        if (is == RIGHT)
            rights[right++] = fault.kernel;
    }
    if (*stop) /* of those that were not looked at nothing is known */
        return 1;
    memcpy(k->rows, rights, right * sizeof(*rights));
    k->count = right;
    k->usual = right ? k->rows[right - 1] : NULL;
    k->default_wrong = k->usual != last;
    k->checked = 1;
    return 1;
}

void kind_drop_slow(kind *k, const contest *c, double times)
{
    double best = 0;
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++)
        best = i == 0 || c->candidates[i].ns.median < best ? c->candidates[i].ns.median : best;
    for (size_t i = 0; i < c->count; i++) {
        const candidate *at = &c->candidates[i];
        if (at->kernel == k->usual || at->ns.median <= times * best)
            k->rows[kept++] = at->kernel;
    }
    k->count = kept;
}

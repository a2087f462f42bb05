#include "bench/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lsq_status append(bench_plan *plan, const char *name, const lsq_format *format, int rounding, bench_way way)
{
    bench_plan_row *rows = realloc(plan->rows, (plan->count + 1) * sizeof *rows);
    if (!rows)
        return LSQ_E_NOMEM;
    plan->rows = rows;
    bench_plan_row *row = &rows[plan->count++];
    *row = (bench_plan_row){.format = *format, .rounding = rounding, .way = way};
    snprintf(row->name, sizeof row->name, "%s", name);
    plan->widths[format->bits] = 1;
    return LSQ_OK;
}

lsq_status bench_plan_add(bench_plan *plan, const char *name, lsq_error *err)
{
    lsq_format format;
    char short_name[LSQ_FORMAT_NAME_MAX];
    lsq_status status = lsq_format_parse(name, &format, err);
    if (!status)
        status = lsq_format_name(&format, short_name);
    if (!status)
        status = append(plan, short_name, &format, LSQ_ROUND_PUBLISHED, BENCH_PACKED);
    if (!status)
        plan->rows[plan->count - 1].curve = strstr(name, ".curve") ? LSQ_CURVE_GIVEN : LSQ_CURVE_BEST;
    if (!status && format.codec == LSQ_CLASSIC)
        status = append(plan, short_name, &format, LSQ_ROUND_NEAREST, BENCH_PACKED);
    return status;
}

static lsq_status add_absmax(bench_plan *plan, unsigned bits)
{
    char name[LSQ_FORMAT_NAME_MAX];
    lsq_format format;
    snprintf(name, sizeof name, "c%u.none", bits);
    lsq_status status = lsq_format_parse(name, &format, NULL);
    snprintf(name, sizeof name, "c%u, absmax/32", bits);
    for (int rounding = LSQ_ROUND_PUBLISHED; !status && rounding <= LSQ_ROUND_NEAREST; rounding++)
        status = append(plan, name, &format, rounding, BENCH_CODE_ABSMAX_32);
    return status;
}

/* All widths of a codec, each with every qualifier of the list that ends with NULL. */
static lsq_status add_widths(bench_plan *plan, char codec, unsigned low, unsigned high, const char *const *qualifiers)
{
    lsq_status status = LSQ_OK;
    for (unsigned bits = low; bits <= high; bits++) {
        for (const char *const *q = qualifiers; !status && *q; q++) {
            char name[LSQ_FORMAT_NAME_MAX];
            snprintf(name, sizeof name, "%c%u%s", codec, bits, *q);
            status = bench_plan_add(plan, name, NULL);
        }
        if (!status && codec == 'c')
            status = add_absmax(plan, bits);
    }
    return status;
}

lsq_status bench_plan_usual(bench_plan *plan)
{
    static const char *const classic[] = {".none", ".byte32", NULL}, *const scalar[] = {".byte32", NULL};
    static const char *const trellis[] = {".nib32", ".nib16", NULL}, *const sign[] = {".row", NULL};
    lsq_status status = add_widths(plan, 'c', 3, 9, classic);
    if (!status)
        status = add_widths(plan, 's', 2, 9, scalar);
    if (!status)
        status = add_widths(plan, 't', 1, 6, trellis);
    return status ? status : add_widths(plan, 'b', 1, 1, sign);
}

lsq_status bench_plan_all(bench_plan *plan)
{
    static const char *const classic[] = {".none", ".tensor", ".row", ".byte32", NULL};
    static const char *const trellis[] = {".st4.nib32",   ".st8.nib32",   ".st16.nib32", ".st64.nib32", ".st4.nib16",
                                          ".st8.nib16",   ".st16.nib16",  ".st64.nib16", ".st4.byte32", ".st8.byte32",
                                          ".st16.byte32", ".st64.byte32", NULL};
    lsq_status status = add_widths(plan, 'c', 3, 9, classic);
    if (!status)
        status = add_widths(plan, 's', 2, 9, classic + 1);
    if (!status)
        status = add_widths(plan, 't', 1, 6, trellis);
    return status ? status : add_widths(plan, 'b', 1, 1, classic + 1);
}

lsq_status bench_plan_published(bench_plan *plan, const bench_plan *of)
{
    lsq_status status = LSQ_OK;
    for (unsigned bits = 3; bits <= BENCH_BITS_MAX; bits++) {
        size_t i = 0;
        while (i < of->count && (of->rows[i].format.codec != LSQ_CLASSIC || of->rows[i].format.bits != bits))
            i++;
        if (i == of->count)
            continue;
        char name[LSQ_FORMAT_NAME_MAX];
        snprintf(name, sizeof name, "c%u, code alone", bits);
        for (int rounding = LSQ_ROUND_PUBLISHED; !status && rounding <= LSQ_ROUND_NEAREST; rounding++)
            status = append(plan, name, &of->rows[i].format, rounding, BENCH_CODE_ALONE);
    }
    return status;
}

void bench_plan_free(bench_plan *plan)
{
    free(plan->rows);
    *plan = (bench_plan){0};
}

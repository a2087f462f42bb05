/*
 * bar.c - counts as bars of text.
 */
#include "tools/bar.h"
#include "tools/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void bar_add(bar_chart *chart, const char *label, uint64_t count)
{
    snprintf(chart->bars[chart->count].label, BAR_LABEL_MAX, "%s", label);
    chart->bars[chart->count++].count = count;
}

void bar_print(const bar_chart *chart, const arguments *args, const char *head)
{
    enum { LONGEST = 36 };
    static const char full[LONGEST + 1] = "####################################";
    const char *heads[] = {head, ">numbers", ">share", ""};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    uint64_t most = 1;
    double all = 0;
    for (size_t i = 0; i < chart->count; i++) {
        most = chart->bars[i].count > most ? chart->bars[i].count : most;
        all += (double)chart->bars[i].count;
    }
    for (size_t i = 0; i < chart->count; i++) {
        const uint64_t count = chart->bars[i].count;
        table_cell(t, "%s", chart->bars[i].label);
        table_cell(t, "%" PRIu64, count);
        table_cell(t, "%.2f %%", all > 0 ? 100 * (double)count / all : 0);
        table_cell(t, "%.*s", (int)((double)count / (double)most * LONGEST + 0.5), full);
    }
    table_print(t, args);
}

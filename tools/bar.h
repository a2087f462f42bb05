/*
 * bar.h - counts as bars of text, within 80 columns.
 */
#ifndef LSQ_TOOLS_BAR_H
#define LSQ_TOOLS_BAR_H

#include "tools/options.h"

#include <stdint.h>

enum { BAR_LABEL_MAX = 24, BAR_COUNT_MAX = 32 };

typedef struct bar_chart {
    struct {
        char label[BAR_LABEL_MAX];
        uint64_t count;
    } bars[BAR_COUNT_MAX];
    size_t count;
} bar_chart;

/* At most BAR_COUNT_MAX of them. */
void bar_add(bar_chart *chart, const char *label, uint64_t count);

/* A head, then for each bar its label, its count, its share of all counts and the bar: the longest one fills its line. */
void bar_print(const bar_chart *chart, const arguments *args, const char *head);

#endif

/*
 * goal.c - what a whole model is to reach.
 */
#include "tools/goal.h"
#include "tools/messages.h"
#include "tools/numbers.h"

#include <stdio.h>

static int read_number(const arguments *args, goal *g, const char *text)
{
    g->number = g->kind == MAX_SIZE ? bytes_read(text) : number_read(text);
    if (g->number > 0 && g->number <= 0x1p62)
        return CARRY_ON;
    if (g->kind == MAX_SIZE)
        return usage_error(args, "--max-size takes bytes, as 1000000, 500K or 1.5GiB, not '%s'", text);
    return usage_error(args, "--%s takes a number above 0, not '%s'", g->option, text);
}

int goal_read(const arguments *args, size_t first, goal *g)
{
    *g = (goal){0};
    for (size_t i = 0; i < 3; i++) {
        if (!args->values[first + i])
            continue;
        const char *option = args->command->options[first + i].name;
        if (g->option)
            return usage_error(args, "--%s and --%s exclude each other", g->option, option);
        *g = (goal){.kind = (goal_kind)(BITS_PER_WEIGHT + i), .option = option};
        int code = read_number(args, g, args->values[first + i]);
        if (code != CARRY_ON)
            return code;
    }
    return CARRY_ON;
}

const char *goal_text(const goal *g, char text[GOAL_TEXT_MAX])
{
    if (g->kind == MAX_SIZE)
        snprintf(text, GOAL_TEXT_MAX, "%.0f bytes", g->number);
    else
        snprintf(text, GOAL_TEXT_MAX, g->kind == TARGET_SNR ? "%g dB" : "%g bits per weight", g->number);
    return text;
}

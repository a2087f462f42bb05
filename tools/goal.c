/*
 * goal.c - what a whole model is to reach.
 */
#include "tools/goal.h"
#include "tools/messages.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a unit: K and KiB are 1024, KB is 1000, as in GNU programs; 0 if there is no such unit. */
static double unit_bytes(const char *unit)
{
    static const char letters[] = "KMGT";
    const char *letter = *unit ? strchr(letters, toupper((unsigned char)*unit)) : NULL;
    if (!*unit || strcmp(unit, "B") == 0)
        return 1;
    if (!letter)
        return 0;
    double power = (double)(letter - letters + 1);
    if (strcmp(unit + 1, "B") == 0)
        return pow(1000, power);
    return unit[1] == 0 || strcmp(unit + 1, "iB") == 0 ? pow(1024, power) : 0;
}

/* A decimal number above 0 and what stands behind it; 0 if there is none. */
static double leading_number(const char *text, const char **rest)
{
    char *end;
    double number = isdigit((unsigned char)*text) || *text == '.' ? strtod(text, &end) : 0;
    *rest = number > 0 ? end : "";
    return isfinite(number) ? number : 0;
}

static int read_number(const arguments *args, goal *g, const char *text)
{
    const char *rest;
    double number = leading_number(text, &rest), unit = g->kind == MAX_SIZE ? unit_bytes(rest) : *rest == 0;
    g->number = g->kind == MAX_SIZE ? floor(number * unit) : number;
    if (number > 0 && unit > 0 && g->number <= 0x1p62)
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

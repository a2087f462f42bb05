/*
 * numbers.c - numbers and bytes as people write them, and as they are told.
 */
#include "tools/numbers.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a unit; 0 if there is no such unit. */
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

/* A number above 0 and what stands behind it; 0 if there is none. */
static double leading_number(const char *text, const char **rest)
{
    char *end;
    double number = isdigit((unsigned char)*text) || *text == '.' ? strtod(text, &end) : 0;
    *rest = number > 0 ? end : "";
    return isfinite(number) ? number : 0;
}

double number_read(const char *text)
{
    const char *rest;
    double number = leading_number(text, &rest);
    return *rest == 0 ? number : 0;
}

double bytes_read(const char *text)
{
    const char *rest;
    double number = leading_number(text, &rest), bytes = floor(number * unit_bytes(rest));
    return bytes <= 0x1p62 ? bytes : 0;
}

const char *bytes_text(double bytes, char text[NUMBER_TEXT_MAX])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof *units && bytes >= 999.95) { /* what would be printed as 1000.0 */
        bytes /= 1000;
        unit++;
    }
    snprintf(text, NUMBER_TEXT_MAX, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

const char *seconds_text(double seconds, char text[NUMBER_TEXT_MAX])
{
    const char *form = seconds >= 999.5 && seconds < 1e7 ? "%.0f" : "%.3g";
    snprintf(text, NUMBER_TEXT_MAX, form, seconds);
    return text;
}

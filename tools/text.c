/*
 * text.c - strings from files and command lines, made safe to print.
 */
#include "tools/text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one code point of well formed UTF-8; returns its bytes, or 0. */
static size_t decode(const unsigned char *s, uint32_t *point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = s[0] < 0x80 ? 1 : s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] >= 0x80 && (s[0] < 0xc0 || s[0] >= 0xf8))
        return 0;
    *point = bytes == 1 ? s[0] : s[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80) /* also the final NUL: nothing behind it is read */
            return 0;
        *point = *point << 6 | (s[i] & 0x3f);
    }
    return *point < least[bytes] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000) ? 0 : bytes;
}

/* Control characters, and what turns, hides or breaks a line of text: bidirectional marks, zero widths, separators. */
static int harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

char *text_escape(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    /* The longest escape for its length: one byte becomes the four of \x1b. */
    char *safe = malloc(4 * strlen(text) + 1), *end = safe;
    if (!safe)
        return NULL;
    while (*s) {
        uint32_t c = 0;
        size_t bytes = decode(s, &c);
        if (!bytes)
            end += sprintf(end, "\\x%02x", *s);
        else if (c == '\n')
            end = stpcpy(end, "\\n");
        else if (c == '\\')
            end = stpcpy(end, "\\\\");
        else if (c < 0x80 && harmful(c))
            end += sprintf(end, "\\x%02x", *s);
        else if (harmful(c))
            end += sprintf(end, "\\u%04x", (unsigned)c);
        else {
            memcpy(end, s, bytes);
            end += bytes;
        }
        s += bytes ? bytes : 1;
    }
    *end = 0;
    return safe;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

json_t *text_json(const char *text)
{
    json_t *string = json_string(text); /* NULL unless UTF-8 */
    if (string)
        return string;
    char *safe = text_escape(text);
    string = safe ? json_string(safe) : NULL;
    free(safe);
    return string;
}

json_t *number_json(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

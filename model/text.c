/*
 * text.c - texts out of files: which may be names, and copies of them.
 */
#include "model/text.h"
#include "model/limits.h"
#include <stdlib.h>
#include <string.h>

/*
 * The table of well-formed sequences (Unicode, table 3-7): the first byte gives the length, and the second byte's range
 * keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
 */
size_t lsq_utf8_step(const uint8_t *text, size_t left)
{
    if (left == 0)
        return 0;
    uint8_t first = text[0], low = 0x80, high = 0xbf;
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    if (first == 0xed)
        high = 0x9f;
    if (first == 0xf0)
        low = 0x90;
    if (first == 0xf4)
        high = 0x8f;
    if (left < length || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

const char *lsq_name_fault(const char *name, size_t length)
{
    if (length == 0)
        return "is empty";
    if (length > LSQ_NAME_MAX)
        return "is longer than 1024 bytes";
    const uint8_t *p = (const uint8_t *)name;
    for (size_t left = length; left;) {
        size_t step = lsq_utf8_step(p, left);
        if (step == 0)
            return "is not UTF-8";
        if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0))
            return "contains a control character";
        p += step;
        left -= step;
    }
    return NULL;
}

char *lsq_copy_text(const void *text, size_t length)
{
    char *copy = length < SIZE_MAX ? malloc(length + 1) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

/*
 * names.c - what the names of tensors tell: their layer, and what is left of one where there is little room.
 */
#include "tools/names.h"
#include "tools/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DOTS = 3 };

size_t layer_name_length(const char *name)
{
    size_t ends_in_one = 0;
    for (size_t at = 0; name[at];) {
        size_t length = strcspn(name + at, "./"), digits = 0;
        while (digits < length && isdigit((unsigned char)name[at + length - 1 - digits]))
            digits++;
        if (digits && digits == length)
            return at + length;
        if (digits && !ends_in_one)
            ends_in_one = at + length;
        at += length + (name[at + length] != 0);
    }
    return ends_in_one;
}

static size_t bytes_of(const char *text, size_t characters)
{
    size_t bytes = 0;
    while (text[bytes] && characters-- > 0)
        do
            bytes++;
        while ((text[bytes] & 0xc0) == 0x80);
    return bytes;
}

/* So many characters of the beginning and of the end. */
static void print_ends(const char *name, size_t before, size_t behind)
{
    printf("%.*s...%s", (int)bytes_of(name, before), name, name + bytes_of(name, text_width(name) - behind));
}

static void shorten(const char *name, size_t width)
{
    enum { TAIL_LEAST = 8 };
    const size_t room = width - DOTS, layer_end = layer_name_length(name);
    size_t layer = layer_end, before = room / 3;
    while (layer > 0 && !strchr("./", name[layer - 1]))
        layer--;
    /* Characters: from the layer's number to the end, that number, and what is in front of it. */
    const size_t end = text_width(name + layer), number = end - text_width(name + layer_end),
                 front = text_width(name) - end;
    if (layer_end && end <= room && room - end < before)
        before = room - end;
    if (layer_end && end > room && front + number > before && number + DOTS + TAIL_LEAST <= room) {
        fputs("...", stdout);
        print_ends(name + layer, number, room - DOTS - number);
    } else
        print_ends(name, before, room - before);
}

void name_print(const char *name, size_t width)
{
    enum { LEAST = 8 };
    const size_t blanks = strspn(name, " ");
    if (text_width(name) <= width)
        fputs(name, stdout);
    else {
        printf("%*s", (int)blanks, "");
        shorten(name + blanks, width > blanks + LEAST ? width - blanks : LEAST);
    }
}

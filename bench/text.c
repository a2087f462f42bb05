#include "bench/text.h"

#include <jansson.h>

#include <stdio.h>

void bench_text_copy(char *copy, size_t size, const char *text)
{
    snprintf(copy, size, "%s", text);
    json_t *string = json_string(copy);
    const int is_utf8 = string != NULL;
    json_decref(string);
    for (char *c = copy; *c; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (byte < 32 || byte == 127 || (byte > 127 && !is_utf8))
            *c = '?';
    }
}

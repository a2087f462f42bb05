/*
 * gguf_script.h - GGUF files as short scripts.
 */
#ifndef LSQ_TESTS_GGUF_SCRIPT_H
#define LSQ_TESTS_GGUF_SCRIPT_H

#include "tests/hostile.h"

#include <stdint.h>

static inline uint64_t number_after(const char **at)
{
    char *end;
    const uint64_t value = strtoull(*at, &end, 10);
    *at = end;
    return value;
}

/*
 * "GGUF" and what a script says, words with a space between them; free() it. b, h, i and q: a number of 1, 2, 4 and 8 bytes. s: a
 * string. S: one of so many letters x. z: so many bytes. a: zeros up to a multiple of that.
 */
static inline uint8_t *file_of(const char *script, size_t *size)
{
    uint8_t *bytes = calloc(1, 1 << 14);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, "GGUF", 4);
    uint8_t *to = bytes + 4;
    for (const char *at = script; *at; at += *at == ' ') {
        const char word = *at++;
        if (word == 's') {
            const size_t length = strcspn(at, " ");
            *to = (uint8_t)length;
            memcpy(to + 8, at, length);
            to += 8 + length;
            at += length;
            continue;
        }
        const uint64_t value = number_after(&at);
        const unsigned width = word == 'b' ? 1 : word == 'h' ? 2 : word == 'i' ? 4 : word == 'q' || word == 'S' ? 8 : 0;
        for (unsigned i = 0; i < width; i++)
            to[i] = (uint8_t)(value >> (8 * i));
        to += width;
        if (word == 'S')
            memset(to, 'x', value);
        to += word == 'S' || word == 'z' ? value : word == 'a' ? (0 - (uint64_t)(to - bytes)) % value : 0;
    }
    *size = (size_t)(to - bytes);
    ck_assert_uint_le(*size, 1 << 14);
    uint8_t *exact = malloc(*size + 1); /* sanitizers see the end */
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, *size);
    free(bytes);
    return exact;
}

static inline lsq_model *open_file(const char *path)
{
    lsq_model *model = NULL;
    lsq_error err;
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_OK, "%s", err.text);
    return model;
}

#endif

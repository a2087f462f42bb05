/*
 * onnx_text.h - messages of Protocol Buffers, written as text: 7:{1:'a' 2:-1 3:#00ff 4:=1.5} is a field 7 with a
 * message in it, whose fields are bytes, a varint, bytes again, and a float32. !ff is a byte as it is, which need not
 * be right.
 */
#ifndef LSQ_TESTS_ONNX_TEXT_H
#define LSQ_TESTS_ONNX_TEXT_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ONNX_TEXT_MAX = 1 << 16 };

typedef struct {
    const char *text;
    size_t size;
    uint8_t bytes[ONNX_TEXT_MAX];
} onnx_text;

static inline void onnx_byte(onnx_text *t, unsigned byte)
{
    ck_assert_uint_lt(t->size, ONNX_TEXT_MAX);
    t->bytes[t->size++] = (uint8_t)byte;
}

static inline void onnx_varint(onnx_text *t, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        onnx_byte(t, 0x80 | (value & 0x7f));
    onnx_byte(t, (unsigned)value);
}

static inline unsigned onnx_hex(onnx_text *t)
{
    unsigned byte = 0;
    ck_assert_int_eq(sscanf(t->text, "%2x", &byte), 1);
    t->text += 2;
    return byte;
}

/* Puts the length of what was written since `start`, and a tag, before it. */
static inline void onnx_close(onnx_text *t, unsigned number, size_t start)
{
    static uint8_t inner[ONNX_TEXT_MAX];
    const size_t size = t->size - start;
    memcpy(inner, t->bytes + start, size);
    t->size = start;
    onnx_varint(t, number << 3 | 2);
    onnx_varint(t, size);
    for (size_t i = 0; i < size; i++)
        onnx_byte(t, inner[i]);
}

/* Fields up to the end of the text, or a brace. */
static inline void onnx_fields(onnx_text *t)
{
    while (*t->text && *t->text != '}') {
        const size_t start = t->size;
        if (*t->text == ' ') {
            t->text++;
            continue;
        }
        if (*t->text == '!') {
            t->text++;
            onnx_byte(t, onnx_hex(t));
            continue;
        }
        char *after;
        const unsigned number = (unsigned)strtoul(t->text, &after, 10);
        ck_assert_msg(*after == ':', "no field: %s", t->text);
        t->text = after + 1;
        const char kind = *t->text;
        if (kind == '{') {
            t->text++;
            onnx_fields(t);
            ck_assert_int_eq(*t->text, '}');
            t->text++;
            onnx_close(t, number, start);
        } else if (kind == '\'') {
            for (t->text++; *t->text != '\''; t->text++)
                onnx_byte(t, (uint8_t)*t->text);
            t->text++;
            onnx_close(t, number, start);
        } else if (kind == '#') {
            for (t->text++; *t->text && !strchr(" }", *t->text);)
                onnx_byte(t, onnx_hex(t));
            onnx_close(t, number, start);
        } else if (kind == '=') {
            const float value = strtof(t->text + 1, &after);
            uint32_t bits;
            memcpy(&bits, &value, sizeof(bits));
            onnx_varint(t, number << 3 | 5);
            for (unsigned i = 0; i < 4; i++)
                onnx_byte(t, bits >> 8 * i & 0xff);
            t->text = after;
        } else {
            onnx_varint(t, number << 3);
            onnx_varint(t, kind == '-' ? (uint64_t)strtoll(t->text, &after, 10) : strtoull(t->text, &after, 10));
            ck_assert_msg(after != t->text, "no value: %s", t->text);
            t->text = after;
        }
    }
}

static inline void onnx_write(onnx_text *t, const char *text)
{
    t->text = text;
    t->size = 0;
    onnx_fields(t);
    ck_assert_int_eq(*t->text, 0);
}

#endif

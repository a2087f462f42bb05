/*
 * text.h - texts out of files: which may be names, and copies of them.
 */
#ifndef LSQ_MODEL_TEXT_H
#define LSQ_MODEL_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed UTF-8 sequence at `text`, of which `left` bytes are there; 0 if there is none. */
size_t lsq_utf8_step(const uint8_t *text, size_t left);

/*
 * Why these bytes cannot be the name of a tensor, or NULL if they can: 1..LSQ_NAME_MAX bytes of UTF-8 without NUL and
 * other control characters.
 */
const char *lsq_name_fault(const char *name, size_t length);

/*
 * A copy of so many bytes with a NUL behind it; free() it. NULL: no memory. Unlike strndup() it reads them as bytes, so
 * nothing need follow the last one.
 */
char *lsq_copy_text(const void *text, size_t length);

#endif

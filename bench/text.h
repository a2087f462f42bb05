/*
 * text.h - names from outside, made fit to print.
 */
#ifndef LSQ_BENCH_TEXT_H
#define LSQ_BENCH_TEXT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Copies as much of `text` as fits into `size` bytes, with a final NUL. Control characters become '?', and so does every byte
 * above 127 if the text is not UTF-8: what comes out neither moves a terminal's cursor nor breaks a JSON document.
 */
void bench_text_copy(char *copy, size_t size, const char *text);

#ifdef __cplusplus
}
#endif

#endif

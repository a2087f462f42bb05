/*
 * text.h - strings from files and command lines, made safe to print.
 */
#ifndef LSQ_TOOLS_TEXT_H
#define LSQ_TOOLS_TEXT_H

#include <jansson.h>

/*
 * A copy (malloc; NULL: out of memory) that can be printed on any terminal and stays on its line: control characters,
 * the Unicode ones that turn or hide text, bytes that are not UTF-8 and backslashes become \n, \x1b, \u202e, \\.
 */
char *text_escape(const char *text);

/* Characters a terminal shows for it, taking each code point for one column. */
size_t text_width(const char *text);

/* As a JSON string; the bytes of a text that is not UTF-8 are escaped as above. */
json_t *text_json(const char *text);

/* As a JSON number; null for what is none. */
json_t *number_json(double number);

#endif

/*
 * json.h - JSON that nobody vouches for.
 */
#ifndef LSQ_MODEL_JSON_H
#define LSQ_MODEL_JSON_H

#include <jansson.h>
#include <lsq/lsq.h>

/* What shows before anything is parsed or allocated. On text that is not JSON, it means nothing. */
typedef struct lsq_json_outline {
    unsigned deepest;    /* brackets open at one place */
    int nested_in_array; /* an array holds more than plain values: up to 80 bytes of memory for one of text */
    int unfinished;      /* the text ends within a string, an array or an object */
} lsq_json_outline;

lsq_json_outline lsq_json_look(const void *bytes, size_t size);

/*
 * Parses one JSON value that fills `bytes` (white space around it is allowed). A key given twice, bad UTF-8, a string
 * with NUL or a nesting deeper than LSQ_JSON_DEPTH_MAX is LSQ_E_MALFORMED; LSQ_E_NOMEM. The caller json_decref()s it.
 */
lsq_status lsq_json_parse(const void *bytes, size_t size, const char *where, json_t **root, lsq_error *err);

#endif

/*
 * describe.h - JSON that is whole or not there: where memory runs out, what was being made becomes NULL, and stays so.
 */
#ifndef LSQ_DISPATCH_DESCRIBE_H
#define LSQ_DISPATCH_DESCRIBE_H

#include "dispatch/context.h"

/* The array with one item more, the object with one member more; NULL, and both freed, if one is NULL or memory ran out. */
json_t *lsq_describe_add(json_t *array, json_t *item);
json_t *lsq_describe_set(json_t *object, const char *key, json_t *value);

/* Writes a document as lsq_describe() does, frees it, and returns its length; 0 if it is NULL. */
size_t lsq_describe_put(json_t *document, char *text, size_t size);

#endif

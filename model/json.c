/*
 * json.c - JSON that nobody vouches for: Jansson, with the nesting bounded before it recurses.
 */
#include "model/json.h"
#include "model/limits.h"
#include "model/model.h"

#include <errno.h>
#include <string.h>

lsq_json_outline lsq_json_look(const void *bytes, size_t size)
{
    const char *text = bytes;
    lsq_json_outline seen = {0, 0, 0};
    unsigned depth = 0;
    int in_string = 0, in_array = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            seen.nested_in_array |= in_array;
            in_array = c == '[';
            if (++depth > seen.deepest)
                seen.deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            in_array = 0; /* or the array around it, but then nested_in_array is set for good */
            depth--;
        }
    }
    seen.unfinished = in_string || depth > 0;
    return seen;
}

lsq_status lsq_json_parse(const void *bytes, size_t size, const char *where, json_t **root, lsq_error *err)
{
    if (lsq_json_look(bytes, size).deepest > LSQ_JSON_DEPTH_MAX)
        return lsq_fail(err, LSQ_E_MALFORMED, where, "JSON nested deeper than %d", LSQ_JSON_DEPTH_MAX);
    json_error_t fault;
    memset(&fault, 0, sizeof fault);
    errno = 0; /* where memory runs out within a string, Jansson finds fault with the text; malloc tells the truth */
    *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &fault);
    if (*root)
        return LSQ_OK;
    if (errno == ENOMEM || fault.text[0] == '\0' || json_error_code(&fault) == json_error_out_of_memory)
        return lsq_fail(err, LSQ_E_NOMEM, where, "no memory for %zu bytes of JSON", size);
    return lsq_fail(err, LSQ_E_MALFORMED, where, "JSON, byte %d: %s", fault.position, fault.text);
}

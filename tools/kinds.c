/*
 * kinds.c - the ways in which the tensors of a model are stored, found by their names.
 */
#include "tools/kinds.h"
#include "tools/tensors.h"

#include <stdlib.h>
#include <string.h>

static void name_of(const lsq_model *model, size_t i, char name[LSQ_FORMAT_NAME_MAX])
{
    char text[LSQ_FORMAT_NAME_MAX];
    const char *blocks = lsq_model_blocks(model, i, NULL);
    const char *stored = blocks ? blocks : storage_text(lsq_model_tensor(model, i), text);
    const char *curve = strstr(stored, ".curve");
    const size_t length = curve ? (size_t)(curve - stored) : strlen(stored);
    const char *rest = curve ? curve + strcspn(curve + 1, ".") + 1 : "";
    snprintf(name, LSQ_FORMAT_NAME_MAX, "%.*s%s", (int)length, stored, rest);
}

/* The place of the kind of that name, a new one if there is none. -1: out of memory. */
static json_int_t place_of(kinds *k, json_t *places, const char *name)
{
    const json_t *known = json_object_get(places, name);
    if (known)
        return json_integer_value(known);
    kind *each = realloc(k->each, (k->count + 1) * sizeof *each);
    if (!each)
        return -1;
    k->each = each;
    each[k->count] = (kind){0};
    memcpy(each[k->count].name, name, strlen(name) + 1);
    return json_object_set_new(places, name, json_integer((json_int_t)k->count)) == 0 ? (json_int_t)k->count++ : -1;
}

lsq_status kinds_count(kinds *k, const lsq_model *model)
{
    const size_t count = lsq_model_count(model);
    json_t *places = json_object();
    *k = (kinds){.of = calloc(count ? count : 1, sizeof *k->of)};
    lsq_status status = places && k->of ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; status == LSQ_OK && i < count; i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        char name[LSQ_FORMAT_NAME_MAX];
        name_of(model, i, name);
        const json_int_t place = place_of(k, places, name);
        if (place < 0) {
            status = LSQ_E_NOMEM;
            break;
        }
        kind *its = &k->each[place];
        k->of[i] = (unsigned)place;
        its->quantised = t->quantised != 0;
        its->tensors++;
        its->elements += t->elements;
        its->bytes += file_bytes(model, i);
    }
    json_decref(places);
    return status;
}

void kinds_free(kinds *k)
{
    free(k->each);
    free(k->of);
    *k = (kinds){0};
}

json_t *kinds_json(const kinds *k)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < k->count; i++) {
        const kind *its = &k->each[i];
        json_t *object =
            json_pack("{s:s, s:b, s:I, s:I, s:I, s:f}", "stored_as", its->name, "quantised", its->quantised, "tensors",
                      (json_int_t)its->tensors, "elements", (json_int_t)its->elements, "bytes", (json_int_t)its->bytes,
                      "bits_per_weight", bits_per_weight(its->bytes, its->elements));
        if (json_array_append_new(array, object) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/*
 * tensors.c - how a tensor and the file around it are told.
 */
#include "tools/tensors.h"
#include "tools/messages.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>

const char *shape_text(const lsq_tensor *t, char text[SHAPE_TEXT_MAX])
{
    int at = 0;
    for (unsigned i = 0; i < t->rank; i++)
        at += snprintf(text + at, (size_t)(SHAPE_TEXT_MAX - at), "%s%" PRIu64, i ? " x " : "", t->shape[i]);
    if (!t->rank)
        snprintf(text, SHAPE_TEXT_MAX, "()");
    return text;
}

const char *storage_text(const lsq_tensor *t, char text[LSQ_FORMAT_NAME_MAX])
{
    const char *dtype = lsq_dtype_name(t->dtype);
    if (!t->quantised)
        return dtype ? dtype : "?";
    /* Version 1 files have widths that no product takes and lsq_format_name() refuses. */
    if (lsq_format_name(&t->format, text) != LSQ_OK)
        snprintf(text, LSQ_FORMAT_NAME_MAX, "c%u.none", t->format.bits);
    return text;
}

double bits_per_weight(uint64_t bytes, uint64_t elements)
{
    return elements ? 8.0 * (double)bytes / (double)elements : 0;
}

json_t *tensor_json(const lsq_tensor *t)
{
    char storage[LSQ_FORMAT_NAME_MAX];
    const char *dtype = lsq_dtype_name(t->dtype);
    json_t *shape = json_array();
    for (unsigned i = 0; i < t->rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    json_t *tensor = json_pack("{s:s, s:s, s:o, s:I, s:I, s:f}", "name", t->name, "dtype", dtype ? dtype : "?", "shape",
                               shape, "elements", (json_int_t)t->elements, "bytes", (json_int_t)t->bytes,
                               "bits_per_weight", bits_per_weight(t->bytes, t->elements));
    if (!tensor || !t->quantised)
        return tensor;
    json_t *view = json_pack("{s:s, s:i, s:I, s:I}", "codec", storage_text(t, storage), "output_axis",
                             (int)t->output_axis, "rows", (json_int_t)t->rows, "columns", (json_int_t)t->columns);
    if (!view || json_object_update(tensor, view) != 0) {
        json_decref(tensor);
        tensor = NULL;
    }
    json_decref(view);
    return tensor;
}

json_t *metadata_json(const lsq_model *model)
{
    json_t *object = json_object();
    const char *key, *value;
    for (size_t i = 0; object && lsq_model_metadata(model, i, &key, &value); i++)
        if (json_object_set_new(object, key, json_string(value)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

int open_model(arguments *args, const char *path, unsigned flags, lsq_model **model)
{
    lsq_error err = {0};
    lsq_status status = lsq_model_open(path, flags, model, &err);
    if (status != LSQ_OK)
        return library_failure(args, status, &err);
    for (size_t i = 0; lsq_model_warning(*model, i); i++)
        warning(args, "%s", lsq_model_warning(*model, i));
    return CARRY_ON;
}

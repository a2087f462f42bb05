/*
 * tensors.c - how a tensor and the file around it are told.
 */
#include "tools/tensors.h"
#include "tools/messages.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static const char *const families[] = {
    [LSQ_CLASSIC] = "classic", [LSQ_SCALAR] = "scalar", [LSQ_TRELLIS] = "trellis", [LSQ_SIGN] = "sign"};
static const char *const scales[] = {
    [LSQ_SCALE_NONE] = "none",     [LSQ_SCALE_TENSOR] = "tensor",  [LSQ_SCALE_ROW] = "row",
    [LSQ_SCALE_BYTE32] = "byte32", [LSQ_SCALE_NIBBLE32] = "nib32", [LSQ_SCALE_NIBBLE16] = "nib16"};

/* The parameter s of the curve, as lsq.h numbers them. */
static double curve_of(const lsq_format *f)
{
    return f->curve < 7 ? -0.5 * f->curve : f->bits - 1;
}

static int known(const lsq_format *f)
{
    return f->codec < sizeof families / sizeof *families && f->scale < sizeof scales / sizeof *scales;
}

const char *format_text(const lsq_tensor *t, char text[FORMAT_TEXT_MAX])
{
    const lsq_format *f = &t->format;
    char states[24] = "", curve[24] = "", outliers[32] = "";
    *text = 0;
    if (!t->quantised || !known(f))
        return text;
    if (f->states)
        snprintf(states, sizeof states, ", %u states", f->states);
    if (f->codec != LSQ_SIGN)
        snprintf(curve, sizeof curve, ", curve %g", curve_of(f));
    if (t->outliers)
        snprintf(outliers, sizeof outliers, ", %.2f %% outliers", 100.0 * (double)t->outliers / (double)t->elements);
    snprintf(text, FORMAT_TEXT_MAX, "%s, %u bits, scale %s%s%s%s", families[f->codec], f->bits, scales[f->scale],
             states, curve, outliers);
    return text;
}

static json_t *format_json(const lsq_format *f)
{
    if (!known(f))
        return json_null();
    return json_pack("{s:s, s:i, s:s, s:i, s:f}", "family", families[f->codec], "code_bits", (int)f->bits, "scale",
                     scales[f->scale], "states", (int)f->states, "curve", curve_of(f));
}

uint64_t file_bytes(const lsq_model *model, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    if (t->quantised && strcmp(lsq_model_format(model), "lsq1") == 0)
        return lsq_bit_string_bytes(t->format.bits, (size_t)t->elements);
    uint64_t bytes = t->bytes + t->outlier_bytes;
    lsq_model_blocks(model, i, &bytes);
    return bytes;
}

double bits_per_weight(uint64_t bytes, uint64_t elements)
{
    return elements ? 8.0 * (double)bytes / (double)elements : 0;
}

json_t *tensor_json(const lsq_tensor *t, uint64_t bytes)
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
                               shape, "elements", (json_int_t)t->elements, "bytes", (json_int_t)bytes,
                               "bits_per_weight", bits_per_weight(bytes, t->elements));
    if (!tensor || !t->quantised)
        return tensor;
    json_t *view = json_pack("{s:s, s:o, s:i, s:I, s:I, s:I, s:I}", "codec", storage_text(t, storage), "format",
                             format_json(&t->format), "output_axis", (int)t->output_axis, "rows", (json_int_t)t->rows,
                             "columns", (json_int_t)t->columns, "outliers", (json_int_t)t->outliers, "outlier_bytes",
                             (json_int_t)t->outlier_bytes);
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

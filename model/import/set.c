/*
 * set.c - the reader of sharded sets: an index file, and the .safetensors files beside it, or those of torch.save().
 *
 *     {"metadata": {"total_size": 123}, "weight_map": {"name of a tensor": "name of its file", ...}}
 *
 * The index decides which files are opened; neighbour.c says which it may name.
 */
#include "model/import/neighbour.h"
#include "model/json.h"
#include "model/model.h"
#include "model/sizes.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_MAX 100000000u /* bytes, as the header of a single file */

static int space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* JSON of an object. Text has no NUL, but the length at the head of a single file always has. */
int lsq_is_set(const lsq_mapping *file)
{
    size_t i = 0;
    while (i < file->size && space(file->bytes[i]))
        i++;
    return i < file->size && file->bytes[i] == '{' && !memchr(file->bytes, 0, file->size < 8 ? file->size : 8);
}

/* One file of a set, which is no set. */
static lsq_status read_file(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    if (lsq_is_old_pth(file))
        return lsq_read_old_pth(model, file, flags, err);
    if (lsq_is_zip(file))
        return lsq_read_zip(model, file, flags, err); /* says which format it is */
    model->format = "safetensors";
    return lsq_read_safetensors(model, file, flags, err);
}

/* Reads one file of the set. Each of its tensors must be one that the map says is there. */
static lsq_status read_shard(lsq_model *model, const char *index, const char *shard, const json_t *map, unsigned flags,
                             lsq_error *err)
{
    const size_t first = model->count;
    const lsq_mapping *file;
    lsq_status status = lsq_model_add_neighbour(model, index, shard, flags, &file, err);
    if (status)
        return status;
    const lsq_mapping opened = *file;
    status = read_file(model, &opened, flags, err);
    if (!status && strcmp(model->format, "npz") == 0)
        status =
            lsq_fail(err, LSQ_E_UNSUPPORTED, opened.path, "an npz archive in a set of safetensors, or of torch.save's");
    for (size_t i = first; i < model->count && !status; i++) {
        const char *name = model->entries[i].tensor.name, *place = json_string_value(json_object_get(map, name));
        if (!place || strcmp(place, shard) != 0)
            status =
                lsq_fail(err, LSQ_E_MALFORMED, opened.path, "tensor \"%s\": the index does not place it here", name);
    }
    return status;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Opens each file that the map names, in the order of their names, so that the order of the map does not matter. */
static lsq_status read_shards(lsq_model *model, const char *index, const json_t *map, const char **names,
                              unsigned flags, lsq_error *err)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value)
    {
        if (!json_is_string(value))
            return lsq_fail(err, LSQ_E_MALFORMED, index, "\"weight_map\": \"%s\" is not mapped to a string", name);
        names[count++] = json_string_value(value);
    }
    qsort(names, count, sizeof(*names), compare);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        const lsq_status status = read_shard(model, index, names[i], map, flags, err);
        if (status)
            return status;
    }
    return LSQ_OK;
}

/* Every tensor read is in the map; is every one in the map read? */
static lsq_status compare_with_map(const lsq_model *model, const char *index, const json_t *map, lsq_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value)
    {
        if (!lsq_model_find(model, name, NULL))
            return lsq_fail(err, LSQ_E_MALFORMED, index, "tensor \"%s\" is not in \"%s\"", name,
                            json_string_value(value));
    }
    return LSQ_OK;
}

/* Files are found with a wrong total_size that are right in all else: nothing is read by it, so it is only a warning. */
static lsq_status compare_total(lsq_model *model, const json_t *root, lsq_error *err)
{
    const json_t *total = json_object_get(json_object_get(root, "metadata"), "total_size");
    uint64_t sum = 0;
    for (size_t i = 0; i < model->count; i++)
        sum += model->entries[i].tensor.bytes; /* all of them lie in files of this size */
    if (!total || (json_is_integer(total) && json_integer_value(total) == (json_int_t)sum))
        return LSQ_OK;
    if (lsq_model_warn(model, "\"total_size\" is not that of the tensors, %llu bytes", (unsigned long long)sum))
        return lsq_fail(err, LSQ_E_NOMEM, model->files[0].path, "no memory for a warning");
    return LSQ_OK;
}

static int by_pair(const void *a, const void *b)
{
    const char *const *pa = a, *const *pb = b;
    const int order = strcmp(pa[0], pb[0]);
    return order ? order : strcmp(pa[1], pb[1]);
}

/* Each file of the set has metadata, as a rule the same. Of values that differ the first in order is kept. */
static lsq_status merge_metadata(lsq_model *model, lsq_error *err)
{
    char **pairs = model->metadata;
    size_t kept = 0;
    lsq_status status = LSQ_OK;
    if (model->metadata_count > 0)
        qsort(pairs, model->metadata_count, 2 * sizeof(*pairs), by_pair);
    for (size_t i = 0; i < model->metadata_count; i++) {
        char *key = pairs[2 * i], *value = pairs[2 * i + 1];
        char **last = kept > 0 ? &pairs[2 * kept - 2] : NULL;
        if (!last || strcmp(last[0], key) != 0) {
            pairs[2 * kept] = key;
            pairs[2 * kept++ + 1] = value;
            continue;
        }
        if (!status && strcmp(last[1], value) != 0)
            status =
                lsq_model_warn(model, "the files disagree about the metadata \"%s\"; \"%s\" is kept", key, last[1]);
        free(key);
        free(value);
    }
    model->metadata_count = kept;
    return status ? lsq_fail(err, status, model->files[0].path, "no memory for a warning") : LSQ_OK;
}

lsq_status lsq_read_set(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    const lsq_mapping index = *file; /* the files of the set move `file` */
    if (index.size > INDEX_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, index.path, "an index of %zu bytes, expected at most %u", index.size,
                        INDEX_MAX);
    const lsq_json_outline outline = lsq_json_look(index.bytes, index.size);
    if (outline.unfinished)
        return lsq_fail(err, LSQ_E_TRUNCATED, index.path, "offset %zu: the JSON text ends, expected more", index.size);
    if (outline.nested_in_array)
        return lsq_fail(err, LSQ_E_MALFORMED, index.path,
                        "JSON nested in an array, expected no more than plain values");
    json_t *root;
    lsq_status status = lsq_json_parse(index.bytes, index.size, index.path, &root, err);
    if (status)
        return status;

    const json_t *map = json_object_get(root, "weight_map");
    const char **names = malloc((json_object_size(map) + 1) * sizeof(*names));
    if (!json_is_object(map))
        status = lsq_fail(err, LSQ_E_UNSUPPORTED, index.path,
                          "JSON without an object \"weight_map\", expected the index of a set");
    else if (!names)
        status = lsq_fail(err, LSQ_E_NOMEM, index.path, "no memory for %zu names", json_object_size(map));
    else
        status = read_shards(model, index.path, map, names, flags, err);
    if (!status)
        status = compare_with_map(model, index.path, map, err);
    if (!status)
        status = compare_total(model, root, err);
    if (!status)
        status = merge_metadata(model, err);
    free(names);
    json_decref(root);
    return status;
}

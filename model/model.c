/*
 * model.c - opening a file by its contents, and what can be asked of an open one.
 */
#include "model/model.h"
#include "model/lsq2.h"
#include "model/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct reader {
    const char *format;
    int (*is)(const lsq_mapping *file);
    lsq_status (*read)(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
    int other_files; /* opens files besides this one */
} reader;

/*
 * Those with a magic first; then ONNX, all of whose fields are looked at; safetensors may take any ninth byte for its
 * brace.
 */
static const reader readers[] = {
    {"lsq2", lsq_is_lsq2, lsq_read_lsq2, 0},
    {"lsq1", lsq_is_lsq1, lsq_read_lsq1, 0},
    {"npy", lsq_is_npy, lsq_read_npy, 0},
    {"gguf", lsq_is_gguf, lsq_read_gguf, 0},
    {"onnx", lsq_is_onnx, lsq_read_onnx, 0},
    {"npz", lsq_is_zip, lsq_read_zip, 0}, /* or "pth" */
    {"pth", lsq_is_old_pth, lsq_read_old_pth, 0},
    {"safetensors", lsq_is_set, lsq_read_set, 1},
    {"safetensors", lsq_is_safetensors, lsq_read_safetensors, 0},
};

static lsq_status parse(lsq_model *model, const lsq_mapping *file, unsigned flags, int alone, lsq_error *err)
{
    const reader *r = NULL;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0] && !r; i++)
        if (readers[i].is(file))
            r = &readers[i];
    if (file->size == 0)
        return lsq_fail(err, LSQ_E_TRUNCATED, file->path, "is empty");
    if (!r || (r->other_files && alone))
        return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path,
                        "is neither .lsq nor safetensors, npy, npz, pth, GGUF or ONNX");
    model->format = r->format;
    lsq_status status = r->read(model, file, flags, err);
    if (status == LSQ_OK)
        lsq_model_sort_metadata(model);
    for (size_t i = 0; status == LSQ_OK && (flags & LSQ_OPEN_VERIFY) && i < model->count; i++)
        status = lsq_model_verify(model, i, err);
    return status;
}

/* Opens `path`, or the `size` bytes at `bytes` if there is no path. */
static lsq_status open_model(const char *path, const void *bytes, size_t size, unsigned flags, lsq_model **model,
                             lsq_error *err)
{
    if (!model || (flags & ~(LSQ_OPEN_READ | LSQ_OPEN_VERIFY)))
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_model_open", "no place for the model, or an unknown flag");
    int before = errno;
    lsq_model *opened = calloc(1, sizeof *opened);
    const lsq_mapping *file = NULL;
    lsq_status status = LSQ_OK;
    if (opened)
        opened->alone = !path;
    if (!opened)
        status = lsq_fail(err, LSQ_E_NOMEM, path ? path : "memory", "no memory");
    else if (path)
        status = lsq_model_add_file(opened, path, flags, &file, err);
    else
        status = lsq_model_add_copy(opened, bytes, size, &file, err);
    if (status == LSQ_OK)
        status = parse(opened, file, flags, !path, err);
    if (status == LSQ_OK)
        *model = opened;
    else
        lsq_model_free(opened);
    errno = before;
    return status;
}

lsq_status lsq_model_open(const char *path, unsigned flags, lsq_model **model, lsq_error *err)
{
    if (!path)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_model_open", "no path");
    return open_model(path, NULL, 0, flags, model, err);
}

lsq_status lsq_model_open_memory(const void *bytes, size_t size, unsigned flags, lsq_model **model, lsq_error *err)
{
    return open_model(NULL, bytes, size, flags, model, err);
}

void lsq_model_free(lsq_model *model)
{
    if (!model)
        return;
    int before = errno;
    for (size_t i = 0; i < model->count; i++) {
        lsq_entry *entry = &model->entries[i];
        lsq_weights_free(entry->weights);
        free(entry->owned);
        free((char *)(uintptr_t)entry->tensor.name);
    }
    for (size_t i = 0; i < 2 * model->metadata_count; i++)
        free(model->metadata[i]);
    for (size_t i = 0; i < model->warning_count; i++)
        free(model->warnings[i]);
    for (size_t i = 0; i < model->file_count; i++)
        lsq_mapping_close(&model->files[i]);
    free(model->entries);
    free(model->slots);
    free(model->metadata);
    free(model->warnings);
    free(model->files);
    free(model);
    errno = before;
}

const char *lsq_model_format(const lsq_model *model)
{
    return model->format;
}

size_t lsq_model_count(const lsq_model *model)
{
    return model->count;
}

uint64_t lsq_model_file_bytes(const lsq_model *model)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->file_count; i++)
        bytes += model->files[i].size;
    return bytes;
}

const lsq_tensor *lsq_model_tensor(const lsq_model *model, size_t i)
{
    return i < model->count ? &model->entries[i].tensor : NULL;
}

int lsq_model_metadata(const lsq_model *model, size_t i, const char **key, const char **value)
{
    if (i >= model->metadata_count)
        return 0;
    *key = model->metadata[2 * i];
    *value = model->metadata[2 * i + 1];
    return 1;
}

const char *lsq_model_warning(const lsq_model *model, size_t i)
{
    return i < model->warning_count ? model->warnings[i] : NULL;
}

lsq_status lsq_model_check(const lsq_model *model, size_t i, const char *where, lsq_error *err)
{
    if (i >= model->count)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "there is no tensor %zu", i);
    if (model->entries[i].tensor.bytes && !model->entries[i].data)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "the numbers of a stream come from lsq_stream_next() alone");
    return LSQ_OK;
}

const void *lsq_model_bytes(const lsq_model *model, size_t i)
{
    return i < model->count && !model->entries[i].blocks ? model->entries[i].data : NULL;
}

uint64_t lsq_entry_bytes(const lsq_entry *entry)
{
    const lsq_block_type *blocks = entry->blocks;
    return blocks ? entry->tensor.elements / blocks->numbers * blocks->bytes : entry->tensor.bytes;
}

const char *lsq_model_blocks(const lsq_model *model, size_t i, uint64_t *bytes)
{
    if (i >= model->count || !model->entries[i].blocks)
        return NULL;
    if (bytes)
        *bytes = lsq_entry_bytes(&model->entries[i]);
    return model->entries[i].blocks->name;
}

lsq_status lsq_model_weights(const lsq_model *model, size_t i, const lsq_weights **weights, lsq_error *err)
{
    lsq_status status = lsq_model_check(model, i, "lsq_model_weights", err);
    if (status != LSQ_OK)
        return status;
    if (!model->entries[i].weights)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_model_weights", "tensor %zu is not quantised", i);
    *weights = model->entries[i].weights;
    return LSQ_OK;
}

void lsq_model_release(const lsq_model *model, size_t i)
{
    if (lsq_model_check(model, i, "lsq_model_release", NULL) != LSQ_OK)
        return;
    const lsq_entry *entry = &model->entries[i];
    const int before = errno;
    lsq_mapping_release(model, entry->data, lsq_entry_bytes(entry));
    if (entry->tensor.outliers)
        lsq_mapping_release(model, lsq_weights_outliers(entry->weights, NULL, NULL), entry->tensor.outlier_bytes);
    errno = before;
}

/* Who is told of the pieces of a tensor. */
typedef struct listener {
    lsq_visit_fn *each;
    void *arg;
    lsq_piece piece;
    lsq_status ended; /* by `each` */
} listener;

/* Is that the checksum of these bytes? Their pages are given back on the way. LSQ_E_CHECKSUM, LSQ_E_NOMEM; LSQ_OK if the listener ended it. */
static lsq_status compare(const lsq_model *model, const uint8_t *bytes, uint64_t size, const uint8_t checksum[16],
                          listener *l)
{
    enum { PIECE = 4 << 20 };
    uint8_t found[16];
    lsq_piece *p = &l->piece;
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return LSQ_E_NOMEM;
    XXH3_128bits_reset(state);
    for (uint64_t at = 0; l->ended == LSQ_OK && at < size; at += p->size, p->offset += p->size) {
        p->size = size - at < PIECE ? (size_t)(size - at) : PIECE;
        p->bytes = bytes + at;
        XXH3_128bits_update(state, p->bytes, p->size);
        if (l->each)
            l->ended = l->each(l->arg, p);
        lsq_mapping_release(model, p->bytes, p->size);
    }
    lsq_hash_end(state, found);
    return l->ended != LSQ_OK || memcmp(found, checksum, sizeof found) == 0 ? LSQ_OK : LSQ_E_CHECKSUM;
}

lsq_status lsq_model_verify_pieces(const lsq_model *model, size_t i, lsq_visit_fn *each, void *arg, lsq_error *err)
{
    lsq_status status = lsq_model_check(model, i, "lsq_model_verify", err);
    if (status != LSQ_OK)
        return status;
    const lsq_entry *entry = &model->entries[i];
    if (!entry->has_checksum)
        return LSQ_OK;
    const int before = errno;
    const char *fault = "does not match its checksum";
    listener l = {each, arg, {.index = i, .tensor = &entry->tensor}, LSQ_OK};
    l.piece.total = entry->tensor.bytes + entry->tensor.outlier_bytes;
    status = compare(model, entry->data, entry->tensor.bytes, entry->checksum, &l);
    if (status == LSQ_OK && l.ended == LSQ_OK && entry->tensor.outliers) {
        fault = "has outliers that do not match their checksum";
        status = compare(model, lsq_weights_outliers(entry->weights, NULL, NULL), entry->tensor.outlier_bytes,
                         entry->outlier_checksum, &l);
    }
    errno = before;
    if (l.ended != LSQ_OK)
        return l.ended;
    if (status == LSQ_E_NOMEM)
        return lsq_fail(err, status, model->files[0].path, "no memory to compare a checksum");
    return status == LSQ_OK
               ? LSQ_OK
               : lsq_fail(err, status, model->files[0].path, "tensor \"%s\" %s", entry->tensor.name, fault);
}

lsq_status lsq_model_verify(const lsq_model *model, size_t i, lsq_error *err)
{
    return lsq_model_verify_pieces(model, i, NULL, NULL, err);
}

/*
 * fuzz_onnx.c - any bytes as an ONNX model: an error, or tensors that lie in the file or in memory of their own.
 */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was copied is no more than 8 bytes for each of the file, but for single zeros that the file left out. */
static void read_all(const lsq_model *model)
{
    const lsq_mapping *file = &model->files[0];
    uint64_t owned = 0, zeros = 0;
    size_t found;
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_entry *entry = &model->entries[i];
        const lsq_tensor *t = &entry->tensor;
        if (t->bytes != t->elements * lsq_dtype_bytes(t->dtype) || lsq_model_find(model, t->name, &found) != t ||
            found != i)
            abort();
        if (t->axis_known ? t->axis_known != 1 || t->rank < 2 || t->output_axis >= t->rank : t->output_axis != 0)
            abort();
        if (entry->owned)
            owned += t->bytes;
        else if (entry->data < file->bytes || (size_t)(entry->data - file->bytes) > file->size ||
                 t->bytes > file->size - (size_t)(entry->data - file->bytes))
            abort();
        zeros += t->rank == 0;
        float *numbers = malloc(t->elements * sizeof(float) + 1);
        if (!numbers || lsq_model_read(model, i, numbers, NULL) != LSQ_OK)
            abort();
        free(numbers);
    }
    if (owned > 8 * (file->size + zeros))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    lsq_model *model;
    lsq_error err;
    if (!lsq_is_onnx(&file) || lsq_model_open_memory(data, size, LSQ_OPEN_VERIFY, &model, &err) != LSQ_OK)
        return 0;
    read_all(model);
    lsq_model_free(model);
    return 0;
}

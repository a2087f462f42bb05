/*
 * fuzz_npz.c - any bytes as a zip file, of arrays or of torch.save(): an error, or tensors within the file or in memory of their own.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const lsq_model *model)
{
    const lsq_mapping *file = &model->files[0];
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        const uint8_t *bytes = lsq_model_bytes(model, i);
        if (!model->entries[i].owned &&
            (bytes < file->bytes || tensor->bytes > file->size - (size_t)(bytes - file->bytes)))
            abort();
        float *numbers = malloc(tensor->elements * sizeof(float) + 1);
        if (!numbers || lsq_model_read(model, i, numbers, NULL) != LSQ_OK)
            abort();
        free(numbers);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    lsq_model *model;
    lsq_error err;
    if (!lsq_is_zip(&file))
        return 0;
    if (lsq_model_open_memory(data, size, 0, &model, &err) == LSQ_OK) {
        read_all(model);
        lsq_model_free(model);
    }
    if (lsq_model_open_memory(data, size, LSQ_OPEN_VERIFY, &model, &err) == LSQ_OK)
        lsq_model_free(model);
    return 0;
}

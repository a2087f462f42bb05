/*
 * fuzz_safetensors.c - any bytes as a safetensors file: an error, or tensors that lie one behind the other up to its end.
 */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const lsq_model *model)
{
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        const uint8_t *bytes = lsq_model_bytes(model, i);
        const uint8_t *next = i + 1 < lsq_model_count(model) ? lsq_model_bytes(model, i + 1)
                                                             : model->files[0].bytes + model->files[0].size;
        if (bytes + tensor->bytes != next)
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
    if (!lsq_is_safetensors(&file) || lsq_model_open_memory(data, size, LSQ_OPEN_VERIFY, &model, &err) != LSQ_OK)
        return 0;
    if (model->entries && lsq_model_format(model)[0] == 's')
        read_all(model);
    lsq_model_free(model);
    return 0;
}

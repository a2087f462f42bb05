/*
 * fuzz_npy.c - any bytes as a .npy file: an error, or one tensor that ends with the file.
 */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_array(const lsq_model *model)
{
    const lsq_tensor *tensor = lsq_model_tensor(model, 0);
    float *numbers = malloc(tensor->elements * sizeof(float) + 1);
    if (!numbers || lsq_model_count(model) != 1 || lsq_model_read(model, 0, numbers, NULL) != LSQ_OK)
        abort();
    if (tensor->bytes != tensor->elements * lsq_dtype_bytes(tensor->dtype) ||
        tensor->bytes > model->files[0].size - sizeof("\x93NUMPY..xx{}"))
        abort();
    free(numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    lsq_model *model;
    lsq_error err;
    if (!lsq_is_npy(&file) || lsq_model_open_memory(data, size, LSQ_OPEN_VERIFY, &model, &err) != LSQ_OK)
        return 0;
    read_array(model);
    lsq_model_free(model);
    return 0;
}

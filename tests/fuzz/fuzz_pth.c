/*
 * fuzz_pth.c - any bytes as the pickle of a .pth file, beside two storages: an error, or tensors within these or copied.
 *
 * The zip file around it is fuzz_npz.c's: here nothing stands between the fuzzer and the pickle. Bytes that begin as a file
 * of before torch 1.6 are one.
 */
#include "model/import/archive.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t storages[2][64];

static int within(const uint8_t *bytes, uint64_t size, const uint8_t *place, size_t room)
{
    return bytes >= place && bytes <= place + room && size <= (size_t)(place + room - bytes);
}

static lsq_status read_zip(lsq_model *model, const uint8_t *data, size_t size, lsq_error *err)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size + 4096};
    lsq_archive_entry entries[] = {
        {.name = "r/data.pkl", .length = 10, .bytes = data, .stored = size, .size = size},
        {.name = "r/data/0", .length = 8, .bytes = storages[0], .stored = 64, .size = 64},
        {.name = "r/data/1", .length = 8, .bytes = storages[1], .stored = 64, .size = 64},
    };
    const lsq_archive_entry *by_name[] = {&entries[0], &entries[1], &entries[2]};
    const lsq_archive archive = {.file = &file, .entries = entries, .count = 3, .by_name = by_name};
    return lsq_read_pth(model, &archive, &entries[0], err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    const int old = lsq_is_old_pth(&file);
    lsq_model *model = calloc(1, sizeof(*model));
    lsq_error err;
    if (!model)
        abort();
    const lsq_status status = old ? lsq_read_old_pth(model, &file, 0, &err) : read_zip(model, data, size, &err);
    for (size_t i = 0; status == LSQ_OK && i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        const uint8_t *bytes = lsq_model_bytes(model, i);
        if (!model->entries[i].owned &&
            !(old ? within(bytes, tensor->bytes, data, size)
                  : within(bytes, tensor->bytes, storages[0], 64) || within(bytes, tensor->bytes, storages[1], 64)))
            abort();
        float *numbers = malloc(tensor->elements * sizeof(float) + 1);
        if (!numbers || lsq_model_read(model, i, numbers, NULL) != LSQ_OK)
            abort();
        free(numbers);
    }
    lsq_model_free(model);
    return 0;
}

/*
 * fuzz_pth.c - any bytes as the pickle of a .pth file, beside two storages: an error, or tensors within these or copied.
 *
 * The zip file around it is fuzz_npz.c's: here nothing stands between the fuzzer and the pickle.
 */
#include "model/import/archive.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t storages[2][64];

static int within(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < 2; i++)
        if (bytes >= storages[i] && bytes <= storages[i] + 64 && size <= (size_t)(storages[i] + 64 - bytes))
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size + 4096};
    lsq_archive_entry entries[] = {
        {.name = "r/data.pkl", .length = 10, .bytes = data, .stored = size, .size = size},
        {.name = "r/data/0", .length = 8, .bytes = storages[0], .stored = 64, .size = 64},
        {.name = "r/data/1", .length = 8, .bytes = storages[1], .stored = 64, .size = 64},
    };
    const lsq_archive_entry *by_name[] = {&entries[0], &entries[1], &entries[2]};
    const lsq_archive archive = {.file = &file, .entries = entries, .count = 3, .by_name = by_name};
    lsq_model *model = calloc(1, sizeof(*model));
    lsq_error err;
    if (!model)
        abort();
    if (lsq_read_pth(model, &archive, &entries[0], &err) == LSQ_OK) {
        for (size_t i = 0; i < lsq_model_count(model); i++) {
            const lsq_tensor *tensor = lsq_model_tensor(model, i);
            if (!model->entries[i].owned && !within(lsq_model_bytes(model, i), tensor->bytes))
                abort();
            float *numbers = malloc(tensor->elements * sizeof(float) + 1);
            if (!numbers || lsq_model_read(model, i, numbers, NULL) != LSQ_OK)
                abort();
            free(numbers);
        }
    }
    lsq_model_free(model);
    return 0;
}

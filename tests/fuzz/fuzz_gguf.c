/*
 * fuzz_gguf.c - any bytes as a GGUF file: an error, or tensors that lie in the file, each apart from the others.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

/* The whole tensor, and its last axis as rows, which begins within blocks. */
static void read_tensor(const lsq_model *model, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    const unsigned axis = t->rank - 1;
    float *numbers = malloc(t->elements * sizeof(float) + 1), *rows = malloc(t->elements * sizeof(float) + 1);
    require(numbers && rows && lsq_model_read(model, i, numbers, NULL) == LSQ_OK);
    if (t->rank >= 2 && t->elements > 0) {
        const uint64_t row = t->shape[axis] / 3, columns = t->elements / t->shape[axis];
        require(lsq_model_read_rows(model, i, axis, row, 1, rows, NULL) == LSQ_OK);
        for (uint64_t o = 0; o < columns; o++)
            require(memcmp(&rows[o], &numbers[o * t->shape[axis] + row], sizeof(float)) == 0);
    }
    free(numbers);
    free(rows);
}

static void read_all(const lsq_model *model)
{
    const lsq_mapping *file = &model->files[0];
    uint8_t *taken = calloc(1, file->size + 1);
    require(taken != NULL);
    for (size_t i = 0; i < model->count; i++) {
        const lsq_entry *entry = &model->entries[i];
        const uint64_t bytes = lsq_entry_bytes(entry);
        require(entry->begin >= 24 &&
                (bytes == 0 || (entry->begin < file->size && bytes <= file->size - entry->begin)));
        require(bytes == 0 || entry->data == file->bytes + entry->begin);
        require(bytes == 0 || !memchr(taken + entry->begin, 1, bytes));
        if (bytes)
            memset(taken + entry->begin, 1, bytes);
        read_tensor(model, i);
    }
    free(taken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    lsq_model *model;
    lsq_error err;
    if (!lsq_is_gguf(&file) || lsq_model_open_memory(data, size, LSQ_OPEN_VERIFY, &model, &err) != LSQ_OK)
        return 0;
    read_all(model);
    lsq_model_free(model);
    return 0;
}

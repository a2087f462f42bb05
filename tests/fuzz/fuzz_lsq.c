/*
 * fuzz_lsq.c - any bytes as a .lsq file of either version: an error, or tensors that can be read and multiplied with.
 *
 * No mutation finds the hashes of version 2, so they are made right here, and the file is tried a second time with the
 * lengths of its preamble right as well: what is left to be wrong is the header.
 */
#include "tests/fuzz/lsq_hashes.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 1 << 18 }; /* larger tensors teach nothing that smaller ones do not */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void multiply(const lsq_weights *w)
{
    size_t rows = lsq_weights_rows(w), columns = lsq_weights_columns(w);
    float *x = malloc(columns * sizeof *x), *y = malloc(rows * sizeof *y);
    require(x && y);
    for (size_t i = 0; i < columns; i++)
        x[i] = (float)(i % 7) - 3;
    require(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1) == LSQ_OK);
    free(x);
    free(y);
}

static void read_tensor(const lsq_model *model, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    const lsq_weights *w = NULL;
    size_t found = 0;
    require(lsq_model_find(model, t->name, &found) == t && found == i);
    (void)lsq_model_verify(model, i, NULL);
    if (t->elements > NUMBERS_MAX)
        return;
    float *numbers = malloc(t->elements * sizeof *numbers + 1);
    require(numbers && lsq_model_read(model, i, numbers, NULL) == LSQ_OK);
    for (unsigned axis = 0; axis < t->rank; axis++)
        require(lsq_model_read_matrix(model, i, axis, numbers, NULL) == (t->rank < 2 ? LSQ_E_ARGUMENT : LSQ_OK));
    free(numbers);
    require((lsq_model_weights(model, i, &w, NULL) == LSQ_OK) == t->quantised);
    if (t->quantised)
        multiply(w);
}

static void try(const uint8_t *bytes, size_t size)
{
    lsq_model *model = NULL;
    lsq_error err = {.text = ""};
    lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, &err);
    if (status != LSQ_OK) {
        require(!model && err.status == status && err.text[0]);
        return;
    }
    uint64_t total = 0;
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        total += lsq_model_tensor(model, i)->bytes + lsq_model_tensor(model, i)->outlier_bytes;
        read_tensor(model, i);
    }
    require(strcmp(lsq_model_format(model), "lsq2") != 0 || total < size); /* no byte is used twice */
    lsq_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    if (!lsq_is_lsq2(&file) && !lsq_is_lsq1(&file))
        return 0;
    uint8_t *bytes = malloc(size);
    require(bytes != NULL);
    memcpy(bytes, data, size);
    if (lsq_is_lsq2(&file) && size >= LSQ2_PREAMBLE) {
        make_hashes_right(bytes, size);
        try(bytes, size);
        make_lengths_right(bytes, size);
        make_hashes_right(bytes, size);
    }
    try(bytes, size);
    free(bytes);
    return 0;
}

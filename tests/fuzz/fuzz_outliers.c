/*
 * fuzz_outliers.c - any bytes as the outliers of a matrix: an error, or weights that can be decoded and multiplied with. The first
 * byte chooses the shape.
 */
#include <lsq/lsq.h>

#include <stdlib.h>

enum { ROWS_MAX = 64, COLUMNS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

static void use(const lsq_weights *w, size_t m, size_t k)
{
    static float x[COLUMNS_MAX], y[COLUMNS_MAX], decoded[ROWS_MAX * COLUMNS_MAX];
    size_t bytes, count;
    require(lsq_weights_outliers(w, &bytes, &count) && bytes > 0 && count > 0 && count <= m * k);
    require(lsq_dequantize(NULL, w, 0, m, decoded, k) == LSQ_OK);
    require(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1) == LSQ_OK);
    require(lsq_sgemv(NULL, LSQ_TRANS, 1, w, x, 1, 0, y, 1) == LSQ_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t packed[ROWS_MAX * COLUMNS_MAX];
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 2, .scale = LSQ_SCALE_TENSOR};
    lsq_weights *w = NULL;
    lsq_error err = {.text = ""};
    size_t bytes = 0;
    if (size == 0)
        return 0;
    const size_t m = data[0] % ROWS_MAX + 1, k = data[0] * 37 % COLUMNS_MAX + 1;
    require(lsq_packed_bytes(&format, m, k, &bytes) == LSQ_OK && bytes <= sizeof packed);
    const lsq_status status = lsq_weights_wrap_outliers(&format, m, k, packed, bytes, data + 1, size - 1, &w, &err);
    if (status == LSQ_OK)
        use(w, m, k);
    else
        require(!w && err.status == status && err.text[0]);
    lsq_weights_free(w);
    return 0;
}

/*
 * embedded.c - weights that are constants of a program are those of the file they were exported from: products, bit for bit, and numbers.
 *
 *     embedded FILE.lsq
 *
 * In C11, and in C++17 as embedded.cc; weights.h is made by `lsq export` for tests/meson.build, of the tensors that are compared here.
 */
#include "tests/weights.h"

#include <lsq/lsq_model.h>

#include <stdio.h>
#include <string.h>

enum { INPUTS_MAX = 2048, OUTPUTS_MAX = 512 };

static lsq_error err;

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

/* Multiplies with both. */
static int compare(const lsq_weights *embedded, const lsq_weights *original, const char *name)
{
    static float x[INPUTS_MAX], y[OUTPUTS_MAX], z[OUTPUTS_MAX];
    const size_t m = lsq_weights_rows(original), k = lsq_weights_columns(original);
    if (m > OUTPUTS_MAX || k > INPUTS_MAX || lsq_weights_rows(embedded) != m || lsq_weights_columns(embedded) != k)
        return failed(name, "another shape");
    for (size_t i = 0; i < k; i++)
        x[i] = (float)(i * 37 % 101) - 50;
    memset(y, 0, sizeof y);
    memset(z, 1, sizeof z);
    if (lsq_sgemv(NULL, LSQ_NO_TRANS, 1, embedded, x, 1, 0, y, 1) != LSQ_OK ||
        lsq_sgemv(NULL, LSQ_NO_TRANS, 1, original, x, 1, 0, z, 1) != LSQ_OK)
        return failed(name, "no product");
    return memcmp(y, z, m * sizeof *y) ? failed(name, "another product") : 0;
}

static int expect_weights(const lsq_model *model, const char *name, lsq_format format, size_t rows, size_t columns,
                          const void *packed, size_t bytes, const void *outliers, size_t outlier_bytes)
{
    lsq_weights *embedded = NULL;
    const lsq_weights *original = NULL;
    size_t i = 0;
    if (!lsq_model_find(model, name, &i) || lsq_model_weights(model, i, &original, &err) != LSQ_OK)
        return failed(name, "is not in the file");
    if ((uintptr_t)packed % 64 != 0)
        return failed(name, "is not aligned");
    if (lsq_weights_wrap_outliers(&format, rows, columns, packed, bytes, outliers, outlier_bytes, &embedded, &err) !=
        LSQ_OK)
        return failed(name, err.text);
    const int different = compare(embedded, original, name);
    lsq_weights_free(embedded);
    return different;
}

static int expect_numbers(const lsq_model *model, const char *name, const float *numbers, size_t bytes)
{
    size_t i = 0;
    const lsq_tensor *tensor = lsq_model_find(model, name, &i);
    if (!tensor || tensor->bytes != bytes || memcmp(lsq_model_bytes(model, i), numbers, bytes) != 0)
        return failed(name, "other numbers");
    return 0;
}

int main(int argc, char **argv)
{
    const lsq_format dense = weights_esrgan_block1_dense1_weight_format,
                     down = weights_use_layer1_ffn_down_weight_format;
    lsq_model *model = NULL;
    if (argc != 2 || lsq_model_open(argv[1], 0, &model, &err) != LSQ_OK)
        return failed("embedded", argc == 2 ? err.text : "usage: embedded FILE.lsq");
    int wrong = expect_weights(model, "esrgan.block1.dense1.weight", dense, weights_esrgan_block1_dense1_weight_rows,
                               weights_esrgan_block1_dense1_weight_columns, weights_esrgan_block1_dense1_weight_packed,
                               sizeof weights_esrgan_block1_dense1_weight_packed, NULL, 0);
    wrong +=
        expect_weights(model, "use.layer1.ffn.down.weight", down, weights_use_layer1_ffn_down_weight_rows,
                       weights_use_layer1_ffn_down_weight_columns, weights_use_layer1_ffn_down_weight_packed,
                       sizeof weights_use_layer1_ffn_down_weight_packed, weights_use_layer1_ffn_down_weight_outliers,
                       sizeof weights_use_layer1_ffn_down_weight_outliers);
    wrong += expect_numbers(model, "use.layer1.ffn.norm.bias", weights_use_layer1_ffn_norm_bias_numbers,
                            sizeof weights_use_layer1_ffn_norm_bias_numbers);
    if (weights_esrgan_last_weight_rank != 4 || weights_esrgan_last_weight_dim3 != 3 ||
        weights_use_layer1_attention_scale_rank != 0)
        wrong += failed("shapes", "others");
    wrong += expect_numbers(model, "esrgan.last.weight", weights_esrgan_last_weight_numbers,
                            sizeof weights_esrgan_last_weight_numbers);
    wrong += expect_numbers(model, "use.layer1.attention.scale", weights_use_layer1_attention_scale_numbers,
                            sizeof weights_use_layer1_attention_scale_numbers);
    lsq_model_free(model);
    return wrong;
}

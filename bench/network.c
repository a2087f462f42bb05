#include "bench/network.h"

#include "bench/machine.h"

#include "kernels/codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a file is made with. */
typedef struct maker {
    const lsq_format *format;
    lsq_writer *writer;
    lsq_error *err;
    uint64_t seed; /* another one for each tensor */
} maker;

static lsq_status fail(const maker *m, lsq_status status, const char *what)
{
    m->err->status = status;
    snprintf(m->err->text, sizeof m->err->text, "%s", what);
    return status;
}

/* The tensor's float that gives weights a root mean square of 1 / sqrt(k), told from the first rows. */
static lsq_status choose_scale(const maker *m, size_t rows, size_t k, uint8_t *bytes, const lsq_geometry *geometry)
{
    enum { SAMPLE = 4 };
    const float one = 1;
    const size_t sample = rows < SAMPLE ? rows : SAMPLE;
    lsq_weights *weights = NULL;
    float *decoded = malloc(sample * k * sizeof *decoded);
    double sum = 0;
    memcpy(bytes + geometry->tensor, &one, sizeof one);
    lsq_status status = decoded ? lsq_weights_wrap(m->format, rows, k, bytes, geometry->bytes, &weights, m->err)
                                : fail(m, LSQ_E_NOMEM, "out of memory");
    if (!status)
        status = lsq_dequantize(NULL, weights, 0, sample, decoded, k);
    for (size_t i = 0; !status && i < sample * k; i++)
        sum += (double)decoded[i] * (double)decoded[i];
    if (!status && sum > 0 && m->format->scale != LSQ_SCALE_NONE) {
        const float scale = (float)sqrt((double)sample / sum);
        memcpy(bytes + geometry->tensor, &scale, sizeof scale);
    }
    lsq_weights_free(weights);
    free(decoded);
    return status;
}

static lsq_status add_matrix(maker *m, const char *name, size_t rows, size_t k)
{
    const lsq_tensor like = {.name = name, .dtype = LSQ_BF16, .rank = 2, .shape = {rows, k}};
    lsq_geometry geometry;
    lsq_weights *weights = NULL;
    lsq_status status = lsq_geometry_of(m->format, rows, k, &geometry);
    if (status)
        return fail(m, status, "a matrix of that size has no packed form");
    uint8_t *bytes = bench_alloc(geometry.bytes, 1);
    if (!bytes)
        return fail(m, LSQ_E_NOMEM, "out of memory");
    bench_fill_random(bytes, geometry.bytes, ++m->seed);
    memset(bytes + geometry.rows, 0, geometry.bytes - geometry.rows); /* all rows alike, and zeros behind the float */
    status = choose_scale(m, rows, k, bytes, &geometry);
    if (!status)
        status = lsq_weights_wrap(m->format, rows, k, bytes, geometry.bytes, &weights, m->err);
    if (!status)
        status = lsq_writer_quantised(m->writer, &like, 0, weights, m->err);
    lsq_weights_free(weights);
    free(bytes);
    return status;
}

static lsq_status add_norm(maker *m, const char *name, size_t count)
{
    const lsq_tensor like = {.name = name, .dtype = LSQ_F32, .rank = 1, .shape = {count}};
    float *numbers = malloc(count * sizeof *numbers);
    if (!numbers)
        return fail(m, LSQ_E_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        numbers[i] = 1 + (float)(i * 37 % 101) / 1000;
    const lsq_status status = lsq_writer_plain(m->writer, &like, numbers, m->err);
    free(numbers);
    return status;
}

/* In the order in which a decoder uses them. */
static lsq_status add_layer(maker *m, const bench_network *network, unsigned layer)
{
    const size_t h = network->hidden;
    const struct {
        const char *name;
        size_t rows, columns; /* no columns: plain numbers */
    } tensors[] = {
        {"input_layernorm", h, 0},       {"self_attn.q_proj", h, h},    {"self_attn.k_proj", h / 4, h},
        {"self_attn.v_proj", h / 4, h},  {"self_attn.o_proj", h, h},    {"post_attention_layernorm", h, 0},
        {"mlp.gate_proj", h / 2 * 7, h}, {"mlp.up_proj", h / 2 * 7, h}, {"mlp.down_proj", h, h / 2 * 7},
    };
    lsq_status status = LSQ_OK;
    for (size_t i = 0; !status && i < sizeof tensors / sizeof *tensors; i++) {
        char name[96];
        snprintf(name, sizeof name, "model.layers.%u.%s.weight", layer, tensors[i].name);
        status = tensors[i].columns ? add_matrix(m, name, tensors[i].rows, tensors[i].columns)
                                    : add_norm(m, name, tensors[i].rows);
    }
    return status;
}

lsq_status bench_network_write(const bench_network *network, const lsq_format *format, const char *path, lsq_error *err)
{
    const size_t h = network->hidden, words = h / 16 * 125;
    maker m = {.format = format, .err = err};
    if (h == 0 || h % 16 || network->layers == 0)
        return fail(&m, LSQ_E_ARGUMENT, "a network needs a layer, and an embedding of a multiple of 16");
    lsq_status status = lsq_writer_new(path, 0, &m.writer, err);
    if (!status)
        status = lsq_writer_metadata(m.writer, "source", "lsq-bench stream: random codes", err);
    if (!status)
        status = add_matrix(&m, "model.embed_tokens.weight", words, h);
    for (unsigned layer = 0; !status && layer < network->layers; layer++)
        status = add_layer(&m, network, layer);
    if (!status)
        status = add_norm(&m, "model.norm.weight", h);
    if (!status)
        status = add_matrix(&m, "lm_head.weight", words, h);
    if (!status)
        status = lsq_writer_finish(m.writer, err);
    lsq_writer_free(m.writer);
    return status;
}

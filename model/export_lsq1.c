/*
 * export_lsq1.c - writes .lsq version 1.
 */
#include "model/limits.h"
#include "model/lsq1.h"
#include "model/model.h"
#include "model/output.h"
#include "model/permute.h"
#include "model/sizes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The width of the codes of a tensor that version 1 can hold; 0 for all others. */
static unsigned width_of(const lsq_entry *entry)
{
    const lsq_tensor *t = &entry->tensor;
    if (entry->bits)
        return entry->width;
    return t->quantised && t->format.codec == LSQ_CLASSIC && t->format.scale == LSQ_SCALE_NONE && !t->outliers
               ? t->format.bits
               : 0;
}

int lsq_v1_tensor_bytes(unsigned bits, const lsq_tensor *t, uint64_t *bytes)
{
    size_t name = strlen(t->name);
    uint64_t codes = 0;
    int fits = name <= UINT16_MAX && lsq_v1_code_bytes(bits, t->elements, &codes);
    for (unsigned i = 0; i < t->rank; i++)
        fits = fits && t->shape[i] <= UINT32_MAX;
    *bytes = 2 + name + 1 + 4 * (uint64_t)t->rank + 4 + codes + 1;
    return fits;
}

/* ---- One tensor -------------------------------------------------------------------------------------------------- */

/* Puts the rows of a matrix where they belong in the tensor. */
static void reorder(const lsq_axis *a, const uint32_t *matrix, uint32_t *tensor)
{
    for (uint64_t o = 0; o < a->outer; o++)
        for (uint64_t r = 0; r < a->middle; r++)
            memcpy(tensor + (o * a->middle + r) * a->inner, matrix + (r * a->outer + o) * a->inner,
                   a->inner * sizeof *tensor);
}

/* The codes of a matrix as one bit string, in the order of the tensor's shape. */
static lsq_status make_bits(const lsq_entry *entry, uint8_t *string)
{
    const lsq_tensor *t = &entry->tensor;
    lsq_axis axis = lsq_axis_of(t, t->output_axis);
    int in_order = axis.outer == 1;
    uint32_t *codes = malloc(t->elements * sizeof *codes);
    uint32_t *ordered = in_order ? codes : malloc(t->elements * sizeof *codes);
    lsq_status status = LSQ_E_NOMEM;
    if (codes && ordered)
        status = lsq_weights_codes(entry->weights, 0, t->rows, codes, t->columns);
    if (status == LSQ_OK && !in_order)
        reorder(&axis, codes, ordered);
    if (status == LSQ_OK)
        status = lsq_bit_string_pack(t->format.bits, t->elements, ordered, string);
    if (!in_order)
        free(ordered);
    free(codes);
    return status;
}

static uint8_t *put(uint8_t *place, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        place[i] = (uint8_t)(value >> (8 * i));
    return place + bytes;
}

/* What stands before the codes; returns its length. */
static size_t describe(const lsq_tensor *t, uint64_t code_bytes, uint8_t *place)
{
    size_t length = strlen(t->name);
    uint8_t *p = put(place, 2, length);
    memcpy(p, t->name, length);
    p = put(p + length, 1, t->rank);
    for (unsigned i = 0; i < t->rank; i++)
        p = put(p, 4, t->shape[i]);
    return (size_t)(put(p, 4, code_bytes) - place);
}

static lsq_status write_tensor(lsq_output *output, const lsq_entry *entry, lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    unsigned bits = width_of(entry);
    uint64_t code_bytes = 0;
    uint8_t head[2 + LSQ_NAME_MAX + 1 + 4 * LSQ_RANK_MAX + 4], *made = NULL;
    lsq_v1_code_bytes(bits, t->elements, &code_bytes);
    if (!entry->bits) {
        made = malloc(code_bytes ? code_bytes : 1);
        lsq_status status = made ? make_bits(entry, made) : LSQ_E_NOMEM;
        if (status != LSQ_OK) {
            free(made);
            return lsq_fail(err, status, t->name, "no codes: %s", lsq_strerror(status));
        }
    }
    uint8_t padding = (uint8_t)(8 * code_bytes - t->elements * bits);
    lsq_status status = lsq_output_write(output, head, describe(t, code_bytes, head), err);
    if (status == LSQ_OK)
        status = lsq_output_write(output, made ? made : entry->bits, code_bytes, err);
    if (status == LSQ_OK)
        status = lsq_output_write(output, &padding, 1, err);
    free(made);
    return status;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

typedef struct plan {
    unsigned bits;
    size_t count, skipped;
    uint64_t bytes; /* of the file */
} plan;

static lsq_status make_plan(const lsq_model *model, const char *path, plan *p, lsq_error *err)
{
    *p = (plan){.bytes = LSQ1_HEADER};
    for (size_t i = 0; i < model->count; i++) {
        const lsq_entry *entry = &model->entries[i];
        unsigned bits = width_of(entry);
        uint64_t bytes = 0;
        if (bits == 0) {
            p->skipped++;
            continue;
        }
        if (p->bits && p->bits != bits)
            return lsq_fail(err, LSQ_E_UNSUPPORTED, path, "version 1 holds codes of one width, not of %u and %u bits",
                            p->bits, bits);
        if (!lsq_v1_tensor_bytes(bits, &entry->tensor, &bytes) || !lsq_size_add(p->bytes, bytes, &p->bytes))
            return lsq_fail(err, LSQ_E_LIMIT, path, "tensor \"%s\" is too large for version 1", entry->tensor.name);
        p->bits = bits;
        p->count++;
    }
    if (p->count == 0)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, path, "no tensor in classic format without a scale");
    return LSQ_OK;
}

static lsq_status write_file(const lsq_model *model, const plan *p, lsq_output *output, const char *path,
                             lsq_error *err)
{
    uint8_t head[LSQ1_HEADER] = {'L', 'S', 'Q', LSQ1_VERSION, (uint8_t)(p->bits - 1)};
    put(head + 5, 4, p->count);
    lsq_status status = lsq_output_write(output, head, sizeof head, err);
    for (size_t i = 0; status == LSQ_OK && i < model->count; i++)
        if (width_of(&model->entries[i])) {
            status = lsq_model_check(model, i, "lsq_export_lsq1", err);
            if (status == LSQ_OK)
                status = write_tensor(output, &model->entries[i], err);
        }
    /* Two ways to the same size: if they ever differ, the file must not appear. */
    if (status == LSQ_OK && lsq_output_size(output) != p->bytes)
        status = lsq_fail(err, LSQ_E_IO, path, "wrote %llu bytes, expected %llu",
                          (unsigned long long)lsq_output_size(output), (unsigned long long)p->bytes);
    return status == LSQ_OK ? lsq_output_finish(output, err) : status;
}

lsq_status lsq_export_lsq1(const lsq_model *model, const char *path, int overwrite, size_t *skipped, lsq_error *err)
{
    if (!model || !path)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_export_lsq1", "no model, or no path");
    int before = errno;
    plan p;
    lsq_output *output = NULL;
    lsq_status status = make_plan(model, path, &p, err);
    if (status == LSQ_OK)
        status = lsq_output_new(path, overwrite, &output, err);
    if (status == LSQ_OK)
        status = write_file(model, &p, output, path, err);
    lsq_output_free(output);
    if (status == LSQ_OK && skipped)
        *skipped = p.skipped;
    errno = before;
    return status;
}

/*
 * export_lsq1.c - writes .lsq version 1.
 */
#include "model/export.h"
#include "model/limits.h"
#include "model/lsq1.h"
#include "model/permute.h"
#include "model/sizes.h"

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

static lsq_status write_codes(lsq_export_job *job, const lsq_entry *entry, uint64_t bytes)
{
    if (entry->bits)
        return lsq_export_put(job, entry->bits, bytes);
    uint8_t *made = malloc(bytes ? bytes : 1);
    lsq_status status = made ? make_bits(entry, made) : LSQ_E_NOMEM;
    status = status == LSQ_OK ? lsq_export_put(job, made, bytes)
                              : lsq_fail(job->err, status, entry->tensor.name, "no codes: %s", lsq_strerror(status));
    free(made);
    return status;
}

static lsq_status write_tensor(lsq_export_job *job, size_t i)
{
    const lsq_entry *entry = &job->model->entries[i];
    const lsq_tensor *t = &entry->tensor;
    const unsigned bits = width_of(entry);
    const size_t length = strlen(t->name);
    uint64_t code_bytes = 0;
    lsq_v1_code_bytes(bits, t->elements, &code_bytes);
    lsq_status status = lsq_model_check(job->model, i, "lsq_export", job->err);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 2, length);
    if (status == LSQ_OK)
        status = lsq_export_put(job, t->name, length);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 1, t->rank);
    for (unsigned axis = 0; axis < t->rank && status == LSQ_OK; axis++)
        status = lsq_export_number(job, 4, t->shape[axis]);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, code_bytes);
    if (status == LSQ_OK)
        status = write_codes(job, entry, code_bytes);
    return status == LSQ_OK ? lsq_export_number(job, 1, 8 * code_bytes - t->elements * bits) : status;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

typedef struct plan {
    unsigned bits;
    size_t count;
    uint64_t bytes; /* of the file */
} plan;

static lsq_status make_plan(const lsq_export_job *job, plan *p)
{
    *p = (plan){.bytes = LSQ1_HEADER};
    for (size_t k = 0; k < job->count; k++) {
        const lsq_entry *entry = &job->model->entries[job->tensors[k]];
        unsigned bits = width_of(entry);
        uint64_t bytes = 0;
        if (bits == 0)
            continue;
        if (p->bits && p->bits != bits)
            return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path,
                            "version 1 holds codes of one width, not of %u and %u bits", p->bits, bits);
        if (!lsq_v1_tensor_bytes(bits, &entry->tensor, &bytes) || !lsq_size_add(p->bytes, bytes, &p->bytes))
            return lsq_fail(job->err, LSQ_E_LIMIT, job->path, "tensor \"%s\" is too large for version 1",
                            entry->tensor.name);
        p->bits = bits;
        p->count++;
    }
    if (p->count == 0)
        return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "no tensor in classic format without a scale");
    return LSQ_OK;
}

lsq_status lsq_write_lsq1(lsq_export_job *job)
{
    plan p;
    lsq_status status = make_plan(job, &p);
    if (status != LSQ_OK)
        return status;
    const uint8_t head[] = {'L', 'S', 'Q', LSQ1_VERSION, (uint8_t)(p.bits - 1)};
    status = lsq_export_put(job, head, sizeof head);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, p.count);
    for (size_t k = 0; status == LSQ_OK && k < job->count; k++)
        if (width_of(&job->model->entries[job->tensors[k]]))
            status = write_tensor(job, job->tensors[k]);
    /* Two ways to the same size: if they ever differ, the file must not appear. */
    if (status == LSQ_OK && lsq_export_size(job) != p.bytes)
        status = lsq_fail(job->err, LSQ_E_IO, job->path, "wrote %llu bytes, expected %llu",
                          (unsigned long long)lsq_export_size(job), (unsigned long long)p.bytes);
    job->written = p.count;
    return status;
}

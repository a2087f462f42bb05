/*
 * onnx_axes.c - which axis of a weight are the outputs, as the nodes tell that use it.
 *
 *     MatMul          A x B                 as B the last axis, as A the one before it
 *     Gemm            A x B, transA, transB   the same, or the other way round
 *     Conv            x * W                 0
 *     ConvTranspose   x * W                 1
 *     Gather          rows of a table       0
 *
 * Weights that nodes use in different ways, or others than these, are as good as those of other formats: shapes are asked.
 * Nothing is refused here, what nodes say is no more than a hint.
 */
#include "model/import/onnx.h"
#include "model/limits.h"

#include <stdio.h>
#include <string.h>

enum { NODE_INPUT = 1, NODE_OP_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { NAME = 1, I = 3 };
enum { CONTRADICTED = -1 };

/* Counted from the first axis, or from the last if it is below 0. */
static const struct {
    const char *type;
    int axis[2]; /* of the inputs 0 and 1 */
    int used[2];
} operators[] = {{"MatMul", {-2, -1}, {1, 1}},
                 {"Gemm", {-2, -1}, {1, 1}},
                 {"Conv", {0, 0}, {0, 1}},
                 {"ConvTranspose", {0, 1}, {0, 1}},
                 {"Gather", {0, 0}, {1, 0}}};

enum { OPERATORS = sizeof operators / sizeof operators[0], GEMM = 1 };

/* Is this attribute transA or transB, and not 0? Bit 0 or 1. */
static unsigned transposed(lsq_message m)
{
    lsq_field name = {.number = 0}, value = name, f;
    while (!lsq_field_next(&m, &f) && f.number) {
        if (f.number == NAME)
            name = f;
        else if (f.number == I && f.type == LSQ_VARINT)
            value = f;
    }
    if (value.value == 0)
        return 0;
    return lsq_field_is(&m, &name, "transA") ? 1 : lsq_field_is(&m, &name, "transB") ? 2 : 0;
}

/* The weight that a graph knows by this name: one of its own, or of the model's graph. */
static lsq_entry *find(const lsq_onnx *o, const lsq_message *m, const lsq_field *name)
{
    char text[LSQ_NAME_MAX + 32];
    size_t i;
    if (name->type != LSQ_BYTES || name->size == 0 || name->size > LSQ_NAME_MAX)
        return NULL;
    memcpy(text, lsq_field_bytes(m, name), name->size);
    snprintf(text + name->size, sizeof text - name->size, "/%zu", o->graph);
    if (o->graph > 0 && lsq_model_find(o->model, text, &i))
        return &o->model->entries[i];
    text[name->size] = 0;
    return lsq_model_find(o->model, text, &i) ? &o->model->entries[i] : NULL;
}

static void note(const lsq_onnx *o, const lsq_message *m, const lsq_field *name, int axis)
{
    lsq_entry *entry = find(o, m, name);
    if (!entry || entry->tensor.rank < 2)
        return;
    const unsigned found = axis < 0 ? entry->tensor.rank - (unsigned)-axis : (unsigned)axis;
    if (entry->tensor.axis_known == 0)
        entry->tensor.output_axis = found;
    entry->tensor.axis_known = entry->tensor.axis_known >= 0 && entry->tensor.output_axis == found ? 1 : CONTRADICTED;
}

static void read_node(const lsq_onnx *o, lsq_message m)
{
    lsq_message attribute;
    lsq_field input[2] = {{.number = 0}, {.number = 0}}, f;
    unsigned inputs = 0, flips = 0;
    size_t type = OPERATORS;
    while (!lsq_field_next(&m, &f) && f.number) {
        if (f.number == NODE_INPUT && inputs < 2)
            input[inputs++] = f;
        for (size_t i = 0; f.number == NODE_OP_TYPE && i < OPERATORS; i++)
            type = lsq_field_is(&m, &f, operators[i].type) ? i : type;
        if (f.number == NODE_ATTRIBUTE && !lsq_field_message(&m, &f, "AttributeProto", &attribute))
            flips |= transposed(attribute);
    }
    for (unsigned i = 0; type < OPERATORS && i < inputs; i++) {
        const int axis = operators[type].axis[i];
        if (operators[type].used[i])
            note(o, &m, &input[i], type == GEMM && flips >> i & 1 ? -3 - axis : axis);
    }
}

void lsq_onnx_read_axes(const lsq_onnx *o, lsq_message graph, uint32_t node)
{
    lsq_message inner;
    lsq_field f;
    while (!lsq_field_next(&graph, &f) && f.number)
        if (f.number == node && !lsq_field_message(&graph, &f, "NodeProto", &inner))
            read_node(o, inner);
}

void lsq_onnx_settle_axes(const lsq_onnx *o)
{
    for (size_t i = 0; i < o->model->count; i++) {
        lsq_tensor *t = &o->model->entries[i].tensor;
        if (t->axis_known == CONTRADICTED) {
            t->axis_known = 0;
            t->output_axis = 0;
        }
    }
}

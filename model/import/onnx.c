/*
 * onnx.c - the reader of ONNX models: the weights of their graphs.
 *
 * A file is one message of Protocol Buffers, a ModelProto. Weights are the initialisers of a graph, called as they say,
 * and what nodes of the type Constant have as their value, called as the node's output is.
 *
 *     ModelProto      ir_version, graph, opset_import, metadata_props, functions, ...
 *
 * onnx_graph.c finds them, onnx_tensor.c reads one, onnx_external.c those that stand in another file.
 */
#include "model/import/onnx.h"
#include "model/limits.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IR_VERSION_MAX 14u

/* Fields of a ModelProto. */
enum {
    IR_VERSION = 1,
    PRODUCER_NAME = 2,
    PRODUCER_VERSION = 3,
    DOMAIN = 4,
    MODEL_VERSION = 5,
    DOC_STRING = 6,
    GRAPH = 7,
    OPSET_IMPORT = 8,
    METADATA_PROPS = 14,
    TRAINING_INFO = 20,
    FUNCTIONS = 25,
    CONFIGURATION = 26,
};

typedef struct {
    lsq_onnx o;
    lsq_field ir_version, graph;
    size_t opsets, trainings;
} reader;

/* ---- Is it one? -------------------------------------------------------------------------------------------------- */

/*
 * The fields that a ModelProto has at its top, and no other: a future one is not worth being mistaken for another
 * file.
 */
static int of_model(const lsq_mapping *file, const lsq_field *f)
{
    const char *text = (const char *)file->bytes + f->at;
    switch (f->number) {
    case IR_VERSION:
    case MODEL_VERSION:
        return f->type == LSQ_VARINT;
    case PRODUCER_NAME:
    case PRODUCER_VERSION:
    case DOMAIN:
        return f->type == LSQ_BYTES && (f->size == 0 || !lsq_name_fault(text, f->size));
    case DOC_STRING:
    case GRAPH:
    case OPSET_IMPORT:
    case METADATA_PROPS:
    case TRAINING_INFO:
    case FUNCTIONS:
    case CONFIGURATION:
        return f->type == LSQ_BYTES;
    default:
        return 0;
    }
}

/*
 * There is no magic. The version comes first, a small number; what follows must be fields of a ModelProto, up to the
 * end of the file, if it is whole. Which of them are there is the reader's business.
 */
int lsq_is_onnx(const lsq_mapping *file)
{
    if (file->size < 3 || file->bytes[0] != (IR_VERSION << 3 | LSQ_VARINT) || file->bytes[1] == 0 ||
        file->bytes[1] >= 0x80)
        return 0;
    lsq_message m = {file, "ModelProto", 0, file->size, 0, NULL};
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number && of_model(file, &f))
        status = lsq_field_next(&m, &f);
    return status == LSQ_E_TRUNCATED || (!status && f.number == 0);
}

/* ---- Metadata ---------------------------------------------------------------------------------------------------- */

lsq_status lsq_onnx_read_pair(const lsq_message *pair, unsigned type, lsq_field *first, lsq_field *second)
{
    lsq_message m = *pair;
    lsq_field f;
    *first = *second = (lsq_field){.number = 0};
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == 1)
            status = lsq_field_once(&m, &f, LSQ_BYTES, first);
        else if (f.number == 2)
            status = lsq_field_once(&m, &f, type, second);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    return status;
}

/* A copy of text; free() it. */
static lsq_status copy_text(const lsq_message *m, const lsq_field *f, char **copy)
{
    const uint8_t *text = lsq_field_bytes(m, f);
    for (size_t left = f->size, step; left > 0; left -= step) {
        step = text[f->size - left] ? lsq_utf8_step(text + (f->size - left), left) : 0;
        if (step == 0)
            return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: expected text, UTF-8 without NUL",
                            f->at + (f->size - left));
    }
    *copy = lsq_copy_text(text, f->size);
    return *copy ? LSQ_OK : lsq_fail(m->err, LSQ_E_NOMEM, m->file->path, "no memory for %zu bytes of text", f->size);
}

/* Adds text under that key, if it says anything. */
static lsq_status add_text(reader *r, const lsq_message *m, const char *key, const lsq_field *f)
{
    char *value = NULL;
    if (f->size == 0)
        return LSQ_OK;
    lsq_status status = copy_text(m, f, &value);
    if (!status)
        status = lsq_model_add_metadata(r->o.model, key, value, r->o.err);
    free(value);
    return status;
}

static lsq_status add_number(reader *r, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return lsq_model_add_metadata(r->o.model, key, text, r->o.err);
}

/* Operators of the domain "" are ONNX's own, which is also called "ai.onnx". */
static lsq_status read_opset(reader *r, const lsq_message *m)
{
    static const char prefix[] = "onnx.opset.";
    char key[sizeof(prefix) + LSQ_NAME_MAX];
    lsq_field domain, version;
    lsq_status status = lsq_onnx_read_pair(m, LSQ_VARINT, &domain, &version);
    if (status)
        return status;
    const char *text = domain.size ? (const char *)lsq_field_bytes(m, &domain) : "ai.onnx";
    const size_t length = domain.size ? domain.size : strlen(text);
    const char *fault = lsq_name_fault(text, length);
    if (fault)
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: the domain of an operator set %s",
                        domain.at, fault);
    memcpy(key, prefix, sizeof(prefix) - 1);
    memcpy(key + sizeof(prefix) - 1, text, length);
    key[sizeof(prefix) - 1 + length] = 0;
    r->opsets++;
    return add_number(r, key, version.value);
}

static lsq_status read_property(reader *r, const lsq_message *m)
{
    lsq_field key, value;
    char *name = NULL, *text = NULL;
    lsq_status status = lsq_onnx_read_pair(m, LSQ_BYTES, &key, &value);
    if (!status && key.size == 0)
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: metadata without a key", m->at);
    if (!status)
        status = copy_text(m, &key, &name);
    if (!status)
        status = copy_text(m, &value, &text);
    if (!status)
        status = lsq_model_add_metadata(r->o.model, name, text, r->o.err);
    free(name);
    free(text);
    return status;
}

/* Sorts the metadata. A key may be there once. */
static lsq_status compare_keys(reader *r)
{
    lsq_model *model = r->o.model;
    lsq_model_sort_metadata(model);
    for (size_t i = 1; i < model->metadata_count; i++)
        if (strcmp(model->metadata[2 * i - 2], model->metadata[2 * i]) == 0)
            return lsq_fail(r->o.err, LSQ_E_MALFORMED, r->o.file.path, "metadata \"%.100s\" a second time",
                            model->metadata[2 * i]);
    return LSQ_OK;
}

/* ---- The model --------------------------------------------------------------------------------------------------- */

static lsq_status read_ir_version(reader *r, const lsq_message *m, const lsq_field *f)
{
    const lsq_status status = lsq_field_once(m, f, LSQ_VARINT, &r->ir_version);
    if (status)
        return status;
    if (f->value < 1 || f->value > IR_VERSION_MAX)
        return lsq_fail(m->err, LSQ_E_UNSUPPORTED, m->file->path, "offset %zu: ONNX IR version %llu, expected 1 to %u",
                        f->at, (unsigned long long)f->value, IR_VERSION_MAX);
    return add_number(r, "onnx.ir_version", f->value);
}

static lsq_status read_model_field(reader *r, const lsq_message *m, const lsq_field *f)
{
    lsq_message inner;
    lsq_status status;
    switch (f->number) {
    case IR_VERSION:
        return read_ir_version(r, m, f);
    case PRODUCER_NAME:
        return add_text(r, m, "onnx.producer_name", f);
    case PRODUCER_VERSION:
        return add_text(r, m, "onnx.producer_version", f);
    case DOMAIN:
        return add_text(r, m, "onnx.domain", f);
    case MODEL_VERSION:
        return add_number(r, "onnx.model_version", f->value);
    case GRAPH:
        return lsq_field_once(m, f, LSQ_BYTES, &r->graph);
    case OPSET_IMPORT:
        status = lsq_field_message(m, f, "OperatorSetIdProto", &inner);
        return status ? status : read_opset(r, &inner);
    case METADATA_PROPS:
        status = lsq_field_message(m, f, "StringStringEntryProto", &inner);
        return status ? status : read_property(r, &inner);
    case TRAINING_INFO:
        r->trainings++;
        return LSQ_OK;
    default:
        return LSQ_OK;
    }
}

static lsq_status read_functions(reader *r, lsq_message m)
{
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == FUNCTIONS)
            status = lsq_onnx_put_graph(&r->o, &m, &f, 1);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    return status ? status : lsq_onnx_read_graphs(&r->o);
}

static lsq_status read_model(reader *r)
{
    const lsq_message model = {&r->o.file, "ModelProto", 0, r->o.file.size, 0, r->o.err};
    lsq_message m = model;
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        status = read_model_field(r, &m, &f);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (status)
        return status;
    /* Since version 3 a model says which operators it means. Writers put that behind the graph. */
    if (!r->graph.number || (r->ir_version.value >= 3 && r->opsets == 0))
        return lsq_fail(m.err, LSQ_E_TRUNCATED, m.file->path, "offset %zu: the file ends, expected a field %s", m.end,
                        r->graph.number ? "opset_import" : "graph");
    status = compare_keys(r);
    if (!status)
        status = lsq_onnx_put_graph(&r->o, &model, &r->graph, 0);
    if (!status)
        status = lsq_onnx_read_graphs(&r->o);
    if (!status)
        status = read_functions(r, model);
    lsq_onnx_settle_axes(&r->o);
    if (!status && r->trainings && lsq_model_warn(r->o.model, "the graphs for training are passed over"))
        status = lsq_fail(m.err, LSQ_E_NOMEM, m.file->path, "no memory for a warning");
    return status;
}

lsq_status lsq_read_onnx(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    reader r = {.o = {.model = model, .file = *file, .flags = flags, .err = err}};
    const lsq_status status = read_model(&r);
    free(r.o.graphs);
    return status;
}

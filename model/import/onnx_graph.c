/*
 * onnx_graph.c - the weights of the graphs of an ONNX model: initialisers, and the values of nodes of the type
 * Constant.
 *
 *     GraphProto      node, initializer, ...      a function has nodes alone
 *     NodeProto       output, op_type, attribute, ...
 *     AttributeProto  name, t (a tensor), f, i, floats, ints; g and graphs: bodies of If, Loop and Scan
 *
 * Bodies wait in a list until the graph that has them is read, so no depth of nesting needs a stack. Each byte is met
 * once as a part of its own message, and stepped over in those around it.
 */
#include "model/import/onnx.h"

#include <stdlib.h>

/* Fields, as far as they are read. */
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_SPARSE_INITIALIZER = 15, FUNCTION_NODE = 7 };
enum { NODE_OUTPUT = 2, NODE_OP_TYPE = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { NAME = 1, F = 2, I = 3, T = 5, G = 6, FLOATS = 7, INTS = 8, GRAPHS = 11, REF_ATTR_NAME = 21 };

lsq_status lsq_onnx_put_graph(lsq_onnx *o, const lsq_message *m, const lsq_field *f, int function)
{
    lsq_message inner;
    const lsq_status status = lsq_field_message(m, f, "GraphProto", &inner);
    if (status || f->size == 0) /* an empty one would cost more in the list than in the file */
        return status;
    if (o->count == o->room) {
        const size_t room = o->room ? 2 * o->room : 8;
        lsq_onnx_graph *graphs = realloc(o->graphs, room * sizeof(*graphs));
        if (!graphs)
            return lsq_fail(o->err, LSQ_E_NOMEM, o->file.path, "no memory for %zu graphs", room);
        o->graphs = graphs;
        o->room = room;
    }
    o->graphs[o->count++] = (lsq_onnx_graph){f->at, f->size, function};
    return LSQ_OK;
}

/* Adds what a node of the type Constant has in the attribute of that name. */
static lsq_status add_constant(lsq_onnx *o, const lsq_message *m, const lsq_field *name, const lsq_field *tensor,
                               const lsq_field *output)
{
    static const struct {
        const char *name;
        unsigned field, type;
        int vector;
    } lists[] = {{"value_float", F, LSQ_FIXED32, 0},
                 {"value_floats", FLOATS, LSQ_FIXED32, 1},
                 {"value_int", I, LSQ_VARINT, 0},
                 {"value_ints", INTS, LSQ_VARINT, 1}};
    lsq_message proto;
    if (lsq_field_is(m, name, "value")) {
        if (!tensor->number)
            return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: the value of a Constant is no tensor",
                            m->at);
        const lsq_status status = lsq_field_message(m, tensor, "TensorProto", &proto);
        return status ? status : lsq_onnx_add_tensor(o, &proto, output);
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (lsq_field_is(m, name, lists[i].name))
            return lsq_onnx_add_numbers(o, m, lists[i].field, lists[i].type, lists[i].vector, output);
    return lsq_fail(
        m->err, LSQ_E_UNSUPPORTED, m->file->path,
        "offset %zu: a Constant with a \"%.*s\", expected numbers: value, value_float, value_floats, value_int "
        "or value_ints",
        m->at, (int)(name->size < 40 ? name->size : 40), (const char *)lsq_field_bytes(m, name));
}

/* Reads an AttributeProto: of a Constant, which gives its output its name, or of another node (NULL). */
static lsq_status read_attribute(lsq_onnx *o, const lsq_message *attribute, const lsq_field *output)
{
    lsq_field name = {.number = 0}, tensor = name, reference = name, body = name, f;
    lsq_message m = *attribute;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == NAME)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &name);
        else if (f.number == T)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &tensor);
        else if (f.number == REF_ATTR_NAME)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &reference);
        else if (f.number == G)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &body);
        if (!status && (f.number == G || f.number == GRAPHS))
            status = lsq_onnx_put_graph(o, &m, &f, 0);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    /* What refers to an attribute of a function has no value of its own. */
    return status || !output || reference.size ? status : add_constant(o, attribute, &name, &tensor, output);
}

static lsq_status read_node(lsq_onnx *o, const lsq_message *node)
{
    lsq_field output = {.number = 0}, type = output, domain = output, f;
    lsq_message m = *node, attribute;
    size_t attributes = 0;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == NODE_OUTPUT && !output.number)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &output);
        else if (f.number == NODE_OP_TYPE)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &type);
        else if (f.number == NODE_DOMAIN)
            status = lsq_field_once(&m, &f, LSQ_BYTES, &domain);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    const int constant =
        lsq_field_is(&m, &type, "Constant") && (domain.size == 0 || lsq_field_is(&m, &domain, "ai.onnx"));
    m = *node;
    if (!status)
        status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == NODE_ATTRIBUTE) {
            attributes++;
            status = lsq_field_message(&m, &f, "AttributeProto", &attribute);
            if (!status)
                status = read_attribute(o, &attribute, constant ? &output : NULL);
        }
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (!status && constant && attributes != 1)
        return lsq_fail(m.err, LSQ_E_MALFORMED, m.file->path,
                        "offset %zu: a Constant with %zu attributes, expected one", node->at, attributes);
    return status;
}

static lsq_status read_graph(lsq_onnx *o, const lsq_onnx_graph *graph)
{
    const lsq_message whole = {
        &o->file, graph->function ? "FunctionProto" : "GraphProto", graph->at, graph->at + graph->size, 1, o->err};
    const uint32_t node = graph->function ? FUNCTION_NODE : GRAPH_NODE;
    lsq_message m = whole, inner;
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == node) {
            status = lsq_field_message(&m, &f, "NodeProto", &inner);
            status = status ? status : read_node(o, &inner);
        } else if (f.number == GRAPH_INITIALIZER && !graph->function) {
            status = lsq_field_message(&m, &f, "TensorProto", &inner);
            status = status ? status : lsq_onnx_add_tensor(o, &inner, NULL);
        } else if (f.number == GRAPH_SPARSE_INITIALIZER && !graph->function) {
            status = lsq_fail(m.err, LSQ_E_UNSUPPORTED, m.file->path, "offset %zu: a sparse tensor", f.at);
        }
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (!status)
        lsq_onnx_read_axes(o, whole, node);
    return status;
}

lsq_status lsq_onnx_read_graphs(lsq_onnx *o)
{
    lsq_status status = LSQ_OK;
    for (; o->graph < o->count && !status; o->graph++) {
        const lsq_onnx_graph graph = o->graphs[o->graph]; /* they move while others are put behind them */
        o->first = o->model->count;
        status = read_graph(o, &graph);
    }
    return status;
}

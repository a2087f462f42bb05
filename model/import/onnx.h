/*
 * onnx.h - what the parts of the reader of ONNX models share.
 */
#ifndef LSQ_MODEL_IMPORT_ONNX_H
#define LSQ_MODEL_IMPORT_ONNX_H

#include "model/import/protobuf.h"

/* A graph that is to be read, or a function. */
typedef struct lsq_onnx_graph {
    size_t at, size;
    int function;
} lsq_onnx_graph;

typedef struct lsq_onnx {
    lsq_model *model;
    lsq_mapping file; /* a copy: files of external data move the original */
    unsigned flags;
    size_t graph; /* the one that is read: 0 is the model's, the others are bodies of operators, and functions */
    size_t first; /* the first entry of the model that is of this graph */
    lsq_onnx_graph *graphs; /* malloc; the model's own first */
    size_t count, room;
    lsq_error *err;
} lsq_onnx;

/* Puts the graph in a field, or a function, into the list of those that are to be read. */
lsq_status lsq_onnx_put_graph(lsq_onnx *o, const lsq_message *message, const lsq_field *field, int function);

/* Reads the graphs of the list that have not been read, and those that they put into it. */
lsq_status lsq_onnx_read_graphs(lsq_onnx *o);

/*
 * Adds the tensor of a TensorProto, under the name that stands in the field `name`, or under its own if that is NULL.
 * In a body a name that another graph has taken gets the body's number behind a slash; twice in one graph it is
 * LSQ_E_MALFORMED.
 */
lsq_status lsq_onnx_add_tensor(lsq_onnx *o, const lsq_message *proto, const lsq_field *name);

/*
 * Adds the numbers in the fields `field` of an AttributeProto, LSQ_FIXED32 as F32 or LSQ_VARINT as I64: as a vector, or
 * as one number, which is 0 if there is no such field.
 */
lsq_status lsq_onnx_add_numbers(lsq_onnx *o, const lsq_message *proto, unsigned field, unsigned type, int vector,
                                const lsq_field *name);

/*
 * Finds the numbers of a tensor, tensor->bytes of them, in the file beside the model that its TensorProto names. `at`
 * is where that stands, for errors.
 */
lsq_status lsq_onnx_external(lsq_onnx *o, const lsq_message *proto, const lsq_tensor *tensor, size_t at,
                             const uint8_t **data);

/* Finds the axes of the outputs of weights that nodes of this graph use, once its tensors have been added. `node`: their field. */
void lsq_onnx_read_axes(const lsq_onnx *o, lsq_message graph, uint32_t node);

/* Where nodes do not agree, and no more come, the axis is not known. */
void lsq_onnx_settle_axes(const lsq_onnx *o);

/*
 * Reads an OperatorSetIdProto, a domain and a version (LSQ_VARINT), or a StringStringEntryProto, a key and a value
 * (LSQ_BYTES); either may not be there. LSQ_E_MALFORMED.
 */
lsq_status lsq_onnx_read_pair(const lsq_message *message, unsigned type, lsq_field *first, lsq_field *second);

#endif

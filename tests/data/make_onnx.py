#!/usr/bin/env python3
"""Writes onnx/ with the library of ONNX: what our reader must read.

    make_onnx.py FOLDER        needs the PyPI packages onnx (1.23.2) and numpy (2.4.6)

The numbers of every tensor are 0, 1, 2, ... in the order of its shape; those of booleans 0, 1, 0, ...
"""
import os
import sys

import numpy
import onnx
from onnx import TensorProto, helper

TYPES = ("FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64",
         "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2")


def tensor(name, kind, shape, raw):
    """Numbers 0, 1, ..., as bytes or in the field for the type."""
    number = getattr(TensorProto, kind)
    values = numpy.arange(numpy.prod(shape, dtype=int))
    array = (values % 2 if kind == "BOOL" else values).astype(helper.tensor_dtype_to_np_dtype(number))
    return helper.make_tensor(name, number, shape, array.tobytes() if raw else array.astype(float).tolist(), raw=raw)


def constant(output, **value):
    return helper.make_node("Constant", [], [output], **value)


def model(nodes, initializers, functions=()):
    output = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    made = helper.make_model(helper.make_graph(nodes, "graph", [], output, initializers), producer_name="make_onnx.py",
                             producer_version="1", functions=functions, ir_version=10,
                             opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("local", 1)])
    made.domain = "org.example"
    made.model_version = 7
    helper.set_model_props(made, {"licence": 'none "at all"\n', "gr\u00f6\u00dfe": "\u2713"})
    return made


def graphs():
    """Constants of every kind; bodies, whose names may be those of other bodies; a function."""
    nodes = [constant("value", value=tensor("another name", "FLOAT", (2, 3), True)), constant("float", value_float=0.0),
             constant("floats", value_floats=[0.0, 1.0]), constant("int", value_int=0),
             constant("ints", value_ints=[0, 1, 2]), helper.make_node("Other", ["x"], ["z"], value_int=3)]

    def body(name, inner=()):
        output = [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)]
        return helper.make_graph([constant("c", value_ints=[0, 1]), *inner], name, [], output,
                                 [tensor("weight", "FLOAT", (2,), True)])

    deep = helper.make_node("If", ["float"], ["b"], then_branch=body("d"), else_branch=body("e"))
    nodes.append(helper.make_node("If", ["float"], ["y"], then_branch=body("then", [deep]), else_branch=body("else")))
    function = helper.make_function("local", "twice", ["x"], ["y"], [
        constant("c", value_float=0.0), helper.make_node("Mul", ["x", "c"], ["y"])], [helper.make_opsetid("", 21)])
    return model(nodes, [tensor("weight", "FLOAT16", (1, 4), False)], [function])


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    for file, raw in (("raw.onnx", True), ("typed.onnx", False)):
        listed = [tensor(kind, kind, (2, 1, 2), raw) for kind in TYPES]
        listed += [tensor("scalar", "FLOAT", (), raw), tensor("empty", "INT8", (3, 0), raw)]
        onnx.save(model([], listed), file)
    onnx.save(graphs(), "graphs.onnx")
    external = model([], [tensor("one", "FLOAT", (4, 4), True), tensor("two", "INT16", (5,), True)])
    onnx.save(external, "external.onnx", save_as_external_data=True, location="external.data", size_threshold=0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

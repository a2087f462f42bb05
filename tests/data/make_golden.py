#!/usr/bin/env python3
"""Writes all_types.safetensors and npy/ with the libraries of these formats: what our readers must read.

    make_golden.py FOLDER        needs the PyPI packages numpy (2.4.6) and safetensors (0.8.0)
"""
import os
import struct
import sys

import numpy
import safetensors


def all_types(path):
    """One tensor of every type, with the values at its ends; bfloat16 and float8 as bytes, for numpy has no such types."""
    floats = numpy.array([1.5, -2.25, 3e-5, 0.0, -0.0, 65504.0], numpy.float32)
    tensors = {
        "f32": ("float32", [2, 3], floats.tobytes()),
        "f16": ("float16", [6], floats.astype(numpy.float16).tobytes()),
        "bf16": ("bfloat16", [3], bytes.fromhex("c03f10c080ff")),
        "f64": ("float64", [1, 2], numpy.array([numpy.pi, -1e300]).tobytes()),
        "bool": ("bool", [3], b"\1\0\1"),
        "f8 e4m3": ("float8_e4m3fn", [2, 1], b"\x38\xc0"),
        "f8 e5m2": ("float8_e5m2", [2], b"\x3c\xc0"),
        "scalar": ("float32", [], struct.pack("<f", 0.125)),
        "empty": ("float32", [0], b""),
        "gr\u00f6\u00dfe": ("float32", [1], struct.pack("<f", 7)),
    }
    for bits in (8, 16, 32, 64):
        signed = numpy.array([-2 ** (bits - 1), 2 ** (bits - 1) - 1], f"int{bits}")
        tensors[f"i{bits}"] = (f"int{bits}", [2], signed.tobytes())
        tensors[f"u{bits}"] = (f"uint{bits}", [2], numpy.array([0, 2 ** bits - 1], f"uint{bits}").tobytes())
    kept = {name: numpy.frombuffer(data, numpy.uint8).copy() for name, (_, _, data) in tensors.items()}
    specs = {name: safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=kept[name].ctypes.data,
                                          data_len=kept[name].nbytes) for name, (dtype, shape, _) in tensors.items()}
    with open(path, "wb") as out:
        out.write(safetensors.serialize(specs, {"licence": 'none "at all"\n'}))


def arrays(folder):
    """The versions, both orders and the extreme ranks; numbers 0, 1, 2, ... in the order of the shape."""
    def save(name, array, version):
        with open(f"{folder}/{name}.npy", "wb") as out:
            numpy.lib.format.write_array(out, array, version=version)

    def count(*shape):
        return numpy.arange(numpy.prod(shape, dtype=int), dtype=numpy.float32).reshape(shape)

    save("rows", count(2, 3), (1, 0))
    save("columns", numpy.asfortranarray(count(2, 3)), (1, 0))
    save("columns of rank 4", numpy.asfortranarray(count(2, 3, 1, 4)), (2, 0))
    save("columns of rank 8", numpy.asfortranarray(count(1, 2, 1, 2, 1, 1, 1, 2)), (1, 0))
    save("number", count(), (1, 0))
    save("vector", count(5), (3, 0))
    save("empty", count(0, 3), (1, 0))
    save("rank 8", count(1, 2, 1, 2, 1, 1, 1, 2), (3, 0))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(f"{sys.argv[1]}/npy", exist_ok=True)
    all_types(f"{sys.argv[1]}/all_types.safetensors")
    arrays(f"{sys.argv[1]}/npy")

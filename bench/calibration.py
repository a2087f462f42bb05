"""
What calibration gains in products, at the same bits: calibration.py LSQ MODEL [CODEC]... with the `lsq` command and the Universal Sentence
Encoder lite as safetensors, output axis first; needs numpy.

Inputs of each matrix are made from the model's own token embeddings: all 8,002 tokens go through the network one by one, so that attention sees
the token itself alone and hands on its value. Tokens 0, 2, 4, ... calibrate; on 1, 3, 5, ... is measured
-10 log10(||(W - W^) X||^2 / ||W X||^2) without calibration, with importance alone (mean squares of inputs), and with the inputs themselves,
whose errors are fed back.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np


def read(path):
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    return {name: np.frombuffer(data[slice(*t['data_offsets'])], np.float32).reshape(t['shape'])
            for name, t in header.items() if name != '__metadata__'}


def write(path, tensors):
    header, at = {}, 0
    for name, t in tensors.items():
        header[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for t in tensors.values():
            file.write(np.ascontiguousarray(t, np.float32).tobytes())


def inputs(model):
    """{short name: (name of the matrix, its inputs, one a row)}"""
    found = {}

    def find(part):
        name, = (n for n in model if part in n)
        return name

    def linear(short, part, x, bias=None):
        name = find(part)
        found[short] = name, x
        return x @ model[name].T + (model[find(bias)] if bias else 0)

    def normal(x, part):
        x = x - x.mean(1, keepdims=True)
        x = x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-6)
        return x * model[find(part + 'layer_norm_scale')] + model[find(part + 'layer_norm_bias')]

    x = model[find('Embeddings_en')]
    for i in 0, 1:
        layer = f'Encode/Layer_{i}/TransformerLayer/'
        heads, ffn, stack = layer + 'MultiheadAttention/', layer + 'FFN/', f'Stack/Layer_{i}/TransformerLayer/FFN/'
        qkv = linear(f'qkv {i}', heads + 'qkv_transform_single/weight',
                     normal(x, layer + 'layer_prepostprocess/layer_norm/'), heads + 'qkv_transform_single/bias')
        value = qkv[:, -qkv.shape[1] // 3:]
        heard = linear(f'output {i}', heads + 'output_transform_single/weight', value,
                       heads + 'output_transform_single/bias')
        if i == 0:
            x = linear('dense', layer + 'dense/weight', x, layer + 'dense/bias')
        x = x + heard
        hidden = linear(f'ffn1 {i}', stack + 'conv1', normal(x, ffn + 'layer_prepostprocess/layer_norm/'),
                        ffn + 'conv1/bias')
        x = x + linear(f'ffn2 {i}', stack + 'conv2', np.maximum(hidden, 0), ffn + 'conv2/bias')
    return found


def main(lsq, path, *codecs):
    model = read(path)
    found = inputs(model)
    with tempfile.TemporaryDirectory() as folder:
        at = {name: os.path.join(folder, name) for name in ('matrices', 'importance', 'inputs', 'packed')}
        at['decoded'] = os.path.join(folder, 'decoded.safetensors')
        write(at['matrices'], {name: model[name] for name, _ in found.values()})
        write(at['importance'], {name: (x[::2] ** 2).mean(0) for name, x in found.values()})
        write(at['inputs'], {name: x[::2] for name, x in found.values()})
        print('matrix     columns  codec    alone  importance  feedback   dB of products')
        for codec in codecs or ('s3', 's4', 't2', 't3', 't4'):
            decoded = []
            for known in None, 'importance', 'inputs':
                more = ['--calibration', at[known]] if known else []
                subprocess.run([lsq, 'compress', '-qf', at['matrices'], '-c', codec, '-o', at['packed'], *more], check=True)
                subprocess.run([lsq, 'decode', '-qf', at['packed'], '-o', at['decoded']], check=True)
                decoded.append(read(at['decoded']))
            for short, (name, x) in found.items():
                y, w = x[1::2] @ model[name].T, model[name]
                noise = [x[1::2] @ (d[name] - w).T for d in decoded]
                db = [10 * np.log10((y.astype(float) ** 2).sum() / (n.astype(float) ** 2).sum()) for n in noise]
                print(f'{short:10} {w.shape[1]:7}  {codec:6} {db[0]:7.2f}  {db[1]:10.2f}  {db[2]:8.2f}', flush=True)


main(*sys.argv[1:])

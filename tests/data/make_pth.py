#!/usr/bin/env python3
"""Writes pth/*.pth as torch.save() would, without torch but with NumPy 1: make_pth.py FOLDER

Modules and classes of torch's names stand in for it, so that Python's own pickler writes what it writes there; and entries
are written as torch's writer of zip files does: stored, behind padding to 64 bytes, with descriptors, and a zip64 record.
Files called old are written as before torch 1.6, pickles and storages behind each other.
"""

import argparse
import collections
import datetime
import io
import os
import pathlib
import pickle
import struct
import sys
import types
import zlib

import numpy


def module(name, **names):
    made = types.ModuleType(name)
    for key, value in names.items():
        value.__module__, value.__qualname__ = name, key
        setattr(made, key, value)
    sys.modules[name] = made
    return made


def rebuild(*_):
    raise NotImplementedError


CODES = {'FloatStorage': 'f', 'HalfStorage': 'e', 'BFloat16Storage': 'H', 'DoubleStorage': 'd', 'LongStorage': 'q',
         'IntStorage': 'i', 'ShortStorage': 'h', 'CharStorage': 'b', 'ByteStorage': 'B', 'BoolStorage': '?'}
torch = module('torch', **{name: type(name, (), {}) for name in CODES}, Size=type('Size', (tuple,), {
    '__reduce__': lambda self: (torch.Size, (tuple(self),))}), device=type('device', (), {
    '__reduce__': lambda self: (torch.device, ('cuda', 0))}))
parts = {name: types.FunctionType(rebuild.__code__, {}, name)
         for name in ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_tensor_v3', '_rebuild_parameter', '_rebuild_parameter_with_state',
                      '_rebuild_from_type_v2')}
from_type = parts.pop('_rebuild_from_type_v2')
module('torch._utils', **parts)
module('torch._tensor', _rebuild_from_type_v2=from_type)
torch.nn = module('torch.nn')
torch.nn.parameter = module('torch.nn.parameter', Parameter=type('Parameter', (), {}))
torch.storage = module('torch.storage', UntypedStorage=type('UntypedStorage', (), {}))


class DType:
    """Pickled as a name of torch's: torch.uint16."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


class Storage:
    def __init__(self, kind, numbers, code=None):
        self.kind, self.code = kind, code or CODES.get(kind)
        self.bytes = struct.pack(f'<{len(numbers)}{self.code}', *numbers)
        self.count = len(numbers) if kind in CODES else len(self.bytes)


class Tensor:
    def __init__(self, storage, size, offset=0, stride=None, dtype=None, first=False):
        if stride is None:
            stride, step = [], 1
            for length in reversed(size):
                stride.insert(0, step)
                step *= length
        self.storage, self.offset, self.size, self.stride, self.dtype = storage, offset, size, tuple(stride), dtype
        self.first = first

    def __reduce_ex__(self, _):
        arguments = (self.storage, self.offset, tuple(self.size), self.stride, False, collections.OrderedDict())
        if self.first:
            return parts['_rebuild_tensor'], arguments[:4]
        if self.dtype:
            return parts['_rebuild_tensor_v3'], (*arguments, self.dtype)
        return parts['_rebuild_tensor_v2'], arguments


class Parameter:
    """With a state it is one with attributes; with a class, one that is wrapped as torch wraps tensors of classes of their own."""

    def __init__(self, tensor, state=None, of_class=None):
        self.tensor, self.state, self.of_class = tensor, state, of_class

    def __reduce_ex__(self, protocol):
        if self.of_class:
            return from_type, (*self.tensor.__reduce_ex__(protocol)[:1], self.of_class,
                               self.tensor.__reduce_ex__(protocol)[1], {'note': 1})
        if self.state:
            return parts['_rebuild_parameter_with_state'], (self.tensor, True, collections.OrderedDict(), self.state)
        return parts['_rebuild_parameter'], (self.tensor, True, collections.OrderedDict())


class Pickler2(pickle._Pickler):
    """As the one in C of Python 2: text is bytes, the memo is counted from 1, and an ordered dict is made of a list of lists."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes_of(self, value):
        self.write(b'U' + bytes([len(value)]) + value.encode())
        self.memoize(value)

    dispatch[str] = save_bytes_of

    def reducer_override(self, value):
        if type(value) is not collections.OrderedDict:
            return NotImplemented
        return collections.OrderedDict, ([list(pair) for pair in value.items()],), vars(value) or None

    def put(self, number):
        return super().put(number + 1)

    def get(self, number):
        return super().get(number + 1)


def pickled(thing, protocol, base=pickle._Pickler, first_key=0, view=()):
    """The pickle and the storages in the order of their keys."""
    storages = {}

    class Pickler(base):  # the one in Python can be told how to write a dtype
        def persistent_id(self, value):
            if not isinstance(value, Storage):
                return None
            key, _ = storages.setdefault(id(value), (str(first_key + len(storages)), value))
            kind = getattr(torch, value.kind, None) or torch.storage.UntypedStorage
            return ('storage', kind, key, 'cpu', value.count, *view)

        def save_global(self, value, name=None):
            if isinstance(value, DType):
                self.write(b'ctorch\n' + value.name.encode() + b'\n' if self.proto < 4 else
                           b'\x8c\x05torch\x8c' + bytes([len(value.name)]) + value.name.encode() + b'\x93')
                self.memoize(value)
            else:
                super().save_global(value, name)

    out = io.BytesIO()
    Pickler(out, protocol=protocol).dump(thing)
    return out.getvalue(), [storage for _, storage in storages.values()]


class Archive:
    """The writer of zip files in torch: miniz, told to write zip64 and to begin the data of each entry at 64."""

    def __init__(self):
        self.out, self.directory, self.count = b'', b'', 0

    def add(self, name, data):
        name = name.encode()
        crc, begin = zlib.crc32(data), len(self.out)
        flags = 0x800 | (8 if data else 0)
        padding = -(begin + 30 + len(name) + 4) % 64
        extra = struct.pack('<2sH', b'FB', padding) + b'Z' * padding
        self.out += struct.pack('<4s5H3I2H', b'PK\3\4', 0, flags, 0, 0, 0, 0, 0, 0, len(name), len(extra)) + name + extra
        assert len(self.out) % 64 == 0
        self.out += data
        if data:
            self.out += struct.pack('<4s3I', b'PK\7\x08', crc, len(data), len(data))
        self.directory += struct.pack('<4s6H3I5H2I', b'PK\1\2', 0, 0, flags, 0, 0, 0, crc, len(data), len(data), len(name),
                                      0, 0, 0, 0, 0, begin) + name
        self.count += 1

    def finish(self):
        start, size, n = len(self.out), len(self.directory), self.count
        end = struct.pack('<4sQ2H2I4Q', b'PK\6\6', 44, 0x31e, 45, 0, 0, n, n, size, start)
        end += struct.pack('<4sIQI', b'PK\6\7', 0, start + size, 1)
        end += struct.pack('<4s4H2IH', b'PK\5\6', 0, 0, n, n, size, start, 0)
        return self.out + self.directory + end


def save(path, thing, protocol=2, byteorder=True, newer=False):
    root = os.path.splitext(os.path.basename(path))[0]
    data, storages = pickled(thing, protocol)
    archive = Archive()
    archive.add(f'{root}/data.pkl', data)
    if newer:
        archive.add(f'{root}/.format_version', b'1')
        archive.add(f'{root}/.storage_alignment', b'64')
    if byteorder:
        archive.add(f'{root}/byteorder', b'little')
    for key, storage in enumerate(storages):
        archive.add(f'{root}/data/{key}', storage.bytes)
    archive.add(f'{root}/version', b'3\n')
    if newer:
        archive.add(f'{root}/.data/serialization_id', b'0' * 40)
    with open(path, 'wb') as out:
        out.write(archive.finish())


def save_old(path, thing, protocol=2, base=pickle._Pickler):
    """Before torch 1.6: keys are addresses, here numbers that have another order as text."""
    system = {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {'short': 2, 'int': 4, 'long': 4}}
    data, storages = pickled(thing, protocol, base, 98, (None,))
    by_key = {str(98 + i): storage for i, storage in enumerate(storages)}
    with open(path, 'wb') as out:
        for value in 0x1950a86a20f9469cfc6c, 1001, system:
            base(out, protocol=protocol).dump(value)
        out.write(data)
        base(out, protocol=protocol).dump(sorted(by_key))
        for key in sorted(by_key):
            out.write(struct.pack('<Q', by_key[key].count) + by_key[key].bytes)


def state_dict(tensors):
    """As nn.Module.state_dict(): an OrderedDict with an attribute."""
    made = collections.OrderedDict(tensors)
    made._metadata = collections.OrderedDict({'': {'version': 1}, 'linear': {'version': 1}})
    return made


def linear():
    return {'linear.weight': Tensor(Storage('FloatStorage', range(6)), (2, 3)),
            'linear.bias': Tensor(Storage('FloatStorage', [0.5, -0.5]), (2,))}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name + '.pth')
    save(path('linear'), state_dict(linear()))
    save(path('newer'), state_dict(linear()), newer=True)
    for protocol in (1, 3, 4, 5):
        save(path(f'protocol_{protocol}'), state_dict(linear()), protocol=protocol, byteorder=False)
    shared = Storage('FloatStorage', range(12))
    tied = Tensor(shared, (3, 4))
    views = {
        'whole': tied, 'tied': tied, 'row': Tensor(shared, (4,), 4), 'transposed': Tensor(shared, (4, 3), 0, (1, 4)),
        'column': Tensor(shared, (3, 1), 1, (4, 1)), 'number': Tensor(shared, (), 11),
        'repeated': Tensor(shared, (2, 4), 8, (0, 1)), 'none': Tensor(shared, (0, 4), 12),
        'one': Tensor(shared, (1, 4), 0, (99, 1)), 'parameter': Parameter(Tensor(shared, (12,)))}
    save(path('views'), views)
    kinds = {kind: Tensor(Storage(kind, [1, 0] if code == '?' else [0x3fc0, 0xbf80] if kind[0:2] == 'BF' else
                                  [3, 250] if code == 'B' else [3, -5]), (2,)) for kind, code in CODES.items()}
    for name, code in (('uint16', 'H'), ('uint32', 'I'), ('uint64', 'Q'), ('float8_e4m3fn', 'B'), ('float8_e5m2', 'B'),
                       ('int16', 'h')):
        kinds[name] = Tensor(Storage('UntypedStorage', [0x38, 0x40], code), (2,), dtype=DType(name))
    save(path('types'), kinds)
    save_old(path('old'), {**views, **kinds})
    for protocol in (1, 4):
        save_old(path(f'old_{protocol}'), state_dict(linear()), protocol=protocol)
    save_old(path('old_python_2'), state_dict({name: Tensor(t.storage, torch.Size(t.size), first=True)
                                               for name, t in linear().items()}), base=Pickler2)
    save_old(path('old_empty'), {})
    checkpoint = {
        'epoch': 12, 'loss': 0.25, 'best': None, 'seed': 2**70, 'small': -3, 'text': 'adam', 'list': [1, [2.5, 'x'], ()],
        'shape': torch.Size((2, 3)), 'large': -2**40, 'state_dict': state_dict(linear()),
        'optimizer': {'state': {'momentum': Tensor(Storage('DoubleStorage', [1, 2]), (2,)), 'deep': {'too': {}},
                                0: {'step': 1}}, 'param_groups': [{'lr': 1e-3, 'params': [0, 1]}]}}
    save(path('checkpoint'), checkpoint)
    save(path('checkpoint_1'), checkpoint, protocol=1)
    save(path('checkpoint_4'), {'set': {1, 2}, 'frozen': frozenset((1,)), 'bytes': b'\0\1', **checkpoint}, protocol=4)
    moments = collections.defaultdict(dict, mean=Tensor(Storage('FloatStorage', [0.5, -0.5]), (2,)))
    training = {
        'args': argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath('a/b'), when=datetime.datetime(2020, 1, 2)),
        'loss': numpy.float64(0.5), 'step': numpy.int32(7), 'curve': numpy.arange(6.0).reshape(2, 3), 'type': numpy.dtype('f4'),
        'device': torch.device(), 'seen': {1, 2}, 'count': collections.Counter('hello'), 'queue': collections.deque([1, 2], 3),
        'complex': 1 + 2j, 'range': range(3), 'bytes': b'\0\xff', torch.nn.parameter.Parameter: 0,
        'model': state_dict({**linear(), 'own': Parameter(Tensor(shared, (12,)), {'note': 'mine'}),
                             'class': Parameter(Tensor(shared, (3, 4)), of_class=torch.nn.parameter.Parameter)}),
        'moments': moments}
    for protocol in (2, 5):
        save(path(f'training_{protocol}'), training, protocol=protocol)
    save(path('empty'), {})
    recursive = {'weight': Tensor(shared, (3, 4))}
    recursive['itself'] = recursive
    save(path('recursive'), recursive)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

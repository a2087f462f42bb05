#!/usr/bin/env python3
"""Does PyTorch compute the same layers from the decoded weights?

    interop_layers.py LIBRARY       liblsq-model.so

Exit code 77 where PyTorch cannot be imported (Debian has it as python3-torch, for /usr/bin/python3).
"""
import ctypes
import itertools
import sys

try:
    import torch
    import torch.nn.functional as functional
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

SIZE = ctypes.c_size_t
POINTER = ctypes.c_void_p


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("text", ctypes.c_char * 508)]


class Format(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint8) for name in ("codec", "bits", "scale", "states", "curve")]


class ContextOptions(ctypes.Structure):
    _fields_ = [("size", SIZE), ("max_isa", ctypes.c_char_p), ("kernel", ctypes.c_char_p), ("tune_file", ctypes.c_char_p),
                ("threads", ctypes.c_uint), ("activation", ctypes.c_int), ("parallel_for", POINTER), ("host", POINTER)]


class Shape(ctypes.Structure):
    _fields_ = [("size", SIZE), ("channels", SIZE), ("height", SIZE), ("width", SIZE), ("kernel", SIZE * 2),
                ("stride", SIZE * 2), ("padding", SIZE * 2), ("dilation", SIZE * 2), ("groups", SIZE)]


# In the order of lsq_nonlinearity.
FUNCTIONS = (lambda v: v, functional.relu, functional.gelu, lambda v: functional.gelu(v, approximate="tanh"),
             functional.silu)
INT, FLOAT = 0, 1

# batch, channels, outputs, (height, width), kernel, stride, padding, dilation, groups
SHAPES = (
    (1, 64, 64, (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (1, 64, 64, (56, 56), (3, 3), (2, 2), (1, 1), (1, 1), 1),
    (1, 64, 64, (56, 56), (3, 3), (1, 1), (2, 2), (2, 2), 1),
    (1, 64, 64, (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), 4),
    (1, 64, 64, (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), 64),
    (3, 12, 24, (17, 9), (5, 2), (2, 3), (0, 1), (1, 3), 12),
    (2, 40, 20, (19, 23), (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 3, 16, (13, 31), (7, 7), (2, 2), (3, 3), (1, 1), 1),
)


def at(tensor):
    return POINTER(tensor.data_ptr()) if tensor is not None else None


def call(function, *arguments):
    status = getattr(LIBRARY, function)(*arguments)
    if status != 0:
        reason = arguments[-1]._obj.text.decode() if hasattr(arguments[-1], "_obj") else ""
        sys.exit(f"failed: {function}: status {status} {reason}")


def context(activation):
    options = ContextOptions(size=ctypes.sizeof(ContextOptions), activation=activation)
    made = POINTER()
    call("lsq_context_new", ctypes.byref(options), ctypes.byref(made), ctypes.byref(Error()))
    return made


def quantised(rows, columns):
    """Weights of 5 bits, and what they stand for as doubles."""
    numbers, form, made = torch.randn(rows, columns), Format(), POINTER()
    call("lsq_format_parse", b"s5", ctypes.byref(form), ctypes.byref(Error()))
    call("lsq_quantize", None, ctypes.byref(form), SIZE(rows), SIZE(columns), at(numbers), SIZE(columns), None,
         ctypes.byref(made), ctypes.byref(Error()))
    call("lsq_dequantize", None, made, SIZE(0), SIZE(rows), at(numbers), SIZE(columns))
    return made, numbers.double()


def compare(what, activation, found, expected):
    """To the largest output: 1e-4 with float activations; 8 bits leave some 40 dB."""
    off, largest = (found.double() - expected).abs().max().item(), expected.abs().max().item()
    limit = 1e-4 if activation == FLOAT else 2e-2
    if not off <= limit * largest:
        sys.exit(f"failed: {what}: off by {off} of {largest}")


def linear(rows, columns, batch, activation, f, with_bias):
    w, decoded = quantised(rows, columns)
    x, bias = torch.randn(batch, columns), torch.randn(rows) if with_bias else None
    y = torch.full((batch, rows), float("nan"))
    call("lsq_linear", CONTEXTS[activation], w, at(bias), f, SIZE(batch), at(x), SIZE(columns), at(y), SIZE(rows),
         ctypes.byref(Error()))
    expected = FUNCTIONS[f](functional.linear(x.double(), decoded, bias.double() if with_bias else None))
    compare(f"linear {rows} x {columns}, batch {batch}, function {f}", activation, y, expected)
    LIBRARY.lsq_weights_free(w)


def conv2d(case, activation, f, with_bias):
    batch, channels, outputs, image, kernel, stride, padding, dilation, groups = case
    shape = Shape(ctypes.sizeof(Shape), channels, *image, kernel, stride, padding, dilation, groups)
    w, decoded = quantised(outputs, channels // groups * kernel[0] * kernel[1])
    x, bias = torch.randn(batch, channels, *image), torch.randn(outputs) if with_bias else None
    expected = FUNCTIONS[f](functional.conv2d(x.double(), decoded.reshape(outputs, channels // groups, *kernel),
                                              bias.double() if with_bias else None, stride, padding, dilation, groups))
    size = (SIZE(), SIZE())
    call("lsq_conv2d_output", ctypes.byref(shape), *map(ctypes.byref, size), ctypes.byref(Error()))
    if tuple(n.value for n in size) != tuple(expected.shape[2:]):
        sys.exit(f"failed: {case}: {size} instead of {expected.shape}")
    y = torch.full(expected.shape, float("nan"), dtype=torch.float32)
    call("lsq_conv2d", CONTEXTS[activation], ctypes.byref(shape), w, at(bias), f, SIZE(batch), at(x), at(y),
         ctypes.byref(Error()))
    compare(f"conv2d {case}, function {f}", activation, y, expected)
    LIBRARY.lsq_weights_free(w)


def main():
    torch.manual_seed(1)
    for activation, f, with_bias in itertools.product((INT, FLOAT), range(len(FUNCTIONS)), (False, True)):
        for batch in (1, 3, 70):
            linear(100, 333, batch, activation, f, with_bias)
    print("ok: linear")
    for (i, case), activation, with_bias in itertools.product(enumerate(SHAPES), (INT, FLOAT), (False, True)):
        conv2d(case, activation, i % len(FUNCTIONS), with_bias)
    print("ok: conv2d")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    LIBRARY = ctypes.CDLL(sys.argv[1])
    LIBRARY.lsq_weights_free.argtypes = [POINTER]
    CONTEXTS = {INT: context(INT), FLOAT: context(FLOAT)}
    main()

#!/bin/sh
# Files and layers against the formats' own libraries: usage: tests/interop.sh [BUILD], the folder of a build without sanitizers.
# Debian's Python brings NumPy and PyTorch (tools/install-deps.sh --ci). What Debian lacks, or has too old, comes from PyPI into BUILD/interop-python.
# Where that cannot be had, the last line says that this was skipped.
set -eu
cd "$(dirname "$0")/.."
build=${1-build}
python=$build/interop-python/bin/python

has_all() {
    "$python" -c 'import gguf, ml_dtypes, numpy, onnx, safetensors' 2>/dev/null
}

# NumPy stays below 2, as Debian's PyTorch was built for.
if ! has_all; then
    if ! /usr/bin/python3 -m venv --clear --system-site-packages "$build/interop-python" ||
        ! "$python" -m pip --quiet --disable-pip-version-check install 'numpy<2' safetensors gguf 'onnx>=1.19' ml_dtypes ||
        ! has_all; then
        echo 'interop: numpy, safetensors, gguf and onnx cannot be had from PyPI'
        echo 'Skipped: 1'
        exit 0
    fi
fi
"$python" -B tests/interop.py "$build/tools/lsq" tests/data/fixture.safetensors
"$python" -B tests/interop_layers.py "$build/model/liblsq-model.so" || [ $? = 77 ]

#!/bin/sh
# The main job from beginning to end, on real weights: install, build, compress, verify, tune, measure.
# usage: tools/quickstart.sh [FILE.safetensors|FILE.npy]     default: tests/data/fixture.safetensors
set -eu
cd "$(dirname "$0")/.."

weights=${1:-tests/data/fixture.safetensors}
out=build/quickstart

step() {
    printf '\n== %s\n' "$*"
}

step "Install what is missing (Debian 12 packages; nothing if all is there)."
sh tools/install-deps.sh

step "Build liblsq and its commands in build/."
[ -f build/build.ninja ] || meson setup build
ninja -C build
mkdir -p $out
PATH=$PWD/build/tools:$PWD/build/tuner:$PWD/build/bench:$PATH

step "Compress $weights three ways: 8-bit classic, 4-bit scalar, 4-bit trellis."
for codec in c8 s4 t4; do
    lsq compress "$weights" -o $out/out-$codec.lsq --codec $codec --force
done

step "Verify each file: its checksums, and how far its tensors are from the originals."
for codec in c8 s4 t4; do
    lsq verify $out/out-$codec.lsq --against "$weights"
done

step "Tune: find this machine's fastest kernel for each kind of product, and remember it for every later run."
lsq-tune --quick

step "Measure: products straight from the packed codes, against float products with the original weights."
lsq-bench file --against "$weights" $out/out-c8.lsq $out/out-s4.lsq $out/out-t4.lsq

step "Done. The files are in $out; \`build/tools/lsq --help\` tells what else there is."

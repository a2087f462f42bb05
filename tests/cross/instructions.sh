#!/bin/sh
# instructions.sh BUILD REGEX: how many instructions each kernel of an AArch64 build executes for a tile of 512 weights: the difference
# between one panel of six groups and one of two, a quarter of it, as QEMU traces them. gemm has 16 columns; of round it is a group.
set -eu
build=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

executed() {
    qemu-aarch64 -singlestep -d exec,nochain -D "$log" "$build/tests/run_kernel" "$1" "$2"
    grep -c '^Trace' "$log"
}

sed -n 's/^KERNEL(\(.*\), \(.*\), \(.*\), \(.*\), \(.*\), .*)$/\1_\2_\3_\4_\5/p' "$(dirname "$0")/../../kernels/table.inc" |
    grep -E "_neon" | grep -E "$2" | while read -r kernel; do
    echo "$kernel $((($(executed "$kernel" 6) - $(executed "$kernel" 2)) / 4))"
done

#!/bin/sh
# Installs what building and testing need on Debian 12: usage: install-deps.sh [--ci]
# Quiet when all is there. --ci adds what .ci/run needs beyond that: clang, qemu, SIMDe, oneDNN, PyTorch, CMake, what builds Debian
# packages, the AArch64 compiler and libraries.
set -eu

packages='gcc g++ libc6-dev binutils meson ninja-build pkg-config python3 scdoc
    libjansson-dev libsleef-dev libxxhash-dev libhwloc-dev libbenchmark-dev libopenblas-dev python3-numpy zlib1g-dev nettle-dev check'
ci_packages='git clang-14 clang llvm-14 libclang-rt-14-dev clang-format-14 qemu-user libsimde-dev libdnnl-dev
    cmake debhelper lintian mmdebstrap
    python3-torch python3-venv
    gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6:arm64 libjansson-dev:arm64 libsleef-dev:arm64 libxxhash-dev:arm64 zlib1g-dev:arm64 nettle-dev:arm64 check:arm64'
[ "${1-}" != --ci ] || packages="$packages $ci_packages"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install-deps: not a Debian system; these packages, by their Debian names, must be there already: $packages" >&2
    exit 0
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "install-deps: neither root nor sudo; please run as root: $*" >&2
        exit 1
    fi
}

native=$(dpkg --print-architecture)

# The packages of a list that are not installed for the architecture they name, or else for this machine's.
missing() {
    for package in $packages; do
        wanted="($native|all)"
        [ "${package%:*}" = "$package" ] || wanted=${package#*:}
        dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -qxE "$wanted installed" || echo "$package"
    done
}

absent=$(missing | tr '\n' ' ')
[ -n "$absent" ] || exit 0
echo "install-deps: installing $absent"
case $absent in
*:arm64*) as_root dpkg --add-architecture arm64 ;;
esac
export DEBIAN_FRONTEND=noninteractive
as_root apt-get -q update </dev/null
# shellcheck disable=SC2086 # a list
as_root apt-get -q install -y --no-install-recommends $absent </dev/null

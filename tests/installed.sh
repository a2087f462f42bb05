#!/bin/sh
# Installs a finished build into a folder of its own, and builds and runs programs of somebody else with nothing but that
# (tests/install/ and the README's lines): by pkg-config, CMake and meson, shared and static, in C and C++; then with the tree as a
# subproject of meson. Uninstalling must leave nothing. Its last line counts what passed. usage: tests/installed.sh [BUILD]
set -eu
cd "$(dirname "$0")/.."
build=${1-build}
programs=$PWD/tests/install
warnings='-Wall -Wextra -Werror'
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
passed=0

done_with() {
    passed=$((passed + 1))
    echo "== $1: as it should be"
}

failed() {
    echo "installed.sh: $1" >&2
    exit 1
}

# Nothing else that this machine has of liblsq may be found, and no tune file.
unset LD_LIBRARY_PATH CMAKE_PREFIX_PATH
export LSQ_TUNE_FILE=none

# use ROOT: what is installed there is what compilers find from now on.
use() {
    root=$1
    libraries=$(dirname "$(dirname "$(find "$root" -name lsq.pc)")")
    prefix=$root$(PKG_CONFIG_SYSROOT_DIR='' PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --variable=prefix lsq)
    export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_PATH="$libraries/pkgconfig"
}

# run PROGRAM...: with the libraries of that tree.
run() {
    LD_LIBRARY_PATH=$libraries "$@"
}

# asks_for PROGRAM WORD: whether the program loads our libraries, which is what "shared" means, or has them in it, "static".
asks_for() {
    needed=$(readelf -d "$1" | grep -c 'NEEDED.*\[liblsq') || true
    case $2 in
    shared) [ "$needed" -ge 1 ] ;;
    static) [ "$needed" = 0 ] ;;
    esac || failed "$1 should be $2, and loads $needed of our libraries"
}

# compile COMPILER SOURCE PACKAGE [option of pkg-config]: prints the program's name.
compile() {
    program=$(mktemp "$at/program.XXXXXX")
    # shellcheck disable=SC2046,SC2086 # lists of flags
    "$1" $warnings "$2" -o "$program" $(pkg-config --cflags ${4-} --libs "$3")
    echo "$program"
}

# by_pkg_config WORD [option of pkg-config]
by_pkg_config() {
    program=$(compile gcc "$programs/products.c" lsq ${2+"$2"})
    run "$program"
    asks_for "$program" "$1"
    program=$(compile g++ "$programs/layers.cc" lsq-model ${2+"$2"})
    run "$program" "$at/layers.lsq"
    asks_for "$program" "$1"
    done_with "pkg-config, $1"
}

# by_cmake WORD NAME [options]
by_cmake() {
    word=$1 name=$2 folder=$at/cmake-$2
    shift 2
    cmake -S "$programs" -B "$folder" -DCMAKE_PREFIX_PATH="$prefix" "$@" >"$folder.log" || {
        cat "$folder.log"
        failed "CMake, $name"
    }
    cmake --build "$folder" >"$folder.log" || {
        cat "$folder.log"
        failed "CMake, $name"
    }
    (cd "$folder" && LD_LIBRARY_PATH=$libraries ctest --output-on-failure --no-tests=error)
    asks_for "$folder/layers" "$word"
    done_with "CMake, $name"
}

DESTDIR=$at/root meson install -C "$build" --no-rebuild --quiet
use "$at/root"
for file in bin/lsq include/lsq/lsq_cblas.h share/man/man1/lsq.1 share/licenses/liblsq/LICENSE \
    share/bash-completion/completions/lsq; do
    [ -s "$prefix/$file" ] || failed "$file is missing"
done
run "$prefix/bin/lsq" --version
done_with 'the command and what is around it'

by_pkg_config shared
run "$(compile gcc "$programs/in_place.c" lsqblas)"
done_with 'pkg-config, before a BLAS'

# shellcheck disable=SC2016 # backquotes of Markdown
{
    sed -n '/^```c$/,/^```$/p' README.md | grep '^#include'
    echo 'int main(void) { static float x[65536], y[65536];'
    sed -n '/^```c$/,/^```$/p' README.md | grep -v -e '^```' -e '^#include'
    echo 'return 0; }'
} >"$at/readme.c"
run "$(compile gcc "$at/readme.c" lsq-model)"
done_with "the README's lines"

by_cmake shared shared
by_cmake static 'static by choice' -Dlsq_USE_STATIC_LIBS=ON
meson setup --wrap-mode=nofallback "$at/meson" "$programs" >/dev/null
run meson test -C "$at/meson"
asks_for "$at/meson/layers" shared
done_with 'meson'

# Where there are shared libraries, the linker takes those; so the static ones go by themselves, and elsewhere.
cp -a "$at/root" "$at/static"
find "$at/static" -name 'liblsq*.so*' -delete
use "$at/static"
by_pkg_config static --static
by_cmake static static

# Without optimisation, which is what takes time, and which the other builds have.
cp -r "$programs" "$at/parent"
mkdir "$at/parent/subprojects"
ln -s "$PWD" "$at/parent/subprojects/liblsq"
meson setup --force-fallback-for=liblsq -Doptimization=0 "$at/subproject" "$at/parent" >/dev/null
meson test -C "$at/subproject"
done_with 'a subproject of meson'

ninja -C "$build" uninstall >/dev/null
[ ! -e "$at/root" ] || failed "uninstalling left $(find "$at/root")"
done_with 'uninstalling'

printf 'Ok: %d\n' $passed

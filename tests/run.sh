#!/bin/sh
# Builds liblsq in build/ and runs its tests: usage: tests/run.sh [arguments of `meson test`]
# Installs missing Debian packages first. The exit code is that of the tests.
set -eu
cd "$(dirname "$0")/.."

sh tools/install-deps.sh
[ -f build/build.ninja ] || meson setup build
ninja -C build

code=0
meson test -C build --no-rebuild --print-errorlogs "$@" || code=$?
if [ $code = 0 ]; then
    echo "tests/run.sh: all tests passed"
else
    echo "tests/run.sh: tests failed; the whole log is build/meson-logs/testlog.txt" >&2
fi
exit $code

#!/bin/sh
# Builds the Debian packages from a copy of the tree, has lintian look at them, installs them in a new, minimal Debian and uses them
# there; purged, they must leave nothing. Needs root or sudo, for the new system. usage: tests/debian.sh [FOLDER]
# The packages stay in FOLDER, if one is named. DEB_BUILD_OPTIONS is as ever (nocheck noopt: a quarter of the time).
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
system=$work/system
chmod 755 "$work" # apt reads there as another user

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
trap 'as_root rm -rf "$work"' EXIT

# The packages have the version of the headers.
ours=$(sed -n '/^#define LSQ_VERSION_/s/.* //p' include/lsq/lsq.h | paste -sd.)
theirs=$(dpkg-parsechangelog -S Version)
if [ "$ours" != "$theirs" ]; then
    echo "debian.sh: debian/changelog has version $theirs, include/lsq/lsq.h $ours" >&2
    exit 1
fi

mkdir "$work/liblsq"
tar -c --exclude='./build*' --exclude=./.git --exclude=__pycache__ . | tar -x -C "$work/liblsq"
(cd "$work/liblsq" && dpkg-buildpackage -us -uc)
lintian --allow-root --fail-on error,warning "$work"/liblsq_*.changes

# From the mirror that apt has here.
# shellcheck disable=SC2016 # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' |
    head -n 1)
# Not every machine lets its users make one.
if ! as_root mmdebstrap --variant=minbase --include=gcc,libc6-dev,man-db,pkg-config bookworm "$system" "$mirror"; then
    echo 'debian.sh: the packages were built; a new system to install them in cannot be made here'
    echo 'Skipped: 1'
    exit 0
fi
as_root mkdir "$system/liblsq" "$system/packages"
as_root cp "$work"/*.deb "$system/packages"
as_root cp -r --parents debian/tests tests/install tests/data/fixture.safetensors "$system/liblsq"
inside() {
    as_root env -u TMPDIR DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$system" "$@"
}

# What our packages depend on comes over the network.
as_root cp /etc/resolv.conf "$system/etc/resolv.conf"
as_root sh -c "echo 'Dpkg::Use-Pty 0;' >$system/etc/apt/apt.conf.d/no-terminal"
inside apt-get -q update
inside sh -c 'cd /packages && apt-get -q install -y --no-install-recommends ./liblsq0_*.deb ./liblsq-dev_*.deb ./lsq-tools_*.deb'
inside sh -c 'cd /liblsq && sh debian/tests/smoke'
inside apt-get -q purge -y liblsq0 liblsq-dev lsq-tools
left=$(inside find / -xdev -name '*lsq*' ! -path '/liblsq*' ! -path '/packages*' ! -path '/proc/*')
if [ -n "$left" ]; then
    echo "debian.sh: purging left $left" >&2
    exit 1
fi

if [ $# = 1 ]; then
    mkdir -p "$1"
    cp "$work"/liblsq*.* "$work"/lsq-tools*.* "$1"
fi
echo 'debian.sh: built, installed, used and purged'

#!/bin/sh
# Installs what is missing to build livecount on Debian 12, Ubuntu 24.04 or later. Silent, and without network, when
# nothing is missing.
#   scripts/bootstrap.sh            for the preset release
#   scripts/bootstrap.sh --clang    for the preset clang too
#   scripts/bootstrap.sh --bench    for bench/compare too
set -eu

packages="g++ cmake ninja-build pkg-config xz-utils
  libboost-dev libxxhash-dev libsqlite3-dev
  libcli11-dev nlohmann-json3-dev zlib1g-dev liblzma-dev
  catch2 libbenchmark-dev python3-xxhash sqlite3 spin strace xfsprogs"
case ${1:-} in
  --clang) packages="$packages clang" ;;
  --bench) packages="$packages python3 gnuplot-nox mawk" ;;
esac

fail() {
  echo "bootstrap: $1" >&2
  exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this is neither Debian nor Ubuntu. Install the equivalents of: $packages"
fi

missing=
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || fail "not root, and there is no sudo. As root: apt-get install$missing"
  sudo=sudo
fi

echo "bootstrap: installing$missing" >&2
$sudo apt-get update -qq || fail "apt-get update failed (see above)"
# shellcheck disable=SC2086  # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || fail "apt-get could not install:$missing"

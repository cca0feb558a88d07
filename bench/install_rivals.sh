#!/bin/sh
# bench/install_rivals.sh FOLDER: unpacks into FOLDER the Debian 12 packages of what livecount is compared with.
# Nothing is installed: libboost1.81-dev would displace libboost-dev, and the servers would start as services. Silent,
# and without network, when all of them are there.
set -eu
folder=${1:?usage: bench/install_rivals.sh FOLDER}

packages="libboost1.81-dev libtbb-dev libcuckoo-dev libcds-dev libabsl-dev prometheus-cpp-dev
  librocksdb-dev liblmdb-dev redis-server redis-tools memcached postgresql-15 libpq-dev"

fail() {
  echo "install_rivals: $1" >&2
  exit 1
}
[ "$(cat "$folder/packages" 2>/dev/null)" != "$packages" ] || exit 0
command -v apt-get >/dev/null || fail "this is not Debian. Put these packages' equivalents below $folder/usr: $packages"

# With the libraries that they need and that are not installed; not with what they need to run as a service.
apt-get update -qq 2>/dev/null || true  # as another user than root: with the lists that are there
# shellcheck disable=SC2086  # a list of words
libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
  --no-enhances $packages | grep '^lib[a-z0-9.+-]*$' | sort -u)
wanted=$packages
for library in $libraries; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null) || true
  [ "$status" = installed ] || wanted="$wanted $library"
done

mkdir -p "$folder/archives"
echo "install_rivals: fetching and unpacking into $folder:" $wanted >&2
# shellcheck disable=SC2086
(cd "$folder/archives" && apt-get download -qq -o APT::Sandbox::User=root $wanted >/dev/null) || fail "apt-get could not download them (see above)"
for archive in "$folder"/archives/*.deb; do
  dpkg-deb -x "$archive" "$folder" || fail "$archive cannot be unpacked"
done
rm -r "$folder/archives"
printf '%s' "$packages" >"$folder/packages"

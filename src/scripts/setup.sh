#!/bin/sh
# setup.sh LIST -- installs the Debian packages named in LIST that are missing.
# Needs the network only if something is missing; root, or sudo.
set -eu
list=$1
packages=$(sed 's/#.*//' "$list")
missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "setup: all packages of $list are installed"
    exit 0
fi
echo "setup: missing:$missing"
by_hand="'make setup' installs these packages as root or with sudo; by hand: apt-get install --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1 && sudo true; then
    sudo='sudo '
else
    echo "setup: you are not root and sudo is not available; $by_hand" >&2
    exit 2
fi
run() { # one apt-get call, its output kept for the case that it fails
    log=$(mktemp)
    echo "setup: ${sudo}apt-get $*"
    if ! ${sudo}env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "setup: 'apt-get $1' failed (no network, or neither Debian 12 nor 13?); $by_hand" >&2
        exit 2
    fi
    rm -f "$log"
}
run update
# shellcheck disable=SC2086  # a list of package names
run install -y --no-install-recommends $missing
echo "setup: done"

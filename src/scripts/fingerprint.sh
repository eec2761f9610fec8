#!/bin/sh
# fingerprint.sh BUILD PROGRAM DATA... -- a hash of what the results of a claim program depend
# on: the .id of its own source and of every archive member that BUILD/map/PROGRAM.map says is
# linked, the flags, and the data files with their names.
set -eu
build=$1 program=$2
shift 2
# "build/lib/libndl.a(fit.o)" is the object of a source in the folder ndl.
members=$(sed -n "s#^$build/lib/lib\([a-z]*\)\.a(\([^)]*\)\.o)\$#\1/\2.id#p
s#^$build/lib/lib\([a-z]*\)\.a(\([^)]*\)\.o) .*#\1/\2.id#p" "$build/map/$program.map" | sort -u)
ids=
for member in $members; do
    [ "$member" != "" ] || continue
    id=
    for file in "$build/obj/$member" "$build"/obj/*/"$member"; do
        [ ! -e "$file" ] || id=$file
    done
    [ -n "$id" ] || { echo "fingerprint.sh: no $member below $build/obj" >&2; exit 2; }
    ids="$ids $id"
done
# shellcheck disable=SC2086 # a list of file names without blanks
{
    cat "$build/flags" "$build/obj/claims/$program.id" $ids
    [ $# -eq 0 ] || sha256sum "$@"
} | sha256sum

#!/bin/sh
# twice.sh BUILD -- builds the last commit in two directories and compares the two, byte for byte:
# results, figures, pages and the paper.  Shows what differs and fails if anything does.
#
# (A figure's PDF has the time of its making in it; the paper's, into which it goes, has not.)
set -eu
mkdir -p "$1"
twice=$(cd "$1" && pwd)/twice
rm -rf "$twice"
# Paths of different lengths, so that one that gets into a result is seen.
one=$twice/one two=$twice/a/second/directory
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
for copy in "$one" "$two"; do
    git clone --quiet . "$copy"
    echo "twice: make paper site in $copy"
    ${MAKE:-make} --no-print-directory -C "$copy" BUILD=build paper site >"$twice/log" 2>&1 ||
        { tail -n 20 "$twice/log" >&2; echo "twice.sh: the build in $copy failed" >&2; exit 1; }
done
compared() { # DIRECTORY: the files that must not differ
    (cd "$1/build" && find results figures site paper.pdf -type f ! -name '*.time' ! -name '*.log' \
        ! -path 'figures/*.pdf' | LC_ALL=C sort)
}
compared "$one" >"$twice/one.files"
compared "$two" >"$twice/two.files"
different=0
diff "$twice/one.files" "$twice/two.files" >&2 || different=1
while read -r file; do
    cmp -s "$one/build/$file" "$two/build/$file" && continue
    different=$((different + 1))
    echo "differs: $file" >&2
    diff "$one/build/$file" "$two/build/$file" 2>&1 | head -n 6 | cut -c 1-160 >&2
done <"$twice/one.files"
[ "$different" -eq 0 ] ||
    { echo "twice.sh: $different files differ between $one and $two" >&2; exit 1; }
echo "twice: $(wc -l <"$twice/one.files") files are the same in both builds"
rm -rf "$twice"

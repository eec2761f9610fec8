#!/bin/sh
# whole.sh FILE -- fails unless the file, NAME.KIND or NAME.KIND.new, ends as its kind must.
# gnuplot and pandoc report success after writing half of a file to a full disk.
set -eu
name=${1%.new}
case ${name##*.} in
svg) end='</svg>' ;;
html) end='</html>' ;;
pdf) end='%%EOF' ;;
*) echo "whole.sh: $1: of no known kind" >&2; exit 64 ;;
esac
[ "$(tail -n 1 "$1" | tail -c 20 | tr -d ' \0')" = "$end" ] && exit
echo "$1: cut off, does not end in $end (is the disk full?)" >&2
exit 1

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
case $(tail -c 40 "$1" | tr -d ' \n\0') in *"$end") exit ;; esac
echo "$1: cut off, does not end in $end (is the disk full?)" >&2
exit 1

#!/bin/sh
# arxiv.sh PAPER BUILD OUT -- packs what pdflatex alone needs into OUT, a .tar.gz with no directory
# above paper.tex: sources, numbers, quoted pieces of source, figures and the bibliography as typeset.
#
# latex.sh has run before: its bibliography is the one that is packed.  The caller sets
# SOURCE_DATE_EPOCH, and one commit gives one archive.
set -eu
paper=$1 build=$2 out=$3
work=$build/arxiv
rm -rf "$work"
mkdir -p "$work"
cp "$paper/paper.tex" "$paper/results.sty" "$build/paper/numbers.tex" "$build/paper/versions.tex" "$work"
cp -r "$paper/sections" "$build/paper/anchors" "$work"
cp "$build/paper/tex/paper.bbl" "$work"
# The figures that the sections show; others may be left over in BUILD.
sed -n 's/.*\\includegraphics\(\[[^]]*\]\)*{\([^}]*\)}.*/\2/p' "$paper"/sections/*.tex | sort -u |
    while read -r figure; do
        cp "$build/figures/$figure.pdf" "$work"
    done
cd "$work"
find . -type f | sed 's|^\./||' | LC_ALL=C sort >../arxiv.files
tar --create --format=ustar --owner=0 --group=0 --numeric-owner --mode=u=rw,go=r \
    --mtime="@$SOURCE_DATE_EPOCH" --no-recursion --files-from=../arxiv.files | gzip -n -9 >../arxiv.new
cd - >/dev/null
rm "$build/arxiv.files"
mv "$build/arxiv.new" "$out"

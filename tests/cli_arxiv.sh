#!/bin/sh
# The archive for arXiv typesets by itself, with pdflatex alone in an empty directory, to the same PDF;
# it is complete without the rest of the tree, and packed twice gives the same bytes.
. tests/cli.sh
command -v pdflatex >/dev/null 2>&1 || exit 77
[ -s "$BUILD/paper.pdf" ] || { echo "no $BUILD/paper.pdf: make paper (which a claim that fails prevents)"; exit 1; }

# What latex.sh leaves is that of one run: typeset again, in a tree of its own.
mkdir -p "$scratch/build/paper"
cp "$BUILD"/paper/*.tex "$scratch/build/paper" && cp -r "$BUILD/paper/anchors" "$scratch/build/paper"
cp -r "$BUILD/figures" "$scratch/build"
export SOURCE_DATE_EPOCH=1700000000
exits 0 src/scripts/latex.sh paper "$scratch/build"
exits 0 src/scripts/arxiv.sh paper "$scratch/build" "$scratch/first.tar.gz"
sleep 1
exits 0 src/scripts/arxiv.sh paper "$scratch/build" "$scratch/second.tar.gz"
same "$scratch/first.tar.gz" "$scratch/second.tar.gz"

# As on a machine that has nothing but the archive.
mkdir "$scratch/empty"
tar -xzf "$scratch/first.tar.gz" -C "$scratch/empty"
cd "$scratch/empty" || exit 1
[ -z "$(find . -name '*.bib' -o -name '*.gp' -o -name '*.tsv')" ] || complain 'the archive holds more than it needs'
export FORCE_SOURCE_DATE=1
for run in 1 2 3; do
    exits 0 env -u TEXINPUTS -u BIBINPUTS pdflatex -interaction=nonstopmode -halt-on-error paper.tex
done
grep -E 'LaTeX Warning: .*(undefined|multiply)|Rerun to get' paper.log && complain "undefined references in run $run"
same paper.pdf "$scratch/build/paper.pdf"
for entry in Title Author Subject Keywords; do
    grep -qa "/$entry *[(<]" paper.pdf || complain "the PDF has no $entry"
done

# Without a figure it fails rather than leaving a gap.
rm panels.pdf
exits 1 pdflatex -interaction=nonstopmode -halt-on-error paper.tex
finish

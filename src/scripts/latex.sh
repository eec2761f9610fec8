#!/bin/sh
# latex.sh PAPER BUILD -- typesets PAPER/paper.tex into BUILD/paper.pdf.
#
# Always from scratch, so that the PDF does not depend on what an earlier run left
# behind, and a failure leaves no PDF of an earlier one.  The caller sets SOURCE_DATE_EPOCH.
# Undefined or multiply defined references,
# citations and numbers are errors, and so are lines that are overfull by more than a point.
set -eu
paper=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
work=$build/paper/tex
whole=$(cd "$(dirname "$0")" && pwd)/whole.sh
export FORCE_SOURCE_DATE=1
export TEXINPUTS="$paper:$build/paper:$build/figures:" BIBINPUTS="$paper:" max_print_line=1000
rm -rf "$work" "$build/paper.pdf"
mkdir -p "$work/sections"
cd "$work"

run() {
    "$@" >screen.log 2>&1 </dev/null && return
    # TeX's errors are "file:line: text" (-file-line-error), or "! text" where there is no line.
    { grep -A 8 -E '^!|^[^ ]+:[0-9]+: |^l\.[0-9]' screen.log || tail -n 30 screen.log; } >&2
    echo "latex.sh: '$*' failed; the whole log: $work/screen.log" >&2
    exit 1
}
latex() { run pdflatex -interaction=nonstopmode -halt-on-error -file-line-error "$paper/paper.tex"; }

latex
run bibtex -terse paper
latex
latex
if grep -q 'Rerun to get\|Rerun LaTeX' paper.log; then
    latex
fi
if grep -E 'LaTeX Warning: .*(undefined|multiply)|Citation.*undefined|Rerun to get|pdfTeX warning' paper.log >&2; then
    echo "latex.sh: the complaints above are errors here" >&2
    exit 1
fi
if grep -E '^Overfull \\hbox \(([1-9]|[0-9]{2,})[.0-9]*pt' paper.log >&2; then
    echo "latex.sh: overfull lines, see above, are errors here" >&2
    exit 1
fi
"$whole" paper.pdf
mv paper.pdf "$build/paper.pdf"

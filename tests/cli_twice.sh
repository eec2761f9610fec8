#!/bin/sh
# make twice, on a copy of the repository with one small claim program: two builds of the last commit are
# the same; a program that writes its process number is found out, and nothing else is named.
. tests/cli.sh
command -v pdflatex >/dev/null 2>&1 && command -v git >/dev/null 2>&1 || exit 77
tree=$scratch/tree
mkdir -p "$tree/src/claims" "$tree/figures" "$tree/datasets" "$tree/results" "$tree/paper/sections"
cp Makefile "$tree"
cp -r src/ndl src/files src/audit src/registry src/site src/scripts "$tree/src"
cp -r src/claims/kit "$tree/src/claims"
cp paper/results.sty "$tree/paper"
cp figures/style.gp "$tree/figures"
export CFLAGS=-O0 # compiles fast
printf '# How\n<!-- claims: begin (written by `make sync`) -->\n<!-- claims: end -->\n' >"$tree/REPRODUCE.md"
echo '# Data' >"$tree/datasets/README.md"
echo build >"$tree/.gitignore"
cat >"$tree/src/claims/toy.c" <<'END'
#include <unistd.h>
#include "kit/claim.h"

/** A toy. */
int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv, "A toy.\vExample: toy");
    claim_table(claim, "curve", "x 1 0 place\ny 1 inf height");
    for (int i = 0; i < 5; i++)
        claim_row(claim, i, NUMBER);
    claim_scalar(claim, "a", 2, CLAIM_EXACT, "two");
    claim_scalar(claim, "b", 3, CLAIM_EXACT, "three");
    return claim_end(claim);
}
END
cat >"$tree/src/claims/registry.txt" <<'END'
claim toy
  title      A toy
  statement  Two is two.
  program    toy
  label      sec:toy
  figure     toy
  seconds    3
  check      a = 2 within 0 : a count
  control    b breaks a : another count
END
cat >"$tree/figures/toy.gp" <<'END'
# reads toy-curve.tsv
load style
plot results.'/toy-curve.tsv' using 1:1 with lines
END
cat >"$tree/paper/paper.tex" <<'END'
\documentclass{article}
\usepackage{lmodern,graphicx,results}
\input{versions}
\pdfsuppressptexinfo=-1
\pdfinfoomitdate=1
\pdftrailerid{}
\begin{document}
\input{sections/toy}
\bibliographystyle{plain}
\bibliography{references}
\end{document}
END
printf '\\section{Toy}\\label{sec:toy}\nTwo is \\result{toy.a} \\cite{a}. \\includegraphics{toy}\n' >"$tree/paper/sections/toy.tex"
printf '@misc{a, author = {A}, title = {B}, year = 2000}\n' >"$tree/paper/references.bib"
cd "$tree" || exit 1
commit() { # MESSAGE
    git add -A && git -c user.name=t -c user.email=t@example.org commit -q -m "$1"
}
git init -q .
sed -i 's/NUMBER/i * i/' src/claims/toy.c
exits 0 make BUILD=build reference
commit 'the same every time'
exits 0 make BUILD=build twice && says 'files are the same in both builds'

sed -i 's/i \* i/getpid()/' src/claims/toy.c
commit 'another number every time'
exits 2 make BUILD=build twice && says '^differs: results/toy-curve.tsv' && says '^differs: site/results/toy-curve.tsv' &&
    says '^twice.sh: 2 files differ'
finish

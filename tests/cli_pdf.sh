#!/bin/sh
# Two builds of the paper give the same bytes; unverified numbers and missing anchors give none.
. tests/cli.sh
command -v pdflatex >/dev/null 2>&1 || exit 77
[ -s "$BUILD/paper.pdf" ] || { echo "no $BUILD/paper.pdf: make paper (which a claim that fails prevents)"; exit 1; }

# A tree in which the paper can be typeset again from what has been built.
mkdir -p "$scratch/a/paper" "$scratch/b"
cp "$BUILD"/paper/*.tex "$scratch/a/paper" && cp -r "$BUILD/paper/anchors" "$scratch/a/paper"
cp -r "$BUILD/figures" "$scratch/a"
cp -r "$scratch/a/." "$scratch/b"
export SOURCE_DATE_EPOCH=1700000000
exits 0 src/scripts/latex.sh paper "$scratch/a"
for script in figures/*.gp; do # drawn again, at another time
    figure=$scratch/b/figures/$(basename "$script" .gp).pdf
    [ -e "$figure" ] || continue
    exits 0 gnuplot -d -e "style = 'figures/style.gp'; results = '$BUILD/results'; out = '$figure'" "$script"
done
sleep 1
exits 0 src/scripts/latex.sh paper "$scratch/b"
same "$scratch/a/paper.pdf" "$scratch/b/paper.pdf"
[ -s "$scratch/a/paper.pdf" ] || complain 'no PDF'

# Figures with another font would look and be different on another machine.
other=$(grep -ao '/BaseFont /[A-Z]*+[A-Za-z0-9-]*' "$BUILD"/figures/*.pdf | grep -v -e '+LM' -e '+LatinModern')
[ -z "$other" ] || complain "fonts other than Latin Modern: $other"

# A name without a result, and a listing without a source, stop LaTeX.
cp -r paper "$scratch/paper"
rm "$scratch/b/paper.pdf"
for command in '\\result{no.such}' '\\codelisting{no-such}' '\\verdict{nosuch}' '\\ref{nosuch}'; do
    sed "s/^\\\\input{sections\/setting}/$command\n&/" paper/paper.tex >"$scratch/paper/paper.tex"
    exits 1 src/scripts/latex.sh "$scratch/paper" "$scratch/b" && says 'no[.-]*such'
    [ ! -e "$scratch/b/paper.pdf" ] || complain "a PDF with $command"
done

# TeX's own error is shown, and no older PDF stays.
sed 's/^\\input{sections\/setting}/\\nosuchcommand\n&/' paper/paper.tex >"$scratch/paper/paper.tex"
echo old >"$scratch/b/paper.pdf"
exits 1 src/scripts/latex.sh "$scratch/paper" "$scratch/b"
head -n 1 "$scratch/err" | grep -q 'paper.tex:[0-9]*: Undefined control sequence' || complain "TeX's error: $(head -n 3 "$scratch/err")"
[ ! -e "$scratch/b/paper.pdf" ] || complain 'the PDF of before'

# So does a line that is too long for its column.
sed 's/^\\input{sections\/setting}/\\noindent\\rule{10cm}{1pt}\n&/' paper/paper.tex >"$scratch/paper/paper.tex"
exits 1 src/scripts/latex.sh "$scratch/paper" "$scratch/b" && says '^Overfull'
[ ! -e "$scratch/b/paper.pdf" ] || complain 'a PDF with an overfull line'

# Numbers that do not verify: no numbers.tex, hence no paper.
cp -r "$BUILD/results" "$scratch/results"
for file in "$scratch"/results/*.tsv; do
    awk -F '\t' -v OFS='\t' '!/^#/ && (NF == 4 || NF == 5) { $2 = "nan" } { print }' "$file" >"$file.new" && mv "$file.new" "$file"
done
exits 1 "$BUILD/bin/registry" macros --results "$scratch/results" --out "$scratch/numbers.tex"
[ ! -e "$scratch/numbers.tex" ] || complain 'numbers.tex from unverified results'
finish

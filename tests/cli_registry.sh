#!/bin/sh
# The registry program: verdicts, the comparison with the reference, refused input, exit codes.
. tests/cli.sh
registry=$BUILD/bin/registry

# A claim whose program wrote the numbers below, and its reference.
mkdir "$scratch/new" "$scratch/ref"
cat >"$scratch/claims" <<'END'
# a comment
claim toy
  title      A toy
  statement  Two numbers agree,
    over two lines.
  program    toy
  label      sec:toy
  seconds    3
  check      a = b within 1e-6 relative : a reason
  check      a >= 1 : another
  control    broken breaks a : no hypothesis
END
scalars() { # A BROKEN
    printf '# Sparse Optima result, format 1\na\t%s\t1e-6\tmeasured\nb\t2\t0\tpredicted\nbroken\t%s\tinf\tcontrol\n' "$1" "$2"
}
table() { # VALUE
    printf '# column 1: x 1 0 place\n# column 2: y 1 1e-3 height\n0\t1\n\n1\t%s\n' "$1"
}
verify() { # STATUS ARGUMENT...
    status_wanted=$1
    shift
    exits "$status_wanted" "$registry" verify --registry "$scratch/claims" --results "$scratch/new" --reference "$scratch/ref" "$@"
}
fresh() {
    rm -f "$scratch"/new/* "$scratch"/ref/*
    for dir in new ref; do
        scalars 2 3 >"$scratch/$dir/toy.tsv"
        table 5 >"$scratch/$dir/toy-curve.tsv"
    done
}

fresh
verify 0
says '1 of 1 claims hold; the results agree'
verify 0 toy
verify 2 other
says "no claim 'other'"

# Checks and controls.
scalars 2.1 3 >"$scratch/new/toy.tsv" && verify 1 && says '^claim toy FAILS'
scalars nan 3 >"$scratch/new/toy.tsv" && verify 1 --no-reference
scalars inf 3 >"$scratch/new/toy.tsv" && verify 1 --no-reference
scalars 2 2 >"$scratch/new/toy.tsv" && verify 1 && says 'holds without its hypothesis'
scalars 2 nan >"$scratch/new/toy.tsv" && verify 1 && says 'FAILS: not a number'
scalars 2 3 | grep -v broken >"$scratch/new/toy.tsv" && verify 1 --no-reference && says 'not in the results'
rm "$scratch/new/toy.tsv" && verify 1 && says 'toy.tsv: No such file'

# Scalars against the reference: its tolerance counts, relative above 1.
fresh
scalars 2.0000019 3 >"$scratch/new/toy.tsv" && verify 0
scalars 2.0000021 3 >"$scratch/new/toy.tsv" && verify 1 && says 'reference 2 (tolerance 1e-06)'
verify 1 toy && verify 1 --no-reference # the check itself is 1e-6 relative: 2.1e-6 > 2e-6
scalars 2 1e9 >"$scratch/new/toy.tsv" && verify 0 # tolerance inf: not compared
scalars 2 3 | sed s/predicted/guessed/ >"$scratch/new/toy.tsv" && verify 1 && says 'meaning'
{ scalars 2 3 && printf 'c\t1\t0\tmore\n'; } >"$scratch/new/toy.tsv" && verify 1 && says "'c' is not in the reference"
verify 0 --no-reference
scalars 2 3 | sed 's/format 1/format 2/' >"$scratch/new/toy.tsv" && verify 1 && says 'header'
scalars 2 3 | cut -f 1-3 >"$scratch/new/toy.tsv" && verify 1 && says 'toy.tsv:2: not'
scalars 2 3 | head -c 60 >"$scratch/new/toy.tsv" && verify 1

# The fifth column, the function that wrote the number, is no result.
scalars 2 3 | sed '/^#/!s/$/\tmeasure/' >"$scratch/new/toy.tsv" && verify 0
scalars 2 3 | sed 's/$/\tmeasure\tmore/' >"$scratch/new/toy.tsv" && verify 1 && says 'toy.tsv:2: not'

# Tables.
fresh
table 5.004 >"$scratch/new/toy-curve.tsv" && verify 0
table 5.006 >"$scratch/new/toy-curve.tsv" && verify 1 && says 'row 3, column 2'
table nan >"$scratch/new/toy-curve.tsv" && verify 1
table nan >"$scratch/ref/toy-curve.tsv" && verify 0 # a point missing in both
fresh
table 5 | grep . >"$scratch/new/toy-curve.tsv" && verify 1 && says '2 rows, the reference has 3'
table 5 | sed 's/height/depth/' >"$scratch/new/toy-curve.tsv" && verify 1 && says 'depth'
table "5	6" >"$scratch/new/toy-curve.tsv" && verify 1
rm "$scratch/new/toy-curve.tsv" && verify 1 && says 'ref/toy-curve.tsv: no .*new/toy-curve.tsv was computed'
fresh
cp "$scratch/ref/toy.tsv" "$scratch/ref/old.tsv" && verify 1 && says 'ref/old.tsv: no .*old.tsv was computed'
fresh
rm "$scratch/ref/toy-curve.tsv" && verify 1 && says 'no reference'

# A new reference: only what no longer agrees, and it is said what.
accept() { # STATUS
    exits "$1" "$registry" accept --registry "$scratch/claims" --results "$scratch/new" --reference "$scratch/ref"
}
fresh
scalars 2.0000001 3 >"$scratch/new/toy.tsv" && cp -r "$scratch/ref" "$scratch/before" # agrees: the last digits stay
accept 0 && says 'ref: 0 files changed'
same "$scratch/ref/toy.tsv" "$scratch/before/toy.tsv"
table 6 >"$scratch/new/toy-curve.tsv" && cp "$scratch/new/toy.tsv" "$scratch/new/other.tsv" && touch "$scratch/ref/old-curve.tsv"
echo kept >"$scratch/ref/seeds.tsv"
accept 0 && says 'row 3, column 2: 6, in the reference 5' && says 'ref/toy-curve.tsv: replaced' && says 'ref/other.tsv: new'
says 'ref/old-curve.tsv: removed' && says 'ref: 3 files changed'
[ "$(ls "$scratch/ref" | tr '\n' ' ')" = 'other.tsv seeds.tsv toy-curve.tsv toy.tsv ' ] || complain "$(ls "$scratch/ref")"
same "$scratch/ref/toy-curve.tsv" "$scratch/new/toy-curve.tsv"
same "$scratch/ref/toy.tsv" "$scratch/before/toy.tsv"
accept 0 && says 'ref: 0 files changed'
scalars 2 3 | sed '/^#/!s/$/\tmeasure/' >"$scratch/new/toy.tsv" && accept 0 && says 'toy.tsv: replaced' && says ': 1 files'
scalars 2.1 3 >"$scratch/new/toy.tsv" && accept 1 && says 'claim toy FAILS' # nothing, unless all claims hold
grep -q measure "$scratch/ref/toy.tsv" || complain 'a reference of a claim that fails'

# Malformed registries: the file and line, exit 2.
refused() { # PATTERN SED-SCRIPT
    fresh
    sed "$2" "$scratch/claims" >"$scratch/bad"
    exits 2 "$registry" list --registry "$scratch/bad"
    says "$scratch/bad:$1"
}
refused '3: unknown field' 's/^  title /  tilte /'
refused "2: claim toy: no 'title'" '/^  title/d'
refused "2: claim toy: no 'check'" '/^  check/d; /^  control/d'
refused "2: claim toy: no 'control'" '/^  control/d'
refused "9: ' : reason' is missing" '9s/ : .*//'
refused '9: check: .=., and only' '9s/within 1e-6 relative //'
refused '10: check: .=., and only' '10s/>= 1/>= 1 within 2/'
refused '9: check: .*is not a tolerance' '9s/1e-6/nan/'
refused '9: check: .*is not a tolerance' '9s/1e-6/-1/'
refused '9: check: .*only .relative' '9s/relative/absolute/'
refused '10: check: .~. is none' '10s/>=/~/'
refused '10: check: the expected value' '10s/>= 1/>= inf/'
refused '10: check: KEY' '10s/>= 1/>= ?/'
refused '11: control:' '11s/breaks/break/'
refused '11: claim toy: no check on' '11s/breaks a/breaks c/'
refused '8: seconds' '8s/3/soon/'
refused "4: a second .title." '4s/^/  title again\n/'
refused '2: expected .claim ID' '2s/.*/claim Toy!/'
refused '2: claim toy: no .program.' '6s,^,claim toy\n,'
refused '12: claim toy is already in line 2' '$a claim toy'
printf '# nothing\n' >"$scratch/bad" && exits 2 "$registry" list -r "$scratch/bad" && says 'no claims'
exits 2 "$registry" list -r "$scratch/none"
says 'No such file'

# What is generated: nothing unless verified.
fresh
scalars 2.1 3 >"$scratch/new/toy.tsv"
exits 2 "$registry" macros -r "$scratch/claims" -d "$scratch/new" -R "$scratch/ref" -o "$scratch/numbers.tex"
says 'there is no src/claims/toy.c'
[ ! -e "$scratch/numbers.tex" ] || complain 'numbers.tex of an unverified claim'
printf 'before\n<!-- claims: begin (written by `make sync`) -->\nold\n<!-- claims: end -->\nafter\n' >"$scratch/page.md"
exits 1 "$registry" table -r "$scratch/claims" --check "$scratch/page.md"
says 'out of sync'
exits 0 "$registry" table -r "$scratch/claims" --rewrite "$scratch/page.md"
exits 0 "$registry" table -r "$scratch/claims" --check "$scratch/page.md"
grep -q '^after$' "$scratch/page.md" && grep -q 'make claim-toy' "$scratch/page.md" || complain 'page.md'
printf 'no markers\n' >"$scratch/page.md"
exits 2 "$registry" table -r "$scratch/claims" --rewrite "$scratch/page.md"

# What the registry names exists, and nothing is there that it does not name.
mkdir -p "$scratch/tree/src/claims" "$scratch/tree/figures" "$scratch/tree/paper/sections"
cd "$scratch/tree" || exit 1
sed 's/^  seconds/  figure     plot\n&/' "$scratch/claims" >registry.txt
touch src/claims/toy.c figures/plot.gp figures/style.gp
echo '\label{sec:toy}' >paper/sections/toy.tex
exits 0 "$registry" check -r registry.txt
lacking() { # PATTERN PATTERN FILE: without the file, and with another of its kind beside it
    mv "$3" "$scratch/aside" && exits 2 "$registry" check -r registry.txt && says "$1" && mv "$scratch/aside" "$3"
    [ -z "$2" ] && return
    other=$(dirname "$3")/other.${3##*.}
    cp "$3" "$other" && exits 2 "$registry" check -r registry.txt && says "$2" && rm "$other"
}
# Where a number is computed: the function that its line names, and the lines there that name the key.
mkdir -p src/claims/kit
cat >src/claims/toy.c <<'END'
static void measure(struct claim *claim, double x);
static void measure(struct claim *claim,
                    double x)
{
    claim_scalar(claim, "a", x, CLAIM_EXACT, "measured");
}
static void other(struct claim *claim)
{
    claim_scalar(claim, "b", measure(1), CLAIM_EXACT, "a");
}
END
printf '\nvoid spread(struct claim *claim)\n{\n}\n' >src/claims/kit/kit.c
{
    scalars 2 3 | sed '/^#/!s/$/\tmeasure/'
    printf 'p.b\t1\t1\tpredicted\tother\ns.max\t1\t1\tlargest\tspread\n'
} >"$scratch/new/toy.tsv"
exits 0 "$registry" why toy.a -r registry.txt -d "$scratch/new"
says '^source .*toy.c:2$' && says 'written .*toy.c:5$' && says '^ *claim_scalar(claim, "a", x,'
exits 0 "$registry" why toy.p.b -r registry.txt -d "$scratch/new"
says '^source .*toy.c:7$' && says 'written .*toy.c:9$'
exits 0 "$registry" why toy.s.max -r registry.txt -d "$scratch/new" && says '^source .*kit.c:2$'
# Captions come from the paper, with its numbers and without its commands.
printf 'a\t0.123456\t1\tx\nbig\t12345\t1\tx\nsmall\t-1e-9\t1\tx\nnone\t0\t1\tx\n' >"$scratch/new/toy.tsv"
cat >>paper/sections/toy.tex <<'END'
  \includegraphics{other}
  \caption{Another.}
  \label{fig:other}
  \includegraphics[width=\textwidth]{plot}
  \caption{Where $a=\result[2]{toy.a}$ is \result{toy.a}
    by \cref{eq:law}, \textbf{b} $\result{toy.big}$, \result{toy.small}, \resultword{toy.none}.}
  \label{fig:toy}
END
exits 0 "$registry" caption plot -r registry.txt -d "$scratch/new"
says '^Where $a={0.12}$ is $0.123$$' && says '^    by equation~.emph{law}, .textbf{b} ${12\\,345}$, $-10^{-9}$, none. Equations are'
grep -q Another "$scratch/out" && complain "another figure's caption"
exits 0 "$registry" caption nothing -r registry.txt -d "$scratch/new" && [ "$(wc -l <"$scratch/out")" -eq 1 ] || complain 'a caption of no figure'
sed -i 's/toy\.a/toy.c/' paper/sections/toy.tex
exits 2 "$registry" caption plot -r registry.txt -d "$scratch/new" && says "no result 'toy.c'"
# What make reads: claims, their programs, figures and what they read from others.
sed 's/^  figure .*/&\n  reads      other/; $a claim again' registry.txt >two.txt
sed -n '/^claim toy/,$p' registry.txt | sed 1d >>two.txt
exits 0 "$registry" deps -r two.txt
says '^claim_ids := toy again$' && says '^programs_of.toy := toy other$' && says '^programs_of.again := toy$'
says '^figures_of.toy := plot plot$' && says '^reads_of.toy := other$'
exits 0 "$registry" neighbours toy -r two.txt && [ ! -s "$scratch/out" ] || complain 'a neighbour of the only page'
lacking 'registry.txt:2: claim toy: there is no src/claims/toy.c' 'src/claims/other.c: no claim' src/claims/toy.c
lacking 'registry.txt:2: claim toy: there is no figures/plot.gp' 'figures/other.gp: no claim' figures/plot.gp
lacking 'registry.txt:2: claim toy: no .label{sec:toy} in paper/' '' paper/sections/toy.tex
cd - >/dev/null || exit 1
# Of every number in the paper the source is found.
names=0
for name in $(sed -n 's/\\result/\n&/gp' paper/sections/*.tex | sed -n 's/^\\result\(\[[0-9]\]\)*{\([^}#]*\)}.*/\2/p' | sort -u); do
    names=$((names + 1))
    exits 0 "$registry" why "$name" --results "$BUILD/results"
    says '^source .*src/.*\.c'
    # (the spread over seeds does not tell its functions)
    program=${name%%.*}
    grep -q '^# columns: .* function$' "$BUILD/results/$program.tsv" || continue
    says '^source .*\.c:[0-9]*$'
done
[ $names -gt 100 ] || complain "only $names numbers in the paper"

# Command line.
exits 0 "$registry" --help && says 'Example: registry verify'
exits 0 "$registry" --version && says 'commit'
# A verdict that could not be written is none.
fresh
"$registry" verify --registry "$scratch/claims" --results "$scratch/new" --reference "$scratch/ref" >/dev/full 2>"$scratch/err"
[ $? -eq 2 ] || complain 'verify > /dev/full'
exits 64 "$registry"
exits 64 "$registry" nonsense && says 'is no subcommand'
exits 64 "$registry" --nonsense
exits 64 "$registry" why
exits 64 "$registry" why toy -d "$scratch/new"
exits 64 "$registry" why nobody.key -r "$scratch/claims" -d "$scratch/new" && says 'no claim has the program nobody'
exits 2 "$registry" why toy.none -r "$scratch/claims" -d "$scratch/new"
exits 0 "$registry" why toy.a -r "$scratch/claims" -d "$scratch/new" -R "$scratch/ref"
says '^meaning *measured'
says '^checked .*claims:9: claim toy: a = b'
finish

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
  minutes    0.1
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
refused '8: minutes' '8s/0.1/soon/'
refused "4: a second .title." '4s/^/  title again\n/'
refused '2: .claim ID' '2s/.*/claim Toy!/'
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
sed 's/^  minutes/  figure     plot\n&/' "$scratch/claims" >registry.txt
touch src/claims/toy.c figures/plot.gp figures/style.gp
echo '\label{sec:toy}' >paper/sections/toy.tex
exits 0 "$registry" check -r registry.txt
lacking() { # PATTERN PATTERN FILE: without the file, and with another of its kind beside it
    mv "$3" "$scratch/aside" && exits 2 "$registry" check -r registry.txt && says "$1" && mv "$scratch/aside" "$3"
    [ -z "$2" ] && return
    other=$(dirname "$3")/other.${3##*.}
    cp "$3" "$other" && exits 2 "$registry" check -r registry.txt && says "$2" && rm "$other"
}
# Where a number is computed: behind its key, which a helper may put together, and where that variable is set.
cat >src/claims/toy.c <<'END'
    {
{
    double x = 0, other = 1;
    x = fmax(x, formula(1));
    t->y = other;
    claim_scalar(claim, "a", x, CLAIM_EXACT, "measured");
    row[] = {{"b", (double)t->y, 1, "predicted"}, {"c", t->c, 1, "not this"}};
END
printf 'p.b_most\t1\t1\tpredicted\n' >>"$scratch/new/toy.tsv"
exits 0 "$registry" why toy.a -r registry.txt -d "$scratch/new"
says '^source .*toy.c:6$' && says 'computed .*toy.c:3$' && says '^ *x = fmax(x, formula(1));$'
exits 0 "$registry" why toy.p.b_most -r registry.txt -d "$scratch/new"
says '^source .*toy.c:7$' && says 'computed .*toy.c:5$' && says '^ *t->y = other;$'
grep -q 'toy.c:3' "$scratch/out" && complain 'a variable that is not the one of the key'
lacking 'registry.txt:2: claim toy: there is no src/claims/toy.c' 'src/claims/other.c: no claim' src/claims/toy.c
lacking 'registry.txt:2: claim toy: there is no figures/plot.gp' 'figures/other.gp: no claim' figures/plot.gp
lacking 'registry.txt:2: claim toy: no .label{sec:toy} in paper/' '' paper/sections/toy.tex
cd - >/dev/null || exit 1
# Of every number in the paper the line is found.
names=0
for name in $(sed -n 's/\\result/\n&/gp' paper/sections/*.tex | sed -n 's/^\\result\(\[[0-9]\]\)*{\([^}#]*\)}.*/\2/p' | sort -u); do
    exits 0 "$registry" why "$name" --results "$BUILD/results"
    grep -q '^source .*\.c:[0-9]*$' "$scratch/out" || complain "no source line of $name"
    names=$((names + 1))
done
[ $names -gt 100 ] || complain "only $names numbers in the paper"

# Command line.
exits 0 "$registry" --help && says 'Example: registry verify'
exits 0 "$registry" --version && says 'commit'
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

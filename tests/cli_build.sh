#!/bin/sh
# The Makefile's promises, on a copy of the repository with one small claim program: what is
# recomputed after which change, what a kill leaves behind, make -j2 against make -j1.
. tests/cli.sh
tree=$scratch/tree
mkdir -p "$tree/src/claims" "$tree/figures" "$tree/datasets" "$tree/results"
cp Makefile "$tree"
cp -r src/ndl src/files src/audit src/registry src/site src/scripts "$tree/src"
cp -r src/claims/kit "$tree/src/claims"
export CFLAGS=-O0 # compiles fast
printf '# How\n<!-- claims: begin (written by `make sync`) -->\n<!-- claims: end -->\n' >"$tree/REPRODUCE.md"
echo '# Data' >"$tree/datasets/README.md"
cp figures/style.gp "$tree/figures"
echo 1 >"$tree/datasets/one.tsv"
cat >"$tree/src/claims/toy.c" <<'END'
#include <stdlib.h>
#include <unistd.h>
#include "kit/claim.h"

/** A comment.

- Reads `*.tsv`. */
int main(int argc, char **argv)
{
    struct claim *claim = claim_begin(argc, argv, "A toy.\vExample: toy");
    claim_table(claim, "curve", "x 1 0 place\ny 1 0 height");
    for (int i = 0; i < 5; i++)
        claim_row(claim, i, i * i);
    if (getenv("TOY_SLEEP"))
        sleep(20);
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
plot results.'/toy-curve.tsv' using 1:2 with lines
END
cd "$tree" || exit 1
# runs / leaves TARGETS...: make has / has not run the program
runs() {
    exits 0 make BUILD=build "$@"
    grep -q '^build/bin/toy ' "$scratch/out" || complain "nothing recomputed: make $* after: $what"
}
leaves() {
    exits 0 make BUILD=build "$@"
    grep -q '^build/bin/toy ' "$scratch/out" && complain "recomputed: make $* after: $what"
}

# A bare machine without a compiler has these two.
exits 0 make CC=no-such-compiler BUILD=build help && says 'claims: see REPRODUCE.md'
exits 0 make CC=no-such-compiler BUILD=build clean
what='first build' && runs -j2 results figures site reference
says 'results/toy.tsv: new' && grep -q '### toy' REPRODUCE.md || complain 'reference does not sync'
exits 0 make BUILD=build help && says 'claims: toy$'
exits 2 make BUILD=build claim-bogus && says "no claim 'bogus'; the claims are toy$"
[ -s build/figures/toy.pdf ] && [ -s build/figures/toy.svg ] || complain 'a figure is missing'
[ -s build/results/toy.time ] || complain 'no time beside the results'
[ ! -e results/toy.time ] || complain 'a time among the reference results'
exits 0 make BUILD=build claim-toy && says 'claim toy holds' && says 'Two is two' && says 'fails, as it must'
says 'command .*toy --seed 1' && says 'another count' && says '^  time '
exits 0 make BUILD=build verify && says 'agree with the reference'
exits 0 make BUILD=build review BUDGET=1m && says 'toy .*holds'
[ "$(wc -l <"$scratch/out")" -le 5 ] || complain 'review prints more than its table'
exits 0 make BUILD=build review BUDGET=1 && says 'no time left' && says '0 hold, 0 fail, 1 had no time'
for budget in ten 10mm m 1.5h -1; do
    exits 2 make BUILD=build review BUDGET=$budget && says 'BUDGET is a time such as'
done
exits 0 make BUILD=build why NUMBER=toy.a && says 'source .*src/claims/toy.c'
exits 2 make BUILD=build why && says 'for example toy.a'
exits 2 make BUILD=build why NUMBER=toy.c && says 'it has a b'
what='nothing' && leaves results figures

# Comments, plot scripts and unrelated tools recompute nothing.
sleep 1 # file times
what='a comment of the program' && sed -i 's/A comment/Another\n comment/' src/claims/toy.c && leaves results site
grep -q Another build/site/toy.html || complain 'the page shows the old comment'
what='a comment of the library' && sed -i '1s/^/\/* more *\/\n/' src/ndl/matrix.c && leaves results
what='a comment of a header' && sed -i '1s/^/\/* more *\/\n/' src/claims/kit/claim.h src/ndl/ndl.h && leaves results
what='a plot script' && echo '# changed' >>figures/toy.gp && leaves results figures
what='the registry' && sed -i 's/A toy/The toy/' src/claims/registry.txt && leaves results verify
what='touched data' && touch datasets/one.tsv && leaves results
# Code, data, flags and the seed do.
what='code' && sed -i 's/i \* i/i + i/' src/claims/toy.c && runs results
exits 2 make BUILD=build verify && says 'reference'
what='code of the library' && sed -i 's/double square = 0/double square = 0.0/' src/ndl/matrix.c && runs results
what='data' && echo 2 >datasets/one.tsv && runs results
# A folder decides: what the program does not link, or read, does not matter.
what='code of another room' && sed -i 's/static /static  inline /' src/audit/rows_and_columns.c && leaves results
echo 'int audit_more(void); int audit_more(void) { return 1; }' >src/audit/more.c
what='a new file of another room' && leaves results
what='data that it does not read' && echo 2 >datasets/other.tree && leaves results
# A file restored from a copy has an older date.
cp -p src/claims/toy.c "$scratch/toy.c"
what='code' && sed -i 's/i + i/i - i/' src/claims/toy.c && runs results
what='the code of before, with its date' && cp -p "$scratch/toy.c" src/claims/toy.c && runs results
what='flags' && runs results CFLAGS=-O1 && what='flags back' && runs results
what='another seed' && runs verify SEED=7 && says 'not compared' && leaves results

# A new checked number: three files by hand (here program and registry), then one command, which runs the seeds of its
# program only.
exits 0 make BUILD=build reference reference-seeds COUNT=2 && says 'to be run: toy' && says 'toy .*holds for 2 of 2 seeds'
sed -i 's/^    return claim_end/    claim_scalar(claim, "c", 4, CLAIM_EXACT, "four");\n&/' src/claims/toy.c
printf '  check      c > 3 : a count\n  control    b breaks c : another\n' >>src/claims/registry.txt
exits 0 make BUILD=build reference reference-seeds COUNT=2 && says 'results/toy.tsv: replaced' && says 'to be run: toy'
grep -q '^toy.c.least	4' results/seeds.tsv || complain 'the spread lacks the new number'
grep -q '`> 3`' REPRODUCE.md || complain 'REPRODUCE.md lacks the new check'
exits 0 make BUILD=build verify && says 'agree with the reference'
exits 0 make BUILD=build reference reference-seeds COUNT=2 && says 'results: 0 files changed' && says 'to be run: nothing'
says 'toy .*holds for 2 of 2 seeds, as known'
sed -i '/"c", 4/d' src/claims/toy.c && sed -i '/ c > 3\|breaks c/d' src/claims/registry.txt
rm results/seeds*.tsv build/results/seeds*.tsv

# Killed in the middle: no result that a later run trusts.
rm -rf build/results
TOY_SLEEP=1 setsid sh -c 'exec make BUILD=build results >/dev/null 2>&1' &
victim=$!
for try in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    ls build/results/toy-curve.tsv* >/dev/null 2>&1 && break
done
kill -9 -- -$victim 2>/dev/null || kill -9 $victim
wait $victim 2>/dev/null
[ ! -e build/results/toy.tsv ] || complain 'a killed program left its result'
what='a kill' && runs results
[ "$(ls build/results | tr '\n' ' ')" = 'toy-curve.tsv toy.time toy.tsv ' ] || complain "left over: $(ls build/results)"
# Killed while compiling: truncated files under their temporary names only.
printf 'build/obj/claims/kit/claim.o: ' >build/obj/claims/kit/claim.o.d.new
rm build/obj/claims/kit/claim.o
what='half-written files' && leaves programs results figures

# Parallel and serial builds agree.
cp -r build/results "$scratch/parallel"
rm -rf build
exits 0 make -j1 BUILD=build results
for file in build/results/*.tsv; do
    same "$file" "$scratch/parallel/$(basename "$file")"
done

# A missing command is named.
exits 2 make CC=no-such-compiler BUILD=build results && says "no-such-compiler is not installed; 'make setup'"
: >src/scripts/packages.txt
exits 0 make -j3 BUILD=build setup results && says 'are installed'
grep -i jobserver "$scratch/err" && complain 'makes that call each other do not share their jobs'

# A full disk: what does not fit is an error, and no file that a later run trusts.  (A limit on the size of a file
# is what an ordinary user can set; beyond it writing fails as on a full disk.)
full() { # BLOCKS TARGET: of 512 bytes
    ( trap '' XFSZ && ulimit -f "$1" && exec make BUILD=build "$2" ) >"$scratch/out" 2>"$scratch/err" </dev/null &&
        complain "make $2 on a full disk exits 0"
}
rm -f build/figures/* build/site/toy.html build/results/*
full 1 figures
[ -e build/figures/toy.svg ] || [ -e build/figures/toy.pdf ] && complain 'a figure of a full disk'
exits 0 make BUILD=build results figures
full 1 build/site/toy.html
[ ! -e build/site/toy.html ] || complain 'a page of a full disk'
rm -f build/results/*
full 0 results
[ ! -e build/results/toy.tsv ] || complain 'a result of a full disk'
what='a full disk' && runs results figures site

# Broken programs and figures are failures, not silent.
sed -i 's/toy-curve.tsv. using/nothing.tsv'"'"' using/' figures/toy.gp
exits 2 make BUILD=build figures && says 'toy.gp: gnuplot failed'
sed -i 's/return claim_end/return oops/' src/claims/toy.c
exits 2 make BUILD=build results
cd / && finish

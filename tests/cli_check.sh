#!/bin/sh
# ndl-check on a case computed by hand, its options and exit codes, and every kind of bad input:
# one line, exit 2, no output.
. tests/cli.sh
check=$BUILD/bin/ndl-check
sample=$BUILD/bin/ndl-sample
[ -x "$check" ] && [ -x "$sample" ] || make -s BUILD="$BUILD" "$check" "$sample" || exit 1
root=$(pwd)
cd "$scratch" || exit 1
case $check in /*) ;; *) check=$root/$check sample=$root/$sample ;; esac

# ------------------------------------------------------------- by hand
# Means 1, 1/4, 1/2, orthogonal atoms: feature 1 fires only when 0 does, 2 exactly when 0 does not.
# At rows 2 3 (0 off) z_1 = 0 < 1/4 and z_2 = 1 > 1/2; at rows 0 1 (2 off) z_0 = 2 > 1.
printf '2 1 0\n2 0 0\n0 0 1\n0 0 1\n' >Z.tsv
printf '1 0 0\n0 1 0\n0 0 1\n' >D.tsv
printf 'j k cosine mean z_min_off z_max_off margin slope support
0 1 0 1 0 2 1 0 1
0 2 0 1 2 2 -1 -1 0
1 0 0 0.25 0 0 -1 -0.25 0
1 2 0 0.25 0 1 1 0 1
2 0 0 0.5 1 1 -1 -0.5 0
2 1 0 0.5 0 1 1 0 1
' | tr ' ' '\t' >all
exits 0 "$check" --codes Z.tsv --decoder D.tsv --all --out got.tsv --plot got.svg
grep -v '^#' got.tsv >got && same got all
says '^violated  *3$'
says '0  *2 .* 0 is on whenever 2 is off, at 2 or more'
says '1  *0 .* 1 fires only when 0 does: 0 looks like its parent'
grep -q '^</svg>$' got.svg || complain 'got.svg is not complete'
for label in 'margin (negative' 'co-occurrence' '3 violated' '0 nearly' '3 satisfied<' '>0, 2<' '>1, 0<'; do
    grep -q "$label" got.svg || complain "got.svg does not say '$label'"
done
exits 0 "$check" --codes Z.tsv --decoder D.tsv --out got.tsv
grep -v '^#' got.tsv >got
awk 'NR == 1 || $7 < 0' all | sort -s -k 8,8g >violated && same got violated # worst first, below the names
# Without a bias only feature 1 is wrong, of which 2 is off where it fires: the cone of (2, 0) and (0, 2) is whole.
exits 0 "$check" --codes Z.tsv --decoder D.tsv --no-bias --json
says '"violated":.1,'
says '"bias":.false'
says '1 fires only when 0 does'
# Norms go into the codes: powers of two, so nothing is rounded.
printf '4 0.5 0\n4 0 0\n0 0 2\n0 0 2\n' >Z2.tsv
printf '0.5 0 0\n0 2 0\n0 0 0.5\n' >D2.tsv
exits 0 "$check" --codes Z2.tsv --decoder D2.tsv --all --out got.tsv
grep -v '^#' got.tsv >got && same got all
# A cosine of -1e-5 is no "-0.000".
printf '1 0\n-0.00001 1\n' >Dm.tsv
printf '1 0\n1 1\n0 0\n' >Zm.tsv
exits 0 "$check" --codes Zm.tsv --decoder Dm.tsv
says '^ *1 *0 *0\.000 '
says '^The worst 1 of 1 violated or nearly hierarchical pair\.$'
says '^mutually exclusive  *0 pairs that never fire together$'
# The exclusive pairs are 01 02 12 03 23 14 34; the groups, the most frequent feature first, 3 0 2 and 1 4: 3 + 1 pairs.
awk 'BEGIN { for (i = 0; i < 600; i++) { r = i % 4; t = int(i / 4) % 2
    print (r == 0), (r == 1), (r == 2), (r == 1 && t || r == 3), (r != 3 && r != 1 && t) } }' >Ze.tsv
printf '1 0 0 0 0\n0 1 0 0 0\n0 0 1 0 0\n0 0 0 1 0\n0 0 0 0 1\n' >De.tsv
exits 0 "$check" --codes Ze.tsv --decoder De.tsv
says '^mutually exclusive  *7 pairs that never fire together; 4 of them in 2 disjoint groups$'
# Text as the manual says: comments, empty lines, tabs or blanks; a line of names needs a #.
printf '# a b c\n1\t0 0\n\n0 1\t0\n0 0 1\n' >Dc.tsv
exits 0 "$check" --codes Z.tsv --decoder Dc.tsv --all --out got.tsv
grep -v '^#' got.tsv >got && same got all
printf 'a b c\n1 0 0\n0 1 0\n0 0 1\n' >Dc.tsv
exits 2 "$check" --codes Z.tsv --decoder Dc.tsv
says "^ndl-check: Dc.tsv:1: field 1, 'a', is not a finite number"
# Two shards are one file, in each of the ways to name them; threads change nothing.
head -n 1 Z.tsv >part-0.tsv
tail -n 3 Z.tsv >part-1.tsv
exits 0 "$check" --decoder D.tsv --all --out got.tsv --codes part-0.tsv part-1.tsv
grep -v '^#' got.tsv >got && same got all
exits 0 "$check" --codes part-0.tsv --codes part-1.tsv --decoder D.tsv --all --out got.tsv --threads 3
grep -v '^#' got.tsv >got && same got all
# The three together.  Feature 0 is off where z_1 = 0, which m_1 (1 - 0) = 1/4 is not.
exits 0 "$check" --codes Z.tsv --decoder D.tsv --hull 0 --hull 1:0
says '^feature 0 against 2 others together: violated'
says '^feature 1 against 1 other together: satisfied'
# A dead feature and one that is always on are told apart, not dropped.
printf '2 1 0 0\n2 0 0 3\n0 1 0 1\n0 0 0 1\n' >Z4.tsv
printf '1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n' >D4.tsv
exits 0 "$check" --codes Z4.tsv --decoder D4.tsv
says '3 live, 1 dead; 0 always on'
says '^dead: 2$'
says '^dead j or k  *6 pairs'
printf '2 1 2 1\n2 0 3 3\n0 1 1 1\n0 0 1 1\n' >Z4.tsv
exits 0 "$check" --codes Z4.tsv --decoder D4.tsv --out got.tsv
says '2 always on'
says '^always on, the least value belongs in the bias: 2 3$'
says '^k always on  *6 pairs, 6 violated'
exits 0 "$check" --codes Z4.tsv --decoder D4.tsv --all --out all4.tsv --plot got.svg
for label in '>2 violated<' '>4 satisfied<' 'Not drawn: 6 with k always on, 0 with a dead feature'; do
    grep -q "$label" got.svg || complain "got.svg does not say '$label'"
done
grep -v '^#' got.tsv | cut -f 1,2 | tr '\t\n' '  ' >got
[ "$(cat got)" = 'j k 2 0 3 0 0 2 0 3 1 2 1 3 2 3 3 2 ' ] || complain "the order of pairs is $(cat got)"
grep -q '^# the last 6: pairs whose k is always on' got.tsv || complain 'no word on k always on'
[ "$(grep -c inf got.tsv)" -eq 7 ] || complain 'pairs with k always on are not in the TSV' # 6 and a comment
# Tolerance: margins of -1 are within a slack of 1, and not of 0.99.
exits 0 "$check" --codes Z.tsv --decoder D.tsv --tolerance 1.01
says '^violated  *0$'
exits 0 "$check" --codes Z.tsv --decoder D.tsv --tolerance 0.99
says '^violated  *3$'
exits 1 "$check" --codes Z.tsv --decoder D.tsv --fail-on-violation
exits 0 "$check" --codes Z.tsv --decoder D.tsv --fail-on-violation --tolerance 1.01
# What is nearly hierarchical: 0 on 200 samples, 1 on 100 of them and on 1 sample more.
awk 'BEGIN { for (i = 0; i < 400; i++) print (i < 200), (i >= 100 && i <= 200) }' >Zn.tsv
printf '1 0\n0 1\n' >Dn.tsv
exits 0 "$check" --codes Zn.tsv --decoder Dn.tsv
says '^nearly hierarchical  *1 '
says '1  *0 .* 1 fires without 0 on 1 of its 101 samples: 0 is almost its parent'
exits 0 "$check" --codes Zn.tsv --decoder Dn.tsv --near 0.001
says '^nearly hierarchical  *0 '

# A drawing of all these pairs would take longer than the audit: the satisfied ones are counted, not drawn.
awk 'BEGIN { for (i = 0; i < 2000; i++) { for (k = 0; k < 1100; k++) printf "%d ", (i * (k + 7)) % 13 < 6; print "" } }' >Zw.tsv
awk 'BEGIN { for (k = 0; k < 1100; k++) print cos(k), sin(k) }' >Dw.tsv
exits 0 "$check" --codes Zw.tsv --decoder Dw.tsv --plot got.svg
satisfied=$(awk '$1 == "pairs" { n = $2 } $1 == "violated" { n -= $2 } /^nearly/ { n -= $3 } END { print n }' "$scratch/out")
[ "$satisfied" -gt 0 ] && grep -q ">$satisfied satisfied, not drawn<" got.svg || complain "$satisfied are not said to be satisfied"

# ------------------------------------------------------------- usage
exits 64 "$check"
exits 64 "$check" --codes Z.tsv
exits 64 "$check" --decoder D.tsv
exits 64 "$check" --codes Z.tsv --decoder D.tsv --sae dir
exits 64 "$check" --sae dir
exits 64 "$check" --codes Z.tsv --decoder D.tsv --all
for option in --tolerance=-1 --tolerance=nan --tolerance=1x --near=1 --near= --top=-1 --threads=0 --threads=257 \
    --memory=0 --memory=inf --memory=1e99 --hull=x --hull=1: --hull=1:2, --hull=1:1 --hull=0:2,2 --nothing; do
    exits 64 "$check" --codes Z.tsv --decoder D.tsv "$option"
done
exits 0 "$check" --help
exits 0 "$check" --version
says '^ndl-check '

# ------------------------------------------------------------- bad input
# refuses PATTERN ARGUMENT...: exit 2, one line that names it, no output
refuses() {
    pattern=$1
    shift
    rm -f out.tsv out.svg
    exits 2 "$check" "$@" --out out.tsv --plot out.svg
    says "$pattern"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "not one line on stderr: $*"
    [ ! -s "$scratch/out" ] || complain "something on stdout: $*"
    [ -z "$(ls -A | grep out.tsv)$(ls -A | grep out.svg)" ] || complain "partial output: $* $(ls -A | grep 'out\.')"
}
exits 0 "$sample" "$root/datasets/dog.tree" --dim 4 --samples 50 --out X.npy --codes Z.npz --decoder D.npy
exits 0 "$check" --codes Z.npz --decoder D.npy

# npy DESCR SHAPE ENTRIES: a .npy of format 1.0 on stdout; ENTRIES zero bytes
npy() {
    text="{'descr': '$1', 'fortran_order': False, 'shape': $2, }"
    printf '\223NUMPY\001\000\166\000%-117s\n' "$text"
    head -c "$3" /dev/zero
}
npy '<f8' '(4, 4)' 128 >zeros.npy
npy '<f8' '(4, 4)' 120 >short.npy
npy '<f8' '(4, 4)' 136 >long.npy
npy '<f8' '(4611686018427387904, 8)' 128 >huge.npy
npy '<f8' '(99999999999999999999, 4)' 128 >huger.npy
npy '<f8' '(0, 4)' 0 >empty.npy
npy '<f8' '(4,)' 32 >vector.npy
npy '<i8' '(4, 4)' 128 >integers.npy
npy '>f8' '(4, 4)' 128 >bigendian.npy
npy '|O' '(4, 4)' 128 >object.npy
npy '<f8' '(4, 4' 128 >nonsense.npy
head -c 20 zeros.npy >truncated.npy
: >nothing.npy
for file in short long huge huger empty vector integers bigendian object nonsense truncated nothing; do
    refuses "^ndl-check: $file.npy: " --codes Z.npz --decoder $file.npy
    refuses "^ndl-check: $file.npy: " --codes $file.npy --decoder D.npy
done
refuses '^ndl-check: zeros.npy: feature 0 fires on .* decoder row is zero' --codes Z.npz --decoder zeros.npy
printf '1e-310 0 0\n0 1 0\n' >faint.tsv
refuses '^ndl-check: D.tsv: feature 0 has a mean activation of 5e-311 and ' --codes faint.tsv --decoder D.tsv
printf '1 0 0\n0 nan 0\n0 0 1\n' >bad.tsv
refuses '^ndl-check: bad.tsv:2' --codes Z.tsv --decoder bad.tsv
refuses '^ndl-check: bad.tsv:2' --codes bad.tsv --decoder D.tsv
{ npy '<f8' '(1, 3)' 16; printf '\000\000\000\000\000\000\360\177'; } >inf.npy
refuses '^ndl-check: inf.npy: .*row 0, column 2' --codes inf.npy --decoder D.tsv
{ npy '<f8' '(1, 3)' 16; printf '\000\000\000\000\000\000\370\177'; } >nan.npy
refuses '^ndl-check: nan.npy: .*row 0, column 2' --codes nan.npy --decoder D.tsv
refuses '^ndl-check: nan.npy: .*row 0, column 2' --codes Z.tsv --decoder nan.npy
printf '1 0 0\n0 -1e-300 0\n' >negative.tsv
refuses '^ndl-check: negative.tsv: .*row 1, column 1' --codes negative.tsv --decoder D.tsv
refuses '^ndl-check: Z.npz: codes of 4 features, but D.tsv has 3 rows' --codes Z.npz --decoder D.tsv
printf '1 0 0 0\n0 1 0 0\n0 0 1 0\n' >wide.tsv
refuses 'transposed' --codes Z.npz --decoder wide.tsv
refuses '^ndl-check: Z.npz: ' --codes Z.tsv Z.npz --decoder D.tsv # the second shard
refuses '^ndl-check: missing.npz: ' --codes missing.npz --decoder D.npy
refuses '^ndl-check: missing.npy: ' --codes Z.npz --decoder missing.npy
mkdir directory.npz directory.npy sae
refuses '^ndl-check: directory.npz: ' --codes directory.npz --decoder D.npy
refuses '^ndl-check: directory.npy: ' --codes Z.npz --decoder directory.npy
refuses '^ndl-check: Z.unknown: ' --codes Z.unknown --decoder D.npy
refuses '^ndl-check: Z.npz: .*missing' --codes Z.npz:missing --decoder D.npy
refuses '^ndl-check: Z.npz: data: ' --codes Z.npz --decoder Z.npz:data # one-dimensional
refuses '^ndl-check: sae/' --sae sae --activations X.npy
refuses '^ndl-check: --hull: there is no feature 4' --codes Z.npz --decoder D.npy --hull 4
refuses '^ndl-check: --hull: there is no feature 9' --codes Z.npz --decoder D.npy --hull 1:0,9
printf '1 0\n1 0\n0 0\n' >dead.tsv
refuses '^ndl-check: --hull 0: feature 1 never fires' --codes dead.tsv --decoder Dn.tsv --hull 0:1
exits 0 "$check" --codes dead.tsv --decoder Dn.tsv --hull 1 --hull 1:0 --fail-on-violation
[ "$(grep -c '^feature 1 never fires: not tested' "$scratch/out")" -eq 2 ] || complain 'no word on the hull of a dead feature'
exits 0 "$check" --codes dead.tsv --decoder Dn.tsv --hull 1 --json
says '"holds":.null'
# Every prefix of a CSR file, and the file with a byte changed anywhere, is read or refused in one line.
size=$(wc -c <Z.npz)
for at in 1 3 17 30 64 100 200 $((size / 4)) $((size / 2)) $((size - 30)) $((size - 1)); do
    head -c "$at" Z.npz >cut.npz
    refuses '^ndl-check: cut.npz: ' --codes cut.npz --decoder D.npy
done
for at in $(seq 0 37 $((size - 1))); do
    { head -c "$at" Z.npz; printf '\376'; tail -c "+$((at + 2))" Z.npz; } >changed.npz
    "$check" --codes changed.npz --decoder D.npy --out out.tsv >out 2>err
    status=$?
    [ $status -eq 0 ] && [ -s out.tsv ] && [ ! -s err ] && rm out.tsv && continue
    [ $status -eq 2 ] && [ ! -e out.tsv ] && [ "$(wc -l <err)" -eq 1 ] || complain "byte $at changed: exit $status"
done

refuses '^ndl-check: missing: No such file' --codes missing.npz --decoder D.npy --spill missing # before anything is read
refuses '^ndl-check: D.npy: Not a directory' --codes Z.npz --decoder D.npy --spill D.npy

# ------------------------------------------------------------- no room
exits 2 "$check" --codes Z.npz --decoder D.npy --out nowhere/out.tsv
says '^ndl-check: nowhere/out.tsv: '
exits 2 "$check" --codes Z.npz --decoder D.npy --out directory.npy
says '^ndl-check: directory.npy: '
"$check" --codes Z.npz --decoder D.npy --out out.tsv >/dev/full 2>err
[ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e out.tsv ] || complain 'a full disk under standard output'
awk 'BEGIN { srand(1); for (i = 0; i < 60; i++) { for (k = 0; k < 40; k++) printf "%d ", rand() < 0.3; print "" } }' >Zb.tsv
awk 'BEGIN { for (i = 0; i < 40; i++) { for (k = 0; k < 40; k++) printf "%d ", i == k; print "" } }' >Db.tsv
exits 0 "$check" --codes Zb.tsv --decoder Db.tsv --all --out out.tsv # 1560 pairs: about 100 KiB
rm out.tsv
(ulimit -f 8 && "$check" --codes Zb.tsv --decoder Db.tsv --all --out out.tsv >/dev/null 2>err)
[ $? -eq 2 ] && grep -q '^ndl-check: out.tsv: ' err && [ -z "$(ls -A | grep out.tsv)" ] || complain 'a full disk under --out'
# 20000 x 100 at one in two need about 8 MB: too much for 4 MiB, unless files may be used.
awk 'BEGIN { for (i = 0; i < 20000; i++) { for (k = 0; k < 100; k++) printf "%d ", (i * (k + 7)) % 13 < 6; print "" } }' >Zl.tsv
awk 'BEGIN { for (i = 0; i < 100; i++) { for (k = 0; k < 100; k++) printf "%d ", i == k; print "" } }' >Dl.tsv
exits 0 "$check" --codes Zl.tsv --decoder Dl.tsv --json
cp out whole
exits 0 "$check" --codes Zl.tsv --decoder Dl.tsv --json --memory 0.004 --spill .
same out whole
exits 2 "$check" --codes Zl.tsv --decoder Dl.tsv --memory 0.004 --spill nowhere
says '^ndl-check: nowhere: '
(ulimit -f 8 && "$check" --codes Zl.tsv --decoder Dl.tsv --memory 0.004 --spill . >out 2>err)
[ $? -eq 2 ] && grep -q '^ndl-check: \.: no room for [1-9][0-9]* KiB of codes: ' err && [ "$(wc -l <err)" -eq 1 ] &&
    [ ! -s out ] || complain 'a full disk under --spill'
# 501 others are too many, which is said before the codes are read; a list may be as long.
awk 'BEGIN { for (k = 0; k < 502; k++) print cos(k), sin(k) }' >Dm.tsv
refuses '^ndl-check: --hull 7: 501 other features are more than 500; name some: --hull 7:J,J,...$' \
    --codes missing.npz --decoder Dm.tsv --hull 7
awk 'BEGIN { for (i = 0; i < 502; i++) { for (k = 0; k < 502; k++) printf "%d ", i == k; print "" } }' >Zm.tsv
exits 0 "$check" --codes Zm.tsv --decoder Dm.tsv --hull "7:$(seq -s , 8 501),$(seq -s , 0 6)"
says '^feature 7 against 501 others together: violated, slope'
# Beyond 100 others the verdict alone.  Orthogonal atoms, each on in one sample of its own: p_j = m_j = 1/N is the mean
# of the samples with 0 off, weights 1/N and the rest on those with nothing on; p_j = 0 is nearest, 1 in units of m_j.
for K in 101 102; do
    awk -v K=$K 'BEGIN { for (i = 0; i <= K; i++) { for (k = 0; k < K; k++) printf "%d ", i == k; print "" } }' >Zo.tsv
    awk -v K=$K 'BEGIN { for (i = 0; i < K; i++) { for (k = 0; k < K; k++) printf "%d ", i == k; print "" } }' >Do.tsv
    exits 0 "$check" --codes Zo.tsv --decoder Do.tsv --hull 0
    says "^feature 0 against $((K - 1)) others together: satisfied"
    grep -q 'margin 1 (L1)$' out || [ $K -eq 102 ] || complain 'no margin against 100 others'
    grep -q '(L1)' out && [ $K -eq 102 ] && complain 'a margin against 101 others'
done
exits 0 "$check" --codes Zl.tsv --decoder Dl.tsv --memory 0.05 --hull 0 # 100 MB for a margin, 17 MB without
says '^feature 0 against 99 others together: '
grep -q '(L1)' out && complain 'a margin beyond --memory'
exits 2 "$check" --codes Zl.tsv --decoder Dl.tsv --memory 0.004 --spill . --hull 0
says '^ndl-check: --hull 0: .*choose features'
# A reader that leaves: SIGPIPE, and no file either; where that is ignored, an error.  The report fills the pipe.
for ignored in '' PIPE; do
    status=$({ ([ -z "$ignored" ] || trap '' PIPE; "$check" --codes Zw.tsv --decoder Dw.tsv --json --top 1000000 --out left.tsv 2>err
        echo $? >status) | true; cat status; })
    wanted=141
    [ -z "$ignored" ] || wanted=2
    [ "$status" -eq $wanted ] && [ -z "$(ls -A | grep left.tsv)" ] || complain "a closed pipe: exit $status, $(ls -A | grep left.tsv)"
    [ -z "$ignored" ] && [ -s err ] && complain "a closed pipe: $(cat err)"
    [ -z "$ignored" ] || grep -q '^ndl-check: standard output: Broken pipe$' err || complain 'no word on an ignored SIGPIPE'
done
exits 2 "$check" --codes Zl.tsv --decoder Dl.tsv --out both --plot both
says '^ndl-check: both: two outputs in one file' && [ ! -e both ] || complain 'two outputs in one file'
finish

#!/bin/sh
# ndl-encode: codes known by hand, any norms, the amortisation gap and its division among features,
# results that do not depend on threads, and bad input.
. tests/cli.sh
encode=$BUILD/bin/ndl-encode
work=$scratch/work
mkdir "$work"
cd "$work" || exit 1

field() { # FILE KEY [n-th]
    sed -n "s/^[ \t]*\"$2\":[ \t]*\([^,]*\),*$/\1/p" "$1" | sed -n "${3:-1}p"
}
# equals A B: to 1e-12 relatively, a few roundings
equals() {
    awk -v a="$1" -v b="$2" 'BEGIN {d = a - b; if (d < 0) d = -d; m = b < 0 ? -b : b; if (m < 1) m = 1
        exit !(a != "" && b != "" && d <= 1e-12 * m)}' || complain "$1 is not $2 ($3)"
}

# By hand, lambda = 1: orthogonal atoms (1,0) and (0,2).  x = (3,4): z1 = 3 - 1/2 and, for the unit atom,
# 4 - 1/2, so z2 = 1.75; loss 2 (1/4) + 2.5 + 3.5 = 6.5.  x = (-1,1/4): both off, loss 1 + 1/16.
printf '3\t4\n-1\t0.25\n' >X.tsv
printf '1\t0\n0\t2\n' >D.tsv
exits 0 "$encode" X.tsv --decoder D.tsv --lambda 1 --out Z.npz --json
cp "$scratch/out" report.json
equals "$(field report.json loss)" 7.5625 'loss by hand'
equals "$(field report.json l1)" 6 'l1 by hand'
equals "$(field report.json nonzeros)" 2 'nonzeros by hand'
# With codes of somebody else: z = (2, 1) for the first sample, (1, 0) for the second.
# Losses: 1 + 4 + 2 + 2 = 9 and 4 + 1/16 + 1 = 5.0625; lost 2.5 and 4.
# Feature 0: (2 - 2.5)(1 - (1/2 + 1)) + 1 (1 - (-1 - 2)) = 1/4 + 4; feature 1: (1 - 1.75)(2 - (1 + 4)) = 9/4.
printf '2\t1\n1\t0\n' >own.tsv
exits 0 "$encode" X.tsv --decoder D.tsv --lambda 1 --out Z.npz --compare own.tsv --features f.tsv --json
cp "$scratch/out" report.json
equals "$(field report.json loss 2)" 14.0625 'their loss by hand'
equals "$(field report.json amortisation_gap)" 6.5 'amortisation gap by hand'
grep -v '^#' f.tsv | tr '\t' ' ' >table
printf '%s\n' 'feature norm fires_exact fires_sae fires_both mean_exact mean_sae loss' '0 1 1 2 1 1.25 1.5 4.25' \
    '1 2 1 1 1 1.75 1 2.25' >wanted
same table wanted
# Their duality gaps: at x2 with z = (1,0), r = (-2,1/4), c = (-1,1/4): the best dual point is
# t = r.c/|r|^2 = (2 + 1/16)/(4 + 1/16) along r, feasible: gap 5.0625 - (33/16)^2 / (65/16) = 4.0153846...
awk -v w="$(field report.json worst_gap 2)" 'BEGIN {g = (5.0625 - (33/16)^2 / (65/16)) / 5.0625
    exit !(w - g < 1e-12 && g - w < 1e-12)}' || complain "worst gap $(field report.json worst_gap 2) by hand"
# The exact codes, given back, lose nothing.
exits 0 "$encode" X.tsv --decoder D.tsv --lambda 1 --out Z2.npz --compare Z.npz --json
equals "$(field "$scratch/out" amortisation_gap)" 0 'exact against exact'
same Z.npz Z2.npz
# A bias is what is subtracted.
printf '1\t-2\n' >b.tsv
printf '4\t2\n0\t-1.75\n' >moved.tsv
exits 0 "$encode" moved.tsv --decoder D.tsv --bias b.tsv --lambda 1 --out Zb.npz && same Z.npz Zb.npz
exits 0 "$encode" X.tsv --decoder D.tsv --lambda 1 --out Z.npz && says '^exact .*loss 7.5625' && says 'worst'

# More: random data, overcomplete and dependent atoms, large enough for threads.  Any number of them, the same bytes.
awk 'BEGIN {srand(4); for (i = 0; i < 8000; i++) for (j = 0; j < 6; j++) printf "%.6f%s", rand() - 0.3, j < 5 ? "\t" : "\n"}' >R.tsv
awk 'BEGIN {srand(5); for (k = 0; k < 12; k++) for (j = 0; j < 6; j++) printf "%.6f%s", k % 3 == 2 ? 2 * v[j] : v[j] = rand() - 0.3,
    j < 5 ? "\t" : "\n"}' >E.tsv
for threads in 1 2 5; do
    exits 0 "$encode" R.tsv --decoder E.tsv --lambda 0.1 --threads $threads --out "Z$threads.npz"
    same Z1.npz "Z$threads.npz"
done
# The certificate notices codes that are not optimal: lambda differs.
exits 0 "$encode" R.tsv --decoder E.tsv --lambda 0.11 --out Zother.npz --compare Z1.npz --features f.tsv --json
cp "$scratch/out" report.json
awk -v g="$(field report.json worst_gap 2)" -v e="$(field report.json worst_gap 1)" 'BEGIN {exit !(g > 1e-4 && e < 1e-12)}' ||
    complain 'wrong codes have no gap'
# The features' parts sum to the gap.  1e-7: the table has 9 digits.
awk -v g="$(field report.json amortisation_gap)" '!/^#/ && !/^feature/ {s += $8} END {d = s - g; exit !(g > 0 && d * d < 1e-14 * g * g)}' f.tsv ||
    complain 'the parts do not sum to the whole'
# A gap nobody can reach: written, exit 1.
exits 1 "$encode" R.tsv --decoder E.tsv --lambda 0.1 --gap 1e-30 --out Zs.npz && says 'ndl-encode: Zs.npz: written, but'
same Z1.npz Zs.npz
# All codes zero, one dimension, an atom per sample.
exits 0 "$encode" X.tsv --decoder D.tsv --lambda 1e300 --out Zs.npz --json
equals "$(field "$scratch/out" nonzeros)" 0 'a huge penalty'
printf '3\n-2\n0\n' >line.tsv
printf '1\n-1\n' >ends.tsv
exits 0 "$encode" line.tsv --decoder ends.tsv --lambda 0.2 --out Zs.npz --json
equals "$(field "$scratch/out" loss)" 0.98 'on a line: 0.2 (3 + 2) - 2 (0.2 / 2)^2'
exits 0 "$encode" X.tsv --decoder X.tsv --lambda 0.2 --out Zs.npz
exits 0 "$encode" --help && says 'Example'

refuses() { # PATTERN OPTIONS...
    pattern=$1
    shift
    exits 2 "$encode" "$@" --lambda 1 --out bad.npz
    says "^ndl-encode: .*$pattern"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "not one line: $*"
    [ ! -s "$scratch/out" ] || complain "output in spite of: $*"
    [ -z "$(find . -name '*bad*')" ] || complain "left behind by: $*"
}
printf '1\t0\n0\t0\n' >zero.tsv
printf '1\t0\t0\n' >three.tsv
printf '1\t-1\n0\t0\n' >negative.tsv
printf '1\t1\n' >few.tsv
printf '1\t0\nnan\t0\n' >nan.tsv
head -c 200 Z1.npz >cut.npz
head -c 2000 Z1.npz >cut2.npz
: >empty.npz
refuses 'No such file' none.npy --decoder D.tsv
refuses 'No such file' X.tsv --decoder none.npy
refuses 'zero.tsv: row 1 is zero' X.tsv --decoder zero.tsv
refuses 'three.tsv: atoms of 3 entries, but X.tsv has 2' X.tsv --decoder three.tsv
refuses 'three.tsv: 3 entries' X.tsv --decoder D.tsv --bias three.tsv
refuses 'D.tsv' X.tsv --decoder D.tsv --bias D.tsv
refuses 'nan.tsv' nan.tsv --decoder D.tsv
refuses 'nan.tsv' X.tsv --decoder nan.tsv
refuses 'negative.tsv' X.tsv --decoder D.tsv --compare negative.tsv
printf '1e200\t1\n1\t1e200\n' >huge.tsv
printf '1e200\t1\n1\t1\n' >hugecodes.tsv
refuses 'huge.tsv: too large to square' huge.tsv --decoder D.tsv
refuses 'hugecodes.tsv: too large to square' X.tsv --decoder D.tsv --compare hugecodes.tsv
refuses 'few.tsv: codes are 1 x 2' X.tsv --decoder D.tsv --compare few.tsv
refuses 'cut.npz' X.tsv --decoder D.tsv --compare cut.npz
refuses 'cut2.npz' X.tsv --decoder D.tsv --compare cut2.npz
refuses 'empty.npz' X.tsv --decoder D.tsv --compare empty.npz
refuses 'not a .npy' . --decoder D.tsv
refuses '' X.tsv --decoder D.tsv --compare Z.npz --features nowhere/bad.tsv
# A full disk (a file size limit): of two outputs none appears, and what was there stays.
cp Z.npz keep.npz
(ulimit -f 8 && exec "$encode" R.tsv --decoder E.tsv --lambda 0.1 --out keep.npz --compare Z1.npz --features bad.tsv \
    >"$scratch/out" 2>"$scratch/err")
[ $? -eq 2 ] || complain 'a full disk is no error'
says 'ndl-encode: keep.npz: cannot write'
same Z.npz keep.npz
for how in '' --json; do
    exits 2 sh -c "'$encode' X.tsv --decoder D.tsv --lambda 0.1 --out bad.npz $how >/dev/full"
    says 'ndl-encode: standard output: '
done
[ -z "$(find . -name '*bad*' -o -name '.*.npz*')" ] || complain "left on a full disk: $(ls -A)"

for wrong in '' 'X.tsv --decoder D.tsv --out a.npz' 'X.tsv --lambda 1 --out a.npz' '--decoder D.tsv --lambda 1 --out a.npz' \
    'X.tsv --decoder D.tsv --lambda 1' 'X.tsv --decoder D.tsv --lambda 0 --out a.npz' 'X.tsv --decoder D.tsv --lambda 1 --out a.npy' \
    'X.tsv --decoder D.tsv --lambda 1 --out a.npz --gap 0' 'X.tsv --decoder D.tsv --lambda 1 --out a.npz --features f2.tsv'; do
    # shellcheck disable=SC2086
    exits 64 "$encode" $wrong
done
[ ! -e a.npz ] || complain 'a usage error wrote a file'
finish

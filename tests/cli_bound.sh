#!/bin/sh
# ndl-bound: bounds known by hand, residuals and the next atom's gain, which coding afresh confirms.
. tests/cli.sh
bound=$BUILD/bin/ndl-bound
encode=$BUILD/bin/ndl-encode
work=$scratch/work
mkdir "$work"
cd "$work" || exit 1

field() { # FILE KEY [n-th]
    sed -n "s/^[ \t]*\"$2\":[ \t]*\([^,]*\),*$/\1/p" "$1" | sed -n "${3:-1}p"
}
equals() { # to 1e-12, a few roundings
    awk -v a="$1" -v b="$2" 'BEGIN {d = a - b; if (d < 0) d = -d; m = b < 0 ? -b : b; if (m < 1) m = 1
        exit !(a != "" && b != "" && d <= 1e-12 * m)}' || complain "$1 is not $2 ($3)"
}

# By hand, lambda = 2, no bias: |x| = 5, 1/2, 3 give H = 10 - 1, 1/4, 6 - 1: 14.25.
printf '3\t4\n0.5\t0\n0\t-3\n' >X.tsv
exits 0 "$bound" X.tsv --lambda 2 --no-bias && says '^bound  *14.25 '
# A bias: of 0, 0, 1 the best b is in (0, 1) with lambda = 1: 2 b^2 + H(1 - b), H(t) = t - 1/4 for t > 1/2:
# 4 b = 1, so b = 1/4 and the bound 2/16 + 3/4 - 1/4 = 0.625.
printf '0\n0\n1\n' >one.tsv
exits 0 "$bound" one.tsv --lambda 1 && says '^bound  *0.625 '
# An optimal dictionary with one atom per ray reaches the bound: unit atoms (0.6,0.8) and (0,-1), codes 4 and 2.
printf '0.6\t0.8\n0\t-1\n' >D.tsv
printf '4\t0\n0\t0\n0\t2\n' >Z.tsv
exits 0 "$bound" X.tsv --lambda 2 --no-bias --decoder D.tsv --codes Z.tsv --json
cp "$scratch/out" report.json
equals "$(field report.json gap)" 0 'one atom per ray'
equals "$(field report.json loss)" 14.25 'loss by hand'
equals "$(field report.json codes_worst_gap)" 0 'optimal codes'
# Rounding decides about |r| = lambda/2 exactly; the next atom brings nothing but that.
awk -v g="$(field report.json next_atom_gain)" 'BEGIN {exit !(g <= 1e-12)}' || complain 'gain at the optimum'
# Without the second atom the third sample is left: |r| = 3 > 1, rate 2*3 - 2 = 4, gain (3 - 1)^2 = 4.
printf '1.2\t1.6\n' >half.tsv
printf '2\n0\n0\n' >Zhalf.tsv
exits 0 "$bound" X.tsv --lambda 2 --no-bias --decoder half.tsv --codes Zhalf.tsv --json --top 1 --next next.tsv
cp "$scratch/out" report.json
equals "$(field report.json loss)" 18.25 'loss by hand'
equals "$(field report.json gap)" 4 'gap by hand'
equals "$(field report.json long_residuals)" 1 'one long residual'
equals "$(field report.json sample)" 2 'the third sample'
equals "$(field report.json rate)" 4 'rate by hand'
equals "$(field report.json gain)" 4 'gain by hand'
equals "$(field report.json next_atom_gain)" 4 'gain by hand'
printf '0\t-1\n' >wanted
awk '{print $1 + 0 "\t" $2 + 0}' next.tsv >found
same found wanted
exits 0 "$bound" X.tsv --lambda 2 --no-bias --decoder half.tsv --codes Zhalf.tsv && says '1 of 3 samples are longer'

# Random data: the predicted gain is a lower bound of what coding afresh with the next atom gains, and
# no dictionary gets below the bound.
awk 'BEGIN {srand(4); for (i = 0; i < 500; i++) for (j = 0; j < 5; j++) printf "%.6f%s", rand() - 0.4, j < 4 ? "\t" : "\n"}' >R.tsv
head -n 3 R.tsv >E.tsv
printf '0.1\t0.1\t0\t0\t-0.1\n' >b.tsv
exits 0 "$encode" R.tsv --decoder E.tsv --bias b.tsv --lambda 0.3 --out Z.npz
exits 0 "$bound" R.tsv --lambda 0.3 --decoder E.tsv --bias b.tsv --codes Z.npz --json --next next.tsv
cp "$scratch/out" report.json
cat E.tsv next.tsv >more.tsv
exits 0 "$encode" R.tsv --decoder more.tsv --bias b.tsv --lambda 0.3 --out Zmore.npz --json
awk -v old="$(field report.json loss)" -v new="$(field "$scratch/out" loss)" -v gain="$(field report.json next_atom_gain)" \
    -v along="$(field report.json gain)" -v bound="$(field report.json bound)" \
    'BEGIN {exit !(gain > 0 && gain >= along && old - new >= gain * (1 - 1e-9) && new >= bound && bound > 0)}' ||
    complain 'the predicted gain is not there'
exits 0 "$bound" --help && says 'Example'

refuses() { # PATTERN OPTIONS...
    pattern=$1
    shift
    exits 2 "$bound" "$@" --lambda 2
    says "^ndl-bound: .*$pattern"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "not one line: $*"
    [ ! -s "$scratch/out" ] || complain "output in spite of: $*"
}
printf 'x\n' >text.tsv
printf '1\tnan\n' >nan.tsv
printf '0\t0\n' >zero.tsv
refuses 'No such file' none.npy
refuses 'text.tsv' text.tsv
refuses 'nan.tsv' nan.tsv
refuses 'zero.tsv: row 0 is zero' X.tsv --no-bias --decoder zero.tsv --codes Zhalf.tsv
refuses 'one.tsv: atoms of 1 entries' X.tsv --no-bias --decoder one.tsv --codes Zhalf.tsv
refuses 'Z.tsv: codes are 3 x 2' X.tsv --no-bias --decoder half.tsv --codes Z.tsv
refuses 'Zhalf.tsv: codes are 3 x 1' X.tsv --no-bias --decoder D.tsv --codes Zhalf.tsv
refuses 'b.tsv: 5 entries' X.tsv --bias b.tsv --decoder half.tsv --codes Zhalf.tsv
refuses 'X.tsv' X.tsv --no-bias --decoder half.tsv --codes X.tsv
printf '1e200\n1\n1\n' >huge.tsv
refuses 'huge.tsv: too large to square' X.tsv --no-bias --decoder half.tsv --codes huge.tsv
refuses 'nowhere/next.tsv: cannot write' X.tsv --no-bias --decoder half.tsv --codes Zhalf.tsv --next nowhere/next.tsv
# Samples all equal: the bound is 0, and the gap no share of it.
printf '1\t2\n1\t2\n' >same.tsv
printf '1\t2\n' >at.tsv
printf '0\n0\n' >Z0.tsv
exits 0 "$bound" same.tsv --bias at.tsv --decoder half.tsv --codes Z0.tsv --lambda 2
says '^gap         0$'
# A report that cannot be printed: no output either.
exits 2 sh -c "'$bound' X.tsv --lambda 2 --no-bias --decoder half.tsv --codes Zhalf.tsv --next bad.tsv >/dev/full"
says 'ndl-bound: standard output: '
[ ! -e bad.tsv ] || complain 'the next atom without a report'
# Nothing to gain: no next atom.
printf '0.1\t0\n' >small.tsv
printf '0\n' >Zs.tsv
refuses 'no atom found' small.tsv --no-bias --decoder half.tsv --codes Zs.tsv --next bad.tsv
[ -z "$(find . -name '*bad*')" ] || complain 'an atom that brings nothing was written'
for wrong in '' 'X.tsv' 'X.tsv --lambda -1' 'X.tsv --lambda 1 --bias b.tsv' 'X.tsv --lambda 1 --decoder D.tsv' \
    'X.tsv --lambda 1 --decoder D.tsv --codes Z.tsv' 'X.tsv --lambda 1 --decoder D.tsv --codes Z.tsv --bias b.tsv --no-bias' \
    'X.tsv --lambda 1 --next a.tsv' 'X.tsv --lambda 1 --top x'; do
    # shellcheck disable=SC2086
    exits 64 "$bound" $wrong
done
finish

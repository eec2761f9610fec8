#!/bin/sh
# ndl-fit: its files and report, the same result for any number of threads, certificates that others
# recompute, and every kind of bad input: one line, exit 2, nothing written.
. tests/cli.sh
fit=$BUILD/bin/ndl-fit
encode=$BUILD/bin/ndl-encode
work=$scratch/work
mkdir "$work"
cd "$work" || exit 1

# field FILE KEY: the first number called KEY in a report
field() {
    sed -n "s/^[ \t]*\"$2\":[ \t]*\([^,]*\),*$/\1/p" "$1" | head -n 1
}
# agree A B TOLERANCE: |A - B| <= TOLERANCE max(1, |B|)
agree() {
    awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN {d = a - b; if (d < 0) d = -d; m = b < 0 ? -b : b; if (m < 1) m = 1
        exit !(a != "" && b != "" && a == a + 0 && b == b + 0 && d <= t * m)}' || complain "$1 and $2 differ (by hand: $4)"
}

# Data: 3 directions in R^4, 60 samples of one or two of them.
awk 'BEGIN {for (i = 0; i < 60; i++) {a = 1 + (i % 7) / 7; b = 0.5 + (i % 5) / 5; k = i % 3
    x[0] = x[1] = x[2] = x[3] = 0; x[k] += a; if (i % 4 == 0) x[(k + 1) % 3] += b
    printf "%.3f\t%.3f\t%.3f\t%.3f\n", x[0], x[1], x[2], 0.01 * (i % 2)}}' >X.tsv

exits 0 "$fit" X.tsv --atoms 3 --lambda 0.2 --no-bias --starts 4 --seed 3 --out deep/run
says '^loss '
[ "$(ls -A deep/run | tr '\n' ' ')" = 'D.npy Z.npy Z.npz b.npy report.json ' ] || complain "files: $(ls -A deep/run)"
[ "$(field deep/run/report.json converged)" = true ] || complain 'not converged'
[ "$(field deep/run/report.json live)" = 3 ] || complain 'not all atoms live'
# Nothing can do better than the wide limit.
awk -v l="$(field deep/run/report.json loss)" -v b="$(field deep/run/report.json bound)" \
    'BEGIN {exit !(b > 0 && l >= b)}' || complain 'the loss is below the bound'
# The codes are optimal for the atoms: coding afresh gives the same loss.  1e-9: both are converged to rounding.
exits 0 "$encode" X.tsv --decoder deep/run/D.npy --bias deep/run/b.npy --lambda 0.2 --out again.npz --json \
    --compare deep/run/Z.npz
cp "$scratch/out" again.json
agree "$(field again.json loss)" "$(field deep/run/report.json loss)" 1e-9 'ndl-encode against ndl-fit'
agree "$(field again.json amortisation_gap)" 0 1e-9 'the codes of ndl-fit are exact'
# The dense codes are the same codes.
exits 0 "$encode" X.tsv --decoder deep/run/D.npy --lambda 0.2 --out dense.npz --json --compare deep/run/Z.npy
grep -v -e seconds -e '"Z' "$scratch/out" >dense.json
grep -v -e seconds -e '"Z' -e '"bias"' again.json >again2.json
grep -v '"bias"' dense.json >dense2.json
same again2.json dense2.json

# The result does not depend on the threads, only the report's times do.
exits 0 "$fit" X.tsv --atoms 3 --lambda 0.2 --no-bias --starts 4 --seed 3 --threads 1 --out one
exits 0 "$fit" X.tsv --atoms 3 --lambda 0.2 --no-bias --starts 4 --seed 3 --threads 3 --out three
for file in D.npy b.npy Z.npz Z.npy; do
    same one/$file three/$file
    same one/$file deep/run/$file
done
# A start that is the answer stays, and with a free bias the loss cannot be higher.
exits 0 "$fit" X.tsv --init one/D.npy --lambda 0.2 --no-bias --out stay --trace trace.tsv
agree "$(field stay/report.json loss)" "$(field one/report.json loss)" 1e-12 'started at the answer'
[ "$(head -c 9 trace.tsv)" = '# seconds' ] || complain 'no trace'
exits 0 "$fit" X.tsv --init one/D.npy --init-bias one/b.npy --lambda 0.2 --out free
awk -v a="$(field free/report.json loss)" -v b="$(field one/report.json loss)" 'BEGIN {exit !(a <= b * (1 + 1e-12))}' ||
    complain 'a free bias is worse than none'
# Short of the tolerance: written, and exit 1.
exits 1 "$fit" X.tsv --atoms 3 --lambda 0.2 --max-iterations 1 --seed 5 --out short
says 'ndl-fit: short: written, but the worst relative KKT residual is'
[ "$(field short/report.json converged)" = false ] || complain 'short of the tolerance, yet converged'
# A later run with codes too large to be dense leaves no stale Z.npy.
awk 'BEGIN {for (i = 0; i < 1100; i++) print i % 3 + 1 "\t" i % 5}' >long.tsv
cp stay/Z.npy deep/run/Z.npy
"$fit" long.tsv --atoms 1000 --lambda 0.2 --max-iterations 1 --out deep/run >/dev/null 2>&1
[ ! -e deep/run/Z.npy ] || complain 'a stale Z.npy'

# Odd data.  All codes zero, more atoms than samples, one sample, one dimension, samples that are all the same or 0:
# learned, without NaN, and nothing is below the bound.
printf '1\t2\t3\n' >one.tsv
awk 'BEGIN {for (i = 0; i < 50; i++) print i % 7 - 3}' >line.tsv
awk 'BEGIN {for (i = 0; i < 50; i++) print "1\t2\t3"}' >constant.tsv
awk 'BEGIN {for (i = 0; i < 20; i++) print "0\t0"}' >zeros.tsv
for case in 'X.tsv 3 1e6' 'X.tsv 3 1e300' 'X.tsv 100 0.2' 'one.tsv 2 0.2' 'line.tsv 2 0.2' 'constant.tsv 3 0.2' 'zeros.tsv 2 0.2'; do
    # shellcheck disable=SC2086
    set -- $case
    for bias in '' --no-bias; do
        # shellcheck disable=SC2086
        exits 0 "$fit" "$1" --atoms "$2" --lambda "$3" $bias --out odd
        grep -q -i nan "$scratch/out" && complain "NaN: $case $bias"
        awk -v g="$(field odd/report.json gap_relative)" 'BEGIN {exit !(g != "" && g >= 0)}' || complain "below the bound: $case $bias"
        rm -r odd
    done
done

# A terminal sees the progress; without one there is none (every `exits` above); Ctrl-C leaves nothing.
awk 'BEGIN {srand(1); for (i = 0; i < 2000; i++) {for (j = 0; j < 8; j++) printf "%.4f\t", rand(); print rand()}}' >noise.tsv
if script -qec true pty.txt >/dev/null 2>&1 </dev/null; then # where there are pseudo-terminals
    script -qefc "'$fit' noise.tsv --atoms 40 --lambda 0.01 --max-iterations 40 --threads 1 --out seen" seen.txt >/dev/null </dev/null
    grep -q 'loss [0-9.]*, gap [0-9.]* %, residual .* left' seen.txt || complain "no progress on a terminal"
    script -qefc "'$fit' noise.tsv --atoms 40 --lambda 0.01 --max-iterations 40 --threads 1 --quiet --out seen" quiet.txt \
        >/dev/null </dev/null
    grep -q residual.*left quiet.txt && complain 'progress in spite of --quiet'
fi
timeout -s INT 0.3 "$fit" noise.tsv --atoms 200 --lambda 0.001 --max-iterations 100000 --out stopped --trace stopped.tsv
[ $? -eq 124 ] || complain 'an interrupted run did not end by the signal' # 124: timeout's word for it
[ -z "$(find . -name '*stopped*')" ] || complain "left by an interrupted run: $(find . -name '*stopped*')"
exits 0 "$fit" --help && says 'Example'
exits 0 "$fit" --version && says 'Sparse Optima'

# refuses PATTERN OPTIONS...: one line that matches, exit 2, no directory
refuses() {
    pattern=$1
    shift
    exits 2 "$fit" "$@" --out bad
    says "^ndl-fit: .*$pattern"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "not one line: $*"
    [ ! -s "$scratch/out" ] || complain "output in spite of: $*"
    [ ! -e bad ] || complain "left behind by: $*"
}
ask='--atoms 2 --lambda 0.2'
# shellcheck disable=SC2086 # the options are words
{
    head -c 100 one/D.npy >short.npy
    head -c 140 one/D.npy >cut.npy
    printf '1\t2\nnan\t1\n' >nan.tsv
    printf '1\t2\n3\n' >ragged.tsv
    printf '1\tinf\n' >inf.tsv
    sed 's/<f8/>f8/' one/D.npy >big.npy
    sed 's/<f8/<i8/' one/D.npy >int.npy
    sed 's/(3, 4)/(0, 4)/' one/D.npy >none.npy
    sed 's/(3, 4), }  */(9999999999999999999, 4), }/' one/D.npy >overflow.npy
    : >empty.npy
    printf '0\t0\t0\t0\n' >zero.tsv
    printf '1\t2\n' >two.tsv
    refuses 'No such file' missing.npy $ask
    refuses 'not a .npy' . $ask
    mkdir dir.npy
    refuses 'dir.npy: is a directory' dir.npy $ask
    refuses 'empty' empty.npy $ask
    refuses 'short.npy' short.npy $ask
    refuses 'cut.npy' cut.npy $ask
    refuses 'nan.tsv' nan.tsv $ask
    refuses 'inf.tsv' inf.tsv $ask
    refuses 'ragged.tsv' ragged.tsv $ask
    refuses 'big.npy' big.npy $ask
    refuses 'int.npy' int.npy $ask
    refuses 'none.npy' none.npy $ask
    refuses 'overflow.npy' overflow.npy $ask
    refuses 'X.csv' X.csv $ask
    refuses 'two.tsv: atoms of 2 entries' X.tsv --init two.tsv --lambda 0.2
    refuses 'zero.tsv: row 0 is zero' X.tsv --init zero.tsv --lambda 0.2
    refuses 'one/D.npy: 3 atoms, but --atoms says 2' X.tsv --init one/D.npy $ask
    refuses 'two.tsv: 2 entries' X.tsv --init-bias two.tsv $ask
}

# A directory that cannot be made, a file in the way, a disk that is full (a file size limit).
: >file
exits 2 "$fit" X.tsv --atoms 2 --lambda 0.2 --out file/run && says 'ndl-fit: file/run: Not a directory'
exits 2 "$fit" X.tsv --atoms 2 --lambda 0.2 --out file && says 'ndl-fit: file: Not a directory'
mkdir -p way/Z.npz
exits 2 "$fit" X.tsv --atoms 2 --lambda 0.2 --out way && says 'way/Z.npz: cannot write: is a directory'
[ "$(ls -A way)" = Z.npz ] || complain "left in way: $(ls -A way)"
awk 'BEGIN {for (i = 0; i < 20000; i++) print i % 3 + 1 "\t" i % 5}' >many.tsv
(ulimit -f 64 && exec "$fit" many.tsv --atoms 2 --lambda 0.2 --out full >"$scratch/out" 2>&1)
[ $? -eq 2 ] || complain 'a full disk is no error'
says 'ndl-fit: full/.*cannot write'
[ ! -e full ] || complain "left on a full disk: $(ls -A full)"
# The reason is that of the write that failed long before the end, not of what was done since.
awk 'BEGIN {srand(2); for (i = 0; i < 300; i++) {for (j = 0; j < 6; j++) printf "%g\t", rand() * rand(); print rand()}}' >random.tsv
(ulimit -f 8 && exec "$fit" random.tsv --atoms 8 --lambda 0.05 --starts 40 --out full --trace cut.tsv >"$scratch/out" 2>&1)
[ $? -eq 2 ] || complain 'a trace that does not fit is no error'
says '^ndl-fit: cut.tsv: cannot write: File too large$'
[ ! -e cut.tsv ] && [ ! -e full ] || complain 'left behind: a trace that does not fit'
exits 2 sh -c "'$fit' X.tsv --atoms 2 --lambda 0.2 --out unsaid >/dev/full" && says 'standard output'
[ ! -e unsaid ] || complain "left without a summary: $(ls -A unsaid)"

# Usage: 64.
for wrong in '' 'X.tsv --atoms 2' '--atoms 2 --lambda 1' 'X.tsv --atoms 0 --lambda 1' 'X.tsv --atoms 2 --lambda 0' \
    'X.tsv --atoms 2 --lambda nan' 'X.tsv --atoms 2 --lambda -1' 'X.tsv --atoms 2x --lambda 1' 'X.tsv --atoms 2 --lambda 1x' \
    'X.tsv --atoms -2 --lambda 1' 'X.tsv --atoms 2 --lambda 1 --seed 0' 'X.tsv --atoms 2 --lambda 1 --seed 4294967296' \
    'X.tsv --atoms 2 --lambda 1 --threads 0' 'X.tsv --atoms 2 --lambda 1 --tolerance 0' 'X.tsv X.tsv --atoms 2 --lambda 1' \
    'X.tsv --init one/D.npy --starts 2 --lambda 1' 'X.tsv --atoms 2 --lambda 1e999' 'X.tsv --atoms 2 --lambda 1 --nonsense'; do
    # shellcheck disable=SC2086
    exits 64 "$fit" $wrong --out bad
    [ ! -e bad ] || complain "left behind by: $wrong"
done
exits 64 "$fit" X.tsv --atoms 2 --lambda 1
finish

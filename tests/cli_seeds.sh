#!/bin/sh
# The spread over the seeds: what is tabulated, and whether the committed one is about these claims and numbers.
. tests/cli.sh
registry=$BUILD/bin/registry

cat >"$scratch/claims" <<'END'
claim toy
  title      A toy
  statement  Two numbers.
  program    toy
  label      sec:toy
  seconds    3
  check      error <= 1e-2 : a reason
  control    broken breaks error : no hypothesis
  check      height > 2 : another
  check      count = 0 within 0 : a count
  check      sign > 0 : by any amount
END
scalars() { # DIR ERROR BROKEN HEIGHT COUNT SIGN
    mkdir -p "$scratch/$1"
    printf 'error\t%s\tinf\te\nbroken\t%s\t1e-6\tb\nheight\t%s\t1e-6\th\ncount\t%s\t0\tc\nsign\t%s\t1e-6\ts\n' \
        "$2" "$3" "$4" "$5" "$6" >"$scratch/$1/toy.tsv"
}
seeds() { exits "$1" "$registry" seeds --registry "$scratch/claims" --results "$scratch/1" ; }
tabulate() {
    exits "$1" "$registry" seeds --no-reference --registry "$scratch/claims" --out "$scratch/1" "$scratch/1" "$scratch/2" "$scratch/3"
}
has() { # KEY VALUE
    grep -q "^$1	$2	" "$scratch/1/seeds.tsv" || complain "seeds.tsv: $1 is not $2: $(grep "^$1	" "$scratch/1/seeds.tsv")"
}

scalars 1 1e-3 5 4 0 0.5
scalars 2 5e-3 3 8 0 0.25
scalars 3 2e-3 1 5 0 1
tabulate 0
has toy.holds 3
has toy.error.first 0.001
has toy.error.largest 0.005.*
has toy.height.least 4
has toy.height.mean 5.66666666.*
has toy.broken.least 1
has count 3
has claims.held 1
has controls.failed 1
has allowances.most 0.5
has floors.most 0.5
has controls.least 100
has exact 1
has signs 1
seeds 0

# A claim that fails for one seed is counted as such.
scalars 3 2e-3 1e-3 1 1 1
tabulate 1 && says 'toy *holds for 2 of 3 seeds'
has toy.holds 2
has claims.held 0
has checks.held 2
has controls.failed 0
scalars 3 2e-3 1 5 0 1
tabulate 0

# Out of date: another number for seed 1 (unless it is only compared with a bound), a new check, one that is gone.
scalars 1 9e-3 5 4 0 0.5 && seeds 0
scalars 1 1e-3 5 4.001 0 0.5 && seeds 1 && says 'toy was 4 for seed 1 and is 4.001'
scalars 1 1e-3 5 4 0 0.5
cp "$scratch/claims" "$scratch/claims.old"
echo '  check      broken > 0 : new' >>"$scratch/claims" && seeds 0 # has been a control
sed -i 's/^  check      broken.*/  check      extra > 0 : new/' "$scratch/claims" && seeds 1 && says 'nothing about extra of claim toy'
grep -v 'sign >' "$scratch/claims.old" >"$scratch/claims" && seeds 1 && says '1 numbers of which the registry knows nothing'
cp "$scratch/claims.old" "$scratch/claims"
rm "$scratch/2/toy.tsv" && tabulate 1 # the program failed for this seed
has toy.holds 2
has toy.height.mean 4.5
has allowances.most inf
rm "$scratch/1/seeds.tsv" && seeds 1 && says 'seeds.tsv: No such file'

# What is known of a claim is taken over; a claim with a new number, check or count is computed.
scalars 2 5e-3 3 8 0 0.25
tabulate 0
mkdir "$scratch/ref" "$scratch/out.d" && cp "$scratch"/1/seeds*.tsv "$scratch/ref"
sed 's/claim toy/claim first/; s/sec:toy/sec:first/; s/program    toy/program    first/' "$scratch/claims" >"$scratch/both"
cat "$scratch/claims" >>"$scratch/both"
for seed in 1 2 3; do cp "$scratch/$seed/toy.tsv" "$scratch/$seed/first.tsv"; done
stale() { # COUNT PROGRAM...
    wanted_count=$1
    shift
    exits 0 "$registry" stale "$wanted_count" -r "$scratch/both" -d "$scratch/1" -R "$scratch/ref"
    [ "$(sort -u "$scratch/out" | tr '\n' ' ')" = "$*${1:+ }" ] || complain "stale: $(cat "$scratch/out"), not $*"
}
stale 3 first
stale 4 first toy
rm "$scratch/2/toy.tsv" # is not needed
together() { exits 0 "$registry" seeds -r "$scratch/both" -R "$scratch/ref" --out "$scratch/$1" "$scratch/1" "$scratch/2" "$scratch/3"; }
together out.d && says 'first  *holds for 3 of 3 seeds$' && says 'toy  *holds for 3 of 3 seeds, as known'
cp "$scratch/2/first.tsv" "$scratch/2/toy.tsv" && mkdir "$scratch/anew"
exits 0 "$registry" seeds --no-reference -r "$scratch/both" --out "$scratch/anew" "$scratch/1" "$scratch/2" "$scratch/3"
for file in seeds.tsv seeds-checks.tsv; do same "$scratch/out.d/$file" "$scratch/anew/$file"; done
cp "$scratch"/out.d/seeds*.tsv "$scratch/ref"
stale 3
sed -i 's/^height	4/height	4.5/' "$scratch/1/toy.tsv" && stale 3 toy
cp "$scratch/1/first.tsv" "$scratch/1/toy.tsv" && stale 3
echo '  check      height > 3 : a stricter one' >>"$scratch/both" && stale 3 toy

# The committed spread.
for file in seeds.tsv seeds-checks.tsv; do
    same "results/$file" "$BUILD/results/$file"
done
exits 0 "$registry" seeds --results "$BUILD/results"
awk '$1 == "count" {enough = $2 >= 20} END {exit !enough}' results/seeds.tsv || complain 'results/seeds.tsv: fewer than 20 seeds'
finish

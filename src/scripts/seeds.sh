#!/bin/sh
# seeds.sh N -- judges every claim for the seeds 1 to N and tabulates the spread.
#
# For `make seeds COUNT=20`, which sets MAKE and BUILD.  Prints how many seeds each claim
# holds for, and writes $BUILD/seeds/seeds.tsv, the spread of every checked number, and
# seeds-checks.tsv, how near the worst seed comes to each bound.  Interrupt it when you
# like: results that are there are not computed again.
set -eu
count=$1
case $count in
'' | *[!0-9]* | 0) echo "seeds: COUNT is a number of seeds, 1 or more" >&2; exit 64 ;;
esac
judged=$BUILD/seeds.log
: > "$judged.new"
directories=
seed=0
while [ "$seed" -lt "$count" ]; do
    seed=$((seed + 1))
    echo "seeds: seed $seed of $count" >&2
    # A program that fails fails its claims; the others are judged.
    $MAKE --no-print-directory -k results SEED="$seed" >/dev/null || true
    directory=$BUILD/seed-$seed/results
    [ "$seed" -ne 1 ] || directory=$BUILD/results
    directories="$directories $directory"
    "$BUILD/bin/registry" verify --no-reference --results "$directory" >> "$judged.new" || true
done
mv "$judged.new" "$judged"

mkdir -p "$BUILD/seeds"
# shellcheck disable=SC2086 # one word per directory
"$BUILD/bin/registry" seeds --out "$BUILD/seeds" $directories

awk -v count="$count" '/^claim [^ ]* (holds|FAILS)$/ { if (!($2 in holds)) order[++claims] = $2; holds[$2] += $3 == "holds" }
    END { failed = 0
          for (c = 1; c <= claims; c++) { printf "  %-18s holds for %d of %d seeds\n", order[c], holds[order[c]], count
                                          failed += holds[order[c]] < count }
          exit failed > 0 }' "$judged" || { echo "seeds: not every claim holds for every seed: see $judged" >&2; exit 1; }
echo "seeds: the spread of every checked number is in $BUILD/seeds/seeds.tsv"

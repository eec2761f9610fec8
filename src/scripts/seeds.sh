#!/bin/sh
# seeds.sh N -- judges every claim for the seeds 1 to N and tabulates the spread.
#
# For `make seeds COUNT=20`, which sets MAKE and BUILD.  Prints how many seeds each claim holds
# for, and writes $BUILD/seeds/seeds.tsv, the spread of every checked number, and
# seeds-checks.tsv, how near the worst seed comes to each bound.  Only the programs of claims
# that results/seeds.tsv does not know, or not with these numbers, are run, unless ANEW is set.
# Interrupt it when you like: results that are there are not computed again.
set -eu
count=$1
case $count in
'' | *[!0-9]* | 0) echo "seeds: COUNT is a number of seeds, 1 or more" >&2; exit 64 ;;
esac
registry=$BUILD/bin/registry
known=
[ -z "${ANEW:-}" ] && [ -e results/seeds.tsv ] || known=--no-reference
# Seed 1 tells what has changed.  A program that fails fails its claims; the others are judged.
$MAKE --no-print-directory -k results >/dev/null || true
# shellcheck disable=SC2086 # an option or none
programs=$("$registry" stale "$count" $known --results "$BUILD/results" | sort -u)
echo "seeds: to be run:" ${programs:-nothing}
directories=
seed=0
while [ "$seed" -lt "$count" ]; do
    seed=$((seed + 1))
    directory=$BUILD/seed-$seed/results
    [ "$seed" -ne 1 ] || directory=$BUILD/results
    directories="$directories $directory"
    [ -n "$programs" ] || continue
    echo "seeds: seed $seed of $count" >&2
    # shellcheck disable=SC2046 # one word per file
    $MAKE --no-print-directory -k SEED="$seed" $(printf "$directory/%s.tsv\n" $programs) >/dev/null || true
done
mkdir -p "$BUILD/seeds"
rm -f "$BUILD/seeds/"*.tsv
# shellcheck disable=SC2086 # one word per directory
"$registry" seeds $known --out "$BUILD/seeds" $directories ||
    { echo "seeds: not every claim holds for every seed" >&2; exit 1; }
echo "seeds: the spread of every checked number is in $BUILD/seeds/seeds.tsv"

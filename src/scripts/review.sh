#!/bin/sh
# review.sh BUDGET -- runs as many claims as fit into BUDGET (seconds, or 10m, 1h), in the
# order of the registry: most informative first.  `make review BUDGET=10m` calls it.
set -eu
make=${MAKE:-make}
build=${BUILD:-build}
case $1 in
'' | *[!0-9smh]* | *[smh]?* | [smh]) echo "review: BUDGET is a time such as 90, 10m or 1h, not '$1'" >&2; exit 64 ;;
*m) budget=$((${1%m} * 60)) ;;
*h) budget=$((${1%h} * 3600)) ;;
*) budget=${1%s} ;;
esac
begun=$(date +%s)
list=$(mktemp)
rows=$(mktemp)
log=$(mktemp) # shown only of a claim that fails
trap 'rm -f "$list" "$rows" "$log"' EXIT
"$build/bin/registry" list >"$list"
total=$(wc -l <"$list")
echo "review: $total claims, $(awk -F '\t' '{s += $2} END {printf "%d", s}' "$list") core-seconds in all, budget $1"
number=0
held=0
failed=0
tab=$(printf '\t')
while IFS=$tab read -r id seconds title; do
    number=$((number + 1))
    left=$((begun + budget - $(date +%s)))
    if [ "${seconds%.*}" -ge "$left" ]; then
        printf '%s\t-\tno time left (%s s)\n' "$id" "$seconds" >>"$rows"
        continue
    fi
    echo "review: [$number/$total, $left s left] $id, about $seconds s: $title"
    start=$(date +%s)
    if "$make" --no-print-directory "claim-$id" </dev/null >"$log" 2>&1; then
        verdict=holds
        held=$((held + 1))
    else
        verdict=FAILS
        failed=$((failed + 1))
        cat "$log"
    fi
    printf '%s\t%s s\t%s\n' "$id" $(($(date +%s) - start)) $verdict >>"$rows"
done <"$list"
awk -F '\t' '{printf "  %-24s %8s  %s\n", $1, $2, $3}' "$rows"
echo "review: $held hold, $failed fail, $((total - held - failed)) had no time left; $(($(date +%s) - begun)) s"
[ $failed -eq 0 ]

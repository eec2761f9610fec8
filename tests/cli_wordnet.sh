#!/bin/sh
# The committed WordNet trees are what the committed script makes of Debian's
# WordNet, byte for byte.  Skipped (77) where wordnet-base is not installed.
set -eu
datasets=$(dirname "$0")/../datasets
script=$datasets/wordnet-dog.sh
made=$(mktemp)
trap 'rm -f "$made" "$made.err"' EXIT

fail() { echo "cli_wordnet: $*" >&2; exit 1; }

# Usage and missing files are refused before anything is written.
status=0
sh "$script" > "$made" 2> "$made.err" || status=$?
[ $status -eq 64 ] && [ ! -s "$made" ] && grep -q '^usage:' "$made.err" || fail "no argument: exit $status"
status=0
sh "$script" full /nonexistent > "$made" 2> "$made.err" || status=$?
[ $status -eq 2 ] && [ ! -s "$made" ] && grep -q 'cannot read /nonexistent/data.noun' "$made.err" ||
    fail "no WordNet: exit $status"

[ -r /usr/share/wordnet/data.noun ] || { echo 'cli_wordnet: skipped, no wordnet-base' >&2; exit 77; }
sh "$script" full > "$made"
cmp "$made" "$datasets/wordnet-dog.tree" || fail 'wordnet-dog.tree differs'
sh "$script" small > "$made"
cmp "$made" "$datasets/wordnet-dog-small.tree" || fail 'wordnet-dog-small.tree differs'

# The licence is the one in the data files, which number its lines.
awk '/^ / { sub(/^ *[0-9]+ ?/, ""); sub(/ +$/, ""); print; next } { exit }' /usr/share/wordnet/data.noun |
    cmp - "$datasets/WORDNET-LICENSE" || fail 'WORDNET-LICENSE differs'

#!/bin/sh
# The tree is formatted as .clang-format says, and no line of C has more than 100 columns.
# Other versions of clang-format break some lines elsewhere, so only version 14 is asked.
. tests/cli.sh
sources=$(find src tests -name '*.[ch]' | sort)
# shellcheck disable=SC2086 # file names without blanks
grep -nE '^.{101,}' $sources >"$scratch/long"
[ ! -s "$scratch/long" ] || complain "lines of more than 100 columns: $(head -n 5 "$scratch/long")"
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    # shellcheck disable=SC2086
    exits 0 clang-format --dry-run --Werror $sources
fi
finish

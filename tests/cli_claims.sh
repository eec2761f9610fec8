#!/bin/sh
# Every claim program: help with an example, version, refused options, missing data; the
# exact exit codes.
. tests/cli.sh
mkdir "$scratch/empty"
for source in src/claims/*.c; do
    name=$(basename "$source" .c)
    program=$BUILD/bin/$name
    case $name in *-*) complain "$source: a '-' in the name would be taken for a table's" ;; esac
    exits 0 "$program" --help && says 'Example: ' && says '--seed'
    exits 0 "$program" --version && says 'commit'
    for seed in 0 -1 4294967296 1.5 one '' 99999999999999999999; do
        exits 64 "$program" --seed "$seed"
    done
    exits 64 "$program" --nonsense
    exits 64 "$program" argument
    if grep -q claim_data "$source"; then
        exits 2 timeout 60 "$program" --data "$scratch/empty" --out "$scratch/out.d"
        ls "$scratch/out.d/$name.tsv" >/dev/null 2>&1 && complain "$name wrote results without its data"
        [ "$(wc -l <"$scratch/err")" -eq 1 ] || complain "$name: not one line on stderr"
    fi
done

# A row with too few or too many values for its table ends the program and leaves no table.
for values in 2 4; do
    exits 2 "$BUILD/tests/claim_rows" --out "$scratch/rows.d" --data "$values"
    says "table 'curve': expected 3 values in a row, given $values"
    [ -z "$(ls "$scratch/rows.d")" ] || complain "a table with a row of $values values was kept"
done
exits 0 "$BUILD/tests/claim_rows" --out "$scratch/rows.d" --data 3
finish

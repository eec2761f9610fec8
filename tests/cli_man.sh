#!/bin/sh
# Every tool has a manual page that names all its options, exit statuses and an example, and that groff
# renders without a warning; bash completes its options and files.
. tests/cli.sh
found=0
for tool in "$BUILD"/bin/ndl-*; do
    name=${tool##*/}
    page=src/tools/man/$name.1
    [ -f "$page" ] || { complain "no page for $name"; continue; }
    found=$((found + 1))
    "$tool" --help | grep -o -e '--[a-z-]*' | sort -u >"$scratch/has"
    tr -d '\\' <"$page" | grep -o -e '--[a-z-]*' | sort -u >"$scratch/says"
    diff "$scratch/has" "$scratch/says" >"$scratch/differences" || { complain "$page: options"; cat "$scratch/differences"; }
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS FILES 'EXIT STATUS' EXAMPLE 'SEE ALSO'; do
        grep -q "^\.SH $section\$" "$page" || complain "$page: no section $section"
    done
    if command -v groff >/dev/null; then
        groff -ww -man -Tutf8 -z "$page" >"$scratch/warnings" 2>&1
        [ ! -s "$scratch/warnings" ] || { complain "$page: groff warns"; cat "$scratch/warnings"; }
    fi
    if command -v bash >/dev/null; then
        bash -c '. src/tools/completion.bash; compopt() { :; }
            complete -p "$2" >/dev/null || exit 1
            COMP_WORDS=("$1" --he); COMP_CWORD=1; _ndl "$1"; [ "${COMPREPLY[*]}" = --help ] || exit 1
            COMP_WORDS=("$1" src/tools/AUDIT); _ndl "$1"; [ "${COMPREPLY[*]}" = src/tools/AUDIT.md ] || exit 1
            COMP_WORDS=("$1" --out =); COMP_CWORD=2; cd src/bench && _ndl "$1"; [ "${COMPREPLY[*]}" = "$(compgen -f | xargs)" ]' \
            bash "$tool" "$name" || complain "$name: bash does not complete"
    fi
done
[ $found -ge 6 ] || complain "only $found tools"
finish

#!/bin/sh
# prepare.sh BUILD -- what make has to know before it begins; it calls this at every start.
#
# Make trusts dates, and a file restored from a copy comes back with its old one.  So the
# checksums of all sources are kept in BUILD/sources.sum, and a source whose contents differ
# from what was seen last gets the present date.
#
# BUILD/reads.mk says which data sets each claim program reads: those that the line "- Reads"
# of its first comment names in backquotes, or all of them if it has no such line.  It is
# rewritten only if that changes, for instance by a new data set.
set -eu
build=$1
mkdir -p "$build"
keep() { # replaces FILE by FILE.new if they differ, else leaves its date
    if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

find src figures paper datasets -type f -exec sha256sum {} + 2>/dev/null | sort >"$build/sources.sum.new"
if [ -e "$build/sources.sum" ]; then
    comm -13 "$build/sources.sum" "$build/sources.sum.new" | cut -c 67- |
        while IFS= read -r file; do
            [ "$file" -nt "$build/sources.sum" ] || touch "$file"
        done
fi
keep "$build/sources.sum"

awk '
    FNR == 1 { flush(); name = FILENAME; sub(/.*\//, "", name); sub(/\.c$/, "", name) }
    /^- Reads/ { inside = found = 1 }
    inside && /^- / && !/^- Reads/ { inside = 0 }
    inside {
        while (match($0, /`[^`]*`/)) {
            print name, substr($0, RSTART + 1, RLENGTH - 2)
            $0 = substr($0, RSTART + RLENGTH)
        }
    }
    inside && /\*\// { inside = 0 }
    END { flush() }
    function flush() {
        if (name != "" && !found)
            print name, "*.tree\n" name, "*/*.tsv"
        inside = found = 0
    }' src/claims/*.c |
    while read -r name pattern; do
        for file in datasets/$pattern; do
            [ ! -e "$file" ] || echo "\$(BUILD)/id/$name.seen: $file"
        done
    done >"$build/reads.mk.new"
keep "$build/reads.mk"

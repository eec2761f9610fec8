#!/bin/sh
# The rooms keep to themselves, as src/README.md says: a file includes only headers of its own room
# and of rooms above it in the table there; a header that says "private" only those of its room; what
# an archive shows to the linker is declared in a header of its room, and bears the library's name.
. tests/cli.sh
sed -n 's/^| \[\([a-z/]*\)\](.*/\1/p' src/README.md >"$scratch/rooms"
for room in $(find src -name '*.c' -exec dirname {} + | sort -u | sed 's|^src/||'); do
    grep -qx "$room" "$scratch/rooms" || complain "src/README.md does not list the room $room"
done

# includer, its room, the file included, its room: of every include in quotes
find src -name '*.[ch]' -exec grep -n '^ *# *include "' {} + |
    sed 's/^\([^:]*\):[0-9]*: *# *include "\([^"]*\)".*/\1 \2/' |
    while read -r file included; do
        room=${file%/*}
        if [ -f "$room/$included" ]; then
            target=$room/$included
        elif [ -f "src/$included" ]; then
            target=src/$included
        else
            target=none/none
        fi
        echo "$file ${room#src/} $target $(dirname "${target#src/}")"
    done >"$scratch/includes"
[ "$(wc -l <"$scratch/includes")" -gt 50 ] || complain 'the includes were not found'
while read -r file room target other; do
    [ "$room" = "$other" ] && continue
    [ "$target" = none/none ] && complain "$file includes a file that is nowhere" && continue
    head -n 5 "$target" | tr '\n' ' ' | grep -q '(private' && complain "$file includes $target, which is private"
    awk -v a="$other" -v b="$room" '$0 == a { above = 1 } $0 == b { exit !above }' "$scratch/rooms" ||
        complain "$file includes $target, a room that is not above $room in src/README.md"
done <"$scratch/includes"

# Headers of the library say for whom they are.
for header in src/ndl/*.h src/audit/*.h; do
    head -n 5 "$header" | grep -q '(public)\|(private\|(for every room' || complain "$header says not for whom it is"
done
# Public headers of the library include only one another.
for header in $(grep -l '(public)' src/ndl/*.h); do
    for included in $(sed -n 's/^#include "\(.*\)"/\1/p' "$header"); do
        grep -q '(public)' "src/ndl/$included" || complain "$header is public and includes $included"
    done
done

for archive in "$BUILD"/lib/*.a; do
    name=$(basename "$archive" .a)
    name=${name#lib}
    room=$(grep -x "$name\|.*/$name" "$scratch/rooms")
    # C functions cloned for other processors have names with a dot.
    nm --defined-only --extern-only "$archive" | awk 'NF == 3 && $3 !~ /[.]/ {print $3}' >"$scratch/symbols"
    [ -s "$scratch/symbols" ] || complain "$archive shows nothing"
    cat "src/$room"/*.h >"$scratch/headers"
    while read -r symbol; do
        grep -qw "$symbol" "$scratch/headers" || complain "$symbol of $archive is declared in no header of src/$room"
        case $name:$symbol in
        ndl:ndl_* | files:ndl_* | audit:ndl_*) ;;
        ndl:* | files:* | audit:*) complain "$symbol of $archive does not begin with ndl_" ;;
        esac
    done <"$scratch/symbols"
done

# No file of the library is longer than 600 lines.
wc -l src/ndl/*.[ch] src/audit/*.[ch] | awk '$2 != "total" && $1 > 600 {print $2}' >"$scratch/long"
[ ! -s "$scratch/long" ] || complain "more than 600 lines: $(cat "$scratch/long")"
# Each folder's README has a line for each of its C files, by its name or that of its header.
for room in ndl audit; do
    for file in src/$room/*.c; do
        grep -q "\`$(basename "$file")\`" "src/$room/README.md" || complain "src/$room/README.md does not list $file"
    done
done
finish

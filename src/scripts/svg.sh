#!/bin/sh
# svg.sh IN.pdf OUT.svg -- a figure for pages: text as outlines, so that it looks the same wherever it is
# read.  Styles are named once and coordinates have two decimals, a third of the size.
set -eu
pdftocairo -svg "$1" "$2.raw"
awk '
{
    while (match($0, / style="[^"]*"/)) {
        style = substr($0, RSTART + 8, RLENGTH - 9)
        if (!(style in name)) { name[style] = "s" ++count; text[count] = style }
        $0 = substr($0, 1, RSTART) "class=\"" name[style] "\"" substr($0, RSTART + RLENGTH)
    }
    out = ""
    while (match($0, /\.[0-9][0-9][0-9]+/)) {
        out = out substr($0, 1, RSTART + 2)
        $0 = substr($0, RSTART + RLENGTH)
    }
    line[NR] = out $0
}
END {
    for (i = 1; i <= NR; i++) {
        print line[i]
        if (!styled && line[i] ~ /^<svg /) {
            styled = 1
            print "<style>"
            for (k = 1; k <= count; k++) print ".s" k " {" text[k] "}"
            print "</style>"
        }
    }
}' "$2.raw" >"$2"
rm "$2.raw"

# anchors.awk -- cuts the pieces of source that the paper quotes into files out/NAME.
#
#     // [anchor:NAME]
#     ... quoted lines ...
#     // [end:NAME]
#
# The indentation of the first line is taken off all of them.
# usage: awk -v out=DIR -f anchors.awk FILE...   A missing end or a second piece of the
# same name is an error; \codelisting of a name without a piece fails in LaTeX.
function fail(line, message) {
    printf "%s:%d: %s\n", FILENAME, line, message > "/dev/stderr"
    failed = 1
    exit 1
}
function name_in(text) {
    sub(/.*\[(anchor|end):/, "", text)
    sub(/\].*/, "", text)
    return text
}
FNR == 1 && open != "" { fail(begun, "anchor '" open "' has no end in its file") }
/\/\/ \[end:[a-z0-9_-]+\]/ {
    if (name_in($0) != open)
        fail(FNR, "end of '" name_in($0) "', but '" open "' is open")
    close(out "/" open)
    open = ""
    next
}
/\/\/ \[anchor:[a-z0-9_-]+\]/ {
    if (open != "")
        fail(FNR, "anchor inside '" open "'")
    indent = match($0, /[^ ]/) - 1
    open = name_in($0)
    begun = FNR
    if (open in seen)
        fail(FNR, "a second anchor '" open "'")
    seen[open] = 1
    printf "" > (out "/" open)
    next
}
open != "" { print (substr($0, 1, indent) ~ /^ *$/ ? substr($0, indent + 1) : $0) > (out "/" open) }
END {
    if (!failed && open != "")
        fail(begun, "anchor '" open "' has no end")
}

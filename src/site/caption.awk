# caption.awk -- the paper's caption of a figure, as LaTeX that pandoc reads.
#
# usage: awk -v figure=NAME -f caption.awk RESULT.tsv... SECTION.tex...
#
# The macro \result becomes the number of the result files.  Equations have no numbers outside
# of the paper: they are called by their label.
BEGIN {
    FS = "\t"
    print "\\newcommand\\RR{\\mathbb{R}}\\newcommand\\mean[1]{\\langle #1\\rangle}"
}
FILENAME ~ /\.tsv$/ {
    program = FILENAME
    sub(/.*\//, "", program)
    sub(/\.tsv$/, "", program)
    if (!/^#/)
        value[program "." $1] = $2
    next
}
index($0, "\\includegraphics{" figure "}") { found = 1 }
found && /\\caption[{]/ { inside = 1; sub(/.*\\caption[{]/, "") }
found && inside && /\\label[{]/ {
    sub(/}[ \t\n]*$/, "", text)
    while (match(text, /\\result(\[[0-9]\])?[{][^}]*}/)) {
        call = substr(text, RSTART, RLENGTH)
        digits = call ~ /\[/ ? substr(call, 9, 1) : 3
        key = call
        sub(/.*[{]/, "", key)
        sub(/}/, "", key)
        if (!(key in value)) {
            print "caption.awk: no result '" key "'" > "/dev/stderr"
            exit 2
        }
        text = substr(text, 1, RSTART - 1) sprintf("%." digits "g", value[key]) substr(text, RSTART + RLENGTH)
    }
    while (match(text, /\\[cC]ref[{][^}]*}/)) {
        key = substr(text, RSTART + 6, RLENGTH - 7)
        sub(/.*:/, "", key)
        text = substr(text, 1, RSTART - 1) "equation~\\emph{" key "}" substr(text, RSTART + RLENGTH)
    }
    print text (text ~ /equation~/ ? " Equations are the paper's." : "")
    exit
}
inside { text = text $0 "\n" }

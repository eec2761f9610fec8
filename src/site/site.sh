#!/bin/sh
# site.sh BUILD PAGE FIGURE... -- writes BUILD/site/PAGE.html: a claim program with its figures as a
# page, `index`, or one of the documents named in `document` below.  `make site` calls it for every
# page.
#
# A page loads style.css and images next to it and nothing else, so it can be read from a
# file, without a network.  TeX that pandoc cannot turn into MathML is an error.
set -eu
here=$(dirname "$0")
build=$1
page=$2
shift 2
figures=$*
site=$build/site
registry() { "$build/bin/registry" "$@" --results "$build/results"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="${HOME:-$work}" # not every pandoc starts without one

document() { # the file behind a page that is neither a claim nor the index
    case $1 in
    reproduce) echo REPRODUCE.md ;;
    datasets) echo datasets/README.md ;;
    audit) echo src/tools/AUDIT.md ;;
    esac
}
# Links between files of the repository become links between pages.
relink='s#\(href="\)\(\.\./\)*\(\./\)*#\1#
s#href="REPRODUCE\.md#href="reproduce.html#
s#href="datasets/README\.md#href="datasets.html#
s#href="\(src/tools/\)\{0,1\}AUDIT\.md#href="audit.html#
s#href="src/claims/\([a-z0-9_]*\)\.c"#href="\1.html"#'

render() { # TITLE INPUT FORMAT PANDOC-OPTION...
    title=$1 input=$2 format=$3
    shift 3
    pandoc "$input" --from "$format" --to html5 --mathml --fail-if-warnings --wrap=preserve \
        --template "$here/page.html" --metadata pagetitle="$title" "$@" --output "$work/page.html"
    awk -f "$here/mathml.awk" "$work/page.html" | sed "$relink" >"$site/$page.html.new"
    "$here/../scripts/whole.sh" "$site/$page.html.new"
    mv "$site/$page.html.new" "$site/$page.html"
}

links() { # DIRECTORY FILE...: Markdown links to DIRECTORY/FILE
    directory=$1 separator=
    shift
    for file; do
        [ -e "$file" ] || continue
        printf '%s[`%s`](%s)' "$separator" "${file#"$directory/"}" "$file"
        separator=', '
    done
}

# The data sets that a program names, in its code or after "Reads", as patterns: "panels/%c.tsv" is panels/?.tsv.
data_of() {
    for pattern in $(grep -o '["`][A-Za-z0-9_/%-]*\.\(tree\|tsv\)["`]' "$1" | tr -d '"`' | sed 's/%./?/; s/^\./*./' | sort -u); do
        for file in datasets/$pattern; do
            [ -e "$file" ] && echo "$file"
        done
    done | sort -u
}

# A page brings along what it refers to.  A reader's machine may lack the figures'
# font; and figures drawn for paper are a little small on a screen.
bring() {
    mkdir -p "$site/results" "$site/figures"
    for file in "$build/results/$page".tsv "$build/results/$page"-*.tsv; do
        [ ! -e "$file" ] || cp "$file" "$site/results"
    done
    for figure in $figures; do
        awk '{ gsub(/font-family="Latin Modern [A-Za-z]*/, "&, STIX Two Math, Cambria Math, Georgia, serif") }
            /^ *viewBox="0 0 / { printf " width=\"%.0f\" height=\"%.0f\"\n", 1.3 * $3, 1.3 * $4 }
            { print }' "$build/figures/$figure.svg" >"$site/figures/$figure.svg.new"
        mv "$site/figures/$figure.svg.new" "$site/figures/$figure.svg"
    done
    for file in $data; do
        mkdir -p "$site/$(dirname "$file")"
        cp "$file" "$site/$file"
    done
}

claim_page() {
    source=src/claims/$page.c
    data=$(data_of "$source")
    for figure in $figures; do # its caption in the paper
        registry caption "$figure" >"$work/caption.tex"
        pandoc "$work/caption.tex" --from latex --to markdown-smart --wrap=none --fail-if-warnings \
            --output "$work/$figure.caption"
    done
    registry status "$page" >"$work/status.md"
    registry page "$page" --captions "$work" >"$work/verdict.md"
    {
        printf '\n::: facts\n'
        (cd "$build" && printf 'Results: %s.  ' "$(links results results/"$page".tsv results/"$page"-*.tsv)")
        # shellcheck disable=SC2086  # a list of files without blanks
        [ -z "$data" ] || printf 'Data: %s ([formats](datasets.html)).  ' "$(links datasets $data)"
        printf 'Program: `%s`, which follows.\n:::\n' "$source"
    } >>"$work/verdict.md"
    bring
    awk -v status="$work/status.md" -v verdict="$work/verdict.md" -f "$here/literate.awk" "$source" >"$work/page.md"
    title=$(sed -n '1s/^\/\*\* *#* *//p' "$source" | tr -d '$`\\')
    neighbours=$(registry neighbours "$page" | sed 's/^/-V /')
    # shellcheck disable=SC2086  # options
    render "${title:-$page}" "$work/page.md" markdown-smart-fancy_lists $neighbours
}

mkdir -p "$site"
if [ "$page" = index ]; then
    {
        echo '# Sparse Optima: the claims'
        echo
        registry summary
        printf '\n::: facts\n'
        for other in reproduce datasets audit; do
            source=$(document $other)
            [ ! -e "$source" ] || printf '[%s](%s.html)  \n' "$(sed -n 's/^# //p' "$source" | head -n 1)" $other
        done
        printf ':::\n'
        registry index
    } >"$work/page.md"
    render Claims "$work/page.md" markdown-smart -V home=1
elif [ -n "$(document "$page")" ]; then
    source=$(document "$page")
    title=$(sed -n 's/^# //p' "$source" | head -n 1)
    # As on the forge: identifiers of headings, bare lists and autolinks.
    render "$title" "$source" gfm+tex_math_dollars
else
    claim_page
fi

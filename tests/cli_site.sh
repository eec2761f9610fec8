#!/bin/sh
# The pages of `make site`: all there, complete, readable without a network, every link good.
. tests/cli.sh
site=$BUILD/site
[ -s "$site/index.html" ] || { echo "no $site/index.html: make site"; exit 1; }

# Every program, claim and document has its place.
for source in src/claims/*.c; do
    page=$site/$(basename "$source" .c).html
    [ -s "$page" ] || complain "no $page"
    grep -q 'class="verdicts"' "$page" || complain "$page has no verdicts"
    grep -q '<h1' "$page" || complain "$page has no title"
done
for id in $(sed -n 's/^claim  *//p' src/claims/registry.txt); do
    grep -q "id=\"$id\"" "$site/index.html" || complain "claim $id is not in the index"
    grep -q "id=\"$id\"" "$site"/*.html || complain "claim $id is on no page"
    grep -q "<code>make claim-$id</code>" "$site/index.html" || complain "claim $id: no command in the index"
done
for page in reproduce datasets $([ -e src/tools/AUDIT.md ] && echo audit); do
    grep -q "href=\"$page.html\"" "$site/index.html" || complain "no link to $page.html in the index"
done

# Nothing is loaded from elsewhere, and nothing is run.
external() { # FILE...
    grep -nE '<script|<iframe|src="(https?:)?//|<link[^>]*href="(https?:)?//|@import|url\(' "$@"
}
external "$site"/*.html "$site"/*.css && complain 'the lines above load something'
# Every link within the site leads to a file and, with '#', to a place in it.
bad_links() { # DIRECTORY
    for page in "$1"/*.html; do
        grep -oE '(href|src)="[^"]*"' "$page" | sed 's/^[a-z]*="//; s/"$//' | sort -u | while read -r link; do
            case $link in http://* | https://* | mailto:*) continue ;; esac
            file=${link%%#*}
            target=$1/${file:-$(basename "$page")}
            [ -s "$target" ] || { echo "$page: $link"; continue; }
            case $link in *'#'*) grep -q "id=\"${link#*#}\"" "$target" || echo "$page: $link" ;; esac
        done
    done
}
bad_links "$site" >"$scratch/links"
[ -s "$scratch/links" ] && complain "links that lead nowhere:
$(cat "$scratch/links")"
# Outside of code every formula is MathML: no TeX, no dollar.
unrendered() { # FILE: what is left of its dollars and TeX
    awk '
    BEGIN { RS = "<" }
    { tag = $0; sub(/[ >].*/, "", tag); sub(/\n.*/, "", tag) }
    tag ~ /^(pre|code|annotation)$/ { depth++; next }
    tag ~ /^\/(pre|code|annotation)$/ { depth-- }
    !depth && (/\$/ || /class="math/ || />[^<]*\\[a-z]/) { print }' "$1"
}
for page in "$site"/*.html; do
    [ -z "$(unrendered "$page")" ] || complain "$page: formulas left over: $(unrendered "$page" | head -n 3)"
done
# SVG and CSS, too, have to be whole.
for figure in "$site"/figures/*.svg; do
    grep -q '</svg>' "$figure" || complain "$figure is cut off"
done

# These checks find what they are for.
mkdir "$scratch/site"
printf '<h1>x</h1><p>so $x$ <code>$HOME</code><pre>$</pre>\n<a href="none.html">a</a><a href="#b">b</a>' >"$scratch/site/a.html"
[ "$(bad_links "$scratch/site" | wc -l)" -eq 2 ] || complain 'the check of links finds too little'
[ "$(unrendered "$scratch/site/a.html" | wc -l)" -eq 1 ] || complain "the check of formulas finds: $(unrendered "$scratch/site/a.html")"
printf '<img src="https://example.org/x.png">' >"$scratch/site/b.html"
external "$scratch/site/b.html" >"$scratch/out" || complain 'the check of what is loaded finds nothing'

# The converter.
printf '/** # Title\n\nText $x$. */\n\n#include <a.h>\n\n/* plain */\nint a;\n\n/** More\n$\\Bigl(b\\Bigr)$\n*/\n\n' >"$scratch/a.c"
echo VERDICT >"$scratch/verdict"
echo STATUS >"$scratch/status"
cat >"$scratch/expected" <<'END'
# Title
STATUS

Text $x$.

VERDICT


~~~~~~~~ {.c .numberLines startFrom="5"}
#include <a.h>

/* plain */
int a;
~~~~~~~~

More
$\left(b\right)$

END
exits 0 awk -v status="$scratch/status" -v verdict="$scratch/verdict" -f src/site/literate.awk "$scratch/a.c"
same "$scratch/out" "$scratch/expected"
for source in src/claims/*.c; do
    page=$site/$(basename "$source" .c).html
    grep -q 'class="status"' "$page" || complain "$page: no verdict below the title"
    grep -q 'figcaption>Drawn' "$page" && complain "$page: a figure without a caption"
done
# A file that is cut off is seen, also one that gnuplot or pandoc takes for written.
for kind in svg html pdf; do
    case $kind in svg) whole='</svg>' ;; html) whole='</html>' ;; pdf) whole='%%EOF' ;; esac
    printf 'x\n%s\n' "$whole" >"$scratch/a.$kind.new" && exits 0 src/scripts/whole.sh "$scratch/a.$kind.new"
    printf 'x\n%s' "${whole%?}" >"$scratch/a.$kind.new" && exits 1 src/scripts/whole.sh "$scratch/a.$kind.new" && says 'cut off'
    : >"$scratch/a.$kind" && exits 1 src/scripts/whole.sh "$scratch/a.$kind"
done
exits 2 src/site/site.sh "$BUILD" no_such_program
says "no claim of the program 'no_such_program'"
[ ! -e "$site/no_such_program.html" ] || complain 'a page of a program that does not exist'
finish

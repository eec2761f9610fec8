#!/bin/sh
# What the paper, the figures and the registry say of each other; and no result typed by hand.
. tests/cli.sh
registry=$BUILD/bin/registry

exits 0 "$registry" check
exits 0 "$registry" table --check REPRODUCE.md

for section in paper/sections/*.tex; do
    grep -q "\\\\input{sections/$(basename "$section" .tex)}" paper/paper.tex ||
        complain "$section is not in paper/paper.tex"
done
# A figure is in the paper, begins with the style, and names every file that it reads.
for figure in figures/*.gp; do
    name=$(basename "$figure" .gp)
    [ "$name" = style ] && continue
    grep -q "includegraphics.*{$name}" paper/sections/*.tex || complain "$figure is in no section"
    grep -q '^load style$' "$figure" || complain "$figure does not load the style"
    for file in $(grep -v '^#' "$figure" | grep -oE '[a-z0-9_]+(-[a-z0-9_-]+)?\.tsv'); do
        grep -q "^# reads .*\b$file\b" "$figure" || complain "$figure reads $file, but does not say so"
    done
done

# Numbers: every decimal fraction, percentage and power of ten, and in running text every
# number of two or more digits, comes from \result or stands in paper/literals.txt
# with the reason why it is no result ("FILE<tab>NUMBER<tab>reason").
literals() { # FILE...: "FILE <tab> NUMBER" per occurrence
    awk '
    FNR == 1 { math = 0 }
    {
        line = $0
        gsub(/\\%/, "@percent@", line)
        sub(/%.*/, "", line)
        gsub(/@percent@/, "\\%", line)
        gsub(/\\\\\[[^]]*\]/, " ", line)
        gsub(/\\begin\{(equation|align|gather|multline)\*?\}/, "\\[", line)
        gsub(/\\end\{(equation|align|gather|multline)\*?\}/, "\\]", line)
        gsub(/\\(result|verdict|claimcommand|codelisting|ref|cref|Cref|eqref|label|input|includegraphics|begin|end|cite[a-z]*|url|href|hyperref|usepackage|documentclass|vspace|hspace|setlength)\**(\[[^]]*\])*(\{[^}]*\})?/, " ", line)
        file = FILENAME
        sub(/.*\//, "", file)
        while (match(line, /[0-9]+(\.[0-9]+)+|[0-9]+\\%|10\^\{[^}]*[0-9]\}|[0-9][0-9]+|\$|\\\[|\\\]/)) {
            token = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            if (token == "$") math = !math
            else if (token ~ /^\\/) math = token == "\\["
            else if (token ~ /[.%^]/ || !math) print file "\t" token
        }
    }' "$@"
}
literals paper/sections/*.tex | sort -u >"$scratch/found"
grep -v '^#' paper/literals.txt | grep . | cut -f 1,2 | sort -u >"$scratch/allowed"
comm -23 "$scratch/found" "$scratch/allowed" >"$scratch/typed"
[ -s "$scratch/typed" ] && complain "numbers typed in the paper (use \\result, or give a reason in paper/literals.txt):
$(cat "$scratch/typed")"
comm -13 "$scratch/found" "$scratch/allowed" >"$scratch/unused"
[ -s "$scratch/unused" ] && complain "paper/literals.txt allows what is not in the paper:
$(cat "$scratch/unused")"
grep -v '^#' paper/literals.txt | grep . | awk -F '\t' 'NF != 3 || $3 == "" { exit 1 }' ||
    complain 'paper/literals.txt: a line without a reason'
# The detector itself.
printf '\\[ 77 \\]\ngap of 0.25 and $x = 1.5$, 40\\%% of $10^{-3}$, 2 of 30; \\result[7]{a.b}. %% 7.7\n' >"$scratch/typed.tex"
[ "$(literals "$scratch/typed.tex" | cut -f 2 | tr '\n' ' ')" = '0.25 1.5 40\% 10^{-3} 30 ' ] ||
    complain "the detector of typed numbers finds: $(literals "$scratch/typed.tex")"

# Anchors: cut out without their indentation, and errors where an end is missing.
printf 'a\n  // [anchor:one]\n  b\n    c\n  // [end:one]\nd\n' >"$scratch/code.c"
mkdir "$scratch/anchors"
exits 0 awk -v out="$scratch/anchors" -f src/scripts/anchors.awk "$scratch/code.c"
printf 'b\n  c\n' >"$scratch/expected"
same "$scratch/anchors/one" "$scratch/expected"
exits 1 awk -v out="$scratch/anchors" -f src/scripts/anchors.awk "$scratch/code.c" "$scratch/code.c" && says 'a second anchor'
sed -i '/end:/d' "$scratch/code.c"
exits 1 awk -v out="$scratch/anchors" -f src/scripts/anchors.awk "$scratch/code.c" && says 'has no end'

# What the documents name exists: files, functions of the kit, targets of make.
documents="README.md REPRODUCE.md src/tools/AUDIT.md"
# shellcheck disable=SC2086 # a list of files without blanks
for file in $(grep -ohE '`(src|figures|paper|datasets|tests)/[A-Za-z0-9_./-]*`' $documents | tr -d '`' | grep -v mine | sort -u); do
    [ -e "$file" ] || complain "the documents name $file"
done
for name in $(grep -ohE '`claim_[a-z_]*`' $documents | tr -d '`' | sort -u); do
    grep -q "\b$name(" src/claims/kit/*.h || complain "the documents name $name"
done
for target in $(grep -ohE '(`|    )make [a-z-]+([ `=]|$)' $documents | sed 's/.*make //; s/[^a-z-].*//; s/^claim-.*/claim-ID/' | sort -u); do
    [ "$target" = claim-ID ] || grep -qE "^$target:" Makefile || complain "the documents name make $target"
done
finish

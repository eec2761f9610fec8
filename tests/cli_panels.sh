#!/bin/sh
# The committed panels are what the committed script makes, byte for byte, and
# are what datasets/README.md says of them.
set -eu
panels=$(dirname "$0")/../datasets/panels
made=$(mktemp)
trap 'rm -f "$made"' EXIT

fail() { echo "cli_panels: $*" >&2; exit 1; }

for panel in A B C; do
    awk -v panel=$panel -f "$panels/panels.awk" > "$made"
    cmp "$made" "$panels/$panel.tsv" || fail "$panel.tsv differs"
    # The smaller margin of the pair, from the definition: passes by more than
    # 0.05 in A and C, fails by more than 0.05 in B; every off set has 20 samples.
    awk -v panel=$panel '
        /^#/ { next }
        { z[1, ++n] = $1; z[2, n] = $2; mean[1] += $1; mean[2] += $2 }
        END {
            h = 0.3
            worst = 1
            for (k = 1; k <= 2; k++) {
                off = 0
                for (i = 1; i <= n; i++)
                    if (z[k, i] == 0) {
                        t = 1 - z[3 - k, i] / (mean[3 - k] / n)
                        if (!off++) low = high = t
                        if (t < low) low = t
                        if (t > high) high = t
                    }
                if (off < 20 || n < 300 || n > 400) exit 1
                if (h - low < worst) worst = h - low
                if (high - h < worst) worst = high - h
            }
            exit panel == "B" ? worst >= -0.05 : worst <= 0.05
        }' "$made" || fail "$panel is not what it should be"
done
[ "$(grep -vc '^#' "$panels/cosines.tsv")" = 3 ] || fail 'cosines.tsv: not three rows'
status=0
awk -v panel=D -f "$panels/panels.awk" > "$made" 2> /dev/null || status=$?
[ $status -eq 64 ] && [ ! -s "$made" ] || fail "panel D: exit $status"

# reads exclusion-grid.tsv exclusion-never.tsv exclusion-turn.tsv
width = 17.8
height = 5.8
load style

grid = results . "/exclusion-grid.tsv"
never = results . "/exclusion-never.tsv"
turn = results . "/exclusion-turn.tsv"
stays = "pointtype 7 pointsize 0.25 linecolor rgb '#000000'"
leaves = "pointtype 2 pointsize 0.4 linewidth 1 linecolor rgb '#b2182b'"
set multiplot
set tmargin at screen 0.915; set bmargin at screen 0.155

set title panel("a", "sometimes both off, all or nothing") offset 0,-0.6
set xlabel "{/:Italic h} = {/:Italic d}_1 · {/:Italic d}_2" offset 0,0.6
set ylabel "rate {/:Italic p} of feature 1" offset 0.8,0
set xrange [-1.02:0.65]
set yrange [0:1]
set xtics -1, 0.5, 0.5
set ytics 0.2
set samples 400
set lmargin at screen 0.055; set rmargin at screen 0.255
set key at screen 0.405, 0.53 center right samplen 1.2
plot (x >= -1 && x <= 0 ? 1 / (1 - x) : NaN) with filledcurves y1=1 linecolor rgb "#f0d0d0" fillstyle solid 1 notitle, \
     grid using ($4 == 1 ? $1 : NaN):2 with points @stays title "stays", \
     grid using ($4 == 0 ? $1 : NaN):2 with points @leaves title "leaves", \
     (x >= -1 && x <= 0 ? 1 / (1 - x) : NaN) with lines linetype 1 title "{/:Italic p} = 1 / (1 − {/:Italic h})", \
     (x >= -1 && x <= -1.0/3 ? 1.5 / (1 - x) : NaN) with lines linetype 3 title "max {/:Italic z}_1 = 1.5", \
     "+" using (-1):(0.9) every ::0::0 with points pointtype 8 pointsize 0.9 linewidth 1.5 linecolor rgb "#000000" title "antipodal", \
     "+" using (-1):(0.7) every ::0::0 with points pointtype 12 pointsize 0.9 linewidth 1.5 linecolor rgb "#000000" title "dependent"

set title panel("b", "never both off, {/:Italic p} = 1/2")
set ylabel "spread of the activations"
set xrange [-0.95:0.95]
set xtics -0.5, 0.5, 0.5
set lmargin at screen 0.47; set rmargin at screen 0.705
plot (1 + x) / 2 with filledcurves y1=0 linecolor rgb "#f0d0d0" fillstyle solid 1 notitle, \
     never using ($4 == 1 ? $1 : NaN):2 with points @stays notitle, \
     never using ($4 == 0 ? $1 : NaN):2 with points @leaves notitle, \
     (1 + x) / 2 with lines linetype 1 notitle

set title panel("c", "where atom 1 goes, {/:Italic h} = −0.4")
set xlabel "rate {/:Italic p} of feature 1"
set ylabel "turn of atom 1 (radians)" offset 1.2,0
set xrange [0.59:0.95]
set yrange [-0.01:0.29]
set xtics 0.6, 0.1, 0.9
set ytics 0.1
set lmargin at screen 0.77; set rmargin at screen 0.99
set key at graph 0.03, 0.97 top left Left reverse
set arrow 1 from 0.84, 0.235 to 0.84, 0.28 filled size 0.008,20 linewidth 1
set label 2 "collapses" at 0.85, 0.25 left
h = -0.4
plot (x <= 0.84 ? (x > 1 / (1 - h) ? acos(h) - acos(1 - 1 / x) : 0) : NaN) with lines linetype 1 title "predicted", \
     turn using ($3 == 0 ? $1 : NaN):4 with points pointtype 6 pointsize 0.5 linecolor rgb "#b2182b" title "solver"
unset multiplot

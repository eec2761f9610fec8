# reads exclusion-turn.tsv
height = 5
load style

turn = results . "/exclusion-turn.tsv"
set lmargin at screen 0.115; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.19
set xlabel "rate {/:Italic p} of feature 1" offset 0,0.7
set ylabel "turn of atom 1 (radians)" offset 0.8,0
set xrange [0.59:0.95]
set yrange [-0.01:0.29]
set xtics 0.6, 0.1, 0.9
set ytics 0, 0.1, 0.2
set key at graph 0.03, 0.95 top left Left reverse
set arrow 1 from 0.84, 0.235 to 0.84, 0.28 filled size 0.008,20 linewidth 1
set label 2 "collapses" at 0.85, 0.25 left
h = -0.4
plot (x <= 0.835 ? (x > 1 / (1 - h) ? acos(h) - acos(1 - 1 / x) : 0) : NaN) with lines linetype 1 title "predicted", \
     turn using ($3 == 0 ? $1 : NaN):4 with points pointtype 6 pointsize 0.5 linecolor rgb "#b2182b" title "solver"

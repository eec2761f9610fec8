# reads exclusion-grid.tsv
height = 5.4
load style

grid = results . "/exclusion-grid.tsv"
set lmargin at screen 0.115; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.17
set xlabel "cosine {/:Italic h} of the two atoms" offset 0,0.7
set ylabel "rate {/:Italic p} of feature 1" offset 0.8,0
set xrange [-1.03:0.65]
set yrange [0:1]
set xtics -1, 0.5, 0.5
set ytics 0, 0.2, 1
set samples 400
unset key
set label 1 "leaves" at -0.89, 0.85 left front boxed bs 1
set label 2 "{/:Italic p} = 1 / (1 − {/:Italic h})" at -0.49, 0.55 left front boxed bs 3
set label 3 "stays" at 0.11, 0.30 left front boxed bs 3
set style textbox 3 opaque noborder fillcolor rgb "#ffffff" margins 0.5, 0.5
edge(x) = x >= -1 && x <= 0 ? 1 / (1 - x) : NaN
plot edge(x) with filledcurves y1=1 linecolor rgb red fillstyle solid 1, \
     edge(x) with lines linetype 1, \
     grid using ($4 == 1 ? $1 : NaN):2 with points pointtype 7 pointsize 0.2 linecolor rgb "#2166ac", \
     grid using ($4 == 0 ? $1 : NaN):2 with points pointtype 2 pointsize 0.35 linewidth 1 linecolor rgb "#b2182b"

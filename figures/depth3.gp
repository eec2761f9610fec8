# reads depth3-grid.tsv depth3-curve.tsv depth3-angle.tsv depth3-merging.tsv
# One atom short in a tree of depth 3: found (points) and predicted for a family on its own (areas).
width = 14
height = 5
load style

curve = results . '/depth3-curve.tsv'
merging = results . '/depth3-merging.tsv'
filled = 'points linecolor rgb "#000000" pointtype 7 pointsize 0.35'
hollow = 'points linecolor rgb "#000000" pointtype 6 pointsize 0.4 linewidth 0.7'
set multiplot
unset key
set tmargin at screen 0.9; set bmargin at screen 0.19
set logscale x
set xlabel "child frequency {/:Italic r}" offset 0, 0.6
set xrange [0.04:0.34]
set xtics ("0.05" 0.05, "0.1" 0.1, "0.2" 0.2, "0.3" 0.3)
set object 1 rectangle from graph 0, graph 0 to graph 1, graph 1 fillcolor rgb blue fillstyle solid 1 noborder behind

set lmargin at screen 0.08; set rmargin at screen 0.47
set title panel("a", "siblings at right angles") offset 0, -0.6
set logscale y
set ylabel "penalty " . lambda offset 1
set yrange [0.002:0.5]
set ytics ("0.01" 1e-2, "0.1" 1e-1)
set label 1 "one missed" at 0.053, 0.1687 left front boxed bs 1
set label 2 "composed or mixed" at 0.11, 0.006716 left front boxed bs 2
plot curve using 1:2 with filledcurves y1=0.5 linecolor rgb red fillstyle solid 1, \
     curve using 1:2 with lines linetype 1, \
     results . '/depth3-grid.tsv' using 2:($1 == 6 && $5 == 1 && $6 == 1 ? $4 : NaN) with @filled, \
     '' using 2:($1 == 6 && $5 == 2 && $6 == 1 ? $4 : NaN) with @hollow

unset logscale y
set lmargin at screen 0.59; set rmargin at screen 0.99
set title panel("b", "siblings at an angle")
set ylabel "cosine of siblings " . rho
set yrange [-0.35:0.85]
set ytics -0.2, 0.2, 0.8
set label 1 "merged" at 0.053, 0.5 left front boxed bs 1
set label 2 "composed or mixed" at 0.11, -0.125 left front boxed bs 2
plot merging using 1:2 with filledcurves y1=0.85 linecolor rgb red fillstyle solid 1, \
     merging using 1:2 with lines linetype 1, \
     results . '/depth3-angle.tsv' using 2:($1 == 6 && $5 == 3 && $6 == 1 ? $3 : NaN) with @filled, \
     '' using 2:($1 == 6 && ($5 == 2 && $6 == 1 || $7 == 1) ? $3 : NaN) with @hollow
unset multiplot

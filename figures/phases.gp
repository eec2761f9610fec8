# reads phases-short.tsv phases-angle.tsv phases-curves.tsv
# Kinds of global optimum, found (points) and predicted (areas), for a parent with two exclusive children and two atoms.
height = 5
load style

curves = results . '/phases-curves.tsv'
filled = 'points linecolor rgb "#000000" pointtype 7 pointsize 0.25'
hollow = 'points linecolor rgb "#000000" pointtype 6 pointsize 0.3 linewidth 0.7'
set multiplot
unset key
set tmargin at screen 0.9; set bmargin at screen 0.19
set xlabel "child frequency {/:Italic q}" offset 0, 0.6
set xrange [0.0185:0.53]
set xtics ("0.02" 0.02, "0.05" 0.05, "0.1" 0.1, "0.2" 0.2, "0.4" 0.4)

set lmargin at screen 0.13; set rmargin at screen 0.485
set title panel("a", "siblings at right angles") offset 0, -0.6
set ylabel "penalty " . lambda offset 0.2
set logscale xy
set yrange [0.0007:0.8]
set ytics ("10^{−3}" 1e-3, "10^{−2}" 1e-2, "10^{−1}" 1e-1)
set object 1 rectangle from graph 0, graph 0 to graph 1, graph 1 fillcolor rgb blue fillstyle solid 1 noborder behind
set label 1 "one missed" at 0.023, 0.2985 left front boxed bs 1
set label 2 "composed" at 0.13, 0.00282 left front boxed bs 2
plot curves using 1:($2 < 0.8 ? $2 : 0.8) with filledcurves y1=0.8 linecolor rgb red fillstyle solid 1, \
     curves using 1:($2 < 0.8 ? $2 : NaN) with lines linetype 1, \
     curves using 1:($1 < 0.26 ? $3 : NaN) with lines linetype 2, \
     results . '/phases-short.tsv' using 1:($4 == 2 ? $2 : NaN) with @filled, \
     '' using 1:($4 == 4 ? $2 : NaN) with @hollow

set lmargin at screen 0.61; set rmargin at screen 0.985
set title panel("b", "siblings at an angle")
set ylabel "cosine of siblings " . rho offset 1.4
unset logscale y
set yrange [-0.35:0.75]
set ytics -0.2, 0.2, 0.6
set label 1 "merged" at 0.03, 0.43 left front boxed bs 1
set label 2 "composed" at 0.13, -0.13 left front boxed bs 2
plot curves using 1:($4 < 0.75 ? $4 : 0.75) with filledcurves y1=0.75 linecolor rgb red fillstyle solid 1, \
     curves using 1:($4 < 0.75 ? $4 : NaN) with lines linetype 1, \
     results . '/phases-angle.tsv' using 1:($4 == 3 ? $3 : NaN) with @filled, \
     '' using 1:($4 == 4 ? $3 : NaN) with @hollow
unset multiplot

# reads siblings-grid.tsv siblings-curve.tsv
# Independent children: found (points) and predicted (areas).
height = 4.6
load style

curve = results . '/siblings-curve.tsv'
set lmargin at screen 0.13; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.19
unset key
set logscale xy
set xlabel "child frequency {/:Italic q}" offset 0, 0.6
set xrange [0.037:0.53]
set xtics ("0.05" 0.05, "0.1" 0.1, "0.2" 0.2, "0.4" 0.4)
set ylabel "penalty " . lambda offset 0.2
set yrange [0.0007:0.8]
set ytics ("10^{−3}" 1e-3, "10^{−2}" 1e-2, "10^{−1}" 1e-1)
set object 1 rectangle from graph 0, graph 0 to graph 1, graph 1 fillcolor rgb blue fillstyle solid 1 noborder behind
set label 1 "absorbed" at 0.053, 0.2985 left front boxed bs 1
set label 2 "half absorbed: parent fires with a single child" at 0.053, 0.00473 left front boxed bs 2
plot curve using 1:2 with filledcurves y1=0.8 linecolor rgb red fillstyle solid 1, \
     curve using 1:2 with lines linetype 1, \
     curve using 1:3 with lines linetype 2, \
     results . '/siblings-grid.tsv' using 1:($3 == 1 ? $2 : NaN) with points linecolor rgb "#000000" pointtype 7 pointsize 0.3, \
     '' using 1:($3 == 5 ? $2 : NaN) with points linecolor rgb "#000000" pointtype 6 pointsize 0.35 linewidth 0.7

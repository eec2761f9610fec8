# reads tricritical-curve.tsv tricritical-path.tsv tricritical-limit.tsv
# a, the phases; b, the second atom on its way.
height = 5.6
load style
curve = results . '/tricritical-curve.tsv'
path = results . '/tricritical-path.tsv'
set multiplot
unset key
set tmargin at screen 0.905; set bmargin at screen 0.165

set lmargin at screen 0.09; set rmargin at screen 0.475
set xlabel "angle " . theta . " (degrees)" offset 0, 0.7
set ylabel "{/:Italic b} / (" . alpha . "{/:Italic  c})" offset 1.6
set title panel("a", "phases, " . alpha . " → 0") offset 0, -0.6
set logscale y
set xrange [40:140]
set yrange [0.5:16]
set xtics 40, 40, 120
set ytics ("0.5" 0.5, "1" 1, "2" 2, "4" 4, "8" 8, "16" 16)
set object 1 rectangle from graph 0, graph 0 to graph 1, graph 1 fillcolor rgb blue fillstyle solid 1 noborder behind
golden = 2 * acos((sqrt(5) - 1) / 2) * 180 / pi
set arrow 1 from golden, 0.5 to golden, 4 nohead linetype 3 front
set label 1 "merged" at 70, 0.72 center front
set label 2 "between" at 72, 2.1 center front
set label 3 "recovered" at 82, 11 center front
set label 4 "jump" at 108, 1.75 left front
plot curve using 1:2 with filledcurves y1=0.5 linecolor rgb red fillstyle solid 1, \
     curve using 1:4 with filledcurves y1=16 linecolor rgb "#ffffff" fillstyle solid 1, \
     curve using 1:4 with lines linetype 5, curve using 1:2 with lines linetype 1
unset logscale y
unset label
unset arrow
unset object

set lmargin at screen 0.61; set rmargin at screen 0.985
set xlabel "{/:Italic b} / (" . alpha . "{/:Italic  c})" offset 0, 0.7
set title panel("b", "the second atom")
set ylabel "its angle (degrees)" offset 1.4
set xrange [0:5]
set yrange [20:150]
set xtics 0, 1, 5
set ytics 20, 40, 140
set label 1 theta . " = 140°" at 4.9, 130 right
set label 2 "120°" at 4.9, 113 right
set label 3 "90°" at 4.9, 87 right
set label 4 "60°" at 4.9, 61 right
symbol(i) = word("6 4 9 11", i + 1) + 0
plot for [i = 0:3] results . '/tricritical-limit.tsv' every :::i::i using 2:3 with lines linetype 1 linewidth 1, \
     for [i = 0:3] path every :::i::i using 2:4 with points linecolor rgb "#404040" pointtype symbol(i) pointsize 0.3
unset multiplot

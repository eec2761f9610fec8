# reads diagram-boundary.tsv tricritical-curve.tsv tricritical-line.tsv tricritical-path.tsv tricritical-limit.tsv
# a, the phases; b, the boundary of merging; c, the second atom on its way.
width = 17.8
height = 6.4
load style
boundary = results . '/diagram-boundary.tsv'
curve = results . '/tricritical-curve.tsv'
set multiplot layout 1, 3 margins 0.05, 0.99, 0.145, 0.93 spacing 0.07

set xlabel theta . " (degrees)" offset 0, 0.6
set ylabel "{/:Italic b} / (" . alpha . "{/:Italic  c})" offset 1.6
set title panel("a", "phases, " . alpha . " → 0") offset 0, -0.6
set logscale y
set ytics (0.5, 1, 2, 4, 8, 16)
set xrange [38:142]
set yrange [0.5:16]
set xtics 40, 20, 140
unset key
set label 1 "merged" at 90, 0.8 center
set label 2 "between" at 110, 3 center
set label 3 "recovered" at 70, 9 center
plot curve using 1:4 with lines linetype 5, curve using 1:2 with lines linetype 1
unset logscale y
unset label

set title panel("b", "where merging ends")
set yrange [0.84:1.45]
set ytics 0.9, 0.1, 1.4
# In the empty corner below the curves.
set key at graph 1.0, 0.01 right bottom Left reverse samplen 1.6 maxrows 3 width -2
plot boundary every :::1::1 using 2:4 with lines linetype 3 title alpha . " = 0.1", \
     boundary every :::0::0 using 2:4 with lines linetype 2 title alpha . " = 0.02", \
     curve using 1:2 with lines linetype 1 title alpha . " → 0", \
     results . '/tricritical-line.tsv' using 2:($3 < 1.44 ? $3 : NaN) with lines linetype 5 title "tricritical", \
     boundary using 2:($5 < 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 6 pointsize 0.4 \
         title "continuous", \
     boundary using 2:($5 >= 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 7 pointsize 0.4 \
         title "jump"

set xlabel "{/:Italic b} / (" . alpha . "{/:Italic  c})" offset 0, 0.6
set title panel("c", "the second atom")
set ylabel "angle (degrees)" offset 0.8
set xrange [0:5]
set yrange [20:150]
set xtics 0, 1, 5
set ytics 20, 20, 140
path = results . '/tricritical-path.tsv'
unset key
set label 1 theta . " = 140°" at 4.9, 114 right
set label 2 "120°" at 4.9, 97 right
set label 3 "90°" at 4.9, 71 right
set label 4 "60°" at 4.9, 45 right
symbol(i) = word("6 4 9 11", i + 1) + 0
plot for [i = 0:3] results . '/tricritical-limit.tsv' every :::i::i using 2:3 with lines linetype 1 linewidth 1, \
     for [i = 0:3] path every :::i::i using 2:4 with points linecolor rgb "#404040" pointtype symbol(i) pointsize 0.4
unset multiplot

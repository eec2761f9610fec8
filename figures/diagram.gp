# reads diagram-boundary.tsv tricritical-curve.tsv tricritical-line.tsv tricritical-path.tsv tricritical-limit.tsv
# Left, the phases; middle, the boundary of merging; right, the second atom on its way.
width = 17.8
height = 6
load style
boundary = results . '/diagram-boundary.tsv'
curve = results . '/tricritical-curve.tsv'
set multiplot layout 1, 3 margins 0.055, 0.99, 0.17, 0.96 spacing 0.075

set xlabel "{/:Italic θ} (degrees)" offset 0, 0.4
set ylabel "{/:Italic b} / ({/:Italic α c})" offset 1.6
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

set yrange [1.02:2]
set ytics 1.1, 0.1, 1.5
set key at graph 0.02, 0.99 left top Left reverse samplen 1.6
plot boundary every :::1::1 using 2:4 with lines linetype 3 title "predicted, {/:Italic α} = 0.1", \
     boundary every :::0::0 using 2:4 with lines linetype 2 title "0.02", \
     curve using 1:2 with lines linetype 1 title "limit 0", \
     results . '/tricritical-line.tsv' using 2:($3 < 1.47 ? $3 : NaN) with lines linetype 5 title "tricritical", \
     boundary using 2:($5 < 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 6 pointsize 0.4 \
         title "measured, continuous", \
     boundary using 2:($5 >= 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 7 pointsize 0.4 \
         title "measured, jump"

set xlabel "{/:Italic b} / ({/:Italic α c})" offset 0, 0.4
set ylabel "second atom (degrees)" offset 0.8
set xrange [0:5]
set yrange [20:150]
set xtics 0, 1, 5
set ytics 20, 20, 140
path = results . '/tricritical-path.tsv'
set key samplen 1 maxrows 2
plot for [i = 0:3] results . '/tricritical-limit.tsv' every :::i::i using 2:3 with lines linetype 1 linewidth 1 notitle, \
     path every :::3::3 using 2:4 with points linecolor rgb "#404040" pointtype 11 pointsize 0.4 \
         title "{/:Italic θ} = 140°", \
     path every :::2::2 using 2:4 with points linecolor rgb "#404040" pointtype 9 pointsize 0.4 title "120°", \
     path every :::1::1 using 2:4 with points linecolor rgb "#404040" pointtype 4 pointsize 0.4 title "90°", \
     path every :::0::0 using 2:4 with points linecolor rgb "#404040" pointtype 6 pointsize 0.4 title "60°"
unset multiplot

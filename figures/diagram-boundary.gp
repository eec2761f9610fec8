# reads diagram-boundary.tsv tricritical-curve.tsv tricritical-line.tsv
# The boundary of merging at three penalties.
width = 10
height = 6
load style
boundary = results . '/diagram-boundary.tsv'
set lmargin at screen 0.12; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.16
set xlabel "angle " . theta . " (degrees)" offset 0, 0.7
set ylabel "{/:Italic b} / (" . alpha . "{/:Italic  c})" offset 0.8
set xrange [38:142]
set yrange [0.84:1.45]
set xtics 40, 20, 140
set ytics 0.9, 0.1, 1.4
# In the empty corner below the curves.
set key at graph 1.0, 0.01 right bottom Left reverse samplen 1.6 maxrows 3 width -2
plot boundary every :::1::1 using 2:4 with lines linetype 3 title alpha . " = 0.1", \
     boundary every :::0::0 using 2:4 with lines linetype 2 title alpha . " = 0.02", \
     results . '/tricritical-curve.tsv' using 1:2 with lines linetype 1 title alpha . " → 0", \
     results . '/tricritical-line.tsv' using 2:($3 < 1.44 ? $3 : NaN) with lines linetype 5 title "tricritical", \
     boundary using 2:($5 < 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 6 pointsize 0.4 \
         title "continuous", \
     boundary using 2:($5 >= 0.5 ? $3 : NaN) with points linecolor rgb "black" pointtype 7 pointsize 0.4 \
         title "jump"

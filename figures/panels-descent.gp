# reads panels-descent.tsv
height = 4.4
load style

set lmargin at screen 0.15; set rmargin at screen 0.98
set tmargin at screen 0.97; set bmargin at screen 0.215
set xlabel "step " . epsilon . " along the direction" offset 0,0.8
set ylabel "change of loss / ({/:Italic N}" . lambda . ")" offset 0.6,0
set xrange [0:0.155]
set xtics 0, 0.05, 0.15
set yrange [-0.028:0.001]
set ytics -0.02, 0.01, 0
set label 1 "closed form" at 0.125, -0.0165 left
set label 2 "slope from the hull" at 0.083, -0.0195 right
set key at graph 0.03, 0.12 left Left reverse
plot results . "/panels-descent.tsv" using 1:3 with lines linetype 1, \
     "" using 1:4 with lines linetype 2, \
     "" using 1:2 every 2 with points linetype 5 pointsize 0.6 title "full loss"

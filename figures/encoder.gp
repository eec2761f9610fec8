# reads encoder-tilt.tsv
height = 4.8
load style

tilt = results . "/encoder-tilt.tsv"
set lmargin at screen 0.155; set rmargin at screen 0.985
set tmargin at screen 0.96; set bmargin at screen 0.2
set xlabel lambda offset 0,0.5
set ylabel "cosine of child and parent" offset 0.8,0
set logscale x
set xrange [0.02:0.25]
set xtics (0.025, 0.05, 0.1, 0.2)
set yrange [0:0.8]
set ytics 0.2
set key at graph 0.02, 0.68 top left Left reverse
plot tilt using 1:2 with linespoints linetype 1 title "exact codes", \
     tilt using 1:3 with linespoints linetype 2 title "ReLU encoder", \
     tilt using 1:4 with linespoints linetype 3 title "tied encoder"

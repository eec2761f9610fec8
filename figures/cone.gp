# reads cone-path.tsv cone-line.tsv
height = 4.6
width = 17.8
load style

path = results . "/cone-path.tsv"
line = results . "/cone-line.tsv"
set multiplot
set tmargin at screen 0.87; set bmargin at screen 0.21

set title panel("a", "local minima of K atoms, and what the cone makes of them") offset 0,-0.6
set lmargin at screen 0.075; set rmargin at screen 0.475
set xlabel "atoms" offset 0,0.7
set ylabel "loss over the bound" offset 1.2,0
set xrange [0.5:9.5]
set xtics 1
set logscale y
set yrange [0.9:15]
set ytics (1, 2, 5, 10)
set key top right
plot path using 1:2 with linespoints linetype 1 pointsize 0.5 title "learned dictionary", \
     path using 1:3 with linespoints linetype 2 pointsize 0.6 title "convex descent from there"

set title panel("b", "along the line, from three atoms") offset 0,-0.6
set lmargin at screen 0.58; set rmargin at screen 0.985
set xlabel "from the learned {/:Italic Q} to the minimum" offset 0,0.7
set xrange [0:1]
set xtics 0.5
plot line using 1:2 with lines linetype 1
unset multiplot

# reads concave-slopes.tsv concave-ratio.tsv concave-curve.tsv concave-path.tsv
height = 5.4
width = 17.8
load style

slopes = results . "/concave-slopes.tsv"
ratio = results . "/concave-ratio.tsv"
curve = results . "/concave-curve.tsv"
path = results . "/concave-path.tsv"
set multiplot
set tmargin at screen 0.9; set bmargin at screen 0.17

set title panel("a", "two conditions") offset 0,-0.6
set lmargin at screen 0.07; set rmargin at screen 0.32
set xlabel "{/\"Latin Modern Math\" 𝛿} of the logarithm" offset 0,0.6
set ylabel "slope of the way out" offset 0.2,0
set logscale x
set xrange [0.01:100]
set xtics ("0.01" 0.01, "0.1" 0.1, "1" 1, "10" 10, "100" 100)
set yrange [-0.35:0.35]
set ytics -0.2, 0.2, 0.2
set key at graph 0.98, 0.98 top right samplen 2.5
plot slopes using 1:3 with lines linetype 1 title "chunk missing", \
     slopes using 1:2 with points linetype 1, \
     slopes using 1:5 with lines linetype 2 title "hierarchy", \
     slopes using 1:4 with points linetype 2, \
     0 with lines linetype 5
unset logscale x

set title panel("b", "penalty as a child absorbs") offset 0,-0.6
set lmargin at screen 0.39; set rmargin at screen 0.65
set xlabel "tilt {/:Italic e} of the child's atom" offset 0,0.6
set ylabel "log {/:Italic z}_p + log {/:Italic z}_c" offset 0.2,0
set xrange [0:3]
set yrange [-0.6:0.1]
set xtics 0, 1, 3
set ytics -0.6, 0.2, 0
set key at graph 0.02, 0.06 bottom left Left reverse
plot path using ($1 < 2.5 ? $2 : NaN):3 with lines linetype 1 title rho . " = 2.4", \
     path using ($1 > 2.5 && $1 < 3 ? $2 : NaN):3 with lines linetype 2 title rho . " = 2 √2", \
     path using ($1 > 3 ? $2 : NaN):3 with lines linetype 3 title rho . " = 3.2"

set title panel("c", "metastable above the line") offset 0,-0.6
set lmargin at screen 0.72; set rmargin at screen 0.985
set xlabel "power {/:Italic p}" offset 0,0.6
set ylabel "ratio of parent to child" offset 1.2,0
set xrange [0:1]
set yrange [0:10]
set xtics 0, 0.2, 1
set ytics 0, 2, 10
unset key
plot curve using 1:2 with lines linetype 1, ratio using 1:2 with points linetype 2
unset multiplot

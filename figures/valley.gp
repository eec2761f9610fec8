# reads valley-edge.tsv budget-slope.tsv
height = 9.2
load style

edge = results . "/valley-edge.tsv"
budget = results . "/budget-slope.tsv"
set multiplot
set lmargin at screen 0.16; set rmargin at screen 0.985

set title panel("a", "a valley, and where it ends") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "tilt of the child's atom towards its parent" offset 0,0.7
set ylabel "change of the loss" offset 0.8,0
set xrange [-2:2]
set yrange [-0.045:0.035]
set xtics -2, 1, 2
set ytics -0.04, 0.02, 0.02
set key at graph 0.02, 0.06 bottom left Left reverse samplen 2.5
array price[3] = [0.04, 0.09, 0.25]
plot for [p = 1:3] edge using (abs($1 - price[p]) < 1e-9 ? $2 : NaN):4 with lines linetype p, \
     for [p = 1:3] edge every 3 using (abs($1 - price[p]) < 1e-9 ? $2 : NaN):3 with linespoints linetype p \
         title sprintf("price of a code %.2f", price[p])

set title panel("b", "too small a budget") offset 0,-0.6
set tmargin at screen 0.44; set bmargin at screen 0.105
set xlabel "codes that may be on" offset 0,0.7
set ylabel "slope of a tilt" offset 0.3,0
set xrange [0.5:8.5]
set yrange [-0.015:0.002]
set xtics 1, 1, 8
set ytics -0.015, 0.005, 0
set key at graph 0.98, 0.2 bottom right
plot budget using 1:2:(4 * $3) with yerrorbars pointtype 7 pointsize 0.4 dashtype solid linecolor rgb "#000000" title "independent features", \
     0 with lines linetype 5
unset multiplot

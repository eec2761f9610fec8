# reads share-pairs.tsv share-power.tsv
height = 4.6
width = 17.8
load style

pairs = results . "/share-pairs.tsv"
power = results . "/share-power.tsv"
set multiplot
set tmargin at screen 0.87; set bmargin at screen 0.21

set title panel("a", "every pair of every optimum is above its bound") offset 0,-0.6
set lmargin at screen 0.075; set rmargin at screen 0.475
set xlabel "bound" offset 0,0.7
set ylabel "share without the other feature" offset 1.2,0
set xrange [0:1.35]
set yrange [0:1.05]
set xtics 0.5
set ytics 0.5
set key bottom right
plot pairs using 2:3 with points pointtype 6 pointsize 0.3 linecolor rgb "#2166ac" title "pair of features", \
     x <= 1 ? x : NaN with lines linetype 1 title "bound"

set title panel("b", "a child that fires alone one time in fifty") offset 0,-0.6
set lmargin at screen 0.58; set rmargin at screen 0.985
set xlabel "samples" offset 0,0.7
set ylabel "data sets in which it shows" offset 1.2,0
set logscale x
set xrange [70:150000]
set xtics (100, 1000, "10 000" 10000, "100 000" 100000)
set yrange [-0.03:1.1]
unset key
set label 1 "by the share" at 1200, 0.88 left
set label 2 "by the hull" at 1200, 0.16 left
plot power using 1:3 with linespoints linetype 1 pointtype 7 pointsize 0.5, \
     power using 1:2 with linespoints linetype 2 pointtype 9 pointsize 0.6
unset multiplot

# reads necessity-angles.tsv
height = 5
load style

angles = results . "/necessity-angles.tsv"
rate(b, f) = sprintf('< awk ''!/^#/ && NF && $1 == %d && $2 == %d'' %s', b, f, angles)

set lmargin at screen 0.12; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.19
set xlabel "turn of every atom (degrees)" offset 0,0.8
set ylabel "share of problems that violate" offset 0.8,0
set logscale x
set xrange [0.07:130]
set yrange [0:0.85]
set xtics ("0.1" 0.1, "0.3" 0.3, "1" 1, "3" 3, "10" 10, "30" 30, "90" 90)
set ytics 0, 0.2, 0.8
set key top left Left reverse
bars = "dashtype solid linewidth 0.8"
plot rate(1, 1) using ($3*1.06):5:6:7 with yerrorbars linetype 1 @bars, \
     rate(1, 0) using ($3*1.02):5:6:7 with yerrorbars linetype 2 @bars, \
     rate(0, 1) using ($3*0.98):5:6:7 with yerrorbars linetype 3 @bars, \
     rate(0, 0) using ($3*0.94):5:6:7 with yerrorbars linetype 5 @bars, \
     rate(1, 1) using ($3*1.06):5 with linespoints linetype 1 title "all features, with a bias", \
     rate(1, 0) using ($3*1.02):5 with linespoints linetype 2 title "pairs, with a bias", \
     rate(0, 1) using ($3*0.98):5 with linespoints linetype 3 title "all features, no bias", \
     rate(0, 0) using ($3*0.94):5 with linespoints linetype 5 title "pairs, no bias"

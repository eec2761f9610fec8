# reads magnitudes-lambda.tsv
height = 4.8
width = 17.8
load style

data = results . "/magnitudes-lambda.tsv"
of(law, column) = column(1) == law ? column(column) : NaN
set multiplot
set tmargin at screen 0.87; set bmargin at screen 0.20
set logscale x
set xrange [0.0007:0.14]
set xtics (0.001, 0.01, 0.1)
set xlabel lambda offset 0,0.7

set title panel("a", "share of the parent that the child absorbs") offset 0,-0.6
set lmargin at screen 0.075; set rmargin at screen 0.475
set ylabel epsilon offset 1.2,0
set logscale y
set yrange [0.008:1]
set ytics (0.01, 0.03, 0.1, 0.3, 1)
plot for [l=0:4] data using ($1 == l ? $2 : NaN):6 with lines linetype l + 1, \
     for [l=0:4] data using ($1 == l ? $2 : NaN):3:4:5 with yerrorbars linetype l + 1 dashtype solid linewidth 0.8

set title panel("b", "both fire, of the samples of the child") offset 0,-0.6
set lmargin at screen 0.56; set rmargin at screen 0.76
unset logscale y
set ylabel "share" offset 1.2,0
set yrange [0.7:1.02]
set ytics 0.1
set key at screen 0.995, 0.83 right samplen 1.8 spacing 1.25
names = "exponential uniform"
name(l) = l == 2 ? "exponential, cosine ½" : l == 3 ? "vanishing like {/:Italic z}" : l == 4 ? "none below ½" : word(names, l + 1)
plot for [l=0:4] data using ($1 == l ? $2 : NaN):7 with linespoints linetype l + 1 title name(l)
unset multiplot

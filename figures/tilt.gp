# reads tilt-child.tsv tilt-lambda.tsv
height = 9.2
load style

tilt = results . "/tilt-child.tsv"
covariance = results . "/tilt-lambda.tsv"
set multiplot
set lmargin at screen 0.155; set rmargin at screen 0.985

set title panel("a", "how far the atom tilts") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "probability of the child, given the parent" offset 0,0.7
set ylabel "tilt (radians)" offset 0.8,0
set xrange [0:1]
set yrange [0:0.9]
set xtics 0.2
set ytics 0.2
set key bottom right samplen 2.5
plot tilt using ($1 == 1 ? $2 : NaN):7 with lines linetype 1 title "predicted, bias free", \
     tilt using ($1 == 0 ? $2 : NaN):7 with lines linetype 2 title "no bias", \
     tilt using ($1 == 1 ? $2 - 0.006 : NaN):3:5:6 with yerrorbars pointtype 7 pointsize 0.4 dashtype solid linecolor rgb "#000000" title "solver, bias free", \
     tilt using ($1 == 0 ? $2 + 0.006 : NaN):3:5:6 with yerrorbars pointtype 6 pointsize 0.45 dashtype solid linecolor rgb "#b2182b" title "no bias"

set title panel("b", "what is left") offset 0,-0.6
set tmargin at screen 0.44; set bmargin at screen 0.105
set xlabel lambda offset 0,0.7
set ylabel "covariance with the code" offset 0.3,0
set logscale x
set xrange [0.008:0.4]
set xtics (0.01, 0.03, 0.1, 0.3)
set yrange [-0.006:0.12]
set ytics 0.05
set key at graph 0.02, 0.72 top left Left reverse
plot covariance using 1:2 with linespoints linetype 5 pointtype 4 pointsize 0.5 title "along {/:Italic u}, before", \
     covariance using 1:4 with lines linetype 1 title "along {/:Italic u}, predicted", \
     covariance using 1:3 with points pointtype 7 pointsize 0.45 linecolor rgb "#000000" title "along {/:Italic u}, after", \
     covariance using 1:5 with linespoints linetype 2 pointtype 9 pointsize 0.55 title "normal to the new atom, after"
unset multiplot

# reads tilt-cloud.tsv tilt-child.tsv
height = 5
load style

cloud = results . "/tilt-cloud.tsv"
tilt = results . "/tilt-child.tsv"
entry(what, c) = real(system(sprintf("awk '!/^#/ && $1 == %d {print $%d}' '%s'", what, c, cloud)))
set multiplot
set tmargin at screen 0.9; set bmargin at screen 0.19

set title panel("a", "one draw") offset 0,-0.6
set lmargin at screen 0.085; set rmargin at screen 0.475
set xlabel "along the parent" offset 0,0.7
set ylabel "along the child" offset 1.2,0
set xrange [-0.05:1.75]
set yrange [-0.22:1.75]
set xtics 0, 0.5, 1.5
set ytics 0, 0.5, 1.5
unset key
bx = entry(3, 2); by = entry(3, 3); dx = entry(4, 2); dy = entry(4, 3)
set arrow 1 from 0, 0 to 1.72, 0 nohead linetype 3 front
set arrow 2 from bx, by to bx + 1.5 * dx, by + 1.5 * dy filled size 0.1,20 linewidth 2 linecolor rgb "#b2182b" front
set label 1 "with a child" at 0.03, 1.62 left
set label 2 "alone" at 0.35, -0.13 left
plot cloud using ($1 <= 1 ? $2 : NaN):3 with points pointtype 7 pointsize 0.2 linecolor rgb "#2166ac", \
     cloud using ($1 == 2 ? $2 : NaN):3 with points pointtype 6 pointsize 0.3 linewidth 0.8 linecolor rgb "#2166ac"
unset label
unset arrow

set title panel("b", "how far the atom tilts")
set lmargin at screen 0.6; set rmargin at screen 0.985
set xlabel "probability of the child" offset 0,0.7
set ylabel "tilt (radians)" offset 1.2,0
set xrange [0:1]
set yrange [0:0.9]
set xtics 0, 0.25, 1
set ytics 0, 0.3, 0.9
set label 1 "with a bias" at 0.04, 0.66 left
set label 2 "no bias" at 0.55, 0.3 left
plot tilt using ($1 == 1 ? $2 : NaN):7 with lines linetype 1, \
     tilt using ($1 == 0 ? $2 : NaN):7 with lines linetype 2, \
     tilt using ($1 == 1 ? $2 - 0.006 : NaN):3:5:6 with yerrorbars pointtype 7 pointsize 0.35 dashtype solid linewidth 0.8 linecolor rgb "#000000", \
     tilt using ($1 == 0 ? $2 + 0.006 : NaN):3:5:6 with yerrorbars pointtype 6 pointsize 0.4 dashtype solid linewidth 0.8 linecolor rgb "#b2182b"
unset multiplot

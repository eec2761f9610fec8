# reads treemax-tilt.tsv treemax-cosine.tsv
height = 9
load style

tilt = results . "/treemax-tilt.tsv"
cosine = results . "/treemax-cosine.tsv"
set multiplot
set lmargin at screen 0.155; set rmargin at screen 0.97

set title panel("a", "the norm along the tilt") offset 0,-0.6
set tmargin at screen 0.945; set bmargin at screen 0.605
set xlabel "tilt towards the parent" offset 0,0.7
set ylabel "mean norm / at the truth" offset 0.8,0
set xrange [-0.2:0.6]
set yrange [0.88:1.1]
set xtics 0.2
set ytics 0.05
set key bottom left Left reverse
plot tilt using 1:2 with lines linetype 3 title alpha . " = 1/2", \
     tilt using 1:3 with lines linetype 2 title alpha . " = 1", \
     tilt using 1:4 with lines linetype 1 title alpha . " = 2"

set title panel("b", "what the tree forbids")
set tmargin at screen 0.44; set bmargin at screen 0.105
set xlabel "cosine of declared child and parent" offset 0,0.7
set ylabel "steepest descent" offset 0.3,0
set xrange [-0.55:0.55]
set yrange [-0.55:0.03]
set xtics 0.25
set ytics 0.1
set key at graph 0.5, 0.62 center top Left reverse
plot cosine using 1:3 with lines linetype 1 title "predicted", \
     cosine using 1:5 with lines linetype 2 notitle, \
     cosine using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb "#000000" title "child and parent", \
     cosine using 1:4 with points pointtype 9 pointsize 0.55 linecolor rgb "#b2182b" title "independent", \
     cosine using 1:6 with points pointtype 6 pointsize 0.5 linecolor rgb "#808080" title "independent, L1"
unset multiplot

# reads levels-law.tsv levels-descent.tsv levels-cheap.tsv
height = 5
width = 17.8
load style

law = results . "/levels-law.tsv"
descent = results . "/levels-descent.tsv"
cheap = results . "/levels-cheap.tsv"
kappa = '{/"Latin Modern Math" 𝜅}'
set multiplot
set tmargin at screen 0.88; set bmargin at screen 0.2

set title panel("a", "where the tree is kept") offset 0,-0.6
set lmargin at screen 0.06; set rmargin at screen 0.32
set xlabel "ratio of the penalties " . kappa offset 0,0.5
set ylabel "cosine with the ancestor" offset 1.2,0
set xrange [0:0.55]
set yrange [0:0.75]
set xtics 0.1
set ytics 0.2
set key top left Left reverse
plot x with lines linetype 1 title kappa, \
     x**2 with lines linetype 2 title kappa . "^2", \
     law using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb "#000000" title "parent, solver", \
     law using 1:3 with points pointtype 6 pointsize 0.55 linecolor rgb "#b2182b" title "grandparent"

set title panel("b", "no direction descends")
set lmargin at screen 0.40; set rmargin at screen 0.66
set xlabel "tilt, over that of the law" offset 0,0.5
set ylabel "steepest descent" offset 1.2,0
set xrange [0:2]
set yrange [-0.23:0.02]
set xtics 0.5
set ytics 0.1
set key bottom center
plot descent using 1:2 with linespoints linetype 1 title "depth 2", \
     descent using 1:3 with linespoints linetype 2 title "depth 3"

set title panel("c", "who takes the cheap atom")
set lmargin at screen 0.74; set rmargin at screen 0.985
set xlabel "child over parent, {/:Italic t} / {/:Italic s}" offset 0,0.5
set ylabel "child's probability {/:Italic q}" offset 1.2,0
set xrange [0.2:1.8]
set yrange [0.2:0.55]
set xtics 0.4
set ytics 0.1
set key bottom left Left reverse
set label "composite" at 1.2, 0.47
set label "parent" at 0.35, 0.42
plot 1 / (1 + sqrt(1 + x**2)) with lines linetype 1 title "predicted", \
     cheap using ($2 < 0.3 ? $1 : NaN):3 with points pointtype 7 pointsize 0.5 linecolor rgb "#000000" title kappa . " = 0.2", \
     cheap using ($2 > 0.3 ? $1 : NaN):3 with points pointtype 6 pointsize 0.9 linecolor rgb "#b2182b" title kappa . " = 0.5"
unset multiplot

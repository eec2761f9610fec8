# reads wedge-best.tsv wedge-states.tsv
height = 4.6
width = 17.8
load style

best = results . "/wedge-best.tsv"
states = results . "/wedge-states.tsv"
set multiplot
set tmargin at screen 0.87; set bmargin at screen 0.21
set xrange [0.1:1.25]
set xtics 0.25
set xlabel "amplitude of the third sparse feature" offset 0,0.7

set title panel("a", "the global minimum, a line for each data set") offset 0,-0.6
set lmargin at screen 0.075; set rmargin at screen 0.475
set ylabel "smallest cosine of two atoms" offset 1.2,0
set yrange [-1.08:0.1]
set ytics 0.5
plot best using 2:3 with lines linetype 1 linewidth 0.6

set title panel("b", "local minima of one data set") offset 0,-0.6
set lmargin at screen 0.58; set rmargin at screen 0.985
set ylabel "loss over that of the best" offset 1.2,0
set yrange [0.98:1.42]
set ytics 0.1
set key top center samplen 2
plot states using ($1 == 0 ? $2 : NaN):3 with lines linetype 1 title "from the pair", \
     states using ($1 == 1 ? $2 : NaN):3 with lines linetype 2 title "wedge, third feature", \
     states using ($1 == 2 ? $2 : NaN):3 with lines linetype 4 title "wedge, another", \
     states using ($1 == 3 ? $2 : NaN):3 with lines linetype 4, \
     states using ($1 == 4 ? $2 : NaN):3 with lines linetype 3 title "single"
unset multiplot

# reads sharp-moved.tsv
height = 5.4
load style

moved = results . "/sharp-moved.tsv"
set lmargin at screen 0.17; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.175
set logscale xy
set xrange [5e-6:2e-2]
set format x "10^{%L}"
set format y "10^{%L}"
set xlabel "penalty, or noise" offset 0,0.7
set ylabel "movement of the atoms" offset 0.8,0
set key top left Left reverse samplen 2
plot moved using ($1 == 0 ? $2 : NaN):4 with lines linetype 1 title "bound, penalty alone", \
     moved using ($1 == 0 ? $2 : NaN):3 with points linetype 1 pointsize 0.5 title "solver", \
     moved using ($1 == 1 ? $2 : NaN):4 with lines linetype 2 title "bound, noise", \
     moved using ($1 == 1 ? $2 : NaN):3 with points linetype 2 pointsize 0.6 title "solver"

# divide.gp -- the atoms of K joined to their parents, and the loss.
# reads divide-tree.tsv divide-loss.tsv
width = 17.8
height = 5
load style

set multiplot
set xlabel 'atoms {/:Italic K}' offset 0,0.7
set xtics 1
set lmargin at screen 0.055
set rmargin at screen 0.66
set tmargin at screen 0.915
set bmargin at screen 0.195
set xrange [0.7:8.3]
set yrange [0.5:8.5]
set title panel('a', 'who divides') offset 0,-0.7
set ytics 1
set ylabel 'leaves for which an atom fires' offset 1
plot results . '/divide-tree.tsv' using 1:2 with lines linetype 1 linewidth 1.2, \
     '' using 1:2:(0.12 * $3) with points linetype 1 pointtype 7 pointsize variable
set title panel('b', 'loss')
set lmargin at screen 0.74
set rmargin at screen 0.99
set xtics 2
set ylabel 'loss / bound' offset 1
set yrange [0.8:4]
set ytics 1
set key top right
plot 1 with lines linetype 5 linewidth 0.7, \
     results . '/divide-loss.tsv' using 1:3 with lines linetype 1 title 'best partition', \
     '' using 1:2 with points linetype 2 pointsize 0.6 title 'learned'
unset multiplot

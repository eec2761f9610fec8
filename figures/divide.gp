# divide.gp -- the atoms of K joined to their parents.
# reads divide-tree.tsv
height = 4.8
load style

set lmargin at screen 0.1; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.18
set xlabel 'atoms {/:Italic K}' offset 0,0.6
set xtics 1, 1, 8
set xrange [0.7:8.3]
set yrange [0.5:8.5]
set ytics 1, 1, 8
set ylabel 'leaves for which an atom fires' offset 1
unset key
plot results . '/divide-tree.tsv' using 1:2 with lines linetype 1 linewidth 1.2, \
     '' using 1:2:(0.12 * $3) with points linetype 1 pointtype 7 pointsize variable

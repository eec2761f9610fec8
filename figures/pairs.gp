# pairs.gp -- when a dense feature among sparse ones has a partner.
# reads pairs-density.tsv
height = 4.6
load style

set lmargin at screen 0.12; set rmargin at screen 0.985
set tmargin at screen 0.97; set bmargin at screen 0.205
set xlabel 'rate {/:Italic p} at which the feature fires' offset 0,0.7
set ylabel 'share of samples' offset 0.8
set xrange [0:1]
set yrange [-0.02:0.6]
set xtics 0, 0.25, 1
set ytics 0, 0.2, 0.6
unset key
set label 1 'atom along {/:Italic u}' at 0.06, 0.42 left
set label 2 'atom along −{/:Italic u}: the partner' at 0.53, 0.09 left
set arrow from 0.5, graph 0 to 0.5, graph 1 nohead linetype 5 linewidth 0.7
plot results . '/pairs-density.tsv' using 1:5 with lines linetype 1, '' using 1:3 with lines linetype 2, \
     '' using 1:4 with points linetype 1 pointsize 0.5, \
     '' using 1:2 with points linetype 2 pointsize 0.6

# pairs.gp -- when a dense feature has a partner: density, and one atom too few.
# reads pairs-density.tsv pairs-budget.tsv
width = 17.8
height = 5
load style

set multiplot layout 1,2 margins 0.06,0.99,0.195,0.915 spacing 0.09
set xlabel 'rate {/:Italic p} at which the feature fires' offset 0,0.7
set ylabel 'activity' offset 1.2
set title panel('a', 'a feature that fires at rate {/:Italic p}') offset 0,-0.7
set xrange [0:1]
set yrange [-0.02:0.6]
set key bottom right samplen 1
set arrow from 0.5, graph 0 to 0.5, graph 1 nohead linetype 5 linewidth 0.7
plot results . '/pairs-density.tsv' using 1:5 with lines linetype 1, '' using 1:3 with lines linetype 2, \
     '' using 1:4 with points linetype 1 pointsize 0.5 title 'along {/:Italic u}', \
     '' using 1:2 with points linetype 2 pointsize 0.6 title 'along −{/:Italic u}: the partner'
unset arrow
unset key
set title panel('b', 'an atom too few')
set xlabel 'amplitude of the third sparse feature' offset 0,0.7
set ylabel 'smallest cosine of two atoms' offset 0.3
set xrange [0:1.08]
set yrange [-1.05:0.1]
plot results . '/pairs-budget.tsv' using 1:3:4:5 with yerrorbars linetype 1 pointsize 0.5, '' using 1:3 with lines linetype 1
unset multiplot

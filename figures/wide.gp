# wide.gp -- gap to the wide limit, live atoms and longest residual against K.
# reads wide-atoms.tsv
width = 17.8
height = 5
load style

file = results . '/wide-atoms.tsv'
set multiplot layout 1,2 margins 0.075,0.99,0.195,0.915 spacing 0.09
set xlabel 'atoms {/:Italic K}' offset 0,0.7
set xrange [0.3:16.7]
set xtics 4
set arrow from 8, graph 0 to 8, graph 1 nohead linetype 5 linewidth 0.7
set ylabel 'loss / bound − 1' offset 0
set title panel('a', 'gap to the bound') offset 0,-0.7
set logscale y
set format y '10^{%T}'
set yrange [3e-17:100]
set ytics 1e-16, 1e4, 1
set key at 16.5, 1e-5 right
plot file using 2:4:5 every :::0::0 with filledcurves linecolor rgb '#c0c0c0', \
     '' using 2:4:5 every :::1::1 with filledcurves linecolor rgb '#e0b0b0', \
     '' using 2:3 every :::0::0 with linespoints linetype 1 pointsize 0.45 title 'no bias', \
     '' using 2:3 every :::1::1 with linespoints linetype 2 pointsize 0.5 title 'with a bias'
unset logscale y
set title panel('b', 'atoms that fire')
set format y '%g'
set ylabel 'number' offset 0.8
set yrange [0:17]
set ytics 4
unset key
plot x with lines linetype 5 linewidth 0.7, \
     file using 2:6 every :::0::0 with linespoints linetype 1 pointsize 0.45 title 'no bias', \
     '' using 2:6 every :::1::1 with linespoints linetype 2 pointsize 0.5 title 'with a bias'
unset multiplot
